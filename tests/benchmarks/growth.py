"""How a suggestion's time grows with the observations, in Cholesky factorisations of 1000 x 1000.

``python tests/benchmarks/growth.py --plot docs/growth.png`` measures it, and draws the picture.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import asktell as at
from asktell.blas import one_blas_thread

SIZES = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def measure(n: int, dim: int, steps: int) -> tuple[float, float]:
    """Return seconds of suggest and observe, a mean of so many steps, and of a factorisation.

    Refits of the hyper-parameters are among the steps as often as they come. Factorisations are
    timed between the steps, so that both meet the same load; the median of them counts.
    """
    weights = np.linspace(1.0, 2.0, dim)
    state = at.State.start(at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(dim))))

    def told(state: at.State, values: list[float]) -> at.State:
        x = np.array(values)
        target = -float(weights @ (x - 0.3) ** 2 + 0.1 * np.sin(9.0 * x).sum())
        return at.observe(state, dict(zip(state.space.names, values, strict=True)), target)

    for point in np.random.default_rng(n).random((n, dim)).tolist():
        state = told(state, point)
    state, (suggestion,) = at.suggest(state)  # imports, and the first fit from nothing
    state = told(state, list(suggestion.values))
    matrix = np.eye(1000) + 0.5
    suggested, factorised = [], []
    with one_blas_thread():
        for _ in range(steps):
            start = time.perf_counter()
            state, (suggestion,) = at.suggest(state)
            state = told(state, list(suggestion.values))
            middle = time.perf_counter()
            np.linalg.cholesky(matrix)
            suggested.append(middle - start)
            factorised.append(time.perf_counter() - middle)
    return float(np.mean(suggested)), float(np.median(factorised))


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
    for n in SIZES:
        each, cholesky = measure(n, 10, 50)
        ratios[n] = each / cholesky
        print(f"{n:>6} {each * 1e3:6.0f} ms {ratios[n]:6.1f}", flush=True)
    if arguments.plot:
        draw(ratios, arguments.plot)


if __name__ == "__main__":
    main()
