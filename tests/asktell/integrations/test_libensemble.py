"""Real runs of libEnsemble, short; ``tests/benchmarks/libensemble_runs.py`` has the long ones."""

from __future__ import annotations

from pathlib import Path

import libensemble_runs as runs

INITIAL = {"n_initial": 100}
"""Points of the design alone: the model is not what is tried here."""


def test_it_evaluates_every_point_once_over_tcp(tmp_path: Path) -> None:
    state = runs.undisturbed("tcp", tmp_path, 24, settings=INITIAL)
    runs.check(state, 24)
    arrived = [observation.id for observation in state.observations]
    assert arrived != sorted(arrived)  # asynchronously


def test_a_run_that_was_killed_goes_on_from_the_dict(tmp_path: Path) -> None:
    half, state = runs.killed_and_resumed("local", tmp_path, 40, settings=INITIAL)
    runs.check(state, 40)
    assert 20 <= len(runs.outcomes(half)) < 40
    assert runs.lost(half, state) == 0
    again = [suggestion.configuration for suggestion in half.pending]
    assert again
    assert {outcome.configuration for outcome in runs.outcomes(state)}.issuperset(again)


def test_a_simulation_that_raises_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    first, state = runs.raising_and_resumed("local", tmp_path, 24, settings=INITIAL)
    assert len(runs.outcomes(first)) < 24
    assert list(first.failures) == []
    runs.check(state, 24)
    assert runs.lost(first, state) == 0
    assert state.failures
    assert all(failure.params["y"] > 14.0 for failure in state.failures)
