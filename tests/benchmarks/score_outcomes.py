"""Score the recorded curves of constraints, several objectives and heavy noise, as Markdown.

``python tests/benchmarks/score_outcomes.py`` prints, for each suite, the share of pairs of runs on
the same task, one of each peer, in which the engine is ahead: at the end, and along the run, which
is the mean over the trials. Ties count half; a run with nothing feasible is behind one that has
something. Then follow the medians of the final values, task by task.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from runs import RECORDS
from score import BASE, ENGINE, Curves, load
from suites import OUTCOMES, SPACES, OutcomesTask, suite

Array = NDArray[np.float64]


def losses(name: str, records: Path) -> dict[str, Curves]:
    """Return the curves of every peer, negated where more is better; infinite without a value."""
    sign = -1.0 if name == "several" else 1.0
    return {
        peer: {task: np.nan_to_num(sign * c, nan=np.inf) for task, c in curves.items()}
        for peer, curves in load(name, records).items()
    }


def ahead(engine: Array, peer: Array) -> Array:
    """Return the share of pairs in which the engine is ahead after each trial; ties are half."""
    trials = min(engine.shape[1], peer.shape[1])
    left, right = engine[:, None, :trials], peer[None, :, :trials]
    shares: Array = ((left < right) + 0.5 * (left == right)).mean(axis=(0, 1))
    return shares


def rows(name: str, records: Path) -> list[str]:
    """Return the lines of a suite's tables."""
    peers = losses(name, records)
    engine = peers.get(ENGINE, {})
    lines = [
        f"\n### {name}\n",
        "| peer | tasks | seeds | engine ahead at the end | along the run |",
        "|---|---|---|---|---|",
    ]
    others = sorted(set(peers) - {ENGINE}, key=lambda peer: (peer == BASE, peer))
    for peer in others:
        curves = peers[peer]
        shared = [ahead(engine[task], curves[task]) for task in curves if task in engine]
        final = f"{np.mean([share[-1] for share in shared]):.0%}" if shared else ""
        along = f"{np.mean([share.mean() for share in shared]):.0%}" if shared else ""
        counts = sorted({len(several) for several in curves.values()})
        seeds = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
        lines.append(f"| {peer} | {len(curves)} | {seeds} | {final} | {along} |")
    order = [peer for peer in (ENGINE, *others) if peer in peers]
    lines.append("\nMedians at the end; in brackets how often the engine is ahead of the peer:\n")
    lines.append(f"| task | known | {' | '.join(order)} |")
    lines.append("|---" * (len(order) + 2) + "|")
    for task in suite(name):
        cells = [_cell(name, engine.get(task.name), peers[p].get(task.name), p) for p in order]
        known = task.ideal or task.optimum if isinstance(task, OutcomesTask) else task.optimum
        shown = "" if known is None else f"{known:.6g}"
        lines.append(f"| {task.name} | {shown} | {' | '.join(cells)} |")
    return lines


def _cell(name: str, engine: Array | None, curves: Array | None, peer: str) -> str:
    if curves is None:
        return ""
    median = float(np.median(curves[:, -1]))
    sign = -1.0 if name == "several" else 1.0
    shown = f"{sign * median:.4g}" if np.isfinite(median) else "none"
    if engine is None or peer == ENGINE:
        return shown
    return f"{shown} ({ahead(engine, curves)[-1]:.0%})"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, default=RECORDS)
    parser.add_argument("--suite", action="append", choices={**OUTCOMES, **SPACES})
    arguments = parser.parse_args()
    for name in arguments.suite or {**OUTCOMES, **SPACES}:
        print("\n".join(rows(name, arguments.records)))


if __name__ == "__main__":
    main()
