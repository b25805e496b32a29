"""The whole optimiser as one immutable value, and the one function that makes the next.

A state is its problem and the events so far. ``apply`` is the only writer: whoever wants to change
a state decides what happens, and applies that. Trials and the rest are what the events made; they
are kept so that nothing has to be worked out anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from asktell.codec.layouts import below
from asktell.codec.state_document import moved, read_state, state_document
from asktell.errors import (
    AskTellError,
    ConflictError,
    InvalidValueError,
    LeaseError,
    NoOutcomeError,
    StateError,
    UnknownSuggestionError,
)
from asktell.space.space import Space, Values
from asktell.study.events import (
    Amended,
    Event,
    Expired,
    Failed,
    Fit,
    Fitted,
    Forgotten,
    Lost,
    Renewed,
    Retried,
    Skipped,
    Suggested,
    Told,
    TrialEvent,
    Voided,
)
from asktell.study.history import History
from asktell.study.problem import Goal, Policy, Problem, Settings
from asktell.study.ranking import better
from asktell.study.transitions import REPLICATED, TRANSITIONS
from asktell.study.trials import (
    Failure,
    Fault,
    Observation,
    Report,
    Result,
    Suggestion,
    Ticket,
    Trial,
)


@frozen(eq=False, repr=False)
class State:
    """The whole optimiser. Begin one with :meth:`start`; ``asktell.suggest``, ``observe`` and
    ``fail`` return the next.

    Two states are equal when their problems, trials and fits are, and equal states go on alike.

    Attributes:
        problem: what is searched, what is measured, and how.
        history: all events, and the trials that they made.
        out: the ids of the suggestions that wait for an outcome, in order.
        queue: the numbers of the trials to be offered again, the longest waiting first.
        next_id: the id of the next suggestion.
        arrivals: how many reports have come.
        n_over: how many trials have an outcome.
        leader: the number of the best trial, None without a result.
        fit: the last hyper-parameters, None before the first or where the data was corrected.
    """

    problem: Problem
    history: History = field(factory=History)
    out: tuple[int, ...] = ()
    queue: tuple[int, ...] = ()
    next_id: int = 0
    arrivals: int = 0
    n_over: int = 0
    leader: int | None = None
    fit: Fit | None = None

    @classmethod
    def start(
        cls,
        space: Space,
        seed: int = 0,
        goal: Goal | None = None,
        settings: Settings | None = None,
        *,
        objectives: Mapping[str, Goal] | None = None,
    ) -> State:
        """Return the state of an optimiser that knows nothing yet.

        Args:
            space: what is searched.
            seed: an integer from 0 to 2**64 - 1; the only source of randomness.
            goal: ``"maximize"``, which is the default, or ``"minimize"``.
            settings: how to work; the defaults where None.
            objectives: in place of a goal, the outcome by name, as ``{"loss": "minimize"}``.

        Raises:
            DefinitionError: a ``ValueError`` that names the argument.
        """
        return cls(Problem.of(space, seed, goal, settings, objectives))

    # --- as a dict ---

    def to_dict(self) -> dict[str, Any]:
        """Return the state as a dict of plain types, which ``json.dumps`` takes."""
        return state_document(self.problem, self.history.events)

    @classmethod
    def from_dict(cls, state: Any) -> State:
        """Return the state that ``to_dict`` wrote, to the last bit.

        Raises:
            StateError: a ``ValueError``; a field is missing, unknown or corrupt, or the schema
                is newer than this package. The message names the path.
        """
        document = read_state(state)
        try:
            replayed = replay(cls(document.problem), document.events)
        except StateError as error:
            raise moved(error, document.came_from) from None
        document.check_waiting(list(replayed.out), replayed.due)
        return replayed

    # --- what is known ---

    @property
    def space(self) -> Space:
        """Return what is searched."""
        return self.problem.space

    @property
    def trials(self) -> list[Trial]:
        """Return every trial, by number."""
        return self.history.trials

    @property
    def events(self) -> list[Event]:
        """Return what happened, in order."""
        return self.history.events

    @property
    def pending(self) -> list[Suggestion]:
        """Return the suggestions that wait for an outcome, in order."""
        return [self.suggestion(ticket_id) for ticket_id in self.out]

    @property
    def due(self) -> list[dict[str, Any]]:
        """Return the params to be offered again, in order."""
        return [self.history.trial(number).params for number in self.queue]

    @property
    def observations(self) -> list[Observation]:
        """Return everything observed, in order of arrival."""
        return [
            Observation(report.id, trial.configuration, report.result)
            for trial, report in self._reports()
            if isinstance(report.result, Result)
        ]

    @property
    def failures(self) -> list[Failure]:
        """Return the failures that count, in order of arrival."""
        return [
            Failure(report.id, trial.configuration, report.result.reason, report.result.cause)
            for trial, report in self._reports()
            if isinstance(report.result, Fault) and report.counts
        ]

    def suggestion(self, ticket_id: int) -> Suggestion:
        """Return the suggestion of this id, whatever became of it.

        Raises:
            UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        """
        trial = self.history.of_id(ticket_id)
        ticket = None if trial is None else trial.ticket(ticket_id)
        if trial is None or ticket is None:
            raise unknown(ticket_id)
        return Suggestion(ticket.id, trial.configuration, ticket.origin, ticket.expires)

    def is_taken(self, values: Values) -> bool:
        """Tell whether values are observed, failed, pending or queued."""
        trial = self.history.of_values(values)
        return trial is not None and trial.standing != "forgotten"

    def _reports(self) -> list[tuple[Trial, Report]]:
        reports = [(trial, report) for trial in self.trials for report in trial.reports]
        return sorted(reports, key=lambda pair: pair[1].arrival)

    # --- as a value ---

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._value == other._value

    def __hash__(self) -> int:
        return hash((self.problem.seed, self.next_id, self.arrivals, self.out))

    @property
    def _value(self) -> tuple[Any, ...]:
        return self.problem, self.trials, self.out, self.queue, self.next_id, self.fit

    def __repr__(self) -> str:
        return f"State({len(self.history)} trials, {self.n_over} over, {len(self.out)} pending)"


# --- the one writer ---


def apply(state: State, event: Event) -> State:
    """Return the state after an event.

    Raises:
        UnknownSuggestionError: a ``ValueError``; no suggestion has the event's id.
        LeaseError: a ``ValueError``; the lease does not run, or not any more.
        NoOutcomeError: a ``ValueError``; there is no outcome to be amended or forgotten.
        ConflictError: a ``ValueError``; anything else that cannot happen to the trial now.
        InvalidValueError: a ``ValueError``; an id or a number that cannot be.
    """
    if isinstance(event, Fitted):
        if not 1 <= event.fit.n <= state.arrivals:
            raise InvalidValueError("$.n", event.fit.n, f"from 1 to the {state.arrivals} reports")
        return evolve(state, history=state.history.grown(event, None), fit=event.fit)
    if isinstance(event, Skipped):
        if event.next_id < state.next_id:
            raise InvalidValueError("$.next_id", event.next_id, f"at least {state.next_id}")
        return evolve(state, history=state.history.grown(event, None), next_id=event.next_id)
    trial = _trial_of(state, event)
    table = REPLICATED if state.problem.policy.replicates else TRANSITIONS
    if event.kind not in table[trial.standing if trial else "new"]:
        raise _refusal(state, event, trial)
    if trial is None:
        trial = Trial(len(state.history), event.configuration, (), (), False)  # type: ignore
    return _with(state, event, trial, _CHANGES[type(event)](state, event, trial))


def replay(state: State, events: Iterable[Event]) -> State:
    """Return the state after some events, which are known to have happened.

    Raises:
        StateError: a ``ValueError``; they cannot have. The path is that of the event.
    """
    for number, event in enumerate(events):
        try:
            state = apply(state, event)
        except InvalidValueError as error:
            raise below(error, f"$.events[{number}]") from None
    return state


def _trial_of(state: State, event: TrialEvent) -> Trial | None:
    if isinstance(event, Suggested):
        if event.id < state.next_id:
            raise InvalidValueError("$.id", event.id, f"an id from {state.next_id} on")
        return state.history.of_values(event.configuration.values)
    if isinstance(event, Told | Failed | Amended | Voided | Forgotten):
        if (event.id is None) is (event.configuration is None):
            raise InvalidValueError("$.params", event.configuration, "either an id or params")
        if event.configuration is not None:
            return state.history.of_values(event.configuration.values)
    trial = None if event.id is None else state.history.of_id(event.id)
    if trial is None:
        raise unknown(event.id)
    return trial


def _refusal(state: State, event: TrialEvent, trial: Trial | None) -> AskTellError:
    got = f"{event.kind}, for a trial that is {trial.standing if trial else 'new'}"
    if isinstance(event, Amended | Voided | Forgotten):
        expected = "a trial with an outcome: tell it with observe or fail first"
        return NoOutcomeError("$", trial.params if trial else None, expected)
    if isinstance(event, Renewed | Expired | Lost):
        return LeaseError("$.id", event.id, "a suggestion that waits for an outcome")
    return ConflictError("$", got, "an event that can happen to such a trial")


def unknown(ticket_id: Any) -> UnknownSuggestionError:
    """Return the error for an id that no suggestion has."""
    return UnknownSuggestionError("$.id", ticket_id, "the id of a suggestion of this state")


# --- what each event makes of its trial ---


def _suggested(state: State, event: Suggested, trial: Trial) -> Trial:
    ticket = Ticket(event.id, event.origin, event.expires, "out", event.at)
    return Trial(
        trial.number, trial.configuration, (*trial.tickets, ticket), trial.reports, queued=False
    )


def _renewed(state: State, event: Renewed, trial: Trial) -> Trial:
    ticket = trial.ticket(event.id)
    if ticket is None or not (
        ticket.standing == "out" or (ticket.standing == "expired" and trial.queued)
    ):
        raise _refusal(state, event, trial)
    tickets = _changed(trial, event.id, standing="out", expires=event.expires)
    return evolve(trial, tickets=tickets, queued=False)


def _expired(state: State, event: Expired, trial: Trial) -> Trial:
    return _offered_again(_withdrawn(state, event, trial))


def _lost(state: State, event: Lost, trial: Trial) -> Trial:
    withdrawn = _withdrawn(state, event, trial)
    return evolve(withdrawn, reports=_reported(state, event, trial, Fault(event.reason, "expired")))


def _told(state: State, event: Told, trial: Trial) -> Trial:
    return _settled(state, event, trial, Result(state.problem.outcome_names, event.numbers))


def _failed(state: State, event: Failed, trial: Trial) -> Trial:
    return _settled(state, event, trial, Fault(event.reason, "reported"))


def _retried(state: State, event: Retried, trial: Trial) -> Trial:
    reports = _reported(state, event, trial, Fault(event.reason, "retried"))
    tickets = _changed(trial, event.id, standing="retried")
    return _offered_again(evolve(trial, tickets=tickets, reports=reports))


def _amended(state: State, event: Amended, trial: Trial) -> Trial:
    return _corrected(state, event, trial, Result(state.problem.outcome_names, event.numbers))


def _voided(state: State, event: Voided, trial: Trial) -> Trial:
    return _corrected(state, event, trial, Fault(event.reason, "reported"))


def _forgotten(state: State, event: Forgotten, trial: Trial) -> Trial:
    wrong = corrected(state.problem.policy, trial, event.id)
    if not wrong:
        raise _refusal(state, event, trial)
    reports = tuple(report for report in trial.reports if report not in wrong)
    if any(report.counts for report in reports):
        return evolve(trial, reports=reports)
    tickets = tuple(
        ticket if ticket.standing == "out" else evolve(ticket, standing="closed")
        for ticket in trial.tickets
    )
    return Trial(trial.number, trial.configuration, tickets, (), queued=False)


_CHANGES: dict[type[TrialEvent], Callable[[State, Any, Trial], Trial]] = {
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
}


def corrected(policy: Policy, trial: Trial, ticket_id: int | None) -> list[Report]:
    """Return the outcomes that a correction is about.

    Those of the trial; where replicates are wanted, those of the suggestion that is named.
    """
    counting = [report for report in trial.reports if report.counts]
    if ticket_id is None or not policy.replicates:
        return counting
    return [report for report in counting if report.id == ticket_id]


def _corrected(
    state: State, event: Amended | Voided, trial: Trial, result: Result | Fault
) -> Trial:
    wrong = corrected(state.problem.policy, trial, event.id)
    if not wrong:
        raise _refusal(state, event, trial)
    right = Report(wrong[0].id, wrong[0].arrival, result, event.at)
    reports = tuple(
        right if report is wrong[0] else report
        for report in trial.reports
        if report is wrong[0] or report not in wrong
    )
    return evolve(trial, reports=reports)


def _reported(
    state: State, event: Told | Failed | Retried | Lost, trial: Trial, result: Result | Fault
) -> tuple[Report, ...]:
    return (*trial.reports, Report(event.id, state.arrivals, result, event.at))


def _withdrawn(state: State, event: Expired | Lost, trial: Trial) -> Trial:
    ticket = trial.ticket(event.id)
    if ticket is None or ticket.standing != "out":
        raise _refusal(state, event, trial)
    return evolve(trial, tickets=_changed(trial, event.id, standing="expired"))


def _offered_again(trial: Trial) -> Trial:
    """Queue the params, unless they are out, or over."""
    waits = not trial.is_over and all(ticket.standing != "out" for ticket in trial.tickets)
    return evolve(trial, queued=waits)


def _settled(state: State, event: Told | Failed, trial: Trial, result: Result | Fault) -> Trial:
    """Add an outcome, and close the suggestions that wait for none any more.

    Where replicates are wanted, others of the same params go on waiting for theirs.
    """
    replicates = state.problem.policy.replicates
    tickets = tuple(
        evolve(ticket, standing="closed")
        if ticket.id == event.id or (ticket.standing == "out" and not replicates)
        else ticket
        for ticket in trial.tickets
    )
    reports = _reported(state, event, trial, result)
    return Trial(trial.number, trial.configuration, tickets, reports, queued=False)


def _changed(trial: Trial, ticket_id: int, **changes: Any) -> tuple[Ticket, ...]:
    return tuple(
        evolve(ticket, **changes) if ticket.id == ticket_id else ticket for ticket in trial.tickets
    )


# --- what follows for the rest of the state ---


def _with(state: State, event: TrialEvent, before: Trial, after: Trial) -> State:
    """Return the state in which a trial has changed."""
    out, queue, leader, n_over = state.out, state.queue, state.leader, state.n_over
    if before.tickets is not after.tickets:
        out = _listed(out, _ids_out(before), _ids_out(after))
    if before.queued is not after.queued:
        number = [after.number]
        queue = _listed(queue, number if before.queued else [], number if after.queued else [])
    if before.reports is not after.reports:
        leader = better(state.problem, state.history, leader, before, after)
        n_over += after.is_over - before.is_over
    corrects = isinstance(event, Amended | Voided | Forgotten)
    came = 0 if corrects else len(after.reports) - len(before.reports)
    return State(
        state.problem,
        state.history.grown(event, after),
        out,
        queue,
        event.id + 1 if isinstance(event, Suggested) else state.next_id,
        state.arrivals + came,
        n_over,
        leader,
        None if corrects else state.fit,
    )


def _ids_out(trial: Trial) -> list[int]:
    return [ticket.id for ticket in trial.tickets if ticket.standing == "out"]


def _listed(listed: tuple[int, ...], before: list[int], after: list[int]) -> tuple[int, ...]:
    """Return the list without what is not in it any more, and with what came at its end."""
    if before == after:
        return listed
    kept = tuple(item for item in listed if item in after or item not in before)
    return (*kept, *(item for item in after if item not in before))
