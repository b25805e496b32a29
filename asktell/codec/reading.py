"""Reading plain dicts into frozen layout classes: every fault is reported with its path.

No value is coerced, no field may be missing, and none may be there that the layout does not name.
Where a layout goes no deeper, at a ``dict`` or ``Any``, others check.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from attrs import fields, has

from asktell.errors import NOTHING, InvalidValueError, StateError, at_key
from asktell.numbers import is_finite

L = TypeVar("L")

MOST_FAULTS = 1000
"""Reading stops at so many faults: a document with more is something else altogether."""

MOST_LEVELS = 32
"""How deep plain values may be nested: far less than Python and its JSON writer can handle."""

_LONGEST_PLACE = 1000
"""Characters of a path; the names in it may be of any length."""

_SCALARS: dict[Any, tuple[type | tuple[type, ...], str]] = {
    int: (int, "an integer"),
    float: ((int, float), "a finite number"),
    str: (str, "a string"),
    bool: (bool, "true or false"),
}


def read(document: Any, layout: type[L]) -> L:
    """Return the document as a layout class: attrs fields of int, float, bool, str, dict, list.

    Raises:
        StateError: a ``ValueError``; all faults, each with its path below ``$``.
    """
    kind: Any = layout
    faults: list[StateError] = []
    value: L = _reader_of(kind)(document, "$", faults)
    if faults:
        first, *others = faults
        raise StateError(first.place, first.got, first.expected, tuple(others))
    return value


def below(error: InvalidValueError, place: str) -> StateError:
    """Return the fault of a field as one of the document, with its path below ``place``."""
    others = tuple(below(other, place) for other in getattr(error, "others", ()))
    place += error.place.removeprefix("$")
    if len(place) > _LONGEST_PLACE:
        place = f"{place[: _LONGEST_PLACE - 3]}..."
    return StateError(place, error.got, error.expected, others)


def plain(value: Any, place: str = "$", levels: int = MOST_LEVELS) -> Any:
    """Return a copy of nested dicts and lists of scalars; nothing else is allowed.

    Raises:
        StateError: a ``ValueError`` that names the path of a value that JSON cannot hold.
    """
    if levels < 0:
        raise StateError(place, value, f"at most {MOST_LEVELS} levels")
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise StateError(at_key(place, key), key, "a name: a string")
        return {key: plain(item, at_key(place, key), levels - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{place}[{n}]", levels - 1) for n, item in enumerate(value)]
    if value is None or isinstance(value, str | bool) or is_finite(value):
        return value
    raise StateError(place, value, "a mapping, a list, a string, a finite number, a bool or null")


# --- readers: each adds the faults that it finds, and then returns anything ---

Reader = Callable[[Any, str, list[StateError]], Any]


@cache
def _reader_of(kind: Any) -> Reader:
    """Return the reader of values of a kind, at a place."""
    if kind is Any:
        return lambda value, place, faults: value
    inner = get_args(kind)
    if type(None) in inner:
        some = _reader_of(inner[0])
        return lambda value, *to: None if value is None else some(value, *to)
    if has(kind):
        return _checking(dict, "a mapping", _reader_of_fields(kind))
    container = get_origin(kind) or kind
    if container is list:
        return _checking((list, tuple), "a list", _reader_of_items(inner[0]))
    if container is dict:
        return _checking(dict, "a mapping", lambda value, place, faults: value)
    return _reader_of_scalars(kind, *_SCALARS[kind])


def _checking(accepted: Any, expected: str, reader: Reader) -> Reader:
    """Let a reader see only values of the accepted types."""

    def checking(value: Any, place: str, faults: list[StateError]) -> Any:
        if isinstance(value, accepted):
            return reader(value, place, faults)
        faults.append(StateError(place, value, expected))
        return None

    return checking


def _reader_of_scalars(
    kind: Callable[[Any], Any], accepted: type | tuple[type, ...], expected: str
) -> Reader:
    def scalar(value: Any, place: str, faults: list[StateError]) -> Any:
        is_one = isinstance(value, accepted) and (kind is bool or not isinstance(value, bool))
        if is_one and (kind is not float or is_finite(value)):
            return kind(value)
        faults.append(StateError(place, value, expected))
        return None

    return scalar


def _reader_of_items(kind: Any) -> Reader:
    reader = _reader_of(kind)

    def items(values: Any, place: str, faults: list[StateError]) -> list[Any]:
        read = []
        for number, value in enumerate(values):
            if len(faults) >= MOST_FAULTS:
                break
            read.append(reader(value, f"{place}[{number}]", faults))
        return read

    return items


def _reader_of_fields(layout: Any) -> Reader:
    hints = get_type_hints(layout)
    readers = {field.name: _reader_of(hints[field.name]) for field in fields(layout)}

    def all_fields(value: Any, place: str, faults: list[StateError]) -> Any:
        before, read = len(faults), {}
        for name, reader in readers.items():
            if name in value:
                read[name] = reader(value[name], f"{place}.{name}", faults)
            else:
                faults.append(StateError(f"{place}.{name}", NOTHING, "a value"))
        for key in value if len(value) > len(read) else ():
            if len(faults) >= MOST_FAULTS:
                break
            if key not in readers:
                faults.append(StateError(at_key(place, key), value[key], "no field of this name"))
        return layout(**read) if len(faults) == before else None

    return all_fields
