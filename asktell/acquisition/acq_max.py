"""The maximiser of an acquisition function. It takes a callable and never looks into the model.

A first look at many points; then from the most promising ones, in turn, gradient steps along the
continuous axes and exact moves along the discrete ones, until neither helps. Only points that
exist on every axis are ever scored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from asktell.acquisition.design import sobol
from asktell.errors import DefinitionError
from asktell.model.ascent import ascend
from asktell.model.kernels import Array
from asktell.numbers import is_count
from asktell.space.axes import Axis, Indices, Interval

Mask = NDArray[np.bool_]
Score = Callable[[Array], Array]
ScoreWithGradient = Callable[[Array], tuple[Array, Array]]

_ROUNDS = 4
"""How often gradient steps and discrete moves alternate at most."""

_CLIMB_STEPS, _LEADER_STEPS, _TOLERANCE = 10, 15, 1e-6
"""A climb of all starts ends soon, as it is about which is best; that one goes on to the top."""

_MOST = float(np.finfo(np.float64).max)
"""Stands for scores that are not finite; what is taken is minus infinity, below all others."""

_DIFFERENCE = 1e-6
"""The step of a finite difference, on the unit cube."""


def acq_max(
    ac: Callable[..., Array],
    gp: Any,
    y_max: Any,
    bounds: Any,
    random_seed: int | np.random.Generator | np.random.RandomState,
    n_warmup: int = 10000,
    n_iter: int = 10,
    *,
    gradient: Callable[..., tuple[Array, Array]] | None = None,
    axes: Sequence[Axis] | None = None,
    starts: Array | None = None,
    taken: Callable[[Array], Mask] | None = None,
) -> Array:
    """Return the arg max (dim,) of an acquisition function within bounds.

    Args:
        ac: called as ``ac(x, gp=gp, y_max=y_max)`` with points (m, dim); returns scores (m,).
        gp: the fitted model, handed on to ``ac`` untouched.
        y_max: the greatest target known, handed on likewise.
        bounds: (dim, 2), the low and high end of every dimension.
        random_seed: an int, a ``Generator`` or a ``RandomState``; the only source of randomness.
        n_warmup: how many points the first look scores. A discrete space with no more points is
            scored whole.
        n_iter: how many of them are improved.
        gradient: called as ``ac``; returns scores (m,) and gradients (m, dim). Finite differences
            where None.
        axes: what exists between the two ends of each dimension; a continuum where None.
        starts: further points (k, dim) for the first look.
        taken: tells of points (m, dim) which ones must not be returned; scored last.

    Raises:
        DefinitionError: a ``ValueError``; bounds or counts are not what they must be.
    """
    box = _Box.of(bounds, axes)
    if not is_count(n_warmup):
        raise DefinitionError("$.n_warmup", n_warmup, "an integer >= 1")
    if not is_count(n_iter, least=0):
        raise DefinitionError("$.n_iter", n_iter, "an integer >= 0")
    random = _generator(random_seed)

    def score(points: Array) -> Array:
        natural = box.natural(points)
        scores = np.asarray(ac(natural, gp=gp, y_max=y_max), dtype=np.float64).reshape(len(points))
        scores = np.nan_to_num(scores, nan=-_MOST, posinf=_MOST, neginf=-_MOST)
        return np.where(taken(natural), -np.inf, scores) if taken else scores

    def score_alone(points: Array) -> Array:
        return np.asarray(ac(box.natural(points), gp=gp, y_max=y_max), dtype=np.float64)

    def with_gradient(points: Array) -> tuple[Array, Array]:
        if gradient is None:
            return _differences(score_alone, points, box.continuous)
        scores, slopes = gradient(box.natural(points), gp=gp, y_max=y_max)
        return scores, slopes * box.width

    whole = box.grid(int(n_warmup))
    if whole is not None:
        return np.asarray(box.natural(whole[np.argmax(score(whole))][None])[0])

    candidates = box.sample(sobol(box.dim, int(n_warmup), random))
    if starts is not None and len(starts):
        candidates = np.vstack([candidates, box.snap(box.unit(starts))])
    scores = score(candidates)
    chosen = _choose(scores, int(n_iter), random)
    if not len(chosen):
        return np.asarray(box.natural(candidates[np.argmax(scores)][None])[0])
    improved, reached = _improve(candidates[chosen], scores[chosen], box, score, with_gradient)
    pool = np.vstack([candidates, improved])
    best = np.argmax(np.concatenate([scores, reached]))
    return np.asarray(box.natural(pool[best][None])[0])


@frozen(eq=False)
class _Box:
    """The box and its axes; everything inside this module happens on the unit cube."""

    low: Array
    high: Array
    width: Array
    axes: tuple[Axis, ...]
    continuous: Mask

    @classmethod
    def of(cls, bounds: Any, axes: Sequence[Axis] | None) -> _Box:
        try:
            limits = np.asarray(bounds, dtype=np.float64)
        except (TypeError, ValueError):
            limits = np.empty(0)
        if limits.ndim != 2 or limits.shape[1] != 2 or not len(limits):
            raise DefinitionError("$.bounds", bounds, "an array (dim, 2) of lows and highs")
        with np.errstate(over="ignore", invalid="ignore"):
            width = limits[:, 1] - limits[:, 0]
        if not np.all(np.isfinite(width)) or np.any(width < 0):
            raise DefinitionError("$.bounds", bounds, "finite bounds with low <= high")
        all_axes = tuple(axes) if axes is not None else (Interval(),) * len(limits)
        if len(all_axes) != len(limits):
            raise DefinitionError("$.axes", all_axes, f"{len(limits)} axes, one for each bound")
        continuous = np.array([axis.size is None for axis in all_axes])
        return cls(limits[:, 0], limits[:, 1], width, all_axes, continuous)

    @property
    def dim(self) -> int:
        return len(self.axes)

    def natural(self, points: Array) -> Array:
        return np.minimum(self.low + points * self.width, self.high)

    def unit(self, natural: Array) -> Array:
        return np.asarray((natural - self.low) / np.where(self.width > 0, self.width, 1.0))

    def snap(self, points: Array) -> Array:
        return np.column_stack([a.snap(points[:, i]) for i, a in enumerate(self.axes)])

    def sample(self, uniform: Array) -> Array:
        return np.column_stack([a.sample(uniform[:, i]) for i, a in enumerate(self.axes)])

    def grid(self, at_most: int) -> Array | None:
        """Return all points where they are discrete and no more than ``at_most``."""
        sizes = [axis.size for axis in self.axes]
        if not all(sizes) or math.prod(size for size in sizes if size) > at_most:
            return None
        columns = [axis.levels() for axis in self.axes]
        return np.stack(np.meshgrid(*columns, indexing="ij"), axis=-1).reshape(-1, self.dim)

    def neighbours(self, points: Array) -> tuple[Array, Indices]:
        """Return all single moves along discrete axes (m, dim), and from which point each is."""
        rows, owners = [], []
        for owner, point in enumerate(points):
            for dimension in np.flatnonzero(~self.continuous):
                positions = self.axes[dimension].moves(point[dimension])
                positions = positions[positions != point[dimension]]
                moved = np.repeat(point[None], len(positions), axis=0)
                moved[:, dimension] = positions
                rows.append(moved)
                owners.append(np.full(len(positions), owner))
        return np.vstack(rows), np.concatenate(owners)


def _generator(seed: int | np.random.Generator | np.random.RandomState) -> np.random.Generator:
    if isinstance(seed, np.random.RandomState):
        seed = int(seed.randint(2**31))
    return np.random.default_rng(seed)


def _choose(scores: Array, n: int, random: np.random.Generator) -> Indices:
    """Return the indices of the best candidate and of others drawn by softmax of their scores."""
    best = int(np.argmax(scores))
    usable = np.flatnonzero(np.abs(scores) < _MOST)
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


def _improve(
    points: Array, scores: Array, box: _Box, score: Score, with_gradient: ScoreWithGradient
) -> tuple[Array, Array]:
    """Alternate gradient steps and discrete moves until neither helps any point."""
    points, scores = points.copy(), scores.copy()
    moving = np.ones(len(points), dtype=bool)
    both = bool(box.continuous.any() and not box.continuous.all())
    for _ in range(_ROUNDS if both else 1):
        if not moving.any():
            break
        before = scores[moving]
        after = points[moving]
        if box.continuous.any():
            after = _climb(after, box, with_gradient)
        reached = score(after)
        if not box.continuous.all():
            after, reached = _walk(after, reached, box, score)
        better = reached > before  # never where both are minus infinity
        before = np.where(np.isfinite(before), before, -_MOST)
        with np.errstate(over="ignore", invalid="ignore"):
            enough = better & (reached - before > 1e-9 * np.abs(reached))
        indices = np.flatnonzero(moving)
        points[indices[better]], scores[indices[better]] = after[better], reached[better]
        moving[indices] = enough
    return points, scores


def _climb(points: Array, box: _Box, with_gradient: ScoreWithGradient) -> Array:
    """Improve all points along the continuous axes at once."""
    free = box.continuous

    def along(x: Array, rows: Indices) -> tuple[Array, Array]:
        moved = points[rows]
        moved[:, free] = x
        scores, slopes = with_gradient(moved)
        return np.where(np.isnan(scores), -np.inf, scores), slopes[:, free]

    zeros = np.zeros(int(free.sum()))
    climbed = points.copy()
    climbed[:, free], _ = ascend(
        along,
        points[:, free],
        zeros,
        zeros + 1.0,
        _CLIMB_STEPS,
        _TOLERANCE,
        _LEADER_STEPS,
    )
    return climbed


def _walk(points: Array, scores: Array, box: _Box, score: Score) -> tuple[Array, Array]:
    """Move each point to its best neighbour along a discrete axis as long as that is better."""
    points, scores = points.copy(), scores.copy()
    moving = np.arange(len(points))
    while len(moving):
        neighbours, owners = box.neighbours(points[moving])
        if not len(neighbours):
            break
        reached = score(neighbours)
        still = []
        for owner, row in enumerate(moving):
            mine = np.flatnonzero(owners == owner)
            best = mine[np.argmax(reached[mine])]
            if reached[best] > scores[row]:
                points[row], scores[row] = neighbours[best], reached[best]
                still.append(row)
        moving = np.array(still, dtype=np.int64)
    return points, scores


def _differences(score: Score, points: Array, continuous: Mask) -> tuple[Array, Array]:
    """Return scores (m,) and gradients (m, dim) by finite differences along continuous axes."""
    m, dim = points.shape
    columns = np.flatnonzero(continuous)
    steps = np.where(points[:, columns] > 0.5, -_DIFFERENCE, _DIFFERENCE)
    moved = np.repeat(points[:, None], len(columns) + 1, axis=1)
    moved[:, np.arange(len(columns)), columns] += steps
    scores = score(moved.reshape(-1, dim)).reshape(m, len(columns) + 1)
    gradients = np.zeros((m, dim))
    with np.errstate(over="ignore", invalid="ignore"):
        gradients[:, columns] = (scores[:, :-1] - scores[:, -1:]) / steps
    return scores[:, -1], gradients
