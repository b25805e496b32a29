"""A state in a JSON file that many processes share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from asktell import telling
from asktell.asking.beforehand import Trends
from asktell.asking.known import Known
from asktell.asking.suggest import needs_model, suggest
from asktell.errors import StoreMissingError
from asktell.numbers import is_count
from asktell.space.space import Space
from asktell.state import State, replay
from asktell.store.book import JOURNAL_ABOVE, Book, Found
from asktell.store.lock import FileLock
from asktell.study.change import Change
from asktell.study.events import Renewed
from asktell.study.trials import Trial
from asktell.study.views import Suggestion
from asktell.telling import Delivery, Outcome, Reported, Std, Target, TrialLike

R = TypeVar("R")

_ATTEMPTS = 2
"""How often a suggestion is worked out while others may change the state. After that the others
wait: a caller who is always overtaken would never be answered."""


class Store:
    """A state in a JSON file, which many processes may read and change at once.

    It has the methods of an engine, each a call of its own. What a call returned is on the disk:
    neither a crash nor a power failure takes it back. Calls take a lock while they read and write;
    suggestions are worked out without it, so that they keep no results out.

    Where the file is large, calls append to a journal beside it, and the file follows when the
    journal has grown as large.

    Args:
        path: of the file. Beside it are ``<path>.lock``, ``<path>.previous``, the version before,
            and ``<path>.journal``, which belongs to the file: move and copy both.
        timeout: how many seconds to wait for other processes.
        journal_above: up to so many bytes, the file is written anew by every call.

    Raises:
        MissingExtraError: an ``ImportError``; the package portalocker is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float = 60.0,
        journal_above: int = JOURNAL_ABOVE,
    ) -> None:
        """Keep the path; nothing is read yet."""
        self._book = Book(path, journal_above)
        self._lock = FileLock(self._book.path, timeout)

    @property
    def path(self) -> Path:
        """Return the path of the file, with links resolved."""
        return self._book.path

    def create(self, state: State) -> None:
        """Write a new file.

        Raises:
            StoreExistsError: there is one already; it stays as it is.
            StoreMissingError: there is no such folder.
            StoreError: it cannot be written.
        """
        if not self.path.parent.is_dir():  # the lock's file would need it, too
            raise StoreMissingError(str(self.path.parent), "no such folder")
        self._lock.hold(lambda: self._book.create(state))

    def read(self) -> State:
        """Return the state.

        Raises:
            StoreMissingError: there is no file.
            StoreCorruptError: it is not what a store wrote; the message names the place.
            StoreLockedError: other processes held it for too long.
            StoreError: it cannot be read.
        """
        return self._look().state

    def update(self, function: Callable[[State], tuple[State, R]]) -> R:
        """Replace the state by the next one, and return what came with it.

        No other process reads or changes the state meanwhile. When this returns, the next state is
        on the disk. When the function raises, nothing has changed.

        Args:
            function: takes the state, returns the next one and a result, as
                :func:`asktell.deliver` does.

        Raises:
            StoreMissingError: there is no file.
            StoreCorruptError: it is not what a store wrote; the message names the place.
            StoreLockedError: other processes held it for too long.
            StoreError: it cannot be read or written, for instance because the disk is full. The
                call may have taken effect or not, as if it had been killed; the file stays
                readable.
        """

        def work() -> R:
            known = self._book.look()
            state, result = function(known.state)
            self._book.write(known, state)
            return result

        self._check_exists()
        return self._lock.hold(work)

    # --- the methods of an engine ---

    def suggest(
        self,
        n: int = 1,
        *,
        fixed: Mapping[str, Any] | None = None,
        known: Known | None = None,
        trends: Trends | None = None,
        now: float | None = None,
        lease: float | None = None,
    ) -> list[Suggestion]:
        """Return suggestions; see :func:`asktell.suggest`.

        Where the model is asked, they are worked out without the lock, and worked out again if more
        than heartbeats came in meanwhile.

        Raises:
            SpaceExhausted, ParamsError, DefinitionError, LeaseError: as ``asktell.suggest`` does.
            StoreError: as :meth:`update` does.
        """
        import scipy.stats  # noqa: F401 - suggestions need it, and others wait while it is imported

        def worked_out(state: State) -> tuple[State, list[Suggestion]]:
            return suggest(state, n, fixed=fixed, known=known, trends=trends, now=now, lease=lease)

        def at_once() -> tuple[Found, list[Suggestion] | None]:
            found = self._book.look()
            if is_count(n) and needs_model(found.state, n, fixed, trends):
                return found, None
            state, suggestions = worked_out(found.state)
            return self._book.write(found, state), suggestions

        self._check_exists()
        found, suggestions = self._lock.hold(at_once)
        if suggestions is not None:
            return suggestions
        for _ in range(_ATTEMPTS):
            state, suggestions = worked_out(found.state)
            if self._written(found, state):
                return suggestions
            found = self._look()
        return self.update(worked_out)

    def observe(
        self, trial: TrialLike, target: Target, std: Std = None, *, now: float | None = None
    ) -> Outcome:
        """Tell a target; see :func:`asktell.deliver`."""
        return self.update(lambda state: telling.deliver(state, trial, target, std, now=now))

    def observe_batch(
        self, results: Iterable[Reported], *, now: float | None = None
    ) -> list[Delivery]:
        """Tell many targets, even if some are bad; see :func:`asktell.observe_batch`."""
        return self.update(lambda state: telling.observe_batch(state, results, now=now))

    def fail(self, trial: TrialLike, reason: str = "", *, now: float | None = None) -> Outcome:
        """Tell that an evaluation failed; see :func:`asktell.deliver_failure`."""
        return self.update(lambda state: telling.deliver_failure(state, trial, reason, now=now))

    def expire(self, now: float) -> list[Suggestion]:
        """End the suggestions whose leases are over; see :func:`asktell.expire`."""
        return self.update(lambda state: telling.expire(state, now))

    def renew(self, trial: TrialLike, now: float, lease: float) -> None:
        """Extend the lease of a suggestion; see :func:`asktell.renew`."""
        self.update(lambda state: (telling.renew(state, trial, now, lease), None))

    def amend(
        self, trial: TrialLike, target: Target, std: Std = None, *, now: float | None = None
    ) -> None:
        """Replace a wrong outcome; see :func:`asktell.amend`."""
        self.update(lambda state: (telling.amend(state, trial, target, std, now=now), None))

    def forget(self, trial: TrialLike, *, now: float | None = None) -> None:
        """Take an outcome back; see :func:`asktell.forget`."""
        self.update(lambda state: (telling.forget(state, trial, now=now), None))

    def retry(self, trial: TrialLike, *, now: float | None = None) -> None:
        """Offer a failed or forgotten trial again; see :func:`asktell.retry`."""
        self.update(lambda state: (telling.retry(state, trial, now=now), None))

    def retry_failed(self, *, now: float | None = None) -> list[Trial]:
        """Offer all failed trials again; see :func:`asktell.retry_failed`."""
        return self.update(lambda state: telling.retry_failed(state, now=now))

    def enqueue(self, params: Mapping[str, Any], *, now: float | None = None) -> None:
        """Have params suggested next; see :func:`asktell.enqueue`."""
        self.update(lambda state: (telling.enqueue(state, params, now=now), None))

    def change_space(
        self, space: Space, had: Mapping[str, Any] | None = None, *, now: float | None = None
    ) -> Change:
        """Go on with another space; see :func:`asktell.change_space`."""
        return self.update(lambda state: telling.change_space(state, space, had, now=now))

    def learn_from(
        self,
        other: State | Mapping[str, Any],
        had: Mapping[str, Any] | None = None,
        *,
        now: float | None = None,
    ) -> Change:
        """Learn from an earlier study; see :func:`asktell.learn_from`."""
        return self.update(lambda state: telling.learn_from(state, other, had, now=now))

    # --- under the lock ---

    def _check_exists(self) -> None:
        if not self.path.exists():  # asked before a lock file is made for nothing
            raise StoreMissingError(str(self.path), "no such file")

    def _look(self) -> Found:
        self._check_exists()
        return self._lock.hold(self._book.look)

    def _written(self, known: Found, state: State) -> bool:
        """Write the suggestions of the next state, unless another call came in between.

        Tells whether it did. Heartbeats are in nobody's way: the suggestions go after them.
        """

        def work() -> bool:
            current, after = self._book.look(), state
            if current is not known:
                events = state.history.since(known.state.history)
                if events is None or not _only_heartbeats(known.state, current.state):
                    return False
                after = replay(current.state, events)
            self._book.write(current, after)
            return True

        return self._lock.hold(work)


def _only_heartbeats(before: State, after: State) -> bool:
    """Tell whether nothing but heartbeats came in between."""
    if (before.problem, before.out, before.queue) != (after.problem, after.out, after.queue):
        return False
    came = after.history.since(before.history)
    return came is not None and all(isinstance(event, Renewed) for event in came)
