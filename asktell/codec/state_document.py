"""A problem and its events to one plain dict and back: what ``State.to_dict`` returns.

The dict's layout is schema 6: the problem's parts, and the events as rows. Reading brings older
schemas up to it, and reports faults with their paths in the dict that came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any, get_args

from attrs import asdict, frozen

from asktell.codec.event_rows import event_rows, read_events
from asktell.codec.migrations import SCHEMA, migrated
from asktell.codec.reading import below, read
from asktell.codec.space_rows import SpaceLayout, complete, space_of, space_row
from asktell.errors import NOTHING, DefinitionError, StateError
from asktell.study.events import Event, Expired, Fitted, Renewed
from asktell.study.outcomes import Goal, Outcome, checked
from asktell.study.problem import LARGEST_SEED, Method, Policy, Problem

# --- the layout ---


@frozen
class _OutcomeLayout:
    name: str
    goal: str | None
    weight: float | None
    reference: float | None
    at_least: float | None
    at_most: float | None


@frozen
class _StateLayout:
    schema: int
    space: SpaceLayout
    outcomes: list[_OutcomeLayout]
    policy: dict[str, Any]
    method: dict[str, Any]
    seed: int
    events: list[Any]


@frozen(eq=False)
class StateDocument:
    """What a dict says.

    Attributes:
        came_from: maps a path in today's schema to the path in the dict that came.
        waiting: the ids that are out and the params that are due, where the dict lists them beside
            its events, as older schemas do; else None.
    """

    problem: Problem
    events: list[Event]
    came_from: Callable[[str], str]
    waiting: tuple[list[int], list[dict[str, Any]]] | None

    def check_waiting(self, out: list[int], due: list[dict[str, Any]]) -> None:
        """Check that the events lead to what the dict lists beside them.

        Raises:
            StateError: a ``ValueError`` that names the path of the first that differs.
        """
        if self.waiting is None:
            return
        pending, waits = self.waiting
        lists: list[tuple[str, list[Any], list[Any]]] = [
            ("due", waits, due),
            ("pending", pending, out),
        ]
        for name, said, led in lists:
            for position, (one, other) in enumerate(zip_longest(said, led, fillvalue=NOTHING)):
                if one != other:
                    expected = "what follows from the other lists"
                    raise StateError(f"$.{name}[{position}]", one, expected)


# --- writing ---


def state_document(problem: Problem, events: Iterable[Event]) -> dict[str, Any]:
    """Return a problem and events as a dict of plain types."""
    return {
        "schema": SCHEMA,
        "space": space_row(problem.space),
        "outcomes": [asdict(outcome) for outcome in problem.outcomes],
        "policy": asdict(problem.policy),
        "method": asdict(problem.method),
        "seed": problem.seed,
        "events": event_rows(lasting(list(events)), problem.outcome_names),
    }


def lasting(events: list[Event]) -> list[Event]:
    """Return the events without those that a later one outdates.

    Heartbeats would let a state grow for ever: of the renewals of one lease the last is kept, and
    of all fits, the last.
    """
    outdated: set[int] = set()
    renewals: dict[int, int] = {}
    expired: set[int] = set()
    fitted: int | None = None
    for place, event in enumerate(events):
        if isinstance(event, Fitted):
            if fitted is not None:
                outdated.add(fitted)
            fitted = place
        elif isinstance(event, Expired):
            renewals.pop(event.id, None)
            expired.add(event.id)
        elif isinstance(event, Renewed) and event.id in expired:
            expired.remove(event.id)  # it is out again, and from here on last in order
        elif isinstance(event, Renewed):
            if event.id in renewals:
                outdated.add(renewals[event.id])
            renewals[event.id] = place
    if not outdated:
        return events
    return [event for place, event in enumerate(events) if place not in outdated]


# --- reading ---


def read_state(document: Any) -> StateDocument:
    """Return what a dict says, of this schema or an older one.

    Raises:
        StateError: a ``ValueError``; a field is missing, unknown or corrupt, or the schema is
            newer than this package. The message names the path.
    """
    came = migrated(document, _schema_of(document))
    try:
        layout = read(came.document, _StateLayout)
        problem = _problem(layout)
        events = read_events(layout.events, problem, "$.events[{}]".format)
    except StateError as error:
        raise moved(error, came.came_from) from None
    return StateDocument(problem, events, came.came_from, came.waiting)


def moved(error: StateError, to: Callable[[str], str]) -> StateError:
    """Return the error, and those with it, with other paths."""
    others = tuple(moved(other, to) for other in error.others)
    return StateError(to(error.place), error.got, error.expected, others)


def _schema_of(document: Any) -> int:
    if not isinstance(document, dict):
        raise StateError("$", document, "a state: a dict")
    schema = document.get("schema", NOTHING)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise StateError("$.schema", schema, f"an integer from 1 to {SCHEMA}")
    if schema > SCHEMA:
        expected = f"at most {SCHEMA}: a newer version of asktell wrote this state"
        raise StateError("$.schema", schema, expected)
    return schema


def _problem(layout: _StateLayout) -> Problem:
    space = space_of(layout.space, "$.space")
    policy = complete(Policy, layout.policy, "$.policy")
    method = complete(Method, layout.method, "$.method")
    if not 0 <= layout.seed <= LARGEST_SEED:
        raise StateError("$.seed", layout.seed, "an integer from 0 to 2**128 - 1")
    return Problem(space, _outcomes(layout.outcomes), policy, method, layout.seed)


def _outcomes(rows: list[_OutcomeLayout]) -> tuple[Outcome, ...]:
    outcomes: list[Outcome] = []
    for position, row in enumerate(rows):
        place = f"$.outcomes[{position}]"
        if not row.name or row.name in [outcome.name for outcome in outcomes]:
            raise StateError(f"{place}.name", row.name, "a name of its own, of length >= 1")
        if row.goal not in (None, *get_args(Goal)):
            raise StateError(f"{place}.goal", row.goal, "'maximize', 'minimize' or null")
        outcome = Outcome(**asdict(row))
        if outcome.weight is not None and not (outcome.goal and outcome.weight > 0):
            raise StateError(f"{place}.weight", row.weight, "a number > 0 of an objective, or null")
        if outcome.reference is not None and not outcome.goal:
            raise StateError(f"{place}.reference", row.reference, "null: this is no objective")
        if not (outcome.goal or outcome.is_constrained):
            raise StateError(f"{place}.goal", row.goal, "a goal, or a bound instead")
        if outcome.violation(outcome.at_least or 0.0) and None not in (row.at_least, row.at_most):
            raise StateError(f"{place}.at_most", row.at_most, "bounds that can both hold")
        outcomes.append(outcome)
    if not any(outcome.goal for outcome in outcomes):
        raise StateError("$.outcomes", rows, "one objective or more")
    try:
        return checked(tuple(outcomes), "$")
    except DefinitionError as error:
        raise below(error, "$.outcomes") from None
