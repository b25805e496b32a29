"""CMA-ES of the package cma, with its default settings."""

from __future__ import annotations

import warnings
from typing import Any

import cma
import numpy as np

from peers import Params, spaces

SIGMA = 0.25
"""The first step's standard deviation, of which the package advises a quarter of the domain."""


class Cma:
    """``CMAEvolutionStrategy`` in the unit cube, whose shares are mapped to values.

    It starts from the middle. When it stops it restarts from a random point with twice the
    population, as the package's own ``fmin2`` does. In a generation failures get a value worse
    than any seen: only ranks matter.
    """

    def __init__(self, space: dict[str, Any], seed: int, budget: int) -> None:
        """Start a strategy."""
        warnings.simplefilter("ignore")
        self._parameters = spaces.parameters(space)
        self._draws = np.random.default_rng(seed)
        self._seed = seed + 1  # 0 means the time
        self._worst = 0.0
        self._start(np.full(len(self._parameters), 0.5), {})

    def ask(self) -> Params:
        """Return the params of the generation's next member."""
        point = self._points[len(self._values)].tolist()
        pairs = zip(self._parameters, point, strict=True)
        return {p["name"]: spaces.at_share(p, share) for p, share in pairs}

    def tell(self, params: Params, value: float | None) -> None:
        """Keep the member's value, and end the generation if it was the last."""
        self._values.append(value)
        if len(self._values) == len(self._points):
            self._end_generation()

    def _start(self, middle: Any, options: dict[str, Any]) -> None:
        options = {"bounds": [0.0, 1.0], "seed": self._seed, "verbose": -9, **options}
        self._strategy = cma.CMAEvolutionStrategy(middle, SIGMA, options)
        self._ask_generation()

    def _ask_generation(self) -> None:
        self._points = self._strategy.ask()
        self._values: list[float | None] = []

    def _end_generation(self) -> None:
        self._worst = max([self._worst, *(v for v in self._values if v is not None)])
        penalty = 2.0 * self._worst + 1.0
        self._strategy.tell(self._points, [penalty if v is None else v for v in self._values])
        if self._strategy.stop():
            self._seed += 1
            middle = self._draws.random(len(self._parameters))
            self._start(middle, {"popsize": 2 * self._strategy.sp.popsize})
        else:
            self._ask_generation()
