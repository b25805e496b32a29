"""What points promise, given what a problem wants: the score that is maximised."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from asktell.acquisition.belief import Belief, belief_of
from asktell.acquisition.directions import Directions, directions_of
from asktell.acquisition.hypervolume import Boxes, boxes_of, non_dominated, reference_of
from asktell.acquisition.score import Feasibility, FrontImprovement, Improvement, Promise, Term
from asktell.asking.revisit import is_noisy
from asktell.asking.worth import worth_of
from asktell.model.kernels import Array
from asktell.model.posterior import Posterior
from asktell.study.problem import Problem

_EXACT = 3
"""Up to so many objectives, what the front leaves open is cut into boxes, as many as it has points,
and the improvement is exact; their number explodes above."""

_DIRECTIONS = 64
"""Directions in which the improvement of a front is sampled above that."""


def promise_of(
    problem: Problem, posterior: Posterior, is_wide: bool, random: np.random.Generator
) -> Promise:
    """Return the score of points.

    It is the improvement of the objectives on what is known to hold all constraints, times the
    probability that all constraints hold (Schonlau, Welch and Jones 1998; Gardner et al. 2014,
    eq. 5) and that the evaluation succeeds. While nothing holds the constraints, it is that
    probability alone. Pending points count with what is expected of them. A belief about good
    values counts as long as what is observed does not speak against it.

    Args:
        problem: says what is wanted.
        posterior: what is believed.
        is_wide: where no reference is given for several objectives, whether it lies beyond all
            points, so as to look for a longer front, or just beyond the front, to look for a better
            one.
        random: for the directions of many objectives.
    """
    points = np.vstack([posterior.data.points, posterior.data.pending])
    means, _ = posterior.at(points)
    held = _held(problem, posterior, means)
    terms: list[Term] = []
    if held.any():
        best = means[held]
        if len(problem.objectives) == 1:
            own = _trusted(posterior, problem.objectives[0])
            terms.append(Improvement(own, best[:, own].max(axis=0)))
        else:
            terms.append(_front(problem, posterior, best, is_wide, random))
    for outcome in problem.constraints:
        low, high = posterior.limits(outcome)
        own = posterior.columns[outcome]
        if problem.outcomes[outcome].goal:
            own, low, high = slice(own.start, own.start + 1), low[:1], high[:1]
            if held.any():
                low = np.array([-math.inf])  # what improves is above it
        if np.isfinite(low).any() or np.isfinite(high).any():
            terms.append(Feasibility(own, low, high))
    if posterior.least_success is not None:
        last = slice(means.shape[1] - 1, means.shape[1])
        low = np.array([posterior.least_success])
        terms.append(Feasibility(last, low, np.array([math.inf])))
    return Promise(posterior, tuple(terms), _belief(problem, posterior))


def _belief(problem: Problem, posterior: Posterior) -> Belief | None:
    """Return what is left of the belief about good values, given what is observed."""
    domain = problem.space.domain
    if not any(domain.likely):
        return None
    return belief_of(domain, posterior.data.points, worth_of(problem, posterior))


def _trusted(posterior: Posterior, objective: int) -> slice:
    """Return the members that are asked about the objective.

    Where targets are noisy it is the first alone: the others are for targets that are nearly exact,
    and take the luckiest ones at their word (docs/decisions, number 11).
    """
    own = posterior.columns[objective]
    return slice(own.start, own.start + 1) if is_noisy(posterior, objective) else own


def _held(problem: Problem, posterior: Posterior, means: Array) -> NDArray[np.bool_]:
    """Tell which observed points hold the constraints, and which pending ones are expected to."""
    data = posterior.data
    pending = np.ones(len(data.pending), dtype=bool)
    for outcome in problem.constraints:
        low, high = posterior.limits(outcome)
        expected = means[len(data.points) :, posterior.columns[outcome].start]
        pending &= (expected >= low[0]) & (expected <= high[0])
    return np.concatenate([data.feasible, pending])


def _front(
    problem: Problem,
    posterior: Posterior,
    best: Array,
    is_wide: bool,
    random: np.random.Generator,
) -> FrontImprovement:
    """Return the improvement of the front of points with these means (n, s), by first members."""
    columns = np.array([posterior.columns[outcome].start for outcome in problem.objectives])
    values = best[:, columns]
    front = values[non_dominated(values)]
    least = reference_of(values if is_wide else front, values)
    for place, outcome in enumerate(problem.objectives):
        least[place] = _reference(problem, posterior, outcome, float(least[place]))
    return FrontImprovement(columns, _region(front, least, random))


def _region(front: Array, least: Array, random: np.random.Generator) -> Boxes | Directions:
    if len(least) <= _EXACT:
        return boxes_of(front, least)
    return directions_of(front, least, random, _DIRECTIONS)


def _reference(problem: Problem, posterior: Posterior, outcome: int, inferred: float) -> float:
    """Return up to where an objective counts for nothing, as its first member sees it."""
    wanted = problem.outcomes[outcome]
    numbers: list[float] = [
        math.nan if wanted.reference is None else wanted.sign * wanted.reference,
        float(posterior.data.bounds[outcome][0]),
    ]
    if posterior.data.uses[outcome] != "given":
        seen = posterior.seen[posterior.columns[outcome].start]
        numbers = seen.of(np.array(numbers)).tolist()
    given, least = map(float, numbers)
    return max(inferred if math.isnan(given) else given, least)
