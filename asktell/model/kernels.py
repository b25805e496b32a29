"""The kernel: how alike two points are. Arrays in, arrays out.

Matern 5/2 with one length scale a dimension (ARD), amplitude 1:

    k(x, x') = (1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r),
    r^2 = sum_i d_i(x_i, x'_i)^2 / l_i^2

(Rasmussen and Williams 2006, eq. 4.17). On an ordered dimension d_i is the difference of the
positions; between categories it is 0 or 1 (Hamming). :class:`Embedding` says what it is where a
dimension is not active.
"""

from __future__ import annotations

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from asktell.space.absent import NOWHERE
from asktell.space.axes import Indices

Array = NDArray[np.float64]

_ROOT_5 = 5.0**0.5


RADIUS = 0.5
"""How far a position that is nowhere lies from all others, where a dimension is not always active:
about as far as two random positions from one another (0.41)."""


SHARED = 0.5
"""The share of the variance that is a function of what several branches share."""


@frozen
class Embedding:
    """Features whose Euclidean distance is the kernel's: d_i(x_i, x'_i) for every dimension i.

    An ordered dimension is its own feature. ``c`` categories become ``c`` indicators over sqrt(2),
    so that two different ones lie at distance 1; products of features then give all pairs of
    distances at once. Where categories are many, those that no point of interest has share one.

    Where an ordered dimension is not always active, its positions lie on an arc about the place of
    nowhere, as in the arc kernel (Swersky et al. 2014, arXiv 1409.4011, section 2): all lie equally
    far from it, at ``RADIUS``, and nearly as far from each other as on a straight line. Categories
    that are nowhere have no indicator. So two points in different branches are as alike as what
    they share makes them, whatever their other positions are.

    Args:
        categories: for each of d dimensions the number of categories, or 0 where it is ordered.
        conditional: for each of d dimensions whether it is nowhere in some points;
            none is by default.
        depths: for each of d dimensions how many others decide one after another on whether it is
            active; 0 by default.
        listed: for each of d dimensions the codes of categories that have an indicator of their
            own, in order; all others share one. None where all have their own, as by default.

    Attributes:
        owners: the dimension of every feature (f,).
        starts: the first feature of every dimension (d,).
        moving: the features that change along ordered dimensions (g,).
        shared: of every depth but the last, the features of that depth and all before.
    """

    categories: tuple[int, ...]
    conditional: tuple[bool, ...] = field()
    depths: tuple[int, ...] = field()
    listed: tuple[tuple[int, ...] | None, ...] = field()
    owners: Indices = field(init=False, eq=False, repr=False)
    starts: Indices = field(init=False, eq=False, repr=False)
    moving: Indices = field(init=False, eq=False, repr=False)
    shared: tuple[Indices, ...] = field(init=False, eq=False, repr=False)
    _straight: Indices = field(init=False, eq=False, repr=False)
    _curved: Indices = field(init=False, eq=False, repr=False)
    _coded: Indices = field(init=False, eq=False, repr=False)
    _counts: Indices = field(init=False, eq=False, repr=False)

    @conditional.default
    def _none_conditional(self) -> tuple[bool, ...]:
        return (False,) * len(self.categories)

    @depths.default
    def _no_depths(self) -> tuple[int, ...]:
        return (0,) * len(self.categories)

    @listed.default
    def _all_listed(self) -> tuple[tuple[int, ...] | None, ...]:
        return (None,) * len(self.categories)

    @owners.default
    def _owners(self) -> Indices:
        widths = [
            (count if codes is None else len(codes) + 1) if count else 1 + curved
            for count, curved, codes in zip(
                self.categories, self.conditional, self.listed, strict=True
            )
        ]
        return np.repeat(np.arange(len(self.categories)), widths)

    @starts.default
    def _starts(self) -> Indices:
        return np.searchsorted(self.owners, np.arange(len(self.categories)))

    @moving.default
    def _moving(self) -> Indices:
        return np.flatnonzero(np.array(self.categories)[self.owners] == 0)

    @shared.default
    def _shared(self) -> tuple[Indices, ...]:
        depths = np.array(self.depths)[self.owners]
        return tuple(np.flatnonzero(depths <= depth) for depth in range(max(self.depths)))

    @_straight.default
    def _find_straight(self) -> Indices:
        return np.flatnonzero((np.array(self.categories) == 0) & ~np.array(self.conditional))

    @_curved.default
    def _find_curved(self) -> Indices:
        return np.flatnonzero((np.array(self.categories) == 0) & np.array(self.conditional))

    @_coded.default
    def _find_coded(self) -> Indices:
        return np.flatnonzero(np.array(self.categories))

    @_counts.default
    def _count(self) -> Indices:
        return np.array([count for count in self.categories if count], dtype=np.int64)

    def __call__(self, points: Array) -> Array:
        """Return the features (n, f) of points (n, d) in the unit cube."""
        features = np.zeros((len(points), len(self.owners)))
        features[:, self.starts[self._straight]] = points[:, self._straight]
        if len(self._curved):
            there = points[:, self._curved] != NOWHERE
            angles = points[:, self._curved] / RADIUS
            features[:, self.starts[self._curved]] = np.where(there, RADIUS * np.cos(angles), 0.0)
            features[:, self.starts[self._curved] + 1] = np.where(
                there, RADIUS * np.sin(angles), 0.0
            )
        if len(self._coded):
            positions = points[:, self._coded]
            codes = np.rint(positions * (self._counts - 1)).astype(np.int64)
            codes = np.maximum(codes, 0)
            for column, dimension in enumerate(self._coded):
                if (listed := self.listed[dimension]) is not None:
                    codes[:, column] = _places(codes[:, column], listed)
            rows = np.arange(len(points))[:, None]
            there = 0.5**0.5 * (positions != NOWHERE)
            features[rows, self.starts[self._coded] + codes] = there
        return features

    def listing(self, points: Array) -> Embedding:
        """Return an embedding in which the categories of some points (n, d) are listed, too."""
        if all(known is None for known in self.listed):
            return self
        listed = []
        for dimension, known in enumerate(self.listed):
            if known is not None:
                positions = points[:, dimension]
                there = positions[positions != NOWHERE] * (self.categories[dimension] - 1)
                codes = np.unique(np.rint(there).astype(np.int64)).tolist()
                known = tuple(sorted({*known, *codes}))
            listed.append(known)
        return evolve(self, listed=tuple(listed))

    def kernel(self, left: Array, right: Array) -> Array:
        """Return k (..., n, m) of scaled features (..., n, f) and (..., m, f)."""
        return self.kernel_with_slopes(left, right)[0]

    def kernel_with_slopes(self, left: Array, right: Array) -> tuple[Array, Slopes]:
        """Return k (..., n, m) and -2 dk/d(r^2) for all features, and for those shared."""
        kernel, slope = matern(squared_distances(left, right))
        if not self.shared:
            return kernel, ((slice(None), slope),)
        share = SHARED / len(self.shared)
        kernel *= 1.0 - SHARED
        slopes: list[tuple[slice | Indices, Array]] = [(slice(None), (1.0 - SHARED) * slope)]
        for columns in self.shared:
            own, own_slope = matern(squared_distances(left[..., columns], right[..., columns]))
            kernel += share * own
            slopes.append((columns, share * own_slope))
        return kernel, tuple(slopes)

    def along(self, slopes: Array, points: Array) -> Array:
        """Return gradients (..., m, d) from slopes (..., m, g) by the moving features.

        Those along categories, and along dimensions that are nowhere, are 0.
        """
        gradients = np.zeros((*slopes.shape[:-1], len(self.categories)))
        place = np.zeros(len(self.owners), dtype=np.int64)
        place[self.moving] = np.arange(len(self.moving))
        gradients[..., self._straight] = slopes[..., place[self.starts[self._straight]]]
        if len(self._curved):
            there = points[:, self._curved] != NOWHERE
            angles = points[:, self._curved] / RADIUS
            first = place[self.starts[self._curved]]
            turned = slopes[..., first + 1] * np.cos(angles) - slopes[..., first] * np.sin(angles)
            gradients[..., self._curved] = np.where(there, turned, 0.0)
        return gradients

    def scales(self, length_scales: Array) -> Array:
        """Return the length scale (f,) of every feature from those of the dimensions (d,)."""
        return np.asarray(length_scales[self.owners])

    def per_dimension(self, per_feature: Array) -> Array:
        """Sum (f,) over the features of each dimension, (d,)."""
        return np.asarray(np.add.reduceat(per_feature, self.starts))


def _places(codes: Indices, listed: tuple[int, ...]) -> Indices:
    """Return which of its dimension's features is that of each code (n,)."""
    known = np.array(listed, dtype=np.int64)
    places = np.searchsorted(known, codes)
    found = np.append(known, -2)[places] == codes
    return np.where(found, places, len(known))


Slopes = tuple[tuple[slice | Indices, Array], ...]
"""How a kernel falls with squared distances, and which features these are distances of."""


def squared_distances(left: Array, right: Array) -> Array:
    """Return the squared distances (..., n, m) of scaled features (..., n, f) and (..., m, f)."""
    squared = left @ np.swapaxes(right, -1, -2)
    squared *= -2.0
    squared += np.einsum("...ij,...ij->...i", left, left)[..., :, None]
    squared += np.einsum("...ij,...ij->...i", right, right)[..., None, :]
    return np.asarray(np.maximum(squared, 0.0, out=squared))


def matern(squared: Array) -> tuple[Array, Array]:
    """Return k and -2 dk/d(r^2), both of the shape of the squared distances r^2."""
    root = _ROOT_5 * np.sqrt(squared)
    decay = np.exp(-root)
    root += 1.0
    root *= decay  # (1 + sqrt(5) r) exp(-sqrt(5) r), which both have
    return root + (5.0 / 3.0) * squared * decay, (5.0 / 3.0) * root


def feature_sums(weights: Array, scaled: Array) -> Array:
    """Return sum_ij w_ij (z_if - z_jf)^2 for every feature f, (f,), of symmetric weights (n, n).

    Expanded into products, it needs no (n, n, f) array.
    """
    squares = weights.sum(axis=1) @ scaled**2
    products = np.einsum("if,if->f", scaled, weights @ scaled)
    return np.asarray(2.0 * (squares - products))
