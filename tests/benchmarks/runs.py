"""A run: a peer on a task with a seed, and the curve that is kept of it."""

from __future__ import annotations

import heapq
import json
import math
import statistics
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict, frozen
from numpy.typing import NDArray
from peers.engine import AskTell
from sessions import Asked, Local, Session
from suites import Task
from suites.task import space_document

import asktell as at
from asktell.model.blas import one_blas_thread

RECORDS = Path(__file__).parent / "records"


@frozen
class Run:
    """What is kept of a run.

    ``steps`` are the trials, counted from 1, after which the best of the observed params is
    another one, with its value without noise: the curve, without what it repeats.
    """

    peer: str
    version: str
    task: str
    seed: int
    budget: int
    steps: tuple[tuple[int, float], ...]
    seconds: float

    def curve(self) -> NDArray[np.float64]:
        """Return the value after every trial, (budget,); nan where all have failed so far."""
        values = np.full(self.budget, np.nan)
        for trial, value in self.steps:
            values[trial - 1 :] = value
        return values


def play(
    task: Task, session: Session, seed: int, budget: int, workers: int = 1
) -> tuple[tuple[tuple[int, float], ...], float]:
    """Return the steps of a run, and the median of its seconds per suggestion.

    So many workers evaluate at once, each for a random time from a seeded stream; whoever is
    ready gets the next params. Trials count in the order in which they end.
    """
    steps: list[tuple[int, float]] = []
    least, seconds = math.inf, []
    durations = np.random.default_rng([seed, workers]).lognormal(0.0, 0.5, budget)
    running: list[tuple[float, int, dict[str, Any]]] = []

    def begin(asked: Asked, now: float) -> None:
        number = len(seconds)
        seconds.append(asked.seconds)
        params = task.space.params(task.space.check(asked.params))
        heapq.heappush(running, (now + float(durations[number]), number, params))

    begin(session.start(space_document(task.space), seed, budget), 0.0)
    while len(running) < min(workers, budget):
        begin(session.more(), 0.0)
    for trial in range(1, budget + 1):
        now, number, params = heapq.heappop(running)
        value = task.evaluate(params, seed, number + 1)
        if value < least:
            least = value
            steps.append((trial, _rounded(task.truth(params))))
        if len(seconds) < budget:
            begin(session.tell(value if math.isfinite(value) else None, number), now)
    return tuple(steps), _rounded(statistics.median(seconds))


def run_engine(
    task: Task, seed: int, budget: int | None = None, settings: at.Settings | None = None
) -> NDArray[np.float64]:
    """Return the curve of the engine in this process: for ablations."""
    budget = budget or task.budget
    with one_blas_thread():
        steps, seconds = play(task, Local(partial(AskTell, settings=settings)), seed, budget)
    return Run("asktell", "", task.name, seed, budget, steps, seconds).curve()


# --- records ---


def path(peer: str, suite: str, folder: Path = RECORDS) -> Path:
    """Return the file of a peer's runs on a suite."""
    return folder / peer / f"{suite}.jsonl"


def append(run: Run, file: Path) -> None:
    """Add a line to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(run), separators=(",", ":")) + "\n")


def read(file: Path) -> list[Run]:
    """Return the runs of a file, none if there is no file."""
    if not file.exists():
        return []
    documents = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [Run(**{**d, "steps": tuple(map(tuple, d["steps"]))}) for d in documents]


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
