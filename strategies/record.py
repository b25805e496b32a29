"""What a run found out, for those who look at it: from its history alone, without the model.

A history names operations and options as the tuning space does, so nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from attrs import frozen

import asktell as at
from asktell.acquisition.hypervolume import non_dominated
from asktell.study.outcomes import Goal
from strategies.adaptors.base import LeftOut
from strategies.history import engine_of, read_history
from strategies.knowledge import Knowledge
from strategies.objective import ACCURACY, FOOTPRINT, LATENCY, SIZE, Measurement, TuningGoal
from strategies.trial import Trial
from strategies.tuning_space import SETTINGS

FP32_LABEL = "fp32"
"""The label of the option that leaves an operation as it is."""

_SHOWN = {
    SIZE: ("size (kB)", 1e-3),
    LATENCY: ("latency (ms)", 1e3),
    FOOTPRINT: ("memory (MB)", 1e-6),
}
"""Objectives as people read them: a name, and by what a value is multiplied."""


class HasDicts(Protocol):
    """Anything with ``dicts``: a strategy."""

    @property
    def dicts(self) -> Mapping[str, Any]:
        """Return the history."""
        ...


Run = HasDicts | Mapping[str, Any]
"""A strategy, or the ``dicts`` that one returned."""


@frozen
class Record:
    """A run that has measured the FP32 model.

    Attributes:
        strategy: the name of its policy.
        goal: what it was for.
        space: what was tuned, by label.
        trials: in order.
        best: the trial that meets the criterion best, else the nearest to it; None without one.
        seconds: how long it took.
        parts: seconds by part.
        dicts: the history itself.
        knowledge: what was known beforehand; None where that was not asked for.
        left_out: the operations that cannot be tuned, which only a strategy knows.
    """

    strategy: str
    goal: TuningGoal
    space: at.Space
    trials: tuple[Trial, ...]
    best: Trial | None
    seconds: float
    parts: Mapping[str, float]
    dicts: Mapping[str, Any]
    knowledge: Knowledge | None = None
    left_out: tuple[LeftOut, ...] = ()

    @property
    def operations(self) -> tuple[str, ...]:
        """Return the operations as the space names them."""
        return tuple(name for name in self.space.names if name not in SETTINGS)

    @property
    def measured(self) -> tuple[tuple[Trial, Measurement], ...]:
        """Return the trials that succeeded, with what was measured."""
        return tuple((one, one.measurement) for one in self.trials if one.measurement)

    @property
    def has_accuracy(self) -> bool:
        """Tell whether accuracies were measured."""
        return self.goal.baseline.accuracy is not None

    def shown(self, measurement: Measurement) -> dict[str, float]:
        """Return what was measured as people read it: accuracy first, then the objectives."""
        numbers = {} if measurement.accuracy is None else {ACCURACY: measurement.accuracy}
        for name, value in measurement.values.items():
            text, factor = _SHOWN.get(name, (name, 1.0))
            numbers[text] = value * factor
        return numbers

    @property
    def front(self) -> tuple[Trial, ...]:
        """Return the trials that no other is at least as good as in accuracy and all objectives."""
        whole = [(one, measured) for one, measured in self.measured if measured.is_whole]
        if not whole:
            return ()
        signs = {name: -1.0 if goal == "minimize" else 1.0 for name, goal in self._goals.items()}
        every = [self.shown(measurement) for _, measurement in whole]
        kept = non_dominated(
            np.array([[sign * one[n] for n, sign in signs.items()] for one in every])
        )
        return tuple(one for (one, _), is_in in zip(whole, kept, strict=True) if is_in)

    @property
    def limits(self) -> dict[str, at.AtLeast | at.AtMost]:
        """Return criterion and constraints, on what :meth:`shown` shows."""
        limits = {}
        for name, bound in self.goal.limits.items():
            text, factor = _SHOWN.get(name, (name, 1.0))
            limits[text] = type(bound)(bound.bound * factor)
        return limits

    def study(self, with_baseline: bool) -> at.State:
        """Return the run as a study of accuracy and the objectives, as people read them.

        Trials have the same numbers in it; the FP32 model comes last, where it is wanted and
        leaving everything in FP32 is allowed.
        """
        state = at.State.start(self.space, objectives=self._goals, constraints=self.limits)
        for trial in self.trials:
            if trial.measurement is None:
                state = at.fail(state, trial.params, trial.failure or "")
            else:
                told = self.shown(trial.measurement)
                state = at.observe(state, trial.params, told, self._deviations(trial.measurement))
        unquantised = self._unquantised()
        if with_baseline and unquantised is not None:
            state = at.observe(state, unquantised, self.shown(self.goal.baseline))
        return state

    def _deviations(self, measurement: Measurement) -> dict[str, float] | None:
        """Return how far off the numbers of :meth:`shown` may be, where that is known."""
        shown = ((*_SHOWN.get(name, (name, 1.0)), std) for name, std in measurement.std.items())
        return {text: factor * std for text, factor, std in shown} or None

    @property
    def _goals(self) -> dict[str, Goal]:
        better = {
            _SHOWN.get(one.name, (one.name, 1.0))[0]: one.higher_is_better
            for one in self.goal.objectives
        }
        if self.has_accuracy:
            better = {ACCURACY: self.goal.criterion.higher_is_better, **better}
        return {name: "maximize" if higher else "minimize" for name, higher in better.items()}

    def _unquantised(self) -> dict[str, Any] | None:
        params = self.space.params(self.space.configuration(0))
        for name in self.operations:
            if FP32_LABEL not in options_of(self.space, name):
                return None
            params[name] = FP32_LABEL
        known = any(trial.params == params for trial in self.trials)
        return None if known else params


def record_of(run: Run) -> Record | None:
    """Return what a run found out; None where it has not measured the FP32 model yet.

    Raises:
        ResumeError: a ``ValueError`` that names the path; the history is corrupt.
    """
    dicts = run if isinstance(run, Mapping) else run.dicts
    history = read_history(dicts)
    engine = engine_of(history)
    if history.baseline is None or engine is None:
        return None
    goal = TuningGoal(
        history.criterion,
        tuple(history.objectives),
        history.baseline,
        tuple(history.constraints),
    )
    measured = [trial for trial in history.trials if trial.measurement]
    best = max(measured, key=lambda one: _rank(goal, one), default=None)  # the first of equals
    trials = tuple(history.trials)
    left_out = getattr(run, "left_out", ())
    return Record(
        history.strategy,
        goal,
        engine.space,
        trials,
        best,
        history.seconds,
        history.seconds_by_part,
        dicts,
        history.knowledge,
        left_out,
    )


def options_of(space: at.Space, name: str) -> tuple[Any, ...]:
    """Return the labels of an operation's options."""
    parameter = space.parameters[space.names.index(name)]
    if isinstance(parameter, at.Ordinal):
        return parameter.values
    return parameter.choices if isinstance(parameter, at.Categorical) else ()


def _rank(goal: TuningGoal, trial: Trial) -> tuple[bool, bool, float]:
    assert trial.measurement is not None  # only those that were measured are ranked
    return goal.rank(trial.measurement)
