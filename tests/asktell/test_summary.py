"""What a run came to, in a few lines."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from evaluations import parabola
from spaces import QUICK

import asktell as at
from asktell import errors
from asktell.drivers import Patience, Summary, optimize

EVER = Patience(first=None, later=None)


def line(n: int = 6) -> at.Space:
    return at.Space(at.Int("n", 0, n - 1))


def test_the_answer_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    engine = at.Engine(line(), settings=QUICK)
    ticks = iter(range(1000))
    summary = optimize(
        engine, parabola, 6, checkpoint=path, clock=lambda: float(next(ticks)), progress=False
    )
    assert (summary.best, summary.front) == (engine.best(), engine.pareto())
    assert (summary.n_observed, summary.n_failed, summary.n_pending) == (6, 0, 0)
    assert summary.state == engine.state
    assert str(summary).splitlines() == [
        "best: -0.2",
        "  {'n': 5}",
        f"6 of 6 trials in {summary.seconds:.1f} s: 6 observed, 0 failed",
        f"saved in {path}; to look at it: asktell show {path}",
    ]


def test_failures_are_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "my study.json"
    engine = at.Engine(line(), settings=QUICK)

    def evaluate(params: dict[str, Any]) -> float:
        if params["n"] == 4:
            raise ValueError("too\nhot")
        return parabola(params)

    summary = optimize(engine, evaluate, 6, checkpoint=path)
    assert summary.n_failed == 1
    assert str(summary).splitlines()[3:5] == [
        "last failure: ValueError: too hot",
        f"to try what failed again: engine.retry_failed(), or asktell retry '{path}' --failed",
    ]


def test_a_run_without_a_result_has_a_summary() -> None:
    engine = at.Engine(line(2), settings=QUICK)
    summary = optimize(engine, lambda _: math.nan, 6, patience=EVER, clock=lambda: 0.0)
    assert str(summary).splitlines() == [
        "nothing was observed",
        "2 of 6 trials in 0 ms: 0 observed, 2 failed",
        "last failure: the target is nan",
        "to try what failed again: engine.retry_failed()",
        "in no file: engine.to_dict() has all of it",
    ]
    assert summary.front == []
    with pytest.raises(errors.NothingObservedError):
        _ = summary.best


def test_several_objectives_have_a_front() -> None:
    goals: dict[str, Any] = {"size": "minimize", "speed": "maximize"}
    engine = at.Engine(line(9), settings=QUICK, objectives=goals)
    summary = optimize(engine, lambda p: {"size": p["n"], "speed": p["n"]}, 9)
    rows = str(summary).splitlines()
    assert rows[0] == "front: 9 of 9 observed"
    assert len([row for row in rows if row.startswith("  {'size'")]) == 5
    assert rows[6] == "  and 4 more"
    with pytest.raises(errors.SeveralObjectivesError):
        _ = summary.best
    bounds = {"size": at.AtMost(-1.0)}
    engine = at.Engine(line(2), settings=QUICK, objectives=goals, constraints=bounds)
    summary = optimize(engine, lambda p: {"size": p["n"], "speed": p["n"]}, 9)
    assert str(summary).startswith("front: empty, as nothing holds all constraints yet\n2 of 9")


def test_what_is_nearest_and_what_is_expected_are_told() -> None:
    engine = at.Engine(line(3), settings=QUICK, constraints={"target": at.AtLeast(9.0)})
    summary = optimize(engine, lambda p: float(p["n"]), 9)
    assert str(summary).startswith("best: 2.0 (nothing holds all constraints yet; it is nearest)")
    engine = at.Engine(line(3), settings=QUICK)
    summary = optimize(engine, lambda p: (float(p["n"]), 0.5), 9)
    assert str(summary).startswith(f"best: {summary.best.target}, expected {summary.best.expected}")


def test_what_is_pending_is_counted() -> None:
    engine = at.Engine(line(3), settings=QUICK)
    engine.suggest()
    summary = Summary(engine.state, 1.0, 5)
    assert summary.n_pending == 1
    assert "0 of 5 trials in 1.0 s: 0 observed, 0 failed, 1 pending" in str(summary)
