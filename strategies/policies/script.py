"""Scripts: generators that yield params, are sent their outcomes, and so decide what comes next.

A script keeps nothing between two questions: it is run from its beginning each time, and answered
from the optimiser's state, until it yields params that have no outcome. So it goes on after an
interruption as if there had been none. What is pending is answered with None, and the script goes
on as if it had missed; so several workers find something to do, and when the outcome comes, the
script is right again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import TypeVar

from attrs import frozen

import asktell as at
from asktell.space.space import Values
from asktell.study.outcomes import Outcome as Wanted
from strategies.objective import ACCURACY
from strategies.policies.policy import Context, Params

T = TypeVar("T")


@frozen
class Outcome:
    """What came of params.

    Attributes:
        meets: whether they meet the criterion.
        margin: by how much the accuracy is better than it must be; negative where it misses, minus
            infinity for a failure.
    """

    meets: bool
    margin: float


Steps = Generator[Params, Outcome | None, T]
"""Yields params, is sent their outcome (None: not known yet), and returns what it found."""

Script = Callable[[Context], Steps[object]]


def next_of(script: Script, state: at.State, context: Context) -> Params | None:
    """Return the first params of a script that are not taken; None if all are."""
    outcomes = outcomes_of(state)
    steps = script(context)
    try:
        params = context.canonical(next(steps))
        while True:
            values = state.space.check(params)
            if values not in outcomes and not state.is_taken(values):
                return params
            params = context.canonical(steps.send(outcomes.get(values)))
    except StopIteration:
        return None


def outcomes_of(state: at.State) -> dict[Values, Outcome]:
    """Return what came of all params that have an outcome."""
    problem, check = state.problem, state.space.check
    limit = next((one for one in problem.outcomes if one.name == ACCURACY), None)
    outcomes: dict[Values, Outcome] = {}
    for one in state.observations:
        margin = 0.0
        if limit is not None:
            number = one.numbers[problem.outcome_names.index(ACCURACY)]
            margin = _margin(limit, number)
        outcomes[check(one.params)] = Outcome(one.feasible, margin)
    for failure in state.failures:
        outcomes[check(failure.params)] = Outcome(False, -math.inf)
    return outcomes


def _margin(limit: Wanted, number: float) -> float:
    if limit.at_least is not None:
        return number - limit.at_least
    if limit.at_most is not None:
        return limit.at_most - number
    return -number if limit.goal == "minimize" else number


def meets(outcome: Outcome | None) -> bool:
    """Tell whether params are known to meet the criterion."""
    return outcome is not None and outcome.meets


def margin(outcome: Outcome | None) -> float:
    """Return by how much params meet the criterion; minus infinity where it is not known."""
    return -math.inf if outcome is None else outcome.margin


def begin(context: Context) -> Steps[tuple[Params, bool]]:
    """Try what is tried first, until one meets; return the best, and whether it meets."""
    best, best_outcome = context.starts[0], None
    for params in context.starts:
        outcome = yield params
        if margin(outcome) > margin(best_outcome):
            best, best_outcome = params, outcome
        if meets(outcome):
            return params, True
    return best, False
