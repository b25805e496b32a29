"""The domain: which points of the unit cube there are, and how one moves among them.

The axes say what exists along each of them, the activity which of them a point has a position on,
the limits which combinations there are, and ``excluded`` what else is left out: points that are
taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from asktell.errors import DefinitionError
from asktell.space.absent import NOWHERE
from asktell.space.activity import Activity
from asktell.space.axes import EXHAUSTIVE_MOVES, Axis, Indices
from asktell.space.counting import Count
from asktell.space.first_point import contradiction
from asktell.space.neighbours import neighbours
from asktell.space.region import Limits, Region
from asktell.space.sampling import Sampler
from asktell.space.slide import Slide

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]


_MOST_MOVES, _LEAST_MOVES, _MOST_MOVED = 1024, 4, 256
"""About so many moves of one point are looked at, at least so many along an axis, of at most so
many axes: all there are on the spaces that most have, a part of them on the largest. Chosen for the
time it takes (docs/decisions, number 13), not tuned for what is found."""
_LAID_OUT = 2**14
"""With constraints, a grid of up to so many points is laid out to see which of them keep these."""

_SAMPLED = 256
"""Random points from which the average of active axes is worked out; it sets a prior only."""


@frozen(eq=False)
class Domain:
    """The points that have a position on every active axis, and are not excluded.

    Args:
        axes: what exists along each of d dimensions.
        centre: where a search begins (d,), with a position on every axis.
        excluded: tells which of some points (m, d) on the axes do not belong to the domain, (m,);
            None where all do.
        activity: which dimensions are active where; None where all are, always.
        likely: the positions on every axis near which good ones are expected; empty without any.
        limits: the constraints and conditions; None where there are neither.
        n_active: how many axes are active in a random point, on average; worked out by default.

    Attributes:
        region: the limits on these axes.
        continuous: which of the axes are continuous (d,).
    """

    axes: tuple[Axis, ...]
    centre: Points
    excluded: Callable[[Points], Mask] | None = None
    activity: Activity | None = None
    likely: tuple[tuple[float, ...], ...] = ()
    limits: Limits | None = None
    n_active: float = field()
    region: Region | None = field(init=False, repr=False)
    continuous: Mask = field(init=False)

    @classmethod
    def of(cls, axes: Sequence[Axis], excluded: Callable[[Points], Mask] | None = None) -> Domain:
        """Return all points on axes, where a search begins in the middle."""
        return cls(tuple(axes), np.array([centre_of(axis) for axis in axes]), excluded)

    @region.default
    def _region(self) -> Region | None:
        return None if self.limits is None else self.limits.on(self.axes)

    @continuous.default
    def _continuous(self) -> Mask:
        return np.array([axis.size is None for axis in self.axes])

    @n_active.default
    def _n_active(self) -> float:
        if self.activity is None:
            return float(self.dim)
        uniform = np.random.default_rng(0).random((_SAMPLED, self.dim))
        plain = self.settled(self.sampled(uniform), self.centre)
        return float((plain != NOWHERE).sum(axis=1).mean())

    @property
    def middle(self) -> Points:
        """Return the middle of every axis, the first of categories (d,)."""
        return np.array([centre_of(axis) for axis in self.axes])

    @property
    def n_discrete(self) -> int:
        """Return how many axes are discrete."""
        return int(np.count_nonzero(~self.continuous))

    @property
    def dim(self) -> int:
        """Return the number of dimensions, d."""
        return len(self.axes)

    @property
    def ends(self) -> Points:
        """Return the least and the greatest position of every axis (2, d)."""
        ends = [axis.snap(np.array([0.0, 1.0])) for axis in self.axes]
        return np.column_stack(ends)

    def excludes(self, points: Points) -> Mask:
        """Tell which of some points (m, d) on the axes do not belong to the domain, (m,)."""
        if self.excluded is None:
            excluded = np.zeros(len(points), dtype=bool)
        else:
            excluded = np.asarray(self.excluded(points), dtype=bool)
        return excluded if self.sampler is None else excluded | ~self.sampler.region.holds(points)

    @property
    def sampler(self) -> Sampler | None:
        """Return what draws points that keep the constraints; None where there are none."""
        if self.region is None or not self.region.limits.constraints:
            return None
        return self.region.kept(Sampler)

    @property
    def slide(self) -> Slide | None:
        """Return what keeps climbs within constraints on continuous axes; None without any."""
        region = self.region
        if region is None or not region.rows:
            return None
        return region.kept(Slide) if any(self.continuous[i] for i in region.used) else None

    @property
    def count(self) -> Count | None:
        """Return what counts configurations; None without conditions and constraints."""
        return None if self.region is None else self.region.kept(Count)

    @property
    def size(self) -> int | None:
        """Return how many points there are, taken ones included; None where it is not known."""
        if self.count is not None:
            return self.count.size
        sizes = [axis.size for axis in self.axes]
        return math.prod(size for size in sizes if size) if all(sizes) else None

    def check(self) -> None:
        """Check that there is a point.

        Raises:
            DefinitionError: a ``ValueError``; it names constraints that clash.
        """
        self.somewhere()

    def somewhere(self) -> Points:
        """Return a point (d,) of the domain: on its axes, and within the constraints.

        Raises:
            DefinitionError: a ``ValueError``; there is none, and it names constraints that clash.
        """
        if self.sampler is None:
            return np.asarray(self.snap(self.centre[None])[0])
        if self.sampler.is_empty():
            raise _refusal(self.sampler.region)
        return np.asarray(self.sampler.anchors[0])

    def settled(self, points: Points, fill: Points) -> Points:
        """Return points (m, d) with a position on every active axis, and on no other.

        Args:
            points: positions on the axes, or ``NOWHERE``.
            fill: what active dimensions get that are nowhere (m, d), or (d,) for all.
        """
        return points if self.activity is None else self.activity.settled(points, fill)

    def snap(self, points: Points) -> Points:
        """Return the nearest points (m, d) that lie on every active axis."""
        snapped = np.column_stack([a.snap(points[:, i]) for i, a in enumerate(self.axes)])
        if self.activity is not None:
            snapped = self.settled(np.where(points == NOWHERE, NOWHERE, snapped), self.centre)
        return snapped if self.sampler is None else self.sampler.near(snapped)

    def sample(self, uniform: Points) -> Points:
        """Map uniform numbers (m, d) in [0, 1) to points (m, d) of the domain."""
        if self.sampler is not None:
            return self.sampler.sample(uniform)
        return self.settled(self.sampled(uniform), self.centre)

    def repaired(self, points: Points, origins: Points, random: np.random.Generator) -> Points:
        """Return settled points (m, d) on the axes, brought back to the domain.

        Args:
            points: near the origins.
            origins: points (m, d) of the domain, but perhaps for rounding.
            random: draws another point near the origin where one cannot be brought back.
        """
        if self.sampler is None:
            return points
        distinct, back = np.unique(origins, axis=0, return_inverse=True)
        origins = self.sampler.near(distinct)[np.ravel(back)]
        return self.sampler.repaired(points, origins, random)

    def sampled(self, uniform: Points) -> Points:
        """Map uniform numbers (m, d) in [0, 1) to positions (m, d) on every axis, active or not."""
        return np.column_stack([a.sample(uniform[:, i]) for i, a in enumerate(self.axes)])

    def grid(self, at_most: int) -> Points | None:
        """Return all points if the axes are discrete and there are at most so many, else None."""
        sizes = [axis.size for axis in self.axes]
        if not all(sizes):
            return None
        product = math.prod(size for size in sizes if size)
        if self.limits is not None and product > _LAID_OUT:
            return self._counted(at_most)
        if product > (at_most if self.limits is None else _LAID_OUT):
            return None
        columns = [axis.levels() for axis in self.axes]
        whole = np.stack(np.meshgrid(*columns, indexing="ij"), axis=-1).reshape(-1, self.dim)
        if self.activity is not None:
            whole = np.asarray(np.unique(self.settled(whole, self.centre), axis=0))
        if self.sampler is not None:
            whole = whole[self.sampler.region.holds(whole)]
        return whole if len(whole) <= at_most else None

    def _counted(self, at_most: int) -> Points | None:
        """Return all points where there are at most so many, of a grid that has many more."""
        count = self.count
        if count is None or count.size is None or count.size > at_most:
            return None
        return np.array([count.point(index) for index in range(count.size)])

    def neighbours(
        self, points: Points, random: np.random.Generator, fills: Points | None = None
    ) -> tuple[Points, Indices]:
        """Return single moves along discrete axes (m, d), and the row each is from (m,).

        They are all there are, unless there are many: then a random part. A move that makes other
        dimensions active comes once for each of the ``fills`` (k, d), in which every dimension has
        a position; None for the centre.
        """
        moves, of = self._moves_of(points, random, fills)
        if self.sampler is None:
            return moves, of
        return neighbours(self.sampler.region, points, moves, of)

    def _moves_of(
        self, points: Points, random: np.random.Generator, fills: Points | None
    ) -> tuple[Points, Indices]:
        """Return moves (m, d), whether they keep the constraints or not, and their rows (m,)."""
        if self._levels is not None:
            dimensions, positions = self._levels
            new = np.tile(positions, len(points))
            moves = np.repeat(points, len(positions), axis=0)
            moves[np.arange(len(new)), np.tile(dimensions, len(points))] = new
            changed = new != points[:, dimensions].ravel()
            return moves[changed], np.repeat(np.arange(len(points)), len(positions))[changed]
        rows, owners = [np.empty((0, self.dim))], [np.empty(0, dtype=np.int64)]
        parents = () if self.activity is None else self.activity.parents
        fills = self.centre[None] if fills is None else fills
        for owner, point in enumerate(points):
            dimensions = np.flatnonzero(~self.continuous & (point != NOWHERE))
            if len(dimensions) > _MOST_MOVED:
                dimensions = random.permutation(dimensions)[:_MOST_MOVED]
            share = max(_LEAST_MOVES, _MOST_MOVES // max(len(dimensions), 1))
            for dimension in dimensions:
                positions = self.axes[dimension].moves(point[dimension])
                positions = positions[positions != point[dimension]]
                if len(positions) > share:
                    positions = random.choice(positions, share, replace=False)
                moved = np.repeat(point[None], len(positions), axis=0)
                moved[:, dimension] = positions
                if dimension in parents:
                    settled = np.vstack([self.settled(moved, fill) for fill in fills])
                    moved = settled[np.sort(np.unique(settled, axis=0, return_index=True)[1])]
                rows.append(moved)
                owners.append(np.full(len(moved), owner))
        return np.vstack(rows), np.concatenate(owners)

    @cached_property
    def _levels(self) -> tuple[Indices, Points] | None:
        """The dimension and the position of every level there is, (k,) each.

        None where moves are not simply to each of them: as they are many, or make others active.
        """
        dimensions = np.flatnonzero(~self.continuous)
        if self.activity is not None or not 0 < len(dimensions) <= _MOST_MOVED:
            return None
        share = max(_LEAST_MOVES, _MOST_MOVES // len(dimensions))
        axes = [self.axes[dimension] for dimension in dimensions]
        if any(axis.size is None or axis.size > min(share, EXHAUSTIVE_MOVES) for axis in axes):
            return None
        levels = [axis.levels() for axis in axes]
        return np.repeat(dimensions, [*map(len, levels)]), np.concatenate(levels)


def _refusal(region: Region) -> DefinitionError:
    """Return the error for constraints that no point keeps."""
    constraints = region.limits.constraints
    clash = contradiction(region)
    if not clash:
        expected = "constraints that leave room: no point was found that keeps them exactly"
        return DefinitionError("$.constraints", [str(one) for one in constraints], expected)
    *others, last = [str(constraints[number]) for number in clash]
    what = f"{', '.join(others)} and {last} clash" if others else f"{last} holds nowhere"
    expected = f"constraints that can hold together within the ranges: {what}"
    return DefinitionError("$.constraints", [str(one) for one in constraints], expected)


def centre_of(axis: Axis) -> float:
    """Return the middle of an axis, the first of categories."""
    return 0.0 if axis.categories else float(axis.snap(np.array([0.5]))[0])
