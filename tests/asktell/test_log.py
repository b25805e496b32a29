"""Who sees the lines: nobody in a library, the user of a driver, and a program that wants them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from asktell.log import LOGGER, shown


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Return a logger as silent as that of the package."""
    logger = logging.getLogger("tests.lines")
    logger.addHandler(logging.NullHandler())
    yield logger
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)


def test_a_library_is_silent() -> None:
    assert [type(handler) for handler in LOGGER.handlers] == [logging.NullHandler]
    assert LOGGER.level == logging.NOTSET


@pytest.mark.parametrize(
    ("level", "lines"),
    [
        (logging.NOTSET, ["line", "warning"]),
        (logging.DEBUG, ["detail", "line", "warning"]),
        (logging.WARNING, ["warning"]),
        (logging.CRITICAL, []),
    ],
)
def test_lines_are_shown_as_the_level_says(
    logger: logging.Logger,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    level: int,
    lines: list[str],
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those of pytest
    logger.setLevel(level)
    with shown(logger):
        logger.debug("detail")
        logger.info("line")
        with shown(logger):  # once is enough
            logger.warning("warning")
    assert capsys.readouterr().err.splitlines() == lines
    logger.error("later")
    assert capsys.readouterr().err == ""
    assert (logger.level, len(logger.handlers)) == (level, 1)


def test_a_program_that_has_set_up_logging_decides(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    with shown(logger):  # pytest's handlers are there
        logger.info("line")
    assert capsys.readouterr().err == ""
