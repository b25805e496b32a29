"""Known outcomes that are sums: each part is asked about few parameters, and so seldom."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen

from asktell.errors import DefinitionError, at_key, quoted
from asktell.numbers import is_finite
from asktell.space import door
from asktell.space.absent import ABSENT, NOWHERE
from asktell.space.axes import Indices, Interval, Levels, LogLevels, Positions
from asktell.space.parameters import Parameter
from asktell.space.space import Points, Space

Part = Callable[[dict[str, Any]], float]
"""Takes params that have some names alone, and returns a number."""

_MOST_LISTED = 2**20
"""So many combinations of a part's values have a place in a table, at most."""


@frozen(init=False)
class SumOf:
    """An outcome that is known without an evaluation, as a sum of parts.

    Where every part looks at one parameter or a few, each is asked once about each combination of
    their values, not once about each of thousands of params. It can be called like any function
    that says what is known; see :func:`asktell.suggest`.

    Args:
        parts: functions, by the name of the parameter that they look at, or a tuple of names. Each
            takes params with these names alone, without those that are not active, and returns a
            finite number, the same for the same params.
        constant: what is added.
        through: a function of the sum, where the outcome is that.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    parts: tuple[tuple[tuple[str, ...], Part], ...]
    constant: float
    through: Callable[[float], float] | None
    _made: list[tuple[Space, _Parts]] = field(factory=list, init=False, eq=False, repr=False)
    """The space that it was last asked about, and what the parts said there."""

    def __init__(
        self,
        parts: Mapping[str | tuple[str, ...], Part],
        constant: float = 0.0,
        through: Callable[[float], float] | None = None,
    ) -> None:
        """Check and keep the parts."""
        if not isinstance(parts, Mapping) or not parts:
            raise DefinitionError("$.parts", parts, "a mapping from names to functions of params")
        kept = []
        for key, part in parts.items():
            place = at_key("$.parts", key)
            names = key if isinstance(key, tuple) and key else (key,)
            if not callable(part):
                raise DefinitionError(place, part, "a function of params")
            kept.append((tuple(door.text(name, place) for name in names), part))
        if through is not None and not callable(through):
            raise DefinitionError("$.through", through, "a function of the sum, or None")
        self.__attrs_init__(tuple(kept), door.finite(constant, "$.constant"), through)

    def __call__(self, params: Mapping[str, Any]) -> float:
        """Return the sum for params."""
        total = self.constant + math.fsum(
            part({name: params[name] for name in names if name in params})
            for names, part in self.parts
        )
        return total if self.through is None else self.through(total)

    def on(self, space: Space) -> Callable[[Points], Positions]:
        """Return what gives the sums (m,) at points (m, d) of a space.

        Raises:
            DefinitionError: a ``ValueError``; a part names what is not a parameter, or, when the
                sums are asked for, does not return a finite number.
        """
        if not self._made or self._made[0][0] is not space:
            self._made[:] = [(space, _Parts.of(self.parts, space))]
        parts, through = self._made[0][1], self.through

        def numbers(points: Points) -> Positions:
            totals = np.asarray(self.constant + parts.at(points))
            if through is None:
                return totals
            return np.array([through(total) for total in totals.tolist()], dtype=np.float64)

        return numbers


@frozen(eq=False)
class _Parts:
    """The parts of a sum on a space: in tables where values can be listed, else asked each time."""

    tables: _Tables
    asked: list[_Asked]

    @classmethod
    def of(cls, parts: tuple[tuple[tuple[str, ...], Part], ...], space: Space) -> _Parts:
        listed: list[_Asked] = []
        asked: list[_Asked] = []
        for names, part in parts:
            place = at_key("$.parts", ", ".join(names))
            for name in names:
                if name not in space.index:
                    expected = f"only parameters of the space: {quoted(list(space.names))}"
                    raise DefinitionError(place, name, expected)
            dimensions = [space.index[name] for name in names]
            parameters = [space.parameters[dimension] for dimension in dimensions]
            one = _Asked(place, part, np.array(dimensions), parameters)
            (listed if one.size <= _MOST_LISTED else asked).append(one)
        return cls(_Tables(listed, space), asked)

    def at(self, points: Points) -> Positions:
        """Return the sums (m,) at points (m, d)."""
        return self.tables.at(points) + sum(one.at(points) for one in self.asked)


@frozen(eq=False)
class _Asked:
    """A part, and what it said."""

    place: str
    part: Part
    dimensions: Indices
    parameters: Sequence[Parameter]
    answers: dict[tuple[Any, ...], float] = field(factory=dict, init=False)

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

    def _answer(self, values: tuple[Any, ...]) -> float:
        if values not in self.answers:
            pairs = zip(self.parameters, values, strict=True)
            number = self.part({p.name: value for p, value in pairs if value is not ABSENT})
            if not is_finite(number):
                raise DefinitionError(self.place, number, "a finite number")
            self.answers[values] = float(number)
        return self.answers[values]


@frozen(eq=False)
class _Tables:
    """Parts with a table each, of what they said so far: one after the other, looked up at once.

    Where positions lie evenly, so do levels: their codes are 1 + the level, 0 for nowhere.
    """

    parts: list[_Asked]
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
