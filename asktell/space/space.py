"""The space: several parameters, whose params map to points in the unit cube and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from asktell.errors import NOTHING, DefinitionError, ParamsError, at_key, quoted
from asktell.space.absent import ABSENT, NOWHERE
from asktell.space.activity import Activity, Rule, test_of
from asktell.space.axes import Axis
from asktell.space.conditions import Condition
from asktell.space.constraints import Constraint
from asktell.space.definition import checked_constraints, ordered
from asktell.space.domain import Domain, centre_of
from asktell.space.parameters import Bool, Categorical, Float, Int, Ordinal, Parameter
from asktell.space.region import Limits

Points = NDArray[np.float64]
Values = tuple[Any, ...]
"""Canonical values in the order of the space's parameters, ``ABSENT`` where one is not active."""

_LONGEST_LIST = 400
"""How much of its list of names a message shows."""


@frozen(init=False)
class Space:
    """Several parameters, in order, and constraints on them.

    Args:
        *parameters: one or more of ``Float``, ``Int``, ``Ordinal``, ``Categorical``, ``Bool``,
            each with a name of its own.
        constraints: which combinations of values there are: ``Linear``, ``Ordered``,
            ``Forbidden``, ``Simplex``. Each applies where all parameters it names are active.

    Raises:
        DefinitionError: a ``ValueError``; there are no parameters, one is not a parameter, a name
            is used twice, a condition or a constraint names what is not there or can never hold,
            conditions go round in a circle, or all parameters have defaults, which break a
            constraint.
    """

    parameters: tuple[Parameter, ...]
    constraints: tuple[Constraint, ...]
    names: tuple[str, ...] = field(eq=False, repr=False)
    axes: tuple[Axis, ...] = field(eq=False, repr=False)
    index: Mapping[str, int] = field(eq=False, repr=False)
    """The position of every parameter, by name."""

    activity: Activity | None = field(eq=False, repr=False)
    """Which parameters are active where; None where all are, always."""

    domain: Domain = field(eq=False, repr=False)
    """The points that there are."""

    _checks: tuple[tuple[str, Callable[[Any], Any]], ...] = field(eq=False, repr=False)
    _order: tuple[tuple[int, tuple[tuple[int, Condition], ...]], ...] = field(eq=False, repr=False)
    """Every dimension after those its conditions look at, with these."""

    def __init__(self, *parameters: Parameter, constraints: Sequence[Constraint] = ()) -> None:
        """Check and keep the parameters and constraints."""
        if not parameters:
            raise DefinitionError("$.parameters", (), "at least one parameter")
        known: dict[str, int] = {}
        for position, parameter in enumerate(parameters):
            place = f"$.parameters[{position}]"
            if not isinstance(parameter, Float | Int | Ordinal | Categorical | Bool):
                raise DefinitionError(place, parameter, _what_to_pass(parameter))
            if parameter.name in known:
                raise DefinitionError(f"{place}.name", parameter.name, "a name not used before")
            known[parameter.name] = position
        order = ordered(parameters, known)
        rules = tuple(
            Rule(
                child,
                tuple((parent, test_of(parameters[parent], one)) for parent, one in conditions),
            )
            for child, conditions in order
            if conditions
        )
        axes = tuple(parameter.axis for parameter in parameters)
        activity = Activity(len(parameters), rules) if rules else None
        checked = checked_constraints(constraints, parameters, known)
        limits = Limits(parameters, checked, order, activity) if checked or rules else None
        likely = _likely(parameters)
        domain = Domain(axes, _begin(parameters), None, activity, likely, limits)
        self.__attrs_init__(
            parameters,
            checked,
            tuple(parameter.name for parameter in parameters),
            axes,
            known,
            activity,
            domain,
            tuple((parameter.name, parameter.check) for parameter in parameters),
            order,
        )
        self._check_defaults()
        if checked:
            domain.check()

    def __reduce__(self) -> tuple[Callable[..., Space], tuple[Parameter, ...]]:
        """Pickle what the space is made of: the rest follows, and has functions in it."""
        return partial(Space, constraints=self.constraints), self.parameters

    @property
    def dim(self) -> int:
        """Return the number of parameters, d."""
        return len(self.parameters)

    @property
    def size(self) -> int | None:
        """Return how many configurations exist.

        None where there is a continuum, or where conditions and constraints leave too much to
        count: dimensions that these link are gone through, up to about a quarter of a million
        values that differ in what the rest has to know.
        """
        return self.domain.size

    @property
    def order(self) -> tuple[tuple[int, tuple[tuple[int, Condition], ...]], ...]:
        """Return every dimension with its conditions on others, after all of these."""
        return self._order

    # --- params ---

    def check(self, params: Any) -> Values:
        """Return the canonical values of params, in the space's order.

        Raises:
            ParamsError: a ``ValueError``; not a mapping, a name missing or unknown, a value of
                the wrong type or out of its parameter's range, a value of a parameter that is
                not active, or a constraint that is broken.
        """
        if type(params) is dict and len(params) == len(self._checks) and self.activity is None:
            try:
                values = tuple([check(params[name]) for name, check in self._checks])
            except (KeyError, ParamsError):
                values = self._checked(params)  # the thorough way says what is wrong
        else:
            values = self._checked(params)
        if self.constraints:
            self._check_constraints(values)
        return values

    def _checked(self, params: Any) -> Values:
        if not isinstance(params, Mapping):
            raise ParamsError("$", params, f"a mapping with the keys {self._listed()}")
        for index, conditions in self._order:  # before all else: what is missing may be misspelt
            if not conditions and self.names[index] not in params:
                raise ParamsError(f"$.{self.names[index]}", NOTHING, "a value")
        values: list[Any] = [ABSENT] * self.dim
        for index, conditions in self._order:
            name, check = self._checks[index]
            if all(is_kept(condition, values[parent]) for parent, condition in conditions):
                if name not in params:
                    raise ParamsError(f"$.{name}", NOTHING, "a value")
                values[index] = check(params[name])
            elif name in params:
                expected = f"no value: it is active only where {self.parameters[index].when}"
                raise ParamsError(f"$.{name}", params[name], expected)
        for unknown in params:
            if unknown in self.index:
                continue
            expected = f"only the keys {self._listed()}"
            raise ParamsError(at_key("$", unknown), params[unknown], expected)
        return tuple(values)

    def _check_defaults(self) -> None:
        values = self.defaults if self.constraints else None
        params = {} if values is None else self.params(values)
        for position, constraint in enumerate(self.constraints):
            if values is not None and not keeps(constraint, params):
                named = {name: params[name] for name in constraint.names}
                expected = f"defaults that keep it: {constraint}"
                raise DefinitionError(f"$.constraints[{position}]", named, expected)

    def _check_constraints(self, values: Values) -> None:
        params = self.params(values)
        for constraint in self.constraints:
            if not keeps(constraint, params):
                named = {name: params[name] for name in constraint.names}
                raise ParamsError("$", named, f"values that keep the constraint {constraint}")

    def complete(self, params: Mapping[str, Any]) -> Values | None:
        """Return the values of canonical params; None where one that is active is missing.

        What is not active is left out. Constraints are not looked at.
        """
        values: list[Any] = [ABSENT] * self.dim
        for index, conditions in self._order:
            if all(is_kept(condition, values[parent]) for parent, condition in conditions):
                if self.names[index] not in params:
                    return None
                values[index] = params[self.names[index]]
        return tuple(values)

    @property
    def defaults(self) -> Values | None:
        """Return the values of the defaults; None where one that is active has none."""
        return self.complete({p.name: p.default for p in self.parameters if p.default is not None})

    def _listed(self) -> str:
        return quoted(list(self.names), _LONGEST_LIST)

    def params(self, values: Values) -> dict[str, Any]:
        """Return the params of canonical values, as a new dict."""
        if self.activity is None:  # a known outcome asks for those of thousands of points
            return dict(zip(self.names, values, strict=True))
        return params_of(self.names, values)

    # --- points ---

    def encode(self, rows: Sequence[Values]) -> Points:
        """Return the points (n, d) of n rows of canonical values."""
        columns = zip(*rows, strict=True) if rows else ((),) * self.dim
        points = np.empty((len(rows), self.dim))
        conditional = () if self.activity is None else self.activity.conditional
        for index, (parameter, column) in enumerate(zip(self.parameters, columns, strict=True)):
            if index in conditional:
                present = np.array([value is not ABSENT for value in column], dtype=bool)
                points[:, index] = NOWHERE
                given = [value for value in column if value is not ABSENT]
                points[present, index] = parameter.encode(given) if given else NOWHERE
            else:
                points[:, index] = parameter.encode(column)
        return points

    def decode(self, points: Points) -> list[Values]:
        """Return n rows of canonical values for points (n, d); they are snapped to the grid.

        Where a parameter is active and the point is nowhere, it has the value of position 0.
        """
        columns: list[Sequence[Any]] = [
            parameter.decode(points[:, index]) for index, parameter in enumerate(self.parameters)
        ]
        if self.activity is not None:
            active = self.activity.of(points)
            for index in self.activity.conditional:
                columns[index] = [
                    value if there else ABSENT
                    for value, there in zip(columns[index], active[:, index], strict=True)
                ]
        return list(zip(*columns, strict=True))

    def snap(self, points: Points) -> Points:
        """Return the nearest points (n, d) that there are."""
        return self.domain.snap(points)

    def sample(self, uniform: Points) -> Points:
        """Map uniform numbers (n, d) in [0, 1) to points (n, d) that there are."""
        return self.domain.sample(uniform)

    def holds(self, rows: Sequence[Values]) -> NDArray[np.bool_]:
        """Tell which rows of canonical values keep the constraints exactly (n,).

        ``check`` takes values that break them by no more than rounding; suggestions keep them.
        """
        if self.domain.region is None or not rows:
            return np.ones(len(rows), dtype=bool)
        return self.domain.region.holds(self.encode(rows))

    # --- a finite space ---

    def configuration(self, index: int) -> Values:
        """Return the canonical values of configuration number ``index`` of a finite space.

        Without conditions and constraints, the last parameter varies fastest.

        Raises:
            IndexError: not in ``range(size)``, or the space is not finite, or not counted.
        """
        if self.size is None or not 0 <= index < self.size:
            raise IndexError(f"configuration {index} of a space of {self.size}")
        if self.domain.count is not None:
            return self.decode(self.domain.count.point(index)[None])[0]
        values: list[Any] = []
        for parameter in reversed(self.parameters):
            axis = parameter.axis
            if isinstance(axis.size, int):
                index, level = divmod(index, axis.size)
                values.append(parameter.decode(axis.positions(np.array([level])))[0])
        return tuple(reversed(values))


def params_of(names: Sequence[str], values: Values) -> dict[str, Any]:
    """Return the params of values: a new dict, without what is not active."""
    return {name: value for name, value in zip(names, values, strict=True) if value is not ABSENT}


def keeps(constraint: Constraint, params: Mapping[str, Any]) -> bool:
    """Tell whether params keep a constraint; where it does not apply, they do."""
    return any(name not in params for name in constraint.names) or constraint.holds(params)


def is_kept(condition: Condition, value: Any) -> bool:
    """Tell whether a value keeps a condition; what is not active keeps none."""
    return value is not ABSENT and condition.holds(value)


def _begin(parameters: Sequence[Parameter]) -> Points:
    """Return where a search begins (d,): at the defaults, else at the first of what is likely, else
    in the middle.
    """
    return np.array([_begin_on(parameter) for parameter in parameters])


def _begin_on(parameter: Parameter) -> float:
    if parameter.default is not None:
        return float(parameter.encode([parameter.default])[0])
    if parameter.likely:
        return float(parameter.encode(parameter.likely[:1])[0])
    return centre_of(parameter.axis)


def _likely(parameters: Sequence[Parameter]) -> tuple[tuple[float, ...], ...]:
    """Return the likely positions on every axis; nothing where no parameter has any."""
    if not any(parameter.likely for parameter in parameters):
        return ()
    return tuple(
        tuple(parameter.encode(parameter.likely).tolist()) if parameter.likely else ()
        for parameter in parameters
    )


def _what_to_pass(got: Any) -> str:
    if isinstance(got, Mapping):
        return "Float, Int, Ordinal, Categorical or Bool, each by itself, not a dict of them"
    if isinstance(got, Iterable):
        return "parameters one by one: unpack them with a star, Space(*parameters)"
    return "Float, Int, Ordinal, Categorical or Bool"
