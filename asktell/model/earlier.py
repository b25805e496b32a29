"""What earlier studies and trends say of this study, and how far they are believed.

Every member of the model has its counterpart in each earlier study: a Gaussian process on the
results of that study, warped and standardised as the member does it, with mean m(x) and deviation
s(x). A trend is a mean m(x) without a deviation. Of the targets z of this study the member then
believes

    z(x) = c + b m(x) + a(x) delta(x),    a(x)^2 = b^2 (r^2 + s(x)^2),

where delta is a process as the member is one without earlier studies. The slope b > 0 and the
offset c make it of no account in which unit, or over which range, the earlier study was measured.
The doubt r says how much of this study the earlier one leaves unexplained, and s lets ignorance
return where it has no trials. Doubts of a grid, and that it says nothing at all (b = c = 0, a = 1),
are averaged over, weighted by their evidence: how probable they make the targets. So an earlier
study is doubted as evidence against it grows.

With several of them, m and s^2 are averages, weighted by the evidence of each alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import evolve, frozen

from asktell.model.gp import GaussianProcesses
from asktell.model.kernels import Array
from asktell.model.sources import Source

_DOUBTS = (0.2, 0.4, 0.8, 1.6)
"""What r may be, in units of the deviation of the earlier study's results."""

_UNRELATED = 0.1
"""How probable it is at first that an earlier study says nothing; all doubts are equally probable.
With small doubts favoured, what was measured was not better (docs/decisions, number 13)."""

_OFFSET = 2.0
"""The deviation of c / b at first: trials that begin where an earlier study was best have another
average than all of its trials."""

_SLOPES = 1.0
"""How many observations the belief that b is about 1 counts for, at first."""


@frozen(eq=False)
class Guide:
    """What members expect before they see anything of this study.

    Attributes:
        sources: the earlier studies, and the trends.
        shares: of each of them in what every member expects (s, e); they sum to 1, or to 0.
        offsets: c (s,).
        slopes: b (s,).
        floors: what a^2 is where the sources are certain (s,).
        spreads: by how much of s^2 it grows (s,).
        trust: how probable it is that they say anything (s,).
    """

    sources: tuple[Source, ...]
    shares: Array
    offsets: Array
    slopes: Array
    floors: Array
    spreads: Array
    trust: Array

    def at(self, points: Array) -> tuple[Array, Array]:
        """Return means and amplitudes a (m, s) at points (m, d)."""
        means, variances = said(self.sources, points, len(self.offsets))
        mean = np.einsum("ems,se->ms", means, self.shares)
        variance = np.einsum("ems,se->ms", variances, self.shares)
        return self.offsets + self.slopes * mean, np.sqrt(self.floors + self.spreads * variance)

    def speakers(self, member: int) -> list[tuple[float, Source]]:
        """Return what speaks for a member, with its share."""
        return [
            (float(share), source)
            for share, source in zip(self.shares[member], self.sources, strict=True)
            if member in source.columns
        ]

    def with_gradient(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """Return means and amplitudes (m, s), and their gradients (m, s, d)."""
        shape = (len(points), len(self.offsets))
        mean, variance = np.zeros((2, *shape))
        by_mean, by_variance = np.zeros((2, *shape, points.shape[1]))
        for place, source in enumerate(self.sources):
            own = source.columns
            share = self.shares[own, place]
            means, stds, mean_slopes, std_slopes = source.predict_with_gradient(points)
            mean[:, own] += share * means
            variance[:, own] += share * stds**2
            by_mean[:, own] += share[:, None] * mean_slopes
            by_variance[:, own] += share[:, None] * 2.0 * stds[:, :, None] * std_slopes
        amplitude = np.sqrt(self.floors + self.spreads * variance)
        return (
            self.offsets + self.slopes * mean,
            amplitude,
            self.slopes[:, None] * by_mean,
            self.spreads[:, None] * by_variance / (2.0 * amplitude[:, :, None]),
        )


@frozen(eq=False)
class GuidedProcesses:
    """Members that are guided; they answer as :class:`GaussianProcesses` do.

    Args:
        guide: what is expected.
        own: the processes of what is left, in units of the amplitudes.
    """

    guide: Guide
    own: GaussianProcesses

    def predict(self, x: Array, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Return the means (m, members) at points (m, d), and with ``return_std`` deviations."""
        mean, std = self.own.predict(x, return_std=True)
        prior, amplitude = self.guide.at(x)
        mean = prior + amplitude * mean
        return (mean, amplitude * std) if return_std else mean

    def predict_with_gradient(self, x: Array) -> tuple[Array, Array, Array, Array]:
        """Return means and deviations (m, members), and their gradients (m, members, d)."""
        mean, std, by_mean, by_std = self.own.predict_with_gradient(x)
        prior, amplitude, by_prior, by_amplitude = self.guide.with_gradient(x)
        wide = amplitude[:, :, None]
        return (
            prior + amplitude * mean,
            amplitude * std,
            by_prior + by_amplitude * mean[:, :, None] + wide * by_mean,
            by_amplitude * std[:, :, None] + wide * by_std,
        )

    def joint(self, x: Array, member: int) -> tuple[Array, Array]:
        """Return a member's means (m,) at points (m, d), and their covariances (m, m)."""
        mean, covariance = self.own.joint(x, member)
        prior, amplitude = (part[:, member] for part in self.guide.at(x))
        return prior + amplitude * mean, amplitude[:, None] * covariance * amplitude

    def left_out(self) -> tuple[Array, Array]:
        """Return what each target (members, n) would be predicted as without it, and how sure."""
        mean, std = self.own.left_out()
        prior, amplitude = self.guide.at(self.own.points)
        return prior.T + amplitude.T * mean, amplitude.T * std

    def believing(self, points: Array) -> GuidedProcesses:
        """Condition on points (q, d) as if their means had been observed there.

        Raises:
            numpy.linalg.LinAlgError: the kernel matrix is not positive definite.
        """
        return evolve(self, own=self.own.believing(points))

    def inferred_noise(self, member: int) -> float:
        """Return the variance of the noise that is inferred for a member's targets: the median."""
        _, amplitude = self.guide.at(self.own.points)
        return self.own.inferred_noise(member) * float(np.median(amplitude[:, member]) ** 2)


Processes = GaussianProcesses | GuidedProcesses


def guide_of(
    sources: Sequence[Source], processes: GaussianProcesses, outcomes: Sequence[slice]
) -> Guide:
    """Return what members expect, given how well earlier studies explain their targets.

    Args:
        sources: earlier studies and trends, one or more.
        processes: the members as they are without them, given what was observed.
        outcomes: which of the members are those of each outcome. They believe a source alike.
    """
    members = len(processes.targets)
    means, variances = said(sources, processes.points, members)
    shares = np.zeros((members, len(sources)))
    beliefs = np.tile([0.0, 0.0, 1.0, 0.0, 0.0], (members, 1))
    for own in outcomes:
        told = np.array([own.start in source.columns for source in sources])
        if own.start < own.stop and told.any():
            share, belief = _believed(processes, own, means[told], variances[told])
            shares[own, told], beliefs[own] = share, belief
    return Guide(tuple(sources), shares, *beliefs.T)


def said(sources: Sequence[Source], points: Array, members: int) -> tuple[Array, Array]:
    """Return what each source says at points (m, d): means and variances (e, m, members)."""
    means, variances = np.zeros((2, len(sources), len(points), members))
    for place, source in enumerate(sources):
        mean, std = source.predict(points)
        means[place][:, source.columns], variances[place][:, source.columns] = mean, std**2
    return means, variances


def _believed(
    processes: GaussianProcesses, own: slice, means: Array, variances: Array
) -> tuple[Array, Array]:
    """Return the shares of sources (e,) in what an outcome's members expect.

    And for each of them c, b, floor, spread and trust (members of the outcome, 5). Means and
    variances are what each source says of the points (e, n, members).

    The evidence is the average of that of the members, in the logarithm: one alone is at times
    deceived by what its warp makes of the targets.
    """
    members = range(own.start, own.stop)

    def tried(mean: Array, variance: Array) -> Array:
        each = [_evidence(processes, one, mean[:, one], variance[:, one]) for one in members]
        return np.stack(each)

    pairs = zip(means, variances, strict=True)
    shares = _weights(np.array([_total(tried(*one)[:, :, 0].mean(axis=0)) for one in pairs]))
    average = np.einsum("e,enm->nm", shares, means), np.einsum("e,enm->nm", shares, variances)
    logs, offsets, slopes = np.moveaxis(tried(*average), 2, 0)
    nothing = np.mean([_evidence_of_nothing(processes, one) for one in members])
    *weights, unrelated = _weights(np.append(logs.mean(axis=0), math.log(_UNRELATED) + nothing))
    squares = slopes**2
    floors = (squares * np.square(_DOUBTS)) @ weights + unrelated
    trust = np.full(len(members), 1.0 - unrelated)
    belief = [offsets @ weights, slopes @ weights, floors, squares @ weights, trust]
    return shares, np.column_stack(belief)


def _total(logs: Array) -> float:
    return float(np.logaddexp.reduce(logs))


def _weights(logs: Array) -> Array:
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def _evidence_of_nothing(processes: GaussianProcesses, member: int) -> float:
    """Return that of targets which earlier studies say nothing of.

    An offset is granted here as well, where it explains more: else earlier studies would be
    believed for that alone. It is of no use afterwards.
    """
    target = processes.targets[member]
    white = processes.whitened(np.column_stack([target, np.ones(len(target))]), member)
    (zz, z1), (_, ones) = white.T @ white
    total = 1.0 / _OFFSET**2 + float(ones)
    with_offset = float(z1) ** 2 / total - math.log(total * _OFFSET**2)
    return 0.5 * (max(with_offset, 0.0) - float(zz))


def _evidence(processes: GaussianProcesses, member: int, mean: Array, variance: Array) -> Array:
    """Return every doubt's probability as a logarithm, its offset and slope (doubts, 3).

    Over c it is integrated, b is the most probable one. With t = 1/b, and all in units of a/b, the
    logarithm is n log(t) - (zz t^2 - 2 zm t + mm) / 2 and a rest, where zz, zm and mm are products
    of z and m by the inverse of the covariance, to which c adds its own part. What is left
    unexplained, r b, is at most the deviation of the targets, as it is without earlier studies: an
    earlier study that explains nothing would else be used to have it larger.
    """
    target = processes.targets[member]
    rows = []
    at_first = math.log((1.0 - _UNRELATED) / len(_DOUBTS))
    for doubt in _DOUBTS:
        amplitude = np.sqrt(variance + doubt**2)
        parts = np.column_stack([target, mean, np.ones(len(target))]) / amplitude[:, None]
        white = processes.whitened(parts, member)
        products = white.T @ white
        total = 1.0 / _OFFSET**2 + products[2, 2]
        left = products[:2, :2] - np.outer(products[:2, 2], products[2, :2]) / total
        zz, zm, mm, n = left[0, 0] + _SLOPES, left[0, 1], left[1, 1], len(target) + _SLOPES
        t = max((zm + math.sqrt(zm**2 + 4.0 * zz * n)) / (2.0 * zz), doubt)
        log = at_first + n * math.log(t) - 0.5 * (zz * t**2 - 2.0 * zm * t + mm)
        log -= float(np.log(amplitude).sum()) + 0.5 * math.log(total * _OFFSET**2)
        offset = (products[2, 0] - products[2, 1] / t) / total
        rows.append((log, offset, 1.0 / t))
    return np.array(rows)
