"""One run of the driver: what is out, what comes back, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from queue import Empty, SimpleQueue
from typing import Any

from attrs import define, field

from asktell.asking.beforehand import Trends
from asktell.asking.know import best_or_none
from asktell.asking.known import Known
from asktell.drivers.evaluated import Evaluated, Happening, Measured, parts_of
from asktell.drivers.executors import Supply, WorkerDied, has_answer
from asktell.drivers.mistakes import check_sendable, first_raised, no_target, shown_last
from asktell.drivers.patience import Tally
from asktell.engine import Engine
from asktell.errors import (
    ConflictError,
    ExecutorError,
    SpaceExhausted,
    TargetError,
    TooManyFailuresError,
)
from asktell.log import LOGGER
from asktell.state import State
from asktell.study.trials import Configuration
from asktell.study.views import Suggestion
from asktell.telling.delivery import reason_of

_LONGEST_WAIT = 1.0
"""Seconds until the clock is read again: it may be set, or the machine may have slept."""


@define(eq=False)
class _Attempt:
    """One submission of a suggestion."""

    suggestion: Suggestion
    future: Future[Any]
    submitted: float
    released: float = 0.0


@define(eq=False)
class Run:
    """One run of the driver; see :func:`asktell.drivers.optimize` for the arguments.

    Attributes:
        _running: the attempts at suggestions that are pending.
        _held: attempts that nobody waits for, but that still have a worker.
        _arrived: attempts whose future is done, in order.
        _suspects: params that were out when an executor broke. They are tried one at a time, so
            that none is blamed for another.
        _saved: the state that was saved last.
    """

    engine: Engine
    evaluate: Callable[[dict[str, Any]], Measured]
    supply: Supply
    n_trials: int
    n_workers: int
    known: Known | None
    trends: Trends | None
    timeout: float | None
    save: Callable[[State], object] | None
    listeners: Sequence[Callable[[Evaluated], object]]
    clock: Callable[[], float]
    tally: Tally
    _running: list[_Attempt] = field(factory=list, init=False)
    _held: list[_Attempt] = field(factory=list, init=False)
    _arrived: SimpleQueue[_Attempt] = field(factory=SimpleQueue, init=False)
    _suspects: set[Configuration] = field(factory=set, init=False)
    _saved: State | None = field(default=None, init=False)

    def complete(self) -> None:
        """Run until enough trials have finished, or the space is used up.

        Raises:
            ExecutorError: the executor cannot go on, and there is no other.
            NotSendableError, TargetError: no evaluation can ever work.
            TooManyFailuresError: too many have failed in a row.
            BaseException: what an evaluation raised before any had succeeded.
        """
        self._save()
        while self._finished < self.n_trials:
            self._fill()
            if not self._running and len(self._held) < self.n_workers:
                return
            attempt = self._next_arrival()
            if attempt in self._running or attempt in self._held:
                self._receive(attempt)
            if self.timeout is not None:
                self._expire(self.timeout)

    @property
    def _finished(self) -> int:
        return self.engine.state.n_over

    @property
    def _has_succeeded(self) -> bool:
        return self.engine.state.n_observed > 0

    def close(self) -> None:
        """Save the state, and leave nothing running that can be stopped."""
        try:
            self._save()
        finally:
            idle = not self._running and not self._held
            for attempt in (*self._running, *self._held):
                attempt.future.cancel()
            self.supply.close(wait=idle)

    # --- handing out ---

    def _fill(self) -> None:
        """Submit what is pending and not out, then what is suggested, while there is room."""
        while len(self._running) + len(self._held) < self.n_workers:
            if self._finished + len(self._running) >= self.n_trials:
                return
            if any(attempt.suggestion.configuration in self._suspects for attempt in self._running):
                return
            suggestion = self._next_suggestion()
            if suggestion is None or (suggestion.configuration in self._suspects and self._running):
                return
            self._submit(suggestion)

    def _next_suggestion(self) -> Suggestion | None:
        for suggestion in self._waiting():
            return suggestion
        try:
            return self.engine.suggest(known=self.known, trends=self.trends, now=self.clock())
        except SpaceExhausted:
            return None

    def _waiting(self) -> Iterator[Suggestion]:
        """Return the pending suggestions that no worker has."""
        state, begun = self.engine.state, {attempt.suggestion.id for attempt in self._running}
        return (state.suggestion(number) for number in state.out if number not in begun)

    def _submit(self, suggestion: Suggestion) -> None:
        now = self.clock()
        if self.timeout is not None:
            self.engine.renew(suggestion, now, self.timeout)
        try:
            future = self.supply.current.submit(self.evaluate, suggestion.params)
        except BrokenExecutor as error:
            self._replace_executor(f"the executor broke: {error}")
            return
        except Exception as error:
            check_sendable(self.evaluate, suggestion.params, error)
            raise
        attempt = _Attempt(suggestion, future, now)
        self._running.append(attempt)
        future.add_done_callback(lambda _: self._arrived.put(attempt))

    # --- taking back ---

    def _next_arrival(self) -> _Attempt | None:
        """Wait for the next future that is done, or until some time may be over."""
        if self.timeout is None:
            return self._arrived.get()
        ends = [s.expires for s in self.engine.pending if s.expires is not None]
        seconds = min(ends, default=float("inf")) - self.clock()
        try:
            return self._arrived.get(timeout=min(max(seconds, 0.0), _LONGEST_WAIT))
        except Empty:
            return None

    def _receive(self, attempt: _Attempt) -> None:
        """Tell the engine what became of an attempt.

        Raises:
            KeyboardInterrupt: the worker was interrupted, as all of a terminal's processes are:
                the suggestion stays pending.
        """
        try:
            measured = attempt.future.result()
        except KeyboardInterrupt:
            raise
        except BrokenExecutor as error:
            if attempt in self._running:
                self._replace_executor(f"the executor broke: {error}")
            else:
                self._held.remove(attempt)
        except BaseException as error:  # sys.exit and cancellation, too, are the evaluation's
            self._remove(attempt)
            self._raised(attempt, error)
        else:
            self._remove(attempt)
            self._observe(attempt, *parts_of(measured))

    def _remove(self, attempt: _Attempt) -> None:
        (self._running if attempt in self._running else self._held).remove(attempt)

    def _raised(self, attempt: _Attempt, error: BaseException) -> None:
        """Record an evaluation that raised, or end the run with what it raised.

        Raises:
            NotSendableError: it did not even begin.
            TooManyFailuresError: it was one too many.
            BaseException: what it raised, as none has succeeded yet.
        """
        check_sendable(self.evaluate, attempt.suggestion.params, error)
        what = f"{type(error).__name__}: {error}"
        is_own = not isinstance(error, WorkerDied | CancelledError)
        if is_own and self.tally.is_enough(self._has_succeeded):
            raise first_raised(error, what, self._number_of(attempt.suggestion))
        try:
            self._fail(attempt, what)
        except TooManyFailuresError as enough:
            raise enough from shown_last(error)

    def _observe(self, attempt: _Attempt, target: Any, std: Any) -> None:
        try:
            outcome = self.engine.observe(attempt.suggestion, target, std, now=self.clock())
        except TargetError as error:
            if not self._has_succeeded:
                raise no_target(error) from None
            self._fail(attempt, str(error))
        except ConflictError:  # it came late, and another attempt has another outcome
            self._settled(attempt, "conflict", target, std)
        else:
            if outcome in ("failed", "retried"):
                state = self.engine.state
                reason = reason_of(state, state.problem.numbers(target))
                self._settled(attempt, outcome, reason=reason)
            else:
                self._settled(attempt, outcome, target, std)

    def _fail(self, attempt: _Attempt, reason: str) -> None:
        try:
            outcome = self.engine.fail(attempt.suggestion, reason, now=self.clock())
        except ConflictError:  # it failed late, and another attempt was observed
            outcome = "conflict"
        self._settled(attempt, outcome, reason=reason)

    def _settled(
        self,
        attempt: _Attempt,
        outcome: Happening,
        target: Any = None,
        std: Any = None,
        reason: str = "",
    ) -> None:
        """Save, tell the listeners, and give up where patience is at an end."""
        if outcome not in ("retried", "expired", "lost"):
            self._suspects.discard(attempt.suggestion.configuration)
        self._release()
        self._save()
        number = self._number_of(attempt.suggestion)
        evaluated = Evaluated(
            attempt.suggestion,
            outcome,
            target,
            std,
            reason,
            self.clock() - attempt.submitted,
            self._finished,
            self.n_trials,
            best_or_none(self.engine.state),
            number,
        )
        for listener in self.listeners:
            listener(evaluated)
        self.tally.count(outcome, number, reason)

    def _number_of(self, suggestion: Suggestion) -> int:
        trial = self.engine.state.history.of_id(suggestion.id)
        assert trial is not None  # it was suggested
        return trial.number

    def _release(self) -> list[_Attempt]:
        """Cancel the attempts whose suggestions are settled; hold those that do not stop."""
        pending = set(self.engine.state.out)
        released = [a for a in self._running if a.suggestion.id not in pending]
        for attempt in released:
            self._running.remove(attempt)
            attempt.released = self.clock()
            if not attempt.future.cancel():
                self._held.append(attempt)
        return released

    def _save(self) -> None:
        state = self.engine.state
        if self.save is not None and state is not self._saved:
            self.save(state)
            self._saved = state

    # --- what goes wrong ---

    def _expire(self, timeout: float) -> None:
        """Withdraw what is late; replace an executor whose workers all hang."""
        now = self.clock()
        for suggestion in self._waiting():  # it is not late: no worker has it yet
            if suggestion.expires is not None and suggestion.expires < now + timeout / 2:
                self.engine.renew(suggestion, now, timeout)
        if self.engine.expire(now):
            for attempt in self._release():
                self._settled(attempt, "expired", reason=f"no result within {timeout} s")
        last = max((attempt.released for attempt in self._held), default=now)
        if len(self._held) >= self.n_workers and now - last >= timeout:
            self._replace_executor("late evaluations hold all workers")

    def _replace_executor(self, reason: str) -> None:
        """Go on with another executor, and submit again what was out.

        Raises:
            ExecutorError: there is none.
        """
        lost = [attempt for attempt in self._running if not has_answer(attempt.future)]
        if not lost and not self._held and not self._running:
            raise ExecutorError(f"{reason}, with nothing submitted")
        for attempt in lost:
            attempt.future.cancel()
        self.supply.replace(reason)
        LOGGER.warning("%s; another executor takes its place", reason)
        self._running = [attempt for attempt in self._running if attempt not in lost]
        self._held = []
        if len(lost) == 1:
            self._fail(lost[0], f"its worker died; {reason}")
            return
        self._suspects.update(attempt.suggestion.configuration for attempt in lost)
        for attempt in lost:
            self._settled(attempt, "lost", reason=reason)
