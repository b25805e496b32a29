"""The one writer: what each event makes of the trials, and of all that follows from them.

A draft is a state that is being written. ``State`` is the value that it becomes. Nothing else in
the package changes trials.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, evolve

from asktell.errors import (
    AskTellError,
    ConflictError,
    InvalidValueError,
    LeaseError,
    NoOutcomeError,
    NotFailedError,
    UnknownSuggestionError,
)
from asktell.space.needs import checked_part
from asktell.study.changing import restated_earlier, restated_trials, restated_wishes
from asktell.study.earlier import Earlier
from asktell.study.events import (
    LARGEST_ID,
    Amended,
    Enqueued,
    Event,
    Expired,
    Failed,
    Fit,
    Fitted,
    Forgotten,
    Learned,
    Lost,
    Renewed,
    Requeued,
    Retried,
    Skipped,
    SpaceChanged,
    Suggested,
    Told,
    TrialEvent,
    Voided,
)
from asktell.study.history import History
from asktell.study.problem import Policy, Problem
from asktell.study.ranking import Leader, better, leader_of
from asktell.study.transitions import REPLICATED, TRANSITIONS
from asktell.study.trials import Fault, Part, Report, Result, Ticket, Trial


@define(eq=False)
class Draft:
    """A state that is being written; see :class:`asktell.State` for the fields.

    The history belongs to the draft alone.
    """

    problem: Problem
    history: History
    out: tuple[int, ...]
    queue: tuple[int, ...]
    next_id: int
    arrivals: int
    n_over: int
    n_observed: int
    leader: Leader
    fit: Fit | None
    wishes: tuple[Part, ...]
    earlier: tuple[Earlier, ...]

    def take(self, event: Event) -> None:
        """Let an event happen; if it cannot, nothing changes.

        Raises:
            UnknownSuggestionError: a ``ValueError``; no suggestion has the event's id.
            LeaseError: a ``ValueError``; the suggestion does not wait for an outcome.
            NoOutcomeError: a ``ValueError``; there is no outcome to amend or forget.
            NotFailedError: a ``ValueError``; there is no failure to retry.
            ConflictError: a ``ValueError``; anything else that cannot happen to the trial now.
            InvalidValueError: a ``ValueError``; an id or a number is impossible.
        """
        change = _STUDY_CHANGES.get(type(event))
        if change is None:
            self._take(event)  # type: ignore[arg-type]  # all others are of a trial
        else:
            change(self, event)

    def _take(self, event: TrialEvent) -> None:
        trial = _trial_of(self, event)
        table = REPLICATED if self.problem.policy.replicates else TRANSITIONS
        if event.kind not in table[trial.standing if trial else "new"]:
            raise _refusal(event, trial)
        if trial is None:
            trial = Trial(len(self.history), event.configuration, (), (), False)  # type: ignore[arg-type]
        after = _CHANGES[type(event)](self, event, trial)
        if self.wishes:
            self._fulfil(event, trial, after)
        self._put(event, trial, after)

    def _put(self, event: TrialEvent, before: Trial, after: Trial) -> None:
        """Replace a trial, and bring up to date all that follows from it."""
        if event.kind == "suggested":
            self.next_id = after.tickets[-1].id + 1
        if before.reports is not after.reports and event.kind not in _CORRECTIONS:
            self.arrivals += 1
        if after.left_out is None:
            self._count(event, before, after)
        self.history.append(event, after)

    def _count(self, event: TrialEvent, before: Trial, after: Trial) -> None:
        if before.tickets is not after.tickets:
            self.out = _listed(self.out, _ids_out(before), _ids_out(after))
        if before.queued is not after.queued:
            number = [after.number]
            self.queue = _listed(
                self.queue, number if before.queued else [], number if after.queued else []
            )
        if before.reports is not after.reports:
            self.n_over += after.is_over - before.is_over
            self.n_observed += after.is_observed - before.is_observed
            self.leader = better(self.problem, self.history, self.leader, before, after)
            if event.kind in _CORRECTIONS:
                self.fit = None

    def _fulfil(self, event: TrialEvent, before: Trial, after: Trial) -> None:
        """Take away the wish that a suggestion fulfils, and those for what is no longer new."""
        params = after.params
        if isinstance(event, Suggested) and event.origin == "enqueued":
            place = next((i for i, wish in enumerate(self.wishes) if wish.agrees(params)), None)
            if place is not None:
                self.wishes = self.wishes[:place] + self.wishes[place + 1 :]
        if before.standing == "forgotten" and not self.problem.policy.replicates:
            self.wishes = tuple(wish for wish in self.wishes if wish.params != params)


_CORRECTIONS = frozenset({"amended", "voided", "forgotten", "requeued"})
"""After these the hyper-parameters are searched for afresh, as they were found in wrong data."""


def _trial_of(draft: Draft, event: TrialEvent) -> Trial | None:
    configuration = event.configuration
    if event.kind == "suggested":
        if event.id is None or event.id < draft.next_id:
            raise InvalidValueError("$.id", event.id, f"an id from {draft.next_id} on")
        if event.id > LARGEST_ID:
            raise InvalidValueError("$.id", event.id, "an id up to 2**53: there are no more")
    elif (event.id is None) is (configuration is None):
        raise InvalidValueError("$.params", configuration, "either an id or params")
    if configuration is not None:
        return draft.history.of_values(configuration.values)
    trial = None if event.id is None else draft.history.of_id(event.id)
    if trial is None:
        raise unknown(event.id)
    return trial


def _refusal(event: TrialEvent, trial: Trial | None) -> AskTellError:
    got = f"{event.kind}, for a trial that is {trial.standing if trial else 'new'}"
    if isinstance(event, Amended | Voided | Forgotten):
        expected = "a trial with an outcome: tell it with observe or fail first"
        return NoOutcomeError("$", trial.params if trial else None, expected)
    if isinstance(event, Requeued):
        return NotFailedError("$", got, "a trial that failed or was forgotten")
    if isinstance(event, Renewed | Expired | Lost):
        return LeaseError("$.id", event.id, "a suggestion that waits for an outcome")
    return ConflictError("$", got, "an event that can happen to such a trial")


def unknown(ticket_id: Any) -> UnknownSuggestionError:
    """Return the error for an id that no suggestion has."""
    return UnknownSuggestionError("$.id", ticket_id, "the id of a suggestion of this state")


# --- what happens to the study as a whole ---


def _fitted(draft: Draft, event: Fitted) -> None:
    if not 1 <= event.fit.n <= draft.arrivals:
        raise InvalidValueError("$.n", event.fit.n, f"from 1 to the {draft.arrivals} reports")
    draft.fit = event.fit
    draft.history.append(event, None)


def _skipped(draft: Draft, event: Skipped) -> None:
    if event.next_id < draft.next_id:
        raise InvalidValueError("$.next_id", event.next_id, f"at least {draft.next_id}")
    draft.next_id = event.next_id
    draft.history.append(event, None)


def _enqueued(draft: Draft, event: Enqueued) -> None:
    try:
        wish = Part.of(checked_part(draft.problem.space, event.wish.params))
    except InvalidValueError as error:
        raise error.below("$.params") from None
    draft.wishes += (wish,)
    draft.history.append(event, None)


def _learned(draft: Draft, event: Learned) -> None:
    draft.earlier += (Earlier(event.lessons),)
    draft.history.append(event, None)


def _space_changed(draft: Draft, event: SpaceChanged) -> None:
    """Say everything anew; what counts and what leads is worked out from the trials that are left.

    The hyper-parameters were found on other dimensions, and are searched for afresh.
    """
    space, had = event.space, event.had.params if event.had else {}
    trials = restated_trials(space, had, draft.history.trials)
    draft.problem = evolve(draft.problem, space=space)
    draft.history.restate(event, trials)
    kept = [trial for trial in trials if trial.left_out is None]
    out = [ticket_id for trial in kept for ticket_id in _ids_out(trial)]
    draft.out = _in_former_order(draft.out, sorted(out))
    draft.queue = _in_former_order(draft.queue, [trial.number for trial in kept if trial.queued])
    draft.n_over = sum(trial.is_over for trial in kept)
    draft.n_observed = sum(trial.is_observed for trial in kept)
    draft.leader = leader_of(draft.problem, kept)
    draft.fit = None
    draft.earlier = restated_earlier(space, had, draft.earlier)
    replicates = draft.problem.policy.replicates
    wishes = restated_wishes(space, had, draft.wishes, kept, replicates)
    draft.wishes = tuple(wish for _, wish in wishes if not isinstance(wish, str))


_STUDY_CHANGES: dict[type[Event], Callable[[Draft, Any], None]] = {
    Fitted: _fitted,
    Skipped: _skipped,
    Enqueued: _enqueued,
    Learned: _learned,
    SpaceChanged: _space_changed,
}

# --- what each event makes of its trial ---


def _suggested(draft: Draft, event: Suggested, trial: Trial) -> Trial:
    ticket = Ticket(event.id, event.origin, event.expires, "out", event.at)
    known = trial.known and Part.of({**trial.known.params, **trial.params})  # it is tried as it is
    tickets = (*trial.tickets, ticket)
    return Trial(trial.number, trial.configuration, tickets, trial.reports, False, None, known)


def _renewed(draft: Draft, event: Renewed, trial: Trial) -> Trial:
    ticket = trial.ticket(event.id)
    if ticket is None or not (
        ticket.standing == "out" or (ticket.standing == "expired" and trial.queued)
    ):
        raise _refusal(event, trial)
    tickets = _changed(trial, event.id, standing="out", expires=event.expires)
    return evolve(trial, tickets=tickets, queued=False)


def _expired(draft: Draft, event: Expired, trial: Trial) -> Trial:
    return _offered_again(_withdrawn(event, trial))


def _lost(draft: Draft, event: Lost, trial: Trial) -> Trial:
    fault = Fault(event.id, draft.arrivals, event.reason, "expired", event.at)
    return evolve(_withdrawn(event, trial), reports=(*trial.reports, fault))


def _told(draft: Draft, event: Told, trial: Trial) -> Trial:
    names = draft.problem.outcome_names
    result = Result(event.id, draft.arrivals, names, event.numbers, event.std, event.at)
    return _settled(draft, event, trial, result)


def _failed(draft: Draft, event: Failed, trial: Trial) -> Trial:
    fault = Fault(event.id, draft.arrivals, event.reason, "reported", event.at)
    return _settled(draft, event, trial, fault)


def _retried(draft: Draft, event: Retried, trial: Trial) -> Trial:
    fault = Fault(event.id, draft.arrivals, event.reason, "retried", event.at)
    tickets = _changed(trial, event.id, standing="retried")
    return _offered_again(evolve(trial, tickets=tickets, reports=(*trial.reports, fault)))


def _amended(draft: Draft, event: Amended, trial: Trial) -> Trial:
    wrong = _wrong(draft, event, trial)
    names, first = draft.problem.outcome_names, wrong[0]
    right = Result(first.id, first.arrival, names, event.numbers, event.std, event.at)
    return _corrected(trial, wrong, right)


def _voided(draft: Draft, event: Voided, trial: Trial) -> Trial:
    wrong = _wrong(draft, event, trial)
    right = Fault(wrong[0].id, wrong[0].arrival, event.reason, "reported", event.at)
    return _corrected(trial, wrong, right)


def _forgotten(draft: Draft, event: Forgotten, trial: Trial) -> Trial:
    wrong = _wrong(draft, event, trial)
    reports = tuple(report for report in trial.reports if report not in wrong)
    if any(report.counts for report in reports):
        return evolve(trial, reports=reports)
    tickets = tuple(
        ticket if ticket.standing == "out" else _closed(ticket) for ticket in trial.tickets
    )
    return evolve(trial, tickets=tickets, reports=(), queued=False)


def _requeued(draft: Draft, event: Requeued, trial: Trial) -> Trial:
    tickets = tuple(
        ticket if ticket.standing == "out" else evolve(ticket, standing="retried")
        for ticket in trial.tickets
    )
    return _offered_again(evolve(trial, tickets=tickets, reports=(), queued=False))


_CHANGES: dict[type[TrialEvent], Callable[[Draft, Any, Trial], Trial]] = {
    Suggested: _suggested,
    Renewed: _renewed,
    Expired: _expired,
    Lost: _lost,
    Told: _told,
    Failed: _failed,
    Retried: _retried,
    Amended: _amended,
    Voided: _voided,
    Forgotten: _forgotten,
    Requeued: _requeued,
}


def corrected(policy: Policy, trial: Trial, ticket_id: int | None) -> list[Report]:
    """Return the outcomes that a correction is about.

    Those of the trial; where replicates are wanted, those of the suggestion that is named.
    """
    counting = [report for report in trial.reports if report.counts]
    if ticket_id is None or not policy.replicates:
        return counting
    return [report for report in counting if report.id == ticket_id]


def _wrong(draft: Draft, event: Amended | Voided | Forgotten, trial: Trial) -> list[Report]:
    wrong = corrected(draft.problem.policy, trial, event.id)
    if not wrong:
        raise _refusal(event, trial)
    return wrong


def _corrected(trial: Trial, wrong: list[Report], right: Report) -> Trial:
    """Replace outcomes by one, which takes the place of the first."""
    first, *others = wrong
    reports = (right if report is first else report for report in trial.reports)
    return evolve(trial, reports=tuple(report for report in reports if report not in others))


def _withdrawn(event: Expired | Lost, trial: Trial) -> Trial:
    ticket = trial.ticket(event.id)
    if ticket is None or ticket.standing != "out":
        raise _refusal(event, trial)
    return evolve(trial, tickets=_changed(trial, event.id, standing="expired"))


def _offered_again(trial: Trial) -> Trial:
    """Queue the params, unless they are out or have an outcome."""
    waits = not trial.is_over and all(ticket.standing != "out" for ticket in trial.tickets)
    return evolve(trial, queued=waits)


def _settled(draft: Draft, event: Told | Failed, trial: Trial, report: Report) -> Trial:
    """Add an outcome, and close the suggestions that it settles.

    Where replicates are wanted, others of the same params go on waiting for theirs.
    """
    tickets = trial.tickets
    if tickets:
        replicates = draft.problem.policy.replicates
        tickets = tuple(
            _closed(ticket)
            if ticket.id == event.id or (ticket.standing == "out" and not replicates)
            else ticket
            for ticket in tickets
        )
    reports = (*trial.reports, report)
    number, configuration, left_out, known = (
        trial.number,
        trial.configuration,
        trial.left_out,
        trial.known,
    )
    return Trial(number, configuration, tickets, reports, False, left_out, known)


def _closed(ticket: Ticket) -> Ticket:
    return Ticket(ticket.id, ticket.origin, ticket.expires, "closed", ticket.at)


def _changed(trial: Trial, ticket_id: int, **changes: Any) -> tuple[Ticket, ...]:
    return tuple(
        evolve(ticket, **changes) if ticket.id == ticket_id else ticket for ticket in trial.tickets
    )


# --- lists ---


def _in_former_order(former: tuple[int, ...], now: list[int]) -> tuple[int, ...]:
    """Return what is listed now: first what was listed before, as it was, then what came back."""
    before, after = set(former), set(now)
    stayed = [one for one in former if one in after]
    return (*stayed, *(one for one in now if one not in before))


def _ids_out(trial: Trial) -> list[int]:
    return [ticket.id for ticket in trial.tickets if ticket.standing == "out"]


def _listed(listed: tuple[int, ...], before: list[int], after: list[int]) -> tuple[int, ...]:
    """Return the list without what has left it, and with what has come at its end."""
    for item in before:
        if item not in after:
            place = listed.index(item)
            listed = listed[:place] + listed[place + 1 :]
    return listed + tuple([item for item in after if item not in before])
