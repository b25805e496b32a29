"""A crew's share of a study: leases renewed, the dead inherited from, others left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import asktell as at
from asktell.errors import DefinitionError
from asktell.programs.evaluation import Measured, Trouble
from asktell.programs.share import Share
from asktell.store import Store
from asktell.study.events import Expired, Renewed

SPACE = at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 1, 9))
LEASE = 100.0


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1e-3  # no two moments are equal
        return self.now


Begin = Callable[..., Share]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "s.json")
    store.create(at.State.start(SPACE))
    return store


@pytest.fixture
def begin(store: Store, tmp_path: Path, clock: Clock) -> Iterator[Begin]:
    """Return a function that makes an open share; in the end all are dead."""
    with ExitStack() as stack:

        def begun(n_trials: int | None = None) -> Share:
            share = Share(store, store.read(), n_trials, LEASE, clock)
            stack.callback(share.open(tmp_path / "trials")._file.close)
            return share

        yield begun


def kill(share: Share) -> None:
    assert share._claims is not None
    share._claims._file.close()


def taken(share: Share) -> at.Suggestion:
    suggestion = share.take()
    assert suggestion is not None
    return suggestion


def test_a_suggestion_is_taken_and_told(begin: Begin, store: Store) -> None:
    share = begin(n_trials=1)
    suggestion = taken(share)
    assert suggestion.expires == pytest.approx(1000.0 + LEASE, abs=1)
    assert share.take() is None  # it completes the number
    assert not share.is_complete()
    assert share.tell(suggestion, Measured(0.5, 0.1)) == ("recorded", "")
    assert share.is_complete()
    assert [(one.target, one.std) for one in store.read().observations] == [(0.5, 0.1)]


def test_what_others_took_a_moment_ago_counts(begin: Begin) -> None:
    first, second = begin(n_trials=2), begin(n_trials=2)
    taken(first)
    taken(second)
    assert (first.take(), second.take()) == (None, None)


def test_failures_are_told_with_their_reason(begin: Begin, store: Store) -> None:
    share = begin()
    assert share.tell(taken(share), Trouble("exit code 3", "exit")) == ("failed", "exit code 3")
    assert share.tell(taken(share), Measured(float("nan"), None)) == ("failed", "the target is nan")
    suggestion = taken(share)
    store.observe(suggestion, 0.25)
    outcome, reason = share.tell(suggestion, Measured(0.5, None))
    assert outcome == "conflict"
    assert "the outcome known already, 0.25" in reason
    assert [one.reason for one in store.read().failures] == ["exit code 3", "the target is nan"]


def test_leases_are_renewed_when_half_is_over(begin: Begin, store: Store, clock: Clock) -> None:
    share = begin()
    suggestion = taken(share)
    clock.now += LEASE / 2 - 1
    share.tend()
    assert not any(isinstance(event, Renewed) for event in store.read().events)
    clock.now += 2
    share.tend()
    (pending,) = store.read().pending
    assert pending.expires == pytest.approx(clock.now + LEASE, abs=1)
    clock.now += LEASE * 3  # the machine slept
    share.tend()
    assert share.has(suggestion)
    assert not any(isinstance(event, Expired) for event in store.read().events)


def test_what_another_expired_is_taken_back(begin: Begin, store: Store, clock: Clock) -> None:
    share = begin()
    suggestion = taken(share)
    store.expire(clock.now + LEASE + 1)
    share.tend()
    assert share.has(suggestion)
    assert [one.id for one in store.read().pending] == [suggestion.id]


def test_what_has_an_outcome_from_elsewhere_is_no_more(begin: Begin, store: Store) -> None:
    share = begin()
    first, second = taken(share), taken(share)
    store.fail(first, "by hand")
    share.tend()
    assert not share.has(first)
    assert share.has(second)


def test_the_dead_leave_what_they_had_under_the_same_ids(begin: Begin, store: Store) -> None:
    first = begin()
    ids = [taken(first).id, taken(first).id]
    second = begin()
    second.tend()
    assert taken(second).id == 2  # the first lives
    kill(first)
    second.tend()
    assert [taken(second).id, taken(second).id, taken(second).id] == [*ids, 3]
    assert not any(isinstance(event, Expired) for event in store.read().events)


def test_a_run_killed_between_its_claim_and_its_suggestion_claims_nothing(
    begin: Begin, clock: Clock
) -> None:
    first = begin()
    assert first._claims is not None
    first._claims.add(clock())
    kill(first)
    second = begin()
    second.tend()
    assert taken(second).id == 0


def test_an_inherited_suggestion_may_be_told_by_another(begin: Begin, store: Store) -> None:
    first = begin()
    suggestion = taken(first)
    kill(first)
    second = begin()
    second.tend()
    store.observe(suggestion, 0.5)
    second.tend()
    assert taken(second).id != suggestion.id


def test_leases_of_other_machines_are_waited_for(begin: Begin, store: Store, clock: Clock) -> None:
    store.suggest(now=clock(), lease=10.0)
    share = begin(n_trials=1)
    share.tend()
    assert share.take() is None
    assert not share.is_complete()
    clock.now += 11.0
    share.tend()
    assert (taken(share).id, share.is_complete()) == (1, False)


def test_suggestions_without_a_lease_are_nobodys_to_wait_for(begin: Begin, store: Store) -> None:
    store.suggest()
    share = begin(n_trials=1)
    share.tend()
    assert taken(share).id == 1


def test_a_space_that_is_used_up(tmp_path: Path, clock: Clock) -> None:
    store = Store(tmp_path / "t.json")
    store.create(at.State.start(at.Space(at.Bool("b")), settings=at.Settings(retries=1)))
    share = Share(store, store.read(), None, LEASE, clock)
    first, second = taken(share), taken(share)
    assert share.take() is None
    share.tell(second, Measured(1.0, None))
    assert share.take() is None
    assert not share.is_complete()
    assert share.tell(first, Trouble("why", "exit")) == ("retried", "why")
    assert not share.is_complete()
    again = taken(share)
    assert (again.params, again.origin) == (first.params, "again")
    share.tell(again, Measured(2.0, None))
    assert share.take() is None
    assert share.is_complete()
    share.close()


def test_closing_leaves_what_is_pending_to_the_next(begin: Begin, tmp_path: Path) -> None:
    share = begin()
    suggestion = taken(share)
    share.close()
    second = begin()
    second.tend()
    assert taken(second).id == suggestion.id
    second.tell(suggestion, Measured(1.0, None))
    second.close()
    assert list((tmp_path / "trials" / "runs").iterdir()) == []


def test_a_lease_must_be_one(store: Store, clock: Clock) -> None:
    with pytest.raises((DefinitionError, at.errors.LeaseError)):
        Share(store, store.read(), None, -1.0, clock).take()
