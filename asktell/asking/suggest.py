"""Asking: what to evaluate next. State in; state and suggestions out.

Nothing here reads a clock, a file or a global, prints, or changes its arguments. The draws for
suggestion k come from the seed and k alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from attrs import evolve

from asktell.asking.beforehand import Beforehand, Trends, beforehand_of
from asktell.asking.evidence import n_reports
from asktell.asking.known import Known
from asktell.asking.propose import Proposal, is_begun, part_of, propose_within
from asktell.errors import DefinitionError, ParamsError, SpaceExhausted
from asktell.model.blas import one_blas_thread
from asktell.numbers import as_moment, is_count
from asktell.space.narrowed import Narrowed, narrowed
from asktell.state import State, apply
from asktell.study.events import Fitted, Suggested
from asktell.study.trials import Configuration
from asktell.study.views import Suggestion
from asktell.telling.leases import end_of_lease


def suggest(
    state: State,
    n: int = 1,
    *,
    fixed: Mapping[str, Any] | None = None,
    known: Known | None = None,
    trends: Trends | None = None,
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
            of such an outcome. A :class:`asktell.SumOf` is asked about far fewer.
        trends: how outcomes are expected to go, by name, roughly and up to scale. The model
            believes a trend as far as the observations agree with it, and learns what it leaves
            open. Pass the same ones each time, as they are not in the state. Where every outcome
            has a trend or is known, the model is asked from the first observation on, whatever
            ``n_initial`` is; before that, params are suggested which the trends say most of.
        now: the time on the caller's clock, in seconds; needed with a lease.
        lease: after so many seconds without an outcome, :func:`asktell.expire` ends the
            suggestions; None for never.

    Raises:
        SpaceExhausted: none are left.
        ParamsError: a ``ValueError``; what is fixed has an unknown name, a value out of its range,
            or values that cannot be together. The place begins with ``$.fixed``.
        DefinitionError: a ``ValueError``; n is not an integer >= 1; what is known is not a
            function of an outcome, or does not return a finite number; or a trend is not that of an
            outcome on the space.
        LeaseError: a ``ValueError``; the lease is not a number > 0, or ``now`` is not a number.
    """
    if not is_count(n):
        raise DefinitionError("$.n", n, "an integer >= 1")
    at = None if now is None else as_moment(now)
    expires = None if lease is None else end_of_lease(now, lease)
    beforehand = beforehand_of(state.problem, known, trends)
    part = part_of(state.space, fixed)
    suggestions: list[Suggestion] = []
    with one_blas_thread(), np.errstate(all="ignore"):
        while len(suggestions) < n:
            try:
                state = _with_one_more(state, part, beforehand, expires, at)
            except SpaceExhausted:
                if suggestions:
                    break
                raise
            suggestions.append(state.suggestion(state.next_id - 1))
    return state, suggestions


def _with_one_more(
    state: State, part: Narrowed, beforehand: Beforehand, expires: float | None, at: float | None
) -> State:
    number = state.next_id
    for wish in _wishes(state, part):
        try:
            proposal = _granted(state, number, beforehand, wish)
        except SpaceExhausted:
            continue  # all that it leaves open is taken; another wish may have more luck
        return _suggested(state, evolve(proposal, origin="enqueued"), expires, at)
    for place in state.queue:
        configuration = state.history.trial(place).configuration
        if part.agrees(configuration.values):
            return apply(state, Suggested(number, configuration, "again", expires, at))
    return _suggested(state, propose_within(state, number, beforehand, part), expires, at)


def _suggested(state: State, proposal: Proposal, expires: float | None, at: float | None) -> State:
    if proposal.fit is not None:
        state = apply(state, Fitted(proposal.fit, at))
    configuration = Configuration(state.space.names, proposal.values)
    return apply(state, Suggested(state.next_id, configuration, proposal.origin, expires, at))


def needs_model(
    state: State, n: int, fixed: Mapping[str, Any] | None = None, trends: Trends | None = None
) -> bool:
    """Tell whether the model is asked for any of the next n suggestions: that takes its time.

    With trends it may be, even where it would not be without.
    """
    if not state.n_observed or (n <= len(state.queue) and not fixed and not state.wishes):
        return False
    return bool(trends) or is_begun(state, n_reports(state) + len(state.out) + n - 1)


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


def _granted(state: State, number: int, beforehand: Beforehand, wish: Narrowed) -> Proposal:
    """Return what fulfils a wish.

    Raises:
        SpaceExhausted: nothing that is not taken does.
    """
    values = wish.complete
    if values is None:
        return propose_within(state, number, beforehand, wish)
    if state.is_taken(values) and not state.problem.policy.replicates:
        raise SpaceExhausted("these params are observed, pending or failed")
    return Proposal(values, "enqueued", None)
