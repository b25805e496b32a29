"""A run's progress to plain dict and back: what a strategy's ``dicts`` are.

The dict's layout is :class:`History` and the classes of its fields: schema 4. It also says which
model the run tuned, what ``q_func`` made of it, and what for: other outcomes would mislead.

What is known beforehand is taken from schema 4 alone, and measured anew when a run of an earlier
one goes on. Schema 3 had settings in its space that change nothing; where there are any, its trials
are told to a new optimiser. Schema 2 knew neither constraints nor how far off a measurement may be.
Schema 1 did not name the model, and its optimiser had one target, in which misses of the criterion
were penalised; its trials are told to a new optimiser, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, evolve, frozen

import asktell as at
from asktell.codec.reading import read
from asktell.errors import at_key
from asktell.numbers import is_finite
from strategies.conf import Conf, Constraint, Criterion, Objective
from strategies.errors import ResumeError
from strategies.findings import goal_of, started, told
from strategies.knowledge import Knowledge, checked
from strategies.objective import ACCURACY, Measurement
from strategies.policies import Policy
from strategies.trial import Progress, Trial
from strategies.tuning_space import TuningSpace

SCHEMA = 4

_LATER: dict[str, Any] = {"prepared": None, "seconds_by_part": {}}
"""What schema 2 lacked, and what that means without."""


@frozen
class Identity:
    """Which model a run is of.

    Attributes:
        model: the digest of the FP32 model.
        prepared: the digest of what ``q_func`` made of it; None without one.
    """

    model: str
    prepared: str | None = None


@frozen
class History:
    """What ``dicts`` hold, checked as far as that takes neither model nor configuration."""

    schema: int
    strategy: str
    model: str | None
    prepared: str | None
    criterion: Criterion
    objectives: list[Objective]
    constraints: list[Constraint]
    engine: dict[str, Any] | None
    baseline: Measurement | None
    trials: list[Trial]
    seconds: float
    seconds_by_part: dict[str, float]
    knowledge: Knowledge | None


def history_to_dict(
    progress: Progress, policy: Policy, identity: Identity, conf: Conf
) -> dict[str, Any]:
    """Return the progress of a policy on this model as plain JSON types."""
    return {
        "schema": SCHEMA,
        "strategy": policy.name,
        "model": identity.model,
        "prepared": identity.prepared,
        "criterion": asdict(conf.criterion),
        "objectives": [asdict(objective) for objective in conf.objectives],
        "constraints": [asdict(constraint) for constraint in conf.constraints],
        "engine": progress.engine and progress.engine.to_dict(),
        "baseline": progress.baseline and asdict(progress.baseline),
        "trials": [asdict(trial) for trial in progress.trials],
        "seconds": progress.seconds,
        "seconds_by_part": dict(progress.parts),
        "knowledge": progress.knowledge and asdict(progress.knowledge),
    }


def history_from_dict(
    dicts: Any, policy: Policy, identity: Identity, conf: Conf, space: TuningSpace
) -> Progress:
    """Return the progress that ``history_to_dict`` wrote.

    Raises:
        ResumeError: a ``ValueError`` that names the path; a field is missing, unknown or corrupt,
            or the run was another strategy's, or of another model, space or goal.
    """
    history = read_history(dicts)
    engine = engine_of(history)
    _same("strategy", history.strategy, policy.name)
    _same("criterion", asdict(history.criterion), asdict(conf.criterion))
    _same("objectives", [*map(asdict, history.objectives)], [*map(asdict, conf.objectives)])
    _same("constraints", [*map(asdict, history.constraints)], [*map(asdict, conf.constraints)])
    same = _same_choices if history.schema < SCHEMA else at.Space.__eq__
    if engine is not None and not same(engine.space, space.space):
        expected = "the tuning space of this model and configuration"
        raise ResumeError("$.dicts.engine.space", engine.space, expected)
    if history.schema != 1:
        _same("model", history.model, identity.model)
    if history.prepared != identity.prepared:
        made = "what q_func makes of the model" if identity.prepared else "no q_func"
        expected = f"{identity.prepared!r}, as in this run ({made})"
        raise ResumeError("$.dicts.prepared", history.prepared, expected)
    if history.baseline is None and history.trials:
        raise ResumeError("$.dicts.baseline", None, "a measurement, since there are trials")
    if history.seconds < 0:
        raise ResumeError("$.dicts.seconds", history.seconds, "a number >= 0")
    for part, seconds in history.seconds_by_part.items():
        if not is_finite(seconds) or seconds < 0:
            place = at_key("$.dicts.seconds_by_part", part)
            raise ResumeError(place, seconds, "a number >= 0")
    _check_measurement(history.baseline, conf, "$.dicts.baseline")
    trials = tuple(
        _checked(trial, position, conf, space) for position, trial in enumerate(history.trials)
    )
    knowledge = checked(history.knowledge, space)
    if history.baseline is None:
        return Progress(None, None, (), history.seconds, history.seconds_by_part)
    if history.schema == 1 or (engine is not None and engine.space != space.space):
        engine = _told_anew(history.baseline, trials, policy, conf, space)
    elif engine is None:
        raise ResumeError("$.dicts.engine", None, "a state, since there is a baseline")
    else:
        goal = goal_of(conf, history.baseline)
        new = at.State.start(space.space, objectives=goal.wanted, constraints=goal.limits)
        _same("engine.outcomes", engine.problem.outcomes, new.problem.outcomes)
    return Progress(
        engine, history.baseline, trials, history.seconds, history.seconds_by_part, knowledge
    )


def read_history(dicts: Any) -> History:
    """Return what ``dicts`` hold.

    Raises:
        ResumeError: a ``ValueError`` that names the path; a field is missing, unknown or corrupt.
    """
    if isinstance(dicts, Mapping):
        schema = dicts.get("schema", SCHEMA)
        if schema not in range(1, SCHEMA + 1) or isinstance(schema, bool):
            raise ResumeError("$.dicts.schema", schema, f"an integer from 1 to {SCHEMA}")
        if schema == 1:
            dicts = {"model": None, **dicts}
        if schema < SCHEMA:
            dicts = {**_LATER, **_with_measures(dicts), "knowledge": None}
    try:
        return read(dicts, History)
    except at.errors.StateError as error:
        raise _below("$.dicts", error) from None


def _with_measures(dicts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dict of an earlier schema with the fields that it did not have."""

    def measured(one: Any) -> Any:
        return {"std": {}, "looked": None, **one} if isinstance(one, Mapping) else one

    def tried(one: Any) -> Any:
        if not isinstance(one, Mapping) or "measurement" not in one:
            return one
        return {"digest": None, **one, "measurement": measured(one["measurement"])}

    trials = dicts.get("trials")
    new = {"constraints": [], **dicts}
    if "baseline" in dicts:
        new["baseline"] = measured(dicts["baseline"])
    if isinstance(trials, list):
        new["trials"] = [tried(one) for one in trials]
    return new


def engine_of(history: History) -> at.State | None:
    """Return the optimiser's state; None where the run had not begun to tune.

    Raises:
        ResumeError: a ``ValueError`` that names the path; it is corrupt.
    """
    try:
        return None if history.engine is None else at.State.from_dict(history.engine)
    except at.errors.StateError as error:
        raise _below("$.dicts.engine", error) from None


def _same_choices(one: at.Space, other: at.Space) -> bool:
    """Tell whether the same params lie in two spaces of finite parameters."""
    return one.names == other.names and all(
        {*getattr(a, "choices", ()), *getattr(a, "values", ())}
        == {*getattr(b, "choices", ()), *getattr(b, "values", ())}
        for a, b in zip(one.parameters, other.parameters, strict=True)
    )


def _told_anew(
    baseline: Measurement, trials: tuple[Trial, ...], policy: Policy, conf: Conf, space: TuningSpace
) -> at.State:
    """Return an optimiser that knows what came of the trials, and has nothing pending."""
    engine, goal = started(space, conf, baseline, policy.settings), goal_of(conf, baseline)
    for trial in trials:
        engine = told(engine, goal, trial.params, trial.measurement, trial.failure)
    return engine


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
    names = conf.measured
    if sorted(measurement.values) != sorted(names):
        raise ResumeError(f"{place}.values", measurement.values, f"the keys {[*names]}")
    for kind, numbers in (("values", measurement.values), ("std", measurement.std)):
        for name, value in numbers.items():
            if not is_finite(value):
                raise ResumeError(f"{place}.{kind}.{name}", value, "a finite number")
    for name, value in measurement.std.items():
        if name not in (*names, ACCURACY) or value < 0:
            expected = f"a number >= 0 for one of {[*names, ACCURACY]}"
            raise ResumeError(f"{place}.std.{name}", value, expected)
    looked = measurement.looked
    if looked is not None and not 1 <= looked.samples <= looked.of:
        expected = f"an integer from 1 to {looked.of}"
        raise ResumeError(f"{place}.looked.samples", looked.samples, expected)
    if not measurement.is_whole and ACCURACY not in measurement.std:
        expected = f"{ACCURACY}, as not all samples were looked at"
        raise ResumeError(f"{place}.std", measurement.std, expected)


def _checked(trial: Trial, position: int, conf: Conf, space: TuningSpace) -> Trial:
    """Return a trial with the canonical params of the space."""
    place = f"$.dicts.trials[{position}]"
    if trial.number != position:
        raise ResumeError(f"{place}.number", trial.number, f"{position}")
    if (trial.measurement is None) is (trial.failure is None):
        raise ResumeError(place, asdict(trial), "a measurement or a failure, not both")
    _check_measurement(trial.measurement, conf, f"{place}.measurement")
    try:
        is_whole = trial.params.keys() == {*space.space.names}
        params = space.canonical(trial.params) if is_whole else trial.params
        return evolve(trial, params=space.space.params(space.space.check(params)))
    except at.errors.ParamsError as error:
        raise _below(f"{place}.params", error) from None
