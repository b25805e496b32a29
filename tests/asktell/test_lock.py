"""The store's lock: one at a time, and free again whatever ends the one that holds it."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from interrupts import interrupt_after, interrupt_at, real_signals
from spaces import every_kind
from store_farm import step

import asktell as at
from asktell.errors import MissingExtraError, StoreError, StoreLockedError
from asktell.store import Store, lock
from asktell.store.lock import FileLock

BOTH = pytest.mark.parametrize("journal_above", [10**9, 0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.json"


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing of a file that an interrupt left to the collector of garbage to close."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)


def is_free(path: Path) -> bool:
    try:
        return FileLock(path, 0.0).hold(lambda: True)
    except StoreLockedError:
        return False


# --- one at a time ---


def test_it_returns_what_the_work_returns(path: Path) -> None:
    assert FileLock(path, 1.0).hold(lambda: not is_free(path))
    assert is_free(path)


def test_it_is_free_after_an_error(path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        FileLock(path, 1.0).hold(lambda: 1 // 0)
    assert is_free(path)  # while the traceback, and so every frame, is alive
    assert caught.value


def test_its_file_stays_and_is_empty(path: Path) -> None:
    FileLock(path, 1.0).hold(lambda: None)
    assert [(file.name, file.read_bytes()) for file in path.parent.iterdir()] == [
        ("study.json.lock", b"")
    ]


def test_the_wait_ends(path: Path) -> None:
    def ask() -> None:
        FileLock(path, 0.05).hold(lambda: None)

    start = time.monotonic()
    with pytest.raises(StoreLockedError) as caught:
        FileLock(path, 0.0).hold(ask)
    assert 0.05 <= time.monotonic() - start < 5.0
    assert str(caught.value) == f"{path}: held by another process for 0.05 seconds"


def test_threads_exclude_each_other(path: Path) -> None:
    inside, most, done = 0, 0, 0

    def work() -> None:
        nonlocal inside, most, done
        inside += 1
        most = max(most, inside)
        time.sleep(0.002)
        inside -= 1
        done += 1

    shared = FileLock(path, 60.0)

    def ask(ours: FileLock) -> None:
        for _ in range(5):
            ours.hold(work)

    locks = [shared, shared, FileLock(path, 60.0), FileLock(path, 60.0)]
    threads = [threading.Thread(target=ask, args=(ours,)) for ours in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, done) == (1, 20)


HOLDER = """
import sys, time
from pathlib import Path
from asktell.store.lock import FileLock
def work():
    print("held", flush=True)
    sys.stdin.readline()
FileLock(Path(sys.argv[1]), 10.0).hold(work)
"""


@pytest.mark.parametrize("killed", [False, True])
def test_processes_exclude_each_other(path: Path, killed: bool) -> None:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        assert not is_free(path)
        if killed:
            holder.kill()
        else:
            holder.stdin.write(b"\n")
            holder.stdin.close()
        holder.wait(20.0)
        assert is_free(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_process_forked_meanwhile_does_not_keep_it(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    child = context.Process(target=stop.wait, args=(20.0,))
    FileLock(path, 1.0).hold(child.start)
    assert is_free(path)
    stop.set()
    child.join()


# --- refusals ---


def test_the_extra_is_asked_for_when_it_is_needed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import asktell.store, sys; sys.exit('portalocker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    monkeypatch.setitem(sys.modules, "portalocker", None)
    message = r"^a store needs the package portalocker: pip install 'asktell\[store\]'$"
    with pytest.raises(MissingExtraError, match=message):
        FileLock(path, 1.0)


def test_a_file_that_cannot_be_opened_is_reported(path: Path) -> None:
    path.with_name("study.json.lock").mkdir()
    with pytest.raises(StoreError, match=r"study\.json\.lock: Is a directory|Permission denied"):
        FileLock(path, 1.0).hold(lambda: None)


@pytest.mark.skipif(os.name != "posix", reason="flock")
def test_a_system_that_has_no_locks_is_reported(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import portalocker.portalocker

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(portalocker.portalocker, "LOCKER", refuse)
    with pytest.raises(StoreError, match=r"\.lock: cannot be locked: .*No locks available"):
        FileLock(path, 1.0).hold(lambda: None)


def test_errors_of_the_work_are_its_own(path: Path) -> None:
    def work() -> None:
        raise OSError("of the work")

    with pytest.raises(OSError, match="of the work"):
        FileLock(path, 1.0).hold(work)


# --- interrupts ---


@pytest.mark.usefixtures("quiet")
def test_an_interrupt_before_each_line(path: Path) -> None:
    line = 1
    while interrupt_at(line, lambda: FileLock(path, 1.0).hold(int), Path(lock.__file__)):
        assert is_free(path), line
        line += 1
    assert line > 15


@pytest.mark.usefixtures("quiet")
@BOTH
def test_an_interrupt_before_each_line_of_an_update(path: Path, journal_above: int) -> None:
    state = at.State.start(every_kind(), seed=5, settings=at.Settings(n_initial=10**6, retries=1))
    store = Store(path, timeout=1.0, journal_above=journal_above)
    store.create(state)
    answers: list[int] = []
    line, folder = 1, Path(lock.__file__).parent
    while interrupt_at(line, lambda: answers.append(store.update(step)), folder):
        other = Store(path, timeout=1.0, journal_above=journal_above)
        found, (after, _) = other.read(), step(state)
        assert found == after or (found == state and not answers), line
        state = found
        for one in (other, store):
            one.update(step)
            state, _ = step(state)
            assert one.read() == state, line
        answers.clear()
        line += 1
    assert line > 60


@real_signals
@pytest.mark.usefixtures("quiet")
@BOTH
def test_real_interrupts_at_random_moments(path: Path, journal_above: int) -> None:
    state = at.State.start(every_kind(), seed=5, settings=at.Settings(n_initial=10**6, retries=1))
    store = Store(path, timeout=1.0, journal_above=journal_above)
    store.create(state)
    draw = random.Random(7)
    answers: list[int] = []
    end = time.monotonic() + 4.0
    for _ in range(300):
        interrupt_after(draw.uniform(1e-5, 1e-2), lambda: answers.append(store.update(step)))
        found = Store(path, timeout=1.0).read()
        for _ in answers:
            state, _ = step(state)
        answers.clear()
        assert found in (state, step(state)[0])
        state = found
        if time.monotonic() > end:
            break
