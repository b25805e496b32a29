"""A state in a file, which is the old one or the new one at any moment, never a part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from asktell.engine import Engine
from asktell.errors import StateError
from asktell.store.files import replace


def save_state(path: str | Path, state: dict[str, Any]) -> None:
    """Write a state's dict to the file; it is on disk when this returns.

    Only one process at a time may write to the file.
    """
    replace(Path(path), json.dumps(state, allow_nan=False).encode())


def resume(path: str | Path) -> Engine | None:
    """Return an engine that goes on from the file, or None where there is no file.

    Raises:
        StateError: a ``ValueError``; the file is not a state.
    """
    path = Path(path)
    if not path.exists():
        return None
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StateError("$", str(path), f"a state as JSON ({error})") from None
    return Engine.from_dict(state)


class Checkpoint:
    """Saves the states of one run to a file.

    Args:
        path: the file.
        engine: what is about to run.

    Raises:
        StateError: a ``ValueError``; the file is not a state, or it is ahead of the engine, which
            would overwrite what it knows.
    """

    def __init__(self, path: str | Path, engine: Engine) -> None:
        """Look at what the file has already."""
        self.path = Path(path)
        saved = resume(path)
        if saved is not None and _told(saved) > _told(engine):
            expected = "a state that this engine goes on from: resume from the file, or remove it"
            raise StateError("$.checkpoint", str(path), expected)

    def __call__(self, state: dict[str, Any]) -> None:
        """Save a state's dict."""
        save_state(self.path, state)


def _told(engine: Engine) -> int:
    return len(engine.observations) + len(engine.failures)
