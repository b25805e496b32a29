"""Climb from many starts at once: BFGS within bounds, every step of all starts in one call.

Each start has its own approximation of the inverse Hessian (Nocedal and Wright 2006, eq. 6.17,
with the first scaling of eq. 6.20), of which only the last updates are kept where dimensions are
many (L-BFGS, algorithm 7.4), and its own backtracking along the projected step (Bertsekas 1982).
For small problems the time goes into calls, not into arithmetic; so all starts move together, and
those that have converged drop out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from asktell.model.kernels import Array
from asktell.space.axes import Indices

Mask = np.typing.NDArray[np.bool_]

Function = Callable[[Array, Indices], tuple[Array, Array]]
"""Takes points (k, d) and each one's start (k,); returns values (k,) and gradients (k, d)."""


class Faces(Protocol):
    """What holds a climb, besides bounds."""

    def along(self, points: Array, steps: Array, rows: Indices) -> Array:
        """Return what is left of steps (k, d) at points (k, d), each of a start (k,)."""
        ...

    def onto(self, points: Array, origins: Array, rows: Indices) -> Array:
        """Return points (k, d) brought back, that steps from origins (k, d) have led to."""
        ...


_FIRST_STEP = 0.1
"""The length of a step along the gradient, whose own length says nothing of how far to go: this
share of the box, in the steepest direction. Not tuned, as the search shortens it where needed."""

_LONGEST_STEP = 0.5
"""The greatest length of any step, as a share of the box: a curvature that was measured near by
does not hold across all of it. Not tuned."""

_SUFFICIENT = 1e-4
"""The share of the promised gain that is enough, as usual for quasi-Newton steps (Armijo's
condition; Nocedal and Wright 2006, eq. 3.4)."""

_SHRINK, _BACKTRACKS = 0.25, 8
"""Each trial of a step is a quarter as long as the one before. The eighth is 6e-5 of the whole:
what gains nothing then counts as a top. Not tuned."""

_BACKTRACKS_HELD = 2
"""The same along faces, where each trial takes longer: with five, suggestions took up to 4.9 times
as long as without constraints, with two up to 2.7 times; what they reach is the same (eight tasks
with known optima, eight seeds: ahead in 48 % of the pairs)."""

_LEAST_CURVATURE = 1e-12
"""The least curvature along a step, as a cosine between the step and the change of the gradient.
What is less is rounding, or not concave, and would leave the inverse Hessian not positive definite;
such an update is left out."""

_DENSE, _MEMORY = 64, 10
"""Up to so many dimensions the inverse Hessian is kept whole; beyond, the last ten updates of it. A
matrix product costs more than everything else from about there on (1,000 dimensions: 40 s a fit
against 0.3 s). Ten is usual (Nocedal and Wright 2006, section 7.2)."""

_TINY = 1e-300
"""Takes the place of 0 in a denominator."""


def ascend(
    function: Function,
    starts: Array,
    low: Array,
    high: Array,
    max_steps: int = 50,
    tolerance: float = 1e-8,
    leader_steps: int = 0,
    faces: Faces | None = None,
) -> tuple[Array, Array]:
    """Return points (m, d) within bounds and their values (m,), one for each start, none worse.

    Args:
        function: what is to be as large as possible.
        starts: (m, d).
        low: the lower bounds (d,).
        high: the upper bounds (d,).
        max_steps: how many steps each start makes at most.
        tolerance: a start has converged when a step gains less than this share of its gain so far.
        leader_steps: how many more steps the best start makes after that.
        faces: what holds the climb, besides bounds. The gradients that ``function`` returns are
            then those along the faces.
    """
    m, dim = starts.shape
    points = np.clip(starts, low, high)
    values, gradients = (np.array(part) for part in function(points, np.arange(m)))
    first = values.copy()
    inverse = _Dense(m, dim) if dim <= _DENSE else _Limited(m, dim)
    fresh = np.ones(m, dtype=bool)  # whose inverse Hessian is still to be scaled
    moving = np.flatnonzero(np.isfinite(values) & np.all(np.isfinite(gradients), axis=1))
    span = high - low
    for step in range(max_steps + leader_steps):
        if step == max_steps:
            moving = moving[moving == np.argmax(values)]
        if not len(moving):
            break
        x, slope = points[moving], gradients[moving]
        blocked = ((x <= low) & (slope < 0)) | ((x >= high) & (slope > 0))
        slope = np.where(blocked, 0.0, slope)
        steepest = fresh[moving]
        steps = inverse.times(moving, slope)
        steps[blocked] = 0.0
        if faces is not None:
            steps = faces.along(x, steps, moving)
        uphill = np.einsum("ki,ki->k", steps, slope)
        steepest |= ~(uphill > 0)
        longest = np.abs(slope / span).max(axis=1, keepdims=True)
        gentle = _FIRST_STEP * slope / np.maximum(longest, _TINY)
        steps = np.where(steepest[:, None], gentle, steps)
        length = np.abs(steps / span).max(axis=1, keepdims=True)
        steps *= np.minimum(1.0, _LONGEST_STEP / np.maximum(length, _TINY))
        x_next, value_next, slope_next, found = _search(
            function, moving, x, values[moving], slope, steps, low, high, faces
        )
        # a failed search along a curved direction is tried once more along the gradient
        again = moving[~found & ~steepest]
        fresh[again] = True
        done = moving[found]
        moved = x_next[found] - x[found]
        # what a bound holds teaches nothing of the directions that are free: its gradient changes
        # as well, but the inverse of a part of the Hessian is no part of the inverse
        turned = np.where(moved == 0.0, 0.0, gradients[done] - slope_next[found])
        inverse.update(done, moved, turned, fresh[done])
        fresh[done] = False
        gain = value_next[found] - values[done]
        points[done], values[done], gradients[done] = (
            x_next[found],
            value_next[found],
            slope_next[found],
        )
        moving = np.concatenate([done[gain > tolerance * (values[done] - first[done])], again])
    return points, values


def _search(
    function: Function,
    rows: Indices,
    x: Array,
    value: Array,
    slope: Array,
    steps: Array,
    low: Array,
    high: Array,
    faces: Faces | None,
) -> tuple[Array, Array, Array, np.typing.NDArray[np.bool_]]:
    """Shorten each step until it gains enough; tell also which starts found one."""
    x_next, value_next, slope_next = x.copy(), value.copy(), slope.copy()
    found = np.zeros(len(rows), dtype=bool)
    open_rows, shares = np.arange(len(rows)), np.ones(len(rows))
    for _ in range(_BACKTRACKS if faces is None else _BACKTRACKS_HELD):
        trial = np.clip(x[open_rows] + shares[open_rows, None] * steps[open_rows], low, high)
        if faces is not None:
            trial = faces.onto(trial, x[open_rows], rows[open_rows])
        trial_value, trial_slope = function(trial, rows[open_rows])
        promised = np.einsum("ki,ki->k", slope[open_rows], trial - x[open_rows])
        if faces is not None:  # they may turn a step to where nothing is promised
            promised = np.maximum(promised, 0.0)
        enough = trial_value >= value[open_rows] + _SUFFICIENT * promised
        enough &= np.all(np.isfinite(trial_slope), axis=1)
        hit = open_rows[enough]
        x_next[hit], value_next[hit], slope_next[hit] = (
            trial[enough],
            trial_value[enough],
            trial_slope[enough],
        )
        found[hit] = True
        open_rows = open_rows[~enough]
        if not len(open_rows):
            break
        shares[open_rows] *= _SHRINK
    return x_next, value_next, slope_next, found


def _usable(curvature: Array, moved: Array, turned: Array) -> Mask:
    square = np.einsum("ki,ki->k", turned, turned)
    return np.asarray(
        curvature
        > _LEAST_CURVATURE
        * np.sqrt(np.maximum(square * np.einsum("ki,ki->k", moved, moved), _TINY))
    )


class _Dense:
    """Inverse Hessians of the negative of the function, one a start, as matrices (m, d, d)."""

    def __init__(self, m: int, dim: int) -> None:
        self._inverse = np.zeros((m, dim, dim))
        self._identity = np.eye(dim)

    def times(self, rows: Indices, slope: Array) -> Array:
        """Return the products with slopes (k, d) of these starts (k,)."""
        return np.asarray(np.einsum("kij,kj->ki", self._inverse[rows], slope))

    def update(self, rows: Indices, moved: Array, turned: Array, fresh: Mask) -> None:
        """Take in by how much points moved and gradients turned (k, d); begin anew where fresh."""
        identity = self._identity
        curvature = np.einsum("ki,ki->k", moved, turned)
        square = np.einsum("ki,ki->k", turned, turned)
        usable = _usable(curvature, moved, turned)
        scale = np.where(usable, curvature / np.maximum(square, _TINY), 1.0)
        scaled = scale[:, None, None] * identity
        inverse = np.where(fresh[:, None, None], scaled, self._inverse[rows])
        rho = 1.0 / np.where(usable, curvature, 1.0)
        left = identity - rho[:, None, None] * moved[:, :, None] * turned[:, None, :]
        updated = left @ inverse @ left.transpose(0, 2, 1)
        updated += rho[:, None, None] * moved[:, :, None] * moved[:, None, :]
        self._inverse[rows] = np.where(usable[:, None, None], updated, inverse)


class _Limited:
    """The same from the last updates alone, in memory and time that grow with d, not its square."""

    def __init__(self, m: int, dim: int) -> None:
        self._moved = np.zeros((_MEMORY, m, dim))
        self._turned = np.zeros((_MEMORY, m, dim))
        self._rho = np.zeros((_MEMORY, m))  # 0 where there is no update
        self._scale = np.ones(m)

    def times(self, rows: Indices, slope: Array) -> Array:
        """Return the products with slopes (k, d) of these starts (k,)."""
        direction = slope.copy()
        shares = np.zeros((_MEMORY, len(rows)))
        for i in range(_MEMORY):  # the newest first
            along = np.einsum("ki,ki->k", self._moved[i, rows], direction)
            shares[i] = self._rho[i, rows] * along
            direction -= shares[i][:, None] * self._turned[i, rows]
        direction *= self._scale[rows, None]
        for i in reversed(range(_MEMORY)):
            across = np.einsum("ki,ki->k", self._turned[i, rows], direction)
            share = shares[i] - self._rho[i, rows] * across
            direction += share[:, None] * self._moved[i, rows]
        return direction

    def update(self, rows: Indices, moved: Array, turned: Array, fresh: Mask) -> None:
        """Take in by how much points moved and gradients turned (k, d); begin anew where fresh."""
        curvature = np.einsum("ki,ki->k", moved, turned)
        usable = _usable(curvature, moved, turned)
        self._rho[:, rows[fresh]] = 0.0
        self._scale[rows[fresh & ~usable]] = 1.0
        good = rows[usable]
        for kept in (self._moved, self._turned, self._rho):
            kept[1:, good] = kept[:-1, good]
        self._moved[0, good], self._turned[0, good] = moved[usable], turned[usable]
        self._rho[0, good] = 1.0 / curvature[usable]
        square = np.einsum("ki,ki->k", turned[usable], turned[usable])
        self._scale[good] = curvature[usable] / np.maximum(square, _TINY)
