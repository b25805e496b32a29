"""What peers need to know of a space, which is a dict: standard library only."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

Parameter = dict[str, Any]


def parameters(space: dict[str, Any]) -> list[Parameter]:
    """Return the parameters."""
    rows: list[Parameter] = space["parameters"]
    return rows


def members(parameter: Parameter) -> list[Any] | None:
    """Return the values of an ordinal, a categorical or a bool; None of a number."""
    kind = parameter["type"]
    if kind == "bool":
        return [False, True]
    values: list[Any] | None = parameter.get("values" if kind == "ordinal" else "choices")
    return values


def active(parameter: Parameter, params: dict[str, Any]) -> bool:
    """Tell whether a parameter is active beside others, whose values come first."""
    return all(
        name in params and holds(condition, params[name])
        for name, condition in (parameter.get("when") or {}).items()
    )


def holds(condition: Any, value: Any) -> bool:
    """Tell whether a value is one of a list, or within the bounds of a mapping."""
    if isinstance(condition, list):
        return value in condition
    low, high = condition.get("at_least", -math.inf), condition.get("at_most", math.inf)
    return bool(low <= value <= high)


def naturals(parameter: Parameter, condition: Any) -> list[int] | None:
    """Return the values for which a condition on a parameter holds, in the terms of ``natural``.

    None where there are more than can be listed: of a float.
    """
    _, kind, low, high, _ = natural(parameter)
    if kind == "float":
        return None
    values = range(int(low), int(high) + 1)
    return [value for value in values if holds(condition, from_natural(parameter, value))]


def constraints(space: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the known constraints of a kind: linear, ordered, forbidden or simplex."""
    return [row for row in space.get("constraints", ()) if kind in row]


def normalised(space: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Return params in which shares that must have a sum have it: all are divided alike.

    It is how an optimiser without such constraints is used. Shares of nothing stay as they are.
    """
    params = dict(params)
    for row in constraints(space, "simplex"):
        total = sum(params[name] for name in row["simplex"])
        for name in row["simplex"]:
            params[name] *= row["total"] / total if total else 1.0
    return params


class Natural(NamedTuple):
    """A parameter as most peers know it: ``kind`` is category, int or float.

    A category is its index; an ordinal and a number with a step are the int of their place.
    """

    name: str
    kind: str
    low: float
    high: float
    log: bool


def natural(parameter: Parameter) -> Natural:
    """Return a parameter in the terms of a peer that knows no steps."""
    name, kind, values = parameter["name"], parameter["type"], members(parameter)
    if values is not None:
        return Natural(name, "int" if kind == "ordinal" else "category", 0, len(values) - 1, False)
    if _by_place(parameter):
        return Natural(name, "int", 0, _last(parameter), False)
    return Natural(name, kind, parameter["low"], parameter["high"], parameter["log"])


def from_natural(parameter: Parameter, value: Any) -> Any:
    """Return the value of a parameter that is given in the terms of ``natural``."""
    values = members(parameter)
    if values is not None:
        return values[int(value)]
    if _by_place(parameter):
        value = parameter["low"] + int(value) * parameter["step"]
    return on_grid(parameter, value)


def at_share(parameter: Parameter, share: float) -> Any:
    """Return the value below which a share of the parameter's values lies."""
    values = members(parameter)
    if values is not None:
        return values[min(int(share * len(values)), len(values) - 1)]
    low, high, step = parameter["low"], parameter["high"], parameter["step"]
    if step is None:
        return min(max(_between(low, high, parameter["log"], share), low), high)
    return on_grid(parameter, _between(low - step / 2, high + step / 2, parameter["log"], share))


def on_grid(parameter: Parameter, value: float) -> Any:
    """Return the nearest number that the parameter allows."""
    low, high, step = parameter["low"], parameter["high"], parameter["step"]
    if step is None:
        return min(max(float(value), low), high)
    number = low + min(max(round((value - low) / step), 0), _last(parameter)) * step
    return round(number) if parameter["type"] == "int" else min(float(number), high)


def _by_place(parameter: Parameter) -> bool:
    unit = 1 if parameter["type"] == "int" else None
    return parameter["step"] != unit and not parameter["log"]


def _last(parameter: Parameter) -> int:
    low, high, step = parameter["low"], parameter["high"], parameter["step"]
    return math.floor((high - low) / step * (1 + 1e-12))


def _between(low: float, high: float, log: bool, share: float) -> float:
    if log:
        return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    return low + share * (high - low)
