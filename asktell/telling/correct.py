"""Second thoughts as pure functions: an outcome that was wrong is amended or taken back, and what
failed is tried again.

Nothing is hidden: both are events, and what was told before stays among the events. The model's
hyper-parameters were found in wrong data, so they are searched for afresh.
"""

from __future__ import annotations

import math

from asktell.errors import NoOutcomeError, NotFailedError
from asktell.numbers import as_moment
from asktell.state import State, apply
from asktell.study.draft import corrected
from asktell.study.events import Amended, Forgotten, Requeued, Voided
from asktell.study.trials import Trial
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


def retry(state: State, trial: TrialLike, *, now: float | None = None) -> State:
    """Return the next state, in which a failed or forgotten trial is offered again.

    The next ``suggest`` hands its params out, with the origin ``"again"`` and a new id. What was
    told before no longer counts. A result may still come under an old id, and is taken; a failure
    under an old id changes nothing. A trial that is queued already stays so.

    Args:
        state: left as it is.
        trial: a suggestion, its id, params, or a trial; where replicates are wanted, all failures
            of its params are meant.
        now: the moment on the caller's clock.

    Raises:
        NotFailedError: a ``ValueError``; the trial is observed, pending, or new, or does not lie in
            the space since that has changed. The message says what to do.
        ParamsError, UnknownSuggestionError, ConflictError: as :func:`asktell.observe` does.
    """
    at = None if now is None else as_moment(now)
    named = identify(state, trial)
    if named.trial is not None and named.trial.status == "queued":
        return state
    if named.trial is None or named.trial.status not in ("failed", "forgotten"):
        raise _not_failed(named)
    if named.trial.left_out is not None:
        expected = f"a trial that lies in the space; {named.trial.left_out}"
        raise NotFailedError("$", _what(named), expected)
    return apply(state, Requeued(named.id, named.event_configuration, at))


def retry_failed(state: State, *, now: float | None = None) -> tuple[State, list[Trial]]:
    """Return the next state, in which all failed trials are offered again, and these trials.

    Each is retried as by :func:`asktell.retry`, by number. What was forgotten stays so.

    Args:
        state: left as it is.
        now: the moment on the caller's clock.

    Raises:
        LeaseError: a ``ValueError``; ``now`` is not a number.
    """
    at = None if now is None else as_moment(now)
    failed = [trial for trial in state.kept if trial.status == "failed"]
    for trial in failed:
        state = retry(state, trial.ids[-1] if trial.ids else trial, now=at)
    return state, [state.history.trial(trial.number) for trial in failed]


_INSTEAD = {
    "observed": "this one is observed: forget it first, or amend it",
    "pending": "this one is pending: tell that it failed first, or wait for its outcome",
    "new": "this one is new: suggest it, or tell its outcome",
}


def _not_failed(named: Named) -> NotFailedError:
    status = "new" if named.trial is None else named.trial.status
    expected = f"a trial that failed or was forgotten; {_INSTEAD[status]}"
    return NotFailedError("$", _what(named), expected)


def _what(named: Named) -> str:
    return f"suggestion {named.id}" if named.ticket else f"{named.configuration.params}"


def _with_outcome(state: State, trial: TrialLike, verb: str) -> Named:
    named = identify(state, trial)
    policy = state.problem.policy
    if named.trial is None or not corrected(policy, named.trial, named.id):
        standing = "new" if named.trial is None else named.trial.status
        expected = f"a trial with an outcome to {verb}; this one is {standing}"
        raise NoOutcomeError("$", _what(named), expected)
    return named
