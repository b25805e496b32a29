"""What a state knows, as arrays on the unit cube: from trials to the model's data.

Every outcome is maximised from here on. Points are in canonical order, not in that of arrival, so
that the same observations give the same model to the last bit, however they came.
"""

from __future__ import annotations

import numpy as np

from asktell.model.dataset import Dataset
from asktell.model.kernels import Array
from asktell.space.space import Space, Values
from asktell.state import State
from asktell.study.trials import mean


def dataset_of(state: State) -> Dataset:
    """Return everything that the model should know.

    Args:
        state: with at least one observation.
    """
    values: list[Values] = []
    numbers: list[tuple[float, ...]] = []
    failed: list[Values] = []
    pending: list[Values] = []
    for trial in state.trials:
        row, results = trial.configuration.values, trial.results
        for result in results:
            values.append(row)
            numbers.append(result.numbers)
        if not results and trial.is_over:
            failed.append(row)
        if trial.queued or any(ticket.standing == "out" for ticket in trial.tickets):
            pending.append(row)
    signs = np.array([outcome.sign for outcome in state.problem.outcomes])
    points, targets, counts = _distinct(state.space.encode(values), signs * np.array(numbers))
    return Dataset(
        points,
        targets,
        np.ones(targets.shape, dtype=bool),
        counts,
        failed=_canonical(state.space, failed),
        pending=_canonical(state.space, pending),
    )


def n_reports(state: State) -> int:
    """Return how many outcomes there are, including replicates."""
    return sum(report.counts for trial in state.trials for report in trial.reports)


def _distinct(points: Array, targets: Array) -> tuple[Array, Array, Array]:
    """Return distinct points in canonical order, the means of their targets, and how many each."""
    distinct, owners, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    ordered = np.empty((len(distinct), targets.shape[1]))
    if len(distinct) == len(points):
        ordered[owners.ravel()] = targets
        return distinct, ordered, np.ones(len(points))
    order = np.argsort(owners.ravel(), kind="stable")
    groups = np.split(targets[order], np.cumsum(counts)[:-1])
    for row, group in enumerate(groups):
        ordered[row] = [mean(tuple(column)) for column in group.T.tolist()]
    return distinct, ordered, counts.astype(np.float64)


def _canonical(space: Space, rows: list[Values]) -> Array:
    return np.asarray(np.unique(space.encode(rows), axis=0)) if rows else np.empty((0, space.dim))
