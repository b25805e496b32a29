"""Outcomes: their definitions, what is told of them, and what is known of them afterwards."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import QUICK, finite
from wants import FINITE, definitions

import asktell as at
from asktell import errors
from asktell.study.outcomes import Outcome

INF = math.inf
SPACE = at.Space(at.Int("x", 0, 9), at.Float("y", 0.0, 1.0))

Rows = list[tuple[float, ...]]


def engine_of(**wanted: Any) -> at.Engine:
    return at.Engine(SPACE, seed=1, settings=QUICK, **wanted)


def told(engine: at.Engine, rows: Rows, order: Any = None) -> at.Engine:
    """Tell outcomes of params whose ``x`` is the number of the row."""
    names = engine.state.problem.outcome_names
    for x in order or range(len(rows)):
        target = dict(zip(names, rows[x], strict=True))
        engine.observe({"x": x, "y": 0.5}, target)
    return engine


def reread(engine: at.Engine) -> at.Engine:
    return at.Engine.from_dict(json.loads(json.dumps(engine.to_dict(), allow_nan=False)))


# --- definitions ---

BOTH: Any = {"loss": "minimize", "speed": at.Maximize(weight=None, reference=3)}

DEFINED: dict[str, tuple[dict[str, Any], tuple[Outcome, ...]]] = {
    "nothing": ({}, (Outcome("target", "maximize"),)),
    "a goal": ({"goal": "minimize"}, (Outcome("target", "minimize"),)),
    "a goal and a bound": (
        {"goal": "minimize", "constraints": {"memory": at.AtMost(3)}},
        (Outcome("target", "minimize"), Outcome("memory", None, at_most=3.0)),
    ),
    "a bound on the target": (
        {"constraints": {"target": at.AtLeast(-1)}},
        (Outcome("target", "maximize", at_least=-1.0),),
    ),
    "two objectives": (
        {"objectives": BOTH},
        (Outcome("loss", "minimize"), Outcome("speed", "maximize", reference=3.0)),
    ),
    "a bound on an objective, and two on another outcome": (
        {
            "objectives": {"loss": at.Minimize(weight=2)},
            "constraints": {"size": [at.AtMost(4), at.AtLeast(1)], "loss": (at.AtMost(9.5),)},
        },
        (
            Outcome("loss", "minimize", weight=2.0, at_most=9.5),
            Outcome("size", None, at_least=1.0, at_most=4.0),
        ),
    ),
    "equal bounds": (
        {"constraints": {"size": [at.AtLeast(2), at.AtMost(2)]}},
        (Outcome("target", "maximize"), Outcome("size", None, at_least=2.0, at_most=2.0)),
    ),
    "any names": (
        {
            "objectives": {"a b.c": "maximize", "std": "minimize"},
            "constraints": {"id": at.AtMost(0)},
        },
        (
            Outcome("a b.c", "maximize"),
            Outcome("std", "minimize"),
            Outcome("id", None, at_most=0.0),
        ),
    ),
    "no constraints": ({"constraints": {}}, (Outcome("target", "maximize"),)),
}


@pytest.mark.parametrize(("wanted", "outcomes"), DEFINED.values(), ids=DEFINED)
def test_outcomes_are_what_was_said(wanted: dict[str, Any], outcomes: tuple[Outcome, ...]) -> None:
    engine = engine_of(**wanted)

    assert engine.state.problem.outcomes == outcomes
    assert all(type(one.at_most) in (float, type(None)) for one in engine.state.problem.outcomes)
    assert reread(engine).state == engine.state
    assert at.State.start(SPACE, 1, settings=QUICK, **wanted) == engine.state


@pytest.mark.parametrize(("wanted", "outcomes"), DEFINED.values(), ids=DEFINED)
def test_an_engine_like_it_is_made_of_what_it_says(
    wanted: dict[str, Any], outcomes: tuple[Outcome, ...]
) -> None:
    engine = reread(engine_of(**wanted))

    again = engine_of(objectives=engine.objectives, constraints=engine.constraints)

    assert again.state.problem.outcomes == outcomes


def test_objectives_and_constraints_are_shown_as_they_were_given() -> None:
    constraints = {"size": [at.AtLeast(1.0), at.AtMost(4.0)], "loss": at.AtMost(9.5)}
    engine = engine_of(objectives=BOTH, constraints=constraints)

    assert engine.objectives == {"loss": "minimize", "speed": at.Maximize(reference=3.0)}
    assert engine.constraints == {
        "size": (at.AtLeast(1.0), at.AtMost(4.0)),
        "loss": at.AtMost(9.5),
    }
    assert repr(engine).startswith("Engine(minimize loss, maximize speed, ")
    assert "size >= 1, size <= 4" in repr(engine)
    assert "loss <= 9.5" in repr(engine)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no objective": ({"objectives": {}}, "$.objectives"),
    "a list of objectives": ({"objectives": ["loss"]}, "$.objectives"),
    "an unknown goal": ({"objectives": {"a": "up"}}, "$.objectives.a"),
    "a goal that is none": ({"objectives": {"a": None}}, "$.objectives.a"),
    "an unhashable goal": ({"objectives": {"a": []}}, "$.objectives.a"),
    "a class in place of an objective": ({"objectives": {"a": at.Maximize}}, "$.objectives.a"),
    "a bound in place of an objective": ({"objectives": {"a": at.AtMost(1)}}, "$.objectives.a"),
    "an objective without a name": ({"objectives": {"": "maximize"}}, "$.objectives"),
    "a number as a name": ({"objectives": {7: "maximize"}}, "$.objectives"),
    "a goal as well": ({"objectives": {"a": "maximize"}, "goal": "maximize"}, "$.goal"),
    "an unknown goal alone": ({"goal": "up"}, "$.goal"),
    "weights for some": (
        {"objectives": {"a": at.Maximize(weight=1.0), "b": "minimize"}},
        "$.objectives",
    ),
    "a list of constraints": ({"constraints": [at.AtMost(1.0)]}, "$.constraints"),
    "a number as a bound": ({"constraints": {"a": 3.0}}, "$.constraints.a"),
    "text as a bound": ({"constraints": {"a": "<= 3"}}, "$.constraints.a"),
    "a class in place of a bound": ({"constraints": {"a": at.AtMost}}, "$.constraints.a"),
    "no bounds": ({"constraints": {"a": []}}, "$.constraints.a"),
    "none at all": ({"constraints": {"a": None}}, "$.constraints.a"),
    "two upper bounds": ({"constraints": {"a": [at.AtMost(1), at.AtMost(2)]}}, "$.constraints.a"),
    "three bounds": (
        {"constraints": {"a": [at.AtMost(1), at.AtLeast(0), at.AtMost(2)]}},
        "$.constraints.a",
    ),
    "bounds that cannot both hold": (
        {"constraints": {"a": [at.AtLeast(2), at.AtMost(1)]}},
        "$.constraints.a",
    ),
    "a constraint without a name": ({"constraints": {"": at.AtMost(1)}}, "$.constraints"),
    "a constraint with a number as a name": ({"constraints": {1: at.AtMost(1)}}, "$.constraints"),
    "constraints alone, with no goal of theirs": (
        {"objectives": {}, "constraints": {"a": at.AtMost(1)}},
        "$.objectives",
    ),
    "a seed that is too large": ({"seed": 2**128}, "$.seed"),
    "a seed that is a truth value": ({"seed": True}, "$.seed"),
    "settings that are a dict": ({"settings": {"retries": 2}}, "$.settings"),
}


@pytest.mark.parametrize(("wanted", "place"), WRONG.values(), ids=WRONG)
def test_a_wrong_problem_is_refused_by_its_place(wanted: dict[str, Any], place: str) -> None:
    with pytest.raises(errors.DefinitionError) as caught:
        at.Engine(SPACE, **wanted)

    assert isinstance(caught.value, ValueError)
    assert caught.value.place == place
    assert str(caught.value).startswith(f"{place}: got ")


@pytest.mark.parametrize("kind", [at.Maximize, at.Minimize])
@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"weight": 0.0}, "$.weight"),
        ({"weight": -1}, "$.weight"),
        ({"weight": math.nan}, "$.weight"),
        ({"weight": INF}, "$.weight"),
        ({"weight": True}, "$.weight"),
        ({"weight": "2"}, "$.weight"),
        ({"reference": math.nan}, "$.reference"),
        ({"reference": -INF}, "$.reference"),
        ({"reference": False}, "$.reference"),
        ({"reference": [1.0]}, "$.reference"),
    ],
)
def test_a_wrong_objective_is_refused_by_its_argument(
    kind: Any, arguments: dict[str, Any], place: str
) -> None:
    with pytest.raises(errors.DefinitionError) as caught:
        kind(**arguments)

    assert caught.value.place == place


@pytest.mark.parametrize("kind", [at.AtLeast, at.AtMost])
@pytest.mark.parametrize("bound", [math.nan, INF, -INF, None, "1", True, 10**400, [1.0]])
def test_a_wrong_bound_is_refused(kind: Any, bound: Any) -> None:
    with pytest.raises(errors.DefinitionError) as caught:
        kind(bound)

    assert caught.value.place == "$.bound"


def test_bounds_and_objectives_are_values() -> None:
    assert at.AtLeast(1) == at.AtLeast(1.0) != at.AtMost(1.0)
    assert at.Maximize(2) == at.Maximize(weight=2.0) != at.Minimize(weight=2.0)
    assert len({at.AtLeast(1), at.AtLeast(1.0), at.AtMost(np.float32(1.0))}) == 2
    with pytest.raises(AttributeError):
        at.AtLeast(1.0).bound = 2.0  # type: ignore[misc]


def test_what_was_passed_may_be_changed_afterwards() -> None:
    objectives: Any = {"loss": "minimize"}
    bounds: Any = [at.AtMost(1.0)]
    engine = engine_of(objectives=objectives, constraints={"size": bounds})
    before = engine.to_dict()

    objectives["more"] = "maximize"
    bounds.append(at.AtLeast(0.0))
    engine.objectives.clear()
    engine.constraints.clear()

    assert engine.to_dict() == before


# --- targets ---

WANTED: dict[str, Any] = {
    "objectives": {"loss": "minimize", "speed": "maximize"},
    "constraints": {"size": at.AtMost(4.0)},
}
WHOLE = {"loss": 1.0, "speed": 2.0, "size": 3.0}

TARGETS: dict[str, tuple[Any, str]] = {
    "one is missing": ({"loss": 1.0, "speed": 2.0}, "$.target.size"),
    "nothing": ({}, "$.target.loss"),
    "one too many": ({**WHOLE, "colour": 1.0}, "$.target.colour"),
    "a name that is no string": ({**WHOLE, 7: 1.0}, "$.target.7"),
    "text": ({**WHOLE, "speed": "2"}, "$.target.speed"),
    "none": ({**WHOLE, "speed": None}, "$.target.speed"),
    "a truth value": ({**WHOLE, "speed": True}, "$.target.speed"),
    "a list": ({**WHOLE, "speed": [2.0]}, "$.target.speed"),
    "a complex number": ({**WHOLE, "speed": 1j}, "$.target.speed"),
    "a number alone": (1.0, "$.target"),
    "numbers in order": ([1.0, 2.0, 3.0], "$.target"),
    "none at all": (None, "$.target"),
}


@pytest.mark.parametrize(("target", "place"), TARGETS.values(), ids=TARGETS)
def test_a_target_has_a_number_for_each_outcome_and_no_more(target: Any, place: str) -> None:
    engine = engine_of(**WANTED)
    suggestion = engine.suggest()
    before = engine.state

    with pytest.raises(errors.TargetError) as caught:
        engine.observe(suggestion, target)

    assert isinstance(caught.value, ValueError)
    assert caught.value.place == place
    assert engine.state is before


@pytest.mark.parametrize(
    "target",
    [
        {"size": 3, "speed": np.float32(2.0), "loss": np.array(1.0)},
        {"loss": np.int64(1), "speed": 2, "size": 3.0},
    ],
)
def test_a_target_may_have_numbers_of_any_kind_in_any_order(target: Any) -> None:
    engine = engine_of(**WANTED)
    engine.observe({"x": 1, "y": 0.5}, target)

    assert engine.observations[0].target == WHOLE
    assert list(engine.observations[0].target) == ["loss", "speed", "size"]
    assert {type(number) for number in engine.observations[0].target.values()} == {float}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("number", [math.nan, INF, -INF, 10**400])
def test_a_number_that_is_not_finite_is_a_failed_evaluation(name: str, number: float) -> None:
    engine = engine_of(**WANTED)
    suggestion = engine.suggest()

    assert engine.observe(suggestion, {**WHOLE, name: number}) == "failed"

    assert engine.failures[0].reason.startswith(f"the {name} is ")
    assert engine.observations == []


def test_one_outcome_with_a_name_may_be_told_by_it_or_alone() -> None:
    engine = engine_of(objectives={"loss": "minimize"})
    engine.observe(engine.suggest(), {"loss": 2.0})
    engine.observe(engine.suggest(), 1.0)

    assert engine.best().target == {"loss": 1.0}
    assert engine.observe(engine.suggest(), {"loss": INF}) == "failed"
    assert engine.failures[0].reason == "the loss is inf"
    assert reread(engine).state == engine.state


def test_the_same_target_in_another_form_is_the_same() -> None:
    engine = engine_of(**WANTED)
    engine.observe(engine.suggest(), WHOLE)

    assert engine.observe(0, dict(reversed(WHOLE.items()))) == "repeated"
    with pytest.raises(errors.ConflictError):
        engine.observe(0, {**WHOLE, "size": 3.5})


# --- standard deviations ---

DEVIATIONS: dict[str, tuple[Any, str]] = {
    "a number alone": (0.5, "$.std"),
    "an unknown outcome": ({"colour": 0.5}, "$.std.colour"),
    "a negative number": ({"loss": -0.5}, "$.std.loss"),
    "nan": ({"loss": math.nan}, "$.std.loss"),
    "infinity": ({"loss": INF}, "$.std.loss"),
    "text": ({"loss": "0.5"}, "$.std.loss"),
    "a truth value": ({"loss": True}, "$.std.loss"),
    "none": ({"loss": None}, "$.std.loss"),
    "a list": ([0.5, 0.5, 0.5], "$.std"),
}


@pytest.mark.parametrize("verb", ["observe", "amend"])
@pytest.mark.parametrize(("std", "place"), DEVIATIONS.values(), ids=DEVIATIONS)
def test_a_deviation_is_a_number_of_an_outcome(verb: str, std: Any, place: str) -> None:
    engine = engine_of(**WANTED)
    if verb == "amend":
        engine.observe(engine.suggest(), WHOLE)
    else:
        engine.suggest()
    before = engine.state

    with pytest.raises(errors.TargetError) as caught:
        getattr(engine, verb)(0, WHOLE, std)

    assert caught.value.place == place
    assert engine.state is before


@pytest.mark.parametrize("std", [-1.0, math.nan, INF, "0.5", True, [0.5], {"loss": 0.5}])
def test_a_deviation_of_one_outcome_is_a_number(std: Any) -> None:
    engine = engine_of()
    suggestion = engine.suggest()

    with pytest.raises(errors.TargetError) as caught:
        engine.observe(suggestion, 1.0, std)

    assert caught.value.place in ("$.std", "$.std.loss")


@pytest.mark.parametrize(
    ("wanted", "target", "std", "shown"),
    [
        ({}, 1.0, 0.5, 0.5),
        ({}, 1.0, 0, 0.0),
        ({}, 1.0, {"target": np.float32(0.5)}, 0.5),
        ({}, 1.0, {}, None),
        ({}, 1.0, None, None),
        ({"objectives": {"loss": "minimize"}}, 1.0, 0.5, {"loss": 0.5}),
        (WANTED, WHOLE, {"size": 1, "loss": 0.5}, {"loss": 0.5, "size": 1.0}),
        (WANTED, WHOLE, None, None),
    ],
)
def test_deviations_are_kept_and_shown(
    wanted: dict[str, Any], target: Any, std: Any, shown: Any
) -> None:
    engine = engine_of(**wanted)
    engine.observe(engine.suggest(), target, std=std)

    for one in (engine, reread(engine)):
        assert one.observations[0].std == shown
        assert one.best_observed().std == shown if one.state.problem.has_scale else True
        assert one.pareto()[0].std == shown
    assert reread(engine).state == engine.state
    assert ("std=" in repr(engine.observations[0])) == (shown is not None)


def test_the_same_target_with_another_deviation_is_another_result() -> None:
    engine = engine_of()
    engine.observe(engine.suggest(), 1.0, std=0.5)

    assert engine.observe(0, 1.0, std=0.5) == "repeated"
    for std in (None, 0.25):
        with pytest.raises(errors.ConflictError):
            engine.observe(0, 1.0, std=std)
    engine.amend(0, 1.0, std=0.25)
    assert engine.observations[0].std == 0.25


def test_a_batch_may_have_deviations() -> None:
    engine = engine_of()
    engine.suggest_batch(3)

    deliveries = engine.observe_batch([(0, 1.0), (1, 2.0, 0.5), (2, 3.0, -0.5), (2, 3.0, None)])

    assert [delivery.outcome for delivery in deliveries] == [
        "recorded",
        "recorded",
        "invalid",
        "recorded",
    ]
    assert isinstance(deliveries[2].error, errors.TargetError)
    assert [o.std for o in engine.observations] == [None, 0.5, None]


# --- the best ---


def test_what_holds_the_constraints_is_best_however_good_the_rest() -> None:
    engine = engine_of(constraints={"size": [at.AtLeast(0.0), at.AtMost(1.0)]})
    told(engine, [(9.0, 1.5), (1.0, 0.0), (2.0, 1.0), (8.0, -0.5)])

    best = engine.best()
    assert (best.params["x"], best.feasible) == (2, True)
    assert best.target == {"target": 2.0, "size": 1.0}
    assert [o.feasible for o in engine.observations] == [False, True, True, False]


@pytest.mark.parametrize(
    ("bounds", "number", "holds"),
    [
        (at.AtLeast(0.1), 0.1, True),
        (at.AtLeast(0.1), np.nextafter(0.1, 0.0), False),
        (at.AtMost(0.1), 0.1, True),
        (at.AtMost(0.1), np.nextafter(0.1, 1.0), False),
        ([at.AtLeast(0.1), at.AtMost(0.1)], 0.1, True),
        (at.AtMost(1e300), 1.7e308, False),
        (at.AtLeast(-1.7e308), -1.7e308, True),
        (at.AtLeast(0.0), -5e-324, False),
    ],
)
def test_bounds_hold_to_the_last_bit(bounds: Any, number: float, holds: bool) -> None:
    engine = told(engine_of(constraints={"size": bounds}), [(1.0, number)])

    assert engine.observations[0].feasible is holds
    assert engine.best().feasible is holds
    assert [o.feasible for o in engine.pareto()] == [True] * holds


def test_a_bound_may_be_on_the_objective() -> None:
    engine = told(
        engine_of(goal="minimize", constraints={"target": at.AtLeast(2.0)}),
        [(1.0,), (3.0,), (2.5,)],
    )

    assert (engine.best().target, engine.best().feasible) == (2.5, True)


ROWS: Rows = [
    (9.0, 4.0, 1.0),
    (1.0, 0.0, 100.0),
    (5.0, 1.0, 90.0),
    (2.0, 1.0, 90.0),
    (3.0, 2.0, 95.0),
]
"""Of these none holds ``a <= -1`` and ``b >= 120``; the spreads are 4 and 99."""


def test_where_none_holds_the_nearest_is_best() -> None:
    engine = told(engine_of(constraints={"a": at.AtMost(-1.0), "b": at.AtLeast(120.0)}), ROWS)
    nearest = min(
        range(5),
        key=lambda x: ((ROWS[x][1] + 1.0) / 4.0 + (120.0 - ROWS[x][2]) / 99.0, -ROWS[x][0]),
    )

    assert engine.best().params["x"] == nearest == 1
    assert not engine.best().feasible
    assert "breaks a constraint" in str(engine.best())
    assert "feasible=False" in repr(engine.best())


@settings(deadline=None, max_examples=50)
@given(
    order=st.permutations(range(5)),
    exponents=st.tuples(st.integers(-900, 900), st.integers(-900, 900)),
    minimised=st.booleans(),
)
def test_the_nearest_depends_neither_on_units_nor_on_arrival(
    order: list[int], exponents: tuple[int, int], minimised: bool
) -> None:
    a, b = (2.0**exponent for exponent in exponents)
    sign = -1.0 if minimised else 1.0
    rows = [(sign * one, a * two, b * three) for one, two, three in ROWS]
    engine = engine_of(
        goal="minimize" if minimised else "maximize",
        constraints={"a": at.AtMost(-1.0 * a), "b": at.AtLeast(120.0 * b)},
    )

    assert told(engine, rows, order).best().params["x"] == 1


def test_of_equally_near_ones_the_better_is_best_and_then_the_first_in_the_space() -> None:
    rows: Rows = [(1.0, 2.0), (4.0, 2.0), (4.0, 2.0), (9.0, 3.0)]
    for order in itertools.permutations(range(4)):
        engine = engine_of(constraints={"size": at.AtMost(1.0)})
        assert told(engine, rows, order).best().params["x"] == 1


def test_one_that_holds_the_constraints_replaces_the_nearest_and_gives_way_again() -> None:
    engine = told(engine_of(constraints={"size": at.AtMost(1.0)}), [(1.0, 2.0), (5.0, 3.0)])
    assert (engine.best().params["x"], engine.best().feasible) == (0, False)

    engine.observe({"x": 7, "y": 0.5}, {"target": -9.0, "size": 1.0})
    assert (engine.best().params["x"], engine.best().feasible) == (7, True)

    engine.amend({"x": 7, "y": 0.5}, {"target": -9.0, "size": 1.5})
    assert (engine.best().params["x"], engine.best().feasible) == (7, False)

    engine.forget({"x": 7, "y": 0.5})
    assert engine.best().params["x"] == 0


@pytest.mark.parametrize("huge", [1e300, -1e300])
def test_violations_that_are_huge_are_no_trouble(huge: float) -> None:
    engine = engine_of(constraints={"a": at.AtMost(-1.7e308), "b": at.AtLeast(1.7e308)})
    told(engine, [(1.0, 1.7e308, -1.7e308), (2.0, huge, -huge), (3.0, 0.0, 5e-324)])

    assert engine.best().feasible is False
    assert engine.best().params["x"] == (2 if huge > 0 else 1)


def test_replicates_hold_constraints_in_the_mean() -> None:
    options = at.Settings(replicates=True)
    engine = at.Engine(SPACE, settings=options, constraints={"size": at.AtMost(1.0)})
    for size in (0.0, 1.5):
        engine.observe({"x": 1, "y": 0.5}, {"target": 1.0, "size": size})
    engine.observe({"x": 2, "y": 0.5}, {"target": 0.5, "size": 0.5})

    best = engine.best_observed()
    assert (best.target, best.feasible) == ({"target": 1.0, "size": 0.75}, True)
    assert [o.feasible for o in engine.observations] == [True, False, True]


@pytest.mark.parametrize("verb", ["best", "best_observed"])
def test_several_objectives_need_weights_for_a_best(verb: str) -> None:
    engine = told(engine_of(objectives={"a": "maximize", "b": "minimize"}), [(1.0, 2.0)])

    with pytest.raises(errors.SeveralObjectivesError, match=r"weight.*pareto\(\)"):
        getattr(engine, verb)()
    with pytest.raises(errors.SeveralObjectivesError, match=r"predict\(\)"):
        engine.posterior([{"x": 1, "y": 0.5}])


def test_with_weights_the_best_has_the_greatest_weighted_sum() -> None:
    engine = engine_of(
        objectives={"a": at.Maximize(weight=2.0), "b": at.Minimize(weight=0.5)},
        constraints={"c": at.AtLeast(0.0)},
    )
    told(engine, [(1.0, 2.0, 0.0), (2.0, 9.0, 1.0), (1.5, 3.0, 0.5), (9.0, 0.0, -1.0)])

    assert [engine.state.problem.value(o.numbers) for o in engine.observations] == [
        1.0,
        -0.5,
        1.5,
        18.0,
    ]
    assert engine.best().params["x"] == 2


@pytest.mark.parametrize("wanted", [WANTED, {}])
def test_nothing_is_best_before_there_is_a_result(wanted: dict[str, Any]) -> None:
    engine = engine_of(**wanted)
    engine.fail(engine.suggest(), "no")

    if not wanted:
        with pytest.raises(errors.NothingObservedError):
            engine.best()
    with pytest.raises(errors.NothingObservedError):
        engine.predict([{"x": 1, "y": 0.5}])
    assert engine.pareto() == []
    assert engine.hypervolume() == 0.0


# --- the front ---

FRONTED: dict[str, Any] = {"objectives": {"a": "maximize", "b": "minimize"}}


def front(engine: at.Engine) -> list[int]:
    return [observation.params["x"] for observation in engine.pareto()]


def dominated(rows: Rows, x: int) -> bool:
    """Tell it from the definition, for a maximised and a minimised outcome."""
    a, b = rows[x]
    return any(c >= a and d <= b and (c, d) != (a, b) for c, d in rows)


NUMBERS = st.floats(-5.0, 5.0) | st.sampled_from([0.0, 1.0, 1e308, -1e308, 5e-324])


@settings(deadline=None, max_examples=100)
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=10), data=st.data())
def test_the_front_is_what_no_other_dominates(rows: Rows, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(rows))))

    found = front(told(engine_of(**FRONTED), rows, order))

    assert found == [x for x in order if not dominated(rows, x)]


def test_what_breaks_a_constraint_is_not_on_the_front_and_dominates_nothing() -> None:
    engine = engine_of(**FRONTED, constraints={"b": at.AtLeast(0.0), "c": at.AtMost(1.0)})
    told(engine, [(1.0, 1.0, 0.0), (9.0, 0.0, 2.0), (2.0, 2.0, 1.0), (9.0, -1.0, 0.0)])

    assert front(engine) == [0, 2]
    assert all(one.feasible for one in engine.pareto())


def test_with_one_objective_the_front_are_the_best() -> None:
    assert front(told(engine_of(), [(1.0,), (3.0,), (2.0,), (3.0,)])) == [1, 3]
    assert front(told(engine_of(goal="minimize"), [(1.0,), (3.0,)])) == [0]


def test_replicates_are_on_the_front_by_their_means() -> None:
    engine = at.Engine(SPACE, settings=at.Settings(replicates=True), **FRONTED)
    for a in (0.0, 4.0):
        engine.observe({"x": 1, "y": 0.5}, {"a": a, "b": 1.0})
    engine.observe({"x": 2, "y": 0.5}, {"a": 3.0, "b": 1.0})

    assert [one.target for one in engine.pareto()] == [{"a": 3.0, "b": 1.0}]


# --- the hypervolume ---

FRONT: Rows = [(1.0, 1.0), (2.0, 2.0), (4.0, 5.0), (0.0, 3.0)]


@pytest.mark.parametrize(
    ("reference", "volume"),
    [
        ({"a": 0.0, "b": 6.0}, 1.0 * 5.0 + 1.0 * 4.0 + 2.0 * 1.0),
        ({"b": 6, "a": -1}, 2.0 * 5.0 + 1.0 * 4.0 + 2.0 * 1.0),
        ({"a": 1.0, "b": 5.0}, 1.0 * 3.0),
        ({"a": 4.0, "b": 5.0}, 0.0),
        ({"a": 1e3, "b": -1e3}, 0.0),
    ],
)
def test_volume_up_to_a_reference_is_what_the_front_dominates(
    reference: dict[str, float], volume: float
) -> None:
    engine = told(engine_of(**FRONTED), FRONT)

    assert engine.hypervolume(reference) == pytest.approx(volume)
    assert at.hypervolume(engine.state, reference) == pytest.approx(volume)


def test_references_that_the_objectives_were_given_hold() -> None:
    objectives = {"a": at.Maximize(reference=0.0), "b": at.Minimize(reference=6.0)}
    engine = told(engine_of(objectives=objectives), FRONT)

    assert engine.hypervolume() == pytest.approx(11.0)
    assert engine.hypervolume({"a": -1.0, "b": 6.0}) == pytest.approx(16.0)


def test_references_are_inferred_from_the_front_where_none_is_given() -> None:
    # a tenth of its range beyond the worst of the front: 1 - 0.3 and 5 + 0.4
    inferred = told(engine_of(**FRONTED), FRONT).hypervolume()
    half = told(engine_of(objectives={"a": at.Maximize(reference=0.0), "b": "minimize"}), FRONT)

    assert inferred == pytest.approx(0.3 * 4.4 + 1.0 * 3.4 + 2.0 * 0.4)
    assert half.hypervolume() == pytest.approx(1.0 * 4.4 + 1.0 * 3.4 + 2.0 * 0.4)


def test_volume_of_three_objectives_leaves_out_what_breaks_a_constraint() -> None:
    engine = engine_of(
        objectives=dict.fromkeys("abc", "maximize"), constraints={"d": at.AtLeast(0.0)}
    )
    told(engine, [(1.0, 2.0, 3.0, 0.0), (2.0, 1.0, 3.0, 1.0), (9.0, 9.0, 9.0, -1.0)])

    assert engine.hypervolume(dict.fromkeys("abc", 0.0)) == pytest.approx(6.0 + 3.0)


def test_volume_of_one_objective_is_a_length() -> None:
    assert told(engine_of(goal="minimize"), [(1.0,), (3.0,)]).hypervolume({"target": 5.0}) == 4.0


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        (1.0, "$.reference"),
        ([0.0, 0.0], "$.reference"),
        ({"a": 0.0}, "$.reference.b"),
        ({"a": 0.0, "b": math.nan}, "$.reference.b"),
        ({"a": None, "b": 0.0}, "$.reference.a"),
        ({"a": 0.0, "b": 0.0, "size": 1.0}, "$.reference.size"),
    ],
)
def test_a_wrong_reference_is_refused_by_its_place(reference: Any, place: str) -> None:
    engine = engine_of(**FRONTED, constraints={"size": at.AtMost(1.0)})
    for _ in range(2):  # with and without a result
        with pytest.raises(errors.TargetError) as caught:
            engine.hypervolume(reference)
        assert caught.value.place == place
        engine.observe({"x": 0, "y": 0.5}, {"a": 0.0, "b": 0.0, "size": 0.0})


def test_a_volume_may_be_infinite() -> None:
    engine = told(engine_of(**FRONTED), [(1e308, -1e308), (1.0, -1.5e308)])

    assert engine.hypervolume({"a": -1e308, "b": 1e308}) == INF


# --- predictions ---


def test_every_outcome_is_predicted_in_its_own_unit() -> None:
    engine = engine_of(
        objectives={"loss": "minimize", "speed": "maximize"}, constraints={"size": at.AtMost(4.0)}
    )
    rows: Rows = [(1e-6 * (x - 4) ** 2, 1e4 * x, 3.0 + x / 10) for x in range(10)]
    told(engine, rows)

    predicted = engine.predict([o.params for o in engine.observations])

    assert list(predicted) == ["loss", "speed", "size"]
    for column, (means, deviations) in enumerate(predicted.values()):
        numbers = np.array([row[column] for row in rows])
        assert means.shape == deviations.shape == (10,)
        assert means == pytest.approx(numbers, abs=0.2 * float(numbers.std()))
        assert np.all(deviations > 0.0)
        assert np.all(deviations < 1.5 * numbers.std())
    assert at.predict(engine.state, [])["loss"][0].shape == (0,)


def test_the_posterior_is_the_prediction_of_the_only_objective() -> None:
    engine = engine_of(goal="minimize", constraints={"size": at.AtMost(4.0)})
    told(engine, [(float(x), 3.0 + x) for x in range(6)])
    probe = [{"x": 7, "y": 0.25}]

    predicted = engine.predict(probe)

    assert list(predicted) == ["target", "size"]
    assert engine.posterior(probe) == predicted["target"]


def test_predictions_change_nothing_and_are_checked() -> None:
    engine = told(engine_of(**FRONTED), FRONT)
    before = engine.state

    with pytest.raises(errors.ParamsError):
        engine.predict([{"x": 99, "y": 0.5}])
    engine.predict([{"x": 9, "y": 0.5}])

    assert engine.state is before


# --- all of it as a dict ---


@settings(deadline=None, max_examples=60)
@given(wanted=definitions(), data=st.data())
def test_any_study_survives_json(wanted: dict[str, Any], data: st.DataObject) -> None:
    engine = at.Engine(finite(), seed=2, settings=at.Settings(n_initial=100), **wanted)
    names = engine.state.problem.outcome_names
    numbers = st.fixed_dictionaries(dict.fromkeys(names, FINITE))
    some = st.none() | st.dictionaries(st.sampled_from(names), st.floats(0.0, 1e9))
    for suggestion in engine.suggest_batch(4):
        engine.observe(suggestion, data.draw(numbers), data.draw(some))
    engine.amend(1, data.draw(numbers), data.draw(some))

    again = reread(engine)

    assert again.state == engine.state
    assert again.to_dict() == engine.to_dict()
    for shown in ("observations", "objectives", "constraints", "trials"):
        assert repr(getattr(again, shown)) == repr(getattr(engine, shown))
    assert repr(again.pareto()) == repr(engine.pareto())
    assert again.hypervolume() == engine.hypervolume()
    assert again.suggest() == engine.suggest()


# --- the hypervolume over time ---


def test_hypervolume_after_each_observation_is_that_of_what_was_known_then() -> None:
    goals: dict[str, Any] = {"a": at.Maximize(reference=0.0), "b": at.Minimize(reference=10.0)}
    engine = engine_of(objectives=goals, constraints={"c": at.AtMost(1.0)})
    volumes = []
    for number, (a, b, c) in enumerate([(1, 9, 0), (3, 5, 2), (2, 8, 1), (1, 9, 1), (4, 4, 0)]):
        engine.observe({"x": number, "y": 0.5}, {"a": a, "b": b, "c": c})
        volumes.append(engine.hypervolume())

    assert engine.hypervolumes().tolist() == volumes == [1.0, 1.0, 4.0, 4.0, 24.0]


def test_inferred_reference_is_one_for_all_times() -> None:
    engine = engine_of(objectives={"a": "maximize", "b": "maximize"})
    for number, (a, b) in enumerate([(0, 1), (1, 0), (0.5, 0.5)]):
        engine.observe({"x": number, "y": 0.5}, {"a": a, "b": b})

    volumes = engine.hypervolumes()

    assert volumes.tolist() == sorted(volumes.tolist())
    assert volumes[-1] == pytest.approx(engine.hypervolume())


def test_replicates_count_with_the_mean_of_what_was_told_so_far() -> None:
    settings = at.Settings(replicates=True)
    goals: dict[str, Any] = {"a": at.Maximize(reference=0.0), "b": at.Maximize(reference=0.0)}
    engine = at.Engine(SPACE, settings=settings, objectives=goals)
    engine.observe({"x": 1, "y": 0.5}, {"a": 2.0, "b": 2.0})
    engine.observe({"x": 1, "y": 0.5}, {"a": 4.0, "b": 2.0})

    assert engine.hypervolumes().tolist() == [4.0, 6.0]


def test_without_observations_there_are_no_hypervolumes() -> None:
    assert engine_of(objectives={"a": "maximize", "b": "maximize"}).hypervolumes().shape == (0,)


def test_hypervolumes_need_a_reference_of_every_objective() -> None:
    engine = engine_of(objectives={"a": "maximize", "b": "maximize"})

    with pytest.raises(errors.TargetError, match=r"\$\.reference\.b"):
        engine.hypervolumes({"a": 1.0})


def test_weighted_sums_of_huge_numbers_compare() -> None:
    wanted: Any = {"a": at.Maximize(1.0), "b": at.Maximize(2.0), "c": at.Minimize(2.0)}
    engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0)), objectives=wanted)
    engine.observe({"x": 0.1}, {"a": 1.0, "b": -1e308, "c": -1e308})  # -2e308 + 2e308
    engine.observe({"x": 0.2}, {"a": 2.0, "b": -1e308, "c": -1e308})
    assert engine.best().params == {"x": 0.2}
    engine.observe({"x": 0.3}, {"a": 0.0, "b": 1e308, "c": -1e308})  # beyond all floats
    assert engine.best().params == {"x": 0.3}
    engine.observe({"x": 0.4}, {"a": 9.0, "b": -1e308, "c": 1e308})
    assert engine.best().params == {"x": 0.3}


def test_huge_violations_of_several_constraints_are_only_huge() -> None:
    limits: Any = {"b": at.AtLeast(1e308), "c": at.AtLeast(1e308)}
    space = at.Space(at.Float("x", 0.0, 1.0))
    engine = at.Engine(space, objectives={"a": "minimize"}, constraints=limits)
    engine.observe({"x": 0.1}, {"a": 1.0, "b": -1e308, "c": -1e308})
    assert engine.best().params == {"x": 0.1}
    engine.observe({"x": 0.2}, {"a": 1.0, "b": 1e308, "c": 0.0})
    assert engine.best().params == {"x": 0.2}
