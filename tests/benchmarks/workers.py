"""What several workers at once cost: scores after the same number of evaluations, suite by suite.

The runs are those of ``run.py --subset --budget 100 --workers N --records
tests/benchmarks/records_workers/N``.
"""

from __future__ import annotations

import numpy as np
from runs import RECORDS
from score import BASE, Curves, interval, load, scales
from suites import SUITES

FOLDER = RECORDS.parent / "records_workers"


def main() -> None:
    """Print the table."""
    print("| suite | peer | workers | seeds | final | along the run |")
    print("|---|---|---|---|---|---|")
    means: dict[str, list[tuple[float, float]]] = {}
    for suite in SUITES:
        runs: dict[tuple[str, str], Curves] = {
            (peer, folder.name): curves
            for folder in sorted(FOLDER.iterdir())
            for peer, curves in load(suite, folder).items()
        }
        base = runs[BASE, "1"]
        scale = scales({BASE: base, **{" ".join(key): curves for key, curves in runs.items()}})
        for (peer, workers), curves in runs.items():
            if peer == BASE:
                continue
            final = interval([scale[task](curves[task][:, -1]) for task in base])[0]
            along = interval([scale[task](curves[task]).mean(axis=1) for task in base])[0]
            seeds = min(len(several) for several in curves.values())
            print(f"| {suite} | {peer} | {workers} | {seeds} | {final:.2f} | {along:.2f} |")
            means.setdefault(f"{peer} | {workers}", []).append((final, along))
    for name, several in means.items():
        final, along = np.mean(several, axis=0)
        print(f"| mean | {name} | | {final:.2f} | {along:.2f} |")


if __name__ == "__main__":
    main()
