"""What is active where: tests on positions against what the conditions say of the values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import active_by_definition, conditional_spaces

import asktell as at
from asktell.errors import DefinitionError
from asktell.space.absent import ABSENT, NOWHERE
from asktell.space.activity import circle_in, ends_within, in_order
from asktell.space.parameters import Parameter
from asktell.space.space import Points, Space

EXAMPLES = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 2**32)


def points_of(space: Space, n: int, seed: int) -> Points:
    """Return n points of the space; among them, and between, such as lie at ends and centres."""
    uniform = np.random.default_rng(seed).random((n, space.dim))
    uniform[::3] = np.round(2.0 * uniform[::3]) / 2.0 * (1.0 - 1e-12)
    return space.sample(uniform)


def is_active(space: Space, params: dict[str, Any]) -> list[bool]:
    """Return of params, told without what depends on them, what is active."""
    values = tuple(params.get(name, ABSENT) for name in space.names)
    assert space.activity is not None
    return [bool(one) for one in space.activity.of(space.encode([values]))[0]]


# --- any space ---


@EXAMPLES
@given(space=conditional_spaces(), seed=SEEDS)
def test_what_is_active_is_what_the_conditions_say_of_the_values(space: Space, seed: int) -> None:
    points = points_of(space, 20, seed)

    for values, point in zip(space.decode(points), points, strict=True):
        params = space.params(values)
        assert set(params) == active_by_definition(space, params)
        assert [value is ABSENT for value in values] == (point == NOWHERE).tolist()
        assert space.check(params) == values


@EXAMPLES
@given(space=conditional_spaces(), seed=SEEDS)
def test_points_say_by_themselves_what_is_active(space: Space, seed: int) -> None:
    points = points_of(space, 20, seed)

    there = points != NOWHERE
    assert np.all((points[there] >= 0.0) & (points[there] <= 1.0))
    if space.activity is not None:
        assert space.activity.of(points).tolist() == there.tolist()
        assert np.all(np.delete(there, space.activity.conditional, axis=1))


@EXAMPLES
@given(space=conditional_spaces(), seed=SEEDS, share=st.sampled_from([0.0, 0.3, 1.0]))
def test_settling_puts_a_position_into_what_is_active_and_into_nothing_else(
    space: Space, seed: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    uniform, fill = random.random((2, 12, space.dim))
    positions = space.domain.sampled(uniform)
    if space.activity is None:
        return
    missing = random.random(positions.shape) < share
    missing[:, [i for i in range(space.dim) if i not in space.activity.conditional]] = False
    positions[missing] = NOWHERE
    before = positions.tolist()

    settled = space.activity.settled(positions, space.domain.sampled(fill))

    active = space.activity.of(settled)
    assert positions.tolist() == before
    assert np.all((settled != NOWHERE) == active)
    kept = active & ~missing
    assert settled[kept].tolist() == positions[kept].tolist()
    filled = active & missing
    assert settled[filled].tolist() == space.domain.sampled(fill)[filled].tolist()
    assert space.activity.settled(settled, space.domain.centre).tolist() == settled.tolist()


@EXAMPLES
@given(space=conditional_spaces(), seed=SEEDS)
def test_a_fill_may_be_one_for_all(space: Space, seed: int) -> None:
    nowhere = np.full((3, space.dim), NOWHERE)
    fill = space.domain.sampled(np.random.default_rng(seed).random((1, space.dim)))

    settled = space.domain.settled(nowhere, fill[0])

    assert settled.tolist() == space.domain.settled(nowhere, np.repeat(fill, 3, axis=0)).tolist()


def test_where_nothing_is_conditional_there_are_no_rules() -> None:
    space = Space(at.Float("x", 0.0, 1.0), at.Bool("b"))

    assert space.activity is None
    assert space.domain.activity is None
    points = np.array([[NOWHERE, 2.0]])
    assert space.domain.settled(points, space.domain.centre) is points


def test_rules_tell_who_depends_on_others_and_on_whom() -> None:
    space = Space(
        at.Float("x", 0.0, 1.0, when={"b": True}),
        at.Int("n", 1, 3),
        at.Bool("b", when={"n": 2}),
        at.Bool("free"),
    )

    assert space.activity is not None
    assert space.activity.conditional.tolist() == [0, 2]
    assert space.activity.parents.tolist() == [1, 2]
    assert space.activity.depths == (2, 0, 1, 0)


# --- every kind of parent ---

BIG = 2**53

PARENTS: list[tuple[Parameter, Any, list[Any], list[Any]]] = [
    (at.Bool("p"), False, [False], [True]),
    (at.Categorical("p", ["a", None, 1, 2.5]), [None, 1], [None, 1], ["a", 2.5]),
    (at.Ordinal("p", ["a", "b", True]), ["b"], ["b"], ["a", True]),
    (at.Ordinal("p", [8, 1, 4.5]), at.AtLeast(4), [8, 4.5], [1]),
    (at.Ordinal("p", [8, 1, 4.5]), {"at_least": 2, "at_most": 5}, [4.5], [8, 1]),
    (at.Int("p", 0, 9), 3.0, [3], [2, 4]),
    (at.Int("p", 0, 9), at.AtMost(3.5), [0, 3], [4, 9]),
    (at.Int("p", 0, 9, step=3), at.AtLeast(4), [6, 9], [0, 3]),
    (at.Int("p", 1, 1000, log=True), at.AtLeast(37), [37, 1000], [1, 36]),
    (at.Int("p", 1, BIG), at.AtLeast(BIG - 1), [BIG - 1, BIG], [BIG - 2, 1]),
    (at.Int("p", 1, BIG), at.AtMost(2), [1, 2], [3, BIG]),
    (at.Int("p", 1, BIG), [at.AtLeast(2**52 + 1), at.AtMost(2**52 + 2)], [2**52 + 1], [2**52]),
    (at.Int("p", 1, BIG), [7, 2**52 + 1], [7, 2**52 + 1], [8, 2**52]),
    (at.Int("p", -(2**52), 2**51, step=3), at.AtLeast(-(2**52) + 3), [-(2**52) + 3], [-(2**52)]),
    (at.Int("p", 1, 2**40, log=True), at.AtLeast(2**39), [2**39], [2**39 - 1]),
    (at.Float("p", 0.0, 1.0), at.AtLeast(0.25), [0.25, 1.0], [0.2499999, 0.0]),
    (at.Float("p", 0.0, 1.0), at.AtMost(0), [0.0], [1e-300, 1.0]),
    (at.Float("p", 0.0, 1.0), 1, [1.0], [0.5]),
    (at.Float("p", 1e-6, 1.0, log=True), at.AtMost(1e-3), [1e-6, 9e-4], [1.1e-3]),
    (at.Float("p", 0.0, 1.0, step=0.1), at.AtLeast(0.3), [0.3, 1.0], [0.2]),
    (at.Float("p", 0.0, 1.0, step=0.1), [0.1 + 0.2], [0.3], [0.2, 0.4]),
    (at.Float("p", 0.1, 100.0, step=0.1, log=True), at.AtMost(99.95), [99.9], [100.0]),
    (at.Float("p", 0.0, 1.0, step=1e-7), at.AtLeast(0.3), [0.3], [0.2999999]),
    (at.Float("p", 2.0, 2.0), at.AtLeast(2.0), [2.0], []),
]


@pytest.mark.parametrize(("parent", "wanted", "inside", "outside"), PARENTS)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_child_is_active_where_its_parent_is_as_wanted(
    parent: Parameter, wanted: Any, inside: list[Any], outside: list[Any], is_first: bool
) -> None:
    child = at.Bool("c", when={"p": wanted})
    space = Space(parent, child) if is_first else Space(child, parent)

    for value in inside:
        assert space.check({"p": value, "c": True})
        assert all(is_active(space, {"p": value}))
    for value in outside:
        assert space.check({"p": value})
        assert is_active(space, {"p": value})[space.index["c"]] is False


def test_numbers_of_an_ordinal_need_not_increase_however_many_they_are() -> None:
    numbers = [(7919 * i) % 70_001 for i in range(70_001)]
    space = Space(at.Ordinal("p", numbers), at.Bool("c", when={"p": at.AtLeast(69_990)}))
    levels = np.column_stack([np.arange(70_001) / 70_000, np.zeros(70_001)])

    assert space.activity is not None
    active = space.activity.of(levels)[:, 1]

    assert active.tolist() == [number >= 69_990 for number in numbers]


def test_all_parents_have_to_be_as_wanted_and_active_themselves() -> None:
    space = Space(
        at.Bool("leaf", when={"middle": at.AtLeast(2), "other": True}),
        at.Int("middle", 1, 3, when={"root": "a"}),
        at.Bool("other", when={"root": ["a", "b"]}),
        at.Categorical("root", ["a", "b", "c"]),
    )

    assert set(space.params(space.decode(np.array([[0.0, 1.0, 1.0, 0.0]]))[0])) == set(space.names)
    for point, names in [
        ([0.0, 0.0, 1.0, 0.0], {"middle", "other", "root"}),
        ([0.0, 1.0, 0.0, 0.0], {"middle", "other", "root"}),
        ([0.0, 1.0, 1.0, 0.5], {"other", "root"}),
        ([0.0, 1.0, 1.0, 1.0], {"root"}),
    ]:
        assert set(space.params(space.decode(np.array([point]))[0])) == names


# --- the ends of ranges ---


@EXAMPLES
@given(
    low=st.integers(-100, 100),
    size=st.integers(1, 300),
    step=st.integers(1, 9),
    bounds=st.tuples(
        st.one_of(st.none(), st.floats(-300.0, 3000.0)),
        st.one_of(st.none(), st.floats(-300.0, 3000.0)),
    ),
)
def test_ends_are_those_of_the_values_within_bounds(
    low: int, size: int, step: int, bounds: tuple[float | None, float | None]
) -> None:
    at_least, at_most = bounds
    parameter = at.Int("p", low, low + (size - 1) * step, step=step)

    start, end = ends_within(parameter, at_least, at_most)

    least = -math.inf if at_least is None else at_least
    most = math.inf if at_most is None else at_most
    held = [i for i in range(size) if least <= low + i * step <= most]
    assert list(range(start, end + 1)) == held


# --- order and circles ---


@EXAMPLES
@given(
    parents=st.integers(1, 8).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(0, n - 1), max_size=3, unique=True), min_size=n, max_size=n
        )
    )
)
def test_order_has_parents_first_or_there_is_a_circle(parents: list[list[int]]) -> None:
    order, circle = in_order(parents), circle_in(parents)

    assert len(set(order)) == len(order)
    for place, one in enumerate(order):
        assert set(parents[one]) <= set(order[:place])
    assert (len(order) == len(parents)) is (circle == [])
    for one, following in zip(circle, circle[1:] + circle[:1], strict=True):
        assert following in parents[one]


def test_order_is_that_of_the_definition_where_nothing_depends_on_anything() -> None:
    assert in_order([[], [], []]) == [0, 1, 2]
    assert in_order([]) == []


@pytest.mark.parametrize(
    ("parameters", "circle"),
    [
        ([at.Bool("a", when={"a": True})], ["a"]),
        ([at.Bool("a", when={"b": True}), at.Bool("b", when={"a": True})], ["a", "b"]),
        (
            [
                at.Bool("root"),
                at.Bool("innocent", when={"c": True}),
                at.Bool("a", when={"root": True, "b": True}),
                at.Bool("b", when={"c": True}),
                at.Bool("c", when={"a": True}),
            ],
            ["c", "a", "b"],
        ),
    ],
)
def test_circles_are_refused_and_named(parameters: list[Parameter], circle: list[str]) -> None:
    with pytest.raises(DefinitionError, match="go round in a circle") as caught:
        Space(*parameters)

    assert (caught.value.place, caught.value.got) == ("$.parameters", circle)
