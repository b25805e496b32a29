"""The configurations of dimensions that conditions and constraints link, counted and numbered.

The dimensions are gone through one after the other, with what the rest needs to know of those
before: sums so far, which dimensions are active, which forbidden combinations are still open.
States that agree in that are counted once. Sums are exact: floats are integers over a power of two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from attrs import frozen

from asktell.space.absent import NOWHERE
from asktell.space.axes import Interval
from asktell.space.column import LISTED, Column
from asktell.space.conditions import Condition
from asktell.space.region import Points, Region

_MOST_STEPS = 2**18
"""So many values are tried at most to count: about half a second."""

LONGEST_SEARCH = 2**22
"""So many values are tried at most to go through configurations that could not be counted."""


class TooManyError(Exception):
    """There is too much to go through."""


@frozen
class Known:
    """What the dimensions so far leave open, for those that follow.

    An entry is None where it no longer matters.
    """

    active: tuple[bool | None, ...]
    """Of every rule: whether the conditions so far hold."""
    sums: tuple[int | None, ...]
    """Of every row: the sum so far, in units of its own."""
    met: tuple[bool | None, ...]
    """Of every ban: whether the conditions so far are met."""


@frozen(eq=False, slots=False)
class Tree:
    """The configurations of linked dimensions, value by value.

    Args:
        region: whose dimensions.
        dims: those of one group, each after those that decide on it.
    """

    region: Region
    dims: tuple[int, ...]

    @cached_property
    def _rules(self) -> tuple[tuple[int, tuple[tuple[int, Condition], ...]], ...]:
        return tuple(
            (child, conditions)
            for child, conditions in self.region.limits.conditions
            if conditions and child in self.dims
        )

    @cached_property
    def _rows(self) -> tuple[int, ...]:
        rows = enumerate(self.region.rows)
        return tuple(number for number, row in rows if row.needs[0] in self.dims)

    @cached_property
    def _bans(self) -> tuple[int, ...]:
        bans = enumerate(self.region.bans)
        return tuple(number for number, ban in bans if ban.conditions[0][0] in self.dims)

    @cached_property
    def _order(self) -> dict[int, int]:
        return {dim: depth for depth, dim in enumerate(self.dims)}

    @cached_property
    def _levels(self) -> dict[int, Points]:
        """The positions of every dimension, in order of their numbers."""
        return {dim: self._listed(dim) for dim in self.dims if not self._is_leaf(dim)}

    def _listed(self, dim: int) -> Points:
        """Return the positions of a dimension, in order of their numbers.

        Raises:
            TooManyError: there are.
        """
        column = self.region.columns[dim]
        if column.levels is not None:
            return column.levels
        if column.continuous or dim not in self.region.used:
            raise TooManyError
        low, high = (float(ends[dim]) for ends in self.region.bounds)
        count = math.ceil((high - low) / column.step) + 3  # with one more at each end
        if count > LISTED:
            raise TooManyError
        near = column.nearest(low + column.step * np.arange(-1.0, count))
        return np.asarray(np.unique(near))

    def _is_leaf(self, dim: int) -> bool:
        """Tell whether a dimension decides on nothing: what value it has does not matter."""
        region = self.region
        decides = any(dim == i for _, conditions in self._rules for i, _ in conditions)
        banned = any(dim == i for ban in region.bans for i, _ in ban.conditions)
        return not decides and not banned and not any(dim in row.needs for row in region.rows)

    @cached_property
    def _numbers(self) -> dict[int, list[float]]:
        """The numbers of the levels of every dimension that rows look at."""
        columns = self.region.columns
        dims = [dim for dim in self.dims if dim in self.region.used]
        return {dim: columns[dim].values(self._levels[dim]).tolist() for dim in dims}

    @cached_property
    def _units(self) -> dict[int, int]:
        """By row: how many units of its sums make 1, a power of two."""
        units = {}
        for number in self._rows:
            row = self.region.rows[number]
            units[number] = max(
                (weight * value).as_integer_ratio()[1]
                for dim, weight in row.terms
                for value in self._numbers[dim]
            )
        return units

    @cached_property
    def _terms(self) -> dict[tuple[int, int], list[int]]:
        """By row and dimension: the term of every level."""
        found = {}
        for number in self._rows:
            for dim, weight in self.region.rows[number].terms:
                terms = []
                for value in self._numbers[dim]:
                    top, bottom = (weight * value).as_integer_ratio()
                    terms.append(top * (self._units[number] // bottom))
                found[number, dim] = terms
        return found

    @cached_property
    def _judged(self) -> dict[int, list[tuple[str, int, list[bool]]]]:
        """By dimension: which rules and bans look at it, and which levels pass."""
        found: dict[int, list[tuple[str, int, list[bool]]]] = {dim: [] for dim in self.dims}
        rules = [("rule", n, conditions) for n, (_, conditions) in enumerate(self._rules)]
        bans = [("ban", n, self.region.bans[b].conditions) for n, b in enumerate(self._bans)]
        for kind, n, conditions in (*rules, *bans):
            for dim, condition in conditions:
                decoded = self.region.columns[dim].parameter.decode(self._levels[dim])
                passed = [condition.holds(value) for value in decoded]
                found[dim].append((kind, n, passed))
        return found

    @cached_property
    def _rest(self) -> dict[tuple[int, int], tuple[int, int] | None]:
        """By row and depth: the least and the most that later dimensions add; None if unsure."""
        conditional = {child for child, _ in self._rules}
        found: dict[tuple[int, int], tuple[int, int] | None] = {}
        for number in self._rows:
            dims = [dim for dim, _ in self.region.rows[number].terms]
            needs = self.region.rows[number].needs
            for depth in range(len(self.dims)):
                later = [dim for dim in dims if self._order[dim] > depth]
                if any(self._order[dim] > depth and dim in conditional for dim in needs):
                    found[number, depth] = None
                    continue
                both = [(min(self._terms[number, d]), max(self._terms[number, d])) for d in later]
                found[number, depth] = (sum(low for low, _ in both), sum(high for _, high in both))
        return found

    @cached_property
    def _last(self) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
        """The depth of the last dimension of every rule (its child), row and ban."""
        return (
            {n: self._order[child] for n, (child, _) in enumerate(self._rules)},
            {
                n: max(self._order[dim] for dim in self.region.rows[number].needs)
                for n, number in enumerate(self._rows)
            },
            {
                n: max(self._order[dim] for dim, _ in self.region.bans[number].conditions)
                for n, number in enumerate(self._bans)
            },
        )

    def _root(self) -> Known:
        return Known((True,) * len(self._rules), (0,) * len(self._rows), (True,) * len(self._bans))

    def _is_active(self, depth: int, known: Known) -> bool:
        for n, (child, _) in enumerate(self._rules):
            if child == self.dims[depth]:
                return bool(known.active[n])
        return True

    def options(self, depth: int, known: Known) -> Iterator[tuple[float, Known]]:
        """Yield the positions that the next dimension can have, and what is known then."""
        dim = self.dims[depth]
        if not self._is_active(depth, known):
            found = self._absent(depth, known)
            if found is not None:
                yield NOWHERE, found
            return
        leaf = self._is_leaf(dim)
        positions = self._listed(dim) if leaf else self._levels[dim]
        for level, position in enumerate(positions.tolist()):
            found = self._present(depth, known, level)
            if found is not None:
                yield position, found

    def _absent(self, depth: int, known: Known) -> Known | None:
        dim = self.dims[depth]
        active, sums, met = list(known.active), list(known.sums), list(known.met)
        for kind, n, _ in self._judged[dim]:
            (active if kind == "rule" else met)[n] = False
        for n, number in enumerate(self._rows):
            if dim in self.region.rows[number].needs:
                sums[n] = None
        return self._closed(depth, active, sums, met)

    def _present(self, depth: int, known: Known, level: int) -> Known | None:
        dim = self.dims[depth]
        active, sums, met = list(known.active), list(known.sums), list(known.met)
        for kind, n, passed in self._judged[dim]:
            flags = active if kind == "rule" else met
            flags[n] = bool(flags[n]) and passed[level]
        for n, number in enumerate(self._rows):
            so_far = sums[n]
            if so_far is None or (number, dim) not in self._terms:
                continue
            sums[n] = so_far = so_far + self._terms[number, dim][level]
            rest = self._rest[number, depth]
            if rest is not None and not self._may_hold(number, so_far, rest):
                return None
        return self._closed(depth, active, sums, met)

    def _may_hold(self, number: int, so_far: int, rest: tuple[int, int]) -> bool:
        """Tell whether a sum can still be within its bounds, rounded as ``math.fsum`` rounds."""
        row, unit = self.region.rows[number], self._units[number]
        slack = float(self.region.slack[number])
        least, most = (so_far + rest[0]) / unit, (so_far + rest[1]) / unit
        return least <= row.high + slack and most >= row.low - slack

    def _closed(
        self,
        depth: int,
        active: list[bool | None],
        sums: list[int | None],
        met: list[bool | None],
    ) -> Known | None:
        """Forget what no later dimension asks for; None where something is broken."""
        rules, rows, bans = self._last
        for n, last in bans.items():
            if met[n] and last == depth:
                return None
            if last <= depth:
                met[n] = None
        for n, last in rows.items():
            if last <= depth:
                so_far = sums[n]
                if so_far is not None and not self._may_hold(self._rows[n], so_far, (0, 0)):
                    return None
                sums[n] = None
        for n, last in rules.items():
            if last <= depth:
                active[n] = None
        return Known(tuple(active), tuple(sums), tuple(met))

    # --- counting ---

    @cached_property
    def _counts(self) -> dict[tuple[int, Known], int]:
        return {}

    def count(self, at_most: int = _MOST_STEPS) -> int:
        """Return how many configurations there are.

        Raises:
            TooManyError: more values would have to be tried than ``at_most``.
        """
        budget = [at_most]
        return self._count(0, self._root(), budget)

    def _count(self, depth: int, known: Known, budget: list[int]) -> int:
        if depth == len(self.dims):
            return 1
        key = (depth, known)
        if key not in self._counts:
            dim = self.dims[depth]
            leaf = self._is_leaf(dim) and self._is_active(depth, known)
            budget[0] -= 1 if leaf else len(self._levels.get(dim, ()))
            if budget[0] < 0:
                raise TooManyError
            if leaf:
                then = self._present(depth, known, 0)
                counted = self._size(dim) * (self._count(depth + 1, then, budget) if then else 0)
            else:
                counted = sum(
                    self._count(depth + 1, then, budget) for _, then in self.options(depth, known)
                )
            self._counts[key] = counted
        return self._counts[key]

    def _size(self, dim: int) -> int:
        size = self.region.axes[dim].size
        assert size is not None
        return size

    def nth(self, index: int) -> list[float]:
        """Return the positions of configuration number ``index``, of those that were counted."""
        positions, known = [], self._root()
        for depth, dim in enumerate(self.dims):
            if self._is_leaf(dim) and self._is_active(depth, known):
                after = self._present(depth, known, 0)
                assert after is not None
                level, index = divmod(index, self._count(depth + 1, after, [LONGEST_SEARCH]))
                positions.append(level_of(self.region.columns[dim], level))
                known = after
                continue
            for position, then in self.options(depth, known):
                here = self._count(depth + 1, then, [LONGEST_SEARCH])
                if index < here:
                    positions.append(position)
                    known = then
                    break
                index -= here
        return positions

    def walk(
        self, budget: list[int], depth: int = 0, known: Known | None = None
    ) -> Iterator[list[float]]:
        """Yield the positions of one configuration after the other.

        Raises:
            TooManyError: the budget of values to try is used up.
        """
        if depth == len(self.dims):
            yield []
            return
        for position, then in self.options(depth, known or self._root()):
            budget[0] -= 1
            if budget[0] < 0:
                raise TooManyError
            for rest in self.walk(budget, depth + 1, then):
                yield [position, *rest]


def level_of(column: Column, level: int) -> float:
    """Return the position of a level of a discrete dimension, by its index."""
    if column.levels is not None:
        return float(column.levels[level])
    own = column.parameter.axis
    assert not isinstance(own, Interval)
    return float(own.positions(np.array([level]))[0])
