"""Processes that live and die apart from each other.

When a process of a ``ProcessPoolExecutor`` dies, the whole pool is broken, and nobody knows which
evaluation was to blame. And an evaluation that hangs cannot be stopped. With a pool of one process
for each evaluation that runs, both concern that evaluation alone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing.context import BaseContext
from threading import Lock, Thread
from typing import Any

from attrs import define

from asktell.drivers.executors import WorkerDied, WorkerNotStarted, relayed, settle


def _begin(  # pragma: no cover - runs in the workers
    initializer: Callable[..., object] | None, initargs: tuple[Any, ...]
) -> None:
    """Prepare a process: it must end with its parent, which may be killed without warning."""
    Thread(target=_end_with, args=[multiprocessing.parent_process()], daemon=True).start()
    if initializer is not None:
        initializer(*initargs)


def _end_with(parent: Any) -> None:  # pragma: no cover - runs in the workers
    parent.join()
    os._exit(1)


@define(eq=False)
class _Worker:
    pool: ProcessPoolExecutor
    pid: Future[int]

    @property
    def has_begun(self) -> bool:
        """Tell whether the process has come so far as to say its id."""
        return self.pid.done() and not self.pid.cancelled() and self.pid.exception() is None

    def kill(self) -> None:
        """Kill the process; one that is still starting, as soon as it says its id.

        With ``cancel_futures``, its pool would wait for ever for a call that cannot be pickled.
        """
        self.pool.shutdown(wait=False)
        self.pid.add_done_callback(_kill)


_NOT_STARTED = (
    "a process ended before it could evaluate; what it said stands above. A process that is "
    "spawned runs the script once more, so only code below `if __name__ == '__main__':` may call "
    "the driver"
)


def _kill(pid: Future[int]) -> None:
    if not pid.cancelled() and pid.exception() is None:
        with suppress(ProcessLookupError):
            os.kill(pid.result(), signal.SIGKILL)


class ProcessWorkers:
    """An executor that runs each evaluation in a process of its own, and reuses idle processes.

    A process that dies fails its own evaluation; cancelling an evaluation kills its process; and
    none outlives the process that made them. Use it in a ``with`` statement, which ends them.

    Args:
        mp_context: of ``multiprocessing``: how processes are started; None for Python's default.
        initializer: called in each process first.
        initargs: what it is called with.
    """

    def __init__(
        self,
        mp_context: BaseContext | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        """Start without a process."""
        self._context = mp_context
        self._begin = partial(_begin, initializer, initargs)
        self._idle: list[_Worker] = []
        self._workers: set[_Worker] = set()
        self._lock = Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Call the function in an idle process, or in a new one."""
        with self._lock:
            worker = self._idle.pop() if self._idle else self._started()
        future = relayed(lambda: self._kill(worker))
        try:
            inner = worker.pool.submit(fn, *args)
        except BrokenProcessPool:  # it died while it was idle
            self._kill(worker)
            return self.submit(fn, *args)
        inner.add_done_callback(lambda done: self._ended(worker, done, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes: now, or, if ``wait``, once their evaluations have ended."""
        for worker in list(self._workers):
            if wait:
                worker.pool.shutdown(wait=True, cancel_futures=cancel_futures)
            else:
                self._kill(worker)

    def __enter__(self) -> ProcessWorkers:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes once their evaluations have ended."""
        self.shutdown()

    def _started(self) -> _Worker:
        pool = ProcessPoolExecutor(1, mp_context=self._context, initializer=self._begin)
        worker = _Worker(pool, pool.submit(os.getpid))
        self._workers.add(worker)
        return worker

    def _ended(self, worker: _Worker, done: Future[Any], future: Future[Any]) -> None:
        """Make the process idle before its result is known: the next call may use it."""

        def outcome() -> Any:
            try:
                return done.result()
            except BrokenProcessPool as error:
                if worker.has_begun:
                    raise WorkerDied("the process that evaluated this died") from error
                raise WorkerNotStarted(_NOT_STARTED) from error

        if done.cancelled() or isinstance(done.exception(), BrokenProcessPool):
            self._kill(worker)
        else:
            with self._lock:
                if worker in self._workers:
                    self._idle.append(worker)
        settle(future, outcome)

    def _kill(self, worker: _Worker) -> None:
        with self._lock:
            self._workers.discard(worker)
            if worker in self._idle:
                self._idle.remove(worker)
        worker.kill()
