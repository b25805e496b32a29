"""Spaces and objectives that several tests share."""

from __future__ import annotations

import math
from typing import Any

import asktell as at

QUICK = at.Settings(n_candidates=64, n_starts=2)
"""Few candidates: for tests of behaviour, not of quality."""


def every_kind() -> at.Space:
    """Return a space with a parameter of every kind and scale."""
    return at.Space(
        at.Float("x", -1.0, 2.0),
        at.Float("lr", 1e-5, 1.0, log=True),
        at.Float("momentum", 0.0, 0.99, step=0.01),
        at.Int("depth", 1, 12),
        at.Int("width", 1, 1000, log=True),
        at.Ordinal("bits", [2, 3, 4, 8]),
        at.Categorical("kernel", ["rbf", "poly", None]),
        at.Bool("bias"),
    )


def finite() -> at.Space:
    """Return a mixed space of 72 configurations."""
    return at.Space(
        at.Int("a", 1, 3),
        at.Ordinal("b", ["low", "mid", "high"]),
        at.Categorical("c", ["u", "v"]),
        at.Bool("d"),
        at.Float("e", 0.0, 0.5, step=0.5),
    )


def as_box(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a space as schemas before 6 have it, which know nothing but boxes."""
    added = ("when", "default", "likely")
    return {
        "parameters": [
            {key: value for key, value in parameter.items() if key not in added}
            for parameter in row["parameters"]
        ]
    }


def score(params: dict[str, Any]) -> float:
    """Return a target that depends on every parameter of ``every_kind``."""
    return (
        -((params["x"] - 0.5) ** 2)
        - (math.log10(params["lr"]) + 2.0) ** 2
        - abs(params["momentum"] - 0.9)
        - 0.1 * abs(params["depth"] - 4)
        - 0.2 * abs(math.log(params["width"] / 30.0))
        + 0.1 * params["bits"]
        + (0.5 if params["kernel"] == "poly" else 0.0)
        + 0.3 * params["bias"]
    )
