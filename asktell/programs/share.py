"""What a crew has of a study: suggestions with leases, in a store that others use as well."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from attrs import define, field

from asktell.drivers.evaluated import Happening
from asktell.errors import ConflictError, LeaseError, SpaceExhausted
from asktell.programs.claims import Claims
from asktell.programs.evaluation import Measured, Trouble
from asktell.state import State
from asktell.store import Store
from asktell.study.views import Suggestion
from asktell.telling import deliver, deliver_failure, expire, renew
from asktell.telling.delivery import reason_of

R = TypeVar("R")


@define(eq=False)
class Share:
    """A crew's share of a study.

    Attributes:
        state: the study, as it was at the last look.
        n_trials: so many configurations are to have an outcome; None for no limit.
        lease: seconds of the leases.
        clock: the time in seconds, on which leases run: the same for all who share the study.
        _taken: suggestions that were taken up and are not handed out yet.
        _leases: the end of the lease of each suggestion that is this crew's.
        _exhausted_at: the state in which there was nothing to suggest.
    """

    store: Store
    state: State
    n_trials: int | None
    lease: float
    clock: Callable[[], float] = time.time
    _claims: Claims | None = field(default=None, init=False)
    _taken: list[Suggestion] = field(factory=list, init=False)
    _leases: dict[int, float] = field(factory=dict, init=False)
    _exhausted_at: State | None = field(default=None, init=False)

    def open(self, folder: Path) -> Claims:
        """Begin to claim suggestions, in a file in the folder of all trials.

        Raises:
            StoreError: the file cannot be written or locked, or the store cannot be used.
        """
        self._claims = self._update(lambda state: (state, Claims(folder)))
        return self._claims

    def close(self) -> None:
        """Claim nothing any more but what is pending: for the next crew to take up."""

        def closed(state: State) -> tuple[State, None]:
            if self._claims is not None:
                self._claims.close(state)
            return state, None

        self._update(closed)

    def _update(self, function: Callable[[State], tuple[State, R]]) -> R:
        def work(state: State) -> tuple[State, tuple[State, R]]:
            after, result = function(state)
            return after, (after, result)

        self.state, result = self.store.update(work)
        return result

    # --- what others do, and leases ---

    def tend(self) -> None:
        """Look at the study; renew leases, take up what dead crews had, end leases that are over.

        What is this crew's no more is in no ``has`` afterwards.
        """
        self.state, now = self.store.read(), self.clock()
        mine = self._leases.keys() & set(self.state.out)
        ends = [one.expires for one in self.state.pending if one.id not in self._leases]
        if (
            len(mine) < len(self._leases)
            or any(self._is_short(number, now) for number in mine)
            or any(expires is not None and expires <= now for expires in ends)
            or (self._claims is not None and self._claims.have_others())
        ):
            self._update(partial(self._tended, now=now))
        for number in self._leases.keys() - set(self.state.out):
            del self._leases[number]
        self._taken = [suggestion for suggestion in self._taken if self.has(suggestion)]

    def has(self, suggestion: Suggestion) -> bool:
        """Tell whether a suggestion is this crew's: it may have an outcome from elsewhere."""
        return suggestion.id in self._leases

    def _is_short(self, number: int, now: float) -> bool:
        return self._leases[number] - now < self.lease / 2

    def _tended(self, state: State, now: float) -> tuple[State, None]:
        for number in list(self._leases):
            if number not in state.out or self._is_short(number, now):
                try:
                    state = renew(state, number, now, self.lease)
                except LeaseError:  # it has an outcome, or somebody else has it now
                    continue
                self._leases[number] = now + self.lease
        for suggestion in self._claims.orphans(state) if self._claims else []:
            state = renew(state, suggestion, now, self.lease)
            self._leases[suggestion.id] = now + self.lease
            self._taken.append(suggestion)
        return expire(state, now)[0], None

    # --- asking and telling ---

    def take(self) -> Suggestion | None:
        """Return what to evaluate next: what was taken up, or what is suggested.

        None where there is nothing, or where what is out completes the number of trials.
        """
        return self._taken.pop(0) if self._taken else self._asked()

    def _asked(self) -> Suggestion | None:
        self.state, now = self.store.read(), self.clock()  # others may have asked a moment ago
        at_work = len(self._leases) + self._n_elsewhere(now)
        if self.n_trials is not None and self.state.n_over + at_work >= self.n_trials:
            return None
        if self.state is self._exhausted_at:
            return None
        if self._claims is not None:
            self._claims.add(now)
        try:
            (suggestion,) = self.store.suggest(now=now, lease=self.lease)
        except SpaceExhausted:
            self._exhausted_at = self.state = self.store.read()
            return None
        self._leases[suggestion.id] = now + self.lease
        self.state = self.store.read()
        return suggestion

    def is_complete(self) -> bool:
        """Tell, of a crew that has nothing, whether there is nothing to wait for either."""
        if self._leases:
            return False
        if self.n_trials is not None and self.state.n_over >= self.n_trials:
            return True
        return self.state is self._exhausted_at and not self._n_elsewhere(self.clock())

    def _n_elsewhere(self, now: float) -> int:
        """Return how many suggestions others have, as far as their leases say."""
        return sum(
            one.id not in self._leases and one.expires is not None and one.expires > now
            for one in self.state.pending
        )

    def tell(self, suggestion: Suggestion, found: Measured | Trouble) -> tuple[Happening, str]:
        """Tell what came of a suggestion; return what became of that, and why it failed if it did.

        Raises:
            StoreError: the store cannot be used.
        """
        told = partial(_told, suggestion=suggestion, found=found, now=self.clock())
        result = self._update(told)
        self._leases.pop(suggestion.id, None)
        return result


def _told(
    state: State, suggestion: Suggestion, found: Measured | Trouble, now: float
) -> tuple[State, tuple[Happening, str]]:
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
