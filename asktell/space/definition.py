"""What a space is made of, checked: conditions and constraints against the parameters they name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asktell.errors import DefinitionError, at_key, quoted
from asktell.space.activity import circle_in, ends_within, in_order
from asktell.space.beginning import canonicals
from asktell.space.column import is_number
from asktell.space.conditions import Between, Condition, OneOf, Where
from asktell.space.constraints import Constraint, Forbidden, Linear, Ordered, Simplex
from asktell.space.parameters import Float, Int, Ordinal, Parameter

_LONGEST_LIST = 400
"""How much of a list of names a message shows."""


def ordered(
    parameters: Sequence[Parameter], known: Mapping[str, int]
) -> tuple[tuple[int, tuple[tuple[int, Condition], ...]], ...]:
    """Return every dimension after those its conditions look at, with these conditions.

    Raises:
        DefinitionError: a condition names no other parameter, or can never hold; or they go round
            in a circle.
    """
    conditions: list[tuple[tuple[int, Condition], ...]] = []
    for position, parameter in enumerate(parameters):
        where = parameter.when.conditions if parameter.when is not None else ()
        conditions.append(
            tuple(
                _resolved(name, one, parameters, known, f"$.parameters[{position}].when")
                for name, one in where
            )
        )
    parents = [[parent for parent, _ in pairs] for pairs in conditions]
    if circle := circle_in(parents):
        names = [parameters[index].name for index in circle]
        expected = "conditions that do not go round in a circle"
        raise DefinitionError("$.parameters", names, expected)
    return tuple((index, conditions[index]) for index in in_order(parents))


def _resolved(
    name: str,
    condition: Condition,
    parameters: Sequence[Parameter],
    known: Mapping[str, int],
    place: str,
) -> tuple[int, Condition]:
    """Return the parameter that a condition looks at, and the condition on canonical values."""
    at = at_key(place, name)
    if name not in known:
        expected = f"the name of a parameter: one of {quoted(list(known), _LONGEST_LIST)}"
        raise DefinitionError(at, name, expected)
    parameter = parameters[known[name]]
    if isinstance(condition, OneOf):
        return known[name], OneOf(canonicals(parameter.check, list(condition.values), at))
    if not is_number(parameter):
        raise DefinitionError(at, str(condition), f"values: {name} is not a number")
    if not _can_hold(parameter, condition):
        raise DefinitionError(at, str(condition), f"bounds that some value of {name} keeps")
    return known[name], condition


def _can_hold(parameter: Parameter, condition: Between) -> bool:
    if isinstance(parameter, Ordinal):
        return any(condition.holds(value) for value in parameter.values)
    if isinstance(parameter, Float | Int) and parameter.axis.size is None:
        low, high = condition.at_least, condition.at_most
        return (low is None or low <= parameter.high) and (high is None or high >= parameter.low)
    start, end = ends_within(parameter, condition.at_least, condition.at_most)
    return start <= end


def checked_constraints(
    constraints: Any, parameters: Sequence[Parameter], known: Mapping[str, int]
) -> tuple[Constraint, ...]:
    """Return constraints on canonical values.

    Raises:
        DefinitionError: it names the constraint.
    """
    if isinstance(constraints, str | Mapping) or not isinstance(constraints, Sequence):
        raise DefinitionError("$.constraints", constraints, "a list of constraints")
    checked: list[Constraint] = []
    for position, constraint in enumerate(constraints):
        place = f"$.constraints[{position}]"
        if not isinstance(constraint, Linear | Ordered | Forbidden | Simplex):
            expected = "Linear, Ordered, Forbidden or Simplex"
            raise DefinitionError(place, constraint, expected)
        if isinstance(constraint, Forbidden):
            pairs = [
                _resolved(name, one, parameters, known, f"{place}.forbidden")
                for name, one in constraint.where.conditions
            ]
            where = Where(tuple((parameters[index].name, one) for index, one in pairs))
            checked.append(Forbidden(where))  # type: ignore[arg-type]  # its own form, checked
            continue
        for name in constraint.names:
            if name not in known:
                expected = f"the name of a parameter: one of {quoted(list(known), _LONGEST_LIST)}"
                raise DefinitionError(_place_of(constraint, name, place), name, expected)
            if not is_number(parameters[known[name]]):
                expected = "the name of a parameter whose values are numbers"
                raise DefinitionError(_place_of(constraint, name, place), name, expected)
            if isinstance(constraint, Simplex) and parameters[known[name]].axis.size is not None:
                expected = "the name of a Float parameter without step"
                raise DefinitionError(_place_of(constraint, name, place), name, expected)
        if not math.isfinite(_greatest_sum(constraint, parameters, known)):
            raise DefinitionError(place, str(constraint), "numbers whose sum a float can hold")
        checked.append(constraint)
    return tuple(checked)


def _greatest_sum(
    constraint: Constraint, parameters: Sequence[Parameter], known: Mapping[str, int]
) -> float:
    """Return a bound on the magnitude of the sum that a constraint is about, 0 without one."""
    terms: Sequence[tuple[str, float]] = ()
    if isinstance(constraint, Linear):
        terms = constraint.coefficients
    elif isinstance(constraint, Simplex):
        terms = [(name, 1.0) for name in constraint.names]
    total = 0.0
    for name, number in terms:
        parameter = parameters[known[name]]
        ends: Sequence[Any] = parameter.decode(np.array([0.0, 1.0]))
        if isinstance(parameter, Ordinal):
            ends = parameter.values
        total += abs(number) * max(abs(float(end)) for end in ends)
    return total


def _place_of(constraint: Linear | Ordered | Simplex, name: str, place: str) -> str:
    """Return where a constraint names a parameter, as in its plain form."""
    if isinstance(constraint, Linear):
        return at_key(f"{place}.linear", name)
    kind = "ordered" if isinstance(constraint, Ordered) else "simplex"
    return f"{place}.{kind}[{constraint.names.index(name)}]"
