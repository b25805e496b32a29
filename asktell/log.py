"""The logger ``asktell``: silent in a library, shown on standard error by what runs studies."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

LOGGER = logging.getLogger("asktell")
LOGGER.addHandler(logging.NullHandler())

_ONE_AT_A_TIME = Lock()
"""Loggers belong to the whole process, and several threads may run a study each."""


class _Shown(logging.StreamHandler):  # type: ignore[type-arg]  # generic in stubs alone
    """The handler that all who show a logger share; the last of them takes it away.

    Args:
        level: that of the logger before.
    """

    def __init__(self, level: int) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(logging.Formatter("%(message)s"))
        self.level_before = level
        self.users = 0


@contextmanager
def shown(logger: logging.Logger = LOGGER) -> Iterator[None]:
    """Show a logger's lines on standard error, unless the program has set up logging itself.

    All from INFO up are shown; where the program has set the logger's level, those from there up.
    """
    handler: _Shown | None = None
    try:
        with _ONE_AT_A_TIME:
            handler = _handler_of(logger)
            if handler is not None:
                handler.users += 1
        yield
    finally:
        if handler is not None:
            with _ONE_AT_A_TIME:
                handler.users -= 1
                if not handler.users:
                    logger.removeHandler(handler)
                    logger.setLevel(handler.level_before)


def _handler_of(logger: logging.Logger) -> _Shown | None:
    """Return the handler that is there, or a new one; None where the program has its own."""
    own = [one for one in logger.handlers if not isinstance(one, logging.NullHandler)]
    for one in own:
        if isinstance(one, _Shown):
            return one
    if own or logging.getLogger().hasHandlers():
        return None
    handler = _Shown(logger.level)
    logger.addHandler(handler)
    if handler.level_before == logging.NOTSET:
        logger.setLevel(logging.INFO)
    return handler
