"""Evaluations that the workers of every executor can import, and what goes wrong in them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any


def parabola(params: dict[str, Any]) -> float:
    return -float((params.get("x", 0.3) - 0.3) ** 2) - abs(params["n"] - 7) / 10


def lines_of(work: Callable[[], object]) -> int:
    """Return how many lines of Python a function runs, those of what it calls included.

    It is a clock that no other process disturbs.
    """
    count = 0

    def trace(*_: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


class Evaluate:
    """Evaluates a parabola, and logs every call to a folder; some ``n`` go wrong.

    Args:
        folder: gets a file for each call.
        wrong: what goes wrong where, by ``n``; with " once" at its end only the first time.
        seconds: how long an evaluation that hangs does so.
        always: what goes wrong elsewhere.
    """

    def __init__(
        self,
        folder: Path | str,
        wrong: dict[int, str] | None = None,
        seconds: float = 2.0,
        always: str = "",
    ) -> None:
        self.folder = str(folder)
        self.wrong = wrong or {}
        self.seconds = seconds
        self.always = always

    def __call__(self, params: dict[str, Any]) -> Any:
        calls = self.calls()[params["n"]]
        (Path(self.folder) / f"{params['n']}@{os.getpid()}-{time.time_ns()}").touch()
        wrong = self.wrong.get(params["n"], self.always)
        if not wrong.endswith(" once") or calls == 0:
            what = wrong.removesuffix(" once")
            if what == "raise":
                raise RuntimeError("no luck")
            if what == "exit":
                sys.exit(3)
            if what == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if what == "hang":
                time.sleep(self.seconds)
            if what == "interrupt":
                raise KeyboardInterrupt
            if what in ("nan", "text"):
                return {"nan": float("nan"), "text": "good"}[what]
        return parabola(params)

    def calls(self) -> Counter[int]:
        """Return how often each ``n`` was evaluated."""
        return Counter(int(path.name.partition("@")[0]) for path in Path(self.folder).iterdir())
