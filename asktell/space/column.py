"""One dimension in numbers: what a position is worth, and which positions lie between two numbers.

Constraints speak of natural values. A column is a parameter on an axis, which may have fewer
positions than the parameter's own (a value that is held fixed).
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from attrs import frozen

from asktell.space.axes import Axis, Interval, LogLevels, Positions
from asktell.space.parameters import Float, Int, Ordinal, Parameter

LISTED = 2**16
"""Up to so many levels of an axis are listed; more are numbers in even steps."""

_EDGE = 1e-12
"""By how much of its size a bound is moved outwards before levels are counted: what rounding has
moved inwards is still found, and an exact check follows."""


_APART = 1e-6
"""The same, at most, as a share of the distance of two levels: it counts for large numbers."""


def is_number(parameter: Parameter) -> bool:
    """Tell whether all values of a parameter are numbers."""
    if isinstance(parameter, Ordinal):
        return all(
            isinstance(value, int | float) and not isinstance(value, bool)
            for value in parameter.values
        )
    return isinstance(parameter, Float | Int)


@frozen(eq=False, slots=False)
class Column:
    """A parameter on an axis.

    Attributes:
        parameter: whose values they are.
        axis: which positions there are.
    """

    parameter: Parameter
    axis: Axis

    @property
    def continuous(self) -> bool:
        """Tell whether there is a continuum of positions."""
        return self.axis.size is None

    @property
    def log(self) -> bool:
        """Tell whether it is a continuum on a log scale."""
        return self.continuous and isinstance(self.parameter, Float) and self.parameter.log

    @cached_property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return is_number(self.parameter)

    @cached_property
    def levels(self) -> Positions | None:
        """All positions (n,) in the order of their numbers; None where there are too many."""
        if self.axis.size is None or self.axis.size > LISTED:
            return None
        positions = self.axis.levels()
        return np.asarray(positions[np.argsort(self.values(positions), kind="stable")])

    @cached_property
    def numbers(self) -> Positions:
        """The numbers (n,) of the levels, in order."""
        return np.empty(0) if self.levels is None else self.values(self.levels)

    @cached_property
    def low(self) -> float:
        """The least number."""
        return self._ends[0]

    @cached_property
    def high(self) -> float:
        """The greatest number."""
        return self._ends[1]

    @cached_property
    def _ends(self) -> tuple[float, float]:
        if self.levels is not None:
            return float(self.numbers[0]), float(self.numbers[-1])
        ends = self.values(self.axis.snap(np.array([0.0, 1.0])))
        return float(ends[0]), float(ends[1])

    @property
    def size(self) -> float:
        """Return the greatest absolute number."""
        return max(abs(self.low), abs(self.high))

    @property
    def whole(self) -> tuple[float, float]:
        """Return the range of a parameter on a continuum, whatever its axis."""
        assert isinstance(self.parameter, Float)
        return self.parameter.low, self.parameter.high

    @cached_property
    def step(self) -> float:
        """The distance of two levels that are not listed."""
        assert isinstance(self.parameter, Float | Int)
        return float(self.parameter.step or 1.0)

    @cached_property
    def width(self) -> float:
        """What a position from 0 to 1 is worth: in numbers, or in logarithms on a log scale."""
        low, high = self._whole
        return high - low

    @cached_property
    def _whole(self) -> tuple[float, float]:
        """Both ends of the parameter; their logarithms on a log scale."""
        assert isinstance(self.parameter, Float)
        if self.parameter.log:
            return math.log(self.parameter.low), math.log(self.parameter.high)
        return self.parameter.low, self.parameter.high

    @cached_property
    def integral(self) -> bool:
        """Whether all values are integers."""
        if isinstance(self.parameter, Ordinal):
            return self.numeric and all(float(v).is_integer() for v in self.numbers)
        return isinstance(self.parameter, Int)

    @cached_property
    def _table(self) -> Positions:
        """The number of every level of the parameter's own axis; the index where it has none."""
        own = self.parameter.axis
        if not self.numeric:
            return np.arange(own.size or 0, dtype=np.float64)
        return np.asarray(self.parameter.decode(own.levels()), dtype=np.float64)

    def values(self, positions: Positions) -> Positions:
        """Return the numbers (n,) that positions (n,) are decoded to; indices where none."""
        own = self.parameter.axis
        if not isinstance(own, Interval) and own.size <= LISTED:
            return np.asarray(self._table[own.indices(positions)])
        return np.asarray(self.parameter.decode(positions), dtype=np.float64)

    def nearest(self, numbers: Positions) -> Positions:
        """Return the positions (n,) whose numbers are nearest to these (n,)."""
        if self.levels is not None:
            after = np.clip(np.searchsorted(self.numbers, numbers), 1, max(len(self.levels) - 1, 1))
            after = np.minimum(after, len(self.levels) - 1)
            before = np.maximum(after - 1, 0)
            closer = numbers - self.numbers[before] <= self.numbers[after] - numbers
            return np.asarray(self.levels[np.where(closer, before, after)])
        clipped = np.clip(numbers, self.low, self.high)
        if self.continuous:
            low, high = self._whole
            scaled = np.log(clipped) if self.log else clipped
            return np.asarray(self.axis.snap(np.clip((scaled - low) / (high - low), 0.0, 1.0)))
        return self._at(np.rint((clipped - self._start) / self.step))

    def measure(self, low: Positions, high: Positions) -> Positions:
        """Return how much of the axis lies from low to high, (n,) each; 0 where nothing does."""
        if self.continuous:
            if self.log:
                low, high = np.log(np.maximum(low, self.low)), np.log(np.minimum(high, self.high))
            return np.asarray(np.maximum(high - low, 0.0))
        first, last = self._within(low, high)
        if self.levels is None:
            return np.asarray(np.maximum(last - first, 0.0))
        return np.asarray(self._mass[np.maximum(last, first)] - self._mass[first])

    def draw(self, low: Positions, high: Positions, uniform: Positions) -> Positions:
        """Return positions (n,) of numbers from low to high, (n,) each, by uniform numbers (n,).

        Where there is none, one nearby.
        """
        if self.continuous:
            if self.log:
                low, high = np.log(low), np.log(high)
                return self.nearest(np.exp(low + uniform * (high - low)))
            return self.nearest(low + uniform * (high - low))
        first, last = self._within(low, high)
        if self.levels is None:
            if isinstance(self.axis, LogLevels):
                start, end = self._at(first), self._at(last - 1)
                chosen = (self.values(start + uniform * (end - start)) - self._start) / self.step
            else:
                chosen = first + np.floor(uniform * (last - first))
            return self._at(np.minimum(np.maximum(np.rint(chosen), first), last - 1))
        wanted = self._mass[first] + uniform * (
            self._mass[np.maximum(last, first)] - self._mass[first]
        )
        chosen = np.searchsorted(self._mass, wanted, side="right") - 1
        chosen = np.clip(np.minimum(np.maximum(chosen, first), last - 1), 0, len(self.levels) - 1)
        return np.asarray(self.levels[chosen])

    @cached_property
    def _mass(self) -> Positions:
        """How much of a random draw falls below each listed level (n + 1,)."""
        assert self.levels is not None
        if not isinstance(self.axis, LogLevels) or len(self.levels) == 1:
            return np.arange(len(self.levels) + 1, dtype=np.float64)
        middles = (self.levels[1:] + self.levels[:-1]) / 2
        first = 2 * self.levels[0] - middles[0]
        last = 2 * self.levels[-1] - middles[-1]
        return np.concatenate([[first], middles, [last]])

    @cached_property
    def _edge(self) -> float:
        """The most that bounds may be moved: less than any two levels are apart."""
        if self.levels is None:
            return _APART * self.step
        return _APART * float(np.diff(self.numbers).min()) if len(self.numbers) > 1 else 0.0

    def _within(self, low: Positions, high: Positions) -> tuple[Any, Any]:
        """Return the first level from low on, and the first one beyond high."""
        low = low - np.minimum(_EDGE * np.abs(low), self._edge)
        high = high + np.minimum(_EDGE * np.abs(high), self._edge)
        if self.levels is not None:
            first = np.searchsorted(self.numbers, low)
            return first, np.searchsorted(self.numbers, high, side="right")
        last = np.rint((self.high - self._start) / self.step)
        begin = np.rint((self.low - self._start) / self.step)
        first = np.clip(np.ceil((low - self._start) / self.step - _EDGE), begin, last + 1)
        end = np.clip(np.floor((high - self._start) / self.step + _EDGE), begin - 1, last) + 1
        return first, end

    @property
    def _start(self) -> float:
        assert isinstance(self.parameter, Float | Int)
        return float(self.parameter.low)

    def _at(self, indices: Positions) -> Positions:
        """Return the positions of levels that are not listed."""
        own = self.parameter.axis
        assert not isinstance(own, Interval)
        clipped = np.clip(indices, 0, own.size - 1).astype(np.int64)
        return self.axis.snap(own.positions(clipped))
