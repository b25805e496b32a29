"""What some params need of the others: values that make them active, and the axes that leave these.

Values that cannot be together are refused here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from asktell.errors import ParamsError, at_key, quoted
from asktell.space.activity import ends_within
from asktell.space.arguments import hint
from asktell.space.axes import Axis, Interval, Positions, Some, Stretch
from asktell.space.conditions import Between, Condition, OneOf
from asktell.space.parameters import Float, Ordinal, Parameter
from asktell.space.space import Space, keeps

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
    fixed = canonical_part(space, params)
    needs_of(space, fixed)
    return {space.names[index]: value for index, value in fixed.items()}


def canonical_part(space: Space, params: Any) -> dict[int, Any]:
    """Return some params as canonical values by dimension, each looked at alone.

    Raises:
        ParamsError: a ``ValueError`` that names the place.
    """
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


def needs_of(space: Space, fixed: Mapping[int, Any]) -> Needs:
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
        if only_value(parameter, some) is None and part_of(parameter, some) is None:
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


def part_of(parameter: Parameter, conditions: list[Condition]) -> Axis | None:
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


def only_value(parameter: Parameter, conditions: list[Condition]) -> float | None:
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


def pinned(space: Space, index: int, value: Any) -> Axis:
    """Return the axis of a fixed parameter: the position that makes active what the value does."""
    parameter = space.parameters[index]
    if not isinstance(parameter.axis, Interval):
        return Some(parameter.encode([value]), int(parameter.axis.categories > 0))
    about = [one for _, conditions in space.order for parent, one in conditions if parent == index]

    def holds(other: float) -> bool:
        return all(one.holds(other) is one.holds(value) for one in about)

    return Some(np.array([_nudged(parameter, value, holds)]))
