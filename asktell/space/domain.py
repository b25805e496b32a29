"""The domain: which points of the unit cube there are, and how one moves among them.

The axes say what exists along each of them, and ``excluded`` what else is left out: points that are
taken, today. Constraints and conditions belong here, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from asktell.space.axes import Axis, Indices

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]


@frozen(eq=False)
class Domain:
    """The points that lie on every axis, and are not excluded.

    Args:
        axes: what exists along each of d dimensions.
        excluded: tells which of some points (m, d) on the axes do not belong to the domain, (m,);
            None where all do.

    Attributes:
        continuous: which of the axes are continuous (d,).
    """

    axes: tuple[Axis, ...]
    excluded: Callable[[Points], Mask] | None = None
    continuous: Mask = field(init=False)

    @continuous.default
    def _continuous(self) -> Mask:
        return np.array([axis.size is None for axis in self.axes])

    @property
    def dim(self) -> int:
        """Return the number of dimensions, d."""
        return len(self.axes)

    def excludes(self, points: Points) -> Mask:
        """Tell which of some points (m, d) on the axes do not belong to the domain, (m,)."""
        if self.excluded is None:
            return np.zeros(len(points), dtype=bool)
        return np.asarray(self.excluded(points), dtype=bool)

    def snap(self, points: Points) -> Points:
        """Return the nearest points (m, d) that lie on every axis."""
        return np.column_stack([a.snap(points[:, i]) for i, a in enumerate(self.axes)])

    def sample(self, uniform: Points) -> Points:
        """Map uniform numbers (m, d) in [0, 1) to points (m, d) on the axes."""
        return np.column_stack([a.sample(uniform[:, i]) for i, a in enumerate(self.axes)])

    def grid(self, at_most: int) -> Points | None:
        """Return all points if the axes are discrete and there are at most so many, else None."""
        sizes = [axis.size for axis in self.axes]
        if not all(sizes) or math.prod(size for size in sizes if size) > at_most:
            return None
        columns = [axis.levels() for axis in self.axes]
        return np.stack(np.meshgrid(*columns, indexing="ij"), axis=-1).reshape(-1, self.dim)

    def neighbours(self, points: Points) -> tuple[Points, Indices]:
        """Return all single moves along discrete axes (m, d), and the row each is from (m,)."""
        rows, owners = [np.empty((0, self.dim))], [np.empty(0, dtype=np.int64)]
        for owner, point in enumerate(points):
            for dimension in np.flatnonzero(~self.continuous):
                positions = self.axes[dimension].moves(point[dimension])
                positions = positions[positions != point[dimension]]
                moved = np.repeat(point[None], len(positions), axis=0)
                moved[:, dimension] = positions
                rows.append(moved)
                owners.append(np.full(len(positions), owner))
        return np.vstack(rows), np.concatenate(owners)
