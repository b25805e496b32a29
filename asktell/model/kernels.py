"""The kernel: how alike two points are. Arrays in, arrays out.

Matern 5/2 with one length scale a dimension (ARD), amplitude 1:

    k(x, x') = (1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r),
    r^2 = sum_i d_i(x_i, x'_i)^2 / l_i^2

(Rasmussen and Williams 2006, eq. 4.17). On an ordered dimension d_i is the difference of the
positions; between categories it is 0 or 1 (Hamming).
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from asktell.space.axes import Indices

Array = NDArray[np.float64]

_ROOT_5 = 5.0**0.5


@frozen
class Embedding:
    """Features whose Euclidean distance is the kernel's: d_i(x_i, x'_i) for every dimension i.

    An ordered dimension is its own feature. ``c`` categories become ``c`` indicators over sqrt(2),
    so that two different ones lie at distance 1; products of features then give all pairs of
    distances at once.

    Args:
        categories: for each of d dimensions the number of categories, or 0 where it is ordered.

    Attributes:
        owners: the dimension of every feature (f,).
        starts: the first feature of every dimension (d,).
        ordered: the dimensions that are ordered.
        ordered_features: their features.
    """

    categories: tuple[int, ...]
    owners: Indices = field(init=False, eq=False, repr=False)
    starts: Indices = field(init=False, eq=False, repr=False)
    ordered: Indices = field(init=False, eq=False, repr=False)
    ordered_features: Indices = field(init=False, eq=False, repr=False)

    @owners.default
    def _owners(self) -> Indices:
        widths = [max(count, 1) for count in self.categories]
        return np.repeat(np.arange(len(widths)), widths)

    @starts.default
    def _starts(self) -> Indices:
        return np.searchsorted(self.owners, np.arange(len(self.categories)))

    @ordered.default
    def _ordered(self) -> Indices:
        return np.flatnonzero(np.array(self.categories) == 0)

    @ordered_features.default
    def _ordered_features(self) -> Indices:
        return self.starts[self.ordered]

    def __call__(self, points: Array) -> Array:
        """Return the features (n, f) of points (n, d) in the unit cube."""
        features = np.zeros((len(points), len(self.owners)))
        features[:, self.ordered_features] = points[:, self.ordered]
        rows = np.arange(len(points))
        for dimension, count in enumerate(self.categories):
            if count:
                codes = np.rint(points[:, dimension] * (count - 1)).astype(np.int64)
                features[rows, self.starts[dimension] + codes] = 0.5**0.5
        return features

    def scales(self, length_scales: Array) -> Array:
        """Return the length scale (f,) of every feature from those of the dimensions (d,)."""
        return np.asarray(length_scales[self.owners])

    def per_dimension(self, per_feature: Array) -> Array:
        """Sum (f,) over the features of each dimension, (d,)."""
        return np.asarray(np.add.reduceat(per_feature, self.starts))


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
