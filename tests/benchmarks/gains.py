"""What the engine gains, or loses, by what it is given beforehand: trials to the same value.

Runs are recorded in a folder as those of peers are: the name of a peer is that of a variant, what
the engine was given. A run's goal is what the run of the same seed without anything closed, but for
a hundredth, of the gap between its first value and its last (or that half-way). Counted are the
trials until a goal is reached; a run that never reaches it counts one trial more than it has.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from runs import Best, Run, append, path, read
from suites.task import Task

import asktell as at
from asktell.model.blas import one_blas_thread

Array = NDArray[np.float64]

RECORDS = Path(__file__).parent / "records_gains"

WITHOUT = "without"
TRIALS, MORE = 40, 50
"""Of runs without anything, and of the others: enough to see what costs a fifth more."""

CLOSED = 0.99


@frozen
class Case:
    """A task, and engines that were given something, or nothing, by the name of the variant.

    Args:
        name: unique within a record.
        kind: what is to be expected: it names the rows of the table.
        task: what is to be minimised.
        engines: for each variant a function from a seed to an engine; one is ``WITHOUT``.
    """

    name: str
    kind: str
    task: Task
    engines: Mapping[str, Callable[[int], at.Engine]]


def run(engine: at.Engine, task: Task, trials: int) -> tuple[tuple[int, float], ...]:
    """Return the steps of the best value of an engine on a task."""
    curve, steps = Best(task), []
    with one_blas_thread():
        for trial in range(1, trials + 1):
            suggestion = engine.suggest()
            value = task.evaluate(suggestion.params)
            engine.observe(suggestion, value)
            score = curve(suggestion.params, value)
            if score is not None:
                steps.append((trial, float(f"{score:.6g}")))
    return tuple(steps)


def record(case: Case, seeds: int, suite: str, folder: Path) -> None:
    """Run what is missing of a case, and record it."""
    for variant, make in case.engines.items():
        file = path(variant, suite, folder)
        trials = TRIALS if variant == WITHOUT else MORE
        for seed in range(seeds):
            if (case.name, seed) in {(r.task, r.seed) for r in read(file)}:
                continue
            steps = run(make(seed), case.task, trials)
            append(Run(variant, "asktell", case.name, seed, trials, steps, 0.0), file)
            print(f"{variant} {case.name} {seed}: {steps[-1]}", flush=True)


def command(description: str | None, cases: Sequence[Case], suite: str) -> None:
    """Run what is missing of cases, as the command line says, and print the table."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--case", action="append", help="all if none is named")
    parser.add_argument("--seeds", type=int, default=5, help="run the seeds 0, 1, ...")
    parser.add_argument("--records", type=Path, default=RECORDS, metavar="FOLDER")
    arguments = parser.parse_args()
    chosen = [case for case in cases if not arguments.case or case.name in arguments.case]
    for case in chosen:
        record(case, arguments.seeds, suite, arguments.records)
    print("\n".join(rows(chosen, suite, arguments.records)))


def reached(curve: Array, goal: float) -> int:
    """Return the first trial with a value as good as the goal; one too many if there is none."""
    there = np.flatnonzero(curve <= goal)
    return int(there[0]) + 1 if len(there) else len(curve) + 1


def counts(without: Array, other: Array, at_trial: int) -> tuple[int, int]:
    """Return how many trials both runs need for what the one without has closed by a trial."""
    goal = without[0] - CLOSED * (without[0] - without[at_trial - 1])
    return reached(without, goal), reached(other, goal)


def rows(cases: list[Case], suite: str, folder: Path) -> list[str]:
    """Return the table in Markdown, of what is recorded.

    For each case and variant: the mean trials of runs without and with it, and their ratio; for the
    value at the end, and that half-way.
    """
    lines = [
        "| case | given | seeds | to the end's value: without | with | ratio "
        "| to the value half-way: without | with | ratio |",
        "|---" * 9 + "|",
    ]
    ratios: dict[str, list[tuple[float, float]]] = {}
    for case in cases:
        plain = {r.seed: r.curve() for r in _of(case, WITHOUT, suite, folder)}
        for variant in case.engines:
            if variant == WITHOUT:
                continue
            runs = [r for r in _of(case, variant, suite, folder) if r.seed in plain]
            if not runs:
                continue
            cells, ratio = [], []
            for at_trial in (TRIALS, TRIALS // 2):
                pairs = [counts(plain[r.seed], r.curve(), at_trial) for r in runs]
                left, right = (statistics.mean(column) for column in zip(*pairs, strict=True))
                ratio.append(right / left)
                cells += [f"{left:.1f}", f"{right:.1f}", f"{right / left:.2f}"]
            kind = case.kind if case.kind else variant
            ratios.setdefault(kind, []).append((ratio[0], ratio[1]))
            lines.append(f"| {case.name} | {kind} | {len(runs)} | {' | '.join(cells)} |")
    for kind, pairs in ratios.items():
        end, half = np.exp(np.mean(np.log(pairs), axis=0))
        lines.append(f"| geometric mean | {kind} | | | | {end:.2f} | | | {half:.2f} |")
    return lines


def _of(case: Case, variant: str, suite: str, folder: Path) -> list[Run]:
    return [r for r in read(path(variant, suite, folder)) if r.task == case.name]
