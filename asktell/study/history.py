"""All events of a study and the trials they made: immutable, and grown in constant time.

Histories that grew from one another share their storage, as slices of one array do. A trial that
changes is stored again, with the number of events from which on it is so. Growing the longest
history extends the storage; growing an earlier one copies its part first. Nothing that a history
shows ever changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from asktell.space.space import Values
from asktell.study.events import Event
from asktell.study.trials import Trial

Lives = list[list[tuple[int, Trial]]]
"""For every trial what it was, each with the number of events from which on."""


class _Storage:
    """What histories share: append-only lists, and look-ups."""

    __slots__ = ("by_id", "by_values", "events", "lives", "lock")

    def __init__(self, events: list[Event], lives: Lives) -> None:
        self.lock = Lock()
        self.events = events
        self.lives = lives
        self.by_values: dict[Values, int] = {}
        self.by_id: dict[int, int] = {}
        for number, life in enumerate(lives):
            trial = life[-1][1]
            self.by_values[trial.configuration.values] = number
            for ticket in trial.tickets:
                self.by_id[ticket.id] = number


class History:
    """Events and trials, each in order."""

    __slots__ = ("_events", "_storage", "_trials")

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._storage = _Storage([], [])
        self._events = self._trials = 0

    @classmethod
    def _of(cls, storage: _Storage, events: int, trials: int) -> History:
        history = cls.__new__(cls)
        history._storage, history._events, history._trials = storage, events, trials
        return history

    def grown(self, event: Event, trial: Trial | None) -> History:
        """Return the history with one more event, and the trial that it changed or made."""
        storage, trials = self._storage, self._trials
        with storage.lock:  # two threads may grow one history
            if len(storage.events) != self._events:
                storage = self._copied()
            storage.events.append(event)
            if trial is not None:
                life = (self._events + 1, trial)
                if trial.number == trials:
                    storage.lives.append([life])
                    storage.by_values[trial.configuration.values] = trials
                    trials += 1
                else:
                    storage.lives[trial.number].append(life)
                if trial.tickets:
                    storage.by_id[trial.tickets[-1].id] = trial.number
        return self._of(storage, self._events + 1, trials)

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
        for since, trial in reversed(self._storage.lives[number]):
            if since <= self._events:
                return trial
        raise IndexError(number)

    @property
    def trials(self) -> list[Trial]:
        """Return all trials, by number."""
        lives, events = self._storage.lives, self._events
        return [
            lives[number][-1][1] if lives[number][-1][0] <= events else self.trial(number)
            for number in range(self._trials)
        ]

    def of_values(self, values: Values) -> Trial | None:
        """Return the trial of these canonical values, if there is one."""
        number = self._storage.by_values.get(values)
        return self.trial(number) if number is not None and number < self._trials else None

    def of_id(self, ticket_id: int) -> Trial | None:
        """Return the trial of which a suggestion has this id, if there is one."""
        number = self._storage.by_id.get(ticket_id)
        if number is None or number >= self._trials:
            return None
        trial = self.trial(number)
        return trial if trial.ticket(ticket_id) is not None else None

    # --- copies ---

    def _copied(self) -> _Storage:
        """Return a storage of this history alone."""
        lives: Lives = [
            [(since, trial) for since, trial in life if since <= self._events]
            for life in self._storage.lives[: self._trials]
        ]
        return _Storage(self.events, lives)

    def __reduce__(self) -> tuple[object, tuple[Iterable[Event], Lives]]:
        """Pickle what this history shows: a lock cannot be pickled, and look-ups need not be."""
        copied = self._copied()
        return _restored, (copied.events, copied.lives)


def _restored(events: list[Event], lives: Lives) -> History:
    return History._of(_Storage(events, lives), len(events), len(lives))
