"""What the model believes: for every outcome, and by every member, a mean and a deviation.

Members and outcomes are two axes: arrays are (m, members, k) for m points and k outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from asktell.model.dataset import Dataset
from asktell.model.gp import GaussianProcesses
from asktell.model.kernels import Array
from asktell.model.members import Found, condition_members
from asktell.model.warping import Standardised
from asktell.space.axes import Axis


@frozen(eq=False)
class Posterior:
    """The members' posteriors of every outcome; make one with :func:`posterior_of`.

    Attributes:
        processes: for each of the outcomes its members, side by side.
        scales: for each the first member's, in the unit of the outcome.
        incumbents: the greatest mean of each member and outcome (members, k), over the points where
            the outcome is known, and those that are pending.
    """

    processes: tuple[GaussianProcesses, ...]
    scales: tuple[Standardised, ...]
    incumbents: Array

    def at(self, points: Array) -> tuple[Array, Array]:
        """Return means and deviations (m, members, k) at points (m, d), as the members see them."""
        parts = [one.predict(points, return_std=True) for one in self.processes]
        return _stacked([part[0] for part in parts]), _stacked([part[1] for part in parts])

    def with_gradient(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """Return means and deviations (m, members, k), and their gradients (m, members, k, d).

        The gradient along a dimension of categories is 0.
        """
        parts = [one.predict_with_gradient(points) for one in self.processes]
        mean, std, mean_slopes, std_slopes = zip(*parts, strict=True)
        return _stacked(mean), _stacked(std), np.stack(mean_slopes, 2), np.stack(std_slopes, 2)

    def in_units(self, points: Array) -> tuple[Array, Array]:
        """Return means and deviations (m, k) in the units of the outcomes, by the first member."""
        mean, std = self.at(points)
        scale = np.array([one.scale for one in self.scales])
        location = np.array([one.location for one in self.scales])
        return mean[:, 0] * scale + location, std[:, 0] * scale


def posterior_of(axes: Sequence[Axis], data: Dataset, found: Found) -> Posterior:
    """Return the posterior given data, in which every outcome is known at least at one point.

    Raises:
        numpy.linalg.LinAlgError: a kernel matrix cannot be factorised.
    """
    processes, scales, incumbents = [], [], []
    for outcome, hyperparameters in enumerate(found):
        members, scale = condition_members(axes, data, outcome, hyperparameters)
        if len(data.pending):
            members = members.believing(data.pending)
        processes.append(members)
        scales.append(scale)
        points, _, _ = data.of_outcome(outcome)
        known = np.vstack([points, data.pending])
        incumbents.append(np.asarray(members.predict(known)).max(axis=0))
    return Posterior(tuple(processes), tuple(scales), np.stack(incumbents, axis=1))


def _stacked(columns: Sequence[Array]) -> Array:
    return np.stack(columns, axis=2)
