"""An engine that is interrupted anywhere is as it was before the call, or as after it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from interrupts import interrupt_after, interrupt_at, real_signals
from spaces import QUICK, every_kind, score

import asktell as at
from asktell.state import State, replay

CODE = Path(at.__file__).parent


def begun() -> at.Engine:
    engine = at.Engine(every_kind(), seed=4, settings=QUICK)
    for _ in range(5):
        engine.observe(suggestion := engine.suggest(), score(suggestion.params))
    engine.suggest()
    return engine


OWN = (0.25, 0.125, 0.5, 3, 10, 4, "rbf", True)
CALLS: dict[str, Callable[[at.Engine], Any]] = {
    "observe": lambda engine: engine.observe(5, 0.5),
    "fail": lambda engine: engine.fail(5, "no"),
    "amend": lambda engine: engine.amend(2, 0.5),
    "forget": lambda engine: engine.forget(2),
    "again": lambda engine: engine.observe(engine.space.params(OWN), 0.25),
}


@pytest.mark.parametrize("verb", CALLS)
def test_an_interrupt_before_any_line_leaves_the_state_before_or_after(verb: str) -> None:
    call, engine = CALLS[verb], begun()
    before = engine.state
    after_all = at.Engine.from_state(before)
    call(after_all)
    line = 1
    while interrupt_at(line, partial(call, engine), CODE):
        assert engine.state in (before, after_all.state)
        assert replay(State(before.problem), before.events) == before
        engine = at.Engine.from_state(before)  # another branch of the storage that was interrupted
        line += 1
    assert engine.state == after_all.state
    assert line > 20


def test_an_interrupted_suggestion_changes_nothing() -> None:
    engine = begun()
    before, expected = engine.state, at.suggest(engine.state)[1]
    total = 1
    while interrupt_at(total, engine.suggest, CODE):
        assert engine.state is before
        total += 1 + total // 2  # every line would take hours
    assert engine.pending[-1] == expected[0]
    assert total > 1000


@real_signals
def test_signals_at_random_leave_an_engine_that_goes_on_alike() -> None:
    engine, known = begun(), begun()
    number = 0
    while number < 60 or len(engine.observations) <= 5:  # a slow machine takes more of them
        interrupt_after(0.002 + 0.001 * number, lambda: _one_more(engine))
        number += 1
    while len(known.observations) < len(engine.observations):
        _one_more(known)
    told = [(o.id, o.params, o.target) for o in engine.observations]
    assert told == [(o.id, o.params, o.target) for o in known.observations]


def _one_more(engine: at.Engine) -> None:
    """Tell what is pending, or ask: what was interrupted is done again."""
    for suggestion in engine.pending[1:]:  # the first stays pending
        engine.observe(suggestion, score(suggestion.params))
    try:
        engine.suggest()
    except TypeError as error:  # what numpy makes of an interrupt while it compares rows
        raise KeyboardInterrupt from error
