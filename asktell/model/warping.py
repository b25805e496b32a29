"""What the surrogate sees of the targets: warped, then standardised to mean 0 and deviation 1.

All functions are increasing up to ties: the best stays the best. Targets are maximised.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from asktell.model.kernels import Array


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


def log_gap(targets: Array) -> Array:
    """Return minus the logarithm of the distance to the best, which spreads the best apart.

    The distances are taken in units of their median; the offset keeps the best itself finite.
    """
    gaps = float(targets.max()) - targets
    unit = float(np.median(gaps))
    if not unit > 0.0:
        return targets
    return np.asarray(-np.log(gaps / unit + 0.01))


_POWERS = np.linspace(-2.0, 4.0, 25)[:, None]
"""A grid, since a search to the last digit would turn rounding errors into larger ones."""


def power_transformed(targets: Array) -> Array:
    """Return the Yeo-Johnson transform whose power makes the targets most nearly normal.

    Yeo and Johnson 2000, eq. 2.1; of a grid of powers, the one with the greatest likelihood
    (eq. 3.1). Targets should be standardised.
    """
    if np.ptp(targets) == 0.0:
        return targets
    logs = np.log1p(np.abs(targets))
    with np.errstate(all="ignore"):
        transformed = np.where(
            targets >= 0.0, _box_cox(logs, _POWERS), -_box_cox(logs, 2.0 - _POWERS)
        )
        jacobian = (_POWERS[:, 0] - 1.0) * float((np.sign(targets) * logs).sum())
        likelihoods = jacobian - 0.5 * len(targets) * np.log(transformed.var(axis=1))
    usable = np.all(np.isfinite(transformed), axis=1) & np.isfinite(likelihoods)
    if not usable.any():
        return targets
    return np.asarray(transformed[np.argmax(np.where(usable, likelihoods, -np.inf))])


def _box_cox(logs: Array, powers: Array) -> Array:
    """Return (exp(power log) - 1) / power, which is the logarithm itself where the power is 0."""
    return np.where(powers == 0.0, logs, np.expm1(powers * logs) / np.where(powers, powers, 1.0))
