"""Which suggestion an outcome belongs to, and what becomes of suggestions.

All suggestions of the same params wait for one outcome: the first for any of them settles the
params. (With replicates, every suggestion has outcomes of its own.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from attrs import evolve

from asktell.errors import ConflictError, ParamsError, UnknownSuggestionError
from asktell.space.space import Values
from asktell.study.state import Failure, Observation, State, Suggestion

Trial = Suggestion | int | Mapping[str, Any]
"""What an outcome belongs to: a suggestion, its id, or params."""


def identify(state: State, trial: Trial) -> tuple[int | None, Values]:
    """Return the id of the suggestion that is meant, and the canonical values.

    Params mean the pending suggestion of these params, else the one withdrawn last, as long as
    they have no outcome; else none.

    Raises:
        ParamsError: a ``ValueError``; the params do not lie in the space.
        UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        ConflictError: a ``ValueError``; the suggestion is not this state's: its params differ.
    """
    if isinstance(trial, Mapping):
        values = state.space.check(trial)
        pending = pending_of(state, values)
        if pending is None and not was_reported(state, values):
            pending = next(reversed(state.withdrawn.of_values(values)), None)
        return pending.id if pending else None, values
    wanted = trial.id if isinstance(trial, Suggestion) else trial
    if isinstance(wanted, bool) or not isinstance(wanted, Integral):
        raise ParamsError("$", trial, "a Suggestion, the id of one, or params")
    wanted = int(wanted)
    found: Sequence[Suggestion | Observation | Failure] = (
        [suggestion for suggestion in state.pending if suggestion.id == wanted]
        or state.withdrawn.of_id(wanted)
        or state.observations.of_id(wanted)
        or state.failures.of_id(wanted)
    )
    if not found:
        raise UnknownSuggestionError("$.id", wanted, "the id of a suggestion of this state")
    if isinstance(trial, Suggestion) and trial.values != found[0].values:
        raise ConflictError("$.params", trial.params, f"{found[0].params}, as id {wanted} has")
    return wanted, found[0].values


def pending_of(state: State, values: Values) -> Suggestion | None:
    """Return the pending suggestion of these values, if there is one."""
    same = (suggestion for suggestion in state.pending if suggestion.values == values)
    return next(same, None)


def has_outcome(state: State, values: Values) -> bool:
    """Tell whether the values are observed or count as failed."""
    return state.observations.has_values(values) or state.failures.has_values(values)


def was_reported(state: State, values: Values) -> bool:
    """Tell whether somebody reported an outcome of the values that counts."""
    reported = (failure.cause == "reported" for failure in state.failures.of_values(values))
    return state.observations.has_values(values) or any(reported)


def withdraw(state: State, suggestion: Suggestion) -> State:
    """Return the next state, in which the suggestion is not pending, but known by its id."""
    known = state.withdrawn.of_id(suggestion.id)
    return evolve(
        state,
        pending=tuple(other for other in state.pending if other.id != suggestion.id),
        withdrawn=state.withdrawn if known else state.withdrawn.append(suggestion),
    )


def offer_again(state: State, values: Values) -> State:
    """Return the next state, in which the values are due, unless they are out or due already."""
    if values in state.due or pending_of(state, values):
        return state
    return evolve(state, due=(*state.due, values))


def not_due(state: State, values: Values) -> State:
    """Return the next state, in which the values are not due."""
    return evolve(state, due=tuple(other for other in state.due if other != values))
