"""What every strategy shares: the space, the goal, the exit policy, the history and ``dicts``.

A strategy only says which params to try next. It reads and writes no files, and handles no
signals; who runs it takes ``dicts`` at any moment and saves it where they like.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Generator, Iterator, Mapping
from typing import Any, ClassVar

from attrs import evolve, field, frozen

import asktell as at
from strategies.adaptors import adaptor_for
from strategies.adaptors.base import Adaptor, Dataloader, TuneConfig
from strategies.conf import Conf
from strategies.errors import ArgumentError, StrategyError
from strategies.evaluation import Evaluation
from strategies.history import history_from_dict, history_to_dict
from strategies.objective import Goal, Measurement
from strategies.trial import Progress, Trial
from strategies.tuning_space import Meaning, TuningSpace


@frozen
class Result:
    """The best trial, its model, and whether it meets the criterion."""

    trial: Trial
    model: Any = field(repr=False)
    meets: bool


class TuneStrategy(ABC):
    """The base of all strategies. The arguments are those of the reference page.

    Args:
        model: the FP32 model, as the framework's adaptor takes it (a path or an object).
        conf: the configuration.
        q_dataloader: yields ``(input, label)`` for calibration; can be iterated repeatedly.
        q_func: reserved; must be None.
        eval_dataloader: yields ``(input, label)`` for evaluation, with a metric in the
            configuration. Either this or ``eval_func``.
        eval_func: takes a model, the object that the adaptor loaded or made, and returns its
            accuracy.
        dicts: what ``dicts`` of an earlier run returned; the run goes on exactly there.
        q_hooks: reserved; must be None.

    Raises:
        ArgumentError: a ``ValueError``; the arguments do not fit each other.
        ConfError: a ``ValueError``; the configuration does not fit the model.
        ResumeError: a ``ValueError``; ``dicts`` is corrupt or belongs to something else.
    """

    name: ClassVar[str]
    settings: ClassVar[at.Settings] = at.Settings(n_initial=2)
    """The default and the FP32 model are known at the start: that is enough for the model."""

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
    ) -> None:
        """Find out what can be tuned, and take up the earlier run if there is one."""
        if not isinstance(conf, Conf):
            raise ArgumentError("$.conf", conf, "a Conf")
        for name, reserved in (("q_func", q_func), ("q_hooks", q_hooks)):
            if reserved is not None:
                raise ArgumentError(f"$.{name}", reserved, "None: it is reserved")
        self.conf = conf
        self.adaptor = adaptor or adaptor_for(conf)
        self.model = self.adaptor.load(model)
        self._evaluation = Evaluation(
            self.adaptor, self.model, conf, q_dataloader, eval_dataloader, eval_func
        )
        self.tuning_space = TuningSpace.of(self.adaptor.capability(self.model), conf)
        self._progress = (
            self._fresh()
            if dicts is None
            else history_from_dict(dicts, self.name, conf, self.tuning_space)
        )
        self._started: float | None = None
        self._best_model: tuple[int, Any] | None = None
        self._outcomes = self._known_outcomes()
        self._best = max(self._measured(), key=self._rank, default=None)

    # --- what a strategy decides ---

    @abstractmethod
    def ask(self, state: at.State) -> tuple[at.State, dict[str, Any]] | None:
        """Return the optimiser's next state and the params to try next, None when none are left.

        The default configuration was tried before the first call.
        """

    # --- running ---

    def traverse(self) -> Result | None:
        """Run until the exit policy ends it, and return the result; None without a success."""
        for _ in self.run():
            pass
        return self.result()

    def run(self) -> Iterator[Trial]:
        """Run trial by trial. It can be left at any point and entered again.

        Raises:
            StrategyError: another run of this strategy has not been left.
        """
        if self._started is not None:
            raise StrategyError("another run of this strategy has not been left: close it first")
        self._started = time.monotonic()
        try:
            self.measure_baseline()
            configs = self.next_tune_cfg()
            tune_cfg = next(configs, None)
            while tune_cfg is not None:
                trial = self._try(tune_cfg)
                try:
                    tune_cfg = configs.send(trial)
                except StopIteration:
                    tune_cfg = None
                yield trial
        finally:
            self._progress = evolve(self._progress, seconds=self._seconds())
            self._started = None

    def next_tune_cfg(self) -> Generator[TuneConfig, Trial | None, None]:
        """Turn each ``yield`` into ask and tell: yield a tune configuration, and be sent its trial.

        What was pending when an earlier run stopped comes first. Configurations whose outcome is
        known are told without being yielded. One that is answered with None stays open, and is
        not yielded again by this generator.
        """
        self.measure_baseline()
        given: set[Meaning] = set()
        waiting = [suggestion.params for suggestion in self._progress.engine.pending]
        while not self.finished:
            if waiting:
                params = waiting.pop(0)
            else:
                asked = self._next(self._progress.engine, given)
                if asked is None:
                    return
                state, params = asked
                if state is self._progress.engine and self._means(params) in given:
                    return  # the same again: nothing else is left until it is answered
                self._progress = evolve(self._progress, engine=state)
            meaning = self._means(params)
            if meaning in given:
                continue
            if meaning in self._outcomes:
                self._tell(params, self._outcomes[meaning])
                continue
            given.add(meaning)
            trial = yield self.tuning_space.tune_cfg(params)
            if trial is not None:
                self._tell(params, trial.measurement, trial)

    @property
    def finished(self) -> bool:
        """Tell whether the exit policy ends the run."""
        policy, trials = self.conf.exit_policy, self._progress.trials
        if len(trials) >= policy.max_trials:
            return True
        if policy.timeout:
            return self._seconds() >= policy.timeout
        return any(trial.meets for trial in trials)

    # --- knowing ---

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Return the trials so far, in order."""
        return self._progress.trials

    @property
    def baseline(self) -> Measurement | None:
        """Return what was measured of the FP32 model, None before the run."""
        return self._progress.baseline

    @property
    def goal(self) -> Goal:
        """Return the goal; known once the FP32 model was measured."""
        baseline = self._progress.baseline
        if baseline is None:
            raise StrategyError("the FP32 model was not measured yet: run first")
        return Goal(self.conf.criterion, self.conf.objectives, baseline)

    def best_trial(self) -> Trial | None:
        """Return the best trial: one that meets the criterion, else the nearest to it.

        It is the first of equals, and None before the first success.
        """
        return self._best

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
        return Result(best, self._best_model[1], best.meets)

    @property
    def dicts(self) -> dict[str, Any]:
        """Return everything as plain JSON types; a strategy made with it goes on exactly here."""
        progress = evolve(self._progress, seconds=self._seconds())
        return history_to_dict(progress, self.name, self.conf)

    # --- asking and telling ---

    def _next(
        self, state: at.State, given: Collection[Meaning]
    ) -> tuple[at.State, dict[str, Any]] | None:
        default = self.tuning_space.default()
        meaning = self._means(default)
        if meaning not in self._outcomes and meaning not in given:
            return state, default
        return self.ask(state)

    def _means(self, params: Mapping[str, Any]) -> Meaning:
        return self.tuning_space.canonical(params)

    def _tell(
        self, params: Mapping[str, Any], measurement: Measurement | None, trial: Trial | None = None
    ) -> None:
        """Tell the optimiser, and append the trial if it is a new one: in one swap."""
        progress = self._progress
        if measurement is None:
            reason = trial.failure if trial and trial.failure else "the evaluation failed"
            engine = at.fail(progress.engine, params, reason)
        else:
            engine = at.observe(progress.engine, params, self.goal.target(measurement))
        trials = (*progress.trials, trial) if trial else progress.trials
        self._progress = evolve(progress, engine=engine, trials=trials)
        self._outcomes[self._means(params)] = measurement
        if trial and trial.measurement and self._improves(trial):
            self._best = trial

    # --- measuring ---

    def measure_baseline(self) -> None:
        """Measure the FP32 model, unless that was done; a run begins with it."""
        if self._progress.baseline is not None:
            return
        started = time.monotonic()
        baseline = self._evaluation.measure(self.model)
        goal = Goal(self.conf.criterion, self.conf.objectives, baseline)
        engine, unquantised = self._progress.engine, self.tuning_space.unquantised()
        if unquantised is not None:  # its outcome is known, so the optimiser may as well know it
            engine = at.observe(engine, unquantised, goal.target(baseline))
        seconds = self._progress.seconds
        if self._started is None:  # no run is under way that counts the time
            seconds += time.monotonic() - started
        self._progress = evolve(self._progress, baseline=baseline, engine=engine, seconds=seconds)
        self._outcomes = self._known_outcomes()

    def _try(self, tune_cfg: TuneConfig) -> Trial:
        """Quantise and measure; whatever goes wrong makes a failed trial."""
        started = time.monotonic()
        measurement, failure, model = None, None, None
        try:
            model, measurement = self._evaluation.attempt(tune_cfg)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        trial = Trial(
            number=len(self._progress.trials),
            params=self.tuning_space.params(tune_cfg),
            measurement=measurement,
            failure=failure,
            meets=measurement is not None and self.goal.meets(measurement),
            seconds=time.monotonic() - started,
        )
        if measurement and self._improves(trial):
            self._best_model = trial.number, model
        return trial

    def _measured(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.measurement]

    def _rank(self, trial: Trial) -> tuple[bool, float]:
        return self.goal.rank(trial.measurement) if trial.measurement else (False, -math.inf)

    def _improves(self, trial: Trial) -> bool:
        return self._best is None or self._rank(trial) > self._rank(self._best)

    # --- beginning and resuming ---

    def _seconds(self) -> float:
        running = time.monotonic() - self._started if self._started is not None else 0.0
        return self._progress.seconds + running

    def _known_outcomes(self) -> dict[Meaning, Measurement | None]:
        """Return what is known of each configuration; None where it failed."""
        meaning = self.tuning_space.canonical
        outcomes = {meaning(trial.params): trial.measurement for trial in self.trials}
        unquantised = self.tuning_space.unquantised()
        if unquantised is not None and self._progress.baseline is not None:
            outcomes[meaning(unquantised)] = self._progress.baseline
        return outcomes

    def _fresh(self) -> Progress:
        space, seed = self.tuning_space.space, self.conf.random_seed
        return Progress(at.State.start(space, seed, "maximize", self.settings))


def suggested(state: at.State) -> tuple[at.State, dict[str, Any]] | None:
    """Return the engine's next suggestion, None when the space is used up."""
    try:
        state, (suggestion,) = at.suggest(state)
    except at.SpaceExhausted:
        return None
    return state, suggestion.params
