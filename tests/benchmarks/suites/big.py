"""Big and odd spaces, each with a function that is smooth, or a sum over the parameters.

Values are scaled so that the best is about 0 and random params have about 1. Of a single category
without anything beside it nothing can be learned but what it is worth itself: chance is as good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import asktell as at
from suites.task import Params, Task

TRIALS = 30
LARGEST = 2**53


class Sum:
    """A weighted mean over parameters: bowls of numbers, a value drawn for each choice."""

    def __init__(self, parameters: Sequence[Any], seed: int) -> None:
        """Draw the weights, of which few are large, and the best places."""
        draws = np.random.default_rng(seed)
        self.space = at.Space(*parameters)
        self._weights = draws.gamma(0.5, 1.0, len(parameters))
        self._weights /= self._weights.sum()
        self._places = draws.uniform(0.2, 0.8, len(parameters))
        self._losses = [
            _losses(parameter, draws) if isinstance(parameter, at.Categorical | at.Bool) else None
            for parameter in parameters
        ]

    def __call__(self, p: Params) -> float:
        """Return the loss."""
        total = 0.0
        rows = zip(self.space.parameters, self._weights, self._places, self._losses, strict=True)
        for parameter, weight, place, losses in rows:
            value = p[parameter.name]
            if losses is not None:
                total += weight * losses[value]
            else:
                total += weight * 8.0 * (float(parameter.encode([value])[0]) - place) ** 2
        return total


def _losses(parameter: at.Categorical | at.Bool, draws: np.random.Generator) -> dict[Any, float]:
    choices = (False, True) if isinstance(parameter, at.Bool) else parameter.choices
    losses = draws.uniform(0.0, 2.0, len(choices))
    return dict(zip(choices, (losses - losses.min()).tolist(), strict=True))


def _floats(n: int) -> list[Any]:
    return [at.Float(f"x{i}", 0.0, 1.0) for i in range(n)]


def _mixed() -> list[Any]:
    return [
        *_floats(80),
        *(at.Float(f"rate{i}", 1e-4, 1.0, log=True) for i in range(20)),
        *(at.Int(f"n{i}", 1, 50) for i in range(40)),
        *(at.Categorical(f"kind{i}", ["a", "b", "c", "d"]) for i in range(30)),
        *(at.Bool(f"flag{i}") for i in range(30)),
    ]


def _category(name: str, n: int) -> Any:
    return at.Categorical(name, [f"choice{i:05}" for i in range(n)])


SPACES: dict[str, Callable[[], list[Any]]] = {
    "floats_200": lambda: _floats(200),
    "floats_1000": lambda: _floats(1000),
    "mixed_200": _mixed,
    "bools_200": lambda: [at.Bool(f"flag{i}") for i in range(200)],
    "categories_50_of_100": lambda: [_category(f"c{i}", 100) for i in range(50)],
    "category_10000": lambda: [_category("c", 10_000)],
    "category_10000_and_floats": lambda: [_category("c", 10_000), *_floats(4)],
    "ordinal_10000": lambda: [at.Ordinal("n", list(range(10_000)))],
    "ints_of_2_53": lambda: [at.Int(f"n{i}", 1, LARGEST) for i in range(5)],
}


def task(name: str) -> Task:
    """Return one of them, made anew: that takes time, which is measured too."""
    function = Sum(SPACES[name](), len(name))
    return Task(name, "big", function.space, function, TRIALS)
