"""The run: ask the policy, evaluate, tell, until the exit policy ends it.

It reads and writes no files, and handles no signals; whoever runs it takes ``dicts`` at any moment
and saves it where they like.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, nullcontext
from functools import cached_property
from typing import Any

from attrs import evolve

from asktell.drivers import Executor
from asktell.numbers import is_count
from strategies.adaptors import adaptor_for
from strategies.adaptors.base import Adaptor, Dataloader, TuneConfig
from strategies.asking import Asking
from strategies.attempting import Attempt
from strategies.conf import Conf
from strategies.crews import Crew, crew_for
from strategies.errors import ArgumentError, FirstEvaluationError, StrategyError
from strategies.evaluation import Evaluation
from strategies.findings import Findings
from strategies.history import Identity, history_from_dict, history_to_dict
from strategies.learning import learnt
from strategies.objective import SIZE, Measurement, TuningGoal
from strategies.policies import Context, Policy, is_smallest
from strategies.preparing import Hooks, Preparation
from strategies.report import log_baseline, log_ignored, log_trial
from strategies.stopwatch import Clock, Stopwatch
from strategies.timesheet import ASKING, Timesheet
from strategies.trial import Progress, Result, Trial
from strategies.tuning_space import TuningSpace


class TuneStrategy(ABC):
    """Runs trials until the exit policy ends it. Each strategy is this class with its own policy.

    The arguments are those of the reference page.

    Args:
        model: the FP32 model, as the framework's adaptor takes it (a path or an object).
        conf: the configuration.
        q_dataloader: yields ``(input, label)`` for calibration; can be iterated repeatedly.
        q_func: takes a copy of the FP32 model and returns the model to be quantised, or None if it
            changed the copy: trains, prunes or equalises it. Called once, here. Accuracy and
            objectives are still compared with those of the FP32 model as it was given.
        eval_dataloader: yields ``(input, label)`` for evaluation, with a metric in the
            configuration. Either this or ``eval_func``.
        eval_func: takes a model, the object that the adaptor loaded or made, and returns its
            accuracy.
        dicts: what ``dicts`` of an earlier run returned, to go on exactly there.
        q_hooks: functions by name: ``on_train_begin(q_dataloader)`` and ``on_train_end()`` around
            ``q_func``; ``before_quantize(model, tune_cfg)`` and ``after_quantize(model, tune_cfg)``
            around each quantisation, each of which returns the model to go on with, or None for the
            one that it got. Where there is one of these two, sizes are measured, not predicted.
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
        q_func: Callable[[Any], Any] | None = None,
        eval_dataloader: Dataloader | None = None,
        eval_func: Any = None,
        dicts: Mapping[str, Any] | None = None,
        q_hooks: Hooks | None = None,
        *,
        adaptor: Adaptor | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """Find out what can be tuned, and take up the earlier run if there is one."""
        if not isinstance(conf, Conf):
            raise ArgumentError("$.conf", conf, "a Conf")
        preparation = Preparation(q_func, q_hooks)
        log_ignored(conf.ignored)
        self.conf = conf
        self.adaptor = adaptor or adaptor_for(conf)
        self.timesheet = Timesheet(clock)
        self._original = self.adaptor.load(model)
        self.model = self._original
        self._evaluation = Evaluation(
            self.adaptor,
            self.model,
            conf,
            q_dataloader,
            eval_dataloader,
            eval_func,
            preparation.hooks,
            self.timesheet,
        )
        if q_func is not None:
            self.model = self.adaptor.load(preparation.prepared(self._original, q_dataloader))
            self._evaluation = evolve(self._evaluation, model=self.model, reference=self._original)
        digests = self.adaptor.digest(self._original), self.adaptor.digest(self.model)
        self._identity = Identity(digests[0], digests[1] if q_func is not None else None)
        self._evaluation = evolve(self._evaluation, digest=digests[1])
        capability = self.adaptor.capability(self.model)
        self.tuning_space = TuningSpace.of(capability, conf, self.policy.by_exactness)
        self.left_out = capability.left_out
        if digests[0] != digests[1]:
            self.tuning_space = evolve(self.tuning_space, is_prepared=True)
        progress = Progress()
        if dicts is not None:
            progress = history_from_dict(
                dicts, self.policy, self._identity, conf, self.tuning_space
            )
        self.timesheet.add(progress.parts)
        self._evaluation.remember(progress.measured)
        self._findings = Findings(progress, self.tuning_space, conf, self.policy.settings)
        self._clock = clock
        self._stopwatch = Stopwatch(clock, progress.seconds)
        self._best_model: tuple[int, Any] | None = None
        """With the number of its trial."""

    # --- running ---

    def traverse(
        self,
        workers: int | None = None,
        executor: Executor | Callable[[], Executor] | None = None,
    ) -> Result | None:
        """Run until the exit policy ends it, and return the result; None without a success.

        The arguments and errors are those of :meth:`run`.
        """
        for _ in self.run(workers, executor):
            pass
        return self.result()

    def run(
        self,
        workers: int | None = None,
        executor: Executor | Callable[[], Executor] | None = None,
    ) -> Generator[Trial, None, None]:
        """Run trial by trial. It can be left at any point and entered again.

        With workers, up to so many configurations are tried at once, and trials come in the order
        in which they end. Close the iterator to stop the workers; what they were at stays pending,
        and the next run begins with it.

        Args:
            workers: how many; None for ``tuning.workers`` of the configuration.
            executor: where they are: an executor of :mod:`asktell.drivers`, any other with the
                ``submit`` of ``concurrent.futures``, or a function that makes one. None for this
                process with one worker, and for processes of this computer with several.

        Raises:
            FirstEvaluationError: the FP32 model or the first quantised model cannot be evaluated;
                later trials fail instead.
            ArgumentError: a ``ValueError``; the number of workers is not an integer >= 1.
            NotSendableError: the model, the data or a function cannot be sent to a worker.
            ExecutorError: the executor cannot go on.
            StrategyError: this strategy is running already.
        """
        if self._stopwatch.is_running:
            raise StrategyError("this strategy is running already: close that run first")
        n = self.conf.workers if workers is None else workers
        if not is_count(n):
            raise ArgumentError("$.workers", workers, "an integer >= 1, or None")
        with self._stopwatch:
            self.measure_baseline()
            asking = self._asking()
            evaluation = evolve(self._evaluation, goal=self.goal)
            with closing(crew_for(evaluation, n, executor, self._clock)) as crew:
                while self._hand_out(asking, crew):
                    arrived = crew.take()
                    if arrived is not None:
                        trial = self._tell(asking, *arrived)
                        log_trial(trial, self.conf.exit_policy.max_trials, self.best_trial())
                        yield trial

    def next_tune_cfg(self) -> Generator[TuneConfig, Trial | None, None]:
        """Turn each ``yield`` into ask and tell: yield a tune configuration, and be sent its trial.

        What was pending when an earlier run stopped comes first. Configurations whose outcome is
        known are told without being yielded. One that is answered with None stays open, and is
        not yielded again by this generator.
        """
        self.measure_baseline()
        asking = self._asking()
        while not self.finished:
            params = self._asked(asking)
            if params is None:
                return
            trial = yield self.tuning_space.tune_cfg(params)
            if trial is not None:
                asking.tell(params, trial)

    def _asking(self) -> Asking:
        return Asking(self._findings, self.policy, lambda: self._context)

    def _asked(self, asking: Asking) -> dict[str, Any] | None:
        with self.timesheet.of(ASKING):
            return asking.ask()

    def _hand_out(self, asking: Asking, crew: Crew) -> bool:
        """Give the crew what it has room for, and tell whether there is anything to wait for.

        When the time is over nothing more is begun, but what is out is waited for.
        """
        if self._is_enough:
            return False
        most = self.conf.exit_policy.max_trials
        while crew.room and not self.finished and len(self.trials) + crew.n_out < most:
            params = self._asked(asking)
            if params is None:
                break
            crew.give(params, self.tuning_space.tune_cfg(params))
        return bool(crew.n_out) or not (crew.room or self.finished)

    def _tell(self, asking: Asking, params: dict[str, Any], attempt: Attempt) -> Trial:
        """Add what came of params as a trial, and return it.

        Raises:
            FirstEvaluationError: there is none yet, and it cannot be made or evaluated.
        """
        self.timesheet.add(attempt.parts)
        if attempt.is_mistake and not self.trials:
            raise FirstEvaluationError(
                f"the first quantised model cannot be made or evaluated: {attempt.failure}; "
                "check q_dataloader, or leave operations out with quantization.op_wise"
            ) from attempt.error
        measurement = attempt.measurement
        trial = Trial(
            number=len(self.trials),
            params=params,
            measurement=measurement,
            failure=attempt.failure,
            meets=measurement is not None and self.goal.meets(measurement),
            seconds=attempt.seconds,
            digest=attempt.digest,
        )
        if attempt.model is not None and self._findings.improves(trial):
            self._best_model = trial.number, attempt.model
        asking.tell(params, trial)
        return trial

    @property
    def finished(self) -> bool:
        """Tell whether the exit policy ends the run."""
        timeout = self.conf.exit_policy.timeout
        return self._is_enough or bool(timeout and self._stopwatch.seconds >= timeout)

    @property
    def _is_enough(self) -> bool:
        limits, trials = self.conf.exit_policy, self.trials
        if len(trials) >= limits.max_trials:
            return True
        return not limits.timeout and any(trial.meets for trial in trials)

    def measure_baseline(self) -> None:
        """Measure the FP32 model, and what is of use beforehand, unless that has been done.

        A run begins with it.

        Raises:
            FirstEvaluationError: it cannot be measured.
        """
        with nullcontext() if self._stopwatch.is_running else self._stopwatch:
            if self.baseline is None:
                self._findings.add_baseline(self._evaluation.first(self._original))
                space = self.tuning_space
                log_baseline(self.goal, len(space.operations), space.space.size or 0, self.left_out)
            if self._findings.progress.knowledge is None and self.policy.by_exactness:
                knowledge = learnt(self._evaluation, self.tuning_space, self._size_of, self._clock)
                self._findings.learn(knowledge)
                vars(self).pop("_context", None)  # it may have been asked for without

    @cached_property
    def _context(self) -> Context:
        """Return what is known without evaluating; not the size, where a hook may change it."""
        space, knowledge = self.tuning_space, self._findings.progress.knowledge
        sized = SIZE in self.conf.measured and not self._evaluation.is_changed
        fast = knowledge is not None and knowledge.time_price > 0.0 and knowledge.fastest
        return Context(
            known={SIZE: self._size_of} if sized else {},
            unquantised=space.unquantised(),
            starts=(fast or space.default(), space.most_exact()),
            variants=space.variants(),
            canonical=space.canonical,
            knowledge=knowledge,
        )

    @cached_property
    def _size_of(self) -> Callable[[Mapping[str, Any]], float]:
        """Return what works out the size of a configuration."""
        return self.tuning_space.size_of(self._evaluation.sizes())

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

    @property
    def seconds_by_part(self) -> dict[str, float]:
        """Return what the time went into, that with the most seconds first.

        The parts are those of :mod:`strategies.timesheet`: asking, quantising, evaluating (the
        accuracy), measuring (the objectives), saving, and waiting for workers, whose own seconds
        are added up.
        """
        return self.timesheet.seconds

    def best_trial(self) -> Trial | None:
        """Return the best trial: one that meets the criterion, else the nearest to it.

        It is the first of equals, and None before the first success.
        """
        return self._findings.best

    @property
    def is_smallest(self) -> bool:
        """Tell whether size is what matters and the best model is as small as any can be.

        A strategy that optimises then ends.
        """
        return self.baseline is not None and is_smallest(self._findings.engine, self._context)

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
        progress = evolve(
            self._findings.progress, seconds=self.seconds, parts=self.timesheet.seconds
        )
        return history_to_dict(progress, self.policy, self._identity, self.conf)
