"""Several objectives at once: what is dominated, how much, and how much more a point promises.

Every objective is maximised. One point dominates another if it is at least as good in all
objectives and better in one. The hypervolume of a set is the volume of all that its points dominate
above a reference point (Zitzler and Thiele 1999).

The shapes: n points, k objectives, b boxes, m candidates.
"""

from __future__ import annotations

import bisect
import math

import numpy as np
from attrs import frozen

from asktell.acquisition.improvement import log_h_with_slope
from asktell.acquisition.normal import LAST, LEAST, NARROW, hazard, log_density, means_about
from asktell.model.kernels import Array

Mask = np.typing.NDArray[np.bool_]

_BLOCK = 512
"""So many points are compared with the front at a time."""

_MARGIN = 0.1
"""How far below the worst of the front the reference lies, as a share of the front's range."""

_CHUNK = 1 << 14
"""So many pairs of a candidate and a box are looked at at a time: an array of them is 128 kB, and
some thirty stay near the processor."""


# --- what is dominated ---


def non_dominated(values: Array) -> Mask:
    """Tell which points no other point dominates.

    Equal points do not dominate each other: of several equal ones all are kept, or none.

    Args:
        values: (n, k), finite.

    Returns:
        The mask (n,).
    """
    n, k = values.shape
    if not n:
        return np.zeros(0, dtype=bool)
    if k == 1:
        return np.asarray(values[:, 0] == values[:, 0].max())
    # whoever dominates a point comes before it, as rounding keeps the order of sums
    order = np.lexsort((*values.T, values.sum(axis=1)))[::-1]
    if k == 2:
        order = np.lexsort((values[:, 1], values[:, 0]))[::-1]
    ranked = values[order]
    first = np.ones(n, dtype=bool)
    first[1:] = np.any(ranked[1:] != ranked[:-1], axis=1)
    distinct = ranked[first]
    best = _staircase(distinct[:, 1]) if k == 2 else _best_in_blocks(distinct)
    mask = np.empty(n, dtype=bool)
    mask[order] = best[np.cumsum(first) - 1]
    return mask


def _staircase(heights: Array) -> Mask:
    """Tell which heights are above all before them."""
    best = np.ones(len(heights), dtype=bool)
    best[1:] = heights[1:] > np.maximum.accumulate(heights)[:-1]
    return best


def _best_in_blocks(distinct: Array) -> Mask:
    """Tell which of distinct points no earlier one dominates, as no later one can."""
    best = np.zeros(len(distinct), dtype=bool)
    for start in range(0, len(distinct), _BLOCK):
        block = distinct[start : start + _BLOCK]
        kept = ~_covered(block, distinct[:start][best[:start]])
        rows = np.flatnonzero(kept)
        covers = _covers(block[rows], block[rows])
        np.fill_diagonal(covers, False)
        best[start + rows[~covers.any(axis=0)]] = True
    return best


def _covered(points: Array, front: Array) -> Mask:
    covered = np.zeros(len(points), dtype=bool)
    for start in range(0, len(front), _BLOCK):
        rows = np.flatnonzero(~covered)
        covered[rows] = _covers(front[start : start + _BLOCK], points[rows]).any(axis=0)
    return covered


def _covers(front: Array, points: Array) -> Mask:
    """Tell which of a front (f, k) are at least as good as which points (n, k) in all: (f, n)."""
    covers = front[:, None, 0] >= points[None, :, 0]
    for column in range(1, front.shape[1]):
        covers &= front[:, None, column] >= points[None, :, column]
    return covers


# --- how much is dominated ---


def hypervolume(front: Array, reference: Array) -> float:
    """Return the volume of all that is above the reference and dominated by a point, exactly.

    Points that are not better than the reference in every objective count nothing, nor do
    dominated ones. Two objectives are swept. With more of them, the points are taken from the best
    in the last objective down, and each adds what it alone dominates: its box, without what those
    before it dominate of that box, which is a problem of one objective less (While, Bradstreet and
    Barone 2012).

    Args:
        front: (n, k), finite.
        reference: (k,).

    Returns:
        The volume; infinite where it is beyond the floats.
    """
    above = front / 2.0 - reference / 2.0  # halved, so that no side of a box overflows
    above = above[np.all(above > 0.0, axis=1)]
    if not len(above):
        return 0.0
    _, exponents = np.frexp(above.max(axis=0))  # by powers of 2, scaling is exact
    scaled = _volume(np.ldexp(above, -exponents))
    return float(np.ldexp(scaled, int(exponents.sum()) + len(reference)))


def _volume(above: Array) -> float:
    n, k = above.shape
    if not n:
        return 0.0
    if k == 1:
        return float(above.max())
    above = above[np.argsort(-above[:, -1], kind="stable")]
    if k == 2:
        reach = np.maximum.accumulate(above[:, 0])
        return float(above[:, 1] @ np.diff(reach, prepend=0.0))
    rest, last = above[:, :-1], above[:, -1]
    total = 0.0
    for i in range(n):
        limited = np.minimum(rest[:i], rest[i])
        if k > 3:
            limited = limited[non_dominated(limited)]
        total += float(last[i]) * (float(np.prod(rest[i])) - _volume(limited))
    return total


def reference_of(front: Array, values: Array) -> Array:
    """Return a reference point (k,) that lies a little below a front.

    It is the worst of the front in every objective, less a tenth of the front's range. So the
    extreme points of the front count for something, but not for all (Ishibuchi, Imada, Setoguchi
    and Nojima 2018, who derive 1 / (n - 1) for n points on a line; a tenth is the rule of
    Balandat et al. 2020). Where all of the front is equal in an objective, the range of all values
    takes its place; where these are equal too, their size; where it is 0, 1.

    Args:
        front: (f, k), finite, f > 0.
        values: (n, k), all points, among them the front; n may be 0.
    """
    nadir = front.min(axis=0)
    extent = np.ptp(front, axis=0)
    if len(values):
        extent = np.where(extent > 0.0, extent, np.ptp(values, axis=0))
    extent = np.where(extent > 0.0, extent, np.abs(nadir))
    extent = np.where(extent > 0.0, extent, 1.0)
    return np.asarray(np.minimum(nadir - _MARGIN * extent, np.nextafter(nadir, -math.inf)))


# --- what is not dominated, in boxes ---


@frozen(eq=False)
class Boxes:
    """All that is above a reference and that no point of a front dominates, in disjoint boxes.

    A point y adds to the hypervolume of the front the sum over boxes of
    prod_j max(min(y_j, upper_j) - lower_j, 0).
    """

    lower: Array
    """(b, k), finite."""
    upper: Array
    """(b, k), above the lower; may be infinite."""

    def log_expected_improvement(self, mean: Array, std: Array) -> Array:
        """Return the log of the expected gain in hypervolume of independent normal outcomes.

        By independence each box expects the product over objectives of
        psi = E[max(min(y, upper) - lower, 0)] (Emmerich, Deutz and Klinkenberg 2011; Yang,
        Emmerich, Deutz and Baeck 2019), and what several boxes expect adds up. All is
        computed in logs, as by Ament et al. 2023 (arXiv 2310.20708), so that it tells points
        apart that promise next to nothing.

        Args:
            mean: (m, k), finite.
            std: (m, k), not negative. Where it is 0, the outcome is known.

        Returns:
            The values (m,); -inf where an improvement is impossible, as nothing is in doubt.
        """
        return self.with_slopes(mean, std)[0]

    def with_slopes(self, mean: Array, std: Array) -> tuple[Array, Array, Array]:
        """Return the same, and its slopes (m, k) by the means and by the deviations.

        Where an outcome is known, the slope by its deviation is 0, and where nothing can improve
        all slopes are 0.
        """
        values, by_mean, by_std = np.empty(len(mean)), np.empty_like(mean), np.empty_like(mean)
        rows = max(1, _CHUNK // len(self.lower))
        for start in range(0, len(mean), rows):
            chunk = slice(start, start + rows)
            parts = [
                _log_psi(*objective)
                for objective in zip(
                    mean[chunk].T, std[chunk].T, self.lower.T, self.upper.T, strict=True
                )
            ]
            values[chunk], shares = _log_sum(sum((p[0] for p in parts[1:]), start=parts[0][0]))
            for j, (_, mean_slopes, std_slopes) in enumerate(parts):
                by_mean[chunk, j] = np.einsum("mb,mb->m", shares, mean_slopes)
                by_std[chunk, j] = np.einsum("mb,mb->m", shares, std_slopes)
        return values, by_mean, by_std


def _log_sum(logs: Array) -> tuple[Array, Array]:
    """Return the log of the sum of exp(logs) (m, b) over b, and each one's share of the sum."""
    top = logs.max(axis=1, keepdims=True)
    top = np.where(np.isneginf(top), 0.0, top)
    weights = np.exp(logs - top)
    total = weights.sum(axis=1, keepdims=True)
    possible = total > 0.0
    sums = np.where(possible, top + np.log(np.where(possible, total, 1.0)), -math.inf)
    return sums[:, 0], weights / np.where(possible, total, 1.0)


def _log_psi(mean: Array, std: Array, lower: Array, upper: Array) -> tuple[Array, Array, Array]:
    """Return log E[max(min(y, upper) - lower, 0)] and its slopes by mean and std, each (m, b).

    With a = (mean - lower) / std and b = (mean - upper) / std it is std (h(a) - h(b)), where
    h(z) = phi(z) + z Phi(z) is the integral of Phi up to z.
    """
    certain = std <= 0.0
    doubt = np.where(certain, 1.0, std)[:, None]
    # h is computed once for each edge, as boxes share them
    edges, places = np.unique(np.concatenate([lower, upper]), return_inverse=True)
    edges = edges[np.isfinite(edges)]
    at_lower, at_upper = places[: len(lower)], places[len(lower) :]
    z = (mean[:, None] - edges) / doubt
    log_edge, cdf_edge = log_h_with_slope(z)  # Phi / h
    density_edge = 1.0 - z * cdf_edge  # phi / h
    values, by_mean, by_std = (part[:, at_lower] for part in (log_edge, cdf_edge, density_edge))
    capped = np.flatnonzero(np.isfinite(upper))
    if len(capped):
        caps, start = at_upper[capped], z[:, at_lower[capped]]
        less = _less(
            [part[:, capped] for part in (values, by_mean, by_std)],
            [part[:, caps] for part in (log_edge, cdf_edge, density_edge)],
            width := (upper - lower)[capped] / doubt,
        )
        narrow = width * np.maximum(1.0, -start) < NARROW
        if narrow.any():
            for part, exact in zip(less, _narrow(start[narrow], width[narrow]), strict=True):
                part[narrow] = exact
        values[:, capped], by_mean[:, capped], by_std[:, capped] = less
    values += np.log(doubt)
    by_mean /= doubt
    by_std /= doubt
    if certain.any():
        gain = np.clip(mean[certain, None], lower, upper) - lower
        within = (gain > LEAST) & (mean[certain, None] < upper)
        with np.errstate(divide="ignore"):
            values[certain] = np.log(gain)
        by_mean[certain] = np.where(within, 1.0 / np.where(within, gain, 1.0), 0.0)
        by_std[certain] = 0.0
    return values, by_mean, by_std


def _less(full: list[Array], cut: list[Array], width: Array) -> tuple[Array, Array, Array]:
    """Return log (h(a) - h(b)), and (Phi(a) - Phi(b)) and (phi(a) - phi(b)) as shares of it.

    Args:
        full: log h, Phi / h and phi / h at a.
        cut: the same at b.
        width: a - b.
    """
    log_full, cdf, density = full
    log_cut, cdf_cut, density_cut = cut
    left = -np.expm1(log_cut - log_full)  # 1 - h(b) / h(a)
    # h(a) - h(b) is between width Phi(b) and width Phi(a), against rounding far from 0
    least = width * cdf_cut
    left = np.clip(left, least / (1.0 + least), width * cdf)
    over = 1.0 - left
    return (
        log_full + np.log(left),
        (cdf - over * cdf_cut) / left,
        (density - over * density_cut) / left,
    )


def _narrow(start: Array, width: Array) -> tuple[Array, Array, Array]:
    """Return the same for narrow intervals, from a and a - b."""
    middle = start - 0.5 * width
    rate = hazard(middle)
    bend, by_mean, by_std = means_about(middle, width, first=-1, count=3)
    total = 1.0 + rate * bend
    log_cdf = log_density(np.minimum(middle, LAST)) - np.log(rate)
    return log_cdf + np.log(width * total), rate * by_mean / total, rate * by_std / total


def boxes_of(front: Array, reference: Array) -> Boxes:
    """Return the boxes above a reference that no point of a front dominates.

    Points that are dominated, or not better than the reference in every objective, change nothing.
    There are n + 1 boxes for two objectives, and at most 2 n + 1 for three: the third is swept from
    the top down, while strips in the plane of the others stay alive until a point covers them
    (Yang, Emmerich, Deutz and Baeck 2019). For more objectives every point cuts all boxes that it
    reaches into; their number then grows fast (Lacour, Klamroth and Fonseca 2017), so that
    ``Directions`` serve better from some ten points on.

    Args:
        front: (n, k), finite.
        reference: (k,), finite.
    """
    above = front[np.all(front > reference, axis=1)]
    above = np.unique(above[non_dominated(above)], axis=0)
    if len(reference) == 3:
        return _swept(above, reference)
    return _cut(above, reference)


def _cut(front: Array, reference: Array) -> Boxes:
    k = len(reference)
    lower, upper = reference[None].astype(np.float64), np.full((1, k), math.inf)
    for point in front:
        reached = np.all(lower < point, axis=1)
        lowers, uppers = [lower[~reached]], [upper[~reached]]
        low, high = lower[reached], np.minimum(upper[reached], point)
        for j in range(k):
            # what is above the point in objective j, and below it in all before j
            beyond = upper[reached][:, j] > point[j]
            piece_low, piece_high = low[beyond], upper[reached][beyond]
            piece_low[:, j] = point[j]
            piece_high[:, :j] = high[beyond, :j]
            lowers.append(piece_low)
            uppers.append(piece_high)
        lower, upper = np.concatenate(lowers), np.concatenate(uppers)
    return Boxes(lower, upper)


def _swept(front: Array, reference: Array) -> Boxes:
    # strips of the first objective, each with its height in the second, which falls from one
    # to the next, and the third objective since which it is alive
    starts, heights, since = [float(reference[0])], [float(reference[1])], [math.inf]
    lower: list[list[float]] = []
    upper: list[list[float]] = []
    # of points that are equal in the third, the first objective rises, so that none covers another
    for x, y, z in front[np.argsort(-front[:, 2], kind="stable")].tolist():
        begin = bisect.bisect_right(heights, -y, key=lambda height: -height)
        end = bisect.bisect_left(starts, x)
        after = starts[end] if end < len(starts) else math.inf
        ends = [*starts[begin + 1 : end], x]
        lower += [[starts[i], heights[i], z] for i in range(begin, end)]
        upper += [[ends[i - begin], math.inf, since[i]] for i in range(begin, end)]
        strips = [(starts[begin], y, z)]
        if x < after:  # what is left of the last one stays alive
            strips.append((x, heights[end - 1], since[end - 1]))
        starts[begin:end], heights[begin:end], since[begin:end] = map(
            list, zip(*strips, strict=True)
        )
    lower += [[*strip, float(reference[2])] for strip in zip(starts, heights, strict=True)]
    upper += [[end, math.inf, top] for end, top in zip([*starts[1:], math.inf], since, strict=True)]
    return Boxes(np.array(lower), np.array(upper))
