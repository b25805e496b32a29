"""The table that a run shows on a terminal: workers, last results, the best, progress."""

from __future__ import annotations

import logging
import sys
from collections import deque
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any

from asktell.drivers.evaluated import Evaluated
from asktell.drivers.lines import changes, standing_and_whose, target_words
from asktell.log import LOGGER
from asktell.programs.plan import Standing
from asktell.text import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

_LAST = 5
"""How many results are shown."""

_MOST_WORKERS = 16
"""How many workers are shown; a terminal has about forty lines."""


class LiveTable:
    """A table on standard error that is drawn anew as things change: a context manager."""

    @staticmethod
    def is_possible() -> bool:
        """Tell whether rich is installed: ``pip install 'asktell[cli]'``."""
        return find_spec("rich") is not None

    def __init__(self) -> None:
        """Draw nothing yet."""
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=sys.stderr)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,  # answers are for whoever reads them there
            redirect_stderr=False,
        )
        self._last: deque[Evaluated] = deque(maxlen=_LAST)
        self._now: Standing | None = None
        self._handler = _Above(self._console)
        self._level = LOGGER.level

    def __enter__(self) -> LiveTable:
        """Begin to draw; what is logged stands above the table."""
        LOGGER.addHandler(self._handler)
        if self._level == logging.NOTSET:
            LOGGER.setLevel(logging.INFO)
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the last results, and how far it came."""
        if self._now is not None:
            self._live.update(drawn(self._now, list(self._last), with_workers=False))
        self._live.stop()
        LOGGER.removeHandler(self._handler)
        LOGGER.setLevel(self._level)

    def add(self, evaluated: Evaluated) -> None:
        """Take a result."""
        self._last.append(evaluated)

    def show(self, now: Standing) -> None:
        """Draw how things are."""
        self._now = now
        self._live.update(drawn(now, list(self._last)), refresh=True)


def drawn(now: Standing, last: list[Evaluated], *, with_workers: bool = True) -> RenderableType:
    """Return how things are: workers, the last results, how far it is."""
    from rich.console import Group
    from rich.table import Table

    grid = Table.grid(expand=True)
    if with_workers:
        grid.add_row(_workers(now))
        grid.add_row("")
    if last:
        grid.add_row(_results(last))
        grid.add_row("")
    if now.plan.n_trials is not None:
        grid.add_row(_progress(now.state.n_over, now.plan.n_trials))
    return Group(
        grid, _summary(now, with_time=with_workers)
    )  # short lines last: terminals write ^C behind them


def _workers(now: Standing) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, expand=True)
    for heading, justify in (("worker", "right"), ("id", "right"), ("for", "right")):
        table.add_column(heading, justify=justify, no_wrap=True, style="dim", header_style="dim")  # type: ignore[arg-type]
    table.add_column("params", ratio=1, no_wrap=True, overflow="ellipsis", header_style="dim")
    for place, job in enumerate(now.jobs[:_MOST_WORKERS], start=1):
        if job is None:
            table.add_row(str(place), "", "", "waits for others" if now.waiting else "")
        else:
            words = changes(job.suggestion.params, {})
            asked = "" if job.stopped is None else " (stops)"
            table.add_row(
                str(place), str(job.suggestion.id), duration(now.now - job.began), words + asked
            )
    more = len(now.jobs) - _MOST_WORKERS
    if more > 0:
        table.add_row("", "", "", f"and {more} more workers")
    return table


def _results(last: list[Evaluated]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, expand=True)
    for heading in ("trial", "id", "took"):
        table.add_column(heading, justify="right", no_wrap=True, style="dim", header_style="dim")
    table.add_column("last results", ratio=1, no_wrap=True, overflow="ellipsis", header_style="dim")
    for one in reversed(last):
        best = one.best
        is_best = best is not None and best.configuration == one.suggestion.configuration
        if one.reason:
            words = Text(f"{one.outcome}: {one.reason}", style="red")
        else:
            words = Text(target_words(one.target), style="bold green" if is_best else "")
            words.append(f"  {changes(one.suggestion.params, {})}", style="dim")
        table.add_row(str(one.number), str(one.suggestion.id), duration(one.seconds), words)
    return table


def _progress(done: int, most: int) -> RenderableType:
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=most, completed=done)


def _summary(now: Standing, with_time: bool) -> RenderableType:
    from rich.text import Text

    state, most = now.state, now.plan.n_trials
    failed = state.n_over - state.n_observed
    words = [f"{state.n_over} of {most} trials" if most else f"{state.n_over} trials"]
    words += [f"{failed} failed"] if failed else []
    words += [good] if (good := standing_and_whose(state)) else []
    words.append(duration(now.seconds))
    left = _seconds_left(now)
    words += [f"about {duration(left)} left"] if left is not None and with_time else []
    return Text("; ".join(words), style="bold")


def _seconds_left(now: Standing) -> float | None:
    """Return how long the rest takes at the pace so far; None where nothing is known of it."""
    if now.plan.n_trials is None or not now.done:
        return None
    return now.seconds / now.done * max(now.plan.n_trials - now.state.n_over, 0)


class _Above(logging.Handler):
    """Prints what is logged above the table."""

    def __init__(self, console: Any) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        self._console.print(record.getMessage(), markup=False, highlight=False)
