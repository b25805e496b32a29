"""Functions of COCO's bbob suite (Hansen et al., 2009), through its package coco-experiment.

The package comes from an environment of its own: ``python tests/benchmarks/environments.py tasks``.
Values are relative to the optimum, so that their digits tell how close a run came.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import environments
import numpy as np

import asktell as at
from suites.task import Params, Task, usual_budget

OPTIMA = {
    1: {
        1: 79.48,
        2: -209.88,
        3: -462.09,
        4: -462.09,
        5: -9.21,
        6: 35.9,
        7: 92.94,
        8: 149.15,
        9: 123.83,
        10: -54.94,
        11: 76.27,
        12: -621.11,
        13: 29.97,
        14: -52.35,
        15: 1000.0,
        16: 71.35,
        17: -16.94,
        18: -16.94,
        19: -102.55,
        20: -546.5,
        21: 40.78,
        22: -1000.0,
        23: 6.87,
        24: 102.61,
    },
    2: {
        1: 394.48,
        2: -92.09,
        3: 77.66,
        4: 77.66,
        5: 655.99,
        6: 31.37,
        7: 35.35,
        8: -1000.0,
        9: 47.51,
        10: 59.13,
        11: -22.55,
        12: -254.82,
        13: -51.71,
        14: -179.54,
        15: 70.03,
        16: -355.22,
        17: 18.81,
        18: 18.81,
        19: 71.69,
        20: 1000.0,
        21: -1.6,
        22: 1000.0,
        23: 0.01,
        24: 93.3,
    },
}
"""The least values by instance and function; they do not depend on the dimension."""

NAMES = {
    1: "sphere",
    2: "ellipsoid",
    3: "rastrigin",
    5: "slope",
    6: "attractive",
    7: "step",
    8: "rosenbrock",
    10: "ellipsoid_rotated",
    11: "discus",
    12: "cigar",
    13: "ridge",
    14: "powers",
    15: "rastrigin_rotated",
    16: "weierstrass",
    17: "schaffer",
    18: "schaffer_steep",
    20: "schwefel",
    21: "gallagher_101",
    22: "gallagher_21",
    24: "lunacek",
}

CHOSEN = (
    *((3, 2, 1), (8, 2, 2), (17, 2, 1), (21, 2, 2)),
    *((2, 5, 1), (6, 5, 2), (7, 5, 1), (10, 5, 2), (13, 5, 1), (15, 5, 2), (16, 5, 1)),
    *((20, 5, 2), (22, 5, 1), (24, 5, 2)),
    *((1, 10, 1), (5, 10, 2), (8, 10, 1), (11, 10, 2), (14, 10, 1), (18, 10, 2), (21, 10, 1)),
    *((3, 20, 2), (6, 20, 1), (12, 20, 2), (17, 20, 1)),
)
"""Function, dimension, instance; not those whose optimum is always near the centre (9, 19)."""


@cache
def _suite() -> Any:
    try:
        import cocoex
    except ModuleNotFoundError:
        sys.path.append(str(environments.packages("tasks")))
        import cocoex
    return cocoex.Suite("bbob", "instances: 1-2", "")


def available() -> bool:
    """Tell whether the package is there."""
    try:
        _suite()
    except ModuleNotFoundError:
        return False
    return True


@cache
def _problem(function: int, dim: int, instance: int) -> Any:
    return _suite().get_problem_by_function_dimension_instance(function, dim, instance)


def task(function: int, dim: int, instance: int) -> Task:
    """Return one function in one dimension and instance."""
    space = at.Space(*(at.Float(f"x{i}", -5.0, 5.0) for i in range(dim)))

    def regret(params: Params) -> float:
        point = np.array([params[name] for name in space.names])
        value = _problem(function, dim, instance)(point)
        return max(float(value) - OPTIMA[instance][function], 0.0)

    name = f"bbob_{NAMES[function]}_{dim}"
    return Task(name, "continuous", space, regret, usual_budget(space), 0.0)


def tasks() -> tuple[Task, ...]:
    """Return the chosen functions."""
    return tuple(task(*chosen) for chosen in CHOSEN)
