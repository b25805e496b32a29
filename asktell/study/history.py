"""All events of a study and the trials they made: immutable, and grown in constant time.

Histories that grew from one another share their storage, as slices of one array do. A trial that
changes is stored once more, with the number of events there were then; an earlier history shows
what was stored before. Growing the longest history extends the storage; growing an earlier one
copies its part first. Nothing that a history shows ever changes.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from asktell.space.space import Values
from asktell.study.events import Event
from asktell.study.trials import Trial

Change = tuple[int, Trial]
"""A trial as it was from some number of events on."""


class _Storage:
    """What histories share: append-only lists, and look-ups.

    ``first`` has every trial as it was made, ``changed`` what those became that changed.
    """

    __slots__ = ("by_id", "by_values", "changed", "events", "first", "lock")

    def __init__(
        self, events: list[Event], first: list[Trial], changed: dict[int, list[Change]]
    ) -> None:
        self.lock = Lock()
        self.events = events
        self.first = first
        self.changed = changed
        self.by_values: dict[Values, int] = {}
        self.by_id: dict[int, int] = {}
        for trial in first:
            last = changed[trial.number][-1][1] if trial.number in changed else trial
            if trial.left_out is None:
                self.by_values[trial.configuration.values] = trial.number
            for ticket in last.tickets:
                self.by_id[ticket.id] = trial.number


class History:
    """Events and trials, each in order."""

    __slots__ = ("_events", "_storage", "_trials")

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._storage = _Storage([], [], {})
        self._events = self._trials = 0

    @classmethod
    def _of(cls, storage: _Storage, events: int, trials: int) -> History:
        history = cls.__new__(cls)
        history._storage, history._events, history._trials = storage, events, trials
        return history

    def view(self) -> History:
        """Return the same history as another object, which may be appended to."""
        return self._of(self._storage, self._events, self._trials)

    def append(self, event: Event, trial: Trial | None) -> None:
        """Add an event, and the trial that it changed or made, to this object.

        Others that show the same storage stay as they are. Only the draft that owns this object may
        call it, before anybody else sees the object.
        """
        storage = self._storage
        with storage.lock:  # two threads may grow the same history
            if len(storage.events) != self._events:
                storage = self._storage = self._copied()
            storage.events.append(event)
            self._events += 1
            if trial is None:
                return
            if trial.number == self._trials:
                storage.first.append(trial)
                storage.by_values[trial.configuration.values] = trial.number
                self._trials += 1
            else:
                change = (self._events, trial)
                storage.changed.setdefault(trial.number, []).append(change)
            if trial.tickets:
                storage.by_id[trial.tickets[-1].id] = trial.number

    def restate(self, event: Event, trials: list[Trial]) -> None:
        """Add an event that changed what all trials are, by number, to this object.

        As for ``append``, others stay as they are: this one has a storage of its own from here on.
        """
        with self._storage.lock:  # another thread may be growing the same storage
            events = self.events
        self._storage = _Storage([*events, event], trials, {})
        self._events += 1

    # --- events ---

    @property
    def events(self) -> list[Event]:
        """Return all events, in order."""
        return self._storage.events[: self._events]

    @property
    def n_events(self) -> int:
        """Return how many events there are."""
        return self._events

    def since(self, earlier: History) -> list[Event] | None:
        """Return what has happened since an earlier history; None if this did not grow from it."""
        if self._events < earlier._events:
            return None
        if self._storage is not earlier._storage:
            start = self._storage.events[: earlier._events]
            if start != earlier._storage.events[: earlier._events]:
                return None
        return self._storage.events[earlier._events : self._events]

    # --- trials ---

    def __len__(self) -> int:
        """Return the number of trials."""
        return self._trials

    def trial(self, number: int) -> Trial:
        """Return the trial of this number, from 0."""
        if not 0 <= number < self._trials:
            raise IndexError(number)
        changes = self._storage.changed.get(number)
        if changes is not None:
            for since, trial in reversed(changes):
                if since <= self._events:
                    return trial
        return self._storage.first[number]

    @property
    def trials(self) -> list[Trial]:
        """Return all trials, by number."""
        return [self.trial(number) for number in range(self._trials)]

    def of_values(self, values: Values) -> Trial | None:
        """Return the trial of these canonical values, if there is one."""
        number = self._storage.by_values.get(values)
        return self.trial(number) if number is not None and number < self._trials else None

    def of_id(self, ticket_id: int) -> Trial | None:
        """Return the trial that has the suggestion of this id, if there is one."""
        number = self._storage.by_id.get(ticket_id)
        if number is None or number >= self._trials:
            return None
        trial = self.trial(number)
        return trial if trial.ticket(ticket_id) is not None else None

    # --- copies ---

    def _copied(self) -> _Storage:
        """Return a storage of this history alone."""
        changed: dict[int, list[Change]] = {}
        for number, changes in self._storage.changed.items():
            if known := [change for change in changes if change[0] <= self._events]:
                changed[number] = known
        return _Storage(self.events, self._storage.first[: self._trials], changed)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what this history shows: a lock cannot be pickled, and look-ups need not be."""
        with self._storage.lock:  # another thread may be growing the same storage
            copied = self._copied()
        return _restored, (copied.events, copied.first, copied.changed)


def _restored(events: list[Event], first: list[Trial], changed: dict[int, list[Change]]) -> History:
    return History._of(_Storage(events, first, changed), len(events), len(first))
