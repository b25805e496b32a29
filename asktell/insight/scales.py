"""How a parameter or an outcome lies along an axis of a picture: its scale, limits and ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from attrs import frozen

from asktell.insight.subject import Study, outcome_place, parameter_place, state_of
from asktell.model.kernels import Array
from asktell.space.absent import ABSENT
from asktell.space.parameters import Bool, Categorical, Ordinal, Parameter

Scale = Literal["linear", "log", "categories"]

_TICKS = 5
"""About so many ticks on an axis of numbers."""


@frozen(eq=False)
class Axis:
    """An axis of a picture.

    Attributes:
        name: of the parameter or outcome.
        scale: ``linear``, ``log``, or ``categories``: positions 0, 1, ... with a label each.
        limits: the least and the greatest number on it; half a position beyond categories.
        ticks: numbers (t,) to be marked.
        labels: what is written at each tick.
        is_integer: whether only whole numbers exist on it.
    """

    name: str
    scale: Scale
    limits: tuple[float, float]
    ticks: Array
    labels: tuple[str, ...]
    is_integer: bool = False

    def shares(self, numbers: Array) -> Array:
        """Return how far along the axis numbers lie, from 0 to 1; NaN stays NaN."""
        low, high = self.limits
        if self.scale == "log":
            low, high, numbers = math.log(low), math.log(high), np.log(numbers)
        if not high > low:
            return np.asarray(np.where(np.isnan(numbers), np.nan, 0.5))
        # halved, as the difference of two large numbers may overflow
        return np.asarray((numbers / 2 - low / 2) / (high / 2 - low / 2))


def axis(study: Study, name: str) -> Axis:
    """Return the axis of a parameter, or of an outcome with limits around what was observed.

    Args:
        study: an engine, a state, or anything with a ``state``.
        name: of a parameter or an outcome; if there are both, the parameter is meant.

    Raises:
        DefinitionError: a ``ValueError``; there is neither.
    """
    state = state_of(study)
    if name in state.problem.outcome_names and name not in state.space.names:
        place = outcome_place(state, name)
        told = [result.numbers[place] for trial in state.kept for result in trial.results]
        return axis_of_numbers(name, np.array(told))
    return axis_of(state.space.parameters[parameter_place(state, name)])


def axis_of(parameter: Parameter) -> Axis:
    """Return the axis of a parameter."""
    if isinstance(parameter, Ordinal | Categorical | Bool):
        labels = tuple(map(str, choices_of(parameter)))
        limits = (-0.5, len(labels) - 0.5)
        ticks = np.arange(len(labels), dtype=np.float64)
        return Axis(parameter.name, "categories", limits, ticks, labels)
    low, high = float(parameter.low), float(parameter.high)
    is_integer = isinstance(parameter.low, int)
    ticks = _log_ticks(low, high) if parameter.log else _ticks(low, high, is_integer)
    if parameter.log and is_integer:
        ticks = ticks[ticks == np.rint(ticks)]
    scale: Scale = "log" if parameter.log else "linear"
    return Axis(parameter.name, scale, (low, high), ticks, _written(ticks), is_integer)


def axis_of_numbers(name: str, numbers: Array) -> Axis:
    """Return a linear axis from the least to the greatest of some numbers, NaN apart."""
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    ticks = _ticks(low, high, False)
    return Axis(name, "linear", (low, high), ticks, _written(ticks))


def choices_of(parameter: Ordinal | Categorical | Bool) -> tuple[Any, ...]:
    """Return the values of a parameter that has a list of them."""
    if isinstance(parameter, Bool):
        return (False, True)
    return parameter.values if isinstance(parameter, Ordinal) else parameter.choices


def numbers_of(parameter: Parameter, values: Sequence[Any]) -> Array:
    """Return canonical values as numbers (n,): themselves, or positions of categories.

    Where the parameter is not active, it is NaN.
    """
    there = np.array([value is not ABSENT for value in values], dtype=bool)
    if not there.all():
        numbers = np.full(len(values), np.nan)
        numbers[there] = numbers_of(parameter, [value for value in values if value is not ABSENT])
        return numbers
    if isinstance(parameter, Ordinal | Categorical | Bool):
        return np.asarray(parameter.axis.indices(parameter.encode(values)), dtype=np.float64)
    return np.asarray(values, dtype=np.float64)


def natural(parameter: Parameter, positions: Array) -> Array:
    """Return positions (n,) on the unit cube as numbers (n,): natural, or those of categories."""
    return numbers_of(parameter, parameter.decode(positions))


# --- ticks ---


def _ticks(low: float, high: float, is_integer: bool) -> Array:
    """Return multiples of 1, 2 or 5 times a power of ten between two numbers."""
    width = high / _TICKS - low / _TICKS
    if not width > 0.0 or not math.isfinite(width):
        return np.array([low])
    power = 10.0 ** math.floor(math.log10(width))
    if not power > 0.0:
        return np.array([low, high])
    step = next(power * f for f in (1.0, 2.0, 5.0, 10.0) if power * f >= 0.85 * width)
    step = max(step, 1.0) if is_integer else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = np.unique(np.arange(first, last + 1) * step)
    return np.asarray(ticks) if len(ticks) > 1 else np.array([low, high])


def _log_ticks(low: float, high: float) -> Array:
    """Return powers of ten between two numbers > 0; where these are few, 2 and 5 of them, too."""
    if low == high:
        return np.array([low])
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = max(1, math.ceil((last - first) / _TICKS))
    powers = np.array([float(f"1e{p}") for p in range(first, min(last, 308) + 1) if p > -308])
    within = powers[(powers >= low * (1 - 1e-9)) & (powers <= high * (1 + 1e-9))]
    if len(within) > 2:
        return within[::every]
    finer = np.concatenate([powers * factor for factor in (1.0, 2.0, 5.0)])
    finer = np.sort(finer[(finer >= low * (1 - 1e-9)) & (finer <= high * (1 + 1e-9))])
    return finer if len(finer) > 1 else np.array([low, high])


def _written(numbers: Array) -> tuple[str, ...]:
    """Return numbers in as many digits as it takes to tell them apart."""
    for digits in (6, 12, 17):
        labels = tuple(short(number, digits) for number in numbers.tolist())
        if len(set(labels)) == len(labels):
            break
    return labels


def short(number: float, digits: int = 6) -> str:
    """Return a number as it is written on an axis, in few letters: 0.25, 1e-5, 2000."""
    plain = f"{number:.{digits}g}"
    mantissa, _, power = f"{number:.{digits - 1}e}".partition("e")
    scaled = f"{float(mantissa):.{digits}g}e{int(power)}"
    return scaled if "e" in plain or len(scaled) + 1 < len(plain) else plain
