"""How many points a finite region has, and which: trees of linked dimensions, times all others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from attrs import frozen

from asktell.space.region import Points, Region
from asktell.space.tree import LONGEST_SEARCH, TooManyError, Tree, level_of


@frozen(eq=False, slots=False)
class Count:
    """All configurations of a region."""

    region: Region

    @cached_property
    def trees(self) -> tuple[Tree, ...]:
        """The groups of linked dimensions."""
        group = {i: {i} for i in self.region.involved}
        links = [row.needs for row in self.region.rows]
        links += [tuple(i for i, _ in ban.conditions) for ban in self.region.bans]
        links += [
            (child, *(parent for parent, _ in conditions))
            for child, conditions in self.region.limits.conditions
            if conditions
        ]
        for link in links:
            joined = set().union(*(group[i] for i in link))
            for i in joined:
                group[i] = joined
        order = [i for i, _ in self.region.limits.conditions if i in group]
        found: list[Tree] = []
        for i in order:
            if not any(i in tree.dims for tree in found):
                found.append(Tree(self.region, tuple(j for j in order if j in group[i])))
        return tuple(found)

    @cached_property
    def free(self) -> tuple[int, ...]:
        """The dimensions that nothing links."""
        return tuple(i for i in range(self.region.dim) if i not in self.region.involved)

    @cached_property
    def size(self) -> int | None:
        """How many configurations there are; None for a continuum, and where it takes too long."""
        if any(axis.size is None for axis in self.region.axes):
            return None
        try:
            counts = [tree.count() for tree in self.trees]
        except TooManyError:
            return None
        return math.prod([*counts, *(self.region.axes[i].size or 1 for i in self.free)])

    def point(self, index: int) -> Points:
        """Return the point (d,) of configuration number ``index`` < size."""
        point = np.empty(self.region.dim)
        for i in reversed(self.free):
            column = self.region.columns[i]
            index, level = divmod(index, column.axis.size or 1)
            point[i] = level_of(column, level)
        for tree in reversed(self.trees):
            index, number = divmod(index, tree.count())
            point[list(tree.dims)] = tree.nth(number)
        return point

    def rows(self, random: np.random.Generator) -> Iterator[Points]:
        """Yield all points (d,), from a random one on where they are counted; else as ``walk``."""
        if self.size is None:
            yield from self.walk()
            return
        start = int(random.integers(min(self.size, 2**63 - 1))) if self.size else 0
        for offset in range(self.size):
            yield self.point((start + offset) % self.size)

    def walk(self) -> Iterator[Points]:
        """Yield the points (d,) of all configurations, one after the other.

        It ends early, without an error, where too much would have to be gone through; a continuum
        yields none.
        """
        if any(axis.size is None for axis in self.region.axes):
            return
        budget = [LONGEST_SEARCH]
        try:
            for parts in self._combined(self.trees, budget):
                point = np.empty(self.region.dim)
                for tree, positions in zip(self.trees, parts, strict=True):
                    point[list(tree.dims)] = positions
                yield from self._with_free(point, self.free)
        except TooManyError:
            return

    def _combined(self, trees: Sequence[Tree], budget: list[int]) -> Iterator[list[list[float]]]:
        if not trees:
            yield []
            return
        for first in trees[0].walk(budget):
            for rest in self._combined(trees[1:], budget):
                yield [first, *rest]

    def _with_free(self, point: Points, free: Sequence[int]) -> Iterator[Points]:
        if not free:
            yield point.copy()
            return
        levels = self.region.columns[free[0]].levels
        if levels is None:
            raise TooManyError
        for position in levels.tolist():
            point[free[0]] = position
            yield from self._with_free(point, free[1:])
