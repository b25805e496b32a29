"""Which suggestions a run has, so that the next run knows whose trials are nobody's any more.

Each run has a file ``runs/<host>-<process>-<moment>`` in the folder of its trials, which it keeps
locked. The system frees the lock when the run ends, however it ends; so a file that can be locked
is that of a dead run. The lines of the file are the moments at which the run asked for suggestions.
A moment is written before the suggestions exist, and is kept with them, as ``Ticket.at``: whenever
the run is killed, its suggestions are known by it.

All functions are called while the caller holds the lock of the store, which all runs share.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

from asktell.errors import StoreError
from asktell.state import State
from asktell.study.views import Suggestion


class Claims:
    """The file of one run.

    Args:
        folder: of all trials; the file is made in ``runs`` in it.
        host: the name of this machine. Locks are trusted between processes of one machine only.

    Raises:
        StoreError: the file cannot be written or locked.
    """

    def __init__(self, folder: Path, host: str | None = None) -> None:
        """Make the file and lock it."""
        self._host = "".join(c if c.isalnum() else "_" for c in host or socket.gethostname())
        self._runs = folder / "runs"
        self._path = self._runs / f"{self._host}-{os.getpid()}-{time.time_ns()}"
        try:
            self._runs.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self._path, "a+")
        except OSError as error:
            raise StoreError(str(self._path), error.strerror or str(error)) from error
        if not _is_locked_by_us(self._file):
            self._file.close()
            raise StoreError(str(self._path), "cannot be locked")
        self._moments: set[float] = set()

    def fileno(self) -> int:
        """Return the descriptor that holds the lock; a process that inherits it holds it, too."""
        return self._file.fileno()

    def add(self, moment: float) -> None:
        """Claim what is suggested at a moment."""
        self._moments.add(moment)
        self._file.write(f"{moment!r}\n".encode())

    def have_others(self) -> bool:
        """Tell whether other runs of this machine, dead or alive, have files."""
        return any(True for _ in self._others())

    def orphans(self, state: State) -> list[Suggestion]:
        """Return the pending suggestions of dead runs of this machine; they are this run's now.

        The files of the dead are removed: of what they asked for, nothing else is pending.
        """
        dead, alive = self._moments_of_others()
        moments = set().union(*dead.values()) - set().union(self._moments, *alive)
        orphans, claimed = [], set()
        for suggestion in state.pending:
            at = asked_at(state, suggestion)
            if at in moments:
                orphans.append(suggestion)
                claimed.add(at)
        for at in sorted(claimed):
            self.add(at)
        for path in dead:
            path.unlink(missing_ok=True)
        return orphans

    def close(self, state: State) -> None:
        """Free the lock, and remove the file unless something of this run is pending."""
        self._file.close()
        if not any(asked_at(state, one) in self._moments for one in state.pending):
            self._path.unlink(missing_ok=True)

    def _others(self) -> Iterator[Path]:
        with suppress(FileNotFoundError):
            for path in self._runs.iterdir():
                if path.name.startswith(f"{self._host}-") and path != self._path:
                    yield path

    def _moments_of_others(self) -> tuple[dict[Path, set[float]], list[set[float]]]:
        dead: dict[Path, set[float]] = {}
        alive: list[set[float]] = []
        for path in self._others():
            # one of another user cannot be locked: there, the lease decides
            with suppress(FileNotFoundError, PermissionError), FileIO(path, "r+") as file:
                is_dead = _is_locked_by_us(file)
                moments = _moments(file.readall())
                if is_dead:
                    dead[path] = moments
                else:
                    alive.append(moments)
        return dead, alive


def asked_at(state: State, suggestion: Suggestion) -> float | None:
    """Return the moment at which a suggestion was asked for, where it is known."""
    trial = state.history.of_id(suggestion.id)
    ticket = None if trial is None else trial.ticket(suggestion.id)
    return None if ticket is None else ticket.at


def _is_locked_by_us(file: FileIO) -> bool:
    from portalocker import LockException, LockFlags, lock

    try:
        lock(file, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
    except LockException:
        return False
    return True


def _moments(content: bytes) -> set[float]:
    """Return the moments of a file; a last line without its end was never asked for."""
    moments = set()
    for line in content.split(b"\n")[:-1]:
        with suppress(ValueError):  # damaged: whose it is, is not known, and its lease decides
            moments.add(float(line))
    return moments
