"""A space in which some values are fixed: which points are left, and what their values are.

The axis of a fixed parameter has one position, and the axes of those it depends on have the
positions that make it active. What is fixed keeps its value to the last bit, which a position on a
continuum might not give back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from attrs import evolve, frozen

from asktell.errors import ParamsError, at_key, quoted
from asktell.space.absent import ABSENT
from asktell.space.activity import ends_within
from asktell.space.arguments import hint
from asktell.space.axes import Axis, Interval, Positions, Some, Stretch
from asktell.space.conditions import Between, Condition, OneOf
from asktell.space.constraints import Constraint
from asktell.space.domain import Domain
from asktell.space.parameters import Float, Ordinal, Parameter
from asktell.space.space import Points, Space, Values, keeps

_LISTED = 2**16
"""Up to so many levels, each is asked whether it keeps a condition; of more, which are numbers in
order, the ends are searched for."""

_ULPS = 64
"""So many neighbours of a position are tried for one that decodes to the right side of a bound."""

Needs = dict[int, list[Condition]]
"""What the parameters that are left open have to keep, by dimension."""


# --- what is asked for ---


def checked_part(space: Space, params: Any) -> dict[str, Any]:
    """Return some params with canonical values, in the order in which they came.

    Raises:
        ParamsError: a ``ValueError``; not a mapping, a name that is unknown, a value out of its
            parameter's range, or values that cannot be together.
    """
    fixed = _canonical(space, params)
    _needs(space, fixed)
    return {space.names[index]: value for index, value in fixed.items()}


def _canonical(space: Space, params: Any) -> dict[int, Any]:
    if not isinstance(params, Mapping):
        raise ParamsError("$", params, "a mapping from names of parameters to values")
    fixed = {}
    for name, value in params.items():
        if name not in space.index:
            expected = f"only names of parameters: some of {quoted(list(space.names))}"
            raise ParamsError(at_key("$", name), value, expected + hint(name, space.names))
        index = space.index[name]
        fixed[index] = space.parameters[index].check(value)
    return fixed


def _needs(space: Space, fixed: Mapping[int, Any]) -> Needs:
    """Return what has to hold of the parameters that are not fixed, so that those are active.

    Raises:
        ParamsError: a ``ValueError``; it cannot be.
    """
    conditions = dict(space.order)
    needs: Needs = {}
    waiting = list(fixed)
    seen = set(waiting)
    while waiting:
        child = waiting.pop()
        for parent, condition in conditions[child]:
            if parent not in fixed:
                needs.setdefault(parent, []).append(condition)
            elif not condition.holds(fixed[parent]):
                raise _clash(space, fixed, child)
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    for parent, some in needs.items():
        parameter = space.parameters[parent]
        if _only_value(parameter, some) is None and _part_of(parameter, some) is None:
            raise _clash(space, fixed, parent)
    params = {space.names[index]: value for index, value in fixed.items()}
    for constraint in space.constraints:
        if set(constraint.names) <= params.keys() and not keeps(constraint, params):
            named = {name: params[name] for name in constraint.names}
            raise ParamsError("$", named, f"values that keep the constraint {constraint}")
    return needs


def _clash(space: Space, fixed: Mapping[int, Any], index: int) -> ParamsError:
    params = {space.names[one]: value for one, value in fixed.items()}
    if index in fixed:
        when = space.parameters[index].when
        expected = f"no value beside {_others(params, space.names[index])}: "
        expected += f"it is active only where {when}"
        return ParamsError(f"$.{space.names[index]}", fixed[index], expected)
    expected = f"values that can be together: no {space.names[index]} makes all of them active"
    return ParamsError("$", params, expected)


def _others(params: dict[str, Any], name: str) -> str:
    return quoted({key: value for key, value in params.items() if key != name})


# --- the axes that are left ---


def _part_of(parameter: Parameter, conditions: list[Condition]) -> Axis | None:
    """Return the part of a parameter's axis that keeps conditions, or None where nothing does."""
    axis = parameter.axis

    def held(positions: Positions) -> Positions:
        values = parameter.decode(positions)
        keeps_all = [all(one.holds(value) for one in conditions) for value in values]
        return np.sort(positions[np.array(keeps_all, dtype=bool)])

    listed = [value for one in conditions if isinstance(one, OneOf) for value in one.values]
    is_listed = isinstance(parameter, Ordinal) or (axis.size or math.inf) <= _LISTED
    if is_listed or (listed and axis.size is not None):
        found = held(axis.levels() if is_listed else np.unique(parameter.encode(listed)))
        return Some(found, axis.categories and len(found)) if len(found) else None
    low, high = _bounds(conditions)
    if isinstance(parameter, Float) and isinstance(axis, Interval):
        first, last = _ends(parameter, conditions)
        return Stretch(axis, first, last) if first < last else None
    start, end = ends_within(parameter, low, high)
    if start > end:
        return None
    first, last = axis.positions(np.array([start, end])).tolist()
    return Stretch(axis, first, last)


def _only_value(parameter: Parameter, conditions: list[Condition]) -> float | None:
    """Return a value that keeps conditions, where these leave no stretch of a continuum."""
    if not isinstance(parameter, Float) or not isinstance(parameter.axis, Interval):
        return None
    listed = [value for one in conditions if isinstance(one, OneOf) for value in one.values]
    first, last = _ends(parameter, conditions)
    if not listed and first < last:
        return None
    low, _ = _bounds(conditions)
    tried: list[Any] = listed or [parameter.low if low is None else low]
    return next((value for value in tried if all(one.holds(value) for one in conditions)), None)


def _bounds(conditions: list[Condition]) -> tuple[float | None, float | None]:
    between = [one for one in conditions if isinstance(one, Between)]
    lows = [one.at_least for one in between if one.at_least is not None]
    highs = [one.at_most for one in between if one.at_most is not None]
    return max(lows, default=None), min(highs, default=None)


def _ends(parameter: Float, conditions: list[Condition]) -> tuple[float, float]:
    """Return the ends of the stretch of a continuum that decodes to values within bounds."""
    low, high = _bounds(conditions)
    least = parameter.low if low is None else max(low, parameter.low)
    most = parameter.high if high is None else min(high, parameter.high)
    if least > most:
        return 1.0, 0.0
    first = _nudged(parameter, least, lambda value: value >= least)
    return first, _nudged(parameter, most, lambda value: value <= most)


def _nudged(parameter: Float, value: float, holds: Callable[[float], bool]) -> float:
    """Return the position of a value, or the one next to it that decodes to what holds.

    Rounding may put the value itself on the wrong side of a bound.
    """
    position = float(parameter.encode([value])[0])
    down = up = position
    for _ in range(_ULPS):
        for tried in (down, up):
            if holds(parameter.decode(np.array([tried]))[0]):
                return tried
        down, up = max(math.nextafter(down, -1.0), 0.0), min(math.nextafter(up, 2.0), 1.0)
    return position


def _pinned(space: Space, index: int, value: Any) -> Axis:
    """Return the axis of a fixed parameter: the position that makes active what the value does."""
    parameter = space.parameters[index]
    if not isinstance(parameter.axis, Interval):
        return Some(parameter.encode([value]), int(parameter.axis.categories > 0))
    about = [one for _, conditions in space.order for parent, one in conditions if parent == index]

    def holds(other: float) -> bool:
        return all(one.holds(other) is one.holds(value) for one in about)

    return Some(np.array([_nudged(parameter, value, holds)]))


# --- the space that is left ---


@frozen(eq=False)
class Narrowed:
    """A space in which some values are fixed; make one with :func:`narrowed`.

    Attributes:
        space: the whole one.
        domain: the points that are left.
        fixed: the fixed values, by dimension.
    """

    space: Space
    domain: Domain
    fixed: Mapping[int, Any]

    def decode(self, points: Points) -> list[Values]:
        """Return n rows of canonical values for points (n, d) of the domain."""
        rows = self.space.decode(points)
        return [self._with_fixed(row) for row in rows] if self.fixed else rows

    def _with_fixed(self, row: Values) -> Values:
        """Return values with those that are fixed, to the last bit.

        A position on a continuum may lie on the other side of a bound than the value that it stands
        for. What that makes active begins where a search does.
        """
        values = [self.fixed.get(index, value) for index, value in enumerate(row)]
        for index, conditions in self.space.order if self.space.activity else ():
            if not all(_is_kept(one, values[parent]) for parent, one in conditions):
                values[index] = ABSENT
            elif values[index] is ABSENT:
                place = self.domain.centre[index : index + 1]
                values[index] = self.space.parameters[index].decode(place)[0]
        return tuple(values)

    def agrees(self, values: Values) -> bool:
        """Tell whether canonical values have what is fixed."""
        return all(values[index] == value for index, value in self.fixed.items())

    def keeps(self, values: Values) -> bool:
        """Tell whether values that were decoded keep the constraints.

        Where something is fixed, its value may differ from that of its position by a rounding.
        """
        if not self.fixed or not self.space.constraints:
            return True
        params = self.space.params(values)
        return all(keeps(constraint, params) for constraint in self.space.constraints)

    @property
    def complete(self) -> Values | None:
        """Return the one configuration that is left, if what is fixed says all of it."""
        names = self.space.names
        return self.space.complete({names[index]: value for index, value in self.fixed.items()})

    def rows(self, random: np.random.Generator) -> Iterator[Values]:
        """Yield every configuration once, in an order that begins somewhere at random.

        On a continuum, one value is drawn for each combination of the others before it.
        """
        space, order = self.space, self.space.order
        values: list[Any] = [ABSENT] * space.dim
        ended = _constraints_by_end(space)
        offsets = random.random(space.dim)
        waiting = [self._choices(order[0], values, offsets, random)]
        while waiting:
            depth = len(waiting) - 1
            index = order[depth][0]
            try:
                values[index] = next(waiting[-1])
            except StopIteration:
                waiting.pop()
                continue
            if depth in ended:
                params = space.params(tuple(values))
                if not all(keeps(constraint, params) for constraint in ended[depth]):
                    continue
            if len(waiting) == space.dim:
                yield tuple(values)
            else:
                waiting.append(self._choices(order[depth + 1], values, offsets, random))

    def _choices(
        self,
        dimension: tuple[int, tuple[tuple[int, Condition], ...]],
        values: list[Any],
        offsets: Positions,
        random: np.random.Generator,
    ) -> Iterator[Any]:
        """Yield the values that a dimension may have beside those of the dimensions before it."""
        index, conditions = dimension
        if not all(_is_kept(one, values[parent]) for parent, one in conditions):
            yield ABSENT
            return
        if index in self.fixed:
            yield self.fixed[index]
            return
        axis, decode = self.domain.axes[index], self.space.parameters[index].decode
        if axis.size is None:
            yield decode(axis.sample(random.random(1)))[0]
            return
        start = int(offsets[index] * axis.size)
        for step in range(axis.size):
            position = axis.positions(np.array([(start + step) % axis.size]))
            yield decode(position)[0]


def narrowed(space: Space, params: Mapping[str, Any] | None) -> Narrowed:
    """Return the part of a space that has some values fixed; all of it for None.

    Raises:
        ParamsError: a ``ValueError``; not a mapping, a name that is unknown, a value out of its
            parameter's range, or values that cannot be together.
    """
    if not params and (params is None or isinstance(params, Mapping)):
        return Narrowed(space, space.domain, {})
    fixed = _canonical(space, params)
    parts: dict[int, Axis] = {}
    for index, conditions in _needs(space, fixed).items():
        value = _only_value(space.parameters[index], conditions)
        part = _part_of(space.parameters[index], conditions)
        if value is not None:
            fixed[index] = value
        elif part is not None:
            parts[index] = part
    for index, value in fixed.items():
        parts[index] = _pinned(space, index, value)
    axes = tuple(parts.get(index, axis) for index, axis in enumerate(space.axes))
    centre = np.array(
        [_centre(axis, place) for axis, place in zip(axes, space.domain.centre, strict=True)]
    )
    return Narrowed(space, evolve(space.domain, axes=axes, centre=centre), fixed)


def _is_kept(condition: Condition, value: Any) -> bool:
    return value is not ABSENT and condition.holds(value)


def _centre(axis: Axis, place: float) -> float:
    """Return where a search begins on an axis: at the place or nearby; of categories, the first."""
    nearest = float(axis.snap(np.array([place]))[0])
    return float(axis.levels()[0]) if axis.categories and nearest != place else nearest


def _constraints_by_end(space: Space) -> dict[int, list[Constraint]]:
    """Return the constraints by the step at which all of their parameters have values."""
    places = {space.names[index]: depth for depth, (index, _) in enumerate(space.order)}
    ended: dict[int, list[Constraint]] = {}
    for constraint in space.constraints:
        ended.setdefault(max(places[name] for name in constraint.names), []).append(constraint)
    return ended
