"""Run the driver in a process of its own, which may be killed: ``run_driver.py STATE CALLS N``."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

from evaluations import Evaluate
from spaces import QUICK

import asktell as at
from asktell.drivers import ProcessWorkers, optimize, resume


def main(path: str, folder: str, n_trials: str) -> None:
    space = at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 0, 10**6))
    engine = resume(path) or at.Engine(space, seed=3, settings=QUICK)
    with ProcessWorkers(multiprocessing.get_context("forkserver")) as executor:
        optimize(
            engine,
            Evaluate(Path(folder), seconds=0.05, always="hang"),
            int(n_trials),
            executor,
            4,
            checkpoint=path,
            callbacks=[lambda event: print(event.suggestion.id, event.target, flush=True)],
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
