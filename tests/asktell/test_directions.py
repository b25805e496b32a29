"""Hypervolumes as means over directions, against boxes, samples and differences."""

from __future__ import annotations

import math
import tracemalloc

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.acquisition.directions import Directions, directions_of
from asktell.acquisition.hypervolume import boxes_of, hypervolume
from asktell.acquisition.improvement import LogExpectedImprovement
from asktell.model.kernels import Array

EXAMPLES = settings(deadline=None, max_examples=25)

SEEDS = st.integers(0, 2**32)


def front_of(seed: int, n: int, k: int) -> Array:
    """Return n points that do not dominate each other: some of the unit sphere."""
    points = np.abs(np.random.default_rng(seed).standard_normal((n, k)))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def of(front: Array, reference: Array, count: int, seed: int = 0) -> Directions:
    return directions_of(front, reference, np.random.default_rng(seed), count)


def candidates(seed: int, m: int, k: int, std: float) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    return random.uniform(0.0, 1.0, (m, k)), std * random.uniform(0.5, 2.0, (m, k))


# --- against what is exact ---


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_reach_of_the_front_makes_its_hypervolume(k: int) -> None:
    front = front_of(k, 10, k) * np.linspace(1.0, 1000.0, k)
    directions = of(front, np.zeros(k), 1024)

    found = directions.volume * np.mean(directions.best**k)

    assert found == pytest.approx(hypervolume(front, np.zeros(k)), rel=0.03)


@pytest.mark.parametrize("std", [0.03, 0.3, 3.0])
@pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 12), (3, 12), (4, 8)])
def test_what_is_expected_is_nearly_what_boxes_say(k: int, n: int, std: float) -> None:
    front, reference = front_of(k, n, k), np.full(k, -0.1)
    mean, deviation = candidates(k, 100, k, std)
    exact = boxes_of(front, reference).log_expected_improvement(mean, deviation)
    promising = exact > np.quantile(exact, 0.8)

    few, many = (
        of(front, reference, count).log_expected_improvement(mean, deviation) - exact
        for count in (128, 2048)
    )

    assert np.sqrt(np.mean(few[promising] ** 2)) < 0.06
    assert np.sqrt(np.mean(many[promising] ** 2)) < 0.01


@pytest.mark.parametrize("std", [0.1, 0.6])
def test_four_objectives_expect_what_a_million_samples_gain(std: float) -> None:
    front, reference, random = front_of(1, 6, 4), np.zeros(4), np.random.default_rng(2)
    mean, deviation = np.full(4, 0.5), std * np.array([0.5, 1.0, 1.0, 2.0])
    boxes, gains = boxes_of(front, reference), []
    for _ in range(100):
        sides = random.normal(mean, deviation, (10_000, 1, 4))
        sides = np.maximum(np.minimum(sides, boxes.upper) - boxes.lower, 0.0)
        gains.append(np.prod(sides, axis=2).sum(axis=1))
    samples = np.concatenate(gains)

    found = of(front, reference, 1024).log_expected_improvement(mean[None], deviation[None])

    error = samples.std() / math.sqrt(samples.size)
    assert np.exp(found[0]) == pytest.approx(samples.mean(), rel=0.01, abs=4.0 * error)


def test_one_objective_is_the_usual_expected_improvement() -> None:
    z = np.concatenate([np.linspace(-200.0, 200.0, 81), [-1e4, 1e4]])
    mean, std = 0.7 + 0.5 * z, np.full(83, 0.5)
    directions = of(np.array([[0.3], [0.7]]), np.zeros(1), 1)

    value, by_mean, by_std = directions.with_slopes(mean[:, None], std[:, None])

    expected = LogExpectedImprovement().score_with_slopes(mean, std, 0.7)
    assert value == pytest.approx(expected[0], rel=1e-4, abs=2e-4)
    assert by_mean.ravel() == pytest.approx(expected[1], rel=1e-3, abs=1e-3)
    assert by_std.ravel() == pytest.approx(expected[2], rel=1e-3, abs=1e-3)


# --- slopes ---


@EXAMPLES
@given(
    seed=SEEDS,
    n=st.integers(0, 8),
    k=st.integers(1, 6),
    distance=st.sampled_from([-300.0, -3.0, 0.0, 1.0, 30.0, 1e3]),
    std=st.sampled_from([0.01, 1.0, 100.0]),
)
def test_slopes_are_differences(seed: int, n: int, k: int, distance: float, std: float) -> None:
    directions = of(front_of(seed, n, k), np.zeros(k), 8, seed)
    mean, deviation = candidates(seed, 4, k, std)
    mean -= distance * deviation

    value, by_mean, by_std = directions.with_slopes(mean, deviation)

    assert value.tolist() == directions.log_expected_improvement(mean, deviation).tolist()
    for j in range(k):
        step = 1e-5 * deviation * np.eye(k)[j]
        for slopes, above, below in (
            (by_mean, (mean + step, deviation), (mean - step, deviation)),
            (by_std, (mean, deviation + step), (mean, deviation - step)),
        ):
            rise = directions.log_expected_improvement(*above)
            rise = rise - directions.log_expected_improvement(*below)
            assert slopes[:, j] * 2.0 * step[:, j] == pytest.approx(rise, rel=1e-3, abs=3e-7)


def test_slopes_point_where_those_of_boxes_do() -> None:
    front, reference = front_of(1, 12, 3), np.zeros(3)
    mean, std = candidates(3, 100, 3, 0.2)
    _, *exact = boxes_of(front, reference).with_slopes(mean, std)

    _, *found = of(front, reference, 1024).with_slopes(mean, std)

    for ours, theirs in zip(found, exact, strict=True):
        lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        assert np.all(np.sum(ours * theirs, axis=1) > 0.99 * lengths)


@EXAMPLES
@given(seed=SEEDS, n=st.integers(0, 8), k=st.integers(2, 6), more=st.floats(0.01, 2.0))
def test_greater_means_promise_more(seed: int, n: int, k: int, more: float) -> None:
    directions = of(front_of(seed, n, k), np.zeros(k), 16, seed)
    mean, std = candidates(seed, 5, k, 0.5)
    better = mean.copy()
    better[:, 0] += more

    found = directions.log_expected_improvement(mean, std)

    assert np.all(directions.log_expected_improvement(better, std) > found)


@EXAMPLES
@given(seed=SEEDS, k=st.integers(1, 5))
def test_units_of_the_objectives_do_not_matter(seed: int, k: int) -> None:
    random, front = np.random.default_rng(seed), front_of(seed, 6, k)
    scale, shift = 10.0 ** random.uniform(-3.0, 3.0, k), random.uniform(-1.0, 1.0, k)
    mean, std = candidates(seed, 4, k, 0.5)

    found = of(front, np.zeros(k), 16).log_expected_improvement(mean, std)
    other = of(front * scale + shift, shift, 16)
    again = other.log_expected_improvement(mean * scale + shift, std * scale)

    assert again - np.log(scale).sum() == pytest.approx(found, rel=1e-6, abs=1e-6)


# --- what is known, what is impossible ---


def test_where_there_is_no_doubt_the_gain_is_nearly_certain() -> None:
    front, reference = front_of(3, 5, 3), np.zeros(3)
    mean = np.vstack([front, [[-1.0, 2.0, 2.0], [1.0, 1.0, 1.0], [0.9, 0.7, 0.8]]])
    boxes, directions = boxes_of(front, reference), of(front, reference, 1024)

    value, by_mean, by_std = directions.with_slopes(mean, np.zeros_like(mean))

    exact = boxes.with_slopes(mean, np.zeros_like(mean))
    assert np.isneginf(value[:6]).all()
    assert not by_mean[:6].any()
    assert not by_std.any()
    assert value[6:] == pytest.approx(exact[0][6:], abs=0.01)
    assert by_mean[6:] == pytest.approx(exact[1][6:], rel=0.1)


def test_one_known_outcome_is_the_limit_of_a_small_doubt() -> None:
    directions = of(front_of(3, 5, 3), np.zeros(3), 64)
    mean = np.array([[0.8, 0.3, 0.4], [-0.2, 0.5, 0.9], [0.9, -4.0, 0.5]])
    std = np.array([[0.0, 0.4, 0.2]] * 3)

    value, by_mean, by_std = directions.with_slopes(mean, std)
    near = directions.with_slopes(mean, np.maximum(std, 1e-6))

    possible = [0, 2]
    assert np.isneginf(value[1])
    assert not by_mean[1].any()
    assert value[possible] == pytest.approx(near[0][possible], rel=1e-3)
    assert by_mean[possible] == pytest.approx(near[1][possible], rel=1e-2)
    assert by_std[possible, 1:] == pytest.approx(near[2][possible, 1:], rel=1e-2)
    assert by_std[possible, 0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("far", [1e4, 1e6])
@pytest.mark.parametrize("n", [0, 5])
def test_hopeless_means_are_still_told_apart(far: float, n: int) -> None:
    directions = of(front_of(3, n, 4), np.zeros(4), 16)
    mean = np.array([[-far] * 4, [-2.0 * far] * 4, [far] * 4])

    value, by_mean, by_std = directions.with_slopes(mean, np.ones((3, 4)))

    assert np.isfinite(np.hstack([value[:, None], by_mean, by_std])).all()
    assert value[2] > value[0] > value[1]
    assert np.all(by_mean > 0.0)


def test_points_no_better_than_the_reference_reach_nowhere() -> None:
    front = np.array([[2.0, 0.5], [1.0, 1.0]])

    found = of(front, np.full(2, 0.5), 16)

    assert found.best.tolist() == of(front[1:], np.full(2, 0.5), 16).best.tolist()
    assert not of(front[:1], np.full(2, 0.5), 16).best.any()


# --- the directions ---


def test_directions_depend_on_the_draws_alone() -> None:
    front, reference = front_of(3, 5, 4), np.zeros(4)

    assert of(front, reference, 16).rays.tolist() == of(front, reference, 16).rays.tolist()
    assert of(front, reference, 16, seed=1).rays.tolist() != of(front, reference, 16).rays.tolist()
    assert of(front, reference, 24).rays.shape == (24, 4)
    assert np.all(of(front, reference, 16).rays > 0.0)


def test_order_of_points_does_not_matter() -> None:
    front = front_of(3, 5, 4)

    assert (
        of(front, np.zeros(4), 16).best.tolist() == of(front[::-1], np.zeros(4), 16).best.tolist()
    )


def test_candidates_are_looked_at_chunk_by_chunk_within_bounds() -> None:
    directions = of(front_of(5, 50, 4), np.zeros(4), 128)
    mean, std = candidates(0, 1000, 4, 0.3)

    tracemalloc.start()
    value, _, _ = directions.with_slopes(mean, std)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 50e6
    assert directions.log_expected_improvement(mean[-7:], std[-7:]) == pytest.approx(
        value[-7:], rel=1e-12
    )


def test_no_candidates_get_no_values() -> None:
    found = of(np.ones((1, 2)), np.zeros(2), 8).with_slopes(np.empty((0, 2)), np.empty((0, 2)))

    assert [part.shape for part in found] == [(0,), (0, 2), (0, 2)]


def test_directions_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        of(np.empty((0, 2)), np.zeros(2), 8).volume = 1.0  # type: ignore[misc]
