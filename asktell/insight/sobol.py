"""Sobol indices of a function: which share of its variance each of its arguments brings about.

The first-order index of an argument is the share of the variance that goes away, on average, once
the argument is known; the total index is the share that stays when all others are known: it
includes all interactions. Estimators: for the first order Saltelli et al. 2010, table 2 (b); for
the total Jansen 1999, which is (f) there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from attrs import frozen

from asktell.acquisition.design import sobol
from asktell.errors import DefinitionError
from asktell.model.kernels import Array
from asktell.numbers import is_count

SCRAMBLINGS = 8
"""Independent scramblings of the points: their spread gives the standard errors."""


@frozen(eq=False)
class SobolIndices:
    """Indices of a function of d arguments; of p functions, arrays are (p, d) and (p,).

    Attributes:
        first: first-order indices (d,); their sum is at most 1, but for errors.
        total: total indices (d,); their sum is at least 1, but for errors.
        first_errors: standard errors of the sampling (d,).
        total_errors: the same of the total indices (d,).
        variance: of the function.
    """

    first: Array
    total: Array
    first_errors: Array
    total_errors: Array
    variance: Array


def sobol_indices(
    function: Callable[[Array], Array], dim: int, n: int = 1024, seed: int | list[int] = 0
) -> SobolIndices:
    """Estimate the Sobol indices of a function on the unit cube, whose points all count alike.

    It is called on ``n (dim + 2)`` points in all. The points are scrambled Sobol points, n of them
    in several independent scramblings; standard errors come from how these differ. The indices of a
    constant are 0.

    Args:
        function: takes points (m, dim) in [0, 1), and returns values (m,); or those of p functions,
            (m, p).
        dim: how many arguments there are.
        n: how many points; a multiple of 8 is used.
        seed: of the scramblings.

    Raises:
        DefinitionError: a ``ValueError``; ``dim`` or ``n`` is not an integer >= 1 or 16.
    """
    for name, number, least in (("dim", dim, 1), ("n", n, 16)):
        if not is_count(number, least=least):
            raise DefinitionError(f"$.{name}", number, f"an integer >= {least}")
    seeds = seed if isinstance(seed, list) else [seed]
    parts = [
        _moments(function, sobol(2 * dim, n // SCRAMBLINGS, np.random.default_rng([*seeds, i])))
        for i in range(SCRAMBLINGS)
    ]
    return indices_of(parts)


def indices_of(parts: Sequence[tuple[Array, Array, Array]]) -> SobolIndices:
    """Return the indices of several scramblings of the points.

    Args:
        parts: for each the variances due to each argument, first-order and total (d,), and the
            variance of all; with p functions, (p, d) and (p,).
    """
    firsts, totals, variances = (np.stack(part) for part in zip(*parts, strict=True))
    variance = variances.mean(axis=0)
    shares = [
        np.divide(
            part, variance[..., None], out=np.zeros_like(part), where=variance[..., None] > 0.0
        )
        for part in (firsts, totals)
    ]
    # a ratio varies with its numerator and its denominator
    relative = variances / np.where(variance > 0.0, variance, 1.0)
    errors = [
        np.std(share - share.mean(axis=0) * relative[..., None], axis=0, ddof=1)
        / math.sqrt(len(parts))
        for share in shares
    ]
    first, total = (share.mean(axis=0) for share in shares)
    return SobolIndices(first, total, errors[0], errors[1], variance)


def _moments(function: Callable[[Array], Array], points: Array) -> tuple[Array, Array, Array]:
    """Return variances due to each argument, first-order and total (p, d), and of all (p,)."""
    n, dim = len(points), points.shape[1] // 2
    first, second = points[:, :dim], points[:, dim:]
    mixed = np.repeat(first[None], dim, axis=0)
    mixed[np.arange(dim), :, np.arange(dim)] = second.T
    values = np.asarray(function(np.vstack([first, second, *mixed])), dtype=np.float64)
    values = values - values[: 2 * n].mean(axis=0)  # which lessens the errors of the first order
    at_first, at_second = values[:n], values[n : 2 * n]
    at_mixed = values[2 * n :].reshape(dim, *at_first.shape)
    alone = (at_second * (at_mixed - at_first)).mean(axis=1)
    total = 0.5 * np.square(at_mixed - at_first).mean(axis=1)
    return alone.T, total.T, values[: 2 * n].var(axis=0)
