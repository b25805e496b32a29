"""Reading plain dicts into frozen layout classes: every fault is reported with its path.

No value is coerced, no field may be missing, and none may be there that the layout does not name.
What a layout does not go into, a ``dict`` or ``Any``, is for others to check.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from attrs import fields, has

from asktell.errors import NOTHING, InvalidValueError, StateError, at_key
from asktell.numbers import is_finite

L = TypeVar("L")

MOST_FAULTS = 1000
"""So many faults of a document are looked for: with more of them, it is something else."""

MOST_LEVELS = 32
"""How deep plain values may be nested: far less than Python can go, and JSON's writer."""

_KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    int: ((int,), "an integer"),
    float: ((int, float), "a finite number"),
    str: ((str,), "a string"),
    bool: ((bool,), "true or false"),
    dict: ((dict,), "a mapping"),
    list: ((list, tuple), "a list"),
}


def read(document: Any, layout: type[L]) -> L:
    """Return the document as a layout class: attrs fields of int, float, bool, str, dict, list.

    Raises:
        StateError: a ``ValueError``; all faults, each with its path below ``$``.
    """
    faults: list[StateError] = []
    value: L = _read(document, layout, "$", faults)
    if faults:
        first, *others = faults
        raise StateError(first.place, first.got, first.expected, tuple(others))
    return value


def below(error: InvalidValueError, place: str) -> StateError:
    """Return the fault of a field as one of the document, with its path below ``place``."""
    others = tuple(below(other, place) for other in getattr(error, "others", ()))
    return StateError(place + error.place.removeprefix("$"), error.got, error.expected, others)


def plain(value: Any, place: str = "$", levels: int = MOST_LEVELS) -> Any:
    """Return a copy of what is nested dicts and lists of scalars, and nothing else.

    Raises:
        StateError: a ``ValueError`` that names the path of what JSON would not keep.
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


def _read(value: Any, kind: Any, place: str, faults: list[StateError]) -> Any:
    if kind is Any:
        return value
    inner = get_args(kind)
    if type(None) in inner:
        return None if value is None else _read(value, inner[0], place, faults)
    container = dict if has(kind) else get_origin(kind) or kind
    accepted, expected = _KINDS[container]
    is_one = isinstance(value, accepted) and (kind is bool or not isinstance(value, bool))
    if not is_one or (kind is float and not is_finite(value)):
        faults.append(StateError(place, value, expected))
        return None
    if has(kind):
        return _read_fields(value, kind, place, faults)
    if container is list:
        return list(_items(value, inner[0], place, faults))
    return value if container is dict else kind(value)


def _items(values: Sequence[Any], kind: Any, place: str, faults: list[StateError]) -> Iterator[Any]:
    for number, value in enumerate(values):
        if len(faults) >= MOST_FAULTS:
            return
        yield _read(value, kind, f"{place}[{number}]", faults)


def _read_fields(value: dict[Any, Any], layout: Any, place: str, faults: list[StateError]) -> Any:
    before, read = len(faults), {}
    kinds: dict[str, Any] = _kinds_of(layout)
    for name, kind in kinds.items():
        if name in value:
            read[name] = _read(value[name], kind, f"{place}.{name}", faults)
        else:
            faults.append(StateError(f"{place}.{name}", NOTHING, "a value"))
    for key in value if len(value) > len(read) else ():
        if len(faults) >= MOST_FAULTS:
            break
        if key not in kinds:
            faults.append(StateError(at_key(place, key), value[key], "no field of this name"))
    return layout(**read) if len(faults) == before else None


@cache
def _kinds_of(layout: Any) -> dict[str, Any]:
    hints = get_type_hints(layout)
    return {field.name: hints[field.name] for field in fields(layout)}
