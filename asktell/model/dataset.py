"""What a model is given: points of the unit cube, and what is known of each."""

from __future__ import annotations

from typing import Literal

import numpy as np
from attrs import evolve, frozen

from asktell.model.kernels import Array
from asktell.space.axes import Indices
from asktell.space.trend import Sums

Use = Literal["objective", "one of several", "bound", "given"]
"""What an outcome is for: the only objective; one of several; a constraint alone; or nothing to
model, since it is given for every point."""


@frozen(eq=False)
class Dataset:
    """What is known, on the unit cube; every objective is maximised.

    Points are distinct, and in an order that does not depend on that of arrival.

    Args:
        points: observed points (n, d).
        targets: a column for every outcome (n, k), means where there are replicates.
        deviations: of the noise of the targets (n, k); NaN where it is not known.
        counts: how many replicates each point's targets are the mean of (n,).
        uses: what each of the outcomes is for.
        bounds: below and above which constraints are broken (k, 2), infinite where there are none.
        order: the rows from the best to the worst (n,).
        failed: points whose evaluation failed (f, d).
        pending: points being evaluated, or about to be (q, d).
        earlier: what earlier studies found, on the same cube: of the same outcomes, where those
            that a study did not measure are given. Nothing of theirs has failed or is pending.
        trends: of every outcome (k,), greater where its targets are expected to be; None where it
            has none. Empty where no outcome has one.
    """

    points: Array
    targets: Array
    deviations: Array
    counts: Array
    uses: tuple[Use, ...]
    bounds: Array
    order: Indices
    failed: Array
    pending: Array
    earlier: tuple[Dataset, ...] = ()
    trends: tuple[Sums | None, ...] = ()

    @property
    def feasible(self) -> np.typing.NDArray[np.bool_]:
        """Tell which points hold all constraints (n,)."""
        low, high = self.bounds.T
        return np.asarray(((self.targets >= low) & (self.targets <= high)).all(axis=1))

    def thinned(self, at_most: int) -> Dataset:
        """Return the data with at most so many points and as many failures.

        Half of the points are the best, the others an even selection of the rest.
        """
        kept = _kept(self.order, at_most)
        places = np.full(len(self.order), -1)
        places[kept] = np.arange(len(kept))
        order = places[self.order]
        return evolve(
            self,
            points=self.points[kept],
            targets=self.targets[kept],
            deviations=self.deviations[kept],
            counts=self.counts[kept],
            order=order[order >= 0],
            failed=self.failed[_evenly(len(self.failed), at_most)],
        )


def _kept(order: Indices, at_most: int) -> Indices:
    if len(order) <= at_most:
        return np.arange(len(order))
    best, others = order[: (at_most + 1) // 2], np.sort(order[(at_most + 1) // 2 :])
    return np.sort(np.concatenate([best, others[_evenly(len(others), at_most - len(best))]]))


def _evenly(n: int, at_most: int) -> Indices:
    return np.unique(np.linspace(0, n - 1, min(n, at_most)).astype(np.int64))
