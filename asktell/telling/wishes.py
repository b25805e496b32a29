"""Params that a caller wants to be suggested next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asktell.errors import ConflictError
from asktell.numbers import as_moment
from asktell.space.needs import checked_part
from asktell.state import State, apply
from asktell.study.events import Enqueued
from asktell.study.trials import Part


def enqueue(state: State, params: Mapping[str, Any], *, now: float | None = None) -> State:
    """Return the next state, in which params wait to be suggested.

    The next ``suggest`` hands them out, with the origin ``"enqueued"``; what was enqueued first
    comes first, and all of it before anything else. Params may be partial: what is missing and
    active is then chosen by the model, or by the initial design. A wish for all params is dropped
    when somebody tells a result for them before they are suggested.

    Args:
        state: left as it is.
        params: some or all, by name.
        now: the moment on the caller's clock.

    Raises:
        ParamsError: a ``ValueError``; a name is unknown, a value is out of its range, or values
            cannot be together.
        ConflictError: a ``ValueError``; these are all params, and they are enqueued, pending,
            observed or failed already. Where replicates are wanted, they may be.
    """
    at = None if now is None else as_moment(now)
    wish = Part.of(checked_part(state.space, params))
    if not state.problem.policy.replicates:
        _check_new(state, wish)
    return apply(state, Enqueued(wish, at))


def _check_new(state: State, wish: Part) -> None:
    values = state.space.complete(wish.params)
    if values is None:
        return  # others that have the same values may still be new
    if any(other.params == wish.params for other in state.wishes):
        raise ConflictError("$", wish.params, "params that are not enqueued already")
    if state.is_taken(values):
        trial = state.history.of_values(values)
        number, status = (trial.number, trial.status) if trial else (None, None)
        expected = f"params that are not {status} already, as trial {number}"
        raise ConflictError("$", wish.params, expected)
