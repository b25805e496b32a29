"""Suites of black-box tasks: one a module."""

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


@cache
def suite(name: str) -> tuple[Task, ...]:
    """Return the tasks of a suite."""
    return SUITES[name]()


def task(name: str) -> Task:
    """Return a task by its name."""
    return next(task for suite_name in SUITES for task in suite(suite_name) if task.name == name)


__all__ = ["SUITES", "Task", "suite", "task"]
