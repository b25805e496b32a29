"""State to plain dict and back. The only module that knows both.

The dict's layout is the classes below: schema 1. Reading checks every field, reports the first
fault with its path, and then checks what fields must be to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, get_args, get_origin

from attrs import fields, frozen, has
from cattrs import Converter
from cattrs.cols import list_structure_factory
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.gen import make_dict_structure_fn

from asktell.errors import InvalidValueError, StateError
from asktell.gp import Hyperparameters
from asktell.numbers import is_finite
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
    try:
        layout = _converter().structure(document, _StateLayout)
    except Exception as error:
        raise next(_faults(error, "$")) from None
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
    schema = document.get("schema", _NOTHING)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise StateError("$.schema", schema, f"an integer from 1 to {SCHEMA}")
    if schema > SCHEMA:
        expected = f"at most {SCHEMA}: a newer version of asktell wrote this state"
        raise StateError("$.schema", schema, expected)


def _space(layout: _SpaceLayout) -> Space:
    parameters = []
    for position, arguments in enumerate(layout.parameters):
        place = f"$.space.parameters[{position}]"
        kind = arguments.get("type", _NOTHING)
        if not isinstance(kind, str) or kind not in _KINDS:
            raise StateError(f"{place}.type", kind, f"one of {sorted(_KINDS)}")
        rest = {key: value for key, value in arguments.items() if key != "type"}
        parameters.append(_value(_KINDS[kind], rest, place))
    try:
        return Space(*parameters)
    except InvalidValueError as error:
        raise _below(error, "$.space") from None


def _value(kind: type[Any], arguments: dict[str, Any], place: str) -> Any:
    """Return ``kind(**arguments)``, where all of its fields are given and no others."""
    names = [f.name for f in fields(kind) if f.init]
    for name in names:
        if name not in arguments:
            raise StateError(f"{place}.{name}", _NOTHING, "a value")
    for name in arguments:
        if name not in names:
            raise StateError(f"{place}.{name}", arguments[name], f"only the fields {names}")
    try:
        return kind(**arguments)
    except InvalidValueError as error:
        raise _below(error, place) from None


def _rows(layouts: Iterable[Any], space: Space, place: str) -> Iterator[tuple[Any, Values]]:
    for position, row in enumerate(layouts):
        try:
            yield row, space.check(row.params)
        except InvalidValueError as error:
            raise _below(error, f"{place}[{position}].params") from None


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
        raise StateError(
            "$.fit.n", layout.n, f"from 1 to the {trials} trials with an outcome"
        )
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


# --- fields and their faults ---


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def _below(error: InvalidValueError, place: str) -> StateError:
    return StateError(place + error.place.removeprefix("$"), error.got, error.expected)


@cache
def _converter() -> Converter:
    """Return the reader of the layout: no coercion, no unknown fields."""
    converter = Converter(forbid_extra_keys=True)
    for kind, accepted, expected in (
        (int, (int,), "an integer"),
        (float, (int, float), "a finite number"),
        (str, (str,), "a string"),
    ):
        converter.register_structure_hook(kind, _strict(kind, accepted, expected))
    converter.register_structure_hook_func(_is_a(dict), _strict(None, (dict,), "a mapping"))
    converter.register_structure_hook_factory(
        _is_a(list), _after_check(list_structure_factory, (list, tuple))
    )
    converter.register_structure_hook_factory(has, _after_check(make_dict_structure_fn, (dict,)))
    return converter


def _is_a(container: type) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is container


def _strict(
    kind: Callable[[Any], Any] | None, accepted: tuple[type, ...], expected: str
) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, accepted) or isinstance(value, bool):
            raise StateError("$", value, expected)
        if kind is float and not is_finite(value):
            raise StateError("$", value, expected)
        return kind(value) if kind else value

    return hook


def _after_check(factory: Callable[..., Any], accepted: tuple[type, ...]) -> Callable[..., Any]:
    """Let the reader that ``factory`` makes see only containers of an accepted type."""
    expected = "a mapping" if dict in accepted else "a list"

    def checking(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
        read = factory(kind, converter)

        def hook(value: Any, wanted: Any) -> Any:
            if not isinstance(value, accepted):
                raise StateError("$", value, expected)
            return read(value, wanted)

        return hook

    return checking


def _faults(error: BaseException, place: str) -> Iterator[StateError]:
    """Walk through what cattrs found, and give each fault its path."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        noted, others = error.group_exceptions()
        for inner, note in noted:
            by_name = isinstance(note, AttributeValidationNote)
            step = f".{note.name}" if by_name else f"[{note.index}]"  # type: ignore[union-attr]
            yield from _faults(inner, place + step)
        for inner in others:
            yield from _faults(inner, place)
    elif isinstance(error, ForbiddenExtraKeysError):
        for name in sorted(map(str, error.extra_fields)):
            yield StateError(f"{place}.{name}", name, "no field of this name")
    elif isinstance(error, StateError):
        yield _below(error, place)
    elif isinstance(error, KeyError):
        yield StateError(place, _NOTHING, "a value")
    else:
        yield StateError(place, error, "a valid value")
