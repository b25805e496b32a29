"""Conditions worked out from trials: contradictions, and what nothing explains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import asktell as at
from asktell.integrations.discovery import Seen, conditions_of
from asktell.space.conditions import Between, OneOf, Where, where_of
from asktell.space.parameters import Parameter

KIND = at.Categorical("kind", ["line", "curve", "none"])
LAYERS = at.Int("layers", 1, 4)


def unit(*names: str) -> list[Parameter]:
    return [at.Float(name, 0.0, 1.0) for name in names]


def found(parameters: list[Parameter], *trials: dict[str, Any]) -> dict[str, Where | None]:
    known = {parameter.name: parameter for parameter in parameters}
    return conditions_of(known, [Seen(trial, is_whole=True) for trial in trials])


def where(**conditions: Any) -> Where:
    return where_of(conditions, "$")


def test_without_trials_all_parameters_are_always_active() -> None:
    assert found([KIND, *unit("x")]) == {"kind": None, "x": None}


def test_choices_decide() -> None:
    conditions = found(
        [KIND, *unit("slope", "power", "x")],
        {"kind": "line", "slope": 0.1, "x": 0.2},
        {"kind": "curve", "slope": 0.3, "power": 0.5, "x": 0.4},
        {"kind": "none", "x": 0.7},
    )
    assert conditions == {
        "kind": None,
        "slope": where(kind=["curve", "line"]),
        "power": where(kind="curve"),
        "x": None,
    }


def test_a_number_of_layers_decides_from_a_threshold_on() -> None:
    layers = [LAYERS, *unit("width_1", "width_2", "width_3")]
    all_of_it = {"layers": 4, "width_1": 0.1, "width_2": 0.2, "width_3": 0.3}
    one = {"layers": 1, "width_1": 0.5}
    assert found(layers, all_of_it, one)["width_3"] == where(layers=at.AtLeast(3))
    two = {"layers": 2, "width_1": 0.5, "width_2": 0.6}
    conditions = found(layers, all_of_it, one, two)
    assert conditions["width_2"] == where(layers=at.AtLeast(2))
    assert conditions["width_3"] == where(layers=at.AtLeast(3))


@pytest.mark.parametrize(
    ("active", "condition"),
    [
        ([1], Between(None, 1)),
        ([3, 4], Between(3, None)),
        ([2, 3], Between(2, 3)),
        ([1, 3], OneOf((1, 3))),
    ],
    ids=str,
)
def test_the_simplest_condition_on_an_integer(active: list[int], condition: Any) -> None:
    trials = [{"layers": n, **({"x": 0.5} if n in active else {})} for n in (1, 2, 3, 4)]
    assert found([LAYERS, *unit("x")], *trials)["x"] == Where((("layers", condition),))


def test_nested_branches() -> None:
    parameters = [KIND, at.Categorical("form", ["cubic", "root"]), *unit("a", "b", "c")]
    conditions = found(
        parameters,
        {"kind": "curve", "form": "cubic", "a": 0.1, "b": 0.3},
        {"kind": "curve", "form": "root", "b": 0.9},
        {"kind": "line", "c": 0.2},
        {"kind": "none"},
    )
    assert conditions["form"] == where(kind="curve")
    assert conditions["a"] == where(form="cubic")
    assert conditions["b"] == where(kind="curve")
    assert conditions["c"] == where(kind="line")


def test_two_conditions_at_once() -> None:
    parameters = [KIND, at.Bool("wide"), *unit("x")]
    trials = [
        {"kind": kind, "wide": wide, **({"x": 0.5} if kind == "line" and wide else {})}
        for kind in ("line", "curve", "none")
        for wide in (False, True)
    ]
    assert found(parameters, *trials)["x"] == where(kind="line", wide=True)


def test_of_two_explanations_the_nearer_until_it_is_contradicted() -> None:
    parameters = [KIND, at.Bool("shared"), *unit("x")]
    trials = [{"kind": "line", "shared": True, "x": 0.5}, {"kind": "curve", "shared": False}]
    assert found(parameters, *trials)["x"] == where(shared=True)
    trials.append({"kind": "line", "shared": False, "x": 0.1})
    assert found(parameters, *trials)["x"] == where(kind="line")


def test_switches_come_before_other_numbers() -> None:
    parameters = [KIND, *unit("shared", "x")]
    trials = [{"kind": "line", "shared": 0.1 * n, "x": 0.5} for n in range(5)]
    trials += [{"kind": "none", "shared": 0.5 + 0.1 * n} for n in range(5)]
    assert found(parameters, *trials)["x"] == where(kind="line")


def test_a_float_decides_once_chance_is_unlikely() -> None:
    def trials(n: int) -> list[dict[str, Any]]:
        return [{"depth": p / n, **({"x": 0.5} if p > 0.6 * n else {})} for p in range(n)]

    parameters = unit("depth", "x")
    assert "x" not in found(parameters, *trials(4))
    condition = found(parameters, *trials(40))["x"]
    assert condition == where(depth=at.AtLeast(0.6125))


def test_a_range_of_floats() -> None:
    trials = [{"depth": n / 40, **({"x": 0.5} if 10 <= n <= 30 else {})} for n in range(41)]
    ((name, condition),) = found(unit("depth", "x"), *trials)["x"].conditions  # type: ignore[union-attr]
    assert name == "depth"
    assert condition == Between(9.5 / 40, 30.5 / 40)


def test_what_nothing_explains_is_left_out_with_what_depends_on_it() -> None:
    parameters = [KIND, at.Bool("new"), *unit("y", "x")]
    conditions = found(
        parameters,
        {"kind": "line", "x": 0.1},
        {"kind": "line", "new": True, "y": 0.4, "x": 0.2},
        {"kind": "line", "new": False, "x": 0.2},
    )
    assert conditions == {"kind": None, "x": None}


def test_what_is_not_whole_says_what_is_there_and_not_what_is_absent() -> None:
    known: dict[str, Parameter] = {"kind": KIND, "slope": unit("slope")[0]}
    line = Seen({"kind": "line", "slope": 0.5}, is_whole=True)
    failed = Seen({"kind": "line"}, is_whole=False)
    assert conditions_of(known, [line, failed])["slope"] is None
    none = Seen({"kind": "none"}, is_whole=True)
    running = Seen({"kind": "curve", "slope": 0.5}, is_whole=False)
    conditions = conditions_of(known, [line, failed, none, running])
    assert conditions["slope"] == where(kind=["curve", "line"])


def test_what_never_was_there_is_not_explained() -> None:
    assert found([KIND, *unit("x")], {"kind": "line"}) == {"kind": None}


def test_the_order_within_trials_may_be_lost() -> None:
    conditions = found(
        [*unit("slope"), KIND],
        {"slope": 0.1, "kind": "line"},
        {"kind": "curve"},
        {"slope": 0.3, "kind": "line"},
    )
    assert conditions["slope"] == where(kind="line")


def test_parameters_that_come_together_never_decide_on_each_other() -> None:
    parameters = [KIND, at.Bool("a"), at.Bool("b")]
    conditions = found(
        parameters,
        {"kind": "line", "a": True, "b": True},
        {"kind": "line", "b": False, "a": True},
        {"kind": "none"},
    )
    assert conditions["a"] == conditions["b"] == where(kind="line")


def test_integers_as_large_as_they_come() -> None:
    wide = at.Int("wide", 2**53 - 40, 2**53)
    trials = [{"wide": 2**53 - n, **({"x": 0.5} if n < 3 else {})} for n in range(20)]
    condition = found([wide, *unit("x")], *trials)["x"]
    assert condition == Where((("wide", Between(2**53 - 2, None)),))


def test_conditions_of_random_trees_are_consistent_with_all_trials() -> None:
    """Whatever the space is, what is found agrees with every trial."""
    for seed in range(20):
        space, uniform = _random_space(seed), np.random.default_rng(seed).random
        rows = space.decode(space.sample(uniform((60, space.dim))))
        trials = [space.params(row) for row in rows]
        known = {parameter.name: parameter for parameter in space.parameters}
        conditions = conditions_of(known, [Seen(trial, is_whole=True) for trial in trials])
        seen = {name for trial in trials for name in trial}
        assert list(conditions) == [name for name in space.names if name in seen]
        for trial in trials:
            for name, condition in conditions.items():
                active = condition is None or all(
                    other in trial and one.holds(trial[other])
                    for other, one in condition.conditions
                )
                assert active == (name in trial)


def _random_space(seed: int) -> at.Space:
    random = np.random.default_rng([1, seed])
    parameters: list[Any] = [at.Categorical("root", ["a", "b", "c"])]
    for n in range(8):
        parent = parameters[random.integers(len(parameters))]
        if isinstance(parent, at.Categorical):
            chosen = random.choice(3, size=random.integers(1, 3), replace=False)
            when = {parent.name: [parent.choices[i] for i in chosen]}
        elif isinstance(parent, at.Int):
            when = {parent.name: at.AtLeast(int(random.integers(2, 5)))}
        else:
            when = None
        match random.integers(3):
            case 0:
                parameters.append(at.Categorical(f"p{n}", ["u", "v", "w"], when=when))
            case 1:
                parameters.append(at.Int(f"p{n}", 1, 4, when=when))
            case _:
                parameters.append(at.Float(f"p{n}", 0.0, 1.0, when=when))
    return at.Space(*parameters)
