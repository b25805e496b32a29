"""Evaluations that the workers of every executor can import, and what goes wrong in them."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def parabola(params: dict[str, Any]) -> float:
    return -float((params["x"] - 0.3) ** 2) - abs(params["n"] - 7) / 10


class Evaluate:
    """Evaluates a parabola, and logs every call to a folder; some ``n`` go wrong.

    Args:
        folder: gets a file for each call, named by its params and a running number.
        wrong: what goes wrong where, by ``n``.
    """

    def __init__(self, folder: Path | str, wrong: dict[int, str] | None = None) -> None:
        self.folder = str(folder)
        self.wrong = wrong or {}

    def __call__(self, params: dict[str, Any]) -> Any:
        seen = self.log(params)
        wrong = self.wrong.get(params["n"], "")
        if wrong == "raise":
            raise RuntimeError("no luck")
        if wrong == "raise once" and seen == 0:
            raise RuntimeError("no luck yet")
        if wrong == "exit":
            sys.exit(3)
        if wrong == "nan":
            return float("nan")
        if wrong == "text":
            return "good"
        if wrong == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if wrong == "die once" and seen == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if wrong == "hang":
            time.sleep(60.0)
        if wrong == "interrupt":
            raise KeyboardInterrupt
        return parabola(params)

    def log(self, params: dict[str, Any]) -> int:
        """Log a call and return how many there were before with the same params."""
        key = f"{params['n']}-{params['x']!r}"
        seen = len(list(Path(self.folder).glob(f"{key}@*")))
        (Path(self.folder) / f"{key}@{os.getpid()}-{time.time_ns()}").touch()
        return seen

    def calls(self) -> list[tuple[int, float]]:
        """Return the params of all calls."""
        names = [path.name.partition("@")[0] for path in Path(self.folder).iterdir()]
        return sorted((int(n), float(x)) for n, _, x in (name.partition("-") for name in names))
