"""How long a run has taken in all, by the clock that it is given."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Returns seconds that never go back, such as ``time.monotonic``."""


class Stopwatch:
    """Adds up the seconds spent inside ``with stopwatch:``.

    Args:
        clock: what tells the time.
        seconds: where it starts.
    """

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        """Set the watch, without starting it."""
        self._clock = clock
        self._before = seconds
        self._started: float | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether it has been entered and not left."""
        return self._started is not None

    @property
    def seconds(self) -> float:
        """Return the seconds so far, including those since it was entered."""
        return self._before + (0.0 if self._started is None else self._clock() - self._started)

    def __enter__(self) -> None:
        self._started = self._clock()

    def __exit__(self, *_: object) -> None:
        self._before = self.seconds
        self._started = None
