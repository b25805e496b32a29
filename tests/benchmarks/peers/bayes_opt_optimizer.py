"""bayesian-optimization, with its default settings: an upper confidence bound."""

from __future__ import annotations

import math
import warnings
from typing import Any

from bayes_opt import BayesianOptimization
from bayes_opt.parameter import (
    BayesParameter,
    CategoricalParameter,
    FloatParameter,
    IntParameter,
)

from peers import Params, spaces
from peers.failures import WorstSeen

RANDOM_FIRST = 5
"""What its own loop, ``maximize``, does by default."""


class BayesOpt:
    """``BayesianOptimization`` with typed parameters.

    It knows no log scales, which are floats of the logarithm here; no failures, for which it is
    told the worst value seen; and raises errors for params asked twice unless they are allowed.
    """

    def __init__(self, space: dict[str, Any], seed: int, budget: int) -> None:
        """Start an optimiser, which maximises."""
        warnings.simplefilter("ignore")
        self._parameters = spaces.parameters(space)
        bounds = {p["name"]: _parameter(p) for p in self._parameters}
        self._optimizer = BayesianOptimization(
            None, bounds, random_state=seed, verbose=0, allow_duplicate_points=True
        )
        self._random = self._optimizer.random_sample(RANDOM_FIRST)
        self._worst = WorstSeen()

    def ask(self) -> Params:
        """Return the next point's params."""
        self._point = self._random.pop(0) if self._random else self._optimizer.suggest()
        return {p["name"]: _value(p, self._point[p["name"]]) for p in self._parameters}

    def tell(self, params: Params, value: float | None) -> None:
        """Report the point's outcome."""
        for outcome in self._worst.outcomes(self._point, value):
            self._optimizer.register(outcome.trial, -outcome.value)


def _parameter(parameter: spaces.Parameter) -> BayesParameter:
    name, kind, low, high, log = spaces.natural(parameter)
    if kind == "category":
        return CategoricalParameter(name, range(int(high) + 1))
    if log:
        return FloatParameter(name, (math.log(low), math.log(high)))
    return IntParameter(name, (low, high)) if kind == "int" else FloatParameter(name, (low, high))


def _value(parameter: spaces.Parameter, value: Any) -> Any:
    log = spaces.natural(parameter).log
    return spaces.from_natural(parameter, math.exp(value) if log else value)
