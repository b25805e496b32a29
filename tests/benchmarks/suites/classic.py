"""Classic test functions, shifted within their domains; values are relative to the optimum."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

import asktell as at
from suites.task import Params, Task, usual_budget

Array = NDArray[np.float64]


def branin(x: Array) -> float:
    bowl = x[1] - 5.1 / (4 * math.pi**2) * x[0] ** 2 + 5 / math.pi * x[0] - 6
    return float(bowl**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x[0]) + 10)


def goldstein_price(x: Array) -> float:
    a, b = x
    one = 19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2
    two = 18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2
    return float((1 + (a + b + 1) ** 2 * one) * (30 + (2 * a - 3 * b) ** 2 * two))


def six_hump_camel(x: Array) -> float:
    a, b = x
    return float((4 - 2.1 * a**2 + a**4 / 3) * a**2 + a * b + (4 * b**2 - 4) * b**2)


_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_STEEPNESS_3 = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_CENTRES_3 = 1e-4 * np.array(
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
)
_STEEPNESS_6 = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_CENTRES_6 = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann_3(x: Array) -> float:
    return -float(_WEIGHTS @ np.exp(-(_STEEPNESS_3 * (x - _CENTRES_3) ** 2).sum(axis=1)))


def hartmann_6(x: Array) -> float:
    return -float(_WEIGHTS @ np.exp(-(_STEEPNESS_6 * (x - _CENTRES_6) ** 2).sum(axis=1)))


_SHEKEL = np.array([[4, 1, 8, 6, 3, 2, 5, 8, 6, 7], [4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6]] * 2).T
_SHEKEL_WIDTHS = 0.1 * np.array([1, 2, 2, 4, 4, 6, 3, 7, 5, 5])


def shekel(x: Array) -> float:
    return -float((1 / (((x - _SHEKEL) ** 2).sum(axis=1) + _SHEKEL_WIDTHS)).sum())


def michalewicz(x: Array) -> float:
    waves = np.sin(np.arange(1, len(x) + 1) * x**2 / math.pi)
    return -float((np.sin(x) * waves**20).sum())


def styblinski_tang(x: Array) -> float:
    return float((x**4 - 16 * x**2 + 5 * x).mean() / 2)


def ackley(x: Array) -> float:
    bowl = -20 * math.exp(-0.2 * math.sqrt((x**2).mean()))
    return float(bowl - math.exp(np.cos(2 * math.pi * x).mean()) + 20 + math.e)


def levy(x: Array) -> float:
    w = 1 + (x - 1) / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * math.pi * w[-1]) ** 2)
    return float(np.sin(math.pi * w[0]) ** 2 + middle.sum() + last)


def griewank(x: Array) -> float:
    return float(1 + (x**2).sum() / 4000 - np.cos(x / np.sqrt(np.arange(1, len(x) + 1))).prod())


@frozen
class Classic:
    """A function, its domain, its least value, and by what share of a side it is moved."""

    name: str
    function: Callable[[Array], float]
    domain: tuple[tuple[float, float], ...]
    optimum: float = 0.0
    shift: float = 0.1

    def task(self, shift: float | None = None) -> Task:
        """Return it as a task, moved by up to a share of each side, the same in every run."""
        sides = enumerate(self.domain)
        space = at.Space(*(at.Float(f"x{i}", low, high) for i, (low, high) in sides))
        widths = np.array([high - low for low, high in self.domain])
        seed = [sum(map(ord, self.name))]
        moved = np.random.default_rng(seed).uniform(-1.0, 1.0, len(widths)) * widths
        moved *= self.shift if shift is None else shift

        def regret(params: Params) -> float:
            point = np.array([params[name] for name in space.names]) - moved
            return self.function(point) - self.optimum

        return Task(self.name, "continuous", space, regret, usual_budget(space), 0.0)


BRANIN = Classic("branin", branin, ((-5, 10), (0, 15)), 0.39788735772973816)
HARTMANN_6 = Classic("hartmann_6", hartmann_6, ((0, 1),) * 6, -3.322368011415515)
ACKLEY_6 = Classic("ackley_6", ackley, ((-32.768, 32.768),) * 6, shift=0.3)
LEVY_8 = Classic("levy_8", levy, ((-10, 10),) * 8, shift=0.2)

CLASSICS = (
    BRANIN,
    Classic("goldstein_price", goldstein_price, ((-2, 2),) * 2, 3.0),
    Classic("six_hump_camel", six_hump_camel, ((-3, 3), (-2, 2)), -1.0316284534898774),
    Classic("hartmann_3", hartmann_3, ((0, 1),) * 3, -3.8627797869493365),
    Classic("shekel_4", shekel, ((0, 10),) * 4, -10.5364431534836),
    Classic("michalewicz_5", michalewicz, ((0, math.pi),) * 5, -4.687658179088),
    Classic("styblinski_tang_6", styblinski_tang, ((-5, 5),) * 6, -39.16616570377142),
    HARTMANN_6,
    ACKLEY_6,
    LEVY_8,
    Classic("griewank_10", griewank, ((-50, 50),) * 10, shift=0.3),
)


def tasks() -> tuple[Task, ...]:
    """Return all of them."""
    return tuple(classic.task() for classic in CLASSICS)
