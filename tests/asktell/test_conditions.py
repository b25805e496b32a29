"""Conditions as data: what they are made of, what they say, and what is refused."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.errors import DefinitionError
from asktell.space.bounds import AtLeast, AtMost
from asktell.space.conditions import (
    Between,
    OneOf,
    Where,
    optional_where,
    plain_where,
    where_of,
)

EXAMPLES = settings(deadline=None, max_examples=100)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), NUMBERS, st.text(max_size=3)
)
CONDITIONS = st.one_of(
    SCALARS,
    st.lists(SCALARS, min_size=1, max_size=4, unique=True),
    NUMBERS.map(AtLeast),
    NUMBERS.map(AtMost),
    st.lists(NUMBERS, min_size=2, max_size=2).map(
        lambda ends: [AtMost(max(ends)), AtLeast(min(ends))]
    ),
    st.lists(NUMBERS, min_size=2, max_size=2).map(
        lambda ends: {"at_least": min(ends), "at_most": max(ends)}
    ),
)
MAPPINGS = st.dictionaries(st.text(min_size=1, max_size=3), CONDITIONS, min_size=1, max_size=3)


# --- any conditions ---


@EXAMPLES
@given(mapping=MAPPINGS)
def test_conditions_are_made_again_from_their_plain_values(mapping: dict[str, Any]) -> None:
    where = where_of(mapping, "$.when")

    document = json.loads(json.dumps(plain_where(where), allow_nan=False))

    again = where_of(document, "$.when")
    assert again == where
    assert hash(again) == hash(where)
    assert plain_where(again) == plain_where(where)
    assert where.names == tuple(mapping)
    assert where_of(where, "$") is where


@EXAMPLES
@given(mapping=MAPPINGS)
def test_a_message_says_what_every_parameter_has_to_be(mapping: dict[str, Any]) -> None:
    where = where_of(mapping, "$.when")

    said = str(where)

    assert all(f"{name} is " in said for name in mapping)
    assert said.count(" is ") >= len(mapping)


@EXAMPLES
@given(ends=st.lists(NUMBERS, min_size=2, max_size=2), value=NUMBERS)
def test_bounds_hold_within_and_at_the_ends(ends: list[float], value: float) -> None:
    low, high = min(ends), max(ends)

    assert Between(low, high).holds(value) is (low <= value <= high)
    assert Between(low, None).holds(value) is (value >= low)
    assert Between(None, high).holds(value) is (value <= high)
    assert Between(low, high).holds(low)
    assert Between(low, high).holds(high)


# --- what they are made of ---


@pytest.mark.parametrize(
    ("wanted", "condition"),
    [
        ("a", OneOf(("a",))),
        (None, OneOf((None,))),
        (True, OneOf((True,))),
        (np.int64(3), OneOf((3,))),
        (["a", "b"], OneOf(("a", "b"))),
        (("a", None), OneOf(("a", None))),
        (range(3), OneOf((0, 1, 2))),
        (np.array([1, 2]), OneOf((1, 2))),
        (np.array(["a"]), OneOf(("a",))),
        (AtLeast(3), Between(3.0, None)),
        (AtMost(3), Between(None, 3.0)),
        ([AtLeast(1), AtMost(3)], Between(1.0, 3.0)),
        ((AtMost(3), AtLeast(1)), Between(1.0, 3.0)),
        ([AtLeast(3)], Between(3.0, None)),
        ({"at_least": 3}, Between(3.0, None)),
        ({"at_most": 3, "at_least": 3}, Between(3.0, 3.0)),
        (MappingProxyType({"at_most": np.float32(0.5)}), Between(None, 0.5)),
    ],
)
def test_what_is_wanted_of_a_parameter_becomes_a_condition(wanted: Any, condition: Any) -> None:
    where = where_of({"x": wanted}, "$.when")

    assert where == Where((("x", condition),))
    if isinstance(condition, OneOf):
        (found,) = [one for _, one in where.conditions]
        assert list(map(type, found.values)) == list(map(type, condition.values))


def test_no_conditions_are_none() -> None:
    assert optional_where(None, "$.when") is None
    assert optional_where({"x": 1}, "$.when") == where_of({"x": 1}, "$.when")


def test_values_of_another_type_are_other_conditions() -> None:
    one, true, whole = (where_of({"x": value}, "$") for value in (1, True, 1.0))

    assert len({one, true, whole}) == 3
    assert one != true
    assert one != whole


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"x": "a"}, "x is 'a'"),
        ({"x": ["a", 1]}, "x is one of ['a', 1]"),
        ({"x": AtLeast(2), "y": True}, "x is at least 2 and y is True"),
        ({"x": {"at_most": 1e-6}}, "x is at most 1e-06"),
        ({"x": [AtLeast(1), AtMost(2.5)]}, "x is from 1 to 2.5"),
    ],
)
def test_conditions_read_as_a_sentence(mapping: dict[str, Any], said: str) -> None:
    assert str(where_of(mapping, "$")) == said


# --- what is refused ---

BOUNDS = "AtLeast, AtMost, or both, which can hold together"
MAPPING = "a mapping from names of parameters to values or bounds"


@pytest.mark.parametrize(
    ("value", "place", "expected"),
    [
        ({}, "$.when", MAPPING),
        ([], "$.when", MAPPING),
        ("x", "$.when", MAPPING),
        ([("x", 1)], "$.when", MAPPING),
        (True, "$.when", MAPPING),
        ({"": 1}, "$.when", "a name: a string that is not empty"),
        ({3: 1}, "$.when", "a name: a string that is not empty"),
        ({"x": []}, "$.when.x", "at least one value"),
        ({"x": {"a"}}, "$.when.x", "a list: sets have no order"),
        ({"x": frozenset()}, "$.when.x", "a list: sets have no order"),
        ({"x": object()}, "$.when.x", "a value, a list of values, AtLeast, AtMost, or a list of"),
        ({"x": b"a"}, "$.when.x", "a value, a list of values, AtLeast, AtMost, or a list of"),
        ({"x": float("nan")}, "$.when.x", "a value, a list of values"),
        ({"x": [1, [2]]}, "$.when.x[1]", "a string, a number, a bool or None"),
        ({"x": [1, 2, 1]}, "$.when.x[2]", "a value not listed before"),
        ({"x": [1, True]}, "$.when.x[1]", "a value not listed before"),
        ({"x": [AtLeast(1), 2]}, "$.when.x[0]", "a string, a number, a bool or None"),
        ({"x": {}}, "$.when.x", BOUNDS),
        ({"x": [AtLeast(1), AtLeast(2)]}, "$.when.x", BOUNDS),
        ({"x": [AtMost(1), AtMost(2)]}, "$.when.x", BOUNDS),
        ({"x": [AtLeast(2), AtMost(1)]}, "$.when.x", BOUNDS),
        ({"x": {"at_least": 2, "at_most": 1}}, "$.when.x", BOUNDS),
        ({"x": {"atleast": 2}}, "$.when.x.atleast", "one of the keys ['at_least', 'at_most']"),
        ({"x": {1: 2}}, "$.when.x.1", "one of the keys ['at_least', 'at_most']"),
        ({"x": {"at_least": "2"}}, "$.when.x.at_least", "a finite number"),
        ({"x": {"at_most": None}}, "$.when.x.at_most", "a finite number"),
        ({"x": {"at_most": float("inf")}}, "$.when.x.at_most", "a finite number"),
        ({"a": 1, "x" * 500: {}}, f"$.when.{'x' * 117}...", BOUNDS),
    ],
)
def test_what_is_no_condition_is_refused_by_place(value: Any, place: str, expected: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        where_of(value, "$.when")

    assert caught.value.place == place
    assert caught.value.expected.startswith(expected)


@pytest.mark.parametrize("value", [{}, {"at_least": 2, "at_most": 1}, [AtLeast(2), AtMost(1)]])
def test_a_message_shows_bounds_as_they_came(value: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        where_of({"x": value}, "$.when")

    assert caught.value.got is value
