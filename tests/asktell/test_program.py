"""Programs as processes: their output, their end, what they leave behind, and who kills them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from queue import SimpleQueue

import pytest

from asktell.programs import guard
from asktell.programs.lifeline import Lifeline
from asktell.programs.program import Program, Start, end_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups")

Ends = SimpleQueue[int]


def begin(folder: Path, script: str, ends: Ends, stdin: Path | None = None) -> Program:
    start = Start(["sh", "-c", script], {"MESSAGE": "from here"}, folder, stdin)
    began: list[int] = []
    program = Program.started(start, began.append, ends.put)
    assert began == [program.pid]
    return program


def wait_for(path: Path) -> str:
    while not path.exists() or not path.read_text().endswith("\n"):
        time.sleep(0.01)
    return path.read_text().strip()


def is_running(pid: int) -> bool:
    try:
        state = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for_end(pid: int) -> None:
    while is_running(pid):
        time.sleep(0.01)


def test_its_output_and_its_end(tmp_path: Path) -> None:
    ends: Ends = SimpleQueue()
    (tmp_path / "in").write_text("given\n")
    script = 'cat; echo "$MESSAGE"; echo problem >&2; exit 3'
    begin(tmp_path, script, ends, tmp_path / "in")
    assert ends.get() == 3
    assert (tmp_path / "stdout").read_text() == "given\nfrom here\n"
    assert (tmp_path / "stderr").read_text() == "problem\n"


def test_without_input_it_reads_none(tmp_path: Path) -> None:
    ends: Ends = SimpleQueue()
    begin(tmp_path, "wc -c", ends)
    assert ends.get() == 0
    assert (tmp_path / "stdout").read_text().strip() == "0"


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    ends: Ends = SimpleQueue()
    begin(tmp_path, "sleep 1000 & echo $!", ends)
    assert ends.get() == 0
    wait_for_end(int((tmp_path / "stdout").read_text()))


def test_it_is_asked_to_end_with_all_that_it_started(tmp_path: Path) -> None:
    ends: Ends = SimpleQueue()
    program = begin(tmp_path, "sleep 1000 & echo $!; wait", ends)
    child = int(wait_for(tmp_path / "stdout"))
    assert program.terminate()
    assert ends.get() == -signal.SIGTERM
    wait_for_end(child)
    assert not program.terminate()
    program.kill()


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    ends: Ends = SimpleQueue()
    program = begin(tmp_path, "trap '' TERM; echo ready; while :; do sleep 0.05; done", ends)
    wait_for(tmp_path / "stdout")
    assert program.terminate()
    program.kill()
    assert ends.get() == -signal.SIGKILL


def test_what_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Program.started(Start(["./nothing"], {}, tmp_path), print, print)
    with pytest.raises(ValueError, match="null"):
        Program.started(Start(["echo", "a\0b"], {}, tmp_path), print, print)


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "exit code 0"), (3, "exit code 3"), (-9, "killed by SIGKILL"), (-99, "by signal 99")],
)
def test_an_end_in_words(code: int, words: str) -> None:
    assert words in end_of(code)


# --- the guard ---


def test_the_guard_finds_nothing_where_nothing_was_started(tmp_path: Path) -> None:
    guard.guard([b"=%s\n" % bytes(tmp_path / "nothing").hex().encode()])


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "1000"], start_new_session=True)


def test_the_guard_kills_what_has_not_ended() -> None:
    first, second, third = sleeper(), sleeper(), sleeper()
    third.kill()
    third.wait()
    guard.guard([b"%d\n" % one.pid for one in (first, second, third)] + [b"-%d\n" % second.pid])
    assert first.wait() == -signal.SIGKILL
    assert second.poll() is None
    second.kill()
    second.wait()


def test_a_lifeline_ends_what_is_left() -> None:
    first, second = sleeper(), sleeper()
    lifeline = Lifeline([])
    lifeline.began(first.pid)
    lifeline.began(second.pid)
    lifeline.ended(second.pid)
    lifeline.close()
    assert first.wait() == -signal.SIGKILL
    assert second.poll() is None
    second.kill()
    second.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="it looks in /proc")
@pytest.mark.parametrize("began", ["lifeline.began", "lambda pid: time.sleep(1000)"])
def test_programs_end_where_their_run_is_killed_even_before_it_could_tell(
    tmp_path: Path, began: str
) -> None:
    code = f"""
import sys, time
from pathlib import Path
from asktell.programs.lifeline import Lifeline
from asktell.programs.program import Program, Start
lifeline = Lifeline([])
folder = Path({str(tmp_path)!r})
environment = {{"ASKTELL_FOLDER": str(folder)}}
start = Start(["sh", "-c", "sleep 1000 & echo $!; wait"], environment, folder)
lifeline.starts(folder)
Program.started(start, {began}, print)
time.sleep(1000)
"""
    run = subprocess.Popen([sys.executable, "-c", code])
    child = int(wait_for(tmp_path / "stdout"))
    run.kill()
    run.wait()
    wait_for_end(child)


def test_a_run_goes_on_where_its_guard_was_killed() -> None:
    lifeline = Lifeline([])
    process = lifeline._guard
    assert process is not None
    process.kill()
    process.wait()
    lifeline.began(10**9)
    lifeline.ended(10**9)
    lifeline.close()
