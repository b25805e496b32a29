"""Real tuning: scikit-learn's models on its own data, on full grids; see write_tuning_tables.py."""

from __future__ import annotations

from collections.abc import Sequence

import asktell as at
from suites import tables
from suites.task import Params, Task, usual_budget


def _decades(first: int, last: int, each: int) -> Sequence[float]:
    """Return powers of ten, so many to a decade."""
    steps = (last - first) * each
    return [float(f"{10 ** (first + i / each):.3g}") for i in range(steps + 1)]


SPACES = {
    "svc_digits": at.Space(
        at.Ordinal("C", _decades(-2, 3, 2)),
        at.Ordinal("gamma", _decades(-5, 0, 2)),
        at.Categorical("kernel", ["linear", "poly", "rbf", "sigmoid"]),
        at.Categorical("scaler", ["none", "standard", "range"]),
    ),
    "boosting_cancer": at.Space(
        at.Ordinal("learning_rate", [0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 0.8]),
        at.Ordinal("max_iter", [10, 20, 40, 80]),
        at.Ordinal("max_leaf_nodes", [2, 4, 8, 16]),
        at.Ordinal("min_samples_leaf", [2, 10, 40]),
        at.Ordinal("l2_regularization", [0.0, 1.0, 30.0]),
    ),
    "forest_wine": at.Space(
        at.Ordinal("n_estimators", [5, 10, 20, 40]),
        at.Ordinal("max_depth", [2, 3, 5, 10]),
        at.Ordinal("max_features", [1, 2, 4, 8, 13]),
        at.Ordinal("min_samples_leaf", [1, 2, 4, 8]),
        at.Categorical("criterion", ["gini", "entropy"]),
        at.Categorical("bootstrap", [True, False]),
    ),
    "neighbours_digits": at.Space(
        at.Int("n_neighbors", 1, 21),
        at.Categorical("weights", ["uniform", "distance"]),
        at.Categorical("metric", ["manhattan", "euclidean", "chebyshev", "cosine"]),
        at.Categorical("scaler", ["none", "standard", "range"]),
        at.Ordinal("components", [4, 8, 16, 32]),
    ),
    "network_diabetes": at.Space(
        at.Ordinal("width", [2, 5, 10, 30, 100]),
        at.Ordinal("layers", [1, 2]),
        at.Categorical("activation", ["relu", "tanh", "logistic"]),
        at.Ordinal("alpha", [1e-4, 1e-2, 1.0, 30.0]),
        at.Ordinal("learning_rate_init", [1e-3, 3e-3, 1e-2, 3e-2, 0.1]),
        at.Ordinal("batch_size", [32, 128]),
    ),
    "elastic_diabetes": at.Space(
        at.Ordinal("alpha", _decades(-4, 1, 3)),
        at.Ordinal("l1_ratio", [0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        at.Ordinal("degree", [1, 2]),
        at.Categorical("scaler", ["standard", "range", "quantile"]),
        at.Categorical("target", ["plain", "log"]),
    ),
    "gradient_digits": at.Space(
        at.Categorical("loss", ["hinge", "log_loss", "modified_huber", "squared_hinge"]),
        at.Categorical("penalty", ["l1", "l2", "elasticnet"]),
        at.Ordinal("alpha", _decades(-6, 0, 1)),
        at.Categorical("learning_rate", ["constant", "invscaling", "adaptive", "optimal"]),
        at.Ordinal("eta0", _decades(-4, 0, 1)),
    ),
    "kernel_diabetes": at.Space(
        at.Categorical("kernel", ["linear", "poly", "rbf", "sigmoid"]),
        at.Ordinal("C", _decades(-1, 4, 2)),
        at.Ordinal("gamma", _decades(-4, 1, 2)),
        at.Ordinal("epsilon", [0.1, 1.0, 5.0, 20.0, 50.0]),
    ),
}
"""Ordinals and choices alone, so that a table holds them exactly."""


def _task(name: str, space: at.Space) -> Task:
    def loss(params: Params) -> float:
        return tables.read(name)[tables.row(space, params)]

    return Task(name, "tuning", space, loss, usual_budget(space), min(tables.read(name)))


def tasks() -> tuple[Task, ...]:
    """Return all tasks of the suite."""
    return tuple(_task(name, space) for name, space in SPACES.items())
