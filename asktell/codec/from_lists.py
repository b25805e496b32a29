"""Events that lead to what the six lists of schemas 1 and 2 say.

Those lists do not say in which order everything happened. What matters can be recovered: the order
of what is out, of what is due, and of the outcomes. Any order of events that gives these will do.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from attrs import define, field, frozen

from asktell.codec.event_rows import defaults_of
from asktell.errors import StateError, at_key, quoted
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


# --- what rows must be to each other ---

_GROUPS = {
    "failures": ("told",),
    "given up": ("lost",),
    "observations": ("told",),
    "pending": ("told", "lost"),
    "withdrawn": ("withdrawn",),
    "retried": ("retried",),
}
"""Groups of rows in which no id comes twice. What was lost may be told late."""


def _check_rows(lists: StateLists) -> None:
    """Check that no trial comes twice, and that all rows of a trial agree."""
    if lists.next_id < 0:
        raise StateError("$.next_id", lists.next_id, "an integer >= 0")
    withdrawn = {row.id for row in lists.withdrawn}
    seen: dict[tuple[str, Any], str] = {}
    params: dict[int, dict[str, Any]] = {}
    for name in ("failures", "observations", "pending", "withdrawn", "retried"):
        for place, row in _placed(name, getattr(lists, name)):
            key = _key(row.params, f"{place}.params")
            if row.id is not None and not 0 <= row.id < lists.next_id:
                raise StateError(f"{place}.id", row.id, f"below next_id = {quoted(lists.next_id)}")
            given_up = name == "failures" and row.cause == "expired"
            _check_single(lists, "given up" if given_up else name, place, row, key, seen)
            if row.id is not None and _key(params.setdefault(row.id, row.params), "$") != key:
                expected = f"{quoted(params[row.id])}, the params of id {row.id} elsewhere"
                raise StateError(f"{place}.params", row.params, expected)
            if name == "retried" and row.id not in withdrawn:
                raise StateError(f"{place}.id", row.id, "the id of a withdrawn suggestion")
            if name == "retried" and row.cause != "reported":
                raise StateError(f"{place}.cause", row.cause, "'reported'")


def _check_single(
    lists: StateLists, name: str, place: str, row: Any, key: Any, seen: dict[tuple[str, Any], str]
) -> None:
    replicates = lists.settings.get("replicates") is True
    for group in _GROUPS[name]:
        if (group, row.id) in seen and not (replicates and name == "observations"):
            raise StateError(f"{place}.id", row.id, f"an id that is not in {seen[group, row.id]}")
        if group in ("told", "lost") and (group, key) in seen and not replicates:
            expected = f"params other than those of {seen[group, key]}"
            raise StateError(f"{place}.params", row.params, expected)
        seen[group, key] = place
        if row.id is not None:
            seen[group, row.id] = place


def _check_nothing_lost(lists: StateLists) -> None:
    """Check that what was withdrawn waits, or has an outcome, and that nothing waits twice."""
    withdrawn = {_key(row.params, "$") for row in lists.withdrawn}
    settled: dict[Any, str] = {}
    for name in ("failures", "observations", "pending", "due"):
        for place, row in _placed(name, getattr(lists, name)):
            params = row if name == "due" else row.params
            key = _key(params, place)
            if name == "due" and key in settled:
                raise StateError(place, params, f"params other than those of {settled[key]}")
            if name == "due" and key not in withdrawn:
                raise StateError(place, params, "params of a withdrawn suggestion")
            settled[key] = place
    for place, row in _placed("withdrawn", lists.withdrawn):
        if _key(row.params, place) not in settled:
            expected = "params that are due, pending, observed or failed"
            raise StateError(f"{place}.params", row.params, expected)


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
        self.rows.append({"event": event, **defaults_of(event), **fields, "at": None})
        self.places.append(place)


def events_of(lists: StateLists) -> tuple[list[dict[str, Any]], list[str]]:
    """Return rows of events, and for each the path in the lists that it came from.

    Raises:
        StateError: a ``ValueError``; a trial comes twice, or its rows do not agree.
    """
    _check_rows(lists)
    _check_nothing_lost(lists)
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
    for name in ("pending", "withdrawn", "observations", "failures", "retried"):
        for place, row in _placed(name, getattr(lists, name)):
            if row.id is not None:
                origin, expires = getattr(row, "origin", None), getattr(row, "expires", None)
                key = _key(row.params, f"{place}.params")
                ticket = _Ticket(row.id, key, row.params, origin, expires, place)
                found.setdefault(row.id, ticket)
    return dict(sorted(found.items()))


def _key(params: dict[str, Any], place: str) -> Any:
    """Return what is equal for equal params; the space knows which values there are."""
    try:
        return frozenset(params.items())
    except TypeError:
        name = next(name for name, value in params.items() if not _is_hashable(value))
        raise StateError(at_key(place, name), params[name], "the value of a parameter") from None


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _hand_out(lists: StateLists, tickets: dict[int, _Ticket], events: _Events) -> None:
    """Add all suggestions, and what withdrew them, so that what is out and due is in its order."""
    due = dict.fromkeys(_key(params, place) for place, params in _placed("due", lists.due))
    retried = {row.id: (place, row.reason) for place, row in _placed("retried", lists.retried)}
    withdrawn = {row.id for row in lists.withdrawn}
    out = {row.id: position for position, row in enumerate(lists.pending)}
    back = deque(ticket_id for ticket_id in out if ticket_id in withdrawn)  # by a late heartbeat
    again = set(back)
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

    def withdraw_last(trial: Any) -> None:
        if trial in last and (last[trial] in withdrawn or last[trial] in retried):
            withdraw(last[trial])

    def take_back(before: int | None) -> None:
        """Let those be out again that stand in the list before this id."""
        while back and (before is None or out[back[0]] < out[before]):
            ticket = tickets[back.popleft()]
            withdraw(ticket.id)
            withdraw_last(ticket.trial)
            events.add(ticket.place, "renewed", id=ticket.id, expires=ticket.expires)

    for ticket in tickets.values():
        if ticket.id in out and ticket.id not in again:
            take_back(before=ticket.id)
        withdraw_last(ticket.trial)
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
    given_up = {row.id for row in lists.failures if row.cause == "expired"}
    for ticket_id in retried:
        if tickets[ticket_id].trial not in due:
            withdraw(ticket_id)
    if lists.settings.get("replicates"):  # else the outcome of another has settled these
        for row in lists.withdrawn:
            waits = tickets[row.id].trial in due or row.id in out
            if not waits and row.id not in given_up:
                withdraw(row.id)
    for trial in due:
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
