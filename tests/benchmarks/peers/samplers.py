"""Random and quasi-random search."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import qmc

from peers import Params, Value, spaces


class Random:
    """Uniformly random params."""

    def __init__(self, space: dict[str, Any], seed: int, budget: int, outcomes: Any = None) -> None:
        """Seed the stream."""
        self._parameters = spaces.parameters(space)
        self._draws = np.random.default_rng(seed)

    def ask(self) -> Params:
        """Return the next params."""
        return _params(self._parameters, self._draws.random(len(self._parameters)))

    def tell(self, params: Params, value: Value) -> None:
        """Learn nothing."""


class Sobol:
    """A scrambled Sobol sequence."""

    def __init__(self, space: dict[str, Any], seed: int, budget: int, outcomes: Any = None) -> None:
        """Draw the sequence, whose length must be a power of two."""
        self._parameters = spaces.parameters(space)
        sampler = qmc.Sobol(len(self._parameters), rng=seed)
        self._points = iter(sampler.random_base2(budget.bit_length()))

    def ask(self) -> Params:
        """Return the next params."""
        return _params(self._parameters, next(self._points))

    def tell(self, params: Params, value: Value) -> None:
        """Learn nothing."""


def _params(parameters: list[spaces.Parameter], shares: Any) -> Params:
    params: Params = {}
    for parameter, share in zip(parameters, shares.tolist(), strict=True):
        if spaces.active(parameter, params):
            params[parameter["name"]] = spaces.at_share(parameter, share)
    return params
