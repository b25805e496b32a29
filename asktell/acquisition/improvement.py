"""The acquisition: what evaluating a point promises, from the model's mean and deviation there.

Every function here is frozen and stateless, has ``score(mean, std, best)``, and can be called as
``acquisition(x, gp=gp, y_max=y_max)`` with any ``gp`` that has scikit-learn's
``predict(x, return_std=True)``. A model of several members predicts a column for each; the
function then averages over them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from attrs import frozen
from scipy import special

from asktell.model.kernels import Array

_LOG_ROOT_2_PI = 0.5 * math.log(2.0 * math.pi)
_ROOT_HALF = 0.5**0.5
_ROOT_HALF_PI = (0.5 * math.pi) ** 0.5
_FAR = -40.0
"""Below this, 1 + z Phi(z) / phi(z) loses digits by cancellation; its series keeps them all."""

_HOPELESS = -1e6
"""The score where it is certain that nothing improves, which falls with what is lacking. Were it
minus infinity, a search among a hundred choices of known cost would see a plain all around, as
hardly any random point costs less than the best."""


@frozen
class LogExpectedImprovement:
    """log E[max(f(x) - best, 0)], accurate in the far tail (Ament et al. 2023, arXiv 2310.20708).

    Over several members it is the mean of theirs: the geometric mean of the improvements, which
    does not depend on the units of the members, as each sees the targets warped in its own way.
    """

    def score(self, mean: Array, std: Array, best: Any) -> Array:
        """Return the scores (m,) of means and deviations (m,) or (m, members)."""
        certain = std <= 0.0
        doubt = np.where(certain, 1.0, std)
        scores = np.log(doubt) + log_h((mean - best) / doubt)
        if np.any(certain):
            scores = np.where(certain, _for_certain(mean, best)[0], scores)
        return np.asarray(scores.mean(axis=1)) if scores.ndim == 2 else scores

    def score_with_slopes(self, mean: Array, std: Array, best: Any) -> tuple[Array, Array, Array]:
        """Return scores (m,), d score/d mean and d score/d std, of the shape of ``mean``."""
        certain = std <= 0.0
        doubt = np.where(certain, 1.0, std)
        z = (mean - best) / doubt
        values, ratio = log_h_with_slope(z)
        scores = np.log(doubt) + values
        by_mean = ratio / doubt
        by_std = 1.0 / doubt - by_mean * z
        if np.any(certain):
            value, slope = _for_certain(mean, best)
            scores, by_mean = np.where(certain, value, scores), np.where(certain, slope, by_mean)
            by_std = np.where(certain, 0.0, by_std)
        if scores.ndim == 1:
            return scores, by_mean, by_std
        members = scores.shape[1]
        return scores.mean(axis=1), by_mean / members, by_std / members

    def __call__(self, x: Array, gp: Any, y_max: Any) -> Array:
        """Return the scores (m,) at points (m, d)."""
        mean, std = gp.predict(x, return_std=True)
        return self.score(mean, std, y_max)

    def with_gradient(self, x: Array, gp: Any, y_max: Any) -> tuple[Array, Array]:
        """Return the scores (m,) and their gradients (m, d) at points (m, d)."""
        mean, std, mean_gradient, std_gradient = gp.predict_with_gradient(x)
        score, by_mean, by_std = self.score_with_slopes(mean, std, y_max)
        if mean.ndim == 1:
            return score, by_mean[:, None] * mean_gradient + by_std[:, None] * std_gradient
        return score, _chained(by_mean, mean_gradient, by_std, std_gradient)


def _for_certain(mean: Array, best: Any) -> tuple[Array, Array]:
    """Return the scores of means that are certain, and their slopes by them."""
    gain = np.asarray(mean - best)
    improves = gain > 0.0
    room = np.where(improves, gain, 1.0)
    unit = 1.0 + np.abs(best)
    with np.errstate(over="ignore"):
        value = np.where(improves, np.log(room), _HOPELESS * (1.0 - gain / unit))
    return value, np.where(improves, 1.0 / room, -_HOPELESS / unit)


def _chained(by_mean: Array, mean_slopes: Array, by_std: Array, std_slopes: Array) -> Array:
    """Return gradients (m, d), from those by members (m, s) and of members (m, s, d)."""
    along = np.einsum("ms,msd->md", by_mean, mean_slopes)
    return np.asarray(along + np.einsum("ms,msd->md", by_std, std_slopes))


@frozen
class ExpectedImprovement:
    """E[max(f(x) - best, 0)] (Jones, Schonlau and Welch 1998, eq. 15)."""

    def score(self, mean: Array, std: Array, best: Any) -> Array:
        """Return the scores (m,) of means and deviations (m,) or (m, members)."""
        return np.asarray(np.exp(LogExpectedImprovement().score(mean, std, best)))

    def __call__(self, x: Array, gp: Any, y_max: Any) -> Array:
        """Return the scores (m,) at points (m, d)."""
        mean, std = gp.predict(x, return_std=True)
        return self.score(mean, std, y_max)


@frozen
class UpperConfidenceBound:
    """Mean plus ``kappa`` deviations (Srinivas et al. 2010); ``best`` plays no part."""

    kappa: float = 2.576

    def score(self, mean: Array, std: Array, best: Any) -> Array:
        """Return the scores (m,) of means and deviations (m,) or (m, members)."""
        scores = mean + self.kappa * std
        return np.asarray(scores.mean(axis=1) if scores.ndim == 2 else scores)

    def __call__(self, x: Array, gp: Any, y_max: Any) -> Array:
        """Return the scores (m,) at points (m, d)."""
        mean, std = gp.predict(x, return_std=True)
        return self.score(mean, std, y_max)


def log_h(z: Array) -> Array:
    """Return log(phi(z) + z Phi(z)), elementwise, to full precision for any z."""
    return log_h_with_slope(z)[0]


def log_h_with_slope(z: Array) -> tuple[Array, Array]:
    """Return log h(z) = log(phi(z) + z Phi(z)) and its derivative Phi(z) / h(z), elementwise."""
    z = np.asarray(z, dtype=np.float64)
    near = z > -1.0
    if near.all():
        return _near(z)
    values, slopes = np.empty_like(z), np.empty_like(z)
    far = z <= _FAR
    for region, formula in ((near, _near), (~(near | far), _middle), (far, _far_out)):
        if region.any():
            values[region], slopes[region] = formula(z[region])
    return values, slopes


def _near(z: Array) -> tuple[Array, Array]:
    below = special.ndtr(z)
    h = np.exp(-0.5 * z * z - _LOG_ROOT_2_PI) + z * below
    return np.log(h), below / h


def _middle(z: Array) -> tuple[Array, Array]:
    # h = phi(z) (1 + z Phi(z) / phi(z)), and Phi(z) / phi(z) is Mills' ratio at -z
    mills = _mills(z)
    bracket = 1.0 + z * mills
    return -0.5 * z * z - _LOG_ROOT_2_PI + np.log(bracket), mills / bracket


def _far_out(z: Array) -> tuple[Array, Array]:
    # the asymptotic series of the same bracket: 1/z^2 (1 - 3/z^2 + 15/z^4 - ...)
    inverse = 1.0 / np.square(z)
    series = _series(inverse, first=1)
    value = -0.5 * z * z - _LOG_ROOT_2_PI - 2.0 * np.log(-z) + np.log(series)
    return value, -z * _series(inverse, first=0) / series


def _mills(z: Array) -> Array:
    return np.asarray(_ROOT_HALF_PI * special.erfcx(-_ROOT_HALF * z))


def _series(inverse: Array, first: int) -> Array:
    # sum_k (-1)^k (2 (k + first) - 1)!! / z^(2 k): Abramowitz and Stegun 26.2.12
    total, term = np.ones_like(inverse), np.ones_like(inverse)
    for k in range(1, 6):
        term = -term * (2 * (k + first) - 1) * inverse
        total = total + term
    return total
