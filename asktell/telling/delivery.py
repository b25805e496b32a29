"""Telling as pure functions: state in, state out, and what became of each result.

Results come late, out of order, twice, contradicting each other, for suggestions that expired and
for params that nobody asked for. Two rules decide all of it: the first outcome that somebody
reports for params and that counts is theirs; another one contradicts it, unless it is equal. The
table of cases is in ``study.transitions``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import frozen

from asktell.errors import (
    ConflictError,
    InvalidValueError,
    ParamsError,
    UnknownSuggestionError,
)
from asktell.numbers import as_moment
from asktell.state import State, apply
from asktell.study.events import Failed, Retried, Told
from asktell.study.problem import Deviations, Numbers, target_of
from asktell.study.transitions import (
    ANSWERS,
    REPLICATED_ANSWERS,
    Answer,
    Delivered,
    Situation,
)
from asktell.study.trials import Fault, Report, Result
from asktell.telling.identify import Named, TrialLike, identify

Target = float | Mapping[str, float]
"""What is reported: a number, or a number for every outcome by name."""

Std = float | Mapping[str, float] | None
"""The standard deviation of a target's noise where it is known, or of some outcomes' by name."""

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
- ``late``: in the ledger, under a suggestion that was pending before.
- ``unasked``: in the ledger, under no suggestion: its params were never suggested.
- ``replicate``: in the ledger, beside an earlier outcome, since the settings want replicates.
- ``repeated``: known already; nothing changed.
- ``failed``: the params count as failed.
- ``retried``: the evaluation failed, and its params are offered again, or are out already.
- ``conflict``: it contradicts what is known (``ConflictError``); nothing changed.
- ``unknown``: no suggestion has this id (``UnknownSuggestionError``); nothing changed.
- ``invalid``: not a trial, not params of the space, or not a number; nothing changed.
"""


Reported = tuple[TrialLike, Target] | tuple[TrialLike, Target, Std]


@frozen
class Delivery:
    """What became of one result of a batch; ``error`` is what ``observe`` would have raised."""

    outcome: Outcome
    error: InvalidValueError | None = None


def observe(
    state: State, trial: TrialLike, target: Target, std: Std = None, *, now: float | None = None
) -> State:
    """Return the next state, in which the trial has this target.

    Results may come late, in any order, and for params that were never suggested. A target that
    is not finite makes the trial a failed one. The same outcome again changes nothing.

    Args:
        state: left as it is.
        trial: a suggestion, its id, or params.
        target: a number, or ``{outcome: number}`` where the outcomes have names.
        std: the standard deviation of the target's noise, where it is known: a number >= 0, or
            ``{outcome: number}`` for some of the outcomes.
        now: the moment on the caller's clock, kept with the result.

    Raises:
        TargetError: a ``ValueError``; the target is not a number for each outcome, or a deviation
            is not a number >= 0.
        ParamsError: a ``ValueError``; the params do not lie in the space.
        UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        ConflictError: a ``ValueError``; the trial has another outcome, and the settings do not
            ask for replicates.
    """
    return deliver(state, trial, target, std, now=now)[0]


def fail(state: State, trial: TrialLike, reason: str = "", *, now: float | None = None) -> State:
    """Return the next state, in which the trial's evaluation failed.

    The model learns to stay away from failures. Failing again changes nothing. Where the settings
    allow retries, the params of a suggestion are offered again before the failure counts.

    Args:
        state: left as it is.
        trial: a suggestion, its id, or params.
        reason: kept with the failure.
        now: the moment on the caller's clock, kept with the failure.

    Raises:
        ParamsError: a ``ValueError``; the params do not lie in the space, or the reason is not a
            string.
        UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        ConflictError: a ``ValueError``; the trial was observed, and the settings do not ask for
            replicates.
    """
    return deliver_failure(state, trial, reason, now=now)[0]


def deliver(
    state: State, trial: TrialLike, target: Target, std: Std = None, *, now: float | None = None
) -> tuple[State, Outcome]:
    """Do what :func:`asktell.observe` does, and return what became of the result as well.

    Raises:
        TargetError, ParamsError, UnknownSuggestionError, ConflictError: as ``observe`` does.
    """
    numbers, deviations = state.problem.numbers(target), state.problem.deviations(std)
    if not all(map(math.isfinite, numbers)):
        return deliver_failure(state, trial, reason_of(state, numbers), now=now)
    at = None if now is None else as_moment(now)
    named = identify(state, trial)
    answer = _answer(state, named, "number", (numbers, deviations))
    if answer == "repeated":
        return state, "repeated"
    if answer == "conflict":
        raise _conflict("$.target", target, named)
    told = Told(named.id, named.event_configuration, numbers, at, deviations)
    return apply(state, told), answer


def deliver_failure(
    state: State, trial: TrialLike, reason: str = "", *, now: float | None = None
) -> tuple[State, Outcome]:
    """Do what :func:`asktell.fail` does, and return what became of the failure as well.

    A failure counts when no retry is left and no other suggestion of the same params is pending.

    Raises:
        ParamsError, UnknownSuggestionError, ConflictError: as ``fail`` does.
    """
    if not isinstance(reason, str):
        raise ParamsError("$.reason", reason, "a string")
    at = None if now is None else as_moment(now)
    named = identify(state, trial)
    answer = _answer(state, named, "failure", None)
    if answer == "repeated":
        return state, "repeated"
    if answer == "conflict":
        raise _conflict("$", f"failed: {reason}", named)
    if named.ticket is not None and _is_retried(state, named):
        return apply(state, Retried(named.ticket.id, reason, at)), "retried"
    return apply(state, Failed(named.id, named.event_configuration, reason, at)), answer


def observe_batch(
    state: State, results: Iterable[Reported], *, now: float | None = None
) -> tuple[State, list[Delivery]]:
    """Return the next state, in which all good results are recorded, and what became of each.

    A bad result raises nothing, and the others are recorded all the same.

    Args:
        state: left as it is.
        results: pairs (trial, target) or triples (trial, target, std), told one by one as to
            :func:`asktell.observe`.
        now: the moment on the caller's clock, kept with each.

    Raises:
        ParamsError: a ``ValueError``; ``results`` is not iterable.
    """
    if not isinstance(results, Iterable):
        raise ParamsError("$", results, "pairs (trial, target) or triples (trial, target, std)")
    deliveries: list[Delivery] = []
    for position, result in enumerate(results):
        try:
            if not isinstance(result, tuple | list) or len(result) not in (2, 3):
                raise ParamsError("$", result, "a pair (trial, target), or (trial, target, std)")
            state, outcome = deliver(state, *result, now=now)
            deliveries.append(Delivery(outcome))
        except InvalidValueError as error:
            deliveries.append(Delivery(refused(error), error.below(f"$[{position}]")))
    return state, deliveries


def refused(error: InvalidValueError) -> Outcome:
    """Return the outcome of a result for which ``deliver`` raised this error."""
    if isinstance(error, ConflictError):
        return "conflict"
    return "unknown" if isinstance(error, UnknownSuggestionError) else "invalid"


def reason_of(state: State, numbers: Numbers) -> str:
    """Return why numbers are a failure: the first that is not finite."""
    names = state.problem.outcome_names
    bad = next(i for i, number in enumerate(numbers) if not math.isfinite(number))
    return f"the {names[bad]} is {numbers[bad]}"


# --- what is known when an outcome comes ---


_Measured = tuple[Numbers, Deviations | None]


def _answer(state: State, named: Named, kind: Delivered, measured: _Measured | None) -> Answer:
    answers = REPLICATED_ANSWERS if state.problem.policy.replicates else ANSWERS
    return answers[kind][_situation(state, named, measured)]


def _situation(state: State, named: Named, measured: _Measured | None) -> Situation:
    known = _reported(state, named)
    if measured is None:
        failed = any(isinstance(report, Fault) for report in known)
        same = failed or (named.trial is not None and named.trial.was_retried(named.id))
    else:
        same = any(isinstance(r, Result) and (r.numbers, r.std) == measured for r in known)
    if same:
        return "same"
    if known:
        return "other"
    if named.ticket is None:
        return "unasked"
    return "out" if named.ticket.standing == "out" else "late"


def _reported(state: State, named: Named) -> list[Report]:
    """Return the outcomes that somebody reported and that count.

    Those of the trial; where replicates are wanted and a suggestion is named, those of it alone.
    """
    if named.trial is None:
        return []
    reports = [
        report
        for report in named.trial.reports
        if isinstance(report, Result) or report.cause == "reported"
    ]
    if named.ticket is None or not state.problem.policy.replicates:
        return reports
    return [report for report in reports if report.id == named.ticket.id]


def _is_retried(state: State, named: Named) -> bool:
    """Tell whether a suggestion's failure does not count yet."""
    trial = named.trial
    if trial is None or trial.is_over:
        return False
    if any(ticket.standing == "out" and ticket.id != named.id for ticket in trial.tickets):
        return True
    retried = sum(not report.counts for report in trial.reports)
    return retried < state.problem.policy.retries


def _conflict(place: str, got: Any, named: Named) -> ConflictError:
    """Return the error that names the trial, and the id whose outcome is contradicted."""
    trial = named.trial
    known = [report for report in trial.reports if report.counts] if trial else []
    told = known[0]
    if isinstance(told, Result):
        outcome = str(target_of(told.names, told.numbers))
    else:
        outcome = f"failed: {told.reason}"
    under = f"under id {told.id}" if told.id is not None else "for these params"
    number = trial.number if trial else None
    expected = f"the outcome known already, {outcome}, told {under} (trial {number}); "
    expected += "if that one is wrong, amend it"
    return ConflictError(place, got, expected)
