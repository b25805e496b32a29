"""A lock that one process holds at a time, and one thread of it.

It is in a file of its own, which stays: if it came and went, one process could hold the old file
while another holds a new one of the same name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import TypeVar

from asktell.errors import MissingExtraError, StoreError, StoreLockedError

R = TypeVar("R")

_PAUSE = 0.01
"""Seconds between two attempts; one costs a thousandth of that."""


class FileLock:
    """The lock of a file, in ``<path>.lock`` beside it.

    Args:
        path: of the file that it guards.
        timeout: how many seconds to wait for others.

    Raises:
        MissingExtraError: an ``ImportError``; the package portalocker is not installed.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        """Lock nothing yet."""
        try:
            import portalocker  # noqa: F401 - of an extra; and now, not while others wait
        except ImportError:
            message = "a store needs the package portalocker: pip install 'asktell[store]'"
            raise MissingExtraError(message) from None
        self._path = path
        self._lock_path = path.with_name(path.name + ".lock")
        self._timeout = timeout

    def hold(self, work: Callable[[], R]) -> R:
        """Do the work while nobody else does theirs, and return its result.

        It takes the work as a function and is not a context manager, because an interrupt may come
        between any two steps of Python: after an ``__enter__`` has taken the lock, and before
        ``with`` knows that there is an ``__exit__`` to call. Here the lock is on an open file that
        ``with`` already guards. Closing the file frees the lock, whatever happens; so does the end
        of the process.

        Raises:
            StoreLockedError: it was held for too long, by the caller itself if the work asks again.
            StoreError: the system refuses the file, or the lock.
        """
        from portalocker import LockException, unlock

        try:
            file = FileIO(self._lock_path, "a+")  # NFS locks only what may be written
        except OSError as error:
            raise StoreError(str(self._lock_path), error.strerror or str(error)) from error
        with file:
            self._take(file)
            try:
                return work()
            finally:
                # Before it is closed, since processes forked meanwhile have it open as well.
                with suppress(LockException):
                    unlock(file)

    def _take(self, file: FileIO) -> None:
        from portalocker import AlreadyLocked, LockException, LockFlags, lock

        end = time.monotonic() + self._timeout
        while True:
            try:
                lock(file, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
                return
            except AlreadyLocked:
                if time.monotonic() >= end:
                    problem = f"held by another process for {self._timeout} seconds"
                    raise StoreLockedError(str(self._path), problem) from None
            except LockException as error:
                raise StoreError(str(self._lock_path), f"cannot be locked: {error}") from error
            time.sleep(_PAUSE)
