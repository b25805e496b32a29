"""Telling as pure functions: state in, state out, and what became of each result.

Results come late, out of order, twice, contradicting each other, for suggestions that expired and
for params that nobody asked for. Two rules decide all of it: the first outcome that somebody
reports for params and that counts is theirs; another one contradicts it, unless it is equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any, Literal

import numpy as np
from attrs import evolve, frozen

from asktell.errors import (
    ConflictError,
    InvalidValueError,
    ParamsError,
    TargetError,
    UnknownSuggestionError,
)
from asktell.space.space import Values
from asktell.study.state import Failure, Observation, State
from asktell.study.trials import (
    Trial,
    has_outcome,
    identify,
    not_due,
    offer_again,
    pending_of,
    withdraw,
)

Outcome = Literal[
    "recorded",
    "late",
    "unasked",
    "replicate",
    "repeated",
    "failed",
    "retried",
    "conflict",
    "unknown",
    "invalid",
]
"""What became of a result; ``docs/delivery.md`` has the table of cases.

- ``recorded``: in the ledger, under its pending suggestion.
- ``late``: in the ledger, under a suggestion that was not pending any more.
- ``unasked``: in the ledger, under no suggestion: its params were never suggested.
- ``replicate``: in the ledger, beside an earlier outcome, as the settings want replicates.
- ``repeated``: known already; nothing changed.
- ``failed``: the params count as failed.
- ``retried``: the evaluation failed, and its params are offered again, or are out already.
- ``conflict``: it contradicts what is known (``ConflictError``); nothing changed.
- ``unknown``: no suggestion has this id (``UnknownSuggestionError``); nothing changed.
- ``invalid``: no trial, no params of the space, or no number; nothing changed.
"""


@frozen
class Delivery:
    """What became of one result of a batch; ``error`` is what ``observe`` would have raised."""

    outcome: Outcome
    error: InvalidValueError | None = None


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
    return deliver(state, trial, target)[0]


def fail(state: State, trial: Trial, reason: str = "") -> State:
    """Return the next state, in which the trial's evaluation failed.

    The model learns to stay away from failures. Failing again changes nothing. Where the settings
    allow retries, the params of a suggestion are offered again before the failure counts.

    Args:
        state: left as it is.
        trial: a suggestion, its id, or params.
        reason: kept with the failure.

    Raises:
        ParamsError: a ``ValueError``; the params do not lie in the space, or the reason is no
            string.
        UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        ConflictError: a ``ValueError``; the trial was observed, and the settings do not ask for
            replicates.
    """
    return deliver_failure(state, trial, reason)[0]


def deliver(state: State, trial: Trial, target: float) -> tuple[State, Outcome]:
    """Do what :func:`asktell.observe` does, and return what became of the result besides.

    Raises:
        TargetError, ParamsError, UnknownSuggestionError, ConflictError: as ``observe`` does.
    """
    number = _number(target)
    if not math.isfinite(number):
        return deliver_failure(state, trial, f"the target is {number}")
    trial_id, values = identify(state, trial)
    observed, failed = _reported(state, trial_id, values)
    if any(observation.target == number for observation in observed):
        return state, "repeated"
    further = bool(observed or failed)
    if further and not state.settings.replicates:
        known = observed[0].target if observed else f"failed: {failed[0].reason}"
        raise ConflictError("$.target", number, f"the outcome known already, {known}")
    outcome: Outcome = "late"
    if further:
        outcome = "replicate"
    elif trial_id is None:
        outcome = "unasked"
    elif any(suggestion.id == trial_id for suggestion in state.pending):
        outcome = "recorded"
    observation = Observation(trial_id, state.space.names, values, number)
    state = evolve(state, observations=state.observations.append(observation))
    return _settled(state, trial_id, values), outcome


def deliver_failure(state: State, trial: Trial, reason: str = "") -> tuple[State, Outcome]:
    """Do what :func:`asktell.fail` does, and return what became of the failure besides.

    A failure counts when no retry is left and no other suggestion of the same params is pending.

    Raises:
        ParamsError, UnknownSuggestionError, ConflictError: as ``fail`` does.
    """
    if not isinstance(reason, str):
        raise ParamsError("$.reason", reason, "a string")
    trial_id, values = identify(state, trial)
    observed, failed = _reported(state, trial_id, values)
    if failed or (trial_id is not None and state.retried.of_id(trial_id)):
        return state, "repeated"
    if observed and not state.settings.replicates:
        known = observed[0].target
        raise ConflictError("$", f"failed: {reason}", f"the outcome known already, {known}")
    failure = Failure(trial_id, state.space.names, values, reason)
    if _is_retried(state, trial_id, values):
        for suggestion in state.pending:
            if suggestion.id == trial_id:
                state = withdraw(state, suggestion)
        state = evolve(state, retried=state.retried.append(failure))
        return offer_again(state, values), "retried"
    state = evolve(state, failures=state.failures.append(failure))
    return _settled(state, trial_id, values), "failed"


def observe_batch(
    state: State, results: Iterable[tuple[Trial, float]]
) -> tuple[State, list[Delivery]]:
    """Return the next state, in which all good results are recorded, and what became of each.

    A bad result raises nothing and keeps none of the others out.

    Args:
        state: left as it is.
        results: pairs (trial, target), told one after the other as to :func:`asktell.observe`.

    Raises:
        ParamsError: a ``ValueError``; ``results`` is not iterable.
    """
    if not isinstance(results, Iterable):
        raise ParamsError("$", results, "pairs (trial, target)")
    deliveries: list[Delivery] = []
    for position, result in enumerate(results):
        try:
            if not isinstance(result, tuple | list) or len(result) != 2:
                raise ParamsError("$", result, "a pair (trial, target)")
            state, outcome = deliver(state, *result)
            deliveries.append(Delivery(outcome))
        except InvalidValueError as error:
            deliveries.append(Delivery(refused(error), error.below(f"$[{position}]")))
    return state, deliveries


def refused(error: InvalidValueError) -> Outcome:
    """Return the outcome of a result for which ``deliver`` raised this error."""
    if isinstance(error, ConflictError):
        return "conflict"
    return "unknown" if isinstance(error, UnknownSuggestionError) else "invalid"


def _number(target: Any) -> float:
    """Return the target as a float, which may be infinite or NaN.

    Raises:
        TargetError: a ``ValueError``; it is no number.
    """
    if isinstance(target, np.ndarray) and target.ndim == 0:
        target = target[()]
    if isinstance(target, bool | np.bool_) or not isinstance(target, Real):
        raise TargetError("$.target", target, "a number")
    try:
        return float(target)
    except OverflowError:
        return math.inf


def _reported(
    state: State, trial_id: int | None, values: Values
) -> tuple[list[Observation], list[Failure]]:
    """Return the outcomes of the trial that somebody reported and that count."""
    if trial_id is None or not state.settings.replicates:
        observed, failed = state.observations.of_values(values), state.failures.of_values(values)
    else:
        observed, failed = state.observations.of_id(trial_id), state.failures.of_id(trial_id)
    return observed, [failure for failure in failed if failure.cause == "reported"]


def _is_retried(state: State, trial_id: int | None, values: Values) -> bool:
    if trial_id is None or has_outcome(state, values):
        return False
    other = pending_of(state, values)
    if other is not None and other.id != trial_id:
        return True
    return len(state.retried.of_values(values)) < state.settings.retries


def _settled(state: State, trial_id: int | None, values: Values) -> State:
    """Return the next state, in which neither this trial nor its params wait for an outcome.

    With replicates another suggestion of the same params goes on waiting for its own.
    """
    state = evolve(state, pending=tuple(s for s in state.pending if s.id != trial_id))
    other = None if state.settings.replicates else pending_of(state, values)
    return not_due(withdraw(state, other) if other else state, values)
