"""One suite that every executor passes, on real threads, processes, clusters and jobs."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from clusters import PATHS, dask, ray
from evaluations import Evaluate
from spaces import QUICK

import asktell as at
from asktell.drivers import (
    Evaluated,
    Patience,
    ProcessWorkers,
    WorkerDied,
    WorkerNotStarted,
    optimize,
    resume,
)

CONTEXT = multiprocessing.get_context("forkserver")


@contextlib.contextmanager
def threads(folder: Path) -> Iterator[Any]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@contextlib.contextmanager
def process_pool(folder: Path) -> Iterator[Any]:
    yield partial(ProcessPoolExecutor, 2, mp_context=CONTEXT)


@contextlib.contextmanager
def process_workers(folder: Path) -> Iterator[Any]:
    with ProcessWorkers(mp_context=CONTEXT) as executor:
        yield executor


@contextlib.contextmanager
def submitit_local(folder: Path) -> Iterator[Any]:
    submitit = pytest.importorskip("submitit")
    from asktell.drivers.submitit import SubmititExecutor

    executor = submitit.AutoExecutor(folder, cluster="local")
    executor.update_parameters(timeout_min=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATHS)
        patch.setattr(submitit.Job, "_results_timeout_s", 0)  # else a dead job takes 15 s
        adapted = SubmititExecutor(executor, interval=0.1)
        yield adapted
        adapted.shutdown(cancel_futures=True)


@contextlib.contextmanager
def submitit_debug(folder: Path) -> Iterator[Any]:
    submitit = pytest.importorskip("submitit")
    from asktell.drivers.submitit import SubmititExecutor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pdb.post_mortem", lambda: None)  # it would ask what to do at each failure
        patch.setattr("logging.FileHandler", lambda _: logging.NullHandler())  # it closes none
        yield SubmititExecutor(submitit.DebugExecutor(folder), interval=0.01)


EXECUTORS = [threads, process_pool, process_workers, dask, ray, submitit_local, submitit_debug]
APART = {process_pool, process_workers, dask, ray, submitit_local}
"""Those whose workers may die without us."""


@pytest.fixture(params=EXECUTORS, ids=lambda kind: kind.__name__, scope="module")
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def executor(kind: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with kind(tmp_path_factory.mktemp(kind.__name__)) as executor:
        yield executor


def line() -> at.Space:
    return at.Space(at.Int("n", 0, 5))


def test_every_result_arrives(executor: Any, kind: Any, tmp_path: Path) -> None:
    """Results, failures, retries and dead workers, of a space that is used up."""
    settings = at.Settings(n_candidates=16, n_starts=1, retries=1)
    engine = at.Engine(line(), settings=settings)
    wrong = {1: "raise", 2: "nan", 4: "raise once"}
    if kind in APART:
        wrong[3] = "die once" if kind is dask else "die"  # Dask itself tries it once more
    evaluate = Evaluate(tmp_path, wrong)
    events: list[Evaluated] = []
    patient = Patience(first=None)
    summary = optimize(
        engine, evaluate, 50, executor, 2, callbacks=[events.append], patience=patient
    )
    assert summary.best.params == {"n": 5}
    reasons = {failure.params["n"]: failure.reason for failure in engine.failures}
    assert set(reasons) == {n for n, what in wrong.items() if not what.endswith("once")}
    assert "no luck" in reasons[1]
    assert reasons[2] == "the target is nan"
    assert len(engine.observations) == 6 - len(reasons)
    assert not engine.pending
    assert not engine.due
    calls = evaluate.calls()
    if kind not in (process_pool, dask):  # there others are lost with those who die
        assert all(calls[n] == (2 if n in wrong else 1) for n in range(6))


def test_an_evaluation_that_hangs_is_late(executor: Any, kind: Any, tmp_path: Path) -> None:
    if kind is submitit_debug:
        pytest.skip("it evaluates one after the other")
    settings = at.Settings(n_candidates=16, n_starts=1, expiries=0)
    engine = at.Engine(line(), settings=settings)
    timeout = 6.0 if kind in (submitit_local, ray) else 3.0
    evaluate = Evaluate(tmp_path, {3: "hang"}, seconds=timeout + 2.0)
    optimize(engine, evaluate, 50, executor, 2, timeout=timeout)
    assert {failure.cause for failure in engine.failures} == {"expired"}
    assert 3 in [failure.params["n"] for failure in engine.failures]  # others on a busy machine
    assert len(engine.observations) + len(engine.failures) >= 6
    assert not engine.pending


def test_a_run_is_stopped_and_gone_on_with(executor: Any, kind: Any, tmp_path: Path) -> None:
    engine = at.Engine(line(), settings=QUICK)
    path, folder = tmp_path / "state.json", tmp_path / "calls"
    folder.mkdir()

    def interrupt(event: Evaluated) -> None:
        if event.finished == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimize(engine, Evaluate(folder), 6, executor, 2, checkpoint=path, callbacks=[interrupt])
    resumed = resume(path)
    assert resumed is not None
    finished = [observation.params["n"] for observation in resumed.observations]
    assert len(finished) == 2
    optimize(resumed, Evaluate(folder), 6, executor, 2, checkpoint=path)
    assert sorted(o.params["n"] for o in resumed.observations) == list(range(6))
    calls = Evaluate(folder).calls()
    assert [calls[n] for n in finished] == [1, 1]


# --- processes that die and live apart ---


def test_a_process_is_killed_with_its_evaluation(tmp_path: Path) -> None:
    with ProcessWorkers(mp_context=CONTEXT) as executor:
        hanging = executor.submit(Evaluate(tmp_path, {1: "hang"}, seconds=60.0), {"n": 1})
        while not Evaluate(tmp_path).calls()[1]:
            time.sleep(0.01)
        assert hanging.cancel()
        with pytest.raises(CancelledError):
            hanging.result()
        dying = executor.submit(Evaluate(tmp_path, {2: "die"}), {"n": 2})
        with pytest.raises(WorkerDied, match="died"):
            dying.result()
        pid = executor.submit(os.getpid).result()
        assert executor.submit(os.getpid).result() == pid
        assert pid != os.getpid()
        os.kill(pid, 9)
        time.sleep(0.2)
        other = executor.submit(os.getpid).result()
        assert other != pid


def _refuse() -> None:
    raise RuntimeError("no licence")


def test_a_process_that_cannot_start_ends_the_run(tmp_path: Path) -> None:
    engine = at.Engine(at.Space(at.Int("n", 0, 5)), seed=1)
    executor = ProcessWorkers(CONTEXT, initializer=_refuse)
    with executor, pytest.raises(WorkerNotStarted, match="before it could evaluate"):
        optimize(engine, Evaluate(tmp_path), 3, executor)
    assert (engine.state.n_over, len(engine.pending)) == (0, 1)


# --- the driver's own process ---


def start(path: Path, folder: Path, n_trials: int) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("run_driver.py")
    command = [sys.executable, str(script), str(path), str(folder), str(n_trials)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def processes_of(folder: Path) -> set[int]:
    """Return the ids of the processes that evaluated, and still live."""
    pids = {int(file.name.partition("@")[2].partition("-")[0]) for file in folder.iterdir()}
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def test_a_driver_that_is_killed_loses_nothing_that_it_told_of(tmp_path: Path) -> None:
    path, folder = tmp_path / "state.json", tmp_path / "calls"
    folder.mkdir()
    told: list[tuple[int, float]] = []
    for end in (signal.SIGKILL, signal.SIGINT, None):
        with start(path, folder, 24) as driver:
            assert driver.stdout is not None
            for number, line in enumerate(driver.stdout):
                told.append((int(line.split()[0]), float(line.split()[1])))
                if number == 4 and end is not None:
                    driver.send_signal(end)
                    break
            told += [(int(line.split()[0]), float(line.split()[1])) for line in driver.stdout]
            driver.wait(60)
        engine = resume(path)
        assert engine is not None
        assert set(told) <= {(o.id, o.target) for o in engine.observations}
    assert driver.returncode == 0
    assert len(engine.observations) == 24
    assert len({o.id for o in engine.observations}) == 24
    assert not engine.pending
    assert not engine.failures
    deadline = time.monotonic() + 20.0
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes_of(folder)
