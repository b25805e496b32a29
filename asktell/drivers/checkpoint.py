"""A run's state in a file: the state before a result or after it, whatever ends the run.

Where the file is large, what happens is appended to a journal beside it, so that saving a result
takes no longer after thousands of them. The end of a run brings the file up to the journal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from asktell.drivers.definition import check_definition
from asktell.engine import Engine
from asktell.errors import StateError, StoreCorruptError
from asktell.state import State
from asktell.store.book import Book, Found


def save_state(path: str | Path, state: dict[str, Any]) -> None:
    """Write a state's dict to the file. It is on the disk when this returns.

    Only one process at a time may write to the file.
    """
    Book(path).overwrite(json.dumps(state, allow_nan=False).encode())


def resume(path: str | Path, expect: Engine | None = None) -> Engine | None:
    """Return an engine that goes on from the file, or None where there is no file.

    Args:
        path: the file.
        expect: an engine of the study that the program defines, as in
            ``engine = resume(path, expect=engine) or engine``: the file has to have the same space,
            outcomes, settings and seed. None to take whatever study it has.

    Raises:
        StateError: a ``ValueError``; the file is not a state.
        ChangedDefinitionError: a ``ValueError`` that lists what the file defines otherwise.
    """
    if not Path(path).exists():
        return None
    state = _look(Book(path)).state
    if expect is not None:
        check_definition(str(path), state, expect.state.problem)
    return Engine.from_state(state)


class Checkpoint:
    """Saves the states of one run to a file.

    Args:
        path: the file.
        engine: what is about to run.

    Raises:
        StateError: a ``ValueError``; the file is not a state, or it has results that the engine
            lacks and that would be overwritten.
    """

    def __init__(self, path: str | Path, engine: Engine) -> None:
        """Look at what the file has already."""
        self.path = Path(path)
        self._book = Book(path)
        self._known = _look(self._book) if self.path.exists() else None
        if self._known is not None and self._known.state.arrivals > engine.state.arrivals:
            expected = "no more results than the engine has: resume from the file, or remove it"
            raise StateError("$.checkpoint", str(path), expected)

    def __call__(self, state: State) -> None:
        """Save a state."""
        if self._known is None:
            self._book.create(state)
            self._known = self._book.look()
        else:
            self._known = self._book.write(self._known, state)

    def close(self) -> None:
        """Leave one file, which is the state as a dict."""
        if self._known is not None:
            self._known = self._book.close(self._known)


def _look(book: Book) -> Found:
    try:
        return book.look()
    except StoreCorruptError as error:
        expected = f"a state as JSON ({error.problem})"
        raise StateError("$", str(book.path), expected) from None
