"""A small frozen subset of the tasks, to notice that a change made the engine worse.

``python tests/benchmarks/frozen.py`` prints the scores of pairs of seeds, and how far they are
apart; ``--write`` records their mean, which the test compares with. Write it anew only when the
engine became better, and say so in the commit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from runs import run_engine
from score import Scale
from suites import Task, choices, classic, failing, mixed, noisy, quantisation_tables, tuning
from suites.task import random_params

FILE = Path(__file__).parent / "data" / "frozen.json"
TRIALS, SEEDS = 30, (0, 1, 2, 3)
TOLERANCE = 0.1
"""What is not yet a loss: about two standard deviations of the mean of these seeds."""

NAMES = (
    "hartmann_6",
    "levy_8",
    "shekel_4",
    "styblinski_tang_6",
    "learner",
    "rastrigin_mixed",
    "layers_12",
    "neighbours_digits",
    "forest_wine",
    "quantised_half_percent",
    "branin_noisy",
    "hartmann_6_failing",
)


def tasks() -> list[Task]:
    """Return the tasks, in the order of their names; none needs a package of its own."""
    modules = (classic, mixed, choices, tuning, quantisation_tables, noisy, failing)
    known = {task.name: task for module in modules for task in module.tasks()}
    return [known[name] for name in NAMES]


def scale(task: Task) -> Scale:
    """Return the scale of a task: 0 is what random search finds in as many trials, a median."""
    bests = [
        np.nanmin([task.truth(params) for params in random_params(task.space, TRIALS, seed)])
        for seed in range(20)
    ]
    best = min(bests) if task.optimum is None else task.optimum
    longest = run_engine(task, 0, 3 * TRIALS)[-1] if task.optimum is None else best
    return Scale(float(np.median(bests)), float(min(best, longest)))


def measure(scales: dict[str, Scale], seeds: Sequence[int]) -> tuple[float, float]:
    """Return the mean score of the last value, and that along the run."""
    curves = [
        scales[task.name](run_engine(task, seed, TRIALS)) for task in tasks() for seed in seeds
    ]
    return float(np.mean([curve[-1] for curve in curves])), float(np.mean(curves))


def read() -> dict[str, Any]:
    """Return what is recorded."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document


def main() -> None:
    """Measure, and record it if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if arguments.write:
        scales = {task.name: scale(task) for task in tasks()}
    else:
        scales = {name: Scale(*ends) for name, ends in read()["scales"].items()}
    pairs = [(0, 1), (2, 3), (4, 5), (6, 7)]
    measured = [measure(scales, pair) for pair in pairs]
    for pair, (final, along) in zip(pairs, measured, strict=True):
        print(f"seeds {pair}: final {final:.3f}, along the run {along:.3f}", flush=True)
    print("standard deviations:", np.std(measured, axis=0, ddof=1).round(3))
    if arguments.write:
        document = {
            "final": round(float(np.mean(measured, axis=0)[0]), 3),
            "along": round(float(np.mean(measured, axis=0)[1]), 3),
            "scales": {name: [s.zero, s.one] for name, s in scales.items()},
        }
        FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
