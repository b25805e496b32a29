"""``asktell show``: a study at a glance, its failures, one trial; for people and for programs."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import asktell as at
from asktell.cli.main import main
from asktell.store import Store
from asktell.tables import overview, trial_rows

Show = Callable[..., str]

LONG = at.Space(
    *(at.Float(f"encoder.layer_{i}.attention_dropout", 0.0, 1.0) for i in range(19)),
    at.Categorical("optimiser[name]", ["adam", "sgd"]),
)
NOW = 1_760_000_000.0


@pytest.fixture
def show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Show:
    """Return a function that shows an engine's study, and checks that nothing went wrong."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"TZ": "UTC", "COLUMNS": "80", "LINES": "24", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    time.tzset()

    def call(engine: at.Engine, *arguments: str) -> str:
        Path("s.json").unlink(missing_ok=True)
        Store("s.json").create(engine.state)
        assert main(["show", "s.json", "--now", str(NOW), *arguments]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return str(out)

    return call


def engine_of(space: at.Space = LONG, **options: Any) -> at.Engine:
    return at.Engine(space, seed=1, settings=at.Settings(n_initial=999), **options)


def lived(n: int = 12) -> at.Engine:
    """Return a study in which things went well, failed in two ways, and are out."""
    engine = engine_of(goal="minimize", constraints={"memory": at.AtMost(3.0)})
    for number in range(n):
        suggestion = engine.suggest(now=NOW - 9000.0 + number)
        if number % 3 == 0:
            reason = (
                "[Errno 2] No such file\x1b[31m" if number % 2 else "Traceback\nValueError: [no]"
            )
            engine.fail(suggestion, reason, now=NOW - 8000.0)
        else:
            target = {"target": 12.0 - number, "memory": 2.0 if number < 10 else 4.0}
            engine.observe(suggestion, target, now=NOW - 8000.0)
    engine.suggest(now=NOW - 3700.0, lease=600.0)
    engine.suggest(now=NOW - 60.0, lease=600.0)
    return engine


def sections(text: str) -> dict[str, list[str]]:
    """Return the lines below each heading: what follows an empty line."""
    parts = [part.splitlines() for part in text.split("\n\n")]
    return {head.partition(":")[0].partition(",")[0]: [head, *lines] for head, *lines in parts}


# --- for people ---


def test_the_answer_comes_first_and_what_to_do_last(show: Show) -> None:
    text = show(lived())
    found = sections(text)
    assert list(found) == ["Best", "Trials", "Best so far", "Last", "Failed", "Pending", "To do"]
    assert found["Best"][:2] == [
        "Best: target 4  memory 2",
        "trial 8; minimize target, memory <= 3",
    ]
    assert found["Trials"] == ["Trials: 8 observed, 4 failed, 2 pending, 6 feasible"]
    assert found["Best so far"][1:] == [
        "11 █▄",
        "   ██▃",
        "   ███▆",
        " 4 ████▅▁",
    ]
    assert found["Failed"][1:] == [
        "count  trials  reason",
        "2      0, 6    ValueError: [no]",
        "2      3, 9    [Errno 2] No such file\\x1b[31m",
    ]
    assert [re.split(r"  +", line)[:4] for line in found["Pending"][1:]] == [
        ["id", "trial", "out for", "lease"],
        ["12", "12", "1 h 1 min", "over for 51 min 40 s"],
        ["13", "13", "1 min", "9 min left"],
    ]
    assert found["To do"][1:] == [
        "4 failed; once the cause is mended, try again",
        "  asktell retry s.json --failed",
        "1 overdue; if the worker died, offer the params again",
        "  asktell expire s.json",
    ]


@pytest.mark.parametrize("arguments", [(), ("--failed",), ("--trial", "3")])
def test_no_line_is_wider_than_eighty_columns(show: Show, arguments: tuple[str, ...]) -> None:
    text = show(lived(), *arguments)
    assert max(map(len, text.splitlines())) <= 80
    assert text == "".join(line.rstrip() + "\n" for line in text.splitlines())
    assert "\x1b" not in text


def test_all_params_of_the_best_are_there_in_full(show: Show) -> None:
    engine = lived()
    text = show(engine)
    for name, value in engine.best_observed().params.items():
        assert f"{name} {value}" in text


def test_a_study_without_trials(show: Show) -> None:
    assert show(engine_of()).splitlines() == [
        "Best: nothing is observed yet",
        "maximize target",
        "",
        "Trials: none",
        "",
        "To do",
        "nothing has been suggested yet",
        "  asktell suggest s.json",
    ]


def test_a_study_of_one_trial(show: Show) -> None:
    engine = engine_of()
    engine.observe(engine.suggest(), 1e-9)
    found = sections(show(engine))
    assert list(found) == ["Best", "Trials", "Last"]
    assert found["Best"][0] == "Best: 1e-09"


def test_where_everything_failed(show: Show) -> None:
    engine = engine_of()
    for suggestion in engine.suggest_batch(3):
        engine.fail(suggestion)
    found = sections(show(engine))
    assert found["Best"][0] == "Best: nothing is observed yet"
    assert found["Failed"][2] == "3      0-2     (no reason given)"
    engine.retry_failed()
    found = sections(show(engine))
    assert found["To do"][1:] == ["3 to be handed out again", "  asktell suggest s.json"]


def test_where_all_are_pending(show: Show) -> None:
    engine = engine_of()
    engine.suggest_batch(15)
    found = sections(show(engine))
    assert list(found) == ["Best", "Trials", "Last", "Pending"]
    assert found["Pending"][-1] == "and 3 more"
    assert found["Pending"][2].split()[:4] == ["0", "0", "-", "none"]


def test_where_nothing_holds_the_constraints(show: Show) -> None:
    engine = engine_of(constraints={"size": at.AtLeast(2.0)})
    engine.observe(engine.suggest(), {"target": 1.0, "size": 1.0})
    text = show(engine)
    assert "no trial holds all constraints; this one comes nearest" in text
    assert "infeasible" in text


def test_several_objectives_have_a_front(show: Show) -> None:
    objectives: Any = {"loss": at.Minimize(reference=5.0), "speed": "maximize"}
    engine = engine_of(at.Space(at.Int("x", 0, 99)), objectives=objectives)
    for loss in range(14):
        engine.observe(engine.suggest(), {"loss": 14.0 - loss, "speed": 14.0 - loss})
    engine.fail(engine.suggest(), "no")
    found = sections(show(engine))
    head, wanted, columns, *rows, more = found["Front"]
    assert head == "Front: 14 that no other dominates"
    assert wanted == "minimize loss, maximize speed"
    assert columns.split() == ["trial", "status", "loss", "speed", "told", "took", "params"]
    assert [row.split()[2] for row in rows] == [str(loss) for loss in range(1, 13)]
    assert more == "and 2 more"
    assert found["Last"][-1].split()[:4] == ["14", "failed", "-", "-"]


def test_a_front_of_nothing(show: Show) -> None:
    text = show(engine_of(objectives={"loss": "minimize", "size": "minimize"}))
    assert text.startswith("Front: 0 that no other dominates\n")


def test_a_terminal_of_ascii_gets_ascii(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", written)
    engine = lived()
    engine.fail(12, "zu groß")
    Store("a study.json").create(engine.state)
    assert main(["show", "a study.json", "--now", str(NOW)]) == 0
    shown = written.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert "11 @" in shown
    assert "zu gro\\xdf" in shown
    assert "asktell retry 'a study.json' --failed" in shown


def test_failures_are_grouped_by_what_went_wrong(show: Show) -> None:
    found = sections(show(lived(), "--failed"))
    assert list(found)[:2] == ["2 x ValueError", "2 x [Errno 2] No such file\\x1b[31m"]
    assert [line.split()[:2] for line in found["2 x ValueError"][2:]] == [["0", "0"], ["6", "6"]]
    assert found["To do"][2] == "  asktell show s.json --trial 0"
    assert show(engine_of(), "--failed") == "no trial failed\n"


def test_everything_about_a_trial(show: Show) -> None:
    engine = lived()
    engine.retry(0, now=NOW)
    text = show(engine, "--trial", "6")
    found = sections(text)
    assert list(found) == ["Trial 6", "Params", "Reason", "Events"]
    assert found["Trial 6"] == [
        "Trial 6: failed",
        "ids     6",
        "origin  initial",
        "took    16 min 34 s",
        "cause   reported",
    ]
    assert found["Reason"][1:] == ["Traceback", "ValueError: [no]"]
    assert found["Events"][2:] == [
        "2025-10-09 06:23:26  suggested  6   origin initial",
        "2025-10-09 06:40:00  failed     6   ValueError: [no]",
    ]
    assert [line.split()[2] for line in sections(show(engine, "--trial", "0"))["Events"][2:]] == [
        "suggested",
        "failed",
        "requeued",
    ]
    infeasible = sections(show(engine, "--trial", "11"))
    assert infeasible["Trial 11"][1:3] == [
        "target                 target 1  memory 4",
        "holds all constraints  no",
    ]
    leased = sections(show(engine, "--trial", "13"))
    assert leased["Events"][2].endswith("origin initial, lease until 2025-10-09 09...")


def test_an_outcome_with_its_deviation(show: Show) -> None:
    engine = engine_of()
    engine.observe(dict.fromkeys(LONG.names[:-1], 0.5) | {"optimiser[name]": "sgd"}, 1.0, 0.25)
    found = sections(show(engine, "--trial", "0"))
    assert found["Trial 0"] == ["Trial 0: observed", "target  1", "std     0.25"]
    assert found["Events"][2].split() == ["-", "told", "-", "target", "1"]


def test_nothing_that_was_told_steers_the_terminal_or_breaks_a_table(show: Show) -> None:
    engine = engine_of(at.Space(at.Categorical("k\x1b[1m", ["a\nb", "c\td"])))
    engine.observe({"k\x1b[1m": "a\nb"}, 1.0)
    engine.fail(engine.suggest(), "[bold]no\x1b]0;title\x07[/bold]\r")
    for arguments in ((), ("--failed",), ("--trial", "0"), ("--trial", "1")):
        text = show(engine, *arguments)
        assert not set(text) & set("\x1b\x07\r\t")
    assert "k\\x1b[1m a\\nb" in show(engine)
    assert "[bold]no\\x1b]0;title\\x07[/bold]" in show(engine, "--failed")


# --- for programs ---


def test_the_overview_as_json(show: Show) -> None:
    engine = lived()
    seen = json.loads(show(engine, "--json"))
    to_do = seen.pop("to_do")
    assert seen == json.loads(json.dumps(overview(engine, NOW)))
    assert to_do[0]["command"] == "asktell retry s.json --failed"


def test_failures_and_a_trial_as_json(show: Show) -> None:
    engine = lived()
    rows = trial_rows(engine)
    failed = json.loads(show(engine, "--failed", "--json"))
    assert failed == {"failed": [row for row in rows if row["status"] == "failed"]}
    story = json.loads(show(engine, "--trial", "3", "--json"))
    events = story.pop("events")
    assert (story, [row["event"] for row in events]) == (rows[3], ["suggested", "failed"])


@pytest.mark.parametrize(
    ("arguments", "trials"),
    [((), list(range(14))), (("--failed",), [0, 3, 6, 9]), (("--trial", "5"), [5])],
)
def test_trials_as_csv(show: Show, arguments: tuple[str, ...], trials: list[int]) -> None:
    rows = list(csv.DictReader(io.StringIO(show(lived(), "--csv", *arguments))))
    assert [int(row["trial"]) for row in rows] == trials


@pytest.mark.parametrize(
    ("n", "number", "expected"), [(3, "5", "from 0 to 4"), (3, "-1", "from 0 to 4")]
)
def test_a_trial_that_is_not_there_is_refused(
    show: Show, n: int, number: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Store("s.json").create(lived(n).state)
    assert main(["show", "s.json", f"--trial={number}"]) == 3
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("now", ["inf", "nan"])
def test_a_moment_that_is_no_number_is_refused(
    show: Show, capsys: pytest.CaptureFixture[str], now: str
) -> None:
    Store("s.json").create(lived(3).state)
    assert main(["show", "s.json", "--now", now]) == 3
    assert f"$.now: got {now}, expected the time in seconds" in capsys.readouterr().err


def test_without_trials_no_number_is_right(show: Show, capsys: pytest.CaptureFixture[str]) -> None:
    Store("s.json").create(engine_of().state)
    assert main(["show", "s.json", "--trial", "0"]) == 3
    assert "there are none" in capsys.readouterr().err


def test_without_rich_the_message_says_what_to_install(
    show: Show, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    Store("s.json").create(engine_of().state)
    assert main(["show", "s.json"]) == 1
    assert "pip install 'asktell[cli]'" in capsys.readouterr().err
    assert main(["show", "s.json", "--json"]) == 0
