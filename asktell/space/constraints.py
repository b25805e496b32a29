"""Known constraints on params, as data: which combinations of values there are.

A constraint applies where all parameters that it names are active.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from attrs import frozen

from asktell.errors import DefinitionError, at_key
from asktell.numbers import is_finite
from asktell.space import door
from asktell.space.conditions import Where, plain_where, where_of

TOLERANCE = 1e-9
"""By how much told params may miss a sum, relative to its greatest term: the rounding of those who
worked them out elsewhere."""


@frozen(init=False)
class Linear:
    """A weighted sum of numbers keeps within bounds.

    Args:
        coefficients: of parameters that are numbers, by name; not 0.
        at_least: the least value of the sum.
        at_most: the greatest. Both may be given, and may be equal.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    coefficients: tuple[tuple[str, float], ...]
    at_least: float | None
    at_most: float | None

    def __init__(
        self,
        coefficients: Mapping[str, float],
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        """Check and keep the arguments."""
        if not isinstance(coefficients, Mapping) or not coefficients:
            raise DefinitionError("$.linear", coefficients, "a mapping from names to numbers")
        for name, number in coefficients.items():
            place = at_key("$.linear", name)
            door.text(name, place)
            if not is_finite(number) or float(number) == 0.0:
                raise DefinitionError(place, number, "a finite number that is not 0")
        low = None if at_least is None else door.finite(at_least, "$.at_least")
        high = None if at_most is None else door.finite(at_most, "$.at_most")
        if low is None and high is None:
            raise DefinitionError("$.at_most", None, "a bound: at_least, at_most, or both")
        if low is not None and high is not None and low > high:
            raise DefinitionError("$.at_most", high, f"a number >= at_least = {low}")
        pairs = tuple((str(name), float(number)) for name, number in coefficients.items())
        self.__attrs_init__(pairs, low, high)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the parameters that it is about."""
        return tuple(name for name, _ in self.coefficients)

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Tell whether params that have all of the names keep it, but for rounding."""
        terms = [number * params[name] for name, number in self.coefficients]
        total = math.fsum(terms)
        slack = TOLERANCE * max(map(abs, terms))
        return (self.at_least is None or total >= self.at_least - slack) and (
            self.at_most is None or total <= self.at_most + slack
        )

    def __str__(self) -> str:
        total = " + ".join(
            name if number == 1.0 else f"{number:g} {name}" for name, number in self.coefficients
        ).replace("+ -", "- ")
        if self.at_least is None:
            return f"{total} <= {self.at_most:g}"
        if self.at_most is None:
            return f"{total} >= {self.at_least:g}"
        if self.at_least == self.at_most:
            return f"{total} = {self.at_most:g}"
        return f"{self.at_least:g} <= {total} <= {self.at_most:g}"


@frozen(init=False)
class Ordered:
    """Numbers do not decrease in the order of the names: ``Ordered("low", "high")``.

    Args:
        *names: of two or more parameters that are numbers, each once.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        """Check and keep the names."""
        self.__attrs_init__(_distinct(names, "$.ordered"))

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Tell whether params that have all of the names keep it."""
        numbers: list[float] = [params[name] for name in self.names]
        return all(left <= right for left, right in pairwise(numbers))

    def __str__(self) -> str:
        return " <= ".join(self.names)


@frozen(init=False)
class Forbidden:
    """A combination of values that there is not.

    Args:
        where: what is forbidden together: a mapping from names to a value, a list of values,
            ``AtLeast``, ``AtMost`` or a list of these two.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    where: Where

    def __init__(self, where: Mapping[str, Any]) -> None:
        """Check and keep the combination."""
        self.__attrs_init__(where_of(where, "$.forbidden"))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the parameters that it is about."""
        return self.where.names

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Tell whether params that have all of the names keep it."""
        return not all(condition.holds(params[name]) for name, condition in self.where.conditions)

    def __str__(self) -> str:
        return f"never {self.where}"


@frozen(init=False)
class Simplex:
    """Shares that sum to a total.

    Args:
        *names: of two or more ``Float`` parameters without log and step, each once.
        total: what they sum to.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    names: tuple[str, ...]
    total: float

    def __init__(self, *names: str, total: float = 1.0) -> None:
        """Check and keep the arguments."""
        self.__attrs_init__(_distinct(names, "$.simplex"), door.finite(total, "$.total"))

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Tell whether params that have all of the names keep it, but for rounding."""
        numbers: list[float] = [params[name] for name in self.names]
        slack = TOLERANCE * max(abs(self.total), *map(abs, numbers))
        return abs(math.fsum(numbers) - self.total) <= slack

    def __str__(self) -> str:
        return f"{' + '.join(self.names)} = {self.total:g}"


Constraint = Linear | Ordered | Forbidden | Simplex


def _distinct(names: tuple[Any, ...], place: str) -> tuple[str, ...]:
    for position, name in enumerate(names):
        door.text(name, f"{place}[{position}]")
        if name in names[:position]:
            raise DefinitionError(f"{place}[{position}]", name, "a name not used before")
    if len(names) < 2:
        raise DefinitionError(place, list(names), "two or more names")
    return tuple(map(str, names))


# --- as plain values, as in space files ---


def plain_constraint(constraint: Constraint) -> dict[str, Any]:
    """Return a constraint as plain values, from which ``constraint_of`` makes the same."""
    if isinstance(constraint, Linear):
        bounds = {"at_least": constraint.at_least, "at_most": constraint.at_most}
        rest = {key: bound for key, bound in bounds.items() if bound is not None}
        return {"linear": dict(constraint.coefficients), **rest}
    if isinstance(constraint, Ordered):
        return {"ordered": list(constraint.names)}
    if isinstance(constraint, Forbidden):
        return {"forbidden": plain_where(constraint.where)}
    return {"simplex": list(constraint.names), "total": constraint.total}


_KINDS: dict[str, tuple[str, ...]] = {
    "linear": ("at_least", "at_most"),
    "ordered": (),
    "forbidden": (),
    "simplex": ("total",),
}
"""The key that says the kind, and the others that it may have."""


def constraint_of(document: Any, place: str) -> Constraint:
    """Return the constraint of plain values: ``{"linear": {"x": 1.0}, "at_most": 1.0}``.

    Raises:
        DefinitionError: a ``ValueError`` that names the path.
    """
    kinds = [key for key in _KINDS if isinstance(document, Mapping) and key in document]
    if len(kinds) != 1:
        raise DefinitionError(place, document, f"a mapping with one of the keys {list(_KINDS)}")
    (kind,) = kinds
    allowed = (kind, *_KINDS[kind])
    for key in document:
        if key not in allowed:
            raise DefinitionError(at_key(place, key), document[key], f"only the keys {allowed}")
    rest = {key: document[key] for key in _KINDS[kind] if key in document}
    value = document[kind]
    if kind in ("ordered", "simplex") and not isinstance(value, list | tuple):
        raise DefinitionError(f"{place}.{kind}", value, "a list of names")
    try:
        if kind == "linear":
            return Linear(value, **rest)
        if kind == "ordered":
            return Ordered(*value)
        return Forbidden(value) if kind == "forbidden" else Simplex(*value, **rest)
    except DefinitionError as error:
        inner = error.below(place)
        raise DefinitionError(inner.place, inner.got, inner.expected) from None
