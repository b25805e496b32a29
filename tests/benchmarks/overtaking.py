"""From which trial on CMA-ES is ahead of the engine: medians of the long runs, task by task.

The runs are those of ``run.py --budget 300 --records tests/benchmarks/records_long``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from runs import RECORDS
from score import load

LONG = RECORDS.parent / "records_long"


def overtaken(engine: NDArray[np.float64], peer: NDArray[np.float64]) -> int | None:
    """Return the trial from which on the peer's median is less to the end, None if it never is."""
    behind = np.median(engine, axis=0) <= np.median(peer, axis=0)
    trials = np.flatnonzero(behind)
    last = int(trials[-1]) + 1 if len(trials) else 0
    return None if last == len(behind) else last + 1


def main() -> None:
    """Print a line for each task."""
    peers = load("continuous", LONG)
    print("| task | CMA-ES is ahead from trial | engine at the end | CMA-ES at the end |")
    print("|---|---|---|---|")
    for task, engine in sorted(peers["asktell"].items()):
        cma = peers["cma"][task]
        trial = overtaken(engine, cma)
        ends = [float(np.median(curves[:, -1])) for curves in (engine, cma)]
        when = "never" if trial is None else str(trial)
        print(f"| {task} | {when} of {engine.shape[1]} | {ends[0]:.4g} | {ends[1]:.4g} |")


if __name__ == "__main__":
    main()
