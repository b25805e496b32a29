"""The command line's outside: answers on standard output, messages on standard error, exit codes.

Nothing below knows of these.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence

from asktell import __version__
from asktell.cli.arguments import COMMANDS, parse
from asktell.cli.ending import carried_out
from asktell.codec.answers import Answer
from asktell.errors import (
    AskTellError,
    FirstProgramError,
    MissingExtraError,
    NothingObservedError,
    SeveralObjectivesError,
    SpaceExhausted,
    StoreError,
    TooManyFailuresError,
)

DONE, FAULT, WRONG_USAGE, REFUSED, NOTHING_TO_GIVE, FILE_TROUBLE, PROGRAMS_FAIL = range(7)

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (MissingExtraError, FAULT),
    (SeveralObjectivesError, WRONG_USAGE),
    (SpaceExhausted, NOTHING_TO_GIVE),
    (NothingObservedError, NOTHING_TO_GIVE),
    (FirstProgramError, PROGRAMS_FAIL),
    (TooManyFailuresError, PROGRAMS_FAIL),
    (StoreError, FILE_TROUBLE),
    (OSError, FILE_TROUBLE),
    (AskTellError, REFUSED),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command, and return the exit code.

    Args:
        arguments: those of the process where None.

    Raises:
        SystemExit: wrong usage (2), or help was asked for (0).
    """
    parsed = parse(sys.argv[1:] if arguments is None else arguments, __version__)
    return carried_out(lambda: _answered(parsed), _CODES, _say)


def _answered(parsed: Namespace) -> int:
    code = DONE
    for answer in COMMANDS[parsed.command].run(parsed):
        sys.stdout.write(_text_of(answer))
        sys.stdout.flush()
        if isinstance(answer, dict) and "error" in answer:
            _say(answer["error"])
            code = REFUSED
    return code


def _text_of(answer: Answer | str) -> str:
    """Return an answer as it is printed: a line of JSON; or text, in what the output can show."""
    if not isinstance(answer, str):
        return json.dumps(answer, allow_nan=False) + "\n"
    encoding = sys.stdout.encoding or "utf-8"
    return answer.encode(encoding, "backslashreplace").decode(encoding)


def _say(message: str) -> None:
    sys.stderr.write(f"asktell: {message}\n")
