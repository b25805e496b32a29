"""Time this version beside another checkout, in one run: ``python versions.py OTHER_CHECKOUT``.

Two processes, one for each version, take turns, so that both meet the same load; each line gives
the medians and their ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ROUNDS = 9


# --- what is timed: in a process of each version ---


def _told(n: int, dim: int = 10) -> tuple[Any, Callable[[], tuple[dict[str, float], float]]]:
    import numpy as np

    import asktell as at

    space = at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(dim)))
    engine = at.Engine(space, settings=at.Settings(n_initial=10**6))
    rows = iter(np.random.default_rng(0).random((n + 5_000, dim + 1)).tolist())

    def result() -> tuple[dict[str, float], float]:
        *values, target = next(rows)
        return dict(zip(space.names, values, strict=True)), target

    for _ in range(n):
        engine.observe(*result())
    return engine, result


def observe(n: int) -> Iterator[float]:
    """Yield seconds of an observation through the engine."""
    engine, result = _told(n)
    while True:
        results = [result() for _ in range(200)]
        start = time.perf_counter()
        for params, target in results:
            engine.observe(params, target)
        yield (time.perf_counter() - start) / len(results)


def through_store(n: int) -> Iterator[float]:
    """Yield seconds of an observation through the store."""
    import asktell as at
    from asktell.store import Store

    engine, result = _told(n)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder, "state.json"))
        store.create(engine.state)
        while True:
            results = [result() for _ in range(20)]
            start = time.perf_counter()
            for params, target in results:
                store.update(lambda state, p=params, t=target: at.deliver(state, p, t))
            yield (time.perf_counter() - start) / len(results)


def suggest(n: int) -> Iterator[float]:
    """Yield seconds of a suggestion by the model."""
    import asktell as at

    engine, _ = _told(n, dim=6)
    document = engine.to_dict()
    for part in ("settings", "method"):
        if part in document:
            document[part]["n_initial"] = 5
    engine = at.Engine.from_dict(document)
    while True:
        start = time.perf_counter()
        suggestion = engine.suggest()
        yield time.perf_counter() - start
        engine.observe(suggestion, 0.5)


def round_trip(n: int) -> Iterator[float]:
    """Yield seconds of the way to a dict and back, of results that were told by params."""
    import asktell as at

    engine, _ = _told(n)
    while True:
        start = time.perf_counter()
        at.Engine.from_dict(engine.to_dict())
        yield time.perf_counter() - start


def round_trip_asked(n: int) -> Iterator[float]:
    """Yield the same of results of suggestions."""
    import asktell as at

    space = at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(10)))
    engine = at.Engine(space, settings=at.Settings(n_initial=10**6))
    for start in range(0, n, 100):
        engine.observe_batch((s, float(s.id)) for s in engine.suggest_batch(min(100, n - start)))
    while True:
        start_time = time.perf_counter()
        at.Engine.from_dict(engine.to_dict())
        yield time.perf_counter() - start_time


TIMED: dict[str, tuple[Callable[[int], Iterator[float]], int]] = {
    "observe, n = 100": (observe, 100),
    "observe, n = 10,000": (observe, 10_000),
    "observe through the store, n = 100": (through_store, 100),
    "observe through the store, n = 10,000": (through_store, 10_000),
    "suggest, n = 50, d = 6": (suggest, 50),
    "suggest, n = 1,000, d = 6": (suggest, 1_000),
    "to_dict and from_dict, 10,000 told": (round_trip, 10_000),
    "to_dict and from_dict, 2,000 asked": (round_trip_asked, 2_000),
}


def serve() -> None:
    """Answer each line, the name of what is timed, with the next of its times."""
    running: dict[str, Iterator[float]] = {}
    for line in sys.stdin:
        name = json.loads(line)
        if name not in running:
            function, n = TIMED[name]
            running[name] = function(n)
            next(running[name])  # imports, and first fits
        print(json.dumps(next(running[name])), flush=True)


# --- taking turns ---


def main() -> None:
    """Time both versions, and print a line for each thing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, nargs="?", help="the folder of the other checkout")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="what contains this")
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
        )
        for folder in (arguments.other.resolve(), ROOT)
    ]
    print(f"{'':<40} {'other':>10} {'this':>10} {'ratio':>6}")
    for name in TIMED:
        if arguments.only not in name:
            continue
        times: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for worker, several in zip(workers, times, strict=True):
                assert worker.stdin is not None
                assert worker.stdout is not None
                worker.stdin.write(json.dumps(name) + "\n")
                worker.stdin.flush()
                several.append(float(worker.stdout.readline()))
        other, this = map(statistics.median, times)
        print(
            f"{name:<40} {other * 1e3:8.3f}ms {this * 1e3:8.3f}ms {this / other:6.2f}", flush=True
        )
    for worker in workers:
        worker.communicate()


if __name__ == "__main__":
    main()
