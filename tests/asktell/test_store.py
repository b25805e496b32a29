"""The store: one state for many, never older than the last call that returned."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest
from spaces import every_kind, finite
from store_farm import step, steps_of

import asktell as at
from asktell.codec.migrations import SCHEMA
from asktell.errors import (
    MissingExtraError,
    StoreCorruptError,
    StoreError,
    StoreExistsError,
    StoreLockedError,
    StoreMissingError,
)
from asktell.store import Store, files, journal

ANEW, JOURNAL = 10**9, 0
"""Thresholds above which there is a journal."""

BOTH = pytest.mark.parametrize("journal_above", [ANEW, JOURNAL, 4000])


GOLDEN = Path(__file__).parent / "golden"


def start() -> at.State:
    settings = at.Settings(n_initial=10**6, retries=1)
    return at.State.start(every_kind(), seed=5, settings=settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.json"


def made(path: Path, steps: int, journal_above: int) -> at.State:
    """Make a store of so many steps, and return its state."""
    store, state = Store(path, journal_above=journal_above), start()
    store.create(state)
    for _ in range(steps):
        store.update(step)
        state, _ = step(state)
    return state


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


# --- what is written is read ---


@BOTH
def test_a_store_goes_on_as_the_state_in_memory(path: Path, journal_above: int) -> None:
    state = start()
    store = Store(path, journal_above=journal_above)
    store.create(state)
    assert store.read() == state
    for number in range(60):
        assert store.update(step) == number + 1
        state, _ = step(state)
        assert store.read() == state
        assert Store(path).read() == state


@BOTH
def test_two_stores_see_what_the_other_did(path: Path, journal_above: int) -> None:
    state = start()
    stores = [Store(path, journal_above=journal_above) for _ in range(3)]
    stores[0].create(state)
    for number in range(40):
        for store in stores[: 1 + number % 3]:
            store.update(step)
            state, _ = step(state)
    assert [store.read() for store in stores] == [state] * 3


def test_a_small_file_is_the_state_as_json(path: Path) -> None:
    state = made(path, 12, 64 * 1024)
    assert at.State.from_dict(json.loads(path.read_text())) == state
    before = at.State.from_dict(json.loads(beside(path, ".previous").read_text()))
    assert step(before)[0] == state
    assert not beside(path, ".journal").exists()


def test_a_large_file_is_not_written_for_every_call(path: Path) -> None:
    made(path, 60, 4000)
    content, stamp = path.read_bytes(), path.stat().st_ino
    assert len(content) > 4000
    store = Store(path, journal_above=4000)
    written = [beside(path, ".journal").stat().st_size]
    while path.stat().st_ino == stamp:
        store.update(step)
        lines = beside(path, ".journal")
        written.append(lines.stat().st_size if lines.exists() else 0)
    assert max(written) > len(content)
    assert written[-1] == 0
    assert beside(path, ".previous").read_bytes() == content
    assert len(written) > 5


def test_what_changes_nothing_writes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = made(path, 5, ANEW)
    monkeypatch.setattr(files, "replace", None)
    monkeypatch.setattr(files, "append", None)
    assert Store(path).update(lambda s: (s, "as it was")) == "as it was"
    copy = at.State.from_dict(state.to_dict())
    assert Store(path).update(lambda _: (copy, None)) is None


def test_another_space_is_written_whole(path: Path) -> None:
    made(path, 5, JOURNAL)
    other = at.State.start(finite())
    Store(path, journal_above=JOURNAL).update(lambda _: (other, None))
    assert Store(path).read() == other
    assert not beside(path, ".journal").exists()


def test_a_function_that_raises_changes_nothing(path: Path) -> None:
    state = made(path, 5, ANEW)

    def refuse(_: at.State) -> tuple[at.State, None]:
        raise FileNotFoundError("of its own")

    with pytest.raises(FileNotFoundError, match="of its own"):
        Store(path).update(refuse)
    assert Store(path, timeout=0.0).read() == state


def test_a_link_to_a_file_is_followed(path: Path) -> None:
    state = made(path, 3, ANEW)
    link = path.with_name("link.json")
    link.symlink_to(path)
    store = Store(link)
    assert store.path == path.resolve()
    store.update(step)
    assert link.is_symlink()
    assert Store(path).read() == step(state)[0]


def test_an_older_schema_is_brought_up_to_date(path: Path) -> None:
    document = json.loads((GOLDEN / "state-1.json").read_text())
    assert document["schema"] == 1
    path.write_text(json.dumps(document))
    store = Store(path, journal_above=JOURNAL)
    assert store.read() == at.State.from_dict(document)
    store.update(step)
    assert json.loads(path.read_text())["schema"] == SCHEMA
    assert not beside(path, ".journal").exists()
    store.update(step)
    assert beside(path, ".journal").exists()


# --- several at once ---


def test_threads_take_turns(path: Path) -> None:
    made(path, 0, JOURNAL)
    store = Store(path, journal_above=2000)

    def work() -> None:
        for _ in range(20):
            store.update(at.suggest)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [suggestion.id for suggestion in Store(path).read().pending] == list(range(80))


def test_a_file_that_is_held_is_waited_for_no_longer_than_wanted(path: Path) -> None:
    state = made(path, 2, ANEW)
    with filelock.FileLock(beside(path, ".lock")):
        store = Store(path, timeout=0.05)
        for call in (store.read, lambda: store.update(step), lambda: store.create(state)):
            with pytest.raises(StoreLockedError, match=r"study\.json: held by another process"):
                call()
    assert store.read() == state


# --- refusals ---


def test_there_must_be_a_file(path: Path) -> None:
    for call in (Store(path).read, lambda: Store(path).update(step)):
        with pytest.raises(StoreMissingError) as caught:
            call()
        assert caught.value.path == str(path)
    assert not list(path.parent.iterdir())


def test_a_file_that_goes_meanwhile_is_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "_check_exists", lambda _: None)
    with pytest.raises(StoreMissingError):
        Store(path).read()


@pytest.mark.parametrize("suffix", ["", ".journal"])
def test_what_exists_is_not_overwritten(path: Path, suffix: str) -> None:
    beside(path, suffix).write_bytes(b"precious")
    with pytest.raises(StoreExistsError, match="not overwritten"):
        Store(path).create(start())
    assert beside(path, suffix).read_bytes() == b"precious"


def test_a_folder_that_is_not_there_is_reported(path: Path) -> None:
    with pytest.raises(StoreMissingError, match="no such folder"):
        Store(path / "deeper" / "study.json").create(start())
    assert not path.exists()


def test_a_folder_in_place_of_the_file_is_reported(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match="directory"):
        Store(path).read()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1, column 1: Expecting value"),
        (b'{\n "schema": 2,', r"line 2, column 1\d: "),
        (b"\xff\xfe\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", r"\$: got \[\], expected a state: a dict"),
        (b'{"schema": 99}', r"\$\.schema: got 99, expected at most"),
    ],
)
def test_a_corrupt_file_is_refused_with_the_place(path: Path, content: bytes, problem: str) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreCorruptError, match=problem):
        Store(path).read()
    with pytest.raises(StoreCorruptError, match=problem):
        Store(path).update(step)
    assert path.read_bytes() == content


def test_the_message_names_the_version_before(path: Path) -> None:
    made(path, 3, ANEW)
    path.write_bytes(b"{")
    with pytest.raises(StoreCorruptError, match=r"the version before is in study\.json\.previous"):
        Store(path).read()
    os.replace(beside(path, ".previous"), path)
    assert steps_of(Store(path).read()) == 2


def test_without_the_extra_the_message_names_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(MissingExtraError, match=r"asktell\[store\]"):
        Store(path)


# --- journals ---


def journalled(path: Path) -> at.State:
    """Make a store with a journal of several lines, and return its state."""
    made(path, 30, 4000)
    store = Store(path, journal_above=4000)
    while (
        not beside(path, ".journal").exists()
        or beside(path, ".journal").read_bytes().count(b"\n") < 5
    ):
        store.update(step)
    return store.read()


def test_a_torn_journal_is_the_state_before(path: Path) -> None:
    state = journalled(path)
    lines = beside(path, ".journal")
    data = lines.read_bytes()
    last = len(data) - len(data.splitlines(keepends=True)[-1])
    seen = Store(path)
    for length in range(last, len(data)):
        lines.write_bytes(data[:length])
        found = Store(path).read()
        assert step(found)[0] == state
    assert seen.read() == found
    Store(path, journal_above=4000).update(step)
    assert Store(path).read() == seen.read() == state
    assert lines.read_bytes() == data


def test_a_journal_that_is_taken_away_is_not_filled_with_holes(path: Path) -> None:
    journalled(path)
    store = Store(path, journal_above=4000)
    store.read()
    beside(path, ".journal").unlink()
    left = Store(path).read()
    assert store.read() == left
    store.update(step)
    assert Store(path).read() == step(left)[0]


def test_a_journal_damaged_in_its_middle_is_refused_with_the_line(path: Path) -> None:
    journalled(path)
    lines = beside(path, ".journal")
    data = lines.read_bytes()
    lines.write_bytes(data.replace(b'"events"', b'"eVents"', 1))
    with pytest.raises(StoreCorruptError, match=r"study\.json\.journal: line 2: damaged"):
        Store(path).read()


def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    journalled(path)
    os.replace(beside(path, ".previous"), path)
    with pytest.raises(StoreCorruptError, match=r"line 1: follows another version of study\.json"):
        Store(path).read()


@pytest.mark.parametrize(
    "entry",
    [
        {"news": 1},
        [],
        {"change": {"next_id": 1}},
        {"events": 1},
        {"events": [1]},
        {"events": [{"event": "promoted"}]},
        {"events": [{"event": "expired", "id": 0}]},
        {"events": [{"event": "expired", "id": 0, "at": None, "by": "me"}]},
    ],
)
@pytest.mark.parametrize("seen", [True, False])
def test_an_entry_of_a_newer_version_is_refused(path: Path, entry: Any, seen: bool) -> None:
    journalled(path)
    store = Store(path, journal_above=4000)
    if seen:
        store.read()
    lines = beside(path, ".journal").read_bytes().count(b"\n")
    with beside(path, ".journal").open("ab") as file:
        file.write(journal.encode(entry))
    with pytest.raises(StoreCorruptError, match=rf"journal: line {lines + 1}: \$"):
        store.read()


@pytest.mark.parametrize("seen", [True, False])
def test_an_event_that_cannot_have_happened_is_refused(path: Path, seen: bool) -> None:
    state = journalled(path)
    store = Store(path, journal_above=4000)
    if seen:
        store.read()
    lines = beside(path, ".journal").read_bytes().count(b"\n")
    good = {"event": "expired", "id": state.pending[0].id, "at": None}
    with beside(path, ".journal").open("ab") as file:
        file.write(journal.encode({"events": [good, good]}))
    expected = rf"journal: line {lines + 1}: \$\.events\[1\].*: got {good['id']}"
    with pytest.raises(StoreCorruptError, match=expected):
        store.read()


# --- crashes: at every operation on the disk ---


class Crash(BaseException):
    """What no handler takes for an error, as it takes no SIGKILL."""


def crash_at(monkeypatch: pytest.MonkeyPatch, operation: int) -> Callable[[], int]:
    """Let the k-th operation on the disk end everything; a write ends half done."""
    count = 0

    def counted(function: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == operation:
                raise Crash
            return function(*arguments, **named)

        return call

    for name in ("fsync", "replace", "link", "truncate"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    write = files._write

    def half(path: Path, content: bytes, at: int) -> None:
        nonlocal count
        count += 1
        if count == operation:
            write(path, content[: len(content) // 2], at)
            raise Crash
        write(path, content, at)

    monkeypatch.setattr(files, "_write", half)
    return lambda: count


@pytest.mark.parametrize("journal_above", [ANEW, JOURNAL])
def test_a_crash_at_any_operation_leaves_the_state_before_or_after(
    path: Path, journal_above: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = made(path, 6, journal_above)
    crashes = 0
    for operation in range(1, 260):
        with monkeypatch.context() as patch:
            crash_at(patch, 1 + operation % 14)
            store = Store(path, journal_above=journal_above)
            try:
                store.update(step)
                acknowledged = True
            except Crash:
                acknowledged = False
                crashes += 1
        found = Store(path, timeout=0.0).read()
        after, _ = step(state)
        assert found == after or (found == state and not acknowledged)
        state = found
    assert crashes > 50
    assert steps_of(state) > 50


@pytest.mark.parametrize("journal_above", [ANEW, JOURNAL])
@pytest.mark.parametrize("operation", ["fsync", "replace", "open", "unlink"])
def test_a_full_disk_is_reported_and_leaves_a_state(
    path: Path, journal_above: int, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = made(path, 6, journal_above)
    store = Store(path, journal_above=journal_above)
    reports: list[str] = []
    for _ in range(12):
        with monkeypatch.context() as patch:

            def refuse(*_: Any, **__: Any) -> Any:
                raise OSError(errno.ENOSPC, "No space left on device")

            def refuse_ours(
                file: Any, flags: int, *mode: Any, real: Any = os.open, **named: Any
            ) -> int:
                lock = str(file).endswith(".lock")
                return real(file, flags, *mode, **named) if lock else refuse()

            if operation == "unlink":
                patch.setattr(Path, "unlink", refuse)
            else:
                patch.setattr(os, operation, refuse_ours if operation == "open" else refuse)
            try:
                store.update(step)
                acknowledged = True
            except StoreError as error:
                acknowledged, reports = False, [*reports, error.problem]
        found = Store(path, timeout=0.0).read()
        assert store.read() == found
        after, _ = step(state)
        assert found == after or (found == state and not acknowledged)
        store.update(step)
        state, _ = step(found)
        assert store.read() == state
    assert set(reports) == {"No space left on device"}
