"""The run: ask the policy, evaluate, tell, until the exit policy ends it.

It reads and writes no files, and handles no signals; whoever runs it takes ``dicts`` at any moment
and saves it where they like.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import nullcontext
from functools import cached_property
from typing import Any

from attrs import evolve

from asktell.asking.known import Known
from strategies.adaptors import adaptor_for
from strategies.adaptors.base import Adaptor, Dataloader, TuneConfig
from strategies.conf import Conf
from strategies.errors import (
    ArgumentError,
    FirstEvaluationError,
    NotFiniteError,
    StrategyError,
)
from strategies.evaluation import Evaluation, error_text
from strategies.findings import Findings
from strategies.history import history_from_dict, history_to_dict
from strategies.objective import SIZE, Measurement, TuningGoal
from strategies.policies import Policy
from strategies.report import log_baseline, log_ignored, log_trial
from strategies.stopwatch import Clock, Stopwatch
from strategies.trial import Progress, Result, Trial
from strategies.tuning_space import Meaning, TuningSpace


class TuneStrategy(ABC):
    """Runs trials until the exit policy ends it. Each strategy is this class with its own policy.

    The arguments are those of the reference page.

    Args:
        model: the FP32 model, as the framework's adaptor takes it (a path or an object).
        conf: the configuration.
        q_dataloader: yields ``(input, label)`` for calibration; can be iterated repeatedly.
        q_func: reserved; must be None.
        eval_dataloader: yields ``(input, label)`` for evaluation, with a metric in the
            configuration. Either this or ``eval_func``.
        eval_func: takes a model, the object that the adaptor loaded or made, and returns its
            accuracy.
        dicts: what ``dicts`` of an earlier run returned, to go on exactly there.
        q_hooks: reserved; must be None.
        adaptor: the framework; None for the one that the configuration names.
        clock: returns seconds that never go back; times the trials and the whole run.

    Raises:
        ArgumentError: a ``ValueError``; the arguments do not fit each other.
        ConfError: a ``ValueError``; the configuration does not fit the model.
        ResumeError: a ``ValueError``; ``dicts`` is corrupt or belongs to something else.
    """

    @property
    @abstractmethod
    def policy(self) -> Policy:
        """Return what decides which params to try next."""

    def __init__(
        self,
        model: Any,
        conf: Conf,
        q_dataloader: Dataloader | None,
        q_func: None = None,
        eval_dataloader: Dataloader | None = None,
        eval_func: Any = None,
        dicts: Mapping[str, Any] | None = None,
        q_hooks: None = None,
        *,
        adaptor: Adaptor | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """Find out what can be tuned, and take up the earlier run if there is one."""
        if not isinstance(conf, Conf):
            raise ArgumentError("$.conf", conf, "a Conf")
        for name, reserved in (("q_func", q_func), ("q_hooks", q_hooks)):
            if reserved is not None:
                raise ArgumentError(f"$.{name}", reserved, "None: it is reserved")
        log_ignored(conf.ignored)
        self.conf = conf
        self.adaptor = adaptor or adaptor_for(conf)
        self.model = self.adaptor.load(model)
        self._evaluation = Evaluation(
            self.adaptor, self.model, conf, q_dataloader, eval_dataloader, eval_func
        )
        capability = self.adaptor.capability(self.model)
        self.tuning_space = TuningSpace.of(capability, conf, self.policy.by_exactness)
        self._digest = self.adaptor.digest(self.model)
        progress = Progress()
        if dicts is not None:
            progress = history_from_dict(dicts, self.policy, self._digest, conf, self.tuning_space)
        self._findings = Findings(progress, self.tuning_space, conf, self.policy.settings)
        self._clock = clock
        self._stopwatch = Stopwatch(clock, progress.seconds)
        self._best_model: tuple[int, Any] | None = None
        """With the number of its trial."""

    # --- running ---

    def traverse(self) -> Result | None:
        """Run until the exit policy ends it, and return the result; None without a success.

        Raises:
            FirstEvaluationError: as :meth:`run`.
        """
        for _ in self.run():
            pass
        return self.result()

    def run(self) -> Iterator[Trial]:
        """Run trial by trial. It can be left at any point and entered again.

        Raises:
            FirstEvaluationError: the FP32 model or the first quantised model cannot be evaluated;
                later trials fail instead.
            StrategyError: this strategy is running already.
        """
        if self._stopwatch.is_running:
            raise StrategyError("this strategy is running already: close that run first")
        with self._stopwatch:
            configs = self.next_tune_cfg()
            tune_cfg = next(configs, None)
            while tune_cfg is not None:
                trial = self._try(tune_cfg)
                try:
                    tune_cfg = configs.send(trial)
                except StopIteration:
                    tune_cfg = None
                log_trial(trial, self.conf.exit_policy.max_trials, self.best_trial())
                yield trial

    def next_tune_cfg(self) -> Generator[TuneConfig, Trial | None, None]:
        """Turn each ``yield`` into ask and tell: yield a tune configuration, and be sent its trial.

        What was pending when an earlier run stopped comes first. Configurations whose outcome is
        known are told without being yielded. One that is answered with None stays open, and is
        not yielded again by this generator.
        """
        self.measure_baseline()
        given: set[Meaning] = set()
        waiting = [suggestion.params for suggestion in self._findings.engine.pending]
        while not self.finished:
            params = waiting.pop(0) if waiting else self._ask(given)
            if params is None:
                return
            meaning = self.tuning_space.canonical(params)
            if meaning in given:
                continue
            if self._findings.knows(meaning):
                self._findings.repeat(params)
                continue
            given.add(meaning)
            trial = yield self.tuning_space.tune_cfg(params)
            if trial is not None:
                self._findings.add(params, trial)

    @property
    def finished(self) -> bool:
        """Tell whether the exit policy ends the run."""
        limits, trials = self.conf.exit_policy, self.trials
        if len(trials) >= limits.max_trials:
            return True
        if limits.timeout:
            return self._stopwatch.seconds >= limits.timeout
        return any(trial.meets for trial in trials)

    def measure_baseline(self) -> None:
        """Measure the FP32 model, unless that has been done; a run begins with it.

        Raises:
            FirstEvaluationError: it cannot be measured.
        """
        if self.baseline is not None:
            return
        with nullcontext() if self._stopwatch.is_running else self._stopwatch:
            self._findings.add_baseline(self._evaluation.first())
        space = self.tuning_space
        log_baseline(self.goal, len(space.operations), space.space.size or 0)

    def _ask(self, given: Collection[Meaning]) -> dict[str, Any] | None:
        """Return the params to try next: the default configuration first, then the policy's.

        If the default misses the criterion, the most exact one may go second.
        """
        findings, meaning_of = self._findings, self.tuning_space.canonical
        starts = [self.tuning_space.default()]
        if self.trials and not any(trial.meets for trial in self.trials):
            starts.append(self.tuning_space.most_exact())
        for params in starts:
            if not findings.knows(meaning_of(params)) and meaning_of(params) not in given:
                return params
        proposal = self.policy.ask(findings.engine, self._known, self.tuning_space.unquantised())
        if proposal is None:
            return None
        engine, params = proposal
        if engine is findings.engine and meaning_of(params) in given:
            return None  # the same again: nothing else is left until it is answered
        findings.advance(engine)
        return params

    @cached_property
    def _known(self) -> Known:
        """Return what need not be measured: the size."""
        if SIZE not in self.conf.measured:
            return {}
        size_of = self._evaluation.sizes()
        return {SIZE: lambda params: size_of(self.tuning_space.tune_cfg(params))}

    def _try(self, tune_cfg: TuneConfig) -> Trial:
        """Quantise and measure; whatever goes wrong makes a failed trial, but for the first."""
        started = self._clock()
        measurement, failure, model = None, None, None
        try:
            model, measurement = self._evaluation.attempt(tune_cfg, self.goal)
        except Exception as error:
            if not self.trials and not isinstance(error, TimeoutError | NotFiniteError):
                raise FirstEvaluationError(
                    f"the first quantised model cannot be made or evaluated: {error_text(error)}; "
                    "check q_dataloader, or leave operations out with quantization.op_wise"
                ) from error
            failure = error_text(error)
        trial = Trial(
            number=len(self.trials),
            params=self.tuning_space.params(tune_cfg),
            measurement=measurement,
            failure=failure,
            meets=measurement is not None and self.goal.meets(measurement),
            seconds=self._clock() - started,
        )
        if self._findings.improves(trial):
            self._best_model = trial.number, model
        return trial

    # --- knowing ---

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Return the trials so far, in order."""
        return self._findings.progress.trials

    @property
    def baseline(self) -> Measurement | None:
        """Return the measurement of the FP32 model; None before the run."""
        return self._findings.progress.baseline

    @property
    def goal(self) -> TuningGoal:
        """Return what is tuned for, relative to the FP32 model.

        Raises:
            StrategyError: the FP32 model has not been measured yet.
        """
        return self._findings.goal

    @property
    def seconds(self) -> float:
        """Return how long the run has taken so far."""
        return self._stopwatch.seconds

    def best_trial(self) -> Trial | None:
        """Return the best trial: one that meets the criterion, else the nearest to it.

        It is the first of equals, and None before the first success.
        """
        return self._findings.best

    def result(self) -> Result | None:
        """Return the best trial with its model, or None without a trial that succeeded.

        After a resume the model is quantised again; nothing is evaluated.
        """
        best = self.best_trial()
        if best is None:
            return None
        if self._best_model is None or self._best_model[0] != best.number:
            model = self._evaluation.quantize(self.tuning_space.tune_cfg(best.params))
            self._best_model = best.number, model
        return Result(best, self._best_model[1], best.meets, self._findings.front)

    @property
    def dicts(self) -> dict[str, Any]:
        """Return everything as plain JSON types; a strategy made with it goes on exactly here."""
        progress = evolve(self._findings.progress, seconds=self.seconds)
        return history_to_dict(progress, self.policy, self._digest, self.conf)
