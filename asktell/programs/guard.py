"""A process that outlives a run for a moment, and ends what the run can end no more.

It runs as a script of its own, apart from the run's session. The run tells it on standard input
where a program is about to start (``=`` and the folder in hexadecimal), which process groups have
begun (``123``) and which have ended (``-123``). When that pipe closes, the run is over, killed
perhaps: what is left is killed. It holds the run's lock until then (see ``claims``), so nobody
takes up the trials of a run while its programs may still be running.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

_LOOKS, _PAUSE = 20, 0.02
"""How often a program is looked for that the run had no time to tell of, and seconds between."""


def guard(lines: Iterable[bytes]) -> None:
    """Follow what is told until the run is over, and kill the groups that are left."""
    groups: set[int] = set()
    starting = b""
    for line in lines:
        if line.startswith(b"="):
            starting = bytes.fromhex(line[1:].decode())
            continue
        starting, change = b"", int(line)
        if change > 0:
            groups.add(change)
        else:
            groups.discard(-change)
    if starting:
        groups |= _groups_in(starting)
    for group in groups:
        with suppress(OSError):  # it has ended
            os.killpg(group, signal.SIGKILL)


def _groups_in(folder: bytes) -> set[int]:
    """Return the groups of what was started for a folder, where the system has ``/proc``.

    The run was killed between starting a program and telling of it. The program may be so young
    that its environment is not there yet.
    """
    groups: set[int] = set()
    for _ in range(_LOOKS):
        for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
            if name.isdecimal() and b"ASKTELL_FOLDER=" + folder in _environment(name):
                with suppress(OSError):
                    groups.add(os.getpgid(int(name)))
        if groups:
            break
        time.sleep(_PAUSE)
    return groups


def _environment(process: str) -> list[bytes]:
    try:
        with open(f"/proc/{process}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return []


if __name__ == "__main__":  # pragma: no cover - a process of its own
    guard(sys.stdin.buffer)
