"""Trends: how an outcome is expected to go, as callers say it, and on the unit cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from asktell.errors import NOTHING, DefinitionError, ParamsError, at_key, quoted
from asktell.numbers import is_finite
from asktell.space import door
from asktell.space.absent import NOWHERE
from asktell.space.axes import Indices, Positions
from asktell.space.door import Scalar
from asktell.space.parameters import Bool, Categorical, Ordinal, Parameter
from asktell.space.space import Points, Space

_EVENLY = np.linspace(0.0, 1.0, 33)
"""Positions at which a scale is looked at."""

Row = tuple[tuple[Scalar, float], ...]
"""Values of one parameter, each with what it adds."""


def _typed(table: tuple[tuple[str, Row], ...]) -> tuple[Any, ...]:
    """Return a table so that 1, 1.0 and True differ."""
    return tuple((name, tuple((type(v), v, add) for v, add in row)) for name, row in table)


@frozen(init=False)
class Trend:
    """How an outcome is expected to go, before anything is measured: a sum over parameters.

    Only its course counts, not its unit: where the sum is greater, the outcome is expected to be
    greater. How far that is believed depends on the observations. See :func:`asktell.suggest`.

    Args:
        table: for some parameters by name, a mapping from values to what they add. Of an
            ``Ordinal``, ``Categorical`` or ``Bool`` every value is named; of a ``Float`` or ``Int``
            one or more are, and between them the sum runs straight along the parameter's scale.
            What is not named, or not active, adds 0.

    Raises:
        DefinitionError: a ``ValueError`` that names the place in the table.
    """

    table: tuple[tuple[str, Row], ...] = field(eq=_typed)

    def __init__(self, table: Mapping[str, Mapping[Any, float]]) -> None:
        """Check and keep the table."""
        if not isinstance(table, Mapping) or not table:
            expected = "a mapping from one or more parameters to what their values add"
            raise DefinitionError("$.table", table, expected)
        rows = []
        for name, row in table.items():
            place = at_key("$.table", name)
            rows.append((door.text(name, place), _row(row, place)))
        self.__attrs_init__(tuple(rows))

    def on(self, space: Space) -> Sums:
        """Return the sums at points of a space.

        Raises:
            DefinitionError: a ``ValueError``; a parameter or a value is not the space's, or a value
                is missing. Its place begins with ``$.table``.
        """
        dimensions, columns, lines = [], [], []
        for name, row in self.table:
            place = at_key("$.table", name)
            if name not in space.index:
                expected = f"only parameters of the space: {quoted(list(space.names))}"
                raise DefinitionError(place, dict(row), expected)
            dimension = space.index[name]
            parameter = space.parameters[dimension]
            positions, numbers = _along(parameter, row, place)
            if isinstance(parameter, Ordinal | Categorical | Bool):
                dimensions.append(dimension)
                columns.append(numbers)
            else:
                lines.append(Line(dimension, positions, numbers))
        return _sums(dimensions, columns, lines)

    def __repr__(self) -> str:
        return f"Trend({quoted({name: dict(row) for name, row in self.table})})"


@frozen(eq=False)
class Line:
    """What a parameter on a scale adds: numbers (k,) at positions (k,), straight in between.

    Beyond the first and the last it stays as it is there.
    """

    dimension: int
    positions: Positions
    numbers: Positions

    def at(self, positions: Positions) -> Positions:
        """Return what positions (m,) add."""
        return np.interp(positions, self.positions, self.numbers)

    def slopes(self, positions: Positions) -> Positions:
        """Return the slopes (m,) there; at a bend, that to the right."""
        rises = np.diff(self.numbers) / np.diff(self.positions)
        rises = np.concatenate([[0.0], rises, [0.0]])
        return np.asarray(rises[np.searchsorted(self.positions, positions, side="right")])


@frozen(eq=False)
class Sums:
    """A trend on the unit cube. Its greatest number is 1 in magnitude, as its unit does not matter.

    Attributes:
        dimensions: those of parameters that are one of several values (c,).
        sizes: how many values each has (c,).
        numbers: what they add, in the order of the positions (c, most + 1); the first is what adds
            a parameter that is not active, 0.
        lines: what parameters on a scale add.
    """

    dimensions: Indices
    sizes: Indices
    numbers: Positions
    lines: tuple[Line, ...]

    def __call__(self, points: Points) -> Positions:
        """Return the sums (m,) at points (m, d)."""
        positions = points[:, self.dimensions]
        codes = np.rint(positions * (self.sizes - 1)).astype(np.int64) + 1
        codes[positions == NOWHERE] = 0
        total = self.numbers[np.arange(len(self.dimensions)), codes].sum(axis=1)
        for line in self.lines:
            here = points[:, line.dimension]
            total = total + np.where(here == NOWHERE, 0.0, line.at(here))
        return np.asarray(total)

    def with_gradient(self, points: Points) -> tuple[Positions, Points]:
        """Return the sums (m,) and their gradients (m, d), which are 0 along lists of values."""
        gradients = np.zeros_like(points)
        for line in self.lines:
            here = points[:, line.dimension]
            gradients[:, line.dimension] = np.where(here == NOWHERE, 0.0, line.slopes(here))
        return self(points), gradients

    def deviations(self, dim: int) -> Positions:
        """Return how much what each dimension adds deviates along it (dim,); NaN if not named."""
        found = np.full(dim, np.nan)
        for dimension, size, row in zip(self.dimensions, self.sizes, self.numbers, strict=True):
            found[dimension] = row[1 : size + 1].std()
        for line in self.lines:
            found[line.dimension] = line.at(_EVENLY).std()
        return found

    def says_of(self, dim: int) -> NDArray[np.bool_]:
        """Tell of which of the dimensions (dim,) it says anything."""
        return ~np.isnan(self.deviations(dim))

    def times(self, factor: float) -> Sums:
        """Return the sums times a number."""
        lines = tuple(evolve(line, numbers=factor * line.numbers) for line in self.lines)
        return evolve(self, numbers=factor * self.numbers, lines=lines)


def _row(row: Any, place: str) -> Row:
    if not isinstance(row, Mapping) or not row:
        raise DefinitionError(place, row, "a mapping from values to what they add")
    pairs = []
    for value, number in row.items():
        where = at_key(place, value)
        if not is_finite(number):
            raise DefinitionError(where, number, "a finite number")
        pairs.append((door.scalar(value, where), float(number)))
    return tuple(pairs)


def _along(parameter: Parameter, row: Row, place: str) -> tuple[Positions, Positions]:
    """Return the positions of a parameter's values (k,) in order, and what they add (k,)."""
    adds: dict[Any, float] = {}
    for value, number in row:
        where = at_key(place, value)
        try:
            canonical = parameter.check(value)
        except ParamsError as error:
            raise DefinitionError(where, error.got, error.expected) from None
        if canonical in adds:
            raise DefinitionError(where, value, "a value that is not named before")
        adds[canonical] = number
    for value in _values(parameter):
        if value not in adds:
            raise DefinitionError(at_key(place, value), NOTHING, "what this value adds: a number")
    positions = parameter.encode(list(adds))
    order = np.argsort(positions, kind="stable")
    return positions[order], np.array(list(adds.values()))[order]


def _values(parameter: Parameter) -> tuple[Scalar, ...]:
    """Return the values of a parameter that is one of several; none of one on a scale."""
    if isinstance(parameter, Ordinal):
        return parameter.values
    if isinstance(parameter, Categorical):
        return parameter.choices
    return (False, True) if isinstance(parameter, Bool) else ()


def _sums(dimensions: Sequence[int], columns: Sequence[Positions], lines: Sequence[Line]) -> Sums:
    every = [*columns, *(line.numbers for line in lines)]
    greatest = max(float(np.abs(numbers).max()) for numbers in every) or 1.0
    sizes = np.array([len(column) for column in columns], dtype=np.int64)
    numbers = np.zeros((len(columns), int(sizes.max(initial=0)) + 1))
    for row, column in zip(numbers, columns, strict=True):
        row[1 : len(column) + 1] = column / greatest
    straight = tuple(evolve(line, numbers=line.numbers / greatest) for line in lines)
    return Sums(np.array(dimensions, dtype=np.int64), sizes, numbers, straight)
