"""Several configurations at once: nothing twice, nothing lost, whatever happens to a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fakes import (
    BEST,
    CALIBRATION,
    DEFAULT,
    EFFECTS,
    UNQUANTISED,
    Clock,
    Effect,
    FakeAdaptor,
    FakeModel,
    conf,
    effect,
    effects,
    make,
)

import strategies.runner
from asktell.drivers import WorkerDied, WorkerNotStarted
from asktell.drivers.executors import InThisThread
from asktell.errors import ExecutorError, MissingExtraError, NotSendableError
from strategies import (
    BayesianTuneStrategy,
    ExhaustiveTuneStrategy,
    RandomTuneStrategy,
    TuneStrategy,
    tune,
)
from strategies.errors import ArgumentError, FirstEvaluationError
from strategies.sending import WorkerSideError, attempt_here
from strategies.workspace import HISTORY, load_history

Kind = type[TuneStrategy]
KINDS = [BayesianTuneStrategy, RandomTuneStrategy, ExhaustiveTuneStrategy]

BOTH = threading.Barrier(2)
DONE = threading.Event()
"""Functions of this module are sent by name, so threads that evaluate find these here."""


@pytest.fixture(params=KINDS, ids=lambda kind: kind.policy.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    DONE.clear()
    with ThreadPoolExecutor(4) as executor:
        yield executor
        DONE.set()


def outcomes(strategy: TuneStrategy) -> set[tuple[Effect, float | None]]:
    """Return what came of each configuration, whatever the order."""
    return {
        (done, trial.measurement.accuracy if trial.measurement else None)
        for done, trial in zip(effects(strategy), strategy.trials, strict=True)
    }


def plain(dicts: dict[str, Any]) -> Any:
    return json.loads(json.dumps(dicts, allow_nan=False))


# ------------------------------------------------------------------------------- several at once


@pytest.mark.parametrize("workers", [2, 5])
def test_everything_is_evaluated_once_until_the_space_is_used_up(
    kind: Kind, workers: int, threads: ThreadPoolExecutor
) -> None:
    strategy = make(kind, FakeAdaptor())
    strategy.traverse(workers, threads)
    assert set(effects(strategy)) == EFFECTS - {UNQUANTISED}
    assert len(strategy.trials) == len(EFFECTS) - 1
    assert [trial.number for trial in strategy.trials] == list(range(len(strategy.trials)))
    alone = make(kind, FakeAdaptor())
    alone.traverse()
    assert outcomes(strategy) == outcomes(alone)
    result = strategy.result()  # made again here, as models stay with the workers
    assert result is not None
    assert result.model.effect == effect(strategy.tuning_space.tune_cfg(result.trial.params))
    best = alone.best_trial()
    assert best is not None
    ranks = [strategy.goal.rank(one.measurement) for one in (result.trial, best) if one.measurement]
    assert ranks[0] == ranks[1]  # the first of equals may be another


def test_one_worker_does_what_a_run_without_one_does(kind: Kind) -> None:
    alone, other = make(kind, FakeAdaptor()), make(kind, FakeAdaptor())
    alone.traverse()
    other.traverse(1, InThisThread())
    assert effects(other) == effects(alone)


def meet(model: FakeModel) -> float:
    """Evaluate once another evaluation has begun."""
    if model.effect != UNQUANTISED:
        BOTH.wait()
    return 0.9


def test_as_many_run_at_once_as_there_are_workers(kind: Kind, threads: ThreadPoolExecutor) -> None:
    strategy = make(kind, FakeAdaptor(), conf(max_trials=6), eval_func=meet)
    strategy.traverse(2, threads)  # it would not end otherwise
    assert len(strategy.trials) == 6


class Watched(ThreadPoolExecutor):
    """Counts what is out."""

    most = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:  # type: ignore[override]
        future = super().submit(fn, *args)
        self.out = [*getattr(self, "out", []), future]
        self.most = max(self.most, sum(not one.done() for one in self.out))
        return future


def slowly(model: FakeModel) -> float:
    time.sleep(0.01)
    return 0.9


def test_never_more_than_the_workers_nor_than_the_trials_that_are_left(kind: Kind) -> None:
    with Watched(8) as executor:
        strategy = make(kind, FakeAdaptor(), conf(max_trials=7), eval_func=slowly)
        strategy.traverse(3, executor)
    assert executor.most <= 3
    assert len(strategy.trials) == 7
    assert len(executor.out) <= 7 + 3  # a worker that has nothing yet asks for it once


def test_the_number_of_workers_is_that_of_the_configuration(
    kind: Kind, threads: ThreadPoolExecutor
) -> None:
    strategy = make(kind, FakeAdaptor(), conf({"workers": 3}, max_trials=4))
    trials = strategy.run(executor=threads)
    next(trials)
    assert len(strategy._findings.engine.pending) == 2
    assert len(list(trials)) == 3


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2"])
def test_a_number_of_workers_that_is_none_is_refused(kind: Kind, workers: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^\$\.workers"):
        make(kind, FakeAdaptor()).traverse(workers)


# ------------------------------------------------------------------------------- stopping


@pytest.mark.parametrize("after", [1, 4, 9])
def test_what_was_pending_comes_first_after_a_resume(
    kind: Kind, after: int, threads: ThreadPoolExecutor
) -> None:
    strategy = make(kind, FakeAdaptor())
    trials = strategy.run(3, threads)
    for _ in range(after):
        next(trials)
    dicts = plain(strategy.dicts)  # as a program that is killed now has saved it
    trials.close()  # type: ignore[attr-defined]
    told = [one["params"] for one in dicts["trials"]]
    resumed = make(kind, FakeAdaptor(), dicts=dicts)
    pending = [one.params for one in resumed._findings.engine.pending]
    assert len(pending) == 2
    configs = resumed.next_tune_cfg()
    assert [resumed.tuning_space.params(next(configs)) for _ in pending] == pending
    configs.close()
    resumed = make(kind, FakeAdaptor(), dicts=dicts)
    resumed.traverse(2, threads)
    assert [trial.params for trial in resumed.trials[:after]] == told
    assert set(effects(resumed)) == EFFECTS - {UNQUANTISED}
    assert len(resumed.trials) == len(EFFECTS) - 1


def test_a_run_can_be_left_and_entered_with_other_workers(
    kind: Kind, threads: ThreadPoolExecutor
) -> None:
    strategy = make(kind, FakeAdaptor())
    for workers in (2, 1, 4, 3):
        trials = strategy.run(workers, threads if workers > 1 else None)
        for _ in range(2):
            next(trials)
        trials.close()  # type: ignore[attr-defined]
    strategy.traverse(2, threads)
    assert set(effects(strategy)) == EFFECTS - {UNQUANTISED}
    assert len(strategy.trials) == len(EFFECTS) - 1


def test_without_a_timeout_the_first_that_meets_ends_the_run(
    kind: Kind, threads: ThreadPoolExecutor
) -> None:
    strategy = make(kind, FakeAdaptor(), conf(timeout=0))
    strategy.traverse(3, threads)
    assert [trial.meets for trial in strategy.trials][-1]
    assert sum(trial.meets for trial in strategy.trials) == 1


class Ticking(InThisThread):
    """Each evaluation takes a second of the run's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        self._clock.now += 1
        return super().submit(fn, *args)


def test_when_the_time_is_over_what_is_out_is_waited_for(kind: Kind) -> None:
    clock = Clock()
    strategy = make(kind, FakeAdaptor(), conf(timeout=3), clock=clock)
    strategy.traverse(2, Ticking(clock))
    assert strategy.seconds >= 3
    assert not strategy._findings.engine.pending
    assert 2 <= len(strategy.trials) <= 4


# ------------------------------------------------------------------------------- what goes wrong


def test_an_evaluation_that_raises_in_a_worker_is_a_failed_trial(kind: Kind) -> None:
    adaptor = FakeAdaptor(broken=frozenset({BEST}))
    strategy = make(kind, adaptor)
    strategy.traverse(2, InThisThread())
    failed = [trial.failure for trial in strategy.trials if trial.failure]
    assert failed == ["RuntimeError: no kernel"]
    assert len(strategy.trials) == len(EFFECTS) - 1


def test_the_first_model_that_cannot_be_made_ends_the_run(kind: Kind) -> None:
    strategy = make(kind, FakeAdaptor(broken=frozenset(EFFECTS)))
    with pytest.raises(FirstEvaluationError, match="RuntimeError: no kernel") as caught:
        strategy.traverse(2, InThisThread())
    assert isinstance(caught.value.__cause__, WorkerSideError)
    assert "in quantize" in str(caught.value.__cause__)  # where it was raised
    assert not strategy.trials


def test_what_a_worker_cannot_read_ends_the_run() -> None:
    attempt = attempt_here("digest", b"no pickle", {})
    assert attempt is not None
    assert attempt.is_mistake
    assert "a worker cannot read what it was sent: UnpicklingError" in str(attempt.failure)


@pytest.mark.parametrize("error", [WorkerDied("it died"), SystemExit(3), OSError("no network")])
def test_a_worker_that_is_lost_makes_a_failed_trial(kind: Kind, error: BaseException) -> None:
    strategy = make(kind, FakeAdaptor(), conf(max_trials=3))
    strategy.traverse(2, Failing(error, every=3))
    failures = [trial.failure for trial in strategy.trials if trial.failure]
    assert failures == [f"{type(error).__name__}: {error}"]


class Failing(InThisThread):
    """Some tasks come to nothing."""

    def __init__(self, error: BaseException, every: int = 1, at_once: bool = False) -> None:
        self._error, self._every, self._at_once = error, every, at_once
        self._count = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        self._count += 1
        if self._count % self._every:
            return super().submit(fn, *args)
        if self._at_once:
            raise self._error
        future: Future[Any] = Future()
        future.set_exception(self._error)
        return future


@pytest.mark.parametrize("at_once", [True, False])
def test_a_broken_executor_ends_the_run_and_nothing_is_lost(kind: Kind, at_once: bool) -> None:
    strategy = make(kind, FakeAdaptor())
    executor = Failing(BrokenExecutor("a child process terminated"), every=5, at_once=at_once)
    with pytest.raises(ExecutorError, match="ProcessWorkers goes on when a worker dies"):
        strategy.traverse(2, executor)
    done = len(strategy.trials)
    assert done
    resumed = make(kind, FakeAdaptor(), dicts=plain(strategy.dicts))
    resumed.traverse()
    assert resumed.trials[:done] == strategy.trials
    assert len(resumed.trials) == len(EFFECTS) - 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), WorkerNotStarted("no main guard")])
def test_what_concerns_all_workers_ends_the_run(kind: Kind, error: BaseException) -> None:
    with pytest.raises(type(error)):
        make(kind, FakeAdaptor()).traverse(2, Failing(error))


def hang(model: FakeModel) -> float:
    """Take until the test is over, but for the FP32 model and one other."""
    if model.effect not in (UNQUANTISED, DEFAULT):
        DONE.wait()
    return 0.9


def test_late_evaluations_that_cannot_be_stopped_hold_their_workers(
    threads: ThreadPoolExecutor,
) -> None:
    configuration = conf(trial_timeout=0.2)
    strategy = make(ExhaustiveTuneStrategy, FakeAdaptor(), configuration, eval_func=hang)
    with pytest.raises(ExecutorError, match="late evaluations hold all workers"):
        strategy.traverse(2, threads)
    failures = [trial.failure for trial in strategy.trials if trial.failure]
    assert failures == ["TimeoutError: no result within 0.2 s"] * 2


def hang_a_little(model: FakeModel) -> float:
    """Take longer than is allowed, for one configuration."""
    if model.effect == BEST:
        time.sleep(1.3)
    return 0.9


def test_a_worker_that_was_late_is_of_use_again(threads: ThreadPoolExecutor) -> None:
    configuration = conf(trial_timeout=1.0)
    strategy = make(ExhaustiveTuneStrategy, FakeAdaptor(), configuration, eval_func=hang_a_little)
    strategy.traverse(1, threads)
    assert len(strategy.trials) == len(EFFECTS) - 1
    failures = [trial.failure for trial in strategy.trials if trial.failure]
    assert failures == ["TimeoutError: no result within 1.0 s"]


def test_what_cannot_be_sent_is_named(kind: Kind) -> None:
    lock = threading.Lock()
    strategy = make(kind, FakeAdaptor(), eval_func=lambda model: 0.9 if lock else 0.8)
    with pytest.raises(NotSendableError, match=r"^eval_func cannot be sent to a worker: .*lock"):
        strategy.traverse(2)


def test_a_package_that_is_missing_is_named(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(MissingExtraError, match="cloudpickle"):
        make(kind, FakeAdaptor()).traverse(2)


# ------------------------------------------------------------------------------- real processes


def crash_prone(model: FakeModel) -> float:
    if model.effect == ("tensor", "channel", "minmax", 50):
        os._exit(3)
    if model.effect == ("channel", "tensor", "minmax", 50):
        time.sleep(10_000)
    if model.effect == ("tensor", "fp32", "minmax", 50):
        sys.exit("no")
    return 0.8 if model.effect == DEFAULT else 0.9


def test_a_process_that_dies_or_hangs_makes_a_failed_trial() -> None:
    configuration = conf(max_trials=12, trial_timeout=15)
    strategy = make(ExhaustiveTuneStrategy, FakeAdaptor(), configuration, eval_func=crash_prone)
    strategy.traverse(2)
    failures = {
        done[:2]: str(trial.failure)
        for done, trial in zip(effects(strategy), strategy.trials, strict=True)
        if trial.failure
    }
    assert failures == {
        ("tensor", "channel"): "WorkerDied: the process that evaluated this died",
        ("channel", "tensor"): "TimeoutError: no result within 15.0 s",
        ("tensor", "fp32"): "SystemExit: no",
    }
    assert strategy.seconds_by_part["evaluating"] > 0
    assert strategy.seconds_by_part["waiting"] > 0


PROGRAM = """
import os, sys, time
sys.path[:0] = {path!r}
import strategies.runner
from fakes import CALIBRATION, FakeAdaptor, conf
from strategies import tune

strategies.runner.adaptor_for = lambda conf: FakeAdaptor()
configuration = conf(
    {{"workspace": {{"path": {folder!r}}}, "strategy": {{"name": {name!r}}}}}, max_trials=12
)

def accuracy(model):
    time.sleep({seconds})
    with open({log!r}, "a") as file:  # one write is one line, also of two processes
        file.write(repr(model.effect) + "\\n")
    return FakeAdaptor().accuracy(model)

if __name__ == "__main__":
    tune("m", configuration, CALIBRATION, eval_func=accuracy, workers=2, report=False)
"""


def program(tmp_path: Path, name: str, seconds: float) -> list[str]:
    """Return the command of a program that tunes in two workers."""
    file = tmp_path / "program.py"
    text = PROGRAM.format(
        path=[path for path in sys.path if path],
        folder=str(tmp_path / "run"),
        name=name,
        log=str(tmp_path / "log"),
        seconds=seconds,
    )
    file.write_text(text)
    return [sys.executable, str(file)]


def wait_for_trials(folder: Path, n: int, process: subprocess.Popen[str]) -> dict[str, Any]:
    while process.poll() is None:
        if (folder / HISTORY).exists():
            dicts = load_history(folder)
            if len(dicts["trials"]) >= n:
                return dicts
        time.sleep(0.02)
    raise AssertionError(process.communicate())


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("name", ["bayesian", "exhaustive"])
def test_a_run_with_two_workers_that_is_killed_goes_on(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(program(tmp_path, name, 0.2), stderr=subprocess.PIPE, text=True)
    wait_for_trials(folder, 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()  # ends when the workers, which share its standard error, have ended too
    saved = load_history(folder)
    log = (tmp_path / "log").read_text().splitlines()
    subprocess.run(program(tmp_path, name, 0), check=True, capture_output=True)
    after = load_history(folder)
    assert after["trials"][: len(saved["trials"])] == saved["trials"]
    assert len(after["trials"]) == 12
    whole = (tmp_path / "log").read_text().splitlines()
    assert whole.count(repr(UNQUANTISED)) == 1
    once_more = [line for line in set(whole) if whole.count(line) > 1]
    assert len(once_more) <= 2  # at most what was out, and had not been told of yet
    assert not {repr(one) for one in once_more} & set(log[: len(saved["trials"])])


def heed() -> None:
    """Mind Ctrl-C: a background job of a shell ignores it, and so would its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt_ends_a_run_with_workers_cleanly(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = program(tmp_path, "bayesian", 0.2)
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heed
    )
    wait_for_trials(folder, 2, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    _, said = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in said
    n = len(load_history(folder)["trials"])
    assert said.splitlines()[-1] == (
        f"interrupted: {n} of 12 trials are in {folder}; run the same program to go on"
    )
    assert {path.name for path in folder.iterdir()} == {HISTORY, "best_model.onnx"}


def test_tune_takes_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: ThreadPoolExecutor
) -> None:
    adaptor = FakeAdaptor()
    monkeypatch.setattr(strategies.runner, "adaptor_for", lambda conf: adaptor)
    configuration = conf({"workspace": {"path": str(tmp_path)}}, max_trials=5)
    result = tune(
        "m", configuration, CALIBRATION, eval_func=adaptor.accuracy, workers=2, executor=threads
    )
    assert result is not None
    assert len(load_history(tmp_path)["trials"]) == 5
    assert result.model.effect == effect_in(tmp_path)


def effect_in(folder: Path) -> Any:
    return eval((folder / "best_model.onnx").read_text())
