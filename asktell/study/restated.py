"""Params of one space said in another: what a change of space and an earlier study have in common.

A value is what was really tried where that is known; else what the caller says it was (``had``);
else what was filled in before; else the parameter's default. What is still missing, or does not
lie in the new space, is left out with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asktell.errors import NOTHING, DefinitionError, ParamsError, at_key, quoted
from asktell.space.absent import ABSENT
from asktell.space.arguments import hint
from asktell.space.space import Space, keeps
from asktell.study.trials import Configuration

Restated = Configuration | str
"""A configuration in the new space, or why there is none."""


def restated(
    space: Space,
    tried: Mapping[str, Any],
    had: Mapping[str, Any],
    filled: Mapping[str, Any] | None = None,
) -> Restated:
    """Return params said in a space, or why they cannot be.

    Names that the space does not have are dropped, and so is what is not active there.

    Args:
        space: the new one.
        tried: the params that were handed out or told.
        had: for names that the space has, the value that it had where it was not told; for others,
            the only value for which the params mean the same in the new space.
        filled: what an earlier change of space took for granted.
    """
    reason = dropped(space, tried, had)
    if reason is not None:
        return reason
    values: list[Any] = [ABSENT] * space.dim
    for index, conditions in space.order:
        if any(not _holds(condition, values[parent]) for parent, condition in conditions):
            continue
        parameter = space.parameters[index]
        value = _value(parameter.name, parameter.default, tried, had, filled or {})
        if value is NOTHING:
            example = f"had={{{parameter.name!r}: ...}}"
            return f"it had no {parameter.name}: pass {example}, or give {parameter.name} a default"
        try:
            values[index] = parameter.check(value)
        except ParamsError as error:
            return f"its {parameter.name} was {quoted(value)}, not {error.expected}"
    configuration = Configuration(space.names, tuple(values))
    params = configuration.params
    for constraint in space.constraints:
        if not keeps(constraint, params):
            return f"it breaks the constraint {constraint}"
    return configuration


def dropped(space: Space, params: Mapping[str, Any], had: Mapping[str, Any]) -> str | None:
    """Return why params do not mean the same without what the space does not have, or None."""
    for name, wanted in had.items():
        if name not in space.index and name in params and params[name] != wanted:
            return f"its {name} was {quoted(params[name])}, not {quoted(wanted)}"
    return None


def _holds(condition: Any, value: Any) -> bool:
    return value is not ABSENT and condition.holds(value)


def _value(name: str, default: Any, *known: Mapping[str, Any]) -> Any:
    for params in known:
        if name in params:
            return params[name]
    return NOTHING if default is None else default


def checked_had(had: Any, space: Space, others: frozenset[str]) -> dict[str, Any]:
    """Return what earlier params had, with the values of the space's parameters as it keeps them.

    Args:
        had: a mapping from names to values, or None.
        space: the new one.
        others: names that the space does not have, and that earlier params have.

    Raises:
        DefinitionError: a ``ValueError`` that names the place: not a mapping, a name that nothing
            has, or a value that its parameter does not take.
    """
    if had is None:
        return {}
    if not isinstance(had, Mapping):
        raise DefinitionError("$.had", had, "a mapping from names to values")
    checked: dict[str, Any] = {}
    for name, value in had.items():
        place = at_key("$.had", name)
        if name in space.index:
            try:
                checked[name] = space.parameters[space.index[name]].check(value)
            except ParamsError as error:
                raise DefinitionError(place, error.got, error.expected) from None
        elif name in others:
            checked[name] = value
        else:
            known = sorted({*space.names, *others})
            expected = f"a parameter of either space: one of {quoted(known)}{hint(name, known)}"
            raise DefinitionError(place, value, expected)
    return checked
