"""Points brought back to the region: onto the nearest sums that are within bounds.

Only continuous dimensions move. The projection is Euclidean in positions, and exact where these are
linear in the numbers: its dual is maximised over one row's multiplier at a time, in which it is
piecewise quadratic (Bertsekas 1999, section 6.3; for one row, Brucker 1984). On a log scale the
numbers are linearised a few times.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from asktell.space.absent import NOWHERE
from asktell.space.axes import Indices
from asktell.space.region import Mask, Points, Region

_SWEEPS = 30
"""How often the rows are gone through at most. One is enough for a single row; what is not reached
is not returned as feasible, as an exact check follows."""

_LINEARISED = 6
"""How often the numbers of a log scale are linearised at most: each brings the error down to
its square, once it is small."""

_NEAR = 1e-13
"""Relative to its scale, how far a sum may be outside for the rows not to be gone through again."""

_REACH = 1e-9
"""Relative to its scale, by how much a row may be out of reach and is tried all the same."""

_FLAT = 1e-14
"""A slope that is flatter than this, relative to its steepest, is 0 but for rounding."""

_ROUNDED = 1e-6
"""Relative to its scale, how far a sum may be outside for one share to make up for it: what the
rounding of positions and of a program's numbers can do."""

_MARGIN = 4e-16
"""Relative to its scale, how far within its bounds a sum is aimed at, as decoding rounds."""


def projected(
    region: Region, points: Points, sweeps: int = _SWEEPS, linearised: int = _LINEARISED
) -> Points:
    """Return the nearest points (m, d) whose sums are within bounds, but for rounding.

    Dimensions that are not continuous, or not active, stay. Points whose sums cannot be within
    bounds then stay as they are; on a log scale, sums that are far outside may still be outside.
    """
    columns = [i for i in region.used if region.columns[i].continuous]
    if not columns or not len(points):
        return points
    applies = region.applies(points)
    rounds = linearised if any(region.columns[i].log for i in columns) else 1
    moved = points.copy()
    todo = np.arange(len(points))
    for _ in range(rounds):
        numbers = region.numbers(moved[todo])
        sums = numbers @ region.weights.T
        outside = _outside(region, sums) & applies[todo]
        wanted = outside.any(axis=1) & _reachable(
            region, numbers, points[todo], columns, applies[todo]
        )
        todo, sums, numbers = todo[wanted], sums[wanted], numbers[wanted]
        if not len(todo):
            break
        problem = _Problem.of(region, moved[todo], numbers, sums, applies[todo], columns)
        moved[todo[:, None], columns] = problem.solved(sweeps)
    for i in columns:
        there = moved[:, i] != NOWHERE
        moved[there, i] = region.axes[i].snap(moved[there, i])
    return moved


def _outside(region: Region, sums: Points) -> Mask:
    near = _NEAR * region.scale
    return (sums < region.low - near) | (sums > region.high + near)


def _reachable(
    region: Region, numbers: Points, points: Points, columns: list[int], applies: Mask
) -> Mask:
    """Tell for which points (m,) each row by itself can be kept if only these columns move."""
    low = np.array([region.columns[i].low for i in columns])
    high = np.array([region.columns[i].high for i in columns])
    weights = region.weights[:, columns]
    there = points[:, columns] != NOWHERE
    rest = numbers @ region.weights.T - numbers[:, columns] @ weights.T
    least = rest + there @ np.minimum(weights * low, weights * high).T
    most = rest + there @ np.maximum(weights * low, weights * high).T
    near = _REACH * region.scale
    fine = (least <= region.high + near) & (most >= region.low - near)
    return np.asarray((fine | ~applies).all(axis=1))


@frozen(eq=False)
class _Problem:
    """Positions (m, c) to be moved as little as possible, for weighted sums to be within bounds."""

    start: Points
    weights: Points
    """(m, r, c)"""
    low: Points
    high: Points
    """Of what the columns add to each sum (m, r)."""
    near: Points
    """How far from them counts as there (r,)."""

    @classmethod
    def of(
        cls,
        region: Region,
        points: Points,
        numbers: Points,
        sums: Points,
        applies: Mask,
        columns: list[int],
    ) -> _Problem:
        start = points[:, columns]
        slopes = np.empty(start.shape)
        for k, i in enumerate(columns):
            column = region.columns[i]
            slopes[:, k] = column.width * (numbers[:, i] if column.log else 1.0)
        slopes = np.where(start != NOWHERE, slopes, 0.0)
        weights = region.weights[:, columns][None] * slopes[:, None]
        rest = sums - np.einsum("mrc,mc->mr", weights, np.clip(start, 0.0, 1.0))
        margin = np.minimum(_MARGIN * region.scale, (region.high - region.low) / 2)
        low = np.where(applies, region.low + margin - rest, -np.inf)
        high = np.where(applies, region.high - margin - rest, np.inf)
        return cls(start, weights, low, high, _NEAR * region.scale)

    def solved(self, sweeps: int) -> Points:
        """Return the positions (m, c); so many times at most all rows are gone through."""
        result = self.start.copy()
        multipliers = np.zeros(self.low.shape)
        free = self.start.copy()
        still = np.arange(len(free))
        for _ in range(sweeps):
            for row in range(self.low.shape[1]):
                self._turn(row, still, free, multipliers)
            x = np.clip(free[still], 0.0, 1.0)
            result[still] = x
            reached = np.einsum("mrc,mc->mr", self.weights[still], x)
            low, high, pulls = self.low[still], self.high[still], multipliers[still]
            # a row that pulls must be at its bound
            aim = np.where(pulls > 0, high, np.where(pulls < 0, low, reached))
            off = (np.abs(aim - reached) > self.near) | (reached < low - self.near)
            off |= reached > high + self.near
            still = still[off.any(axis=1)]
            if not len(still):
                break
        return np.where(self.start != NOWHERE, result, NOWHERE)

    def _turn(self, row: int, still: Indices, free: Points, multipliers: Points) -> None:
        """Let one row pull as much as it needs to, given the others; in place."""
        b, low, high = self.weights[still, row], self.low[still, row], self.high[still, row]
        before = multipliers[still, row]
        loose = free[still] + before[:, None] * b
        sums = np.einsum("mc,mc->m", b, np.clip(loose, 0.0, 1.0))
        out = np.flatnonzero((sums > high) | (sums < low))
        after = np.zeros(len(still))
        if len(out):
            wanted = np.where(sums > high, high, low)[out]
            after[out] = _multiplier(loose[out], b[out], wanted)
        if len(out) or before.any():
            free[still] = loose - after[:, None] * b
            multipliers[still, row] = after


def _multiplier(free: Points, b: Points, wanted: Points) -> Points:
    """Return the t (m,) for which the sum of ``b * clip(free - t * b, 0, 1)`` is as wanted.

    It falls with t, piecewise linearly: its corners are sorted, and the piece found that has it.
    """
    moves = b != 0.0
    divisor = np.where(moves, b, 1.0)
    one, other = free / divisor, (free - 1.0) / divisor
    corners = np.hstack([np.minimum(one, other), np.maximum(one, other)])
    square = b * b
    corners = np.where(np.hstack([moves, moves]), corners, 0.0)
    order = np.argsort(corners, axis=1)
    corners = np.take_along_axis(corners, order, axis=1)
    slopes = np.cumsum(np.take_along_axis(np.hstack([-square, square]), order, axis=1), axis=1)
    falls = np.cumsum(slopes[:, :-1] * np.diff(corners, axis=1), axis=1)
    most = np.maximum(b, 0.0).sum(axis=1, keepdims=True)
    sums = np.hstack([most, most + falls])
    piece = np.clip((sums >= wanted[:, None]).sum(axis=1) - 1, 0, corners.shape[1] - 2)
    rows = np.arange(len(b))
    slope = slopes[rows, piece]
    bends = slope < -_FLAT * square.sum(axis=1)
    step = np.where(bends, (wanted - sums[rows, piece]) / np.where(bends, slope, 1.0), 0.0)
    return np.asarray(corners[rows, piece] + np.maximum(step, 0.0))


def evened(region: Region, points: Points, everything: bool = False) -> Points:
    """Return points (m, d) with the sums mended that rounding has led out: one share makes up.

    Only those of equations that floats take part in, or of all rows.
    """
    floats = [any(region.columns[i].continuous for i, _ in row.terms) for row in region.rows]
    soft = np.array(floats, dtype=bool)
    if not everything and not np.any(region.equal & soft):
        return points
    points, numbers = points.copy(), region.numbers(points)
    applies = region.applies(points)
    shared = np.count_nonzero(region.weights[region.equal], axis=0)
    equations = np.flatnonzero(region.equal & (soft | everything))
    others = np.flatnonzero(~region.equal & everything)
    for number in [*others, *equations, *equations]:
        sums = numbers @ region.weights[number]
        near = _ROUNDED * region.scale[number]
        off = applies[:, number] & (sums > region.low[number] - near)
        off &= sums < region.high[number] + near
        rows = np.flatnonzero(off)
        for m in rows[~region.kept_by(int(number), numbers[rows])]:
            _make_up(region, int(number), points[m], numbers[m], shared)
    return points


def _make_up(region: Region, number: int, point: Points, numbers: Points, shared: Indices) -> None:
    """Change the share that has the most room, so that a row is kept; in place.

    Rather one that is continuous, and that no other equation has.
    """
    row = region.rows[number]
    total = math.fsum(weight * float(numbers[i]) for i, weight in row.terms)
    aim = row.low if total < row.low else row.high
    choices = []
    for i, weight in row.terms:
        column = region.columns[i]
        wanted = float(numbers[i]) + (aim - total) / weight
        room = min(wanted - column.low, column.high - wanted)
        room /= max(column.high - column.low, 1e-300)
        choices.append((column.continuous, -int(shared[i]), room, i, weight))
    for *_, i, weight in sorted(choices, reverse=True):
        column, before = region.columns[i], (point[i], numbers[i])
        rest = [-other * float(numbers[j]) for j, other in row.terms if j != i]
        position = column.nearest(np.array([math.fsum([aim, *rest]) / weight]))
        point[i], numbers[i] = position[0], column.values(position)[0]
        if region.keeps(number, numbers):
            return
        point[i], numbers[i] = before
