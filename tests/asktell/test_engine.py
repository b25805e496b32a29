"""The shell: it holds a state, and swaps it after success."""

from __future__ import annotations

import pytest
from spaces import QUICK, finite

import asktell as at


def test_an_engine_does_what_the_functions_do() -> None:
    engine = at.Engine(finite(), seed=3, goal="minimize", settings=QUICK)
    state = at.State.start(finite(), seed=3, goal="minimize", settings=QUICK)
    for step in range(7):
        suggestion = engine.suggest()
        state, (same,) = at.suggest(state)
        assert suggestion == same
        if step % 3:
            engine.observe(suggestion, float(step))
            state = at.observe(state, same, float(step))
        else:
            engine.fail(suggestion, "no")
            state = at.fail(state, same, "no")
    assert engine.state == state
    assert engine.best() == at.best(state)
    assert engine.to_dict() == state.to_dict()
    assert at.Engine.from_state(state).suggest() == engine.suggest()


def test_its_lists_are_copies() -> None:
    engine = at.Engine(finite(), settings=QUICK)
    engine.observe(engine.suggest_batch(3)[0], 1.0)
    engine.fail(1, "no")
    for shown in (engine.observations, engine.pending, engine.failures):
        assert len(shown) == 1
        shown.clear()
    assert repr(engine) == "Engine(maximize, 1 observed, 1 pending, 1 failed)"


def test_its_posterior_is_that_of_the_state() -> None:
    engine = at.Engine(finite(), settings=QUICK)
    for suggestion in engine.suggest_batch(5):
        engine.observe(suggestion, float(suggestion.params["a"]))
    probe = [finite().params((1, "low", "u", True, 0.0))]
    mean, deviation = engine.posterior(probe)
    assert (mean, deviation) == at.posterior(engine.state, probe)


def test_a_seed_matters() -> None:
    suggested = [at.Engine(finite(), seed=seed).suggest_batch(4) for seed in (1, 2)]
    assert suggested[0] != suggested[1]


@pytest.mark.parametrize("document", [None, [], "state", {}, {"schema": 1}])
def test_what_is_no_state_is_refused(document: object) -> None:
    with pytest.raises(at.errors.StateError):
        at.Engine.from_dict(document)
