"""Heavy noise: a tenth and a half of the range of values; a peer says what it recommends.

The range is that between the quantiles 0.05 and 0.95 of random params. After every trial a run is
scored by the value without noise of what the peer recommends, not of what was luckiest.
"""

from __future__ import annotations

import numpy as np
from attrs import evolve

from suites import bbob, classic, mixed, quantisation_tables
from suites.task import Task, random_params

SHARES = {"tenth": 0.1, "half": 0.5}
BUDGET = 60


def _range(task: Task) -> float:
    values = [task.truth(params) for params in random_params(task.space, 1000, 0)]
    low, high = np.quantile(values, [0.05, 0.95])
    return float(high - low)


def _noisy(task: Task, name: str, share: float) -> Task:
    return evolve(
        task,
        name=f"{task.name}_{name}",
        suite="noise_heavy",
        budget=BUDGET,
        noise=float(f"{share * _range(task):.3g}"),
        recommended=True,
    )


def _tasks() -> list[Task]:
    named = {task.name: task for task in (*mixed.TASKS, *quantisation_tables.tasks())}
    tasks = [
        classic.BRANIN.task(),
        classic.HARTMANN_6.task(),
        named["learner"],
        named["quantised_accuracy_and_size"],
    ]
    return [*tasks, bbob.task(1, 5, 1)] if bbob.available() else tasks


def tasks() -> tuple[Task, ...]:
    """Return all tasks of the suite, without bbob's where its package is not there."""
    return tuple(_noisy(task, name, share) for task in _tasks() for name, share in SHARES.items())
