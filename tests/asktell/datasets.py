"""Data on a mixed unit cube that several tests of the model share."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from asktell.model.dataset import Dataset, Use
from asktell.model.gp import Hyperparameters
from asktell.model.kernels import Array
from asktell.model.members import MEMBERS, Found
from asktell.space.axes import Axis, Interval, Levels, categories
from asktell.space.domain import Domain

AXES: tuple[Axis, ...] = (Interval(), categories(3), Levels(11))
DOMAIN = Domain.of(AXES)

FOUND = (
    Hyperparameters((0.3, 1.0, 0.6), 1e-2),
    Hyperparameters((0.5, 2.0, 0.4), 1e-3),
    Hyperparameters((0.8, 0.7, 0.9), 1e-4),
)
"""Hyper-parameters of as many members as an outcome may have."""

OTHERS = (
    Hyperparameters((0.7, 0.9, 0.2), 1e-3),
    Hyperparameters((0.4, 1.5, 1.1), 1e-2),
    Hyperparameters((0.6, 0.5, 0.5), 1e-3),
)
"""The same for another outcome."""

OF_SUCCESS = (Hyperparameters((0.5, 1.0, 0.5), 1e-2),)


def points_of(n: int, seed: int) -> Array:
    """Return n random points on the axes."""
    uniform = np.random.default_rng(seed).random((n, len(AXES)))
    return np.column_stack([axis.sample(uniform[:, i]) for i, axis in enumerate(AXES)])


def dataset(n: int = 12, **changes: Any) -> Dataset:
    """Return n observed points with one outcome, about 100 and with a deviation of about 5."""
    points = points_of(n, 0)
    targets = 100.0 + 7.0 * np.sin(5.0 * points[:, 0] + 2.0 * points[:, 1]) + points[:, 2]
    none = np.empty((0, len(AXES)))
    whole = Dataset(
        points,
        targets[:, None],
        deviations=np.full((n, 1), np.nan),
        counts=np.ones(n),
        uses=("objective",),
        bounds=np.array([[-np.inf, np.inf]]),
        order=np.arange(n),
        failed=none,
        pending=none,
    )
    whole = attrs.evolve(whole, **changes)
    if "order" in changes:
        return whole
    return attrs.evolve(whole, order=np.argsort(-whole.targets[:, 0], kind="stable"))


def two_outcomes(
    n: int = 12, uses: tuple[Use, ...] = ("one of several",) * 2, **changes: Any
) -> Dataset:
    """Return the same points with a second outcome, in another unit."""
    one = dataset(n)
    second = -1e-3 * np.cos(3.0 * one.points[:, 0]) * (1.0 + one.points[:, 2])
    both = {
        "targets": np.column_stack([one.targets[:, 0], second]),
        "deviations": np.full((n, 2), np.nan),
        "bounds": np.array([[-np.inf, np.inf]] * 2),
    }
    return dataset(n, uses=uses, **{**both, **changes})


def of_outcome(data: Dataset, outcome: int) -> Dataset:
    """Return what is known of one outcome alone."""
    return attrs.evolve(
        data,
        targets=data.targets[:, [outcome]],
        deviations=data.deviations[:, [outcome]],
        bounds=data.bounds[[outcome]],
        uses=data.uses[outcome : outcome + 1],
    )


def found_for(data: Dataset, *found: tuple[Hyperparameters, ...]) -> Found:
    """Return hyper-parameters for all members of some data, of these where they are given."""
    several = found or (FOUND, OTHERS)
    outcomes = [some[: len(MEMBERS[use])] for some, use in zip(several, data.uses, strict=False)]
    return (*outcomes, OF_SUCCESS if len(data.failed) else ())
