"""Trials that fail, and the first one, which may not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from threading import Event
from typing import Any

import numpy as np
import pytest
from fakes import (
    BEST,
    DEFAULT,
    EFFECTS,
    SHORT,
    SIZES,
    UNQUANTISED,
    FakeAdaptor,
    FakeModel,
    Kind,
    conf,
    effect,
    effects,
    engine_of,
    make,
    plain,
    raising,
)

from strategies.adaptors.base import TuneConfig
from strategies.errors import FirstEvaluationError, StrategyError
from strategies.exhaustive import ExhaustiveTuneStrategy


@pytest.fixture
def hang() -> Iterator[Callable[[], float]]:
    """Yield an evaluation that does not return before the test is over."""
    over = Event()

    def wait() -> float:
        over.wait()
        return 0.9

    yield wait
    over.set()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (raising(MemoryError("out of memory")), "MemoryError: out of memory"),
        (raising(TimeoutError("the server is away")), "TimeoutError: the server is away"),
        (lambda: math.nan, "accuracy is nan"),
        (lambda: -math.inf, "accuracy is -inf"),
        (lambda: np.float32(np.nan), "accuracy is nan"),
        (lambda: None, "expected a number"),
        (lambda: "many", "expected a number"),
    ],
    ids=["raises", "raises a timeout", "nan", "inf", "float32 nan", "None", "text"],
)
def test_an_evaluation_that_goes_wrong_is_a_failed_trial(
    kind: Kind, fault: Callable[[], Any], reason: str
) -> None:
    adaptor = FakeAdaptor({BEST: fault})
    strategy = make(kind, adaptor)
    result = strategy.traverse()
    failed = strategy.trials[effects(strategy).index(BEST)]
    assert failed.measurement is None
    assert not failed.meets
    assert reason in (failed.failure or "")
    others = [trial for trial in strategy.trials if trial is not failed]
    assert len(others) == len(adaptor.evaluated) - 2 > 0
    assert all(trial.measurement and trial.failure is None for trial in others)
    assert result is not None
    assert result.trial in others
    assert reason in engine_of(strategy).failures[0].reason


@pytest.mark.parametrize("fault", [lambda: math.nan, raising(TimeoutError("away"))])
def test_the_first_trial_may_fail_where_others_may_not(
    kind: Kind, fault: Callable[[], float]
) -> None:
    strategy = make(kind, FakeAdaptor({DEFAULT: fault}), conf(max_trials=SHORT))
    strategy.traverse()
    assert [trial.failure is None for trial in strategy.trials] == [False] + [True] * (SHORT - 1)


@pytest.mark.parametrize(
    "adaptor",
    [
        FakeAdaptor({DEFAULT: raising(OSError("no data"))}),
        FakeAdaptor({DEFAULT: lambda: None}),  # type: ignore[dict-item, return-value]
        FakeAdaptor(broken=frozenset([DEFAULT])),
    ],
    ids=["raises", "None", "broken"],
)
def test_a_first_evaluation_that_cannot_work_is_an_error(kind: Kind, adaptor: FakeAdaptor) -> None:
    strategy = make(kind, adaptor)
    with pytest.raises(FirstEvaluationError, match="first quantised model") as caught:
        strategy.traverse()
    assert caught.value.__cause__ is not None
    assert str(caught.value.__cause__) in str(caught.value)
    assert strategy.trials == ()
    assert strategy.baseline is not None  # is not measured again
    again = make(kind, FakeAdaptor(), conf(max_trials=1), plain(strategy.dicts))
    again.traverse()
    assert effects(again) == [DEFAULT]


def test_a_failed_trial_is_not_repeated(kind: Kind) -> None:
    fails = dict.fromkeys(EFFECTS - {UNQUANTISED, BEST}, lambda: math.nan)
    for options in (("tensor", "channel"), ("tensor", "channel", "fp32")):
        adaptor = FakeAdaptor(fails, options=options)
        strategy = make(kind, adaptor)
        result = strategy.traverse()
        assert len(adaptor.evaluated) == len(set(adaptor.evaluated))
        assert len(strategy.trials) == (8 if len(options) == 2 else 16)
        assert result is not None
        assert result.model.effect == BEST


def test_what_cannot_be_quantised_is_a_failed_trial(kind: Kind) -> None:
    adaptor = FakeAdaptor(broken=frozenset(EFFECTS - {DEFAULT}))
    strategy = make(kind, adaptor, conf(max_trials=3))
    strategy.traverse()
    failure = "RuntimeError: no kernel"
    assert [trial.failure for trial in strategy.trials] == [None, failure, failure]
    assert adaptor.evaluated == [UNQUANTISED, DEFAULT]


def test_an_evaluation_that_takes_too_long_is_a_failed_trial(
    kind: Kind, hang: Callable[[], float]
) -> None:
    adaptor = FakeAdaptor({DEFAULT: hang})
    strategy = make(kind, adaptor, conf(trial_timeout=0.5, max_trials=3))
    strategy.traverse()
    first, *others = strategy.trials
    assert first.failure == "TimeoutError: no result within 0.5 s"
    assert first.seconds >= 0.5
    assert len(others) == 2
    assert all(trial.measurement for trial in others)


@pytest.mark.parametrize(
    ("objective", "measure"), [("modelsize", "bytes_of"), ("performance", "seconds_of")]
)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_objective_that_is_not_finite_is_a_failed_trial(
    kind: Kind, objective: str, measure: str, value: float
) -> None:
    adaptor = FakeAdaptor(**{measure: lambda effect: value if effect == DEFAULT else 1.0})
    strategy = kind(
        "model",
        conf({"objective": objective}, max_trials=3),
        [(0, 0)],
        eval_func=adaptor.accuracy,
        adaptor=adaptor,
    )
    strategy.traverse()
    assert plain(strategy.dicts)
    assert [trial.measurement is None for trial in strategy.trials] == [True, False, False]
    assert objective in (strategy.trials[0].failure or "")


def test_a_measure_of_numpy_is_kept_as_plain_number(kind: Kind) -> None:
    adaptor = FakeAdaptor(bytes_of=lambda effect: np.int64(1000), seconds_of=lambda effect: 0.5)
    strategy = make(kind, adaptor, conf(max_trials=2), eval_func=lambda model: np.float32(0.5))
    strategy.traverse()
    assert plain(strategy.dicts)["trials"][1]["measurement"] == {
        "accuracy": 0.5,
        "values": {"modelsize": 1000.0},
        "std": {},
        "looked": None,
    }


def test_a_latency_of_numpy_is_kept_as_plain_number(kind: Kind) -> None:
    adaptor = FakeAdaptor(seconds_of=lambda effect: np.float32(0.5))
    configuration = conf({"objective": "performance"}, max_trials=2)
    strategy = kind("model", configuration, [(0, 0)], eval_func=adaptor.accuracy, adaptor=adaptor)
    strategy.traverse()
    assert plain(strategy.dicts)["baseline"]["values"] == {"performance": 0.5}


def test_without_a_success_there_is_no_result(kind: Kind) -> None:
    adaptor = FakeAdaptor(dict.fromkeys(EFFECTS - {UNQUANTISED}, lambda: math.nan))
    strategy = make(kind, adaptor)
    assert strategy.traverse() is None
    assert strategy.best_trial() is None
    assert len(strategy.trials) == len(EFFECTS) - 1
    resumed = make(kind, adaptor, dicts=plain(strategy.dicts))
    assert resumed.result() is None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (raising(RuntimeError("no data")), "RuntimeError: no data; check eval_func"),
        (lambda: math.nan, "the accuracy is nan"),
        (lambda: math.inf, "the accuracy is inf"),
        (lambda: None, "expected a number, the accuracy, from eval_func"),
    ],
)
def test_an_fp32_model_that_cannot_be_evaluated_ends_the_run_at_once(
    kind: Kind, fault: Callable[[], float], reason: str
) -> None:
    adaptor = FakeAdaptor({UNQUANTISED: fault})
    strategy = make(kind, adaptor)
    before = strategy.dicts
    with pytest.raises(FirstEvaluationError, match="the FP32 model") as caught:
        strategy.traverse()
    assert reason in str(caught.value)
    assert {**strategy.dicts, "seconds": 0, "seconds_by_part": {}} == {**before, "seconds": 0}
    assert adaptor.quantized == []
    with pytest.raises(StrategyError, match="not measured yet"):
        strategy.goal  # noqa: B018


class Alike(FakeAdaptor):
    """All numbers of samples calibrate to the same ranges."""

    def quantize(self, model: FakeModel, tune_cfg: TuneConfig, dataloader: Any) -> FakeModel:
        one = {**tune_cfg, "calib_sampling_size": SIZES[0]}
        return super().quantize(model, one, dataloader)


def test_configurations_that_make_the_same_model_are_measured_once() -> None:
    adaptor = Alike()
    strategy = make(ExhaustiveTuneStrategy, adaptor)
    strategy.traverse()
    models = {effect(strategy.tuning_space.tune_cfg(one.params))[:3] for one in strategy.trials}
    assert len(strategy.trials) == len(SIZES) * len(models)
    assert len(adaptor.evaluated) == 1 + len(models)  # and FP32
    for one, other in product(strategy.trials, repeat=2):
        if {**one.params, "calib_sampling_size": 0} == {**other.params, "calib_sampling_size": 0}:
            assert one.measurement == other.measurement


@pytest.mark.parametrize("n", [3, 4])
def test_what_was_measured_before_an_interruption_is_not_measured_again(n: int) -> None:
    first, second = Alike(), Alike()
    begun = make(ExhaustiveTuneStrategy, first, conf(max_trials=n))
    begun.traverse()
    whole = make(ExhaustiveTuneStrategy, second, dicts=plain(begun.dicts))
    whole.traverse()
    assert all(one.digest for one in whole.trials)
    assert not {*first.evaluated} & {*second.evaluated}
    models = {one.digest for one in whole.trials}
    assert len(first.evaluated) + len(second.evaluated) == len(models) + 1  # and FP32


def test_where_all_digests_are_the_same_every_model_is_measured() -> None:
    class Nameless(FakeAdaptor):
        """It tells no model from another."""

        def digest(self, model: FakeModel) -> str:
            return "a model"

    adaptor = Nameless()
    strategy = make(ExhaustiveTuneStrategy, adaptor)
    strategy.traverse()
    assert len(adaptor.evaluated) == len(strategy.trials) + 1
    assert {one.digest for one in strategy.trials} == {None}
