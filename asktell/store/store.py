"""A state in a JSON file that many processes share."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve, frozen

from asktell.codec.migrations import SCHEMA
from asktell.errors import (
    MissingExtraError,
    StateError,
    StoreCorruptError,
    StoreError,
    StoreExistsError,
    StoreLockedError,
    StoreMissingError,
)
from asktell.store import files, journal
from asktell.store.changes import Change, advance, apply_change, change_between
from asktell.study.state import State

R = TypeVar("R")


@frozen
class _Known:
    """What the files hold, as of the last look.

    ``follows`` are the bytes of the journal that belong to the file, 0 for none of them, and
    ``lines`` are its lines.
    """

    state: State
    schema: int
    digest: str
    size: int
    follows: int
    lines: int
    stamps: tuple[Any, Any]


class Store:
    """A state in a JSON file, which many processes may read and change at once.

    Every call takes a lock. What a call returned is on the disk: neither a crash nor a power
    failure takes it back. Where the file is large, calls append to a journal beside it, and the
    file follows when the journal has grown as large.

    Args:
        path: of the file. Beside it are ``<path>.lock``, ``<path>.previous``, the version before,
            and ``<path>.journal``, which belongs to the file: move and copy both.
        timeout: how many seconds to wait for other processes.
        journal_above: up to so many bytes, the file is written anew by every call.

    Raises:
        MissingExtraError: an ``ImportError``; the package filelock is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float = 60.0,
        journal_above: int = 64 * 1024,
    ) -> None:
        """Look at nothing yet."""
        try:
            import filelock  # of an extra
        except ImportError:
            message = "a store needs the package filelock: pip install 'asktell[store]'"
            raise MissingExtraError(message) from None
        self._path = Path(os.path.realpath(path))
        self._journal = self._beside(".journal")
        self._previous = self._beside(".previous")
        lock = self._beside(".lock")
        self._lock = filelock.FileLock(lock, timeout=timeout)
        self._timed_out = filelock.Timeout
        self._journal_above = journal_above
        self._known: _Known | None = None

    @property
    def path(self) -> Path:
        """Return the path of the file, with links resolved."""
        return self._path

    def create(self, state: State) -> None:
        """Write a new file.

        Raises:
            StoreExistsError: there is one already; it stays as it is.
            StoreMissingError: there is no such folder.
            StoreError: it cannot be written.
        """
        if not self._path.parent.is_dir():  # filelock would make it
            raise StoreMissingError(str(self._path.parent), "no such folder")
        with self._locked(), self._reported():
            for path in (self._path, self._journal):
                if path.exists():
                    raise StoreExistsError(str(path), "exists already, and is not overwritten")
            self._write_whole(state)

    def read(self) -> State:
        """Return the state.

        Raises:
            StoreMissingError: there is no file.
            StoreCorruptError: it is not what a store wrote; the message names the place.
            StoreLockedError: other processes held it for too long.
            StoreError: it cannot be read.
        """
        self._check_exists()
        with self._locked():
            return self._look().state

    def update(self, function: Callable[[State], tuple[State, R]]) -> R:
        """Replace the state by the next one, and return what came with it.

        No other process reads or changes the state meanwhile. When this returns, the next state is
        on the disk. When the function raises, nothing has changed.

        Args:
            function: takes the state, returns the next one and a result, as :func:`asktell.suggest`
                and :func:`asktell.deliver` do.

        Raises:
            StoreMissingError: there is no file.
            StoreCorruptError: it is not what a store wrote; the message names the place.
            StoreLockedError: other processes held it for too long.
            StoreError: it cannot be read or written, as the disk is full, say. The call may count
                or not, as if one had been killed; the file stays readable.
        """
        self._check_exists()
        with self._locked():
            known = self._look()
            state, result = function(known.state)
            with self._reported():
                self._write(known, state)
            return result

    # --- writing ---

    def _write(self, known: _Known, state: State) -> None:
        change = change_between(known.state, state)
        if change == {}:
            return
        if (
            change is None
            or known.schema != SCHEMA
            or known.size <= self._journal_above
            or known.follows > known.size
        ):
            self._write_whole(state, known)
        else:
            self._append(known, state, change)

    def _append(self, known: _Known, state: State, change: Change) -> None:
        entries: list[dict[str, Any]] = [{"change": change}]
        if not known.follows:
            entries.insert(0, {"follows": known.digest})
        content = b"".join(map(journal.encode, entries))
        self._known = None
        files.append(self._journal, content, at=known.follows)
        self._known = evolve(
            known,
            state=state,
            follows=known.follows + len(content),
            lines=known.lines + len(entries),
            stamps=self._stamps(),
        )

    def _write_whole(self, state: State, known: _Known | None = None) -> None:
        content = json.dumps(state.to_dict(), allow_nan=False).encode() + b"\n"
        digest = sha256(content).hexdigest()
        self._known = None
        if known and known.follows:
            # So that a journal which outlives this call is known to be in the new file.
            files.append(self._journal, journal.encode({"into": digest}), at=known.follows)
        files.replace(self._path, content, self._previous)
        self._journal.unlink(missing_ok=True)
        self._known = _Known(state, SCHEMA, digest, len(content), 0, 0, self._stamps())

    # --- reading ---

    def _look(self) -> _Known:
        """Return what the files hold; read is only what may have changed."""
        with self._reported():
            known, stamps = self._known, self._stamps()
            if known and known.stamps[0] == stamps[0] and known.size > self._journal_above:
                if known.stamps == stamps:
                    return known
                if known.schema == SCHEMA and _has_grown(known, stamps[1]):
                    self._known = self._caught_up(known, stamps)
                    return self._known
            try:
                content = self._path.read_bytes()
            except FileNotFoundError:
                raise StoreMissingError(str(self._path), "no such file") from None
            digest = sha256(content).hexdigest()
            if not known or known.stamps != stamps or known.digest != digest:
                known = self._known = self._read(content, digest, stamps)
            return known

    def _read(self, content: bytes, digest: str, stamps: tuple[Any, Any]) -> _Known:
        document, schema = self._document(content)
        entries, follows = self._entries(digest)
        for number, entry in enumerate(entries, start=1):
            with self._in_line(number):
                change = _change_of(entry)
                if change is not None:
                    apply_change(document, change)
        try:
            state = State.from_dict(document)
        except StateError as error:
            raise self._corrupt(str(error)) from None
        return _Known(state, schema, digest, len(content), follows, len(entries), stamps)

    def _caught_up(self, known: _Known, stamps: tuple[Any, Any]) -> _Known:
        """Return what the files hold, if the journal alone has grown since."""
        entries, size = self._decoded(known.follows, known.lines)
        with self._in_line(known.lines + 1):
            changes = [_change_of(entry) for entry in entries]
            state = advance(known.state, [change for change in changes if change is not None])
        return evolve(
            known,
            state=state,
            follows=known.follows + size,
            lines=known.lines + len(entries),
            stamps=stamps,
        )

    def _document(self, content: bytes) -> tuple[dict[str, Any], Any]:
        try:
            document = json.loads(content)
        except json.JSONDecodeError as error:
            raise self._corrupt(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise self._corrupt(f"no JSON: {error}") from None
        if not isinstance(document, dict):
            raise self._corrupt(str(StateError("$", document, "a state: a dict")))
        return document, document.get("schema")

    def _entries(self, digest: str) -> tuple[list[Any], int]:
        """Return the entries of the journal that belong to the file, and their bytes."""
        entries, size = self._decoded()
        if not entries or entries[-1] == {"into": digest}:
            return [], 0
        if entries[0] != {"follows": digest}:
            name = self._path.name
            problem = f"line 1: follows another version of {name}; move it away to go on without it"
            raise StoreCorruptError(str(self._journal), problem)
        return entries, size

    def _decoded(self, start: int = 0, lines: int = 0) -> tuple[list[Any], int]:
        """Return the entries of the journal from a byte on, and the bytes of the whole ones."""
        try:
            return journal.decode(files.read_from(self._journal, start))
        except FileNotFoundError:
            return [], 0
        except journal.DamageError as error:
            problem = f"line {lines + error.line}: damaged; it does not match its checksum"
            raise StoreCorruptError(str(self._journal), problem) from None

    @contextmanager
    def _in_line(self, number: int) -> Iterator[None]:
        """Name the line of the journal in which, or after which, a change is none."""
        try:
            yield
        except StateError as error:
            raise StoreCorruptError(str(self._journal), f"line {number}: {error}") from None

    # --- the files ---

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _check_exists(self) -> None:
        if not self._path.exists():  # asked before a lock file is made for nothing
            raise StoreMissingError(str(self._path), "no such file")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._reported():
            try:
                self._lock.acquire(poll_interval=0.01)
            except self._timed_out:
                problem = f"held by another process for {self._lock.timeout} seconds"
                raise StoreLockedError(str(self._path), problem) from None
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Raise what the system refuses as a ``StoreError``."""
        try:
            yield
        except OSError as error:
            path = error.filename or self._path
            raise StoreError(str(path), error.strerror or str(error)) from error

    def _stamps(self) -> tuple[Any, Any]:
        return _stamp(self._path), _stamp(self._journal)

    def _corrupt(self, problem: str) -> StoreCorruptError:
        if self._previous.exists():
            problem += f" (the version before is in {self._previous.name})"
        return StoreCorruptError(str(self._path), problem)


def _change_of(entry: Any) -> Any:
    """Return the change that an entry of the journal holds, None for the first and last ones.

    Raises:
        StateError: a ``ValueError``; no entry of this package.
    """
    if not isinstance(entry, dict) or not entry.keys() <= {"follows", "change", "into"}:
        raise StateError("$", entry, "an entry that this version of asktell knows")
    return entry.get("change")


def _has_grown(known: _Known, stamp: tuple[int, ...] | None) -> bool:
    """Tell whether the journal is the one that is known, and still holds what is known of it."""
    before = known.stamps[1]
    if not known.follows or before is None or stamp is None:
        return False
    return before[:2] == stamp[:2] and stamp[2] >= known.follows


def _stamp(path: Path) -> tuple[int, ...] | None:
    with suppress(FileNotFoundError):
        stat = path.stat()
        return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns
    return None
