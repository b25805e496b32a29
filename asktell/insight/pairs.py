"""Indices of a function over a space with constraints, whose parameters are not independent.

Of pairs of points one is moved to where the other lies along a single parameter. Where the moved
point exists, the parameter can do this by itself, and how much the function changes is what the
parameter has a part in (Jansen 1999); how much it then differs from the other point is what the
parameter does not bring about by itself. Without constraints these are the Sobol indices.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from asktell.insight.moves import Drawn, drawn, moved
from asktell.insight.sobol import SCRAMBLINGS, SobolIndices, indices_of
from asktell.model.kernels import Array
from asktell.space.absent import NOWHERE
from asktell.space.space import Space


def paired_indices(
    function: Callable[[Array], Array], space: Space, n: int, seed: list[int]
) -> SobolIndices:
    """Estimate the indices of a function over the points of a space.

    The total index is 0 for a parameter that cannot move by itself, as where an equation holds it.

    Args:
        function: takes points (m, d) of the space, and returns values (m,); or those of p
            functions, (m, p).
        space: with constraints.
        n: how many points; each is moved along each parameter.
        seed: of the draws.
    """
    parts = []
    for i in range(SCRAMBLINGS):
        random = np.random.default_rng([*seed, i])
        both = drawn(space, 2 * n // SCRAMBLINGS, random)
        order = random.permutation(len(both.points))  # neighbours in the sequence are alike
        both = Drawn(both.points[order], both.fills[order])
        parts.append(_moments(function, space, both))
    return indices_of(parts)


def _moments(
    function: Callable[[Array], Array], space: Space, both: Drawn
) -> tuple[Array, Array, Array]:
    """Return variances due to each parameter, first-order and total (p, d), and of all (p,)."""
    half = len(both.points) // 2
    first, second = both.points[:half], both.points[half : 2 * half]
    fills = both.fills[:half]
    at_first, at_second = (np.asarray(function(points)) for points in (first, second))
    variance = np.concatenate([at_first, at_second]).var(axis=0)
    alone, total = [], []
    for i in range(space.dim):
        there = second[:, i] != NOWHERE
        positions = np.where(there, second[:, i], both.fills[half : 2 * half, i])
        rows, exist = moved(space, first, fills, (i,), positions[:, None])
        active = first[:, i] != NOWHERE
        at_moved = np.asarray(function(rows[exist]))
        share = active.mean()
        changed = _half_square(at_moved - at_first[exist])
        rest = _half_square(at_moved - at_second[exist])
        other = _half_square(at_first[~active] - at_second[~active])
        total.append(share * changed)
        moves = bool(exist.any())
        alone.append((variance - share * rest - (1.0 - share) * other) * moves)
    return np.stack(alone, axis=-1), np.stack(total, axis=-1), variance


def _half_square(differences: Array) -> Array:
    """Return half the mean of squares, 0 where there are none."""
    return np.asarray(0.5 * np.square(differences).sum(axis=0) / max(len(differences), 1))
