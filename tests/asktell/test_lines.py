"""The lines of a run: what each says, and at which level."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest
from evaluations import parabola
from spaces import QUICK

import asktell as at
from asktell.drivers import Evaluated, Patience, optimize
from asktell.drivers.lines import Lines, changes, standing, trial_line


def plane() -> at.Space:
    return at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 1, 20))


class Told:
    """Tells an engine results, and keeps the line of each."""

    def __init__(self, **options: Any) -> None:
        self.engine = at.Engine(plane(), settings=QUICK, **options)
        self.best: at.Observation | None = None

    def line(self, params: dict[str, Any], outcome: Any, **changed: Any) -> str:
        target = changed.get("target")
        if target is not None and outcome != "conflict":
            self.engine.observe(params, target, changed.get("std"))
        else:
            self.engine.fail(params, "no luck")
        (trial,) = [trial for trial in self.engine.trials if trial.params == params]
        suggestion = at.Suggestion(trial.number, trial.configuration, "model")
        best = self.engine.best_observed() if self.engine.observations else None
        over = self.engine.state.n_over
        given = {"target": None, "std": None, "reason": "", **changed}
        evaluated = Evaluated(
            suggestion,
            outcome,
            given["target"],
            given["std"],
            given["reason"],
            12.34,
            over,
            50,
            best,
            trial.number,
        )
        line = trial_line(evaluated, self.best, self.engine.state)
        self.best = best
        return line


def test_a_line_says_what_changed_what_came_and_how_good_it_is() -> None:
    told = Told()
    first = {"x": 0.1234567, "n": 3}
    assert told.line(first, "failed", reason="ValueError: no luck") == (
        "trial 0 (1 of 50): x 0.123457, n 3 failed: ValueError: no luck; 12.3 s"
    )
    assert told.line({"x": 0.5, "n": 3}, "recorded", target=0.9) == (
        "trial 1 (2 of 50): x 0.5, n 3 -> 0.9; the best so far; 12.3 s"
    )
    assert told.line({"x": 0.5, "n": 4}, "recorded", target=0.8, std=0.05) == (
        "trial 2 (3 of 50): n 4 -> 0.8 +/- 0.05; best 0.9 (trial 1); 12.3 s"
    )
    assert told.line({"x": 0.25, "n": 3}, "late", target=1.0) == (
        "trial 3 (4 of 50): x 0.25 -> 1, after its time limit, and counts; the best so far; 12.3 s"
    )
    assert told.line({"x": 0.75, "n": 3}, "expired", reason="no result within 5 s") == (
        "trial 4 (5 of 50): x 0.75 took too long: no result within 5 s; best 1 (trial 3); 12.3 s"
    )
    assert told.line({"x": 0.8, "n": 3}, "conflict", target=2.0).startswith(
        "trial 5 (6 of 50): x 0.8 came too late, and does not count"
    )
    assert told.line({"x": 0.9, "n": 3}, "repeated", reason="exit code 1").startswith(
        "trial 6 (7 of 50): x 0.9 failed, as is known already: exit code 1; best 1 (trial 3)"
    )


def test_outcomes_have_their_names() -> None:
    told = Told(objectives={"size": "minimize"}, constraints={"heat": at.AtMost(3.0)})
    assert told.line({"x": 0.5, "n": 3}, "recorded", target={"size": 2.0, "heat": 4.0}) == (
        "trial 0 (1 of 50): x 0.5, n 3 -> size 2, heat 4; nothing feasible yet; 12.3 s"
    )
    assert told.line({"x": 0.5, "n": 4}, "recorded", target={"size": 3.0, "heat": 2.0}) == (
        "trial 1 (2 of 50): n 4 -> size 3, heat 2; the best so far; 12.3 s"
    )
    assert told.line({"x": 0.5, "n": 5}, "recorded", target={"size": 4.0, "heat": 1.0}).endswith(
        "n 5 -> size 4, heat 1; best size 3, heat 2 (trial 1); 12.3 s"
    )


def test_several_objectives_have_a_front() -> None:
    engine = at.Engine(plane(), objectives={"size": "minimize", "speed": "maximize"})
    engine.observe({"x": 0.5, "n": 3}, {"size": 1.0, "speed": 2.0})
    (trial,) = engine.trials
    suggestion = at.Suggestion(0, trial.configuration, "model")
    target = {"size": 1.0, "speed": 2.0}
    evaluated = Evaluated(suggestion, "recorded", target, None, "", 3.0, 1, 9, None, 0)
    assert trial_line(evaluated, None, engine.state) == (
        "trial 0 (1 of 9): x 0.5, n 3 -> size 1, speed 2; front 1; 3.0 s"
    )
    assert standing(engine.state) == "front 1"


def test_long_lists_and_texts_are_shortened() -> None:
    params = {f"x{i}": i / 8 for i in range(9)}
    assert changes(params, {}) == ("x0 0, x1 0.125, x2 0.25, x3 0.375, x4 0.5, x5 0.625 and 3 more")
    assert changes(params, {**params, "x8": 0.0}) == "x8 1"
    assert changes(params, params) == "the same params"
    assert changes({"name": "a" * 30, "on": True}, {}) == f"name {'a' * 21}..., on True"


def test_failures_are_warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="asktell")
    engine = at.Engine(at.Space(at.Int("n", 1, 3)), settings=QUICK)

    def evaluate(params: dict[str, Any]) -> float:
        return math.nan if params["n"] == 1 else parabola(params)

    optimize(engine, evaluate, 9, patience=Patience(later=None), clock=lambda: 0.0)
    lines = {record.getMessage(): record.levelname for record in caplog.records}
    assert list(lines) == [
        "trial 0 (1 of 9): n 2 -> -0.5; the best so far; 0 ms",
        "trial 1 (2 of 9): n 3 -> -0.4; the best so far; 0 ms",
        "trial 2 (3 of 9): n 1 failed: the target is nan; best -0.4 (trial 1); 0 ms",
        "3 of 9 trials in 0 ms; best -0.4 (trial 1)",
    ]
    assert list(lines.values()) == ["INFO", "INFO", "WARNING", "INFO"]
    caplog.clear()
    optimize(engine, evaluate, 9)
    assert caplog.messages[0] == "going on after 3 of 9 trials, 0 pending; best -0.4"


def test_a_line_that_nobody_reads_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> str:
        raise AssertionError

    monkeypatch.setattr("asktell.drivers.lines.trial_line", never)
    engine = at.Engine(at.Space(at.Int("n", 1, 3)), settings=QUICK)
    optimize(engine, parabola, 3)
    Lines(lambda: engine.state)
