"""The members of the model: Gaussian processes that differ in what they assume of an outcome.

Each sees the targets warped in its own way and has its own prior on the noise; the acquisition
averages over them. Failed points count as worse than most that was observed, and the mean of
replicates counts as often as it was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from attrs import frozen

from asktell.model.dataset import Dataset
from asktell.model.gp import GaussianProcesses, Hyperparameters, Prior, condition, fit
from asktell.model.kernels import Array, Embedding
from asktell.model.warping import (
    Standardised,
    log_gap,
    power_transformed,
    standardise,
    tukey_winsorised,
)
from asktell.space.axes import Axis


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
"""The first sees the targets on their own scale, except for the worst: reports are made from it.
The others are for nearly noiseless and for ill-conditioned targets. See docs/decisions, number 3,
for what was tried in their place."""

MODEL = "three-members/1"
"""What states call this model. A change of the members, the kernel or what hyper-parameters mean
takes another name: states keep fits with the name of the model that they belong to."""

MODEL_OF_SCHEMA_2 = "three-members/1"
"""The model whose fits states of schemas 1 and 2 have, which do not say so."""

_FAILURE_QUANTILE = 0.2
"""The quantile of the targets that a failure counts as. With the worst target, optima at the edge
of what works were hardly tried; with the median, failures were repeated (docs/decisions, number
3)."""

Found = tuple[tuple[Hyperparameters, ...], ...]
"""The hyper-parameters of every member, for every outcome."""


def fit_members(axes: Sequence[Axis], data: Dataset, last: Found | None) -> Found:
    """Search for hyper-parameters, from the prior's mode and from the last ones found."""
    priors = [member.prior(axes) for member in MEMBERS]
    found = []
    for outcome in range(data.outcomes):
        warm = [[one] for one in last[outcome]] if last else [[] for _ in priors]
        starts = [[prior.mode(), *known] for prior, known in zip(priors, warm, strict=True)]
        found.append(fit(embedding_of(axes), priors, *_seen_by_members(data, outcome), starts))
    return tuple(found)


def condition_members(
    axes: Sequence[Axis], data: Dataset, outcome: int, hyperparameters: Sequence[Hyperparameters]
) -> tuple[GaussianProcesses, Standardised]:
    """Return the members' posteriors of an outcome, and the scale of the first member's targets.

    Raises:
        numpy.linalg.LinAlgError: a kernel matrix cannot be factorised.
    """
    processes = condition(embedding_of(axes), hyperparameters, *_seen_by_members(data, outcome))
    _, targets, _ = data.of_outcome(outcome)
    return processes, _warped(MEMBERS[0], targets)


def embedding_of(axes: Sequence[Axis]) -> Embedding:
    """Return the features that points on these axes have."""
    return Embedding(tuple(axis.categories for axis in axes))


def _seen_by_members(data: Dataset, outcome: int) -> tuple[Array, Array, Array]:
    """Return points (n, d), targets (members, n) and counts (n,), failures among them."""
    points, targets, counts = data.of_outcome(outcome)
    failures = len(data.failed)
    values = np.stack([_warped(member, targets).values for member in MEMBERS])
    bad = np.quantile(values, _FAILURE_QUANTILE, axis=1)
    return (
        np.vstack([points, data.failed]),
        np.hstack([values, np.repeat(bad[:, None], failures, axis=1)]),
        np.concatenate([counts, np.ones(failures)]),
    )


def _warped(member: Member, targets: Array) -> Standardised:
    plain = standardise(targets)  # so that a warp may count on the scale
    warped = standardise(member.warp(plain.values))
    location = warped.location * plain.scale + plain.location
    return Standardised(warped.values, location, warped.scale * plain.scale)
