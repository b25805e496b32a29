"""What a configuration allows of an operation's options, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from strategies.adaptors.base import FP32, OpConfig, Operation
from strategies.errors import ConfError


def named(pattern: str, names: Sequence[str]) -> set[str]:
    """Return the names that a pattern such as ``conv*`` fits.

    One that fits none may be a regular expression such as ``conv.*``, as in version 1.x.
    """
    found = {name for name in names if fnmatchcase(name, pattern)}
    if found:
        return found
    try:
        return {name for name in names if re.fullmatch(pattern, name)}
    except re.error:
        return set()


def allowed_options(
    operation: Operation, limits: Sequence[tuple[str, Mapping[str, Any] | None, set[str]]]
) -> dict[str, OpConfig]:
    """Return the options by label that all limits leave, each a place, sides and names."""
    options = list(operation.options)
    for place, limits_of_sides, names in limits:
        if operation.name not in names:
            continue
        sides = limits_of_sides or {}
        limit = {side: sides[side] for side in sides if side != "weight" or operation.has_weight}
        fitting = [option for option in options if _fits(option, limit)]
        if not fitting:
            offered = [option_label(option) for option in options]
            raise ConfError(place, dict(limit), f"to leave {operation.name!r} one of {offered}")
        options = fitting
    return {option_label(option): option for option in options}


def in_order(operation: Operation, allowed: Mapping[str, OpConfig]) -> tuple[str, ...]:
    """Return the labels of allowed options from the most exact on."""
    ranks = zip(operation.options, operation.ranks or (), strict=True)
    labels = [option_label(option) for option, _ in sorted(ranks, key=lambda pair: pair[1])]
    return tuple(label for label in labels if label in allowed)


def _fits(option: OpConfig, limit: Mapping[str, Any]) -> bool:
    """Tell whether an option is allowed; a side in floats has nothing but a dtype to check."""
    for side, allowed in limit.items():
        for key, values in (allowed or {}).items():
            if key == "algorithm" or (key != "dtype" and key not in option[side]):
                continue
            if option[side].get(key) not in listed(values):
                return False
    return True


def option_label(option: OpConfig) -> str:
    """Return a short name of an option, such as ``w int8 sym channel, a uint8 asym``."""
    if option == FP32:
        return "fp32"
    weight, activation = option["weight"], option["activation"]
    granularity = weight.get("granularity", "").removeprefix("per_")
    sides = ["w", weight["dtype"], weight.get("scheme", ""), granularity]
    others = ["a", activation["dtype"], activation.get("scheme", "")]
    by = activation.get("granularity", "")
    others.append({"per_token": "token", "per_input": "dynamic"}.get(by, ""))
    return f"{' '.join(filter(None, sides))}, {' '.join(filter(None, others))}"


def listed(values: Any) -> list[Any]:
    """Return one value or several as a list; none for None."""
    if values is None:
        return []
    return values if isinstance(values, list) else [values]
