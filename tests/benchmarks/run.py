"""Run a peer on a suite, and record the curves; what is recorded already is not run again.

``python tests/benchmarks/run.py --peer asktell --suite mixed --seeds 5``

With ``--workers 8`` so many evaluations are under way at once; give it ``--records`` of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import environments
import runs
from peers import PEERS
from sessions import PeerError, Remote
from suites import OUTCOMES, OUTCOMES_SUBSET, SPACES, SUBSET, SUITES, AnyTask, suite


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", required=True, choices=PEERS)
    parser.add_argument(
        "--suite",
        action="append",
        choices={**SUITES, **OUTCOMES, **SPACES},
        help="all of one number over a box, if none is named",
    )
    parser.add_argument("--task", action="append", help="of the suites; all if none is named")
    parser.add_argument("--subset", action="store_true", help="only tasks for slow peers")
    parser.add_argument("--seeds", type=int, default=5, help="run the seeds 0, 1, ...")
    parser.add_argument("--budget", type=int, help="trials, if not what the task says")
    parser.add_argument("--workers", type=int, default=1, help="how many evaluate at once")
    parser.add_argument("--records", type=Path, default=runs.RECORDS, metavar="FOLDER")
    parser.add_argument("--environments", metavar="FOLDER", help="where they are")
    arguments = parser.parse_args()
    if arguments.environments:
        os.environ[environments.VARIABLE] = arguments.environments
    tasks = [
        task
        for name in arguments.suite or SUITES
        for task in suite(name)
        if (not arguments.task or task.name in arguments.task)
        and (not arguments.subset or task.name in (*SUBSET, *OUTCOMES_SUBSET))
    ]
    with Remote(arguments.peer) as session:
        for seed in range(arguments.seeds):
            for task in tasks:
                budget = arguments.budget or task.budget
                run(task, session, seed, budget, arguments.workers, arguments.records)


def run(task: AnyTask, session: Remote, seed: int, budget: int, workers: int, to: Path) -> None:
    """Run and record a seed of a task, unless it is recorded with this budget."""
    file = runs.path(session.peer, task.suite, to)
    if (task.name, seed, budget) in {(r.task, r.seed, r.budget) for r in runs.read(file)}:
        return
    try:
        steps, seconds = runs.play(task, session, seed, budget, workers)
    except PeerError as error:
        last = str(error).strip().splitlines()[-1]
        print(f"{session.peer} {task.name} {seed}: {last}", file=sys.stderr, flush=True)
        return
    found = runs.Run(session.peer, session.version, task.name, seed, budget, steps, seconds)
    runs.append(found, file)
    print(f"{session.peer} {task.name} {seed}: {steps[-1:]} {seconds:.3g} s", flush=True)


if __name__ == "__main__":
    main()
