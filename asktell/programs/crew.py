"""The workers of one machine: programs that evaluate what a store suggests.

All that is known is in the store. So other processes can look and correct meanwhile, several crews
can share a study, and a crew that is killed loses nothing: the next one takes up what it had.

One thread does everything here. Others only wait for programs, and put the exit code of each in a
queue; so do signals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Literal

from attrs import define, field

from asktell.asking.know import best_or_none
from asktell.drivers.evaluated import Evaluated, Happening
from asktell.drivers.patience import Tally
from asktell.errors import FirstProgramError
from asktell.log import LOGGER
from asktell.programs.evaluation import Evaluation, Measured, Trouble, attempted
from asktell.programs.lifeline import Lifeline
from asktell.programs.plan import Job, Plan, Standing
from asktell.programs.program import Program
from asktell.programs.reading import tail
from asktell.programs.share import Share
from asktell.state import State
from asktell.store import Store

_TICK = 1.0
"""Seconds between two looks at what others did to the state, and at leases."""

_GRACE = 5.0
"""Seconds that a program has to end itself when it is asked to; then it is killed."""

_TAIL = 12
"""Lines at the end of an output that are shown of a first program that failed."""


_Arrival = tuple[Job, int | Trouble]
"""A job, with the exit code of its program, or why that could not be started."""


@define(eq=False)
class Crew:
    """A crew: see the module.

    Attributes:
        state: the study as it was read.
        show: called at least once a second.
        listeners: called with every result.
        stopped_by: the number of the signal that stopped it; None where it ended by itself.
        _places: the jobs, each at the place of its worker.
    """

    store: Store
    evaluation: Evaluation
    plan: Plan
    _state: State
    show: Callable[[Standing], object] = lambda standing: None
    listeners: list[Callable[[Evaluated], object]] = field(factory=list)
    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.monotonic
    stopped_by: int | None = field(default=None, init=False)
    _share: Share = field(init=False)
    _tally: Tally = field(init=False)
    _lifeline: Lifeline = field(init=False)
    _places: list[Job | None] = field(init=False)
    _arrived: SimpleQueue[_Arrival | int] = field(factory=SimpleQueue, init=False)
    _began: float = field(init=False)
    _tended: float = field(default=float("-inf"), init=False)
    _done: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with nothing at work."""
        plan = self.plan
        self._share = Share(self.store, self._state, plan.n_trials, plan.lease, self.clock)
        self._tally = Tally(plan.patience)
        self._places = [None] * plan.n_workers
        self._began = self.timer()

    @property
    def state(self) -> State:
        """Return the study, as it was when the crew last looked."""
        return self._share.state

    def stop(self, signal_number: int) -> None:
        """Ask the crew to stop; this may be called from a handler of signals."""
        self._arrived.put(signal_number)

    def work(self) -> Iterator[Evaluated]:
        """Work until the plan is fulfilled, the space is used up, or it is asked to stop.

        Yields each result once it is on the disk. Whatever ends the work, no program goes on
        running, and what ran is pending in the store: the next crew begins with it.

        Raises:
            FirstProgramError: a program failed before any has succeeded.
            TooManyFailuresError: too many in a row have failed.
            StoreError: the store cannot be used.
        """
        claims = self._share.open(self.evaluation.folder)
        self._lifeline = Lifeline([claims.fileno()])
        try:
            while self.stopped_by is None:
                self._tend()
                has_begun = self._begin_one()
                if self._share.is_complete():
                    return
                yield from self._results(waits=not has_begun)
            self._interrupt()
            while self._jobs:
                yield from self._results()
        finally:
            self._leave()

    @property
    def _jobs(self) -> list[Job]:
        return [job for job in self._places if job is not None]

    # --- handing out ---

    def _tend(self) -> None:
        """Look now and then at what others did, and stop what they have settled."""
        if self.timer() - self._tended < _TICK:
            return
        self._tended = self.timer()
        self._share.tend()
        for job in self._jobs:
            if not self._share.has(job.suggestion):
                self._end(job, "settled")

    def _begin_one(self) -> bool:
        """Start what is to be evaluated next; tell whether there was any, and room for it.

        One at a time: the model takes a while for each, and results that come meanwhile are for
        the next to know.
        """
        place = next((place for place, job in enumerate(self._places) if job is None), None)
        suggestion = None if place is None else self._share.take()
        if place is None or suggestion is None:
            return False
        job = self._places[place] = Job(suggestion, self.timer())
        trouble = attempted(lambda: self._start(job))
        if trouble is not None:
            self._arrived.put((job, trouble))
        return True

    def _start(self, job: Job) -> None:
        start = self.evaluation.start(job.suggestion)
        self._lifeline.starts(start.folder)
        job.program = Program.started(
            start, self._lifeline.began, lambda code: self._arrived.put((job, code))
        )

    # --- taking back ---

    def _results(self, waits: bool = True) -> Iterator[Evaluated]:
        """Wait for something to happen, if asked to, and yield the results that came.

        Raises:
            FirstProgramError: a program failed before any has succeeded.
            TooManyFailuresError: too many in a row have failed.
        """
        self.show(self._standing())
        arrival = self._next_arrival() if waits else self._arrival_at_hand()
        while arrival is not None:
            if isinstance(arrival, int):
                if self.stopped_by is not None:
                    self._hurry()
                self.stopped_by = arrival
                return
            evaluated = self._received(*arrival)
            if evaluated is not None:
                self._done += 1
                for listener in self.listeners:
                    listener(evaluated)
                yield evaluated
                self._tally.count(evaluated.outcome, evaluated.number, evaluated.reason)
            arrival = self._arrival_at_hand()
        self._enforce()

    def _arrival_at_hand(self) -> _Arrival | int | None:
        return None if self._arrived.empty() else self._arrived.get()

    def _next_arrival(self) -> _Arrival | int | None:
        ends = [job.kill_at for job in self._jobs]
        if self.plan.timeout is not None:
            ends += [job.began + self.plan.timeout for job in self._jobs if job.stopped is None]
        seconds = min(ends, default=float("inf")) - self.timer()
        try:
            return self._arrived.get(timeout=min(max(seconds, 0.0), _TICK))
        except Empty:
            return None

    def _received(self, job: Job, code: int | Trouble) -> Evaluated | None:
        """Tell the store what came of a job; None where nothing is to be told.

        Raises:
            FirstProgramError: it failed before any has succeeded.
        """
        self._free(job)
        if job.stopped == "interrupted":
            return None
        if job.stopped == "settled":
            LOGGER.info("id %d has an outcome from elsewhere; stopped here", job.suggestion.id)
            return None
        found = self._found(job, code)
        if isinstance(found, Trouble) and found.kind != "late":
            self._judge(job, found)
        return self._evaluated(job, found, *self._share.tell(job.suggestion, found))

    def _free(self, job: Job) -> None:
        self._places[self._places.index(job)] = None
        if job.program is not None:
            self._lifeline.ended(job.program.pid)

    def _found(self, job: Job, code: int | Trouble) -> Measured | Trouble:
        if job.stopped == "late":
            return Trouble(f"no result within {self.plan.timeout:g} s", "late")
        if isinstance(code, Trouble):
            return code
        return self.evaluation.outcome(job.suggestion, code)

    def _judge(self, job: Job, trouble: Trouble) -> None:
        """Raise what is a mistake most likely, before it is recorded."""
        has_succeeded = self.state.n_observed > 0
        is_hopeless = trouble.kind == "unreadable" and not has_succeeded
        if self._tally.is_enough(has_succeeded) or is_hopeless:
            folder, reason = self.evaluation.folder_of(job.suggestion), trouble.reason
            said = []
            if trouble.kind == "unreadable":
                reason += ". With --pattern or --result it is read from elsewhere"
            else:
                said = tail(folder / "stderr", _TAIL)
            raise FirstProgramError(job.suggestion.id, reason, str(folder), said)

    def _evaluated(
        self, job: Job, found: Measured | Trouble, outcome: Happening, reason: str
    ) -> Evaluated:
        measured = found if isinstance(found, Measured) and not reason else None
        trial = self.state.history.of_id(job.suggestion.id)
        assert trial is not None  # it was told just now
        return Evaluated(
            suggestion=job.suggestion,
            outcome=outcome,
            target=measured and measured.target,
            std=measured and measured.std,
            reason=reason,
            seconds=self.timer() - job.began,
            finished=self.state.n_over,
            n_trials=self.plan.n_trials,
            best=best_or_none(self.state),
            number=trial.number,
        )

    # --- stopping ---

    def _enforce(self) -> None:
        """Stop what is late, and kill what does not stop."""
        now = self.timer()
        for job in self._jobs:
            if self.plan.timeout is not None and now - job.began >= self.plan.timeout:
                self._end(job, "late")
            if now >= job.kill_at and job.program is not None:
                job.program.kill()
                job.kill_at = float("inf")

    def _end(self, job: Job, why: Literal["late", "settled", "interrupted"]) -> None:
        """Ask a program to end, unless it was asked before or has ended by itself."""
        if job.stopped is None and job.program is not None and job.program.terminate():
            job.stopped, job.kill_at = why, self.timer() + _GRACE

    def _interrupt(self) -> None:
        for job in self._jobs:
            self._end(job, "interrupted")

    def _hurry(self) -> None:
        for job in self._jobs:
            job.kill_at = self.timer()

    def _leave(self) -> None:
        """Leave no program running, and no claim but to what is pending."""
        try:
            self._interrupt()
            while any(job.stopped for job in self._jobs):
                arrival = self._next_arrival()
                if isinstance(arrival, int):
                    self._hurry()
                elif arrival is not None:
                    self._free(arrival[0])
                self._enforce()
        finally:
            self._lifeline.close()
            self._share.close()
            self.show(self._standing())

    def _standing(self) -> Standing:
        now = self.timer()
        is_waiting = not self._jobs and self.stopped_by is None
        places = tuple(self._places)
        return Standing(
            self.state, self.plan, places, now, now - self._began, self._done, is_waiting
        )
