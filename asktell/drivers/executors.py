"""What the driver asks of an executor, and where it gets the next one if one breaks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, InvalidStateError
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, Protocol

from asktell.errors import AskTellError, ExecutorError


class WorkerDied(AskTellError):  # noqa: N818 - what happened, as SpaceExhausted
    """The process that evaluated this died."""


class WorkerNotStarted(AskTellError):  # noqa: N818 - as WorkerDied
    """A process ended before it could evaluate anything."""


class Executor(Protocol):
    """Anything with the ``submit`` of ``concurrent.futures``, and its futures."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Call the function elsewhere, and return the future of its result."""
        ...


class InThisThread:
    """An executor that evaluates when it is asked to."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Call the function."""
        future: Future[Any] = Future()
        settle(future, partial(fn, *args))
        return future


class InThreads:
    """An executor that evaluates in a thread for each call.

    The program may end while they run, since nobody waits for what they find by then. The threads
    of a ``ThreadPoolExecutor`` would keep it from ending, after Ctrl-C as well.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Call the function in a thread of its own."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        Thread(target=settle, args=(future, partial(fn, *args)), daemon=True).start()
        return future


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
        """Shut the executor down if it was made here.

        The caller has cancelled its calls already: with ``cancel_futures``, a
        ``ProcessPoolExecutor`` waits for ever for a call that could not be pickled.
        """
        shutdown = getattr(self.current, "shutdown", None)
        if self._make is not None and shutdown is not None:
            shutdown(wait=wait)


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


def has_answer(future: Future[Any]) -> bool:
    """Tell whether an evaluation ended before its executor broke."""
    if not future.done() or future.cancelled():
        return False
    return not isinstance(future.exception(), BrokenExecutor)
