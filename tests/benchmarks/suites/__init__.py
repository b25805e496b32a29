"""Suites of black-box tasks: one a module.

Peers whose suggestions take seconds run the tasks of ``SUBSET`` only, two to four of each suite.
"""

from __future__ import annotations

from functools import cache

from suites import continuous, failing, mixed, noisy, quantisation_tables, tuning
from suites.task import Task

SUITES = {
    "continuous": continuous.tasks,
    "mixed": mixed.tasks,
    "tuning": tuning.tasks,
    "quantisation": quantisation_tables.tasks,
    "noisy": noisy.tasks,
    "failing": failing.tasks,
}

SUBSET = (
    *("bbob_rosenbrock_2", "bbob_ellipsoid_rotated_5", "bbob_weierstrass_5", "hartmann_6"),
    *("decades", "learner"),
    *("forest_wine", "gradient_digits"),
    *("quantised_one_percent", "quantised_accuracy_and_size"),
    *("hartmann_6_noisy", "branin_noisy"),
    *("hartmann_6_failing", "bbob_rosenbrock_5_failing"),
)
"""Names of tasks of every suite, for slow peers."""


@cache
def suite(name: str) -> tuple[Task, ...]:
    """Return the tasks of a suite."""
    return SUITES[name]()


def task(name: str) -> Task:
    """Return a task by its name."""
    return next(task for suite_name in SUITES for task in suite(suite_name) if task.name == name)


__all__ = ["SUBSET", "SUITES", "Task", "suite", "task"]
