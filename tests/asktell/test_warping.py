"""Targets as the surrogate sees them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from asktell.model.kernels import Array
from asktell.model.members import MEMBERS
from asktell.model.warping import (
    Warp,
    log_gap,
    power_transformed,
    seen,
    spread_at_bound,
    standardise,
    tukey_winsorised,
    unchanged,
    winsorised,
)

EXAMPLES = settings(deadline=None, max_examples=50)

WARPS = [tukey_winsorised, power_transformed, log_gap, winsorised, spread_at_bound, unchanged]

TARGETS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=15).map(np.array)
HUGE = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=15).map(
    np.array
)
LOWS = st.floats(-2.0, 1.0) | st.just(-math.inf)
HIGHS = st.floats(1.0, 2.0) | st.just(math.inf)


def warped(
    warp: Warp, targets: list[float], low: float = -math.inf, high: float = math.inf
) -> Array:
    array = np.array(targets)
    return warp(array, low, high)(array)


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


def test_every_warp_that_members_have_is_tried_here() -> None:
    assert {member.warp for members in MEMBERS.values() for member in members} <= set(WARPS)


@pytest.mark.parametrize("warp", WARPS)
@EXAMPLES
@given(targets=TARGETS, others=TARGETS, low=LOWS, high=HIGHS)
def test_warps_keep_order_and_stay_finite(
    warp: Warp, targets: Array, others: Array, low: float, high: float
) -> None:
    values = standardise(targets).values
    numbers = np.sort(np.concatenate([values, others]))

    image = warp(values, low, high)(numbers)

    assert image.shape == numbers.shape
    assert np.all(np.isfinite(image))
    # but for rounding
    assert np.all(np.diff(image) >= -1e-12 * np.abs(image).max())


@pytest.mark.parametrize("warp", WARPS)
@EXAMPLES
@given(targets=TARGETS, low=LOWS, high=HIGHS, seed=st.integers(0, 2**32))
def test_warps_do_not_depend_on_the_order_of_arrival(
    warp: Warp, targets: Array, low: float, high: float, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(targets))

    first = warp(targets, low, high)(targets)
    second = warp(targets[order], low, high)(targets[order])

    assert second.tolist() == first[order].tolist()


@pytest.mark.parametrize("warp", WARPS)
@EXAMPLES
@given(targets=TARGETS, low=LOWS, high=HIGHS)
def test_warps_leave_their_arguments_as_they_were(
    warp: Warp, targets: Array, low: float, high: float
) -> None:
    before = targets.tolist()
    warp(targets, low, high)(targets)

    assert targets.tolist() == before


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        # quartiles 2 and 4, the fence at 2 - 1.5 * 2
        ([1.0, 2.0, 3.0, 4.0, -100.0, 4.0, 4.0], [1.0, 2.0, 3.0, 4.0, -2.25, 4.0, 4.0]),
        ([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0, 4.0]),
        ([0.0, 1.0, 2.0, 3.0, 1e9], [0.0, 1.0, 2.0, 3.0, 1e9]),
        ([-1e9, 1.0, 2.0, 3.0, 4.0], [-2.0, 1.0, 2.0, 3.0, 4.0]),
        ([5.0], [5.0]),
    ],
)
def test_tukeys_fence_raises_only_the_worst(targets: list[float], expected: list[float]) -> None:
    assert warped(tukey_winsorised, targets).tolist() == expected


@pytest.mark.parametrize("seed", range(1, 7))
def test_power_transform_is_that_of_scipy_up_to_its_grid(seed: int) -> None:
    random = np.random.default_rng(seed)
    targets = standardise((-1.0) ** seed * np.exp(0.5 * seed * random.standard_normal(60))).values
    _, likeliest = stats.yeojohnson(targets)
    grid = np.linspace(-2.0, 4.0, 25)
    power = max(grid, key=lambda power: float(stats.yeojohnson_llf(power, targets)))

    transform = power_transformed(targets, -math.inf, math.inf)

    for numbers in (targets, np.linspace(-3.0, 3.0, 7)):
        assert transform(numbers) == pytest.approx(stats.yeojohnson(numbers, power), rel=1e-9)
    assert abs(power - np.clip(likeliest, -2.0, 4.0)) <= 0.25


@pytest.mark.parametrize("targets", [[5.0], [2.0, 2.0]])
def test_power_transform_leaves_equal_targets(targets: list[float]) -> None:
    assert warped(power_transformed, targets).tolist() == targets


def test_log_gap_takes_logarithms_of_the_distances_to_the_best() -> None:
    # distances 0, 1, 2, 9; their median 1.5
    expected = -np.log(np.array([0.0, 1.0, 2.0, 9.0]) / 1.5 + 0.01)

    assert warped(log_gap, [10.0, 9.0, 8.0, 1.0]) == pytest.approx(expected)


def test_what_is_better_than_the_best_is_seen_as_the_best() -> None:
    function = log_gap(np.array([10.0, 9.0, 8.0, 1.0]), -math.inf, math.inf)

    assert function(np.array([10.0, 12.0])).tolist() == [-math.log(0.01)] * 2


def test_log_gap_spreads_the_best_apart() -> None:
    gaps = np.diff(np.sort(warped(log_gap, [0.0, -1e-2, -1.0, -1e2, -1e4])))

    assert np.all(gaps > 0.4)


def test_log_gap_does_not_depend_on_the_unit_of_the_targets() -> None:
    targets = [10.0, 9.0, 8.0, 1.0]

    small = warped(log_gap, [1e-9 * target for target in targets])

    assert small == pytest.approx(warped(log_gap, targets))


@pytest.mark.parametrize("targets", [[5.0], [2.0, 2.0], [1.0, 2.0, 2.0, 2.0]])
def test_log_gap_leaves_targets_of_which_most_are_the_best(targets: list[float]) -> None:
    assert warped(log_gap, targets).tolist() == targets


# --- warps for constraints ---


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        # quartiles 1 and 3: the fences are at -2 and 6
        (-math.inf, math.inf, [-2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0]),
        (0.5, math.inf, [-2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0]),
        (-50.0, math.inf, [-50.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0]),
        (-math.inf, 50.0, [-2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 50.0]),
        (-50.0, 50.0, [-50.0, 0.0, 1.0, 2.0, 3.0, 4.0, 50.0]),
    ],
)
def test_what_is_beyond_the_fences_and_the_bounds_is_moved_there(
    low: float, high: float, expected: list[float]
) -> None:
    targets = np.array([-2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0])

    function = winsorised(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), low, high)

    assert function(targets * [100.0, 1, 1, 1, 1, 1, 100.0]).tolist() == expected


def test_bilog_is_the_logarithm_of_the_distance_to_the_bound_on_both_sides() -> None:
    # distances -3, -1, 0, 1, 7; their median 1
    expected = [-math.log(4.0), -math.log(2.0), 0.0, math.log(2.0), math.log(8.0)]

    for bounds in ((3.0, math.inf), (-math.inf, 3.0), (1.0, 5.0)):
        image = warped(spread_at_bound, [0.0, 2.0, 3.0, 4.0, 10.0], *bounds)
        assert image == pytest.approx(expected)


@pytest.mark.parametrize("warp", [winsorised, spread_at_bound, unchanged])
def test_equal_targets_of_a_constraint_are_left(warp: Warp) -> None:
    assert warped(warp, [1.0, 1.0, 1.0], 1.0).tolist() == [1.0] * 3


# --- what a member sees ---


@pytest.mark.parametrize("warp", WARPS)
@EXAMPLES
@given(targets=HUGE)
def test_what_is_seen_is_finite_in_order_and_standardised(warp: Warp, targets: Array) -> None:
    with np.errstate(all="ignore"):
        view = seen(warp, targets, -1e300, 1e300)

        assert np.all(np.isfinite(view.values))
        assert np.all(np.diff(view.values[np.argsort(targets)]) >= -1e-12)
        assert view.of(targets) == pytest.approx(view.values, abs=1e-6)
        assert not np.isnan(view.of(np.array([-1e308, 0.0, 1e308]))).any()


@pytest.mark.parametrize("warp", WARPS)
@pytest.mark.parametrize(("factor", "shift"), [(1e200, 0.0), (1e-200, 0.0), (3.0, -1000.0)])
def test_what_is_seen_does_not_depend_on_the_unit(warp: Warp, factor: float, shift: float) -> None:
    targets, bounds = np.array([4.0, 0.0, 1.0, 3.0, 8.0]), np.array([0.5, 6.0])
    view = seen(warp, targets, *bounds.tolist())
    other = seen(warp, factor * targets + shift, *(factor * bounds + shift).tolist())

    assert other.values == pytest.approx(view.values)
    assert other.of(factor * bounds + shift) == pytest.approx(view.of(bounds))


def test_bounds_that_are_infinite_stay_so() -> None:
    view = seen(winsorised, np.array([4.0, 0.0, 1.0]))

    assert view.of(np.array([-math.inf, math.inf])).tolist() == [-math.inf, math.inf]
    assert np.isnan(view.of(np.array([math.nan]))[0])


@pytest.mark.parametrize("warp", [tukey_winsorised, winsorised, unchanged])
def test_unit_brings_back_what_the_warp_leaves(warp: Warp) -> None:
    targets = np.array([4.0, 0.0, 1.0, 3.0, 8.0])
    view = seen(warp, targets)
    location, scale = view.unit

    assert view.values * scale + location == pytest.approx(targets)


@pytest.mark.parametrize("warp", [tukey_winsorised, winsorised, unchanged])
def test_variances_are_seen_in_the_unit_of_the_targets(warp: Warp) -> None:
    targets = np.array([4.0, 0.0, 1.0, 3.0, 8.0])
    deviations = np.array([0.0, 1.0, 2.0, np.nan, 1e-2])
    view = seen(warp, targets)

    within = slice(0, 4)
    expected = np.square(deviations / view.unit[1])
    found = view.variances(targets, deviations)[within]
    assert found == pytest.approx(expected[within], nan_ok=True)


def test_variances_are_seen_through_the_slope_of_the_warp() -> None:
    targets = np.array([4.0, 0.0, 1.0, 3.0, 8.0])
    for warp in (power_transformed, spread_at_bound):
        view, step = seen(warp, targets, 2.0), 1e-4
        slopes = (view.of(targets + step) - view.of(targets - step)) / (2.0 * step)

        found = view.variances(targets, np.full(5, 1e-2))

        assert found == pytest.approx(1e-4 * np.square(slopes), rel=1e-3)


def test_a_huge_variance_of_a_target_at_the_fence_is_no_small_one() -> None:
    targets = np.array([-1e4, 0.0, 1.0, 2.0, 3.0])
    view = seen(tukey_winsorised, targets)

    assert view.variances(targets, np.full(5, 1e4))[0] > 0.1


@pytest.mark.parametrize("warp", WARPS)
@pytest.mark.parametrize("factor", [1.0, 1e300, 1e-300])
def test_a_deviation_that_is_huge_says_nothing_and_stays_finite(warp: Warp, factor: float) -> None:
    array = factor * np.array([4.0, 0.0, 1.0, 3.0, 8.0])
    with np.errstate(all="ignore"):
        found = seen(warp, array, factor).variances(array, np.full(len(array), 1e308))

    assert np.all(found > 1.0)
    assert np.all(found <= 1e12)


@pytest.mark.parametrize("warp", WARPS)
@pytest.mark.parametrize("bound", [1e308, -1e308, 1e-308])
@pytest.mark.parametrize("factor", [1.0, 1e300, 1e-300, 5e-324])
def test_bounds_that_are_far_away_are_seen_as_finite(
    warp: Warp, bound: float, factor: float
) -> None:
    targets = factor * np.array([4.0, 0.0, 1.0, 3.0, 8.0])
    with np.errstate(over="ignore"):
        view = seen(warp, targets, bound)
        (at_bound,) = view.of(np.array([bound]))

    assert math.isfinite(at_bound)
    assert np.isfinite(view.values).all()
    if warp not in (log_gap, spread_at_bound):  # these may not tell them apart
        assert (at_bound >= view.values).tolist() == (bound >= targets).tolist()


@pytest.mark.parametrize("most", [0.1, 1.0, 1 / 3])
def test_targets_at_the_bound_are_seen_there_to_the_last_bit(most: float) -> None:
    targets = np.array([0.0, most, most, most, most, 0.0, most])

    for warp in WARPS:
        view = seen(warp, targets, most)
        bound = view.of(np.array([most]))[0]
        assert set(view.values[targets == most].tolist()) == {bound}
        assert np.all(view.values[targets == 0.0] < bound - 1.0)
