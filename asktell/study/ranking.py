"""Which of two trials is the better one."""

from __future__ import annotations

from asktell.study.history import History
from asktell.study.problem import Problem
from asktell.study.trials import Trial, mean_numbers


def better(
    problem: Problem, history: History, leader: int | None, before: Trial, after: Trial
) -> int | None:
    """Return the number of the best trial, where one has changed since there was this leader.

    It takes constant time, but where the leader itself has become worse. ``history`` is the one
    before the change.
    """
    value = objective_of(problem, after)
    if leader is None:
        return None if value is None else after.number
    if leader != after.number:
        is_ahead = value is not None and _is_ahead(problem, after, history.trial(leader))
        return after.number if is_ahead else leader
    was = objective_of(problem, before)
    if value is not None and (was is None or value >= was):
        return leader
    best = after if value is not None else None
    for trial in history.trials:
        if trial.number != after.number and _is_ahead(problem, trial, best):
            best = trial
    return best.number if best is not None else None


def objective_of(problem: Problem, trial: Trial) -> float | None:
    """Return what is maximised, the mean of replicates; None where nothing was measured."""
    results = trial.results
    if not results:
        return None
    position = problem.objective
    return problem.outcomes[position].sign * mean_numbers(results)[position]


def _is_ahead(problem: Problem, trial: Trial, other: Trial | None) -> bool:
    """Tell whether one trial is better than another; ties go by position in the space.

    Never by arrival, which is up to chance.
    """
    mine = objective_of(problem, trial)
    theirs = None if other is None else objective_of(problem, other)
    if mine is None or theirs is None or other is None:
        return mine is not None
    if mine != theirs:
        return mine > theirs
    rows = [trial.configuration.values, other.configuration.values]
    first, second = problem.space.encode(rows).tolist()
    return tuple(first) < tuple(second)
