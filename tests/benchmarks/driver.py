"""What a driver and many outstanding suggestions cost: ``python tests/benchmarks/driver.py``."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from attrs import evolve

import asktell as at
from asktell.drivers import ProcessWorkers, optimize

N_WORKERS = 8
SECONDS = 0.001
CONTEXT = multiprocessing.get_context("forkserver")


def evaluate(params: dict[str, float]) -> float:
    """Evaluate for a millisecond."""
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        pass
    return -sum((value - 0.3) ** 2 for value in params.values())


def box(dim: int) -> at.Space:
    return at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(dim)))


class Timed(at.Engine):
    """An engine that knows how long it was at work."""

    seconds = 0.0

    @contextmanager
    def timing(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start

    def suggest(self, **arguments: Any) -> at.Suggestion:
        with self.timing():
            return super().suggest(**arguments)

    def observe(self, *arguments: Any, **moment: Any) -> at.Outcome:
        with self.timing():
            return super().observe(*arguments, **moment)


def overhead(name: str, executor: Any, n_trials: int, modelled: bool, saved: bool) -> None:
    """Time a run, and print what each trial cost beyond its evaluation."""
    settings = at.Settings() if modelled else at.Settings(n_initial=10**6)
    engine = Timed(box(6), seed=1, settings=settings)
    for future in [executor.submit(evaluate, {"x": 0.0}) for _ in range(4 * N_WORKERS)]:
        future.result()  # the processes are there
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.json" if saved else None
        start = time.perf_counter()
        optimize(engine, evaluate, n_trials, executor, N_WORKERS, checkpoint=path, progress=False)
        each = (time.perf_counter() - start) / n_trials
    own = engine.seconds / n_trials
    what = f"{name}, {n_trials} trials, {'model' if modelled else 'initial design'}"
    what += ", checkpoints" if saved else ""
    print(f"{what:<62} {each * 1e3:8.2f} ms a trial, of it the optimiser {own * 1e3:8.2f}")


def outstanding() -> None:
    """Time suggest and observe with 1,000 observations, without and with 64 pending."""
    state = at.State.start(box(6), seed=1, settings=at.Settings(n_initial=10**6))
    draws = np.random.default_rng(1)
    for point in draws.random((1000, 6)).tolist():
        params = dict(zip(state.space.names, point, strict=True))
        state = at.observe(state, params, evaluate(params))
    for pending in (0, 64):
        began = at.suggest(state, pending)[0] if pending else state  # from the initial design
        began = evolve(began, problem=at.State.start(began.space, seed=1).problem)
        began, (suggestion,) = at.suggest(began)  # hyper-parameters are searched
        began = at.observe(began, suggestion, evaluate(suggestion.params))
        suggesting = observing = 0.0
        steps = 5
        for _ in range(steps):
            start = time.perf_counter()
            began, (suggestion,) = at.suggest(began)
            middle = time.perf_counter()
            target = evaluate(suggestion.params)
            told = time.perf_counter()
            began = at.observe(began, suggestion, target)
            observing += time.perf_counter() - told
            suggesting += middle - start
        what = f"1,000 observations, {pending} pending"
        print(
            f"{what:<62} {suggesting / steps * 1e3:8.1f} ms a suggestion, "
            f"{observing / steps * 1e3:.2f} an observation"
        )


def main() -> None:
    """Print everything."""
    logging.getLogger("asktell").setLevel(logging.WARNING)
    for modelled, n_trials in ((False, 500), (True, 100)):
        for saved in (False, True):
            with ProcessPoolExecutor(N_WORKERS, mp_context=CONTEXT) as pool:
                overhead("ProcessPoolExecutor", pool, n_trials, modelled, saved)
    with ProcessWorkers(CONTEXT) as workers:
        overhead("ProcessWorkers", workers, 500, modelled=False, saved=False)
    with ThreadPoolExecutor(N_WORKERS) as threads:
        overhead("ThreadPoolExecutor", threads, 500, modelled=False, saved=False)
    outstanding()


if __name__ == "__main__":
    main()
