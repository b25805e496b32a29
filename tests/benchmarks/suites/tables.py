"""Tasks whose every configuration was measured once, and is looked up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import asktell as at
from suites.task import Params

DATA = Path(__file__).parents[1] / "data"


@cache
def read(name: str) -> tuple[float, ...]:
    """Return the values of a table, in the order of ``Space.configuration``."""
    return tuple(json.loads((DATA / f"{name}.json").read_text(encoding="utf-8")))


def write(name: str, values: Sequence[float]) -> None:
    """Write the values of a table, a hundred a line."""
    rounded = [f"{value:.5g}" for value in values]
    lines = [",".join(rounded[i : i + 100]) for i in range(0, len(rounded), 100)]
    (DATA / f"{name}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def row(space: at.Space, params: Params) -> int:
    """Return the number of a configuration; the last parameter varies fastest."""
    number = 0
    for parameter in space.parameters:
        if isinstance(parameter, at.Ordinal):
            index, size = parameter.values.index(params[parameter.name]), len(parameter.values)
        elif isinstance(parameter, at.Categorical):
            index, size = parameter.choices.index(params[parameter.name]), len(parameter.choices)
        elif isinstance(parameter, at.Int):
            index = (params[parameter.name] - parameter.low) // parameter.step
            size = (parameter.high - parameter.low) // parameter.step + 1
        else:
            raise TypeError(parameter)
        number = number * size + index
    return number
