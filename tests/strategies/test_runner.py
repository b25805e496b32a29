"""What every strategy does in a run: which trials, when it ends, how it goes on."""

from __future__ import annotations

import builtins
import copy
import math
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from fakes import (
    BEST,
    CALIBRATION,
    DEFAULT,
    EFFECTS,
    SHORT,
    UNQUANTISED,
    Clock,
    Effect,
    FakeAdaptor,
    Kind,
    conf,
    effects,
    engine_of,
    keys,
    make,
    plain,
    raising,
    timeless,
)

from strategies import BayesianTuneStrategy, Conf, RandomTuneStrategy, Trial
from strategies.adaptors.base import Capability
from strategies.errors import StrategyError
from strategies.examples import digits
from strategies.objective import Measurement
from strategies.tuning_space import TuningSpace
from strategies.workspace import STRATEGIES

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
    assert timeless(resumed) == timeless(whole)
    done = set(effects(stopped)) | ({UNQUANTISED} if at else set())
    assert not done & set(second.evaluated)

    assert timeless(stopped) == timeless(resumed)[: len(stopped.trials)]
    stopped.traverse()  # the same object goes on too
    assert timeless(stopped) == timeless(whole)


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
        assert timeless(resumed) == timeless(whole)
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
    assert timeless(resumed) == timeless(whole)


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
    assert timeless(strategy) == timeless(whole)
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
        return timeless(strategy)

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
    assert timeless(by_function) == timeless(by_metric)

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
