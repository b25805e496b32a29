"""What a tuner in an environment of its own is given, and how it asks for an accuracy.

It needs numpy alone. The one who started the process measures each model, and counts and records.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

import numpy as np


class SpentError(Exception):
    """There are no evaluations left."""


class Task:
    """A model, its data, and the criterion."""

    def __init__(self) -> None:
        """Read what this process was started with, and call back."""
        given = json.loads(sys.argv[1])
        self.name: str = given["name"]
        self.peer: str = given["peer"]
        self.model = Path(given["model"])
        self.folder = Path(given["folder"])
        self.criterion: dict[str, float] = given["criterion"]
        self.higher_is_better: bool = given["higher_is_better"]
        self.dynamic: bool = given["dynamic"]
        self.trials: int = given["trials"]
        self.objective: str = given.get("objective", "bytes")
        """The key of an answer: what is to be as little as possible."""
        self.seed: int = given["seed"]
        self.resume: bool = given.get("resume", False)
        """Whether there was a run in this folder, which was killed."""
        with np.load(given["rows"]) as rows:
            self.x, self.y = rows["calibration_x"], rows["calibration_y"]
            self.n_rows = len(rows["evaluation_y"])
            self.evaluation_x = rows["evaluation_x"]
        random.seed(self.seed)
        np.random.seed(self.seed)  # some tuners draw from the global stream
        self._connection = Client(given["address"])
        self._made = 0
        self.ask(ready=True)

    @property
    def sign(self) -> float:
        """Return what turns the metric into a number of which more is better."""
        return 1.0 if self.higher_is_better else -1.0

    @property
    def relative(self) -> bool:
        """Tell whether the criterion is relative to the FP32 model's accuracy."""
        return "relative" in self.criterion

    @property
    def loss(self) -> float:
        """Return how much may be lost."""
        return next(iter(self.criterion.values()))

    def batches(self, size: int = 20) -> Iterator[np.ndarray]:
        """Yield the rows to calibrate with."""
        for start in range(0, len(self.x), size):
            yield self.x[start : start + size]

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request, and return the answer."""
        self._connection.send_bytes(json.dumps(request).encode())
        answer: dict[str, Any] = json.loads(self._connection.recv_bytes())
        if answer.get("spent"):
            raise SpentError
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def evaluate(
        self, model: Any, rows: list[int] | None = None, float32: bool = False
    ) -> dict[str, Any]:
        """Return ``accuracy``, ``bytes`` and what ``each`` row says of a file, or of its bytes.

        Where latency is the objective, ``latency`` too, unless it is the FP32 model.

        ``float32`` says that it is the model that was given, which does not count.
        """
        path = model
        if isinstance(model, bytes):
            path = self.folder / f"{self._made}.onnx"
            path.write_bytes(model)
            self._made += 1
        return self.ask(path=str(path), rows=rows, float32=float32)
