"""Changes: whatever a call does to a state, its change does to the dict and to the value."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import QUICK, finite

import asktell as at
from asktell.store.changes import advance, apply_change, change_between

SETTINGS = at.Settings(n_initial=10**6, retries=1, expiries=1)


def start() -> at.State:
    return at.State.start(finite(), seed=3, settings=SETTINGS)


def after(state: at.State, action: str, number: int) -> at.State:
    """Return the next state; a call that is refused changes nothing."""
    known = state.next_id or 1
    try:
        if action == "suggest":
            return at.suggest(state, 1 + number % 3, now=float(number), lease=3.0)[0]
        if action == "observe":
            return at.observe(state, number % known, number / 8)
        if action == "fail":
            return at.fail(state, number % known, "no")
        if action == "renew":
            return at.renew(state, number % known, float(number), 5.0)
        return at.expire(state, float(number))[0]
    except (at.errors.InvalidValueError, at.SpaceExhausted):
        return state


ACTIONS = st.sampled_from(["suggest", "suggest", "observe", "fail", "renew", "expire"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ACTIONS, st.integers(0, 20)), max_size=25), st.integers(1, 5))
def test_changes_lead_where_the_calls_led(calls: list[tuple[str, int]], together: int) -> None:
    states = [start()]
    for action, number in calls:
        states.append(after(states[-1], action, number))
    changes = [
        json.loads(json.dumps(change_between(before, then))) for before, then in pairwise(states)
    ]
    document = json.loads(json.dumps(states[0].to_dict()))
    for change, state in zip(changes, states[1:], strict=True):
        apply_change(document, change)
        assert document == state.to_dict()
    state = states[0]
    for first in range(0, len(changes), together):
        state = advance(state, changes[first : first + together])
        assert state == states[min(first + together, len(changes))]
    assert change_between(states[0], states[-1]) == {} or states[0] != states[-1]
    apply_change(document := states[0].to_dict(), change_between(states[0], states[-1]))
    assert document == states[-1].to_dict()


def test_a_change_holds_a_fit() -> None:
    before = at.State.start(finite(), settings=QUICK)
    for number in range(6):
        before, (suggestion,) = at.suggest(before)
        before = at.observe(before, suggestion, float(number))
    later, _ = at.suggest(before)
    change = change_between(before, later)
    assert change is not None
    assert change.keys() == {"next_id", "pending", "fit"}
    assert advance(before, [change]) == later


def test_the_change_of_an_observation_does_not_grow_with_the_state() -> None:
    state = start()
    sizes = []
    for number in range(40):
        state, (suggestion,) = at.suggest(state)
        told = at.observe(state, suggestion, number / 3)
        sizes.append(len(json.dumps(change_between(state, told))))
        state = told
    assert max(sizes) < min(sizes) + 30


@pytest.mark.parametrize(
    "other",
    [
        at.State.start(at.Space(at.Bool("d")), seed=3, settings=SETTINGS),
        at.State.start(finite(), seed=4, settings=SETTINGS),
        at.State.start(finite(), seed=3, settings=QUICK),
        at.State.start(finite(), seed=3, settings=SETTINGS, goal="minimize"),
    ],
)
def test_another_study_is_no_change(other: at.State) -> None:
    assert change_between(start(), other) is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ([], "$"),
        ({"seed": 2}, "$.seed"),
        ({"pending": []}, "$.pending"),
        ({"pending": {"start": 0, "stop": 0}}, "$.pending"),
        ({"pending": {"start": 0, "stop": 1, "rows": []}}, "$.pending"),
        ({"pending": {"start": 1, "stop": 0, "rows": []}}, "$.pending"),
        ({"pending": {"start": True, "stop": 0, "rows": []}}, "$.pending"),
        ({"pending": {"start": 0, "stop": 0, "rows": {}}}, "$.pending.rows"),
    ],
)
def test_what_is_no_change_is_refused_with_its_path(change: Any, place: str) -> None:
    for make in (
        lambda: apply_change(start().to_dict(), change),
        lambda: advance(start(), [change]),
    ):
        with pytest.raises(at.errors.StateError) as caught:
            make()
        assert caught.value.place == place


def test_rows_are_checked_as_everywhere() -> None:
    change = {"due": {"start": 0, "stop": 0, "rows": [{"a": 99}]}}
    with pytest.raises(at.errors.StateError, match=r"^\$\.due\[0\]"):
        advance(start(), [change])


def test_a_file_without_the_rows_is_refused() -> None:
    change = {"due": {"start": 0, "stop": 0, "rows": []}}
    with pytest.raises(at.errors.StateError, match=r"^\$\.due"):
        apply_change({"schema": 2}, change)
