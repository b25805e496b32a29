"""Studies over spaces with conditions: saved and read, asked and told, whatever depends on what."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from corrupting import GONE, replaced
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import QUICK, active_by_definition, conditional_spaces

import asktell as at
from asktell import errors
from asktell.errors import StateError

EXAMPLES = settings(deadline=None, max_examples=40)
FEW = settings(deadline=None, max_examples=5)
SEEDS = st.integers(0, 2**32)

EARLY = at.Settings(n_initial=2, n_candidates=32, n_starts=2)
"""The model has its say from the third suggestion on."""


def branches() -> at.Space:
    """Return a space of three branches, one of which is two deep, and a constraint in one."""
    return at.Space(
        at.Categorical("model", ["svm", "forest", "mlp"]),
        at.Float("C", 1e-3, 1e3, log=True, when={"model": "svm"}, default=1.0),
        at.Float("gamma", 1e-3, 1e3, log=True, when={"model": "svm"}, likely=[0.1, 10.0]),
        at.Int("trees", 10, 500, log=True, when={"model": ["forest"]}),
        at.Int("layers", 1, 4, when={"model": "mlp"}),
        at.Float("dropout", 0.0, 0.8, when={"layers": {"at_least": 2}, "bias": True}),
        at.Bool("bias"),
        constraints=[at.Forbidden({"model": "forest", "bias": True})],
    )


def worth(params: dict[str, Any]) -> float:
    """Return a target of any params: what they have, not where, so that order cannot matter."""
    numbers = [float(v) for v in params.values() if isinstance(v, int | float)]
    return round(len(params) + math.fsum(math.cos(number) for number in numbers), 6)


def through_json(state: at.State) -> at.State:
    return at.State.from_dict(json.loads(json.dumps(state.to_dict(), allow_nan=False)))


def next_of(state: at.State) -> Any:
    try:
        return at.suggest(state)[1]
    except at.SpaceExhausted:
        return "exhausted"


# --- any space with conditions ---


@EXAMPLES
@given(space=conditional_spaces())
def test_a_space_is_written_as_plain_values_and_read_again(space: at.Space) -> None:
    state = at.State.start(space, seed=1)

    again = through_json(state)

    assert again == state
    assert again.space == space
    assert repr(again.space) == repr(space)
    assert again.to_dict() == state.to_dict()


@FEW
@given(space=conditional_spaces(most=5), seed=SEEDS)
def test_suggestions_are_what_there_is_each_once_wherever_the_study_was_saved(
    space: at.Space, seed: int
) -> None:
    state, seen = at.State.start(space, seed=seed, settings=EARLY), set()
    for step in range(6):
        assert next_of(through_json(state)) == next_of(state)
        try:
            state, (suggestion,) = at.suggest(state)
        except at.SpaceExhausted:
            break
        params = suggestion.params
        assert set(params) == active_by_definition(space, params)
        assert space.check(params) == suggestion.configuration.values
        assert suggestion.origin in ("initial", "model")
        seen.add(suggestion.configuration.values)
        assert len(seen) == step + 1
        if step % 4 == 2:
            state = at.fail(state, suggestion, "no luck")
        elif step % 4 != 1:
            state = at.observe(state, suggestion, worth(params))
    assert through_json(state) == state


@FEW
@given(space=conditional_spaces(most=5), seed=SEEDS, order=st.permutations(range(6)))
def test_the_order_of_arrival_changes_neither_the_best_nor_what_is_suggested(
    space: at.Space, seed: int, order: list[int]
) -> None:
    start = at.State.start(space, seed=seed, settings=EARLY)
    state, suggestions = start, []
    while len(suggestions) < 6:
        try:
            state, (one,) = at.suggest(state)
        except at.SpaceExhausted:
            break
        suggestions.append(one.params)
    answers = []
    for arrival in (range(6), order):
        told = start
        for index in arrival:
            if index < len(suggestions):
                told = at.observe(told, suggestions[index], worth(suggestions[index]))
        best = at.best(told)
        assert best is not None
        answers.append((best.target, next_of(told)))
    assert answers[0] == answers[1]


@FEW
@given(space=conditional_spaces(most=5), seed=SEEDS)
def test_params_are_told_before_they_are_suggested_twice_and_late(
    space: at.Space, seed: int
) -> None:
    engine = at.Engine(space, seed=seed, settings=EARLY)
    first = engine.suggest()
    reordered = dict(reversed(first.params.items()))
    engine.observe(json.loads(json.dumps(reordered)), 1.0)
    before = engine.state
    for trial in (first, first.id, first.params):
        engine.observe(trial, 1.0)
    assert engine.state == before
    with pytest.raises(errors.ConflictError):
        engine.observe(first, 2.0)
    assert engine.state == before
    assert engine.pending == []
    assert engine.observations[0].params == first.params


# --- a space of branches ---


def test_every_branch_is_tried_and_the_best_one_found() -> None:
    engine = at.Engine(branches(), seed=5, settings=QUICK)
    tried = []
    for _ in range(24):
        suggestion = engine.suggest()
        tried.append(suggestion.params["model"])
        good = {"svm": 0.0, "forest": 1.0, "mlp": 3.0}[tried[-1]]
        engine.observe(suggestion, good - suggestion.params.get("dropout", 1.0) ** 2)

    assert set(tried) == {"svm", "forest", "mlp"}
    assert tried[-8:].count("mlp") >= 5
    best = engine.best()
    assert best is not None
    assert best.target > 2.9


def test_a_branch_that_always_fails_is_left() -> None:
    engine = at.Engine(branches(), seed=2, settings=QUICK)
    for _ in range(24):
        suggestion = engine.suggest()
        if suggestion.params["model"] == "mlp":
            engine.fail(suggestion, "out of memory")
        else:
            engine.observe(suggestion, math.log10(suggestion.params.get("C", 1.0)))

    assert {failure.params["model"] for failure in engine.failures} == {"mlp"}
    assert len(engine.failures) < 12
    assert {trial.tickets[0].origin for trial in engine.trials[12:]} == {"model"}


@pytest.mark.parametrize("target", [0.0, 1e300, -1e-300])
def test_results_of_one_branch_alone_and_all_equal_are_enough(target: float) -> None:
    engine = at.Engine(branches(), seed=3, settings=EARLY)
    for layers in (1, 2, 3, 4):
        engine.observe({"model": "mlp", "layers": layers, "bias": False}, target)

    suggestions = engine.suggest_batch(3)

    assert {one.origin for one in suggestions} <= {"initial", "model"}
    assert len({one.configuration.values for one in suggestions}) == 3


def test_predictions_are_for_params_of_any_branch() -> None:
    engine = at.Engine(branches(), seed=3, settings=EARLY)
    for layers in (1, 2, 3, 4):
        engine.observe({"model": "mlp", "layers": layers, "bias": False}, float(layers))

    known = {"model": "mlp", "layers": 4, "bias": False}
    other = {"model": "svm", "C": 1.0, "gamma": 1.0, "bias": False}
    ((means, deviations),) = engine.predict([known, other]).values()

    assert means[0] == pytest.approx(4.0, abs=0.5)
    assert deviations[1] > 2.0 * deviations[0]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "of another branch": (
        {"model": "svm", "C": 1.0, "gamma": 1.0, "bias": True, "layers": 1},
        "$.layers",
    ),
    "a parent missing": ({"C": 1.0, "gamma": 1.0, "bias": True}, "$.model"),
    "a child missing": ({"model": "svm", "C": 1.0, "bias": True}, "$.gamma"),
    "a grandchild missing": ({"model": "mlp", "layers": 2, "bias": True}, "$.dropout"),
    "a grandchild too many": (
        {"model": "mlp", "layers": 1, "bias": True, "dropout": 0.1},
        "$.dropout",
    ),
    "none for what is not active": (
        {"model": "mlp", "layers": 1, "bias": True, "dropout": None},
        "$.dropout",
    ),
    "a child out of bounds": ({"model": "svm", "C": 1e4, "gamma": 1.0, "bias": True}, "$.C"),
    "forbidden together": ({"model": "forest", "trees": 10, "bias": True}, "$"),
    "unknown": ({"model": "forest", "trees": 10, "bias": False, "Trees": 3}, "$.Trees"),
}
CALLS: dict[str, Callable[[at.Engine, Any], Any]] = {
    "observe": lambda engine, params: engine.observe(params, 1.0),
    "fail": lambda engine, params: engine.fail(params, "no"),
    "predict": lambda engine, params: engine.predict([params]),
    "amend": lambda engine, params: engine.amend(params, 1.0),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", WRONG)
def test_params_that_there_are_not_are_refused_by_place_and_change_nothing(
    call: str, wrong: str
) -> None:
    engine = at.Engine(branches(), seed=1)
    first = engine.suggest()
    engine.observe(first, 1.0)
    before = copy.deepcopy(engine.to_dict())
    params, place = WRONG[wrong]
    told = dict(params)

    with pytest.raises(errors.InvalidValueError) as caught:
        CALLS[call](engine, told)

    assert caught.value.place.endswith(place.removeprefix("$"))
    assert engine.to_dict() == before
    assert told == params


# --- as a dict ---

C, GAMMA, LAYERS, DROPOUT = 1, 2, 4, 5


def document() -> dict[str, Any]:
    """Return a study with two trials, whose space has constraints of every kind."""
    space = at.Space(
        *branches().parameters,
        *[at.Float(name, 0.0, 1.0) for name in "xyz"],
        constraints=[
            at.Linear({"x": 1.0, "y": -2.0}, at_least=-3.0),
            at.Ordered("layers", "trees"),
            at.Forbidden({"model": "svm", "C": at.AtLeast(100.0)}),
            at.Simplex("x", "y", "z", total=1.5),
        ],
    )
    state = at.State.start(space, seed=1)
    shares = {"x": 0.5, "y": 0.5, "z": 0.5}
    svm = {"model": "svm", "C": 1.0, "gamma": 1.0, "bias": True}
    state = at.observe(state, {**svm, **shares}, 1.0)
    return at.observe(state, {"model": "mlp", "layers": 1, "bias": True, **shares}, 2.0).to_dict()


def corrupted(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    return replaced(document(), path, value)


def test_the_dict_is_plain_and_says_what_the_space_is() -> None:
    whole = document()

    assert at.State.from_dict(json.loads(json.dumps(whole))).to_dict() == whole
    rows = whole["space"]["parameters"]
    assert rows[C]["when"] == {"model": ["svm"]}
    assert (rows[C]["default"], rows[GAMMA]["likely"]) == (1.0, [0.1, 10.0])
    assert rows[DROPOUT]["when"] == {"layers": {"at_least": 2.0}, "bias": [True]}
    assert whole["space"]["constraints"] == [
        {"linear": {"x": 1.0, "y": -2.0}, "at_least": -3.0},
        {"ordered": ["layers", "trees"]},
        {"forbidden": {"model": ["svm"], "C": {"at_least": 100.0}}},
        {"simplex": ["x", "y", "z"], "total": 1.5},
    ]
    assert set(whole["events"][1]["params"]) == {"model", "layers", "bias", "x", "y", "z"}


ROW = "$.space.parameters"
LIMIT = "$.space.constraints"


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("space", "parameters", C, "when"), GONE, f"{ROW}[1].when"),
        (("space", "parameters", C, "when"), {}, f"{ROW}[1].when"),
        (("space", "parameters", C, "when"), [], f"{ROW}[1].when"),
        (("space", "parameters", C, "when"), "model", f"{ROW}[1].when"),
        (("space", "parameters", C, "when"), {"C": 1.0}, "$.space.parameters"),
        (("space", "parameters", C, "when"), {"nodel": "svm"}, f"{ROW}[1].when.nodel"),
        (("space", "parameters", C, "when", "model"), [], f"{ROW}[1].when.model"),
        (("space", "parameters", C, "when", "model"), [[1]], f"{ROW}[1].when.model[0]"),
        (("space", "parameters", C, "when", "model"), ["nn"], f"{ROW}[1].when.model[0]"),
        (("space", "parameters", C, "when", "model"), [None], f"{ROW}[1].when.model[0]"),
        (("space", "parameters", C, "when", "model"), {"at_least": 1}, f"{ROW}[1].when.model"),
        (
            ("space", "parameters", DROPOUT, "when", "layers"),
            {"at_least": 5},
            f"{ROW}[5].when.layers",
        ),
        (
            ("space", "parameters", DROPOUT, "when", "layers", "at_least"),
            "2",
            f"{ROW}[5].when.layers.at_least",
        ),
        (
            ("space", "parameters", DROPOUT, "when", "layers", "atleast"),
            2,
            f"{ROW}[5].when.layers.atleast",
        ),
        (("space", "parameters", C, "default"), GONE, f"{ROW}[1].default"),
        (("space", "parameters", C, "default"), "1", f"{ROW}[1].default"),
        (("space", "parameters", C, "default"), 1e4, f"{ROW}[1].default"),
        (("space", "parameters", GAMMA, "likely"), GONE, f"{ROW}[2].likely"),
        (("space", "parameters", GAMMA, "likely"), {}, f"{ROW}[2].likely"),
        (("space", "parameters", GAMMA, "likely"), [1.0, 1e4], f"{ROW}[2].likely[1]"),
        (("space", "parameters", GAMMA, "likely"), [None], f"{ROW}[2].likely[0]"),
        (("space", "constraints"), GONE, LIMIT),
        (("space", "constraints"), {}, LIMIT),
        (("space", "constraints", 0), None, f"{LIMIT}[0]"),
        (("space", "constraints", 0), {}, f"{LIMIT}[0]"),
        (("space", "constraints", 0, "linear"), [], f"{LIMIT}[0].linear"),
        (("space", "constraints", 0, "linear", "x"), 0, f"{LIMIT}[0].linear.x"),
        (("space", "constraints", 0, "at_least"), GONE, f"{LIMIT}[0].at_most"),
        (("space", "constraints", 0, "at_least"), math.nan, f"{LIMIT}[0].at_least"),
        (("space", "constraints", 0, "atmost"), 1.0, f"{LIMIT}[0].atmost"),
        (("space", "constraints", 1, "ordered"), "ab", f"{LIMIT}[1].ordered"),
        (("space", "constraints", 1, "ordered", 1), 3, f"{LIMIT}[1].ordered[1]"),
        (("space", "constraints", 2, "forbidden", "C"), {}, f"{LIMIT}[2].forbidden.C"),
        (
            ("space", "constraints", 2, "forbidden", "model"),
            ["x"],
            f"{LIMIT}[2].forbidden.model[0]",
        ),
        (("space", "constraints", 3, "total"), "1", f"{LIMIT}[3].total"),
        (("events", 0, "params", "C"), GONE, "$.events[0].params.C"),
        (("events", 0, "params", "layers"), 1, "$.events[0].params.layers"),
        (("events", 0, "params", "model"), "mlp", "$.events[0].params.C"),
        (("events", 0, "params", "C"), 100.0, "$.events[0].params"),
        (("events", 0, "params", "x"), 0.51, "$.events[0].params"),
        (("events", 1, "params", "dropout"), None, "$.events[1].params.dropout"),
    ],
)
def test_a_fault_of_the_dict_is_reported_by_its_place(
    path: tuple[Any, ...], value: Any, place: str
) -> None:
    with pytest.raises(StateError) as caught:
        at.State.from_dict(corrupted(path, value))

    assert caught.value.place == place
