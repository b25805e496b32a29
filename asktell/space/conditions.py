"""Conditions on parameters, as data: that one has certain values, or lies within bounds.

They say when a parameter is active (``when``), and which combinations are forbidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen

from asktell.errors import DefinitionError, at_key
from asktell.space import door
from asktell.space.bounds import AtLeast, AtMost, Bound
from asktell.space.door import Scalar

_BOUNDS: dict[str, type[Bound]] = {"at_least": AtLeast, "at_most": AtMost}

_EXPECTED = "a value, a list of values, AtLeast, AtMost, or a list of these two"


def typed(values: Sequence[Scalar]) -> tuple[tuple[type, Scalar], ...]:
    """Return values so that 1, 1.0 and True differ."""
    return tuple((type(value), value) for value in values)


@frozen
class OneOf:
    """A parameter has one of these values."""

    values: tuple[Scalar, ...] = field(eq=typed)

    def holds(self, value: Any) -> bool:
        """Tell whether a canonical value is one of them."""
        return value in self.values

    def __str__(self) -> str:
        if len(self.values) == 1:
            return f"is {self.values[0]!r}"
        return f"is one of {list(self.values)}"


@frozen
class Between:
    """A parameter is a number within these bounds; None where there is none."""

    at_least: float | None
    at_most: float | None

    def holds(self, value: Any) -> bool:
        """Tell whether a number lies within the bounds."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    def __str__(self) -> str:
        if self.at_least is None:
            return f"is at most {self.at_most:g}"
        if self.at_most is None:
            return f"is at least {self.at_least:g}"
        return f"is from {self.at_least:g} to {self.at_most:g}"


Condition = OneOf | Between


@frozen
class Where:
    """Conditions on several parameters, which all have to hold; make one with :func:`where_of`."""

    conditions: tuple[tuple[str, Condition], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the parameters that it looks at."""
        return tuple(name for name, _ in self.conditions)

    def __str__(self) -> str:
        return " and ".join(f"{name} {condition}" for name, condition in self.conditions)


def where_of(value: Any, place: str) -> Where:
    """Return the conditions of a mapping from names to what is wanted of each.

    Raises:
        DefinitionError: a ``ValueError`` that names the path.
    """
    if isinstance(value, Where):
        return value
    if not isinstance(value, Mapping) or not value:
        expected = "a mapping from names of parameters to values or bounds"
        raise DefinitionError(place, value, expected)
    pairs = []
    for name, wanted in value.items():
        door.text(name, place)
        pairs.append((str(name), _condition(wanted, at_key(place, name))))
    return Where(tuple(pairs))


def optional_where(value: Any, place: str) -> Where | None:
    """Return conditions as ``where_of`` does, or None."""
    return None if value is None else where_of(value, place)


def _condition(value: Any, place: str) -> Condition:
    if isinstance(value, AtLeast | AtMost):
        return _between([value], value, place)
    if isinstance(value, Mapping):
        return _between(_bounds(value, place), value, place)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, set | frozenset):
        raise DefinitionError(place, value, "a list: sets have no order")
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        if value and all(isinstance(one, AtLeast | AtMost) for one in value):
            return _between(value, value, place)
        return OneOf(door.scalars(value, place))
    try:
        return OneOf((door.scalar(value, place),))
    except DefinitionError:
        raise DefinitionError(place, value, _EXPECTED) from None


def _bounds(value: Mapping[Any, Any], place: str) -> list[Bound]:
    bounds = []
    for key, bound in value.items():
        if key not in _BOUNDS:
            raise DefinitionError(at_key(place, key), bound, f"one of the keys {list(_BOUNDS)}")
        try:
            bounds.append(_BOUNDS[key](bound))
        except DefinitionError as error:
            raise DefinitionError(f"{place}.{key}", error.got, error.expected) from None
    return bounds


def _between(bounds: Sequence[Bound], got: Any, place: str) -> Between:
    low = [one.bound for one in bounds if isinstance(one, AtLeast)]
    high = [one.bound for one in bounds if isinstance(one, AtMost)]
    if not bounds or len(low) > 1 or len(high) > 1 or (low and high and low[0] > high[0]):
        raise DefinitionError(place, got, "AtLeast, AtMost, or both, which can hold together")
    return Between(low[0] if low else None, high[0] if high else None)


def plain_where(where: Where) -> dict[str, Any]:
    """Return conditions as plain values, from which ``where_of`` makes the same."""
    return {name: _plain(condition) for name, condition in where.conditions}


def _plain(condition: Condition) -> Any:
    if isinstance(condition, OneOf):
        return list(condition.values)
    bounds = {"at_least": condition.at_least, "at_most": condition.at_most}
    return {key: bound for key, bound in bounds.items() if bound is not None}
