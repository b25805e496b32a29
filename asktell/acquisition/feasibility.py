"""Outcomes that must stay between limits: how probable it is that they do.

All of it is for independent normal outcomes, elementwise, and in logs with their slopes, so that
points can be told apart, and improved, where nothing is feasible yet. The arguments broadcast; a
limit that does not exist is infinite.
"""

from __future__ import annotations

import math

import numpy as np

from asktell.acquisition.normal import NARROW, hazard, log_cdf, log_density, means_about
from asktell.model.kernels import Array


def log_probability_between(mean: Array, std: Array, low: Array, high: Array) -> Array:
    """Return log P(low <= y <= high) of normal outcomes y (Gardner et al. 2014, eq. 4).

    Args:
        mean: finite.
        std: not negative. Where it is 0, the outcome is known, and the value 0 or -inf.
        low: less than ``high``; may be -inf.
        high: may be +inf.

    Returns:
        The values, of the common shape of the arguments.
    """
    return log_probability_between_with_slopes(mean, std, low, high)[0]


def log_probability_between_with_slopes(
    mean: Array, std: Array, low: Array, high: Array
) -> tuple[Array, Array, Array]:
    """Return log P(low <= y <= high) and its slopes by mean and std; 0 where an outcome is known.

    With a = (low - mean) / std and b = (high - mean) / std it is log(Phi(b) - Phi(a)). If the
    middle is above the mean, the sides are exchanged, so that both are in the lower tail, where
    probabilities keep their digits.
    """
    shape = np.broadcast_shapes(*(np.shape(part) for part in (mean, std, low, high)))
    mean, std, low, high = (np.broadcast_to(p, shape).ravel() for p in (mean, std, low, high))
    certain = std <= 0.0
    doubt = np.where(certain, 1.0, std)
    a, b, width = (low - mean) / doubt, (high - mean) / doubt, (high - low) / doubt
    mirrored = b > -a
    a, b = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    values, by_mean, by_std = _between(a, b, width)
    narrow = width * np.maximum(1.0, -a) < NARROW
    if narrow.any():
        parts = _narrowly(a[narrow], width[narrow])
        values[narrow], by_mean[narrow], by_std[narrow] = parts
    within = np.where((low <= mean) & (mean <= high), 0.0, -math.inf)
    by_mean = np.where(mirrored, -by_mean, by_mean)
    return (
        np.where(certain, within, values).reshape(shape),
        np.where(certain, 0.0, by_mean / doubt).reshape(shape),
        np.where(certain, 0.0, by_std / doubt).reshape(shape),
    )


def _between(a: Array, b: Array, width: Array) -> tuple[Array, Array, Array]:
    """Return log p of p = Phi(b) - Phi(a), (phi(a) - phi(b)) / p and (a phi(a) - b phi(b)) / p."""
    below, above = np.isfinite(a), np.isfinite(b)
    a, b, width = np.where(below, a, 0.0), np.where(above, b, 0.0), np.where(below, width, 0.0)
    log_b, rate_b = np.where(above, log_cdf(b), 0.0), np.where(above, hazard(b), 0.0)
    # log Phi is concave, which holds against rounding where it is large
    fall = np.where(below, np.minimum(log_cdf(a) - log_b, -width * rate_b), -math.inf)
    share = np.exp(fall)  # Phi(a) / Phi(b)
    left = -np.expm1(fall)
    log_left = np.where(share < 0.5, np.log1p(-np.minimum(share, 0.5)), np.log(left))
    at_a, at_b = np.where(below, hazard(a), 0.0) * share / left, rate_b / left
    return log_b + log_left, at_a - at_b, a * at_a - b * at_b


def _narrowly(a: Array, width: Array) -> tuple[Array, Array, Array]:
    """Return the same where b = a + width is near."""
    middle = a + 0.5 * width
    density, first, second = means_about(middle, width, first=0, count=3)
    return log_density(middle) + np.log(width * density), -first / density, second / density
