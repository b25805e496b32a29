"""The metrics, against scikit-learn and against what they say in plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    f1_score,
    mean_absolute_error,
    mean_squared_error,
    top_k_accuracy_score,
)

from strategies.conf import Metric
from strategies.metrics import metric_function


def draw(seed: int, n: int, classes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, classes)), random.integers(classes, size=n)


def value(name: str, outputs: Any, labels: Any, **options: Any) -> float:
    result = metric_function(Metric(name, options))(outputs, labels)
    assert type(result) is float
    return result


seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(3, 50), st.integers(1, 4))
def test_topk_is_the_share_of_labels_among_the_k_highest(seed: int, n: int, k: int) -> None:
    outputs, labels = draw(seed, n, 5)
    expected = top_k_accuracy_score(labels, outputs, k=k, labels=range(5))
    assert value("topk", outputs, labels, k=k) == pytest.approx(expected)


def test_topk_is_top_1_by_default() -> None:
    outputs = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7]])
    assert value("topk", outputs, np.array([1, 2, 2, 0])) == 0.5
    assert value("topk", outputs, np.array([1, 2, 2, 0]), k=2) == 0.75
    assert value("topk", outputs, np.array([1, 2, 2, 0]), k=9) == 1.0


def test_labels_may_be_a_column_or_a_list() -> None:
    outputs, labels = draw(0, 20, 3)
    for name in ("topk", "f1"):
        expected = value(name, outputs, labels)
        assert value(name, outputs, labels.reshape(-1, 1)) == expected
        assert value(name, outputs, labels.tolist()) == expected


def test_of_equal_outputs_the_first_class_is_meant() -> None:
    assert value("topk", np.zeros((2, 3)), np.array([0, 1])) == 0.5
    assert value("topk", np.zeros((2, 3)), np.array([0, 1]), k=2) == 1.0


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_f1_is_that_of_the_highest_outputs(average: str) -> None:
    outputs, labels = draw(1, 60, 3)
    expected = f1_score(labels, outputs.argmax(axis=1), average=average)
    assert value("f1", outputs, labels, average=average) == expected


def test_f1_is_macro_by_default_and_knows_two_classes() -> None:
    outputs, labels = draw(2, 40, 2)
    chosen = outputs.argmax(axis=1)
    assert value("f1", outputs, labels) == f1_score(labels, chosen, average="macro")
    assert value("f1", outputs, labels, average="binary") == f1_score(labels, chosen)


ORACLES = {
    "mse": mean_squared_error,
    "mae": mean_absolute_error,
    "rmse": lambda labels, outputs: np.sqrt(mean_squared_error(labels, outputs)),
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("shape", [(7,), (7, 1), (7, 3)])
def test_errors_are_those_of_scikit_learn(name: str, shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(3)
    outputs, labels = random.normal(size=shape), random.normal(size=shape)
    expected = ORACLES[name](labels, outputs)
    assert value(name, outputs, labels) == pytest.approx(expected)
    assert value(name, outputs, labels.tolist()) == pytest.approx(expected)


@pytest.mark.parametrize("name", ORACLES)
def test_a_column_of_outputs_fits_a_row_of_labels(name: str) -> None:
    labels = np.array([1.0, 2.0, 3.0])
    assert value(name, labels.reshape(-1, 1), labels) == 0.0


@pytest.mark.parametrize(
    ("name", "expected"), [("mae", 125.5), ("mse", 31250.5), ("rmse", 31250.5**0.5)]
)
def test_errors_of_unsigned_integers(name: str, expected: float) -> None:
    outputs, labels = np.array([0, 250], dtype=np.uint8), np.array([1, 0], dtype=np.uint8)
    assert value(name, outputs, labels) == pytest.approx(expected)


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("shapes", [((4, 2), (4, 1)), ((2, 3), (3, 2)), ((3, 3), (3,))])
def test_labels_of_another_shape_are_refused(name: str, shapes: Any) -> None:
    with pytest.raises(ValueError, match="shape"):
        value(name, *map(np.zeros, shapes))


def test_topk_of_unsigned_integers() -> None:
    outputs = np.array([[0, 5], [7, 1]], dtype=np.uint8)
    assert value("topk", outputs, np.array([1, 0])) == 1.0


# ------------------------------------------------------------------------------ what does not fit


@pytest.mark.parametrize("name", ["topk", "f1"])
@pytest.mark.parametrize(
    ("outputs", "labels"),
    [
        (np.zeros(4), np.zeros(4)),
        (np.zeros((4, 3, 2)), np.zeros(4)),
        (np.zeros((4, 3)), np.zeros((4, 3))),
        (np.zeros((4, 3)), np.zeros(3)),
    ],
    ids=["flat", "deep", "one-hot", "another length"],
)
def test_shapes_that_are_no_classes_are_refused(name: str, outputs: Any, labels: Any) -> None:
    with pytest.raises(ValueError, match="the numbers of the classes; an eval_func can take any"):
        value(name, outputs, labels)


@pytest.mark.parametrize("name", ["topk", "f1"])
def test_several_outputs_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="2 outputs, expected one: use an eval_func"):
        value(name, [np.zeros((4, 3)), np.zeros((4, 3))], np.zeros(4))


@pytest.mark.parametrize("name", ["topk", "f1"])
def test_labels_may_be_a_column(name: str) -> None:
    outputs, labels = draw(0, 8, 3)
    assert value(name, outputs, labels.reshape(-1, 1)) == value(name, outputs, labels)
