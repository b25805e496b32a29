"""HEBO, with its default settings."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

from peers import Params, spaces


class Hebo:
    """``HEBO``; a failure is told as infinity, and it leaves out what is not finite."""

    def __init__(self, space: dict[str, Any], seed: int, budget: int) -> None:
        """Start an optimiser, which draws from the global generators."""
        warnings.simplefilter("ignore")
        np.random.seed(seed)
        torch.manual_seed(seed)
        self._parameters = spaces.parameters(space)
        design = DesignSpace().parse([_parameter(p) for p in self._parameters])
        self._optimizer = HEBO(design, scramble_seed=seed)

    def ask(self) -> Params:
        """Return the next point's params."""
        self._point = self._optimizer.suggest()
        row = {name: column.iloc[0].item() for name, column in self._point.items()}
        return {p["name"]: spaces.from_natural(p, row[p["name"]]) for p in self._parameters}

    def tell(self, params: Params, value: float | None) -> None:
        """Report the point's outcome."""
        self._optimizer.observe(self._point, np.array([[np.inf if value is None else value]]))


def _parameter(parameter: spaces.Parameter) -> dict[str, Any]:
    name, kind, low, high, log = spaces.natural(parameter)
    if kind == "category":
        return {"name": name, "type": "cat", "categories": list(range(int(high) + 1))}
    types = {("float", False): "num", ("float", True): "pow", ("int", False): "int"}
    return {"name": name, "type": types.get((kind, log), "pow_int"), "lb": low, "ub": high}
