"""Configurations are tried by the workers of an executor, several at once."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from multiprocessing import get_context
from queue import Empty, SimpleQueue
from typing import Any

from attrs import define

from asktell.drivers import Executor, ProcessWorkers, WorkerNotStarted
from asktell.drivers.executors import Supply
from asktell.errors import ExecutorError
from strategies.adaptors.base import TuneConfig
from strategies.attempting import Attempt
from strategies.evaluation import Evaluation
from strategies.sending import attempt_here, packed
from strategies.stopwatch import Clock
from strategies.timesheet import WAITING

Params = dict[str, Any]

_LONGEST_WAIT = 1.0
"""Seconds until the clock is read again: the machine may have slept."""


@define(eq=False)
class _Task:
    """A configuration that a worker has, or that has no worker yet."""

    params: Params
    tune_cfg: TuneConfig
    future: Future[Attempt | None]
    begun: float


class Workers:
    """Has configurations tried by the workers of an executor, several at once.

    The model, the data and the functions are sent to each worker once, when it says that it does
    not have them. Quantised models stay there.

    Args:
        evaluation: what is sent.
        n: how many configurations may be out at once.
        executor: anything with ``submit`` that returns a future of ``concurrent.futures``, or a
            function that makes one; None for processes of this computer.
        timeout: seconds for each configuration; 0 for no limit. Its worker is stopped where the
            executor can do that (``ProcessWorkers``, Ray), else it is busy until it is done.
        clock: returns seconds that never go back.

    Raises:
        NotSendableError: something cannot be sent to another process.
        MissingExtraError: an ``ImportError``; the package cloudpickle is not installed.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        n: int,
        executor: Executor | Callable[[], Executor] | None,
        timeout: float,
        clock: Clock,
    ) -> None:
        """Pack what is to be sent; workers start when they are needed."""
        self._content = packed(evaluation)
        self._digest = hashlib.blake2b(self._content, digest_size=16).hexdigest()
        self._n = n
        self._supply = Supply(processes if executor is None else executor)
        self._timeout = timeout
        self._clock = clock
        self._timesheet = evaluation.timesheet
        self._out: list[_Task] = []
        self._late: dict[Future[Attempt | None], float] = {}
        """What nobody waits for, but cannot be stopped, with the moment when it was given up."""
        self._arrived: SimpleQueue[Future[Attempt | None]] = SimpleQueue()

    @property
    def room(self) -> int:
        """Return how many workers are free."""
        return self._n - len(self._out) - len(self._late)

    @property
    def n_out(self) -> int:
        """Return how many configurations have no outcome yet."""
        return len(self._out)

    def give(self, params: Params, tune_cfg: TuneConfig) -> None:
        """Have a configuration tried.

        Raises:
            ExecutorError: the executor is broken.
        """
        self._out.append(_Task(params, tune_cfg, self._submitted(tune_cfg, None), self._clock()))

    def take(self) -> tuple[Params, Attempt] | None:
        """Wait for the next outcome; None if a worker got free, with nothing to say.

        Raises:
            ExecutorError: the executor is broken, or late evaluations hold all of its workers.
            WorkerNotStarted: a process ended before it could evaluate anything.
        """
        with self._timesheet.of(WAITING):
            while True:
                future = self._next_done()
                if future is None:
                    late = self._next_late()
                    if late is not None:
                        return late
                elif future in self._late:
                    del self._late[future]
                    return None
                else:
                    for task in self._out:
                        if task.future is future:
                            outcome = self._outcome(task)
                            if outcome is not None:
                                return task.params, outcome

    def close(self) -> None:
        """Stop the workers that were started here, and cancel the rest."""
        idle = not self._out and not self._late
        for future in (*(task.future for task in self._out), *self._late):
            future.cancel()
        self._supply.close(wait=idle)

    def _submitted(self, tune_cfg: TuneConfig, content: bytes | None) -> Future[Attempt | None]:
        try:
            future = self._supply.current.submit(attempt_here, self._digest, content, tune_cfg)
        except BrokenExecutor as error:
            raise _broken(error) from error
        future.add_done_callback(self._arrived.put)
        return future

    def _next_done(self) -> Future[Attempt | None] | None:
        """Wait for a future that is done, or until some time may be over."""
        if not self._timeout:
            return self._arrived.get()
        begun = [task.begun for task in self._out]
        if not self.room and not begun:
            begun = [max(self._late.values())]
        left = min(begun, default=self._clock()) + self._timeout - self._clock()
        try:
            return self._arrived.get(timeout=min(max(left, 0.0), _LONGEST_WAIT))
        except Empty:
            return None

    def _outcome(self, task: _Task) -> Attempt | None:
        """Return what came of a task; None if its worker only asked for what it needs."""
        try:
            attempt = task.future.result()
        except (KeyboardInterrupt, WorkerNotStarted):
            raise
        except BrokenExecutor as error:
            raise _broken(error) from error
        except BaseException as error:  # the worker died, was told to exit, or was cancelled
            failure = f"{type(error).__name__}: {error}"
            attempt = Attempt(None, failure, None, self._clock() - task.begun)
        else:
            if attempt is None:
                task.future = self._submitted(task.tune_cfg, self._content)
                task.begun = self._clock()
                return None
        self._out.remove(task)
        return attempt

    def _next_late(self) -> tuple[Params, Attempt] | None:
        """Give up a task that takes too long, and stop its worker if that is possible.

        Raises:
            ExecutorError: late evaluations hold all workers.
        """
        now = self._clock()
        for task in self._out:
            if now - task.begun >= self._timeout:
                self._out.remove(task)
                if not task.future.cancel():
                    self._late[task.future] = now
                failure = f"TimeoutError: no result within {self._timeout} s"
                return task.params, Attempt(None, failure, None, now - task.begun)
        if len(self._late) >= self._n and now - max(self._late.values()) >= self._timeout:
            raise ExecutorError(
                "late evaluations hold all workers, and this executor cannot stop them. Resume the "
                "run; asktell.drivers.ProcessWorkers can"
            )
        return None


def processes() -> ProcessWorkers:
    """Return the executor that is used without another: processes of this computer.

    They are started afresh, not forked: a framework that computes in threads does not survive that.
    """
    return ProcessWorkers(get_context("spawn"), _leave_interrupts_to_the_parent)


def _leave_interrupts_to_the_parent() -> None:  # pragma: no cover - runs in the workers
    """Ignore Ctrl-C, which a terminal sends to all of its processes; the parent ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _broken(error: BrokenExecutor) -> ExecutorError:
    return ExecutorError(
        f"the executor broke: {error}. What was out is tried again when the run is resumed; "
        "asktell.drivers.ProcessWorkers goes on when a worker dies"
    )
