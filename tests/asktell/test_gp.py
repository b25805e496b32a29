"""The Gaussian process against scikit-learn, dense algebra and finite differences."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import check_grad, minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

import asktell.model.gp
from asktell.model.gp import (
    GaussianProcesses,
    Hyperparameters,
    LogPosterior,
    Noise,
    Prior,
    condition,
    fit,
)
from asktell.model.kernels import Array, Embedding
from asktell.space.absent import NOWHERE

EXAMPLES = settings(deadline=None, max_examples=50)

ORDERED = (0, 0, 0)
MIXED = (0, 3, 0, 2)

Data = tuple[Array, Array, Noise]


def prior_of(dim: int) -> Prior:
    return Prior(tuple(0.5 + 0.1 * i for i in range(dim)), 1.7, math.exp(-5.0), 1.0, 1e-4)


def flat(dim: int) -> Prior:
    return Prior((1.0,) * dim, 1e9, 1.0, 1e9, 1e-4)


def data_of(categories: tuple[int, ...], n: int, seed: int) -> Data:
    """Return random points (n, d), a smooth target of them, and its noise.

    Counts are from 1 to 4; of every third target the variance is known.
    """
    random = np.random.default_rng(seed)
    points = random.random((n, len(categories)))
    for dimension, count in enumerate(categories):
        if count:
            points[:, dimension] = random.integers(count, size=n) / max(count - 1, 1)
    targets = np.sin(5.0 * points @ np.arange(1, len(categories) + 1))
    targets += 0.1 * random.standard_normal(n)
    counts = random.integers(1, 5, size=n).astype(np.float64)
    known = np.where(np.arange(n) % 3 == 2, random.uniform(0.0, 0.3, n), np.nan)
    return points, targets, Noise(counts, known[None])


def unknown(n: int, members: int = 1) -> Noise:
    """Return noise of which nothing is known."""
    return Noise(np.ones(n), np.full((members, n), np.nan))


def for_all(noise: Noise, members: int) -> Noise:
    """Return noise of one member as that of several."""
    return Noise(noise.counts, np.repeat(noise.known, members, axis=0))


def hyperparameters_of(dim: int, seed: int) -> Hyperparameters:
    random = np.random.default_rng(seed)
    return Hyperparameters(tuple(random.uniform(0.2, 2.0, dim).tolist()), random.uniform(0.01, 0.2))


def one(categories: tuple[int, ...], found: Hyperparameters, data: Data) -> GaussianProcesses:
    """Return the posterior of a single member."""
    points, targets, noise = data
    return condition(Embedding(categories), [found], points, targets[None], noise)


def process_of(categories: tuple[int, ...], n: int = 12, seed: int = 0) -> GaussianProcesses:
    return one(categories, hyperparameters_of(len(categories), seed), data_of(categories, n, seed))


def members_of(categories: tuple[int, ...], n: int = 12) -> GaussianProcesses:
    """Return the posteriors of three members that differ in all that may differ."""
    points, targets, _ = data_of(categories, n, 0)
    found = [hyperparameters_of(len(categories), seed) for seed in range(3)]
    several = np.stack([targets, targets**2, -targets])
    return condition(Embedding(categories), found, points, several, noise_of_members(categories, n))


def noise_of_members(categories: tuple[int, ...], n: int = 12) -> Noise:
    """Return the noise of these three."""
    noise = data_of(categories, n, 0)[2]
    factors = np.array([[1.0], [0.1], [np.nan]])  # nothing is known to the last
    return Noise(noise.counts, noise.known * factors)


def scikit_learn(found: Hyperparameters, data: Data) -> GaussianProcessRegressor:
    points, targets, noise = data
    kernel = Matern(found.length_scales, nu=2.5)
    alpha = np.where(np.isnan(noise.known[0]), found.noise / noise.counts, noise.known[0])
    return GaussianProcessRegressor(kernel, alpha=alpha, optimizer=None).fit(points, targets)


def dense(process: GaussianProcesses, of: Noise, x: Array) -> tuple[Array, Array]:
    """Return mean and deviation at x from the formulas, with a Hamming distance of categories."""

    def kernel(left: Array, right: Array) -> Array:
        squared = np.zeros((len(left), len(right)))
        scales = process.hyperparameters[0].length_scales
        for i, (count, scale) in enumerate(zip(process.embedding.categories, scales, strict=True)):
            difference = left[:, None, i] - right[None, :, i]
            squared += np.where(difference != 0, 1.0, 0.0) / scale**2 if count else 0.0
            squared += 0.0 if count else (difference / scale) ** 2
        r = np.sqrt(squared)
        return (1 + 5**0.5 * r + 5 / 3 * r**2) * np.exp(-(5**0.5) * r)

    inferred = process.hyperparameters[0].noise / of.counts
    noise = np.diag(np.where(np.isnan(of.known[0]), inferred, of.known[0]))
    inverse = np.linalg.inv(kernel(process.points, process.points) + noise)
    across = kernel(x, process.points)
    variance = 1.0 - np.einsum("mn,nk,mk->m", across, inverse, across)
    return across @ inverse @ process.targets[0], np.sqrt(variance)


# --- posterior ---


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 20))
def test_posterior_is_that_of_scikit_learn(seed: int, n: int) -> None:
    data, found = data_of(ORDERED, n, seed), hyperparameters_of(3, seed)
    x = np.random.default_rng(seed).random((5, 3))

    mean, std = one(ORDERED, found, data).predict(x, return_std=True)

    expected_mean, expected_std = scikit_learn(found, data).predict(x, return_std=True)
    assert mean[:, 0] == pytest.approx(expected_mean, abs=1e-9)
    assert std[:, 0] == pytest.approx(expected_std, abs=1e-8)


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 20))
def test_posterior_over_categories_is_that_of_dense_algebra(seed: int, n: int) -> None:
    process = process_of(MIXED, n, seed)
    x, _, _ = data_of(MIXED, 6, seed + 1)

    mean, std = process.predict(x, return_std=True)

    expected_mean, expected_std = dense(process, data_of(MIXED, n, seed)[2], x)
    assert mean[:, 0] == pytest.approx(expected_mean, abs=1e-9)
    assert std[:, 0] == pytest.approx(expected_std, abs=1e-8)


@pytest.mark.parametrize("categories", [ORDERED, MIXED])
def test_each_member_is_the_process_it_would_be_alone(categories: tuple[int, ...]) -> None:
    members = members_of(categories)
    x, _, _ = data_of(categories, 9, 7)

    together = members.predict_with_gradient(x)

    assert [part.shape[:2] for part in together] == [(9, 3)] * 4
    noise = noise_of_members(categories)
    for index, found in enumerate(members.hyperparameters):
        own = Noise(noise.counts, noise.known[[index]])
        alone = one(categories, found, (members.points, members.targets[index], own))
        for part, expected in zip(together, alone.predict_with_gradient(x), strict=True):
            assert part[:, index] == pytest.approx(expected[:, 0], rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("categories", [ORDERED, MIXED])
def test_prediction_of_many_is_prediction_of_each(categories: tuple[int, ...]) -> None:
    members = members_of(categories)
    x, _, _ = data_of(categories, 9, 7)

    many = members.predict_with_gradient(x)

    each = [members.predict_with_gradient(point[None]) for point in x]
    for column, together in enumerate(many):
        apart = np.concatenate([alone[column] for alone in each])
        assert together == pytest.approx(apart, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("block", [1, 100, 200])
def test_prediction_in_blocks_is_prediction_at_once(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    members = members_of(MIXED)
    x, _, _ = data_of(MIXED, 20, 7)
    mean, std = members.predict(x, return_std=True)

    monkeypatch.setattr(asktell.model.gp, "_LARGEST_BLOCK", block)

    mean_too, std_too = members.predict(x, return_std=True)
    assert mean_too == pytest.approx(mean, rel=1e-12, abs=1e-13)
    assert std_too == pytest.approx(std, rel=1e-12, abs=1e-13)
    assert members.predict(x) == pytest.approx(mean, rel=1e-12, abs=1e-13)


def test_no_points_have_no_predictions() -> None:
    mean, std = members_of(MIXED).predict(np.empty((0, 4)), return_std=True)

    assert mean.shape == std.shape == (0, 3)


def test_predicting_with_and_without_deviation_and_gradient_agree() -> None:
    members = members_of(MIXED)
    x, _, _ = data_of(MIXED, 9, 7)

    mean, std = members.predict(x, return_std=True)
    mean_too, std_too, _, _ = members.predict_with_gradient(x)

    assert members.predict(x).tolist() == mean.tolist() == mean_too.tolist()
    assert std.tolist() == std_too.tolist()


def single(
    length_scale: float, noise: float, count: float = 1.0, known: float = math.nan
) -> GaussianProcesses:
    """Return the posterior given a target of 1 at 0, whose noise variance may be known."""
    found = Hyperparameters((length_scale,), noise)
    noise_of = Noise(np.array([count]), np.array([[known]]))
    return one((0,), found, (np.zeros((1, 1)), np.ones(1), noise_of))


def test_far_from_all_points_the_posterior_is_the_prior() -> None:
    mean, std = single(0.01, 1e-4).predict(np.array([[1.0]]), return_std=True)

    assert mean[0] == pytest.approx([0.0], abs=1e-12)
    assert std[0] == pytest.approx([1.0], abs=1e-12)


def test_deviation_stays_positive_at_a_point_known_without_noise() -> None:
    mean, std = single(0.5, 0.0).predict(np.zeros((1, 1)), return_std=True)

    assert mean[0, 0] == pytest.approx(1.0)
    assert 0.0 < std[0, 0] <= 1e-6


@pytest.mark.parametrize("count", [1.0, 4.0])
def test_replicates_of_a_point_divide_its_noise(count: float) -> None:
    _, std = single(0.5, 0.1, count).predict(np.zeros((1, 1)), return_std=True)

    assert std[0, 0] ** 2 == pytest.approx((0.1 / count) / (1.0 + 0.1 / count))


@pytest.mark.parametrize("known", [0.0, 0.3, 1e12])
def test_noise_that_is_known_replaces_what_is_inferred(known: float) -> None:
    mean, std = single(0.5, 0.1, 4.0, known).predict(np.zeros((1, 1)), return_std=True)

    assert mean[0, 0] == pytest.approx(1.0 / (1.0 + known))
    assert std[0, 0] ** 2 == pytest.approx(known / (1.0 + known), abs=1e-11)


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 20), member=st.integers(0, 2))
def test_joint_posterior_is_that_of_scikit_learn(seed: int, n: int, member: int) -> None:
    points, targets, noise = data_of(ORDERED, n, seed)
    several = np.stack([targets, targets**2, -targets])
    found = [hyperparameters_of(3, seed + i) for i in range(3)]
    x = np.random.default_rng(seed).random((5, 3))
    members = condition(Embedding(ORDERED), found, points, several, for_all(noise, 3))

    mean, covariance = members.joint(x, member)

    oracle = scikit_learn(found[member], (points, several[member], noise))
    expected, expected_covariance = oracle.predict(x, return_cov=True)
    assert mean == pytest.approx(expected, abs=1e-9)
    assert covariance == pytest.approx(expected_covariance, abs=1e-9)


@pytest.mark.parametrize("categories", [ORDERED, MIXED])
def test_joint_posterior_agrees_with_that_of_each_point(categories: tuple[int, ...]) -> None:
    members, x = members_of(categories), data_of(categories, 5, 4)[0]
    mean, std = members.predict(x, return_std=True)

    for member in range(3):
        joint_mean, covariance = members.joint(x, member)
        assert joint_mean == pytest.approx(mean[:, member], abs=1e-12)
        assert np.sqrt(covariance.diagonal()) == pytest.approx(std[:, member], abs=1e-9)


@pytest.mark.parametrize("categories", [ORDERED, MIXED])
def test_what_is_left_out_is_predicted_by_the_others(categories: tuple[int, ...]) -> None:
    points, targets, noise = data_of(categories, 10, 2)
    found = hyperparameters_of(len(categories), 2)

    mean, std = one(categories, found, (points, targets, noise)).left_out()

    assert mean.shape == std.shape == (1, 10)
    own = noise.variances(np.array([found.noise]))[0]
    for row in range(10):
        rest = np.arange(10) != row
        others = points[rest], targets[rest], Noise(noise.counts[rest], noise.known[:, rest])
        expected, deviation = one(categories, found, others).predict(points[[row]], return_std=True)
        assert mean[0, row] == pytest.approx(expected[0, 0], abs=1e-9)
        assert std[0, row] ** 2 == pytest.approx(deviation[0, 0] ** 2 + own[row], abs=1e-9)


def test_order_of_the_points_does_not_matter() -> None:
    points, targets, noise = data_of(MIXED, 15, 3)
    found, x = hyperparameters_of(4, 3), data_of(MIXED, 5, 4)[0]
    order = np.random.default_rng(0).permutation(15)
    other = Noise(noise.counts[order], noise.known[:, order])

    first = one(MIXED, found, (points, targets, noise))
    second = one(MIXED, found, (points[order], targets[order], other))

    for left, right in zip(
        first.predict(x, return_std=True), second.predict(x, return_std=True), strict=True
    ):
        assert left == pytest.approx(right, abs=1e-11)


@pytest.mark.parametrize("categories", [ORDERED, MIXED])
@pytest.mark.parametrize("column", [0, 1])
def test_gradients_of_the_posterior_are_finite_differences(
    categories: tuple[int, ...], column: int
) -> None:
    members = members_of(categories)
    ordered = [i for i, count in enumerate(categories) if not count]
    x = data_of(categories, 5, 11)[0]

    gradients = members.predict_with_gradient(x)[2 + column]

    for dimension in ordered:
        step = 1e-5 * np.eye(len(categories))[dimension]
        above = members.predict(x + step, return_std=True)[column]
        below = members.predict(x - step, return_std=True)[column]
        assert gradients[:, :, dimension] == pytest.approx((above - below) / 2e-5, abs=1e-7)


def test_gradient_along_categories_is_zero() -> None:
    _, _, mean_gradient, std_gradient = members_of(MIXED).predict_with_gradient(
        data_of(MIXED, 5, 11)[0]
    )

    assert not mean_gradient[:, :, [1, 3]].any()
    assert not std_gradient[:, :, [1, 3]].any()


# --- where some dimensions are nowhere ---

BRANCHED = Embedding(
    (0, 3, 0, 2, 0),
    conditional=(False, True, True, False, True),
    depths=(0, 2, 1, 0, 1),
)
"""Ordered and categorical dimensions, always active or not, with others that depend on them."""


def branched_data(n: int, seed: int) -> Data:
    """Return data as ``data_of`` does, where a third of the conditional positions is nowhere."""
    points, targets, noise = data_of(BRANCHED.categories, n, seed)
    gone = np.random.default_rng(seed + 1).random(points.shape) < 1 / 3
    points[gone & np.array(BRANCHED.conditional)] = NOWHERE
    return points, targets, noise


def branched_members(n: int = 12) -> GaussianProcesses:
    points, targets, noise = branched_data(n, 0)
    found = [hyperparameters_of(5, seed) for seed in range(2)]
    return condition(BRANCHED, found, points, np.stack([targets, targets**2]), for_all(noise, 2))


@pytest.mark.parametrize("column", [0, 1])
def test_gradients_where_some_positions_are_nowhere_are_finite_differences(column: int) -> None:
    members, x = branched_members(), branched_data(20, 11)[0]

    gradients = members.predict_with_gradient(x)[2 + column]

    expected = np.zeros_like(gradients)
    for dimension in (0, 2, 4):
        there = x[:, dimension] != NOWHERE
        assert 0 < there.sum() <= 20
        step = 1e-5 * np.eye(5)[dimension]
        above = members.predict(x[there] + step, return_std=True)[column]
        below = members.predict(x[there] - step, return_std=True)[column]
        expected[there, :, dimension] = (above - below) / 2e-5
    assert gradients == pytest.approx(expected, abs=1e-7)


def test_values_and_deviations_where_some_positions_are_nowhere_come_with_their_gradients() -> None:
    members, x = branched_members(), branched_data(20, 11)[0]

    mean, std, *_ = members.predict_with_gradient(x)

    assert mean == pytest.approx(members.predict(x), abs=1e-12)
    assert std == pytest.approx(members.predict(x, return_std=True)[1], abs=1e-9)


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 12))
def test_gradient_of_the_posterior_of_branches_is_a_finite_difference(seed: int, n: int) -> None:
    points, targets, noise = branched_data(n, seed)
    posterior = LogPosterior(BRANCHED, (prior_of(5),), BRANCHED(points), targets[None], noise)
    logs = np.random.default_rng(seed).uniform(-1.5, 1.0, 6)

    def part(which: int, at: Array) -> Any:
        return posterior(at[None], np.array([0]))[which][0]

    error = check_grad(partial(part, 0), partial(part, 1), logs, epsilon=1e-6)

    assert error <= 1e-4 * (1.0 + float(np.abs(part(1, logs)).max()))


def test_a_length_scale_of_what_is_nowhere_in_all_points_changes_nothing() -> None:
    points, targets, noise = branched_data(8, 3)
    points[:, 4] = NOWHERE
    posterior = LogPosterior(BRANCHED, (flat(5),), BRANCHED(points), targets[None], noise)

    values, gradients = posterior(np.array([[0.0] * 6, [0.0] * 4 + [2.0, 0.0]]), np.array([0, 0]))

    assert values[0] == pytest.approx(values[1])
    assert gradients[:, 4] == pytest.approx(np.zeros(2), abs=1e-9)


def test_a_result_says_more_of_its_own_branch_than_of_another() -> None:
    embedding = Embedding((2, 0, 0), (False, True, True), (0, 1, 1))
    found = Hyperparameters((1.0, 0.5, 0.5), 1e-4)
    told = np.array([[0.0, 0.5, NOWHERE]])
    process = condition(embedding, [found], told, np.array([[1.0]]), unknown(1))
    x = np.array([[0.0, 0.5, NOWHERE], [0.0, 0.9, NOWHERE], [1.0, NOWHERE, 0.5]])

    mean, std = process.predict(x, return_std=True)

    assert mean[0, 0] > mean[1, 0] > mean[2, 0] > 0.0
    assert std[0, 0] < std[1, 0] < std[2, 0]


def test_processes_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        process_of(ORDERED).targets = np.zeros(1)  # type: ignore[misc]


# --- believing ---


def test_believing_keeps_the_means() -> None:
    members, x = members_of(MIXED), data_of(MIXED, 6, 8)[0]

    believers = members.believing(data_of(MIXED, 2, 9)[0])

    assert believers.predict(x) == pytest.approx(members.predict(x), abs=1e-10)


def test_believing_shrinks_the_deviations_most_at_the_points_believed() -> None:
    members, pending = members_of(ORDERED), np.full((1, 3), 0.5)
    x = np.vstack([pending, np.zeros((1, 3))])
    noise = np.array([member.noise for member in members.hyperparameters])

    before = members.predict(x, return_std=True)[1]
    after = members.believing(pending).predict(x, return_std=True)[1]

    # conditioning on one more noisy observation: v - v^2 / (v + s^2)
    expected = before[0] ** 2 * noise / (before[0] ** 2 + noise)
    assert after[0] ** 2 == pytest.approx(expected)
    assert np.all(after[0] / before[0] < after[1] / before[1])
    assert np.all(after[1] <= before[1])


def test_believing_leaves_the_processes_as_they_were() -> None:
    members = members_of(ORDERED)
    members.believing(np.full((2, 3), 0.5))

    assert (members.points.shape, members.targets.shape) == ((12, 3), (3, 12))


# --- faults ---


def test_kernel_matrix_that_is_singular_raises() -> None:
    twice = np.array([[0.5], [0.5]]), np.zeros(2), unknown(2)

    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        one((0,), Hyperparameters((1.0,), 0.0), twice)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_targets_that_are_not_finite_raise(bad: float) -> None:
    data = np.array([[0.0], [1.0]]), np.array([bad, 0.0]), unknown(2)

    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        one((0,), Hyperparameters((1.0,), 0.1), data)


def test_each_member_needs_its_targets() -> None:
    points, targets, noise = data_of(ORDERED, 5, 0)
    found = [hyperparameters_of(3, seed) for seed in range(2)]

    with pytest.raises(ValueError, match=r"longer|shorter"):
        condition(Embedding(ORDERED), found, points, targets[None], for_all(noise, 2))


def test_posterior_is_minus_infinity_where_the_kernel_matrix_is_singular() -> None:
    noiseless = Prior((1.0,), 1.0, 1e-300, 1.0, 1e-300)
    features = np.array([[0.5], [0.5]])
    posterior = LogPosterior(
        Embedding((0,)), (noiseless,), features, np.array([[1.0, 2.0]]), unknown(2)
    )

    with np.errstate(all="ignore"):
        values, _ = posterior(np.array([[0.0, -690.0], [0.0, 0.0]]), np.array([0, 0]))

    assert values[0] == -math.inf
    assert math.isfinite(values[1])


# --- posterior of the hyper-parameters ---


def log_posterior(categories: tuple[int, ...], prior: Prior, data: Data) -> LogPosterior:
    embedding = Embedding(categories)
    points, targets, noise = data
    return LogPosterior(embedding, (prior,), embedding(points), targets[None], noise)


def objective(logs: Array, categories: tuple[int, ...], prior: Prior, data: Data) -> float:
    return float(log_posterior(categories, prior, data)(logs[None], np.array([0]))[0][0])


def slopes(logs: Array, categories: tuple[int, ...], prior: Prior, data: Data) -> Array:
    return log_posterior(categories, prior, data)(logs[None], np.array([0]))[1][0]


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 20))
def test_marginal_likelihood_is_that_of_scikit_learn(seed: int, n: int) -> None:
    data, found = data_of(ORDERED, n, seed), hyperparameters_of(3, seed)
    logs = np.log([*found.length_scales, found.noise])
    oracle = scikit_learn(found, data)

    value, gradient = objective(logs, ORDERED, flat(3), data), slopes(logs, ORDERED, flat(3), data)

    expected, expected_gradient = oracle.log_marginal_likelihood(logs[:3], eval_gradient=True)
    assert value - 0.5 * n * math.log(2 * math.pi) == pytest.approx(expected, abs=1e-9)
    assert gradient[:3] == pytest.approx(expected_gradient, abs=1e-8)


def test_prior_adds_its_density_in_the_logarithms() -> None:
    data, logs = data_of(MIXED, 8, 0), np.array([-0.3, 0.2, 1.0, 0.0, -3.0])

    added = objective(logs, MIXED, prior_of(4), data) - objective(logs, MIXED, flat(4), data)

    modes = np.array([math.log(0.5), math.log(0.6), math.log(0.7), math.log(0.8), -5.0])
    normal = stats.norm(modes, [1.7] * 4 + [1.0])
    assert added == pytest.approx(float((normal.logpdf(logs) - normal.logpdf(modes)).sum()))


@EXAMPLES
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 12),
    prior=st.sampled_from([prior_of(4), flat(4)]),
)
def test_gradient_of_the_posterior_is_a_finite_difference(seed: int, n: int, prior: Prior) -> None:
    data = data_of(MIXED, n, seed)
    logs = np.random.default_rng(seed).uniform(-1.5, 1.0, 5)

    error = check_grad(objective, slopes, logs, MIXED, prior, data, epsilon=1e-6)

    assert error <= 1e-4 * (1.0 + float(np.abs(slopes(logs, MIXED, prior, data)).max()))


def test_below_its_floor_the_noise_changes_nothing_but_its_density() -> None:
    data, prior = data_of(MIXED, 8, 0), prior_of(4)
    at_floor = np.array([-0.3, 0.2, 1.0, 0.0, math.log(prior.noise_floor)])
    below = at_floor - [0.0, 0.0, 0.0, 0.0, 2.0]

    change = objective(below, MIXED, prior, data) - objective(at_floor, MIXED, prior, data)
    gradient = slopes(below, MIXED, prior, data)

    # the mode is at -5 with a spread of 1
    away = below[-1] + 5.0
    assert change == pytest.approx(-0.5 * away**2 + 0.5 * (away + 2.0) ** 2)
    assert gradient[-1] == pytest.approx(-away)
    assert gradient[:-1] == pytest.approx(
        slopes(at_floor, MIXED, prior, data)[:-1], rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("block", [1, 200, 10**6])
def test_posteriors_of_many_are_those_of_each_in_blocks_of_any_size(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(asktell.model.gp, "_LARGEST_BLOCK", block)
    points, targets, noise = data_of(MIXED, 10, 0)
    embedding, several = Embedding(MIXED), np.stack([targets, targets**2])
    priors = (prior_of(4), flat(4))
    noise = Noise(noise.counts, noise.known * [[1.0], [0.1]])
    posterior = LogPosterior(embedding, priors, embedding(points), several, noise)
    members = np.array([1, 0, 0, 1, 1])
    logs = np.random.default_rng(0).uniform(-1.5, 1.0, (5, 5))

    values, gradients = posterior(logs, members)

    for row, member in enumerate(members):
        data = points, several[member], Noise(noise.counts, noise.known[[member]])
        assert values[row] == pytest.approx(objective(logs[row], MIXED, priors[member], data))
        expected = slopes(logs[row], MIXED, priors[member], data)
        assert gradients[row] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("noise", [1e-6, 1e-2])
def test_mode_of_the_prior_respects_the_noise_floor(noise: float) -> None:
    prior = Prior((0.3, 0.7), 1.0, noise, 1.0, noise_floor=1e-4)

    assert prior.mode() == Hyperparameters((0.3, 0.7), max(noise, 1e-4))


# --- fit ---


def log_of(found: Hyperparameters) -> Array:
    return np.log([*found.length_scales, found.noise])


def fit_one(
    categories: tuple[int, ...], prior: Prior, data: Data, starts: list[Hyperparameters]
) -> Hyperparameters:
    points, targets, noise = data
    (found,) = fit(Embedding(categories), [prior], points, targets[None], noise, [starts])
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("categories", [ORDERED, MIXED])
def test_search_of_scipy_gains_little_where_fit_ends(
    categories: tuple[int, ...], seed: int
) -> None:
    dim = len(categories)
    data, prior = data_of(categories, 25, seed), prior_of(dim)

    found = log_of(fit_one(categories, prior, data, [prior.mode()]))

    further = minimize(
        lambda logs: -objective(logs, categories, prior, data),
        found,
        jac=lambda logs: -slopes(logs, categories, prior, data),
        method="L-BFGS-B",
        bounds=[(math.log(0.01), math.log(1e3))] * dim + [(math.log(1e-4), math.log(10.0))],
    )
    assert -further.fun <= objective(found, categories, prior, data) + 0.01


@pytest.mark.parametrize("seed", range(5))
def test_fit_is_no_worse_than_the_best_of_its_starts(seed: int) -> None:
    data, prior = data_of(MIXED, 15, seed), prior_of(4)
    starts = [hyperparameters_of(4, seed), hyperparameters_of(4, seed + 100)]

    def reached(some: list[Hyperparameters]) -> float:
        return objective(log_of(fit_one(MIXED, prior, data, some)), MIXED, prior, data)

    assert reached(starts) == pytest.approx(max(reached([start]) for start in starts))
    assert reached(starts) >= max(objective(log_of(start), MIXED, prior, data) for start in starts)


@pytest.mark.parametrize("seed", range(3))
def test_fit_reaches_what_a_search_of_scipy_reaches(seed: int) -> None:
    points, targets, noise = data_of(MIXED, 25, seed)
    prior = prior_of(4)
    data = points, targets, attrs.evolve(noise, known=np.full((1, 25), np.nan))  # one mode only

    reached = objective(log_of(fit_one(MIXED, prior, data, [prior.mode()])), MIXED, prior, data)

    bounds = [(math.log(0.01), math.log(1e3))] * 4 + [(math.log(1e-4), math.log(10.0))]
    found = minimize(
        lambda logs: -objective(logs, MIXED, prior, data),
        log_of(prior.mode()),
        jac=lambda logs: -slopes(logs, MIXED, prior, data),
        method="L-BFGS-B",
        bounds=bounds,
    )
    assert reached >= -found.fun - 0.01


def test_members_are_fitted_each_for_itself() -> None:
    points, targets, noise = data_of(MIXED, 15, 0)
    noise = Noise(noise.counts, noise.known * [[1.0], [0.1]])
    several, priors = np.stack([targets, targets**2]), [prior_of(4), flat(4)]
    starts = [[prior_of(4).mode()], [hyperparameters_of(4, 1), hyperparameters_of(4, 2)]]

    together = fit(Embedding(MIXED), priors, points, several, noise, starts)

    for member in range(2):
        data = points, several[member], Noise(noise.counts, noise.known[[member]])
        alone = fit_one(MIXED, priors[member], data, starts[member])
        assert log_of(together[member]) == pytest.approx(log_of(alone), abs=1e-6)


def test_fit_tells_a_relevant_dimension_from_an_irrelevant_one() -> None:
    points = np.random.default_rng(0).random((40, 2))
    data = points, np.sin(8.0 * points[:, 0]), unknown(40)

    found = fit_one((0, 0), prior_of(2), data, [prior_of(2).mode()])

    assert 5.0 * found.length_scales[0] < found.length_scales[1]


def test_fit_finds_the_noise_of_noisy_targets() -> None:
    random = np.random.default_rng(0)
    points = random.random((150, 1))
    targets = np.sin(4.0 * points[:, 0]) + 0.3 * random.standard_normal(150)

    found = fit_one((0,), flat(1), (points, targets, unknown(150)), [Hyperparameters((1.0,), 1.0)])

    assert 0.3**2 / 1.5 < found.noise < 0.3**2 * 1.5


def test_fit_keeps_the_noise_floor_of_each_member_where_targets_are_noiseless() -> None:
    points = np.linspace(0.0, 1.0, 30)[:, None]
    priors = [Prior((1.0,), 1e9, 1.0, 1e9, floor) for floor in (1e-4, 1e-3)]
    targets = np.stack([points[:, 0]] * 2)

    found = fit(
        Embedding((0,)),
        priors,
        points,
        targets,
        unknown(30, 2),
        [[Hyperparameters((1.0,), 0.1)]] * 2,
    )

    assert [member.noise for member in found] == pytest.approx([1e-4, 1e-3], rel=0.05)
    assert found[0].noise >= 1e-4
    assert found[1].noise >= 1e-3


def test_fit_begins_within_its_bounds() -> None:
    found = fit_one((0,), prior_of(1), data_of((0,), 6, 0), [Hyperparameters((1e-9,), 1e9)])

    assert 0.01 * (1 - 1e-9) <= found.length_scales[0] <= 1e3 * (1 + 1e-9)
    assert prior_of(1).noise_floor <= found.noise <= 10.0 * (1 + 1e-9)
    assert [type(value) for value in (*found.length_scales, found.noise)] == [float, float]


def test_fit_does_not_take_noise_that_is_known_for_the_noise_of_others() -> None:
    random = np.random.default_rng(0)
    points = random.random((80, 1))
    noisy = np.arange(80) % 2 == 1
    targets = np.sin(4.0 * points[:, 0]) + np.where(noisy, 0.5, 1e-3) * random.standard_normal(80)
    noise = Noise(np.ones(80), np.where(noisy, 0.25, np.nan)[None])

    start = [Hyperparameters((1.0,), 0.1)]
    told = fit_one((0,), flat(1), (points, targets, noise), start)
    untold = fit_one((0,), flat(1), (points, targets, unknown(80)), start)

    assert told.noise < 1e-3
    assert untold.noise > 0.05


def test_fit_of_targets_whose_noise_is_all_known_has_the_mode_of_its_prior() -> None:
    points, targets, _ = data_of((0,), 20, 0)
    noise = Noise(np.ones(20), np.full((1, 20), 0.01))

    found = fit_one((0,), prior_of(1), (points, targets, noise), [Hyperparameters((1.0,), 1.0)])

    assert math.log(found.noise) == pytest.approx(-5.0, abs=0.01)
