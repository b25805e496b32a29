"""Climbing from many starts at once, beside scipy's L-BFGS-B from each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from asktell.model.ascent import Function, ascend
from asktell.model.kernels import Array
from asktell.space.axes import Indices

EXAMPLES = settings(deadline=None, max_examples=50)


def unit(dim: int) -> tuple[Array, Array]:
    return np.zeros(dim), np.ones(dim)


def hills(seed: int, dim: int, waves: float) -> Function:
    """Return a quadratic, ill-conditioned hill with waves upon it."""
    random = np.random.default_rng(seed)
    root = random.standard_normal((dim, dim)) * 10.0 ** random.uniform(-1.0, 1.0, dim)
    hessian = root @ root.T + 1e-2 * np.eye(dim)
    centre, frequencies = random.uniform(-0.5, 1.5, dim), random.uniform(1.0, 9.0, dim)

    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        z = x - centre
        values = -0.5 * np.einsum("ki,ij,kj->k", z, hessian, z) + waves * np.sin(x @ frequencies)
        return values, -z @ hessian + waves * np.cos(x @ frequencies)[:, None] * frequencies

    return function


@EXAMPLES
@given(
    seed=st.integers(0, 2**32),
    dim=st.integers(1, 6),
    waves=st.sampled_from([0.0, 0.1, 3.0]),
    max_steps=st.integers(0, 50),
)
def test_no_start_gets_worse_and_none_leaves_the_bounds(
    seed: int, dim: int, waves: float, max_steps: int
) -> None:
    function, low, high = hills(seed, dim, waves), -0.3 * np.ones(dim), np.arange(1.0, dim + 1.0)
    starts = np.random.default_rng(seed).uniform(low, high, (5, dim))
    asked: list[Array] = []

    def recording(x: Array, rows: Indices) -> tuple[Array, Array]:
        asked.append(x.copy())
        return function(x, rows)

    points, values = ascend(recording, starts, low, high, max_steps)

    everywhere = np.vstack([points, *asked])
    assert np.all((everywhere >= low) & (everywhere <= high))
    assert np.all(values >= function(starts, np.arange(5))[0])
    assert values == pytest.approx(function(points, np.arange(5))[0], rel=1e-12, abs=1e-12)


@EXAMPLES
@given(seed=st.integers(0, 2**32), dim=st.integers(1, 6))
def test_quadratic_hills_are_climbed_as_high_as_by_scipy(seed: int, dim: int) -> None:
    function, (low, high) = hills(seed, dim, 0.0), unit(dim)
    starts = np.random.default_rng(seed).random((3, dim))
    spread = float(np.ptp(function(np.vstack([starts, np.zeros(dim), np.ones(dim)]), starts)[0]))

    _, values = ascend(function, starts, low, high, max_steps=200, tolerance=1e-10)

    for start, value in zip(starts, values, strict=True):
        found = minimize(
            lambda x: -float(function(x[None], np.array([0]))[0][0]),
            start,
            jac=lambda x: -function(x[None], np.array([0]))[1][0],
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * dim,
        )
        assert value >= -found.fun - 1e-3 * (1.0 + spread)


@pytest.mark.parametrize(("seed", "dim"), [(10, 4), (84, 5), (151, 5), (174, 5), (175, 6)])
def test_bounds_that_hold_a_climb_do_not_slow_it_down(seed: int, dim: int) -> None:
    function, (low, high) = hills(seed, dim, 0.0), unit(dim)
    starts = np.random.default_rng(seed).random((3, dim))
    calls = []

    def counted(x: Array, rows: Indices) -> tuple[Array, Array]:
        calls.append(len(x))
        return function(x, rows)

    points, values = ascend(counted, starts, low, high, max_steps=200, tolerance=1e-10)

    _, further = ascend(function, points, low, high, max_steps=200, tolerance=1e-10)
    assert np.any((points == low) | (points == high))
    assert values == pytest.approx(further, abs=1e-6)
    assert np.ptp(values) < 1e-6
    assert len(calls) < 250


def test_maximum_inside_is_found() -> None:
    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        return -np.square(x - [0.3, 0.6]).sum(axis=1), -2.0 * (x - [0.3, 0.6])

    points, values = ascend(function, np.array([[0.0, 0.0], [1.0, 0.5]]), *unit(2))

    assert points == pytest.approx(np.array([[0.3, 0.6]] * 2), abs=1e-3)
    assert values == pytest.approx([0.0, 0.0], abs=1e-6)


def test_maximum_in_a_corner_is_found_exactly() -> None:
    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        return x @ [1.0, -2.0], np.tile([1.0, -2.0], (len(x), 1))

    points, _ = ascend(function, np.array([[0.2, 0.9], [0.5, 0.5]]), *unit(2))

    assert points.tolist() == [[1.0, 0.0]] * 2


def test_maximum_along_an_edge_is_found() -> None:
    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        # without bounds it would be at (1.4, 1.1)
        z = x - [1.4, 1.1]
        return -(z[:, 0] ** 2) - z[:, 1] ** 2 - z[:, 0] * z[:, 1], np.column_stack(
            [-2.0 * z[:, 0] - z[:, 1], -2.0 * z[:, 1] - z[:, 0]]
        )

    points, _ = ascend(function, np.array([[0.1, 0.2]]), np.zeros(2), np.array([1.0, 2.0]))

    assert points[0] == pytest.approx([1.0, 1.3], abs=1e-3)


def test_starts_outside_begin_at_the_bounds() -> None:
    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        return -np.abs(x).sum(axis=1), np.zeros_like(x)

    points, _ = ascend(function, np.array([[-3.0, 0.5], [0.5, 7.0]]), *unit(2))

    assert points.tolist() == [[0.0, 0.5], [0.5, 1.0]]


def test_each_start_is_told_apart() -> None:
    centres = np.array([[0.2], [0.5], [0.9]])

    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        return -np.square(x - centres[rows]).sum(axis=1), -2.0 * (x - centres[rows])

    points, _ = ascend(function, np.full((3, 1), 0.4), *unit(1))

    assert points == pytest.approx(centres, abs=1e-3)


def test_each_start_climbs_as_it_would_alone() -> None:
    function, starts = hills(1, 4, 1.0), np.random.default_rng(2).random((6, 4))

    points, values = ascend(function, starts, *unit(4))

    for index in range(6):
        alone, value = ascend(function, starts[[index]], *unit(4))
        assert points[index] == pytest.approx(alone[0], abs=1e-6)
        assert values[index] == pytest.approx(value[0], abs=1e-6)


def test_starts_that_have_converged_are_asked_no_more() -> None:
    calls: list[list[int]] = []

    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        calls.append(rows.tolist())
        flat = rows == 0
        slopes = np.where(flat[:, None], 0.0, -4.0 * (x - 0.7) ** 3)
        return np.where(flat, 1.0, -((x[:, 0] - 0.7) ** 4)), slopes

    ascend(function, np.array([[0.1], [0.1]]), *unit(1))

    assert calls[0] == [0, 1]
    assert calls[-1] == [1]
    assert sum(0 in rows for rows in calls) <= 3


@pytest.mark.parametrize("bad", [math.nan, -math.inf, math.inf])
def test_start_without_a_finite_value_stays_where_it_is(bad: float) -> None:
    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        return np.where(rows == 0, bad, x[:, 0]), np.ones_like(x)

    points, values = ascend(function, np.array([[0.25], [0.25]]), *unit(1))

    assert points.tolist() == [[0.25], [1.0]]
    assert values == pytest.approx([bad, 1.0], nan_ok=True)


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_climb_stops_before_a_region_without_values(bad: float) -> None:
    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        return np.where(x[:, 0] > 0.6, bad, x[:, 0]), np.ones_like(x)

    points, values = ascend(function, np.array([[0.1]]), *unit(1))

    assert 0.5 < points[0, 0] <= 0.6
    assert values[0] == points[0, 0]


def test_region_without_gradients_is_not_entered() -> None:
    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        return x[:, 0], np.where(x > 0.6, math.nan, 1.0)

    points, _ = ascend(function, np.array([[0.1]]), *unit(1))

    assert points[0, 0] <= 0.6


def test_no_starts_reach_nothing() -> None:
    points, values = ascend(
        lambda x, rows: (np.zeros(len(x)), np.zeros_like(x)), np.empty((0, 3)), *unit(3)
    )

    assert (points.shape, values.shape) == ((0, 3), (0,))


def test_starts_are_left_as_they_were() -> None:
    starts = np.random.default_rng(0).random((3, 2))
    before = starts.tolist()
    ascend(hills(0, 2, 1.0), starts, *unit(2))

    assert starts.tolist() == before


# --- hard cases ---


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_start_without_a_finite_gradient_asks_for_no_point_that_is_no_number(bad: float) -> None:
    asked: list[Array] = []

    def function(x: Array, rows: Indices) -> tuple[Array, Array]:
        asked.append(x.copy())
        return np.zeros(len(x)), np.full_like(x, bad)

    with np.errstate(all="ignore"):
        ascend(function, np.array([[0.25]]), *unit(1))

    assert np.isfinite(np.vstack(asked)).all()


def test_arrays_that_the_function_returned_are_left_as_they_were() -> None:
    slopes, start = np.ones((1, 1)), np.array([[0.25]])

    ascend(lambda x, rows: (x[:, 0], slopes if x[0, 0] == 0.25 else 3.0 - x), start, *unit(1))

    assert slopes.tolist() == [[1.0]]


def test_after_all_have_made_their_steps_only_the_leader_goes_on() -> None:
    top = np.array([0.7, 0.2])

    def valley(x: Array, rows: Indices) -> tuple[Array, Array]:
        # a curved ridge, on which a few steps do not reach the top
        bend = x[:, 1] - x[:, 0] ** 2
        slope = np.stack([-2.0 * (x[:, 0] - top[0]) + 400.0 * bend * x[:, 0], -200.0 * bend], 1)
        return -np.square(x[:, 0] - top[0]) - 100.0 * bend**2, slope

    starts = np.array([[0.1, 0.9], [0.5, 0.3], [0.9, 0.1]])
    early, values = ascend(valley, starts, *unit(2), max_steps=4)
    late, further = ascend(valley, starts, *unit(2), max_steps=4, leader_steps=30)

    leader = int(np.argmax(values))
    others = np.arange(3) != leader
    assert late[others].tolist() == early[others].tolist()
    assert further[leader] > values[leader]


# --- many dimensions ---


def test_many_dimensions_are_climbed_as_scipy_does() -> None:
    function, (low, high) = hills(5, 120, 0.0), unit(120)
    starts = np.random.default_rng(5).random((3, 120))

    points, values = ascend(function, starts, low, high, 400, 1e-12)

    for start, value in zip(starts, values, strict=True):
        found = minimize(
            lambda x: tuple(-part[0] for part in function(x[None], np.zeros(1, dtype=int))),
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * 120,
            options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8},
        )
        assert value >= -found.fun - 1e-3 * abs(found.fun)
    assert np.all((points >= low) & (points <= high))


def test_each_start_of_many_dimensions_goes_its_own_way() -> None:
    function, (low, high) = hills(7, 80, 0.1), unit(80)
    starts = np.random.default_rng(7).random((4, 80))

    together, _ = ascend(function, starts, low, high, 15)
    alone = np.vstack([ascend(function, one[None], low, high, 15)[0] for one in starts])

    np.testing.assert_allclose(together, alone, rtol=1e-6, atol=1e-8)
