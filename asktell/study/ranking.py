"""Which of two trials is the better one."""

from __future__ import annotations

from collections.abc import Iterable

from asktell.study.history import History
from asktell.study.problem import Problem
from asktell.study.trials import Trial, mean_numbers

Leader = tuple[int, float] | None
"""The number of the best trial, and what its objective is; None without a result."""


def leader_of(problem: Problem, trials: Iterable[Trial]) -> Leader:
    """Return the best of some trials."""
    best: tuple[Trial, float] | None = None
    for trial in trials:
        value = objective_of(problem, trial)
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
    value = objective_of(problem, after)
    if leader is None or (value is not None and leader[0] == after.number and value >= leader[1]):
        return None if value is None else (after.number, value)
    if leader[0] == after.number:
        return leader_of(problem, [t for t in history.trials if t is not before] + [after])
    if value is None or value < leader[1]:
        return leader
    best = history.trial(leader[0])
    return (after.number, value) if _is_ahead(problem, after, value, best, leader[1]) else leader


def objective_of(problem: Problem, trial: Trial) -> float | None:
    """Return what is maximised, the mean of replicates; None where nothing was measured."""
    results = trial.results
    if not results:
        return None
    position = problem.objective
    return problem.signs[position] * mean_numbers(results)[position]


def _is_ahead(problem: Problem, trial: Trial, value: float, other: Trial, most: float) -> bool:
    """Tell whether a trial of this value is better than another; ties go by place in the space.

    Never by arrival, which is up to chance.
    """
    if value != most:
        return value > most
    values = trial.configuration.values, other.configuration.values
    for parameter, *pair in zip(problem.space.parameters, *values, strict=True):
        first, second = parameter.encode(pair)
        if first != second:
            return bool(first < second)
    return False
