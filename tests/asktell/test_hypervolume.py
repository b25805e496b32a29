"""What is dominated, in boxes and in volumes, against counting, sampling and 80 digits."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from decimal import Decimal

import attrs
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from precise_normal import cdf, density, digits, h

from asktell.acquisition.hypervolume import (
    Boxes,
    boxes_of,
    hypervolume,
    non_dominated,
    reference_of,
)
from asktell.model.kernels import Array

EXAMPLES = settings(deadline=None, max_examples=50)

OBJECTIVES = st.integers(1, 5)
SEEDS = st.integers(0, 2**32)


def points_of(seed: int, n: int, k: int, steps: int = 0) -> Array:
    """Return points (n, k) of the unit cube; on a grid of so many steps, there are many ties."""
    points = np.random.default_rng(seed).random((n, k))
    return np.round(points * steps) / steps if steps else points


def front_of(seed: int, n: int, k: int) -> Array:
    """Return n points that do not dominate each other: some of the unit sphere."""
    points = np.abs(np.random.default_rng(seed).standard_normal((n, k)))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def gain(boxes: Boxes, y: Array) -> Array:
    """Return the gains in hypervolume (m,) of points (m, k)."""
    sides = np.minimum(y[:, None], boxes.upper) - boxes.lower
    return np.asarray(np.prod(np.maximum(sides, 0.0), axis=2).sum(axis=1))


# --- what is dominated ---


@EXAMPLES
@given(seed=SEEDS, n=st.integers(0, 40), k=OBJECTIVES, steps=st.sampled_from([0, 2, 5]))
def test_non_dominated_are_those_that_no_other_dominates(
    seed: int, n: int, k: int, steps: int
) -> None:
    points = points_of(seed, n, k, steps)

    found = non_dominated(points)

    assert found.tolist() == [
        not any(np.all(y >= x) and np.any(y > x) for y in points) for x in points
    ]


def test_equal_points_are_kept_together() -> None:
    points = np.array([[1.0, 2.0], [0.5, 1.0], [1.0, 2.0], [2.0, 1.0], [0.5, 1.0], [1.0, 1.0]])

    assert non_dominated(points).tolist() == [True, False, True, True, False, False]
    assert non_dominated(np.array([[1.0], [3.0], [3.0]])).tolist() == [False, True, True]


@pytest.mark.parametrize("k", [2, 3, 4])
def test_many_points_are_compared_block_by_block(k: int) -> None:
    front = front_of(0, 1500, k)
    points = np.vstack([0.9 * front, front, 0.5 * front])

    found = non_dominated(points)

    assert found[1500:3000].all()
    assert not found[3000:].any()
    few = np.flatnonzero(found[:1500])[:20]
    assert not any(np.any(np.all(front >= x, axis=1)) for x in points[few])


def test_sums_that_round_to_the_same_do_not_hide_who_dominates() -> None:
    points = np.array([[1.0, 1e-20, 0.0], [1.0, 2e-20, 0.0], [1.0, 0.0, 1e-20]])

    assert non_dominated(points).tolist() == [False, True, True]


# --- how much is dominated ---


@EXAMPLES
@given(seed=SEEDS, n=st.integers(0, 8), k=OBJECTIVES, steps=st.sampled_from([0, 3]))
def test_hypervolume_is_that_by_inclusion_and_exclusion(
    seed: int, n: int, k: int, steps: int
) -> None:
    points, reference = points_of(seed, n, k, steps), np.full(k, 0.1)
    expected = 0.0
    for size in range(1, n + 1):
        for chosen in itertools.combinations(points, size):
            sides = np.maximum(np.min(chosen, axis=0) - reference, 0.0)
            expected -= (-1.0) ** size * float(np.prod(sides))

    assert hypervolume(points, reference) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_hypervolume_of_a_few_points_is_that_by_hand() -> None:
    assert hypervolume(np.array([[3.0, 1.0], [1.0, 2.0]]), np.zeros(2)) == 4.0
    assert hypervolume(np.array([[3.0], [5.0]]), np.array([1.0])) == 4.0
    assert hypervolume(np.array([[2.0, 1.0, 1.0], [1.0, 2.0, 3.0]]), np.zeros(3)) == 7.0
    assert hypervolume(np.array([[2.0, 1.0, 1.0, 2.0]]), np.full(4, -1.0)) == 36.0


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_points_no_better_than_the_reference_count_nothing(k: int) -> None:
    reference = np.full(k, 0.5)
    worse = np.full((1, k), 9.0)
    worse[0, -1] = 0.5

    assert hypervolume(worse, reference) == 0.0
    assert hypervolume(np.empty((0, k)), reference) == 0.0
    assert boxes_of(worse, reference).lower.tolist() == [reference.tolist()]


@pytest.mark.parametrize("k", [2, 3, 4])
def test_hypervolume_of_many_points_is_nearly_that_of_the_ball(k: int) -> None:
    ball = math.pi ** (k / 2) / math.gamma(k / 2 + 1) / 2**k
    found = hypervolume(front_of(1, {2: 2000, 3: 500, 4: 100}[k], k), np.zeros(k))

    assert {2: 0.99, 3: 0.9, 4: 0.6}[k] * ball < found < ball


@EXAMPLES
@given(
    seed=SEEDS,
    n=st.integers(1, 12),
    k=OBJECTIVES,
    shift=st.floats(-5.0, 5.0),
    scale=st.floats(0.1, 10.0),
)
def test_hypervolume_follows_shift_and_scale_and_no_order(
    seed: int, n: int, k: int, shift: float, scale: float
) -> None:
    points, random = points_of(seed, n, k), np.random.default_rng(seed)
    volume = hypervolume(points, np.zeros(k))
    other = random.permutation(random.permutation(points).T).T * scale + shift

    assert hypervolume(other, np.full(k, shift)) == pytest.approx(scale**k * volume, rel=1e-9)


# --- the reference ---


def test_reference_lies_a_tenth_of_the_range_below_the_front() -> None:
    front = np.array([[0.0, 20.0], [1.0, 10.0]])

    assert reference_of(front, front) == pytest.approx([-0.1, 9.0])


def test_reference_of_one_point_follows_the_range_of_all_values() -> None:
    values = np.array([[1.0, 3.0], [0.0, 1.0]])

    assert reference_of(values[:1], values) == pytest.approx([0.9, 2.8])


def test_reference_without_any_range_follows_the_size_of_the_values() -> None:
    front = np.array([[50.0, -2.0, 0.0]])

    assert reference_of(front, np.repeat(front, 3, axis=0)) == pytest.approx([45.0, -2.2, -0.1])
    assert reference_of(front, np.empty((0, 3))) == pytest.approx([45.0, -2.2, -0.1])


@EXAMPLES
@given(seed=SEEDS, n=st.integers(1, 10), k=OBJECTIVES, level=st.floats(-1e9, 1e9))
def test_every_point_of_the_front_counts_above_its_reference(
    seed: int, n: int, k: int, level: float
) -> None:
    values = level + 1e-12 * points_of(seed, n, k)
    front = values[non_dominated(values)]

    assert np.all(reference_of(front, values) < front)


# --- boxes ---


@EXAMPLES
@given(seed=SEEDS, n=st.integers(0, 12), k=OBJECTIVES, steps=st.sampled_from([0, 3]))
def test_gain_by_boxes_is_the_difference_of_hypervolumes(
    seed: int, n: int, k: int, steps: int
) -> None:
    points, reference = points_of(seed, n, k, steps), np.full(k, 0.1)
    y = np.vstack([points_of(seed + 1, 10, k, steps) * 1.3, points])
    before = hypervolume(points, reference)

    found = gain(boxes_of(points, reference), y)

    expected = [hypervolume(np.vstack([points, row]), reference) - before for row in y]
    assert found == pytest.approx(np.array(expected), abs=1e-12)


@EXAMPLES
@given(seed=SEEDS, n=st.integers(0, 12), k=OBJECTIVES, steps=st.sampled_from([0, 3]))
def test_every_point_is_in_one_box_unless_it_is_dominated(
    seed: int, n: int, k: int, steps: int
) -> None:
    points, reference = points_of(seed, n, k, steps), np.full(k, 0.1)
    boxes = boxes_of(points, reference)
    y = np.random.default_rng(seed + 1).uniform(0.1, 1.3, (50, k))

    inside = np.all((y[:, None] > boxes.lower) & (y[:, None] < boxes.upper), axis=2)

    dominated = np.any(np.all(points >= y[:, None], axis=2), axis=1)
    assert inside.sum(axis=1).tolist() == np.where(dominated, 0, 1).tolist()
    assert np.all(boxes.lower < boxes.upper)
    assert np.all(boxes.lower >= reference)


@pytest.mark.parametrize("n", [0, 1, 2, 30, 200])
def test_boxes_are_few(n: int) -> None:
    assert len(boxes_of(front_of(n, n, 1), np.zeros(1)).lower) == 1
    assert len(boxes_of(front_of(n, n, 2), np.zeros(2)).lower) == n + 1
    assert len(boxes_of(front_of(n, n, 3), np.zeros(3)).lower) <= 2 * n + 1


def test_boxes_of_two_points_are_three_strips() -> None:
    boxes = boxes_of(np.array([[3.0, 1.0], [1.0, 2.0]]), np.zeros(2))

    order = np.argsort(boxes.lower[:, 0])
    assert boxes.lower[order].tolist() == [[0.0, 2.0], [1.0, 1.0], [3.0, 0.0]]
    assert boxes.upper[order].tolist() == [[1.0, math.inf], [3.0, math.inf], [math.inf] * 2]


def test_boxes_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        boxes_of(np.empty((0, 2)), np.zeros(2)).lower = np.ones((1, 2))  # type: ignore[misc]


# --- what a box expects of one objective, with 80 digits ---


def precise(mean: float, std: float, lower: float, upper: float) -> tuple[float, float, float]:
    """Return log psi and its slopes by mean and std."""
    with digits():
        m, s = Decimal(mean), Decimal(std)
        a = (m - Decimal(lower)) / s
        psi, by_mean, by_std = h(a), cdf(a), density(a)
        if upper < math.inf:
            b = (m - Decimal(upper)) / s
            psi, by_mean, by_std = psi - h(b), by_mean - cdf(b), by_std - density(b)
        return float((s * psi).ln()), float(by_mean / psi / s), float(by_std / psi / s)


def of_one_box(mean: float, std: float, lower: float, upper: float) -> tuple[float, float, float]:
    box = Boxes(np.array([[lower]]), np.array([[upper]]))
    value, by_mean, by_std = box.with_slopes(np.array([[mean]]), np.array([[std]]))
    return float(value[0]), float(by_mean[0, 0]), float(by_std[0, 0])


def assert_precise(mean: float, std: float, lower: float, upper: float) -> None:
    found = of_one_box(mean, std, lower, upper)
    expected = precise(mean, std, lower, upper)
    # a slope is right to some digits of itself, or of the greatest one that there can be
    far = max(1.0, (lower - mean) / std)
    assert found[0] == pytest.approx(expected[0], rel=1e-12, abs=1e-11)
    assert found[1] == pytest.approx(expected[1], rel=1e-6, abs=1e-9 * far / std)
    assert found[2] == pytest.approx(expected[2], rel=1e-6, abs=1e-9 * far**2 / std)


Z = [-1e4, -1234.5, -100.0, -41.0, -40.0, -38.0, -12.0, -5.0, -1.0, -0.1, 0.0]
Z += [0.1, 1.0, 3.0, 8.0, 36.0, 37.0, 38.0, 100.0, 1e4]
WIDTHS = [1e-9, 1e-6, 1e-3, 0.1, 0.019, 0.021, 0.3, 1.0, 5.0, 100.0, 1e4, 2e4, math.inf]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("z", Z)
def test_one_box_expects_what_80_digits_say(z: float, width: float) -> None:
    lower = 0.5
    assert_precise(lower + 2.0 * z, 2.0, lower, lower + 2.0 * width)


@EXAMPLES
@given(
    z=st.one_of(st.floats(-50.0, 50.0), st.floats(-1e4, 1e4)),
    exponent=st.floats(-10.0, 4.0),
    std=st.floats(1e-3, 1e3),
    lower=st.floats(-10.0, 10.0),
)
def test_one_box_expects_what_80_digits_say_everywhere(
    z: float, exponent: float, std: float, lower: float
) -> None:
    upper = lower + std * 10.0**exponent
    assume(upper > lower)
    assert_precise(lower + std * z, std, lower, upper)


@pytest.mark.parametrize("seam", [-200.0, -3.0, -0.5, 0.5, 20.0])
def test_value_goes_on_smoothly_where_an_interval_gets_narrow(seam: float) -> None:
    widths = 0.02 / max(1.0, abs(seam)) * np.linspace(0.99, 1.01, 201)
    found = [of_one_box(seam, 1.0, 0.0, width)[0] for width in widths.tolist()]

    steps = np.diff(found)
    assert np.all(steps > 0.0)
    assert np.ptp(steps) < 0.1 * steps.mean()


# --- what all boxes expect ---


def sampled(
    points: Array, reference: Array, mean: Array, std: Array, count: int
) -> tuple[float, float]:
    """Return the mean gain in hypervolume of so many samples, and its standard error."""
    random, boxes = np.random.default_rng(7), boxes_of(points, reference)
    gains = np.concatenate(
        [gain(boxes, random.normal(mean, std, (20_000, len(mean)))) for _ in range(count // 20_000)]
    )
    return float(gains.mean()), float(gains.std() / math.sqrt(count))


@pytest.mark.parametrize("std", [0.05, 0.6])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_expected_improvement_is_that_of_a_million_samples(k: int, std: float) -> None:
    front, reference = front_of(k, 6, k), np.full(k, 0.05)
    mean = 0.9 * front_of(9, 1, k)[0]
    deviations = std * np.linspace(1.0, 1.5, k)

    found = boxes_of(front, reference).log_expected_improvement(mean[None], deviations[None])

    expected, error = sampled(front, reference, mean, deviations, 1_000_000)
    assert np.exp(found[0]) == pytest.approx(expected, abs=4.0 * error)


@EXAMPLES
@given(
    seed=SEEDS,
    n=st.integers(0, 8),
    k=st.integers(1, 4),
    distance=st.sampled_from([-3.0, 0.0, 1.0, 30.0, 1e3]),
)
def test_slopes_are_differences(seed: int, n: int, k: int, distance: float) -> None:
    boxes, random = boxes_of(front_of(seed, n, k), np.zeros(k)), np.random.default_rng(seed)
    std = random.uniform(0.1, 1.0, (3, k))
    mean = random.random((3, k)) - distance * std

    value, by_mean, by_std = boxes.with_slopes(mean, std)

    assert value.tolist() == boxes.log_expected_improvement(mean, std).tolist()
    for j in range(k):
        step = 1e-5 * std * np.eye(k)[j]
        for slopes, above, below in (
            (by_mean, (mean + step, std), (mean - step, std)),
            (by_std, (mean, std + step), (mean, std - step)),
        ):
            rise = boxes.log_expected_improvement(*above) - boxes.log_expected_improvement(*below)
            assert slopes[:, j] * 2.0 * step[:, j] == pytest.approx(rise, rel=1e-5, abs=1e-9)


@EXAMPLES
@given(seed=SEEDS, n=st.integers(1, 10), k=st.integers(1, 4))
def test_order_of_points_and_objectives_does_not_matter(seed: int, n: int, k: int) -> None:
    random, front = np.random.default_rng(seed), front_of(seed, n, k)
    mean, std = random.standard_normal((4, k)), random.uniform(0.1, 1.0, (4, k))
    reference = random.uniform(-0.1, 0.1, k)
    other = random.permutation(k)
    shuffled = random.permutation(front)[:, other]

    found = boxes_of(front, reference).log_expected_improvement(mean, std)
    again = boxes_of(shuffled, reference[other]).log_expected_improvement(
        mean[:, other], std[:, other]
    )

    assert again == pytest.approx(found, rel=1e-10, abs=1e-10)


@EXAMPLES
@given(seed=SEEDS, n=st.integers(0, 8), k=st.integers(1, 4), more=st.floats(0.01, 2.0))
def test_greater_means_promise_more(seed: int, n: int, k: int, more: float) -> None:
    boxes, random = boxes_of(front_of(seed, n, k), np.zeros(k)), np.random.default_rng(seed)
    mean, std = random.standard_normal((5, k)), random.uniform(0.1, 1.0, (5, k))
    better = mean.copy()
    better[:, 0] += more

    assert np.all(
        boxes.log_expected_improvement(better, std) > boxes.log_expected_improvement(mean, std)
    )


def test_one_objective_is_the_usual_expected_improvement() -> None:
    from asktell.acquisition.improvement import LogExpectedImprovement

    mean, std = np.linspace(-50.0, 3.0, 20), np.linspace(0.1, 2.0, 20)
    boxes = boxes_of(np.array([[0.3], [0.7]]), np.zeros(1))

    found = boxes.with_slopes(mean[:, None], std[:, None])

    expected = LogExpectedImprovement().score_with_slopes(mean, std, 0.7)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.ravel() == pytest.approx(theirs, rel=1e-9)


# --- what is known, what is impossible ---


def test_where_there_is_no_doubt_the_gain_is_certain() -> None:
    front, reference = front_of(3, 5, 3), np.zeros(3)
    mean = np.vstack([front_of(4, 6, 3) * 1.2, front, [[-1.0, 2.0, 2.0]], [[1.0, 1.0, 1.0]]])
    boxes = boxes_of(front, reference)

    value, by_mean, by_std = boxes.with_slopes(mean, np.zeros_like(mean))

    assert np.exp(value) == pytest.approx(gain(boxes, mean), rel=1e-12, abs=1e-15)
    assert np.isneginf(value[6:-1]).all()
    assert not by_mean[6:-1].any()
    assert not by_std.any()
    for j in range(3):
        step = 1e-7 * np.eye(3)[j]
        rise = np.log(gain(boxes, mean[[-1]] + step) / gain(boxes, mean[[-1]] - step)) / 2e-7
        assert by_mean[-1, j] == pytest.approx(rise[0], rel=1e-5)


def test_one_known_outcome_is_the_limit_of_a_small_doubt() -> None:
    boxes = boxes_of(front_of(3, 5, 2), np.zeros(2))
    mean, std = np.array([[0.8, 0.3], [-0.2, 0.5], [0.7, -4.0]]), np.array([[0.0, 0.4]] * 3)

    value, by_mean, by_std = boxes.with_slopes(mean, std)
    near = boxes.with_slopes(mean, np.maximum(std, 1e-9))

    possible = [0, 2]
    assert np.isneginf(value[1])
    assert not by_mean[1].any()
    assert value[possible] == pytest.approx(near[0][possible], rel=1e-6)
    assert by_mean[possible] == pytest.approx(near[1][possible], rel=1e-6)
    assert by_std[possible, 1] == pytest.approx(near[2][possible, 1], rel=1e-6)
    assert by_std[possible, 0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("far", [1e6, 1e9, 1e12])
def test_hopeless_means_are_still_told_apart(far: float) -> None:
    boxes = boxes_of(front_of(3, 5, 3), np.zeros(3))
    mean = np.array([[-far] * 3, [-2.0 * far] * 3, [far] * 3])

    value, by_mean, by_std = boxes.with_slopes(mean, np.ones((3, 3)))

    assert np.isfinite(np.hstack([value[:, None], by_mean, by_std])).all()
    assert value[2] > value[0] > value[1]
    assert np.all(by_mean[:2] > 0.0)


def test_no_candidates_get_no_values() -> None:
    value, by_mean, by_std = boxes_of(np.ones((1, 2)), np.zeros(2)).with_slopes(
        np.empty((0, 2)), np.empty((0, 2))
    )

    assert (value.shape, by_mean.shape, by_std.shape) == ((0,), (0, 2), (0, 2))


def test_memory_is_bounded_whatever_the_number_of_boxes() -> None:
    boxes = boxes_of(front_of(5, 500, 3), np.zeros(3))
    random = np.random.default_rng(0)
    mean, std = random.random((1000, 3)), random.uniform(0.01, 1.0, (1000, 3))

    tracemalloc.start()
    value, _, _ = boxes.with_slopes(mean, std)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(boxes.lower) > 900
    assert peak < 50e6
    few = boxes.log_expected_improvement(mean[:7], std[:7])
    assert few == pytest.approx(value[:7], rel=1e-12)
