"""One thread for linear algebra on small matrices, where more threads only wait for each other.

The same number of threads everywhere also means the same rounding everywhere.

Most builds of BLAS have one pool of threads for the whole process, so its state cannot be avoided
here. If each use restored what it found, the second of two that overlap would find one thread, and
leave one for good. So the first use sets the number, and the last restores it.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from functools import cache
from threading import Lock, RLock, get_ident, local

from threadpoolctl import LibController, OpenBLASController, ThreadpoolController


def one_blas_thread() -> AbstractContextManager[None]:
    """Return a context, for one ``with``, in which BLAS uses one thread.

    When the last of several that overlap ends, in whatever thread, the number is as it was before.
    """
    return _Use()


class _Use(AbstractContextManager[None]):
    """One ``with``, and what its end undoes."""

    _limits: tuple[_Limit, ...] = ()

    def __enter__(self) -> None:
        self._limits = (_PROCESS, _THREAD.limit)
        try:
            for limit in self._limits:
                limit.enter(id(self))
        except BaseException:  # an interrupt, say: there will be no exit
            self._leave()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            self._leave()
        finally:  # an interrupt may have cut it short
            self._leave()

    def __del__(self) -> None:
        self._leave()  # an interrupt may have come before the first line of the exit

    def _leave(self) -> None:
        for limit in self._limits:
            limit.leave(id(self))
        self._limits = ()


class _Limit:
    """Libraries that get one thread while anybody uses them.

    An interrupt may end a step anywhere. So each may be taken again, a use is noted before anything
    is changed for it, and a number is kept before it is changed.
    """

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared
        self._threads: dict[int, int] = {}  # of each use, by its id
        self._before: dict[LibController, int] = {}
        self._lock, self._settling = RLock(), Lock()

    def enter(self, use: int) -> None:
        with self._lock:
            self._threads[use] = get_ident()
            self._settle()

    def leave(self, use: int) -> None:
        with self._lock:
            self._threads.pop(use, None)
            if not self._threads and self._before:
                self._settle()

    def keep_this_thread(self) -> None:
        """Forget the threads that a fork did not bring along."""
        self._lock, self._settling = RLock(), Lock()  # their holders are not here
        for use, thread in list(self._threads.items()):
            if thread != get_ident():
                self.leave(use)

    def _settle(self) -> None:
        if self._settling.locked():
            return  # in a signal handler, which would wait in vain for threadpoolctl's lock
        with self._settling:
            wanted = None
            while wanted != bool(self._threads):  # again where a handler came and did not leave
                wanted = bool(self._threads)
                self._set_one() if wanted else self._restore()

    def _set_one(self) -> None:
        for library in _libraries(self._shared):
            number = library.num_threads
            if number != 1:
                self._before[library] = number
                library.set_num_threads(1)

    def _restore(self) -> None:
        for library, number in self._before.items():
            if library.num_threads == 1:  # else somebody has set it meanwhile: it is theirs
                # threadpoolctl lets only the thread that came first set a shared pool.
                OpenBLASController.clear_controlling_thread(force=True)
                library.set_num_threads(number)
                OpenBLASController.clear_controlling_thread()
        self._before.clear()


class _Thread(local):
    """What each thread has of its own."""

    def __init__(self) -> None:
        self.limit = _Limit(shared=False)


@cache  # looking through what the process has loaded takes milliseconds
def _libraries(shared: bool) -> list[LibController]:
    """Return the libraries with one number of threads for the process, or those with one a thread.

    Those that threadpoolctl does not know to be shared count among the latter. If one is shared all
    the same, its number still ends right, since a use that finds one thread changes nothing.
    """
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return [library for library in found if _is_shared(library) == shared]


def _is_shared(library: LibController) -> bool:
    return isinstance(library, OpenBLASController) and library.threading_layer != "openmp"


_PROCESS = _Limit(shared=True)
_THREAD = _Thread()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PROCESS.keep_this_thread)
