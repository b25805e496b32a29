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
from suites import AnyTask, OutcomesTask, Task
from suites.task import boxed, space_document

import asktell as at
from asktell.model.blas import one_blas_thread

RECORDS = Path(__file__).parent / "records"


@frozen
class Run:
    """What is kept of a run.

    ``steps`` are the trials, counted from 1, after which the best of the observed params is
    another one, with its value without noise: the curve, without what it repeats. What the curve
    is of other tasks is said below, with ``measure``.
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
    task: AnyTask, session: Session, seed: int, budget: int, workers: int = 1
) -> tuple[tuple[tuple[int, float], ...], float]:
    """Return the steps of a run, and the median of its seconds per suggestion.

    So many workers evaluate at once, each for a random time from a seeded stream; whoever is
    ready gets the next params. Trials count in the order in which they end.
    """
    steps: list[tuple[int, float]] = []
    curve = measure(task)
    seconds: list[float] = []
    durations = np.random.default_rng([seed, workers]).lognormal(0.0, 0.5, budget)
    running: list[tuple[float, int, dict[str, Any]]] = []
    box = boxed(task.space)  # what breaks a constraint is told a penalty

    def params_of(asked: Asked) -> dict[str, Any]:
        return box.params(box.check(asked.params))

    def begin(asked: Asked, now: float) -> None:
        number = len(seconds)
        seconds.append(asked.seconds)
        heapq.heappush(running, (now + float(durations[number]), number, params_of(asked)))

    outcomes = task.outcomes.document() if isinstance(task, OutcomesTask) else None
    begin(session.start(space_document(task.space), seed, budget, outcomes), 0.0)
    while len(running) < min(workers, budget):
        begin(session.more(), 0.0)
    for trial in range(1, budget + 1):
        now, number, params = heapq.heappop(running)
        value = task.evaluate(params, seed, number + 1)
        told = value if isinstance(value, dict) or math.isfinite(value) else None
        recommended = isinstance(curve, Recommended)
        if recommended:
            params = params_of(session.recommend(told, number))
        score = curve(params, value)
        if score is not None:
            steps.append((trial, _rounded(score)))
        if len(seconds) < budget:
            begin(session.more() if recommended else session.tell(told, number), now)
    return tuple(steps), _rounded(statistics.median(seconds))


def run_engine(
    task: AnyTask, seed: int, budget: int | None = None, settings: at.Settings | None = None
) -> NDArray[np.float64]:
    """Return the curve of the engine in this process: for ablations."""
    budget = budget or task.budget
    with one_blas_thread():
        steps, seconds = play(task, Local(partial(AskTell, settings=settings)), seed, budget)
    return Run("asktell", "", task.name, seed, budget, steps, seconds).curve()


def run_outcomes(
    task: AnyTask, seed: int, budget: int | None = None, settings: at.Settings | None = None
) -> NDArray[np.float64]:
    """Return the curve of the engine on a task of ``suites.OUTCOMES``, in this process.

    With constraints it is the best feasible value after each trial, nan before the first; with
    several objectives the hypervolume of the feasible front, where more is better; with heavy
    noise the value without noise of what the engine recommends.
    """
    return run_engine(task, seed, budget, settings)


# --- what is scored ---


class Best:
    """The value without noise of the best that was observed."""

    def __init__(self, task: Task) -> None:
        """Start with nothing observed."""
        self._task, self._least = task, math.inf

    def __call__(self, params: dict[str, Any], value: Any) -> float | None:
        """Return the value of the curve if it changed."""
        if not value < self._least or math.isnan(truth := self._task.truth(params)):
            return None
        self._least = value
        return truth


class Recommended:
    """The value without noise of params that a peer recommends."""

    def __init__(self, task: Task) -> None:
        """Start with nothing recommended."""
        self._task, self._last = task, math.nan

    def __call__(self, params: dict[str, Any], value: Any) -> float | None:
        """Return the value of the curve if it changed; the value told does not matter."""
        last, self._last = self._last, self._task.truth(params)
        return None if self._last == last else self._last


class BestFeasible:
    """The best value of the one objective that holds all constraints."""

    def __init__(self, task: OutcomesTask) -> None:
        """Start with nothing feasible."""
        self._outcomes, self._least = task.outcomes, math.inf
        (self._goal,) = task.outcomes.objectives.values()

    def __call__(self, params: dict[str, Any], value: dict[str, float]) -> float | None:
        """Return the value of the curve if it changed."""
        (loss,) = self._outcomes.losses(value)
        if not (self._outcomes.feasible(value) and loss < self._least):
            return None
        self._least = loss
        return loss if self._goal == "minimize" else -loss


class Front:
    """The hypervolume of what is feasible, up to the task's reference."""

    def __init__(self, task: OutcomesTask) -> None:
        """Start with nothing feasible."""
        self._task, self._volume = task, -1.0
        self._rows: list[tuple[float, ...]] = []

    def __call__(self, params: dict[str, Any], value: dict[str, float]) -> float | None:
        """Return the value of the curve if it changed."""
        if self._task.outcomes.feasible(value):
            self._rows.append(self._task.outcomes.losses(value))
        last, self._volume = self._volume, self._task.hypervolume(self._rows)
        return None if self._volume == last else self._volume


def measure(task: AnyTask) -> Any:
    """Return what follows the curve of a run on a task, called after each trial."""
    if isinstance(task, OutcomesTask):
        return BestFeasible(task) if task.reference is None else Front(task)
    return Recommended(task) if task.recommended else Best(task)


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
