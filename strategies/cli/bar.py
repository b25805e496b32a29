"""A progress bar of a run, with the time that is left; the lines of the log go above it."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from importlib.util import find_spec
from types import TracebackType

from asktell.reports.words import duration
from strategies.conf import ExitPolicy
from strategies.report import LOGGER
from strategies.runner import TuneStrategy
from strategies.trial import Trial


def wants_bar() -> bool:
    """Tell whether there is a terminal to show a bar on, and what shows it."""
    return sys.stderr.isatty() and find_spec("tqdm") is not None


class Bar:
    """Called with the strategy and each trial."""

    def __init__(self, limits: ExitPolicy) -> None:
        """Show it once there is a trial."""
        self._limits = limits
        self._stack = ExitStack()
        self._bar: object | None = None

    def __enter__(self) -> Bar:
        """Begin; the bar is left as it is at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the bar as it is."""
        self._stack.close()

    def __call__(self, strategy: TuneStrategy, trial: Trial) -> None:
        """Move the bar to a trial."""
        from tqdm import tqdm
        from tqdm.contrib.logging import logging_redirect_tqdm

        if self._bar is None:
            self._stack.enter_context(logging_redirect_tqdm([LOGGER]))
            self._bar = self._stack.enter_context(
                tqdm(
                    total=self._limits.max_trials,
                    unit="trial",
                    file=sys.stderr,
                    bar_format="{percentage:3.0f}% {bar} {n}/{total} trials, {elapsed}{postfix}",
                    initial=trial.number,
                )
            )
        bar = self._bar
        assert isinstance(bar, tqdm)
        bar.set_postfix_str(f"{duration(left(strategy, self._limits))} left", refresh=False)
        bar.update(trial.number + 1 - bar.n)


def left(strategy: TuneStrategy, limits: ExitPolicy) -> float:
    """Return the seconds that are left at most, as trials have taken so far."""
    done = len(strategy.trials)
    by_trials = (limits.max_trials - done) * strategy.seconds / max(done, 1)
    if not limits.timeout:
        return by_trials
    return max(0.0, min(by_trials, limits.timeout - strategy.seconds))
