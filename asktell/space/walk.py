"""Random walks within the region: of many points at once, each from one that is in it.

Three moves, none of which leaves the region but for rounding, or changes what is active:
- along one dimension, over all of what the others leave it (Gibbs sampling);
- along two that share a row, so that its sum stays as it is: through thin slabs and equations;
- along a random direction in which no equation changes (hit-and-run, Smith 1984).
The walks tend to the distribution that plain sampling has, restricted to the region and to what is
active. Every few sweeps the points are checked exactly, and those that rounding led out go back.
"""

from __future__ import annotations

import numpy as np

from asktell.space.absent import NOWHERE
from asktell.space.axes import Positions
from asktell.space.conditions import Between
from asktell.space.projection import evened
from asktell.space.region import Mask, Points, Region

_TRIES = 4
"""How often a draw along a dimension is repeated where a forbidden combination is hit."""

_THIN = 0.05
"""A row whose bounds are closer than this share of what its sum could be counts as an equation for
random directions. Not tuned."""

_UNCHECKED = 5
"""Sweeps between exact checks: rounding adds up slowly."""

_DIRECTIONS = 3
"""Random directions in each sweep. Not tuned."""


def walked(
    region: Region, starts: Points, sweeps: int, random: np.random.Generator, moves: int = 0
) -> Points:
    """Return where walks from points (m, d) of the region are after so many sweeps, and moves."""
    points = starts.copy()
    while sweeps or moves:
        walk = Walk(region, points, random)
        for _ in range(min(sweeps, _UNCHECKED)):
            walk.sweep()
        if not sweeps:
            walk.few(moves)
        sweeps, moves = max(sweeps - _UNCHECKED, 0), moves if sweeps else 0
        moved = evened(region, walk.points)
        kept = region.holds(moved)
        points[kept] = moved[kept]
    return points


class Walk:
    """Points on their walk, with the sums of their rows."""

    def __init__(self, region: Region, points: Points, random: np.random.Generator) -> None:
        """Begin at points (m, d) of the region."""
        self.region, self.random = region, random
        self._begin(points.copy())

    def _begin(self, points: Points) -> None:
        self.points = points
        self.numbers = self.region.numbers(points)
        applies = self.region.applies(points)
        self.sums = self.numbers @ self.region.weights.T
        self.low = np.where(applies, self.region.low, -np.inf)
        self.high = np.where(applies, self.region.high, np.inf)

    def sweep(self) -> None:
        """Move once along every dimension and pair, in random order, and some directions."""
        moves = self._moves()
        for k in self.random.permutation(len(moves)):
            self._move(*moves[k])
        for _ in range(_DIRECTIONS if self.region.rows else 0):
            self.anywhere()

    def few(self, moves: int) -> None:
        """Make a few random moves only: to somewhere nearby."""
        everything = self._moves()
        chosen = self.random.permutation(len(everything))[:moves]
        for k in chosen:
            self._move(*everything[k])
        if self.region.rows:
            self.anywhere()

    def _moves(self) -> list[tuple[int, int]]:
        return [*((i, -1) for i in self.region.involved), *self._pairs()]

    def _move(self, one: int, other: int) -> None:
        if other < 0:
            self.along(one)
        else:
            self.exchange(one, other)

    def _pairs(self) -> list[tuple[int, int]]:
        """Return pairs of dimensions that share a row: of each row as many as it has terms."""
        pairs = []
        for row in self.region.rows:
            dims = [i for i, _ in row.terms]
            for i in dims if len(dims) > 1 else ():
                others = [j for j in dims if j != i]
                pairs.append((i, others[int(self.random.integers(len(others)))]))
        return pairs

    # --- along one dimension ---

    def along(self, dimension: int) -> None:
        """Draw one coordinate anew, given the others."""
        column = self.region.columns[dimension]
        if column.axis.size == 1:
            return
        there = self.points[:, dimension] != NOWHERE
        if not there.any():
            return
        u = self.random.random((_TRIES, len(self.points)))
        banned = any(i == dimension for ban in self.region.bans for i, _ in ban.conditions)
        if dimension not in self.region.used and not (banned and column.numeric):
            low = high = None
        elif dimension in self.region.used:
            least, most = self._reach(self.region.weights[:, dimension])
            low = np.maximum(self.numbers[:, dimension] + least, column.low)
            high = np.minimum(self.numbers[:, dimension] + most, column.high)
        else:
            low = np.full(len(self.points), column.low)
            high = np.full(len(self.points), column.high)
        todo = there
        for uniform in u if banned else u[:1]:
            if low is None or high is None:
                position = column.axis.sample(uniform)
            elif banned:
                position = self._drawn(dimension, low, high, uniform)
            else:
                position = column.draw(low, high, uniform)
            moved = self.points.copy()
            moved[todo, dimension] = position[todo]
            fine = todo & self._same_activity(moved, dimension)
            if banned:
                fine &= self.region.permits(moved)
            if low is not None and high is not None and not column.continuous:
                fine &= column.measure(low, high) > 0.0
            self._put(dimension, position, fine)
            todo = todo & ~fine
            if not todo.any():
                break

    def _drawn(self, dimension: int, low: Points, high: Points, uniform: Positions) -> Positions:
        """Draw between bounds, but not from what other coordinates and a ban rule out."""
        column = self.region.columns[dimension]
        begin, pieces = low, []
        for start, end, met in self._ruled_out(dimension):
            stop = np.where(met, np.nextafter(start, -np.inf), -np.inf)
            pieces.append((begin, np.where(met, np.minimum(high, stop), begin), met))
            begin = np.where(met, np.maximum(begin, np.nextafter(end, np.inf)), begin)
        pieces.append((begin, high, np.ones(len(low), dtype=bool)))
        pieces = [
            (
                np.clip(a, column.low, column.high),
                np.clip(b, column.low, column.high),
                met & (a <= b),
            )
            for a, b, met in pieces
        ]
        sizes = np.stack([np.where(met, column.measure(a, b), 0.0) for a, b, met in pieces])
        total = sizes.sum(axis=0)
        rest = uniform * total
        position = self.points[:, dimension].copy()
        open_rows = total > 0.0
        for (a, b, _), size in zip(pieces, sizes, strict=True):
            chosen = open_rows & (rest < size)
            share = np.where(chosen, rest / np.where(size > 0, size, 1.0), 0.0)
            drawn = column.draw(
                np.where(chosen, a, column.low), np.where(chosen, b, column.high), share
            )
            position = np.where(chosen, drawn, position)
            open_rows = open_rows & ~chosen
            rest = rest - size
        return position

    def _ruled_out(self, dimension: int) -> list[tuple[float, float, Mask]]:
        """Return intervals of numbers that bans rule out, in order, and for which points (m,)."""
        found = []
        for ban, tests in zip(self.region.bans, self.region.tests, strict=True):
            mine = [one for i, one in ban.conditions if i == dimension]
            if not mine or not isinstance(mine[0], Between):
                continue
            met = np.ones(len(self.points), dtype=bool)
            for i, test in tests:
                if i != dimension:
                    met &= self.points[:, i] != NOWHERE
                    met[met] = test(self.points[met, i])
            start = -np.inf if mine[0].at_least is None else mine[0].at_least
            end = np.inf if mine[0].at_most is None else mine[0].at_most
            found.append((start, end, met))
        return sorted(found, key=lambda one: one[0])

    # --- along two ---

    def exchange(self, one: int, other: int) -> None:
        """Move along two dimensions so that the sum of a row that has both stays as it is."""
        region = self.region
        if region.columns[other].continuous is False and region.columns[one].continuous:
            one, other = other, one
        shared = np.flatnonzero((region.weights[:, one] != 0) & (region.weights[:, other] != 0))
        row = int(shared[int(self.random.integers(len(shared)))])
        ratio = -region.weights[row, one] / region.weights[row, other]
        there = (self.points[:, one] != NOWHERE) & (self.points[:, other] != NOWHERE)
        first, second = region.columns[one], region.columns[other]
        least, most = self._reach(region.weights[:, one] + ratio * region.weights[:, other])
        ends = np.stack([second.low - self.numbers[:, other], second.high - self.numbers[:, other]])
        ends = np.sort(ends / ratio, axis=0)
        least = np.maximum(np.maximum(least, ends[0]), first.low - self.numbers[:, one])
        most = np.minimum(np.minimum(most, ends[1]), first.high - self.numbers[:, one])
        least, most = np.minimum(least, 0.0), np.maximum(most, 0.0)
        uniform = self.random.random(len(self.points))
        here = self.numbers[:, one]
        if first.log:
            steps = least + uniform * (most - least)
            position = first.nearest(here + steps)
        else:
            position = first.draw(here + least, here + most, uniform)
        values = first.values(position)
        wanted = self.numbers[:, other] + ratio * (values - here)
        position_other = second.nearest(wanted)
        values_other = second.values(position_other)
        moved = self.points.copy()
        moved[there, one], moved[there, other] = position[there], position_other[there]
        delta = np.outer(values - here, region.weights[:, one])
        delta += np.outer(values_other - self.numbers[:, other], region.weights[:, other])
        sums = self.sums + delta
        near = 1e-12 * region.scale
        fine = there & ((sums >= self.low - near) & (sums <= self.high + near)).all(axis=1)
        fine &= self._same_activity(moved, one) & self._same_activity(moved, other)
        if region.bans:
            fine[fine] = region.permits(moved[fine])
        chance = np.ones(len(values))
        for column, before, after in (
            (first, here, values),
            (second, self.numbers[:, other], values_other),
        ):
            if column.log:  # steps are even in numbers, and positions are to be
                chance *= np.where(there, before / np.where(there, after, 1.0), 1.0)
        fine &= self.random.random(len(values)) <= chance
        self._put(one, position, fine)
        self._put(other, position_other, fine)

    # --- along a direction ---

    def anywhere(self) -> None:
        """Move along a random direction of continuous dimensions, in which equations stay."""
        region = self.region
        columns = [i for i in region.used if region.columns[i].continuous]
        if len(columns) < 2:
            return
        basis = _level(region, columns)
        if not basis.shape[1]:
            return
        ranges = np.array([region.columns[i].high - region.columns[i].low for i in columns])
        directions = self.random.standard_normal((len(self.points), basis.shape[1])) @ basis.T
        there = self.points[:, columns] != NOWHERE
        directions = np.where(there, directions * ranges, 0.0)
        rates = directions @ region.weights[:, columns].T
        # a row that the direction leaves as it is must not stop it by rounding
        rates[np.abs(rates) < 1e-13 * region.scale] = 0.0
        least, most = self._reach(rates)
        here = self.numbers[:, columns]
        low = np.array([region.columns[i].low for i in columns])
        high = np.array([region.columns[i].high for i in columns])
        moving = directions != 0.0
        divisor = np.where(moving, directions, 1.0)
        ends = np.stack([(low - here) / divisor, (high - here) / divisor])
        least = np.maximum(least, np.where(moving, ends.min(axis=0), -np.inf).max(axis=1))
        most = np.minimum(most, np.where(moving, ends.max(axis=0), np.inf).min(axis=1))
        least, most = np.minimum(least, 0.0), np.maximum(most, 0.0)
        steps = least + self.random.random(len(self.points)) * (most - least)
        fine = np.isfinite(steps)
        values = here + np.where(fine, steps, 0.0)[:, None] * directions
        chance = np.ones(len(self.points))
        moved = self.points.copy()
        for k, i in enumerate(columns):
            if region.columns[i].log:
                safe = np.where(there[:, k], np.clip(values[:, k], low[k], high[k]), 1.0)
                chance *= np.where(there[:, k], here[:, k] / safe, 1.0)
            moved[:, i] = np.where(there[:, k], region.columns[i].nearest(values[:, k]), NOWHERE)
        fine &= self.random.random(len(self.points)) <= chance
        if region.activity is not None:
            fine &= (region.activity.of(moved) == (self.points != NOWHERE)).all(axis=1)
        if any(i in columns for ban in region.bans for i, _ in ban.conditions):
            fine &= region.permits(moved)
        for i in columns:
            self._put(i, moved[:, i], fine & (moved[:, i] != NOWHERE))

    # --- what the moves share ---

    def _reach(self, rates: Points) -> tuple[Points, Points]:
        """Return how far (m,) all can go back and forth, where sums change at rates (r,) or (m, r).

        Never the wrong way, where rounding has led out already.
        """
        m = len(self.points)
        least, most = np.full(m, -np.inf), np.full(m, np.inf)
        if rates.ndim == 1:
            chosen = np.flatnonzero(rates)
            rates, low, high = rates[chosen], self.low[:, chosen], self.high[:, chosen]
            sums = self.sums[:, chosen]
        else:
            low, high, sums = self.low, self.high, self.sums
        if not sums.shape[1]:
            return least, most
        moving = rates != 0.0
        divisor = np.where(moving, rates, 1.0)
        ends = np.stack([(low - sums) / divisor, (high - sums) / divisor])
        least = np.where(moving, ends.min(axis=0), -np.inf).max(axis=1)
        most = np.where(moving, ends.max(axis=0), np.inf).min(axis=1)
        return np.minimum(least, 0.0), np.maximum(most, 0.0)

    def _same_activity(self, moved: Points, dimension: int) -> Mask:
        activity = self.region.activity
        if activity is None or dimension not in activity.parents:
            return np.ones(len(moved), dtype=bool)
        return np.asarray((activity.of(moved) == (self.points != NOWHERE)).all(axis=1))

    def _put(self, dimension: int, positions: Positions, fine: Mask) -> None:
        self.points[fine, dimension] = positions[fine]
        if dimension not in self.region.used:
            return
        values = self.region.columns[dimension].values(positions[fine])
        change = values - self.numbers[fine, dimension]
        self.sums[fine] += change[:, None] * self.region.weights[:, dimension]
        self.numbers[fine, dimension] = values


def _level(region: Region, columns: list[int]) -> Points:
    """Return orthonormal directions (c, k) along which equations and thin rows stay.

    They are in units of the columns' ranges.
    """
    ranges = np.array([region.columns[i].high - region.columns[i].low for i in columns])
    scaled = region.weights[:, columns] * ranges
    extent = np.abs(scaled).sum(axis=1)
    thin = region.high - region.low <= _THIN * extent
    flat = scaled[thin & (extent > 0)]
    if not len(flat):
        return np.eye(len(columns))
    _, sizes, rows = np.linalg.svd(flat / np.linalg.norm(flat, axis=1, keepdims=True))
    rank = int(np.count_nonzero(sizes > 1e-9))
    return np.asarray(rows[rank:].T)
