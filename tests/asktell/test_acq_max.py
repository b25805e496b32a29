"""The maximiser: on scikit-learn's model, on plain functions, on grids."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from asktell.acquisition.acq_max import acq_max
from asktell.errors import DefinitionError
from asktell.model.kernels import Array
from asktell.space.axes import Axis, Interval, Levels, LogLevels, categories

EXAMPLES = settings(deadline=None, max_examples=50)

Acquisition = Callable[..., Array]

BOX = np.array([[-5.0, 10.0], [0.0, 15.0], [1e-3, 2e-3]])
PEAK = np.array([-1.25, 12.0, 1.7e-3])


def hill(x: Array, gp: Any, y_max: Any) -> Array:
    """Return a smooth function of x (m, 3) whose greatest value, 0, is at PEAK."""
    z = (x - PEAK) / (BOX[:, 1] - BOX[:, 0])
    return -(np.exp(np.square(z).sum(axis=1) + 0.3 * z[:, 0] * z[:, 1]) - 1.0)


def hill_with_gradient(x: Array, gp: Any, y_max: Any) -> tuple[Array, Array]:
    width = BOX[:, 1] - BOX[:, 0]
    z = (x - PEAK) / width
    value = np.exp(np.square(z).sum(axis=1) + 0.3 * z[:, 0] * z[:, 1])
    inner = 2.0 * z
    inner[:, 0] += 0.3 * z[:, 1]
    inner[:, 1] += 0.3 * z[:, 0]
    return 1.0 - value, -value[:, None] * inner / width


class Recorder:
    """An acquisition that keeps all points it was asked for."""

    def __init__(self, acquisition: Acquisition) -> None:
        self.acquisition = acquisition
        self.calls: list[Array] = []

    def __call__(self, x: Array, gp: Any, y_max: Any) -> Array:
        self.calls.append(np.array(x))
        return self.acquisition(x, gp=gp, y_max=y_max)

    @property
    def points(self) -> Array:
        return np.vstack(self.calls)


# --- the contract's signature, on scikit-learn's model ---


def upper_bound(x: Array, gp: GaussianProcessRegressor, y_max: float) -> Array:
    mean, std = gp.predict(x, return_std=True)
    return mean + 2.0 * std


def expected_improvement(x: Array, gp: GaussianProcessRegressor, y_max: float) -> Array:
    from scipy.stats import norm

    mean, std = gp.predict(x, return_std=True)
    z = (mean - y_max) / np.maximum(std, 1e-9)
    return (mean - y_max) * norm.cdf(z) + std * norm.pdf(z)


@pytest.fixture(scope="module")
def model() -> GaussianProcessRegressor:
    x = np.array([[-4.0, 2.0], [0.0, 3.0], [1.0, 7.5], [6.0, 4.0], [8.0, 9.0], [3.0, 5.5]])
    y = -np.square(x - [2.0, 6.0]).sum(axis=1) / 10.0
    kernel = Matern([5.0, 3.0], nu=2.5)
    return GaussianProcessRegressor(kernel, alpha=1e-4, optimizer=None).fit(x, y)


@pytest.mark.parametrize("acquisition", [upper_bound, expected_improvement])
def test_positional_call_on_scikit_learn_finds_what_a_fine_grid_finds(
    acquisition: Acquisition, model: GaussianProcessRegressor
) -> None:
    bounds = np.array([[-5.0, 9.0], [1.0, 10.0]])
    mesh = np.meshgrid(np.linspace(-5.0, 9.0, 141), np.linspace(1.0, 10.0, 91))
    grid = np.column_stack([axis.ravel() for axis in mesh])
    y_max = -0.325

    found = acq_max(acquisition, model, y_max, bounds, 3)

    assert found.shape == (2,)
    assert np.all((found >= bounds[:, 0]) & (found <= bounds[:, 1]))
    best = acquisition(grid, gp=model, y_max=y_max).max()
    assert acquisition(found[None], gp=model, y_max=y_max)[0] >= best - 1e-9


@pytest.mark.parametrize(
    ("n_warmup", "n_iter"), [(1, 1), (2, 1), (16, 3), (100, 10), (10, 100), (64, 1)]
)
def test_known_maximum_of_a_smooth_function_is_found(n_warmup: int, n_iter: int) -> None:
    found = acq_max(hill, None, None, BOX, 0, n_warmup, n_iter)

    assert (found - PEAK) / (BOX[:, 1] - BOX[:, 0]) == pytest.approx(0.0, abs=1e-4)


def test_known_maximum_is_found_with_an_analytic_gradient() -> None:
    found = acq_max(hill, None, None, BOX, 0, 16, 3, gradient=hill_with_gradient)

    assert (found - PEAK) / (BOX[:, 1] - BOX[:, 0]) == pytest.approx(0.0, abs=1e-4)


def test_gradient_is_asked_for_points_that_lie_in_the_box() -> None:
    asked: list[Array] = []

    def gradient(x: Array, gp: Any, y_max: Any) -> tuple[Array, Array]:
        asked.append(x.copy())
        return hill_with_gradient(x, gp, y_max)

    acq_max(hill, None, None, BOX, 0, 16, 3, gradient=gradient)

    points = np.vstack(asked)
    assert np.all((points >= BOX[:, 0]) & (points <= BOX[:, 1]))


def test_maximum_on_the_boundary_is_found_exactly() -> None:
    bounds = [(-2.0, 3.0), (1.0, 4.0)]

    found = acq_max(lambda x, gp, y_max: x[:, 0] - x[:, 1], None, None, bounds, 0, 16, 2)

    assert found.tolist() == [3.0, 1.0]


def test_best_of_many_hills_is_found() -> None:
    def hills(x: Array, gp: Any, y_max: Any) -> Array:
        return np.cos(12.0 * x).sum(axis=1) - 0.4 * np.abs(x - 1.0).sum(axis=1)

    found = acq_max(hills, None, None, [(-3.0, 3.0)] * 2, 1)

    assert found == pytest.approx([math.pi / 3] * 2, abs=0.01)


def test_model_and_greatest_target_are_handed_on_untouched() -> None:
    seen: set[tuple[int, int]] = set()
    gp, y_max = object(), object()

    def acquisition(x: Array, **known: Any) -> Array:
        seen.add((id(known.pop("gp")), id(known.pop("y_max"))))
        assert not known
        return -np.square(x - 0.3).sum(axis=1)

    acq_max(acquisition, gp, y_max, [(0, 1), (0, 1)], 0, 8, 2)

    assert seen == {(id(gp), id(y_max))}


@EXAMPLES
@given(
    ends=st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).map(sorted), min_size=1, max_size=3
    ),
    seed=st.integers(0, 2**32),
)
def test_only_points_of_shape_m_dim_within_bounds_are_scored_but_for_rounding(
    ends: list[list[float]], seed: int
) -> None:
    bounds = np.array(ends)
    tolerance = 4e-16 * np.abs(bounds).max(axis=1)
    recorder = Recorder(lambda x, gp, y_max: np.sin(x).sum(axis=1))

    acq_max(recorder, None, None, bounds, seed, 8, 2)

    assert all(call.ndim == 2 and call.shape[1] == len(bounds) for call in recorder.calls)
    assert np.all(recorder.points >= bounds[:, 0] - tolerance)
    assert np.all(recorder.points <= bounds[:, 1] + tolerance)


def test_dimension_without_width_keeps_its_value() -> None:
    found = acq_max(
        lambda x, gp, y_max: -np.square(x - 0.25).sum(axis=1), None, None, [(7, 7), (0, 1)], 0, 8, 2
    )

    assert found == pytest.approx([7.0, 0.25], abs=1e-5)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (1, -1)])
def test_scores_may_come_in_any_shape_of_m_numbers(shape: tuple[int, ...]) -> None:
    expected = acq_max(hill, None, None, BOX, 0, 8, 2)

    found = acq_max(
        lambda x, gp, y_max: hill(x, gp, y_max).reshape(shape), None, None, BOX, 0, 8, 2
    )

    assert found.tolist() == expected.tolist()


def test_counts_of_the_contract_are_the_defaults() -> None:
    recorder = Recorder(lambda x, gp, y_max: x[:, 0])

    acq_max(recorder, None, None, [(0, 1)], 0)

    assert len(recorder.calls[0]) == 10000
    assert len(recorder.calls[-1]) == 10  # the improved points


# --- randomness ---

SEEDS: list[Callable[[int], Any]] = [
    lambda seed: seed,
    np.int64,
    np.random.default_rng,
    np.random.RandomState,
]


@pytest.mark.parametrize("make", SEEDS)
def test_equal_seeds_give_equal_points(make: Callable[[int], Any]) -> None:
    first, second = (Recorder(hill) for _ in range(2))

    found = [acq_max(r, None, None, BOX, make(5), 16, 4).tolist() for r in (first, second)]

    assert found[0] == found[1]
    assert first.points.tolist() == second.points.tolist()


@pytest.mark.parametrize("make", SEEDS)
def test_other_seeds_give_other_points(make: Callable[[int], Any]) -> None:
    first, second = (Recorder(hill) for _ in range(2))
    acq_max(first, None, None, BOX, make(5), 16, 1)
    acq_max(second, None, None, BOX, make(6), 16, 1)

    assert not set(map(tuple, first.calls[0])) & set(map(tuple, second.calls[0]))


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_streams_are_advanced(make: Callable[[int], Any]) -> None:
    stream = make(5)
    first, second = (Recorder(hill) for _ in range(2))
    acq_max(first, None, None, BOX, stream, 16, 1)
    acq_max(second, None, None, BOX, stream, 16, 1)

    assert first.calls[0].tolist() != second.calls[0].tolist()


@pytest.mark.parametrize("make", SEEDS)
def test_global_random_state_is_neither_read_nor_disturbed(make: Callable[[int], Any]) -> None:
    def run(global_seed: int) -> list[float]:
        np.random.seed(global_seed)
        seed = make(5)
        before = [np.asarray(part).tolist() for part in np.random.get_state()]
        found = acq_max(hill, None, None, BOX, seed, 16, 4).tolist()
        assert [np.asarray(part).tolist() for part in np.random.get_state()] == before
        return found

    assert run(1) == run(2)


def test_improved_starts_are_drawn_from_the_good_ones() -> None:
    recorder = Recorder(lambda x, gp, y_max: np.where(x[:, 0] > 0.5, 20.0, 0.0) + x[:, 0])

    acq_max(recorder, None, None, [(0, 1)], 0, 64, 8)

    # the first look; then, for each of the starts, the point itself after one beside it
    begun = recorder.calls[1][1::2, 0]
    assert len(set(begun.tolist())) == 8
    assert set(begun.tolist()) <= set(recorder.calls[0][:, 0].tolist())
    assert np.mean(begun > 0.5) >= 0.75


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_improved_starts_are_good_ones_beside_scores_that_are_not_finite(bad: float) -> None:
    def steep(x: Array, gp: Any, y_max: Any) -> Array:
        return np.where(x[:, 0] < 0.1, bad, np.where(x[:, 0] > 0.5, 20.0, 0.0) + x[:, 0])

    recorder = Recorder(steep)
    with np.errstate(all="ignore"):
        acq_max(recorder, None, None, [(0, 1)], 0, 256, 32)

    assert np.mean(recorder.calls[1][1::2, 0] > 0.5) >= 0.75


# --- discrete axes ---

SMALL: list[Axis] = [Levels(5), categories(3), LogLevels(4, 1.0, 3.0)]
SMALL_BOUNDS = np.array([[-1.0, 3.0], [0.0, 1.0], [10.0, 20.0]])
LARGE: list[Axis] = [Levels(1000), categories(9), LogLevels(500, 2.0, 1.0), Levels(1)]
LARGE_BOUNDS = np.array([[0.0, 999.0], [0.0, 1.0], [0.0, 1.0], [2.0, 4.0]])


def grid_of(axes: list[Axis], bounds: Array) -> Array:
    columns = [
        low + axis.levels() * (high - low) for axis, (low, high) in zip(axes, bounds, strict=True)
    ]
    return np.array(list(itertools.product(*columns)))


def bumpy(x: Array, gp: Any, y_max: Any) -> Array:
    """Return scores without any structure, all different."""
    return np.sin(1e4 * np.square(x + np.arange(1.0, x.shape[1] + 1.0) ** 0.5).sum(axis=1))


def test_small_grid_is_scored_whole_and_once() -> None:
    recorder = Recorder(bumpy)

    acq_max(recorder, None, None, SMALL_BOUNDS, 0, 60, axes=SMALL)

    expected = grid_of(SMALL, SMALL_BOUNDS)
    assert len(recorder.calls) == 1
    assert sorted(recorder.calls[0].tolist()) == sorted(expected.tolist())


def test_small_grid_gives_the_exact_arg_max() -> None:
    grid = grid_of(SMALL, SMALL_BOUNDS)

    found = acq_max(bumpy, None, None, SMALL_BOUNDS, 0, 60, axes=SMALL)

    assert found.tolist() == grid[np.argmax(bumpy(grid, None, None))].tolist()


@pytest.mark.parametrize(("axes", "bounds"), [(SMALL, SMALL_BOUNDS), (LARGE, LARGE_BOUNDS)])
@pytest.mark.parametrize("n_warmup", [1, 16, 59])
def test_only_points_of_the_grid_are_scored(axes: list[Axis], bounds: Array, n_warmup: int) -> None:
    recorder = Recorder(bumpy)
    starts = bounds[:, 0] + np.random.default_rng(0).random((5, len(axes))) * np.ptp(bounds, axis=1)

    found = acq_max(recorder, None, None, bounds, 0, n_warmup, 4, axes=axes, starts=starts)

    for i, axis in enumerate(axes):
        low, high = bounds[i]
        exist = set((low + axis.levels() * (high - low)).tolist())
        assert set(recorder.points[:, i].tolist()) <= exist
        assert found[i] in exist


def test_large_ordered_grid_is_climbed_to_its_top() -> None:
    def slope(x: Array, gp: Any, y_max: Any) -> Array:
        return -np.abs(x[:, 0] - 777.0) - np.abs(x[:, 1] - 2.0 / 8.0) - np.abs(x[:, 2] - 1.0)

    found = acq_max(slope, None, None, LARGE_BOUNDS, 0, 4, 1, axes=LARGE)

    assert found == pytest.approx([777.0, 0.25, 1.0, 2.0], abs=1e-12)


def test_walk_takes_several_steps_along_several_axes() -> None:
    axes: list[Axis] = [Levels(2**40), Levels(2**40)]

    def slope(x: Array, gp: Any, y_max: Any) -> Array:
        return -np.abs(x[:, 0] - 123456789.0) - np.abs(x[:, 1] - 987654321.0)

    found = acq_max(slope, None, None, [(0, 2**40 - 1)] * 2, 0, 4, 1, axes=axes)

    assert found == pytest.approx([123456789.0, 987654321.0], abs=0.01)


MIXED: list[Axis] = [Interval(), Levels(11), categories(4), Interval()]
MIXED_BOUNDS = np.array([[-2.0, 2.0], [0.0, 10.0], [0.0, 3.0], [5.0, 6.0]])


def ridge(x: Array, gp: Any, y_max: Any) -> Array:
    """Return scores that are greatest at (1.4, 7, 2, 5.25); the first two axes are coupled."""
    away = np.square(x[:, 0] - x[:, 1] / 5.0) + 0.01 * np.square(x[:, 1] - 7.0)
    return -away - (x[:, 2] != 2.0) - np.square(x[:, 3] - 5.25)


def ridge_with_gradient(x: Array, gp: Any, y_max: Any) -> tuple[Array, Array]:
    slopes = np.zeros_like(x)
    slopes[:, 0] = -2.0 * (x[:, 0] - x[:, 1] / 5.0)
    slopes[:, 3] = -2.0 * (x[:, 3] - 5.25)
    return ridge(x, gp, y_max), slopes


@pytest.mark.parametrize("gradient", [None, ridge_with_gradient])
def test_gradient_steps_and_discrete_moves_alternate_to_the_top(
    gradient: Callable[..., tuple[Array, Array]] | None,
) -> None:
    found = acq_max(ridge, None, None, MIXED_BOUNDS, 0, 64, 4, gradient=gradient, axes=MIXED)

    assert found == pytest.approx([1.4, 7.0, 2.0, 5.25], abs=1e-3)


def test_points_scored_and_differentiated_lie_on_the_grid_of_every_discrete_axis() -> None:
    asked: list[Array] = []
    recorder = Recorder(ridge)

    def gradient(x: Array, gp: Any, y_max: Any) -> tuple[Array, Array]:
        asked.append(x.copy())
        return ridge_with_gradient(x, gp, y_max)

    acq_max(recorder, None, None, MIXED_BOUNDS, 0, 32, 4, gradient=gradient, axes=MIXED)

    points = np.vstack([recorder.points, *asked])
    assert set(points[:, 1].tolist()) <= set(range(11))
    assert set(points[:, 2].tolist()) <= {0.0, 1.0, 2.0, 3.0}


def test_axis_of_a_single_level_moves_nowhere() -> None:
    found = acq_max(
        lambda x, gp, y_max: -np.square(x[:, 0] - 0.3),
        None,
        None,
        [(0.0, 1.0), (4.0, 9.0)],
        0,
        8,
        2,
        axes=[Interval(), Levels(1)],
    )

    assert found == pytest.approx([0.3, 4.0], abs=1e-5)


# --- starts and points that are taken ---


def needle(x: Array, gp: Any, y_max: Any) -> Array:
    return np.where(np.abs(x - 0.123456).max(axis=1) < 1e-4, 1.0, 0.0)


def test_start_that_is_the_maximum_is_returned() -> None:
    found = acq_max(needle, None, None, [(0, 1)] * 3, 0, 8, 2, starts=np.full((1, 3), 0.123456))

    assert found == pytest.approx([0.123456] * 3)


@pytest.mark.parametrize("starts", [np.empty((0, 3)), np.empty(0), []])
def test_no_starts_are_as_none(starts: Any) -> None:
    expected = acq_max(hill, None, None, BOX, 0, 8, 2)

    assert acq_max(hill, None, None, BOX, 0, 8, 2, starts=starts).tolist() == expected.tolist()


def test_start_keeps_its_place_in_a_box_of_any_size() -> None:
    recorder = Recorder(hill)

    acq_max(recorder, None, None, BOX, 0, 8, 1, starts=PEAK[None])

    assert recorder.calls[0][-1] == pytest.approx(PEAK, rel=1e-12)


def test_starts_outside_are_brought_into_the_box() -> None:
    recorder = Recorder(hill)
    starts = np.array([[-1e9, 1e9, 0.0]])

    acq_max(recorder, None, None, BOX, 0, 8, 1, starts=starts)

    assert [-5.0, 15.0, 1e-3] in recorder.calls[0].tolist()


@EXAMPLES
@given(free=st.sets(st.integers(0, 59), min_size=1))
def test_of_a_small_grid_the_best_point_that_is_free_is_returned(free: set[int]) -> None:
    grid = grid_of(SMALL, SMALL_BOUNDS)
    rows = {tuple(row): index for index, row in enumerate(grid.tolist())}

    def taken(points: Array) -> Array:
        return np.array([rows[tuple(point)] not in free for point in points.tolist()])

    found = acq_max(bumpy, None, None, SMALL_BOUNDS, 0, 60, axes=SMALL, taken=taken)

    best = max(free, key=lambda index: bumpy(grid[[index]], None, None)[0])
    assert found.tolist() == grid[best].tolist()


def test_taken_points_are_not_returned_from_a_large_grid() -> None:
    def slope(x: Array, gp: Any, y_max: Any) -> Array:
        return -np.abs(x[:, 0] - 500.0)

    found = acq_max(
        slope,
        None,
        None,
        [(0, 999)],
        0,
        16,
        4,
        axes=[Levels(1000)],
        taken=lambda points: np.abs(points[:, 0] - 500.0) < 3.5,
    )

    assert abs(found[0] - 500.0) == pytest.approx(4.0)


def test_taken_region_of_a_continuum_is_not_returned() -> None:
    found = acq_max(
        hill, None, None, BOX, 0, 64, 4, taken=lambda points: np.abs(points[:, 0] + 1.25) < 1.0
    )

    assert abs(found[0] + 1.25) >= 1.0


def test_where_all_is_taken_a_point_of_the_space_is_returned_nevertheless() -> None:
    everything = {"taken": lambda points: np.ones(len(points), dtype=bool)}

    small = acq_max(bumpy, None, None, SMALL_BOUNDS, 0, 60, axes=SMALL, **everything)
    with np.errstate(all="ignore"):
        mixed = acq_max(ridge, None, None, MIXED_BOUNDS, 0, 8, 2, axes=MIXED, **everything)

    assert small.tolist() in grid_of(SMALL, SMALL_BOUNDS).tolist()
    assert np.all((mixed >= MIXED_BOUNDS[:, 0]) & (mixed <= MIXED_BOUNDS[:, 1]))


# --- scores that are not finite ---


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
@pytest.mark.parametrize("gradient", [None, hill_with_gradient])
def test_maximum_is_found_among_scores_that_are_not_finite(
    bad: float, gradient: Callable[..., tuple[Array, Array]] | None
) -> None:
    def partly(x: Array, gp: Any, y_max: Any) -> Array:
        return np.where(x[:, 1] < 5.0, bad, hill(x, gp, y_max))

    with np.errstate(all="ignore"):
        found = acq_max(partly, None, None, BOX, 0, 32, 4, gradient=gradient)

    assert (found - PEAK) / (BOX[:, 1] - BOX[:, 0]) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("bad", [math.nan, -math.inf, math.inf, 0.0, 1e300])
@pytest.mark.parametrize(("axes", "bounds"), [(MIXED, MIXED_BOUNDS), (LARGE, LARGE_BOUNDS)])
def test_scores_that_are_all_the_same_give_a_point_of_the_space(
    bad: float, axes: list[Axis], bounds: Array
) -> None:
    with np.errstate(all="ignore"):
        found = acq_max(
            lambda x, gp, y_max: np.full(len(x), bad), None, None, bounds, 0, 16, 3, axes=axes
        )

    assert np.all((found >= bounds[:, 0]) & (found <= bounds[:, 1]))


def test_infinite_score_is_the_greatest() -> None:
    def partly(x: Array, gp: Any, y_max: Any) -> Array:
        return np.where(x[:, 0] > 0.5, math.inf, 0.0)

    with np.errstate(all="ignore"):
        found = acq_max(partly, None, None, [(0, 1)], 0, 16, 3)

    assert found[0] > 0.5


def test_gradients_that_are_not_finite_leave_the_first_look() -> None:
    def gradient(x: Array, gp: Any, y_max: Any) -> tuple[Array, Array]:
        return hill(x, gp, y_max), np.full_like(x, math.nan)

    recorder = Recorder(hill)
    found = acq_max(recorder, None, None, BOX, 0, 16, 3, gradient=gradient)

    best = recorder.calls[0][np.argmax(hill(recorder.calls[0], None, None))]
    assert found.tolist() == best.tolist()


# --- wrong arguments ---


@pytest.mark.parametrize(
    ("bounds", "n_warmup", "n_iter", "axes", "place"),
    [
        ([], 8, 1, None, "$.bounds"),
        (None, 8, 1, None, "$.bounds"),
        ([0.0, 1.0], 8, 1, None, "$.bounds"),
        ([[0.0, 1.0, 2.0]], 8, 1, None, "$.bounds"),
        (np.empty((0, 2)), 8, 1, None, "$.bounds"),
        ([(1.0, 0.0)], 8, 1, None, "$.bounds"),
        ([(0.0, math.inf)], 8, 1, None, "$.bounds"),
        ([(math.nan, 1.0)], 8, 1, None, "$.bounds"),
        ([(0.0, 1.0)], 0, 1, None, "$.n_warmup"),
        ([(0.0, 1.0)], -5, 1, None, "$.n_warmup"),
        ([(0.0, 1.0)], 8, 1, [Interval(), Interval()], "$.axes"),
    ],
)
def test_wrong_arguments_are_refused_by_place(
    bounds: Any, n_warmup: int, n_iter: int, axes: list[Axis] | None, place: str
) -> None:
    recorder = Recorder(hill)
    with pytest.raises(DefinitionError) as caught:
        acq_max(recorder, None, None, bounds, 0, n_warmup, n_iter, axes=axes)

    assert caught.value.place == place
    assert not recorder.calls


# --- hard cases ---


def test_finite_differences_step_along_continuous_axes_alone() -> None:
    recorder = Recorder(ridge)

    acq_max(recorder, None, None, MIXED_BOUNDS, 0, 32, 4, axes=MIXED)

    assert set(recorder.points[:, 1].tolist()) <= set(range(11))
    assert set(recorder.points[:, 2].tolist()) <= {0.0, 1.0, 2.0, 3.0}


NARROW = (-0.1312492237640282, 0.007531896900757253)  # low + (high - low) > high, by rounding


@pytest.mark.parametrize("axes", [None, [Levels(3)], [Levels(1000)]])
def test_no_point_lies_above_its_bound_even_by_rounding(axes: list[Axis] | None) -> None:
    recorder = Recorder(lambda x, gp, y_max: x[:, 0])

    found = acq_max(recorder, None, None, [NARROW], 0, 8, 1, axes=axes)

    assert found[0] <= NARROW[1]
    assert recorder.points.max() <= NARROW[1]


def test_first_look_alone_works_on_scikit_learn(model: GaussianProcessRegressor) -> None:
    found = acq_max(upper_bound, model, 0.0, [(-5.0, 9.0), (1.0, 10.0)], 0, 64, 0)

    assert found.shape == (2,)


def test_counts_may_be_integers_of_numpy() -> None:
    expected = acq_max(hill, None, None, BOX, 0, 16, 2)

    found = acq_max(hill, None, None, BOX, 0, np.int64(16), np.int64(2))  # type: ignore[arg-type]

    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("n_warmup", "n_iter", "place"),
    [
        (16.5, 2, "$.n_warmup"),
        (None, 2, "$.n_warmup"),
        (True, 2, "$.n_warmup"),
        (16, -1, "$.n_iter"),
        (16, 1.5, "$.n_iter"),
        (16, "2", "$.n_iter"),
    ],
)
def test_wrong_count_is_refused_by_its_own_place(n_warmup: Any, n_iter: Any, place: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        acq_max(hill, None, None, BOX, 0, n_warmup, n_iter)

    assert caught.value.place == place


@pytest.mark.parametrize("bounds", ["ab", [(0.0, 1.0), (1.0,)], [("low", "high")]])
def test_bounds_that_are_no_array_are_refused_by_place(bounds: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        acq_max(hill, None, None, bounds, 0, 16, 2)

    assert caught.value.place == "$.bounds"


def test_scores_near_the_largest_float_survive() -> None:
    def steep(x: Array, gp: Any, y_max: Any) -> Array:
        return np.where(x[:, 0] > 0.5, 1.7e308, -1.7e308) * x[:, 0]

    with np.errstate(all="ignore"):
        found = acq_max(steep, None, None, [(0, 1)], 0, 16, 3)

    assert found[0] > 0.9


def test_taken_point_is_not_returned_where_the_free_ones_have_no_score() -> None:
    found = acq_max(
        lambda x, gp, y_max: np.where(x[:, 0] == 0.0, 1.0, math.nan),
        None,
        None,
        [(0, 1)],
        0,
        16,
        axes=[Levels(3)],
        taken=lambda points: points[:, 0] == 0.0,
    )

    assert found[0] > 0.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("score", [-math.inf, math.inf])
def test_infinite_scores_do_not_warn(score: float) -> None:
    acq_max(lambda x, gp, y_max: np.full(len(x), score), None, None, BOX, 0, 16, 3)


def test_no_point_that_is_no_number_is_scored() -> None:
    def half(x: Array, gp: Any, y_max: Any) -> Array:
        return np.where(x[:, 0] < 0.5, math.nan, -np.square(x[:, 0] - 0.5))

    recorder = Recorder(half)
    acq_max(recorder, None, None, [(0, 1)], 0, 16, 3, starts=np.array([[0.5000005]]))

    assert np.isfinite(recorder.points).all()


@pytest.mark.parametrize("unit", [1e-3, 1e-9, 1e-200])
def test_unit_of_the_acquisition_does_not_matter(unit: float) -> None:
    found = acq_max(lambda x, gp, y_max: unit * hill(x, gp, y_max), None, None, BOX, 0, 16, 3)

    assert (found - PEAK) / (BOX[:, 1] - BOX[:, 0]) == pytest.approx(0.0, abs=1e-5)
