"""A progress bar with the best so far, or the front; lines of a log are written above it."""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from importlib.util import find_spec

from asktell.drivers.evaluated import Evaluated
from asktell.drivers.lines import standing
from asktell.engine import Engine
from asktell.errors import MissingExtraError
from asktell.log import LOGGER


def wants_bar(progress: bool | None) -> bool:
    """Tell whether to show a bar: as asked, or by default on a terminal."""
    if progress is not None:
        return progress
    return sys.stderr.isatty() and find_spec("tqdm") is not None


class ProgressBar:
    """A callback that shows a bar on standard error; it needs the extra ``progress``.

    Make it once it is settled where lines of the log go.
    """

    def __init__(self, engine: Engine, n_trials: int) -> None:
        """Show the bar.

        Raises:
            MissingExtraError: the package tqdm is not installed.
        """
        try:
            from tqdm import tqdm
            from tqdm.contrib.logging import logging_redirect_tqdm
        except ImportError:
            message = "a progress bar needs the package tqdm: pip install 'asktell[progress]'"
            raise MissingExtraError(message) from None

        self._engine = engine
        finished = engine.state.n_over
        self._stack = ExitStack()
        loggers = [logger for logger in (LOGGER, logging.getLogger()) if _is_on_terminal(logger)]
        self._stack.enter_context(logging_redirect_tqdm(loggers))
        self._bar = tqdm(initial=finished, total=n_trials, unit="trial", file=sys.stderr)
        self._stack.callback(self._bar.close)

    def __call__(self, evaluated: Evaluated) -> None:
        """Move the bar."""
        self._bar.set_postfix_str(standing(self._engine.state), refresh=False)
        self._bar.update(evaluated.finished - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._stack.close()


def _is_on_terminal(logger: logging.Logger) -> bool:
    """Tell whether a logger has a handler that writes to where the bar may be.

    One with a level of its own is left alone, as the redirection would lose it.
    """
    streams = [getattr(handler, "stream", None) for handler in logger.handlers if not handler.level]
    return any(stream in (sys.stdout, sys.stderr) for stream in streams)
