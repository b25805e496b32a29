"""One column of the unit cube: which positions exist on it, and how one moves along it.

Positions are floats in [0, 1]. An axis knows no names and no natural values.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

Positions = NDArray[np.float64]
Indices = NDArray[np.int64]

EXHAUSTIVE_MOVES = 64
"""A move tries all positions if there are no more than this, else a selection at all scales."""

_LARGEST_EXACT = 2**52
"""With more levels, rounding a position may give a neighbouring index."""


class Axis(Protocol):
    """What a column of the unit cube offers."""

    @property
    def size(self) -> int | None:
        """Return how many positions exist, or None for a continuum."""
        ...

    @property
    def categories(self) -> int:
        """Return the number of categories, or 0 where positions have an order."""
        ...

    def snap(self, positions: Positions) -> Positions:
        """Return the nearest existing positions, (n,) for (n,)."""
        ...

    def sample(self, uniform: Positions) -> Positions:
        """Map uniform numbers in [0, 1) to existing positions, (n,) for (n,)."""
        ...

    def levels(self) -> Positions:
        """Return all positions of a discrete axis, (size,)."""
        ...

    def positions(self, indices: Indices) -> Positions:
        """Return where the levels of these indices lie, (n,) for (n,), on a discrete axis."""
        ...

    def moves(self, position: float) -> Positions:
        """Return the positions that a coordinate move from ``position`` tries, (m,)."""
        ...


@frozen
class Interval:
    """The whole of [0, 1]."""

    size: None = None
    categories: int = 0

    def snap(self, positions: Positions) -> Positions:
        """Clip to [0, 1]."""
        return np.clip(positions, 0.0, 1.0)

    def sample(self, uniform: Positions) -> Positions:
        """Return the numbers as they are."""
        return uniform

    def levels(self) -> Positions:
        """Return nothing: a continuum has no list."""
        return np.empty(0)

    def positions(self, indices: Indices) -> Positions:
        """Return nothing: a continuum has no list."""
        return np.empty(0)

    def moves(self, position: float) -> Positions:
        """Return nothing: gradients move along a continuum."""
        return np.empty(0)


@frozen
class Levels:
    """``size`` positions, evenly spaced from 0 to 1.

    With ``categories`` equal to ``size`` they have no order: two of them are equal or they are not.
    """

    size: int
    categories: int = 0

    def snap(self, positions: Positions) -> Positions:
        """Return the nearest level."""
        return self.positions(self.indices(positions))

    def sample(self, uniform: Positions) -> Positions:
        """Give every level the same share of [0, 1)."""
        shares = np.minimum(np.floor(uniform * self.size), self.size - 1)
        return self.positions(shares.astype(np.int64))

    def moves(self, position: float) -> Positions:
        """Return all levels; of many ordered ones, a selection at every distance."""
        if self.categories:
            return self.levels()
        return self.positions(_moves(self.size, int(self.indices(np.array(position)))))

    def levels(self) -> Positions:
        """Return all positions, (size,)."""
        return self.positions(np.arange(self.size))

    def positions(self, indices: Indices) -> Positions:
        """Return where the levels of these indices lie."""
        return indices / max(self.size - 1, 1)

    def indices(self, positions: Positions) -> Indices:
        """Return the indices of the nearest levels."""
        nearest = _nearest(positions * (self.size - 1), self.size)
        return nearest if self.size <= _LARGEST_EXACT else self._corrected(nearest, positions)

    def _corrected(self, nearest: Indices, positions: Positions) -> Indices:
        # a position that is exactly a neighbour's belongs to the neighbour
        for neighbour in (np.maximum(nearest - 1, 0), np.minimum(nearest + 1, self.size - 1)):
            nearest = np.where(self.positions(neighbour) == positions, neighbour, nearest)
        return nearest


@frozen
class LogLevels:
    """``size`` ordered positions: the logarithms of ``low + k * step``, scaled to [0, 1].

    The nearest level is that of the nearest value, not of the nearest logarithm.
    """

    size: int
    low: float
    step: float
    categories: int = 0

    def snap(self, positions: Positions) -> Positions:
        """Return the nearest level."""
        return self.positions(self.indices(positions))

    def sample(self, uniform: Positions) -> Positions:
        """Sample log-uniformly between half a step below the lowest and above the highest."""
        start = np.log(self.low - min(self.step / 2, self.low / 2))
        end = np.log(self.low + (self.size - 0.5) * self.step)
        values = np.exp(start + uniform * (end - start))
        return self.positions(_nearest((values - self.low) / self.step, self.size))

    def moves(self, position: float) -> Positions:
        """Return all levels, or a selection at every distance."""
        return self.positions(_moves(self.size, int(self.indices(np.array(position)))))

    def levels(self) -> Positions:
        """Return all positions, (size,)."""
        return self.positions(np.arange(self.size))

    def positions(self, indices: Indices) -> Positions:
        """Return where the levels of these indices lie."""
        logs = np.log1p(indices * (self.step / self.low)) / (self._width or 1.0)
        return np.asarray(np.clip(logs, 0.0, 1.0))

    def indices(self, positions: Positions) -> Indices:
        """Return the indices of the nearest levels."""
        return _nearest(
            np.expm1(np.clip(positions, 0.0, 1.0) * self._width) * (self.low / self.step), self.size
        )

    @property
    def _width(self) -> float:
        return float(np.log1p((self.size - 1) * (self.step / self.low)))


# --- a part of an axis ---


@frozen
class Some:
    """Some positions of another axis, in order (m,); one alone where its value is fixed."""

    held: Positions = field(eq=lambda held: held.tobytes())
    categories: int = 0

    @property
    def size(self) -> int:
        """Return how many positions there are."""
        return len(self.held)

    def snap(self, positions: Positions) -> Positions:
        """Return the nearest of the positions."""
        middles = (self.held[1:] + self.held[:-1]) / 2
        return self.positions(np.searchsorted(middles, positions))

    def sample(self, uniform: Positions) -> Positions:
        """Give every position the same share of [0, 1)."""
        shares = np.minimum(np.floor(uniform * self.size), self.size - 1)
        return self.positions(shares.astype(np.int64))

    def levels(self) -> Positions:
        """Return all positions, (size,)."""
        return self.held

    def positions(self, indices: Indices) -> Positions:
        """Return the positions of these indices."""
        return np.asarray(self.held[indices])

    def moves(self, position: float) -> Positions:
        """Return all positions; of many ordered ones, a selection at every distance."""
        if self.categories:
            return self.held
        here = int(np.searchsorted(self.held, position))
        return self.positions(_moves(self.size, min(here, self.size - 1)))


@frozen
class Stretch:
    """What lies between two positions of an ordered axis, both of which exist on it."""

    axis: Interval | Levels | LogLevels
    low: float
    high: float
    categories: int = 0

    @property
    def size(self) -> int | None:
        """Return how many positions there are, or None for a continuum."""
        if isinstance(self.axis, Interval):
            return None
        first, last = self.axis.indices(np.array([self.low, self.high])).tolist()
        return int(last - first + 1)

    def snap(self, positions: Positions) -> Positions:
        """Return the nearest position within."""
        return self.axis.snap(np.clip(positions, self.low, self.high))

    def sample(self, uniform: Positions) -> Positions:
        """Spread uniform numbers over the stretch."""
        return self.snap(self.low + uniform * (self.high - self.low))

    def levels(self) -> Positions:
        """Return all positions of a discrete axis, (size,)."""
        return self.positions(np.arange(self.size or 0))

    def positions(self, indices: Indices) -> Positions:
        """Return the positions of these indices, which count from the low end."""
        if isinstance(self.axis, Interval):
            return self.axis.positions(indices)
        return self.axis.positions(self.axis.indices(np.array(self.low)) + indices)

    def moves(self, position: float) -> Positions:
        """Return the positions within that the whole axis tries."""
        moves = self.axis.moves(position)
        return moves[(moves >= self.low) & (moves <= self.high)]


def categories(size: int) -> Levels:
    """Return ``size`` positions without an order."""
    return Levels(size, categories=size)


def _nearest(scaled: Positions, size: int) -> Indices:
    return np.asarray(np.clip(np.rint(scaled), 0, size - 1), dtype=np.int64)


def _moves(size: int, here: int) -> Indices:
    if size <= EXHAUSTIVE_MOVES:
        return np.arange(size)
    strides = 2 ** np.arange(size.bit_length(), dtype=np.int64)
    spread = np.linspace(0, size - 1, EXHAUSTIVE_MOVES // 2).astype(np.int64)
    chosen = np.unique(np.concatenate([[here], here - strides, here + strides, spread]))
    return np.asarray(chosen[(chosen >= 0) & (chosen < size)])
