"""Reading plain dicts into frozen layout classes: every fault is reported with its path.

No value is coerced, no field may be missing, and none may be there that the layout does not name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar, get_origin

from attrs import has
from cattrs import Converter
from cattrs.cols import list_structure_factory
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.gen import make_dict_structure_fn

from asktell.errors import NOTHING, InvalidValueError, StateError
from asktell.numbers import is_finite

L = TypeVar("L")


def read(document: Any, layout: type[L]) -> L:
    """Return the document as a layout class: attrs fields of int, float, bool, str, dict, list.

    Raises:
        StateError: a ``ValueError``; all faults, each with its path below ``$``.
    """
    try:
        return _converter().structure(document, layout)
    except Exception as error:
        first, *others = _faults(error, "$")
        raise StateError(first.place, first.got, first.expected, tuple(others)) from None


def below(error: InvalidValueError, place: str) -> StateError:
    """Return the fault of a field as one of the document, with its path below ``place``."""
    others = tuple(below(other, place) for other in getattr(error, "others", ()))
    return StateError(place + error.place.removeprefix("$"), error.got, error.expected, others)


@cache
def _converter() -> Converter:
    """Return the reader of the layout: no coercion, no unknown fields."""
    converter = Converter(forbid_extra_keys=True)
    for kind, accepted, expected in (
        (int, (int,), "an integer"),
        (float, (int, float), "a finite number"),
        (str, (str,), "a string"),
        (bool, (bool,), "true or false"),
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
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
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
        yield below(error, place)
    else:  # of what cattrs' own readers raise, a KeyError alone is left
        yield StateError(place, NOTHING, "a value")
