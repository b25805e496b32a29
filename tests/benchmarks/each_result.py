"""What telling a result costs, early and late: ``python tests/benchmarks/each_result.py``.

The driver saves to a file after each result, and a store is told one result a call. Neither may
take longer because a lot is known already. Only this is timed: suggesting takes longer the more is
known, by its nature. A file that is written anew, as its journal has grown as large, is part of the
mean.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import asktell as at
from asktell.drivers import Evaluated, optimize
from asktell.state import apply
from asktell.store import Store
from asktell.study.events import Suggested
from asktell.study.trials import Configuration

DIM = 10
SIZES = (1_000, 20_000)
CALLS = 2_000


def box() -> at.Space:
    return at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(DIM)))


def state_of(n: int) -> at.State:
    """Return a state of n observations."""
    state = at.State.start(box(), seed=1)
    for *values, target in np.random.default_rng(1).random((n, DIM + 1)).tolist():
        state = at.observe(state, dict(zip(state.space.names, values, strict=True)), target)
    return state


def suggested(state: at.State, random: np.random.Generator) -> tuple[at.State, at.Suggestion]:
    """Return the next state, in which anything is suggested: what suggesting costs is left out."""
    configuration = Configuration(state.space.names, tuple(random.random(DIM).tolist()))
    state = apply(state, Suggested(state.next_id, configuration, "initial", None, None))
    return state, state.suggestion(state.next_id - 1)


class AtOnce:
    """Evaluates when it is asked to."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args))
        return future


def evaluate(params: dict[str, float]) -> float:
    return -sum((value - 0.3) ** 2 for value in params.values())


class Careless(at.Engine):
    """An engine that suggests anything."""

    random = np.random.default_rng(2)

    def suggest(self, **_: Any) -> at.Suggestion:
        self._state, suggestion = suggested(self._state, self.random)
        return suggestion


def driver(state: at.State, path: Path, calls: int) -> list[float]:
    """Return the seconds of each result of a driver that saves to a file."""
    engine = Careless.from_state(state)
    marks: list[float] = []

    def mark(_: Evaluated) -> None:
        marks.append(time.perf_counter())

    n = state.n_over + calls
    optimize(engine, evaluate, n, AtOnce(), 8, checkpoint=path, callbacks=[mark], progress=False)
    return [after - before for before, after in pairwise(marks)]


def store(state: at.State, path: Path, calls: int) -> list[float]:
    """Return the seconds of each result that a store is told."""
    shared, random = Store(path), np.random.default_rng(2)
    shared.create(state)
    seconds = []
    for _ in range(calls):
        suggestion = shared.update(lambda state: suggested(state, random))
        start = time.perf_counter()
        shared.observe(suggestion.id, 0.5)
        seconds.append(time.perf_counter() - start)
    return seconds


def probe(path: Path, calls: int) -> list[float]:
    """Return the seconds that the disk takes to keep a line, each time."""
    seconds = []
    with path.open("ab") as file:
        for _ in range(calls):
            start = time.perf_counter()
            file.write(b"x" * 150)
            file.flush()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - start)
    return seconds


def costs(calls: int = CALLS) -> dict[str, str]:
    """Return the milliseconds of each result, and what becomes of them as n grows."""
    rows, states = {}, {n: state_of(n) for n in SIZES}
    with TemporaryDirectory() as folder:
        for name, cost in (("driver with a file", driver), ("store", store)):
            means = []
            for n, state in states.items():
                seconds = cost(state, Path(folder, f"{cost.__name__}-{n}.json"), calls)
                means.append(statistics.mean(seconds))
                rows[f"{name}: a result, n = {n:,}, milliseconds"] = f"{means[-1] * 1e3:.2f}"
                median, longest = statistics.median(seconds) * 1e3, max(seconds) * 1e3
                rows[f"  median and longest, {cost.__name__}, {n:,}"] = (
                    f"{median:.2f} {longest:.0f}"
                )
            rows[f"  the last over the first, {cost.__name__}"] = f"{means[-1] / means[0]:.2f}"
        keeping = statistics.mean(probe(Path(folder, "probe"), 200))
        rows["  of which the disk's own (fsync)"] = f"{keeping * 1e3:.2f}"
    return rows


def main() -> None:
    """Print everything."""
    logging.getLogger("asktell").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help=f"results timed ({CALLS})")
    for name, value in costs(parser.parse_args().calls).items():
        print(f"{name:<58} {value:>12}", flush=True)


if __name__ == "__main__":
    main()
