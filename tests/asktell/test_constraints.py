"""Known constraints as data: what they are made of, what keeps them, and what is refused."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import asktell as at
from asktell.errors import DefinitionError
from asktell.space.constraints import (
    Constraint,
    Forbidden,
    Linear,
    Ordered,
    Simplex,
    constraint_of,
    plain_constraint,
)

EXAMPLES = settings(deadline=None, max_examples=100)

NAMES = st.text(min_size=1, max_size=3)
NUMBERS = st.floats(-1e9, 1e9)
FACTORS = NUMBERS.filter(bool)


@st.composite
def linears(draw: st.DrawFn) -> Linear:
    low, high = sorted([draw(NUMBERS), draw(NUMBERS)])
    bounds = draw(
        st.sampled_from([{"at_least": low}, {"at_most": high}, {"at_least": low, "at_most": high}])
    )
    return Linear(draw(st.dictionaries(NAMES, FACTORS, min_size=1, max_size=4)), **bounds)


SEVERAL = st.lists(NAMES, min_size=2, max_size=4, unique=True)
CONSTRAINTS = st.one_of(
    linears(),
    SEVERAL.map(lambda names: Ordered(*names)),
    st.builds(lambda names, total: Simplex(*names, total=total), SEVERAL, NUMBERS),
    st.dictionaries(
        NAMES,
        st.one_of(
            st.booleans(), NAMES, NUMBERS.map(at.AtLeast), st.lists(NAMES, min_size=1, unique=True)
        ),
        min_size=1,
        max_size=3,
    ).map(Forbidden),
)


# --- any constraint ---


@EXAMPLES
@given(constraint=CONSTRAINTS)
def test_a_constraint_is_made_again_from_its_plain_values(constraint: Constraint) -> None:
    document = json.loads(json.dumps(plain_constraint(constraint), allow_nan=False))

    again = constraint_of(document, "$")
    assert again == constraint
    assert hash(again) == hash(constraint)
    assert plain_constraint(again) == plain_constraint(constraint)


@EXAMPLES
@given(constraint=linears(), data=st.data())
def test_a_sum_is_held_within_its_bounds(constraint: Linear, data: st.DataObject) -> None:
    params = {name: data.draw(NUMBERS) for name in constraint.names}
    total = sum(number * params[name] for name, number in constraint.coefficients)
    near = 1e-6 * max(abs(number * params[name]) for name, number in constraint.coefficients)
    low = -np.inf if constraint.at_least is None else constraint.at_least
    high = np.inf if constraint.at_most is None else constraint.at_most
    assume(min(abs(total - low), abs(total - high)) > near)

    assert constraint.holds(params) is bool(low <= total <= high)


@EXAMPLES
@given(numbers=st.lists(st.integers(-3, 3), min_size=2, max_size=4))
def test_order_is_kept_by_numbers_that_do_not_decrease(numbers: list[int]) -> None:
    names = [f"x{i}" for i in range(len(numbers))]

    held = Ordered(*names).holds(dict(zip(names, numbers, strict=True)))

    assert held is (numbers == sorted(numbers))


@EXAMPLES
@given(shares=st.lists(st.floats(1e-3, 1.0), min_size=2, max_size=6), total=st.floats(0.1, 1e6))
def test_shares_keep_a_sum_but_for_rounding(shares: list[float], total: float) -> None:
    names = [f"x{i}" for i in range(len(shares))]
    params = {n: total * s / sum(shares) for n, s in zip(names, shares, strict=True)}
    simplex = Simplex(*names, total=total)

    assert simplex.holds(params)
    assert not simplex.holds({**params, "x0": params["x0"] + 1e-6 * total})
    assert not simplex.holds({**params, "x1": params["x1"] - 1e-6 * total})


# --- what they say ---


def test_rounding_of_a_sum_is_forgiven() -> None:
    assert Linear({"x": 1, "y": 1}, at_most=0.3).holds({"x": 0.1, "y": 0.2})
    assert Linear({"x": -1, "y": -1}, at_least=-0.3).holds({"x": 0.1, "y": 0.2})
    assert not Linear({"x": 1, "y": 1}, at_most=0.3).holds({"x": 0.1, "y": 0.200001})
    assert Linear({"x": 3}, at_least=0.0).holds({"x": 0})


def test_what_is_forbidden_is_all_of_it_together() -> None:
    forbidden = Forbidden({"model": "svm", "bias": True, "depth": at.AtLeast(3)})

    assert not forbidden.holds({"model": "svm", "bias": True, "depth": 3})
    assert forbidden.holds({"model": "svm", "bias": True, "depth": 2})
    assert forbidden.holds({"model": "mlp", "bias": True, "depth": 3})
    assert forbidden.holds({"model": "svm", "bias": False, "depth": 3})


@pytest.mark.parametrize(
    ("constraint", "plain", "said"),
    [
        (
            Linear({"x": 1, "y": np.float64(-2.5)}, at_most=1),
            {"linear": {"x": 1.0, "y": -2.5}, "at_most": 1.0},
            "x - 2.5 y <= 1",
        ),
        (
            Linear(MappingProxyType({"x": 2}), at_least=0.5),
            {"linear": {"x": 2.0}, "at_least": 0.5},
            "2 x >= 0.5",
        ),
        (
            Linear({"x": 1, "y": 1}, 1, 2),
            {"linear": {"x": 1.0, "y": 1.0}, "at_least": 1.0, "at_most": 2.0},
            "1 <= x + y <= 2",
        ),
        (
            Linear({"x": 1, "y": 1}, 1, 1),
            {"linear": {"x": 1.0, "y": 1.0}, "at_least": 1.0, "at_most": 1.0},
            "x + y = 1",
        ),
        (Ordered("a", "b", "c"), {"ordered": ["a", "b", "c"]}, "a <= b <= c"),
        (
            Forbidden({"m": "svm", "d": at.AtMost(2)}),
            {"forbidden": {"m": ["svm"], "d": {"at_most": 2.0}}},
            "never m is 'svm' and d is at most 2",
        ),
        (Simplex("a", "b"), {"simplex": ["a", "b"], "total": 1.0}, "a + b = 1"),
        (Simplex("a", "b", total=100), {"simplex": ["a", "b"], "total": 100.0}, "a + b = 100"),
    ],
)
def test_a_constraint_as_plain_values_and_as_a_formula(
    constraint: Constraint, plain: dict[str, Any], said: str
) -> None:
    assert plain_constraint(constraint) == plain
    assert constraint_of(plain, "$") == constraint
    assert str(constraint) == said


def test_plain_values_may_leave_out_what_has_a_default() -> None:
    assert constraint_of({"simplex": ("a", "b")}, "$") == Simplex("a", "b")
    assert constraint_of({"forbidden": {"m": "svm"}}, "$") == Forbidden({"m": ["svm"]})


# --- what is refused ---

NAME = "a name: a string that is not empty"


@pytest.mark.parametrize(
    ("define", "place", "expected"),
    [
        (lambda: Linear({}, at_most=1), "$.linear", "a mapping from names to numbers"),
        (lambda: Linear([("x", 1)], at_most=1), "$.linear", "a mapping from names to numbers"),
        (lambda: Linear({"x": 0}, at_most=1), "$.linear.x", "a finite number that is not 0"),
        (lambda: Linear({"x": True}, at_most=1), "$.linear.x", "a finite number that is not 0"),
        (lambda: Linear({"x": "1"}, at_most=1), "$.linear.x", "a finite number that is not 0"),
        (lambda: Linear({"x": np.nan}, at_most=1), "$.linear.x", "a finite number that is not 0"),
        (lambda: Linear({1: 1}, at_most=1), "$.linear.1", NAME),
        (lambda: Linear({"x": 1}), "$.at_most", "a bound: at_least, at_most, or both"),
        (lambda: Linear({"x": 1}, at_most="1"), "$.at_most", "a finite number"),
        (lambda: Linear({"x": 1}, at_least=np.inf), "$.at_least", "a finite number"),
        (lambda: Linear({"x": 1}, 2, 1), "$.at_most", "a number >= at_least = 2.0"),
        (lambda: Ordered(), "$.ordered", "two or more names"),
        (lambda: Ordered("x"), "$.ordered", "two or more names"),
        (lambda: Ordered("x", 2), "$.ordered[1]", NAME),
        (lambda: Ordered("x", "y", "x"), "$.ordered[2]", "a name not used before"),
        (lambda: Ordered(["x", "y"]), "$.ordered[0]", NAME),
        (lambda: Simplex("x"), "$.simplex", "two or more names"),
        (lambda: Simplex("x", ""), "$.simplex[1]", NAME),
        (lambda: Simplex("x", "y", total=None), "$.total", "a finite number"),
        (lambda: Forbidden({}), "$.forbidden", "a mapping from names"),
        (lambda: Forbidden({"x": []}), "$.forbidden.x", "at least one value"),
    ],
)
def test_what_is_no_constraint_is_refused_by_place(define: Any, place: str, expected: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        define()

    assert caught.value.place == place
    assert caught.value.expected.startswith(expected)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (None, "$.c"),
        ([], "$.c"),
        ({}, "$.c"),
        ("linear", "$.c"),
        ({"linaer": {"x": 1}}, "$.c"),
        ({"linear": {"x": 1}, "ordered": ["x", "y"]}, "$.c"),
        ({"linear": {"x": 1}}, "$.c.at_most"),
        ({"linear": {"x": 1}, "at_mots": 1}, "$.c.at_mots"),
        ({"linear": {"x": "1"}, "at_most": 1}, "$.c.linear.x"),
        ({"linear": ["x"], "at_most": 1}, "$.c.linear"),
        ({"linear": None, "at_most": 1}, "$.c.linear"),
        ({"ordered": "xy"}, "$.c.ordered"),
        ({"ordered": {"x": 1, "y": 2}}, "$.c.ordered"),
        ({"ordered": ["x"]}, "$.c.ordered"),
        ({"ordered": ["x", None]}, "$.c.ordered[1]"),
        ({"ordered": ["x", "y"], "total": 1}, "$.c.total"),
        ({"simplex": ["x", "y"], "total": "1"}, "$.c.total"),
        ({"simplex": ["x", "y"], "total": None}, "$.c.total"),
        ({"simplex": 3}, "$.c.simplex"),
        ({"forbidden": None}, "$.c.forbidden"),
        ({"forbidden": {"x": {"at_least": "3"}}}, "$.c.forbidden.x.at_least"),
        ({"forbidden": {"x": 1}, 3: 1}, "$.c.3"),
    ],
)
def test_plain_values_that_are_no_constraint_are_refused_by_place(
    document: Any, place: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        constraint_of(document, "$.c")

    assert caught.value.place == place
