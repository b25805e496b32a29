"""What is known before the first trial, and that a run keeps it."""

from __future__ import annotations

import json
import logging
import math
from typing import Any

import pytest
from fakes import KEYS, Clock, FakeAdaptor, conf, effects, make

import asktell as at
from strategies import AutoTuneStrategy, BayesianTuneStrategy, RandomTuneStrategy
from strategies.adaptors.base import FP32, Capability, Operation, Sensitivity
from strategies.conf import Objective
from strategies.errors import ResumeError
from strategies.knowledge import UNQUANTISED, knowledge_of
from strategies.timing import Times
from strategies.tuning_space import TuningSpace

NAMES = [f"{name} ({kind})" for name, kind in KEYS]
TENSOR, CHANNEL = "w int8 sym tensor, a uint8 asym", "w int8 sym channel, a uint8 asym"


def fake_space(*labels: str) -> TuningSpace:
    adaptor = FakeAdaptor(options=labels or ("tensor", "channel", "fp32"))
    return TuningSpace.of(adaptor.capability(adaptor.load("model")), conf())


def size_of(params: Any) -> float:
    return sum({TENSOR: 25.0, CHANNEL: 27.0, UNQUANTISED: 100.0}[params[name]] for name in NAMES)


SENSITIVITIES = {
    KEYS[0]: Sensitivity(70, (0.5, 0.25, 0.0), (8.0, 4.0, 0.0)),
    KEYS[1]: Sensitivity(30, (0.75, 0.5, 0.0), (2.0, 1.0, 0.0)),
}


def test_damages_and_bytes_of_a_configuration_are_sums() -> None:
    space = fake_space()
    known = knowledge_of(space, SENSITIVITIES, size_of)
    params = {**space.default(), NAMES[1]: CHANNEL}
    assert known.measured
    assert known.damage(params) == 9.0
    assert known.size(params) == size_of(params) - 200.0 == -148.0
    assert known.damage(space.unquantised() or {}) == 0.0
    assert [one.multiplications for one in known.operations] == [70, 30]
    assert [one.type for one in known.operations] == ["Conv", "MatMul"]
    assert known.operations[0].effect(CHANNEL).error == 0.25
    assert [one.unquantised for one in known.operations] == [UNQUANTISED, UNQUANTISED]


@pytest.mark.parametrize(("higher", "sign"), [(True, -1.0), (False, 1.0)])
def test_the_trend_goes_against_the_damage(higher: bool, sign: float) -> None:
    known = knowledge_of(fake_space(), SENSITIVITIES, size_of)
    assert known.trend(higher_is_better=higher) == at.Trend(
        {
            NAMES[0]: {TENSOR: sign * 8.0, CHANNEL: sign * 4.0, UNQUANTISED: sign * 0.0},
            NAMES[1]: {TENSOR: sign * 2.0, CHANNEL: sign * 1.0, UNQUANTISED: sign * 0.0},
        }
    )


def test_where_nothing_is_measured_the_order_of_options_is_a_guess() -> None:
    adaptor = FakeAdaptor()
    options = adaptor.capability(adaptor.load("model")).operations[0].options
    operations = (Operation("a", "Conv", options, (2, 1, 0)),)
    space = TuningSpace.of(Capability(operations), conf(), by_exactness=True)
    known = knowledge_of(space, None, lambda params: 1.0)
    assert not known.measured
    assert [effect.damage for effect in known.operations[0].effects] == [0.5, 0.25, 0.0]


def test_where_an_operation_must_be_quantised_bytes_are_beside_the_default() -> None:
    space = fake_space("tensor", "channel")
    known = knowledge_of(space, None, size_of)
    assert known.operations[0].unquantised is None
    assert [effect.size for effect in known.operations[0].effects] == [0.0, 2.0]
    assert FP32 not in space.operations[KEYS[0]].values()


# ---------------------------------------------------------------------------------- in a run


def test_a_run_measures_once_and_before_the_first_trial() -> None:
    adaptor = FakeAdaptor()
    strategy = make(AutoTuneStrategy, adaptor, conf(max_trials=4))
    assert strategy.dicts["knowledge"] is None
    strategy.measure_baseline()
    known = strategy.dicts["knowledge"]
    assert [one["name"] for one in known["operations"]] == NAMES
    assert adaptor.quantized == []
    strategy.traverse()
    assert len(adaptor.looked) == 1
    assert strategy.dicts["knowledge"] == known


def test_a_run_that_goes_on_measures_nothing_anew() -> None:
    whole = make(AutoTuneStrategy, FakeAdaptor(), conf(max_trials=8))
    whole.traverse()
    stopped = make(AutoTuneStrategy, FakeAdaptor(), conf(max_trials=3))
    stopped.traverse()
    again = FakeAdaptor(blind=True)
    dicts = json.loads(json.dumps(stopped.dicts))
    resumed = make(AutoTuneStrategy, again, conf(max_trials=8), dicts)
    resumed.traverse()
    assert again.looked == []
    assert effects(resumed) == effects(whole)


def test_a_history_without_it_is_completed() -> None:
    stopped = make(AutoTuneStrategy, FakeAdaptor(), conf(max_trials=3))
    stopped.traverse()
    old = {**stopped.dicts, "schema": 2}
    del old["knowledge"]
    again = FakeAdaptor()
    resumed = make(AutoTuneStrategy, again, conf(max_trials=4), old)
    resumed.traverse()
    assert len(again.looked) == 1
    assert resumed.dicts["knowledge"] == stopped.dicts["knowledge"]


def test_what_nobody_asks_for_is_not_measured() -> None:
    adaptor = FakeAdaptor()
    strategy = make(RandomTuneStrategy, adaptor, conf(max_trials=3))
    strategy.traverse()
    assert adaptor.looked == []
    assert strategy.dicts["knowledge"] is None


def test_a_run_does_without_where_it_cannot_be_measured(
    caplog: pytest.LogCaptureFixture,
) -> None:
    strategy = make(BayesianTuneStrategy, FakeAdaptor(blind=True), conf(max_trials=4))
    with caplog.at_level(logging.INFO, "strategies"):
        strategy.traverse()
    assert len(strategy.trials) == 4
    assert strategy.dicts["knowledge"]["measured"] is False
    assert "RuntimeError: no sample" in caplog.text


def test_what_was_measured_is_said_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    strategy = make(BayesianTuneStrategy, FakeAdaptor(), conf(max_trials=1))
    with caplog.at_level(logging.INFO, "strategies"):
        strategy.measure_baseline()
    (line,) = (one for one in caplog.messages if "alone" in one)
    assert line.startswith("what 6 options do alone, in ")
    assert line.endswith(
        "by default the outputs move most with block (Conv) 14 %, block (MatMul) 8.9 %"
    )


# ------------------------------------------------------------------------------------- of time


TIMES = Times(
    {NAMES[0]: TENSOR, NAMES[1]: UNQUANTISED},
    0.6,
    {
        NAMES[0]: {TENSOR: 0.0, CHANNEL: 0.1, UNQUANTISED: 0.3},
        NAMES[1]: {TENSOR: 0.05, CHANNEL: 0.07, UNQUANTISED: 0.0},
    },
    7,
)


def test_the_time_of_options_is_beside_fp32() -> None:
    known = knowledge_of(fake_space(), SENSITIVITIES, size_of, TIMES)
    assert known.trend_of_time() == at.Trend(
        {
            NAMES[0]: {TENSOR: -0.3, CHANNEL: 0.1 - 0.3, UNQUANTISED: 0.0},
            NAMES[1]: {TENSOR: 0.05, CHANNEL: 0.07, UNQUANTISED: 0.0},
        }
    )
    assert known.fastest == TIMES.fastest


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"modelsize": 1.0}, -75.0),
        ({"accuracy": 1.0}, -75.0),
        ({"performance": 1.0}, -0.3),
        ({"performance": 3.0, "modelsize": 2.0}, 2.0 * -75.0 / 200.0 + 3.0 * -0.3),
    ],
)
def test_the_cost_of_an_option_is_what_the_objectives_say(
    weights: dict[str, float], expected: float
) -> None:
    objectives = [Objective(name, weight, name == "accuracy") for name, weight in weights.items()]
    known = knowledge_of(fake_space(), SENSITIVITIES, size_of, TIMES, objectives)
    assert known.cost(known.operations[0].effect(TENSOR)) == pytest.approx(expected)


def test_without_times_the_cost_is_bytes() -> None:
    objectives = [Objective("performance", 1.0, False)]
    known = knowledge_of(fake_space(), SENSITIVITIES, size_of, None, objectives)
    assert known.cost(known.operations[0].effect(TENSOR)) == -75.0
    assert known.fastest is None


def fast(**more: Any) -> FakeAdaptor:
    """Return an adaptor that is fastest with channels in the first operation."""
    seconds = {"tensor": 0.5, "channel": 0.2, "fp32": 1.0}
    return FakeAdaptor(seconds_of=lambda effect: seconds[effect[0]], **more)


def test_a_run_for_latency_begins_with_the_fastest(caplog: pytest.LogCaptureFixture) -> None:
    adaptor = fast()
    strategy = make(BayesianTuneStrategy, adaptor, conf({"objective": "performance"}, max_trials=2))
    with caplog.at_level(logging.INFO, "strategies"):
        strategy.measure_baseline()
    assert adaptor.evaluated == [("fp32", "fp32")]  # no model was evaluated for it
    timed = len(adaptor.quantized)
    assert f"how long options take, from {timed} models in " in caplog.text
    assert "the fastest takes 20.0 % of FP32's time" in caplog.text
    strategy.traverse()
    assert effects(strategy)[0][:2] == ("channel", "tensor")
    assert strategy.seconds_by_part["timing options"] > 0.0


def test_times_are_kept_with_the_run() -> None:
    configuration = conf({"objective": "performance"}, max_trials=4)
    whole = make(AutoTuneStrategy, fast(), configuration)
    whole.traverse()
    stopped = make(AutoTuneStrategy, fast(), configuration)
    stopped.measure_baseline()
    again = fast()
    dicts = json.loads(json.dumps(stopped.dicts))
    resumed = make(AutoTuneStrategy, again, configuration, dicts)
    resumed.traverse()
    assert len(again.quantized) == 4
    assert effects(resumed) == effects(whole)
    dicts["knowledge"]["fastest"][NAMES[0]] = "int3"
    with pytest.raises(ResumeError, match=r"\$\.dicts\.knowledge\.fastest.*int3"):
        make(AutoTuneStrategy, fast(), configuration, dicts)


def test_a_limit_on_latency_is_expected_to_go_as_it_was_timed() -> None:
    tuning = {"objective": "modelsize", "constraints": {"performance": {"at_most": "60%"}}}
    strategy = make(BayesianTuneStrategy, fast(), conf(tuning, max_trials=3))
    strategy.traverse()
    known = strategy.dicts["knowledge"]
    assert known["fastest"][NAMES[0]] == CHANNEL
    assert known["time_price"] == 0.0
    assert effects(strategy)[0][:2] == ("tensor", "tensor")  # the default: bytes are the objective


def test_models_that_a_hook_may_change_are_not_timed() -> None:
    adaptor = fast()
    strategy = BayesianTuneStrategy(
        "model",
        conf({"objective": "performance"}, max_trials=1),
        [(0, 0)],
        eval_func=adaptor.accuracy,
        q_hooks={"after_quantize": lambda model, tune_cfg: None},
        adaptor=adaptor,
    )
    strategy.traverse()
    assert len(adaptor.quantized) == 1
    assert strategy.dicts["knowledge"]["fastest"] is None


def test_a_model_that_cannot_be_timed_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    broken = frozenset({("channel", "tensor", "minmax", 50)})
    strategy = make(
        BayesianTuneStrategy, fast(broken=broken), conf({"objective": "performance"}, max_trials=2)
    )
    with caplog.at_level(logging.INFO, "strategies"):
        strategy.traverse()
    assert "time of options: a model cannot be timed (RuntimeError: no kernel)" in caplog.text
    assert all(trial.measurement is not None for trial in strategy.trials)


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(0, 10.0), (10**6, 10.0), (20, 4.0)], ids=["none", "long", "short"]
)
def test_options_are_timed_for_a_share_of_the_time_that_there_is(
    timeout: int, seconds: float
) -> None:
    clock = Clock()

    class Slow(FakeAdaptor):
        def quantize(self, *args: Any) -> Any:
            clock.now += 2.5
            return super().quantize(*args)

    adaptor = Slow()
    configuration = conf({"objective": "performance"}, max_trials=1, timeout=timeout)
    strategy = make(BayesianTuneStrategy, adaptor, configuration, clock=clock)
    strategy.measure_baseline()
    assert len(adaptor.quantized) == math.ceil(seconds / 2.5)


def test_where_evaluations_are_long_options_are_timed_for_longer() -> None:
    clock = Clock()

    class Slow(FakeAdaptor):
        def quantize(self, *args: Any) -> Any:
            clock.now += 20.0
            return super().quantize(*args)

        def accuracy(self, model: Any) -> float:
            clock.now += 25.0
            return super().accuracy(model)

    adaptor = Slow()
    configuration = conf({"objective": "performance"}, max_trials=1)
    make(BayesianTuneStrategy, adaptor, configuration, clock=clock).measure_baseline()
    assert len(adaptor.quantized) == 4  # 75 seconds
