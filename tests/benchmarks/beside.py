"""Run the engine as it is on a suite, and set it beside the peers' recorded runs.

``python tests/benchmarks/beside.py --suite conditional --task stages --seeds 3``

Nothing is recorded. For each task: the medians of the final values, and in brackets the share of
pairs of runs in which the engine is ahead, at the end and along the run. The last line has their
means over the tasks.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from runs import RECORDS, run_engine
from score import Curves
from score_outcomes import ahead, losses
from suites import OUTCOMES, SPACES, SUITES, suite

Array = NDArray[np.float64]


def main() -> None:
    """Run, and print a table in Markdown as the tasks end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", required=True, choices=[*SPACES, *OUTCOMES, *SUITES])
    parser.add_argument("--task", action="append", help="of the suite; all if none is named")
    parser.add_argument("--seeds", type=int, default=5, help="run the seeds 0, 1, ...")
    parser.add_argument("--trials", type=int, help="if not what the task says")
    arguments = parser.parse_args()
    peers = {name: c for name, c in losses(arguments.suite, RECORDS).items() if name != "asktell"}
    sign = -1.0 if arguments.suite == "several" else 1.0
    print(f"| task | known | asktell | {' | '.join(peers)} | seconds a run |")
    print("|---" * (len(peers) + 4) + "|")
    shares: dict[str, list[tuple[float, float]]] = {peer: [] for peer in peers}
    for task in suite(arguments.suite):
        if arguments.task and task.name not in arguments.task:
            continue
        start = time.perf_counter()
        seeds = range(arguments.seeds)
        curves = [run_engine(task, seed, arguments.trials) for seed in seeds]
        own = np.nan_to_num(sign * np.stack(curves), nan=np.inf)
        seconds = (time.perf_counter() - start) / arguments.seeds
        cells = [_cell(own, curves, task.name, shares[p]) for p, curves in peers.items()]
        known = "" if getattr(task, "optimum", None) is None else f"{task.optimum:.4g}"
        cells = [task.name, known, _median(own), *cells, f"{seconds:.3g}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    means = [_shown(np.mean(pairs, axis=0)) if pairs else "" for pairs in shares.values()]
    print(f"| mean | | | {' | '.join(means)} | |")


def _cell(own: Array, curves: Curves, task: str, shares: list[tuple[float, float]]) -> str:
    if task not in curves:
        return ""
    along = ahead(own, curves[task])
    shares.append((float(along[-1]), float(along.mean())))
    return f"{_median(curves[task][:, : len(along)])} ({_shown(shares[-1])})"


def _shown(shares: Array | tuple[float, float]) -> str:
    return f"{shares[0]:.0%}, {shares[1]:.0%}"


def _median(curves: Array) -> str:
    return f"{np.median(curves[:, -1]):.4g}"


if __name__ == "__main__":
    main()
