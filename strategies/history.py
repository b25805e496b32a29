"""A run's progress to plain dict and back: what a strategy's ``dicts`` are.

The dict's layout is the classes below: schema 1. It also says what was tuned for, since targets
that were told for another goal would mislead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

import asktell as at
from asktell.codec.layouts import read
from asktell.numbers import is_finite
from strategies.conf import Conf
from strategies.errors import ResumeError
from strategies.objective import Measurement
from strategies.trial import Progress, Trial
from strategies.tuning_space import TuningSpace

SCHEMA = 1


@frozen
class _CriterionLayout:
    loss: float
    relative: bool
    higher_is_better: bool


@frozen
class _ObjectiveLayout:
    name: str
    weight: float
    higher_is_better: bool


@frozen
class _MeasurementLayout:
    accuracy: float | None
    values: dict[str, float]


@frozen
class _TrialLayout:
    number: int
    params: dict[str, Any]
    measurement: _MeasurementLayout | None
    failure: str | None
    meets: bool
    seconds: float


@frozen
class _HistoryLayout:
    schema: int
    strategy: str
    criterion: _CriterionLayout
    objectives: list[_ObjectiveLayout]
    engine: dict[str, Any]
    baseline: _MeasurementLayout | None
    trials: list[_TrialLayout]
    seconds: float


def history_to_dict(progress: Progress, strategy: str, conf: Conf) -> dict[str, Any]:
    """Return the progress of the named strategy as plain JSON types."""
    return {
        "schema": SCHEMA,
        "strategy": strategy,
        "criterion": asdict(conf.criterion),
        "objectives": [asdict(objective) for objective in conf.objectives],
        "engine": progress.engine.to_dict(),
        "baseline": progress.baseline and asdict(progress.baseline),
        "trials": [asdict(trial) for trial in progress.trials],
        "seconds": progress.seconds,
    }


def history_from_dict(dicts: Any, strategy: str, conf: Conf, space: TuningSpace) -> Progress:
    """Return the progress that ``history_to_dict`` wrote.

    Raises:
        ResumeError: a ``ValueError`` that names the path; a field is missing, unknown or corrupt,
            or the run was another strategy's, or of another model, space or goal.
    """
    if isinstance(dicts, Mapping) and dicts.get("schema", SCHEMA) != SCHEMA:
        raise ResumeError("$.dicts.schema", dicts["schema"], f"{SCHEMA}")
    try:
        layout = read(dicts, _HistoryLayout)
        engine = _engine(layout.engine)
    except at.errors.StateError as error:
        place = "$.dicts" + error.place.removeprefix("$")
        raise ResumeError(place, error.got, error.expected) from None
    _same("schema", layout.schema, SCHEMA)
    _same("strategy", layout.strategy, strategy)
    _same("criterion", asdict(layout.criterion), asdict(conf.criterion))
    _same("objectives", list(map(asdict, layout.objectives)), list(map(asdict, conf.objectives)))
    _same("engine.goal", engine.goal, "maximize")
    if engine.space != space.space:
        expected = "the tuning space of this model and configuration"
        raise ResumeError("$.dicts.engine.space", engine.space, expected)
    if layout.baseline is None and layout.trials:
        raise ResumeError("$.dicts.baseline", None, "a measurement, since there are trials")
    if layout.seconds < 0:
        raise ResumeError("$.dicts.seconds", layout.seconds, "a number >= 0")
    baseline = _measurement(layout.baseline, conf, "$.dicts.baseline")
    trials = tuple(
        _trial(trial, position, conf, space) for position, trial in enumerate(layout.trials)
    )
    return Progress(engine, baseline, trials, layout.seconds)


def _engine(document: dict[str, Any]) -> at.State:
    try:
        return at.State.from_dict(document)
    except at.errors.StateError as error:
        place = "$.engine" + error.place.removeprefix("$")
        raise at.errors.StateError(place, error.got, error.expected) from None


def _same(name: str, got: Any, expected: Any) -> None:
    if got != expected:
        raise ResumeError(f"$.dicts.{name}", got, f"{expected!r}, as now")


def _measurement(layout: _MeasurementLayout | None, conf: Conf, place: str) -> Measurement | None:
    if layout is None:
        return None
    if (layout.accuracy is None) is not conf.exit_policy.performance_only:
        expected = "None" if conf.exit_policy.performance_only else "a finite number"
        raise ResumeError(f"{place}.accuracy", layout.accuracy, expected)
    names = [objective.name for objective in conf.objectives]
    if sorted(layout.values) != sorted(names):
        raise ResumeError(f"{place}.values", layout.values, f"the keys {names}")
    for name, value in layout.values.items():
        if not is_finite(value):
            raise ResumeError(f"{place}.values.{name}", value, "a finite number")
    return Measurement(layout.accuracy, layout.values)


def _trial(layout: _TrialLayout, position: int, conf: Conf, space: TuningSpace) -> Trial:
    place = f"$.dicts.trials[{position}]"
    if layout.number != position:
        raise ResumeError(f"{place}.number", layout.number, f"{position}")
    if (layout.measurement is None) is (layout.failure is None):
        raise ResumeError(place, asdict(layout), "a measurement or a failure, and not both")
    try:
        params = space.space.params(space.space.check(layout.params))
    except at.errors.ParamsError as error:
        inner = f"{place}.params" + error.place.removeprefix("$")
        raise ResumeError(inner, error.got, error.expected) from None
    measurement = _measurement(layout.measurement, conf, f"{place}.measurement")
    return Trial(position, params, measurement, layout.failure, layout.meets, layout.seconds)
