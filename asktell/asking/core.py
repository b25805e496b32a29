"""Asking and knowing as pure functions: state in, state out. Telling is in ``delivery``.

Nothing here reads a clock, a file or a global, prints, or changes its arguments. The draws for
suggestion k come from the seed and k alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve

from asktell.acquisition.acq_max import Mask, acq_max
from asktell.acquisition.design import initial_point, perturbed
from asktell.acquisition.improvement import LogExpectedImprovement
from asktell.acquisition.target_space import TargetSpace
from asktell.asking.evidence import evidence_of, mean, thinned
from asktell.errors import DefinitionError, ParamsError, SpaceExhausted
from asktell.model.blas import one_blas_thread
from asktell.model.kernels import Array
from asktell.model.surrogate import Evidence, Surrogate, build, fit_members
from asktell.numbers import is_count
from asktell.space.space import Values
from asktell.study.state import Fit, Observation, Origin, State, Suggestion
from asktell.telling.delivery import fail, observe
from asktell.telling.leases import as_moment, end_of_lease

__all__ = ["best", "fail", "observe", "posterior", "suggest"]

_LOCAL_CANDIDATES = 200
_LEAST_CANDIDATES = 128
_SCORED_PAIRS = 200_000
"""Candidates times points, above which there are fewer candidates."""

_FITTED = 256
"""From so many points hyper-parameters are known well enough; a fit costs their third power."""

_RANDOM_DRAWS = 64

# --- asking ---


def suggest(
    state: State, n: int = 1, *, now: float | None = None, lease: float | None = None
) -> tuple[State, list[Suggestion]]:
    """Return the next state and n suggestions, each aware of those before it.

    Params that are to be offered again come first, under a new id. No others are suggested that
    are observed, pending or failed. Where fewer than n are left in a finite space, those are
    returned.

    Args:
        state: left as it is.
        n: how many.
        now: the time on the caller's clock, in seconds; needed with a lease.
        lease: after so many seconds without an outcome :func:`asktell.expire` withdraws the
            suggestions; None for never.

    Raises:
        SpaceExhausted: none are left.
        DefinitionError: a ``ValueError``; n is not an integer >= 1.
        LeaseError: a ``ValueError``; the lease is not a number > 0, or ``now`` not a number.
    """
    if not is_count(n):
        raise DefinitionError("$.n", n, "an integer >= 1")
    if now is not None:
        as_moment(now)
    expires = None if lease is None else end_of_lease(now, lease)
    suggestions: list[Suggestion] = []
    with one_blas_thread(), np.errstate(all="ignore"):
        while len(suggestions) < n:
            try:
                state, suggestion = _suggest_one(state, expires)
            except SpaceExhausted:
                if suggestions:
                    break
                raise
            suggestions.append(suggestion)
    return state, suggestions


def _suggest_one(state: State, expires: float | None) -> tuple[State, Suggestion]:
    if state.due:
        values, *due = state.due
        return _handed_out(evolve(state, due=tuple(due)), values, "again", expires)
    random = np.random.default_rng([state.seed, state.next_id])
    origin, fit = _origin(state), state.fit
    if origin == "initial":
        point = initial_point(state.space.axes, state.seed, state.next_id)
    else:
        try:
            ledger, evidence = evidence_of(state)
            fit = _fitted(state, evidence)
            surrogate = build(state.space.axes, evidence, fit.members)
            point = _most_promising(state, ledger, surrogate, random)
        except np.linalg.LinAlgError:
            origin, fit = "fallback", state.fit
            point = state.space.sample(random.random((1, state.space.dim)))[0]
    values = state.space.decode(point[None])[0]
    if _is_taken(state, values):
        values = _free_values(state, random)
        origin = "initial" if origin == "initial" else "fallback"
    return _handed_out(evolve(state, fit=fit), values, origin, expires)


def _handed_out(
    state: State, values: Values, origin: Origin, expires: float | None
) -> tuple[State, Suggestion]:
    suggestion = Suggestion(state.next_id, state.space.names, values, origin, expires)
    pending = (*state.pending, suggestion)
    return evolve(state, next_id=state.next_id + 1, pending=pending), suggestion


def _origin(state: State) -> Origin:
    trials = len(state.observations) + len(state.failures) + len(state.pending)
    return "model" if trials >= state.settings.n_initial and state.observations else "initial"


def _fitted(state: State, evidence: Evidence) -> Fit:
    """Return hyper-parameters for the evidence: the last ones while little has come since."""
    n, last = len(state.observations) + len(state.failures), state.fit
    if last is not None and n < last.n + max(1, last.n // 10):
        return last
    seen = thinned(evidence, _FITTED)
    members = fit_members(state.space.axes, seen, last.members if last else None)
    return Fit(n, members)


def _most_promising(
    state: State, ledger: TargetSpace, surrogate: Surrogate, random: np.random.Generator
) -> Array:
    acquisition = LogExpectedImprovement()
    best = ledger.params[np.argsort(-ledger.target, kind="stable")[:5]]

    all_taken = _all_taken(state)

    def taken(points: Array) -> Mask:
        return np.array([values in all_taken for values in state.space.decode(points)])

    return acq_max(
        acquisition,
        surrogate.processes,
        surrogate.incumbents,
        ledger.bounds,
        random,
        n_warmup=_candidates(state.settings.n_candidates, len(ledger)),
        n_iter=state.settings.n_starts,
        gradient=acquisition.with_gradient,
        axes=state.space.axes,
        starts=perturbed(best, state.space.axes, _LOCAL_CANDIDATES, random),
        taken=taken,
    )


def _candidates(n_candidates: int, n: int) -> int:
    """Return how many candidates are scored: fewer where each takes the time of many points."""
    return min(n_candidates, max(_LEAST_CANDIDATES, _SCORED_PAIRS // max(n, 1)))


def _is_taken(state: State, values: Values) -> bool:
    """Tell whether values are observed, failed, pending or due."""
    if state.observations.has_values(values) or state.failures.has_values(values):
        return True
    return values in state.due or any(values == other.values for other in state.pending)


def _all_taken(state: State) -> set[Values]:
    """Return all values that are taken: for many questions at once."""
    records = (state.observations, state.failures, state.pending)
    return {record.values for several in records for record in several}.union(state.due)


def _free_values(state: State, random: np.random.Generator) -> Values:
    """Return random values that are not taken.

    Raises:
        SpaceExhausted: there are none.
    """
    space, all_taken = state.space, _all_taken(state)
    for values in space.decode(space.sample(random.random((_RANDOM_DRAWS, space.dim)))):
        if values not in all_taken:
            return values
    if space.size is None:
        raise SpaceExhausted("the floats between the bounds are used up")
    start = int(random.integers(min(space.size, 2**63 - 1)))
    for offset in range(space.size):  # ends after one more step than there are taken values
        values = space.configuration((start + offset) % space.size)
        if values not in all_taken:
            return values
    raise SpaceExhausted(f"all {space.size} configurations are observed, pending or failed")


# --- knowing ---


def best(state: State) -> Observation | None:
    """Return the best observation, or None without any; of equals, that of the first values.

    With replicates, configurations compare by the means of their targets, and the target
    returned is that mean.
    """
    sign = 1.0 if state.goal == "maximize" else -1.0
    chosen: tuple[tuple[float, Any], Observation] | None = None
    for observation in state.observations:
        target = observation.target
        if state.settings.replicates:
            same = state.observations.of_values(observation.values)
            target = mean(sorted(other.target for other in same))
            first = min((o.id for o in same if o.id is not None), default=None)
            observation = evolve(observation, id=first, target=target)
        if chosen is not None and sign * target < chosen[0][0]:
            continue
        # ties go by position in the space, never by arrival
        rank = (sign * target, tuple((-state.space.encode([observation.values])[0]).tolist()))
        if chosen is None or rank > chosen[0]:
            chosen = rank, observation
    return chosen[1] if chosen else None


def posterior(state: State, params: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
    """Return what the model expects of n params: means and standard deviations, (n,) each.

    Both are in the unit of the target; the deviation is that of the noiseless function. Very bad
    targets are drawn towards the others before the model sees them (Tukey's fence).

    Raises:
        ParamsError: a ``ValueError``; the params do not lie in the space, or nothing is observed.
    """
    if not state.observations:
        raise ParamsError("$", params, "an observation first: the model knows nothing yet")
    points = state.space.encode([state.space.check(one) for one in params])
    with one_blas_thread(), np.errstate(all="ignore"):
        _, evidence = evidence_of(state)
        surrogate = build(state.space.axes, evidence, _fitted(state, evidence).members)
        means, deviations = surrogate.predict_targets(points)
    return (means if state.goal == "maximize" else -means), deviations
