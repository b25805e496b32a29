"""Leases: when they end, what is offered again, heartbeats, and what is refused."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from spaces import QUICK, every_kind, finite, score

import asktell as at
from asktell import errors
from asktell.asking.evidence import dataset_of


def leased(n: int = 3, **settings: int) -> at.Engine:
    engine = at.Engine(finite(), seed=5, settings=at.Settings(**settings))
    engine.suggest_batch(n, now=100.0, lease=60.0)
    return engine


# --- giving a lease ---


def test_a_suggestion_says_when_its_lease_ends() -> None:
    engine = at.Engine(finite())
    assert engine.suggest(now=100, lease=Fraction(1, 2)).expires == 100.5
    assert engine.suggest(now=-5.0, lease=np.float32(2)).expires == -3.0
    assert engine.suggest().expires is None
    assert engine.suggest(now=100.0).expires is None
    assert [type(s.expires) for s in engine.pending[:2]] == [float, float]


@pytest.mark.parametrize("lease", [0, 0.0, -1.0, math.nan, math.inf, "60", True, 10**400, [1.0]])
def test_a_lease_that_is_none_is_refused(lease: Any) -> None:
    engine = leased()
    before = engine.state
    for call in (
        lambda: engine.suggest(now=0.0, lease=lease),
        lambda: engine.renew(0, now=0.0, lease=lease),
    ):
        with pytest.raises(errors.LeaseError, match=r"^\$\.lease: got .* expected seconds"):
            call()
    with pytest.raises(errors.LeaseError, match=r"\$\.lease: got None"):
        engine.renew(0, now=0.0, lease=None)  # type: ignore[arg-type]
    assert engine.state is before


@pytest.mark.parametrize("now", [None, math.nan, -math.inf, "now", True, 10**400, [0.0], 1j])
def test_a_moment_that_is_none_is_refused(now: Any) -> None:
    engine = leased()
    before = engine.state
    for call in (
        lambda: engine.suggest(now=now, lease=1.0),
        lambda: engine.suggest_batch(2, now="now" if now is None else now),
        lambda: engine.renew(0, now=now, lease=1.0),
        lambda: engine.expire(now),
    ):
        with pytest.raises(errors.LeaseError, match=r"^\$\.now: got .* expected the time"):
            call()
    assert engine.state is before


def test_a_lease_that_ends_beyond_the_floats_is_refused() -> None:
    with pytest.raises(errors.LeaseError, match="a shorter lease"):
        at.suggest(at.State.start(finite()), now=1.7e308, lease=1.7e308)


# --- the end of a lease ---


def test_a_lease_ends_at_its_moment_and_not_before() -> None:
    engine = leased(1)
    before = engine.state
    assert engine.expire(159.99) == []
    assert engine.state is before
    assert [suggestion.id for suggestion in engine.expire(160.0)] == [0]
    assert engine.pending == []


def test_what_has_no_lease_never_expires() -> None:
    engine = at.Engine(finite())
    engine.suggest()
    assert engine.expire(1e300) == []
    assert len(engine.pending) == 1


def test_what_expired_is_offered_again_first_and_in_order() -> None:
    engine = leased(3)
    expected = [suggestion.params for suggestion in engine.pending]
    assert len(engine.expire(200.0)) == 3
    assert engine.due == expected
    batch = engine.suggest_batch(4, now=200.0, lease=10.0)
    assert [suggestion.params for suggestion in batch[:3]] == expected
    assert [suggestion.id for suggestion in batch] == [3, 4, 5, 6]
    assert [suggestion.origin for suggestion in batch] == ["again", "again", "again", "initial"]
    assert {suggestion.expires for suggestion in batch} == {210.0}
    assert engine.due == []


def test_the_model_takes_what_is_due_as_pending() -> None:
    engine = at.Engine(every_kind(), seed=1, settings=QUICK)
    for suggestion in engine.suggest_batch(6):
        engine.observe(suggestion, score(suggestion.params))
    engine.suggest_batch(2, now=0.0, lease=1.0)
    waiting = dataset_of(engine.state).pending
    engine.expire(1.0)
    assert len(engine.due) == 2
    np.testing.assert_array_equal(dataset_of(engine.state).pending, waiting)


def test_a_space_whose_last_params_are_due_is_not_used_up() -> None:
    engine = at.Engine(at.Space(at.Bool("a")))
    engine.observe(engine.suggest(), 1.0)
    last = engine.suggest(now=0.0, lease=1.0)
    with pytest.raises(at.SpaceExhausted):
        engine.suggest()
    engine.expire(1.0)
    assert engine.suggest().params == last.params
    with pytest.raises(at.SpaceExhausted):
        engine.suggest()


def test_params_that_lose_every_worker_count_as_failed() -> None:
    engine = leased(1, expiries=2)
    poison = engine.pending[0].params
    for moment in (200.0, 300.0):
        engine.expire(moment)
        assert engine.suggest(now=moment, lease=1.0).params == poison
    assert [suggestion.id for suggestion in engine.expire(400.0)] == [2]
    (failure,) = engine.failures
    assert (failure.id, failure.params, failure.cause) == (2, poison, "expired")
    assert failure.reason == "leases that expired without an answer: 3"
    assert engine.due == []
    assert engine.suggest().params != poison


def test_an_answer_that_failed_is_no_lost_lease() -> None:
    engine = leased(1, expiries=1, retries=5)
    for moment in (200.0, 300.0, 400.0):
        (expired,) = engine.expire(moment)
        assert engine.fail(expired, "slow, then failed") == "retried"
        engine.suggest(now=moment, lease=1.0)
    assert engine.failures == []


# --- heartbeats ---


def test_a_heartbeat_extends_a_lease_and_never_shortens_it() -> None:
    engine = leased(2)
    engine.renew(0, now=150.0, lease=60.0)
    assert [suggestion.expires for suggestion in engine.pending] == [210.0, 160.0]
    engine.renew(engine.pending[0], now=120.0, lease=60.0)  # overtaken by the one before it
    engine.renew(engine.pending[1].params, now=150.0, lease=60)
    assert [suggestion.expires for suggestion in engine.pending] == [210.0, 210.0]
    assert [suggestion.id for suggestion in engine.pending] == [0, 1]


def test_a_heartbeat_gives_a_lease_to_what_had_none() -> None:
    engine = at.Engine(finite())
    engine.suggest()
    engine.renew(0, now=-9.0, lease=1.0)
    assert engine.pending[0].expires == -8.0


def test_a_late_heartbeat_takes_a_suggestion_back() -> None:
    engine = leased(2)
    first, second = engine.pending
    engine.expire(200.0)
    engine.renew(first, now=201.0, lease=60.0)
    assert [(s.id, s.expires) for s in engine.pending] == [(0, 261.0)]
    assert engine.due == [second.params]
    assert engine.observe(0, 1.0) == "recorded"
    assert at.State.from_dict(engine.to_dict()) == engine.state


def test_a_lease_that_expires_twice_is_one_lost_worker() -> None:
    engine = leased(1, expiries=1)
    for moment in (200.0, 300.0, 400.0):
        engine.expire(moment)
        engine.renew(0, now=moment, lease=10.0)
    assert [ticket.standing for ticket in engine.trials[0].tickets] == ["out"]
    assert engine.trials[0].ids == (0,)
    engine.fail(0, "at last")
    assert [failure.cause for failure in engine.failures] == ["reported"]


def observed(engine: at.Engine) -> None:
    engine.observe(0, 1.5)


def failed(engine: at.Engine) -> None:
    engine.fail(0, "out of memory")


def offered_again(engine: at.Engine) -> None:
    engine.expire(200.0)
    engine.suggest()


def settled_late(engine: at.Engine) -> None:
    offered_again(engine)
    engine.observe(1, 1.5)


def tried_again_and_observed(engine: at.Engine) -> None:
    engine.fail(0, "out of memory")
    engine.retry_failed()
    engine.observe(engine.suggest(), 1.5)


@pytest.mark.parametrize(
    ("settings", "event", "became"),
    [
        ({}, observed, "observed: 1.5"),
        ({}, settled_late, "observed: 1.5"),
        ({}, failed, "count as failed: out of memory"),
        ({}, tried_again_and_observed, "observed: 1.5"),
        ({"retries": 1}, failed, "this one failed: out of memory"),
        ({}, offered_again, "offered again, as suggestion 1"),
        ({"expiries": 0}, lambda engine: engine.expire(200.0), "without an answer: 1"),
    ],
)
def test_what_waits_no_more_cannot_be_renewed(
    settings: dict[str, int], event: Any, became: str
) -> None:
    engine = leased(1, **settings)
    event(engine)
    before = engine.state
    with pytest.raises(errors.LeaseError, match=became) as caught:
        engine.renew(0, now=200.0, lease=60.0)
    assert caught.value.place == "$.id"
    assert engine.state is before


def test_what_was_never_suggested_has_no_lease() -> None:
    engine = leased(1)
    with pytest.raises(errors.UnknownSuggestionError):
        engine.renew(7, now=0.0, lease=1.0)
    with pytest.raises(errors.LeaseError, match="params of a pending suggestion"):
        engine.renew(finite().params((3, "high", "v", False, 0.5)), now=0.0, lease=1.0)
