"""Conversions at the door: what a caller passes to a parameter becomes plain, or is refused.

Each takes the argument and its place, and returns its canonical form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from asktell.errors import DefinitionError
from asktell.numbers import is_finite, is_integer

Scalar = None | bool | int | float | str
"""A value that JSON keeps as it is."""

LARGEST_INT = 2**53
"""Beyond this magnitude floats skip integers, and positions could not tell them apart."""

_PLAIN = frozenset({type(None), bool, int, float, str})


def text(value: Any, place: str) -> str:
    """Return a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise DefinitionError(place, value, "a name: a string that is not empty")
    return str(value)


def finite(value: Any, place: str) -> float:
    """Return a finite float."""
    if not is_finite(value):
        raise DefinitionError(place, value, "a finite number")
    return float(value)


def positive(value: Any, place: str) -> float | None:
    """Return a finite float above 0, or None."""
    if value is None:
        return None
    if not is_finite(value) or not float(value) > 0:
        raise DefinitionError(place, value, "a finite number > 0, or None")
    return float(value)


def integer(value: Any, place: str) -> int:
    """Return an integer that a float holds exactly."""
    if not is_integer(value) or abs(int(value)) > LARGEST_INT:
        raise DefinitionError(place, value, "an integer within +-2**53")
    return int(value)


def flag(value: Any, place: str) -> bool:
    """Return a bool."""
    if not isinstance(value, bool | np.bool_):
        raise DefinitionError(place, value, "True or False")
    return bool(value)


def plain(value: Any) -> Scalar:
    """Return a scalar as Python's own type; a subclass of ``str`` becomes a plain ``str``.

    Raises:
        TypeError: it is not a scalar.
    """
    if type(value) in _PLAIN:
        return value  # type: ignore[no-any-return]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise TypeError(type(value))


def scalars(values: Any, place: str) -> tuple[Scalar, ...]:
    """Return a list of scalars as a tuple: at least one, finite, no two equal."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise DefinitionError(place, values, "a list of values")
    if not len(values):
        raise DefinitionError(place, values, "at least one value")
    seen: dict[Scalar, None] = {}
    for position, value in enumerate(values):
        plain_value = _scalar_of(value, place, position)
        if plain_value in seen:
            expected = "a value not listed before (1, 1.0 and True are equal)"
            raise DefinitionError(f"{place}[{position}]", value, expected)
        seen[plain_value] = None
    return tuple(seen)


def _scalar_of(value: Any, place: str, position: int) -> Scalar:
    if type(value) is str:  # most lists are of strings, and some are long
        return value
    return scalar(value, f"{place}[{position}]")


def scalar(value: Any, place: str) -> Scalar:
    """Return a finite scalar as Python's own type."""
    try:
        number = plain(value)
    except TypeError:
        expected = "a string, a number, a bool or None: use strings and map them to your objects"
        raise DefinitionError(place, value, expected) from None
    if isinstance(number, int | float):
        try:
            held = math.isfinite(number)
        except OverflowError:
            held = False
        if not held:
            expected = "a finite number that a float can hold, or a string"
            raise DefinitionError(place, value, expected)
    return number
