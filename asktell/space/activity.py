"""Which dimensions of a point are active, where some depend on the positions of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from asktell.space.absent import NOWHERE
from asktell.space.axes import Indices, Levels, LogLevels, Positions
from asktell.space.conditions import Between, Condition, OneOf
from asktell.space.parameters import Ordinal, Parameter

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]
Test = Callable[[Positions], Mask]
"""Tells of the positions (n,) of an active dimension whether they make another one active (n,)."""


@frozen(eq=False)
class Rule:
    """When a dimension is active: where these others are, and pass their tests."""

    child: int
    tests: tuple[tuple[int, Test], ...]


@frozen(eq=False)
class Activity:
    """The rules of a space, each after those of the dimensions that it looks at.

    Attributes:
        conditional: the dimensions that are not always active.
        parents: the dimensions that decide on others.
        depths: for each dimension how many others decide one after another on whether it is active.
    """

    dim: int
    rules: tuple[Rule, ...]
    conditional: Indices = field(init=False, repr=False)
    parents: Indices = field(init=False, repr=False)
    depths: tuple[int, ...] = field(init=False, repr=False)

    @conditional.default
    def _conditional(self) -> Indices:
        return np.array(sorted(rule.child for rule in self.rules), dtype=np.int64)

    @parents.default
    def _parents(self) -> Indices:
        return np.array(sorted({p for rule in self.rules for p, _ in rule.tests}), dtype=np.int64)

    @depths.default
    def _depths(self) -> tuple[int, ...]:
        depths = [0] * self.dim
        for rule in self.rules:
            depths[rule.child] = 1 + max(depths[parent] for parent, _ in rule.tests)
        return tuple(depths)

    def of(self, points: Points) -> Mask:
        """Tell which dimensions of points (n, d) are active (n, d), by the positions of others."""
        active = np.ones(points.shape, dtype=bool)
        for rule in self.rules:
            for parent, test in rule.tests:
                active[:, rule.child] &= active[:, parent] & test(points[:, parent])
        return active

    def settled(self, points: Points, fill: Points) -> Points:
        """Return points (n, d) with a position in every active dimension, and in no other.

        Args:
            points: positions on the axes, or ``NOWHERE``.
            fill: what active dimensions get that are nowhere (n, d), or (d,) for all.
        """
        settled, fill = points.copy(), np.broadcast_to(fill, points.shape)
        active = np.ones(points.shape, dtype=bool)
        for rule in self.rules:
            child = rule.child
            for parent, test in rule.tests:
                active[:, child] &= active[:, parent] & test(settled[:, parent])
            column = settled[:, child]
            column = np.where(column == NOWHERE, fill[:, child], column)
            settled[:, child] = np.where(active[:, child], column, NOWHERE)
        return settled


def test_of(parameter: Parameter, condition: Condition) -> Test:
    """Return the test of a condition on the positions of a parameter.

    It agrees with what the condition says of the values that the positions are decoded to.
    """
    axis = parameter.axis
    if axis.size is None:
        return lambda positions: np.array(
            [condition.holds(value) for value in parameter.decode(positions)], dtype=bool
        )
    if axis.size <= _LISTED or isinstance(parameter, Ordinal):
        table = _table(parameter, condition, axis)
        return lambda positions: table[axis.indices(positions)]
    if isinstance(condition, OneOf):
        held = np.unique(axis.indices(parameter.encode(condition.values)))
        return lambda positions: np.isin(axis.indices(positions), held)
    low, high = ends_within(parameter, condition.at_least, condition.at_most)

    def between(positions: Positions) -> Mask:
        indices = axis.indices(positions)
        return np.asarray((indices >= low) & (indices <= high))

    return between


def _table(parameter: Parameter, condition: Condition, axis: Levels | LogLevels) -> Mask:
    """Return which levels of a discrete axis hold a condition (size,)."""
    levels = axis.levels()
    if isinstance(condition, Between):
        return np.array([condition.holds(value) for value in parameter.decode(levels)], dtype=bool)
    table = np.zeros(len(levels), dtype=bool)
    table[axis.indices(parameter.encode(condition.values))] = True
    return table


_LISTED = 2**16
"""Up to so many levels, each is looked at once; of more, which increase, the ends are searched."""


def ends_within(
    parameter: Parameter, at_least: float | None, at_most: float | None
) -> tuple[int, int]:
    """Return the first and the last index of an ordered axis whose values lie within bounds."""
    axis = parameter.axis
    assert axis.size is not None

    def value(index: int) -> float:
        number: Any = parameter.decode(axis.positions(np.array([index])))[0]
        return float(number)

    def first(holds: Callable[[float], bool]) -> int:
        """Return the first index whose value holds, the size where none does."""
        low, high = 0, axis.size or 0
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(value(middle)) else (middle + 1, high)
        return low

    start = 0 if at_least is None else first(lambda number: number >= at_least)
    end = axis.size if at_most is None else first(lambda number: number > at_most)
    return start, end - 1


def in_order(parents: Sequence[Sequence[int]]) -> list[int]:
    """Return the dimensions, each after its parents, without those that come after a circle."""
    order: list[int] = []
    placed = [False] * len(parents)
    waiting = list(range(len(parents)))
    while waiting:
        ready = [i for i in waiting if all(placed[parent] for parent in parents[i])]
        if not ready:
            break
        for i in ready:
            placed[i] = True
        order += ready
        waiting = [i for i in waiting if not placed[i]]
    return order


def circle_in(parents: Sequence[Sequence[int]]) -> list[int]:
    """Return dimensions each of which has the next one for a parent, and the last the first."""
    waiting = set(range(len(parents))) - set(in_order(parents))
    walk: list[int] = []
    here = min(waiting, default=None)
    while here is not None and here not in walk:
        walk.append(here)
        here = next(parent for parent in parents[here] if parent in waiting)
    return [] if here is None else walk[walk.index(here) :]
