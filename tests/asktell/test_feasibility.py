"""Outcomes between limits, against 80 digits, quadrature and differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from precise_normal import cdf, density, digits
from scipy import stats

from asktell.acquisition.feasibility import (
    log_probability_between,
    log_probability_between_with_slopes,
)
from asktell.model.kernels import Array

EXAMPLES = settings(deadline=None, max_examples=50)

WithSlopes = Callable[[Array, Array, Array, Array], tuple[Array, Array, Array]]

Numbers = tuple[float, float, float]

Z = st.one_of(st.floats(-50.0, 50.0), st.floats(-1e4, 1e4))


def of_one(function: WithSlopes, mean: float, std: float, low: float, high: float) -> Numbers:
    value, by_mean, by_std = function(np.array(mean), np.array(std), np.array(low), np.array(high))
    return float(value), float(by_mean), float(by_std)


# --- the probability, with 80 digits ---


def precise(mean: float, std: float, low: float, high: float) -> Numbers:
    """Return the log of the probability and its slopes by mean and std."""
    with digits():
        m, s, zero = Decimal(mean), Decimal(std), Decimal(0)
        a = (Decimal(low) - m) / s if low > -math.inf else None
        b = (Decimal(high) - m) / s if high < math.inf else None
        if a is None:
            p = Decimal(1) if b is None else cdf(b)
        else:
            p = cdf(-a) if b is None else cdf(b) - cdf(a)
        if a is not None and b is not None and a > 0:
            p = cdf(-a) - cdf(-b)
        at_a, at_b = (zero if z is None else density(z) / p / s for z in (a, b))
        by_std = (a or zero) * at_a - (b or zero) * at_b
        return float(p.ln()), float(at_a - at_b), float(by_std)


def assert_precise(mean: float, std: float, low: float, high: float) -> None:
    found = of_one(log_probability_between_with_slopes, mean, std, low, high)
    expected = precise(mean, std, low, high)
    # a slope is right to some digits of itself, or of the greatest one that there can be
    far = max(1.0, (low - mean) / std, (mean - high) / std)
    assert found[0] == pytest.approx(expected[0], rel=1e-12, abs=1e-12)
    assert found[1] == pytest.approx(expected[1], rel=1e-6, abs=1e-9 * far / std)
    assert found[2] == pytest.approx(expected[2], rel=1e-6, abs=1e-9 * far**2 / std)


@pytest.mark.parametrize("width", [1e-9, 1e-4, 0.019, 0.021, 0.3, 1.0, 7.0, 100.0, 1e4, 2e4])
@pytest.mark.parametrize(
    "z", [-1e4, -300.0, -38.0, -5.0, -1.0, -0.1, 0.0, 0.4, 2.0, 9.0, 40.0, 1e4]
)
def test_probability_between_limits_is_what_80_digits_say(z: float, width: float) -> None:
    mean, std = 0.5 + 2.0 * z, 2.0
    assert_precise(mean, std, 0.5, 0.5 + std * width)


@pytest.mark.parametrize("z", [-1e4, -300.0, -38.0, -5.0, -0.1, 0.0, 0.4, 2.0, 9.0, 30.0])
def test_probability_beyond_one_limit_is_what_80_digits_say(z: float) -> None:
    assert_precise(z, 1.0, 0.0, math.inf)
    assert_precise(-z, 1.0, -math.inf, 0.0)


@EXAMPLES
@given(z=Z, exponent=st.floats(-9.0, 4.0), std=st.floats(1e-3, 1e3), low=st.floats(-10.0, 10.0))
def test_probability_is_what_80_digits_say_everywhere(
    z: float, exponent: float, std: float, low: float
) -> None:
    high = low + std * 10.0**exponent
    assume(high > low)
    assert_precise(low + std * z, std, low, high)


def test_probability_that_is_nearly_certain_keeps_what_it_lacks() -> None:
    lack = stats.norm.sf(10.0)

    both = log_probability_between(np.zeros(1), np.ones(1), np.array([-10.0]), np.array([10.0]))
    one = log_probability_between(np.zeros(1), np.ones(1), np.array([-10.0]), np.array([math.inf]))

    assert both == pytest.approx([-2.0 * lack], rel=1e-9, abs=0.0)
    assert one == pytest.approx([-lack], rel=1e-9, abs=0.0)


# --- slopes, and what must be ---


@EXAMPLES
@given(
    mean=st.floats(-3.0, 3.0),
    std=st.floats(0.1, 3.0),
    low=st.floats(-3.0, 3.0),
    width=st.floats(0.01, 5.0),
    distance=st.sampled_from([0.0, 30.0, -1e3]),
    sides=st.sampled_from([(1, 0), (0, 1), (1, 1)]),
)
def test_slopes_are_differences(
    mean: float,
    std: float,
    low: float,
    width: float,
    distance: float,
    sides: tuple[int, int],
) -> None:
    limits = low if sides[0] else -math.inf, low + width if sides[1] else math.inf
    mean, step = mean + distance * std, 1e-5 * std

    value, by_mean, by_std = of_one(log_probability_between_with_slopes, mean, std, *limits)

    rise = of_one(log_probability_between_with_slopes, mean + step, std, *limits)[0]
    rise -= of_one(log_probability_between_with_slopes, mean - step, std, *limits)[0]
    assert 2.0 * step * by_mean == pytest.approx(rise, rel=1e-5, abs=1e-8 + 1e-15 * abs(value))
    rise = of_one(log_probability_between_with_slopes, mean, std + step, *limits)[0]
    rise -= of_one(log_probability_between_with_slopes, mean, std - step, *limits)[0]
    assert 2.0 * step * by_std == pytest.approx(rise, rel=1e-5, abs=1e-8 + 1e-15 * abs(value))


@EXAMPLES
@given(z=Z, std=st.floats(1e-2, 1e2), low=st.floats(-3.0, 3.0), width=st.floats(0.01, 5.0))
def test_wider_limits_are_kept_more_probably(
    z: float, std: float, low: float, width: float
) -> None:
    mean = np.array(low + std * z)
    lows = np.array([-math.inf, low - 1.0, low, low])
    highs = np.array([low + 2.0 * width, low + 2.0 * width, low + 2.0 * width, low + width])

    probable = log_probability_between(mean, np.array(std), lows, highs)

    slack = 1e-12 * np.abs(probable[1:])
    assert np.all(np.diff(probable) <= slack + 1e-15)
    assert np.all(probable <= 0.0)


@EXAMPLES
@given(z=Z, std=st.floats(1e-2, 1e2), width=st.floats(0.01, 5.0))
def test_both_sides_are_alike(z: float, std: float, width: float) -> None:
    for high in (width, math.inf):
        value, by_mean, by_std = of_one(
            log_probability_between_with_slopes, std * z, std, 0.0, high
        )
        assert of_one(
            log_probability_between_with_slopes, -std * z, std, -high, 0.0
        ) == pytest.approx((value, -by_mean, by_std), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("std", [0.0, 1e-3])
def test_without_limits_all_is_feasible(std: float) -> None:
    ends = -math.inf, math.inf

    assert of_one(log_probability_between_with_slopes, 3.0, std, *ends) == (0.0, 0.0, 0.0)


def test_where_there_is_no_doubt_limits_are_kept_or_not() -> None:
    mean, low, high = np.array([-1.0, 0.0, 0.5, 1.0, 3.0]), np.zeros(5), np.ones(5)

    kept = log_probability_between_with_slopes(mean, np.zeros(5), low, high)

    assert kept[0].tolist() == [-math.inf, 0.0, 0.0, 0.0, -math.inf]
    assert not np.any(kept[1:])


def test_one_known_outcome_leaves_the_others_as_they_are() -> None:
    mean, std = np.array([0.2, 0.3, 7.0]), np.array([1.0, 0.0, 1e-3])
    found = log_probability_between_with_slopes(mean, std, np.array(0.0), np.array(1.0))
    for i in (0, 2):
        alone = of_one(log_probability_between_with_slopes, float(mean[i]), float(std[i]), 0.0, 1.0)
        assert tuple(float(part[i]) for part in found) == alone


def test_arguments_broadcast() -> None:
    mean, std = np.linspace(-2.0, 2.0, 3)[:, None], np.array([0.5, 1.0, 0.0, 2.0])
    low, high = np.array([-math.inf, 0.0, 0.5, 0.0]), np.array([0.0, 1e-3, math.inf, 9.0])

    found = log_probability_between_with_slopes(mean, std, low, high)

    for part in found:
        assert part.shape == (3, 4)
    for i in range(3):
        for j in range(4):
            alone = of_one(
                log_probability_between_with_slopes,
                float(mean[i, 0]),
                float(std[j]),
                float(low[j]),
                float(high[j]),
            )
            assert tuple(float(part[i, j]) for part in found) == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("far", [1e6, 1e9, 1e12])
def test_hopeless_means_are_still_told_apart(far: float) -> None:
    mean = np.array([-far, -2.0 * far, far, 2.0 * far])

    value, by_mean, by_std = log_probability_between_with_slopes(
        mean, np.ones(4), np.array(0.0), np.array(1.0)
    )

    assert np.isfinite([value, by_mean, by_std]).all()
    assert value[0] > value[1]
    assert value[2] > value[3]
    assert np.sign(by_mean).tolist() == [1.0, 1.0, -1.0, -1.0]
