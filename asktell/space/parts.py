"""The parts of a known sum on a space: each is asked once about each combination of its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from attrs import field, frozen

from asktell.errors import DefinitionError, at_key, quoted
from asktell.numbers import is_finite
from asktell.space.absent import ABSENT, NOWHERE
from asktell.space.axes import Indices, Interval, Levels, LogLevels, Positions
from asktell.space.parameters import Parameter
from asktell.space.space import Points, Space

Part = Callable[[dict[str, Any]], float]
"""Takes params that have some names alone, and returns a number."""

NamedParts = tuple[tuple[tuple[str, ...], Part], ...]
"""Parts, each with the names that it looks at."""

_MOST_LISTED = 2**20
"""So many combinations of a part's values have a place in a table, at most."""

_MOST_ASKED = 2**14
"""With more combinations, the least that a part adds is not looked for."""


@frozen(eq=False)
class Parts:
    """The parts of a sum on a space: in tables where values can be listed, else asked each time.

    Make them with :meth:`of`.
    """

    tables: Tables
    asked: list[Asked]

    @classmethod
    def of(cls, parts: NamedParts, space: Space) -> Parts:
        """Return the parts on a space, none of them asked yet.

        Raises:
            DefinitionError: a ``ValueError``; one names what is not a parameter.
        """
        every = [Asked.of(names, part, space) for names, part in parts]
        listed = [one for one in every if one.size <= _MOST_LISTED]
        return cls(Tables(listed, space), [one for one in every if one.size > _MOST_LISTED])

    def at(self, points: Points) -> Positions:
        """Return the sums (m,) at points (m, d)."""
        return self.tables.at(points) + sum(one.at(points) for one in self.asked)

    @cached_property
    def least(self) -> float:
        """The sum of the least that every part adds, or minus infinity: no sum is below."""
        return math.fsum(one.least() for one in (*self.tables.parts, *self.asked))


@frozen(eq=False)
class Asked:
    """A part, and what it said."""

    place: str
    part: Part
    dimensions: Indices
    parameters: Sequence[Parameter]
    answers: dict[tuple[Any, ...], float] = field(factory=dict, init=False)

    @classmethod
    def of(cls, names: tuple[str, ...], part: Part, space: Space) -> Asked:
        """Return a part on a space.

        Raises:
            DefinitionError: a ``ValueError``; it names what is not a parameter.
        """
        place = at_key("$.parts", ", ".join(names))
        for name in names:
            if name not in space.index:
                expected = f"only parameters of the space: {quoted(list(space.names))}"
                raise DefinitionError(place, name, expected)
        dimensions = [space.index[name] for name in names]
        return cls(place, part, np.array(dimensions), [space.parameters[i] for i in dimensions])

    @property
    def shape(self) -> tuple[int, ...]:
        """Return how many values there are along each dimension, with that of being nowhere."""
        return tuple((one.axis.size or _MOST_LISTED) + 1 for one in self.parameters)

    @property
    def size(self) -> int:
        """Return how many combinations of values there are."""
        return math.prod(self.shape)

    def at(self, points: Points) -> Positions:
        """Return what the part adds (m,) at points (m, d)."""
        columns = points[:, self.dimensions].T
        values = [_values(p, column) for p, column in zip(self.parameters, columns, strict=True)]
        return np.array([self._answer(row) for row in zip(*values, strict=True)])

    def least(self) -> float:
        """Return the least that the part adds; minus infinity where that takes too long."""
        if self.size > _MOST_ASKED:
            return -math.inf
        every = [
            [*one.decode(one.axis.levels()), *([ABSENT] if one.when else [])]
            for one in self.parameters
        ]
        return min(self._answer(values) for values in product(*every))

    def _answer(self, values: tuple[Any, ...]) -> float:
        if values not in self.answers:
            pairs = zip(self.parameters, values, strict=True)
            number = self.part({p.name: value for p, value in pairs if value is not ABSENT})
            if not is_finite(number):
                raise DefinitionError(self.place, number, "a finite number")
            self.answers[values] = float(number)
        return self.answers[values]


@frozen(eq=False)
class Tables:
    """Parts with a table each, of what they said so far: one after the other, looked up at once.

    Where positions lie evenly, so do levels: their codes are 1 + the level, 0 for nowhere.
    """

    parts: list[Asked]
    space: Space
    answers: Positions = field(init=False)
    offsets: Indices = field(init=False)
    looked_at: Indices = field(init=False)
    """Which dimensions each part looks at (parts, k), the first again where it looks at fewer."""
    strides: Indices = field(init=False)
    """By how much a code of each moves on in the table (parts, k), 0 where it looks at fewer."""

    even: tuple[Indices, Positions] = field(init=False)
    """Dimensions with evenly spaced levels, and the last level of each."""
    uneven: list[int] = field(init=False)

    @even.default
    def _even(self) -> tuple[Indices, Positions]:
        sizes = {i: self._axis(i).size for i in self._used if isinstance(self._axis(i), Levels)}
        return np.array([*sizes], dtype=np.int64), np.array([*sizes.values()]) - 1.0

    @uneven.default
    def _uneven(self) -> list[int]:
        return [i for i in self._used if not isinstance(self._axis(i), Levels)]

    @answers.default
    def _unknown(self) -> Positions:
        return np.full(sum(part.size for part in self.parts), np.nan)

    @offsets.default
    def _offsets(self) -> Indices:
        return np.cumsum([0, *(part.size for part in self.parts)])[:-1]

    @looked_at.default
    def _looked_at(self) -> Indices:
        found = np.zeros((len(self.parts), self._most), dtype=np.int64)
        for row, part in zip(found, self.parts, strict=True):
            row[: len(part.dimensions)] = part.dimensions
        return found

    @strides.default
    def _strides(self) -> Indices:
        found = np.zeros((len(self.parts), self._most), dtype=np.int64)
        for row, part in zip(found, self.parts, strict=True):
            row[: len(part.shape)] = np.cumprod([1, *part.shape[:0:-1]])[::-1]
        return found

    @property
    def _used(self) -> list[int]:
        return sorted({i for part in self.parts for i in part.dimensions.tolist()})

    def _axis(self, dimension: int) -> Interval | Levels | LogLevels:
        return self.space.parameters[dimension].axis

    @property
    def _most(self) -> int:
        return max((len(part.dimensions) for part in self.parts), default=0)

    def at(self, points: Points) -> Positions:
        """Return what all parts add together (m,) at points (m, d)."""
        codes = self._codes(points)
        places = np.tile(self.offsets, (len(points), 1))
        for dimensions, strides in zip(self.looked_at.T, self.strides.T, strict=True):
            places += codes[:, dimensions] * strides
        found = self.answers[places]
        unknown = np.flatnonzero(np.isnan(found))
        if len(unknown):
            new, first = np.unique(places.ravel()[unknown], return_index=True)
            rows, numbers = np.divmod(unknown[first], len(self.parts))
            for place, row, number in zip(new, rows, numbers, strict=True):
                self.answers[place] = self.parts[number].at(points[row : row + 1])[0]
            found = self.answers[places]
        return np.asarray(found.sum(axis=1))

    def _codes(self, points: Points) -> Indices:
        """Return the codes (m, d) of positions along the dimensions that parts look at."""
        codes = np.zeros(points.shape, dtype=np.int64)
        even, last = self.even
        levels = np.rint(points[:, even] * last).clip(0, last)
        codes[:, even] = np.where(points[:, even] == NOWHERE, 0, levels + 1)
        for dimension in self.uneven:
            axis, column = self.space.parameters[dimension].axis, points[:, dimension]
            assert not isinstance(axis, Interval)  # they have no table
            codes[:, dimension] = np.where(column == NOWHERE, 0, axis.indices(column) + 1)
        return codes


def _values(parameter: Parameter, positions: Positions) -> list[Any]:
    there = (positions != NOWHERE).tolist()
    values = zip(parameter.decode(positions), there, strict=True)
    return [value if is_there else ABSENT for value, is_there in values]
