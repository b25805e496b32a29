"""The command line: one line an answer, messages beside it, exit codes, and nothing lost."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import asktell as at
from asktell.cli import command
from asktell.cli.arguments import COMMANDS, GROUPS, _joined, parse
from asktell.cli.main import main
from asktell.cli.results import batches_of_lines
from asktell.store import Store
from asktell.study.events import Requeued
from asktell.tables import trial_rows

ROOT = Path(__file__).parents[2]

SPACE = """\
parameters:
  lr: {type: float, low: 1.0e-5, high: 1.0, log: true}
  depth: {type: int, low: 1, high: 12}
  bits: {type: ordinal, values: [2, 3, 4, 8]}
  kernel: {type: categorical, choices: [rbf, poly]}
  bias: {type: bool}
"""
PARAMS = {"lr": 0.1, "depth": 3, "bits": 4, "kernel": "rbf", "bias": True}

Run = Callable[..., "Result"]
Clock = Callable[[float], None]


class Result:
    """What a run of the command line gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.err = code, err
        self.answers = [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in a folder with a state of the contract's space."""
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(SPACE)

    def call(*arguments: str, text: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code = main(arguments)
        return Result(code, *capsys.readouterr())

    assert call("init", "space.yaml", "s.json", "--seed", "7").code == 0
    return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a function that sets the machine's clock; it stands at 5000 seconds."""

    def set_to(seconds: float) -> None:
        monkeypatch.setattr(command.time, "time", lambda: seconds)

    set_to(5000.0)
    return set_to


def lines(*results: Any) -> str:
    return "".join(json.dumps(result) + "\n" for result in results)


# --- the contract's commands ---


def test_init_begins_a_state(run: Run) -> None:
    result = run("init", "space.yaml", "t.json", "--goal", "minimize")
    assert result.answers == [
        {
            "goal": "minimize",
            "seed": 0,
            "parameters": ["lr", "depth", "bits", "kernel", "bias"],
            "size": None,
            "suggested": 0,
            "pending": 0,
            "due": 0,
            "observed": 0,
            "failed": 0,
            "best": None,
        }
    ]
    state = Store("t.json").read()
    assert state.problem == at.State.start(state.space, goal="minimize").problem
    assert Store("s.json").read().problem.seed == 7


def test_init_takes_settings(run: Run) -> None:
    given = ("--set", "retries=2", "--set", "replicates=true")
    assert run("init", "space.yaml", "t.json", *given).code == 0
    problem = Store("t.json").read().problem
    settings = at.Settings(retries=2, replicates=True)
    assert problem == at.State.start(problem.space, settings=settings).problem
    assert (problem.policy.retries, problem.policy.replicates) == (2, True)


def test_init_overwrites_nothing(run: Run) -> None:
    before = Path("s.json").read_bytes()
    result = run("init", "space.yaml", "s.json")
    assert (result.code, result.answers) == (5, [])
    assert result.err.startswith("asktell: ")
    assert result.err.endswith("s.json: exists already, and is not overwritten\n")
    assert Path("s.json").read_bytes() == before


def test_suggestions_are_those_of_an_engine(run: Run, clock: Clock) -> None:
    engine = at.Engine(Store("s.json").read().space, seed=7)
    answers = [*run("suggest", "s.json").answers, *run("suggest", "s.json", "-n", "3").answers]
    expected = [*engine.suggest_batch(1, now=5000.0), *engine.suggest_batch(3, now=5000.0)]
    assert answers == [{"id": s.id, "params": s.params, "origin": s.origin} for s in expected]
    assert Store("s.json").read() == engine.state


@pytest.mark.parametrize(
    ("target", "value"), [("0.93", 0.93), ("-1e-5", -1e-5), ("-0.5", -0.5), ("-7", -7.0)]
)
def test_observe_by_id(run: Run, target: str, value: float) -> None:
    run("suggest", "s.json")
    for outcome in ("recorded", "repeated"):
        result = run("observe", "s.json", "--id", "0", "--target", target)
        assert (result.code, result.err) == (0, "")
        assert result.answers == [{"id": 0, "outcome": outcome}]
    assert [o.target for o in Store("s.json").read().observations] == [value]


def test_a_target_that_is_not_finite_is_a_failure(run: Run) -> None:
    run("suggest", "s.json")
    result = run("observe", "s.json", "--id", "0", "--target", "-inf")
    assert result.answers == [{"id": 0, "outcome": "failed"}]


def test_a_refused_result_is_answered_and_reported(run: Run) -> None:
    run("suggest", "s.json")
    run("observe", "s.json", "--id", "0", "--target", "1")
    before = Store("s.json").read()
    for trial, outcome in (("0", "conflict"), ("5", "unknown")):
        result = run("observe", "s.json", "--id", trial, "--target", "2")
        (answer,) = result.answers
        assert (answer["id"], answer["outcome"]) == (int(trial), outcome)
        assert result.err == f"asktell: {answer['error']}\n"
        assert result.code == 3
    assert run("fail", "s.json", "--id", "0").answers[0]["outcome"] == "conflict"
    assert Store("s.json").read() == before


def test_observe_from_standard_input(run: Run) -> None:
    suggestions = run("suggest", "s.json", "-n", "4").answers
    other = {**PARAMS, "depth": 5}
    result = run(
        "observe",
        "s.json",
        "-",
        text=lines(
            {"id": 0, "target": 0.93},
            {"params": PARAMS, "target": 1},
            {**suggestions[1], "target": 2},
            {"params": suggestions[2]["params"], "target": 3},
            {"id": None, "params": other, "target": 4.5},
        )
        + '\n  \n{"id": 3, "target": NaN}',
    )
    assert (result.code, result.err) == (0, "")
    assert result.answers == [
        {"id": 0, "outcome": "recorded"},
        {"id": None, "outcome": "unasked"},
        {"id": 1, "outcome": "recorded"},
        {"id": 2, "outcome": "recorded"},
        {"id": None, "outcome": "unasked"},
        {"id": 3, "outcome": "failed"},
    ]


@pytest.mark.parametrize(
    ("line", "outcome", "error"),
    [
        ("oops", "invalid", "$: got 'oops', expected a line of JSON"),
        ("[" * 9999, "invalid", "$: got '[[["),
        ("[1]", "invalid", "$: got [1], expected a mapping"),
        ('{"target": 1}', "invalid", "$: got {'target': 1}, expected the id"),
        ('{"id": 0}', "invalid", "$.target: got nothing, expected a number"),
        ('{"id": 0, "target": "1"}', "invalid", "$.target: got '1', expected a number"),
        ('{"id": 0, "target": 1, "x": 2}', "invalid", "$.x: got 2, expected only the keys"),
        ('{"id": 9, "target": 1}', "unknown", "$.id: got 9"),
        ('{"id": true, "target": 1}', "invalid", "$: got True"),
        ('{"id": NaN, "target": 1}', "invalid", "$: got nan"),
        ('{"params": {"lr": 2}, "target": 1}', "invalid", "$.depth: got nothing"),
        (lines({"id": 0, "params": PARAMS, "target": 1}), "conflict", "$.params: got {'lr': 0.1"),
    ],
)
def test_a_bad_line_keeps_no_good_one_out(run: Run, line: str, outcome: str, error: str) -> None:
    run("suggest", "s.json", "-n", "2")
    good = [{"id": 0, "target": 1}, {"id": 1, "target": 2}]
    text = lines(good[0]) + "\n" + line.strip() + "\n" + lines(good[1])
    result = run("observe", "s.json", "-", text=text)
    assert result.code == 3
    first, bad, last = result.answers
    assert (first, last) == ({"id": 0, "outcome": "recorded"}, {"id": 1, "outcome": "recorded"})
    assert bad["outcome"] == outcome
    assert bad["error"].startswith(f"line 3: {error}")
    assert result.err == f"asktell: {bad['error']}\n"
    assert len(Store("s.json").read().observations) == 2


def test_fail(run: Run) -> None:
    run("suggest", "s.json")
    assert run("fail", "s.json", "--id", "0", "--reason", "-oom").answers == [
        {"id": 0, "outcome": "failed"}
    ]
    assert Store("s.json").read().failures[0].reason == "-oom"


def test_best_status_and_export(run: Run) -> None:
    result = run("best", "s.json")
    assert (result.code, result.answers) == (4, [])
    assert result.err == "asktell: nothing is observed yet: observe a target first\n"
    assert run("export", "s.json").answers == []
    first, second, third, _ = run("suggest", "s.json", "-n", "4").answers
    run("observe", "s.json", "--id", "1", "--target", "2")
    run("observe", "s.json", "--id", "0", "--target", "1")
    run("fail", "s.json", "--id", "2")
    ledger = [
        {"id": 1, "params": second["params"], "target": 2.0},
        {"id": 0, "params": first["params"], "target": 1.0},
    ]
    assert run("export", "s.json").answers == ledger
    assert run("best", "s.json").answers == ledger[:1]
    (status,) = run("status", "s.json").answers
    counts = {"suggested": 4, "pending": 1, "due": 0, "observed": 2, "failed": 1}
    assert {name: status[name] for name in counts} == counts
    assert status["best"] == ledger[0]
    assert third["id"] == 2


def test_an_exported_ledger_goes_into_another_state(run: Run) -> None:
    run("suggest", "s.json", "-n", "2")
    run("observe", "s.json", "--id", "0", "--target", "1")
    run("init", "space.yaml", "t.json")
    text = lines(*({**row, "id": None} for row in run("export", "s.json").answers))
    assert run("observe", "t.json", "-", text=text).code == 0
    assert at.best(Store("t.json").read()).target == 1.0


# --- leases ---


def test_leases(run: Run) -> None:
    (leased,) = run("suggest", "s.json", "--lease", "60", "--now", "1000").answers
    assert leased["expires"] == 1060.0
    assert run("pending", "s.json").answers == [leased]
    assert run("renew", "s.json", "--id", "0", "--lease", "60", "--now", "1050").answers == [
        {**leased, "expires": 1110.0}
    ]
    assert run("expire", "s.json", "--now", "1100").answers == []
    assert run("expire", "s.json", "--now", "1110").answers == [{**leased, "expires": 1110.0}]
    (again,) = run("suggest", "s.json").answers
    assert (again["id"], again["origin"], again["params"]) == (1, "again", leased["params"])
    assert "expires" not in again
    refused = run("renew", "s.json", "--id", "0", "--lease", "60")
    assert (refused.code, refused.answers) == (3, [])
    assert "were offered again, as suggestion 1" in refused.err


def test_the_clock_is_that_of_the_machine(run: Run, clock: Clock) -> None:
    (leased,) = run("suggest", "s.json", "--lease", "60").answers
    assert leased["expires"] == 5060.0
    clock(5060.0)
    assert run("expire", "s.json").answers == [leased]


def test_events_carry_their_moments(run: Run, clock: Clock) -> None:
    run("suggest", "s.json", "-n", "3", "--lease", "60")
    clock(5001.0)
    run("observe", "s.json", "--id", "0", "--target", "1")
    run("observe", "s.json", "-", text=lines({"id": 1, "target": 2}))
    clock(5002.0)
    run("renew", "s.json", "--id", "2", "--lease", "60")
    run("fail", "s.json", "--id", "2")
    clock(5003.0)
    run("amend", "s.json", "--id", "0", "--target", "3")
    run("amend", "s.json", "--id", "1", "--target", "nan")
    run("forget", "s.json", "--id", "1")
    given = ("--now", "9000")
    run("suggest", "s.json", *given, "--lease", "1")
    run("expire", "s.json", "--now", "9001")
    run("suggest", "s.json", *given)
    run("observe", "s.json", "--id", "4", "--target", "5", *given)
    run("amend", "s.json", "--id", "4", "--target", "6", *given)
    run("forget", "s.json", "--id", "4", *given)
    run("observe", "s.json", "-", *given, text=lines({"id": 3, "target": 5}))
    run("suggest", "s.json", *given)
    run("fail", "s.json", "--id", "5", *given)
    moments = [(type(event).__name__, event.at) for event in Store("s.json").read().events]
    assert moments == [
        *[("Suggested", 5000.0)] * 3,
        *[("Told", 5001.0)] * 2,
        ("Renewed", 5002.0),
        ("Failed", 5002.0),
        ("Amended", 5003.0),
        ("Voided", 5003.0),
        ("Forgotten", 5003.0),
        ("Suggested", 9000.0),
        ("Expired", 9001.0),
        ("Suggested", 9000.0),
        ("Told", 9000.0),
        ("Amended", 9000.0),
        ("Forgotten", 9000.0),
        ("Told", 9000.0),
        ("Suggested", 9000.0),
        ("Failed", 9000.0),
    ]


# --- second thoughts, and outcomes with names ---


def test_amend_and_forget(run: Run) -> None:
    *_, last = run("suggest", "s.json", "-n", "4").answers
    run("observe", "s.json", "--id", "3", "--target", "9.3")
    shown = {"trial": 3, "status": "observed", "ids": [3], "params": last["params"]}
    result = run("amend", "s.json", "--id", "3", "--target", "0.93")
    assert (result.code, result.err, result.answers) == (0, "", [{**shown, "target": 0.93}])
    assert run("best", "s.json").answers[0]["target"] == 0.93
    result = run("amend", "s.json", "--id", "3", "--target", "-inf")
    failed = {**shown, "status": "failed", "reason": "the target is -inf"}
    assert (result.code, result.answers) == (0, [failed])
    assert run("best", "s.json").code == 4
    assert run("amend", "s.json", "--id", "3", "--target", "1").answers == [{**shown, "target": 1}]
    result = run("forget", "s.json", "--id", "3")
    assert (result.code, result.answers) == (0, [{**shown, "status": "forgotten"}])
    assert run("export", "s.json").answers == []
    assert run("observe", "s.json", "--id", "3", "--target", "2").answers == [
        {"id": 3, "outcome": "late"}
    ]


def test_retry(run: Run, clock: Clock) -> None:
    first, second, third = run("suggest", "s.json", "-n", "3").answers
    for answer in (first, second):
        run("fail", "s.json", "--id", str(answer["id"]))
    run("observe", "s.json", "--id", "2", "--target", "1")
    shown = {"trial": 1, "status": "queued", "ids": [1], "params": second["params"]}
    assert run("retry", "s.json", "--id", "1").answers == [shown]
    shown = {"trial": 0, "status": "queued", "ids": [0], "params": first["params"]}
    result = run("retry", "s.json", "--failed", "--now", "9000")
    assert (result.code, result.err, result.answers) == (0, "", [shown])
    assert run("retry", "s.json", "--failed").answers == []
    moments = [event.at for event in Store("s.json").read().events if type(event) is Requeued]
    assert moments == [5000.0, 9000.0]
    again = run("suggest", "s.json", "-n", "2").answers
    assert [(one["params"], one["origin"]) for one in again] == [
        (second["params"], "again"),
        (first["params"], "again"),
    ]
    assert run("fail", "s.json", "--id", "0").answers == [{"id": 0, "outcome": "repeated"}]
    result = run("retry", "s.json", "--id", str(third["id"]))
    assert (result.code, result.answers) == (3, [])
    assert "this one is observed: forget it first" in result.err


def test_corrections_name_a_trial_by_its_number(run: Run) -> None:
    run("observe", "s.json", "-", text=lines({"params": PARAMS, "target": 3}))
    run("suggest", "s.json", "-n", "2")  # ids 0 and 1 are of the trials 1 and 2
    run("observe", "s.json", "--id", "1", "--target", "1")
    amended = run("amend", "s.json", "--trial", "2", "--target", "-1e-5").answers
    assert [(one["trial"], one["ids"], one["target"]) for one in amended] == [(2, [1], -1e-5)]
    amended = run("amend", "s.json", "--trial", "0", "--target", "nan").answers  # it has no id
    assert [(one["trial"], one["ids"], one["status"]) for one in amended] == [(0, [], "failed")]
    (retried,) = run("retry", "s.json", "--trial", "0").answers
    assert (retried["trial"], retried["status"]) == (0, "queued")
    (forgotten,) = run("forget", "s.json", "--trial", "2").answers
    assert (forgotten["trial"], forgotten["status"]) == (2, "forgotten")


def test_export_of_everything(run: Run) -> None:
    run("suggest", "s.json", "-n", "3", "--now", "1")
    run("fail", "s.json", "--id", "1", "--reason", "no", "--now", "2")
    run("observe", "s.json", "--id", "2", "--target", "1", "--now", "3.5")
    rows = run("export", "s.json", "--all").answers
    assert rows == trial_rows(Store("s.json").read())
    assert [row["status"] for row in rows] == ["pending", "failed", "observed"]
    assert [row["seconds"] for row in rows] == [None, 1.0, 2.5]


@pytest.mark.parametrize(("arguments", "trials"), [((), ["2"]), (("--all",), ["0", "1", "2"])])
def test_export_as_csv(
    run: Run, arguments: tuple[str, ...], trials: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run("suggest", "s.json", "-n", "3")
    run("observe", "s.json", "--id", "2", "--target", "1")
    assert main(["export", "s.json", "--csv", *arguments]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["trial"] for row in rows] == trials


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("amend", "s.json", "--id", "0", "--target", "1"), "a trial with an outcome to amend"),
        (("forget", "s.json", "--id", "0"), "a trial with an outcome to forget"),
        (("amend", "s.json", "--id", "9", "--target", "1"), "$.id: got 9"),
        (("forget", "s.json", "--id", "9"), "$.id: got 9"),
        (("forget", "s.json", "--trial", "2"), "--trial: got 2, expected the number of a trial"),
        (("retry", "s.json", "--trial", "-1"), "--trial: got -1, expected the number of a trial"),
        (("amend", "s.json", "--id", "1", "--target", '{"loss": 1}'), "$.target.loss: got 1"),
        (("amend", "s.json", "--id", "1", "--target", "{}"), "$.target.target: got nothing"),
    ],
)
def test_a_correction_of_nothing_is_refused(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    run("suggest", "s.json", "-n", "2")
    run("observe", "s.json", "--id", "1", "--target", "5")
    before = Path("s.json").read_bytes()
    result = run(*arguments)
    assert (result.code, result.answers) == (3, [])
    assert message in result.err
    assert Path("s.json").read_bytes() == before


def test_a_target_may_be_said_by_outcome(run: Run) -> None:
    run("suggest", "s.json", "-n", "2")
    given = ("--id", "0", "--target", '{"target": 0.9}')
    assert run("observe", "s.json", *given).answers == [{"id": 0, "outcome": "recorded"}]
    text = lines({"id": 1, "target": {"target": 0.8}})
    assert run("observe", "s.json", "-", text=text).answers == [{"id": 1, "outcome": "recorded"}]
    assert [row["target"] for row in run("export", "s.json").answers] == [0.9, 0.8]


def test_outcomes_have_the_names_that_the_state_gives_them(run: Run) -> None:
    space = Store("s.json").read().space
    Store("t.json").create(at.State.start(space, objectives={"loss": "minimize"}))
    run("suggest", "t.json", "-n", "2")
    run("observe", "t.json", "--id", "0", "--target", '{"loss": 0.5}')
    run("observe", "t.json", "--id", "1", "--target", "0.25")
    assert run("best", "t.json").answers[0]["target"] == {"loss": 0.25}
    (amended,) = run("amend", "t.json", "--id", "0", "--target", '{"loss": 0.125}').answers
    assert amended["target"] == {"loss": 0.125}
    assert run("best", "t.json").answers[0]["target"] == {"loss": 0.125}
    assert run("status", "t.json").answers[0]["goal"] == "minimize"


# --- several outcomes, constraints, noise ---


WANTED = """\
objectives:
  accuracy: maximize
  size: {goal: minimize, reference: 10}
outcome_constraints:
  accuracy: {at_least: 0.5}
  memory: {at_least: 1, at_most: 3}
"""


@pytest.fixture
def several(run: Run) -> Run:
    """Return the function with a study of two objectives, t.json, that knows three results."""
    Path("several.yaml").write_text(SPACE + WANTED)
    assert run("init", "several.yaml", "t.json").code == 0
    run("suggest", "t.json", "-n", "4")
    rows = [(0.9, 3, 2), (0.8, 2, 4), (0.7, 1, 1)]
    results = [
        {"id": number, "target": dict(zip(("accuracy", "size", "memory"), row, strict=True))}
        for number, row in enumerate(rows)
    ]
    assert run("observe", "t.json", "-", text=lines(*results)).code == 0
    return run


def test_a_space_file_says_what_is_wanted(several: Run) -> None:
    (status,) = several("status", "t.json").answers
    assert status["objectives"] == {
        "accuracy": "maximize",
        "size": {"goal": "minimize", "reference": 10.0},
    }
    bounds = {"accuracy": {"at_least": 0.5}, "memory": {"at_least": 1.0, "at_most": 3.0}}
    assert status["outcome_constraints"] == bounds
    assert {"goal", "best"}.isdisjoint(status)
    assert (status["observed"], status["feasible"], status["front"]) == (3, 2, 2)
    engine = at.Engine.from_state(Store("t.json").read())
    assert status["hypervolume"] == engine.hypervolume()
    assert engine.objectives == {"accuracy": "maximize", "size": at.Minimize(reference=10.0)}


def test_an_infinite_volume_is_shown_as_null(run: Run) -> None:
    Path("wide.yaml").write_text(SPACE + "objectives: {a: maximize, b: maximize}")
    run("init", "wide.yaml", "t.json")
    run("suggest", "t.json", "-n", "2")
    rows = [{"a": 1e300, "b": -1e300}, {"a": -1e300, "b": 1e300}]
    results = lines(*({"id": number, "target": row} for number, row in enumerate(rows)))
    run("observe", "t.json", "-", text=results)
    assert run("status", "t.json").answers[0]["hypervolume"] is None


def test_the_front_and_the_ledger(several: Run) -> None:
    front = several("pareto", "t.json")
    assert (front.code, front.err) == (0, "")
    assert [(one["id"], one["feasible"]) for one in front.answers] == [(0, True), (2, True)]
    assert front.answers[0]["target"] == {"accuracy": 0.9, "size": 3.0, "memory": 2.0}
    ledger = several("export", "t.json").answers
    assert [one["feasible"] for one in ledger] == [True, False, True]
    assert several("init", "several.yaml", "u.json").code == 0
    assert several("pareto", "u.json").answers == []
    text = lines(*({**one, "id": None} for one in ledger))
    assert several("observe", "u.json", "-", text=text).code == 0
    assert [one["target"] for one in several("pareto", "u.json").answers] == [
        one["target"] for one in front.answers
    ]


def test_best_of_several_objectives_takes_weights(several: Run) -> None:
    result = several("best", "t.json")
    assert (result.code, result.answers) == (2, [])
    assert "ask for pareto" in result.err
    weighted = WANTED.replace("maximize", "{goal: maximize, weight: 2}")
    weighted = weighted.replace("reference: 10", "weight: 1")
    Path("weighted.yaml").write_text(SPACE + weighted)
    several("init", "weighted.yaml", "u.json")
    assert several("best", "u.json").code == 4
    text = lines(*({**one, "id": None} for one in several("export", "t.json").answers))
    several("observe", "u.json", "-", text=text)
    (best,) = several("best", "u.json").answers
    assert best["target"]["size"] == 1.0
    (status,) = several("status", "u.json").answers
    assert (status["best"], status["front"]) == (best, 2)


def test_a_constraint_beside_the_goal(run: Run) -> None:
    Path("limit.yaml").write_text(SPACE + "outcome_constraints: {memory: {at_most: 3}}")
    run("init", "limit.yaml", "t.json", "--goal", "minimize")
    (status,) = run("status", "t.json").answers
    assert status["goal"] == "minimize"
    assert status["objectives"] == {"target": "minimize"}
    run("suggest", "t.json", "-n", "2")
    run("observe", "t.json", "--id", "0", "--target", '{"target": 1, "memory": 5}')
    (best,) = run("best", "t.json").answers
    assert (best["target"], best["feasible"]) == ({"target": 1.0, "memory": 5.0}, False)
    run("observe", "t.json", "--id", "1", "--target", '{"target": 9, "memory": 2}')
    (best,) = run("best", "t.json").answers
    assert (best["target"]["target"], best["feasible"]) == (9.0, True)
    refused = run("observe", "t.json", "--id", "0", "--target", "1")
    assert refused.code == 3
    assert "a number for each of ['target', 'memory']" in refused.err


def test_goals_are_said_once(run: Run) -> None:
    Path("several.yaml").write_text(SPACE + WANTED)
    result = run("init", "several.yaml", "t.json", "--goal", "minimize")
    assert (result.code, result.answers) == (3, [])
    assert result.err == (
        "asktell: --goal: got 'minimize', expected no --goal, since several.yaml has objectives: "
        "set their goals there\n"
    )
    assert not Path("t.json").exists()


def test_noise_that_is_known(run: Run) -> None:
    run("suggest", "s.json", "-n", "4")
    given = ("--id", "0", "--target", "1", "--std", "0.25")
    assert run("observe", "s.json", *given).answers == [{"id": 0, "outcome": "recorded"}]
    text = lines({"id": 1, "target": 2, "std": 0.5}, {"id": 2, "target": 1, "std": None})
    assert run("observe", "s.json", "-", text=text).code == 0
    stds = [row.get("std") for row in run("export", "s.json").answers]
    assert stds == [0.25, 0.5, None]
    (amended,) = run("amend", "s.json", "--id", "2", "--target", "1", "--std", "1e-3").answers
    assert (amended["target"], amended["std"]) == (1.0, 1e-3)
    (best,) = run("best", "s.json").answers
    assert (best["id"], best["target"], best["std"]) == (1, 2.0, 0.5)
    assert best["expected"] < 2.0
    for bad in ("-1", "nan", '{"loss": 1}'):
        refused = run("observe", "s.json", "--id", "3", "--target", "1", "--std", bad)
        assert (refused.code, refused.answers[0]["outcome"]) == (3, "invalid")
        assert "$.std" in refused.err


def test_noise_of_some_outcomes(several: Run) -> None:
    target = '{"accuracy": 0.9, "size": 3, "memory": 2}'
    given = ("--id", "3", "--target", target, "--std", '{"accuracy": 0.01}')
    several("observe", "t.json", *given)
    assert several("export", "t.json").answers[-1]["std"] == {"accuracy": 0.01}


def test_predictions(several: Run) -> None:
    engine = at.Engine.from_state(Store("t.json").read())
    asked = [*several("suggest", "t.json", "-n", "2").answers, {"params": PARAMS}]
    expected = engine.predict([one["params"] for one in asked])
    bad = [{"id": 0}, {"params": {**PARAMS, "depth": 99}}, {"parms": PARAMS}]
    before = Path("t.json").read_bytes()
    result = several("predict", "t.json", "-", text=lines(asked[0], *bad, *asked[1:]) + "oops")
    good = [result.answers[0], *result.answers[4:6]]
    for row, (one, answer) in enumerate(zip(asked, good, strict=True)):
        assert answer["params"] == one["params"]
        for name, (means, deviations) in expected.items():
            assert answer["mean"][name] == pytest.approx(means[row])
            assert answer["deviation"][name] == pytest.approx(deviations[row])
    errors = [answer["error"] for answer in [*result.answers[1:4], result.answers[6]]]
    places = ["$: got nothing", "$.depth: got 99", "$.parms: got", "$: got 'oops'"]
    for number, (error, place) in enumerate(zip(errors, places, strict=True), start=2):
        assert error.startswith(f"line {7 if number == 5 else number}: {place}")
    assert result.code == 3
    assert Path("t.json").read_bytes() == before


def test_predictions_of_a_plain_study_are_numbers(run: Run) -> None:
    asked = lines({"params": PARAMS})
    assert run("predict", "s.json", "-", text=asked).code == 4
    run("suggest", "s.json")
    run("observe", "s.json", "--id", "0", "--target", "1")
    (answer,) = run("predict", "s.json", "-", text=asked).answers
    assert answer["mean"] == 1.0
    assert answer["deviation"] > 0.0


# --- exit codes ---


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("suggest", "none.json"), 5, "none.json: no such file"),
        (("init", "none.yaml", "t.json"), 5, "none.yaml: no such file or directory"),
        (("report", "s.json", "none/r.html"), 5, "asktell: none: no such folder"),
        (("suggest", "bad.json"), 5, "bad.json: line 1, column 1"),
        (("show", "space.yaml"), 5, "Expecting value; this is no state, which is JSON"),
        (("init", "bad.yaml", "t.json"), 3, "bad.yaml:1: $.parameters: got nothing"),
        (("init", "space.yaml", "t.json", "--seed", "-1"), 3, "$.seed: got -1"),
        (("init", "space.yaml", "t.json", "--set", "retries=-1"), 3, "$.settings.retries: got -1"),
        (("init", "space.yaml", "t.json", "--set", "speed=9"), 3, "$.settings.speed: got 9"),
        (("init", "space.yaml", "t.json", "--set", "retries=x"), 3, "$.settings.retries: got 'x'"),
        (("suggest", "s.json", "-n", "0"), 3, "$.n: got 0"),
        (("suggest", "s.json", "--lease", "-5"), 3, "$.lease: got -5.0"),
        (("renew", "s.json", "--id", "3", "--lease", "5"), 3, "$.id: got 3"),
    ],
)
def test_exit_codes(run: Run, arguments: tuple[str, ...], code: int, message: str) -> None:
    Path("bad.json").write_text("")
    Path("bad.yaml").write_text("{}")
    result = run(*arguments)
    assert (result.code, result.answers) == (code, [])
    assert message in result.err
    assert not Path("t.json").exists()


def test_what_is_fixed_and_enqueued(run: Run) -> None:
    first = run("enqueue", "s.json", '{"depth": 3, "bias": true}', "--now", "1").answers
    assert first == [{"enqueued": {"depth": 3, "bias": True}}]
    assert len(run("enqueue", "s.json", '{"bits": 8}').answers) == 2
    answers = run("suggest", "s.json", "-n", "3", "--fixed", '{"kernel": "poly"}').answers
    assert [one["origin"] for one in answers] == ["enqueued", "enqueued", "initial"]
    assert {one["params"]["kernel"] for one in answers} == {"poly"}
    assert (answers[0]["params"]["depth"], answers[1]["params"]["bits"]) == (3, 8)
    assert Store("s.json").read().enqueued == []


def test_another_space(run: Run) -> None:
    run("enqueue", "s.json", '{"kernel": "rbf"}')
    run("suggest", "s.json", "-n", "3", "--fixed", '{"kernel": "poly"}')
    run("observe", "s.json", "--id", "1", "--target", "0.5")
    Path("next.yaml").write_text(
        SPACE.replace("choices: [rbf, poly]", "choices: [poly, lin]") + "  new: {type: bool}\n"
    )
    result = run("change-space", "s.json", "next.yaml")
    reason = "it had no new: pass had={'new': ...}, or give new a default"
    assert result.code == 0
    assert result.answers[:3] == [{"trial": n, "kept": False, "reason": reason} for n in range(3)]
    (wish,) = result.answers[3:]
    assert (wish["enqueued"], wish["kept"]) == ({"kernel": "rbf"}, False)
    result = run("change-space", "s.json", "next.yaml", "--had", '{"new": false}')
    assert result.answers == [{"trial": n, "kept": True} for n in range(3)]
    assert run("best", "s.json").answers[0]["params"]["new"] is False
    assert run("observe", "s.json", "--id", "2", "--target", "0.25").answers[0]["outcome"] == (
        "recorded"
    )


def test_another_space_wants_nothing_else(run: Run) -> None:
    Path("next.yaml").write_text(SPACE + "objectives: {loss: minimize}\n")
    result = run("change-space", "s.json", "next.yaml")
    assert result.code == 3
    assert "expected what the study wants, maximize, or none: only the space changes" in result.err
    run("init", "next.yaml", "t.json")
    assert run("change-space", "t.json", "next.yaml").answers == []


def test_an_earlier_study(run: Run) -> None:
    run("suggest", "s.json", "-n", "2")
    run("observe", "s.json", "--id", "0", "--target", "0.5")
    run("init", "space.yaml", "t.json")
    result = run("learn-from", "t.json", "s.json")
    assert result.answers == [
        {"trial": 0, "kept": True},
        {"trial": 1, "kept": False, "reason": "it has no result: it is pending"},
    ]
    (study,) = Store("t.json").read().earlier
    assert [lesson.numbers for lesson in study.kept] == [(0.5,)]
    assert run("learn-from", "t.json", "none.json").code == 5


@pytest.mark.parametrize("text", ["nope", "[1]", "3"])
def test_params_are_json(run: Run, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    for call in (("suggest", "s.json", "--fixed", text), ("enqueue", "s.json", text)):
        with pytest.raises(SystemExit):
            run(*call)
        assert 'must be JSON such as {"lr": 0.1}' in capsys.readouterr().err


def test_a_space_that_is_used_up_has_an_exit_code(run: Run) -> None:
    Path("small.yaml").write_text("parameters: {b: {type: bool}}")
    run("init", "small.yaml", "t.json")
    assert len(run("suggest", "t.json", "-n", "5").answers) == 2
    result = run("suggest", "t.json")
    assert (result.code, result.answers) == (4, [])
    assert "all 2 configurations" in result.err


def help_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--help"])
    assert caught.value.code == 0
    return str(capsys.readouterr().out)


def test_the_help_shows_every_command_in_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys)
    for title, group in GROUPS.items():
        listed = text.split(f"\n{title}:\n")[1].split("\n\n")[0].splitlines()
        assert [line.split()[0] for line in listed] == [command.name for command in group]
    assert max(map(len, text.splitlines())) <= 100
    assert set(re.findall(r"^  asktell (\w+)", text, re.MULTILINE)) <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_can_be_parsed(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    example = textwrap.dedent(help_of(capsys, name).split("example:\n")[1])
    calls = re.findall(r"(?:^|\| )asktell ([^|>#\n]*)", example, re.MULTILINE)
    for call in calls:
        words = shlex.split(call)
        assert parse(words, "0").command == words[0]
    assert name in {call.split()[0] for call in calls}


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_commands_options_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["completion", "bash"])
    script = capsys.readouterr().out
    (tmp_path / "study.json").touch()

    def completed(*typed: str) -> list[str]:
        words = " ".join(map(shlex.quote, typed))
        ask = f"COMP_WORDS=(asktell {words}); COMP_CWORD={len(typed)}; _shtab_asktell"
        run = subprocess.run(
            ["bash", "-c", f'{script}\n{ask}\necho "${{COMPREPLY[@]}}"'],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        return run.stdout.split()

    assert completed("ret") == ["retry"]
    assert completed("retry", "study.json", "--f") == ["--failed"]
    assert completed("show", "stu") == ["study.json"]


def test_without_shtab_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 1
    assert "pip install 'asktell[cli]'" in capsys.readouterr().err


def test_what_follows_two_dashes_is_left_alone() -> None:
    assert _joined(["x", "--id", "-1", "--", "--id", "3"]) == ["x", "--id=-1", "--", "--id", "3"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("tell", "s.json"),
        ("suggest",),
        ("observe", "s.json"),
        ("observe", "s.json", "--id", "0"),
        ("observe", "s.json", "--target", "0"),
        ("observe", "s.json", "-", "--id", "0"),
        ("observe", "s.json", "--id", "0", "--target", "much"),
        ("observe", "s.json", "--id", "0", "--target", "[1]"),
        ("observe", "s.json", "--id", "0", "--target", '{"target": '),
        ("observe", "s.json", "--id"),
        ("observe", "s.json", "-", "--std", "1"),
        ("observe", "s.json", "--id", "0", "--std", "1"),
        ("observe", "s.json", "--id", "0", "--target", "1", "--std", "low"),
        ("predict", "s.json"),
        ("predict", "s.json", "--params"),
        ("amend", "s.json", "--id", "0"),
        ("amend", "s.json", "--target", "1"),
        ("amend", "s.json", "--id", "0", "--trial", "0", "--target", "1"),
        ("retry", "s.json", "--trial", "0", "--failed"),
        ("forget", "s.json"),
        ("fail", "s.json"),
        ("init", "space.yaml", "t.json", "--goal", "win"),
        ("init", "space.yaml", "t.json", "--set", "retries"),
        ("suggest", "s.json", "--le", "5"),
    ],
)
def test_wrong_usage_is_2(run: Run, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize("arguments", [(), ("sho", "s.json")])
def test_without_a_command_that_exists_the_help_is_named(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert capsys.readouterr().err.endswith("; asktell --help lists the commands\n")


def test_a_missing_package_is_named_with_its_extra(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "asktell.cli.yaml_document")
    monkeypatch.delitem(sys.modules, "asktell.cli.space_file")
    result = run("init", "space.yaml", "t.json")
    assert result.code == 1
    assert "pip install 'asktell[cli]'" in result.err


# --- as a process ---


def process(folder: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "asktell", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_line_is_answered_when_it_comes_and_is_on_the_disk_then(run: Run, tmp_path: Path) -> None:
    run("suggest", "s.json", "-n", "2")
    with process(tmp_path, "observe", "s.json", "-") as observing:
        assert observing.stdin
        assert observing.stdout
        for trial in (1, 0):
            observing.stdin.write(lines({"id": trial, "target": trial}))
            observing.stdin.flush()
            assert json.loads(observing.stdout.readline()) == {"id": trial, "outcome": "recorded"}
            assert Store("s.json").read().observations[-1].id == trial
        observing.communicate()
    assert observing.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_ends_it_as_the_signal_does(run: Run, tmp_path: Path) -> None:
    def heed() -> None:  # a background job of a shell ignores it, and so would its children
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    run("suggest", "s.json")
    with process(tmp_path, "observe", "s.json", "-", preexec_fn=heed) as observing:
        assert observing.stdin
        assert observing.stdout
        observing.stdin.write(lines({"id": 0, "target": 1}))
        observing.stdin.flush()
        observing.stdout.readline()
        observing.send_signal(signal.SIGINT)
        _, err = observing.communicate()
    assert (observing.returncode, err) == (-signal.SIGINT, "")
    assert len(Store("s.json").read().observations) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_broken_pipe_ends_it_without_a_word(run: Run, tmp_path: Path) -> None:
    with process(tmp_path, "status", "s.json") as asking:
        assert asking.stdout
        assert asking.stderr
        asking.stdout.close()
        asking.wait()
        assert (asking.returncode, asking.stderr.read()) == (141, "")


def test_several_processes_get_different_suggestions(run: Run, tmp_path: Path) -> None:
    asking = [process(tmp_path, "suggest", "s.json", "-n", "2") for _ in range(3)]
    answers = [json.loads(line) for p in asking for line in p.communicate()[0].splitlines()]
    assert sorted(answer["id"] for answer in answers) == list(range(6))


def test_suggesting_imports_neither_yaml_nor_anything_heavy(run: Run, tmp_path: Path) -> None:
    code = (
        "import sys; from asktell.cli.main import main; "
        "main(['status', 's.json']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & {"yaml", "jsonschema", "sklearn", "matplotlib", "onnx"}
    assert "scipy.stats" not in done.stderr.split()


# --- lines ---


class Chunks:
    """A source that gives these chunks, then nothing."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)

    def read1(self, size: int, /) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""


@pytest.mark.parametrize(
    ("chunks", "batches"),
    [
        ((), []),
        ((b"a\nb\n", b"c\n"), [[(1, b"a"), (2, b"b")], [(3, b"c")]]),
        ((b"a\nb", b"b\n"), [[(1, b"a")], [(2, b"bb")]]),
        ((b"a", b"\n\n", b"\n \nb"), [[(1, b"a")], [(5, b"b")]]),
        ((b"a\r\n",), [[(1, b"a\r")]]),
    ],
)
def test_lines_come_in_batches_with_their_numbers(
    chunks: tuple[bytes, ...], batches: list[Any]
) -> None:
    assert list(batches_of_lines(Chunks(*chunks))) == batches
