"""What the model believes: of every outcome, by every member, a mean and a deviation.

The members of all outcomes stand side by side: arrays are (m, s) for m points and s members, and
``columns`` says which of them belong to which outcome. An outcome that is given for every point has
one column, in its own unit, with the deviation 0. Success has a column once something has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from attrs import frozen

from asktell.model.dataset import Dataset
from asktell.model.earlier import GuidedProcesses, Processes
from asktell.model.gp import GaussianProcesses, Hyperparameters
from asktell.model.kernels import Array
from asktell.model.members import (
    Evidence,
    Found,
    columns_of,
    condition_members,
    flat,
    guided_by,
    outcomes_seen,
    sources_of,
    success_seen,
)
from asktell.model.warping import Seen
from asktell.space.domain import Domain

Given = Callable[[Array], Array]
"""Returns the numbers (m, g) of the outcomes that are given, at points (m, d), in their order."""

_NARROWEST = 1e-9
"""The least distance of two bounds, whose targets have deviation 1."""

_STEP = 1e-6
"""Of the differences that give the gradients of given outcomes, on the unit cube."""


@frozen(eq=False)
class Posterior:
    """The members' posteriors of every outcome; make one with :func:`posterior_of`.

    Attributes:
        processes: the members of the outcomes side by side; None where all outcomes are given.
        success: whether evaluations succeed; None where nothing has failed.
        given: the numbers of the outcomes that are given; None where none is.
        columns: those of every outcome.
        seen: of each member, what it makes of its outcome.
        least_success: the level between failure and success, as its member sees it; the column is
            the last.
        data: what the posterior was made from.
        calibration: by what the first member's deviations are multiplied in reports, for every
            outcome (k,).
    """

    processes: Processes | None
    success: GaussianProcesses | None
    given: Given | None
    columns: tuple[slice, ...]
    seen: tuple[Seen, ...]
    least_success: float | None
    data: Dataset
    calibration: Array

    def at(self, points: Array) -> tuple[Array, Array]:
        """Return means and deviations (m, s) at points (m, d), as the members see them."""
        parts = [one.predict(points, return_std=True) for one in self._modelled]
        if self.given is not None:
            numbers = self.given(points)
            parts.insert(len(parts) - (self.success is not None), (numbers, np.zeros_like(numbers)))
        mean, std = map(_joined, zip(*parts, strict=True))
        return mean, std

    def with_gradient(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """Return means and deviations (m, s), and their gradients (m, s, d).

        The gradient along a dimension of categories is 0.
        """
        parts = [one.predict_with_gradient(points) for one in self._modelled]
        if self.given is not None:
            numbers = _given_with_gradient(self.given, points)
            parts.insert(len(parts) - (self.success is not None), numbers)
        mean, std, mean_slopes, std_slopes = map(_joined, zip(*parts, strict=True))
        return mean, std, mean_slopes, std_slopes

    @property
    def _modelled(self) -> list[Processes]:
        return [one for one in (self.processes, self.success) if one is not None]

    def limits(self, outcome: int) -> tuple[Array, Array]:
        """Return the bounds of an outcome (s,), as each of its members sees them.

        Where both are equal, or next to it, they are moved apart a little: else it would be
        improbable beyond all measure that anything holds both, and all points would be alike.
        """
        bounds = np.array(self.data.bounds[outcome])
        if self.data.uses[outcome] == "given":
            return bounds[:1], bounds[1:]
        views = [view.of(bounds) for view in self.seen[self.columns[outcome]]]
        low, high = np.array(views).T
        least = _NARROWEST * np.maximum(np.where(np.isfinite(low), np.abs(low), 0.0), 1.0)
        more = 0.5 * np.where(high - low < least, least, 0.0)
        return low - more, high + more

    def noise(self, outcome: int) -> float:
        """Return the variance of the noise of an outcome's targets, as its first member sees them.

        Their own variance is 1. It is the median of those that are known or inferred; 0 where the
        outcome is given.
        """
        if self.processes is None or self.data.uses[outcome] == "given":
            return 0.0
        first = self.columns[outcome].start
        known = self.seen[first].variances(
            self.data.targets[:, outcome], self.data.deviations[:, outcome]
        )
        inferred = self.processes.inferred_noise(first)
        return float(np.median(np.where(np.isnan(known), inferred, known)))

    def in_units(self, points: Array) -> tuple[Array, Array]:
        """Return means and deviations (m, k) in the units of the outcomes, by the first member."""
        mean, std = self.at(points)
        first = [columns.start for columns in self.columns]
        units = [
            (0.0, 1.0) if use == "given" else self.seen[column].unit
            for use, column in zip(self.data.uses, first, strict=True)
        ]
        location, scale = np.array(units).T
        return mean[:, first] * scale + location, std[:, first] * scale * self.calibration


def posterior_of(
    domain: Domain,
    data: Dataset,
    found: Found,
    given: Given | None = None,
    earlier: Sequence[Found] = (),
) -> Posterior:
    """Return the posterior given data with one point or more.

    Args:
        domain: what points there are.
        data: what is known.
        found: the hyper-parameters of the members.
        given: the numbers of the outcomes that are given.
        earlier: the hyper-parameters of the members of each earlier study.

    Raises:
        numpy.linalg.LinAlgError: a kernel matrix cannot be factorised.
    """
    outcomes, failures = outcomes_seen(domain, data), success_seen(domain, data)
    processes = _informed(domain, data, outcomes, flat(found[:-1]), earlier)
    success = condition_members(domain, failures, found[-1], data.pending)
    columns, taken = list(columns_of(data.uses)), len(outcomes.priors) if outcomes else 0
    for position, use in enumerate(data.uses):
        if use == "given":
            columns[position] = slice(taken, taken + 1)
            taken += 1
    calibration = np.ones(len(columns))
    if len(data.pending):
        processes = processes and processes.believing(data.pending)
        success = success and success.believing(data.pending)
    return Posterior(
        processes,
        success,
        given,
        tuple(columns),
        outcomes.seen if outcomes else (),
        float(failures.seen[0].of(np.array([0.5]))[0]) if failures else None,
        data,
        calibration,
    )


def _informed(
    domain: Domain,
    data: Dataset,
    evidence: Evidence | None,
    found: Sequence[Hyperparameters],
    earlier: Sequence[Found],
) -> Processes | None:
    guides = evidence and (earlier or data.trends)
    sources = sources_of(domain, data, earlier) if guides else ()
    if evidence is None or not sources:
        return condition_members(domain, evidence, found, data.pending)
    guide = guided_by(domain, data, evidence, found, sources)
    own = condition_members(domain, evidence.guided(guide), found, data.pending)
    return own and GuidedProcesses(guide, own)


def _given_with_gradient(given: Given, points: Array) -> tuple[Array, Array, Array, Array]:
    values = given(points)
    slopes = np.zeros((*values.shape, points.shape[1]))
    for dimension in range(points.shape[1]):
        low, high = points.copy(), points.copy()
        low[:, dimension] = np.maximum(low[:, dimension] - _STEP, 0.0)
        high[:, dimension] = np.minimum(high[:, dimension] + _STEP, 1.0)
        width = high[:, dimension] - low[:, dimension]
        slopes[:, :, dimension] = (given(high) - given(low)) / width[:, None]
    return values, np.zeros_like(values), slopes, np.zeros_like(slopes)


def _joined(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
