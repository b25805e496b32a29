"""State to plain dict and back. The only module that knows both.

The dict's layout is the classes below: schema 2. Reading brings older schemas up to it, checks
every field, reports all faults with their paths, and then checks what fields must be to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from attrs import evolve, frozen

from asktell.codec.layouts import below, read
from asktell.codec.migrations import SCHEMA, migrated
from asktell.errors import NOTHING, InvalidValueError, StateError
from asktell.model.gp import Hyperparameters
from asktell.model.surrogate import MEMBERS
from asktell.space.parameters import KINDS, arguments_of, defaults_of, kind_of
from asktell.space.space import Space, Values
from asktell.study.coherence import check_trials
from asktell.study.records import Records
from asktell.study.state import Failure, Fit, Observation, Settings, State, Suggestion

# --- the layout ---


@frozen
class _SpaceLayout:
    parameters: list[dict[str, Any]]


@frozen
class _SuggestionLayout:
    id: int
    params: dict[str, Any]
    origin: str
    expires: float | None


@frozen
class _ObservationLayout:
    id: int | None
    params: dict[str, Any]
    target: float


@frozen
class _FailureLayout:
    id: int | None
    params: dict[str, Any]
    reason: str
    cause: str


@frozen
class _MemberLayout:
    length_scales: list[float]
    noise: float


@frozen
class _FitLayout:
    n: int
    members: list[_MemberLayout]


@frozen
class _StateLayout:
    schema: int
    space: _SpaceLayout
    goal: str
    seed: int
    settings: dict[str, Any]
    next_id: int
    pending: list[_SuggestionLayout]
    observations: list[_ObservationLayout]
    failures: list[_FailureLayout]
    due: list[dict[str, Any]]
    withdrawn: list[_SuggestionLayout]
    retried: list[_FailureLayout]
    fit: _FitLayout | None


# --- writing ---


def state_to_dict(state: State) -> dict[str, Any]:
    """Return the state as a dict of plain types."""
    return {
        "schema": SCHEMA,
        "space": {
            "parameters": [
                {"type": kind_of(parameter), **arguments_of(parameter)}
                for parameter in state.space.parameters
            ]
        },
        "goal": state.goal,
        "seed": state.seed,
        "settings": arguments_of(state.settings),
        "next_id": state.next_id,
        **{name: rows_to_list(state, name) for name in SEQUENCES},
        "fit": fit_to_dict(state.fit),
    }


def rows_to_list(
    state: State, name: str, start: int = 0, stop: int | None = None
) -> list[dict[str, Any]]:
    """Return the rows from ``start`` to ``stop`` of one of the ``SEQUENCES``."""
    write = _WRITERS[name]
    return [write(state.space, row) for row in getattr(state, name)[start:stop]]


def fit_to_dict(fit: Fit | None) -> dict[str, Any] | None:
    """Return the fit as a dict of plain types."""
    if fit is None:
        return None
    return {"n": fit.n, "members": [_member(member) for member in fit.members]}


def _suggestion(_: Space, suggestion: Suggestion) -> dict[str, Any]:
    named = {"id": suggestion.id, "params": suggestion.params}
    return {**named, "origin": suggestion.origin, "expires": suggestion.expires}


def _observation(_: Space, observation: Observation) -> dict[str, Any]:
    return {"id": observation.id, "params": observation.params, "target": observation.target}


def _failure(_: Space, failure: Failure) -> dict[str, Any]:
    named = {"id": failure.id, "params": failure.params}
    return {**named, "reason": failure.reason, "cause": failure.cause}


_WRITERS: dict[str, Callable[[Space, Any], dict[str, Any]]] = {
    "pending": _suggestion,
    "observations": _observation,
    "failures": _failure,
    "due": Space.params,
    "withdrawn": _suggestion,
    "retried": _failure,
}

SEQUENCES = tuple(_WRITERS)
"""The fields of a state that are rows, a trial each."""


def _member(member: Hyperparameters) -> dict[str, Any]:
    return {"length_scales": list(member.length_scales), "noise": member.noise}


# --- reading ---


def state_from_dict(document: Any) -> State:
    """Return the state that ``state_to_dict`` wrote.

    Raises:
        StateError: a ``ValueError``; a field is missing, unknown or corrupt, or the schema is
            newer than this package. The message names the path.
    """
    state = part_from_dict(document)
    check_trials(state)
    trials = len(state.observations) + len(state.failures)
    if state.fit is not None and not 1 <= state.fit.n <= trials:
        expected = f"from 1 to the {trials} trials with an outcome"
        raise StateError("$.fit.n", state.fit.n, expected)
    return state


def part_from_dict(document: Any) -> State:
    """Return what a dict says, whether or not its trials make a whole state.

    Raises:
        StateError: a ``ValueError``; as ``state_from_dict``, but for what trials must be to each
            other.
    """
    layout = read(migrated(document, _schema_of(document)), _StateLayout)
    space = _space(layout.space)
    settings = _value(Settings, layout.settings, "$.settings")
    try:
        state = State.start(space, layout.seed, layout.goal, settings)  # type: ignore[arg-type]
    except InvalidValueError as error:
        raise StateError(error.place, error.got, error.expected) from None
    return evolve(
        state,
        next_id=layout.next_id,
        pending=tuple(_suggestions(layout.pending, space, "$.pending")),
        observations=Records(
            Observation(row.id, space.names, values, row.target)
            for row, values in _rows(layout.observations, space, "$.observations")
        ),
        failures=Records(_failures(layout.failures, space, "$.failures")),
        due=tuple(
            _checked(params, space, f"$.due[{position}]")
            for position, params in enumerate(layout.due)
        ),
        withdrawn=Records(_suggestions(layout.withdrawn, space, "$.withdrawn")),
        retried=Records(_failures(layout.retried, space, "$.retried")),
        fit=_fit(layout.fit, space) if layout.fit else None,
    )


def _schema_of(document: Any) -> int:
    if not isinstance(document, dict):
        raise StateError("$", document, "a state: a dict")
    schema = document.get("schema", NOTHING)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise StateError("$.schema", schema, f"an integer from 1 to {SCHEMA}")
    if schema > SCHEMA:
        expected = f"at most {SCHEMA}: a newer version of asktell wrote this state"
        raise StateError("$.schema", schema, expected)
    return schema


def _space(layout: _SpaceLayout) -> Space:
    parameters = []
    for position, arguments in enumerate(layout.parameters):
        place = f"$.space.parameters[{position}]"
        kind = arguments.get("type", NOTHING)
        if not isinstance(kind, str) or kind not in KINDS:
            raise StateError(f"{place}.type", kind, f"one of {sorted(KINDS)}")
        rest = {key: value for key, value in arguments.items() if key != "type"}
        parameters.append(_value(KINDS[kind], rest, place))
    try:
        return Space(*parameters)
    except InvalidValueError as error:
        raise below(error, "$.space") from None


def _value(kind: type[Any], arguments: dict[str, Any], place: str) -> Any:
    """Return ``kind(**arguments)``, where all of its fields are given and no others."""
    names = list(defaults_of(kind))
    for name in names:
        if name not in arguments:
            raise StateError(f"{place}.{name}", NOTHING, "a value")
    for name in arguments:
        if name not in names:
            raise StateError(f"{place}.{name}", arguments[name], f"only the fields {names}")
    try:
        return kind(**arguments)
    except InvalidValueError as error:
        raise below(error, place) from None


def _suggestions(rows: list[_SuggestionLayout], space: Space, place: str) -> Iterator[Suggestion]:
    for row, values in _rows(rows, space, place):
        yield Suggestion(row.id, space.names, values, row.origin, row.expires)


def _failures(rows: list[_FailureLayout], space: Space, place: str) -> Iterator[Failure]:
    for row, values in _rows(rows, space, place):
        yield Failure(row.id, space.names, values, row.reason, row.cause)


def _rows(rows: Iterable[Any], space: Space, place: str) -> Iterator[tuple[Any, Values]]:
    for position, row in enumerate(rows):
        yield row, _checked(row.params, space, f"{place}[{position}].params")


def _checked(params: dict[str, Any], space: Space, place: str) -> Values:
    try:
        return space.check(params)
    except InvalidValueError as error:
        raise below(error, place) from None


def _fit(layout: _FitLayout, space: Space) -> Fit:
    for position, member in enumerate(layout.members):
        place = f"$.fit.members[{position}]"
        if len(member.length_scales) != space.dim:
            raise StateError(f"{place}.length_scales", member.length_scales, f"{space.dim} items")
        for index, length_scale in enumerate(member.length_scales):
            if length_scale <= 0:
                raise StateError(f"{place}.length_scales[{index}]", length_scale, "a number > 0")
        if member.noise <= 0:
            raise StateError(f"{place}.noise", member.noise, "a number > 0")
    if len(layout.members) != len(MEMBERS):
        raise StateError("$.fit.members", layout.members, f"{len(MEMBERS)} members")
    members = (Hyperparameters(tuple(m.length_scales), m.noise) for m in layout.members)
    return Fit(layout.n, tuple(members))
