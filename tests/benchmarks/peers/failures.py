"""What to tell an optimiser that takes no failures: standard library only."""

from __future__ import annotations

from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """What to report of a trial."""

    trial: Any
    value: float
    failed: bool


class WorstSeen:
    """Gives failures the worst value seen; those before the first value wait for it."""

    def __init__(self) -> None:
        """Start without values."""
        self._worst: float | None = None
        self._waiting: list[Any] = []

    def outcomes(self, trial: Any, value: float | None) -> list[Outcome]:
        """Return what there is to report, now that a trial has ended; None is a failure."""
        if value is None:
            self._waiting.append(trial)
        else:
            self._worst = value if self._worst is None else max(self._worst, value)
        if self._worst is None:
            return []
        failed = [Outcome(trial, self._worst, True) for trial in self._waiting]
        self._waiting = []
        return failed if value is None else [*failed, Outcome(trial, value, False)]
