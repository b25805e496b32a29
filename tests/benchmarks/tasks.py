"""Black-box tasks with known answers: a space and a function of params, to be minimised."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import frozen

import asktell as at


@frozen
class Task:
    """A function to be minimised over a space; ``optimum`` is its least value."""

    name: str
    space: at.Space
    function: Callable[..., float]
    optimum: float

    def __call__(self, params: dict[str, Any]) -> float:
        """Return the regret of params: how far their value lies above the optimum."""
        return self.function(**params) - self.optimum


def _branin(x: float, y: float) -> float:
    bowl = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return bowl**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_STEEPNESS = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def _hartmann(**x: float) -> float:
    point = np.array(list(x.values()))
    return -float(_WEIGHTS @ np.exp(-(_STEEPNESS * (point - _CENTRES) ** 2).sum(axis=1)))


_KERNEL_LOSS = {"rbf": 0.0, "poly": 0.35, "linear": 0.6, "sigmoid": 1.0}


def _mixed(
    rate: float, decay: float, depth: int, width: int, kernel: str, bits: int, bias: bool
) -> float:
    """Return a loss like that of a learner, whose best rate depends on the depth."""
    best_rate = -2.5 - 0.12 * (depth - 4)
    loss = 0.4 * (math.log10(rate) - best_rate) ** 2
    loss += 2.0 * (decay - 0.3) ** 2
    loss += 0.06 * abs(depth - 7)
    loss += 0.15 * (math.log2(width) - 7.0) ** 2
    loss += _KERNEL_LOSS[kernel] * (1.0 if bias else 0.7)
    loss += {2: 0.5, 3: 0.2, 4: 0.05, 8: 0.0}[bits]
    return loss + (0.0 if bias else 0.1)


BRANIN = Task("branin", at.Space(at.Float("x", -5, 10), at.Float("y", 0, 15)), _branin, 0.397887)
HARTMANN_6 = Task(
    "hartmann6", at.Space(*(at.Float(f"x{i}", 0, 1) for i in range(6))), _hartmann, -3.32237
)
MIXED = Task(
    "mixed",
    at.Space(
        at.Float("rate", 1e-5, 1.0, log=True),
        at.Float("decay", 0.0, 1.0),
        at.Int("depth", 1, 12),
        at.Int("width", 4, 1024, log=True),
        at.Categorical("kernel", ["sigmoid", "linear", "poly", "rbf"]),
        at.Ordinal("bits", [2, 3, 4, 8]),
        at.Bool("bias"),
    ),
    _mixed,
    0.0,
)


def minimise(task: Task, n_trials: int, seed: int) -> float:
    """Return the regret of the engine's best after so many trials."""
    engine = at.Engine(task.space, seed=seed, goal="minimize")
    for _ in range(n_trials):
        suggestion = engine.suggest()
        engine.observe(suggestion, task(suggestion.params))
    best = engine.best()
    assert best is not None
    return best.target


def random_search(task: Task, n_trials: int, seed: int) -> float:
    """Return the regret of the best of so many uniformly random params."""
    draws = np.random.default_rng(seed)
    points = task.space.sample(draws.random((n_trials, task.space.dim)))
    return min(task(task.space.params(values)) for values in task.space.decode(points))
