"""What the driver asks of an executor, and where it gets the next one if one breaks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, Protocol

from asktell.errors import ExecutorError


class Executor(Protocol):
    """Anything with the ``submit`` of ``concurrent.futures``, and its futures."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Call the function elsewhere, and return the future of its result."""
        ...


class Supply:
    """The executor in use. One that was made here is replaced and shut down here, too.

    Args:
        executor: an executor, or a function without arguments (or a class) that makes one.
    """

    def __init__(self, executor: Executor | Callable[[], Executor]) -> None:
        """Take the executor, or make the first."""
        self._make: Callable[[], Executor] | None = None
        if isinstance(executor, type) or not hasattr(executor, "submit"):
            self._make = executor
            executor = executor()
        self.current: Executor = executor

    def replace(self, reason: str) -> None:
        """Give up the executor and make another.

        Raises:
            ExecutorError: there is no function to make one with.
        """
        if self._make is None:
            raise ExecutorError(
                f"{reason}. Resume the run; for it to go on by itself, pass a function that makes "
                "an executor, not an executor"
            )
        self.close(wait=False)
        self.current = self._make()

    def close(self, wait: bool) -> None:
        """Shut the executor down if it was made here, and cancel what has not begun."""
        shutdown = getattr(self.current, "shutdown", None)
        if self._make is not None and shutdown is not None:
            shutdown(wait=wait, cancel_futures=True)


def relayed(stop: Callable[[], object]) -> Future[Any]:
    """Return a future for work done elsewhere, which is stopped when the future is cancelled."""
    future: Future[Any] = Future()
    future.add_done_callback(lambda done: stop() if done.cancelled() else None)
    return future


def settle(future: Future[Any], outcome: Callable[[], Any]) -> None:
    """Give the future what a function returns or raises, unless it was cancelled meanwhile."""
    with suppress(InvalidStateError):
        try:
            future.set_result(outcome())
        except InvalidStateError:
            raise
        except BaseException as error:
            future.set_exception(error)
