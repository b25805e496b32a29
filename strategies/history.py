"""A run's progress to plain dict and back: what a strategy's ``dicts`` are.

The dict's layout is :class:`_History` and the classes of its fields: schema 1. It also says what
the run tuned for, since targets that were told for another goal would mislead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, evolve, frozen

import asktell as at
from asktell.codec.reading import read
from asktell.numbers import is_finite
from strategies.conf import Conf, Criterion, Objective
from strategies.errors import ResumeError
from strategies.objective import Measurement
from strategies.trial import Progress, Trial
from strategies.tuning_space import TuningSpace

SCHEMA = 1


@frozen
class _History:
    schema: int
    strategy: str
    criterion: Criterion
    objectives: list[Objective]
    engine: dict[str, Any]
    baseline: Measurement | None
    trials: list[Trial]
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
        history = read(dicts, _History)
    except at.errors.StateError as error:
        raise _below("$.dicts", error) from None
    try:
        engine = at.State.from_dict(history.engine)
    except at.errors.StateError as error:
        raise _below("$.dicts.engine", error) from None
    _same("strategy", history.strategy, strategy)
    _same("criterion", asdict(history.criterion), asdict(conf.criterion))
    _same("objectives", [*map(asdict, history.objectives)], [*map(asdict, conf.objectives)])
    _same("engine.goal", _direction(engine), "maximize")
    if engine.space != space.space:
        expected = "the tuning space of this model and configuration"
        raise ResumeError("$.dicts.engine.space", engine.space, expected)
    if history.baseline is None and history.trials:
        raise ResumeError("$.dicts.baseline", None, "a measurement, since there are trials")
    if history.seconds < 0:
        raise ResumeError("$.dicts.seconds", history.seconds, "a number >= 0")
    _check_measurement(history.baseline, conf, "$.dicts.baseline")
    trials = tuple(
        _checked(trial, position, conf, space) for position, trial in enumerate(history.trials)
    )
    return Progress(engine, history.baseline, trials, history.seconds)


def _direction(engine: at.State) -> str:
    """Return which way the optimiser goes: "maximize" or "minimize"."""
    return engine.problem.goal


def _below(place: str, error: at.errors.InvalidValueError) -> ResumeError:
    return ResumeError(place + error.place.removeprefix("$"), error.got, error.expected)


def _same(name: str, got: Any, expected: Any) -> None:
    if got != expected:
        raise ResumeError(f"$.dicts.{name}", got, f"{expected!r}, as in this run")


def _check_measurement(measurement: Measurement | None, conf: Conf, place: str) -> None:
    if measurement is None:
        return
    if (measurement.accuracy is None) is not conf.exit_policy.performance_only:
        expected = "None" if conf.exit_policy.performance_only else "a finite number"
        raise ResumeError(f"{place}.accuracy", measurement.accuracy, expected)
    names = [objective.name for objective in conf.objectives]
    if sorted(measurement.values) != sorted(names):
        raise ResumeError(f"{place}.values", measurement.values, f"the keys {names}")
    for name, value in measurement.values.items():
        if not is_finite(value):
            raise ResumeError(f"{place}.values.{name}", value, "a finite number")


def _checked(trial: Trial, position: int, conf: Conf, space: TuningSpace) -> Trial:
    """Return a trial with the canonical params of the space."""
    place = f"$.dicts.trials[{position}]"
    if trial.number != position:
        raise ResumeError(f"{place}.number", trial.number, f"{position}")
    if (trial.measurement is None) is (trial.failure is None):
        raise ResumeError(place, asdict(trial), "a measurement or a failure, not both")
    _check_measurement(trial.measurement, conf, f"{place}.measurement")
    try:
        return evolve(trial, params=space.space.params(space.space.check(trial.params)))
    except at.errors.ParamsError as error:
        raise _below(f"{place}.params", error) from None
