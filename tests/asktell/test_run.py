"""``asktell run``: what it tells, how it stops, what it says, and how it goes on."""

from __future__ import annotations

import io
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import asktell as at
from asktell.cli import live
from asktell.cli import run as run_command
from asktell.cli.main import main
from asktell.store import Store
from asktell.study.events import Expired

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and sh")

ROOT = Path(__file__).parents[2]
SPACE = at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 1, 20))


class Result:
    """What a run gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.err = code, err
        self.answers = [json.loads(line) for line in out.splitlines()]


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _signals_as_at_a_terminal() -> Iterator[None]:
    """Let signals do what they do by default: what starts the tests may ignore some."""
    by_default = {
        signal.SIGHUP: signal.SIG_DFL,
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, does) for number, does in by_default.items()}
    yield
    for number, did in before.items():
        signal.signal(number, did)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a shell's script in a folder with a study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_command.signal, "raise_signal", raised)
    Store("s.json").create(at.State.start(SPACE, goal="minimize"))

    def call(script: str, *options: str, arguments: tuple[str, ...] = ("{x}", "{n}")) -> Result:
        monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's: then lines are shown
        program = ["sh", "-c", script, "sh", *arguments]
        return Result(main(["run", "s.json", *options, "--", *program]), *capsys.readouterr())

    return call


class EndedAsTheSignal(BaseException):
    """In place of the end of this process."""


def raised(number: int) -> None:
    raise EndedAsTheSignal(number)


def state() -> at.State:
    return Store("s.json").read()


# --- what a program is given, and what it tells ---


def test_params_go_in_and_targets_come_out(run: Run) -> None:
    result = run('echo "training"; echo "$1"', "--trials", "3")
    assert result.code == 0
    assert [one.target for one in state().observations] == [
        one.params["x"] for one in state().observations
    ]
    for answer, number in zip(result.answers, range(3), strict=True):
        params = answer["params"]
        target = params["x"]
        expected = {"id": number, "outcome": "recorded", "trial": number, "params": params}
        assert answer == {**expected, "target": target}
    assert result.err.count("\ntrial ") == 3
    best = min(one.target for one in state().observations)
    assert f"asktell: done: 3 trials with an outcome; best {best:.6g}" in result.err
    assert result.err.endswith("; to look at it: asktell show s.json\n")


def test_all_ways_to_be_given_params(run: Run) -> None:
    script = """
cat > "$ASKTELL_FOLDER/stdin"; cp "$1" "$ASKTELL_FOLDER/file"; echo "$2" > "$ASKTELL_FOLDER/id"
echo "$ASKTELL_PARAMS" > "$ASKTELL_FOLDER/variable"; echo "$ASKTELL_PARAM_n"
"""
    arguments = ("{params_file}", "{id}")
    result = run(script, "--trials", "2", "--stdin", arguments=arguments)
    assert result.code == 0
    assert "not in the command" not in result.err
    for one in state().observations:
        folder = Path("s.json.trials", str(one.id))
        for name in ("stdin", "file", "variable", "params.json"):
            assert json.loads((folder / name).read_text()) == one.params
        assert (folder / "id").read_text() == f"{one.id}\n"
        assert one.target == one.params["n"]


def test_a_parameter_that_is_not_handed_over_is_pointed_out(run: Run) -> None:
    assert "not in the command: n;" in run("echo 1", "--trials", "1", arguments=("{x}",)).err
    assert "not in the command: x, n;" in run("echo 1", "--trials", "1", arguments=()).err


def test_a_target_with_its_deviation(run: Run) -> None:
    result = run("""echo '{"target": 2, "std": 0.5}'""", "--trials", "1")
    assert (result.answers[0]["target"], result.answers[0]["std"]) == (2, 0.5)
    assert [one.std for one in state().observations] == [0.5]


def test_a_target_in_a_file_and_none_of_an_earlier_attempt(run: Run) -> None:
    script = """[ -e "$ASKTELL_FOLDER/r.json" ] && exit 9; echo 0.5 > "$ASKTELL_FOLDER/r.json" """
    assert run(f"{script}; exit 3", "--result", "r.json").code == 6
    result = run(script, "--trials", "1", "--result", "r.json")
    assert (result.code, result.answers[0]["target"]) == (0, 0.5)


def test_a_target_by_a_pattern(run: Run) -> None:
    result = run("echo loss: $1; echo bye", "--trials", "1", "--pattern", "-?loss: ([0-9.e-]+)")
    assert result.answers[0]["target"] == result.answers[0]["params"]["x"]


def test_several_outcomes(run: Run) -> None:
    Path("s.json").unlink()
    objectives = {"loss": "minimize", "size": "minimize"}
    Store("s.json").create(at.State.start(SPACE, objectives=objectives))
    result = run("""echo "{\\"loss\\": $1, \\"size\\": $2, \\"epoch\\": 3}" """, "--trials", "2")
    assert result.code == 0
    assert set(result.answers[0]["target"]) == {"loss", "size"}
    assert "front" in result.err


def test_no_shell_sees_the_values(run: Run) -> None:
    Path("s.json").unlink()
    space = at.Space(at.Categorical("name", ["a; touch hacked", "$(touch hacked)", "b  c"]))
    Store("s.json").create(at.State.start(space))
    result = run('printf "%s" "$1" > "$ASKTELL_FOLDER/name"; echo 1', arguments=("{name}",))
    assert result.code == 0
    names = {path.read_text() for path in Path("s.json.trials").glob("*/name")}
    assert names == {"a; touch hacked", "$(touch hacked)", "b  c"}
    assert not Path("hacked").exists()
    assert "nothing is left to suggest; 3 trials with an outcome" in result.err


# --- what goes wrong ---


def test_a_first_program_that_fails_ends_the_run_and_nothing_is_recorded(run: Run) -> None:
    result = run("echo loading; echo 'No module named torhc' >&2; exit 1", "--trials", "5")
    assert (result.code, result.answers) == (6, [])
    assert (
        "a program failed before any has succeeded (id 0): exit code 1: No module named torhc"
        in result.err
    )
    assert f"Its output is in {Path.cwd()}/s.json.trials/0" in result.err
    assert (state().n_over, [one.id for one in state().pending]) == (0, [0])
    again = run("echo 1", "--trials", "2")
    assert [answer["id"] for answer in again.answers] == [0, 1]


def test_a_first_target_that_cannot_be_read_ends_the_run_whatever_its_patience(run: Run) -> None:
    result = run("echo accuracy 0.5", "--trials", "5", "--patience-first", "0")
    assert (result.code, result.answers) == (6, [])
    assert "no target: its last line is 'accuracy 0.5'; expected a number" in result.err
    assert "With --pattern or --result" in result.err
    assert state().n_over == 0


def test_a_target_without_an_outcome_is_none(run: Run) -> None:
    Path("s.json").unlink()
    Store("s.json").create(at.State.start(SPACE, objectives={"a": "minimize", "b": "minimize"}))
    result = run("echo 1", "--trials", "5")
    assert result.code == 6
    assert "a number for each of ['a', 'b']" in result.err


def test_patience_is_a_choice(run: Run) -> None:
    script = '[ "$ASKTELL_ID" -lt 2 ] && exit 3; echo 1'
    result = run(script, "--trials", "3", "--patience-first", "3")
    assert [answer["outcome"] for answer in result.answers] == ["failed", "failed", "recorded"]
    assert result.answers[0]["reason"] == "exit code 3"
    assert (result.code, "3 trials with an outcome (2 failed)" in result.err) == (0, True)


def test_a_run_of_failures_ends_the_run_and_they_are_recorded(run: Run) -> None:
    script = '[ "$ASKTELL_ID" = 0 ] && echo 1 || kill -9 $$'
    result = run(script, "--trials", "50", "--patience-later", "3")
    assert (result.code, len(result.answers)) == (6, 4)
    assert [one.reason for one in state().failures] == ["killed by SIGKILL"] * 3
    assert "asktell retry STATE --failed" in result.err


def test_a_later_target_that_cannot_be_read_is_a_failure(run: Run) -> None:
    result = run('[ "$ASKTELL_ID" = 0 ] && echo 1 || echo oops', "--trials", "2")
    assert result.code == 0
    assert state().failures[0].reason.startswith("no target: its last line is 'oops'; expected")


def test_a_target_that_is_not_finite_is_a_failure(run: Run) -> None:
    result = run('[ "$ASKTELL_ID" = 0 ] && echo nan || echo 1', "--trials", "2")
    assert [answer["outcome"] for answer in result.answers] == ["failed", "recorded"]
    assert result.answers[0]["reason"] == "the target is nan"


def test_a_program_that_takes_too_long_is_stopped_and_the_run_goes_on(run: Run) -> None:
    script = '[ "$ASKTELL_ID" = 0 ] && sleep 1000; echo 1'
    result = run(script, "--trials", "2", "--timeout", "0.3")
    assert [answer["outcome"] for answer in result.answers] == ["failed", "recorded"]
    assert result.answers[0]["reason"] == "no result within 0.3 s"


def test_one_that_does_not_stop_is_killed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asktell.programs.crew._GRACE", 0.2)
    script = "trap '' TERM; while :; do sleep 0.05; done"
    result = run(script, "--trials", "1", "--timeout", "0.2")
    assert result.code == 4
    assert "no program has succeeded" in result.err
    assert state().failures[0].reason == "no result within 0.2 s"


def test_a_program_without_dashes_before_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "s.json", "./train.sh", "--depth", "{n}"])
    said = "unrecognized arguments: ./train.sh --depth {n}; what is to be run comes after --"
    assert said in capsys.readouterr().err


def test_a_program_that_is_not_there(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "s.json", "--", "./trian.sh", "{x}", "{n}"]) == 3
    assert "'./trian.sh', expected a program that can be run" in capsys.readouterr().err
    Path("train.sh").write_text("echo 1")
    assert main(["run", "s.json", "--", "train.sh", "{x}", "{n}"]) == 3
    advice = "this file cannot: chmod +x ./train.sh, and call it as ./train.sh"
    assert advice in capsys.readouterr().err
    assert main(["run", "s.json", "--", "./{n}.sh", "{x}"]) == 6
    assert "could not be started: [Errno 2] No such file" in capsys.readouterr().err
    assert state().n_over == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["s.json"], "no program: put it after --"),
        (
            ["s.json", "./train.sh", "{x}"],
            "arguments: ./train.sh {x}; what is to be run comes after",
        ),
        (
            ["s.json", "--tirals", "3", "--", "x"],
            "asktell run: error: unrecognized arguments: --tirals 3\n",
        ),
        (["s.json", "--trials", "0", "--", "x"], "must be an integer >= 1, not '0'"),
        (["s.json", "--timeout", "soon", "--", "x"], "must be seconds > 0, not 'soon'"),
        (["s.json", "--lease", "-1", "--", "x"], "must be seconds > 0, not '-1'"),
        (["s.json", "--pattern", "(", "--", "x"], "not a regular expression"),
        (["s.json", "--pattern", "a", "--result", "b", "--", "x"], "not allowed with"),
    ],
)
def test_wrong_usage(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", *arguments])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_refused_before_anything_runs(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "t.json", "--", "sh"]) == 5
    assert "begin a study with: asktell init SPACE.yaml t.json" in capsys.readouterr().err
    result = run("echo 1", arguments=("{z}",))
    assert (result.code, "command[4]: got '{z}', expected one of" in result.err) == (3, True)
    result = run("echo 1", "--workers", "2", "--result", str(Path("r.json").absolute()))
    assert (result.code, "expected a file for each trial: a path with {id}" in result.err) == (
        3,
        True,
    )
    assert not Path("s.json.trials").exists()


# --- signals ---


def test_a_signal_stops_the_programs_and_keeps_their_trials(run: Run, capsys: Any) -> None:
    script = f'[ "$ASKTELL_ID" = 2 ] && {{ kill -TERM {os.getpid()}; sleep 1000; }}; echo 1'
    with pytest.raises(EndedAsTheSignal) as caught:
        run(script, "--trials", "9")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert caught.value.args == (signal.SIGTERM,)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "asktell: stopped; s.json has 2 trials with an outcome. To go on, " in err
    assert "run the same command again" in err
    assert [one.id for one in state().pending] == [2]
    assert [answer["id"] for answer in run("echo 2", "--trials", "4").answers] == [2, 3]


def test_a_second_signal_kills(run: Run) -> None:
    stop = f"kill -HUP {os.getpid()}; sleep 0.1; kill -HUP {os.getpid()}; sleep 1000"
    with pytest.raises(EndedAsTheSignal):
        run(f"trap '' TERM; {stop}", "--trials", "9")
    assert [one.id for one in state().pending] == [0]


def test_a_signal_that_is_ignored_stays_so(run: Run) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert run(f"kill -HUP {os.getpid()}; echo 1", "--trials", "2").code == 0
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


# --- others at the same study ---


def test_what_is_settled_by_hand_is_stopped(run: Run) -> None:
    asktell = f"{shlex.quote(sys.executable)} -m asktell"
    script = f'[ "$ASKTELL_ID" = 1 ] && {{ {asktell} fail s.json --id 1; sleep 1000; }}; echo 1'
    result = run(script, "--trials", "3")
    assert result.code == 0
    assert [answer["id"] for answer in result.answers] == [0, 2]
    assert "id 1 has an outcome from elsewhere; stopped here" in result.err


def test_a_result_told_by_hand_meanwhile_counts(run: Run) -> None:
    asktell = f"{shlex.quote(sys.executable)} -m asktell"
    result = run(f"{asktell} observe s.json --id 0 --target 7 >&2; echo 1", "--trials", "1")
    assert [answer["outcome"] for answer in result.answers] in ([], ["conflict"])
    assert [one.target for one in state().observations] == [7.0]


# --- the table ---


class Terminal(io.StringIO):
    """What looks like a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_table_and_no_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "100")
    script = '[ "$ASKTELL_ID" = 3 ] && exit 3; echo 1'
    result = run(script, "--trials", "7", "--workers", "2", arguments=("{x}",))
    assert (result.code, result.answers) == (0, [])
    shown = terminal.getvalue()
    for words in ("worker", "last results", "failed: exit code 3", "7 of 7 trials; 1 failed"):
        assert words in shown
    assert "not in the command: n" in shown
    assert "asktell: done: 7 trials" in shown


def test_a_table_without_a_number_of_trials_and_with_many_workers(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    Path("s.json").unlink()
    Store("s.json").create(at.State.start(at.Space(at.Int("n", 1, 20))))
    result = run("echo 1", "--workers", "20", arguments=("{n}",))
    assert (result.code, len(result.answers)) == (0, 20)
    assert "and 4 more workers" in terminal.getvalue()
    assert "20 trials; best 1" in terminal.getvalue()


def test_without_rich_or_if_asked_for_there_are_lines(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    run("echo 1", "--trials", "1", "--plain")
    monkeypatch.setattr(live, "find_spec", lambda name: None)
    run("echo 1", "--trials", "2")
    assert terminal.getvalue().count("\ntrial ") == 2
    assert "worker" not in terminal.getvalue()


# --- the journey ---

TRAIN = """\
#!/bin/bash
# $1 x, $2 n: the second trial is killed, the fifth hangs
echo "training on $1"
echo $$ >> "$ASKTELL_FOLDER/began"
sleep 0.1
[ "$ASKTELL_ID" = 1 ] && { echo "allocating" >&2; kill -9 $$; }
[ "$ASKTELL_ID" = 4 ] && sleep 1000
echo "{\\"target\\": $1}"
"""


def _is_alive(pid: str) -> bool:
    """Tell whether a process runs; one that has ended may wait for the system to take note."""
    try:
        stat = Path("/proc", pid, "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def test_a_script_tuned_by_four_workers_killed_interrupted_and_resumed(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.json")
    store.create(at.State.start(SPACE, seed=5))
    (tmp_path / "train.sh").write_text(TRAIN)
    (tmp_path / "train.sh").chmod(0o755)

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "asktell", "run", "s.json", "--trials", "16"]
        command += ["--workers", "4", "--timeout", "1", "--patience-first", "5"]
        command += ["--", "./train.sh", "{x}", "{n}"]
        pipe, environment = subprocess.PIPE, {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env=environment
        )

    def until(run: subprocess.Popen[str], n_over: int) -> None:
        while store.read().n_over < n_over:
            assert run.poll() is None
            time.sleep(0.01)

    told = []
    for number, n_over in ((signal.SIGINT, 2), (signal.SIGKILL, 6)):
        run = begin()
        until(run, n_over)
        run.send_signal(number)
        out, err = run.communicate()
        told += [json.loads(line) for line in out.splitlines()]
        assert run.returncode == -number
        assert ("run the same command again" in err) is (number == signal.SIGINT)
    run = begin()
    out, err = run.communicate()
    assert run.returncode == 0, err
    told += [json.loads(line) for line in out.splitlines()]
    assert "asktell: done: 16 trials with an outcome (2 failed); best " in err

    state = store.read()
    assert {one.id: one.reason for one in state.failures} == {
        1: "killed by SIGKILL: allocating",
        4: "no result within 1 s",
    }
    assert all(one.target == one.params["x"] for one in state.observations)
    assert (state.next_id, state.n_over, state.out) == (16, 16, ())
    assert not any(isinstance(event, Expired) for event in state.events)
    ids = [answer["id"] for answer in told]
    assert len(ids) == len(set(ids))
    pids = [p.read_text().split() for p in (tmp_path / "s.json.trials").glob("*/began")]
    assert len(pids) == 16
    if sys.platform == "linux":
        assert not any(_is_alive(pid) for some in pids for pid in some)
