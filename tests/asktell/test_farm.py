"""A farm at its worst, step by step, against a model of it that is plain enough to believe."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

import asktell as at
from asktell import errors

IDS = st.integers(0, 40)
TARGETS = st.sampled_from([0.0, 1.0, 2.0])


class Params:
    """What the model knows of one configuration."""

    def __init__(self) -> None:
        self.pending: int | None = None
        self.expires: float | None = None
        self.due = False
        self.lost: set[int] = set()
        self.failed: set[int] = set()
        self.given_up = False
        self.outcome: float | str | None = None


class Farm(RuleBasedStateMachine):
    """Every call is made on an engine, on one that is resumed after every call, and on a model."""

    @initialize(
        retries=st.integers(0, 2), expiries=st.integers(0, 2), n_initial=st.sampled_from([2, 99])
    )
    def start(self, retries: int, expiries: int, n_initial: int) -> None:
        self.options = at.Settings(
            n_initial=n_initial,
            n_candidates=16,
            n_starts=1,
            retries=retries,
            expiries=expiries,
        )
        space = at.Space(at.Int("n", 0, 7))
        self.engine = at.Engine(space, seed=1, settings=self.options)
        self.resumed = at.Engine(space, seed=1, settings=self.options)
        self.now = 0.0
        self.handed_out: list[int] = []  # the configuration of each id
        self.params = {n: Params() for n in range(8)}
        self.due: list[int] = []
        self.ledger: list[tuple[int | None, float]] = []
        self.failures = 0

    def both(self, call: str, *arguments: Any, **keywords: Any) -> Any:
        answers = []
        for engine in (self.engine, self.resumed):
            try:
                answers.append(getattr(engine, call)(*arguments, **keywords))
            except errors.AskTellError as error:
                answers.append(type(error))
        assert answers[0] == answers[1]
        saved = json.dumps(self.resumed.to_dict(), allow_nan=False)
        self.resumed = at.Engine.from_dict(json.loads(saved))
        return answers[0]

    @rule(lease=st.sampled_from([None, 1.0, 5.0]), n=st.integers(1, 3))
    def suggest(self, lease: float | None, n: int) -> None:
        batch = self.both("suggest_batch", n, now=self.now, lease=lease)
        fresh = [p for p in self.params.values() if self.is_fresh(p)]
        if batch is at.SpaceExhausted:
            assert not self.due
            assert not fresh
            return
        assert len(batch) == min(n, len(self.due) + len(fresh))
        for suggestion in batch:
            n = suggestion.params["n"]
            params = self.params[n]
            assert suggestion.id == len(self.handed_out)
            assert (suggestion.origin == "again") == bool(self.due)
            if self.due:
                assert self.due.pop(0) == n
            else:
                assert self.is_fresh(params)
            self.handed_out.append(n)
            expires = None if lease is None else self.now + lease
            params.pending, params.expires, params.due = suggestion.id, expires, False

    def is_fresh(self, params: Params) -> bool:
        idle = params.pending is None and not params.due and not params.lost and not params.failed
        return idle and params.outcome is None

    @rule(seconds=st.sampled_from([0.0, 1.0, 3.0]))
    def expire(self, seconds: float) -> None:
        self.now += seconds
        ended = self.both("expire", self.now)
        ids = [n for n, p in self.params.items() if p.expires is not None and p.expires <= self.now]
        expected = {self.params[n].pending for n in ids}
        assert {suggestion.id for suggestion in ended} == expected
        for suggestion in ended:
            params = self.params[suggestion.params["n"]]
            params.lost.add(suggestion.id)
            params.pending = params.expires = None
            if len(params.lost - params.failed) > self.options.expiries:
                params.given_up = True
                self.failures += 1
            else:
                self.make_due(suggestion.params["n"])

    def make_due(self, n: int) -> None:
        self.params[n].due = True
        self.due.append(n)

    def settle(self, n: int, outcome: float | str) -> None:
        params = self.params[n]
        params.outcome, params.pending, params.expires = outcome, None, None
        if params.due:
            params.due = False
            self.due.remove(n)

    @precondition(lambda self: self.handed_out)
    @rule(choice=IDS, lease=st.sampled_from([0.5, 4.0]))
    def renew(self, choice: int, lease: float) -> None:
        trial = choice % len(self.handed_out)
        n = self.handed_out[trial]
        params = self.params[n]
        answer = self.both("renew", trial, self.now, lease)
        if params.pending == trial:
            params.expires = max(params.expires or 0.0, self.now + lease)
        elif params.due and trial not in params.failed:
            params.due, params.pending, params.expires = False, trial, self.now + lease
            self.due.remove(n)
        else:
            assert answer is errors.LeaseError
            return
        assert answer is None

    @precondition(lambda self: self.handed_out)
    @rule(choice=IDS, number=TARGETS, by=st.sampled_from(["id", "batch"]))
    def observe(self, choice: int, number: float, by: str) -> None:
        trial = choice % len(self.handed_out)
        n = self.handed_out[trial]
        params = self.params[n]
        if by == "id":
            answer = self.both("observe", trial, number)
        else:
            (delivery,) = self.both_batches(trial, number)
            answer = type(delivery.error) if delivery.error else delivery.outcome
        if params.outcome == number:
            assert answer == "repeated"
        elif params.outcome is not None:
            assert answer is errors.ConflictError
        else:
            assert answer == ("recorded" if params.pending == trial else "late")
            self.ledger.append((trial, number))
            self.settle(n, number)

    def both_batches(self, trial: int, target: float) -> list[at.Delivery]:
        one, other = (e.observe_batch([(trial, target)]) for e in (self.engine, self.resumed))
        assert [delivery.outcome for delivery in one] == [delivery.outcome for delivery in other]
        return one

    @precondition(lambda self: self.handed_out)
    @rule(choice=IDS, number=st.sampled_from([None, math.nan, math.inf]))
    def fail(self, choice: int, number: float | None) -> None:
        trial = choice % len(self.handed_out)
        n = self.handed_out[trial]
        params = self.params[n]
        call = ("fail", trial, "no") if number is None else ("observe", trial, number)
        answer = self.both(*call)
        if trial in params.failed or params.outcome == "failed":
            assert answer == "repeated"
        elif params.outcome is not None:
            assert answer is errors.ConflictError
        elif not params.given_up and params.pending not in (None, trial):
            assert answer == "retried"
            params.failed.add(trial)
        elif not params.given_up and len(params.failed) < self.options.retries:
            assert answer == "retried"
            params.failed.add(trial)
            params.pending = params.expires = None
            if not params.due:
                self.make_due(n)
        else:
            assert answer == "failed"
            self.failures += 1
            self.settle(n, "failed")

    @rule(n=st.integers(0, 7), number=TARGETS)
    def observe_params(self, n: int, number: float) -> None:
        params = self.params[n]
        fresh = self.is_fresh(params)
        answer = self.both("observe", {"n": n}, number)
        if fresh:
            assert answer == "unasked"
            self.ledger.append((None, number))
            self.settle(n, number)
        elif params.outcome == number:
            assert answer == "repeated"
        elif params.outcome is not None:
            assert answer is errors.ConflictError
        else:
            assert answer == ("late" if params.pending is None else "recorded")
            owner = self.engine.observations[-1].id
            assert owner is not None
            assert self.handed_out[owner] == n
            self.ledger.append((owner, number))
            self.settle(n, number)

    @invariant()
    def the_engine_agrees_with_the_model(self) -> None:
        if not hasattr(self, "engine"):
            return
        state = self.engine.state
        assert self.resumed.state == state
        pending = {s.id: s.expires for s in state.pending}
        assert len(pending) == len(state.pending)
        assert pending == {
            p.pending: p.expires for p in self.params.values() if p.pending is not None
        }
        assert [params["n"] for params in self.engine.due] == self.due
        assert [(o.id, o.target) for o in state.observations] == self.ledger
        assert len(state.failures) == self.failures

    def teardown(self) -> None:
        """Let every worker die from here on: nothing may wait for ever."""
        if not hasattr(self, "engine"):
            return
        for suggestion in self.engine.pending:
            self.engine.renew(suggestion, self.now, 1.0)
        for _ in range(8 * 4):
            self.now += 10.0
            self.engine.expire(self.now)
            if not self.engine.due:
                break
            self.engine.suggest_batch(len(self.engine.due), now=self.now, lease=1.0)
        assert (self.engine.pending, self.engine.due) == ([], [])


TestFarm = Farm.TestCase
TestFarm.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_space_in_which_nearly_everything_fails_progresses() -> None:
    space = at.Space(at.Int("a", 0, 9), at.Int("b", 0, 9))
    options = at.Settings(n_candidates=32, n_starts=1, retries=1, expiries=1)
    engine = at.Engine(space, seed=4, settings=options)
    now, tried = 0.0, []
    while len(engine.failures) + len(engine.observations) < 100:
        suggestion = engine.suggest(now=now, lease=1.0)
        tried.append((suggestion.params["a"], suggestion.params["b"]))
        now += 2.0
        if suggestion.params == {"a": 7, "b": 3}:
            engine.observe(suggestion, 1.0)
        elif suggestion.params["a"] % 2:
            engine.fail(suggestion, "always")
        else:
            engine.expire(now)  # nobody ever answers
    with pytest.raises(at.SpaceExhausted):
        engine.suggest()
    assert len(set(tried)) == 100
    assert len(tried) == 2 * 99 + 1
    assert len(engine.failures) == 99
    assert [o.params for o in engine.observations] == [{"a": 7, "b": 3}]
    assert (engine.pending, engine.due) == ([], [])
