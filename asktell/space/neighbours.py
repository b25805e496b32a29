"""Moves among the levels of discrete dimensions that keep the constraints.

A move along one dimension may break a row. Then continuous dimensions make up for it, where there
are any; and along two dimensions that share a row, one makes up for the other, so that integers
with a fixed sum and numbers in order can move at all. A move that a ban forbids is made together
with one that lifts the ban.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from asktell.space.absent import NOWHERE
from asktell.space.activity import Test
from asktell.space.axes import Indices
from asktell.space.first_point import mended
from asktell.space.region import Points, Region

_PAIRS = 64
"""Pairs of dimensions of a row that are moved together, at most: of longer rows, those that are
nearest to each other in the order of names."""

_SWEEPS = 4
"""How often rows are gone through for continuous dimensions to make up for a move."""

_MOVES = 16
"""Moves of the first of a pair, at most: the shortest ones."""

_LIFTS = 8
"""Dimensions of a ban that move to lift it, at most: the first that it names."""


def neighbours(
    region: Region, points: Points, moves: Points, owners: Indices
) -> tuple[Points, Indices]:
    """Return the moves (n, d) that keep the constraints, and the row each is from (n,).

    Args:
        region: what is kept.
        points: where the moves are from (m, d), in the region.
        moves: along one dimension each (k, d).
        owners: the row that each is from (k,).
    """
    rows, of = [moves], [owners]
    pairs = _pairs(region)
    for owner, point in enumerate(points if pairs else ()):
        both = [_together(region, point, one, other, row) for one, other, row in pairs]
        rows += both
        of += [np.full(len(moved), owner) for moved in both]
    for number in range(len(region.bans)):
        forbidden = region.forbidden_by(number, moves)
        for dimension, test in region.tests[number][:_LIFTS] if len(forbidden) else ():
            rows.append(_lifted(region, moves[forbidden], dimension, test))
            of.append(owners[forbidden][: len(rows[-1])])
    everything, owner_of = np.vstack(rows), np.concatenate(of)
    everything, fine = mended(region, everything, _SWEEPS)
    fine &= (everything != points[owner_of]).any(axis=1)
    return everything[fine], owner_of[fine]


def _lifted(region: Region, moves: Points, dimension: int, test: Test) -> Points:
    """Return moves (k, d) that go on along a dimension, to the nearest level that fails a test.

    They are none where there is no such level.
    """
    levels = region.axes[dimension].moves(float(moves[0, dimension]))
    levels = levels[~test(levels)]
    if not len(levels):
        return moves[:0]
    lifted = moves.copy()
    lifted[:, dimension] = levels[np.abs(levels - moves[:, [dimension]]).argmin(axis=1)]
    if region.activity is not None:
        lifted = region.activity.settled(lifted, np.full(region.dim, 0.5))
    return lifted


def _pairs(region: Region) -> list[tuple[int, int, int]]:
    """Return pairs of discrete dimensions with the row that they share."""
    found = []
    for number, row in enumerate(region.rows):
        discrete = [i for i, _ in row.terms if not region.columns[i].continuous]
        both = sorted(
            permutations(range(len(discrete)), 2), key=lambda pair: abs(pair[0] - pair[1])
        )
        found += [(discrete[a], discrete[b], number) for a, b in both[:_PAIRS]]
    return found


def _together(region: Region, point: Points, one: int, other: int, row: int) -> Points:
    """Return moves (k, d) along one dimension, for which another of the row makes up."""
    if NOWHERE in (point[one], point[other]):
        return np.empty((0, region.dim))
    first, second = region.columns[one], region.columns[other]
    positions = first.axis.moves(float(point[one]))
    positions = positions[positions != point[one]]
    positions = positions[np.argsort(np.abs(positions - point[one]), kind="stable")][:_MOVES]
    here = first.values(point[[one]])[0]
    there = second.values(point[[other]])[0]
    ratio = region.weights[row, one] / region.weights[row, other]
    moved = np.repeat(point[None], len(positions), axis=0)
    moved[:, one] = positions
    moved[:, other] = second.nearest(there - ratio * (first.values(positions) - here))
    if region.activity is not None:
        moved = region.activity.settled(moved, np.full(region.dim, 0.5))
    return moved
