"""Which suggestions a run has: known whenever it is killed, and nobody else's while it lives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest

import asktell as at
from asktell.errors import StoreError
from asktell.programs.claims import Claims, asked_at

SPACE = at.Space(at.Float("x", 0.0, 1.0))

Begin = Callable[[], Claims]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Return a function that begins a run; at the end all are as dead as if they were killed."""
    with ExitStack() as stack:

        def begun() -> Claims:
            claims = Claims(tmp_path)
            stack.callback(claims._file.close)
            return claims

        yield begun


def started(*moments: float | None) -> at.State:
    """Return a state with a suggestion for each moment."""
    state = at.State.start(SPACE)
    for moment in moments:
        state, _ = at.suggest(state, now=moment)
    return state


def of_dead(folder: Path, *moments: float, torn: str = "") -> None:
    """Leave the file of a run that was killed."""
    claims = Claims(folder)
    for moment in moments:
        claims.add(moment)
    claims._file.write(torn.encode())
    claims._file.close()


def test_a_dead_run_leaves_orphans_and_no_file(tmp_path: Path, begin: Begin) -> None:
    of_dead(tmp_path, 1.0, 2.0, 99.0)
    state = started(1.0, 2.0, 3.0, None)
    claims = begin()
    assert claims.have_others()
    assert [one.id for one in claims.orphans(state)] == [0, 1]
    assert not claims.have_others()
    assert claims.orphans(state) == []  # they are this run's now


def test_orphans_of_orphans(tmp_path: Path, begin: Begin) -> None:
    state = started(1.0)
    of_dead(tmp_path, 1.0)
    first = begin()
    assert [one.id for one in first.orphans(state)] == [0]
    assert begin().orphans(state) == []
    first._file.close()
    assert [one.id for one in begin().orphans(state)] == [0]


def test_the_file_of_another_user_is_left_alone(
    tmp_path: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_dead(tmp_path, 1.0)
    claims = begin()

    def refused(path: Path, mode: str) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("asktell.programs.claims.FileIO", refused)
    assert claims.orphans(started(1.0)) == []
    assert claims.have_others()


def test_what_has_an_outcome_is_no_orphan(tmp_path: Path, begin: Begin) -> None:
    of_dead(tmp_path, 1.0, 2.0)
    state = at.observe(started(1.0, 2.0), 0, 0.5)
    assert [one.id for one in begin().orphans(state)] == [1]


def test_a_run_that_lives_keeps_its_own(tmp_path: Path, begin: Begin) -> None:
    living, state = begin(), started(1.0, 2.0)
    living.add(1.0)
    of_dead(tmp_path, 1.0, 2.0)  # a moment of both: whose it is, only its lease can tell
    claims = begin()
    assert [one.id for one in claims.orphans(state)] == [1]
    assert claims.have_others()


def test_another_process_lives_as_long_as_it_holds_its_lock(tmp_path: Path, begin: Begin) -> None:
    code = f"""
import sys
from pathlib import Path
from asktell.programs.claims import Claims
claims = Claims(Path({str(tmp_path)!r}))
claims.add(1.0)
print(flush=True)
sys.stdin.read()
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as run:
        assert run.stdout is not None
        run.stdout.readline()
        claims, state = begin(), started(1.0)
        assert claims.orphans(state) == []
        run.kill()
        run.wait()
        assert [one.id for one in claims.orphans(state)] == [0]


def test_runs_of_other_machines_are_left_alone(tmp_path: Path, begin: Begin) -> None:
    other = Claims(tmp_path, host="another.machine")
    other.add(1.0)
    other._file.close()
    claims = begin()
    assert not claims.have_others()
    assert claims.orphans(started(1.0)) == []


def test_a_last_line_without_its_end_was_never_asked_for(tmp_path: Path, begin: Begin) -> None:
    of_dead(tmp_path, 1.0, torn="damaged\n2.0")
    assert [one.id for one in begin().orphans(started(1.0, 2.0))] == [0]


def test_at_its_end_a_run_leaves_what_is_pending(begin: Begin) -> None:
    state = started(1.0, 2.0)
    claims = begin()
    claims.add(1.0)
    claims.close(state)
    assert [one.id for one in begin().orphans(state)] == [0]
    claims = begin()
    claims.add(2.0)
    claims.close(at.observe(state, 1, 0.5))
    assert list(claims._others()) != []
    assert not claims._path.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file in the way")
    with pytest.raises(StoreError, match="runs"):
        Claims(tmp_path)


def test_a_file_that_cannot_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asktell.programs.claims._is_locked_by_us", lambda file: False)
    with pytest.raises(StoreError, match="cannot be locked"):
        Claims(tmp_path)


def test_the_moment_of_a_suggestion() -> None:
    state = started(1.5, None)
    assert [asked_at(state, one) for one in state.pending] == [1.5, None]
