"""Interrupts at every moment: at each line in turn, and real ones at random."""

from __future__ import annotations

import linecache
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest


def real_signals(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that real signals interrupt at any moment.

    They run by themselves, without coverage (``make test``): where each line is traced, Python
    looks for signals also at places where it otherwise never does, such as the way out of a
    ``with``, and no code could be safe from them.
    """
    needs_timers = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="timers of POSIX")
    return pytest.mark.signals(needs_timers(test))


def interrupt_at(line: int, work: Callable[[], object], code: Path) -> bool:
    """Run ``work``, and interrupt it before the n-th line, from 1 on, that it runs of some code.

    Not counted is what the interpreter does without looking for signals: ``try:``, which is not
    even part of its own block, and the way out of a ``with``.

    Args:
        line: n.
        work: is run once.
        code: a file, or a folder of files.

    Returns:
        False where ``work`` ended before.
    """
    count = 0
    inside: dict[int, set[int]] = {}  # lines of a ``with``, by frame

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        name, number = frame.f_code.co_filename, frame.f_lineno
        if Path(name) != code and code not in Path(name).parents:
            return None
        if event == "return":
            inside.pop(id(frame), None)
        if event != "line":
            return trace
        text, withs = linecache.getline(name, number).strip(), inside.setdefault(id(frame), set())
        if number in withs:
            withs.remove(number)
        elif text != "try:":
            if text.startswith("with "):
                withs.add(number)
            count += 1
            if count == line:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return count >= line


def interrupt_after(seconds: float, work: Callable[[], object]) -> None:
    """Run ``work`` again and again, until a real signal interrupts it."""

    def handle(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handle)
    try:
        # again after a while, for one in a ``__del__`` is lost, as all that is raised there
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)
        while True:
            work()
    except KeyboardInterrupt:
        pass
    finally:
        _disarm()
        signal.signal(signal.SIGALRM, before)


def _disarm() -> None:
    """Stop the timer, also where it goes off once more on the way."""
    while signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0):
        with suppress(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
