"""Accuracy by parts: who is given up, what is told of them, and whose data allow it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from strategies import BayesianTuneStrategy, Conf
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.conf import Metric
from strategies.evaluation import Evaluation
from strategies.examples import digits
from strategies.looks import LEAST_SAMPLES, Samples, looked_at, samples_of, whole
from strategies.metrics import mean_metric, metric_function
from strategies.objective import Looked

TOPK = Metric("topk", {"k": 1})
N = 2000


def pairs(hits: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield predictions that are right where they are said to be."""
    for start in range(0, len(hits), 100):
        right = hits[start : start + 100]
        yield np.column_stack((~right, right)).astype(float), np.ones(len(right), int)


def hits(share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(N) < share


# --- looking ---


def test_a_model_that_surely_misses_is_given_up() -> None:
    base = hits(0.97, 0)
    bad = base & hits(0.9, 1)
    metric = mean_metric(TOPK)
    assert metric is not None
    scores = whole(pairs(base), metric)
    look = looked_at(pairs(bad), metric, scores, 0.96)
    assert look.looked.of == N
    assert look.looked.samples < N / 2
    assert abs(look.accuracy - bad.mean()) < 4 * look.std < 0.1
    assert look.accuracy < 0.96


def test_a_model_that_meets_is_looked_at_in_full() -> None:
    base = hits(0.97, 0)
    good = base.copy()
    good[np.random.default_rng(1).choice(np.flatnonzero(base), 15, replace=False)] = False
    metric = mean_metric(TOPK)
    assert metric is not None
    look = looked_at(pairs(good), metric, whole(pairs(base), metric), base.mean() - 0.01)
    assert (look.accuracy, look.std, look.looked) == (good.mean(), 0.0, Looked(N, N))
    assert looked_at(pairs(~base), metric, whole(pairs(base), metric), None).looked.samples == N


def test_a_model_that_is_always_wrong_leaves_a_doubt() -> None:
    base = np.ones(N, bool)
    metric = mean_metric(TOPK)
    assert metric is not None
    look = looked_at(pairs(~base), metric, whole(pairs(base), metric), 0.9)
    assert look.looked.samples == 100
    assert look.accuracy == 0.0
    assert look.std > 0


@pytest.mark.parametrize("name", ["mse", "mae", "rmse"])
def test_errors_are_looked_at_likewise(name: str) -> None:
    draws = np.random.default_rng(0)
    labels = draws.normal(size=N)
    base, bad = labels + 0.1 * draws.normal(size=N), labels + 0.3 * draws.normal(size=N)
    metric, value = mean_metric(Metric(name, {})), metric_function(Metric(name, {}))
    assert metric is not None

    def parts(outputs: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return ((outputs[i : i + 50], labels[i : i + 50]) for i in range(0, N, 50))

    scores = whole(parts(base), metric)
    whole_base = looked_at(parts(base), metric, scores, value(base, labels) * 1.01)
    assert whole_base.accuracy == pytest.approx(value(base, labels))
    look = looked_at(parts(bad), metric, scores, value(base, labels) * 1.01)
    assert look.looked.samples < N / 2
    assert abs(look.accuracy - value(bad, labels)) < 5 * look.std < 2 * value(bad, labels)


@pytest.mark.parametrize("seed", range(5))
def test_one_in_two_hundred_that_meet_is_given_up_at_most(seed: int) -> None:
    base = hits(0.98, seed)
    kept = base.copy()
    kept[np.flatnonzero(base)[: N // 100]] = False  # just meets
    metric = mean_metric(TOPK)
    assert metric is not None
    given_up = 0
    for order in range(100):
        places = np.random.default_rng(order).permutation(N)
        scores = whole(pairs(base[places]), metric)
        look = looked_at(pairs(kept[places]), metric, scores, base.mean() - 0.01)
        given_up += look.looked.samples < N
    assert given_up <= 3


# --- samples ---


def test_every_sample_comes_once_with_its_label() -> None:
    x = np.arange(2 * LEAST_SAMPLES).reshape(-1, 2).astype(float)
    loader = [(x[i : i + 64], x[i : i + 64, 0]) for i in range(0, len(x), 64)]
    samples = samples_of(loader, 3)
    assert samples is not None
    batches = list(samples)
    assert max(len(labels) for _, labels in batches) == -(-LEAST_SAMPLES // 16)
    rows = np.concatenate([inputs[0] for inputs, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    assert (rows[:, 0] == labels).all()
    assert sorted(labels) == list(x[:, 0])
    assert list(labels) != list(x[:, 0])
    again = samples_of(iter(loader), 3)
    assert again is not None
    assert (again.order == samples.order).all()


def test_names_of_inputs_are_kept() -> None:
    x = np.zeros((LEAST_SAMPLES, 2))
    samples = samples_of([({"a": x, "b": x[:, :1]}, x[:, 0])], 0)
    assert samples is not None
    inputs, _ = next(iter(samples))
    assert {name: array.shape[1] for name, array in inputs.items()} == {"a": 2, "b": 1}


X, Y = np.zeros((LEAST_SAMPLES, 2)), np.zeros(LEAST_SAMPLES)


@pytest.mark.parametrize(
    "loader",
    [
        [],
        [(X[1:], Y[1:])],
        [(X, None)],
        [X],
        [(X, Y[1:])],
        [(X, Y), (X[:, :1], Y)],
        [(X, Y), ({"a": X}, Y)],
    ],
)
def test_other_data_are_looked_at_in_full(loader: Any) -> None:
    assert samples_of(loader, 0) is None


def test_only_so_much_is_kept_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strategies.looks.MOST_BYTES", 1000)
    assert samples_of([(X, Y)], 0) is not None
    assert samples_of(iter([(X, Y)]), 0) is None


# --- with a strategy ---


def configuration(**accuracy: Any) -> Conf:
    return Conf(
        {
            "model": {"framework": "onnxrt_qlinearops"},
            "tuning": {
                "objective": "modelsize",
                "exit_policy": {"max_trials": 6, "timeout": 10**6},
            },
            "evaluation": {"accuracy": {"metric": {"topk": 1}, **accuracy}},
        }
    )


def strategy(conf: Conf, dicts: Any = None) -> BayesianTuneStrategy:
    data = digits.validation()
    return BayesianTuneStrategy(
        str(digits.MODEL), conf, digits.calibration(), eval_dataloader=data, dicts=dicts
    )


def test_a_run_says_how_many_samples_it_looked_at() -> None:
    with_looks, without = strategy(configuration()), strategy(configuration(looks=False))
    with_looks.traverse()
    without.traverse()
    assert with_looks.baseline is not None
    assert without.baseline is not None
    assert with_looks.baseline.looked == Looked(719, 719)
    assert with_looks.baseline.accuracy == without.baseline.accuracy
    assert all(trial.measurement and trial.measurement.looked is None for trial in without.trials)
    trial = next(t for t in with_looks.trials if t.measurement and not t.measurement.is_whole)
    part = trial.measurement
    assert part is not None
    assert part.looked is not None
    assert part.looked.samples < 719
    whole = without._evaluation
    model = whole.quantize(with_looks.tuning_space.tune_cfg(trial.params))
    accuracy = whole.measure(model, without.goal).accuracy
    assert abs((part.accuracy or 0) - (accuracy or 0)) < 4 * part.std["accuracy"]
    told = next(o for o in with_looks._findings.engine.observations if o.params == trial.params)
    assert told.std is not None
    assert told.std["accuracy"] == part.std["accuracy"]
    for trial in with_looks.trials:
        assert trial.measurement is not None
        assert trial.measurement.is_whole or not trial.meets
    best = with_looks.best_trial()
    assert best is not None
    assert best.measurement is not None
    assert best.measurement.is_whole


def test_a_run_with_looks_goes_on_as_if_it_had_not_stopped() -> None:
    whole_run, stopped = strategy(configuration()), strategy(configuration())
    whole_run.traverse()
    next(stopped.run())
    resumed = strategy(configuration(), stopped.dicts)
    resumed.traverse()
    assert [one.params for one in resumed.trials] == [one.params for one in whole_run.trials]
    assert [one.measurement for one in resumed.trials] == [
        one.measurement for one in whole_run.trials
    ]


def test_the_first_batches_may_be_enough() -> None:
    tuned = strategy(configuration(iteration=2, looks=False))
    tuned.measure_baseline()
    data = digits.validation()[:2]
    adaptor = OnnxRuntimeAdaptor()
    assert tuned.baseline is not None
    accuracy = adaptor.evaluate(str(digits.MODEL), data, metric_function(TOPK))
    assert tuned.baseline.accuracy == accuracy


def test_a_copy_of_an_evaluation_begins_with_nothing() -> None:
    conf, data = configuration(), digits.validation()
    adaptor = OnnxRuntimeAdaptor()
    model = adaptor.load(str(digits.MODEL))
    evaluation = Evaluation(adaptor, model, conf, digits.calibration(), data, None)
    evaluation.first(model)
    assert isinstance(evaluation._kept.samples(data, 0), Samples)
    assert pickle.loads(pickle.dumps(evaluation._kept)).scores is None
