"""What a suggestion would be: from a state and a number to values, without an event.

The draws for suggestion k come from the seed and k alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import evolve, frozen

from asktell.acquisition.belief import believed
from asktell.acquisition.design import perturbed
from asktell.acquisition.hypervolume import non_dominated
from asktell.acquisition.maximiser import maximise
from asktell.asking.beforehand import Beforehand
from asktell.asking.branches import branch_of, designed
from asktell.asking.evidence import dataset_of, n_reports
from asktell.asking.first import design_point, hoped_point, n_first, place_to_try
from asktell.asking.fitting import fit_of
from asktell.asking.known import given_of
from asktell.asking.promise import promise_of
from asktell.asking.revisit import worth_revisiting
from asktell.asking.taken import taken_of
from asktell.errors import ParamsError, SpaceExhausted, quoted
from asktell.model.blas import one_blas_thread
from asktell.model.dataset import Dataset
from asktell.model.kernels import Array
from asktell.model.posterior import Posterior, posterior_of
from asktell.space.narrowed import Narrowed, narrowed
from asktell.space.space import Space, Values
from asktell.state import State
from asktell.study.events import Fit
from asktell.study.problem import Problem
from asktell.study.trials import Origin

_LOCAL_CANDIDATES, _LOCAL_CENTRES = 200, 5
"""Candidates near the best points, and how many points count as best. Neither was tuned: one such
candidate beside eight Sobol points left the score of the benchmarks' subset as it was. Of several
objectives, at every other suggestion all of the front counts (docs/decisions, number 11)."""

_LIKELY_CANDIDATES = 64
"""Candidates drawn from what the user believes, where there is a belief. Not tuned."""

_LEAST_CANDIDATES, _SCORED_PAIRS = 128, 200_000
"""Above so many candidates times points there are fewer candidates, down to the least. The time to
score one grows with the square of the points; so from about 400 points on, with the default of 512
candidates, the first look takes time in proportion to the points. Neither was tuned."""

_RANDOM_DRAWS = 64
"""Random draws before configurations are looked through in order: with half of a space free, the
chance that all of them are taken is 2**-64."""


def part_of(space: Space, fixed: Mapping[str, Any] | None) -> Narrowed:
    """Return the part of a space in which these values are fixed.

    Raises:
        ParamsError: a ``ValueError``; what is fixed is not valid. Its place begins with
            ``$.fixed``.
    """
    try:
        return narrowed(space, fixed)
    except ParamsError as error:
        raise error.below("$.fixed") from None


@frozen
class Proposal:
    """Values to be suggested, where they come from, and the fit if it is a new one."""

    values: Values
    origin: Origin
    fit: Fit | None


def propose(state: State, number: int, fixed: Mapping[str, Any] | None = None) -> Proposal:
    """Return what suggestion ``number`` of a state would be; the number chooses the draws.

    Raises:
        SpaceExhausted: nothing is left to suggest.
        ParamsError: a ``ValueError``; what is fixed is not valid.
    """
    part = part_of(state.space, fixed)
    with one_blas_thread(), np.errstate(all="ignore"):
        return propose_within(state, number, Beforehand(), part)


def propose_within(state: State, number: int, beforehand: Beforehand, part: Narrowed) -> Proposal:
    """Return what suggestion ``number`` of a state would be, within a part of the space.

    Raises:
        SpaceExhausted: nothing is left to suggest.
    """
    defaults = state.space.defaults
    if defaults and part.agrees(defaults) and not state.is_taken(defaults):
        return Proposal(defaults, "initial", None)
    random = np.random.default_rng([state.problem.seed, number])
    origin, fit = _origin(state, beforehand), None
    if origin == "initial":
        point = place_to_try(state, part)
        if point is None and beforehand.trends:
            point = hoped_point(state, part, beforehand.trends, random)
        if point is None:
            point = design_point(state, part, number)
    else:
        try:
            data = dataset_of(state, beforehand.known, beforehand.trends)
            data = data.thinned(state.problem.method.n_modelled)
            found = fit_of(state, data)
            given = given_of(state.problem, beforehand.known) if beforehand.known else None
            posterior = posterior_of(state.space.domain, data, found.found, given, found.earlier)
            fit = None if found is state.fit else found
            point = _most_promising(state, part, posterior, random)
            again = _revisited(state, posterior, point)
            if again is not None and part.agrees(again):
                return Proposal(again, "replicate", fit)
        except np.linalg.LinAlgError:
            origin = "fallback"
            point = part.domain.sample(random.random((1, state.space.dim)))[0]
    values = part.decode(point[None])[0]
    if state.is_taken(values) or not part.keeps(values):
        values = _free_values(state, part, random)
        origin = "initial" if origin == "initial" else "fallback"
    return Proposal(values, origin, fit)


def _origin(state: State, beforehand: Beforehand) -> Origin:
    if not state.n_observed:
        return "initial"
    if state.problem.method.revisits and _is_used_up(state):
        return "model"
    if beforehand.says_of_all(state.problem):
        return "model"
    return "model" if is_begun(state, n_reports(state) + len(state.out)) else "initial"


def is_begun(state: State, trials: int) -> bool:
    """Tell whether the model is asked after so many trials."""
    return trials >= state.problem.method.n_initial or trials >= n_first(state)


def _revisited(state: State, posterior: Posterior, point: Array) -> Values | None:
    """Return observed values that are worth more than a point, where the settings ask for that.

    With several objectives, none are.
    """
    objectives = state.problem.objectives
    if not state.problem.method.revisits or len(objectives) > 1:
        return None
    again = worth_revisiting(posterior, objectives[0], None if _is_used_up(state) else point)
    return None if again is None else state.space.decode(again[None])[0]


def _is_used_up(state: State) -> bool:
    """Tell whether every configuration of a finite space is taken."""
    size = state.space.size
    if size is None or size > len(state.history):
        return False
    taken = [trial.configuration.values for trial in state.kept if trial.standing != "forgotten"]
    return len(taken) >= size and int(state.space.holds(taken).sum()) >= size


def _most_promising(
    state: State, part: Narrowed, posterior: Posterior, random: np.random.Generator
) -> Array:
    domain, method, data = part.domain, state.problem.method, posterior.data
    is_wide = bool(random.integers(2)) if len(state.problem.objectives) > 1 else False
    centres = _centres(state.problem, data, is_wide, random)
    centres = domain.snap(centres) if part.fixed else centres
    near = perturbed(centres, domain, _LOCAL_CANDIDATES, random)
    if any(domain.likely):
        near = np.vstack([near, believed(domain, random.random((_LIKELY_CANDIDATES, domain.dim)))])
    score = promise_of(state.problem, posterior, is_wide, random)
    n_candidates = _candidates(method.n_candidates, len(data.points))
    taken = taken_of(state, part.decode)
    free = evolve(domain, excluded=taken)
    if domain.activity is not None and random.integers(2):
        candidates = np.vstack([domain.sample(random.random((n_candidates, domain.dim))), near])
        candidates = candidates[~taken(candidates)]
        if len(candidates):
            outside = branch_of(state.problem, posterior, candidates)
            free = evolve(domain, excluded=lambda points: taken(points) | outside(points))
    point = maximise(score, free, random, n_candidates, method.n_starts, near)
    begun = designed(domain, data, point, random)
    return point if taken(begun[None])[0] else begun


def _centres(problem: Problem, data: Dataset, is_wide: bool, random: np.random.Generator) -> Array:
    """Return the points near which there are candidates: the best, or a front in random order."""
    feasible = np.flatnonzero(data.feasible)
    if len(problem.objectives) == 1 or is_wide or not len(feasible):
        return data.points[data.order[:_LOCAL_CENTRES]]
    objectives = data.targets[feasible][:, list(problem.objectives)]
    front = feasible[non_dominated(objectives)]
    return np.asarray(data.points[random.permutation(front)])


def _candidates(n_candidates: int, n: int) -> int:
    """Return how many candidates are scored: fewer where scoring each takes long."""
    return min(n_candidates, max(_LEAST_CANDIDATES, _SCORED_PAIRS // max(n, 1)))


def _free_values(state: State, part: Narrowed, random: np.random.Generator) -> Values:
    """Return random values that are not taken.

    Raises:
        SpaceExhausted: there are none.
    """
    space = state.space
    for values in part.decode(part.domain.sample(random.random((_RANDOM_DRAWS, space.dim)))):
        if not state.is_taken(values) and part.keeps(values):
            return values
    for values in part.rows(random):  # ends after one more step than there are taken values
        if not state.is_taken(values):
            return values
    if part.fixed:
        fixed = {space.names[index]: value for index, value in part.fixed.items()}
        raise SpaceExhausted(f"all params with {quoted(fixed)} are observed, pending or failed")
    if space.size is not None:
        raise SpaceExhausted(f"all {space.size} configurations are observed, pending or failed")
    if space.domain.continuous.any():
        raise SpaceExhausted("the floats between the bounds are used up")
    raise SpaceExhausted("no further configuration was found that the constraints leave")
