"""Steps of a climb within the region: along its faces, and never out of it."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from attrs import frozen

from asktell.space.absent import NOWHERE
from asktell.space.first_point import mended
from asktell.space.projection import projected
from asktell.space.region import Mask, Points, Region

_AT = 1e-9
"""Nearer to its bound than this share of its scale, a sum or a position counts as being there."""

_AT_BENT = 1e-4
"""The same where a log scale bends the face: steps along it end near it, not on it."""

_SORTED_OUT = 8
"""How often the faces that hold a direction are sorted out, at most; what is left of it then still
goes uphill."""

_TRIED = 2
"""How often rows are gone through to bring a step back, and log scales linearised. The step is cut
short where that is not enough; on a log scale it may stay a little outside until the climb ends."""

_BACK = 12
"""How often the way back to where a climb began is halved: down to a four-thousandth of it."""


@frozen(eq=False, slots=False)
class Slide:
    """What a climb asks of a region. Only continuous dimensions move."""

    region: Region

    def along(self, points: Points, vectors: Points) -> Points:
        """Return what is left of directions (m, d) at points (m, d) by the faces these are on.

        It is the projection onto the faces that a direction would leave the region through: found
        by leaving out those that pull it back in (as in active set methods; Nocedal and Wright
        2006, section 16.5). Where none holds it, a direction stays as it is.
        """
        region = self.region
        columns = self._columns
        numbers = region.numbers(points)
        sums = numbers @ region.weights.T
        applies = region.applies(points)
        near = (_AT_BENT if self._bent else _AT) * region.scale
        at_low = applies & (sums <= region.low + near)
        at_high = applies & (sums >= region.high - near)
        held = at_low | at_high
        rows = np.flatnonzero(held.any(axis=1))
        if not len(rows):
            return vectors
        result = vectors.copy()
        result[rows[:, None], columns] = _left(
            self._weights(points[rows], numbers[rows], columns),
            points[rows[:, None], columns],
            np.nan_to_num(vectors[rows[:, None], columns]),
            held[rows],
            at_low[rows],
            at_high[rows],
        )
        return result

    @cached_property
    def _bent(self) -> bool:
        return any(self.region.columns[i].log for i in self._columns)

    @cached_property
    def _columns(self) -> list[int]:
        return [i for i in self.region.used if self.region.columns[i].continuous]

    def _weights(self, points: Points, numbers: Points, columns: list[int]) -> Points:
        """Return by how much positions change sums (m, r, c), in units of each row's greatest."""
        slopes = np.empty((len(points), len(columns)))
        for k, i in enumerate(columns):
            column = self.region.columns[i]
            slopes[:, k] = column.width * (numbers[:, i] if column.log else 1.0)
        slopes = np.where(points[:, columns] != NOWHERE, slopes, 0.0)
        weights = self.region.weights[:, columns][None] * slopes[:, None]
        most = np.abs(weights).max(axis=2, keepdims=True)
        return np.asarray(weights / np.where(most > 0, most, 1.0))

    def onto(self, points: Points, origins: Points) -> Points:
        """Return points (m, d) brought back towards the region, from which the origins are.

        By projection where that is quick: where there is one row, or an equation, which a step cut
        short could not keep, or a log scale, on which faces are bent.
        """
        region = self.region
        sums = region.numbers(points) @ region.weights.T
        if not (self._outside(sums) & region.applies(points)).any():
            return points
        if self._bent:
            return projected(region, points, _TRIED, _TRIED)
        if len(region.rows) == 1 or region.equal.any():
            points = projected(region, points, _TRIED)
        return self._cut(points, origins)

    def _outside(self, sums: Points) -> Mask:
        near = _AT * self.region.scale
        return (sums < self.region.low - near) | (sums > self.region.high + near)

    def _cut(self, points: Points, origins: Points) -> Points:
        """Return points on the way from the origins as far as sums are within bounds."""
        region = self.region
        applies = region.applies(origins)
        begin = region.numbers(origins) @ region.weights.T
        end = region.numbers(points) @ region.weights.T
        outside = self._outside(end) & applies & ~self._outside(begin)
        if not outside.any():
            return points
        bound = np.where(end > region.high, region.high, region.low)
        way = np.where(outside, end - begin, 1.0)
        shares = np.where(outside, np.clip((bound - begin) / way, 0.0, 1.0), 1.0)
        share = shares.min(axis=1, keepdims=True)
        return np.where(share < 1.0, origins + share * (points - origins), points)

    def within(self, points: Points, origins: Points) -> Points:
        """Return points (m, d) of the region: those given, or else on the way to their origins."""
        points, fine = mended(self.region, points)
        bad = np.flatnonzero(~fine)
        if not len(bad):
            return points
        near, share = origins[bad].copy(), np.zeros((len(bad), 1))
        step = 0.5
        for _ in range(_BACK):
            tried = origins[bad] + (share + step) * (points[bad] - origins[bad])
            tried, held = mended(self.region, tried)
            near[held] = tried[held]
            share[held] += step
            step /= 2
        points[bad] = near
        return points


def _left(
    weights: Points, positions: Points, vectors: Points, held: Mask, at_low: Mask, at_high: Mask
) -> Points:
    """Return what faces leave of directions (m, c); ``held`` says which rows are faces (m, r)."""
    held = held.copy()
    free = positions != NOWHERE
    left = vectors
    identity = np.eye(held.shape[1])
    for _ in range(_SORTED_OUT):
        active = weights * held[:, :, None] * free[:, None, :]
        gram = active @ active.transpose(0, 2, 1) + 1e-10 * identity
        pulls = np.linalg.solve(gram, active @ np.where(free, vectors, 0.0)[:, :, None])[:, :, 0]
        left = np.where(free, vectors, 0.0) - np.einsum("mr,mrc->mc", pulls, active)
        wrong = held & np.where(at_low & at_high, False, np.where(at_low, pulls > 0, pulls < 0))
        leaving = free & (((positions <= 0.0) & (left < 0.0)) | ((positions >= 1.0) & (left > 0.0)))
        if not wrong.any() and not leaving.any():
            break
        # the face that pulls the hardest the wrong way is left out first
        hardest = np.where(wrong, np.abs(pulls), 0.0)
        held &= ~(wrong & (hardest == hardest.max(axis=1, keepdims=True)))
        free &= ~leaving
    return np.where(leaving, 0.0, left)
