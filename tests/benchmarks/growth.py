"""How a suggestion's time grows with the observations, in Cholesky factorisations of 1000 x 1000.

``python tests/benchmarks/growth.py --plot docs/growth.png`` measures it, and draws the picture. It
also prints what 50 steps find after n random observations, and what 50 more random ones would.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from attrs import frozen

import asktell as at
from asktell.model.blas import one_blas_thread

SIZES = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


@frozen
class Growth:
    """What a number of steps after n observations take, and what they find.

    Args:
        seconds: of a suggestion and its observation, the mean.
        cholesky: seconds of a factorisation of 1000 x 1000, the median.
        before: the best of the n random observations.
        found: the best after the steps.
        random: the best if the steps had been random, too.
    """

    seconds: float
    cholesky: float
    before: float
    found: float
    random: float

    @property
    def ratio(self) -> float:
        """Return how many factorisations a step takes."""
        return self.seconds / self.cholesky


def measure(n: int, dim: int, steps: int) -> Growth:
    """Measure so many steps after n random observations.

    Refits of the hyper-parameters are among the steps as often as they come. Factorisations are
    timed between the steps, so that both meet the same load.
    """
    weights = np.linspace(1.0, 2.0, dim)
    state = at.State.start(at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(dim))))

    def target(values: Sequence[float]) -> float:
        x = np.array(values)
        return -float(weights @ (x - 0.3) ** 2 + 0.1 * np.sin(9.0 * x).sum())

    points = np.random.default_rng(n).random((n + steps, dim)).tolist()
    for point in points[:n]:
        state = at.observe(state, dict(zip(state.space.names, point, strict=True)), target(point))
    before = max(map(target, points[:n]))
    state, (suggestion,) = at.suggest(state)  # imports, and the first fit from nothing
    state = at.fail(state, suggestion)
    matrix = np.eye(1000) + 0.5
    suggested, factorised = [], []
    with one_blas_thread():
        for _ in range(steps):
            start = time.perf_counter()
            state, (suggestion,) = at.suggest(state)
            state = at.observe(state, suggestion, target(suggestion.configuration.values))
            middle = time.perf_counter()
            np.linalg.cholesky(matrix)
            suggested.append(middle - start)
            factorised.append(time.perf_counter() - middle)
    best = at.best(state)
    assert best is not None
    return Growth(
        float(np.mean(suggested)),
        float(np.median(factorised)),
        before,
        best.target,
        max(map(target, points)),
    )


def draw(ratios: dict[int, float], file: Path) -> None:
    """Draw the ratios over the number of observations."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panel = plt.subplots(figsize=(7, 4), layout="constrained")
    panel.loglog(list(ratios), list(ratios.values()), marker="o")
    panel.axhline(10.0, color="grey", linewidth=0.8, linestyle="--")
    panel.set_xlabel("observations, of 10 parameters")
    panel.set_ylabel("suggest and observe, in Cholesky\nfactorisations of 1000 x 1000")
    panel.grid(which="both", alpha=0.3)
    figure.savefig(file, dpi=100)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    ratios = {}
    print("     n      ms  Cholesky    before   found  random")
    for n in SIZES:
        growth = measure(n, 10, 50)
        ratios[n] = growth.ratio
        print(
            f"{n:>6} {growth.seconds * 1e3:7.1f} {growth.ratio:9.2f} "
            f"{growth.before:9.3f} {growth.found:7.3f} {growth.random:7.3f}",
            flush=True,
        )
    if arguments.plot:
        draw(ratios, arguments.plot)


if __name__ == "__main__":
    main()
