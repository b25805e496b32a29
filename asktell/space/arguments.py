"""Values made from mappings that people or files give: every key is known, and none is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from inspect import Parameter as Argument
from inspect import signature
from typing import Any, TypeVar

from asktell.errors import NOTHING, InvalidValueError, at_key
from asktell.space.conditions import Where, plain_where

V = TypeVar("V")

_LONGEST_WORD = 40
"""How much of an unknown word is compared with the known ones."""


def defaults_of(constructor: Callable[..., Any]) -> dict[str, Any]:
    """Return the arguments that a constructor takes, with their defaults; ``NOTHING`` for none."""
    return dict(_defaults(constructor))


@lru_cache(maxsize=64)
def _defaults(constructor: Any) -> dict[str, Any]:
    return {
        name: NOTHING if argument.default is Argument.empty else argument.default
        for name, argument in signature(constructor).parameters.items()
    }


def arguments_of(value: object) -> dict[str, Any]:
    """Return the arguments that make a value such as a parameter, by name, as plain values."""
    return {name: _plain(getattr(value, name)) for name in defaults_of(type(value))}


def described(value: object) -> str:
    """Return the call that makes a value, without the optional arguments that it was not given."""
    defaults = defaults_of(type(value))
    items = {name: getattr(value, name) for name in defaults}
    said = [
        f"{name}={plain_where(item) if isinstance(item, Where) else repr(item)}"
        for name, item in items.items()
        if defaults[name] is not None or name == "step" or item not in (None, ())
    ]
    return f"{type(value).__name__}({', '.join(said)})"


def _plain(item: Any) -> Any:
    if isinstance(item, Where):
        return plain_where(item)
    return list(item) if isinstance(item, tuple) else item


def made(
    constructor: Callable[..., V],
    arguments: Mapping[str, Any],
    place: str,
    fault: type[InvalidValueError],
    needed: Iterable[str] = (),
) -> V:
    """Return ``constructor(**arguments)``.

    Args:
        constructor: of a parameter, of settings, ...
        arguments: by name.
        place: where they stand.
        fault: the kind of error that is raised.
        needed: further arguments that must be there, although they have a default.

    Raises:
        InvalidValueError: a ``ValueError`` of the kind of ``fault``, which names the path of an
            argument that is unknown, missing, or refused by the constructor.
    """
    defaults = defaults_of(constructor)
    check_keys(arguments, defaults, place, fault)
    for name, default in defaults.items():
        if name not in arguments and (default is NOTHING or name in needed):
            raise fault(at_key(place, name), NOTHING, "a value")
    try:
        return constructor(**arguments)
    except InvalidValueError as error:
        inner = error.below(place)
        raise fault(inner.place, inner.got, inner.expected) from None


def check_keys(
    mapping: Mapping[Any, Any], allowed: Iterable[str], place: str, fault: type[InvalidValueError]
) -> None:
    """Check that a mapping has no keys but these.

    Raises:
        InvalidValueError: a ``ValueError`` of the kind of ``fault``; it names the key, and the
            allowed one that is most like it.
    """
    known = list(allowed)
    for key in mapping:
        if key not in known:
            expected = f"one of the keys {known}{hint(key, known)}"
            raise fault(at_key(place, key), mapping[key], expected)


def hint(word: Any, known: Iterable[str]) -> str:
    """Return the known word that an unknown one is most like, as the end of a sentence."""
    near = get_close_matches(word[:_LONGEST_WORD], known, n=1) if isinstance(word, str) else []
    return f" (did you mean {near[0]}?)" if near else ""
