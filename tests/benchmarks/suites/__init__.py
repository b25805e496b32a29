"""Suites of black-box tasks: one a module.

Peers whose suggestions take seconds run the tasks of ``SUBSET`` only, two to four of each suite.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from suites import (
    conditional,
    constrained,
    continuous,
    failing,
    known_constraints,
    mixed,
    noise_heavy,
    noisy,
    quantisation_tables,
    several,
    tuning,
)
from suites.outcomes import OutcomesTask
from suites.task import Task

AnyTask = Task | OutcomesTask

SUITES = {
    "continuous": continuous.tasks,
    "mixed": mixed.tasks,
    "tuning": tuning.tasks,
    "quantisation": quantisation_tables.tasks,
    "noisy": noisy.tasks,
    "failing": failing.tasks,
}
"""One number, of which the best observed is scored."""

OUTCOMES = {
    "constrained": constrained.tasks,
    "several": several.tasks,
    "noise_heavy": noise_heavy.tasks,
}
"""Several numbers, or one of which a recommendation is scored: see ``runs.measure``."""

SPACES = {
    "conditional": conditional.tasks,
    "conditional_held_out": conditional.held_out,
    "known_constraints": known_constraints.tasks,
}
"""One number, over spaces with conditions or constraints."""

SUBSET = (
    *("bbob_rosenbrock_2", "bbob_ellipsoid_rotated_5", "bbob_weierstrass_5", "hartmann_6"),
    *("decades", "learner"),
    *("forest_wine", "gradient_digits"),
    *("quantised_one_percent", "quantised_accuracy_and_size"),
    *("hartmann_6_noisy", "branin_noisy"),
    *("hartmann_6_failing", "bbob_rosenbrock_5_failing"),
)
"""Names of tasks of every suite, for slow peers."""

OUTCOMES_SUBSET = (
    *("gardner_2", "branin_binary", "hartmann_ball", "welded_beam", "quantised_at_least_984"),
    *("zdt2", "branin_currin", "quantised_front", "c2_dtlz2"),
    *("branin_tenth", "branin_half", "hartmann_6_tenth", "hartmann_6_half"),
)
"""The same of ``OUTCOMES``."""


@cache
def suite(name: str) -> tuple[Any, ...]:
    """Return the tasks of a suite."""
    return {**SUITES, **OUTCOMES, **SPACES}[name]()


def task(name: str) -> Any:
    """Return a task by its name."""
    suites = (*SUITES, *OUTCOMES, *SPACES)
    return next(task for suite_name in suites for task in suite(suite_name) if task.name == name)


__all__ = [
    "OUTCOMES",
    "OUTCOMES_SUBSET",
    "SPACES",
    "SUBSET",
    "SUITES",
    "AnyTask",
    "OutcomesTask",
    "Task",
    "suite",
    "task",
]
