"""By how much params break the known constraints of a space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import asktell as at
from asktell.space.space import keeps


def broken(space: at.Space, params: Mapping[str, Any]) -> float:
    """Return 0 where all constraints hold, else the sum of shares of what they could be broken by.

    A combination that is forbidden counts 1.
    """
    return sum(
        _excess(space, constraint, params)
        for constraint in space.constraints
        if not keeps(constraint, params)
    )


def _excess(space: at.Space, constraint: Any, params: Mapping[str, Any]) -> float:
    if isinstance(constraint, at.Forbidden):
        return 1.0
    widths = {name: _width(space, name) for name in constraint.names}
    if isinstance(constraint, at.Linear):
        total = math.fsum(c * params[name] for name, c in constraint.coefficients)
        most = sum(abs(c) * widths[name] for name, c in constraint.coefficients)
        low = -math.inf if constraint.at_least is None else constraint.at_least
        high = math.inf if constraint.at_most is None else constraint.at_most
        return max(low - total, total - high) / most
    numbers = [params[name] for name in constraint.names]
    if isinstance(constraint, at.Ordered):
        return sum(max(a - b, 0.0) for a, b in pairwise(numbers)) / max(widths.values())
    return abs(math.fsum(numbers) - constraint.total) / sum(widths.values())


def _width(space: at.Space, name: str) -> float:
    parameter = space.parameters[space.index[name]]
    if isinstance(parameter, at.Ordinal):
        numbers = [float(value) for value in parameter.values]  # type: ignore[arg-type]
        return max(numbers) - min(numbers)
    assert isinstance(parameter, at.Float | at.Int)
    return float(parameter.high - parameter.low)
