"""Who tries configurations: this process, one by one, or workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from asktell.drivers import Executor
from strategies.adaptors.base import TuneConfig
from strategies.attempting import Attempt, attempted
from strategies.evaluation import Evaluation
from strategies.stopwatch import Clock
from strategies.workers import Workers

Params = dict[str, Any]


class Crew(Protocol):
    """Who tries configurations."""

    @property
    def room(self) -> int:
        """Return how many more configurations it can be given now."""
        ...

    @property
    def n_out(self) -> int:
        """Return how many configurations have no outcome yet."""
        ...

    def give(self, params: Params, tune_cfg: TuneConfig) -> None:
        """Have a configuration tried."""
        ...

    def take(self) -> tuple[Params, Attempt] | None:
        """Wait for the next outcome; None if there is only more room."""
        ...

    def close(self) -> None:
        """Stop what is being tried, where that is possible."""
        ...


class Alone:
    """Tries each configuration in this thread, when its outcome is wanted."""

    def __init__(self, evaluation: Evaluation, clock: Clock) -> None:
        """Begin with nothing to try."""
        self._evaluation = evaluation
        self._clock = clock
        self._given: tuple[Params, TuneConfig] | None = None

    @property
    def room(self) -> int:
        """Return 1 or 0."""
        return 0 if self._given else 1

    @property
    def n_out(self) -> int:
        """Return 0 or 1."""
        return 1 - self.room

    def give(self, params: Params, tune_cfg: TuneConfig) -> None:
        """Note what to try."""
        self._given = params, tune_cfg

    def take(self) -> tuple[Params, Attempt] | None:
        """Try it."""
        if self._given is None:
            return None
        params, tune_cfg = self._given
        attempt = attempted(lambda: self._evaluation.attempt(tune_cfg), self._clock)
        self._given = None
        return params, attempt

    def close(self) -> None:
        """Leave what was not tried."""


def crew_for(
    evaluation: Evaluation,
    n: int,
    executor: Executor | Callable[[], Executor] | None,
    clock: Clock,
) -> Crew:
    """Return this process for one worker without an executor, else workers."""
    if n == 1 and executor is None:
        return Alone(evaluation, clock)
    return Workers(evaluation, n, executor, evaluation.conf.exit_policy.trial_timeout, clock)
