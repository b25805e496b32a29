"""The workers of one machine: programs that evaluate what a store suggests.

All that is known is in the store. So other processes can look and correct meanwhile, several crews
can share a study, and a crew that is killed loses nothing: the next one takes up what it had.

One thread does everything here. Others only wait for programs, and put the exit code of each in a
queue; so do signals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Literal, TypeVar

from attrs import define, field, frozen

from asktell.asking.know import best_or_none
from asktell.drivers.evaluated import Evaluated, Happening
from asktell.drivers.patience import Patience, Tally
from asktell.errors import ConflictError, FirstProgramError, LeaseError, SpaceExhausted
from asktell.log import LOGGER
from asktell.programs.claims import Claims
from asktell.programs.evaluation import Evaluation, Measured, Trouble, attempted
from asktell.programs.lifeline import Lifeline
from asktell.programs.program import Program
from asktell.programs.reading import tail
from asktell.state import State
from asktell.store import Store
from asktell.study.views import Suggestion
from asktell.telling import deliver, deliver_failure, expire, renew
from asktell.telling.delivery import reason_of

R = TypeVar("R")

_TICK = 1.0
"""Seconds between two looks at what others did to the state, and at leases."""

_GRACE = 5.0
"""Seconds that a program has to end itself when it is asked to; then it is killed."""

_TAIL = 12
"""Lines at the end of an output that are shown of a first program that failed."""


@frozen
class Plan:
    """How a crew works.

    Attributes:
        n_workers: how many programs run at once.
        n_trials: the crew ends when so many configurations have an outcome, those that were known
            before included; None for no limit.
        timeout: seconds after which a program is stopped, and has failed; None for no limit.
        lease: seconds of the leases, which are renewed in time. If this machine vanishes, crews on
            others wait for so long.
        patience: when the crew gives up.
    """

    n_workers: int = 1
    n_trials: int | None = None
    timeout: float | None = None
    lease: float = 120.0
    patience: Patience = field(factory=Patience)


@define(eq=False)
class Job:
    """A program at work.

    Attributes:
        began: on the timer.
        stopped: why it was asked to end: it is late, its trial has an outcome from elsewhere, or
            the crew stops.
        kill_at: then it is killed, on the timer.
    """

    suggestion: Suggestion
    began: float
    program: Program | None = None
    stopped: Literal["late", "settled", "interrupted"] | None = None
    kill_at: float = float("inf")


@frozen
class Standing:
    """How things are, for whoever shows it.

    Attributes:
        jobs: what runs; the worker of each is its place.
        seconds: since the crew began.
        done: how many trials it has finished itself.
        waiting: whether it waits for the trials of others.
    """

    state: State
    plan: Plan
    jobs: tuple[Job | None, ...]
    now: float
    seconds: float
    done: int
    waiting: bool


_Arrival = tuple[Job, int | Trouble]
"""A job, with the exit code of its program, or why that could not be started."""


@define(eq=False)
class Crew:
    """A crew: see the module.

    Attributes:
        state: the study, as it was when the crew last looked.
        show: called at least once a second.
        listeners: called with every result.
        stopped_by: the number of the signal that stopped it; None where it ended by itself.
        _places: the jobs, each at the place of its worker.
        _taken: suggestions of a dead crew that wait for a worker.
        _leases: until when those at work and those taken have leases.
        _exhausted_at: the state in which there was nothing to suggest.
    """

    store: Store
    evaluation: Evaluation
    plan: Plan
    state: State
    show: Callable[[Standing], object] = lambda standing: None
    listeners: list[Callable[[Evaluated], object]] = field(factory=list)
    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.monotonic
    stopped_by: int | None = field(default=None, init=False)
    _began: float = field(init=False)
    _places: list[Job | None] = field(init=False)
    _tally: Tally = field(init=False)
    _claims: Claims = field(init=False)
    _lifeline: Lifeline = field(init=False)
    _taken: list[Suggestion] = field(factory=list, init=False)
    _leases: dict[int, float] = field(factory=dict, init=False)
    _arrived: SimpleQueue[_Arrival | int] = field(factory=SimpleQueue, init=False)
    _exhausted_at: State | None = field(default=None, init=False)
    _looked: float = field(default=float("-inf"), init=False)
    _done: int = field(default=0, init=False)

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
        self._began = self.timer()
        self._places = [None] * self.plan.n_workers
        self._tally = Tally(self.plan.patience)
        self._claims = self._update(lambda state: (state, Claims(self.evaluation.folder)))
        self._lifeline = Lifeline([self._claims.fileno()])
        try:
            while self.stopped_by is None:
                self._tend()
                has_begun = self._begin_one()
                if self._is_done():
                    return
                yield from self._results(waits=not has_begun)
            self._interrupt("interrupted")
            while self._jobs:
                yield from self._results()
        finally:
            self._leave()

    @property
    def _jobs(self) -> list[Job]:
        return [job for job in self._places if job is not None]

    def _update(self, function: Callable[[State], tuple[State, R]]) -> R:
        def work(state: State) -> tuple[State, tuple[State, R]]:
            after, result = function(state)
            return after, (after, result)

        self.state, result = self.store.update(work)
        return result

    # --- what others did, and leases ---

    def _tend(self) -> None:
        """Renew leases, take up what dead crews had, end leases that are over."""
        if self.timer() - self._looked < _TICK:
            return
        self._looked = self.timer()
        self.state, now = self.store.read(), self.clock()
        mine = self._leases.keys() & set(self.state.out)
        ends = [one.expires for one in self.state.pending if one.id not in self._leases]
        if (
            len(mine) < len(self._leases)
            or any(self._is_short(number, now) for number in mine)
            or any(expires is not None and expires <= now for expires in ends)
            or self._claims.have_others()
        ):
            self._update(partial(self._tended, now=now))
        out = set(self.state.out)
        self._taken = [suggestion for suggestion in self._taken if suggestion.id in out]
        for job in self._jobs:
            if job.suggestion.id not in out and job.stopped is None:
                self._end(job, "settled")
        for number in self._leases.keys() - out:
            del self._leases[number]

    def _is_short(self, number: int, now: float) -> bool:
        return self._leases[number] - now < self.plan.lease / 2

    def _tended(self, state: State, now: float) -> tuple[State, None]:
        lease = self.plan.lease
        for number in list(self._leases):
            if number not in state.out or self._is_short(number, now):
                try:
                    state = renew(state, number, now, lease)
                except LeaseError:  # it has an outcome, or somebody else has it now
                    continue
                self._leases[number] = now + lease
        for suggestion in self._claims.orphans(state):
            state = renew(state, suggestion, now, lease)
            self._leases[suggestion.id] = now + lease
            self._taken.append(suggestion)
        return expire(state, now)[0], None

    # --- handing out ---

    def _begin_one(self) -> bool:
        """Start what was taken up, or what is suggested next; tell whether there was room for it.

        One at a time: the model takes a while for each, and results that come meanwhile are for
        the next to know.
        """
        place = next((place for place, job in enumerate(self._places) if job is None), None)
        if place is None or not (self._taken or self._ask()):
            return False
        self._start(place, self._taken.pop(0))
        return True

    def _ask(self) -> bool:
        """Take a suggestion from the store; tell whether there was any."""
        now = self.clock()
        n_at_work = len(self._leases) + self._n_elsewhere(now)
        most = self.plan.n_trials
        if most is not None and self.state.n_over + n_at_work >= most:
            return False
        if self.state is self._exhausted_at:
            return False
        self._claims.add(now)
        try:
            (suggestion,) = self.store.suggest(now=now, lease=self.plan.lease)
        except SpaceExhausted:
            self._exhausted_at = self.state = self.store.read()
            return False
        self._taken.append(suggestion)
        self._leases[suggestion.id] = now + self.plan.lease
        self.state = self.store.read()
        return True

    def _n_elsewhere(self, now: float) -> int:
        """Return how many suggestions others have, as far as their leases say."""
        return sum(
            one.id not in self._leases and one.expires is not None and one.expires > now
            for one in self.state.pending
        )

    def _is_done(self) -> bool:
        if self._jobs or self._taken:
            return False
        if self.plan.n_trials is not None and self.state.n_over >= self.plan.n_trials:
            return True
        return self.state is self._exhausted_at and not self._n_elsewhere(self.clock())

    def _start(self, place: int, suggestion: Suggestion) -> None:
        job = self._places[place] = Job(suggestion, self.timer())

        def start() -> None:
            job.program = Program.started(
                self.evaluation.start(suggestion),
                self._lifeline.began,
                lambda code: self._arrived.put((job, code)),
            )

        trouble = attempted(start)
        if trouble is not None:
            self._arrived.put((job, trouble))

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
        self._places[self._places.index(job)] = None
        if job.program is not None:
            self._lifeline.ended(job.program.pid)
        if job.stopped == "interrupted":
            return None
        if job.stopped == "settled":
            LOGGER.info("id %d has an outcome from elsewhere; stopped here", job.suggestion.id)
            return None
        found = self._found(job, code)
        if isinstance(found, Trouble) and found.kind != "late":
            self._judge(job, found)
        self._leases.pop(job.suggestion.id, None)
        told = partial(_told, suggestion=job.suggestion, found=found, now=self.clock())
        outcome, reason = self._update(told)
        return self._evaluated(job, found, outcome, reason)

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

    def _interrupt(self, why: Literal["interrupted"]) -> None:
        for job in self._jobs:
            self._end(job, why)

    def _hurry(self) -> None:
        for job in self._jobs:
            job.kill_at = self.timer()

    def _leave(self) -> None:
        """Leave no program running, and no claim but to what is pending."""
        try:
            self._interrupt("interrupted")
            while any(job.stopped for job in self._jobs):
                arrival = self._next_arrival()
                if isinstance(arrival, int):
                    self._hurry()
                elif arrival is not None:
                    self._places[self._places.index(arrival[0])] = None
                self._enforce()
        finally:
            self._lifeline.close()
            self._update(self._closed)
            self.show(self._standing())

    def _closed(self, state: State) -> tuple[State, None]:
        self._claims.close(state)
        return state, None

    def _standing(self) -> Standing:
        now = self.timer()
        is_waiting = not self._jobs and self.stopped_by is None
        places = tuple(self._places)
        return Standing(
            self.state, self.plan, places, now, now - self._began, self._done, is_waiting
        )


def _told(
    state: State, suggestion: Suggestion, found: Measured | Trouble, now: float
) -> tuple[State, tuple[Happening, str]]:
    """Return the next state, and what became of a result: why it failed, where it did."""
    try:
        if isinstance(found, Trouble):
            state, outcome = deliver_failure(state, suggestion, found.reason, now=now)
            return state, (outcome, found.reason)
        state, outcome = deliver(state, suggestion, found.target, found.std, now=now)
    except ConflictError as error:  # it has another outcome since a moment ago
        return state, ("conflict", str(error))
    failed = outcome in ("failed", "retried")
    reason = reason_of(state, state.problem.numbers(found.target)) if failed else ""
    return state, (outcome, reason)
