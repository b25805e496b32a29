"""What a user believes of good values: a density over points, and how far to trust it.

The score of a point is multiplied by its density to a power that falls with the number of
observations (Hvarfner et al. 2022, arXiv 2204.11051, eq. 6), and faster where these speak against
the belief.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from asktell.model.kernels import Array
from asktell.space.absent import NOWHERE
from asktell.space.domain import Domain

_SPREAD = 0.1
"""The standard deviation of the density about a likely value, as a share of the axis."""

_FLOOR, _OTHER = 0.01, 0.1
"""The least density relative to the greatest, along an axis; and that of another category."""

_STRENGTH = 10.0
"""The power is this over the number of observations, as in the paper's experiments."""

_DOUBT = 0.3
"""At so great a rank correlation of density and targets the belief is trusted in full, and not at
all where there is none."""


@frozen(eq=False)
class Belief:
    """The logarithm of the density, times the power.

    Attributes:
        domain: says which positions are likely.
        power: 0 or more.
    """

    domain: Domain
    power: float

    def score(self, points: Array) -> Array:
        """Return the logarithms (m,) at points (m, d)."""
        return self.with_gradient(points)[0]

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        """Return the logarithms (m,) and their gradients (m, d) at points (m, d)."""
        scores, gradients = np.zeros(len(points)), np.zeros_like(points)
        for dimension, likely in enumerate(self.domain.likely):
            if not likely:
                continue
            positions = points[:, dimension]
            there = positions != NOWHERE
            away = positions[:, None] - np.array(likely)
            if self.domain.axes[dimension].categories:
                near = (np.abs(away) < _SAME).any(axis=1)
                scores += np.where(there & ~near, math.log(_OTHER), 0.0)
                continue
            bumps = np.exp(-0.5 * (away / _SPREAD) ** 2)
            density = _FLOOR + (1.0 - _FLOOR) * bumps.sum(axis=1)
            slope = -(1.0 - _FLOOR) * (bumps * away).sum(axis=1) / _SPREAD**2
            scores += np.where(there, np.log(density), 0.0)
            gradients[:, dimension] = np.where(there, slope / density, 0.0)
        return self.power * scores, self.power * gradients


_SAME = 1e-9


def belief_of(domain: Domain, points: Array, targets: Array) -> Belief | None:
    """Return the belief after observations; None where there is none, or nothing is left of it.

    Args:
        domain: says which positions are likely.
        points: what is observed (n, d).
        targets: their worth (n,), the greater the better.
    """
    if not any(domain.likely):
        return None
    n = len(points)
    density = Belief(domain, 1.0).score(points)
    trust = _rank_correlation(density, targets) / _DOUBT
    power = _STRENGTH / max(n, 1) * min(max(trust, 0.0), 1.0)
    return Belief(domain, power) if power > 0.0 else None


def _rank_correlation(left: Array, right: Array) -> float:
    """Return Spearman's rank correlation; 0 where one of the two does not vary."""
    if np.ptp(left) == 0.0 or np.ptp(right) == 0.0:
        return 0.0
    ranks = [np.argsort(np.argsort(one, kind="stable")) for one in (left, right)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def believed(domain: Domain, uniform: Array) -> Array:
    """Map uniform numbers (m, d) to points (m, d), likely ones where there is a belief."""
    points = domain.sampled(uniform)
    for dimension, likely in enumerate(domain.likely):
        if not likely:
            continue
        axis = domain.axes[dimension]
        place = uniform[:, dimension] * len(likely)
        which = np.minimum(place.astype(np.int64), len(likely) - 1)
        centre = np.array(likely)[which]
        if axis.categories:
            points[:, dimension] = centre
            continue
        rest = np.clip(place - which, 1e-6, 1.0 - 1e-6)
        points[:, dimension] = axis.snap(np.clip(centre + _SPREAD * _normal(rest), 0.0, 1.0))
    return domain.settled(points, domain.centre)


def _normal(uniform: Array) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri(uniform))
