"""One objective, and outcomes with bounds; the optima are those of the literature.

Gardner's two: Gardner et al. 2014, Bayesian optimization with inequality constraints. The disk on
Branin: Gelbart et al. 2014. The ball on Hartmann: Letham et al. 2019. Welded beam, pressure vessel:
Coello Coello and Mezura Montes 2002; Hedar and Fukushima 2006. Speed reducer: Lemonge et al. 2010.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import asktell as at
from suites import classic, quantisation_tables
from suites.outcomes import Outcomes, OutcomesTask
from suites.task import Params

AT_MOST_0 = {"at_most": 0.0}


def gardner_1(p: Params) -> dict[str, float]:
    x, y = p["x"], p["y"]
    value = math.cos(2 * x) * math.cos(y) + math.sin(x)
    return {"value": value, "margin": math.cos(x) * math.cos(y) - math.sin(x) * math.sin(y)}


def gardner_2(p: Params) -> dict[str, float]:
    x, y = p["x"], p["y"]
    return {"value": math.sin(x) + y, "margin": math.sin(x) * math.sin(y)}


def branin_disk(p: Params) -> dict[str, float]:
    x = np.array([p["x0"], p["x1"]])
    return {"value": classic.branin(x), "distance": float(((x - (2.5, 7.5)) ** 2).sum())}


def branin_binary(p: Params) -> dict[str, float]:
    """Tell only whether a point lies in a smaller disk, which has none of the three minima."""
    outcomes = branin_disk(p)
    return {"value": outcomes["value"], "works": float(outcomes["distance"] <= 20.0)}


def hartmann_ball(p: Params) -> dict[str, float]:
    x = np.array([p[f"x{i}"] for i in range(6)])
    return {"value": classic.hartmann_6(x), "norm": float(np.linalg.norm(x))}


def welded_beam(p: Params) -> dict[str, float]:
    h, length, t, b = p["h"], p["length"], p["t"], p["b"]
    load, beam, young = 6000.0, 14.0, 30e6
    root = math.sqrt(0.25 * (length**2 + (h + t) ** 2))
    primary = load / (math.sqrt(2) * h * length)
    moment = load * (beam + length / 2)
    inertia = 2 * math.sqrt(0.5) * h * length * (length**2 / 12 + 0.25 * (h + t) ** 2)
    secondary = moment * root / inertia
    stress = math.sqrt(primary**2 + secondary**2 + length * primary * secondary / root)
    buckling = 64746.022 * (1 - 0.0282346 * t) * t * b**3
    return {
        "cost": 1.10471 * h**2 * length + 0.04811 * t * b * (beam + length),
        "stress": stress,
        "bending": 6 * load * beam / (b * t**2),
        "excess": h - b,
        "deflection": 4 * load * beam**3 / (young * t**3 * b),
        "buckling": buckling,
    }


def speed_reducer(p: Params) -> dict[str, float]:
    a, m, z, first, second, one, two = (p[f"x{i}"] for i in range(1, 8))
    weight = 0.7854 * a * m**2 * (3.3333 * z**2 + 14.9334 * z - 43.0934)
    weight += -1.508 * a * (one**2 + two**2) + 7.4777 * (one**3 + two**3)
    weight += 0.7854 * (first * one**2 + second * two**2)
    shafts = [(first, one, 16.9e6, 110.0), (second, two, 157.5e6, 85.0)]
    stresses = [
        math.sqrt((745 * long / (m * z)) ** 2 + extra) / (limit * thick**3)
        for long, thick, extra, limit in shafts
    ]
    ratios = (
        27 / (a * m**2 * z),
        397.5 / (a * m**2 * z**2),
        1.93 * first**3 / (m * z * one**4),
        1.93 * second**3 / (m * z * two**4),
        *stresses,
        m * z / 40,
        5 * m / a,
        a / (12 * m),
        (1.5 * one + 1.9) / first,
        (1.1 * two + 1.9) / second,
    )
    return {"weight": weight, **{f"ratio{i}": ratio for i, ratio in enumerate(ratios, start=1)}}


def pressure_vessel(p: Params) -> dict[str, float]:
    shell, head, radius, length = p["shell"], p["head"], p["radius"], p["length"]
    cost = 0.6224 * shell * radius * length + 1.7781 * head * radius**2
    cost += 3.1661 * shell**2 * length + 19.84 * shell**2 * radius
    volume = math.pi * radius**2 * length + 4 / 3 * math.pi * radius**3
    return {
        "cost": cost,
        "thin_shell": 0.0193 * radius - shell,
        "thin_head": 0.00954 * radius - head,
        "volume": volume,
    }


GARDNER = at.Space(at.Float("x", 0.0, 6.0), at.Float("y", 0.0, 6.0))
BRANIN = at.Space(at.Float("x0", -5.0, 10.0), at.Float("x1", 0.0, 15.0))
HARTMANN = at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(6)))
BEAM = at.Space(
    at.Float("h", 0.125, 10.0), *(at.Float(name, 0.1, 10.0) for name in ("length", "t", "b"))
)
REDUCER = at.Space(
    at.Float("x1", 2.6, 3.6),
    at.Float("x2", 0.7, 0.8),
    at.Int("x3", 17, 28),
    at.Float("x4", 7.3, 8.3),
    at.Float("x5", 7.8, 8.3),
    at.Float("x6", 2.9, 3.9),
    at.Float("x7", 5.0, 5.5),
)
VESSEL = at.Space(
    at.Float("shell", 0.0625, 6.1875, step=0.0625),
    at.Float("head", 0.0625, 6.1875, step=0.0625),
    at.Float("radius", 10.0, 200.0),
    at.Float("length", 10.0, 200.0),
)

# --- the optima, and where they are ---

_GARDNER_1 = (-2.0, {"x": 1.5 * math.pi, "y": 0.0})
_GARDNER_2 = (0.2532359, {"x": 1.5 * math.pi, "y": 1.253236})
_DISK = (classic.BRANIN.optimum, {"x0": math.pi, "x1": 2.275})
_BINARY = (0.939476, {"x0": 3.0101968, "x1": 3.0570621})
_BALL = (
    classic.HARTMANN_6.optimum,
    {
        "x0": 0.20168952,
        "x1": 0.15001069,
        "x2": 0.47687398,
        "x3": 0.27533243,
        "x4": 0.31165162,
        "x5": 0.65730054,
    },
)
_BEAM = (2.380957, {"h": 0.24436895, "length": 6.2175209, "t": 8.2914718, "b": 0.24436896})
_REDUCER = (
    2996.3482,
    {"x1": 3.5, "x2": 0.7, "x3": 17, "x4": 7.3, "x5": 7.8, "x6": 3.350215, "x7": 5.2866834},
)
_VESSEL = (
    6059.7143,
    {"shell": 0.8125, "head": 0.4375, "radius": 42.0984455, "length": 176.6366},
)


def _task(
    name: str,
    space: at.Space,
    function: Callable[[Params], dict[str, float]],
    budget: int,
    constraints: Mapping[str, Mapping[str, float]],
    optimum: float,
    best: Mapping[str, Any],
    objective: str = "value",
) -> OutcomesTask:
    outcomes = Outcomes({objective: "minimize"}, constraints)
    return OutcomesTask(
        name, "constrained", space, function, budget, outcomes, optimum=optimum, best=best
    )


def _quantised(name: str, accuracy: float) -> OutcomesTask:
    """Return the task of the smallest model that has an accuracy."""
    space, function = quantisation_tables.space(), quantisation_tables.outcomes
    outcomes = Outcomes({"size": "minimize"}, {"accuracy": {"at_least": accuracy}})
    every = quantisation_tables.configurations()
    feasible = [params for params in every if outcomes.feasible(function(params))]
    best = min(feasible, key=lambda params: function(params)["size"])
    optimum = function(best)["size"]
    return OutcomesTask(
        name, "constrained", space, function, 40, outcomes, optimum=optimum, best=best
    )


def tasks() -> tuple[OutcomesTask, ...]:
    """Return all tasks of the suite."""
    return (
        _task("gardner_1", GARDNER, gardner_1, 40, {"margin": {"at_most": 0.5}}, *_GARDNER_1),
        _task("gardner_2", GARDNER, gardner_2, 40, {"margin": {"at_most": -0.95}}, *_GARDNER_2),
        _task("branin_disk", BRANIN, branin_disk, 40, {"distance": {"at_most": 50.0}}, *_DISK),
        _task("branin_binary", BRANIN, branin_binary, 40, {"works": {"at_least": 0.5}}, *_BINARY),
        _task(
            "hartmann_ball",
            HARTMANN,
            hartmann_ball,
            50,
            {"norm": {"at_most": 1.0}},
            *_BALL,
        ),
        _task(
            "welded_beam",
            BEAM,
            welded_beam,
            50,
            {
                "stress": {"at_most": 13600.0},
                "bending": {"at_most": 30000.0},
                "excess": AT_MOST_0,
                "deflection": {"at_most": 0.25},
                "buckling": {"at_least": 6000.0},
            },
            *_BEAM,
            "cost",
        ),
        _task(
            "speed_reducer",
            REDUCER,
            speed_reducer,
            50,
            {f"ratio{i}": {"at_most": 1.0} for i in range(1, 12)},
            *_REDUCER,
            "weight",
        ),
        _task(
            "pressure_vessel",
            VESSEL,
            pressure_vessel,
            50,
            {"thin_shell": AT_MOST_0, "thin_head": AT_MOST_0, "volume": {"at_least": 1296000.0}},
            *_VESSEL,
            "cost",
        ),
        _quantised("quantised_at_least_980", 0.98),
        _quantised("quantised_at_least_984", 0.984),
    )
