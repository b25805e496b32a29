"""Events that lead to what the six lists of schemas 1 and 2 say.

Those lists had lost in which order some things happened. What matters of it can be told: the order
of what is out, of what is due, and of the outcomes. Any order of events that gives these will do.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field, frozen

from asktell.errors import StateError
from asktell.model.members import MODEL_OF_SCHEMA_2

# --- the layout ---


@frozen
class _SpaceLayout:
    parameters: list[dict[str, Any]]


@frozen
class _SuggestionLayout:
    id: int
    params: dict[str, Any]
    origin: str
    expires: float | None


@frozen
class _ObservationLayout:
    id: int | None
    params: dict[str, Any]
    target: float


@frozen
class _FailureLayout:
    id: int | None
    params: dict[str, Any]
    reason: str
    cause: str


@frozen
class _MemberLayout:
    length_scales: list[float]
    noise: float


@frozen
class _FitLayout:
    n: int
    members: list[_MemberLayout]


@frozen
class StateLists:
    """The layout of schema 2."""

    schema: int
    space: _SpaceLayout
    goal: str
    seed: int
    settings: dict[str, Any]
    next_id: int
    pending: list[_SuggestionLayout]
    observations: list[_ObservationLayout]
    failures: list[_FailureLayout]
    due: list[dict[str, Any]]
    withdrawn: list[_SuggestionLayout]
    retried: list[_FailureLayout]
    fit: _FitLayout | None


# --- the events ---


@frozen
class _Ticket:
    """What the lists say of one id."""

    id: int
    trial: Any
    params: dict[str, Any]
    origin: str | None
    expires: float | None
    place: str


@define
class _Events:
    """Rows of events so far, and where in the lists each came from."""

    rows: list[dict[str, Any]] = field(factory=list)
    places: list[str] = field(factory=list)

    def add(self, place: str, event: str, **fields: Any) -> None:
        self.rows.append({"event": event, **fields, "at": None})
        self.places.append(place)


def events_of(lists: StateLists) -> tuple[list[dict[str, Any]], list[str]]:
    """Return rows of events, and for each the path in the lists that it came from.

    Raises:
        StateError: a ``ValueError``; an id is not one, or has different params.
    """
    events, tickets = _Events(), _tickets(lists)
    _hand_out(lists, tickets, events)
    _tell(lists, events)
    if lists.fit is not None:
        members = [{"length_scales": m.length_scales, "noise": m.noise} for m in lists.fit.members]
        fit = {"model": MODEL_OF_SCHEMA_2, "n": lists.fit.n, "found": [members]}
        events.add("$.fit", "fitted", fit=fit)
    if lists.next_id > max(tickets, default=-1) + 1:
        events.add("$", "skipped", next_id=lists.next_id)
    return events.rows, events.places


def _tickets(lists: StateLists) -> dict[int, _Ticket]:
    """Return what was handed out, by id, in order."""
    found: dict[int, _Ticket] = {}
    named: tuple[tuple[str, list[Any]], ...] = (
        ("pending", lists.pending),
        ("withdrawn", lists.withdrawn),
        ("observations", lists.observations),
        ("failures", lists.failures),
        ("retried", lists.retried),
    )
    for name, rows in named:
        seen: set[int] = set()
        for position, row in enumerate(rows):
            place = f"$.{name}[{position}]"
            if row.id is None:
                if name == "retried":
                    raise StateError(f"{place}.id", None, "the id of a withdrawn suggestion")
                continue
            if not 0 <= row.id < lists.next_id:
                raise StateError(f"{place}.id", row.id, f"below next_id = {lists.next_id}")
            if row.id in seen and name in ("pending", "withdrawn", "retried"):
                raise StateError(f"{place}.id", row.id, "an id that no other trial has")
            seen.add(row.id)
            origin, expires = getattr(row, "origin", None), getattr(row, "expires", None)
            ticket = _Ticket(row.id, _key(row.params), row.params, origin, expires, place)
            first = found.setdefault(row.id, ticket)
            if first.trial != ticket.trial:
                expected = f"{first.params}, as id {row.id} has elsewhere"
                raise StateError(f"{place}.params", row.params, expected)
    return dict(sorted(found.items()))


def _key(params: dict[str, Any]) -> Any:
    """Return what is equal for equal params; what is no value of a parameter is found later."""
    key = tuple(sorted(params.items(), key=lambda item: item[0]))
    try:
        hash(key)
    except TypeError:
        return repr(key)
    return key


def _hand_out(lists: StateLists, tickets: dict[int, _Ticket], events: _Events) -> None:
    """Add all suggestions, and what withdrew them, so that what is out and due is in its order."""
    retried = {row.id: (place, row.reason) for place, row in _placed("retried", lists.retried)}
    withdrawn = {row.id: place for place, row in _placed("withdrawn", lists.withdrawn)}
    out = [row.id for row in lists.pending]
    back = [ticket_id for ticket_id in out if ticket_id in withdrawn]  # after a late heartbeat
    last: dict[Any, int] = {}
    resolved: set[int] = set()

    def withdraw(ticket_id: int) -> None:
        if ticket_id in resolved:
            return
        resolved.add(ticket_id)
        if ticket_id in retried:
            place, reason = retried[ticket_id]
            events.add(place, "retried", id=ticket_id, reason=reason)
        else:
            events.add(tickets[ticket_id].place, "expired", id=ticket_id)

    def take_back(before: int | None) -> None:
        """Let those be out again that stand in the list before this id."""
        while back and (before is None or out.index(back[0]) < out.index(before)):
            ticket = tickets[back.pop(0)]
            withdraw(ticket.id)
            events.add(ticket.place, "renewed", id=ticket.id, expires=ticket.expires)

    for ticket in tickets.values():
        if ticket.id in out and ticket.id not in back:
            take_back(before=ticket.id)
        previous = last.get(ticket.trial)
        if previous is not None and (previous in withdrawn or previous in retried):
            withdraw(previous)
        last[ticket.trial] = ticket.id
        events.add(
            ticket.place,
            "suggested",
            id=ticket.id,
            params=ticket.params,
            origin=ticket.origin,
            expires=ticket.expires,
        )
    take_back(before=None)
    due = [_key(params) for params in lists.due]
    given_up = {row.id for row in lists.failures if row.cause == "expired"}
    for ticket_id in retried:
        if tickets[ticket_id].trial not in due:
            withdraw(ticket_id)
    if lists.settings.get("replicates"):  # else the outcome of another has settled these
        for ticket_id in withdrawn:
            waits = tickets[ticket_id].trial in due or ticket_id in out
            if not waits and ticket_id not in given_up:
                withdraw(ticket_id)
    for position, trial in enumerate(due):
        if trial not in last:
            expected = "params of a withdrawn suggestion"
            raise StateError(f"$.due[{position}]", lists.due[position], expected)
        withdraw(last[trial])


def _tell(lists: StateLists, events: _Events) -> None:
    """Add the outcomes: failures first, since a late result overrules those of lost leases."""
    for place, failure in _placed("failures", lists.failures):
        if failure.cause not in ("reported", "expired"):
            expected = "one of ('reported', 'expired')"
            raise StateError(f"{place}.cause", failure.cause, expected)
        if failure.cause == "expired":
            events.add(place, "lost", id=failure.id, reason=failure.reason)
        else:
            params = failure.params if failure.id is None else None
            events.add(place, "failed", id=failure.id, params=params, reason=failure.reason)
    for place, observation in _placed("observations", lists.observations):
        params = observation.params if observation.id is None else None
        outcomes = {"target": observation.target}
        events.add(place, "told", id=observation.id, params=params, outcomes=outcomes)


def _placed(name: str, rows: list[Any]) -> list[tuple[str, Any]]:
    return [(f"$.{name}[{position}]", row) for position, row in enumerate(rows)]
