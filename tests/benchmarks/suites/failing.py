"""Failing variants: evaluations fail in 20 to 60 % of the space, also beside the optimum."""

from __future__ import annotations

import math
from collections.abc import Callable

from attrs import evolve

from suites import bbob, choices, classic, mixed
from suites.task import Params, Task


def _failing(task: Task, fails: Callable[[Params], bool], optimum: float | None = None) -> Task:
    def function(params: Params) -> float:
        return math.nan if fails(params) else task.function(params)

    name = f"{task.name}_failing"
    return evolve(task, name=name, suite="failing", function=function, optimum=optimum)


def _branin(p: Params) -> bool:
    """Return whether a point lies beyond a line, near which the best of the rest is."""
    return bool(p["x1"] < 0.5 * p["x0"] + 3.5)


def _hartmann(p: Params) -> bool:
    """Return whether a point lies in a corner, or a ball round a worse optimum."""
    ball = sum((p[f"x{i}"] - 0.45) ** 2 for i in range(6))
    return bool(p["x0"] + p["x3"] > 1.15 or ball < 0.16)


def _rosenbrock(p: Params) -> bool:
    """Return whether a point lies in one of many stripes."""
    return math.sin(1.5 * (p["x0"] + p["x1"])) > 0.3


def _learner(p: Params) -> bool:
    """Return whether the rate diverges, or memory does not suffice."""
    return p["rate"] > 0.02 / math.sqrt(p["depth"]) or p["width"] * p["depth"] > 2500


def _network(p: Params) -> bool:
    """Return whether memory does not suffice, or an optimiser is not implemented."""
    memory = p["width"] * p["layers"] * math.sqrt(p["batch"])
    return memory > 8000 or (p["optimiser"] == "adam" and p["schedule"] == "cosine")


def _reaction(p: Params) -> bool:
    """Return whether a solvent boils or does not dissolve."""
    number = int(p["solvent"][-2:])
    return p["temperature"] > 60 + 4 * ((7 * number) % 20) or (3 * number) % 20 < 4


def tasks() -> tuple[Task, ...]:
    """Return all tasks of the suite."""
    named = {task.name: task for task in (*mixed.TASKS, *choices.TASKS)}
    return (
        _failing(classic.BRANIN.task(), _branin),
        _failing(classic.HARTMANN_6.task(), _hartmann),
        _failing(bbob.task(8, 5, 1), _rosenbrock),
        _failing(named["learner"], _learner),
        _failing(named["network"], _network),
        _failing(named["reaction"], _reaction),
    )
