"""A Gaussian process: conditioned on data once, and immutable from then on.

Zero mean, amplitude 1 (targets come standardised), independent noise of variance s^2 / c_i for a
point whose target is the mean of c_i replicates. Hyper-parameters are the posterior's mode
(MAP), searched over their logarithms with analytic gradients. Equations are those of Rasmussen
and Williams 2006, chapters 2 and 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from scipy import optimize
from scipy.linalg import lapack

from asktell.axes import Indices
from asktell.kernels import Array, Embedding, feature_sums, matern, squared_distances

_LEAST_VARIANCE = 1e-12
_LENGTH_SCALE_RANGE = (0.01, 1e3)
_LARGEST_NOISE = 10.0
_REFUSED = 1e25
"""The objective where the kernel matrix cannot be factorised: finite, so the search turns back."""


@frozen
class Hyperparameters:
    """What a fit finds: length scales on the unit cube, one a dimension, and the noise variance."""

    length_scales: tuple[float, ...]
    noise: float


@frozen
class Prior:
    """Gaussian priors on the logarithms of the hyper-parameters.

    Args:
        length_scales: the modes of the length scales, one a dimension.
        length_scale_spread: the standard deviation of their logarithms.
        noise: the mode of the noise variance.
        noise_spread: the standard deviation of its logarithm.
        noise_floor: the least noise variance.
    """

    length_scales: tuple[float, ...]
    length_scale_spread: float
    noise: float
    noise_spread: float
    noise_floor: float

    def mode(self) -> Hyperparameters:
        """Return the most probable hyper-parameters without any data."""
        return Hyperparameters(self.length_scales, max(self.noise, self.noise_floor))


@frozen(eq=False)
class GaussianProcess:
    """A posterior over functions on the unit cube. Make one with ``condition``."""

    embedding: Embedding
    hyperparameters: Hyperparameters
    points: Array
    targets: Array
    counts: Array
    _scales: Array = field(repr=False)
    _scaled: Array = field(repr=False)
    _factor: Array = field(repr=False)
    _weights: Array = field(repr=False)

    def predict(self, x: Array, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Return the mean (m,) at points (m, d), and with ``return_std`` the deviation (m,).

        The deviation is that of the function, without the noise (eq. 2.25 and 2.26).
        """
        kernel, _ = matern(squared_distances(self._features(x), self._scaled))
        mean = kernel @ self._weights
        return (mean, self._deviation(kernel)[0]) if return_std else mean

    def predict_with_gradient(self, x: Array) -> tuple[Array, Array, Array, Array]:
        """Return mean (m,), deviation (m,), and their gradients (m, d) at points (m, d).

        The gradient along a dimension of categories is 0.
        """
        features = self._features(x)
        kernel, slope = matern(squared_distances(features, self._scaled))
        mean = kernel @ self._weights
        std, solved = self._deviation(kernel)
        backward, _ = lapack.dtrtrs(self._factor, solved, lower=1, trans=1)
        columns = self.embedding.ordered_features
        mean_slopes = self._input_slopes(slope * self._weights, features, columns)
        var_slopes = self._input_slopes(slope * backward.T, features, columns)
        mean_gradient, std_gradient = np.zeros_like(x), np.zeros_like(x)
        mean_gradient[:, self.embedding.ordered] = mean_slopes
        std_gradient[:, self.embedding.ordered] = -var_slopes / std[:, None]
        return mean, std, mean_gradient, std_gradient

    def believing(self, points: Array) -> GaussianProcess:
        """Condition on points (q, d) as if their means had been observed there.

        The mean stays as it is, and the deviation shrinks around them ("kriging believer",
        Ginsbourger, Le Riche and Carraro 2010).
        """
        mean = self.predict(points)
        return condition(
            self.embedding,
            self.hyperparameters,
            np.vstack([self.points, points]),
            np.concatenate([self.targets, np.asarray(mean)]),
            np.concatenate([self.counts, np.ones(len(points))]),
        )

    def _features(self, x: Array) -> Array:
        return np.asarray(self.embedding(x) / self._scales)

    def _deviation(self, kernel: Array) -> tuple[Array, Array]:
        solved, _ = lapack.dtrtrs(self._factor, kernel.T, lower=1)
        variance = 1.0 - np.einsum("nm,nm->m", solved, solved)
        return np.sqrt(np.maximum(variance, _LEAST_VARIANCE)), solved

    def _input_slopes(self, weights: Array, features: Array, columns: Indices) -> Array:
        # d/dx sum_j w_j k(x, x_j), where dk/dx = -slope (z - z_j) / l
        moved = features[:, columns] * weights.sum(axis=1)[:, None]
        return np.asarray(-(moved - weights @ self._scaled[:, columns]) / self._scales[columns])


def condition(
    embedding: Embedding,
    hyperparameters: Hyperparameters,
    points: Array,
    targets: Array,
    counts: Array,
) -> GaussianProcess:
    """Return the posterior given targets (n,) at points (n, d), each a mean of ``counts`` (n,).

    Raises:
        numpy.linalg.LinAlgError: the kernel matrix is not positive definite.
    """
    scales = embedding.scales(np.array(hyperparameters.length_scales))
    scaled = embedding(points) / scales
    kernel, _ = matern(squared_distances(scaled, scaled))
    kernel[np.diag_indices_from(kernel)] = 1.0 + hyperparameters.noise / counts
    factor, fault = lapack.dpotrf(kernel, lower=1)
    weights, _ = lapack.dpotrs(factor, targets, lower=1)
    if fault or not np.all(np.isfinite(weights)):
        raise np.linalg.LinAlgError("the kernel matrix is not positive definite")
    return GaussianProcess(
        embedding, hyperparameters, points, targets, counts, scales, scaled, factor, weights
    )


def fit(
    embedding: Embedding,
    prior: Prior,
    points: Array,
    targets: Array,
    counts: Array,
    starts: Sequence[Hyperparameters],
) -> Hyperparameters:
    """Return the most probable hyper-parameters, the best of a search from each start."""
    features = embedding(points)
    floor = math.log(prior.noise_floor)
    low, high = (math.log(bound) for bound in _LENGTH_SCALE_RANGE)
    dim = len(embedding.categories)
    bounds = [(low, high)] * dim + [(floor, math.log(_LARGEST_NOISE))]
    results = [
        optimize.minimize(
            negative_log_posterior,
            np.clip(np.log([*start.length_scales, start.noise]), *np.array(bounds).T),
            args=(embedding, prior, features, targets, counts),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 60, "ftol": 1e-7, "gtol": 1e-3},
        )
        for start in starts
    ]
    found = np.exp(min(results, key=lambda result: float(result.fun)).x).tolist()
    return Hyperparameters(tuple(found[:dim]), max(found[dim], prior.noise_floor))


def negative_log_posterior(
    logs: Array, embedding: Embedding, prior: Prior, features: Array, targets: Array, counts: Array
) -> tuple[float, Array]:
    """Return -log p(y, theta) up to a constant, and its gradient, at log theta = ``logs`` (d + 1,).

    Likelihood and gradient are eq. 5.8 and 5.9. The priors are Gaussian in the logarithms, which
    is where the search moves: see :class:`Prior`.
    """
    length_scales, noise = np.exp(logs[:-1]), math.exp(logs[-1])
    scaled = features / embedding.scales(length_scales)
    kernel, slope = matern(squared_distances(scaled, scaled))
    kernel[np.diag_indices_from(kernel)] = 1.0 + noise / counts
    factor, fault = lapack.dpotrf(kernel, lower=1)
    if fault:
        return _REFUSED, np.zeros_like(logs)
    weights, _ = lapack.dpotrs(factor, targets, lower=1)
    inverse, _ = lapack.dpotri(factor, lower=1)
    lower = np.tril(inverse, -1)
    inverse = lower + lower.T + np.diag(inverse.diagonal())
    pull = np.outer(weights, weights) - inverse
    value = 0.5 * float(targets @ weights) + float(np.log(factor.diagonal()).sum())
    gradient = np.empty_like(logs)
    gradient[:-1] = -0.5 * embedding.per_dimension(feature_sums(pull * slope, scaled))
    gradient[-1] = -0.5 * noise * float((pull.diagonal() / counts).sum())

    modes = np.log([*prior.length_scales, prior.noise])
    spreads = np.array([prior.length_scale_spread] * (len(logs) - 1) + [prior.noise_spread])
    away = (logs - modes) / spreads
    return value + 0.5 * float(away @ away), gradient + away / spreads
