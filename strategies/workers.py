"""Where configurations are tried: in this process, one by one, or by the workers of an executor."""

from __future__ import annotations

import hashlib
import pickle
import signal
import time
import traceback
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from multiprocessing import get_context
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from attrs import define, evolve

from asktell.drivers import Executor, ProcessWorkers, WorkerNotStarted
from asktell.drivers.executors import Supply
from asktell.errors import ExecutorError, MissingExtraError, NotSendableError
from asktell.model.blas import one_blas_thread
from strategies.adaptors.base import TuneConfig
from strategies.attempting import Attempt, attempted
from strategies.errors import StrategyError
from strategies.evaluation import Evaluation, error_text
from strategies.stopwatch import Clock
from strategies.timesheet import WAITING

Params = dict[str, Any]

_LONGEST_WAIT = 1.0
"""Seconds until the clock is read again: the machine may have slept."""


class Crew(Protocol):
    """Who tries configurations."""

    @property
    def room(self) -> int:
        """Return how many more configurations it can be given now."""
        ...

    @property
    def n_out(self) -> int:
        """Return how many configurations have no outcome yet."""
        ...

    def give(self, params: Params, tune_cfg: TuneConfig) -> None:
        """Have a configuration tried."""
        ...

    def take(self) -> tuple[Params, Attempt] | None:
        """Wait for the next outcome; None if there is only more room."""
        ...

    def close(self) -> None:
        """Stop what is being tried, where that is possible."""
        ...


class Alone:
    """Tries each configuration in this thread, when its outcome is wanted."""

    def __init__(self, evaluation: Evaluation, clock: Clock) -> None:
        """Begin with nothing to try."""
        self._evaluation = evaluation
        self._clock = clock
        self._given: tuple[Params, TuneConfig] | None = None

    @property
    def room(self) -> int:
        """Return 1 or 0."""
        return 0 if self._given else 1

    @property
    def n_out(self) -> int:
        """Return 0 or 1."""
        return 1 - self.room

    def give(self, params: Params, tune_cfg: TuneConfig) -> None:
        """Note what to try."""
        self._given = params, tune_cfg

    def take(self) -> tuple[Params, Attempt] | None:
        """Try it."""
        if self._given is None:
            return None
        params, tune_cfg = self._given
        attempt = attempted(lambda: self._evaluation.attempt(tune_cfg), self._clock)
        self._given = None
        return params, attempt

    def close(self) -> None:
        """Leave what was not tried."""


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
        self._content = _packed(evaluation)
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


def _packed(evaluation: Evaluation) -> bytes:
    """Return what a worker needs as bytes; functions of a script or a notebook by value.

    Raises:
        NotSendableError: something cannot be sent.
    """
    try:
        import cloudpickle
    except ModuleNotFoundError as error:
        message = "workers need the package cloudpickle: pip install 'asktell[onnx]'"
        raise MissingExtraError(message) from error
    try:
        content: bytes = cloudpickle.dumps(evaluation)
    except Exception as error:
        parts = ("adaptor", "model", "q_dataloader", "eval_dataloader", "eval_func", "hooks")
        guilty = [part for part in parts if not _can_be_packed(cloudpickle, evaluation, part)]
        raise NotSendableError(
            f"{', '.join(guilty) or 'the evaluation'} cannot be sent to a worker: "
            f"{error_text(error)}. Open files, sessions and locks where they are used, or use "
            "workers=1"
        ) from error
    return content


def _can_be_packed(pickler: Any, evaluation: Evaluation, part: str) -> bool:
    try:
        pickler.dumps(getattr(evaluation, part))
    except Exception:
        return False
    return True


# --- in the workers ---

_SENT: dict[str, Evaluation] = {}
"""What this process was sent last, by digest: it serves all tasks of a run."""


class WorkerTraceback(StrategyError):
    """What a worker's error looked like there."""


def attempt_here(digest: str, content: bytes | None, tune_cfg: TuneConfig) -> Attempt | None:
    """Try a configuration in this process, with BLAS in one thread, and leave the model here.

    Args:
        digest: of what is needed for it.
        content: what is needed, packed; None if it should be here.
        tune_cfg: the configuration.

    Returns:
        What came of it; None if it takes the content.
    """
    evaluation = _SENT.get(digest)
    if content is not None:
        try:
            evaluation = pickle.loads(content)
        except Exception as error:
            failure = f"a worker cannot read what it was sent: {error_text(error)}"
            return Attempt(None, failure, _as_text(error), 0.0)
        _SENT.clear()  # of an earlier run
        _SENT[digest] = evaluation
    if evaluation is None:
        return None
    with one_blas_thread():
        attempt = attempted(lambda: evaluation.made(tune_cfg), time.perf_counter)
    mistake = _as_text(attempt.error) if attempt.is_mistake else None
    return evolve(attempt, model=None, error=mistake, parts=evaluation.timesheet.taken())


def _as_text(error: BaseException | None) -> WorkerTraceback:
    """Return an error that can be sent, with the traceback as its text; others may not be."""
    return WorkerTraceback("in the worker:\n" + "".join(traceback.format_exception(error)))
