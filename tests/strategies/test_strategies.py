"""What every strategy must do: one suite, and all of them pass it."""

from __future__ import annotations

import builtins
import copy
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from fakes import (
    BEST,
    CALIBRATION,
    DEFAULT,
    EFFECTS,
    OPTIONS,
    UNQUANTISED,
    Clock,
    Effect,
    FakeAdaptor,
    conf,
    effect,
    effects,
    keys,
    make,
)

import asktell as at
from strategies import BayesianTuneStrategy, Conf, RandomTuneStrategy, Trial, TuneStrategy
from strategies.adaptors.base import Capability
from strategies.errors import ArgumentError, FirstEvaluationError, ResumeError, StrategyError
from strategies.examples import digits
from strategies.history import SCHEMA
from strategies.objective import Measurement
from strategies.tuning_space import TuningSpace
from strategies.workspace import STRATEGIES

Kind = type[TuneStrategy]

SHORT = 7
"""Trials in which the model of the Bayesian strategy decides several times."""


@pytest.fixture(params=STRATEGIES.values(), ids=list(STRATEGIES))
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture
def hang() -> Iterator[Callable[[], float]]:
    """Yield an evaluation that does not return before the test is over."""
    over = Event()

    def wait() -> float:
        over.wait()
        return 0.9

    yield wait
    over.set()


def raising(error: BaseException) -> Callable[[], float]:
    def fault() -> float:
        raise error

    return fault


def outcomes(strategy: TuneStrategy) -> list[Trial]:
    """Return the trials without how long they took, which differs from run to run."""
    return [evolve(trial, seconds=0.0) for trial in strategy.trials]


def plain(dicts: dict[str, Any]) -> Any:
    return json.loads(json.dumps(dicts, allow_nan=False))


# ------------------------------------------------------------------------------- which trials


def test_the_default_configuration_is_tried_first(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor)
    first = next(iter(strategy.run()))
    assert effects(strategy)[0] == adaptor.quantized[0] == DEFAULT
    assert first.number == 0
    assert first.params == strategy.tuning_space.default()


def test_everything_is_evaluated_once_until_the_space_is_used_up(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor)
    strategy.traverse()
    assert Counter(adaptor.evaluated) == dict.fromkeys(EFFECTS, 1)
    assert adaptor.evaluated[0] == UNQUANTISED  # the FP32 model itself: no such trial follows
    assert adaptor.quantized == adaptor.evaluated[1:] == effects(strategy)
    assert [trial.number for trial in strategy.trials] == list(range(len(EFFECTS) - 1))
    assert list(strategy.run()) == []  # and stays so


def test_one_configuration_with_several_calibrations_is_evaluated_with_each(kind: Kind) -> None:
    adaptor = FakeAdaptor(options=("tensor", "fp32"), algorithms=("minmax", "entropy"))
    make(kind, adaptor).traverse()
    ways = 3 * len(["minmax", "entropy"]) * len([50, 100])
    assert len(adaptor.evaluated) == len(set(adaptor.evaluated)) == ways + 1


def test_a_space_of_one_configuration_is_tried(kind: Kind) -> None:
    adaptor = FakeAdaptor(options=("tensor",))
    strategy = make(kind, adaptor, conf(quantization={"calibration": {"sampling_size": 50}}))
    strategy.traverse()
    assert effects(strategy) == [DEFAULT]


def test_where_nothing_may_be_quantised_there_is_nothing_to_try(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = iter(range(20))  # a guard: without an end, it ends here
    default = TuningSpace.default
    monkeypatch.setattr(TuningSpace, "default", lambda self: (next(asked), default(self))[1])
    adaptor = FakeAdaptor(options=("fp32",))
    strategy = make(kind, adaptor)
    assert strategy.traverse() is None
    assert adaptor.evaluated == [UNQUANTISED]


def test_the_seed_is_that_of_the_configuration_and_decides(kind: Kind) -> None:
    def run(seed: int) -> list[Effect]:
        strategy = make(kind, FakeAdaptor(), conf({"random_seed": seed}, max_trials=SHORT))
        strategy.traverse()
        assert strategy.dicts["engine"]["seed"] == seed
        return effects(strategy)

    assert run(1) == run(1)
    if kind is RandomTuneStrategy:  # in a space this small the model alone decides
        assert run(1) != run(2)


def test_the_calibration_data_and_the_model_reach_the_adaptor(kind: Kind) -> None:
    adaptor, loader = FakeAdaptor(), [(1, 2)]
    strategy = kind(
        "model", conf(max_trials=2), loader, eval_func=adaptor.accuracy, adaptor=adaptor
    )
    strategy.traverse()
    assert adaptor.calibrated_with == [loader, loader]
    assert strategy.model.effect == UNQUANTISED  # what the adaptor loaded, not the string


def test_the_bayesian_strategy_finds_the_best_before_the_random_one_does() -> None:
    def trials_until_best(kind: Kind, seed: int) -> int:
        strategy = make(kind, FakeAdaptor(), conf({"random_seed": seed}))
        strategy.traverse()
        found = effects(strategy)
        return min(found.index(BEST), found.index((*BEST[:3], 100)))

    by_chance = [trials_until_best(RandomTuneStrategy, seed) for seed in range(8)]
    assert trials_until_best(BayesianTuneStrategy, 0) < sum(by_chance) / len(by_chance)


class Ranked(FakeAdaptor):
    """Knows that channels are more exact than tensors."""

    def capability(self, model: Any) -> Capability:
        known = super().capability(model)
        return evolve(known, operations=tuple(evolve(o, ranks=(2, 1, 0)) for o in known.operations))


def test_the_most_exact_configuration_goes_second_if_the_default_misses() -> None:
    second = ("channel", "channel", "minmax", 50)
    for kind in STRATEGIES.values():
        missed = make(kind, Ranked(), conf(max_trials=2))
        missed.traverse()
        assert (effects(missed)[1] == second) is kind.policy.by_exactness
    loose = conf({"accuracy_criterion": {"relative": 0.1}}, max_trials=4)
    met = make(BayesianTuneStrategy, Ranked(), loose)
    met.traverse()
    assert met.trials[0].meets
    assert effects(met)[1] != second


def test_a_size_that_is_known_is_not_measured_to_be_looked_at() -> None:
    sizes: list[Effect] = []

    def bytes_of(effect: Effect) -> float:
        sizes.append(effect)
        return 100.0 if effect == UNQUANTISED else 50.0

    adaptor = FakeAdaptor(bytes_of=bytes_of)
    make(BayesianTuneStrategy, adaptor, conf(max_trials=4)).traverse()
    assert len(adaptor.quantized) == 4
    assert len(set(sizes)) > 5


def test_the_result_has_the_front_of_several_objectives(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    objectives = {"objective": ["modelsize", "accuracy"], "weight": [1, 1]}
    document = keys()
    del document["tuning"]["objective"]
    document["tuning"]["multi_objectives"] = objectives
    strategy = make(kind, adaptor, Conf(document))
    result = strategy.traverse()
    assert result is not None
    values = {
        trial.number: (-trial.measurement.values["modelsize"], trial.measurement.accuracy or 0.0)
        for trial in strategy.trials
        if trial.measurement and trial.meets
    }
    expected = {
        number
        for number, (size, accuracy) in values.items()
        if not any(
            (size, accuracy) != other and size <= other[0] and accuracy <= other[1]
            for other in [*values.values(), (-200.0, 0.9)]  # the FP32 model is one, too
        )
    }
    assert {trial.number for trial in result.front} == expected
    assert result.trial in result.front


# ------------------------------------------------------------------------------- failed trials


def engine_of(strategy: TuneStrategy) -> at.State:
    """Return what the strategy's ``dicts`` say of the engine."""
    return at.State.from_dict(strategy.dicts["engine"])


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


# --------------------------------------------------------------------------- stopping, resuming


@pytest.mark.parametrize("trial_timeout", [0, 1000])
@pytest.mark.parametrize("at", [0, 1, 2, SHORT - 1], ids="evaluation {}".format)
def test_a_keyboard_interrupt_passes_through_and_nothing_is_lost(
    kind: Kind, at: int, trial_timeout: float
) -> None:
    configuration = conf(max_trials=SHORT, trial_timeout=trial_timeout)
    whole = make(kind, FakeAdaptor(), configuration)
    whole.traverse()

    adaptor = FakeAdaptor()
    stopped = make(kind, adaptor, configuration, eval_func=interrupted(adaptor, at))
    with pytest.raises(KeyboardInterrupt):
        stopped.traverse()
    assert len(stopped.trials) == max(0, at - 1)

    second = FakeAdaptor()
    resumed = make(kind, second, configuration, plain(stopped.dicts))
    resumed.traverse()
    assert outcomes(resumed) == outcomes(whole)
    done = set(effects(stopped)) | ({UNQUANTISED} if at else set())
    assert not done & set(second.evaluated)

    assert outcomes(stopped) == outcomes(resumed)[: len(stopped.trials)]
    stopped.traverse()  # the same object goes on too
    assert outcomes(stopped) == outcomes(whole)


def interrupted(adaptor: FakeAdaptor, at: int) -> Callable[[Any], float]:
    """Return an ``eval_func`` that is interrupted once, in evaluation number ``at``."""
    count = iter(range(10**6))

    def eval_func(model: Any) -> float:
        if next(count) == at:
            raise KeyboardInterrupt
        return adaptor.accuracy(model)

    return eval_func


@pytest.mark.parametrize("faults", [{}, {DEFAULT: lambda: math.nan, BEST: raising(OSError())}])
def test_a_run_goes_on_exactly_from_every_moment(
    kind: Kind, faults: dict[Effect, Callable[[], float]]
) -> None:
    configuration = conf(max_trials=SHORT)
    adaptor = FakeAdaptor(faults)
    moments: list[tuple[Any, list[Effect]]] = []

    def remember() -> None:
        moments.append((plain(whole.dicts), effects(whole)))

    def eval_func(model: Any) -> float:
        remember()
        try:
            return adaptor.accuracy(model)
        finally:
            remember()

    whole = make(kind, adaptor, configuration, eval_func=eval_func)
    remember()
    for _ in whole.run():
        remember()
    remember()
    assert len(moments) == 3 * SHORT + 4  # the FP32 model is evaluated too

    for dicts, done in moments:
        fresh = FakeAdaptor(faults)
        before = copy.deepcopy(dicts)
        resumed = make(kind, fresh, configuration, dicts)
        resumed.traverse()
        assert outcomes(resumed) == outcomes(whole)
        assert not set(done) & set(fresh.evaluated)
        assert len(set(fresh.evaluated)) == len(fresh.evaluated)
        assert (UNQUANTISED in fresh.evaluated) is (dicts["baseline"] is None)
        assert dicts == before  # what was given is left as it was


def test_the_unquantised_configuration_is_not_evaluated_after_a_resume(kind: Kind) -> None:
    whole = make(kind, FakeAdaptor())
    whole.traverse()
    stopped = make(kind, FakeAdaptor(), conf(max_trials=1))
    stopped.traverse()
    second = FakeAdaptor()
    resumed = make(kind, second, conf(), plain(stopped.dicts))
    resumed.traverse()
    assert UNQUANTISED not in second.evaluated
    assert outcomes(resumed) == outcomes(whole)


def test_a_run_can_be_left_and_entered_again(kind: Kind) -> None:
    whole = make(kind, FakeAdaptor(), conf(max_trials=SHORT))
    whole.traverse()
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor, conf(max_trials=SHORT))
    seen = []
    for size in (1, 2, 1, SHORT):
        for _, trial in zip(range(size), strategy.run(), strict=False):
            seen.append(trial)
    assert seen == list(strategy.trials)
    assert outcomes(strategy) == outcomes(whole)
    assert len(adaptor.evaluated) == len(set(adaptor.evaluated)) == SHORT + 1


def test_two_runs_at_once_evaluate_nothing_twice(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor)
    first = strategy.run()
    next(first)
    with suppress(StrategyError):  # it may as well be refused
        next(strategy.run())
        next(first)
    assert len(adaptor.evaluated) == len(set(adaptor.evaluated))


def test_a_resumed_run_counts_all_trials(kind: Kind) -> None:
    strategy = make(kind, FakeAdaptor(), conf(max_trials=3))
    strategy.traverse()
    adaptor = FakeAdaptor()
    resumed = make(kind, adaptor, conf(max_trials=3), plain(strategy.dicts))
    assert resumed.finished
    resumed.traverse()
    assert resumed.trials == strategy.trials
    assert adaptor.evaluated == []


def test_dicts_hold_no_reference_to_the_strategy(kind: Kind) -> None:
    strategy = make(kind, FakeAdaptor(), conf(max_trials=2))
    strategy.traverse()
    before = plain(strategy.dicts)
    dicts = strategy.dicts
    dicts["baseline"]["values"]["modelsize"] = -1
    dicts["trials"][0]["measurement"]["values"].clear()
    dicts["trials"][0]["params"].clear()
    dicts["trials"].clear()
    dicts["engine"]["events"].clear()
    assert plain(strategy.dicts) == before


# ------------------------------------------------------------------------------------ the result


def test_the_best_model_is_the_one_that_was_measured(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    models: dict[int, Any] = {}

    def eval_func(model: Any) -> float:
        models[id(model)] = model
        return adaptor.accuracy(model)

    strategy = make(kind, adaptor, eval_func=eval_func)
    result = strategy.traverse()
    assert result is not None
    assert result.meets
    assert result.trial.meets
    assert result.trial == strategy.best_trial()
    assert result.model.effect == effects(strategy)[result.trial.number]
    assert result.model.effect in (BEST, (*BEST[:3], 100))
    assert id(result.model) in models  # the very model that was evaluated
    assert len(adaptor.quantized) == len(strategy.trials)
    assert "model=" not in repr(result)  # a model may be 2 GB


def test_the_first_of_equals_is_the_best(kind: Kind) -> None:
    adaptor = FakeAdaptor(bytes_of=lambda effect: 1.0)
    strategy = make(kind, adaptor, conf({"accuracy_criterion": {"absolute": 1}}, max_trials=4))
    result = strategy.traverse()
    assert result is not None
    assert result.trial.number == 0
    resumed = make(kind, adaptor, strategy.conf, plain(strategy.dicts)).result()
    assert resumed is not None
    assert resumed.trial.number == 0


def test_the_nearest_model_is_kept_where_all_miss_the_criterion(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor, conf({"accuracy_criterion": {"relative": -0.05}}))
    result = strategy.traverse()
    assert result is not None
    assert not result.meets
    assert not any(trial.meets for trial in strategy.trials)
    accuracies = [trial.measurement.accuracy for trial in strategy.trials if trial.measurement]
    assert result.trial.measurement is not None
    assert result.trial.measurement.accuracy == max(filter(None, accuracies))


@pytest.mark.parametrize("loss", [0.01, -0.05], ids=["met", "missed"])
def test_after_a_resume_the_result_is_the_same_and_nothing_is_evaluated(
    kind: Kind, loss: float
) -> None:
    configuration = conf({"accuracy_criterion": {"relative": loss}})
    strategy = make(kind, FakeAdaptor(), configuration)
    result = strategy.traverse()
    second = FakeAdaptor()
    again = make(kind, second, configuration, plain(strategy.dicts)).result()
    assert result is not None
    assert again is not None
    assert (again.trial, again.meets) == (result.trial, result.meets)
    assert again.model.effect == result.model.effect
    assert second.evaluated == []
    assert second.quantized == [again.model.effect]


def test_the_result_is_quantised_only_once_after_a_resume(kind: Kind) -> None:
    strategy = make(kind, FakeAdaptor(), conf(max_trials=2))
    strategy.traverse()
    adaptor = FakeAdaptor()
    resumed = make(kind, adaptor, conf(max_trials=2), plain(strategy.dicts))
    first, second = resumed.result(), resumed.traverse()
    assert first is not None
    assert second is not None
    assert first.model is second.model
    assert len(adaptor.quantized) == 1


def test_the_best_before_a_resume_stays_the_best(kind: Kind) -> None:
    better = FakeAdaptor(bytes_of=lambda effect: 1.0 if effect == DEFAULT else 9.0)
    loose = {"accuracy_criterion": {"absolute": 1}}
    strategy = make(kind, better, conf(loose, max_trials=1))
    strategy.traverse()
    resumed = make(kind, better, conf(loose, max_trials=4), plain(strategy.dicts))
    result = resumed.traverse()
    assert result is not None
    assert result.trial.number == 0


# ---------------------------------------------------------------------------------- exit policy


def test_max_trials_ends_a_run(kind: Kind) -> None:
    adaptor = FakeAdaptor({DEFAULT: lambda: math.nan})  # failed trials count
    strategy = make(kind, adaptor, conf(max_trials=4))
    strategy.traverse()
    assert len(strategy.trials) == 4
    assert strategy.finished
    assert len(adaptor.evaluated) == 5
    assert engine_of(strategy).pending == []


def test_the_timeout_ends_a_run(kind: Kind) -> None:
    adaptor, clock = FakeAdaptor(), Clock()

    def eval_func(model: Any) -> float:
        clock.now += 10
        return adaptor.accuracy(model)

    strategy = make(kind, adaptor, conf(timeout=45), None, eval_func, clock)
    assert next(iter(strategy.run())).seconds == 10
    assert strategy.dicts["seconds"] == 20  # the FP32 model takes time too
    clock.now += 1000  # between runs no time goes by
    resumed = make(kind, adaptor, conf(timeout=45), plain(strategy.dicts), eval_func, clock)
    assert not resumed.finished
    resumed.traverse()
    assert len(resumed.trials) == 4
    assert resumed.dicts["seconds"] == 50
    assert resumed.finished
    assert len(adaptor.evaluated) == 5
    later = make(kind, adaptor, conf(timeout=55), plain(resumed.dicts), eval_func, clock)
    later.traverse()
    assert len(later.trials) == 5


def test_time_runs_in_dicts_while_a_trial_does(kind: Kind) -> None:
    adaptor, clock = FakeAdaptor(), Clock()
    seconds = []

    def eval_func(model: Any) -> float:
        clock.now += 10
        seconds.append(strategy.dicts["seconds"])
        return adaptor.accuracy(model)

    strategy = make(kind, adaptor, conf(max_trials=2), None, eval_func, clock)
    strategy.traverse()
    assert seconds == [10, 20, 30]


def test_the_fp32_model_measured_ahead_of_a_run_counts(kind: Kind) -> None:
    adaptor, clock = FakeAdaptor(), Clock()

    def eval_func(model: Any) -> float:
        clock.now += 10
        return adaptor.accuracy(model)

    strategy = make(kind, adaptor, conf(timeout=25), None, eval_func, clock)
    strategy.measure_baseline()
    clock.now += 1000
    strategy.measure_baseline()  # once is enough
    assert strategy.dicts["seconds"] == 10
    strategy.traverse()
    assert [trial.seconds for trial in strategy.trials] == [10, 10]
    assert strategy.dicts["seconds"] == 30


def test_timeout_0_stops_at_the_first_trial_that_meets_the_criterion(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor, conf(timeout=0))
    result = strategy.traverse()
    assert result is not None
    assert result.meets
    assert [trial.meets for trial in strategy.trials] == [
        *[False] * (len(strategy.trials) - 1),
        True,
    ]
    assert len(strategy.trials) > 1
    count = len(adaptor.evaluated)
    assert list(strategy.run()) == []
    resumed = make(kind, adaptor, conf(timeout=0), plain(strategy.dicts))
    assert list(resumed.run()) == []
    assert len(adaptor.evaluated) == count


def test_performance_only_evaluates_no_accuracy(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor, conf(performance_only=True))
    result = strategy.traverse()
    assert adaptor.evaluated == []
    assert strategy.baseline == Measurement(None, {"modelsize": 200.0})
    assert len(strategy.trials) == len(EFFECTS) - 1
    assert all(trial.meets for trial in strategy.trials)
    assert result is not None
    assert result.model.effect[:2] == ("tensor", "tensor")  # the smallest
    assert plain(strategy.dicts)["baseline"]["accuracy"] is None


def test_performance_only_needs_no_evaluation(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = kind("model", conf(performance_only=True, timeout=0), CALIBRATION, adaptor=adaptor)
    assert strategy.traverse() is not None
    assert len(strategy.trials) == 1


# ----------------------------------------------------------------------------------- objectives


def test_performance_is_the_latency_with_the_evaluation_data(kind: Kind) -> None:
    loaders: list[Any] = []

    class Recording(FakeAdaptor):
        def timer(self, model: Any, dataloader: Any) -> Callable[[], float]:
            loaders.append(dataloader)
            return super().timer(model, dataloader)

    for loader, calibration in (([1], [2]), (None, [2])):
        adaptor = Recording()
        strategy = kind(
            "model",
            conf({"objective": "performance"}, performance_only=True),
            calibration,
            eval_dataloader=loader,
            adaptor=adaptor,
        )
        result = strategy.traverse()
        assert result is not None
        assert result.model.effect[0] == "tensor"  # the fastest
        assert strategy.baseline == Measurement(None, {"performance": 0.1})
    assert [1] in loaders
    assert [2] in loaders
    assert loaders == sorted(loaders)


def test_performance_without_data_is_refused(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    configuration = conf({"objective": "performance"})
    with pytest.raises(ArgumentError, match=r"\$\.eval_dataloader"):
        kind("model", configuration, None, eval_func=adaptor.accuracy, adaptor=adaptor)


def test_data_that_do_not_know_their_length_are_data(kind: Kind) -> None:
    class Stream:
        def __len__(self) -> int:
            return 0

        def __iter__(self) -> Iterator[Any]:
            return iter([(0, 0)])

    loaders: list[Any] = []

    class Recording(FakeAdaptor):
        def timer(self, model: Any, dataloader: Any) -> Callable[[], float]:
            loaders.append(dataloader)
            return lambda: 1.0

    stream, adaptor = Stream(), Recording()
    configuration = conf({"objective": "performance"}, max_trials=1)
    make_with = {"eval_dataloader": stream, "eval_func": adaptor.accuracy, "adaptor": adaptor}
    kind("model", configuration, [(0, 0)], **make_with).traverse()
    assert len(loaders) >= 2
    assert all(loader is stream for loader in loaders)


def test_accuracy_can_be_an_objective(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor, conf({"objective": "accuracy"}))
    result = strategy.traverse()
    assert result is not None
    accuracies = [t.measurement.values["accuracy"] for t in strategy.trials if t.measurement]
    assert result.trial.measurement == Measurement(max(accuracies), {"accuracy": max(accuracies)})


def test_lower_is_better_where_the_criterion_says_so(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    criterion = {"accuracy_criterion": {"relative": 0.01, "higher_is_better": False}}
    strategy = make(
        kind, adaptor, conf(criterion), eval_func=lambda model: 1 - adaptor.accuracy(model)
    )
    result = strategy.traverse()
    assert result is not None
    assert strategy.goal.threshold == pytest.approx(0.101)
    assert not result.meets  # the nearest is 0.102
    assert result.trial.measurement is not None
    assert result.trial.measurement.accuracy == pytest.approx(0.102)


# ------------------------------------------------------------------------------------ by hand


def test_tune_configurations_have_the_form_of_the_reference(kind: Kind) -> None:
    strategy = make(kind, FakeAdaptor())
    tune_cfg = next(strategy.next_tune_cfg())
    assert tune_cfg == {
        ("block", "Conv"): OPTIONS["tensor"],
        ("block", "MatMul"): OPTIONS["tensor"],
        "calib_algorithm": "minmax",
        "calib_sampling_size": 50,
    }


def test_a_generator_sent_trials_by_hand_does_what_a_run_does(kind: Kind) -> None:
    whole = make(kind, FakeAdaptor(), conf(max_trials=SHORT))
    whole.traverse()
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor, conf(max_trials=SHORT))
    configs = strategy.next_tune_cfg()
    tune_cfg = next(configs)
    while tune_cfg is not None:
        trial = by_hand(strategy, adaptor, tune_cfg)
        try:
            tune_cfg = configs.send(trial)
        except StopIteration:
            break
    assert outcomes(strategy) == outcomes(whole)
    assert strategy.best_trial() == outcomes(whole)[whole.best_trial().number]  # type: ignore[union-attr]


def by_hand(strategy: TuneStrategy, adaptor: FakeAdaptor, tune_cfg: dict[Any, Any]) -> Trial:
    model = adaptor.quantize(strategy.model, tune_cfg, None)
    measurement = Measurement(adaptor.accuracy(model), {"modelsize": float(adaptor.size(model))})
    return Trial(
        number=len(strategy.trials),
        params=strategy.tuning_space.params(tune_cfg),
        measurement=measurement,
        failure=None,
        meets=strategy.goal.meets(measurement),
        seconds=0.0,
    )


def test_the_result_follows_what_is_sent_by_hand(kind: Kind) -> None:
    adaptor = FakeAdaptor(bytes_of=lambda effect: 1.0 / len(adaptor.evaluated))  # ever better
    strategy = make(kind, adaptor, conf({"accuracy_criterion": {"absolute": 1}}))
    configs = strategy.next_tune_cfg()
    tune_cfg = next(configs)
    for number in range(3):
        done = effect(tune_cfg)
        tune_cfg = configs.send(by_hand(strategy, adaptor, tune_cfg))
        result = strategy.result()
        assert result is not None
        assert result.trial.number == number
        assert result.model.effect == done


def test_a_failure_can_be_sent_by_hand(kind: Kind) -> None:
    strategy = make(kind, FakeAdaptor(), conf(max_trials=2))
    configs = strategy.next_tune_cfg()
    params = strategy.tuning_space.params(next(configs))
    second = configs.send(Trial(0, params, None, "the board melted", False, 0.0))
    assert effect(second) != DEFAULT
    assert strategy.best_trial() is None
    assert engine_of(strategy).failures[0].reason == "the board melted"
    with pytest.raises(StopIteration):
        configs.send(Trial(1, strategy.tuning_space.params(second), None, "again", False, 0.0))


@pytest.mark.parametrize("done", [0, 2])
def test_a_configuration_without_an_answer_comes_first_after_a_resume(
    kind: Kind, done: int
) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor)
    configs = strategy.next_tune_cfg()
    tune_cfg = next(configs)
    for _ in range(done):
        tune_cfg = configs.send(by_hand(strategy, adaptor, tune_cfg))
    with suppress(StopIteration):  # of an order that is fixed, nothing else can come before it
        assert configs.send(None) != tune_cfg
    resumed = make(kind, adaptor, dicts=plain(strategy.dicts))
    assert next(resumed.next_tune_cfg()) == tune_cfg
    assert UNQUANTISED in adaptor.evaluated
    assert adaptor.evaluated.count(UNQUANTISED) == 1


# --------------------------------------------------------------------------- evaluation, arguments


@pytest.mark.parametrize("name", ["q_dataloader", "eval_dataloader"])
def test_data_of_no_batch_are_an_error_at_once(kind: Kind, name: str) -> None:
    adaptor = FakeAdaptor()
    loaders: dict[str, Any] = {"q_dataloader": [(0, 0)], "eval_dataloader": [(0, 0)], name: []}
    strategy = kind("model", conf(metric={"topk": 1}), adaptor=adaptor, **loaders)
    with pytest.raises(FirstEvaluationError, match=f"{name} yields nothing: give at least one"):
        strategy.traverse()
    assert adaptor.evaluated == []


def test_static_quantisation_takes_calibration_data(kind: Kind) -> None:
    with pytest.raises(ArgumentError, match="data to calibrate with") as caught:
        kind("model", conf(), None, eval_func=abs, adaptor=FakeAdaptor())
    assert caught.value.place == "$.q_dataloader"
    dynamic = Conf({"model": {"framework": "onnxrt_integerops"}})
    kind("model", dynamic, [(0, 0)], eval_func=abs, adaptor=FakeAdaptor())


def test_the_metric_is_used_with_the_evaluation_data(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    loader = [(None, np.zeros(3, dtype=int)), (None, np.zeros(2, dtype=int))]
    configuration = conf(metric={"topk": 1}, max_trials=2)
    strategy = kind("model", configuration, CALIBRATION, eval_dataloader=loader, adaptor=adaptor)
    strategy.traverse()
    assert strategy.baseline is not None
    assert strategy.baseline.accuracy == 0.9
    assert adaptor.evaluated[:2] == [UNQUANTISED, DEFAULT]
    assert strategy.trials[0].measurement is not None
    assert strategy.trials[0].measurement.accuracy == 0.871


@pytest.mark.parametrize(
    ("configuration", "arguments", "place"),
    [
        (keys(), {"eval_func": abs}, "$.conf"),
        (None, {"eval_func": abs}, "$.conf"),
        (conf(), {"eval_func": abs, "q_func": 3}, "$.q_func"),
        (conf(), {"eval_func": abs, "q_hooks": [abs]}, "$.q_hooks"),
        (conf(), {}, "$.eval_func"),
        (conf(metric={"topk": 1}), {}, "$.eval_func"),
        (conf(), {"eval_dataloader": []}, "$.conf.evaluation.accuracy.metric"),
        (
            conf(metric={"topk": 1}),
            {"eval_dataloader": [], "eval_func": abs},
            "$.eval_func",
        ),
    ],
    ids=["keys", "None", "q_func", "q_hooks", "no eval", "metric alone", "no metric", "both"],
)
def test_wrong_arguments_are_refused(
    kind: Kind, configuration: Any, arguments: dict[str, Any], place: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        kind("model", configuration, CALIBRATION, adaptor=FakeAdaptor(), **arguments)
    assert caught.value.place == place
    assert isinstance(caught.value, ValueError)


def test_an_evaluation_that_is_no_function_is_refused(kind: Kind) -> None:
    with pytest.raises(ArgumentError) as caught:
        kind("model", conf(), CALIBRATION, eval_func=0.9, adaptor=FakeAdaptor())
    assert caught.value.place == "$.eval_func"


def test_performance_without_data_is_refused_before_anything_is_evaluated(kind: Kind) -> None:
    with pytest.raises(ArgumentError):
        kind(
            "model", conf({"objective": "performance"}), None, eval_func=abs, adaptor=FakeAdaptor()
        )


@pytest.mark.parametrize("name", ["q_dataloader", "eval_dataloader"])
def test_data_that_can_be_read_only_once_are_refused(kind: Kind, name: str) -> None:
    loaders: dict[str, Any] = {"q_dataloader": [(0, 0)], "eval_dataloader": [(0, 0)]}
    loaders[name] = iter(loaders[name])
    with pytest.raises(ArgumentError) as caught:
        kind("model", conf(metric={"topk": 1}), adaptor=FakeAdaptor(), **loaders)
    assert caught.value.place == f"$.{name}"


def test_an_evaluation_function_may_have_data_for_the_latency_beside_it(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    configuration = conf({"objective": "performance"}, max_trials=1)
    strategy = kind(
        "model", configuration, CALIBRATION, None, [(0, 0)], adaptor.accuracy, adaptor=adaptor
    )
    assert strategy.traverse() is not None


def test_the_base_alone_is_no_strategy() -> None:
    with pytest.raises(TypeError, match="abstract"):
        TuneStrategy("model", conf(), None, eval_func=abs)  # type: ignore[abstract]


# ------------------------------------------------------------------------------- wrong dicts


@pytest.fixture(scope="module")
def history() -> dict[str, Any]:
    """Return the dicts of a Bayesian run: one failed trial, and two others."""
    adaptor = FakeAdaptor({DEFAULT: lambda: math.nan})
    strategy = make(BayesianTuneStrategy, adaptor)
    for _, _trial in zip(range(3), strategy.run(), strict=False):
        pass
    return plain(strategy.dicts)


class Deleted:
    def __repr__(self) -> str:
        return "deleted"


DELETED = Deleted()


def refused(dicts: Any, configuration: Conf | None = None, **options: Any) -> ResumeError:
    adaptor = FakeAdaptor(**options)
    with pytest.raises(ResumeError) as caught:
        make(BayesianTuneStrategy, adaptor, configuration, dicts)
    assert isinstance(caught.value, ValueError)
    assert adaptor.evaluated == []
    return caught.value


def changed(history: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    dicts = copy.deepcopy(history)
    inner: Any = dicts
    for step in path[:-1]:
        inner = inner[step]
    if value is DELETED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return dicts


def test_the_history_that_is_corrupted_below_is_sound(history: dict[str, Any]) -> None:
    strategy = make(BayesianTuneStrategy, FakeAdaptor(), dicts=history)
    assert [trial.failure is None for trial in strategy.trials] == [False, True, True]


@pytest.mark.parametrize("dicts", [[], "dicts", 1], ids=repr)
def test_what_are_no_dicts_are_refused(dicts: Any) -> None:
    assert refused(dicts).place == "$.dicts"


@pytest.mark.parametrize(
    ("dicts", "place"),
    [
        ({}, "$.dicts.schema"),
        ({"schema": 1}, "$.dicts.strategy"),
        ({"schema": 2}, "$.dicts.strategy"),
        ({"schema": 3}, "$.dicts.strategy"),
    ],
)
def test_the_first_missing_key_is_named(dicts: Any, place: str) -> None:
    assert refused(dicts).place == place


@pytest.mark.parametrize(
    "key", ["schema", "strategy", "engine", "baseline", "trials", "seconds", "knowledge"]
)
def test_a_missing_key_is_refused(history: dict[str, Any], key: str) -> None:
    assert key in str(refused(changed(history, (key,), DELETED)))


def test_an_unknown_key_is_refused(history: dict[str, Any]) -> None:
    assert refused({**history, "extra": 1}).place.startswith("$.dicts")


@pytest.mark.parametrize("schema", [0, SCHEMA + 1, "1", True, None])
def test_another_schema_is_refused(history: dict[str, Any], schema: Any) -> None:
    assert refused({**history, "schema": schema}).place == "$.dicts.schema"


def test_dicts_of_another_strategy_are_refused(kind: Kind) -> None:
    dicts = make(kind, FakeAdaptor()).dicts
    for other in STRATEGIES.values():
        if other is not kind:
            with pytest.raises(ResumeError) as caught:
                make(other, FakeAdaptor(), dicts=dicts)
            assert caught.value.place == "$.dicts.strategy"
            assert repr(other.policy.name) in str(caught.value)


def test_dicts_of_another_model_or_space_are_refused(history: dict[str, Any]) -> None:
    place = "$.dicts.engine.space"
    assert refused(history, options=("tensor", "fp32")).place == place
    assert refused(history, algorithms=("minmax", "entropy")).place == place
    fewer = conf(quantization={"calibration": {"sampling_size": [50, 101]}})
    assert refused(history, fewer).place == place
    limited = conf(quantization={"model_wise": {"weight": {"granularity": "per_tensor"}}})
    assert refused(history, limited).place == place


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("engine", "seed"), -1, "$.dicts.engine.seed"),
        (
            ("engine", "events", 0, "outcomes", "target"),
            "high",
            "$.dicts.engine.events[0].outcomes.target",
        ),
        (("engine", "schema"), 99, "$.dicts.engine.schema"),
        (("engine", "outcomes", 0, "role"), "win", "$.dicts.engine.outcomes[0].role"),
        (("engine",), None, "$.dicts.engine"),
        (("engine", "extra"), 1, "$.dicts.engine.extra"),
    ],
)
def test_a_corrupt_engine_is_refused_with_its_place(
    history: dict[str, Any], path: tuple[str | int, ...], value: Any, place: str
) -> None:
    assert refused(changed(history, path, value)).place == place


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("baseline", "accuracy"), DELETED),
        (("baseline", "extra"), 1),
        (("baseline",), 5),
        (("baseline",), "x"),
        (("trials",), None),
        (("trials", 0), None),
        (("trials", 0, "number"), DELETED),
        (("trials", 1, "measurement", "values"), DELETED),
        (("trials", 1, "measurement"), 0.9),
        (("trials", 0, "extra"), 1),
        (("seconds",), None),
        (("seconds",), "soon"),
    ],
    ids=str,
)
def test_a_corrupt_history_is_refused(
    history: dict[str, Any], path: tuple[str | int, ...], value: Any
) -> None:
    assert refused(changed(history, path, value)).place.startswith("$.dicts")


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("baseline",), 0, "$.dicts.baseline"),
        (("baseline",), None, "$.dicts.baseline"),  # there are trials
        (("baseline", "accuracy"), "high", "$.dicts.baseline.accuracy"),
        (("baseline", "accuracy"), math.nan, "$.dicts.baseline.accuracy"),
        (("baseline", "accuracy"), None, "$.dicts.baseline.accuracy"),
        (("baseline", "values"), None, "$.dicts.baseline.values"),
        (("baseline", "values"), {}, "$.dicts.baseline.values"),
        (("baseline", "values", "modelsize"), "big", "$.dicts.baseline.values.modelsize"),
        (("trials",), {}, "$.dicts.trials"),
        (("trials", 1, "number"), 7, "$.dicts.trials[1].number"),
        (("trials", 1, "params"), {}, "$.dicts.trials[1].params.block (Conv)"),
        (("trials", 1, "params", "block (Conv)"), "int3", "$.dicts.trials[1].params.block (Conv)"),
        (("trials", 1, "measurement"), None, "$.dicts.trials[1]"),  # and no failure
        (("trials", 1, "measurement", "accuracy"), "x", "$.dicts.trials[1].measurement.accuracy"),
        (("trials", 1, "measurement", "values"), {}, "$.dicts.trials[1].measurement.values"),
        (("trials", 1, "failure"), "both", "$.dicts.trials[1]"),
        (("trials", 0, "failure"), 5, "$.dicts.trials[0].failure"),
        (("trials", 1, "meets"), "yes", "$.dicts.trials[1].meets"),
        (("trials", 1, "seconds"), None, "$.dicts.trials[1].seconds"),
        (("seconds",), math.nan, "$.dicts.seconds"),
        (("seconds",), "1", "$.dicts.seconds"),
        (("seconds",), -1, "$.dicts.seconds"),
        (("schema",), True, "$.dicts.schema"),
        (("engine", "goal"), "minimize", "$.dicts.engine.goal"),
        (("seconds",), DELETED, "$.dicts.seconds"),
    ],
    ids=str,
)
def test_a_corrupt_field_is_refused_with_its_place(
    history: dict[str, Any], path: tuple[str | int, ...], value: Any, place: str
) -> None:
    assert refused(changed(history, path, value)).place == place


@pytest.mark.parametrize(
    "tuning",
    [
        {"objective": "accuracy"},
        {"accuracy_criterion": {"relative": 0.5}},
        {"accuracy_criterion": {"higher_is_better": False}},
    ],
    ids=str,
)
def test_dicts_of_another_goal_are_refused(history: dict[str, Any], tuning: dict[str, Any]) -> None:
    refused(history, conf(tuning))


def test_dicts_without_accuracies_are_refused_where_accuracy_counts(kind: Kind) -> None:
    for saved, wanted in ((True, False), (False, True)):
        strategy = make(kind, FakeAdaptor(), conf(performance_only=saved, max_trials=2))
        strategy.traverse()
        with pytest.raises(ResumeError) as caught:
            make(kind, FakeAdaptor(), conf(performance_only=wanted), plain(strategy.dicts))
        assert caught.value.place == "$.dicts.baseline.accuracy"


# -------------------------------------------------------------------------------- side effects


def test_a_strategy_touches_no_files(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configuration = conf({"workspace": {"path": "here", "resume": "nowhere"}}, max_trials=SHORT)
    strategy = make(kind, FakeAdaptor(), configuration)

    def opened(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"opened {args}")

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", opened)
        patch.setattr(Path, "open", opened)
        strategy.traverse()
        make(kind, FakeAdaptor(), configuration, plain(strategy.dicts)).traverse()
    assert list(tmp_path.iterdir()) == []
    assert len(strategy.trials) == SHORT
    assert not any(trial.failure for trial in strategy.trials)


def test_a_strategy_neither_reads_nor_disturbs_global_random_state(kind: Kind) -> None:
    def run() -> list[Trial]:
        strategy = make(kind, FakeAdaptor(), conf(max_trials=SHORT))
        strategy.traverse()
        return outcomes(strategy)

    random.seed(1)
    np.random.seed(1)
    first = run()
    drawn = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    assert drawn == (random.random(), np.random.random())
    assert run() == first


# ---------------------------------------------------------------------------- a real framework


def test_a_real_model_is_tuned_through_data_and_metric_and_through_a_function() -> None:
    document = {
        "model": {"framework": "onnxrt_qlinearops"},
        "quantization": {"calibration": {"sampling_size": [10, 20]}},
        "tuning": {
            "objective": "modelsize",
            "exit_policy": {"timeout": 3600, "max_trials": 3},
        },
    }
    metric = {"evaluation": {"accuracy": {"metric": {"topk": 1}}}}
    calibration, validation = digits.calibration(20), digits.validation()[:2]
    by_metric = BayesianTuneStrategy(
        str(digits.MODEL), Conf({**document, **metric}), calibration, eval_dataloader=validation
    )
    result = by_metric.traverse()
    assert result is not None
    assert by_metric.baseline is not None
    assert result.trial.measurement is not None
    assert by_metric.baseline.accuracy is not None
    assert by_metric.baseline.accuracy > 0.9
    sizes = result.trial.measurement.values["modelsize"], by_metric.baseline.values["modelsize"]
    assert sizes[0] < sizes[1] == digits.MODEL.stat().st_size
    assert [trial.failure for trial in by_metric.trials] == [None] * 3

    adaptor = by_metric.adaptor

    def eval_func(model: Any) -> float:
        return adaptor.evaluate(
            model, validation, lambda outputs, labels: float((outputs.argmax(1) == labels).mean())
        )

    by_function = BayesianTuneStrategy(
        str(digits.MODEL), Conf(document), calibration, eval_func=eval_func, adaptor=adaptor
    )
    by_function.traverse()
    assert outcomes(by_function) == outcomes(by_metric)

    resumed = BayesianTuneStrategy(
        str(digits.MODEL),
        Conf(document),
        calibration,
        eval_func=raising(AssertionError("evaluated again")),
        dicts=plain(by_function.dicts),
    )
    again = resumed.traverse()
    assert again is not None
    assert again.model.SerializeToString() == result.model.SerializeToString()
    config = resumed.tuning_space.tune_cfg(again.trial.params)
    assert {key for key in config if isinstance(key, tuple)} == {
        operation.key for operation in adaptor.capability(resumed.model).operations
    }
