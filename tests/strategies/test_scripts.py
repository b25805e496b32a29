"""Scripts: in which order a policy tries what it knows, before the model goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from attrs import evolve

import asktell as at
from strategies.adaptors.base import FP32, Capability, OpConfig, Operation, Sensitivity
from strategies.conf import Conf, Objective
from strategies.knowledge import Knowledge, knowledge_of
from strategies.policies import (
    AUTO,
    BASIC,
    BAYESIAN,
    CONSERVATIVE,
    HAWQ,
    MSE,
    Context,
    EnginePolicy,
    Params,
)
from strategies.policies.engine import RANDOM, cautiously, is_smallest, trends_of
from strategies.policies.frontier import frontier_of
from strategies.policies.script import Outcome, next_of, outcomes_of
from strategies.timing import Times
from strategies.tuning_space import TuningSpace

CONF = Conf({"model": {"framework": "onnxrt_qlinearops"}, "tuning": {"objective": "modelsize"}})


def option(granularity: str) -> OpConfig:
    return {
        "weight": {"dtype": "int8", "scheme": "sym", "granularity": granularity},
        "activation": {"dtype": "uint8", "scheme": "asym", "granularity": "per_tensor"},
    }


COARSE, FINE = option("per_tensor"), option("per_channel")
TENSOR, CHANNEL = "w int8 sym tensor, a uint8 asym", "w int8 sym channel, a uint8 asym"
LABELS = {TENSOR: "t", CHANNEL: "c", "fp32": "f"}
"""Options by one letter, so that a configuration of four operations is a word."""

TYPES = {"a": "Conv", "b": "Conv", "c": "MatMul", "d": "MatMul"}
NAMES = [f"{name} ({kind})" for name, kind in TYPES.items()]
DAMAGES = {"a": (8.0, 1.0), "b": (4.0, 2.0), "c": (64.0, 32.0), "d": (0.5, 0.25)}
"""Of the coarse option, and of the fine one."""
ERRORS = {"a": (0.3, 0.1), "b": (0.9, 0.2), "c": (0.1, 0.05), "d": (0.6, 0.3)}
BYTES = {"a": (1000, 250, 260), "b": (400, 100, 110), "c": (800, 200, 240), "d": (4000, 1000, 1200)}
"""In FP32, coarse and fine."""


def place_of(label: str) -> int:
    return ["fp32", TENSOR, CHANNEL].index(label)


def size_of(params: Params) -> float:
    return float(sum(BYTES[name[0]][place_of(params[name])] for name in params if name in NAMES))


def known() -> tuple[TuningSpace, Knowledge]:
    operations = tuple(
        Operation(name, kind, (COARSE, FINE, FP32), (2, 1, 0)) for name, kind in TYPES.items()
    )
    space = TuningSpace.of(Capability(operations, ("minmax", "entropy")), CONF, by_exactness=True)
    sensitivities = {
        (name, kind): Sensitivity(10, (*ERRORS[name], 0.0), (*DAMAGES[name], 0.0))
        for name, kind in TYPES.items()
    }
    return space, knowledge_of(space, sensitivities, size_of)


SPACE, KNOWLEDGE = known()
CONTEXT = Context(
    known={"modelsize": size_of},
    unquantised=SPACE.unquantised(),
    starts=(SPACE.default(), SPACE.most_exact()),
    variants=SPACE.variants(),
    knowledge=KNOWLEDGE,
)


def word(params: Mapping[str, Any]) -> str:
    """Return a configuration as letters, with a mark where the calibration is another."""
    mark = "!" if params["calib_algorithm"] == "entropy" else ""
    return "".join(LABELS[params[name]] for name in NAMES) + mark


def accuracy_of(params: Params) -> float:
    return 1000.0 - KNOWLEDGE.damage(params)


def begun(loss: float, policy: EnginePolicy = BAYESIAN) -> at.State:
    """Return a state that knows the FP32 model, and may lose so much accuracy."""
    state = at.State.start(
        SPACE.space,
        1,
        settings=policy.settings,
        objectives={"modelsize": "minimize"},
        constraints={"accuracy": at.AtLeast(1000.0 - loss)},
    )
    return told(state, SPACE.unquantised() or {})


def told(
    state: at.State, params: Params, accuracy_of: Callable[[Params], float] = accuracy_of
) -> at.State:
    outcomes = {"modelsize": size_of(params), "accuracy": accuracy_of(params)}
    return at.observe(state, params, outcomes)


def script(
    policy: EnginePolicy, loss: float, accuracy_of: Callable[[Params], float] = accuracy_of
) -> list[str]:
    """Return what a script tries, in order, until its end."""
    state, words = begun(loss), []
    while (params := next_of(policy.first, state, CONTEXT)) is not None:
        words.append(word(params))
        state = told(state, params, accuracy_of)
    return words


SCRIPTED = (AUTO, HAWQ, BASIC, MSE, CONSERVATIVE)
scripted = pytest.mark.parametrize("policy", SCRIPTED, ids=lambda policy: policy.name)


@scripted
@pytest.mark.parametrize("loss", [0.0, 1.0, 20.0, 200.0])
def test_the_default_goes_first_and_then_the_most_exact_one(
    policy: EnginePolicy, loss: float
) -> None:
    words = script(policy, loss)
    assert words[0] == "tttt"
    if loss < 76.5:
        assert words[1] == "cccc"
    assert len(words) == len(set(words))


@scripted
def test_an_interruption_changes_nothing(policy: EnginePolicy) -> None:
    def run(*, interrupted: bool) -> list[str]:
        state, words = begun(3.0, policy), []
        for _ in range(25):
            if interrupted:
                state = at.State.from_dict(json.loads(json.dumps(state.to_dict())))
            proposal = policy.ask(state, CONTEXT)
            assert proposal is not None
            state, params = proposal
            words.append(word(params))
            state = told(state, params)
        return words

    words = run(interrupted=True)
    assert words == run(interrupted=False)
    assert words[: len(script(policy, 3.0))] == script(policy, 3.0)[:25]
    assert len(set(words)) == len(words)  # the model goes on where the script ends


@scripted
def test_several_workers_get_different_params(policy: EnginePolicy) -> None:
    state, given = begun(3.0, policy), []
    for _ in range(6):
        proposal = policy.ask(state, CONTEXT)
        assert proposal is not None
        state, params = proposal
        given.append(word(params))
    assert given[:2] == ["tttt", "cccc"]  # as if the first had missed
    assert len(set(given)) == 6
    assert sorted(word(one.params) for one in state.pending) == sorted(given)


@scripted
def test_failures_are_misses(policy: EnginePolicy) -> None:
    state, words = begun(100.0), []
    while (params := next_of(policy.first, state, CONTEXT)) is not None and len(words) < 5:
        words.append(word(params))
        state = at.fail(state, params, "no kernel")
    assert words[:2] == ["tttt", "cccc"]


@scripted
def test_without_a_criterion_everything_meets(policy: EnginePolicy) -> None:
    state = at.State.start(SPACE.space, objectives={"modelsize": "minimize"})
    state = at.observe(state, SPACE.unquantised() or {}, {"modelsize": 9.0})
    proposal = policy.ask(state, CONTEXT)
    assert proposal is not None
    state = at.observe(proposal[0], proposal[1], {"modelsize": 1.0})
    assert word(proposal[1]) == "tttt"
    assert policy.ask(state, CONTEXT) is not None


@scripted
def test_where_fp32_is_not_allowed_the_beginnings_are_left(policy: EnginePolicy) -> None:
    operations = (Operation("a", "Conv", (COARSE, FINE), (1, 0)),)
    space = TuningSpace.of(Capability(operations, ("minmax",)), CONF, by_exactness=True)
    context = Context(
        starts=(space.default(), space.most_exact()),
        knowledge=knowledge_of(space, None, lambda params: 1.0),
    )
    state = at.State.start(space.space, constraints={"accuracy": at.AtLeast(1.0)})
    tried = []
    while (params := next_of(policy.first, state, context)) is not None:
        tried.append(params["a (Conv)"])
        state = at.observe(state, params, {"target": 1.0, "accuracy": 0.0})
    assert tried == [TENSOR, CHANNEL]


# ------------------------------------------------------------------------------------- basic


def test_basic_tries_variants_then_fallbacks_alone_then_more_and_more() -> None:
    assert script(BASIC, 2.0) == [
        *("tttt", "cccc", "tttt!"),  # the default, the most exact, another calibration
        *("ccfc", "cfcc", "fccc", "cccf"),  # one operation in FP32, the most damaging first
        *("cffc",),  # the two that helped most: 1.25 is lost
    ]


def test_basic_goes_through_variants_after_one_that_meets() -> None:
    assert script(BASIC, 50.0) == ["tttt", "cccc", "tttt!"]
    only_entropy: Callable[[Params], float] = lambda params: (  # noqa: E731
        1000.0 if word(params) == "tttt!" else 0.0
    )
    assert script(BASIC, 1.0, only_entropy) == ["tttt", "cccc", "tttt!"]


# --------------------------------------------------------------------------------------- mse


def test_mse_falls_back_by_the_error_and_brings_back_what_does_no_harm() -> None:
    assert script(MSE, 2.0) == [
        *("tttt", "cccc"),
        *("cccf", "cfcf", "ffcf"),  # d, b, a by their errors; then c, and all are in FP32
        *("cfff", "ccff", "cffc"),  # a is brought back, b does harm, d is brought back
    ]


def test_mse_ends_where_the_first_will_do() -> None:
    assert script(MSE, 100.0) == ["tttt"]


# ------------------------------------------------------------------------------ conservative


def test_conservative_quantises_types_and_then_operations() -> None:
    assert script(CONSERVATIVE, 2.0) == [
        *("tttt", "cccc"),
        *("fftt", "ffcc"),  # MatMul saves most
        "ffft",  # d has the least damage, and stays
        "ffct",  # c will not do, nor did it coarsely
        *("ttft", "ccft"),  # Conv as a whole
        *("ftft", "fcft"),  # b alone: 4.5 and 2.5 are lost
        *("tfft", "cfft"),  # a alone: 8.5 and 1.5
    ]


# -------------------------------------------------------------------------------------- hawq


def test_the_frontier_goes_along_the_price_of_bytes() -> None:
    frontier = frontier_of(KNOWLEDGE, SPACE.default())
    words = [word(frontier.params(count)) for count in range(len(frontier.steps) + 1)]
    assert words == ["ffff", "fffc", "ffft", "cfft", "ccft", "ccct", "ctct", "ttct", "tttt"]
    assert list(frontier.damages) == pytest.approx(
        [KNOWLEDGE.damage(frontier.params(n)) for n in range(len(words))]
    )
    assert list(frontier.damages) == sorted(frontier.damages)


def test_the_search_ends_at_the_last_of_the_frontier_that_meets() -> None:
    frontier = frontier_of(KNOWLEDGE, SPACE.default())
    for loss in (0.0, 0.3, 1.0, 2.0, 5.0, 40.0, 500.0):
        words = script(AUTO, loss)
        count = sum(damage <= loss for damage in frontier.damages) - 1
        assert count == 0 or word(frontier.params(count)) in words
        assert len(words) <= 2 + 6


def test_hawq_saves_single_bytes_beyond_the_frontier() -> None:
    found = script(HAWQ, 2.0)
    assert set(script(AUTO, 2.0)) <= set(found)
    assert len(found) > len(script(AUTO, 2.0))


# ------------------------------------------------------------------------------ what is known


def test_the_model_is_told_how_the_accuracy_is_expected_to_go() -> None:
    def asked(context: Context) -> str:
        state = begun(3.0)
        for params in CONTEXT.starts:
            state = told(state, params)
        proposal = BAYESIAN.ask(state, context)
        assert proposal is not None
        return word(proposal[1])

    damages = {**DAMAGES, "c": (0.01, 0.01), "d": (640.0, 320.0)}
    sensitivities = {
        (name, TYPES[name]): Sensitivity(10, (1.0, 1.0, 0.0), (*damages[name], 0.0))
        for name in TYPES
    }
    other = knowledge_of(SPACE, sensitivities, size_of)
    contexts: Iterable[Context] = (
        CONTEXT,
        evolve(CONTEXT, variants=(), knowledge=other),
    )
    first, second = (asked(context) for context in contexts)
    assert first[2] == "f"  # c is the delicate one
    assert second[3] == "f"  # d is


def test_less_may_be_better() -> None:
    state = at.State.start(
        SPACE.space, objectives={"modelsize": "minimize"}, constraints={"accuracy": at.AtMost(2.0)}
    )
    error: Callable[[Params], float] = KNOWLEDGE.damage
    state, words = told(state, SPACE.unquantised() or {}, error), []
    while (params := next_of(BASIC.first, state, CONTEXT)) is not None:
        words.append(word(params))
        state = told(state, params, error)
    assert words == script(BASIC, 2.0)


@pytest.mark.parametrize(("goal", "sign"), [("maximize", 1.0), ("minimize", -1.0)])
def test_where_the_accuracy_has_no_limit_it_is_its_own_margin(goal: Any, sign: float) -> None:
    state = at.State.start(SPACE.space, objectives={"accuracy": goal})
    state = at.observe(state, SPACE.default(), {"accuracy": 3.0})
    state = at.fail(state, SPACE.most_exact(), "no kernel")
    by_params = outcomes_of(state)
    assert by_params[SPACE.space.check(SPACE.default())] == Outcome(True, sign * 3.0)
    assert by_params[SPACE.space.check(SPACE.most_exact())] == Outcome(False, -math.inf)


def test_the_frontier_is_of_damage_and_time_where_time_counts() -> None:
    added = {name: {TENSOR: -0.1, CHANNEL: -0.2, "fp32": 0.0} for name in NAMES}
    added[NAMES[2]] = {TENSOR: 0.1, CHANNEL: 0.2, "fp32": 0.0}  # slower than FP32
    times = Times(SPACE.default(), 0.7, added, 5)
    sensitivities = {
        (name, TYPES[name]): Sensitivity(10, (1.0, 1.0, 0.0), (*DAMAGES[name], 0.0))
        for name in TYPES
    }
    objectives = [Objective("performance", 1.0, False)]
    timed = knowledge_of(SPACE, sensitivities, size_of, times, objectives)
    frontier = frontier_of(timed, SPACE.default())
    words = [word(frontier.params(count)) for count in range(len(frontier.steps) + 1)]
    assert words == ["ffff", "fffc", "cffc", "ccfc"]
    state = at.State.start(
        SPACE.space,
        objectives={"performance": "minimize"},
        constraints={"accuracy": at.AtLeast(0.0)},
    )
    trends = trends_of(state, evolve(CONTEXT, knowledge=timed))
    assert trends["performance"] == timed.trend_of_time()
    assert {*trends} == {"accuracy", "performance"}
    assert {*trends_of(state, CONTEXT)} == {"accuracy"}  # it was not timed


def test_without_an_accuracy_there_is_no_trend() -> None:
    state = at.State.start(SPACE.space, objectives={"modelsize": "minimize"})
    assert trends_of(state, CONTEXT) == {}
    assert trends_of(begun(1.0), Context()) == {}
    assert list(trends_of(begun(1.0), CONTEXT)) == ["accuracy"]


def test_a_known_sum_stays_one_while_nothing_meets() -> None:
    parts = {name: lambda params: size_of(params) for name in NAMES}
    known = {"modelsize": at.SumOf(parts, 7.0)}
    unquantised = SPACE.unquantised()
    state = at.State.start(
        SPACE.space,
        objectives={"modelsize": "minimize"},
        constraints={"accuracy": at.AtLeast(1.0)},
    )
    assert unquantised is not None
    for params in (unquantised, SPACE.default()):
        state = at.observe(state, params, {"modelsize": size_of(params), "accuracy": 0.0})
    found = cautiously(state, known, unquantised)["modelsize"]
    assert isinstance(found, at.SumOf)
    assert found(unquantised) == size_of(unquantised) + 7.0
    assert found(SPACE.default()) != known["modelsize"](SPACE.default())


def test_nothing_is_proposed_once_nothing_can_be_smaller() -> None:
    sizes: Any = {
        name: lambda params, name=name: float(BYTES[name[0]][place_of(params[name])])
        for name in NAMES
    }
    context = evolve(CONTEXT, known={"modelsize": at.SumOf(sizes)})
    smallest = SPACE.default() | dict.fromkeys(NAMES, TENSOR)
    plain = told(begun(1e9), smallest)
    assert not is_smallest(begun(1e9), context)
    assert is_smallest(plain, context)
    assert BAYESIAN.ask(plain, context) is None
    assert RANDOM.ask(plain, context) is not None  # it is there to look at everything
    assert not is_smallest(plain, CONTEXT)  # of a function no bound is known
    assert not is_smallest(told(begun(0.0), smallest), context)  # it misses the criterion
    several = at.State.start(
        SPACE.space, objectives={"modelsize": "minimize", "accuracy": "maximize"}
    )
    assert not is_smallest(told(several, smallest), context)


def test_what_is_accurate_and_too_large_is_followed_by_what_is_smaller() -> None:
    sizes: list[float] = []
    smallest = size_of(SPACE.default() | dict.fromkeys(NAMES, TENSOR))
    state = at.State.start(
        SPACE.space,
        settings=BAYESIAN.settings,
        objectives={"modelsize": "minimize"},
        constraints={"accuracy": at.AtLeast(1000.0), "modelsize": at.AtMost(1.5 * smallest)},
    )

    def exact(params: Params) -> float:
        return 1000.0

    state = told(state, SPACE.unquantised() or {}, exact)
    while (params := next_of(HAWQ.first, state, CONTEXT)) is not None:
        sizes.append(size_of(params))
        state = told(state, params, exact)
    assert min(sizes) == smallest


def test_the_fp32_model_does_not_end_a_run() -> None:
    larger: Any = {
        name: lambda params: 1.0 + place_of(next(iter(params.values()))) for name in NAMES
    }
    context = evolve(CONTEXT, known={"modelsize": at.SumOf(larger)})
    state = at.State.start(
        SPACE.space, objectives={"modelsize": "minimize"}, constraints={"accuracy": at.AtLeast(0.0)}
    )
    state = at.observe(state, SPACE.unquantised() or {}, {"modelsize": 4.0, "accuracy": 1000.0})
    assert not is_smallest(state, context)
    assert BAYESIAN.ask(state, context) is not None
