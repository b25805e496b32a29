"""A space in which some values are fixed: what is left, and what cannot be together."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import finite, tree

import asktell as at
from asktell.errors import ParamsError
from asktell.space.axes import Some, Stretch
from asktell.space.narrowed import narrowed
from asktell.space.needs import checked_part

SEEDS = st.integers(0, 2**32 - 1)


def drawn(space: at.Space, fixed: dict[str, Any], n: int = 200, seed: int = 0) -> list[Any]:
    """Return n params drawn at random from what is left."""
    part = narrowed(space, fixed)
    points = part.domain.sample(np.random.default_rng(seed).random((n, space.dim)))
    return [space.params(values) for values in part.decode(points)]


FIXED: list[dict[str, Any]] = [
    {},
    {"model": "mlp"},
    {"model": "forest", "bias": True},
    {"dropout_3": 0.1},
    {"layers": 2},
    {"units_2": 77, "rate": 0.1},
    {"C": 1.0},
    {"trees": 17},
    {"momentum": 0.9},
    {"momentum": 0.9, "warm": 0.3},
    {"huge": 5},
    {"cold": 0.25},
]


@pytest.mark.parametrize("fixed", FIXED, ids=str)
def test_what_is_left_lies_in_the_space_and_has_what_is_fixed(fixed: dict[str, Any]) -> None:
    space = tree()
    for params in drawn(space, fixed):
        space.check(params)
        assert {name: params[name] for name in fixed} == fixed


@settings(deadline=None, max_examples=100)
@given(seed=SEEDS, keep=st.integers(0, 2**12 - 1))
def test_any_part_of_any_params_can_be_fixed(seed: int, keep: int) -> None:
    space = tree()
    (params,) = drawn(space, {}, 1, seed)
    fixed = {name: value for i, (name, value) in enumerate(params.items()) if keep >> i & 1}

    for one in drawn(space, fixed, 4, seed + 1):
        space.check(one)
        assert {name: one[name] for name in fixed} == fixed
    assert checked_part(space, fixed) == fixed


def test_a_search_begins_within_what_is_left() -> None:
    space = tree()
    part = narrowed(space, {"dropout_3": 0.1})
    (values,) = part.decode(part.domain.snap(part.domain.centre[None]))

    params = space.params(values)
    assert (params["model"], params["layers"], params["dropout_3"]) == ("mlp", 3, 0.1)


def test_nothing_fixed_is_the_whole_space() -> None:
    space = tree()
    for nothing in (None, {}):
        assert narrowed(space, nothing).domain is space.domain


def test_axes_are_no_wider_than_what_is_needed() -> None:
    space = tree()
    axes = narrowed(space, {"dropout_3": 0.1, "warm": 0.3}).domain.axes

    layers, rate = (axes[space.index[name]] for name in ("layers", "rate"))
    assert isinstance(layers, Some)
    assert layers.levels().tolist() == [2 / 3, 1.0]  # three layers and four
    assert isinstance(rate, Stretch)
    assert rate.size is None


REFUSED: dict[str, tuple[Any, str, str]] = {
    "no mapping": (3, "$", "a mapping"),
    "an unknown name": ({"modle": "svm"}, "$.modle", "did you mean model?"),
    "a name that is no string": ({7: 1}, "$.7", "only names"),
    "no value of it": ({"model": "tree"}, "$.model", "one of"),
    "out of range": ({"trees": 5}, "$.trees", "in [10, 500]"),
    "inactive beside another": ({"model": "svm", "layers": 2}, "$.layers", "only where model"),
    "inactive beside another, deeper": ({"model": "svm", "dropout_3": 0.1}, "$", "no layers"),
    "too few": ({"layers": 2, "dropout_3": 0.1}, "$.dropout_3", "layers is at least 3"),
    "of two branches": ({"C": 1.0, "layers": 2}, "$", "no model makes all of them active"),
    "a constraint": ({"x1": 0.9, "x2": 0.2}, "$", "x1 + x2 <= 1"),
}


@pytest.mark.parametrize(("fixed", "place", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_by_place(fixed: Any, place: str, expected: str) -> None:
    space = at.Space(
        *tree().parameters,
        at.Float("x1", 0.0, 1.0),
        at.Float("x2", 0.0, 1.0),
        constraints=[at.Linear({"x1": 1.0, "x2": 1.0}, at_most=1.0)],
    )
    for refuse in (narrowed, checked_part):
        with pytest.raises(ParamsError) as caught:
            refuse(space, fixed)
        assert caught.value.place == place
        assert expected in caught.value.expected


def test_bounds_on_a_continuum_hold_to_the_last_bit() -> None:
    for bound in (0.1, 0.3, 0.7, 1e-3, 1 / 3):
        for log in (False, True):
            space = at.Space(
                at.Float("rate", 1e-4, 1.0, log=log),
                at.Bool("low", when={"rate": at.AtMost(bound)}),
                at.Bool("high", when={"rate": at.AtLeast(bound)}),
                at.Bool("just", when={"rate": bound}),
            )
            for fixed in ({"low": True}, {"high": True}, {"rate": bound}, {"just": True}):
                for params in drawn(space, fixed, 50):
                    space.check(params)
                    assert all(params[name] == value for name, value in fixed.items())


def test_long_axes_are_not_laid_out() -> None:
    space = at.Space(
        at.Int("n", 0, 2**53 - 1), at.Bool("many", when={"n": at.AtLeast(2**52)}), at.Bool("b")
    )
    part = narrowed(space, {"many": True})

    assert part.domain.axes[0].size == 2**52
    assert all(params["n"] >= 2**52 for params in drawn(space, {"many": True}))


def test_few_of_very_many_levels() -> None:
    space = at.Space(at.Int("n", 0, 2**40), at.Bool("b", when={"n": [3, 2**40, 5]}))
    part = narrowed(space, {"b": True})
    assert isinstance(part.domain.axes[0], Some)
    assert {params["n"] for params in drawn(space, {"b": True})} == {3, 5, 2**40}


def test_values_that_are_fixed_keep_the_constraints_to_the_last_bit() -> None:
    x, y = at.Float("x", 0.1, 0.7), at.Float("y", 0.1, 0.7)
    space = at.Space(x, y, constraints=[at.Ordered("x", "y")])
    part = narrowed(space, {"x": 0.3})
    assert part.keeps((0.3, 0.3))
    assert not part.keeps((0.3, 0.29999999999999993))
    assert narrowed(space, None).keeps((0.3, 0.2))  # whoever decodes all of it has checked that
    state = at.State.start(space, settings=at.Settings(n_initial=3))
    for _ in range(9):
        state, (one,) = at.suggest(state, fixed={"x": 0.3})
        assert space.check(one.params) == one.configuration.values
        state = at.observe(state, one, -one.params["y"])  # the best lies on the constraint


def test_the_same_part_has_the_same_axes() -> None:
    fixed = {"layers": 2, "rate": 0.1}
    one, other = (narrowed(tree(), fixed).domain.axes for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != narrowed(tree(), {"layers": 3, "rate": 0.1}).domain.axes


# --- one by one ---


def all_rows(space: at.Space, fixed: dict[str, Any]) -> list[str]:
    rows = narrowed(space, fixed).rows(np.random.default_rng(3))
    return [json.dumps(space.params(values), sort_keys=True) for values in rows]


def test_every_configuration_comes_once() -> None:
    assert len(set(all_rows(finite(), {}))) == len(all_rows(finite(), {})) == 72
    rows = all_rows(finite(), {"a": 2, "d": False})
    assert len(set(rows)) == len(rows) == 12
    assert all(json.loads(row)["a"] == 2 for row in rows)


def test_what_is_not_active_makes_no_further_configurations() -> None:
    space = at.Space(
        at.Categorical("model", ["a", "b"]),
        at.Int("x", 1, 3, when={"model": "a"}),
        at.Int("y", 1, 5, when={"x": at.AtLeast(2)}),
        at.Bool("z"),
        constraints=[at.Forbidden({"x": 3, "y": [1, 2]}), at.Forbidden({"model": "b", "z": True})],
    )
    expected = set()
    for x, y, z in product([1, 2, 3], range(1, 6), [True, False]):
        params = {"model": "a", "x": x, "y": y, "z": z} if x > 1 else {"model": "a", "x": 1, "z": z}
        if not (x == 3 and y < 3):
            expected.add(json.dumps(params, sort_keys=True))
    expected.add(json.dumps({"model": "b", "z": False}, sort_keys=True))

    rows = all_rows(space, {})
    assert len(rows) == len(set(rows))
    assert set(rows) == expected
    assert all_rows(space, {"model": "b"}) == ['{"model": "b", "z": false}']


def test_a_continuum_is_drawn_from() -> None:
    space = at.Space(at.Bool("b"), at.Float("x", 0, 1), at.Float("y", 0, 1, when={"b": True}))
    rows = [json.loads(row) for row in all_rows(space, {})]
    assert [row["b"] for row in sorted(rows, key=lambda row: row["b"])] == [False, True]


def test_fixed_params_may_say_all() -> None:
    space = tree()
    assert narrowed(space, {"model": "svm"}).complete is None
    whole = {"model": "svm", "C": 1.0, "bias": True, "rate": 0.1, "huge": 5, "momentum": 0.1}
    whole |= {"cold": 0.5, "warm": 0.5}
    part = narrowed(space, whole)
    assert part.complete == space.check(whole)
    assert part.complete is not None
    assert part.agrees(part.complete)
