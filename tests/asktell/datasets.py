"""Data on a mixed unit cube that several tests of the model share."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from asktell.model.dataset import Dataset
from asktell.model.gp import Hyperparameters
from asktell.model.kernels import Array
from asktell.space.axes import Axis, Interval, Levels, categories

AXES: tuple[Axis, ...] = (Interval(), categories(3), Levels(11))

FOUND = (
    Hyperparameters((0.3, 1.0, 0.6), 1e-2),
    Hyperparameters((0.5, 2.0, 0.4), 1e-3),
    Hyperparameters((0.8, 0.7, 0.9), 1e-4),
)
"""Hyper-parameters of the three members, for one outcome."""

OTHERS = (
    Hyperparameters((0.7, 0.9, 0.2), 1e-3),
    Hyperparameters((0.4, 1.5, 1.1), 1e-2),
    Hyperparameters((0.6, 0.5, 0.5), 1e-3),
)
"""The same for another outcome."""


def points_of(n: int, seed: int) -> Array:
    """Return n random points on the axes."""
    uniform = np.random.default_rng(seed).random((n, len(AXES)))
    return np.column_stack([axis.sample(uniform[:, i]) for i, axis in enumerate(AXES)])


def dataset(n: int = 12, **changes: Any) -> Dataset:
    """Return n observed points with one outcome, about 100 and with a deviation of about 5."""
    points = points_of(n, 0)
    targets = 100.0 + 7.0 * np.sin(5.0 * points[:, 0] + 2.0 * points[:, 1]) + points[:, 2]
    none = np.empty((0, len(AXES)))
    known = np.ones((n, 1), dtype=bool)
    whole = Dataset(points, targets[:, None], known, np.ones(n), failed=none, pending=none)
    return attrs.evolve(whole, **changes)


def two_outcomes(n: int = 12, **changes: Any) -> Dataset:
    """Return the same points with a second outcome, in another unit."""
    one = dataset(n)
    second = -1e-3 * np.cos(3.0 * one.points[:, 0]) * (1.0 + one.points[:, 2])
    targets = np.column_stack([one.targets[:, 0], second])
    both = attrs.evolve(one, targets=targets, known=np.ones((n, 2), dtype=bool))
    return attrs.evolve(both, **changes)


def of_outcome(data: Dataset, outcome: int) -> Dataset:
    """Return what is known of one outcome alone: its column, at the points where it is known."""
    rows = data.known[:, outcome]
    return attrs.evolve(
        data,
        points=data.points[rows],
        targets=data.targets[rows, outcome][:, None],
        known=np.ones((int(rows.sum()), 1), dtype=bool),
        counts=data.counts[rows],
    )
