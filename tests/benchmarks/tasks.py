"""The tasks of the tests of quality, and what the engine and random search find on them."""

from __future__ import annotations

from runs import run_engine
from suites import Task, mixed
from suites.classic import BRANIN as _BRANIN
from suites.classic import HARTMANN_6 as _HARTMANN_6
from suites.task import random_params

BRANIN = _BRANIN.task(shift=0.0)
HARTMANN_6 = _HARTMANN_6.task(shift=0.0)
MIXED = next(task for task in mixed.TASKS if task.name == "learner")


def minimise(task: Task, n_trials: int, seed: int) -> float:
    """Return the value of the engine's best after so many trials."""
    return float(run_engine(task, seed, n_trials)[-1])


def random_search(task: Task, n_trials: int, seed: int) -> float:
    """Return the value of the best of so many uniformly random params."""
    return min(task.evaluate(params) for params in random_params(task.space, n_trials, seed))
