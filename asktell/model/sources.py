"""What is said of outcomes before anything is seen of a study: by earlier ones, and by trends."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from attrs import evolve, frozen

from asktell.model.gp import GaussianProcesses, Hyperparameters, Prior
from asktell.model.kernels import Array
from asktell.space.axes import Indices
from asktell.space.domain import Domain
from asktell.space.trend import Sums

_SAMPLED = 256
"""Random points of the space from which the deviation of a trend is worked out; not tuned."""


_FARTHEST = 10.0
"""How many times longer or shorter than the mode a trend may guess a length scale; not tuned."""


class Source(Protocol):
    """What speaks for some members."""

    @property
    def columns(self) -> Indices:
        """Return the members that it speaks for (c,)."""
        ...

    def guess(self, member: int, prior: Prior, /) -> Hyperparameters:
        """Return what it makes of the hyper-parameters of a member that has this prior."""
        ...

    def predict(self, points: Array, /) -> tuple[Array, Array]:
        """Return what it expects at points (m, d): means and deviations (m, c)."""
        ...

    def predict_with_gradient(self, points: Array, /) -> tuple[Array, Array, Array, Array]:
        """Return means and deviations (m, c), and their gradients (m, c, d)."""
        ...


@frozen(eq=False)
class EarlierStudy:
    """An earlier study: its members, and which members of this study they speak for."""

    processes: GaussianProcesses
    columns: Indices

    def guess(self, member: int, prior: Prior) -> Hyperparameters:
        """Return the hyper-parameters of its own member."""
        (place,) = np.flatnonzero(self.columns == member)
        return self.processes.hyperparameters[place]

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Return means and deviations (m, c) at points (m, d)."""
        mean, std = self.processes.predict(points, return_std=True)
        return mean, std

    def predict_with_gradient(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """Return means and deviations (m, c), and their gradients (m, c, d)."""
        return self.processes.predict_with_gradient(points)


@frozen(eq=False)
class TrendSource:
    """A trend, which says the same to all members of its outcome, and is certain of it.

    Attributes:
        sums: greater where the outcome is, as the members see it.
        columns: the members of the outcome.
        location: the sum that counts as 0.
        scale: by how much two sums differ that count as 1 apart.
    """

    sums: Sums
    columns: Indices
    location: float
    scale: float

    def guess(self, member: int, prior: Prior) -> Hyperparameters:
        """Return length scales that are the shorter, the more a dimension adds.

        Where a trend is nearly constant, what it leaves open hardly varies either. What it does not
        name keeps the mode.
        """
        varies = self.sums.deviations(len(prior.length_scales))
        typical = float(np.sqrt(np.nanmean(np.square(varies))))
        if not typical > 0.0:  # it tells apart only whether parameters are active
            return prior.mode()
        factors = typical / np.maximum(varies, typical / _FARTHEST)
        factors = np.where(np.isnan(varies), 1.0, np.maximum(factors, 1.0 / _FARTHEST))
        return evolve(prior.mode(), length_scales=tuple((factors * prior.length_scales).tolist()))

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Return means and deviations (m, c) at points (m, d)."""
        mean = self._alike((self.sums(points) - self.location) / self.scale)
        return mean, np.zeros_like(mean)

    def predict_with_gradient(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """Return means and deviations (m, c), and their gradients (m, c, d)."""
        sums, slopes = self.sums.with_gradient(points)
        mean = self._alike((sums - self.location) / self.scale)
        by_mean = np.repeat((slopes / self.scale)[:, None], len(self.columns), axis=1)
        return mean, np.zeros_like(mean), by_mean, np.zeros_like(by_mean)

    def _alike(self, numbers: Array) -> Array:
        return np.repeat(numbers[:, None], len(self.columns), axis=1)


def trend_source(sums: Sums, domain: Domain, points: Array, columns: Indices) -> TrendSource | None:
    """Return a trend standardised as the targets at points (n, d) are; None where it is constant.

    One random point of the domain counts beside them, so that a few points which are alike are not
    taken for far apart.
    """
    drawn = np.random.default_rng(0).random((_SAMPLED, domain.dim))
    anywhere, here = float(sums(domain.sample(drawn)).var()), sums(points)
    location = float(here.mean())
    variance = (float(np.square(here - location).sum()) + anywhere) / (len(here) + 1)
    return TrendSource(sums, columns, location, variance**0.5) if variance > 0.0 else None
