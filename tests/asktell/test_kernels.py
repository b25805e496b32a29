"""Distances and the Matern kernel against their definitions."""

from __future__ import annotations

import math

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import Matern

from asktell.model.kernels import (
    RADIUS,
    SHARED,
    Array,
    Embedding,
    feature_sums,
    matern,
    squared_distances,
)
from asktell.space.absent import NOWHERE

EXAMPLES = settings(deadline=None, max_examples=50)

CATEGORIES = (0, 3, 0, 1, 2, 0)


def points_of(categories: tuple[int, ...], n: int, seed: int) -> Array:
    """Return n random points (n, d), on the grid of each dimension of categories."""
    random = np.random.default_rng(seed)
    points = random.random((n, len(categories)))
    for dimension, count in enumerate(categories):
        if count:
            points[:, dimension] = random.integers(count, size=n) / max(count - 1, 1)
    return points


def distances_by_definition(
    categories: tuple[int, ...], length_scales: Array, left: Array, right: Array
) -> Array:
    """Return r^2 (n, m), one pair and one dimension at a time."""
    squared = np.zeros((len(left), len(right)))
    for i, x in enumerate(left):
        for j, y in enumerate(right):
            for count, scale, a, b in zip(categories, length_scales, x, y, strict=True):
                d = float(a != b) if count else a - b
                squared[i, j] += d**2 / scale**2
    return squared


# --- embedding ---


@EXAMPLES
@given(
    categories=st.lists(st.integers(0, 5), min_size=1, max_size=5).map(tuple),
    seed=st.integers(0, 2**32),
)
def test_scaled_features_have_the_distances_of_the_definition(
    categories: tuple[int, ...], seed: int
) -> None:
    left, right = points_of(categories, 4, seed), points_of(categories, 5, seed + 1)
    length_scales = np.random.default_rng(seed).uniform(0.2, 3.0, len(categories))
    embedding = Embedding(categories)
    scales = embedding.scales(length_scales)

    squared = squared_distances(embedding(left) / scales, embedding(right) / scales)

    expected = distances_by_definition(categories, length_scales, left, right)
    assert squared == pytest.approx(expected, abs=1e-12)


def test_features_of_ordered_dimensions_are_their_positions() -> None:
    points = np.array([[0.25, 0.5], [1.0, 0.0]])

    assert Embedding((0, 0))(points).tolist() == points.tolist()


def test_features_of_categories_are_indicators() -> None:
    features = Embedding((3,))(np.array([[0.5], [0.0], [1.0]]))

    assert features * 2**0.5 == pytest.approx(np.eye(3)[[1, 0, 2]])


def test_single_category_has_one_constant_feature() -> None:
    assert Embedding((1,))(np.array([[0.0], [0.0]])).tolist() == [[0.5**0.5], [0.5**0.5]]


def test_features_of_many_points_are_the_features_of_each() -> None:
    embedding, points = Embedding(CATEGORIES), points_of(CATEGORIES, 7, 0)

    assert embedding(points).tolist() == [embedding(point[None])[0].tolist() for point in points]


def test_no_points_have_no_features() -> None:
    assert Embedding(CATEGORIES)(np.empty((0, 6))).shape == (0, 9)


def test_scales_repeat_a_length_scale_for_each_feature() -> None:
    scales = Embedding(CATEGORIES).scales(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))

    assert scales.tolist() == [1.0, 2.0, 2.0, 2.0, 3.0, 4.0, 5.0, 5.0, 6.0]


def test_per_dimension_sums_over_the_features_of_a_dimension() -> None:
    sums = Embedding(CATEGORIES).per_dimension(np.array([1.0, 2, 4, 8, 16, 32, 64, 128, 256]))

    assert sums.tolist() == [1.0, 14.0, 16.0, 32.0, 192.0, 256.0]


def test_embeddings_are_equal_when_their_categories_are() -> None:
    assert Embedding((0, 3)) == Embedding((0, 3))
    assert Embedding((0, 3)) != Embedding((3, 0))


def test_embedding_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Embedding((0,)).categories = (1,)  # type: ignore[misc]


def test_layout_tells_which_features_belong_to_which_dimension() -> None:
    embedding = Embedding(CATEGORIES)

    assert embedding.owners.tolist() == [0, 1, 1, 1, 2, 3, 4, 4, 5]
    assert embedding.starts.tolist() == [0, 1, 4, 5, 6, 8]
    assert embedding.moving.tolist() == [0, 4, 8]


# --- where some dimensions are nowhere ---


@st.composite
def layouts(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Draw the categories of some dimensions, and which are conditional."""
    dims = draw(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=5))
    return tuple(count for count, _ in dims), tuple(conditional for _, conditional in dims)


def somewhere(
    categories: tuple[int, ...], conditional: tuple[bool, ...], n: int, seed: int
) -> Array:
    """Return n random points (n, d), of which a third of the conditional positions is nowhere."""
    points = points_of(categories, n, seed)
    gone = np.random.default_rng(seed + 1).random(points.shape) < 1 / 3
    points[gone & np.array(conditional)] = NOWHERE
    return points


def conditional_distance(count: int, is_curved: bool, a: float, b: float) -> float:
    """Return how far two positions of one dimension lie apart, each of which may be nowhere."""
    if a == b:
        return 0.0
    if NOWHERE in (a, b):
        return 0.5**0.5 if count else RADIUS
    if count:
        return 1.0
    return 2.0 * RADIUS * math.sin(abs(a - b) / (2.0 * RADIUS)) if is_curved else abs(a - b)


@EXAMPLES
@given(layout=layouts(), seed=st.integers(0, 2**32))
def test_distances_are_those_of_the_arc_where_some_positions_are_nowhere(
    layout: tuple[tuple[int, ...], tuple[bool, ...]], seed: int
) -> None:
    categories, conditional = layout
    left, right = (somewhere(*layout, 5, seed + i) for i in range(2))
    length_scales = np.random.default_rng(seed).uniform(0.2, 3.0, len(categories))
    embedding = Embedding(categories, conditional)
    scales = embedding.scales(length_scales)

    squared = squared_distances(embedding(left) / scales, embedding(right) / scales)

    expected = np.zeros((5, 5))
    for i, x in enumerate(left):
        for j, y in enumerate(right):
            distances = map(conditional_distance, categories, conditional, x, y)
            expected[i, j] = sum(d**2 / s**2 for d, s in zip(distances, length_scales, strict=True))
    assert squared == pytest.approx(expected, abs=1e-12)


@EXAMPLES
@given(positions=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=2))
def test_all_positions_lie_equally_far_from_nowhere_and_much_as_on_a_line_from_each_other(
    positions: list[float],
) -> None:
    embedding = Embedding((0,), (True,))
    first, second, nowhere = embedding(np.array([*positions, NOWHERE])[:, None])

    assert np.linalg.norm(first - nowhere) == pytest.approx(RADIUS)
    apart = abs(positions[0] - positions[1])
    assert 0.84 * apart <= np.linalg.norm(first - second) + 1e-12 <= apart + 2e-12


def test_what_two_points_do_not_both_have_makes_no_difference_to_how_alike_they_are() -> None:
    embedding = Embedding((2, 0, 0, 3), (False, True, True, True))
    left = np.array([[0.0, position, NOWHERE, NOWHERE] for position in (0.0, 0.3, 1.0)])
    right = np.array([[1.0, NOWHERE, 0.2, code] for code in (0.0, 0.5, 1.0)])

    squared = squared_distances(embedding(left), embedding(right))

    assert squared == pytest.approx(np.full((3, 3), 1.0 + 2 * RADIUS**2 + 0.5), abs=1e-12)


def test_a_dimension_that_is_nowhere_in_both_points_adds_nothing() -> None:
    embedding = Embedding((0, 0, 3), (False, True, True))
    points = np.array([[0.2, NOWHERE, NOWHERE], [0.7, NOWHERE, NOWHERE]])

    assert squared_distances(embedding(points), embedding(points))[0, 1] == pytest.approx(0.25)


def test_layout_of_conditional_dimensions() -> None:
    embedding = Embedding((0, 3, 0, 0), (True, True, False, True), (2, 1, 0, 1))

    assert embedding.owners.tolist() == [0, 0, 1, 1, 1, 2, 3, 3]
    assert embedding.starts.tolist() == [0, 2, 5, 6]
    assert embedding.moving.tolist() == [0, 1, 5, 6, 7]
    assert [columns.tolist() for columns in embedding.shared] == [[5], [2, 3, 4, 5, 6, 7]]
    assert embedding != Embedding((0, 3, 0, 0))
    assert Embedding((0, 3, 0, 0)).shared == ()


@EXAMPLES
@given(layout=layouts(), seed=st.integers(0, 2**32))
def test_slopes_along_features_become_gradients_along_positions(
    layout: tuple[tuple[int, ...], tuple[bool, ...]], seed: int
) -> None:
    categories, _ = layout
    embedding = Embedding(*layout)
    random = np.random.default_rng(seed)
    (point,) = somewhere(*layout, 1, seed)
    weights = random.standard_normal(len(embedding.owners))

    gradient = embedding.along(weights[None, embedding.moving], point[None])

    step, expected = 1e-6, np.zeros((1, len(categories)))
    for dimension, count in enumerate(categories):
        if not count and point[dimension] != NOWHERE:
            ends = np.array([point, point])
            ends[:, dimension] += [step, -step]
            above, below = embedding(ends) @ weights
            expected[0, dimension] = (above - below) / (2.0 * step)
    assert gradient == pytest.approx(expected, abs=1e-7)


@EXAMPLES
@given(
    layout=layouts(),
    depths=st.lists(st.integers(0, 3), min_size=5, max_size=5),
    seed=st.integers(0, 2**32),
)
def test_the_kernel_of_conditional_points_is_one(
    layout: tuple[tuple[int, ...], tuple[bool, ...]], depths: list[int], seed: int
) -> None:
    embedding = Embedding(*layout, tuple(depths[: len(layout[0])]))
    points = somewhere(*layout, 12, seed)
    features = embedding(points) / 0.7

    kernel = embedding.kernel(features, features)

    assert kernel.diagonal() == pytest.approx(np.ones(12))
    assert kernel == pytest.approx(kernel.T)
    assert np.linalg.eigvalsh(kernel).min() > -1e-10


def test_points_of_a_branch_have_a_part_of_the_variance_in_common() -> None:
    embedding = Embedding((2, 0), (False, True), (0, 1))
    points = np.array([[0.0, 0.1], [0.0, 0.9], [1.0, NOWHERE]])
    features = embedding(points) / embedding.scales(np.array([1.0, 1e-3]))

    kernel = embedding.kernel(features, features)

    apart = matern(np.array([1.0]))[0][0]
    assert kernel[0, 1] == pytest.approx(SHARED)
    assert kernel[0, 2] == kernel[1, 2] == pytest.approx(SHARED * apart)


def test_every_depth_but_the_last_has_its_own_part_of_the_variance() -> None:
    embedding = Embedding((0, 0, 0), (False, True, True), (0, 1, 2))
    points = np.array([[0.5, 0.5, 0.1], [0.5, 0.5, 0.9], [0.5, 0.1, NOWHERE], [0.1, NOWHERE, -1.0]])
    features = embedding(points) / 1e-3

    kernel = embedding.kernel(features, features)

    assert kernel[0, 1:] == pytest.approx([SHARED, SHARED / 2, 0.0], abs=1e-9)


def test_categories_that_are_not_listed_share_a_feature() -> None:
    embedding = Embedding((100, 0), listed=((3, 7), None))
    points = np.array([[3 / 99, 0.5], [7 / 99, 0.5], [4 / 99, 0.5], [50 / 99, 0.5]])

    assert embedding.owners.tolist() == [0, 0, 0, 1]
    features = embedding(points)[:, :3] * 2**0.5
    assert features == pytest.approx(np.eye(3)[[0, 1, 2, 2]])


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 6))
def test_listing_more_gives_all_points_their_own_distances(seed: int, n: int) -> None:
    categories, conditional = (90, 0, 70), (True, True, False)
    points = somewhere(categories, conditional, n, seed)
    few = Embedding(categories, conditional, listed=((1,), None, ()))

    features = few.listing(points)(points)

    every = Embedding(categories, conditional)(points)
    assert squared_distances(features, features) == pytest.approx(
        squared_distances(every, every), abs=1e-12
    )
    assert Embedding(categories).listing(points) == Embedding(categories)


# --- distances and kernel ---


def test_squared_distances_are_those_of_scipy() -> None:
    random = np.random.default_rng(0)
    left, right = random.standard_normal((6, 3)), random.standard_normal((4, 3))

    expected = cdist(left, right, "sqeuclidean")
    assert squared_distances(left, right) == pytest.approx(expected, rel=1e-12)


def test_squared_distances_are_never_negative() -> None:
    points = 1e4 * np.random.default_rng(0).random((50, 3))

    assert squared_distances(points, points + 1e-9).min() >= 0.0


def test_squared_distances_of_a_batch_are_those_of_each() -> None:
    random = np.random.default_rng(0)
    left, right = random.standard_normal((5, 6, 3)), random.standard_normal((5, 4, 3))

    batch = squared_distances(left, right)

    assert batch.shape == (5, 6, 4)
    for index in range(5):
        expected = squared_distances(left[index], right[index])
        assert batch[index] == pytest.approx(expected, rel=1e-12, abs=1e-13)


def test_distances_and_kernel_leave_their_arguments_as_they_were() -> None:
    left, right = np.random.default_rng(0).random((2, 4, 3))
    squared = squared_distances(left, right)
    before = left.tolist(), right.tolist(), squared.tolist()
    squared_distances(left, right)
    matern(squared)

    assert (left.tolist(), right.tolist(), squared.tolist()) == before


def test_kernel_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    left, right = random.random((6, 3)), random.random((4, 3))
    length_scales = np.array([0.3, 1.0, 2.5])

    kernel, _ = matern(squared_distances(left / length_scales, right / length_scales))

    assert kernel == pytest.approx(Matern(length_scales, nu=2.5)(left, right), rel=1e-12)


def test_kernel_is_one_at_distance_zero_and_vanishes_far_away() -> None:
    kernel, slope = matern(np.array([0.0, 1e6]))

    assert kernel.tolist() == [1.0, 0.0]
    assert slope == pytest.approx([5.0 / 3.0, 0.0])


@pytest.mark.parametrize("squared", [1e-3, 0.1, 1.0, 7.0, 40.0])
def test_slope_is_minus_twice_the_derivative_by_the_squared_distance(squared: float) -> None:
    step = 1e-5 * squared
    (above, below), _ = matern(np.array([squared + step, squared - step]))

    _, slope = matern(np.array([squared]))

    assert slope[0] == pytest.approx(-2.0 * (above - below) / (2.0 * step), rel=1e-6)


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 8), f=st.integers(1, 4))
def test_feature_sums_are_the_sums_over_all_pairs(seed: int, n: int, f: int) -> None:
    random = np.random.default_rng(seed)
    weights, scaled = random.standard_normal((n, n)), random.standard_normal((n, f))
    weights = weights + weights.T

    differences = scaled[:, None] - scaled[None]

    expected = np.einsum("ij,ijf->f", weights, differences**2)
    assert feature_sums(weights, scaled) == pytest.approx(expected, abs=1e-11)
