"""What a study is for, and what one of its trials is worth, in words."""

from __future__ import annotations

from typing import Any

from asktell.reports.words import listed, number
from asktell.study.outcomes import Outcome
from asktell.study.problem import Numbers, Problem
from asktell.study.trials import Trial, mean_numbers

DIGITS = 5
"""Of outcomes: one more than of params, for trials differ little near the best."""

_DOING = {"maximize": "maximising", "minimize": "minimising"}


def title_of(problem: Problem) -> str:
    """Return what is wanted as a heading: ``Minimising size, with accuracy at least 0.97``."""
    by_goal: dict[str, list[str]] = {}
    for one in objectives_of(problem):
        by_goal.setdefault(one.goal or "", []).append(one.name)
    parts = [f"{_DOING[goal]} {listed(names)}" for goal, names in by_goal.items()]
    text = " and ".join(parts)
    text = text[0].upper() + text[1:]
    limits = listed([limit_text(one) for one in limits_of(problem)])
    return f"{text}, with {limits}" if limits else text


def objectives_of(problem: Problem) -> list[Outcome]:
    """Return the outcomes that are optimised."""
    return [problem.outcomes[i] for i in problem.objectives]


def limits_of(problem: Problem) -> list[Outcome]:
    """Return the outcomes that have bounds."""
    return [problem.outcomes[i] for i in problem.constraints]


def limit_text(outcome: Outcome) -> str:
    """Return the bounds of an outcome: ``accuracy at least 0.97``."""
    bounds = []
    if outcome.at_least is not None:
        bounds.append(f"at least {number(outcome.at_least, DIGITS)}")
    if outcome.at_most is not None:
        bounds.append(f"at most {number(outcome.at_most, DIGITS)}")
    return f"{outcome.name} {' and '.join(bounds)}"


def numbers_by_name(problem: Problem, numbers: Numbers) -> dict[str, float]:
    """Return the numbers by the names of their outcomes."""
    return dict(zip(problem.outcome_names, numbers, strict=True))


def broken_text(problem: Problem, numbers: Numbers) -> str:
    """Return which bounds are broken: ``memory is 4.2, wanted is at most 3``."""
    broken = []
    for outcome, value in zip(problem.outcomes, numbers, strict=True):
        if outcome.violation(value):
            limit = limit_text(outcome).removeprefix(f"{outcome.name} ")
            broken.append(f"{outcome.name} is {number(value, DIGITS)}, wanted is {limit}")
    return listed(broken)


def by_values(trials: list[Trial]) -> dict[Any, Trial]:
    """Return trials by their values."""
    return {trial.configuration.values: trial for trial in trials}


def measured(trial: Trial) -> Numbers | None:
    """Return what was measured of a trial; the mean of several; None without a result."""
    results = trial.results
    return mean_numbers(results) if results else None
