"""What a state knows, as arrays on the unit cube: from ledger to surrogate.

Targets are maximised from here on. Points are in canonical order, not in that of arrival, so that
the same observations give the same model to the last bit, however they came.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import evolve

from asktell.acquisition.target_space import TargetSpace
from asktell.model.kernels import Array
from asktell.model.surrogate import Evidence
from asktell.space.space import Space, Values
from asktell.study.state import State


def evidence_of(state: State) -> tuple[TargetSpace, Evidence]:
    """Return the ledger of distinct observed points, and all that the surrogate is to know.

    Of more than ``n_modelled`` points the ledger has the better half of that number, and an even
    selection of the others.
    """
    sign = 1.0 if state.goal == "maximize" else -1.0
    points, targets, counts = _distinct(
        state.space.encode([observation.values for observation in state.observations]),
        np.array([sign * observation.target for observation in state.observations]),
    )
    failed = [f.values for f in state.failures if not state.observations.has_values(f.values)]
    everything = Evidence(
        points,
        targets,
        counts,
        failed=_canonical(state.space, failed),
        pending=_canonical(state.space, [*(s.values for s in state.pending), *state.due]),
    )
    evidence = thinned(everything, state.settings.n_modelled)
    ledger = TargetSpace(dict.fromkeys(state.space.names, (0.0, 1.0)))
    for point, target in zip(evidence.points.tolist(), evidence.targets.tolist(), strict=True):
        ledger.register(point, target)
    return ledger, evidence


def thinned(evidence: Evidence, at_most: int) -> Evidence:
    """Return the evidence with no more than so many points and as many failures.

    The better half of that number is kept, and an even selection of the others.
    """
    kept, failures = _kept(evidence.targets, at_most), len(evidence.failed)
    return evolve(
        evidence,
        points=evidence.points[kept],
        targets=evidence.targets[kept],
        counts=evidence.counts[kept],
        failed=evidence.failed[_evenly(failures, at_most)],
    )


def _distinct(points: Array, targets: Array) -> tuple[Array, Array, Array]:
    """Return distinct points in canonical order, the means of their targets, and how many each."""
    distinct, owners, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    if len(distinct) == len(points):
        ordered = np.empty(len(points))
        ordered[owners.ravel()] = targets
        return distinct, ordered, np.ones(len(points))
    order = np.lexsort((targets, owners.ravel()))  # equal sums whatever the order of arrival
    groups = np.split(targets[order], np.cumsum(counts)[:-1])
    means = np.array([mean(group.tolist()) for group in groups])
    return distinct, means, counts.astype(np.float64)


def mean(targets: list[float]) -> float:
    """Return the mean of finite targets, without overflow, and whatever their order."""
    return math.fsum(target / len(targets) for target in targets)


def _kept(targets: Array, at_most: int) -> np.typing.NDArray[np.int64]:
    if len(targets) <= at_most:
        return np.arange(len(targets))
    ranked = np.argsort(-targets, kind="stable")
    best, others = ranked[: (at_most + 1) // 2], np.sort(ranked[(at_most + 1) // 2 :])
    return np.sort(np.concatenate([best, others[_evenly(len(others), at_most - len(best))]]))


def _evenly(n: int, at_most: int) -> np.typing.NDArray[np.int64]:
    return np.unique(np.linspace(0, n - 1, min(n, at_most)).astype(np.int64))


def _canonical(space: Space, rows: list[Values]) -> Array:
    return np.asarray(np.unique(space.encode(rows), axis=0)) if rows else np.empty((0, space.dim))
