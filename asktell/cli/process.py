"""The command as a process of its own, whose standard output is for answers alone.

Compiled libraries may print there behind Python's back: HiGHS 1.12, in SciPy 1.17, has a line left
in that no option turns off (HiGHS issue 2783). Whoever reads answers as JSON must not meet it.
"""

from __future__ import annotations

import os
import sys

from asktell.cli.main import main


def command() -> int:
    """Carry out the command of this process, and return its exit code.

    What is printed by others than the command line goes to standard error.
    """
    if sys.stdout is not None and sys.stderr is not None:
        said = sys.stdout
        answers = os.dup(said.fileno())
        os.dup2(sys.stderr.fileno(), said.fileno())
        sys.stdout = open(  # noqa: SIM115  # it stays open as long as the process
            answers,
            "w",
            encoding=said.encoding,
            errors=said.errors,
            buffering=1 if said.line_buffering else -1,
        )
    return main()
