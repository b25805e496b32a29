"""Continuous tasks: bbob in 2 to 20 dimensions, and classic shifted functions."""

from __future__ import annotations

from suites import bbob, classic
from suites.task import Task


def tasks() -> tuple[Task, ...]:
    """Return all tasks of the suite."""
    return (*bbob.tasks(), *classic.tasks())
