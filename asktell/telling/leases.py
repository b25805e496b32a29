"""Leases as pure functions: how long a suggestion may take, and what happens then.

The caller brings the clock: ``now`` is any number of seconds that grows.
"""

from __future__ import annotations

from typing import Any

from asktell.errors import LeaseError
from asktell.numbers import as_moment, is_finite
from asktell.state import State, apply
from asktell.study.events import Expired, Lost, Renewed
from asktell.study.trials import Fault, Trial
from asktell.study.views import Suggestion
from asktell.telling.identify import TrialLike, identify


def expire(state: State, now: float) -> tuple[State, list[Suggestion]]:
    """Return the next state, and the suggestions whose leases ended.

    Their params are offered again by the next ``suggest``, under new ids; a result under an old id
    is still accepted. If more than ``settings.expiries`` suggestions of the same params have ended
    without any answer, the params count as failed instead.

    Args:
        state: left as it is.
        now: the time on the caller's clock; a lease that ends now has ended.

    Raises:
        LeaseError: a ``ValueError``; ``now`` is not a number.
    """
    moment = as_moment(now)
    ended = [s for s in state.pending if s.expires is not None and s.expires <= moment]
    for suggestion in ended:
        state = _expired(state, suggestion, moment)
    return state, ended


def renew(state: State, trial: TrialLike, now: float, lease: float) -> State:
    """Return the next state, in which the suggestion's lease ends no earlier than now + lease.

    A heartbeat that comes after the lease expired makes the suggestion pending again, as long as
    its params have not been offered to another.

    Args:
        state: left as it is.
        trial: a suggestion, its id, or params.
        now: the time on the caller's clock, in seconds.
        lease: in seconds.

    Raises:
        LeaseError: a ``ValueError``; the lease is not a number > 0, ``now`` is not a number, or
            the suggestion cannot be renewed: the message says what became of it.
        ParamsError: a ``ValueError``; the params do not lie in the space.
        UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        ConflictError: a ``ValueError``; the suggestion is not this state's: its params differ.
    """
    expires = end_of_lease(now, lease)
    named = identify(state, trial)
    if named.ticket is None or named.trial is None:
        params = named.configuration.params
        raise LeaseError("$.params", params, "params of a pending suggestion")
    ticket = named.ticket
    if ticket.standing == "out":
        if ticket.expires is not None:
            expires = max(ticket.expires, expires)
    elif ticket.standing != "expired" or not named.trial.queued:
        became = _became(named.trial, ticket.id)
        expected = f"a suggestion that waits for an outcome; {became}"
        raise LeaseError("$.id", ticket.id, expected)
    return apply(state, Renewed(ticket.id, expires, as_moment(now)))


def end_of_lease(now: Any, lease: Any) -> float:
    """Return when a lease that is given now ends.

    Raises:
        LeaseError: a ``ValueError``; the lease is not a number > 0, or ``now`` is not a number.
    """
    if not is_finite(lease) or lease <= 0:
        raise LeaseError("$.lease", lease, "seconds, a finite number > 0")
    end = as_moment(now) + float(lease)
    if not is_finite(end):
        raise LeaseError("$.lease", lease, "a shorter lease: floats cannot hold its end")
    return end


def _expired(state: State, suggestion: Suggestion, moment: float) -> State:
    trial = state.history.of_id(suggestion.id)
    if trial is not None and not trial.is_over:
        # this one, and those of the same params whose leases ended before
        lost = 1 + sum(ticket.standing == "expired" for ticket in trial.tickets)
        if lost > state.problem.policy.expiries:
            reason = f"leases that expired without an answer: {lost}"
            return apply(state, Lost(suggestion.id, reason, moment))
    return apply(state, Expired(suggestion.id, moment))


def _became(trial: Trial, ticket_id: int) -> str:
    """Return in words what became of a suggestion that cannot be renewed."""
    for report in trial.reports:
        if isinstance(report, Fault) and report.id == ticket_id and not report.counts:
            return f"this one failed: {report.reason}"
    if trial.results:
        return f"its params were observed: {trial.target}"
    if trial.is_over:
        return f"its params count as failed: {trial.reason}"
    if trial.standing == "forgotten":
        return "its outcome was forgotten"
    if trial.queued:
        return "its params wait to be suggested again"
    out = next(other.id for other in trial.tickets if other.standing == "out")
    return f"its params were offered again, as suggestion {out}"
