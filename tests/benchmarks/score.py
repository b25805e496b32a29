"""Score the recorded curves, suite by suite: a table, and a picture with ``--plot FILE.png``.

The score of a value is 0 at the median of random search's final bests and 1 at the best that any
run reached. A run's final score is that of its last value, its curve score the mean along the
run; both are kept within [-1, 1], and an evaluation that never succeeded scores -1. The
scale-free score is the share of pairs of runs, one of each peer, that the engine ends better in,
ties counting half. Peers are compared on the tasks that they ran. Intervals are 95 % bootstrap
intervals over seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from runs import RECORDS, Run, path, read
from suites import SUBSET, SUITES

Array = NDArray[np.float64]
Curves = Mapping[str, Array]
"""For each task the curves of a peer, (seeds, trials)."""

ENGINE, BASE = "asktell", "random"
RESAMPLES = 500


@frozen
class Scale:
    """What 0 and 1 mean on a task."""

    zero: float
    one: float

    def __call__(self, values: Array) -> Array:
        """Return the scores of values, within [-1, 1]."""
        width = self.zero - self.one
        with np.errstate(invalid="ignore"):
            scores = (self.zero - values) / width if width > 0 else np.sign(self.zero - values)
        return np.clip(np.nan_to_num(scores, nan=-1.0), -1.0, 1.0)


def load(suite: str, records: Path) -> dict[str, Curves]:
    """Return the curves of every peer on a suite; where seeds differ in length, the shorter."""
    peers: dict[str, Curves] = {}
    for folder in sorted(records.iterdir()):
        runs = read(path(folder.name, suite, records)) if folder.is_dir() else []
        if runs:
            peers[folder.name] = {task: _stack(runs, task) for task in {run.task for run in runs}}
    return peers


def _stack(runs: list[Run], task: str) -> Array:
    curves = [run.curve() for run in runs if run.task == task]
    shortest = min(map(len, curves))
    return np.stack([curve[:shortest] for curve in curves])


def scales(peers: Mapping[str, Curves]) -> dict[str, Scale]:
    """Return the scale of every task that random search ran."""
    return {
        task: Scale(
            zero=float(np.nanmedian(curves[:, -1])),
            one=min(float(np.nanmin(p[task])) for p in peers.values() if task in p),
        )
        for task, curves in peers[BASE].items()
    }


def interval(scores: list[Array]) -> tuple[float, float, float]:
    """Return the mean over tasks of the means over seeds, and its bootstrap interval."""
    random = np.random.default_rng(0)
    means = [
        np.mean([random.choice(task, len(task)).mean() for task in scores])
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(np.mean([task.mean() for task in scores])), float(low), float(high)


def wins(engine: Array, peer: Array) -> float:
    """Return the share of pairs of final values in which the engine's is less; ties are half."""
    left = np.nan_to_num(engine[:, -1], nan=np.inf)[:, None]
    right = np.nan_to_num(peer[:, -1], nan=np.inf)[None]
    return float(np.mean((left < right) + 0.5 * (left == right)))


def rows(suite: str, records: Path) -> list[str]:
    """Return the lines of a suite's table, in Markdown."""
    peers = load(suite, records)
    scale = scales(peers)
    lines = [
        f"\n### {suite}\n",
        "| peer | tasks | seeds | final | curve | engine's final, same tasks | engine ahead |",
        "|---|---|---|---|---|---|---|",
    ]
    for peer, curves in peers.items():
        tasks = [task for task in curves if task in scale]
        final = interval([scale[task](curves[task][:, -1]) for task in tasks])
        along = interval([scale[task](curves[task]).mean(axis=1) for task in tasks])
        shared = [task for task in tasks if task in peers.get(ENGINE, {})]
        own, ahead = "", ""
        if shared and peer != ENGINE:
            engine = peers[ENGINE]
            own = f"{interval([scale[t](engine[t][:, -1]) for t in shared])[0]:.2f}"
            ahead = f"{np.mean([wins(engine[t], curves[t]) for t in shared]):.0%}"
        seeds = max(len(curves[task]) for task in tasks)
        lines.append(
            f"| {peer} | {len(tasks)} | {seeds} | {_shown(final)} | {_shown(along)} "
            f"| {own} | {ahead} |"
        )
    for task, curves in sorted(peers.get(ENGINE, {}).items()):
        mean = float(scale[task](curves[:, -1]).mean())
        if mean < float(scale[task](peers[BASE][task][:, -1]).mean()):
            lines.append(f"\nWorse than random search: `{task}`, {mean:.2f}.")
    return lines


def _shown(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.2f} ({value[1]:.2f} to {value[2]:.2f})"


def draw(records: Path, file: Path, only: Collection[str] | None = None) -> None:
    """Draw the mean score along the run of every peer, a panel a suite.

    Drawn are the peers that ran all tasks of the suite, or all of ``only``.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 3, figsize=(12, 7), layout="constrained", sharey=True)
    names = sorted(folder.name for folder in records.iterdir() if folder.is_dir())
    colours = dict(zip(names, (*mpl.colormaps["tab20"].colors[::2], "black"), strict=False))
    lines = {}
    for panel, suite in zip(panels.ravel(), SUITES, strict=True):
        peers = load(suite, records)
        scale = scales(peers)
        tasks = [task for task in scale if only is None or task in only]
        for peer, curves in peers.items():
            if not set(tasks) <= set(curves):
                continue
            shares = np.linspace(0.0, 1.0, 41)
            along = [
                np.interp(
                    shares,
                    np.linspace(0, 1, curves[task].shape[1]),
                    scale[task](curves[task]).mean(axis=0),
                )
                for task in tasks
            ]
            width = 3.0 if peer == ENGINE else 1.2
            (lines[peer],) = panel.plot(
                shares, np.mean(along, axis=0), color=colours[peer], linewidth=width
            )
        panel.axhline(0.0, color="grey", linewidth=0.5)
        panel.set_title(f"{suite}, {len(tasks)} tasks")
    figure.legend(lines.values(), lines.keys(), loc="outside right upper")
    figure.supxlabel("share of the budget")
    figure.supylabel("score: 0 random's median at the end, 1 the best of all runs")
    figure.savefig(file, dpi=100)


def main() -> None:
    """Print the tables, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, default=RECORDS)
    parser.add_argument("--plot", type=Path, help="of the peers that ran all tasks")
    parser.add_argument("--plot-subset", type=Path, help="of all peers, on the subset")
    arguments = parser.parse_args()
    for suite in SUITES:
        print("\n".join(rows(suite, arguments.records)))
    if arguments.plot:
        draw(arguments.records, arguments.plot)
    if arguments.plot_subset:
        draw(arguments.records, arguments.plot_subset, SUBSET)


if __name__ == "__main__":
    main()
