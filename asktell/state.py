"""The whole optimiser as one immutable value, and the one function that makes the next.

A state is its problem and the events so far. ``apply`` is the only writer: whoever wants to change
a state decides what happens, and applies that. Trials and the rest are what the events made; they
are kept so that nothing is worked out twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import Factory, field, frozen

from asktell.codec.reading import below
from asktell.codec.state_document import moved, read_state, state_document
from asktell.errors import InvalidValueError, StateError
from asktell.space.bounds import Bound
from asktell.space.space import Space, Values
from asktell.study.draft import Draft, unknown
from asktell.study.earlier import Earlier
from asktell.study.events import Event, Fit
from asktell.study.history import History
from asktell.study.outcomes import Goal, Objective
from asktell.study.problem import Problem, Settings
from asktell.study.ranking import Leader
from asktell.study.trials import Fault, Part, Report, Result, Trial
from asktell.study.views import Failure, Observation, Suggestion, observation_of


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
        n_observed: how many of them have a result.
        leader: the number of the best trial that holds all constraints, and its objective; None
            where there is none, or where several objectives have no weights.
        fit: the last hyper-parameters, None before the first, after a correction, and after a
            change of space.
        wishes: the params that were enqueued and not suggested yet, in order.
        earlier: what earlier studies found, in the order in which they were learned from.
        began: the problem as it was at the start; the space may have changed since.
    """

    problem: Problem
    history: History = field(factory=History)
    out: tuple[int, ...] = ()
    queue: tuple[int, ...] = ()
    next_id: int = 0
    arrivals: int = 0
    n_over: int = 0
    n_observed: int = 0
    leader: Leader = None
    fit: Fit | None = None
    wishes: tuple[Part, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    began: Problem = field(default=Factory(lambda self: self.problem, takes_self=True))

    @classmethod
    def start(
        cls,
        space: Space,
        seed: int = 0,
        goal: Goal | None = None,
        settings: Settings | None = None,
        *,
        objectives: Mapping[str, Objective] | None = None,
        constraints: Mapping[str, Bound | Sequence[Bound]] | None = None,
    ) -> State:
        """Return the state of an optimiser that knows nothing yet.

        Args:
            space: what is searched.
            seed: an integer from 0 to 2**128 - 1; the only source of randomness.
            goal: ``"maximize"``, which is the default, or ``"minimize"``.
            settings: how it works; None for the defaults.
            objectives: instead of a goal, the objectives by name: ``{"loss": "minimize"}``, or
                ``Maximize`` and ``Minimize`` with a weight or a reference.
            constraints: bounds on outcomes by name, objectives or others:
                ``{"accuracy": AtLeast(0.97)}``.

        Raises:
            DefinitionError: a ``ValueError`` that names the argument.
        """
        return cls(Problem.of(space, seed, goal, settings, objectives, constraints))

    # --- as a dict ---

    def to_dict(self) -> dict[str, Any]:
        """Return the state as a dict of plain types, which ``json.dumps`` takes."""
        return state_document(self.began, self.history.events)

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
    def kept(self) -> list[Trial]:
        """Return the trials that lie in the space, by number; all, unless it has changed."""
        return [trial for trial in self.history.trials if trial.left_out is None]

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
    def enqueued(self) -> list[dict[str, Any]]:
        """Return the params that are wished for and not suggested yet, in order."""
        return [wish.params for wish in self.wishes]

    @property
    def observations(self) -> list[Observation]:
        """Return everything observed, in order of arrival."""
        return [
            observation_of(self.problem, trial, report)
            for trial, report in self._reports()
            if isinstance(report, Result)
        ]

    @property
    def failures(self) -> list[Failure]:
        """Return the failures that count, in order of arrival."""
        return [
            Failure(report.id, trial.configuration, report.reason, report.cause)
            for trial, report in self._reports()
            if isinstance(report, Fault) and report.counts
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
        reports = [(trial, report) for trial in self.kept for report in trial.reports]
        return sorted(reports, key=lambda pair: pair[1].arrival)

    # --- as a value ---

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._value == other._value

    def __hash__(self) -> int:
        return hash((self.problem.seed, self.next_id, self.arrivals, self.out))

    @property
    def _value(self) -> tuple[Any, ...]:
        own = self.problem, self.began, self.trials, self.out, self.queue, self.next_id, self.fit
        return *own, self.wishes, self.earlier

    def __repr__(self) -> str:
        return f"State({len(self.history)} trials, {self.n_over} over, {len(self.out)} pending)"


# --- the next state ---


def apply(state: State, event: Event) -> State:
    """Return the state after an event.

    Raises:
        InvalidValueError: a ``ValueError``; it cannot happen now. ``Draft.take`` lists the kinds.
    """
    draft = _draft_of(state)
    draft.take(event)
    return _state_of(draft, state.began)


def replay(state: State, events: Iterable[Event]) -> State:
    """Return the state after events that are known to have happened.

    Raises:
        StateError: a ``ValueError``; one of them cannot have happened. The path names it.
    """
    draft = _draft_of(state)
    for number, event in enumerate(events):
        try:
            draft.take(event)
        except InvalidValueError as error:
            raise below(error, f"$.events[{number}]") from None
    return _state_of(draft, state.began)


def _draft_of(state: State) -> Draft:
    return Draft(
        state.problem,
        state.history.view(),
        state.out,
        state.queue,
        state.next_id,
        state.arrivals,
        state.n_over,
        state.n_observed,
        state.leader,
        state.fit,
        state.wishes,
        state.earlier,
    )


def _state_of(draft: Draft, began: Problem) -> State:
    return State(
        draft.problem,
        draft.history,
        draft.out,
        draft.queue,
        draft.next_id,
        draft.arrivals,
        draft.n_over,
        draft.n_observed,
        draft.leader,
        draft.fit,
        draft.wishes,
        draft.earlier,
        began,
    )
