"""Suggestions in big and odd spaces: ``python tests/benchmarks/big_spaces.py``.

For each space of ``suites.big`` and each seed a process of its own, with one thread, asks for and
observes thirty suggestions. Printed in Markdown: the seconds to define the space; of the first
twelve suggestions the mean and the longest (seconds of the processor, and in brackets of the
clock); the greatest memory of any of the processes (``ru_maxrss``, with Python and its packages);
and how often the engine's best is better than that of as many random params, after 12 and after 30
trials, in pairs with 40 random runs, ties counting half.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
from sessions import ONE_THREAD
from suites import big
from suites.task import random_params

import asktell as at

TIMED, RANDOM_RUNS = 12, 40


def measure(name: str, seed: int, trials: int) -> dict[str, Any]:
    """Return what a run took, and its best values, in this process."""
    start = time.process_time()
    task = big.task(name)
    engine = at.Engine(task.space, seed=seed, goal="minimize")
    defined = time.process_time() - start
    values, cpu, clock = [], [], []
    for _ in range(trials):
        begun = time.process_time(), time.perf_counter()
        suggestion = engine.suggest()
        cpu.append(time.process_time() - begun[0])
        clock.append(time.perf_counter() - begun[1])
        values.append(task.evaluate(suggestion.params))
        engine.observe(suggestion, values[-1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"defined": defined, "cpu": cpu, "clock": clock, "values": values, "megabytes": peak}


def measured(name: str, seed: int, trials: int) -> dict[str, Any] | None:
    """Return the same of a process of its own; None if it died."""
    command = [sys.executable, __file__, "--child", name, str(seed), str(trials)]
    done = subprocess.run(
        command,
        env={**os.environ, **ONE_THREAD},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    result: dict[str, Any] | None = json.loads(done.stdout) if done.returncode == 0 else None
    return result


def by_chance(name: str) -> np.ndarray:
    """Return the best values of random runs, after each trial (RANDOM_RUNS, TRIALS)."""
    task = big.task(name)
    params = random_params(task.space, RANDOM_RUNS * big.TRIALS, 1)
    values = np.array([task.truth(p) for p in params]).reshape(RANDOM_RUNS, big.TRIALS)
    return np.minimum.accumulate(values, axis=1)


def ahead(own: np.ndarray, chance: np.ndarray, trials: int) -> str:
    """Return how often the best of so many trials is better than by chance."""
    if own.shape[1] < trials:
        return ""
    left, right = own[:, :trials].min(axis=1)[:, None], chance[None, :, trials - 1]
    return f"{float(((left < right) + 0.5 * (left == right)).mean()):.0%}"


def row(name: str, seeds: int, trials: int) -> str:
    """Return the row of a space in the table."""
    runs = [run for seed in range(seeds) if (run := measured(name, seed, trials))]
    if not runs:
        return f"| {name} | died | | | | | | |"
    cpu = np.array([run["cpu"][:TIMED] for run in runs])
    clock = np.array([run["clock"][:TIMED] for run in runs])
    values, chance = np.array([run["values"] for run in runs]), by_chance(name)
    cells = [
        f"{len(runs)} of {seeds}",
        f"{max(run['defined'] for run in runs):.2f}",
        f"{cpu.mean():.2f} ({clock.mean():.2f})",
        f"{cpu.max():.2f} ({clock.max():.2f})",
        f"{max(run['megabytes'] for run in runs):.0f}",
        ahead(values, chance, TIMED),
        ahead(values, chance, big.TRIALS),
    ]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table, or answer as a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", action="append", choices=big.SPACES, help="all if none is named")
    parser.add_argument("--seeds", type=int, default=5, help="run the seeds 0, 1, ...")
    parser.add_argument("--trials", type=int, default=big.TRIALS)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, seed, trials = arguments.child
        print(json.dumps(measure(name, int(seed), int(trials))))
        return
    print("| space | runs | defining it, s | mean, s | longest, s | MB | ahead, 12 | ahead, 30 |")
    print("|---" * 8 + "|")
    for name in arguments.space or big.SPACES:
        print(row(name, arguments.seeds, arguments.trials), flush=True)


if __name__ == "__main__":
    main()
