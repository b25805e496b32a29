"""A process that outlives a run for a moment, and ends what the run can end no more.

It runs as a script of its own, apart from the run's session. The run tells it on standard input
which process groups have begun (``123``) and ended (``-123``). When that pipe closes, the run is
over, killed perhaps: what is left is killed. It holds the run's lock until then (see ``claims``),
so nobody takes up the trials of a run while its programs may still be running.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable


def guard(lines: Iterable[bytes]) -> None:
    """Follow what is told until the run is over, and kill the groups that are left."""
    groups: set[int] = set()
    for line in lines:
        change = int(line)
        if change > 0:
            groups.add(change)
        else:
            groups.discard(-change)
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:  # it has ended
            continue


if __name__ == "__main__":  # pragma: no cover - a process of its own
    guard(sys.stdin.buffer)
