"""The expected gain in hypervolume with many objectives, where boxes are too many.

In polar coordinates about the reference r, a hypervolume is a mean over directions: with lambda
uniform on the part of the unit sphere where all coordinates are positive,

    HV(Y) = c_k E[max over y in Y of s(y)^k], s(y) = min_j max(y_j - r_j, 0) / lambda_j,

and c_k = pi^(k/2) / (2^k Gamma(k/2 + 1)), the volume of that part of the ball (Deng and Zhang 2019;
Golovin and Zhang 2020, arXiv 2006.04655, lemma 5). What a point y is expected to add is then, in
every direction, the integral over t from the best s of the front on of
k t^(k-1) P(s(y) > t), and that probability is a product of normal ones.

The shapes: n points, k objectives, q directions, p nodes of a quadrature, m candidates.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen
from scipy import special

from asktell.acquisition.design import sobol
from asktell.acquisition.normal import LAST, hazard, log_density
from asktell.model.kernels import Array

Mask = np.typing.NDArray[np.bool_]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
_SHARES, _LOG_WEIGHTS = 0.5 * (1.0 + _NODES), np.log(0.5 * _WEIGHTS)
"""Where in an interval to look, and what each look counts; they must add to 1."""

_SURE = 5.5
"""So many deviations above a threshold an outcome exceeds it for sure: it does not in 2e-8."""

_FALL = 16.0
"""The integral ends where the log of the probability has fallen by so much, to 1e-7."""

_REFINEMENTS = 3
"""So many steps of Newton's method find that end; it only has to be near."""

_KNOWN = 1e-9
"""The deviation that stands for none, as a share of the extent of the front."""

_FLATTEST = 1e-9
"""The least coordinate of a direction, which divides."""

_CHUNK = 1 << 17
"""So many nodes are looked at at a time: 1 MB for each array of them."""


@frozen(eq=False)
class Directions:
    """A hypervolume as a mean over directions; it has the methods of ``Boxes``."""

    reference: Array
    """(k,), where the directions start."""
    rays: Array
    """(q, k), positive: the directions, stretched like the front."""
    best: Array
    """(q,), how far the front reaches in each direction, in multiples of its ray."""
    volume: float
    """What the k-th power of a multiple, the same in all directions, is multiplied with."""

    def log_expected_improvement(self, mean: Array, std: Array) -> Array:
        """Return the log of the expected gain in hypervolume of independent normal outcomes.

        Args:
            mean: (m, k), finite.
            std: (m, k), not negative. Where it is 0, the outcome is known.

        Returns:
            The values (m,); -inf where an improvement is impossible, as nothing is in doubt.
        """
        return self.with_slopes(mean, std)[0]

    def with_slopes(self, mean: Array, std: Array) -> tuple[Array, Array, Array]:
        """Return the same, and its slopes (m, k) by the means and by the deviations.

        Where an outcome is known, the slope by its deviation is 0, and where nothing can improve
        all slopes are 0.
        """
        values, by_mean, by_std = np.empty(len(mean)), np.empty_like(mean), np.empty_like(mean)
        rows = max(1, _CHUNK // (len(self.rays) * len(_SHARES)))
        for start in range(0, len(mean), rows):
            chunk = slice(start, start + rows)
            values[chunk], by_mean[chunk], by_std[chunk] = self._of_chunk(mean[chunk], std[chunk])
        return values, by_mean, by_std

    def _of_chunk(self, mean: Array, std: Array) -> tuple[Array, Array, Array]:
        known = std <= 0.0
        doubt = np.where(known, _KNOWN * self.rays.max(axis=0), std)
        above = mean - self.reference
        spans = _spans(above, doubt, self.rays, self.best)
        logs, flat, rates = _integrand(spans, self.best)
        room = np.where(known[:, None], above[:, None] / self.rays, math.inf)
        impossible = room.min(axis=2) <= self.best
        logs[impossible], flat[impossible] = -math.inf, -math.inf
        top = np.maximum(logs.max(axis=(1, 2)), flat.max(axis=1))
        top = np.where(np.isneginf(top), 0.0, top)[:, None]
        shares = np.exp(logs - top[:, :, None])
        total = (shares.sum(axis=2) + np.exp(flat - top)).sum(axis=1, keepdims=True)
        possible = total > 0.0
        total = np.where(possible, total, 1.0)
        each = math.log(self.volume / len(self.rays))
        values = np.where(possible, each + top + np.log(total), -math.inf)[:, 0]
        # where an improvement is impossible, nothing that begins counts either
        scale = np.where(impossible, math.inf, top)
        by_mean, by_std = _slopes(spans, shares, rates, scale, self.rays, doubt)
        return values, by_mean / total, np.where(known, 0.0, by_std / total)


@frozen(eq=False)
class _Spans:
    """The part of each ray over which the improvement of each candidate is integrated."""

    begin: Array
    """(m, q), where it begins: all before is exceeded for sure."""
    later: Mask
    """(m, q, k), the objective that decides so, where that is beyond the front."""
    length: Array
    """(m, q), up to where exceeding is all but impossible."""
    z: Array
    """(m, q, k), by how many deviations the means exceed the beginning."""
    pace: Array
    """(m, q, k), how fast that falls along the ray."""
    length_by_z: Array
    length_by_pace: Array


def _spans(above: Array, doubt: Array, rays: Array, best: Array) -> _Spans:
    pace = rays / doubt[:, None]
    z = (above / doubt)[:, None] - pace * best[:, None]
    margins = (z - _SURE) / pace
    least = margins.min(axis=2, keepdims=True)
    sure = np.maximum(least, 0.0)
    z -= pace * sure
    later = (margins == least) & (least > 0.0)
    return _Spans(best + sure[:, :, 0], later, *_lengths(z, pace))


def _lengths(z: Array, pace: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Return how far (m, q) to integrate a product of Phi(z - pace t) over t from 0 on.

    With -log Phi(z) as z^2 / 2 below 0, and nothing above, it is where the product has fallen by
    ``_FALL``. The arguments and the slopes of the length by them, each (m, q, k), come with it.
    """
    below, above = np.maximum(-z, 0.0), np.maximum(z, 0.0)
    alone = above + 2.0 * _FALL / (below + np.sqrt(np.square(below) + 2.0 * _FALL))
    length = (alone / pace).min(axis=2)
    for _ in range(_REFINEMENTS):
        fallen = np.maximum(pace * length[:, :, None] - above, 0.0)
        depth = np.where(fallen > 0.0, fallen + below, 0.0)
        slope = np.einsum("mqk,mqk->mq", pace, depth)
        fall = np.einsum("mqk,mqk->mq", fallen, 0.5 * fallen + below)
        length = length - (fall - _FALL) / slope
    by_z = fallen / slope[:, :, None]
    return length, z, pace, by_z, -depth * (length / slope)[:, :, None]


def _integrand(spans: _Spans, best: Array) -> tuple[Array, Array, list[Array]]:
    """Return the logs of what every node adds (m, q, p), and of what is sure (m, q).

    The hazards of all objectives at the nodes, each (m, q, p), come with them.
    """
    k = spans.z.shape[2]
    reach = spans.length[:, :, None] * _SHARES
    logs = (k - 1) * np.log(spans.begin[:, :, None] + reach)
    logs += np.log(k * spans.length)[:, :, None] + _LOG_WEIGHTS
    rates = []
    for j in range(k):
        z = spans.z[:, :, j, None] - spans.pace[:, :, j, None] * reach
        rates.append(hazard(z))
        logs += log_density(np.minimum(z, LAST)) - np.log(rates[j])
    later = spans.later.any(axis=2)
    begin = np.where(later, spans.begin, 1.0)
    with np.errstate(divide="ignore"):
        sure = k * np.log(begin) + np.log1p(-np.where(later, (best / begin) ** k, 0.0))
    sure = np.where(later, sure, -math.inf)
    return logs, sure, rates


def _slopes(
    spans: _Spans, shares: Array, rates: list[Array], scale: Array, rays: Array, doubt: Array
) -> tuple[Array, Array]:
    """Return the slopes (m, k) by mean and std of the sum of all shares, and of what is sure.

    They follow the nodes, which move with the arguments, so that they are the slopes of what is
    computed, whatever the quadrature leaves out.
    """
    z, pace, length, k = spans.z, spans.pace, spans.length, len(rates)
    by_z, by_pace = np.empty_like(z), np.empty_like(z)
    for j in range(k):
        weights = shares * rates[j]
        by_z[:, :, j] = weights.sum(axis=2)
        by_pace[:, :, j] = -length * (weights @ _SHARES)
    drift = shares * ((k - 1) / (spans.begin[:, :, None] + length[:, :, None] * _SHARES))
    by_length = shares.sum(axis=2) / length + drift @ _SHARES
    by_length += np.einsum("mqk,mqk->mq", pace, by_pace) / length
    by_z += by_length[:, :, None] * spans.length_by_z
    by_pace += by_length[:, :, None] * spans.length_by_pace
    begins = spans.later.any(axis=2)
    rise = math.log(k) + (k - 1) * np.log(np.where(begins, spans.begin, 1.0)) - scale
    by_begin = drift.sum(axis=2) - np.einsum("mqk,mqk->mq", pace, by_z)
    by_begin += np.exp(np.where(begins, rise, -math.inf))
    by_sure = np.einsum("mq,mqk->mk", by_begin, spans.later / rays)
    by_std = np.einsum("mqk,mqk->mk", z, by_z) + np.einsum("mqk,mqk->mk", pace, by_pace)
    return by_z.sum(axis=1) / doubt + by_sure, -by_std / doubt - _SURE * by_sure


def directions_of(
    front: Array, reference: Array, random: np.random.Generator, count: int = 64
) -> Directions:
    """Return so many directions from a reference, and how far a front reaches in each.

    They are scrambled Sobol points, made normal and of unit length, and stretched to the extent of
    the front, so that objectives may have any units. Points that are not better than the reference
    in every objective reach nowhere. ``count`` is best a power of 2.

    Args:
        front: (n, k), finite.
        reference: (k,), finite.
        random: scrambles the points.
        count: q. The error falls faster than with its root.
    """
    k = len(reference)
    above = front - reference
    above = above[np.all(above > 0.0, axis=1)]
    extent = above.max(axis=0) if len(above) else np.ones(k)
    normal = special.ndtri(0.5 + 0.5 * sobol(k, count, random))
    unit = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    rays = np.maximum(unit, _FLATTEST) * extent
    reach = [np.zeros(count), *((point / rays).min(axis=1) for point in above)]
    ball = math.pi ** (k / 2) / math.gamma(k / 2 + 1) / 2**k
    return Directions(reference, rays, np.max(reach, axis=0), ball * float(np.prod(extent)))
