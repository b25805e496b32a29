"""Second thoughts as pure functions: an outcome that was wrong is amended, or taken back.

Nothing is hidden: both are events, and what was told before stays among the events. The model's
hyper-parameters were found in wrong data, so they are searched for afresh.
"""

from __future__ import annotations

import math

from asktell.errors import NoOutcomeError
from asktell.numbers import as_moment
from asktell.state import State, apply
from asktell.study.draft import corrected
from asktell.study.events import Amended, Forgotten, Voided
from asktell.telling.delivery import Std, Target, reason_of
from asktell.telling.identify import Named, TrialLike, identify


def amend(
    state: State, trial: TrialLike, target: Target, std: Std = None, *, now: float | None = None
) -> State:
    """Return the next state, in which this target replaces a wrong outcome.

    A target that is not finite makes the trial a failed one. Where replicates are wanted, a
    suggestion or its id means only the outcomes told for it, and params mean all of theirs; one
    outcome takes their place.

    Args:
        state: left as it is.
        trial: a suggestion, its id, or params.
        target: a number, or ``{outcome: number}`` where the outcomes have names.
        std: the standard deviation of the target's noise, as for :func:`asktell.observe`.
        now: the moment on the caller's clock, kept with the outcome.

    Raises:
        NoOutcomeError: a ``ValueError``; there is no outcome to amend.
        TargetError, ParamsError, UnknownSuggestionError, ConflictError: as
            :func:`asktell.observe` does.
    """
    numbers, deviations = state.problem.numbers(target), state.problem.deviations(std)
    at = None if now is None else as_moment(now)
    named = _with_outcome(state, trial, "amend")
    if all(map(math.isfinite, numbers)):
        right = Amended(named.id, named.event_configuration, numbers, at, deviations)
        return apply(state, right)
    reason = reason_of(state, numbers)
    return apply(state, Voided(named.id, named.event_configuration, reason, at))


def forget(state: State, trial: TrialLike, *, now: float | None = None) -> State:
    """Return the next state, in which the trial has no outcome.

    Its params may be suggested again, and an outcome may be told again, also under its old ids.
    Where replicates are wanted, a suggestion or its id means only the outcomes told for it.

    Args:
        state: left as it is.
        trial: a suggestion, its id, or params.
        now: the moment on the caller's clock.

    Raises:
        NoOutcomeError: a ``ValueError``; there is no outcome to forget.
        ParamsError, UnknownSuggestionError, ConflictError: as :func:`asktell.observe` does.
    """
    at = None if now is None else as_moment(now)
    named = _with_outcome(state, trial, "forget")
    return apply(state, Forgotten(named.id, named.event_configuration, at))


def _with_outcome(state: State, trial: TrialLike, verb: str) -> Named:
    named = identify(state, trial)
    policy = state.problem.policy
    if named.trial is None or not corrected(policy, named.trial, named.id):
        standing = "new" if named.trial is None else named.trial.status
        what = f"suggestion {named.id}" if named.ticket else f"{named.configuration.params}"
        expected = f"a trial with an outcome to {verb}; this one is {standing}"
        raise NoOutcomeError("$", what, expected)
    return named
