"""A space in which some values are fixed: which points are left, and what their values are.

The axis of a fixed parameter has one position, and the axes of those it depends on have the
positions that make it active. What is fixed keeps its value to the last bit, which a position on a
continuum might not give back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from attrs import evolve, frozen

from asktell.errors import DefinitionError, ParamsError
from asktell.space.absent import ABSENT
from asktell.space.axes import Axis, Positions
from asktell.space.conditions import Condition
from asktell.space.domain import Domain
from asktell.space.needs import canonical_part, needs_of, only_value, part_of, pinned
from asktell.space.space import Points, Space, Values, is_kept, keeps

_DRAWN = 1024
"""So many points are drawn of a continuum with constraints before it counts as used up."""


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
            if not all(is_kept(one, values[parent]) for parent, one in conditions):
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

        On a continuum, one value is drawn for each combination of the others before it; with
        constraints, some points are drawn instead. What cannot be counted may end early.
        """
        count, sampler = self.domain.count, self.domain.sampler
        is_listed = count is not None and (sampler is not None or count.size is not None)
        if count is not None and is_listed and not self.domain.continuous.any():
            for point in count.rows(random):
                yield self.decode(point[None])[0]
            return
        if sampler is not None:
            yield from self.decode(self.domain.sample(random.random((_DRAWN, self.domain.dim))))
            return
        space, order = self.space, self.space.order
        values: list[Any] = [ABSENT] * space.dim
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
        if not all(is_kept(one, values[parent]) for parent, one in conditions):
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
    fixed = canonical_part(space, params)
    parts: dict[int, Axis] = {}
    for index, conditions in needs_of(space, fixed).items():
        value = only_value(space.parameters[index], conditions)
        part = part_of(space.parameters[index], conditions)
        if value is not None:
            fixed[index] = value
        elif part is not None:
            parts[index] = part
    for index, value in fixed.items():
        parts[index] = pinned(space, index, value)
    axes = tuple(parts.get(index, axis) for index, axis in enumerate(space.axes))
    centre = np.array(
        [_centre(axis, place) for axis, place in zip(axes, space.domain.centre, strict=True)]
    )
    domain = evolve(space.domain, axes=axes, centre=centre)
    try:
        domain.check()
    except DefinitionError as error:
        raise ParamsError("$", params, f"values that can be together: {error.expected}") from None
    return Narrowed(space, domain, fixed)


def _centre(axis: Axis, place: float) -> float:
    """Return where a search begins on an axis: at the place or nearby; of categories, the first."""
    nearest = float(axis.snap(np.array([place]))[0])
    return float(axis.levels()[0]) if axis.categories and nearest != place else nearest
