"""Asking and telling as pure functions: state in, state out.

Nothing here reads a clock, a file or a global, prints, or changes its arguments. The draws for
suggestion k come from the seed and k alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from attrs import evolve

from asktell.acq_max import Mask, acq_max
from asktell.acquisition import LogExpectedImprovement
from asktell.blas import one_blas_thread
from asktell.design import initial_point, perturbed
from asktell.errors import (
    ConflictError,
    DefinitionError,
    ParamsError,
    SpaceExhausted,
    TargetError,
    UnknownSuggestionError,
)
from asktell.evidence import evidence_of, mean
from asktell.kernels import Array
from asktell.numbers import is_count
from asktell.space import Values
from asktell.state import Failure, Fit, Observation, Origin, State, Suggestion
from asktell.surrogate import Evidence, Surrogate, build, fit_members
from asktell.target_space import TargetSpace

Trial = Suggestion | int | Mapping[str, Any]
"""What an outcome belongs to: a suggestion, its id, or params."""

_LOCAL_CANDIDATES = 200
_LEAST_CANDIDATES = 128
_SCORED_PAIRS = 200_000
"""Candidates times points, above which there are fewer candidates."""

_RANDOM_DRAWS = 64

# --- asking ---


def suggest(state: State, n: int = 1) -> tuple[State, list[Suggestion]]:
    """Return the next state and n suggestions, each aware of those before it.

    No params are suggested that are observed, pending or failed. Where fewer than n are left in a
    finite space, those are returned.

    Raises:
        SpaceExhausted: none are left.
        DefinitionError: a ``ValueError``; n is not an integer >= 1.
    """
    if not is_count(n):
        raise DefinitionError("$.n", n, "an integer >= 1")
    suggestions: list[Suggestion] = []
    with one_blas_thread(), np.errstate(all="ignore"):
        while len(suggestions) < n:
            try:
                state, suggestion = _suggest_one(state)
            except SpaceExhausted:
                if suggestions:
                    break
                raise
            suggestions.append(suggestion)
    return state, suggestions


def _suggest_one(state: State) -> tuple[State, Suggestion]:
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
    if _taken_in(state)(values):
        values = _free_values(state, random)
        origin = "initial" if origin == "initial" else "fallback"
    suggestion = Suggestion(state.next_id, state.space.names, values, origin)
    pending = (*state.pending, suggestion)
    return evolve(state, next_id=state.next_id + 1, pending=pending, fit=fit), suggestion


def _origin(state: State) -> Origin:
    trials = len(state.observations) + len(state.failures) + len(state.pending)
    return "model" if trials >= state.settings.n_initial and state.observations else "initial"


def _fitted(state: State, evidence: Evidence) -> Fit:
    """Return hyper-parameters for the evidence: the last ones while little has come since."""
    n, last = len(state.observations) + len(state.failures), state.fit
    if last is not None and n < last.n + max(1, last.n // 20):
        return last
    members = fit_members(state.space.axes, evidence, last.members if last else None)
    return Fit(n, members)


def _most_promising(
    state: State, ledger: TargetSpace, surrogate: Surrogate, random: np.random.Generator
) -> Array:
    acquisition = LogExpectedImprovement()
    best = ledger.params[np.argsort(-ledger.target, kind="stable")[:5]]

    is_taken = _taken_in(state)

    def taken(points: Array) -> Mask:
        return np.array([is_taken(values) for values in state.space.decode(points)])

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


def _taken_in(state: State) -> Callable[[Values], bool]:
    """Return a function that tells which values are observed, failed or pending."""
    pending = {suggestion.values for suggestion in state.pending}
    observed, failed = state.observations.has_values, state.failures.has_values
    return lambda values: observed(values) or failed(values) or values in pending


def _free_values(state: State, random: np.random.Generator) -> Values:
    """Return random values that are not taken.

    Raises:
        SpaceExhausted: there are none.
    """
    space, is_taken = state.space, _taken_in(state)
    for values in space.decode(space.sample(random.random((_RANDOM_DRAWS, space.dim)))):
        if not is_taken(values):
            return values
    if space.size is None:
        raise SpaceExhausted("the floats between the bounds are used up")
    start = int(random.integers(min(space.size, 2**63 - 1)))
    for offset in range(space.size):  # ends after one more step than there are taken values
        values = space.configuration((start + offset) % space.size)
        if not is_taken(values):
            return values
    raise SpaceExhausted(f"all {space.size} configurations are observed, pending or failed")


# --- telling ---


def observe(state: State, trial: Trial, target: float) -> State:
    """Return the next state, in which the trial has this target.

    Results may come late, in any order, and for params that were never suggested. A target that
    is not finite makes the trial a failed one. The same outcome again changes nothing.

    Args:
        state: left as it is.
        trial: a suggestion, its id, or params.
        target: a number; maximised or minimised as the state's goal says.

    Raises:
        TargetError: a ``ValueError``; the target is not a number.
        ParamsError: a ``ValueError``; the params do not lie in the space.
        UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        ConflictError: a ``ValueError``; the trial has another outcome, and the settings do not
            ask for replicates.
    """
    if isinstance(target, np.ndarray) and target.ndim == 0:
        target = target[()]
    if isinstance(target, bool | np.bool_) or not isinstance(target, Real):
        raise TargetError("$.target", target, "a number")
    try:
        number = float(target)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        return fail(state, trial, f"the target is {number}")
    trial_id, values = _identify(state, trial)
    observed, failed = _outcomes(state, trial_id, values)
    if any(observation.target == number for observation in observed):
        return state
    if (observed or failed) and not state.settings.replicates:
        known = observed[0].target if observed else f"failed: {failed[0].reason}"
        raise ConflictError("$.target", number, f"the outcome known already, {known}")
    observation = Observation(trial_id, state.space.names, values, number)
    return evolve(
        state,
        observations=state.observations.append(observation),
        pending=_without(state, trial_id),
    )


def fail(state: State, trial: Trial, reason: str = "") -> State:
    """Return the next state, in which the trial's evaluation failed.

    The model learns to stay away from failures. Failing again changes nothing.

    Args:
        state: left as it is.
        trial: a suggestion, its id, or params.
        reason: kept with the failure.

    Raises:
        ParamsError: a ``ValueError``; the params do not lie in the space.
        UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        ConflictError: a ``ValueError``; the trial was observed, and the settings do not ask for
            replicates.
    """
    if not isinstance(reason, str):
        raise ParamsError("$.reason", reason, "a string")
    trial_id, values = _identify(state, trial)
    observed, failed = _outcomes(state, trial_id, values)
    if failed:
        return state
    if observed and not state.settings.replicates:
        known = observed[0].target
        raise ConflictError("$", f"failed: {reason}", f"the outcome known already, {known}")
    failure = Failure(trial_id, state.space.names, values, reason)
    return evolve(state, failures=state.failures.append(failure), pending=_without(state, trial_id))


def _identify(state: State, trial: Trial) -> tuple[int | None, Values]:
    """Return the id, None for params that are not pending, and the canonical values."""
    if isinstance(trial, Mapping):
        values = state.space.check(trial)
        same = (suggestion.id for suggestion in state.pending if suggestion.values == values)
        return next(same, None), values
    wanted = trial.id if isinstance(trial, Suggestion) else trial
    if isinstance(wanted, bool) or not isinstance(wanted, Integral):
        raise ParamsError("$", trial, "a Suggestion, the id of one, or params")
    found: Sequence[Suggestion | Observation | Failure] = (
        [suggestion for suggestion in state.pending if suggestion.id == wanted]
        or state.observations.of_id(int(wanted))
        or state.failures.of_id(int(wanted))
    )
    if not found:
        raise UnknownSuggestionError("$.id", int(wanted), "the id of a suggestion of this state")
    if isinstance(trial, Suggestion) and trial.values != found[0].values:
        raise ConflictError("$.params", trial.params, f"{found[0].params}, as id {wanted} has")
    return int(wanted), found[0].values


def _outcomes(
    state: State, trial_id: int | None, values: Values
) -> tuple[list[Observation], list[Failure]]:
    if trial_id is None:
        return state.observations.of_values(values), state.failures.of_values(values)
    return state.observations.of_id(trial_id), state.failures.of_id(trial_id)


def _without(state: State, trial_id: int | None) -> tuple[Suggestion, ...]:
    return tuple(suggestion for suggestion in state.pending if suggestion.id != trial_id)


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
