"""The space: several parameters, whose params map to points in the unit cube and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from asktell.errors import NOTHING, DefinitionError, ParamsError, at_key, quoted
from asktell.space.axes import Axis
from asktell.space.parameters import Bool, Categorical, Float, Int, Ordinal, Parameter

Points = NDArray[np.float64]
Values = tuple[Any, ...]
"""Canonical values in the order of the space's parameters: params without the names."""

_LONGEST_LIST = 400
"""How much of its list of names a message shows."""


@frozen(init=False)
class Space:
    """Several parameters, in order.

    Args:
        *parameters: one or more of ``Float``, ``Int``, ``Ordinal``, ``Categorical``, ``Bool``,
            each with a name of its own.

    Raises:
        DefinitionError: a ``ValueError``; there are no parameters, one is not a parameter, or a
            name is used twice.
    """

    parameters: tuple[Parameter, ...]
    names: tuple[str, ...] = field(eq=False, repr=False)
    axes: tuple[Axis, ...] = field(eq=False, repr=False)
    _checks: tuple[tuple[str, Callable[[Any], Any]], ...] = field(eq=False, repr=False)

    def __init__(self, *parameters: Parameter) -> None:
        """Check and keep the parameters."""
        if not parameters:
            raise DefinitionError("$.parameters", (), "at least one parameter")
        known: set[str] = set()
        for position, parameter in enumerate(parameters):
            place = f"$.parameters[{position}]"
            if not isinstance(parameter, Float | Int | Ordinal | Categorical | Bool):
                raise DefinitionError(place, parameter, _what_to_pass(parameter))
            if parameter.name in known:
                raise DefinitionError(f"{place}.name", parameter.name, "a name not used before")
            known.add(parameter.name)
        names = tuple(parameter.name for parameter in parameters)
        axes = tuple(parameter.axis for parameter in parameters)
        checks = tuple((parameter.name, parameter.check) for parameter in parameters)
        self.__attrs_init__(parameters, names, axes, checks)

    @property
    def dim(self) -> int:
        """Return the number of parameters, d."""
        return len(self.parameters)

    @property
    def size(self) -> int | None:
        """Return how many configurations exist, or None where there is a continuum."""
        sizes = [axis.size for axis in self.axes]
        return math.prod(size for size in sizes if size) if all(sizes) else None

    # --- params ---

    def check(self, params: Any) -> Values:
        """Return the canonical values of params, in the space's order.

        Raises:
            ParamsError: a ``ValueError``; not a mapping, a name missing or unknown, or a value of
                the wrong type or out of its parameter's range.
        """
        if type(params) is dict and len(params) == len(self._checks):
            try:
                return tuple([check(params[name]) for name, check in self._checks])
            except (KeyError, ParamsError):
                pass  # the thorough way says what is wrong
        if not isinstance(params, Mapping):
            raise ParamsError("$", params, f"a mapping with the keys {self._listed()}")
        for name in self.names:
            if name not in params:
                raise ParamsError(f"$.{name}", NOTHING, "a value")
        values = tuple([check(params[name]) for name, check in self._checks])
        if len(params) > len(values):
            unknown = next(name for name in params if name not in self.names)
            expected = f"only the keys {self._listed()}"
            raise ParamsError(at_key("$", unknown), params[unknown], expected)
        return values

    def _listed(self) -> str:
        return quoted(list(self.names), _LONGEST_LIST)

    def params(self, values: Values) -> dict[str, Any]:
        """Return the params of canonical values, as a new dict."""
        return dict(zip(self.names, values, strict=True))

    # --- points ---

    def encode(self, rows: Sequence[Values]) -> Points:
        """Return the points (n, d) of n rows of canonical values."""
        columns = zip(*rows, strict=True) if rows else ((),) * self.dim
        points = np.empty((len(rows), self.dim))
        for index, (parameter, column) in enumerate(zip(self.parameters, columns, strict=True)):
            points[:, index] = parameter.encode(column)
        return points

    def decode(self, points: Points) -> list[Values]:
        """Return n rows of canonical values for points (n, d); they are snapped to the grid."""
        columns = [
            parameter.decode(points[:, index]) for index, parameter in enumerate(self.parameters)
        ]
        return list(zip(*columns, strict=True))

    def snap(self, points: Points) -> Points:
        """Return the nearest points (n, d) that lie on every grid."""
        return self._by_axis("snap", points)

    def sample(self, uniform: Points) -> Points:
        """Map uniform numbers (n, d) in [0, 1) to points (n, d) on the grid."""
        return self._by_axis("sample", uniform)

    def _by_axis(self, method: str, points: Points) -> Points:
        columns = [getattr(axis, method)(points[:, i]) for i, axis in enumerate(self.axes)]
        return np.column_stack(columns)

    # --- a finite space ---

    def configuration(self, index: int) -> Values:
        """Return the canonical values of configuration number ``index`` of a finite space.

        The last parameter varies fastest.

        Raises:
            IndexError: not in ``range(size)``, or the space is not finite.
        """
        if self.size is None or not 0 <= index < self.size:
            raise IndexError(f"configuration {index} of a space of {self.size}")
        values: list[Any] = []
        for parameter in reversed(self.parameters):
            axis = parameter.axis
            if isinstance(axis.size, int):
                index, level = divmod(index, axis.size)
                values.append(parameter.decode(axis.positions(np.array([level])))[0])
        return tuple(reversed(values))


def _what_to_pass(got: Any) -> str:
    if isinstance(got, Mapping):
        return "Float, Int, Ordinal, Categorical or Bool, each by itself, not a dict of them"
    if isinstance(got, Iterable):
        return "parameters one by one: unpack them with a star, Space(*parameters)"
    return "Float, Int, Ordinal, Categorical or Bool"
