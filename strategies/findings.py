"""What a run has found out so far: the outcome of every configuration, and the best trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

import asktell as at
from strategies.conf import Conf
from strategies.errors import StrategyError
from strategies.knowledge import Knowledge
from strategies.objective import Measurement, TuningGoal
from strategies.trial import Progress, Trial
from strategies.tuning_space import TuningSpace


class Findings:
    """A run's progress, and what follows from it.

    ``progress`` is swapped as a whole, so it is consistent at any moment. ``best`` is a trial that
    meets the criterion, else the nearest to it; the first of equals; None before a success.

    Args:
        progress: of an earlier run, or the start of one.
        space: what is tuned.
        conf: what is tuned for.
        settings: what the optimiser is started with.
    """

    def __init__(
        self, progress: Progress, space: TuningSpace, conf: Conf, settings: at.Settings
    ) -> None:
        """Take up the progress of a run."""
        self.progress = progress
        self.best: Trial | None = None
        self._best_rank: tuple[bool, bool, float] | None = None
        self._space = space
        self._conf = conf
        self._settings = settings
        for trial in progress.trials:
            self._keep(trial)

    @property
    def engine(self) -> at.State:
        """Return the optimiser's state.

        Raises:
            StrategyError: the FP32 model has not been measured yet.
        """
        if self.progress.engine is None:
            raise StrategyError("the FP32 model is not measured yet: call measure_baseline first")
        return self.progress.engine

    @property
    def goal(self) -> TuningGoal:
        """Return what is tuned for, relative to the FP32 model.

        Raises:
            StrategyError: the FP32 model has not been measured yet.
        """
        baseline = self.progress.baseline
        if baseline is None:
            raise StrategyError("the FP32 model is not measured yet: call measure_baseline first")
        return goal_of(self._conf, baseline)

    @property
    def front(self) -> tuple[Trial, ...]:
        """Return the trials that meet the criterion and that no other of them dominates."""
        if not self.progress.trials:
            return ()
        best = [dict(one.params) for one in at.pareto(self.engine)]
        return tuple(
            trial
            for trial in self.progress.trials
            if trial.params in best and (trial.measurement is None or trial.measurement.is_whole)
        )

    def improves(self, trial: Trial) -> bool:
        """Tell whether a trial is better than the best so far; an equal one is not."""
        if trial.measurement is None:
            return False
        return self._best_rank is None or self.goal.rank(trial.measurement) > self._best_rank

    def advance(self, engine: at.State) -> None:
        """Take the next state of the optimiser, which was only asked."""
        self.progress = evolve(self.progress, engine=engine)

    def add_baseline(self, baseline: Measurement) -> None:
        """Add the measurement of the FP32 model, and start the optimiser."""
        engine = started(self._space, self._conf, baseline, self._settings)
        self.progress = evolve(self.progress, baseline=baseline, engine=engine)

    def learn(self, knowledge: Knowledge) -> None:
        """Take what is known beforehand."""
        self.progress = evolve(self.progress, knowledge=knowledge)

    def add(self, params: Mapping[str, Any], trial: Trial) -> None:
        """Add a trial, and tell the optimiser its outcome under the params that it asked for."""
        engine = told(self.engine, self.goal, params, trial.measurement, trial.failure)
        trials = (*self.progress.trials, trial)
        self.progress = evolve(self.progress, engine=engine, trials=trials)
        self._keep(trial)

    def _keep(self, trial: Trial) -> None:
        if trial.measurement and self.improves(trial):
            self.best, self._best_rank = trial, self.goal.rank(trial.measurement)


def goal_of(conf: Conf, baseline: Measurement) -> TuningGoal:
    """Return what a configuration tunes for, relative to the FP32 model."""
    return TuningGoal(conf.criterion, conf.objectives, baseline, conf.constraints)


def started(
    space: TuningSpace, conf: Conf, baseline: Measurement, settings: at.Settings
) -> at.State:
    """Return an optimiser for this goal that knows the FP32 model, which is a configuration too."""
    goal = goal_of(conf, baseline)
    engine = at.State.start(
        space.space,
        conf.random_seed,
        settings=settings,
        objectives=goal.wanted,
        constraints=goal.limits,
    )
    unquantised = space.unquantised()
    return engine if unquantised is None else told(engine, goal, unquantised, baseline, None)


def told(
    engine: at.State,
    goal: TuningGoal,
    params: Mapping[str, Any],
    outcome: Measurement | None,
    reason: str | None,
) -> at.State:
    """Return the optimiser that was told the outcome of params; None for a failure."""
    if outcome is None:
        return at.fail(engine, params, reason or "the evaluation failed")
    return at.observe(engine, params, goal.outcomes(outcome), goal.deviations(outcome) or None)
