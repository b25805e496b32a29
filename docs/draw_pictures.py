"""Draw the pictures of the page on looking: ``python docs/draw_pictures.py``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import asktell as at
from asktell import insight, plots

FOLDER = Path(__file__).parent


def study() -> at.Engine:
    """Return the study of the page, after 40 trials."""
    space = at.Space(
        at.Float("rate", 1e-5, 1.0, log=True),
        at.Float("momentum", 0.0, 0.99, step=0.01),
        at.Int("layers", 1, 8),
        at.Categorical("optimizer", ["sgd", "adam", "lion"]),
    )
    engine = at.Engine(space, seed=7, goal="minimize")
    for number in range(40):
        suggestion = engine.suggest(now=60.0 * number)
        if suggestion.params["rate"] > 0.5:
            engine.fail(suggestion, "loss is NaN", now=60.0 * number + 5.0)
        else:
            engine.observe(suggestion, loss(suggestion.params), now=60.0 * number + 55.0)
    return engine


def loss(params: dict[str, Any]) -> float:
    """Stand in for an hour of training."""
    value: float = 0.1 + 0.08 * (math.log10(params["rate"]) + 2.5) ** 2
    value += 0.5 * (params["momentum"] - 0.8) ** 2 + 0.02 * abs(params["layers"] - 4)
    return value + {"sgd": 0.05, "adam": 0.0, "lion": 0.02}[params["optimizer"]]


def main() -> None:
    """Draw them."""
    known = insight.fitted(study())
    for name, picture in (("progress", plots.progress), ("slices", plots.slices)):
        figure = picture(known)
        figure.savefig(FOLDER / f"looking-{name}.png", dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
