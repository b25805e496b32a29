"""Groups of operations: what they stand for, and that an optimiser of them is of use."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve

import asktell as at
from strategies.knowledge import Effect, Knowledge, Operation
from strategies.policies import BAYESIAN, Context, Params
from strategies.policies.frontier import frontier_of
from strategies.policies.groups import (
    GROUPS,
    MANY,
    PATIENCE,
    Grouping,
    suggested_in_groups,
)

OPTIONS = ("int4", "int8", "fp32")
N = 3 * GROUPS
NAMES = [f"op {n}" for n in range(N)]


def known() -> Knowledge:
    operations = [
        Operation(
            name,
            "MatMul",
            0,
            [
                Effect("int4", 0.0, 4.0 + n % 5, -75.0 - n),
                Effect("int8", 0.0, 1.0 + n % 3, -50.0 - n),
                Effect("fp32", 0.0, 0.0, 0.0),
            ],
        )
        for n, name in enumerate(NAMES)
    ]
    return Knowledge(True, operations)


KNOWLEDGE = known()
SPACE = at.Space(
    *(at.Ordinal(name, OPTIONS[::-1]) for name in NAMES),
    at.Categorical("calib_algorithm", ["minmax", "entropy"]),
)
BASE = {**dict.fromkeys(NAMES, "int8"), "calib_algorithm": "minmax"}
SIZES = {
    one.name: {effect.option: effect.size for effect in one.effects} for one in known().operations
}


def part(*names: str) -> Any:
    return lambda params: sum(SIZES[name][params[name]] for name in names) + 0.5 * len(names)


SIZE = at.SumOf(
    {
        **{name: part(name) for name in NAMES[2:]},
        (NAMES[0], NAMES[1]): part(*NAMES[:2]),  # within a group
        (NAMES[0], NAMES[-1]): lambda params: float(params[NAMES[0]] == params[NAMES[-1]]),
        "calib_algorithm": lambda params: 0.25,
    },
    10_000.0,
)
CONTEXT = Context(
    known={"modelsize": SIZE},
    unquantised={**BASE, **dict.fromkeys(NAMES, "fp32")},
    starts=(BASE,),
    knowledge=KNOWLEDGE,
)
GROUPING = Grouping.of(KNOWLEDGE, BASE, dict)
assert GROUPING is not None


def accuracy(params: Params) -> float:
    return -KNOWLEDGE.damage(params)


def begun(**settings: Any) -> at.State:
    assert CONTEXT.unquantised is not None
    state = at.State.start(
        SPACE,
        objectives={"modelsize": "minimize"},
        constraints={"accuracy": at.AtLeast(-1.5 * N)},
        settings=BAYESIAN.settings,
        **settings,
    )
    return told(told(state, CONTEXT.unquantised), BASE)


def told(state: at.State, params: Params) -> at.State:
    return at.observe(state, params, {"modelsize": SIZE(params), "accuracy": accuracy(params)})


def test_groups_are_stretches_of_the_model() -> None:
    assert len(GROUPING.frontiers) == GROUPS
    assert [name for one in GROUPING.frontiers.values() for name in one.start] == NAMES
    assert GROUPING.space.names[0] == "op 0 to op 2"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_groups_stand_for_is_found_again(count: int) -> None:
    params = dict.fromkeys(GROUPING.space.names, count)
    spelt = GROUPING.spelt(params)
    assert SPACE.check(spelt)
    assert spelt["calib_algorithm"] == "minmax"
    assert GROUPING.grouped(spelt) == params
    assert GROUPING.grouped({**spelt, "calib_algorithm": "entropy"}) is None


def test_what_lies_on_no_frontier_is_no_group() -> None:
    off = next(
        {**GROUPING.base, name: "int4"}
        for name in NAMES
        if GROUPING.grouped({**GROUPING.base, name: "int4"}) is None
    )
    state = GROUPING.state_of(told(begun(), off))
    assert len(state.observations) == 1  # FP32 alone: the default of the context is none either


def test_known_sizes_and_trends_are_those_of_what_groups_stand_for() -> None:
    plain = GROUPING.known({"modelsize": lambda params: SIZE(params)})["modelsize"]
    summed = GROUPING.known({"modelsize": SIZE})["modelsize"]
    assert isinstance(summed, at.SumOf)
    trend = GROUPING.trends({"accuracy": KNOWLEDGE.trend(higher_is_better=True)})["accuracy"]
    rows = {name: dict(row) for name, row in trend.table}
    for count in range(4):
        params = dict.fromkeys(GROUPING.space.names, count)
        spelt = GROUPING.spelt(params)
        assert summed(params) == pytest.approx(SIZE(spelt))
        assert plain(params) == SIZE(spelt)
        assert sum(row[count] for row in rows.values()) == pytest.approx(accuracy(spelt))


def test_failures_and_what_is_pending_are_known_in_groups() -> None:
    low, high = (GROUPING.spelt(dict.fromkeys(GROUPING.space.names, n)) for n in (1, 2))
    state = at.fail(begun(), low, "out of memory")
    state, _ = at.suggest(at.enqueue(state, high))
    grouped = GROUPING.state_of(state)
    assert [one.params for one in grouped.failures] == [dict.fromkeys(GROUPING.space.names, 1)]
    assert [one.params for one in grouped.pending] == [dict.fromkeys(GROUPING.space.names, 2)]


def test_many_operations_are_looked_at_in_groups_until_these_gain_nothing() -> None:
    assert N > MANY
    state, kinds = begun(), []
    for _ in range(4 * PATIENCE):
        proposal = BAYESIAN.ask(state, CONTEXT)
        assert proposal is not None
        state, params = proposal
        kinds.append(GROUPING.grouped(params) is not None)
        state = told(state, params)
    assert kinds[0]
    assert not all(kinds)  # single operations are freed
    best = at.best_observed(state)
    assert best.feasible
    frontier = frontier_of(KNOWLEDGE, BASE)
    last = sum(damage <= 1.5 * N for damage in frontier.damages) - 1
    assert best.numbers[0] <= 1.03 * SIZE(frontier.params(last))


def test_few_operations_and_several_objectives_are_looked_at_singly() -> None:
    trends = {"accuracy": KNOWLEDGE.trend(higher_is_better=True)}
    few = evolve(CONTEXT, knowledge=Knowledge(True, KNOWLEDGE.operations[:MANY]))
    several = at.State.start(SPACE, objectives={"modelsize": "minimize", "accuracy": "maximize"})
    assert suggested_in_groups(begun(), CONTEXT, CONTEXT.known, trends) is not None
    assert suggested_in_groups(begun(), CONTEXT, CONTEXT.known, {}) is None
    assert suggested_in_groups(begun(), few, few.known, trends) is None
    assert suggested_in_groups(several, CONTEXT, CONTEXT.known, trends) is None


def test_where_nothing_is_known_to_save_anything_there_are_no_groups() -> None:
    even = [
        evolve(one, effects=[evolve(effect, size=0.0) for effect in one.effects])
        for one in KNOWLEDGE.operations
    ]
    context = evolve(CONTEXT, knowledge=Knowledge(True, even))
    trends = {"accuracy": KNOWLEDGE.trend(higher_is_better=True)}
    assert suggested_in_groups(begun(), context, context.known, trends) is None
    assert BAYESIAN.ask(begun(), context) is not None


def test_a_size_that_no_group_decides_on_is_a_constant() -> None:
    fixed = at.SumOf({"calib_algorithm": lambda params: 0.25}, 7.0)
    assert GROUPING is not None
    params = dict.fromkeys(GROUPING.space.names, 1)
    assert GROUPING.known({"modelsize": fixed})["modelsize"](params) == 7.25
    through = at.SumOf(dict(fixed.parts), 7.0, lambda total: 2.0 * total)
    assert GROUPING.known({"modelsize": through})["modelsize"](params) == 14.5


def test_how_sure_an_outcome_is_goes_along() -> None:
    assert GROUPING is not None
    spelt = GROUPING.spelt(dict.fromkeys(GROUPING.space.names, 1))
    target = {"modelsize": SIZE(spelt), "accuracy": accuracy(spelt)}
    state = at.observe(begun(), spelt, target, {"accuracy": 0.5})
    assert GROUPING.state_of(state).observations[-1].std == {"accuracy": 0.5}


def test_a_run_that_is_resumed_goes_on_exactly_in_groups_and_after_them() -> None:
    state, resumed = begun(), begun()
    for _ in range(3 * PATIENCE):
        resumed = at.State.from_dict(json.loads(json.dumps(resumed.to_dict())))
        one, other = BAYESIAN.ask(state, CONTEXT), BAYESIAN.ask(resumed, CONTEXT)
        assert one is not None
        assert other is not None
        assert one[1] == other[1]
        state, resumed = told(*one), told(*other)
    assert resumed.to_dict() == state.to_dict()
