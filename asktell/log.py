"""The logger ``asktell``: silent in a library, shown on standard error by what runs studies."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = logging.getLogger("asktell")
LOGGER.addHandler(logging.NullHandler())


@contextmanager
def shown(logger: logging.Logger = LOGGER) -> Iterator[None]:
    """Show a logger's lines on standard error, unless the program has set up logging itself.

    All from INFO up are shown; where the program has set the logger's level, those from there up.
    """
    set_up = any(not isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    if set_up or logging.getLogger().hasHandlers():
        yield
        return
    handler, level = logging.StreamHandler(sys.stderr), logger.level
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    if level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
