"""Rows of trials: what is known of each, in all its standings, and flat."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_studies import CORRECTIONS, LIFE, SECOND_TRIES, Call, after, calls, start
from spaces import conditional, finite

import asktell as at
from asktell.tables import columns, csv_lines, trial_rows

SPACE = at.Space(at.Float("lr", 0.0, 1.0), at.Categorical("target", ["a", "b"]))


def engine_of(**options: Any) -> at.Engine:
    return at.Engine(SPACE, seed=1, settings=at.Settings(expiries=0), **options)


def test_a_row_says_all_that_is_known_of_a_trial() -> None:
    engine = engine_of(constraints={"size": at.AtMost(2.0)})
    done, failed, lost, out = (engine.suggest(now=n, lease=9.0) for n in (1.0, 2.0, 3.0, 40.0))
    engine.observe(done, {"target": 0.5, "size": 3.0}, {"size": 0.1}, now=4.5)
    engine.fail(failed, "no such file", now=5.0)
    engine.expire(30.0)
    assert trial_rows(engine) == [
        {
            "trial": 0,
            "status": "observed",
            "ids": [0],
            "origin": "initial",
            "params": done.params,
            "target": {"target": 0.5, "size": 3.0},
            "std": {"size": 0.1},
            "feasible": False,
            "left_out": None,
            "reason": None,
            "cause": None,
            "suggested_at": 1.0,
            "told_at": 4.5,
            "seconds": 3.5,
        },
        {
            "trial": 1,
            "status": "failed",
            "ids": [1],
            "origin": "initial",
            "params": failed.params,
            "target": None,
            "std": None,
            "feasible": None,
            "left_out": None,
            "reason": "no such file",
            "cause": "reported",
            "suggested_at": 2.0,
            "told_at": 5.0,
            "seconds": 3.0,
        },
        {
            "trial": 2,
            "status": "failed",
            "ids": [2],
            "origin": "initial",
            "params": lost.params,
            "target": None,
            "std": None,
            "feasible": None,
            "left_out": None,
            "reason": "leases that expired without an answer: 1",
            "cause": "expired",
            "suggested_at": 3.0,
            "told_at": 30.0,
            "seconds": None,
        },
        {
            "trial": 3,
            "status": "pending",
            "ids": [3],
            "origin": "initial",
            "params": out.params,
            "target": None,
            "std": None,
            "feasible": None,
            "left_out": None,
            "reason": None,
            "cause": None,
            "suggested_at": 40.0,
            "told_at": None,
            "seconds": None,
        },
    ]


def test_a_correction_does_not_change_how_long_it_took() -> None:
    engine = engine_of()
    engine.observe(engine.suggest(now=1.0), 90.0, now=3.0)
    engine.amend(0, 0.9, now=500.0)
    (row,) = trial_rows(engine.state)
    assert (row["target"], row["told_at"], row["seconds"]) == (0.9, 500.0, 2.0)


def test_what_was_told_again_took_as_long_as_before() -> None:
    engine = engine_of()
    engine.observe(engine.suggest(now=1.0), 90.0, now=3.0)
    engine.forget(0)
    engine.observe(0, 0.9, now=500.0)
    (row,) = trial_rows(engine.state)
    assert (row["told_at"], row["seconds"]) == (500.0, 2.0)


def test_what_has_no_moments_takes_no_known_time() -> None:
    engine = engine_of()
    engine.observe(engine.suggest(now=1.0), 1.0)
    engine.observe(engine.suggest(), 1.0, now=4.0)
    engine.observe({"lr": 0.25, "target": "b"}, 1.0, now=5.0)
    rows = trial_rows(engine)
    assert [row["seconds"] for row in rows] == [None, None, None]
    assert [row["origin"] for row in rows] == ["initial", "initial", None]


def test_what_was_tried_again_is_timed_by_its_last_try() -> None:
    engine = engine_of()
    engine.fail(engine.suggest(now=0.0), "no", now=1.0)
    engine.retry(0)
    engine.observe(engine.suggest(now=10.0), 1.0, now=12.5)
    (row,) = trial_rows(engine)
    assert (row["ids"], row["suggested_at"], row["seconds"]) == ([0, 1], 0.0, 2.5)


def test_rows_of_some_trials_come_as_they_were_asked_for() -> None:
    engine = engine_of()
    engine.suggest_batch(3)
    rows = trial_rows(engine, [engine.trials[2], engine.trials[0]])
    assert [row["trial"] for row in rows] == [2, 0]


@settings(deadline=None, max_examples=50)
@given(done=calls(LIFE + CORRECTIONS + SECOND_TRIES), replicates=st.booleans())
def test_rows_of_any_study_are_plain_and_agree_with_it(done: list[Call], replicates: bool) -> None:
    state = after(start(replicates=replicates), done)
    rows = trial_rows(state)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert [row["status"] for row in rows] == [trial.status for trial in state.trials]
    for row, trial in zip(rows, state.trials, strict=True):
        assert (row["target"] is not None) == trial.is_observed
        assert row["reason"] == trial.reason
        assert (row["cause"] is not None) == (row["status"] == "failed")


# --- flat ---


def test_columns_have_names_that_cannot_collide() -> None:
    engine = engine_of(objectives={"lr": "minimize", "params.lr": "maximize"})
    engine.observe(engine.suggest(), {"lr": 1.0, "params.lr": 2.0}, {"lr": 0.5})
    table = columns(engine)
    assert table["params.lr"] == [engine.trials[0].params["lr"]]
    assert table["params.target"] == [engine.trials[0].params["target"]]
    assert (table["target.lr"], table["target.params.lr"]) == ([1.0], [2.0])
    assert (table["std.lr"], table["std.params.lr"]) == ([0.5], [None])
    assert "target" not in table


def test_columns_are_those_of_json_normalize() -> None:
    pandas = pytest.importorskip("pandas")
    engine = engine_of(objectives={"loss": "minimize", "size": "minimize"})
    engine.observe(engine.suggest(), {"loss": 1.0, "size": 2.0}, {"loss": 0.5, "size": 0.1})
    assert set(pandas.json_normalize(trial_rows(engine)).columns) == set(columns(engine))


def test_csv_is_read_back() -> None:
    engine = at.Engine(finite(), seed=1)
    engine.fail(engine.suggest(), 'a "quoted" reason,\nof two lines')
    engine.observe(engine.suggest(), 0.1, now=3.0)
    text = "".join(csv_lines(engine))
    first, second = csv.DictReader(text.splitlines(keepends=True))
    assert first["reason"] == 'a "quoted" reason,\nof two lines'
    assert (first["target"], second["target"], second["told_at"]) == ("", "0.1", "3.0")
    assert {name: str(value) for name, value in engine.trials[1].params.items()} == {
        name.removeprefix("params."): value
        for name, value in second.items()
        if name.startswith("params.")
    }


def test_csv_of_nothing_is_a_head() -> None:
    (head,) = csv_lines(engine_of())
    assert head.startswith("trial,status,ids,origin,params.lr,params.target,target,std,")


def test_a_trial_that_is_left_out_says_why() -> None:
    engine = at.Engine(conditional())
    engine.observe({"model": "svm", "C": 0.5, "kernel": "rbf", "bias": True}, 1.0)
    engine.observe({"model": "forest", "trees": 20, "bias": False}, 2.0)
    engine.change_space(at.Space(at.Categorical("model", ["svm"]), at.Float("C", 0.1, 1.0)))
    kept, left_out = trial_rows(engine)
    assert kept["left_out"] is None
    assert kept["params"] == {"model": "svm", "C": 0.5}
    assert "its model was 'forest'" in left_out["left_out"]
    assert left_out["params"] == {"model": "forest", "trees": 20, "bias": False}
    assert columns(engine)["left_out"] == [None, left_out["left_out"]]
    assert columns(engine)["params.C"] == [0.5, None]


def test_what_is_not_active_is_an_empty_cell() -> None:
    engine = at.Engine(conditional())
    engine.observe({"model": "svm", "C": 0.5, "kernel": "rbf", "bias": True}, 1.0)
    engine.observe({"model": "forest", "trees": 20, "bias": False}, 2.0)
    assert [list(row["params"]) for row in trial_rows(engine)] == [
        ["model", "C", "kernel", "bias"],
        ["model", "trees", "bias"],
    ]
    assert [name for name in columns(engine) if name.startswith("params.")] == [
        f"params.{name}" for name in engine.space.names
    ]
    first, second = csv.DictReader(csv_lines(engine))
    assert first["params.C"] == "0.5"
    assert first["params.trees"] == second["params.C"] == second["params.dropout_3"] == ""
    assert second["params.trees"] == "20"
