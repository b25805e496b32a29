"""Gaussian processes side by side: conditioned on data once, and immutable from then on.

Several members share their points and differ in targets and hyper-parameters; all arrays have a
leading axis for them, so that one call serves all. Each has zero mean, amplitude 1 (targets come
standardised) and independent noise: of a variance that is known for a target, else of s^2 / c_i
where the target is the mean of c_i replicates. Hyper-parameters are the posterior's mode (MAP),
searched over their logarithms with analytic gradients. Equations are those of Rasmussen and
Williams 2006, chapters 2 and 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import evolve, field, frozen
from scipy.linalg import lapack

from asktell.model.ascent import ascend
from asktell.model.kernels import Array, Embedding, Slopes, feature_sums
from asktell.space.axes import Indices

_LEAST_VARIANCE = 1e-12
"""The variance is 1 minus a sum that comes near 1 where a point is known, so it may end below 0 by
rounding; gradients and the acquisition divide by its root."""

_LENGTH_SCALE_RANGE = (0.01, 1e3)
"""Where the search for length scales ends. At one end, points a tenth of the cube apart are
unrelated (a correlation below 1e-7); at the other, the function is constant along the axis (above
1 - 1e-6). Chosen for that, not tuned."""

_LARGEST_NOISE = 10.0
"""Where the search for the noise variance ends: at ten times that of the targets, which is 1. Not
tuned."""

_FIT_STEPS, _FIT_TOLERANCE = 40, 3e-6
"""When the search ends. From there SciPy's L-BFGS-B gains less than 0.01 in the log posterior, on
the ten fits of the tests; with a tolerance of 1e-5 it gained up to 0.025. The steps are a bound,
which was not tuned."""

_LARGEST_BLOCK = 1_000_000
"""Kernel values computed at once: 8 MB an array, however many points are asked for. Not tuned."""


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
class Noise:
    """The noise of targets, for every member.

    Args:
        counts: how many replicates each target is the mean of (n,).
        known: the variances (members, n) that are known; NaN where they are not.
    """

    counts: Array
    known: Array

    def variances(self, inferred: Array, members: Indices | slice = slice(None)) -> Array:
        """Return variances (k, n), given the noise variance (k,) of these members."""
        known = self.known[members]
        return np.where(np.isnan(known), inferred[:, None] / self.counts, known)

    def shares(self, members: Indices) -> Array:
        """Return the derivatives (k, n) of the variances by what is inferred."""
        return np.where(np.isnan(self.known[members]), 1.0 / self.counts, 0.0)


@frozen(eq=False)
class GaussianProcesses:
    """Posteriors over functions on the unit cube, one a member. Make them with ``condition``."""

    embedding: Embedding
    hyperparameters: tuple[Hyperparameters, ...]
    points: Array
    targets: Array
    _scales: Array = field(repr=False)
    _scaled: Array = field(repr=False)
    _inverse_factor: Array = field(repr=False)
    _weights: Array = field(repr=False)

    def predict(self, x: Array, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Return the means (m, members) at points (m, d), and with ``return_std`` deviations.

        The deviation is that of the function, without the noise (eq. 2.25 and 2.26).
        """
        at_a_time = max(1, _LARGEST_BLOCK // self._weights.size)
        blocks = [x[start : start + at_a_time] for start in range(0, len(x), at_a_time)] or [x]
        parts = [self._predict_block(block, return_std) for block in blocks]
        mean = np.concatenate([part[0] for part in parts])
        return (mean, np.concatenate([part[1] for part in parts])) if return_std else mean

    def _predict_block(self, x: Array, return_std: bool) -> tuple[Array, Array]:
        kernel = self.embedding.kernel(self._features(x), self._scaled)
        mean = np.einsum("smn,sn->ms", kernel, self._weights)
        return (mean, self._deviation(kernel)[0].T) if return_std else (mean, mean)

    def predict_with_gradient(self, x: Array) -> tuple[Array, Array, Array, Array]:
        """Return means and deviations (m, members), and their gradients (m, members, d).

        The gradient along a dimension of categories is 0.
        """
        features = self._features(x)
        kernel, slopes = self.embedding.kernel_with_slopes(features, self._scaled)
        mean = np.einsum("smn,sn->ms", kernel, self._weights)
        std, solved = self._deviation(kernel)
        backward = solved @ self._inverse_factor
        by_mean = self._input_slopes(slopes, self._weights[:, None], features)
        by_std = -self._input_slopes(slopes, backward, features) / std[:, :, None]
        mean_gradient = self.embedding.along(by_mean, x).transpose(1, 0, 2)
        std_gradient = self.embedding.along(by_std, x).transpose(1, 0, 2)
        return mean, std.T, mean_gradient, std_gradient

    def joint(self, x: Array, member: int) -> tuple[Array, Array]:
        """Return a member's means (m,) at points (m, d), and their covariances (m, m).

        They are those of the function, without the noise (eq. 2.25 and 2.26).
        """
        across = self.embedding.kernel(self._features(x)[[member]], self._scaled[[member]])
        within = self._within(x, member)[None]
        solved = across[0] @ self._inverse_factor[member].T
        return across[0] @ self._weights[member], within[0] - solved @ solved.T

    def inferred_noise(self, member: int) -> float:
        """Return the variance of the noise that is inferred for a member's targets."""
        return self.hyperparameters[member].noise

    def left_out(self) -> tuple[Array, Array]:
        """Return what each target (members, n) would be predicted as without it: mean, deviation.

        The deviation is that of the target, with its noise (eq. 5.12).
        """
        diagonal = np.einsum("sij,sij->sj", self._inverse_factor, self._inverse_factor)
        return self.targets - self._weights / diagonal, 1.0 / np.sqrt(diagonal)

    def believing(self, points: Array) -> GaussianProcesses:
        """Condition on points (q, d) as if their means had been observed there.

        The means stay as they are, and the deviations shrink around them ("kriging believer",
        Ginsbourger, Le Riche and Carraro 2010). The factor grows by q rows, in O(n^2 q).

        Raises:
            numpy.linalg.LinAlgError: the kernel matrix is not positive definite.
        """
        features = self._features(points)
        across = self.embedding.kernel(features, self._scaled)
        within = self.embedding.kernel(features, features)
        noise = np.array([member.noise for member in self.hyperparameters])
        diagonal = np.arange(len(points))
        within[:, diagonal, diagonal] = 1.0 + noise[:, None]
        solved = across @ self._inverse_factor.transpose(0, 2, 1)
        corner = np.linalg.inv(np.linalg.cholesky(within - solved @ solved.transpose(0, 2, 1)))
        members, n, q = *self._weights.shape, len(points)
        inverse_factor = np.zeros((members, n + q, n + q))
        inverse_factor[:, :n, :n] = self._inverse_factor
        inverse_factor[:, n:, :n] = -corner @ solved @ self._inverse_factor
        inverse_factor[:, n:, n:] = corner
        return evolve(
            self,
            points=np.vstack([self.points, points]),
            targets=np.hstack([self.targets, np.asarray(self.predict(points)).T]),
            scaled=np.concatenate([self._scaled, features], axis=1),
            inverse_factor=inverse_factor,
            weights=np.hstack([self._weights, np.zeros((members, q))]),
        )

    def alone(self, member: int) -> GaussianProcesses:
        """Return one of the members by itself, for those who need no others."""
        only = slice(member, member + 1)
        return evolve(
            self,
            hyperparameters=self.hyperparameters[only],
            targets=self.targets[only],
            scales=self._scales[only],
            scaled=self._scaled[only],
            inverse_factor=self._inverse_factor[only],
            weights=self._weights[only],
        )

    def averages(
        self, points: Array, dimensions: Sequence[int], moved: Array
    ) -> tuple[Array, Array]:
        """Return what the first member expects of averages over points: means, deviations (g,).

        Args:
            points: what is averaged over (m, d).
            dimensions: along which all the points are moved.
            moved: to where each time (g, number of dimensions).
        """
        within = self._within(_moved(points, dimensions, moved[0]), 0)  # the same wherever
        across = np.empty((len(moved), self._weights.shape[1]))
        for row, positions in enumerate(moved):
            features = self._features(_moved(points, dimensions, positions))[:1]
            across[row] = self.embedding.kernel(features, self._scaled[:1])[0].mean(axis=0)
        solved = across @ self._inverse_factor[0].T
        variance = within.mean() - np.einsum("gn,gn->g", solved, solved)
        return across @ self._weights[0], np.sqrt(np.maximum(variance, _LEAST_VARIANCE))

    def corrections(self, targets: Array, member: int = 0) -> Array:
        """Return weights (n, p) by which functions of the kernel pass through targets (n, p).

        These are noisy as those of the member are: ``(K + noise)^-1 targets``.
        """
        factor = self._inverse_factor[member]
        return np.asarray(factor.T @ (factor @ targets))

    def whitened(self, vectors: Array, member: int) -> Array:
        """Return L^-1 times vectors (n,) or (n, p), where L L' is the covariance of the targets."""
        return np.asarray(self._inverse_factor[member] @ vectors)

    def variances(self, member: int = 0) -> Array:
        """Return the variances of the noise of a member's targets (n,), known or inferred."""
        factor, _ = lapack.dtrtri(self._inverse_factor[member], lower=1)
        return np.asarray(np.maximum(np.einsum("ij,ij->i", factor, factor) - 1.0, 0.0))

    def _features(self, x: Array) -> Array:
        return np.asarray(self.embedding(x) / self._scales[:, None])

    def _within(self, x: Array, member: int) -> Array:
        """Return a member's kernel (m, m) among points (m, d), whose categories may be new."""
        embedding = self.embedding.listing(x)
        scales = embedding.scales(np.array(self.hyperparameters[member].length_scales))
        features = embedding(x) / scales
        return embedding.kernel(features, features)

    def _deviation(self, kernel: Array) -> tuple[Array, Array]:
        """Return deviations (members, m), and kernel times inverse factor (members, m, n)."""
        solved = kernel @ self._inverse_factor.transpose(0, 2, 1)
        variance = 1.0 - np.einsum("smn,smn->sm", solved, solved)
        return np.sqrt(np.maximum(variance, _LEAST_VARIANCE)), solved

    def _input_slopes(self, slopes: Slopes, weights: Array, features: Array) -> Array:
        """Return d/dx sum_j w_j k(x, x_j) by the moving features (members, m, g)."""
        # dk/dx = -slope (z - z_j) / l
        moving = self.embedding.moving
        total = np.zeros((*features.shape[:2], len(moving)))
        for columns, slope in slopes:
            own = np.isin(moving, np.arange(features.shape[2])[columns])
            place, weighted = moving[own], weights * slope
            moved = features[:, :, place] * weighted.sum(axis=2, keepdims=True)
            pulled = weighted @ self._scaled[:, :, place]
            total[:, :, own] += (pulled - moved) / self._scales[:, None, place]
        return total


def _moved(points: Array, dimensions: Sequence[int], positions: Array) -> Array:
    moved = points.copy()
    moved[:, list(dimensions)] = positions
    return moved


def condition(
    embedding: Embedding,
    hyperparameters: Sequence[Hyperparameters],
    points: Array,
    targets: Array,
    noise: Noise,
) -> GaussianProcesses:
    """Return the posteriors given targets (members, n) at points (n, d).

    Raises:
        numpy.linalg.LinAlgError: a kernel matrix is not positive definite.
    """
    length_scales = np.array([member.length_scales for member in hyperparameters])
    scales = np.stack([embedding.scales(row) for row in length_scales])
    scaled = embedding(points) / scales[:, None]
    inverse_factors, weights = [], []
    diagonals = 1.0 + noise.variances(np.array([member.noise for member in hyperparameters]))
    for diagonal, features, target in zip(diagonals, scaled, targets, strict=True):
        kernel = embedding.kernel(features, features)
        kernel[np.diag_indices_from(kernel)] = diagonal
        factor, fault = lapack.dpotrf(kernel, lower=1, clean=1)
        solution, _ = lapack.dpotrs(factor, target, lower=1)
        if fault or not np.all(np.isfinite(solution)):
            raise np.linalg.LinAlgError("the kernel matrix is not positive definite")
        inverse_factors.append(lapack.dtrtri(factor, lower=1)[0])
        weights.append(solution)
    return GaussianProcesses(
        embedding,
        tuple(hyperparameters),
        points,
        targets,
        scales,
        scaled,
        np.stack(inverse_factors),
        np.stack(weights),
    )


def fit(
    embedding: Embedding,
    priors: Sequence[Prior],
    points: Array,
    targets: Array,
    noise: Noise,
    starts: Sequence[Sequence[Hyperparameters]],
) -> tuple[Hyperparameters, ...]:
    """Return the most probable hyper-parameters of each member.

    Args:
        embedding: how points become features.
        priors: one for each member.
        points: (n, d).
        targets: (members, n).
        noise: that of the targets.
        starts: for each member, where to search from; the best that is found is returned.
    """
    owners = np.array([i for i, several in enumerate(starts) for _ in several])
    logs = np.log([[*s.length_scales, s.noise] for several in starts for s in several])
    posterior = LogPosterior(embedding, tuple(priors), embedding(points), targets, noise)
    dim = points.shape[1]
    low, high = (math.log(bound) for bound in _LENGTH_SCALE_RANGE)
    floors = np.array([prior.noise_floor for prior in priors])
    ends, values = ascend(
        lambda x, rows: posterior(x, owners[rows]),
        logs,
        np.array([low] * dim + [math.log(floors.min())]),
        np.array([high] * dim + [math.log(_LARGEST_NOISE)]),
        _FIT_STEPS,
        _FIT_TOLERANCE,
    )
    chosen = []
    for member in range(len(priors)):
        mine = np.flatnonzero(owners == member)
        *length_scales, variance = np.exp(ends[mine[np.argmax(values[mine])]]).tolist()
        chosen.append(Hyperparameters(tuple(length_scales), max(variance, float(floors[member]))))
    return tuple(chosen)


@frozen(eq=False)
class LogPosterior:
    """log p(theta | y) of the members up to a constant, as a function of log theta.

    The priors are Gaussian in the logarithms, which is where the search moves: see
    :class:`Prior`. Noise below a member's floor counts as the floor.
    """

    embedding: Embedding
    priors: tuple[Prior, ...]
    features: Array
    targets: Array
    noise: Noise

    def __call__(self, logs: Array, members: Indices) -> tuple[Array, Array]:
        """Return values (k,) and gradients (k, d + 1) at ``logs`` (k, d + 1) of the members (k,).

        The value is minus infinity where the kernel matrix cannot be factorised.
        """
        at_a_time = max(1, _LARGEST_BLOCK // len(self.features) ** 2)
        values, gradients = np.empty(len(logs)), np.empty_like(logs)
        for start in range(0, len(logs), at_a_time):
            block = slice(start, start + at_a_time)
            values[block], gradients[block] = self._block(logs[block], members[block])
        return values, gradients

    def _block(self, logs: Array, members: Indices) -> tuple[Array, Array]:
        """Return eq. 5.8 and 5.9 with the priors added."""
        floors = np.log([self.priors[member].noise_floor for member in members])
        floored = logs[:, -1] < floors
        noise = np.exp(np.maximum(logs[:, -1], floors))
        scales = np.stack([self.embedding.scales(row) for row in np.exp(logs[:, :-1])])
        scaled = self.features / scales[:, None]
        kernel, slopes = self.embedding.kernel_with_slopes(scaled, scaled)
        diagonal = np.arange(len(self.features))
        kernel[:, diagonal, diagonal] = 1.0 + self.noise.variances(noise, members)
        weights = np.empty((len(logs), len(self.features)))
        values = np.empty(len(logs))
        for row, member in enumerate(members):
            factor, fault = lapack.dpotrf(kernel[row], lower=1)
            target = self.targets[member]
            weights[row] = lapack.dpotrs(factor, target, lower=1)[0]
            determinant = np.log(factor.diagonal()).sum()
            values[row] = -math.inf if fault else -0.5 * (target @ weights[row]) - determinant
            kernel[row] = lapack.dpotri(factor, lower=1)[0]
        inverse = np.tril(kernel)
        inverse += np.tril(kernel, -1).transpose(0, 2, 1)
        pull = weights[:, :, None] * weights[:, None] - inverse
        gradients = np.empty_like(logs)
        for row in range(len(logs)):
            sums = np.zeros(scaled.shape[2])
            for columns, slope in slopes:
                sums[columns] += feature_sums(pull[row] * slope[row], scaled[row][:, columns])
            gradients[row, :-1] = 0.5 * self.embedding.per_dimension(sums)
        trace = (pull[:, diagonal, diagonal] * self.noise.shares(members)).sum(axis=1)
        gradients[:, -1] = np.where(floored, 0.0, 0.5 * noise * trace)
        for row, member in enumerate(members):
            value, gradient = _log_prior(self.priors[member], logs[row])
            values[row] += value
            gradients[row] += gradient
        return values, gradients


def _log_prior(prior: Prior, logs: Array) -> tuple[float, Array]:
    modes = np.log([*prior.length_scales, prior.noise])
    spreads = np.array([prior.length_scale_spread] * (len(logs) - 1) + [prior.noise_spread])
    away = (logs - modes) / spreads
    return -0.5 * float(away @ away), -away / spreads
