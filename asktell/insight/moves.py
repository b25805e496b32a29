"""Points that there are, and what becomes of them as some of their parameters move.

In a space with conditions and constraints not every parameter can move by itself. What it makes
active comes along, and the other shares of a simplex make room in proportion (Cox 1971). Where the
moved point breaks another constraint, there is no such point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen

from asktell.acquisition.design import sobol
from asktell.model.kernels import Array
from asktell.space.absent import NOWHERE
from asktell.space.activity import test_of
from asktell.space.axes import Indices
from asktell.space.constraints import (
    TOLERANCE,
    Constraint,
    Forbidden,
    Linear,
    Ordered,
    Simplex,
)
from asktell.space.domain import Mask, Points
from asktell.space.parameters import Float
from asktell.space.space import Space


@frozen(eq=False)
class Drawn:
    """Points (n, d) drawn from all of a space, and a random position on every axis of each (n, d).

    The latter are what a dimension of the point gets when it becomes active.
    """

    points: Points
    fills: Points

    def first(self, n: int) -> Drawn:
        """Return the first of them."""
        return Drawn(self.points[:n], self.fills[:n])


def drawn(space: Space, n: int, random: np.random.Generator) -> Drawn:
    """Return about n points, evenly spread over the space; fewer where constraints leave few."""
    uniform = sobol(space.dim, n, random)
    fills = space.domain.sampled(uniform)
    points = _shared(space, space.sample(uniform), ())
    there = exist(space, points)
    return Drawn(points[there], fills[there])


def moved(
    space: Space, points: Points, fills: Points, dimensions: Sequence[int], positions: Array
) -> tuple[Points, Mask]:
    """Return points with other positions along some dimensions, and which of them there are.

    Args:
        space: that of the points.
        points: in it (m, d).
        fills: what dimensions get that become active (m, d), or (d,) for all.
        dimensions: which k of them move.
        positions: to where (m, k), or (k,) for all.

    Returns:
        The points (m, d), and whether each exists with all of these dimensions active (m,).
    """
    rows = points.copy()
    rows[:, list(dimensions)] = positions
    rows = _shared(space, space.domain.settled(rows, fills), dimensions)
    there = (rows[:, list(dimensions)] != NOWHERE).all(axis=1)
    there[there] = exist(space, rows[there])
    return rows, there


def exist(space: Space, points: Points) -> Mask:
    """Tell which points (m, d) lie on the axes and keep the constraints of a space (m,).

    Sums are taken for right that are right but for rounding.
    """
    there = np.ones(len(points), dtype=bool)
    for constraint in space.constraints:
        columns = points[:, [space.index[name] for name in constraint.names]]
        applies = (columns != NOWHERE).all(axis=1)
        on_axes = (np.maximum(columns - 1.0, -columns) <= TOLERANCE).all(axis=1)
        there &= ~applies | on_axes
        some = applies & there
        there[some] = _kept(space, constraint, np.clip(columns[some], 0.0, 1.0))
    return there


def _kept(space: Space, constraint: Constraint, columns: Points) -> Mask:
    """Tell which positions (m, c) of the parameters of a constraint keep it (m,)."""
    parameters = [space.parameters[space.index[name]] for name in constraint.names]
    if isinstance(constraint, Forbidden):
        pairs = zip(parameters, constraint.where.conditions, strict=True)
        tests = [test_of(parameter, condition) for parameter, (_, condition) in pairs]
        met = [test(columns[:, i]) for i, test in enumerate(tests)]
        return np.asarray(~np.all(met, axis=0))
    decoded: list[Any] = [p.decode(columns[:, i]) for i, p in enumerate(parameters)]
    numbers = np.column_stack(decoded).astype(np.float64)
    if isinstance(constraint, Ordered):
        return np.asarray((np.diff(numbers, axis=1) >= 0.0).all(axis=1))
    if isinstance(constraint, Linear):
        numbers = numbers * [number for _, number in constraint.coefficients]
        low, high = constraint.at_least, constraint.at_most
    else:
        low = high = constraint.total
    sums, slack = numbers.sum(axis=1), TOLERANCE * np.abs(numbers).max(axis=1)
    enough = low is None or sums >= low - slack
    return np.asarray(enough & (high is None or sums <= high + slack))


def _shared(space: Space, points: Points, dimensions: Sequence[int]) -> Points:
    """Return points whose shares sum to their totals; those along these dimensions stay."""
    for constraint in space.constraints:
        if isinstance(constraint, Simplex):
            members = np.array([space.index[name] for name in constraint.names])
            others = members[~np.isin(members, list(dimensions))]
            if len(others) and (len(others) < len(members) or not len(dimensions)):
                points = _scaled(space, points, members, others, constraint.total)
    return points


def _scaled(
    space: Space, points: Points, members: Indices, others: Indices, total: float
) -> Points:
    """Return points whose members sum to a total, by a factor on the others."""
    ends = [(p.low, p.high) if isinstance(p, Float) else (0.0, 1.0) for p in space.parameters]
    low, high = np.array(ends).T
    width = high - low
    active = (points[:, members] != NOWHERE).all(axis=1)
    numbers = low + points[active] * width
    kept = np.setdiff1d(members, others)
    sums = numbers[:, others].sum(axis=1)
    wanted = (total - numbers[:, kept].sum(axis=1)) / np.where(sums > 0.0, sums, 1.0)
    rows = points[active]
    rows[:, others] = (numbers[:, others] * wanted[:, None] - low[others]) / width[others]
    scaled = points.copy()
    scaled[active] = rows
    return scaled
