"""State to plain dict and back. The only module that knows both.

The dict's layout is the classes below: schema 1. Reading checks every field, reports the first
fault with its path, and then checks what fields must be to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from attrs import fields, frozen

from asktell.errors import NOTHING, InvalidValueError, StateError
from asktell.gp import Hyperparameters
from asktell.layouts import below, read
from asktell.parameters import Bool, Categorical, Float, Int, Ordinal, Parameter
from asktell.records import Records
from asktell.space import Space, Values
from asktell.state import Failure, Fit, Observation, Origin, Settings, State, Suggestion
from asktell.surrogate import MEMBERS

SCHEMA = 1
"""The version of the layout that is written. Every older one stays readable."""

# --- the layout ---


@frozen
class _SpaceLayout:
    parameters: list[dict[str, Any]]


@frozen
class _SuggestionLayout:
    id: int
    params: dict[str, Any]
    origin: str


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
    fit: _FitLayout | None


_KINDS = {kind.__name__.lower(): kind for kind in (Float, Int, Ordinal, Categorical, Bool)}

# --- writing ---


def state_to_dict(state: State) -> dict[str, Any]:
    """Return the state as a dict of plain types."""
    fit = state.fit
    return {
        "schema": SCHEMA,
        "space": {
            "parameters": [
                {"type": type(parameter).__name__.lower(), **_arguments(parameter)}
                for parameter in state.space.parameters
            ]
        },
        "goal": state.goal,
        "seed": state.seed,
        "settings": _arguments(state.settings),
        "next_id": state.next_id,
        "pending": [{"id": s.id, "params": s.params, "origin": s.origin} for s in state.pending],
        "observations": [
            {"id": o.id, "params": o.params, "target": o.target} for o in state.observations
        ],
        "failures": [{"id": f.id, "params": f.params, "reason": f.reason} for f in state.failures],
        "fit": fit and {"n": fit.n, "members": [_member(member) for member in fit.members]},
    }


def _arguments(value: Parameter | Settings) -> dict[str, Any]:
    named = ((f.name, getattr(value, f.name)) for f in fields(type(value)) if f.init)
    return {name: list(item) if isinstance(item, tuple) else item for name, item in named}


def _member(member: Hyperparameters) -> dict[str, Any]:
    return {"length_scales": list(member.length_scales), "noise": member.noise}


# --- reading ---


def state_from_dict(document: Any) -> State:
    """Return the state that ``state_to_dict`` wrote.

    Raises:
        StateError: a ``ValueError``; a field is missing, unknown or corrupt, or the schema is
            newer than this package. The message names the path.
    """
    _check_schema(document)
    layout = read(document, _StateLayout)
    space = _space(layout.space)
    settings = _value(Settings, layout.settings, "$.settings")
    try:
        state = State.start(space, layout.seed, layout.goal, settings)  # type: ignore[arg-type]
    except InvalidValueError as error:
        raise StateError(error.place, error.got, error.expected) from None
    pending = tuple(
        Suggestion(row.id, space.names, values, row.origin)
        for row, values in _rows(layout.pending, space, "$.pending")
    )
    observations = Records(
        Observation(row.id, space.names, values, row.target)
        for row, values in _rows(layout.observations, space, "$.observations")
    )
    failures = Records(
        Failure(row.id, space.names, values, row.reason)
        for row, values in _rows(layout.failures, space, "$.failures")
    )
    _check_ids(layout, pending, observations, failures, settings)
    return State(
        space,
        state.goal,
        state.seed,
        settings,
        layout.next_id,
        pending,
        observations,
        failures,
        _fit(layout.fit, space, len(observations) + len(failures)) if layout.fit else None,
    )


def _check_schema(document: Any) -> None:
    if not isinstance(document, dict):
        raise StateError("$", document, "a state: a dict")
    schema = document.get("schema", NOTHING)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise StateError("$.schema", schema, f"an integer from 1 to {SCHEMA}")
    if schema > SCHEMA:
        expected = f"at most {SCHEMA}: a newer version of asktell wrote this state"
        raise StateError("$.schema", schema, expected)


def _space(layout: _SpaceLayout) -> Space:
    parameters = []
    for position, arguments in enumerate(layout.parameters):
        place = f"$.space.parameters[{position}]"
        kind = arguments.get("type", NOTHING)
        if not isinstance(kind, str) or kind not in _KINDS:
            raise StateError(f"{place}.type", kind, f"one of {sorted(_KINDS)}")
        rest = {key: value for key, value in arguments.items() if key != "type"}
        parameters.append(_value(_KINDS[kind], rest, place))
    try:
        return Space(*parameters)
    except InvalidValueError as error:
        raise below(error, "$.space") from None


def _value(kind: type[Any], arguments: dict[str, Any], place: str) -> Any:
    """Return ``kind(**arguments)``, where all of its fields are given and no others."""
    names = [f.name for f in fields(kind) if f.init]
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


def _rows(layouts: Iterable[Any], space: Space, place: str) -> Iterator[tuple[Any, Values]]:
    for position, row in enumerate(layouts):
        try:
            yield row, space.check(row.params)
        except InvalidValueError as error:
            raise below(error, f"{place}[{position}].params") from None


def _fit(layout: _FitLayout, space: Space, trials: int) -> Fit:
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
    if not 1 <= layout.n <= trials:
        raise StateError("$.fit.n", layout.n, f"from 1 to the {trials} trials with an outcome")
    members = (Hyperparameters(tuple(m.length_scales), m.noise) for m in layout.members)
    return Fit(layout.n, tuple(members))


def _check_ids(
    layout: _StateLayout,
    pending: tuple[Suggestion, ...],
    observations: Records[Observation],
    failures: Records[Failure],
    settings: Settings,
) -> None:
    """Check what the lists of trials must be to each other."""
    if layout.next_id < 0:
        raise StateError("$.next_id", layout.next_id, "an integer >= 0")
    replicates = settings.replicates
    ids: set[int] = set()
    configurations: set[Values] = set()
    groups: tuple[tuple[str, Sequence[Suggestion | Observation | Failure], bool], ...] = (
        ("failures", failures, False),
        ("observations", observations, replicates),
        ("pending", pending, False),
    )
    for name, records, repeats in groups:
        for position, record in enumerate(records):
            place = f"$.{name}[{position}]"
            if record.id is not None and not 0 <= record.id < layout.next_id:
                raise StateError(f"{place}.id", record.id, f"below next_id = {layout.next_id}")
            if record.id in ids and not repeats:
                raise StateError(f"{place}.id", record.id, "an id that no other trial has")
            if record.values in configurations and not (repeats or replicates):
                raise StateError(f"{place}.params", record.params, "params of no other trial")
            if record.id is not None:
                ids.add(record.id)
            configurations.add(record.values)
    for position, suggestion in enumerate(pending):
        if suggestion.origin not in get_args(Origin):
            place, expected = f"$.pending[{position}].origin", f"one of {get_args(Origin)}"
            raise StateError(place, suggestion.origin, expected)
