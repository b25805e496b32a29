"""The region: constraints on the points of axes, in numbers, and which points keep them.

A constraint on numbers is one row or several: a weighted sum within two bounds. Which points keep a
row is exact: the terms are added up as ``math.fsum`` does, without tolerance. Only where the two
bounds are equal, and floats take part, a sum may miss them by a few units in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from asktell.space.absent import NOWHERE
from asktell.space.activity import Activity, Test, test_of
from asktell.space.axes import Axis, Indices, Some
from asktell.space.column import Column
from asktell.space.conditions import Condition
from asktell.space.constraints import TOLERANCE, Constraint, Forbidden, Linear, Ordered
from asktell.space.parameters import Parameter
from asktell.space.ranges import numbers_at

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]
V = TypeVar("V")

_ULPS = 4.0
"""By how many units in the last place of its greatest term a sum of floats may miss the one number
that it has to be. Each term is rounded when it is made and when it is decoded."""

_ROUNDING = 3e-16
"""How far a sum in floats may be from the exact one, relative to the sum of absolute terms, for
each term; what is nearer to a bound is added up exactly."""

_NARROWED = 20
"""How often all rows narrow the bounds of numbers, at most; they may do so for ever."""

_KEPT = 8
"""For how many restrictions of the axes a region is kept: there is one without any, and a caller
who holds values fixed asks for the same ones again and again."""


@frozen
class Row:
    """A weighted sum of the numbers of some dimensions, within bounds.

    Attributes:
        terms: dimensions and their coefficients.
        low: the least sum, or minus infinity.
        high: the greatest, or infinity.
        needs: it applies where all of these dimensions are active.
        constraint: the index of the constraint it stems from.
    """

    terms: tuple[tuple[int, float], ...]
    low: float
    high: float
    needs: tuple[int, ...]
    constraint: int


@frozen(eq=False)
class Ban:
    """Conditions that must not all hold, where all of their dimensions are active."""

    conditions: tuple[tuple[int, Condition], ...]
    constraint: int


def rows_of(constraint: Constraint, number: int, index: dict[str, int]) -> list[Row]:
    """Return a constraint on numbers as rows."""
    assert not isinstance(constraint, Forbidden)
    needs = tuple(index[name] for name in constraint.names)
    if isinstance(constraint, Ordered):
        pairs = pairwise(needs)
        return [Row(((i, 1.0), (j, -1.0)), -math.inf, 0.0, needs, number) for i, j in pairs]
    if isinstance(constraint, Linear):
        terms = tuple((index[name], number) for name, number in constraint.coefficients)
        low = -math.inf if constraint.at_least is None else constraint.at_least
        high = math.inf if constraint.at_most is None else constraint.at_most
        return [Row(terms, low, high, needs, number)]
    total = constraint.total
    return [Row(tuple((i, 1.0) for i in needs), total, total, needs, number)]


def _narrow(row: Row, low: Points, high: Points) -> None:
    """Narrow the numbers (d,) that dimensions can have by one row, rounded outwards; in place."""
    ends = [sorted((weight * low[i], weight * high[i])) for i, weight in row.terms]
    least, most = sum(one for one, _ in ends), sum(one for _, one in ends)
    near = _ROUNDING * len(ends) * sum(max(abs(one), abs(other)) for one, other in ends)
    for (i, weight), (mine, greatest) in zip(row.terms, ends, strict=True):
        up = (row.high - (least - mine) + near) / weight
        down = (row.low - (most - greatest) - near) / weight
        if weight < 0:
            up, down = down, up
        if low[i] < down <= high[i]:
            low[i] = down
        if low[i] <= up < high[i]:
            high[i] = up


def _key(axis: Axis) -> Hashable:
    """Return what is the same for axes that have the same positions."""
    if isinstance(axis, Some):
        return axis.held.tobytes(), axis.categories
    assert isinstance(axis, Hashable)
    return axis


@frozen(eq=False)
class Limits:
    """The constraints of a space, whatever axes its parameters are restricted to."""

    parameters: tuple[Parameter, ...]
    constraints: tuple[Constraint, ...]
    conditions: tuple[tuple[int, tuple[tuple[int, Condition], ...]], ...]
    """Every dimension after those that its conditions look at, with these."""
    activity: Activity | None
    _regions: dict[tuple[Hashable, ...], Region] = field(init=False, factory=dict, repr=False)

    def on(self, axes: tuple[Axis, ...]) -> Region:
        """Return the region on axes: what was worked out for the same ones before is kept."""
        key = tuple(map(_key, axes))
        region = self._regions.get(key)
        if region is None:
            region = Region(self, axes)
            while len(self._regions) >= _KEPT:
                self._regions.pop(next(iter(self._regions)), None)
            self._regions[key] = region
        return region


@frozen(eq=False, slots=False)
class Region:
    """The points on axes that keep the limits."""

    limits: Limits
    axes: tuple[Axis, ...]
    _kept: dict[Any, Any] = field(init=False, factory=dict, repr=False)

    def kept(self, kind: Callable[[Region], V]) -> V:
        """Return what a class makes of the region: once made, it is kept."""
        if kind not in self._kept:
            self._kept[kind] = kind(self)
        return self._kept[kind]  # type: ignore[no-any-return]

    @property
    def dim(self) -> int:
        """Return the number of dimensions, d."""
        return len(self.axes)

    @property
    def activity(self) -> Activity | None:
        """Return which dimensions are active where; None where all are."""
        return self.limits.activity

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Every dimension in numbers."""
        return tuple(map(Column, self.limits.parameters, self.axes))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The constraints on sums."""
        index = {parameter.name: i for i, parameter in enumerate(self.limits.parameters)}
        return tuple(
            row
            for number, constraint in enumerate(self.limits.constraints)
            if not isinstance(constraint, Forbidden)
            for row in rows_of(constraint, number, index)
        )

    @cached_property
    def bans(self) -> tuple[Ban, ...]:
        """The forbidden combinations."""
        index = {parameter.name: i for i, parameter in enumerate(self.limits.parameters)}
        return tuple(
            Ban(tuple((index[name], one) for name, one in constraint.where.conditions), number)
            for number, constraint in enumerate(self.limits.constraints)
            if isinstance(constraint, Forbidden)
        )

    @cached_property
    def tests(self) -> tuple[tuple[tuple[int, Test], ...], ...]:
        """Of every ban: by dimension, what tells of positions whether its condition is met."""
        return tuple(
            tuple((i, test_of(self.limits.parameters[i], one)) for i, one in ban.conditions)
            for ban in self.bans
        )

    @cached_property
    def weights(self) -> Points:
        """The coefficients of all rows (r, d)."""
        weights = np.zeros((len(self.rows), self.dim))
        for number, row in enumerate(self.rows):
            for i, coefficient in row.terms:
                weights[number, i] = coefficient
        return weights

    @cached_property
    def low(self) -> Points:
        """The least sums (r,)."""
        return np.array([row.low for row in self.rows])

    @cached_property
    def high(self) -> Points:
        """The greatest sums (r,)."""
        return np.array([row.high for row in self.rows])

    @cached_property
    def scale(self) -> Points:
        """The greatest absolute term that each row can have, or its bound, (r,)."""
        return np.array(
            [
                max(
                    *(
                        abs(c) * max(abs(self.columns[i].low), abs(self.columns[i].high))
                        for i, c in row.terms
                    ),
                    *(abs(bound) for bound in (row.low, row.high) if math.isfinite(bound)),
                )
                for row in self.rows
            ]
        )

    @cached_property
    def bounds(self) -> tuple[Points, Points]:
        """What ``narrowed`` returns for all rows."""
        return self.narrowed(self.rows)

    def narrowed(self, rows: Sequence[Row]) -> tuple[Points, Points]:
        """Return the least and greatest numbers (d,) that rows leave each dimension, one by one.

        Rows that do not always apply count for nothing here.
        """
        low = np.array([column.low for column in self.columns])
        high = np.array([column.high for column in self.columns])
        conditional = set() if self.activity is None else set(self.activity.conditional.tolist())
        always = [row for row in rows if not conditional.intersection(row.needs)]
        for _ in range(_NARROWED if always else 0):
            before = low.copy(), high.copy()
            for row in always:
                _narrow(row, low, high)
            if np.array_equal(before[0], low) and np.array_equal(before[1], high):
                break
        return low, high

    @cached_property
    def equal(self) -> Mask:
        """Which rows are equations (r,)."""
        return np.asarray(self.low == self.high)

    @cached_property
    def _whole(self) -> Mask:
        """Which rows have integers for terms (r,)."""
        return np.array(
            [
                all(self.columns[i].integral and float(c).is_integer() for i, c in row.terms)
                for row in self.rows
            ],
            dtype=bool,
        )

    @cached_property
    def _doubt(self) -> Points:
        """How far sums in floats may be from the exact ones (r,), relative to absolute terms."""
        terms = np.count_nonzero(self.weights, axis=1)
        exact = self._whole & (self.scale * terms < 2.0**53)
        return np.where(exact, 0.0, _ROUNDING * (1 + terms))

    @cached_property
    def slack(self) -> Points:
        """By how much a sum may miss its bounds (r,): 0 but for equations with floats."""
        ulps = np.array([math.ulp(scale) for scale in self.scale])
        return np.where(self.equal & ~self._whole, _ULPS * ulps, 0.0)

    @cached_property
    def used(self) -> tuple[int, ...]:
        """The dimensions that have a term in some row."""
        return tuple(np.flatnonzero(np.any(self.weights != 0.0, axis=0)).tolist())

    @cached_property
    def involved(self) -> tuple[int, ...]:
        """The dimensions that constraints or conditions look at."""
        found = set(self.used)
        for ban in self.bans:
            found.update(i for i, _ in ban.conditions)
        for child, conditions in self.limits.conditions:
            if conditions:
                found.update((child, *(parent for parent, _ in conditions)))
        return tuple(sorted(found))

    # --- which points keep the constraints ---

    def numbers(self, points: Points) -> Points:
        """Return the numbers (m, d) of points (m, d): 0 where inactive, or in no row."""
        numbers = np.zeros(points.shape)
        for dims, low, high, logs in self._continua:
            numbers[:, dims] = numbers_at(points[:, dims], low, high, logs)
        for i in self._listed:
            numbers[:, i] = self.columns[i].values(np.maximum(points[:, i], 0.0))
        return numbers if self.activity is None else np.where(points == NOWHERE, 0.0, numbers)

    @cached_property
    def _continua(self) -> list[tuple[list[int], Points, Points, tuple[Points, Points] | None]]:
        """The continuous dimensions that rows look at, with their ranges: those on a log scale, and
        the others. They are decoded at once, as the parameters do it one by one.
        """
        found = []
        for log in (False, True):
            dims = [
                i for i in self.used if self.columns[i].continuous and self.columns[i].log is log
            ]
            ends = [(one.low, one.high) for one in (self.limits.parameters[i] for i in dims)]  # type: ignore[union-attr]
            if dims:
                low, high = np.array(ends).T
                logs = (
                    np.array([[math.log(one) for one in some] for some in (low, high)])
                    if log
                    else None
                )
                found.append((dims, low, high, None if logs is None else (logs[0], logs[1])))
        return found

    @cached_property
    def _listed(self) -> list[int]:
        return [i for i in self.used if not self.columns[i].continuous]

    def applies(self, points: Points) -> Mask:
        """Tell which rows apply to points (m, d), (m, r)."""
        applies = np.ones((len(points), len(self.rows)), dtype=bool)
        if self.activity is not None:
            there = points != NOWHERE
            for number, row in enumerate(self.rows):
                applies[:, number] = there[:, list(row.needs)].all(axis=1)
        return applies

    def permits(self, points: Points) -> Mask:
        """Tell which points (m, d) have no forbidden combination (m,)."""
        fine = np.ones(len(points), dtype=bool)
        for tests in self.tests:
            fine[self._meets(tests, points, np.flatnonzero(fine))] = False
        return fine

    def forbidden_by(self, number: int, points: Points) -> Indices:
        """Return the rows of points (m, d) in which all conditions of a ban are met."""
        return self._meets(self.tests[number], points, np.arange(len(points)))

    @staticmethod
    def _meets(tests: Sequence[tuple[int, Test]], points: Points, rows: Indices) -> Indices:
        """Return those of some rows in which all tests are met."""
        for i, test in tests:
            if not len(rows):
                break
            rows = rows[points[rows, i] != NOWHERE]
            rows = rows[test(points[rows, i])]
        return rows

    def holds(self, points: Points) -> Mask:
        """Tell which settled points (m, d) keep all constraints, exactly, (m,)."""
        fine = self.permits(points)
        if self.rows:
            numbers, applies = self.numbers(points), self.applies(points)
            sums = numbers @ self.weights.T
            size = np.abs(numbers) @ np.abs(self.weights).T
            doubt = self._doubt * size + self.slack
            surely = (sums >= self.low + doubt) & (sums <= self.high - doubt)
            maybe = (sums >= self.low - doubt) & (sums <= self.high + doubt)
            fine &= (maybe | ~applies).all(axis=1)
            in_doubt = fine[:, None] & applies & ~surely & maybe
            for number in np.flatnonzero(in_doubt.any(axis=0)):
                rows = np.flatnonzero(in_doubt[:, number])
                fine[rows] &= self.kept_by(int(number), numbers[rows])
        return fine

    def kept_by(self, number: int, numbers: Points) -> Mask:
        """Tell of which numbers (m, d) a row holds, exactly, (m,).

        Sums are kept in two floats, the second of which has what the first has rounded away (Knuth
        1998, section 4.2.2). Those that are still next to a bound are added up by ``math.fsum``.
        """
        row = self.rows[number]
        terms = [coefficient * numbers[:, i] for i, coefficient in row.terms]
        total, rest = np.zeros(len(numbers)), np.zeros(len(numbers))
        for term in terms:
            added = total + term
            other = added - total
            rest += (total - (added - other)) + (term - other)
            total = added
        total = total + rest
        slack = np.full(len(numbers), self.slack[number])
        if self.slack[number]:  # what is told of it later is checked with this tolerance
            slack = np.minimum(slack, TOLERANCE * np.abs(terms).max(axis=0))
        low, high = row.low - slack, row.high + slack
        fine = (total >= low) & (total <= high)
        near = 2.0 * np.spacing(np.abs(total))
        close = (np.abs(total - low) <= near) | (np.abs(total - high) <= near)
        for m in np.flatnonzero(close):
            fine[m] = low[m] <= math.fsum(float(term[m]) for term in terms) <= high[m]
        return np.asarray(fine)

    def keeps(self, number: int, numbers: Points) -> bool:
        """Tell whether numbers (d,) keep a row, exactly."""
        return bool(self.kept_by(number, numbers[None])[0])
