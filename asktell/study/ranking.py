"""Which of two trials is the better one: constraints go first, then the objective."""

from __future__ import annotations

import math
from collections.abc import Iterable

from asktell.study.history import History
from asktell.study.problem import Problem
from asktell.study.trials import Trial, mean_numbers

Leader = tuple[int, float] | None
"""The number of the best trial that holds all constraints, and its value; None where none does."""


def leader_of(problem: Problem, trials: Iterable[Trial]) -> Leader:
    """Return the best of some trials."""
    best: tuple[Trial, float] | None = None
    for trial in trials:
        value = value_of(problem, trial)
        if value is not None and (best is None or _is_ahead(problem, trial, value, *best)):
            best = trial, value
    return None if best is None else (best[0].number, best[1])


def better(
    problem: Problem, history: History, leader: Leader, before: Trial, after: Trial
) -> Leader:
    """Return the leader after a trial has changed.

    This takes constant time, unless the trial is the leader and has become worse. ``leader`` and
    ``history`` are those before the change.
    """
    value = value_of(problem, after)
    if leader is None or (value is not None and leader[0] == after.number and value >= leader[1]):
        return None if value is None else (after.number, value)
    if leader[0] == after.number:
        return leader_of(problem, [t for t in history.trials if t is not before] + [after])
    if value is None or value < leader[1]:
        return leader
    best = history.trial(leader[0])
    return (after.number, value) if _is_ahead(problem, after, value, best, leader[1]) else leader


def value_of(problem: Problem, trial: Trial) -> float | None:
    """Return what is maximised, of the means of replicates.

    None where nothing was measured, where a constraint is broken, where nothing says how to weigh
    several objectives, and where the trial does not lie in the space.
    """
    results = trial.results
    if not results or not problem.has_scale or trial.left_out is not None:
        return None
    numbers = mean_numbers(results)
    return problem.value(numbers) if problem.holds(numbers) else None


def nearest(problem: Problem, trials: Iterable[Trial]) -> Trial | None:
    """Return the trial that comes nearest to holding all constraints; None without a result.

    Nearest is what has the least sum of violations, each in units of the spread of its outcome
    over all trials: so it does not matter in which units outcomes are told. Of equals, the better.
    """
    kept = [trial for trial in trials if trial.is_observed and trial.left_out is None]
    measured = [(trial, mean_numbers(trial.results)) for trial in kept]
    spreads = {}
    for i in problem.constraints:
        column = [numbers[i] for _, numbers in measured]
        spreads[i] = max(column) / 2 - min(column) / 2 or 1.0  # halved, so that none overflows
    best: tuple[Trial, tuple[float, float]] | None = None
    for trial, numbers in measured:
        violations = [
            problem.outcomes[i].violation(numbers[i]) / spread for i, spread in spreads.items()
        ]
        try:
            violation = math.fsum(violations)
        except OverflowError:  # all are far beyond anything
            violation = math.inf
        rank = -violation, problem.value(numbers)
        if best is None or _is_ahead(problem, trial, rank, *best):
            best = trial, rank
    return None if best is None else best[0]


def _is_ahead(
    problem: Problem,
    trial: Trial,
    value: float | tuple[float, float],
    other: Trial,
    most: float | tuple[float, float],
) -> bool:
    """Tell whether a trial of this value is better than another; ties go by place in the space.

    Never by arrival, which is up to chance.
    """
    if value != most:
        return value > most  # type: ignore[operator]  # both are of one kind
    rows = [trial.configuration.values, other.configuration.values]
    first, second = problem.space.encode(rows).tolist()
    return bool(first < second)
