"""Several objectives, two of the tasks with constraints; scored by the hypervolume of the front.

ZDT: Zitzler et al. 2000. DTLZ2: Deb et al. 2005. C2-DTLZ2: Jain and Deb 2014. Branin-Currin:
Belakaria et al. 2019; with the disk, Daulton et al. 2020. Vehicle safety: Liao et al. 2008, as in
Tanabe and Ishibuchi 2020. References and ideal hypervolumes as in BoTorch's test functions, but for
the table's, which is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

import asktell as at
from suites import classic, quantisation_tables
from suites.fronts import front, hypervolume
from suites.outcomes import Outcomes, OutcomesTask
from suites.task import Params

Objectives = dict[str, float]


def _units(n: int) -> at.Space:
    return at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(n)))


def _point(p: Params) -> list[float]:
    return [p[f"x{i}"] for i in range(len(p))]


def _zdt(shape: Callable[[float, float], float]) -> Callable[[Params], Objectives]:
    def function(p: Params) -> Objectives:
        first, *others = _point(p)
        g = 1 + 9 * sum(others) / len(others)
        return {"f1": first, "f2": g * shape(first, g)}

    return function


zdt1 = _zdt(lambda f, g: 1 - math.sqrt(f / g))
zdt2 = _zdt(lambda f, g: 1 - (f / g) ** 2)
zdt3 = _zdt(lambda f, g: 1 - math.sqrt(f / g) - f / g * math.sin(10 * math.pi * f))


def _dtlz2(n_objectives: int) -> Callable[[Params], Objectives]:
    def function(p: Params) -> Objectives:
        x = _point(p)
        angles = [v * math.pi / 2 for v in x[: n_objectives - 1]]
        radius = 1 + sum((v - 0.5) ** 2 for v in x[n_objectives - 1 :])
        losses = {}
        for number in range(n_objectives):
            last = n_objectives - 1 - number
            value = radius * math.prod(map(math.cos, angles[:last]))
            losses[f"f{number + 1}"] = value * (math.sin(angles[last]) if number else 1.0)
        return losses

    return function


dtlz2_two, dtlz2_three = _dtlz2(2), _dtlz2(3)


def c2_dtlz2(p: Params) -> Objectives:
    """Return also how far a point is from three balls of radius 0.2; feasible within one."""
    losses = dtlz2_two(p)
    a, b = losses["f1"], losses["f2"]
    ends = min((a - 1) ** 2 + b**2, (b - 1) ** 2 + a**2)
    middle = (a - math.sqrt(0.5)) ** 2 + (b - math.sqrt(0.5)) ** 2
    return {**losses, "outside": min(ends, middle) - 0.2**2}


def branin_currin(p: Params) -> Objectives:
    x, y = _point(p)
    above = 2300 * x**3 + 1900 * x**2 + 2092 * x + 60
    below = 100 * x**3 + 500 * x**2 + 4 * x + 20
    fades = 1 - math.exp(-1 / (2 * y)) if y > 0 else 1.0
    branin = classic.branin(np.array([15 * x - 5, 15 * y]))
    return {"branin": branin, "currin": fades * above / below}


def branin_currin_disk(p: Params) -> Objectives:
    x, y = _point(p)
    distance = (15 * x - 7.5) ** 2 + (15 * y - 7.5) ** 2
    return {**branin_currin(p), "distance": distance}


def vehicle_safety(p: Params) -> Objectives:
    """Return mass, acceleration and intrusion, of five thicknesses of steel."""
    a, b, c, d, e = _point(p)
    mass = 1640.2823 + 2.3573285 * a + 2.3220035 * b + 4.5688768 * c
    mass += 7.7213633 * d + 4.4559504 * e
    acceleration = 6.5856 + 1.15 * a - 1.0427 * b + 0.9738 * c + 0.8364 * d - 0.3695 * a * d
    acceleration += 0.0861 * a * e + 0.3628 * b * d - 0.1106 * a**2 - 0.3437 * c**2 + 0.1764 * d**2
    intrusion = -0.0551 + 0.0181 * a + 0.1024 * b + 0.0421 * c - 0.0073 * a * b + 0.024 * b * c
    intrusion += -0.0118 * b * d - 0.0204 * c * d - 0.008 * c * e - 0.0241 * b**2 + 0.0109 * d**2
    return {"mass": mass, "acceleration": acceleration, "intrusion": intrusion}


def _task(
    name: str,
    space: at.Space,
    function: Callable[[Params], Objectives],
    reference: dict[str, float],
    ideal: float,
    constraints: dict[str, dict[str, float]] | None = None,
    budget: int = 50,
) -> OutcomesTask:
    outcomes = Outcomes(dict.fromkeys(reference, "minimize"), constraints or {})
    return OutcomesTask(
        name, "several", space, function, budget, outcomes, reference=reference, ideal=ideal
    )


@cache
def _table_front() -> list[tuple[float, ...]]:
    every = map(quantisation_tables.outcomes, quantisation_tables.configurations())
    return [tuple(row) for row in front((v["size"], -v["accuracy"]) for v in every)]


def _quantised() -> OutcomesTask:
    reference = {"size": 101.0, "accuracy": 0.9}
    return OutcomesTask(
        "quantised_front",
        "several",
        quantisation_tables.space(),
        quantisation_tables.outcomes,
        40,
        Outcomes({"size": "minimize", "accuracy": "maximize"}),
        reference=reference,
        ideal=hypervolume(_table_front(), (reference["size"], -reference["accuracy"])),
    )


def tasks() -> tuple[OutcomesTask, ...]:
    """Return all tasks of the suite."""
    far, near = {"f1": 11.0, "f2": 11.0}, {"f1": 1.1, "f2": 1.1}
    thicknesses = at.Space(*(at.Float(f"x{i}", 1.0, 3.0) for i in range(5)))
    return (
        _task("zdt1", _units(6), zdt1, far, 121 - 1 / 3),
        _task("zdt2", _units(8), zdt2, far, 121 - 2 / 3),
        _task("zdt3", _units(6), zdt3, far, 128.77811613),
        _task("dtlz2_two", _units(6), dtlz2_two, near, 1.1**2 - math.pi / 4),
        _task("dtlz2_three", _units(6), dtlz2_three, {**near, "f3": 1.1}, 1.1**3 - math.pi / 6),
        _task("branin_currin", _units(2), branin_currin, {"branin": 18.0, "currin": 6.0}, 59.36012),
        _task(
            "vehicle_safety",
            thicknesses,
            vehicle_safety,
            {"mass": 1864.72022, "acceleration": 11.81993945, "intrusion": 0.2903999384},
            246.81607,
        ),
        _quantised(),
        _task(
            "branin_currin_disk",
            _units(2),
            branin_currin_disk,
            {"branin": 80.0, "currin": 12.0},
            608.40042,
            {"distance": {"at_most": 50.0}},
        ),
        _task("c2_dtlz2", _units(4), c2_dtlz2, near, 0.39964063, {"outside": {"at_most": 0.0}}),
    )
