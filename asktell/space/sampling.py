"""Random points of a region: by rejection where that is quick, else by walks from a pool.

The pool of a region is made once: points that keep the constraints, from the mixed-integer program,
are the starts of long walks. A sample takes points of the pool and walks on a little from each.
"""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
from attrs import frozen

from asktell.space.absent import NOWHERE
from asktell.space.first_point import Program, mended
from asktell.space.region import Mask, Points, Region
from asktell.space.walk import Walk, walked

_PROBES = 2048
"""Plain draws that tell how much of the axes is within the region."""

_ENOUGH = 0.05
"""From this share on, rejection is quicker than walks: twenty draws a point."""

_ANCHORS, _BRANCHES = 8, 32
"""Corners that the program is asked for, and activities of which it is asked for a point each."""

_WALKS, _BURN, _SNAPSHOTS, _BETWEEN = 256, 25, 4, 5
"""The pool: so many walks, of so many sweeps before the first snapshot and between later ones.
Not tuned: a tenth of a second for ten dimensions, once."""

_ONWARD = 8
"""Moves from a point of the pool to one of a sample, at most, besides one along a direction. Not
tuned."""

_NEARBY = 3
"""Single moves that make a point nearby."""

_PROBED = 64
"""How many plain draws that keep the constraints are anchors, too."""

_SWEEPS = 4
"""How often rows are gone through to bring a moved point back, before another is drawn."""

_SOLVED = 8
"""Up to so many points, the nearest feasible ones are asked of the program."""


@frozen(eq=False, slots=False)
class Sampler:
    """Random points of a region, and points of it near others."""

    region: Region

    # --- what is worked out once ---

    @cached_property
    def _probes(self) -> Points:
        """Plain draws that are within the region (n, d)."""
        points = self._plain(np.random.default_rng(0).random((_PROBES, self.region.dim)))
        return np.asarray(points[self.region.holds(points)])

    @cached_property
    def share(self) -> float:
        """The share of plain draws that keep the constraints."""
        return len(self._probes) / _PROBES

    @cached_property
    def is_rejecting(self) -> bool:
        """Whether plain draws are within the region often enough, in every branch."""
        if self.share < _ENOUGH or self.region.activity is None:
            return self.share >= _ENOUGH
        points = self._plain(np.random.default_rng(2).random((_PROBES, self.region.dim)))
        held = self.region.holds(points)
        _, branch = np.unique(points != NOWHERE, axis=0, return_inverse=True)
        branch = np.ravel(branch)
        drawn, kept = np.bincount(branch), np.bincount(branch, weights=held)
        return bool(np.all(kept >= _ENOUGH * drawn))

    @cached_property
    def anchors(self) -> Points:
        """Some points of the region (n, d), at least one; none where the region is empty."""
        if self.is_rejecting:
            return self._probes[:_ANCHORS]
        program, random = Program(self.region), np.random.default_rng(1)
        first = program.solve()
        if first is None:
            return self._probes
        found: list[Points | None] = [first]
        involved = self.region.involved
        for _ in range(_ANCHORS):
            costs = dict(zip(involved, random.standard_normal(len(involved)), strict=True))
            found.append(program.solve(costs, room=0.3))
        for branch in self._branches():
            found.append(program.solve(active=branch))
        solved = np.array([one for one in found if one is not None])
        points, fine = mended(self.region, solved, everything=True)
        kept = np.vstack([points[fine], self._probes[:_PROBED]])
        return np.asarray(np.unique(kept, axis=0))

    def _branches(self) -> Points:
        """Return points (k, d) of different activities: the most frequent of plain draws."""
        if self.region.activity is None:
            return np.empty((0, self.region.dim))
        points = self._plain(np.random.default_rng(2).random((_PROBES, self.region.dim)))
        there = points != NOWHERE
        _, first, counts = np.unique(there, axis=0, return_index=True, return_counts=True)
        return np.asarray(points[first[np.argsort(-counts, kind="stable")[:_BRANCHES]]])

    @cached_property
    def pool(self) -> Points:
        """Points of the region (n, d), spread over it."""
        random = np.random.default_rng(3)
        starts = self._starts()
        points = walked(self.region, starts, _BURN, random)
        snapshots = [points]
        for _ in range(_SNAPSHOTS - 1):
            points = walked(self.region, points, _BETWEEN, random)
            snapshots.append(points)
        return np.vstack(snapshots)

    def _starts(self) -> Points:
        """Return where walks begin: anchors in turn, those of each activity as often as others'."""
        _, branch = np.unique(self.anchors != NOWHERE, axis=0, return_inverse=True)
        branch = np.ravel(branch)
        turns = [np.flatnonzero(branch == number) for number in range(branch.max() + 1)]
        chosen = [
            turns[k % len(turns)][k // len(turns) % len(turns[k % len(turns)])]
            for k in range(_WALKS)
        ]
        return np.asarray(self.anchors[chosen])

    # --- points ---

    def sample(self, uniform: Points) -> Points:
        """Map uniform numbers (m, d) in [0, 1) to points (m, d) of the region."""
        points = self._plain(uniform)
        fine = self.region.holds(points)
        if fine.all():
            return points
        random = generator(uniform)
        if self.is_rejecting:
            points = self._redrawn(points, fine, random)
            fine = self.region.holds(points)
            if fine.all():
                return points
        bad = np.flatnonzero(~fine) if self.is_rejecting else np.arange(len(points))
        starts = self.pool[random.integers(len(self.pool), size=len(bad))]
        reached = walked(self.region, starts, 0, random, _ONWARD)
        points[bad] = self._with_the_rest(reached, points[bad])
        return points

    def _plain(self, uniform: Points) -> Points:
        axes = self.region.axes
        points = np.column_stack([axis.sample(uniform[:, i]) for i, axis in enumerate(axes)])
        activity = self.region.activity
        return points if activity is None else activity.settled(points, points)

    def _redrawn(self, points: Points, fine: Mask, random: np.random.Generator) -> Points:
        """Return points with draws that keep the constraints in place of those that do not."""
        bad = np.flatnonzero(~fine)
        for _ in range(2):
            if not len(bad):
                break
            n = int(1.5 * len(bad) / self.share) + 16
            drawn = self._plain(random.random((n, self.region.dim)))
            drawn = drawn[self.region.holds(drawn)][: len(bad)]
            points[bad[: len(drawn)]] = drawn
            bad = bad[len(drawn) :]
        return points

    def near(self, points: Points) -> Points:
        """Return points (m, d) of the region that are the nearest to these, or close to that."""
        points, fine = mended(self.region, points)
        bad = np.flatnonzero(~fine)
        if not len(bad):
            return points
        if len(bad) <= _SOLVED:
            program = Program(self.region)
            solved = [program.solve(near=point, room=1e-3) for point in points[bad]]
            for row, point in zip(bad, solved, strict=True):
                if point is not None:
                    point = self._with_the_rest(point, points[row])
                    (points[row],), (fine[row],) = mended(self.region, point[None], everything=True)
            bad = np.flatnonzero(~fine)
        for row in bad:
            apart = np.abs(self.pool - points[row])[:, list(self.region.involved)].sum(axis=1)
            points[row] = self._with_the_rest(self.pool[np.argmin(apart)], points[row])
        return points

    def _with_the_rest(self, point: Points, origin: Points) -> Points:
        """Return a point with what no constraint or condition looks at from another."""
        rest = np.ones(self.region.dim, dtype=bool)
        rest[list(self.region.involved)] = False
        return np.where(rest, origin, point)

    def repaired(self, points: Points, origins: Points, random: np.random.Generator) -> Points:
        """Return points (m, d) of the region near moved ones, or else near where these came from.

        Args:
            points: settled, on the axes; perhaps not in the region.
            origins: points (m, d) of the region.
            random: draws moves from the origin where a point cannot be brought back.
        """
        points, fine = mended(self.region, points, _SWEEPS)
        bad = np.flatnonzero(~fine)
        if len(bad):
            walk = Walk(self.region, origins[bad], random)
            walk.few(_NEARBY)
            moved, held = mended(self.region, walk.points, _SWEEPS)
            points[bad] = np.where(held[:, None], moved, origins[bad])
        return points

    def is_empty(self) -> bool:
        """Tell whether no point is known that keeps the constraints."""
        return not len(self._probes) and not len(self.anchors)


def generator(uniform: Points) -> np.random.Generator:
    """Return a generator that depends on numbers, and on nothing else."""
    digest = hashlib.blake2b(np.ascontiguousarray(uniform).tobytes(), digest_size=16).digest()
    return np.random.default_rng(list(np.frombuffer(digest, dtype=np.uint32)))
