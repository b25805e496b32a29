"""A time limit for work that cannot be interrupted."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

R = TypeVar("R")


def within(seconds: float, work: Callable[[], R]) -> R:
    """Return what ``work`` returns, or raise what it raises, within ``seconds``; 0 for no limit.

    Python cannot stop a thread. Work that takes longer goes on in the background until it or the
    program ends, and its outcome is dropped.

    Raises:
        TimeoutError: it took longer.
    """
    if not seconds:
        return work()
    outcomes: SimpleQueue[tuple[R | None, BaseException | None]] = SimpleQueue()

    def report() -> None:
        try:
            outcomes.put((work(), None))
        except BaseException as error:
            outcomes.put((None, error))

    Thread(target=report, daemon=True).start()
    try:
        value, error = outcomes.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no result within {seconds} s") from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]
