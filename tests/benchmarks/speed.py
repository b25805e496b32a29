"""Seconds per suggestion of peers side by side: one run, one thread each, one after the other.

``python tests/benchmarks/speed.py --peer asktell --peer optuna_gp`` runs Hartmann's function of six
dimensions, and prints the median of the suggestions after 50 trials, and its ratio to the first.
The peers take turns, trial by trial, so that all meet the same load.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack

from peers import PEERS
from sessions import Asked, Remote
from suites import Task, suite
from suites.task import space_document

FIRST, LAST = 50, 60
"""The trials whose suggestions are timed: with so many results known."""


def measure(peers: list[str], task: Task, seed: int) -> dict[str, float]:
    """Return the median of the seconds of each peer."""
    seconds: dict[str, list[float]] = {peer: [] for peer in peers}
    with ExitStack() as stack:
        sessions = {peer: stack.enter_context(Remote(peer)) for peer in peers}
        asked: dict[str, Asked] = {
            peer: session.start(space_document(task.space), seed, LAST)
            for peer, session in sessions.items()
        }
        for trial in range(1, LAST + 1):
            for peer, session in sessions.items():
                params = task.space.params(task.space.check(asked[peer].params))
                asked[peer] = session.tell(task.evaluate(params, seed, trial), trial - 1)
                if trial >= FIRST:
                    seconds[peer].append(asked[peer].seconds)
    return {peer: statistics.median(several) for peer, several in seconds.items()}


def main() -> None:
    """Measure, and print a line for each peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", action="append", choices=PEERS, required=True)
    arguments = parser.parse_args()
    task = next(task for task in suite("continuous") if task.name == "hartmann_6")
    medians = measure(arguments.peer, task, seed=0)
    first = medians[arguments.peer[0]]
    for peer, median in medians.items():
        print(f"{peer:<12} {median * 1e3:8.1f} ms {median / first:8.2f}")


if __name__ == "__main__":
    main()
