"""Outcomes that are known without an evaluation: no model of them, and nothing left to chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spaces import QUICK, every_kind

import asktell as at
from asktell import errors
from asktell.asking.known import given_of
from asktell.store import Store

LINE = at.Space(at.Int("n", 0, 60))
CONSTRAINED: dict[str, Any] = {
    "objectives": {"size": "minimize"},
    "constraints": {"accuracy": at.AtLeast(0.7)},
}


def size(params: Mapping[str, Any]) -> float:
    return float(params["n"])


def accuracy(params: Mapping[str, Any]) -> float:
    return 1.0 - math.exp(-params["n"] / 20.0)


def engine_of(space: at.Space = LINE, **wanted: Any) -> at.Engine:
    return at.Engine(space, seed=4, settings=QUICK, **wanted)


def told(engine: at.Engine, *numbers: int) -> at.Engine:
    for n in numbers:
        params = {"n": n}
        engine.observe(params, {"size": size(params), "accuracy": accuracy(params)})
    return engine


KNOWN = {"size": size}


# --- what it finds ---


def test_where_all_is_feasible_the_least_free_configuration_is_next() -> None:
    engine = engine_of(**CONSTRAINED)
    for n in (60, 47, 31, 20, 11):
        engine.observe({"n": n}, {"size": float(n), "accuracy": 0.99})

    suggested = [engine.suggest(known=KNOWN) for _ in range(3)]

    assert [s.params["n"] for s in suggested] == [0, 1, 2]
    assert {s.origin for s in suggested} == {"model"}


def test_the_least_configuration_that_is_likely_feasible_is_found_at_once() -> None:
    engine = told(engine_of(**CONSTRAINED), 0, 10, 20, 30, 45, 60)

    suggestion = engine.suggest(known=KNOWN)
    engine.observe(
        suggestion, {"size": size(suggestion.params), "accuracy": accuracy(suggestion.params)}
    )
    for _ in range(3):
        suggestion = engine.suggest(known=KNOWN)
        told(engine, suggestion.params["n"])

    assert engine.best().feasible
    assert engine.best().target["size"] == min(n for n in range(61) if accuracy({"n": n}) >= 0.7)


def test_nothing_is_suggested_that_is_known_to_be_no_better() -> None:
    engine = told(engine_of(**CONSTRAINED), 0, 10, 30, 45, 60)

    for _ in range(5):
        best = engine.best().target["size"]
        suggestion = engine.suggest(known=KNOWN)
        assert suggestion.params["n"] < best
        told(engine, suggestion.params["n"])


def test_a_known_constraint_is_never_broken_while_there_is_a_choice() -> None:
    space = at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 0, 20))
    engine = engine_of(space, goal="maximize", constraints={"cost": at.AtMost(10.0)})

    def cost(params: Mapping[str, Any]) -> float:
        return 5.0 * params["x"] + params["n"]

    for step in range(14):
        suggestion = engine.suggest(known={"cost": cost})
        if step >= 5:
            assert cost(suggestion.params) <= 10.0
        value = suggestion.params["x"] + suggestion.params["n"]
        engine.observe(suggestion, {"target": value, "cost": cost(suggestion.params)})
    assert engine.best().target["target"] > 9.5


def test_where_all_is_known_the_best_is_next() -> None:
    space = at.Space(at.Int("a", 0, 9), at.Int("b", 0, 9))
    known: Any = {
        "value": lambda params: float(3 * params["a"] + 2 * params["b"]),
        "weight": lambda params: float(params["a"] ** 2 + params["b"] ** 2),
    }
    engine = engine_of(
        space, objectives={"value": "maximize"}, constraints={"weight": at.AtMost(50.0)}
    )
    for a in range(5):
        params = {"a": a, "b": 0}
        engine.observe(params, {name: known[name](params) for name in ("value", "weight")})

    suggestion = engine.suggest(known=known)

    rows = [{"a": a, "b": b} for a in range(10) for b in range(10)]
    best = max(known["value"](row) for row in rows if known["weight"](row) <= 50.0)
    assert known["value"](suggestion.params) == best
    assert known["weight"](suggestion.params) <= 50.0


@pytest.mark.parametrize("several", [2, 3, 4])
def test_one_of_several_objectives_may_be_known(several: int) -> None:
    objectives: Any = {"size": "minimize"}
    objectives |= {f"score {i}": "maximize" for i in range(1, several)}
    engine = engine_of(objectives=objectives)

    def target(params: dict[str, Any]) -> dict[str, float]:
        scores = {f"score {i}": accuracy(params) * i for i in range(1, several)}
        return {"size": size(params), **scores}

    for _ in range(10):
        suggestion = engine.suggest(known=KNOWN)
        engine.observe(suggestion, target(suggestion.params))

    assert {s.origin for s in engine.trials} == {"initial", "model"}
    assert len(engine.pareto()) == 10  # every size is on the front


def test_where_nothing_can_be_gained_the_rest_is_suggested_all_the_same() -> None:
    engine = engine_of(**CONSTRAINED)
    for n in (0, 1, 2, 3, 4, 5):
        engine.observe({"n": n}, {"size": float(n), "accuracy": 0.99})

    rest = {engine.suggest(known=KNOWN).params["n"] for _ in range(55)}

    assert rest == set(range(6, 61))
    with pytest.raises(at.SpaceExhausted):
        engine.suggest(known=KNOWN)


@pytest.mark.parametrize("scale", [1e300, 1e-300, -1e300, 0.0])
def test_what_is_known_may_be_huge_tiny_or_constant(scale: float) -> None:
    engine = engine_of(**CONSTRAINED)
    for n in (0, 10, 30, 45, 60):
        engine.observe({"n": n}, {"size": scale * n / 60, "accuracy": accuracy({"n": n})})

    suggestions = engine.suggest_batch(4, known={"size": lambda params: scale * params["n"] / 60})

    assert all(LINE.check(s.params) for s in suggestions)


# --- exact and repeatable ---


def test_the_same_is_suggested_again_to_the_last_bit() -> None:
    state = told(engine_of(**CONSTRAINED), 0, 10, 30, 45, 60).state

    first = at.suggest(state, 4, known=KNOWN)
    again = at.suggest(at.State.from_dict(state.to_dict()), 4, known={"size": size})

    assert again == first
    one_by_one = []
    for _ in range(4):
        state, (suggestion,) = at.suggest(state, known=KNOWN)
        one_by_one.append(suggestion)
    assert one_by_one == first[1]


def test_functions_are_asked_about_params_of_the_space_alone() -> None:
    space, asked = every_kind(), []

    def watched(params: Any) -> float:
        asked.append(space.check(params))
        params.clear()  # a dict of its own
        return float(len(asked))

    engine = engine_of(space, constraints={"size": at.AtMost(10.0)})
    engine.suggest(known={"size": watched})
    assert not asked  # the initial design asks nobody

    for suggestion in engine.suggest_batch(5):
        engine.observe(suggestion, {"target": 1.0, "size": 1.0})
    engine.suggest(known={"size": watched})

    assert len(asked) > 50
    assert len(set(asked)) == len(asked)  # each once


def test_a_study_may_begin_without_what_is_known_and_the_other_way_round() -> None:
    engine = told(engine_of(**CONSTRAINED), 0, 10, 30, 45, 60)

    origins = []
    for known in (None, KNOWN, {}, KNOWN, None):
        suggestion = engine.suggest(known=known)
        origins.append(suggestion.origin)
        told(engine, suggestion.params["n"])

    assert origins == ["model"] * 5
    assert engine.state.fit is not None
    assert list(engine.predict([{"n": 3}])) == ["size", "accuracy"]


def test_a_store_takes_what_is_known(tmp_path: Path) -> None:
    engine = told(engine_of(**CONSTRAINED), 0, 10, 30, 45, 60)
    store = Store(tmp_path / "study.json")
    store.create(engine.state)

    assert store.suggest(3, known=KNOWN) == engine.suggest_batch(3, known=KNOWN)
    assert store.read() == engine.state


# --- what is refused ---


def no_function(params: Any) -> Any:
    raise RuntimeError("out of order")


WRONG: dict[str, tuple[Any, str]] = {
    "no mapping": ([size], "$.known"),
    "a function": (size, "$.known"),
    "an unknown outcome": ({"colour": size}, "$.known.colour"),
    "a name that is no string": ({7: size}, "$.known.7"),
    "no function": ({"size": 3.0}, "$.known.size"),
    "none": ({"size": None}, "$.known.size"),
    "nan": ({"size": lambda params: math.nan}, "$.known.size"),
    "infinity": ({"size": lambda params: math.inf}, "$.known.size"),
    "text": ({"size": lambda params: "3"}, "$.known.size"),
    "nothing": ({"size": lambda params: None}, "$.known.size"),
    "a truth value": ({"size": lambda params: True}, "$.known.size"),
}


@pytest.mark.parametrize(("known", "place"), WRONG.values(), ids=WRONG)
def test_what_is_wrongly_known_is_refused_by_its_place(known: Any, place: str) -> None:
    engine = told(engine_of(**CONSTRAINED), 0, 10, 30, 45, 60)
    before = engine.state

    with pytest.raises(errors.DefinitionError) as caught:
        engine.suggest(known=known)

    assert isinstance(caught.value, ValueError)
    assert caught.value.place == place
    assert engine.state is before


def test_what_a_function_raises_comes_through_and_changes_nothing() -> None:
    engine = told(engine_of(**CONSTRAINED), 0, 10, 30, 45, 60)
    before = engine.state

    with pytest.raises(RuntimeError, match="out of order"):
        engine.suggest_batch(2, known={"size": no_function})

    assert engine.state is before


def test_what_is_known_of_no_points_is_a_table_without_rows() -> None:
    """A search over many axes asks for it where no two moves go together."""
    given = given_of(at.State.start(LINE, 4, **CONSTRAINED).problem, {"size": size})
    assert given(np.empty((0, 1))).shape == (0, 1)
    assert given(np.array([[0.0], [1.0]])).shape == (2, 1)


def test_among_many_choices_of_known_cost_what_costs_less_is_found() -> None:
    names = [f"x{i}" for i in range(40)]
    space = at.Space(*(at.Ordinal(name, list(range(1, 9))) for name in names))
    limits: Any = {"accuracy": at.AtLeast(0.9)}
    engine = at.Engine(
        space,
        seed=1,
        objectives={"cost": "minimize"},
        constraints=limits,
        settings=at.Settings(n_initial=2),
    )

    def cost(params: Any) -> float:
        return float(sum(params.values()))  # of random params, 180 or so

    for level in (8, 2):
        params = dict.fromkeys(names, level)
        engine.observe(params, {"cost": cost(params), "accuracy": 0.95})
    for known in ({"cost": cost}, {"cost": at.SumOf({n: _own(n) for n in names})}):
        assert cost(engine.suggest(known=known).params) < 80.0


def _own(name: str) -> Any:
    return lambda params: float(params[name])
