"""Where to look while the model knows nothing, and near what is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import conditional_spaces

import asktell as at
from asktell.acquisition.design import initial_point, perturbed, sobol
from asktell.space.absent import NOWHERE
from asktell.space.axes import Axis, Interval, Levels, LogLevels, categories
from asktell.space.domain import Domain

EXAMPLES = settings(deadline=None, max_examples=50)

AXES: list[Axis] = [Interval(), Levels(7), LogLevels(9, 1.0, 2.0), categories(4), Levels(1)]
DOMAIN = Domain.of(AXES)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- Sobol points ---


@EXAMPLES
@given(dim=st.integers(1, 5), n=st.integers(1, 70), seed=st.integers(0, 2**63))
def test_sobol_points_lie_in_the_cube(dim: int, n: int, seed: int) -> None:
    points = sobol(dim, n, generator(seed))

    assert points.shape == (n, dim)
    assert np.all((points >= 0.0) & (points < 1.0))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9])
@pytest.mark.parametrize("skip", [0, 1, 5, 8])
def test_fewer_or_later_sobol_points_are_a_part_of_the_sequence(n: int, skip: int) -> None:
    whole = sobol(3, 32, generator())

    assert sobol(3, n, generator(), skip).tolist() == whole[skip : skip + n].tolist()


def test_sobol_points_are_spread_evenly_along_each_dimension() -> None:
    points = sobol(4, 64, generator(5))

    for column in points.T:
        assert np.bincount((column * 64).astype(int)).tolist() == [1] * 64


def test_sobol_points_depend_on_the_seed() -> None:
    assert not np.allclose(sobol(2, 4, generator(1)), sobol(2, 4, generator(2)))


def test_global_random_state_is_neither_read_nor_disturbed() -> None:
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()
    first = (
        sobol(2, 5, generator(3)),
        perturbed(np.full((1, 5), 0.5), DOMAIN, 4, generator(3)),
    )
    after = np.random.get_state()[1].tolist()
    np.random.seed(2)
    second = (
        sobol(2, 5, generator(3)),
        perturbed(np.full((1, 5), 0.5), DOMAIN, 4, generator(3)),
    )

    assert before == after
    assert [a.tolist() for a in first] == [a.tolist() for a in second]


# --- the initial design ---


def test_design_begins_at_the_centre_and_the_first_of_categories() -> None:
    point = initial_point(DOMAIN, seed=7, index=0)

    middle = LogLevels(9, 1.0, 2.0).levels()[2]  # of 1 ... 17, the one nearest to sqrt(17) is 5
    assert point.tolist() == [0.5, 0.5, middle, 0.0, 0.0]


@EXAMPLES
@given(seed=st.integers(0, 2**70), index=st.integers(0, 300))
def test_design_lies_on_the_grid(seed: int, index: int) -> None:
    point = initial_point(DOMAIN, seed, index)

    snapped = [axis.snap(point[i : i + 1])[0] for i, axis in enumerate(AXES)]
    assert point.tolist() == snapped


@pytest.mark.parametrize("seed", [0, 7, 2**64])
def test_design_is_the_scrambled_sobol_sequence_of_the_seed(seed: int) -> None:
    axes: list[Axis] = [Interval()] * 3
    expected = sobol(3, 16, np.random.default_rng([seed]))

    design = [initial_point(Domain.of(axes), seed, index).tolist() for index in range(1, 17)]

    assert design == expected.tolist()


def test_design_depends_on_the_seed_but_for_the_centre() -> None:
    first, second = ([initial_point(DOMAIN, seed, i) for i in range(4)] for seed in (1, 2))

    assert first[0].tolist() == second[0].tolist()
    assert all(a[0] != b[0] for a, b in zip(first[1:], second[1:], strict=True))


def test_design_meets_every_level_soon() -> None:
    points = np.array([initial_point(DOMAIN, 3, index) for index in range(1, 65)])

    assert [len(np.unique(column)) for column in points.T] == [64, 7, 9, 4, 1]


@pytest.mark.parametrize("index", [2**20 - 1, 2**20, 2**20 + 1, 10**12, 2**53])
def test_design_goes_on_however_far(index: int) -> None:
    points = [initial_point(Domain.of([Interval()] * 3), seed, index) for seed in (7, 7, 8)]

    assert points[0].tolist() == points[1].tolist() != points[2].tolist()
    assert np.all((points[0] >= 0.0) & (points[0] < 1.0))
    assert initial_point(Domain.of([Interval()] * 3), 7, index - 1).tolist() != points[0].tolist()


# --- points nearby ---


def on_grid(n: int, seed: int = 0) -> np.ndarray:
    uniform = generator(seed).random((n, len(AXES)))
    return np.column_stack([axis.sample(uniform[:, i]) for i, axis in enumerate(AXES)])


@EXAMPLES
@given(k=st.integers(1, 5), n=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_perturbed_points_lie_on_the_grid(k: int, n: int, seed: int) -> None:
    points = perturbed(on_grid(k, seed), DOMAIN, n, generator(seed))

    assert points.shape == (n, len(AXES))
    for i, axis in enumerate(AXES):
        assert axis.snap(points[:, i]).tolist() == points[:, i].tolist()


def test_perturbing_leaves_the_points_as_they_were() -> None:
    points = on_grid(3)
    before = points.tolist()
    perturbed(points, DOMAIN, 20, generator())

    assert points.tolist() == before


def test_perturbed_points_are_near_the_given_ones_in_turn() -> None:
    given_points = np.array([[0.1] * 20, [0.5] * 20, [0.9] * 20])

    points = perturbed(given_points, Domain.of([Interval()] * 20), 300, generator())

    kept = [np.mean(points[i] == given_points[i % 3]) for i in range(300)]
    assert 0.7 < np.mean(kept) < 0.85  # a fifth of the coordinates change, and one for certain
    assert max(kept) < 1.0
    distance = np.abs(points - given_points[np.arange(300) % 3])
    assert 0.01 < np.median(distance[distance > 0]) < 0.03
    assert distance.max() > 0.3


def test_of_two_coordinates_each_changes_in_three_cases_of_four() -> None:
    points = perturbed(np.full((1, 2), 0.5), Domain.of([Interval()] * 2), 2000, generator())

    # half of them at random, and one of the two for certain
    assert np.mean(points != 0.5, axis=0) == pytest.approx([0.75, 0.75], abs=0.04)


@pytest.mark.parametrize("axis", [Interval(), Levels(2**30)])
def test_perturbed_points_of_one_dimension_all_move(axis: Axis) -> None:
    middle = axis.snap(np.array([0.5]))

    points = perturbed(middle[:, None], Domain.of([axis]), 50, generator())

    assert np.all(points != middle)


def test_perturbed_categories_are_drawn_from_all() -> None:
    points = perturbed(np.zeros((1, 1)), Domain.of([categories(4)]), 200, generator())

    assert np.unique(points, return_counts=True)[1].min() > 30


# --- where some dimensions are nowhere ---


def exist(domain: Domain, points: np.ndarray) -> bool:
    """Tell whether points lie on all active axes, and are nowhere on the others."""
    there = points != NOWHERE
    on_axes = all(
        axis.snap(column[present]).tolist() == column[present].tolist()
        for axis, column, present in zip(domain.axes, points.T, there.T, strict=True)
    )
    active = np.ones_like(there) if domain.activity is None else domain.activity.of(points)
    return on_axes and bool((active == there).all())


@EXAMPLES
@given(space=conditional_spaces(), seed=st.integers(0, 2**32), index=st.integers(0, 40))
def test_design_of_a_conditional_space_has_points_that_there_are(
    space: at.Space, seed: int, index: int
) -> None:
    point = initial_point(space.domain, seed, index)

    assert point.shape == (space.dim,)
    assert exist(space.domain, point[None])
    assert initial_point(space.domain, seed, index).tolist() == point.tolist()


@EXAMPLES
@given(space=conditional_spaces(), seed=st.integers(0, 2**32))
def test_design_begins_at_the_defaults(space: at.Space, seed: int) -> None:
    point = initial_point(space.domain, seed, 0)

    for parameter, position in zip(space.parameters, point, strict=True):
        if parameter.default is not None and position != NOWHERE:
            assert position == parameter.encode([parameter.default])[0]


@EXAMPLES
@given(space=conditional_spaces(), k=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_perturbed_points_of_a_conditional_space_are_points_that_there_are(
    space: at.Space, k: int, seed: int
) -> None:
    points = space.sample(generator(seed).random((k, space.dim)))
    before = points.tolist()

    near = perturbed(points, space.domain, 30, generator(seed))

    assert near.shape == (30, space.dim)
    assert exist(space.domain, near)
    assert points.tolist() == before


def test_design_and_perturbed_points_meet_every_branch() -> None:
    space = at.Space(
        at.Categorical("model", ["a", "b", "c"]),
        at.Float("x", 0.0, 1.0, when={"model": "b"}),
        at.Float("y", 0.0, 1.0, when={"model": "c"}),
        at.Float("z", 0.0, 1.0, when={"y": at.AtLeast(0.5)}),
    )
    design = np.array([initial_point(space.domain, 1, index) for index in range(1, 65)])
    near = perturbed(space.domain.snap(np.zeros((1, 4))), space.domain, 200, generator())

    for points in (design, near):
        there = (points != NOWHERE).mean(axis=0)
        assert there[0] == 1.0
        assert np.all(there[1:] > 0.05)
        assert np.all(there[1:3] < 0.5)


def test_what_a_perturbed_point_makes_active_is_drawn_anew() -> None:
    space = at.Space(at.Bool("on"), at.Float("x", 0.0, 1.0, when={"on": True}, default=0.5))
    points = perturbed(np.array([[0.0, NOWHERE]]), space.domain, 200, generator())

    drawn = points[points[:, 0] == 1.0, 1]
    assert len(drawn) > 50
    assert drawn.min() < 0.1
    assert drawn.max() > 0.9


def test_more_dimensions_than_sobol_has_are_drawn_at_random() -> None:
    points = [sobol(21_202, 2, generator(3), skip) for skip in (0, 1)]

    assert points[0].shape == (2, 21_202)
    assert np.all((points[0] >= 0.0) & (points[0] < 1.0))
    np.testing.assert_array_equal(points[0][1], points[1][0])
    assert initial_point(Domain.of([Interval()] * 21_202), 7, 3).shape == (21_202,)
