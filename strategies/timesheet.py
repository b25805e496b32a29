"""What a run's time goes into: seconds by part, such as asking, quantising, evaluating, saving."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from strategies.stopwatch import Clock

ASKING = "asking"
QUANTISING = "quantising"
EVALUATING = "evaluating"
MEASURING = "measuring"
TIMING = "timing options"
SAVING = "saving"
WAITING = "waiting"
"""For workers, which quantise, evaluate and measure meanwhile: all their seconds are added up."""

TUNING = (ASKING, TIMING, SAVING)
"""What the tuner itself takes; the rest is the trials."""


class Timesheet:
    """Adds up the seconds spent inside ``with timesheet.of(part):``, by part.

    Args:
        clock: returns seconds that never go back.
    """

    def __init__(self, clock: Clock = time.perf_counter) -> None:
        """Begin without an entry."""
        self._clock = clock
        self._seconds: dict[str, float] = {}

    @property
    def seconds(self) -> dict[str, float]:
        """Return the seconds of each part, that with the most first."""
        return dict(sorted(self._seconds.items(), key=lambda item: -item[1]))

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Add what is done meanwhile to a part, whether it succeeds or not."""
        begun = self._clock()
        try:
            yield
        finally:
            self.add({part: self._clock() - begun})

    def taken(self) -> dict[str, float]:
        """Return the seconds of each part, and begin anew."""
        seconds, self._seconds = self._seconds, {}
        return seconds

    def __reduce__(self) -> tuple[type[Timesheet], tuple[()]]:
        """Send an empty sheet to other processes: the clock is of this one."""
        return Timesheet, ()

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add the seconds of another sheet."""
        for part, more in seconds.items():
            self._seconds[part] = self._seconds.get(part, 0.0) + more


def parts_line(seconds: Mapping[str, float]) -> str:
    """Return the seconds as a few words, and the tuner's own share of them."""
    spent = sum(seconds.values()) - seconds.get(WAITING, 0.0)
    if not spent:
        return ""
    own = sum(seconds.get(part, 0.0) for part in TUNING) / spent
    parts = ", ".join(f"{part} {value:.1f} s" for part, value in seconds.items())
    return f"{parts}; the tuner itself took {100 * own:.0f} % of the work"
