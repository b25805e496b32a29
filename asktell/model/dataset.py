"""What a model is given: points of the unit cube, and what is known of each."""

from __future__ import annotations

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from asktell.model.kernels import Array
from asktell.space.axes import Indices


@frozen(eq=False)
class Dataset:
    """What is known, on the unit cube; every outcome is maximised.

    Points are distinct, and in an order that does not depend on that of arrival.

    Args:
        points: observed points (n, d).
        targets: a column for every outcome (n, k), means where there are replicates. What stands
            where a target was not measured does not matter.
        known: which of the targets were measured (n, k); at least one of every outcome.
        counts: how many replicates each point's targets are the mean of (n,).
        failed: points whose evaluation failed (f, d).
        pending: points being evaluated, or about to be (q, d).
    """

    points: Array
    targets: Array
    known: NDArray[np.bool_]
    counts: Array
    failed: Array
    pending: Array

    @property
    def outcomes(self) -> int:
        """Return the number of outcomes, k."""
        return int(self.targets.shape[1])

    def of_outcome(self, outcome: int) -> tuple[Array, Array, Array]:
        """Return the points (m, d) at which an outcome is known, its targets and counts (m,)."""
        rows = self.known[:, outcome]
        if rows.all():
            return self.points, self.targets[:, outcome], self.counts
        return self.points[rows], self.targets[rows, outcome], self.counts[rows]

    def thinned(self, at_most: int, objective: int) -> Dataset:
        """Return the data with at most so many points and as many failures.

        Half of the points are the best by the objective, the others an even selection of the rest.
        """
        known = self.known[:, objective]
        kept = _kept(np.where(known, self.targets[:, objective], -np.inf), at_most)
        return evolve(
            self,
            points=self.points[kept],
            targets=self.targets[kept],
            known=self.known[kept],
            counts=self.counts[kept],
            failed=self.failed[_evenly(len(self.failed), at_most)],
        )


def _kept(targets: Array, at_most: int) -> Indices:
    if len(targets) <= at_most:
        return np.arange(len(targets))
    ranked = np.argsort(-targets, kind="stable")
    best, others = ranked[: (at_most + 1) // 2], np.sort(ranked[(at_most + 1) // 2 :])
    return np.sort(np.concatenate([best, others[_evenly(len(others), at_most - len(best))]]))


def _evenly(n: int, at_most: int) -> Indices:
    return np.unique(np.linspace(0, n - 1, min(n, at_most)).astype(np.int64))
