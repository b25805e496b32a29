"""Files: the old content or the new, whatever the disk says."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from asktell.store import files


def refuse(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def names(path: Path) -> set[str]:
    return {other.name for other in path.parent.iterdir()}


def test_replacing_keeps_the_previous_content(file: Path) -> None:
    previous = file.with_name("before")
    for content, kept in ((b"second", b"old"), (b"third", b"second")):
        files.replace(file, content, previous)
        assert (file.read_bytes(), previous.read_bytes()) == (content, kept)
    assert names(file) == {"file", "before"}


def test_replacing_twice_after_a_crash_that_left_both_links(file: Path) -> None:
    previous = file.with_name("before")
    os.link(file, previous)
    files.replace(file, b"new", previous)
    assert (file.read_bytes(), previous.read_bytes()) == (b"new", b"old")
    assert names(file) == {"file", "before"}


def test_replacing_keeps_the_mode(file: Path) -> None:
    file.chmod(0o640)
    files.replace(file, b"new")
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_file_system_without_links_gets_copies(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refuse)
    previous = file.with_name("before")
    files.replace(file, b"new", previous)
    assert (file.read_bytes(), previous.read_bytes()) == (b"new", b"old")


@pytest.mark.parametrize("operation", ["fsync", "replace", "open"])
def test_a_full_disk_leaves_the_old_content(
    file: Path, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = files if operation == "open" else os
    monkeypatch.setattr(module, operation, refuse, raising=False)
    with pytest.raises(OSError, match="No space"):
        files.replace(file, b"new")
    monkeypatch.undo()
    assert file.read_bytes() == b"old"
    assert names(file) == {"file"}


def test_appending_drops_what_stands_after_the_place(file: Path) -> None:
    files.append(file, b"er still", at=2)
    assert file.read_bytes() == b"oler still"
    files.append(file, b"t", at=1)
    assert file.read_bytes() == b"ot"


def test_a_full_disk_takes_back_what_was_appended(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        files.append(file, b" and more", at=3)
    assert file.read_bytes() == b"old"


def test_appending_makes_a_file_and_syncs_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    files.append(tmp_path / "new", b"a", at=0)
    files.append(tmp_path / "new", b"b", at=1)
    assert (tmp_path / "new").read_bytes() == b"ab"
    assert synced == [tmp_path]


def test_reading_from_a_place(file: Path) -> None:
    assert files.read_from(file, 1) == b"ld"
    assert files.read_from(file, 9) == b""
    with pytest.raises(FileNotFoundError):
        files.read_from(file.with_name("none"), 0)


def test_a_system_that_cannot_sync_folders_goes_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "HAS_FOLDER_SYNC", False)
    monkeypatch.setattr(os, "fsync", refuse)
    files.sync_folder(tmp_path)
