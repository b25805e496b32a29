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
from asktell.space.axes import Indices, Interval, Positions
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
        asked = []
        for names, part in self.parts:
            place = at_key("$.parts", ", ".join(names))
            for name in names:
                if name not in space.index:
                    expected = f"only parameters of the space: {quoted(list(space.names))}"
                    raise DefinitionError(place, name, expected)
            dimensions = [space.index[name] for name in names]
            parameters = [space.parameters[dimension] for dimension in dimensions]
            asked.append(_Asked(place, part, np.array(dimensions), parameters))
        through = self.through

        def numbers(points: Points) -> Positions:
            totals = np.asarray(self.constant + sum(one.at(points) for one in asked))
            if through is None:
                return totals
            return np.array([through(total) for total in totals.tolist()], dtype=np.float64)

        return numbers


@frozen(eq=False)
class _Asked:
    """A part, and what it said: in a table, or where its values cannot be listed, in a dict."""

    place: str
    part: Part
    dimensions: Indices
    parameters: Sequence[Parameter]
    shape: tuple[int, ...] = field(init=False)
    table: Positions | None = field(init=False)
    answers: dict[tuple[Any, ...], float] = field(factory=dict, init=False)

    @shape.default
    def _shape(self) -> tuple[int, ...]:
        return tuple((one.axis.size or _MOST_LISTED) + 1 for one in self.parameters)

    @table.default
    def _table(self) -> Positions | None:
        size = math.prod(self.shape)
        return np.full(size, np.nan) if size <= _MOST_LISTED else None

    def at(self, points: Points) -> Positions:
        """Return what the part adds (m,) at points (m, d)."""
        columns = points[:, self.dimensions]
        if self.table is None:
            every = [_values(p, columns[:, i]) for i, p in enumerate(self.parameters)]
            return np.array([self._answer(row) for row in zip(*every, strict=True)])
        codes = [
            np.where(column == NOWHERE, 0, _indices(parameter, column) + 1)
            for parameter, column in zip(self.parameters, columns.T, strict=True)
        ]
        places = np.ravel_multi_index(codes, self.shape)
        for place in np.unique(places[np.isnan(self.table[places])]).tolist():
            row = np.flatnonzero(places == place)[0]
            values = tuple(
                _values(p, columns[row : row + 1, i])[0] for i, p in enumerate(self.parameters)
            )
            self.table[place] = self._answer(values)
        return np.asarray(self.table[places])

    def _answer(self, values: tuple[Any, ...]) -> float:
        if values not in self.answers:
            pairs = zip(self.parameters, values, strict=True)
            number = self.part({p.name: value for p, value in pairs if value is not ABSENT})
            if not is_finite(number):
                raise DefinitionError(self.place, number, "a finite number")
            self.answers[values] = float(number)
        return self.answers[values]


def _indices(parameter: Parameter, positions: Positions) -> Indices:
    assert not isinstance(parameter.axis, Interval)  # they have no table
    return parameter.axis.indices(positions)


def _values(parameter: Parameter, positions: Positions) -> list[Any]:
    there = (positions != NOWHERE).tolist()
    values = zip(parameter.decode(positions), there, strict=True)
    return [value if is_there else ABSENT for value, is_there in values]
