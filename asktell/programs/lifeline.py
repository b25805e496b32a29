"""The run's side of its guard."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from asktell.programs import guard
from asktell.programs.program import IS_POSIX


@define(eq=False)
class Lifeline:
    """A pipe to a process that kills the programs of this run once the run is over.

    Where there are no process groups, on Windows, there is no guard either.

    Args:
        held: descriptors that the guard holds until then.
    """

    _held: Sequence[int]
    _guard: subprocess.Popen[bytes] | None = field(init=False)

    @_guard.default
    def _start(self) -> subprocess.Popen[bytes] | None:
        if not IS_POSIX:
            return None  # pragma: no cover - Windows
        return subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is not for it
            pass_fds=self._held,
        )

    def starts(self, folder: Path) -> None:
        """Have what is about to start for a folder killed at the end, until its group is known."""
        self._tell(f"={os.fsencode(folder).hex()}")

    def began(self, group: int) -> None:
        """Have a process group killed at the end."""
        self._tell(f"{group}")

    def ended(self, group: int) -> None:
        """Leave a process group alone."""
        self._tell(f"-{group}")

    def _tell(self, line: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(BrokenPipeError):  # somebody killed it: the run goes on without
                self._guard.stdin.write(f"{line}\n".encode())
                self._guard.stdin.flush()

    def close(self) -> None:
        """End the guard, and with it what is left."""
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(BrokenPipeError):
                self._guard.stdin.close()
            self._guard.wait()
