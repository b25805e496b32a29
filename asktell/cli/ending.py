"""How a command ends: its exit code, and what is said where it fails."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence

from asktell.errors import AskTellError

BROKEN_PIPE = 128 + 13

Codes = Sequence[tuple[type[Exception], int]]
"""Exit codes by the class of an error; the first that it is an instance of decides."""


def carried_out(
    command: Callable[[], int],
    codes: Codes,
    say: Callable[[str], None],
    on_interrupt: Callable[[KeyboardInterrupt], None] | None = None,
) -> int:
    """Carry out a command, and return the exit code.

    Args:
        command: returns its exit code.
        codes: covers ``AskTellError`` and ``OSError``.
        say: takes what an error says.
        on_interrupt: is called before the process ends as the signal has it.
    """
    try:
        return command()
    except BrokenPipeError:
        # Nobody reads any more. What Python would flush at its end has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt as error:
        if on_interrupt is not None:
            on_interrupt(error)
        # End as the signal itself would have it, so that a shell's loop ends, too.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        raise
    except (AskTellError, OSError) as error:
        say(_words_of(error))
        return next(code for kind, code in codes if isinstance(error, kind))


def _words_of(error: AskTellError | OSError) -> str:
    """Return what an error says; of one from the system, without its number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
    return str(error)
