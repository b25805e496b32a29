"""Targets as the surrogate sees them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from asktell.model.kernels import Array
from asktell.model.warping import log_gap, power_transformed, standardise, tukey_winsorised

EXAMPLES = settings(deadline=None, max_examples=50)

WARPS = [tukey_winsorised, power_transformed, log_gap]
Warp = Callable[[Array], Array]

TARGETS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=15).map(np.array)
HUGE = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=15).map(
    np.array
)


# --- standardising ---


@EXAMPLES
@given(HUGE)
def test_standardised_targets_are_finite_and_keep_their_order(targets: Array) -> None:
    values = standardise(targets).values

    assert np.all(np.isfinite(values))
    assert np.all(np.diff(values[np.argsort(targets)]) >= 0.0)


@EXAMPLES
@given(TARGETS)
def test_standardised_targets_have_mean_0_and_deviation_1_or_are_all_0(targets: Array) -> None:
    values = standardise(targets).values

    assert values.mean() == pytest.approx(0.0, abs=1e-9) or np.ptp(targets) < 1e-9
    assert values.std() == pytest.approx(1.0, abs=1e-6) or not values.any()


@EXAMPLES
@given(TARGETS)
def test_scale_and_location_bring_the_targets_back(targets: Array) -> None:
    found = standardise(targets)

    back = found.values * found.scale + found.location

    assert back == pytest.approx(targets, abs=1e-13 * max(1e-300, float(np.abs(targets).max())))


@pytest.mark.parametrize("constant", [0.0, 3.0, -1e300, 5e-324])
def test_equal_targets_become_0_with_a_positive_scale(constant: float) -> None:
    found = standardise(np.full(4, constant))

    assert found.values.tolist() == [0.0] * 4
    assert found.location == constant
    assert found.scale > 0.0


def test_scale_of_zeros_is_1() -> None:
    assert standardise(np.zeros(3)).scale == 1.0


def test_single_target_becomes_0() -> None:
    found = standardise(np.array([-7.0]))

    assert (found.values.tolist(), found.location, found.scale) == ([0.0], -7.0, 7.0)


def test_standardised_by_hand() -> None:
    found = standardise(np.array([1.0, 2.0, 3.0, 6.0]))

    assert found.location == pytest.approx(3.0)
    assert found.scale == pytest.approx(3.5**0.5)
    assert found.values == pytest.approx(np.array([-2.0, -1.0, 0.0, 3.0]) / 3.5**0.5)


# --- warps ---


@pytest.mark.parametrize("warp", WARPS)
@EXAMPLES
@given(targets=TARGETS)
def test_warps_keep_order_and_stay_finite(warp: Warp, targets: Array) -> None:
    warped = warp(targets)

    assert warped.shape == targets.shape
    assert np.all(np.isfinite(warped))
    assert np.all(np.diff(warped[np.argsort(targets)]) >= 0.0)


@pytest.mark.parametrize("warp", WARPS)
@EXAMPLES
@given(targets=TARGETS, seed=st.integers(0, 2**32))
def test_warps_do_not_depend_on_the_order_of_arrival(warp: Warp, targets: Array, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(targets))

    assert warp(targets[order]).tolist() == warp(targets)[order].tolist()


@pytest.mark.parametrize("warp", WARPS)
@EXAMPLES
@given(targets=TARGETS)
def test_warps_leave_their_argument_as_it_was(warp: Warp, targets: Array) -> None:
    before = targets.tolist()
    warp(targets)

    assert targets.tolist() == before


@pytest.mark.parametrize(
    ("targets", "warped"),
    [
        # quartiles 2 and 4, the fence at 2 - 1.5 * 2
        ([1.0, 2.0, 3.0, 4.0, -100.0, 4.0, 4.0], [1.0, 2.0, 3.0, 4.0, -2.25, 4.0, 4.0]),
        ([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0, 4.0]),
        ([0.0, 1.0, 2.0, 3.0, 1e9], [0.0, 1.0, 2.0, 3.0, 1e9]),
        ([-1e9, 1.0, 2.0, 3.0, 4.0], [-2.0, 1.0, 2.0, 3.0, 4.0]),
        ([5.0], [5.0]),
    ],
)
def test_tukeys_fence_raises_only_the_worst(targets: list[float], warped: list[float]) -> None:
    assert tukey_winsorised(np.array(targets)).tolist() == warped


@pytest.mark.parametrize("seed", range(1, 7))
def test_power_transform_is_that_of_scipy_up_to_its_grid(seed: int) -> None:
    random = np.random.default_rng(seed)
    targets = standardise((-1.0) ** seed * np.exp(0.5 * seed * random.standard_normal(60))).values
    _, likeliest = stats.yeojohnson(targets)
    grid = np.linspace(-2.0, 4.0, 25)
    power = max(grid, key=lambda power: float(stats.yeojohnson_llf(power, targets)))

    transformed = power_transformed(targets)

    assert transformed == pytest.approx(stats.yeojohnson(targets, power), rel=1e-9)
    assert abs(power - np.clip(likeliest, -2.0, 4.0)) <= 0.25


@pytest.mark.parametrize("targets", [[5.0], [2.0, 2.0]])
def test_power_transform_leaves_equal_targets(targets: list[float]) -> None:
    assert power_transformed(np.array(targets)).tolist() == targets


def test_log_gap_takes_logarithms_of_the_distances_to_the_best() -> None:
    # distances 0, 1, 2, 9; their median 1.5
    warped = log_gap(np.array([10.0, 9.0, 8.0, 1.0]))

    assert warped == pytest.approx(-np.log(np.array([0.0, 1.0, 2.0, 9.0]) / 1.5 + 0.01))


def test_log_gap_spreads_the_best_apart() -> None:
    warped = np.sort(log_gap(np.array([0.0, -1e-2, -1.0, -1e2, -1e4])))
    gaps = np.diff(warped)

    assert np.all(gaps > 0.4)


def test_log_gap_does_not_depend_on_the_unit_of_the_targets() -> None:
    targets = np.array([10.0, 9.0, 8.0, 1.0])

    assert log_gap(1e-9 * targets) == pytest.approx(log_gap(targets))


@pytest.mark.parametrize("targets", [[5.0], [2.0, 2.0], [1.0, 2.0, 2.0, 2.0]])
def test_log_gap_leaves_targets_of_which_most_are_the_best(targets: list[float]) -> None:
    assert log_gap(np.array(targets)).tolist() == targets
