"""scikit-optimize, with its default settings: a Gaussian process."""

from __future__ import annotations

import warnings
from typing import Any

from skopt import Optimizer
from skopt.space import Categorical, Dimension, Integer, Real

from peers import Params, spaces
from peers.failures import WorstSeen


class Skopt:
    """``Optimizer``; it knows no failures, and is told the worst value seen for them."""

    def __init__(self, space: dict[str, Any], seed: int, budget: int) -> None:
        """Start an optimiser."""
        warnings.simplefilter("ignore")
        self._parameters = spaces.parameters(space)
        self._optimizer = Optimizer([_dimension(p) for p in self._parameters], random_state=seed)
        self._worst = WorstSeen()

    def ask(self) -> Params:
        """Return the next point's params."""
        self._point = self._optimizer.ask()
        pairs = zip(self._parameters, self._point, strict=True)
        return {p["name"]: spaces.from_natural(p, value) for p, value in pairs}

    def tell(self, params: Params, value: float | None) -> None:
        """Report the point's outcome."""
        for outcome in self._worst.outcomes(self._point, value):
            self._optimizer.tell(outcome.trial, outcome.value)


def _dimension(parameter: spaces.Parameter) -> Dimension:
    natural = spaces.natural(parameter)
    if natural.kind == "category":
        return Categorical(range(int(natural.high) + 1), name=natural.name)
    dimension = Integer if natural.kind == "int" else Real
    prior = "log-uniform" if natural.log else "uniform"
    return dimension(natural.low, natural.high, prior=prior, name=natural.name)
