"""What exists of the unit cube: properties over random axes and exclusions."""

from __future__ import annotations

import itertools
import math

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import conditional_spaces

import asktell as at
from asktell.space.absent import ABSENT, NOWHERE
from asktell.space.axes import Axis, Interval, Levels, LogLevels, categories
from asktell.space.domain import Domain, Mask, Points

EXAMPLES = settings(deadline=None, max_examples=50)

DISCRETE: st.SearchStrategy[Axis] = st.one_of(
    st.integers(1, 200).map(Levels),
    st.integers(1, 6).map(categories),
    st.builds(LogLevels, st.integers(1, 90), st.floats(0.1, 10.0), st.floats(0.1, 10.0)),
)
DOMAINS = st.lists(st.one_of(st.just(Interval()), DISCRETE), min_size=1, max_size=4).map(
    lambda axes: Domain.of(tuple(axes))
)
SMALL = st.lists(
    st.one_of(st.integers(1, 4).map(Levels), st.integers(1, 4).map(categories)),
    min_size=1,
    max_size=3,
).map(lambda axes: Domain.of(tuple(axes)))

RANDOM = np.random.default_rng(0)
SEEDS = st.integers(0, 2**32)


def uniform(domain: Domain, n: int, seed: int) -> Points:
    return np.random.default_rng(seed).random((n, domain.dim))


def lies_on_every_axis(domain: Domain, points: Points) -> bool:
    columns = zip(domain.axes, points.T, strict=True)
    return all(axis.snap(column).tolist() == column.tolist() for axis, column in columns)


# --- what exists ---


@EXAMPLES
@given(domain=DOMAINS, n=st.integers(0, 20), seed=SEEDS)
def test_samples_lie_on_every_axis(domain: Domain, n: int, seed: int) -> None:
    points = domain.sample(uniform(domain, n, seed))

    assert points.shape == (n, domain.dim)
    assert np.all((points >= 0.0) & (points <= 1.0))
    assert lies_on_every_axis(domain, points)


@EXAMPLES
@given(domain=DOMAINS, n=st.integers(0, 20), seed=SEEDS)
def test_snapping_gives_points_on_every_axis_and_leaves_those_that_are(
    domain: Domain, n: int, seed: int
) -> None:
    anywhere = 3.0 * uniform(domain, n, seed) - 1.0

    snapped = domain.snap(anywhere)

    assert snapped.shape == (n, domain.dim)
    assert lies_on_every_axis(domain, snapped)
    assert domain.snap(snapped).tolist() == snapped.tolist()


def test_snapping_finds_the_nearest_point() -> None:
    domain = Domain.of((Interval(), Levels(5), categories(3)))

    assert domain.snap(np.array([[1.5, 0.3, 0.9], [0.2, 0.9, -4.0]])).tolist() == [
        [1.0, 0.25, 1.0],
        [0.2, 1.0, 0.0],
    ]


def test_continuous_axes_are_told_from_discrete_ones() -> None:
    domain = Domain.of((Interval(), Levels(3), Interval(), categories(2), LogLevels(2, 1.0, 1.0)))

    assert domain.dim == 5
    assert domain.continuous.tolist() == [True, False, True, False, False]


def test_domain_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Domain.of((Interval(),)).axes = ()  # type: ignore[misc]


# --- the grid ---


@EXAMPLES
@given(domain=SMALL)
def test_grid_has_every_point_once(domain: Domain) -> None:
    grid = domain.grid(64)

    assert grid is not None
    everything = set(itertools.product(*(axis.levels().tolist() for axis in domain.axes)))
    assert len(grid) == len(everything)
    assert set(map(tuple, grid.tolist())) == everything


@EXAMPLES
@given(domain=SMALL)
def test_grid_is_given_up_to_its_size_alone(domain: Domain) -> None:
    size = math.prod(axis.size or 0 for axis in domain.axes)

    assert domain.grid(size) is not None
    assert domain.grid(size - 1) is None


def test_continuum_has_no_grid() -> None:
    assert Domain.of((Interval(),)).grid(10**9) is None
    assert Domain.of((Levels(2), Interval())).grid(10**9) is None


def test_grid_that_is_far_too_large_is_not_made() -> None:
    assert Domain.of((Levels(2**40),) * 30).grid(10**6) is None


# --- moves ---


@EXAMPLES
@given(domain=DOMAINS, n=st.integers(0, 4), seed=SEEDS)
def test_neighbours_differ_in_one_discrete_coordinate_and_lie_on_every_axis(
    domain: Domain, n: int, seed: int
) -> None:
    points = domain.sample(uniform(domain, n, seed))
    before = points.tolist()

    neighbours, owners = domain.neighbours(points, RANDOM)

    assert points.tolist() == before
    assert neighbours.shape == (len(owners), domain.dim)
    assert lies_on_every_axis(domain, neighbours)
    differs = neighbours != points[owners]
    assert np.all(differs.sum(axis=1) == 1)
    assert not differs[:, domain.continuous].any()


@EXAMPLES
@given(domain=SMALL, seed=SEEDS)
def test_neighbours_on_small_axes_are_all_other_levels(domain: Domain, seed: int) -> None:
    (point,) = domain.sample(uniform(domain, 1, seed))

    neighbours, owners = domain.neighbours(point[None], RANDOM)

    expected = {
        (*point[:i].tolist(), level, *point[i + 1 :].tolist())
        for i, axis in enumerate(domain.axes)
        for level in axis.levels().tolist()
        if level != point[i]
    }
    assert len(neighbours) == len(expected)
    assert set(map(tuple, neighbours.tolist())) == expected
    assert not owners.any()


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("axes", [(Interval(), Interval()), (Levels(1), categories(1))])
def test_where_nothing_can_move_there_are_no_neighbours(axes: tuple[Axis, ...], n: int) -> None:
    neighbours, owners = Domain.of(axes).neighbours(np.zeros((n, 2)), RANDOM)

    assert neighbours.shape == (0, 2)
    assert owners.shape == (0,)
    assert owners.dtype == np.int64


# --- what is left out ---


@EXAMPLES
@given(domain=DOMAINS, n=st.integers(0, 5), seed=SEEDS)
def test_nothing_is_excluded_unless_it_is_said(domain: Domain, n: int, seed: int) -> None:
    excluded = domain.excludes(domain.sample(uniform(domain, n, seed)))

    assert excluded.tolist() == [False] * n
    assert excluded.dtype == bool


def test_excluded_is_what_is_said() -> None:
    asked = []

    def high(points: Points) -> Mask:
        asked.append(points.tolist())
        return points[:, 0] > 0.5

    domain = Domain.of((Interval(), Levels(2)), high)
    points = np.array([[0.6, 1.0], [0.4, 0.0], [0.5, 1.0]])

    assert domain.excludes(points).tolist() == [True, False, False]
    assert asked == [points.tolist()]


def test_excluded_may_be_said_by_a_list_of_bools_or_of_numbers() -> None:
    domain = Domain.of((Interval(),), lambda points: [1, 0])  # type: ignore[arg-type, return-value]

    assert domain.excludes(np.zeros((2, 1))).tolist() == [True, False]


# --- where some dimensions are nowhere ---


@EXAMPLES
@given(space=conditional_spaces(most=5), n=st.integers(1, 4), seed=SEEDS)
def test_neighbours_are_single_moves_and_what_follows_from_them(
    space: at.Space, n: int, seed: int
) -> None:
    domain = space.domain
    points = domain.sample(uniform(domain, n, seed))
    fills = domain.sampled(uniform(domain, 2, seed + 1))

    neighbours, owners = domain.neighbours(points, RANDOM, fills)

    if domain.activity is None:
        return
    assert domain.activity.of(neighbours).tolist() == (neighbours != NOWHERE).tolist()
    for neighbour, point in zip(neighbours, points[owners], strict=True):
        there = (neighbour != NOWHERE) & (point != NOWHERE)
        (moved,) = np.flatnonzero((neighbour != point) & there)
        assert not domain.continuous[moved]
        came = (neighbour != NOWHERE) & (point == NOWHERE)
        assert np.all((fills[:, came] == neighbour[came]).any(axis=0))
        left = (neighbour == NOWHERE) & (point != NOWHERE)
        if came.any() or left.any():
            assert moved in domain.activity.parents


def test_a_move_to_another_branch_comes_once_with_each_fill() -> None:
    space = at.Space(
        at.Categorical("model", ["a", "b", "c"]),
        at.Float("x", 0.0, 1.0, when={"model": ["b", "c"]}, default=0.25),
        at.Int("n", 0, 4, when={"model": "c"}),
    )
    point = np.array([[0.0, NOWHERE, NOWHERE]])

    neighbours, owners = space.domain.neighbours(point, RANDOM)
    filled, _ = space.domain.neighbours(
        point, RANDOM, np.array([[0.0, 0.1, 0.0], [0.0, 0.9, 0.0], [0.0, 0.1, 1.0]])
    )

    assert neighbours.tolist() == [[0.5, 0.25, NOWHERE], [1.0, 0.25, 0.5]]
    assert owners.tolist() == [0, 0]
    assert sorted(filled.tolist()) == [
        [0.5, 0.1, NOWHERE],
        [0.5, 0.9, NOWHERE],
        [1.0, 0.1, 0.0],
        [1.0, 0.1, 1.0],
        [1.0, 0.9, 0.0],
    ]


def test_grid_of_a_conditional_space_has_every_point_once() -> None:
    space = at.Space(
        at.Bool("on"),
        at.Int("n", 1, 3, when={"on": True}),
        at.Categorical("k", ["a", "b"], when={"n": at.AtLeast(2)}),
    )

    grid = space.domain.grid(12)

    assert grid is not None
    assert sorted(space.decode(grid), key=repr) == sorted(
        [
            (False, ABSENT, ABSENT),
            (True, 1, ABSENT),
            *((True, n, k) for n in (2, 3) for k in "ab"),
        ],
        key=repr,
    )


def test_a_move_that_is_forbidden_is_made_with_one_that_lifts_the_ban() -> None:
    quick = {"first": ["quick", "none"], "second": ["quick", "none"]}
    space = at.Space(
        *(at.Categorical(name, ["exact", *quick[name]]) for name in quick),
        at.Categorical("range", ["all", "most"]),
        constraints=[at.Forbidden({"range": "most", **quick})],
    )
    here = {"first": "exact", "second": "quick", "range": "most"}
    point = space.encode([space.check(here)])
    moves, _ = space.domain.neighbours(point, RANDOM)
    found = [space.params(values) for values in space.decode(moves)]
    assert {"first": "quick", "second": "quick", "range": "all"} in found
    assert {"first": "quick", "second": "exact", "range": "most"} in found
    assert here not in found
    assert all(space.check(one) for one in found)
