"""Leases as pure functions: what a suggestion's time limit is, and what its end does.

The caller brings the clock: ``now`` is any number of seconds that grows.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from asktell.errors import LeaseError
from asktell.numbers import is_finite
from asktell.space.space import Values
from asktell.study.state import Failure, State, Suggestion
from asktell.study.trials import (
    Trial,
    has_outcome,
    identify,
    not_due,
    offer_again,
    pending_of,
    withdraw,
)


def expire(state: State, now: float) -> tuple[State, list[Suggestion]]:
    """Return the next state, and the suggestions that it withdraws, as their leases ended.

    Their params are offered again by the next ``suggest``, under new ids; a result under the old
    id is still accepted. Params of which more than ``settings.expiries`` suggestions were lost
    without any answer count as failed instead.

    Args:
        state: left as it is.
        now: the time on the caller's clock; a lease that ends now has ended.

    Raises:
        LeaseError: a ``ValueError``; ``now`` is not a number.
    """
    moment = as_moment(now)
    ended = [s for s in state.pending if s.expires is not None and s.expires <= moment]
    for suggestion in ended:
        state = _expired(state, suggestion)
    return state, ended


def renew(state: State, trial: Trial, now: float, lease: float) -> State:
    """Return the next state, in which the suggestion's lease ends no earlier than now + lease.

    A heartbeat that comes after the lease expired makes the suggestion pending again, as long as
    its params have not been offered to another.

    Args:
        state: left as it is.
        trial: a suggestion, its id, or params.
        now: the time on the caller's clock, in seconds.
        lease: in seconds.

    Raises:
        LeaseError: a ``ValueError``; the lease is not a number > 0, ``now`` not a number, or the
            suggestion does not wait for an outcome any more. The message says what became of it.
        ParamsError: a ``ValueError``; the params do not lie in the space.
        UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        ConflictError: a ``ValueError``; the suggestion is not this state's: its params differ.
    """
    expires = end_of_lease(now, lease)
    trial_id, values = identify(state, trial)
    if trial_id is None:
        raise LeaseError("$.params", state.space.params(values), "params of a pending suggestion")
    for position, suggestion in enumerate(state.pending):
        if suggestion.id == trial_id:
            last = expires if suggestion.expires is None else suggestion.expires
            renewed = evolve(suggestion, expires=max(last, expires))
            before, after = state.pending[:position], state.pending[position + 1 :]
            return evolve(state, pending=(*before, renewed, *after))
    if values not in state.due or state.retried.of_id(trial_id):
        expected = "a suggestion that waits for an outcome"
        raise LeaseError("$.id", trial_id, f"{expected}; {_became(state, trial_id, values)}")
    (withdrawn,) = state.withdrawn.of_id(trial_id)
    state = not_due(state, values)
    return evolve(state, pending=(*state.pending, evolve(withdrawn, expires=expires)))


def as_moment(now: Any) -> float:
    """Return the moment as a float.

    Raises:
        LeaseError: a ``ValueError``; it is not a finite number.
    """
    if not is_finite(now):
        raise LeaseError("$.now", now, "the time in seconds, a finite number")
    return float(now)


def end_of_lease(now: Any, lease: Any) -> float:
    """Return when a lease ends that is given now.

    Raises:
        LeaseError: a ``ValueError``; the lease is not a finite number > 0, or ``now`` is none.
    """
    if not is_finite(lease) or lease <= 0:
        raise LeaseError("$.lease", lease, "seconds, a finite number > 0")
    end = as_moment(now) + float(lease)
    if not is_finite(end):
        raise LeaseError("$.lease", lease, "a lease that ends within the floats")
    return end


def _expired(state: State, suggestion: Suggestion) -> State:
    state, values = withdraw(state, suggestion), suggestion.values
    if has_outcome(state, values):
        return state
    lost = [s for s in state.withdrawn.of_values(values) if not state.retried.of_id(s.id)]
    if len(lost) <= state.settings.expiries:
        return offer_again(state, values)
    reason = f"leases that expired without an answer: {len(lost)}"
    failure = Failure(suggestion.id, suggestion.names, values, reason, "expired")
    return evolve(state, failures=state.failures.append(failure))


def _became(state: State, trial_id: int, values: Values) -> str:
    """Return what became of a suggestion that neither is pending nor can be again, in words."""
    if state.retried.of_id(trial_id):
        return f"this one failed: {state.retried.of_id(trial_id)[0].reason}"
    if observed := state.observations.of_values(values):
        return f"its params were observed: {observed[0].target}"
    if failed := state.failures.of_values(values):
        return f"its params count as failed: {failed[-1].reason}"
    other = pending_of(state, values)
    return f"its params were offered again, as suggestion {other.id if other else None}"
