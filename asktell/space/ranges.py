"""Parameters that are numbers from low to high: ``Float`` and ``Int``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

import numpy as np
from attrs import field, frozen

from asktell.errors import DefinitionError, ParamsError
from asktell.numbers import is_finite, is_integer
from asktell.space import door
from asktell.space.arguments import described
from asktell.space.axes import Interval, Levels, LogLevels, Positions
from asktell.space.beginning import begin
from asktell.space.conditions import Where

_LARGEST_LOG = math.log(np.finfo(np.float64).max)
"""The largest number whose exponential is a float; rounding may go beyond it."""

_LARGEST_LOG_HIGH = 1e308
"""With steps on a log scale: half a step above it must still be a float."""

_LARGEST_LOG_RATIO = 1e250
"""Of high to low, with steps: beyond it, a logarithm has too few digits for 2**40 levels."""

_MOST_STEPS = 2**40
"""For floats, and for integers on a log axis: logarithms and decimals use up some digits."""

_STEP_TOLERANCE = 1e-6
"""How far, in steps, a value may lie from its grid and still be taken for a rounding error."""

_EXACT = Context(prec=60)
"""Never the caller's own context, which may be anything."""


@frozen(init=False, repr=False)
class Float:
    """A real number in [low, high].

    Args:
        name: the key in params.
        low: the least value, finite.
        high: the greatest value, finite, >= low.
        log: whether equal factors, not equal differences, count as equal distances; low > 0.
        step: only ``low + k * step`` are values, up to ``high``; None for a continuum.
        when: the parameter is active only where others have these values: a mapping from names to
            a value, a list of values, ``AtLeast``, ``AtMost`` or a list of these two, which all
            have to hold. Params do not have it where it is not active. None for always.
        default: where a search begins; None for no such value.
        likely: a value, or a list of them, near which good ones are expected: a belief, which
            fades as results come. None for no such belief.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    low: float
    high: float
    log: bool
    step: float | None
    when: Where | None
    default: float | None
    likely: tuple[float, ...]
    axis: Interval | Levels | LogLevels = field(init=False, eq=False, repr=False)

    def __init__(
        self,
        name: str,
        low: float,
        high: float,
        log: bool = False,
        step: float | None = None,
        *,
        when: Mapping[str, Any] | None = None,
        default: float | None = None,
        likely: float | Sequence[float] | None = None,
    ) -> None:
        """Check and keep the arguments."""
        own = (
            door.text(name, "$.name"),
            door.finite(low, "$.low"),
            door.finite(high, "$.high"),
            door.flag(log, "$.log"),
            door.positive(step, "$.step"),
        )
        begin(self, own, when, default, likely)

    @axis.default
    def _lay_out(self) -> Interval | Levels | LogLevels:
        _check_range(self.low, self.high, self.log)
        if self.low == self.high:
            return Levels(1)
        if self.step is None:
            return Interval()
        width = _EXACT.subtract(_decimal(self.high), _decimal(self.low))
        size = int(_EXACT.divide(width, _decimal(self.step))) + 1
        if self._level(size - 1) > self.high:  # where a division of 60 digits was rounded up
            size -= 1
        if size == 1:
            return Levels(1)
        _check_steps(self.low, self.high, self.step, size, self.log)
        return LogLevels(size, self.low, self.step) if self.log else Levels(size)

    __repr__ = described

    def check(self, value: Any) -> float:
        """Return the canonical value.

        Raises:
            ParamsError: not a number in [low, high], or off the step's grid.
        """
        if type(value) is float and self.step is None and self.low <= value <= self.high:
            return value + 0.0  # -0.0 and 0.0 are one value
        if is_finite(value):
            number = float(value) + 0.0
            if self.step is None:
                if self.low <= number <= self.high:
                    return number
            elif abs(number - (on_grid := self._on_grid(number))) <= _STEP_TOLERANCE * self.step:
                return on_grid
        raise ParamsError(f"$.{self.name}", value, self._expected())

    def encode(self, values: Sequence[Any]) -> Positions:
        """Return the positions (n,) of n canonical values."""
        if isinstance(self.axis, Interval):
            numbers = np.asarray(values, dtype=np.float64)
            if self.log:
                low, high = math.log(self.low), math.log(self.high)
                return np.clip((np.log(numbers) - low) / (high - low), 0.0, 1.0)
            return np.clip((numbers - self.low) / (self.high - self.low), 0.0, 1.0)
        steps = (np.asarray(values, dtype=np.float64) - self.low) / (self.step or 1.0)
        return self.axis.positions(np.rint(steps).astype(np.int64))

    def decode(self, positions: Positions) -> list[float]:
        """Return the canonical values of n positions."""
        if not isinstance(self.axis, Interval):
            return [self._level(index) for index in self.axis.indices(positions).tolist()]
        logs = (math.log(self.low), math.log(self.high)) if self.log else None
        numbers: list[float] = numbers_at(positions, self.low, self.high, logs).tolist()
        return numbers

    def _on_grid(self, number: float) -> float:
        last = (self.axis.size or 1) - 1.0
        steps = (number - self.low) / (self.step or 1.0)
        return self._level(round(min(max(steps, 0.0), last)))

    def _level(self, index: int) -> float:
        # In decimal, since a person expects 0 + 57 * 0.01 to be 0.57.
        above = _EXACT.multiply(Decimal(index), _decimal(self.step or 0.0))
        return float(_EXACT.add(_decimal(self.low), above)) + 0.0

    def _expected(self) -> str:
        grid = "" if self.step is None else f" in steps of {self.step}"
        return f"a number in [{self.low}, {self.high}]{grid}"


@frozen(init=False, repr=False)
class Int:
    """An integer in [low, high].

    Args:
        name: the key in params.
        low: the least value, within +-2**53.
        high: the greatest value, >= low; at most 2**40 with ``log``.
        log: whether equal factors, not equal differences, count as equal distances; low > 0.
        step: only ``low + k * step`` are values, up to ``high``.
        when: the parameter is active only where others have these values: a mapping from names to
            a value, a list of values, ``AtLeast``, ``AtMost`` or a list of these two, which all
            have to hold. Params do not have it where it is not active. None for always.
        default: where a search begins; None for no such value.
        likely: a value, or a list of them, near which good ones are expected: a belief, which
            fades as results come. None for no such belief.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    low: int
    high: int
    log: bool
    step: int
    when: Where | None
    default: int | None
    likely: tuple[int, ...]
    axis: Levels | LogLevels = field(init=False, eq=False, repr=False)

    def __init__(
        self,
        name: str,
        low: int,
        high: int,
        log: bool = False,
        step: int = 1,
        *,
        when: Mapping[str, Any] | None = None,
        default: int | None = None,
        likely: int | Sequence[int] | None = None,
    ) -> None:
        """Check and keep the arguments."""
        own = (
            door.text(name, "$.name"),
            door.integer(low, "$.low"),
            door.integer(high, "$.high"),
            door.flag(log, "$.log"),
            door.integer(step, "$.step"),
        )
        begin(self, own, when, default, likely)

    @axis.default
    def _lay_out(self) -> Levels | LogLevels:
        _check_range(self.low, self.high, self.log)
        if self.step < 1:
            raise DefinitionError("$.step", self.step, "an integer >= 1")
        if self.log and self.high > _MOST_STEPS:
            raise DefinitionError("$.high", self.high, "at most 2**40 on a log scale")
        size = (self.high - self.low) // self.step + 1
        if size > door.LARGEST_INT:
            raise DefinitionError("$.high", self.high, "at most 2**53 values from low to high")
        return LogLevels(size, self.low, self.step) if self.log else Levels(size)

    __repr__ = described

    def check(self, value: Any) -> int:
        """Return the canonical value; an integral float counts as an integer.

        Raises:
            ParamsError: not an integer in [low, high], or off the step's grid.
        """
        if type(value) is int or is_integer(value):
            number = int(value)
            if self.low <= number <= self.high and not (number - self.low) % self.step:
                return number
        grid = "" if self.step == 1 else f" in steps of {self.step}"
        expected = f"an integer in [{self.low}, {self.high}]{grid}"
        raise ParamsError(f"$.{self.name}", value, expected)

    def encode(self, values: Sequence[Any]) -> Positions:
        """Return the positions (n,) of n canonical values."""
        return self.axis.positions((np.asarray(values, dtype=np.int64) - self.low) // self.step)

    def decode(self, positions: Positions) -> list[int]:
        """Return the canonical values of n positions."""
        values: list[int] = (self.low + self.axis.indices(positions) * self.step).tolist()
        return values


def numbers_at(
    positions: Positions, low: Any, high: Any, logs: tuple[Any, Any] | None
) -> Positions:
    """Return the numbers of positions on a continuum.

    Args:
        positions: (m,) of one, or (m, k) of several.
        low: the least number, or those of each (k,).
        high: the greatest.
        logs: the logarithms of both ends, on a log scale.
    """
    if logs is not None:
        start, end = logs
        numbers = np.exp(np.minimum(start + positions * (end - start), _LARGEST_LOG))
        numbers = np.where(positions <= 0.0, low, numbers)  # the ends to the last bit
        numbers = np.where(positions >= 1.0, high, numbers)
    else:
        numbers = low + positions * (high - low)
    return np.asarray(np.clip(numbers, low, high) + 0.0)


# --- what can be served ---


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


def _check_range(low: float, high: float, log: bool) -> None:
    if high < low:
        raise DefinitionError("$.high", high, f"a number >= low = {low}")
    if not math.isfinite(float(high) - float(low)):
        raise DefinitionError("$.high", high, "a number closer to low: high - low overflows")
    if log and low <= 0:
        raise DefinitionError("$.low", low, "a number > 0 on a log scale")
    if log and low < high and math.log(low) == math.log(high):
        expected = "a number further from low, or log=False: their logarithms are equal"
        raise DefinitionError("$.high", high, expected)


def _check_steps(low: float, high: float, step: float, size: int, log: bool) -> None:
    if size > _MOST_STEPS:
        raise DefinitionError("$.step", step, "a larger step: there may be at most 2**40 of them")
    # Rounding moves a level by up to an ulp, and a quarter of a step is tolerable. A step below the
    # normal floats has few digits, so that many such steps would add up to something else.
    if step < 4.0 * math.ulp(max(abs(low), abs(high))) or step < 8.0 * size * math.ulp(step):
        raise DefinitionError("$.step", step, "a larger step: floats cannot tell these apart")
    if not log:
        return
    if high > _LARGEST_LOG_HIGH:
        expected = f"at most {_LARGEST_LOG_HIGH} on a log scale with steps"
        raise DefinitionError("$.high", high, expected)
    if high > low * _LARGEST_LOG_RATIO:
        expected = f"at least high / {_LARGEST_LOG_RATIO} on a log scale with steps"
        raise DefinitionError("$.low", low, expected)
    if step / high < 4.0 * math.ulp(max(abs(math.log(low)), abs(math.log(high)))):
        expected = "a larger step, or log=False: logarithms cannot tell these apart"
        raise DefinitionError("$.step", step, expected)
