"""Which of two trials is the better one."""

from __future__ import annotations

from asktell.study.history import History
from asktell.study.problem import Problem
from asktell.study.trials import Trial, mean_numbers


def better(
    problem: Problem, history: History, leader: int | None, before: Trial, after: Trial
) -> int | None:
    """Return the number of the best trial, after a trial has changed.

    This takes constant time, unless the trial is the leader and has become worse. ``leader`` and
    ``history`` are those before the change.
    """
    value = objective_of(problem, after)
    if leader is None:
        return None if value is None else after.number
    if leader == after.number:
        was = objective_of(problem, before)
        if value is None or (was is not None and value < was):
            return _best_of(problem, [t for t in history.trials if t is not before] + [after])
        return leader
    if value is not None:
        best = history.trial(leader)
        if _is_ahead(problem, after, value, best, objective_of(problem, best)):
            return after.number
    return leader


def objective_of(problem: Problem, trial: Trial) -> float | None:
    """Return what is maximised, the mean of replicates; None where nothing was measured."""
    results = trial.results
    if not results:
        return None
    position = problem.objective
    return problem.signs[position] * mean_numbers(results)[position]


def _best_of(problem: Problem, trials: list[Trial]) -> int | None:
    best: Trial | None = None
    most: float | None = None
    for trial in trials:
        value = objective_of(problem, trial)
        if value is not None and (best is None or _is_ahead(problem, trial, value, best, most)):
            best, most = trial, value
    return None if best is None else best.number


def _is_ahead(
    problem: Problem, trial: Trial, value: float, other: Trial, most: float | None
) -> bool:
    """Tell whether a trial of this value is better than another; ties go by place in the space.

    Never by arrival, which is up to chance.
    """
    if most is None or value != most:
        return most is None or value > most
    values = trial.configuration.values, other.configuration.values
    for parameter, *pair in zip(problem.space.parameters, *values, strict=True):
        first, second = parameter.encode(pair)
        if first != second:
            return bool(first < second)
    return False
