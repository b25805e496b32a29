"""A program that runs once, with all that it starts: watched, stopped, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread

from attrs import define, field, frozen

IS_POSIX = os.name == "posix"


@frozen
class Start:
    """What a program is started with.

    Attributes:
        arguments: the program and its arguments; no shell sees them.
        environment: variables beside those of this process.
        folder: where its output goes: the files ``stdout`` and ``stderr``.
        stdin: what it reads on standard input.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stdin: Path | None = None


@define(eq=False)
class Program:
    """A program that was started; on POSIX systems with a session of its own.

    What it starts belongs to it, unless that takes a session of its own, too: when the program
    ends, or is stopped, so does all of that. On Windows only the program itself is stopped.

    Raises:
        OSError: it cannot be started.
        ValueError: an argument holds a null character.
    """

    _process: subprocess.Popen[bytes]
    _ended: Callable[[int], object]
    _lock: Lock = field(factory=Lock, init=False)
    _is_over: bool = field(default=False, init=False)

    @classmethod
    def started(
        cls, start: Start, began: Callable[[int], object], ended: Callable[[int], object]
    ) -> Program:
        """Start a program.

        Args:
            start: what it is started with.
            began: called with the id of its process, which is that of its group.
            ended: called from another thread with its exit code once it has ended; negative
                for the number of a signal.
        """
        with (
            open(start.stdin or os.devnull, "rb") as stdin,
            open(start.folder / "stdout", "wb") as stdout,
            open(start.folder / "stderr", "wb") as stderr,
        ):
            process = subprocess.Popen(
                start.arguments,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, **start.environment},
                start_new_session=True,
            )
        began(process.pid)
        program = cls(process, ended)
        Thread(target=program._watch, daemon=True, name=f"program {process.pid}").start()
        return program

    @property
    def pid(self) -> int:
        """Return the id of its process."""
        return self._process.pid

    def terminate(self) -> bool:
        """Ask it to end, and tell whether that was needed: it may have ended by itself."""
        return self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it; nothing happens where it has ended."""
        self._signal(signal.SIGKILL if IS_POSIX else signal.SIGTERM)

    def _signal(self, number: int) -> bool:
        with self._lock:
            if self._is_over:
                return False
            if IS_POSIX:
                with suppress(ProcessLookupError, PermissionError):  # a zombie's group, on macOS
                    os.killpg(self.pid, number)
            else:  # pragma: no cover - Windows
                self._process.terminate()
            return True

    def _watch(self) -> None:
        """Wait for its end, and end what it left running."""
        if sys.platform != "win32" and hasattr(os, "waitid"):
            # It stays a zombie until the signal is sent, so its id is nobody else's.
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            self.kill()
            with self._lock:
                self._is_over = True
            code = self._process.wait()
        else:  # pragma: no cover - macOS before Python 3.13, Windows
            code = self._process.wait()
            with self._lock:
                self._is_over = True
        self._ended(code)


def end_of(code: int) -> str:
    """Return how a program ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
