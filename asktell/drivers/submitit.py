"""The driver on Slurm and whatever else submitit runs on: ``pip install 'asktell[submitit]'``."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Lock, Thread
from time import sleep
from typing import Any, NoReturn, Protocol

from asktell.drivers.executors import relayed, settle


class _Job(Protocol):
    def done(self) -> bool: ...
    def result(self) -> Any: ...
    def cancel(self, check: bool = True) -> None: ...


class _Submitit(Protocol):
    def submit(self, fn: Callable[..., Any], /, *args: Any) -> _Job: ...


class SubmititExecutor:
    """An executor whose calls are submitit's jobs; cancelling one cancels its job.

    Args:
        executor: of submitit: ``AutoExecutor``, ``SlurmExecutor``, ``LocalExecutor``, ...
        interval: seconds between two looks at which jobs are done.
    """

    def __init__(self, executor: _Submitit, interval: float = 1.0) -> None:
        """Take the executor; jobs are watched while there are any."""
        self._executor = executor
        self._interval = interval
        self._lock = Lock()
        self._jobs: list[tuple[_Job, Future[Any]]] = []
        self._watcher: Thread | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Call the function in a job."""
        job = self._executor.submit(fn, *args)
        future = relayed(lambda: job.cancel(check=False))
        with self._lock:
            self._jobs.append((job, future))
            if len(self._jobs) == 1:
                self._watcher = Thread(target=self._watch, daemon=True)
                self._watcher.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel all jobs if ``cancel_futures``; then, if ``wait``, wait until no job is left."""
        for _, future in list(self._jobs) if cancel_futures else []:
            future.cancel()
        if wait and self._watcher is not None:
            self._watcher.join()

    def _watch(self) -> None:
        """Settle the futures of jobs that are done, until no job is left."""
        while True:
            for job, future in list(self._jobs):
                outcome = _outcome(job)
                if outcome is None:
                    continue
                if not future.cancelled():
                    settle(future, outcome)
                with self._lock:
                    self._jobs.remove((job, future))
                    if not self._jobs:
                        return
            sleep(self._interval)


def _outcome(job: _Job) -> Callable[[], Any] | None:
    """Return a function that returns or raises the job's outcome; None while the job runs."""
    try:
        return job.result if job.done() else None
    except Exception as error:  # a debug job runs when it is asked, and would do so again
        return partial(_raise, error)


def _raise(error: Exception) -> NoReturn:
    raise error
