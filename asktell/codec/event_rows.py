"""Events to rows of plain values and back: what states, journals and databases keep.

The layout is that of the event classes: a field's type says how it is read and written. A row is
``{"event": kind, **fields}``; every field is there, also where it is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from operator import attrgetter
from types import NoneType
from typing import Any, TypeVar, Union, cast, get_args, get_type_hints

from attrs import NOTHING as NO_DEFAULT
from attrs import evolve, fields, frozen

from asktell.codec.fit_rows import fit_row, read_fit
from asktell.codec.reading import below, read
from asktell.codec.space_rows import SpaceLayout, space_of, space_row
from asktell.errors import (
    NOTHING,
    DefinitionError,
    InvalidValueError,
    StateError,
    TargetError,
    at_key,
)
from asktell.numbers import is_finite
from asktell.space.door import scalar
from asktell.space.space import Space, params_of
from asktell.study.earlier import Lesson, Lessons, SomeNumbers
from asktell.study.events import (
    LARGEST_ID,
    Enqueued,
    Event,
    Fit,
    Fitted,
    Learned,
    Skipped,
    SpaceChanged,
    TrialEvent,
)
from asktell.study.problem import Deviations, Numbers, Problem
from asktell.study.trials import Configuration, Origin, Part

V = TypeVar("V")

Row = dict[str, Any]
Place = Callable[[int], str]
"""Where a row stands, by its number."""

_KEYS = {
    "configuration": "params",
    "wish": "params",
    "numbers": "outcomes",
    "lessons": "results",
}
"""Fields with another name in rows, where they are dicts or lists: the name that callers know."""

KINDS: dict[str, type[Event]] = {
    **{kind.kind: kind for kind in get_args(TrialEvent)},
    "fitted": Fitted,
    "skipped": Skipped,
    "enqueued": Enqueued,
    "space changed": SpaceChanged,
    "learned": Learned,
}
"""The classes of events by the names that they have in rows."""


@frozen
class _Item:
    """A field of an event: its key in rows, its name, its type, and whether it may be None."""

    key: str
    name: str
    type: Any
    optional: bool


def _items_of(kind: type[Any]) -> tuple[_Item, ...]:
    """Return the fields of an event class, in order."""
    hints = get_type_hints(kind)
    items = []
    for name in (field.name for field in fields(kind)):
        types = [part for part in get_args(hints[name]) if part is not NoneType]
        optional = NoneType in get_args(hints[name])
        item_type = Union[tuple(types)] if optional else hints[name]  # noqa: UP007
        items.append(_Item(_KEYS.get(name, name), name, item_type, optional))
    return tuple(items)


_LAYOUTS = {name: (kind, _items_of(kind)) for name, kind in KINDS.items()}


def defaults_of(event_name: str) -> dict[str, Any]:
    """Return the fields of an event that have defaults: what rows of before it had them mean."""
    kind, items = _LAYOUTS[event_name]
    defaults = {field.name: field.default for field in fields(kind)}
    return {
        item.key: defaults[item.name] for item in items if defaults[item.name] is not NO_DEFAULT
    }


# --- writing ---


def event_rows(events: Iterable[Event], names: tuple[str, ...]) -> list[Row]:
    """Return the rows of events, where outcomes have these names."""
    write: dict[Any, Callable[[Any], Any]] = {
        Configuration: _params,
        Numbers: lambda numbers: dict(zip(names, numbers, strict=True)),
        Deviations: lambda std: {n: d for n, d in zip(names, std, strict=True) if d is not None},
        Fit: fit_row,
        Part: lambda part: part.params,
        Space: space_row,
        Lessons: lambda lessons: [_lesson_row(lesson, names) for lesson in lessons],
    }
    layouts = {
        kind: (
            ("event", *(item.key for item in items)),
            attrgetter(*(item.name for item in items)),
            [(item.key, write[item.type]) for item in items if item.type in write],
        )
        for kind, items in _LAYOUTS.values()
    }
    names_of_kinds = {kind: name for name, (kind, _) in _LAYOUTS.items()}
    rows = []
    for event in events:
        kind = type(event)
        keys, values_of, written = layouts[kind]
        row: Row = dict(zip(keys, (names_of_kinds[kind], *values_of(event)), strict=True))
        for key, write_value in written:
            value = row[key]
            row[key] = None if value is None else write_value(value)
        rows.append(row)
    return rows


def _params(configuration: Configuration) -> dict[str, Any]:
    return params_of(configuration.names, configuration.values)


def _lesson_row(lesson: Lesson, names: tuple[str, ...]) -> Row:
    """Return the row of a result that was learned, as it was then."""
    numbers = zip(names, lesson.numbers, strict=True)
    std = None if lesson.std is None else zip(names, lesson.std, strict=True)
    return {
        "params": _params(lesson.configuration),
        "outcomes": {name: number for name, number in numbers if number is not None},
        "std": None if std is None else {name: d for name, d in std if d is not None},
    }


# --- reading ---


def read_events(rows: Sequence[Any], problem: Problem, place: Place) -> list[Event]:
    """Return the events of rows.

    Rows after a change of space are read in the new one.

    Raises:
        StateError: a ``ValueError`` that names the path of the first fault: a field that is
            missing, unknown or corrupt.
    """
    layouts = _layouts_of(problem)
    events: list[Event] = []
    for number, row in enumerate(rows):
        try:
            kind, items = layouts[row["event"]]
            values = [
                None if (value := row[key]) is None and optional else reader(value)
                for key, reader, optional in items
            ]
            event = kind(*values)
            if len(row) != len(items) + 1:
                raise KeyError
        except (InvalidValueError, LookupError, TypeError, AttributeError):
            raise _fault(row, layouts, place(number)) from None
        if kind is SpaceChanged:
            problem = evolve(problem, space=event.space)
            layouts = _layouts_of(problem)
        events.append(event)
    return events


def _layouts_of(problem: Problem) -> dict[str, Any]:
    """Return for every kind of event its class, and its items with their readers."""
    readers = _readers(problem)
    return {
        name: (kind, [(item.key, readers[item.type], item.optional) for item in items])
        for name, (kind, items) in _LAYOUTS.items()
    }


def _fault(row: Any, layouts: dict[str, Any], place: str) -> StateError:
    """Return what is wrong with a row, looked at field by field."""
    if not isinstance(row, dict):
        return StateError(place, row, "an event: a mapping")
    kind = row.get("event", NOTHING)
    if not isinstance(kind, str) or kind not in layouts:
        return StateError(f"{place}.event", kind, f"one of {sorted(layouts)}")
    keys = [key for key, _, _ in layouts[kind][1]]
    for key, reader, optional in layouts[kind][1]:
        if key not in row:
            return StateError(f"{place}.{key}", NOTHING, "a value")
        try:
            if row[key] is not None or not optional:
                reader(row[key])
        except InvalidValueError as error:
            return below(error, f"{place}.{key}")
    unknown = next(key for key in row if key not in keys and key != "event")
    return StateError(at_key(place, unknown), row[unknown], f"only the fields {['event', *keys]}")


def _readers(problem: Problem) -> dict[Any, Callable[[Any], Any]]:
    space, names = problem.space, problem.outcome_names

    def configuration(value: Any) -> Configuration:
        return Configuration(space.names, space.check(value))

    alone = names[0] if len(names) == 1 else None

    def numbers(value: Any) -> Numbers:
        if type(value) is dict and len(value) == 1:
            number = value.get(alone)
            if type(number) is float and isfinite(number):
                return (number,)
        if not isinstance(value, dict):
            raise StateError("$", value, f"a number for each of {list(names)}")
        for name in names:
            number = value.get(name, NOTHING)
            if not is_finite(number):
                raise StateError(f"$.{name}", number, "a finite number")
        for name in value:
            if name not in names:
                raise StateError(at_key("$", name), value[name], f"only the names {list(names)}")
        return tuple([float(value[name]) for name in names])

    def some_numbers(value: dict[str, Any]) -> SomeNumbers:
        if not value:
            raise StateError("$", value, f"a number for one of {list(names)} or more")
        told = zip(names, numbers(dict.fromkeys(names, 0.0) | value), strict=True)
        return tuple([number if name in value else None for name, number in told])

    def deviations(value: Any) -> Deviations:
        if not isinstance(value, dict):
            raise StateError("$", value, f"a number for some of {list(names)}, or null")
        try:
            std = problem.deviations(value)
        except TargetError as error:
            raise StateError("$" + error.place.removeprefix("$.std"), *error.args[1:]) from None
        if std is None:
            raise StateError("$", value, f"a number for one of {list(names)} or more, or null")
        return std

    def lessons(value: Any) -> Lessons:
        if not isinstance(value, list | tuple) or not value:
            raise StateError("$", value, "a list of one result or more")
        return tuple([lesson(row, f"$[{number}]") for number, row in enumerate(value)])

    def lesson(row: Any, place: str) -> Lesson:
        try:
            came = read(row, _LessonLayout)
            known = _at("$.params", configuration, came.params)
            some = _at("$.outcomes", some_numbers, came.outcomes)
            std = None if came.std is None else _at("$.std", deviations, came.std)
        except StateError as error:
            raise below(error, place) from None
        return Lesson(known, some, std)

    def fit(value: Any) -> Fit:
        return read_fit(value, problem)

    return {
        int: _id,
        float: _number,
        str: _text,
        Origin: _origin,
        Part: _part,
        Space: _space,
        Lessons: lessons,
        Configuration: configuration,
        Numbers: numbers,
        Deviations: deviations,
        Fit: fit,
    }


def _id(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST_ID:
        raise StateError("$", value, "an integer from 0 to 2**53")
    return value


def _number(value: Any) -> float:
    if type(value) is float and is_finite(value):
        return value
    if type(value) is not int or not is_finite(value):
        raise StateError("$", value, "a finite number")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise StateError("$", value, "a string")
    return value


_ORIGINS = frozenset(get_args(Origin))


def _origin(value: Any) -> Origin:
    if not isinstance(value, str) or value not in _ORIGINS:
        raise StateError("$", value, f"one of {sorted(_ORIGINS)}, or null")
    return cast("Origin", value)


def _part(value: Any) -> Part:
    """Return some params as they came; whoever replays them checks them against the space."""
    if not isinstance(value, dict):
        raise StateError("$", value, "a mapping from names to values")
    for name, item in value.items():
        if not isinstance(name, str):
            raise StateError(at_key("$", name), name, "a name: a string")
        try:
            scalar(item, "$")
        except DefinitionError as error:
            raise StateError(at_key("$", name), error.got, error.expected) from None
    return Part.of(value)


def _space(value: Any) -> Space:
    return space_of(read(value, SpaceLayout), "$")


def _at(place: str, reader: Callable[[Any], V], value: Any) -> V:
    """Return what a reader makes of a value that stands at a place below its own."""
    try:
        return reader(value)
    except InvalidValueError as error:
        raise below(error, place) from None


@frozen
class _LessonLayout:
    params: dict[str, Any]
    outcomes: dict[str, Any]
    std: dict[str, Any] | None
