"""Files that are written so that a crash leaves the old content or the new, and nothing between.

All of it is for one writer at a time: whoever holds the lock.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

HAS_FOLDER_SYNC = os.name == "posix"


def replace(path: Path, content: bytes, previous: Path | None = None) -> None:
    """Give a file new content at one stroke, and keep the old one as ``previous``.

    When it returns, the new content is on the disk.

    Raises:
        OSError: for instance because the disk is full; the content is then the old or the new.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        _write(fresh, content, at=0)
        if path.exists():
            shutil.copymode(path, fresh)
            if previous is not None:
                _keep(path, previous)
        os.replace(fresh, path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append(path: Path, content: bytes, at: int) -> None:
    """Write content to the end of a file, at byte ``at``; anything after that is dropped.

    When it returns, the content is on the disk.

    Raises:
        OSError: for instance because the disk is full; what was written is taken back.
    """
    is_new = not path.exists()
    try:
        _write(path, content, at)
    except OSError:
        with suppress(OSError):
            os.truncate(path, at)
        raise
    if is_new:
        sync_folder(path.parent)


def read_from(path: Path, start: int) -> bytes:
    """Return the content of a file from a byte on.

    Raises:
        OSError: it cannot be read; ``FileNotFoundError`` where there is none.
    """
    with open(path, "rb") as file:
        file.seek(start)
        return file.read()


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk, where the system can do that."""
    if not HAS_FOLDER_SYNC:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes, at: int) -> None:
    with open(path, "ab") as file:  # from its first moment on, an interrupt closes it
        file.truncate(at)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _keep(path: Path, previous: Path) -> None:
    spare = path.with_name(path.name + ".spare")
    spare.unlink(missing_ok=True)
    try:
        os.link(path, spare)
    except OSError:  # a file system without links
        shutil.copy2(path, spare)
    os.replace(spare, previous)
    spare.unlink(missing_ok=True)  # if both link to one file, replacing keeps both
