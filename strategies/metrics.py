"""The metrics that a configuration names: outputs and labels in, one number out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from strategies.conf import Metric

Array = NDArray[Any]


def metric_function(metric: Metric | None) -> Callable[[Array, Array], float]:
    """Return a function of outputs (n, ...) and labels (n, ...).

    Raises:
        ValueError: there is no metric.
    """
    if metric is None:
        raise ValueError("a metric is needed")
    options = dict(metric.options)
    return lambda outputs, labels: float(_METRICS[metric.name](outputs, labels, **options))


@frozen
class MeanMetric:
    """A metric that is a function of the mean of scores, one for each sample.

    Attributes:
        scores: of outputs and labels, (n,).
        best: the best score that there is: 1 or 0.
        value: the metric for a mean score.
        score: the mean score for a value of the metric; the reverse.
        slope: by how much the metric changes with the mean score, at a value of the metric.
    """

    scores: Callable[[Array, Array], Array]
    best: float
    value: Callable[[float], float] = lambda score: score
    score: Callable[[float], float] = lambda value: value
    slope: Callable[[float], float] = lambda value: 1.0

    @property
    def higher_is_better(self) -> bool:
        """Tell which way scores and the metric are better."""
        return self.best > 0


def mean_metric(metric: Metric) -> MeanMetric | None:
    """Return a metric as one of a mean; None where it is none."""
    if metric.name == "topk":
        k = metric.options.get("k", 1)
        return MeanMetric(lambda outputs, labels: _hits(outputs, labels, k), best=1.0)
    if metric.name == "mae":
        return MeanMetric(lambda outputs, labels: _rows(np.abs(_differences(outputs, labels))), 0.0)
    squares = MeanMetric(lambda outputs, labels: _rows(_differences(outputs, labels) ** 2), 0.0)
    if metric.name == "mse":
        return squares
    if metric.name == "rmse":
        return MeanMetric(
            squares.scores,
            best=0.0,
            value=lambda score: math.sqrt(max(score, 0.0)),
            score=lambda value: value * abs(value),
            slope=lambda value: 0.5 / max(value, 1e-12),
        )
    return None


def _rows(numbers: Array) -> Array:
    """Return the mean of each row (n, ...)."""
    return np.asarray(numbers.reshape(len(numbers), -1).mean(axis=1))


def _hits(outputs: Array, labels: Array, k: int) -> Array:
    """Return for each row (n, classes) whether the label is among the k highest outputs."""
    _check_classes(outputs, labels)
    highest = np.argsort(-outputs.astype(np.float64), axis=1, kind="stable")[:, :k]
    return np.asarray((highest == np.asarray(labels).reshape(-1, 1)).any(axis=1), dtype=float)


def _topk(outputs: Array, labels: Array, k: int = 1) -> float:
    """Return the share of rows (n, classes) whose label is among the k highest outputs."""
    return float(_hits(outputs, labels, k).mean())


def _f1(outputs: Array, labels: Array, average: str = "macro") -> float:
    """Return the F1 score of the classes with the highest outputs (n, classes)."""
    _check_classes(outputs, labels)
    from sklearn.metrics import f1_score

    return float(f1_score(np.ravel(labels), np.argmax(outputs, axis=1), average=average))


def _check_classes(outputs: Array, labels: Array) -> None:
    """Raise ValueError unless there is a row of outputs, one for each class, for every label."""
    if isinstance(outputs, list):
        raise ValueError(f"the model has {len(outputs)} outputs, expected one: use an eval_func")
    wanted = "expected outputs (n, classes) and n labels, the numbers of the classes"
    if outputs.ndim != 2 or np.size(labels) != len(outputs):
        shapes = f"outputs of shape {outputs.shape} and labels of shape {np.shape(labels)}"
        raise ValueError(f"{shapes}, {wanted}; an eval_func can take any")


def _differences(outputs: Array, labels: Array) -> Array:
    """Return outputs minus labels as floats; a column (n, 1) counts as (n,).

    Raises:
        ValueError: their shapes differ in another way.
    """
    left, right = np.asarray(outputs, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    columns = [array[:, 0] if array.shape[1:] == (1,) else array for array in (left, right)]
    if columns[0].shape != columns[1].shape:
        raise ValueError(f"outputs of shape {left.shape} do not fit labels of shape {right.shape}")
    return np.asarray(columns[0] - columns[1])


def _mse(outputs: Array, labels: Array) -> float:
    return float(np.mean(_differences(outputs, labels) ** 2))


def _mae(outputs: Array, labels: Array) -> float:
    return float(np.mean(np.abs(_differences(outputs, labels))))


def _rmse(outputs: Array, labels: Array) -> float:
    return float(np.sqrt(_mse(outputs, labels)))


_METRICS: dict[str, Callable[..., float]] = {
    "topk": _topk,
    "f1": _f1,
    "mse": _mse,
    "mae": _mae,
    "rmse": _rmse,
}
