"""Random studies: calls of every kind, in any order, as a farm with a bad network makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from spaces import finite, learned_by, turns

import asktell as at

Call = tuple[str, int]

LIFE = ["suggest", "suggest", "renew", "renew", "expire", "observe", "fail"]
CORRECTIONS = ["own", "amend", "void", "forget"]
SECOND_TRIES = ["retry", "retry", "retry failed"]
CHANGES = ["enqueue", "enqueue", "fixed", "space", "learn"]


def calls(actions: list[str], max_size: int = 40) -> st.SearchStrategy[list[Call]]:
    """Return a strategy for calls of these kinds; the number says what each is about."""
    return st.lists(st.tuples(st.sampled_from(actions), st.integers(0, 20)), max_size=max_size)


POLICIES = st.fixed_dictionaries({"retries": st.integers(0, 2), "expiries": st.integers(0, 3)})


def start(**policy: Any) -> at.State:
    """Return an empty study, all of whose suggestions are from the initial design."""
    settings = at.Settings(n_initial=10**6, **policy)
    return at.State.start(finite(), seed=3, settings=settings)


def after(state: at.State, done: list[Call], first: int = 0) -> at.State:
    """Return the state after some calls, one a second from the moment ``first`` on."""
    for second, (action, number) in enumerate(done, start=first):
        state = _next(state, action, number, float(second))
    return state


def _configuration(space: at.Space, number: int) -> dict[str, Any]:
    """Return some params of a finite space without continuum."""
    point = space.sample(np.random.default_rng(number).random((1, space.dim)))
    return space.params(space.decode(point)[0])


def _next(state: at.State, action: str, number: int, now: float) -> at.State:
    """Return the next state; a call that is refused changes nothing."""
    known = number % (state.next_id or 1)
    try:
        if action == "suggest":
            lease = [None, 1.5, 4.0][number % 3]
            return at.suggest(state, 1 + number % 2, now=now, lease=lease)[0]
        if action == "renew":
            return at.renew(state, known, now, 2.5)
        if action == "expire":
            return at.expire(state, now)[0]
        if action == "observe":
            return at.observe(state, known, number / 8, now=now)
        if action == "fail":
            return at.fail(state, known, f"failed at {now}")
        if action == "own":
            return at.observe(state, _configuration(state.space, number), -number / 8)
        if action == "enqueue":
            params = _configuration(state.space, number)
            names = list(params)[number % 3 :]
            return at.enqueue(state, {name: params[name] for name in names}, now=now)
        if action == "fixed":
            params = _configuration(state.space, number)
            name = list(params)[number % len(params)]
            return at.suggest(state, 2, fixed={name: params[name]}, now=now)[0]
        if action == "space":
            space, had = turns()[number % len(turns())]
            return at.change_space(state, space, had, now=now)[0]
        if action == "learn":
            return at.learn_from(state, *learned_by(state.space), now=now)[0]
        if action == "amend":
            return at.amend(state, known, number / 4)
        if action == "void":
            return at.amend(state, known, float("nan"), now=now)
        if action == "retry":
            return at.retry(state, known, now=now)
        if action == "retry failed":
            return at.retry_failed(state)[0]
        return at.forget(state, known)
    except (at.errors.InvalidValueError, at.SpaceExhausted):
        return state
