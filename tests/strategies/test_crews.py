"""Executors of other packages: what the strategies' workers do on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from clusters import dask, ray
from fakes import EFFECTS, UNQUANTISED, Effect, FakeAdaptor, FakeModel, conf, effects, make

from strategies import BayesianTuneStrategy, Conf
from strategies.examples import digits

Opened = Callable[[Path], AbstractContextManager[Any]]


EXECUTORS = [dask, ray]
FATAL: Effect = ("tensor", "channel", "minmax", 50)


@frozen
class Accuracy:
    """An evaluation that ends its process the first time that it meets one of the models.

    Attributes:
        mark: the file that says that it has.
    """

    mark: Path

    def __call__(self, model: FakeModel) -> float:
        if model.effect == FATAL and not self.mark.exists():
            self.mark.touch()
            os._exit(3)
        return FakeAdaptor().accuracy(model)


@pytest.mark.parametrize("opened", EXECUTORS)
def test_a_run_survives_a_worker_and_goes_on(opened: Opened, tmp_path: Path) -> None:
    accuracy = Accuracy(tmp_path / "died")
    with opened(tmp_path) as executor:
        first = make(BayesianTuneStrategy, FakeAdaptor(), conf(max_trials=5), eval_func=accuracy)
        first.traverse(2, executor)
        assert len(first.trials) == 5
        second = make(BayesianTuneStrategy, FakeAdaptor(), conf(), first.dicts, accuracy)
        second.traverse(2, executor)
    assert second.trials[:5] == first.trials
    assert accuracy.mark.exists()
    assert len(effects(second)) == len(set(effects(second)))
    assert set(effects(second)) == EFFECTS - {UNQUANTISED}
    lost = [trial.failure for trial in second.trials if trial.failure]
    assert len(lost) == (0 if opened is dask else 1)  # Dask itself tries it once more
    assert second.seconds_by_part["evaluating"] > 0


@pytest.mark.parametrize("opened", EXECUTORS)
def test_a_real_model_is_tuned(opened: Opened, tmp_path: Path) -> None:
    document = {
        "model": {"framework": "onnxrt_qlinearops"},
        "tuning": {
            "accuracy_criterion": {"relative": 0.01},
            "objective": "modelsize",
            "exit_policy": {"max_trials": 3, "timeout": 10**6},
        },
        "evaluation": {"accuracy": {"metric": {"topk": 1}}},
    }
    data = digits.calibration(20), None, digits.validation()
    strategy = BayesianTuneStrategy(str(digits.MODEL), Conf(document), *data)
    with opened(tmp_path) as executor:
        result = strategy.traverse(2, executor)
    assert [trial.failure for trial in strategy.trials] == [None] * 3
    assert result is not None
    assert result.meets
    assert result.trial.measurement is not None
    assert strategy.adaptor.size(result.model) == result.trial.measurement.values["modelsize"]
