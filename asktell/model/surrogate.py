"""The surrogate: several Gaussian processes that differ in what they assume, side by side.

Each member sees the targets warped in its own way and has its own prior on the noise; the
acquisition averages over them. Pending points shrink the deviation, failed ones count as worse
than most that was observed, and the mean of replicates counts as often as it was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from attrs import frozen

from asktell.model.gp import GaussianProcesses, Hyperparameters, Prior, condition, fit
from asktell.model.kernels import Array, Embedding, categories_of
from asktell.model.warping import (
    Standardised,
    log_gap,
    power_transformed,
    standardise,
    tukey_winsorised,
)
from asktell.space.axes import Axis


@frozen(eq=False)
class Evidence:
    """What is known, on the unit cube; targets are maximised.

    Args:
        points: distinct observed points (n, d).
        targets: their targets (n,), means where there are replicates.
        counts: how many replicates each is the mean of (n,).
        failed: failed points (f, d).
        pending: points being evaluated (q, d).
    """

    points: Array
    targets: Array
    counts: Array
    failed: Array
    pending: Array


@frozen
class Member:
    """What one Gaussian process assumes: how targets are warped, and its prior on the noise.

    ``noise_mode`` is the mode in the logarithm of the variance.
    """

    warp: Callable[[Array], Array]
    noise_mode: float
    noise_spread: float
    noise_floor: float

    def prior(self, axes: Sequence[Axis]) -> Prior:
        """Return the prior for d axes.

        Length scales follow the LogNormal(sqrt(2) + ln(d) / 2, sqrt(3)) of Hvarfner, Hellsten and
        Nardi 2024 (arXiv 2402.02229), a density of the length scale itself. Its factor 1/l moves
        the mode in the logarithm, where the search takes place, down by the variance 3.

        That is for a continuum. Where random positions lie further apart, as categories do, the
        length scale grows in proportion: two random points are equally alike on any axes.
        """
        mode = math.exp(math.sqrt(2.0) + 0.5 * math.log(len(axes)) - 3.0)
        return Prior(
            tuple(mode * relative_spread(axis) for axis in axes),
            math.sqrt(3.0),
            math.exp(self.noise_mode),
            self.noise_spread,
            self.noise_floor,
        )


def relative_spread(axis: Axis) -> float:
    """Return the root mean square distance of two random positions, over that of a continuum."""
    if axis.size is None or axis.size == 1:
        return 1.0
    if axis.categories:
        return math.sqrt(6.0 * (1.0 - 1.0 / axis.size))
    return math.sqrt((axis.size + 1.0) / (axis.size - 1.0))


MEMBERS = (
    Member(tukey_winsorised, noise_mode=-5.0, noise_spread=1.0, noise_floor=1e-4),
    Member(log_gap, noise_mode=-8.0, noise_spread=3.0, noise_floor=1e-7),
    Member(power_transformed, noise_mode=-8.0, noise_spread=3.0, noise_floor=1e-7),
)
"""The first sees the targets on their own scale but for the worst: it is the one to report from.
The others are for nearly noiseless and for ill-conditioned targets. See docs/decisions."""

_FAILURE_QUANTILE = 0.2
"""Which quantile of the targets stands for a failure. With the worst itself, what is best next to
failures, as optima at the edge of what works are, would hardly be tried."""


@frozen(eq=False)
class Surrogate:
    """The members' posteriors, what each has to improve on, and the scale of the targets."""

    processes: GaussianProcesses
    incumbents: Array
    scale: Standardised

    def predict_targets(self, x: Array) -> tuple[Array, Array]:
        """Return mean and deviation (m,) in the unit of the targets, from the first member."""
        mean, std = self.processes.predict(x, return_std=True)
        return mean[:, 0] * self.scale.scale + self.scale.location, std[:, 0] * self.scale.scale


def fit_members(
    axes: Sequence[Axis], evidence: Evidence, last: Sequence[Hyperparameters] | None
) -> tuple[Hyperparameters, ...]:
    """Return the hyper-parameters of every member, searched from the prior's mode and the last."""
    priors = [member.prior(axes) for member in MEMBERS]
    starts = [[prior.mode()] + ([last[i]] if last else []) for i, prior in enumerate(priors)]
    return fit(Embedding(categories_of(axes)), priors, *_data(evidence), starts)


def build(
    axes: Sequence[Axis], evidence: Evidence, hyperparameters: Sequence[Hyperparameters]
) -> Surrogate:
    """Return the surrogate of the evidence, at least one observation of it.

    Raises:
        numpy.linalg.LinAlgError: a kernel matrix cannot be factorised.
    """
    processes = condition(Embedding(categories_of(axes)), hyperparameters, *_data(evidence))
    if len(evidence.pending):
        processes = processes.believing(evidence.pending)
    known = np.vstack([evidence.points, evidence.pending])
    incumbents = np.asarray(processes.predict(known)).max(axis=0)
    return Surrogate(processes, incumbents, _warped(MEMBERS[0], evidence))


def _data(evidence: Evidence) -> tuple[Array, Array, Array]:
    """Return points (n, d), targets (members, n) and counts (n,), failures among them."""
    failures = len(evidence.failed)
    values = np.stack([_warped(member, evidence).values for member in MEMBERS])
    bad = np.quantile(values, _FAILURE_QUANTILE, axis=1)
    return (
        np.vstack([evidence.points, evidence.failed]),
        np.hstack([values, np.repeat(bad[:, None], failures, axis=1)]),
        np.concatenate([evidence.counts, np.ones(failures)]),
    )


def _warped(member: Member, evidence: Evidence) -> Standardised:
    plain = standardise(evidence.targets)  # so that a warp may count on the scale
    warped = standardise(member.warp(plain.values))
    location = warped.location * plain.scale + plain.location
    return Standardised(warped.values, location, warped.scale * plain.scale)
