"""The Gaussian process against scikit-learn, dense algebra and finite differences."""

from __future__ import annotations

import math

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import check_grad
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from asktell.gp import (
    GaussianProcess,
    Hyperparameters,
    Prior,
    condition,
    fit,
    negative_log_posterior,
)
from asktell.kernels import Array, Embedding

EXAMPLES = settings(deadline=None, max_examples=50)

ORDERED = (0, 0, 0)
MIXED = (0, 3, 0, 2)

Data = tuple[Array, Array, Array]


def prior_of(dim: int) -> Prior:
    return Prior(tuple(0.5 + 0.1 * i for i in range(dim)), 1.7, math.exp(-5.0), 1.0, 1e-4)


def flat(dim: int) -> Prior:
    return Prior((1.0,) * dim, 1e9, 1.0, 1e9, 1e-4)


def data_of(categories: tuple[int, ...], n: int, seed: int) -> Data:
    """Return random points (n, d), a smooth target of them, and counts from 1 to 4."""
    random = np.random.default_rng(seed)
    points = random.random((n, len(categories)))
    for dimension, count in enumerate(categories):
        if count:
            points[:, dimension] = random.integers(count, size=n) / max(count - 1, 1)
    targets = np.sin(5.0 * points @ np.arange(1, len(categories) + 1))
    targets += 0.1 * random.standard_normal(n)
    return points, targets, random.integers(1, 5, size=n).astype(np.float64)


def hyperparameters_of(dim: int, seed: int) -> Hyperparameters:
    random = np.random.default_rng(seed)
    return Hyperparameters(tuple(random.uniform(0.2, 2.0, dim).tolist()), random.uniform(0.01, 0.2))


def process_of(categories: tuple[int, ...], n: int = 12, seed: int = 0) -> GaussianProcess:
    found = hyperparameters_of(len(categories), seed)
    return condition(Embedding(categories), found, *data_of(categories, n, seed))


def scikit_learn(found: Hyperparameters, data: Data) -> GaussianProcessRegressor:
    points, targets, counts = data
    kernel = Matern(found.length_scales, nu=2.5)
    alpha = found.noise / counts
    return GaussianProcessRegressor(kernel, alpha=alpha, optimizer=None).fit(points, targets)


def dense(process: GaussianProcess, x: Array) -> tuple[Array, Array]:
    """Return mean and deviation at x from the formulas, with a Hamming distance of categories."""

    def kernel(left: Array, right: Array) -> Array:
        squared = np.zeros((len(left), len(right)))
        scales = process.hyperparameters.length_scales
        for i, (count, scale) in enumerate(zip(process.embedding.categories, scales, strict=True)):
            difference = left[:, None, i] - right[None, :, i]
            squared += np.where(difference != 0, 1.0, 0.0) / scale**2 if count else 0.0
            squared += 0.0 if count else (difference / scale) ** 2
        r = np.sqrt(squared)
        return (1 + 5**0.5 * r + 5 / 3 * r**2) * np.exp(-(5**0.5) * r)

    noise = np.diag(process.hyperparameters.noise / process.counts)
    inverse = np.linalg.inv(kernel(process.points, process.points) + noise)
    across = kernel(x, process.points)
    variance = 1.0 - np.einsum("mn,nk,mk->m", across, inverse, across)
    return across @ inverse @ process.targets, np.sqrt(variance)


# --- posterior ---


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 20))
def test_posterior_is_that_of_scikit_learn(seed: int, n: int) -> None:
    data, found = data_of(ORDERED, n, seed), hyperparameters_of(3, seed)
    x = np.random.default_rng(seed).random((5, 3))

    mean, std = condition(Embedding(ORDERED), found, *data).predict(x, return_std=True)

    expected_mean, expected_std = scikit_learn(found, data).predict(x, return_std=True)
    assert mean == pytest.approx(expected_mean, abs=1e-9)
    assert std == pytest.approx(expected_std, abs=1e-8)


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 20))
def test_posterior_over_categories_is_that_of_dense_algebra(seed: int, n: int) -> None:
    process = process_of(MIXED, n, seed)
    x, _, _ = data_of(MIXED, 6, seed + 1)

    mean, std = process.predict(x, return_std=True)

    expected_mean, expected_std = dense(process, x)
    assert mean == pytest.approx(expected_mean, abs=1e-9)
    assert std == pytest.approx(expected_std, abs=1e-8)


@pytest.mark.parametrize("categories", [ORDERED, MIXED])
def test_prediction_of_many_is_prediction_of_each(categories: tuple[int, ...]) -> None:
    process = process_of(categories)
    x, _, _ = data_of(categories, 9, 7)

    many = process.predict_with_gradient(x)

    each = [process.predict_with_gradient(point[None]) for point in x]
    for column, together in enumerate(many):
        apart = np.concatenate([one[column] for one in each])
        assert together == pytest.approx(apart, rel=1e-12, abs=1e-13)


def test_predicting_with_and_without_deviation_and_gradient_agree() -> None:
    process = process_of(MIXED)
    x, _, _ = data_of(MIXED, 9, 7)

    mean, std = process.predict(x, return_std=True)
    mean_too, std_too, _, _ = process.predict_with_gradient(x)

    assert process.predict(x).tolist() == mean.tolist() == mean_too.tolist()
    assert std.tolist() == std_too.tolist()


def test_far_from_all_points_the_posterior_is_the_prior() -> None:
    process = condition(
        Embedding((0,)), Hyperparameters((0.01,), 1e-4), np.zeros((1, 1)), np.ones(1), np.ones(1)
    )
    mean, std = process.predict(np.array([[1.0]]), return_std=True)

    assert mean == pytest.approx([0.0], abs=1e-12)
    assert std == pytest.approx([1.0], abs=1e-12)


def test_deviation_stays_positive_at_a_point_known_without_noise() -> None:
    process = condition(
        Embedding((0,)), Hyperparameters((0.5,), 0.0), np.zeros((1, 1)), np.ones(1), np.ones(1)
    )
    mean, std = process.predict(np.zeros((1, 1)), return_std=True)

    assert mean == pytest.approx([1.0])
    assert 0.0 < std[0] <= 1e-6


def test_more_replicates_of_a_point_leave_less_doubt() -> None:
    def deviation(count: float) -> float:
        process = condition(
            Embedding((0,)),
            Hyperparameters((0.5,), 0.1),
            np.zeros((1, 1)),
            np.ones(1),
            np.array([count]),
        )
        return float(process.predict(np.zeros((1, 1)), return_std=True)[1][0])

    # the posterior variance at the point is s^2 / (c + s^2)
    assert deviation(1.0) ** 2 == pytest.approx(0.1 / 1.1)
    assert deviation(4.0) ** 2 == pytest.approx(0.1 / 4.1)


def test_order_of_the_points_does_not_matter() -> None:
    points, targets, counts = data_of(MIXED, 15, 3)
    found, x = hyperparameters_of(4, 3), data_of(MIXED, 5, 4)[0]
    order = np.random.default_rng(0).permutation(15)

    first = condition(Embedding(MIXED), found, points, targets, counts)
    second = condition(Embedding(MIXED), found, points[order], targets[order], counts[order])

    for left, right in zip(
        first.predict(x, return_std=True), second.predict(x, return_std=True), strict=True
    ):
        assert left == pytest.approx(right, abs=1e-11)


@pytest.mark.parametrize("categories", [ORDERED, MIXED])
@pytest.mark.parametrize("column", [0, 1])
def test_gradients_of_the_posterior_are_finite_differences(
    categories: tuple[int, ...], column: int
) -> None:
    process = process_of(categories)
    ordered = [i for i, count in enumerate(categories) if not count]
    for x in data_of(categories, 5, 11)[0]:

        def value(free: Array, x: Array = x) -> float:
            moved = x.copy()
            moved[ordered] = free
            return float(process.predict(moved[None], return_std=True)[column][0])

        gradient = process.predict_with_gradient(x[None])[2 + column][0]

        for position, dimension in enumerate(ordered):
            step = 1e-5 * np.eye(len(ordered))[position]
            slope = (value(x[ordered] + step) - value(x[ordered] - step)) / 2e-5
            assert gradient[dimension] == pytest.approx(slope, abs=1e-7)


def test_gradient_along_categories_is_zero() -> None:
    _, _, mean_gradient, std_gradient = process_of(MIXED).predict_with_gradient(
        data_of(MIXED, 5, 11)[0]
    )

    assert not mean_gradient[:, [1, 3]].any()
    assert not std_gradient[:, [1, 3]].any()


def test_process_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        process_of(ORDERED).targets = np.zeros(1)  # type: ignore[misc]


# --- believing ---


def test_believing_keeps_the_mean() -> None:
    process, x = process_of(MIXED), data_of(MIXED, 6, 8)[0]

    believer = process.believing(data_of(MIXED, 2, 9)[0])

    assert believer.predict(x) == pytest.approx(process.predict(x), abs=1e-10)


def test_believing_shrinks_the_deviation_most_at_the_points_believed() -> None:
    process, pending = process_of(ORDERED), np.full((1, 3), 0.5)
    far = np.zeros((1, 3))
    noise = process.hyperparameters.noise

    before = process.predict(np.vstack([pending, far]), return_std=True)[1]
    after = process.believing(pending).predict(np.vstack([pending, far]), return_std=True)[1]

    # conditioning on one more noisy observation: v - v^2 / (v + s^2)
    assert after[0] ** 2 == pytest.approx(before[0] ** 2 * noise / (before[0] ** 2 + noise))
    assert after[0] / before[0] < after[1] / before[1] <= 1.0


def test_believing_leaves_the_process_as_it_was() -> None:
    process = process_of(ORDERED)
    process.believing(np.full((2, 3), 0.5))

    assert len(process.points) == len(process.targets) == len(process.counts) == 12


# --- faults ---


def test_kernel_matrix_that_is_singular_raises() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        condition(
            Embedding((0,)),
            Hyperparameters((1.0,), 0.0),
            np.array([[0.5], [0.5]]),
            np.zeros(2),
            np.ones(2),
        )


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_targets_that_are_not_finite_raise(bad: float) -> None:
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        condition(
            Embedding((0,)),
            Hyperparameters((1.0,), 0.1),
            np.array([[0.0], [1.0]]),
            np.array([bad, 0.0]),
            np.ones(2),
        )


def test_objective_is_finite_and_flat_where_the_kernel_matrix_is_singular() -> None:
    features = np.array([[0.5], [0.5]])
    logs = np.array([0.0, -800.0])

    value, gradient = negative_log_posterior(
        logs, Embedding((0,)), prior_of(1), features, np.zeros(2), np.ones(2)
    )

    assert value == 1e25
    assert gradient.tolist() == [0.0, 0.0]


# --- posterior of the hyper-parameters ---


def objective(logs: Array, categories: tuple[int, ...], prior: Prior, data: Data) -> float:
    embedding = Embedding(categories)
    points, targets, counts = data
    return negative_log_posterior(logs, embedding, prior, embedding(points), targets, counts)[0]


def slopes(logs: Array, categories: tuple[int, ...], prior: Prior, data: Data) -> Array:
    embedding = Embedding(categories)
    points, targets, counts = data
    return negative_log_posterior(logs, embedding, prior, embedding(points), targets, counts)[1]


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 20))
def test_marginal_likelihood_is_that_of_scikit_learn(seed: int, n: int) -> None:
    data, found = data_of(ORDERED, n, seed), hyperparameters_of(3, seed)
    logs = np.log([*found.length_scales, found.noise])
    oracle = scikit_learn(found, data)

    value, gradient = objective(logs, ORDERED, flat(3), data), slopes(logs, ORDERED, flat(3), data)

    expected, expected_gradient = oracle.log_marginal_likelihood(logs[:3], eval_gradient=True)
    assert value + 0.5 * n * math.log(2 * math.pi) == pytest.approx(-expected, abs=1e-9)
    assert gradient[:3] == pytest.approx(-expected_gradient, abs=1e-8)


def test_prior_adds_its_density_in_the_logarithms() -> None:
    data, logs = data_of(MIXED, 8, 0), np.array([-0.3, 0.2, 1.0, 0.0, -3.0])

    added = objective(logs, MIXED, prior_of(4), data) - objective(logs, MIXED, flat(4), data)

    modes = np.array([math.log(0.5), math.log(0.6), math.log(0.7), math.log(0.8), -5.0])
    normal = stats.norm(modes, [1.7] * 4 + [1.0])
    assert added == pytest.approx(float((normal.logpdf(modes) - normal.logpdf(logs)).sum()))


@EXAMPLES
@given(
    seed=st.integers(0, 2**32), n=st.integers(1, 12), prior=st.sampled_from([prior_of(4), flat(4)])
)
def test_gradient_of_the_objective_is_a_finite_difference(seed: int, n: int, prior: Prior) -> None:
    data = data_of(MIXED, n, seed)
    logs = np.random.default_rng(seed).uniform(-1.5, 1.0, 5)

    error = check_grad(objective, slopes, logs, MIXED, prior, data, epsilon=1e-6)

    assert error <= 1e-4 * (1.0 + float(np.abs(slopes(logs, MIXED, prior, data)).max()))


@pytest.mark.parametrize("noise", [1e-6, 1e-2])
def test_mode_of_the_prior_respects_the_noise_floor(noise: float) -> None:
    prior = Prior((0.3, 0.7), 1.0, noise, 1.0, noise_floor=1e-4)

    assert prior.mode() == Hyperparameters((0.3, 0.7), max(noise, 1e-4))


# --- fit ---


def log_of(found: Hyperparameters) -> Array:
    return np.log([*found.length_scales, found.noise])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("categories", [ORDERED, MIXED])
def test_fit_is_stationary_within_its_bounds(categories: tuple[int, ...], seed: int) -> None:
    data, dim = data_of(categories, 25, seed), len(categories)
    embedding = Embedding(categories)

    prior = prior_of(dim)

    found = fit(embedding, prior, *data, [prior.mode()])

    logs = log_of(found)
    gradient = slopes(logs, categories, prior, data)
    at_floor = found.noise <= prior.noise_floor * (1 + 1e-9)
    assert np.abs(gradient[:-1]).max() < 0.05
    assert gradient[-1] >= 0.0 if at_floor else abs(gradient[-1]) < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_fit_is_no_worse_than_the_best_of_its_starts(seed: int) -> None:
    data, prior = data_of(MIXED, 15, seed), prior_of(4)
    starts = [hyperparameters_of(4, seed), hyperparameters_of(4, seed + 100)]

    together = objective(log_of(fit(Embedding(MIXED), prior, *data, starts)), MIXED, prior, data)

    apart = [
        objective(log_of(fit(Embedding(MIXED), prior, *data, [start])), MIXED, prior, data)
        for start in starts
    ]
    assert together == min(apart)
    assert together <= min(objective(log_of(start), MIXED, prior, data) for start in starts)


def test_fit_tells_a_relevant_dimension_from_an_irrelevant_one() -> None:
    points = np.random.default_rng(0).random((40, 2))
    targets = np.sin(8.0 * points[:, 0])

    found = fit(Embedding((0, 0)), prior_of(2), points, targets, np.ones(40), [prior_of(2).mode()])

    assert 5.0 * found.length_scales[0] < found.length_scales[1]


def test_fit_finds_the_noise_of_noisy_targets() -> None:
    random = np.random.default_rng(0)
    points = random.random((150, 1))
    targets = np.sin(4.0 * points[:, 0]) + 0.3 * random.standard_normal(150)

    found = fit(
        Embedding((0,)), flat(1), points, targets, np.ones(150), [Hyperparameters((1.0,), 1.0)]
    )

    assert 0.3**2 / 1.5 < found.noise < 0.3**2 * 1.5


def test_fit_keeps_the_noise_floor_where_targets_are_noiseless() -> None:
    points = np.linspace(0.0, 1.0, 30)[:, None]

    found = fit(
        Embedding((0,)), flat(1), points, points[:, 0], np.ones(30), [Hyperparameters((1.0,), 1.0)]
    )

    assert found.noise == pytest.approx(flat(1).noise_floor)
    assert found.noise >= flat(1).noise_floor


def test_fit_begins_within_its_bounds() -> None:
    data = data_of((0,), 6, 0)
    start = Hyperparameters((1e-9,), 1e9)

    found = fit(Embedding((0,)), prior_of(1), *data, [start])

    assert 0.01 * (1 - 1e-9) <= found.length_scales[0] <= 1e3 * (1 + 1e-9)
    assert prior_of(1).noise_floor <= found.noise <= 10.0 * (1 + 1e-9)
    assert [type(value) for value in (*found.length_scales, found.noise)] == [float, float]
