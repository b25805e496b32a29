"""What the surrogate sees of an outcome: warped, then standardised to mean 0 and deviation 1.

A warp looks at the targets and returns an increasing function (up to ties), so that the best stays
the best, and bounds, references and deviations can be seen in the same way. Targets are maximised.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attrs import frozen

from asktell.model.kernels import Array

Function = Callable[[Array], Array]
"""Takes an array of numbers, and returns what the model sees in place of each."""

Warp = Callable[[Array, float, float], Function]
"""Takes standardised targets (n,), and the bounds of their outcome in the same unit, infinite where
there is none; returns what is to be applied to the targets."""

_SMALLEST_STEP = 1e-3
"""For slopes of warps by differences; targets have deviation 1."""

_LEAST_UNIT = 1e-9
"""What is so near to a bound, as a share of the deviation of all, is there but for rounding."""

_FARTHEST = 1e50
"""What lies further from the targets counts as this far, so that no warp of it overflows."""

_LARGEST_DEVIATION = 1e6
"""A target that deviates by so much says nothing; more would make numbers that are too large."""


@frozen(eq=False)
class Standardised:
    """Values (n,), and what makes them of numbers, or brings them back.

    A number becomes ``(number / size - centre) / spread``: neither sums nor squares overflow.
    """

    values: Array
    size: float
    centre: float
    spread: float

    @property
    def location(self) -> float:
        """Return the number whose value is 0."""
        return self.centre * self.size

    @property
    def scale(self) -> float:
        """Return by how much two numbers differ whose values differ by 1."""
        return self.spread * self.size

    def of(self, numbers: Array) -> Array:
        """Return the values of numbers; equal numbers have equal values."""
        return np.asarray((numbers / self.size - self.centre) / self.spread)


@frozen(eq=False)
class Seen:
    """One outcome as one member sees it.

    Attributes:
        values: the targets (n,), with mean 0 and deviation 1.
        plain: what brings targets to mean 0 and deviation 1.
        warp: what is done to them then.
        warped: what brings those to mean 0 and deviation 1.
    """

    values: Array
    plain: Standardised
    warp: Function
    warped: Standardised

    def of(self, numbers: Array) -> Array:
        """Return how numbers (n,) in the outcome's own unit are seen; infinite ones stay so."""
        finite = np.isfinite(numbers)
        plain = np.clip(self.plain.of(np.where(finite, numbers, 0.0)), -_FARTHEST, _FARTHEST)
        return np.where(finite, self.warped.of(self.warp(plain)), numbers)

    def variances(self, targets: Array, deviations: Array) -> Array:
        """Return the variances that targets (n,) of these deviations (n,) are seen to have.

        They are right to first order; NaN stays.
        """
        plain = self.plain.of(targets)
        deviations = deviations / self.plain.size / self.plain.spread
        deviations = np.minimum(deviations, _LARGEST_DEVIATION)
        steps = np.maximum(np.nan_to_num(deviations), _SMALLEST_STEP)
        slopes = (self.warp(plain + steps) - self.warp(plain - steps)) / (2.0 * steps)
        seen = np.minimum(deviations * slopes / self.warped.scale, _LARGEST_DEVIATION)
        return np.asarray(np.square(seen))

    @property
    def unit(self) -> tuple[float, float]:
        """Return location and scale in the outcome's own unit, where the warp changes nothing."""
        return (
            self.warped.location * self.plain.scale + self.plain.location,
            self.warped.scale * self.plain.scale,
        )


def seen(warp: Warp, targets: Array, low: float = -math.inf, high: float = math.inf) -> Seen:
    """Return targets (n,), and the bounds of their outcome, as a warp makes them."""
    plain = standardise(targets)  # so that a warp may count on the scale
    function = warp(plain.values, *_within_reach(plain, low, high))
    warped = standardise(function(plain.values))
    return Seen(warped.values, plain, function, warped)


def _within_reach(plain: Standardised, *bounds: float) -> list[float]:
    finite = np.clip(plain.of(np.array(bounds)), -_FARTHEST, _FARTHEST).tolist()
    return [near if math.isfinite(far) else far for near, far in zip(finite, bounds, strict=True)]


def standardise(targets: Array) -> Standardised:
    """Return the targets with mean 0 and deviation 1; all 0 where they are equal."""
    size = float(np.abs(targets).max()) or 1.0
    scaled = targets / size
    centre, spread = float(scaled.mean()), float(scaled.std())
    if not spread > 1e-14:
        return Standardised(np.zeros_like(targets), size, centre, 1.0)
    return Standardised((scaled - centre) / spread, size, centre, spread)


# --- for objectives ---


def tukey_winsorised(targets: Array, low: float, high: float) -> Function:
    """Raise targets below Tukey's lower fence, Q1 - 1.5 (Q3 - Q1), to the fence."""
    first, third = np.quantile(targets, [0.25, 0.75])
    fence = first - 1.5 * (third - first)
    return lambda numbers: np.asarray(np.maximum(numbers, fence))


def log_gap(targets: Array, low: float, high: float) -> Function:
    """Return minus the logarithm of the distance to the best, which spreads the best apart.

    The distances are taken in units of their median; the offset keeps the best itself finite.
    """
    most = float(targets.max())
    unit = float(np.median(most - targets))
    if not unit > 0.0:
        return _as_it_is
    return lambda numbers: np.asarray(-np.log(np.maximum(most - numbers, 0.0) / unit + 0.01))


_POWERS = np.linspace(-2.0, 4.0, 25)[:, None]
"""A grid, since a search to the last digit would turn rounding errors into larger ones."""


def power_transformed(targets: Array, low: float, high: float) -> Function:
    """Return the Yeo-Johnson transform whose power makes the targets most nearly normal.

    Yeo and Johnson 2000, eq. 2.1; of a grid of powers, the one with the greatest likelihood
    (eq. 3.1). Targets should be standardised.
    """
    if np.ptp(targets) == 0.0:
        return _as_it_is
    logs = np.log1p(np.abs(targets))
    with np.errstate(all="ignore"):
        transformed = _yeo_johnson(targets, _POWERS)
        jacobian = (_POWERS[:, 0] - 1.0) * float((np.sign(targets) * logs).sum())
        likelihoods = jacobian - 0.5 * len(targets) * np.log(transformed.var(axis=1))
    usable = np.all(np.isfinite(transformed), axis=1) & np.isfinite(likelihoods)
    if not usable.any():
        return _as_it_is
    power = _POWERS[np.argmax(np.where(usable, likelihoods, -np.inf))]
    return lambda numbers: np.asarray(_yeo_johnson(numbers, power))


def _yeo_johnson(numbers: Array, powers: Array) -> Array:
    logs = np.log1p(np.abs(numbers))
    return np.where(numbers >= 0.0, _box_cox(logs, powers), -_box_cox(logs, 2.0 - powers))


def _box_cox(logs: Array, powers: Array) -> Array:
    """Return (exp(power log) - 1) / power, which is the logarithm itself where the power is 0."""
    return np.where(powers == 0.0, logs, np.expm1(powers * logs) / np.where(powers, powers, 1.0))


# --- for constraints ---


def winsorised(targets: Array, low: float, high: float) -> Function:
    """Move targets beyond Tukey's fences to the fence; the bounds stay within."""
    first, third = np.quantile(targets, [0.25, 0.75])
    reach = 1.5 * (third - first)
    bounds = [bound for bound in (low, high) if math.isfinite(bound)]
    below, above = min([first - reach, *bounds]), max([third + reach, *bounds])
    if not reach > 0.0:
        return _as_it_is
    return lambda numbers: np.asarray(np.clip(numbers, below, above))


def spread_at_bound(targets: Array, low: float, high: float) -> Function:
    """Return the logarithm of the distance to the bound, with its sign, on both sides of it.

    So the model is most accurate where it matters, at the bound (the bilog transform of Eriksson
    and Poloczek 2021, SCBO, section 3). Distances are in units of their median.
    """
    bounds = [bound for bound in (low, high) if math.isfinite(bound)]
    centre = sum(bounds) / len(bounds) if bounds else 0.0
    unit = float(np.median(np.abs(targets - centre)))
    if not unit > _LEAST_UNIT:
        return _as_it_is

    def bilog(numbers: Array) -> Array:
        distance = (numbers - centre) / unit
        return np.asarray(np.sign(distance) * np.log1p(np.abs(distance)))

    return bilog


def unchanged(targets: Array, low: float, high: float) -> Function:
    """Leave the targets as they are."""
    return _as_it_is


def _as_it_is(numbers: Array) -> Array:
    return numbers
