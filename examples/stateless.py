"""The stateless functions, with the state in a JSON file between calls.

Each call of ``handle`` could be a process of its own: a job of a scheduler, or a function that
keeps its state in a row of a database. Results may come late and out of order.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import asktell as at


def handle(file: Path, results: list[dict[str, Any]], n: int) -> list[dict[str, Any]]:
    """Tell the results that have come in, and return n new suggestions."""
    state = at.State.from_dict(json.loads(file.read_text()))
    for result in results:
        state = at.observe(state, result["id"], result["target"])
    state, suggestions = at.suggest(state, n)
    file.write_text(json.dumps(state.to_dict()))
    return [{"id": suggestion.id, "params": suggestion.params} for suggestion in suggestions]


def evaluate(params: dict[str, Any]) -> float:
    """Stand for something expensive that runs elsewhere."""
    return float(-((params["rate"] - 0.01) ** 2) * 1e4 - abs(params["layers"] - 3))


def main() -> None:
    """Run ten rounds of three evaluations."""
    space = at.Space(at.Float("rate", 1e-4, 1.0, log=True), at.Int("layers", 1, 8))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"
        file.write_text(json.dumps(at.State.start(space, seed=7).to_dict()))
        results: list[dict[str, Any]] = []
        for _ in range(10):
            asked = handle(file, results, n=3)
            results = [{"id": ask["id"], "target": evaluate(ask["params"])} for ask in asked[::-1]]
        print(at.best(at.State.from_dict(json.loads(file.read_text()))))


if __name__ == "__main__":
    main()
