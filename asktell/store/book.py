"""A state in a file, and what has happened since in a journal beside it: for one writer at a time.

The file is the state's dict. Where it is large, events are appended to ``<path>.journal``, and the
file follows when the journal has grown as large. What a call wrote is on the disk when it returns,
and whatever ends its writer, the files are the state before the call or after it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from asktell.codec.event_rows import event_rows, read_events
from asktell.codec.migrations import SCHEMA, rows_from_3
from asktell.errors import (
    StateError,
    StoreCorruptError,
    StoreError,
    StoreExistsError,
    StoreMissingError,
)
from asktell.state import State, replay
from asktell.store import files, journal
from asktell.store.old_changes import OLD_SCHEMAS, apply_change
from asktell.study.events import Event

JOURNAL_ABOVE = 64 * 1024
"""Up to so many bytes, every call writes the file anew: a small file is then the whole truth for
whoever opens it (docs/decisions, number 7), while a larger one would cost more the more it holds.
Not tuned."""


@frozen
class Found:
    """What the files hold, as of the last look.

    Attributes:
        schema: of the file.
        digest: of the file's content.
        size: of the file, in bytes.
        follows: so many bytes of the journal belong to the file.
        lines: so many lines of it do.
        stamps: by which to see whether the file or its journal has changed.
    """

    state: State
    schema: Any
    digest: str
    size: int
    follows: int
    lines: int
    stamps: tuple[Any, Any]


class Book:
    """A state in a file with a journal.

    Args:
        path: of the file; links are resolved.
        journal_above: up to so many bytes, the file is written anew by every call.
    """

    def __init__(self, path: str | os.PathLike[str], journal_above: int = JOURNAL_ABOVE) -> None:
        """Keep the path; nothing is read yet."""
        self.path = Path(os.path.realpath(path))
        self._journal = self.beside(".journal")
        self._previous = self.beside(".previous")
        self._journal_above = journal_above
        self._known: Found | None = None

    def beside(self, suffix: str) -> Path:
        """Return the path of a file beside the state's."""
        return self.path.with_name(self.path.name + suffix)

    # --- writing ---

    def create(self, state: State) -> None:
        """Write a new file.

        Raises:
            StoreExistsError: there is one already; it stays as it is.
            StoreError: it cannot be written.
        """
        with self._reported():
            for path in (self.path, self._journal):
                if path.exists():
                    raise StoreExistsError(str(path), "exists already, and is not overwritten")
            self._write_whole(state)

    def write(self, known: Found, state: State) -> Found:
        """Replace the state that was looked at by the next one, and return what is known now.

        Raises:
            StoreError: it cannot be written, for instance because the disk is full.
        """
        is_same_study = state.began == known.state.began
        events = state.history.since(known.state.history) if is_same_study else None
        if events == []:
            return known
        with self._reported():
            if events is None or not self._takes_journal(known):
                return self._write_whole(state, known)
            return self._append(known, state, events)

    def close(self, known: Found) -> Found:
        """Bring the file up to the journal, remove that, and return what is known now.

        Raises:
            StoreError: it cannot be written.
        """
        if not known.follows:
            return known
        with self._reported():
            return self._write_whole(known.state, known)

    def overwrite(self, content: bytes) -> None:
        """Replace the file and its journal by a file with this content.

        Raises:
            StoreError: it cannot be written.
        """
        with self._reported():
            try:
                _, follows = self._decoded()
            except StoreCorruptError:
                follows = 0  # it goes with the state that it belonged to
            self._replace(content, follows)

    def _takes_journal(self, known: Found) -> bool:
        """Tell whether the next events go to the journal, not with a whole new file."""
        is_large, has_room = known.size > self._journal_above, known.follows <= known.size
        return known.schema == SCHEMA and is_large and has_room

    def _append(self, known: Found, state: State, events: list[Event]) -> Found:
        rows = event_rows(events, state.problem.outcome_names)
        entries: list[dict[str, Any]] = [{"events": rows}]
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
        return self._known

    def _write_whole(self, state: State, known: Found | None = None) -> Found:
        document = state.to_dict()
        content = json.dumps(document, allow_nan=False).encode() + b"\n"
        digest = self._replace(content, known.follows if known else 0)
        written = Found(state, SCHEMA, digest, len(content), 0, 0, self._stamps())
        if state.history.n_events <= 2 * len(document["events"]):
            self._known = written
        # else most of the history is, say, heartbeats: the next look reads the short one back
        return written

    def _replace(self, content: bytes, follows: int) -> str:
        """Give the file new content without a journal, and return its digest."""
        digest = sha256(content).hexdigest()
        self._known = None
        if follows:
            # So that a journal which outlives this call is known to be in the new file.
            files.append(self._journal, journal.encode({"into": digest}), at=follows)
        elif self._journal.exists():
            # It outlived an earlier call. Nothing says that it is in the new file.
            self._journal.unlink(missing_ok=True)
            files.sync_folder(self.path.parent)
        files.replace(self.path, content, self._previous)
        self._journal.unlink(missing_ok=True)
        return digest

    # --- reading ---

    def look(self) -> Found:
        """Return what the files hold. Only what may have changed is read.

        Raises:
            StoreMissingError: there is no file.
            StoreCorruptError: it is not what a store wrote; the message names the place.
            StoreError: it cannot be read.
        """
        with self._reported():
            known, stamps = self._known, self._stamps()
            if known and known.stamps[0] == stamps[0] and known.size > self._journal_above:
                if known.stamps == stamps:
                    return known
                if known.schema == SCHEMA and _has_grown(known, stamps[1]):
                    self._known = self._caught_up(known, stamps)
                    return self._known
            try:
                content = self.path.read_bytes()
            except FileNotFoundError:
                raise StoreMissingError(str(self.path), "no such file") from None
            digest = sha256(content).hexdigest()
            if not known or known.stamps != stamps or known.digest != digest:
                known = self._known = self._read(content, digest, stamps)
            return known

    def _read(self, content: bytes, digest: str, stamps: tuple[Any, Any]) -> Found:
        document, schema = self._document(content)
        entries, follows = self._entries(digest)
        if schema in OLD_SCHEMAS:
            for number, entry in enumerate(entries, start=1):
                with self._in_line(number):
                    apply_change(document, entry)
        try:
            state = State.from_dict(document)
        except StateError as error:
            raise self._corrupt(str(error)) from None
        if schema not in OLD_SCHEMAS:
            state = self._replayed(state, entries, 1, schema)
        return Found(state, schema, digest, len(content), follows, len(entries), stamps)

    def _caught_up(self, known: Found, stamps: tuple[Any, Any]) -> Found:
        """Return what the files hold, where only the journal has grown since."""
        entries, size = self._decoded(known.follows, known.lines)
        return evolve(
            known,
            state=self._replayed(known.state, entries, known.lines + 1, SCHEMA),
            follows=known.follows + size,
            lines=known.lines + len(entries),
            stamps=stamps,
        )

    def _replayed(self, state: State, entries: list[Any], first: int, schema: Any) -> State:
        for number, entry in enumerate(entries, start=first):
            with self._in_line(number):
                rows = _rows_of(entry)
                if schema == 3:
                    rows = rows_from_3(rows, "$.events[{}]".format)
                state = replay(state, read_events(rows, state.problem, "$.events[{}]".format))
        return state

    def _document(self, content: bytes) -> tuple[dict[str, Any], Any]:
        try:
            document = json.loads(content)
        except json.JSONDecodeError as error:
            problem = f"line {error.lineno}, column {error.colno}: {error.msg}"
            raise self._corrupt(f"{problem}; this is no state, which is JSON") from None
        except (ValueError, RecursionError) as error:
            raise self._corrupt(f"not JSON: {error}") from None
        if not isinstance(document, dict):
            raise self._corrupt(str(StateError("$", document, "a state: a dict")))
        return document, document.get("schema")

    def _entries(self, digest: str) -> tuple[list[Any], int]:
        """Return the entries of the journal that belong to the file, and their bytes."""
        entries, size = self._decoded()
        if not entries or entries[-1] == {"into": digest}:
            return [], 0
        if entries[0] != {"follows": digest}:
            name = self.path.name
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
        """Name the line of the journal that cannot be replayed."""
        try:
            yield
        except StateError as error:
            raise StoreCorruptError(str(self._journal), f"line {number}: {error}") from None

    # --- the files ---

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Raise what the system refuses as a ``StoreError``."""
        try:
            yield
        except OSError as error:
            path = error.filename or self.path
            raise StoreError(str(path), error.strerror or str(error)) from error

    def _stamps(self) -> tuple[Any, Any]:
        return _stamp(self.path), _stamp(self._journal)

    def _corrupt(self, problem: str) -> StoreCorruptError:
        if self._previous.exists():
            problem += f" (the version before is in {self._previous.name})"
        return StoreCorruptError(str(self.path), problem)


def _rows_of(entry: Any) -> list[Any]:
    """Return the rows of events that an entry of the journal holds; the first and last have none.

    Raises:
        StateError: a ``ValueError``; this package does not write such entries.
    """
    if not isinstance(entry, dict) or not entry.keys() <= {"follows", "events", "into"}:
        raise StateError("$", entry, "an entry that this version of asktell knows")
    rows = entry.get("events", [])
    if not isinstance(rows, list):
        raise StateError("$.events", rows, "a list")
    return rows


def _has_grown(known: Found, stamp: tuple[int, ...] | None) -> bool:
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
