"""Who sees the lines: nobody in a library, the user of a driver, and a program that wants them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Thread

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


def test_the_last_of_several_takes_the_handler_away(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    first, second = shown(logger), shown(logger)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    logger.info("of the second")
    second.__exit__(None, None, None)
    logger.info("of nobody")
    assert capsys.readouterr().err == "of the second\n"
    assert (logger.level, len(logger.handlers)) == (logging.NOTSET, 1)


def test_law_10_threads_that_begin_at_once_leave_the_logger_as_it_was_found(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are made to look at once, if nothing keeps them from it."""
    looks, inside, handlers = Barrier(2), Barrier(2), []

    def has_handlers() -> bool:
        with suppress(BrokenBarrierError):
            looks.wait(0.2)
        return False

    monkeypatch.setattr(logging.getLogger(), "hasHandlers", has_handlers)

    def run() -> None:
        with shown(logger):
            inside.wait()
            handlers.append(len(logger.handlers))
            inside.wait()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert handlers == [2, 2]  # one that says nothing, and one that shows
    assert (logger.level, len(logger.handlers)) == (logging.NOTSET, 1)
