"""The maximiser of a score. It knows the score and the domain, and neither model nor objective.

A first look at many points; then from the most promising ones, in turn, gradient steps along the
continuous axes and exact moves along the discrete ones, until neither helps. Only points that lie
on every axis are ever scored. Points that the domain excludes are, too, but rank below all others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from attrs import frozen

from asktell.acquisition.design import sobol
from asktell.model.ascent import ascend
from asktell.model.kernels import Array
from asktell.space.absent import NOWHERE
from asktell.space.axes import Indices
from asktell.space.domain import Domain, Mask
from asktell.space.slide import Slide

_ROUNDS = 4
"""How often gradient steps and discrete moves alternate at most. Up to forty rounds changed 39 of
420 suggestions on two mixed spaces, and raised the logarithm of the improvement by at most
0.005."""

_CLIMB_STEPS, _LEADER_STEPS, _TOLERANCE = 10, 15, 1e-6
"""A climb of all starts ends soon, as it only decides which is best; that one goes on nearly to the
top. Running on to convergence took three times as many steps and gained 0.004 to 0.03 in the
logarithm of the improvement. The tolerance only ends climbs that stand still; it was not tuned."""

_MANY_AXES, _WALK_STEPS, _LEADER_WALK = 32, 4, 96
"""With more discrete axes than this, several moves are made at once, and after some steps the best
start alone goes on. Chosen for the time they take on 200 axes (docs/decisions, number 13)."""

_LEAST_GAIN = 1e-9
"""The least relative gain for which another round is worth its time; less is near the rounding of
scores. Not tuned."""

_LONGEST_WALK = 6
"""With constraints, so many moves at most where continuous axes make up for what a move breaks, as
there are ever smaller gains to be had then. Else walks end by themselves."""

_FILLS = 3
"""How many candidates a move to another branch is tried with. Not tuned."""

MOST = float(np.finfo(np.float64).max)
"""Takes the place of scores that are not finite; what the domain excludes is minus infinity, which
is below all scores."""

Ranked = Callable[[Array], Array]
"""Scores that can be compared: none is NaN, and what is excluded is minus infinity."""


class Score(Protocol):
    """What is to be as great as possible, over the unit cube."""

    def __call__(self, points: Array, /) -> Array:
        """Return the scores (m,) at points (m, d)."""
        ...

    def with_gradient(self, points: Array, /) -> tuple[Array, Array]:
        """Return the scores (m,) and their gradients (m, d) at points (m, d).

        Only the gradient along the domain's continuous axes counts.
        """
        ...


def maximise(
    score: Score,
    domain: Domain,
    random: np.random.Generator,
    n_candidates: int,
    n_starts: int,
    near: Array | None = None,
) -> Array:
    """Return the arg max (d,) of a score over a domain.

    A point that the domain excludes is returned only if all that were scored are excluded.

    Args:
        score: what is maximised.
        domain: the points that there are.
        random: the only source of randomness.
        n_candidates: how many points the first look scores, >= 1. A discrete domain with no more
            points is scored whole.
        n_starts: how many of them are improved, >= 0.
        near: further points (k, d) for the first look.
    """

    def ranked(points: Array) -> Array:
        scores = np.asarray(score(points), dtype=np.float64).reshape(len(points))
        scores = np.nan_to_num(scores, nan=-MOST, posinf=MOST, neginf=-MOST)
        return np.where(domain.excludes(points), -np.inf, scores)

    whole = domain.grid(n_candidates)
    if whole is not None:
        return np.asarray(whole[np.argmax(ranked(whole))])
    candidates = domain.sample(sobol(domain.dim, n_candidates, random))
    if near is not None and len(near):
        candidates = np.vstack([candidates, domain.snap(near)])
    scores = ranked(candidates)
    chosen = _choose(scores, n_starts, random)
    if not len(chosen):
        return np.asarray(candidates[np.argmax(scores)])
    fills = _fills(candidates, scores, domain)
    improved, reached = _improve(
        candidates[chosen], scores[chosen], _Search(domain, score, ranked, fills, random)
    )
    pool = np.vstack([candidates, improved])
    return np.asarray(pool[np.argmax(np.concatenate([scores, reached]))])


def _choose(scores: Array, n: int, random: np.random.Generator) -> Indices:
    """Return the indices of the best candidate and of others drawn by softmax of their scores."""
    best = int(np.argmax(scores))
    usable = np.flatnonzero(np.abs(scores) < MOST)
    if n == 0 or not len(usable):
        return np.array([best] * min(n, 1), dtype=np.int64)
    scaled = scores[usable] / (np.abs(scores[usable]).max() or 1.0)  # differences cannot overflow
    weights = np.exp((scaled - scaled.max()) / (float(scaled.std()) or 1.0))
    weights[usable == best] = 0.0
    others = min(n - 1, int(np.count_nonzero(weights)))
    if not others:
        return np.array([best])
    drawn = random.choice(usable, others, replace=False, p=weights / weights.sum())
    return np.concatenate([[best], drawn])


def _fills(candidates: Array, scores: Array, domain: Domain) -> Array:
    """Return what positions get that a move makes active (k, d): those of the best candidates.

    So a move to another branch lands where that branch looks best so far.
    """
    if domain.activity is None:
        return domain.centre[None]
    fills = np.tile(domain.centre, (_FILLS, 1))
    order = np.argsort(-scores, kind="stable")
    for dimension in domain.activity.conditional:
        column = candidates[order, dimension]
        column = column[column != NOWHERE][:_FILLS]
        fills[: len(column), dimension] = column
    return fills


@frozen(eq=False)
class _Search:
    """What improves points: where they lie, and what of them is to be as great as possible."""

    domain: Domain
    score: Score
    ranked: Ranked
    fills: Array
    random: np.random.Generator


def _improve(points: Array, scores: Array, search: _Search) -> tuple[Array, Array]:
    """Alternate gradient steps and discrete moves until neither helps any point."""
    continuous = search.domain.continuous
    points, scores = points.copy(), scores.copy()
    moving = np.ones(len(points), dtype=bool)
    both = bool(continuous.any() and not continuous.all())
    for _ in range(_ROUNDS if both else 1):
        if not moving.any():
            break
        before = scores[moving]
        after = points[moving]
        if continuous.any():
            after = _climb(after, search.domain, search.score)
        reached = search.ranked(after)
        if not continuous.all():
            after, reached = _walk(after, reached, search)
        better = reached > before  # never where both are minus infinity
        before = np.where(np.isfinite(before), before, -MOST)
        with np.errstate(over="ignore", invalid="ignore"):
            enough = better & (reached - before > _LEAST_GAIN * np.abs(reached))
        indices = np.flatnonzero(moving)
        points[indices[better]], scores[indices[better]] = after[better], reached[better]
        moving[indices] = enough
        if search.domain.n_discrete > _MANY_AXES:
            moving &= np.arange(len(points)) == np.argmax(scores)
    return points, scores


def _climb(points: Array, domain: Domain, score: Score) -> Array:
    """Improve all points along the continuous axes at once."""
    free = domain.continuous
    nowhere = points == NOWHERE
    held = None if domain.slide is None else _Held(domain.slide, points, free)

    def along(x: Array, rows: Indices) -> tuple[Array, Array]:
        moved = points[rows]
        moved[:, free] = x
        moved[nowhere[rows]] = NOWHERE
        scores, slopes = score.with_gradient(moved)
        slopes = np.where(nowhere[rows], 0.0, slopes)
        if held is not None:
            slopes = held.slide.along(moved, slopes)
        return np.where(np.isnan(scores), -np.inf, scores), slopes[:, free]

    low, high = domain.ends[:, free]
    climbed = points.copy()
    climbed[:, free], _ = ascend(
        along,
        points[:, free],
        low,
        high,
        _CLIMB_STEPS,
        _TOLERANCE,
        _LEADER_STEPS,
        held,
    )
    climbed[nowhere] = NOWHERE
    settled = domain.settled(climbed, domain.centre)
    return settled if held is None else held.slide.within(settled, points)


@frozen(eq=False)
class _Held:
    """The faces of a domain for climbs from points (m, d), in the columns that are free (d,)."""

    slide: Slide
    points: Array
    free: Mask

    def along(self, points: Array, steps: Array, rows: Indices) -> Array:
        whole = np.zeros((len(rows), len(self.free)))
        whole[:, self.free] = steps
        return np.asarray(self.slide.along(self._whole(points, rows), whole)[:, self.free])

    def onto(self, points: Array, origins: Array, rows: Indices) -> Array:
        brought = self.slide.onto(self._whole(points, rows), self._whole(origins, rows))
        return np.where(self.points[rows][:, self.free] == NOWHERE, points, brought[:, self.free])

    def _whole(self, columns: Array, rows: Indices) -> Array:
        whole = self.points[rows]
        whole[:, self.free] = columns
        whole[self.points[rows] == NOWHERE] = NOWHERE
        return whole


def _walk(points: Array, scores: Array, search: _Search) -> tuple[Array, Array]:
    """Move each point to its best neighbour along a discrete axis as long as that is better."""
    points, scores = points.copy(), scores.copy()
    moving = np.arange(len(points))
    many = search.domain.n_discrete > _MANY_AXES
    makes_up = search.domain.sampler is not None and bool(search.domain.continuous.any())
    for step in range(1, (_LONGEST_WALK if makes_up else _WALK_STEPS + _LEADER_WALK) + 1):
        neighbours, owners = search.domain.neighbours(points[moving], search.random, search.fills)
        if not len(neighbours):
            break
        reached = search.ranked(neighbours)
        if many:
            before = points[moving], scores[moving]
            more, their_owners = _together(*before, neighbours, reached, owners)
            neighbours = np.vstack([neighbours, more])
            owners = np.concatenate([owners, their_owners])
            reached = np.concatenate([reached, search.ranked(more)])
        still = []
        for owner, row in enumerate(moving):
            mine = np.flatnonzero(owners == owner)
            if not len(mine):  # constraints leave no move
                continue
            best = mine[np.argmax(reached[mine])]
            if reached[best] > scores[row]:
                points[row], scores[row] = neighbours[best], reached[best]
                still.append(row)
        moving = np.array(still, dtype=np.int64)
        if many and step >= _WALK_STEPS:
            moving = moving[moving == np.argmax(scores)]
        if not len(moving):
            break
    return points, scores


def _together(
    points: Array, scores: Array, neighbours: Array, reached: Array, owners: Indices
) -> tuple[Array, Indices]:
    """Return points at which the 2, 4, 8, ... best moves along different axes are made at once.

    Along hundreds of axes, one move at a time would take hundreds of looks at all of them.
    """
    rows, whose = [np.empty((0, points.shape[1]))], [np.empty(0, dtype=np.int64)]
    for owner, (point, score) in enumerate(zip(points, scores, strict=True)):
        mine = np.flatnonzero((owners == owner) & (reached > score))
        mine = mine[np.argsort(-reached[mine], kind="stable")]
        moved = neighbours[mine] != point
        mine, moved = mine[moved.sum(axis=1) == 1], moved[moved.sum(axis=1) == 1]
        axes, first = np.unique(moved.argmax(axis=1), return_index=True)
        axes, best = axes[np.argsort(first)], mine[np.sort(first)]
        for n in 2 ** np.arange(1, len(axes).bit_length()):
            together = point.copy()
            together[axes[:n]] = neighbours[best[:n], axes[:n]]
            rows.append(together[None])
            whose.append(np.array([owner]))
    return np.vstack(rows), np.concatenate(whose)
