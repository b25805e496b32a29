"""Noisy variants: what is told has Gaussian noise, what is scored has none."""

from __future__ import annotations

from attrs import evolve

from suites import bbob, choices, classic, mixed
from suites.task import Task


def _noisy(task: Task, noise: float) -> Task:
    return evolve(task, name=f"{task.name}_noisy", suite="noisy", noise=noise)


def tasks() -> tuple[Task, ...]:
    """Return all tasks of the suite; noise is 2 to 20 % of the values' spread."""
    named = {task.name: task for task in (*mixed.TASKS, *choices.TASKS)}
    return (
        _noisy(classic.BRANIN.task(), 5.0),
        _noisy(classic.HARTMANN_6.task(), 0.08),
        _noisy(bbob.task(15, 5, 1), 15.0),
        _noisy(named["learner"], 0.3),
        _noisy(named["network"], 0.1),
        _noisy(named["reaction"], 5.0),
    )
