"""Write the golden file of the schema of today: ``make golden``.

A golden file is written once for each schema and kept for ever; this script overwrites none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import asktell as at
from asktell.codec import SCHEMA

SPACE = at.Space(
    at.Float("lr", 1e-5, 1.0, log=True),
    at.Float("momentum", 0.0, 0.99, step=0.01),
    at.Int("depth", 1, 12),
    at.Int("width", 8, 1024, log=True, step=8),
    at.Ordinal("bits", [2, 3, 4, 8]),
    at.Categorical("kernel", ["rbf", "poly", None, 0.5, False]),
    at.Bool("bias"),
)
OWN = {
    "lr": 0.1,
    "momentum": 0.57,
    "depth": 3,
    "width": 64,
    "bits": 4,
    "kernel": None,
    "bias": True,
}


def golden() -> at.State:
    """Return a state in which every field of the layout has something to say."""
    settings = at.Settings(n_initial=2, n_candidates=32, n_starts=2)
    state = at.State.start(SPACE, seed=7, goal="minimize", settings=settings)
    state, suggestions = at.suggest(state, 4)
    state = at.observe(state, suggestions[2], 0.25)
    state = at.observe(state, suggestions[0], -1.5)
    state = at.fail(state, suggestions[1], "out of memory")
    state = at.observe(state, OWN, 1e-17)
    state = at.fail(state, {**OWN, "depth": 4}, "")
    state, _ = at.suggest(state, 2)
    return state


if __name__ == "__main__":
    path = Path(__file__).with_name(f"state-{SCHEMA}.json")
    if path.exists():
        sys.exit(f"{path} exists, and golden files are never rewritten")
    path.write_text(json.dumps(golden().to_dict(), indent=1) + "\n")
