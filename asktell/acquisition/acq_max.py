"""``acq_max``: the maximiser over a box of any bounds, with the reference page's signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from asktell.acquisition.maximiser import maximise
from asktell.errors import DefinitionError
from asktell.model.kernels import Array
from asktell.numbers import is_count
from asktell.space.axes import Axis, Interval
from asktell.space.domain import Domain, Mask

_DIFFERENCE = 1e-6
"""The step of a finite difference, on the unit cube. The error is about half the step times the
curvature, plus the rounding of scores over the step: least here where scores and curvature are
about 1 and the scores good to twelve digits. Not tuned."""


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
        y_max: the greatest target known, handed on in the same way.
        bounds: (dim, 2), the low and high end of every dimension.
        random_seed: an int, a ``Generator`` or a ``RandomState``; the only source of randomness.
        n_warmup: how many points the first look scores. A discrete space with no more points is
            scored whole.
        n_iter: how many of them are improved.
        gradient: called like ``ac``; returns scores (m,) and gradients (m, dim). None for finite
            differences.
        axes: what exists between the two ends of each dimension; None for a continuum.
        starts: further points (k, dim) for the first look.
        taken: tells which of some points (m, dim) should not be returned. One of them is returned
            only if all that were scored are taken.

    Raises:
        DefinitionError: a ``ValueError``; the bounds or counts are not valid.
    """
    box = _Box.of(bounds)
    if not is_count(n_warmup):
        raise DefinitionError("$.n_warmup", n_warmup, "an integer >= 1")
    if not is_count(n_iter, least=0):
        raise DefinitionError("$.n_iter", n_iter, "an integer >= 0")
    all_axes = tuple(axes) if axes is not None else (Interval(),) * len(box.low)
    if len(all_axes) != len(box.low):
        raise DefinitionError("$.axes", all_axes, f"{len(box.low)} axes, one for each bound")
    excluded = None if taken is None else lambda points: taken(box.natural(points))
    domain = Domain.of(all_axes, excluded)
    score = _Called(ac, gp, y_max, gradient, box, domain.continuous)
    near = None if starts is None or not len(starts) else box.unit(starts)
    random = _generator(random_seed)
    point = maximise(score, domain, random, int(n_warmup), int(n_iter), near)
    return np.asarray(box.natural(point[None])[0])


@frozen(eq=False)
class _Box:
    """Bounds, and the way from the unit cube to them and back."""

    low: Array
    high: Array
    width: Array

    @classmethod
    def of(cls, bounds: Any) -> _Box:
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
        return cls(limits[:, 0], limits[:, 1], width)

    def natural(self, points: Array) -> Array:
        return np.minimum(self.low + points * self.width, self.high)

    def unit(self, natural: Array) -> Array:
        return np.asarray((natural - self.low) / np.where(self.width > 0, self.width, 1.0))


@frozen(eq=False)
class _Called:
    """An acquisition function that is called with a model, as a score on the unit cube."""

    ac: Callable[..., Array]
    gp: Any
    y_max: Any
    gradient: Callable[..., tuple[Array, Array]] | None
    box: _Box
    continuous: Mask

    def __call__(self, points: Array) -> Array:
        scores = self.ac(self.box.natural(points), gp=self.gp, y_max=self.y_max)
        return np.asarray(scores, dtype=np.float64)

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        if self.gradient is None:
            return self._differences(points)
        scores, slopes = self.gradient(self.box.natural(points), gp=self.gp, y_max=self.y_max)
        return scores, slopes * self.box.width

    def _differences(self, points: Array) -> tuple[Array, Array]:
        """Return scores (m,) and gradients (m, dim) by differences along continuous axes."""
        m, dim = points.shape
        columns = np.flatnonzero(self.continuous)
        steps = np.where(points[:, columns] > 0.5, -_DIFFERENCE, _DIFFERENCE)
        moved = np.repeat(points[:, None], len(columns) + 1, axis=1)
        moved[:, np.arange(len(columns)), columns] += steps
        scores = self(moved.reshape(-1, dim)).reshape(m, len(columns) + 1)
        gradients = np.zeros((m, dim))
        with np.errstate(over="ignore", invalid="ignore"):
            gradients[:, columns] = (scores[:, :-1] - scores[:, -1:]) / steps
        return scores[:, -1], gradients


def _generator(seed: int | np.random.Generator | np.random.RandomState) -> np.random.Generator:
    if isinstance(seed, np.random.RandomState):
        seed = int(seed.randint(2**31))
    return np.random.default_rng(seed)
