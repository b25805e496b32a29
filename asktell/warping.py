"""What the surrogate sees of the targets: warped, then standardised to mean 0 and deviation 1.

All functions are increasing up to ties: the best stays the best. Targets are maximised.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from asktell.kernels import Array


@frozen(eq=False)
class Standardised:
    """Values (n,) and what brings them back: ``value * scale + location``."""

    values: Array
    location: float
    scale: float


def standardise(targets: Array) -> Standardised:
    """Return the targets with mean 0 and deviation 1; all 0 where they are equal."""
    largest = float(np.abs(targets).max()) or 1.0
    scaled = targets / largest  # so that neither sums nor squares overflow
    location, scale = float(scaled.mean()), float(scaled.std())
    if not scale > 1e-14:
        return Standardised(np.zeros_like(targets), location * largest, largest)
    return Standardised((scaled - location) / scale, location * largest, scale * largest)


def tukey_winsorised(targets: Array) -> Array:
    """Raise targets below Tukey's lower fence, Q1 - 1.5 (Q3 - Q1), to the fence."""
    low, high = np.quantile(targets, [0.25, 0.75])
    return np.asarray(np.maximum(targets, low - 1.5 * (high - low)))


def mirror_winsorised(targets: Array) -> Array:
    """Raise targets that lie further below the median than the best lies above it."""
    median = float(np.median(targets))
    return np.maximum(targets, median - (float(targets.max()) - median))


def log_gap(targets: Array) -> Array:
    """Return minus the logarithm of the distance to the best, which spreads the best apart.

    The distances are taken in units of their median; the offset keeps the best itself finite.
    """
    gaps = float(targets.max()) - targets
    unit = float(np.median(gaps))
    if not unit > 0.0:
        return targets
    return np.asarray(-np.log(gaps / unit + 0.01))
