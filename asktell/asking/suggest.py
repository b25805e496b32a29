"""Asking: what to evaluate next. State in; state and suggestions out.

Nothing here reads a clock, a file or a global, prints, or changes its arguments. The draws for
suggestion k come from the seed and k alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from attrs import evolve, frozen

from asktell.acquisition.belief import believed
from asktell.acquisition.design import perturbed
from asktell.acquisition.hypervolume import non_dominated
from asktell.acquisition.maximiser import maximise
from asktell.asking.branches import branch_of, designed
from asktell.asking.evidence import dataset_of, n_reports
from asktell.asking.first import design_point, n_first, place_to_try
from asktell.asking.known import Known, checked, given_of
from asktell.asking.promise import promise_of
from asktell.asking.revisit import NOISY, is_noisy, worth_revisiting
from asktell.asking.taken import taken_of
from asktell.errors import DefinitionError, ParamsError, SpaceExhausted, quoted
from asktell.model.blas import one_blas_thread
from asktell.model.dataset import Dataset
from asktell.model.kernels import Array
from asktell.model.members import MODEL, Found, fit_earlier, fit_first, fit_members, sources_of
from asktell.model.posterior import Posterior, posterior_of
from asktell.numbers import as_moment, is_count
from asktell.space.narrowed import Narrowed, narrowed
from asktell.space.space import Space, Values
from asktell.state import State, apply
from asktell.study.events import Fit, Fitted, Suggested
from asktell.study.problem import Problem
from asktell.study.trials import Configuration, Origin
from asktell.study.views import Suggestion
from asktell.telling.leases import end_of_lease

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

_FITTED = 256
"""The most points that a fit sees, as the time of each of its steps grows with their third power.
Not tuned by itself; docs/decisions, number 3, has what it saves together with others."""

_RANDOM_DRAWS = 64
"""Random draws before configurations are looked through in order: with half of a space free, the
chance that all of them are taken is 2**-64."""


def suggest(
    state: State,
    n: int = 1,
    *,
    fixed: Mapping[str, Any] | None = None,
    known: Known | None = None,
    now: float | None = None,
    lease: float | None = None,
) -> tuple[State, list[Suggestion]]:
    """Return the next state and n suggestions, each aware of those before it.

    Params that were enqueued come first, then those that are to be offered again, under a new id;
    then the defaults, where all parameters have one. Apart from what is enqueued or offered again,
    nothing is suggested that is observed, pending or failed; with ``Settings(revisits=True)``,
    observed params are where another measurement of them is worth most. If fewer than n are left in
    a finite space, those are returned.

    Args:
        state: left as it is.
        n: how many.
        fixed: values that all of them have, by name; the parameters that these depend on are then
            such that they are active. What is enqueued or offered again waits where it has others.
        known: outcomes that are known without an evaluation, such as a size that can be worked out:
            by name, functions that take params and return the number. They are asked about
            thousands of params, and always have to return the same for the same; no model is made
            of such an outcome.
        now: the time on the caller's clock, in seconds; needed with a lease.
        lease: after so many seconds without an outcome, :func:`asktell.expire` ends the
            suggestions; None for never.

    Raises:
        SpaceExhausted: none are left.
        ParamsError: a ``ValueError``; what is fixed has an unknown name, a value out of its range,
            or values that cannot be together. The place begins with ``$.fixed``.
        DefinitionError: a ``ValueError``; n is not an integer >= 1, or what is known is not a
            function of an outcome, or does not return a finite number.
        LeaseError: a ``ValueError``; the lease is not a number > 0, or ``now`` is not a number.
    """
    if not is_count(n):
        raise DefinitionError("$.n", n, "an integer >= 1")
    at = None if now is None else as_moment(now)
    expires = None if lease is None else end_of_lease(now, lease)
    given = {} if known is None else checked(state.problem, known)
    part = _fixed(state.space, fixed)
    suggestions: list[Suggestion] = []
    with one_blas_thread(), np.errstate(all="ignore"):
        while len(suggestions) < n:
            try:
                state = _with_one_more(state, part, given, expires, at)
            except SpaceExhausted:
                if suggestions:
                    break
                raise
            suggestions.append(state.suggestion(state.next_id - 1))
    return state, suggestions


def _fixed(space: Space, fixed: Mapping[str, Any] | None) -> Narrowed:
    try:
        return narrowed(space, fixed)
    except ParamsError as error:
        raise error.below("$.fixed") from None


def _with_one_more(
    state: State, part: Narrowed, known: Known, expires: float | None, at: float | None
) -> State:
    number = state.next_id
    for wish in _wishes(state, part):
        try:
            proposal = _granted(state, number, known, wish)
        except SpaceExhausted:
            continue  # all that it leaves open is taken; another wish may have more luck
        return _suggested(state, evolve(proposal, origin="enqueued"), expires, at)
    for place in state.queue:
        configuration = state.history.trial(place).configuration
        if part.agrees(configuration.values):
            return apply(state, Suggested(number, configuration, "again", expires, at))
    return _suggested(state, _proposal(state, number, known, part), expires, at)


def _suggested(state: State, proposal: Proposal, expires: float | None, at: float | None) -> State:
    if proposal.fit is not None:
        state = apply(state, Fitted(proposal.fit, at))
    configuration = Configuration(state.space.names, proposal.values)
    return apply(state, Suggested(state.next_id, configuration, proposal.origin, expires, at))


def needs_model(state: State, n: int, fixed: Mapping[str, Any] | None = None) -> bool:
    """Tell whether the model is asked for any of the next n suggestions: that takes its time."""
    if not state.n_observed or (n <= len(state.queue) and not fixed and not state.wishes):
        return False
    return _is_begun(state, n_reports(state) + len(state.out) + n - 1)


# --- what was wished for ---


def _wishes(state: State, part: Narrowed) -> Iterator[Narrowed]:
    """Yield what fulfils a wish and has what is fixed, in the order of the wishes."""
    names = state.space.names
    fixed = {names[index]: value for index, value in part.fixed.items()}
    for wish in state.wishes:
        params = wish.params
        if all(params.get(name, value) == value for name, value in fixed.items()):
            try:
                yield narrowed(state.space, {**params, **fixed})
            except ParamsError:
                continue  # each is possible, but not together


def _granted(state: State, number: int, known: Known, wish: Narrowed) -> Proposal:
    """Return what fulfils a wish.

    Raises:
        SpaceExhausted: nothing that is not taken does.
    """
    values = wish.complete
    if values is None:
        return _proposal(state, number, known, wish)
    if state.is_taken(values) and not state.problem.policy.replicates:
        raise SpaceExhausted("these params are observed, pending or failed")
    return Proposal(values, "enqueued", None)


# --- what is proposed ---


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
    part = _fixed(state.space, fixed)
    with one_blas_thread(), np.errstate(all="ignore"):
        return _proposal(state, number, {}, part)


def _proposal(state: State, number: int, known: Known, part: Narrowed) -> Proposal:
    defaults = state.space.defaults
    if defaults and part.agrees(defaults) and not state.is_taken(defaults):
        return Proposal(defaults, "initial", None)
    random = np.random.default_rng([state.problem.seed, number])
    origin, fit = _origin(state), None
    if origin == "initial":
        point = place_to_try(state, part)
        if point is None:
            point = design_point(state, part, number)
    else:
        try:
            data = dataset_of(state, known).thinned(state.problem.method.n_modelled)
            found = fit_of(state, data)
            given = given_of(state.problem, known) if known else None
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


def fit_of(state: State, data: Dataset) -> Fit:
    """Return hyper-parameters for the data: the last ones until a tenth more reports have come.

    So the number of fits grows with the logarithm of the number of reports. The tenth was measured
    only together with other savings: see docs/decisions, number 3.
    """
    last = _last_fit(state, data)
    if last is not None and not _is_due(state, last):
        return last
    domain = state.space.domain
    earlier = last.earlier if last else fit_earlier(domain, data)
    sources = sources_of(domain, data, earlier)
    found = fit_members(domain, data.thinned(_FITTED), last.found if last else None, sources)
    return Fit(MODEL, n_reports(state), found, earlier)


def _is_due(state: State, last: Fit) -> bool:
    return n_reports(state) >= last.n + max(1, last.n // 10)


def _last_fit(state: State, data: Dataset) -> Fit | None:
    """Return the last fit, if it is of the model and of what is to be modelled."""
    last = state.fit
    return last if last is not None and last.model == MODEL and _fits(last, data) else None


def infers_noise(state: State, outcome: int) -> bool:
    """Tell whether an outcome counts as noisy whose deviations were told as 0, or not at all.

    It is what ``is_noisy`` says of the posterior, from the hyper-parameters of one member alone.
    """
    data = dataset_of(state).thinned(state.problem.method.n_modelled)
    if data.earlier:
        fit = fit_of(state, data)
        posterior = posterior_of(state.space.domain, data, fit.found, None, fit.earlier)
        return is_noisy(posterior, outcome)
    last = _last_fit(state, data)
    if last is not None and not _is_due(state, last):
        first = last.found[outcome][0]
    else:
        seen = data.thinned(_FITTED)
        first = fit_first(state.space.domain, seen, last.found if last else None, outcome)
    inferred = np.where(np.isnan(data.deviations[:, outcome]), first.noise, 0.0)
    return float(np.median(inferred)) >= NOISY


def _fits(fit: Fit, data: Dataset) -> bool:
    """Tell whether a fit has hyper-parameters for just what is to be modelled."""
    if len(fit.earlier) != len(data.earlier):
        return False
    pairs = zip((fit.found, *fit.earlier), (data, *data.earlier), strict=True)
    return all(_is_of(found, part) for found, part in pairs)


def _is_of(found: Found, data: Dataset) -> bool:
    *outcomes, success = found
    modelled = all(
        bool(members) is (use != "given") for members, use in zip(outcomes, data.uses, strict=True)
    )
    return modelled and bool(success) is bool(len(data.failed))


def _origin(state: State) -> Origin:
    if not state.n_observed:
        return "initial"
    if state.problem.method.revisits and _is_used_up(state):
        return "model"
    return "model" if _is_begun(state, n_reports(state) + len(state.out)) else "initial"


def _is_begun(state: State, trials: int) -> bool:
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
