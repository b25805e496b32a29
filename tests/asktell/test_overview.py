"""What a study has come to, at a glance: without a model, and for programs, too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_studies import CORRECTIONS, LIFE, SECOND_TRIES, Call, after, calls, start
from spaces import finite

import asktell as at
from asktell.asking import know
from asktell.tables import overview
from asktell.tables.overview import LAST, last_line, trial_story


def engine_with(*targets: float, **options: Any) -> at.Engine:
    engine = at.Engine(finite(), seed=2, settings=at.Settings(n_initial=99), **options)
    for target in targets:
        engine.observe(engine.suggest(), target)
    return engine


def test_an_overview_of_a_plain_study() -> None:
    engine = engine_with(3.0, 5.0, 1.0, 2.0, goal="minimize")
    engine.fail(engine.suggest(), "one\ntwo\n")
    engine.fail(engine.suggest(), "three")
    engine.fail(engine.suggest(), "another\ntwo")
    suggestion = engine.suggest(now=100.0, lease=60.0)

    seen = overview(engine, now=170.0)

    assert seen["counts"] == {
        "trials": 8,
        "observed": 4,
        "failed": 3,
        "pending": 1,
        "queued": 0,
        "forgotten": 0,
    }
    assert (seen["goal"], seen["best"]["trial"], seen["best"]["target"]) == ("minimize", 2, 1.0)
    assert seen["best_so_far"] == [3.0, 3.0, 1.0, 1.0]
    assert seen["failures"] == [
        {"reason": "two", "count": 2, "trials": [4, 6], "ids": [4, 6]},
        {"reason": "three", "count": 1, "trials": [5], "ids": [5]},
    ]
    assert seen["pending"] == [
        {
            "id": 7,
            "trial": 7,
            "origin": "initial",
            "params": suggestion.params,
            "suggested_at": 100.0,
            "expires": 160.0,
            "out_for": 70.0,
            "left": -10.0,
        }
    ]
    assert [row["trial"] for row in seen["last"]] == list(range(8))[-LAST:]


def test_only_what_holds_the_constraints_counts_as_best_so_far() -> None:
    engine = engine_with(constraints={"size": at.AtMost(1.0)})
    for target, size in ((9.0, 5.0), (1.0, 0.5), (7.0, 2.0), (3.0, 1.0)):
        engine.observe(engine.suggest(), {"target": target, "size": size})
    seen = overview(engine)
    assert seen["best_so_far"] == [1.0, 3.0]
    assert (seen["counts"]["feasible"], seen["best"]["trial"]) == (2, 3)


def test_the_front_of_several_objectives() -> None:
    engine = engine_with(objectives={"loss": "minimize", "size": "minimize"})
    for loss, size in ((1.0, 3.0), (2.0, 2.0), (3.0, 3.0)):
        engine.observe(engine.suggest(), {"loss": loss, "size": size})
    seen = overview(engine)
    assert [row["trial"] for row in seen["front"]] == [0, 1]
    assert "best" not in seen


def test_an_overview_asks_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_with(*map(float, range(30)))
    monkeypatch.setattr(know, "model_of", None)
    assert overview(engine)["best"]["target"] == 29.0


@settings(deadline=None, max_examples=50)
@given(done=calls(LIFE + CORRECTIONS + SECOND_TRIES), replicates=st.booleans())
def test_an_overview_of_any_study_is_plain_and_adds_up(done: list[Call], replicates: bool) -> None:
    state = after(start(replicates=replicates), done)
    seen = overview(state, now=float(len(done)))
    assert json.loads(json.dumps(seen, allow_nan=False)) == seen
    counts = dict(seen["counts"])
    assert counts.pop("trials") == sum(counts.values()) == len(state.trials)
    assert sum(one["count"] for one in seen["failures"]) == counts["failed"]
    assert [one["id"] for one in seen["pending"]] == list(state.out)
    assert seen["due"] == state.due
    if state.n_observed:
        assert seen["best_so_far"][-1] == at.best_observed(state).target


def test_the_story_of_a_trial_has_its_own_events() -> None:
    engine = engine_with(3.0, 5.0)
    own = engine.trials[1].params
    engine.forget(own, now=9.0)
    engine.retry(1, now=10.0)
    engine.observe(0, 3.0)
    story = trial_story(engine.state, engine.trials[1])
    assert story["status"] == "queued"
    assert [(row["event"], row["at"]) for row in story["events"]] == [
        ("suggested", None),
        ("told", None),
        ("forgotten", 9.0),
        ("requeued", 10.0),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        (" \n", ""),
        ("one", "one"),
        ("Traceback:\n  here\nValueError: no\n\n", "ValueError: no"),
    ],
)
def test_the_last_line_that_says_something(text: str, line: str) -> None:
    assert last_line(text) == line
