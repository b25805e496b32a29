"""Failing early, Ctrl-C, and what runs where: as a function, and as the scripts that people run."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from evaluations import Evaluate, parabola
from spaces import QUICK

import asktell as at
from asktell import errors
from asktell.drivers import Interrupted, Patience, ProcessWorkers, optimize, resume

ROOT = Path(__file__).parents[2]
CONTEXT = multiprocessing.get_context("forkserver")


def line(n: int = 6) -> at.Space:
    return at.Space(at.Int("n", 0, n - 1))


def start(n: int = 6, **options: Any) -> at.Engine:
    return at.Engine(line(n), settings=QUICK, **options)


# --- where evaluations run ---


def test_without_an_executor_evaluations_run_here() -> None:
    engine, threads = start(), []

    def evaluate(params: dict[str, Any]) -> float:
        threads.append(threading.current_thread())
        return parabola(params)

    summary = optimize(engine, evaluate, 6)
    assert set(threads) == {threading.current_thread()}
    assert summary.best.params == {"n": 5}


def test_several_workers_are_as_many_threads() -> None:
    engine, together = start(), threading.Barrier(3, timeout=30.0)

    def evaluate(params: dict[str, Any]) -> float:
        together.wait()  # which all three have to reach
        return parabola(params)

    summary = optimize(engine, evaluate, 6, n_workers=3)
    assert summary.n_observed == 6


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("engine", 3, "an Engine"),
        ("evaluate", 3, "a function that takes params"),
        ("checkpoint", 3, "the path of a file, a function that takes the state's dict, or None"),
        ("callbacks", print, "a list of functions"),
        ("executor", 4, "an executor, a function that makes one, or None"),
        ("timeout", 5.0, "an evaluation in this process cannot be stopped"),
        ("patience", 10, r"Patience\(\.\.\.\)"),
    ],
)
def test_a_wrong_argument_is_refused(name: str, value: Any, expected: str) -> None:
    good = {"engine": start(), "evaluate": parabola, "n_trials": 3}
    arguments: dict[str, Any] = {**good, name: value}
    with pytest.raises(errors.DefinitionError, match=rf"^\$\.{name}: got .*{expected}"):
        optimize(**arguments)


# --- the first evaluation ---


def misspelt(params: dict[str, Any]) -> float:
    return parabola(params) * tyop  # type: ignore[name-defined, no-any-return]  # noqa: F821


def last_frame(error: BaseException) -> str:
    frames = error.__traceback__
    assert frames is not None
    while frames.tb_next is not None:
        frames = frames.tb_next
    return frames.tb_frame.f_code.co_name


@pytest.mark.parametrize("n_workers", [1, 2])
def test_the_first_evaluation_that_raises_ends_the_run(
    tmp_path: Path, n_workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    path, engine = tmp_path / "study.json", start()
    with pytest.raises(NameError, match="tyop") as caught:
        optimize(engine, misspelt, 6, n_workers=n_workers, checkpoint=path)
    assert last_frame(caught.value) == "misspelt"
    resumed = resume(path, expect=start())
    assert resumed is not None
    assert [event.kind for event in resumed.events] == ["suggested"] * n_workers
    waiting = [suggestion.params for suggestion in resumed.pending]
    (message,) = caplog.messages
    assert message.startswith("trial ")
    assert "raised NameError: name 'tyop' is not defined" in message
    order: list[Any] = []

    def correct(params: dict[str, Any]) -> float:
        order.append(params)
        return parabola(params)

    optimize(resumed, correct, 6, checkpoint=path)
    assert order[:n_workers] == waiting
    assert len(resumed.observations) == 6
    assert not resumed.failures


@pytest.mark.parametrize("make", [ProcessPoolExecutor, ProcessWorkers])
def test_frames_of_another_process_are_shown_last(make: Any) -> None:
    with make(mp_context=CONTEXT) as executor, pytest.raises(NameError, match="tyop") as caught:
        optimize(start(), misspelt, 6, executor)
    if sys.version_info >= (3, 11):
        assert "in misspelt\n" in caught.value.__notes__[-1]
        assert caught.value.__cause__ is None
    else:
        assert "in misspelt\n" in str(caught.value.__cause__)


def test_patience_with_the_first_is_a_setting() -> None:
    engine = start()
    with pytest.raises(NameError):
        optimize(engine, misspelt, 6, patience=Patience(first=3))
    assert [failure.reason for failure in engine.failures] == [
        "NameError: name 'tyop' is not defined"
    ] * 2
    assert len(engine.pending) == 1


def test_after_a_success_on_record_one_that_raises_is_a_failure() -> None:
    engine = start()
    optimize(engine, parabola, 1)
    summary = optimize(engine, misspelt, 6)
    assert (summary.n_observed, summary.n_failed) == (1, 5)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ((1.0, 2.0, 3.0), r"^\$\.target: got \(1\.0, 2\.0, 3\.0\), expected a number: this is"),
        (None, r"^\$\.target: got None, expected a number: this is what evaluate returns"),
        ("good", r"^\$\.target: got 'good'"),
        ({"accuracy": 1.0}, r"^\$\.target\.accuracy: got 1\.0, expected only the outcomes"),
        ((1.0, -1.0), r"^\$\.std: got -1\.0, expected a finite number >= 0: this is"),
    ],
)
def test_what_is_no_target_ends_the_run_before_a_success(target: Any, message: str) -> None:
    engine = start()
    with pytest.raises(errors.TargetError, match=message):
        optimize(engine, lambda _: target, 6, patience=Patience(first=None, later=None))
    assert len(engine.pending) == 1
    assert not engine.failures
    optimize(engine, parabola, 1)
    summary = optimize(engine, lambda _: target, 6)
    assert (summary.n_observed, summary.n_failed) == (1, 5)


def test_a_missing_outcome_ends_the_run_before_a_success() -> None:
    engine = start(objectives={"size": "minimize", "speed": "maximize"})
    with pytest.raises(errors.TargetError, match=r"^\$\.target\.speed: got nothing"):
        optimize(engine, lambda p: {"size": p["n"]}, 6)
    assert not engine.failures


# --- what cannot be sent ---


class Locked:
    """An evaluation that holds what no process can be sent."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __call__(self, params: dict[str, Any]) -> float:
        return parabola(params)


def nested() -> Any:
    return lambda params: parabola(params)


@pytest.mark.parametrize("make", [ProcessPoolExecutor, ProcessWorkers])
@pytest.mark.parametrize("evaluate", [nested(), partial(nested()), Locked()])
def test_what_cannot_be_sent_to_a_process_ends_the_run(make: Any, evaluate: Any) -> None:
    engine = start()
    with (
        make(mp_context=CONTEXT) as executor,
        pytest.raises(errors.NotSendableError, match="top of a module") as caught,
    ):
        optimize(engine, evaluate, 6, executor, 2, patience=Patience(first=None, later=None))
    assert caught.value.__cause__ is None
    assert len(engine.pending) == 2
    assert not engine.failures


def test_an_executor_that_cannot_send_says_so_at_once() -> None:
    class Strict:
        def submit(self, fn: Any, /, *args: Any) -> Future[Any]:
            multiprocessing.reduction.ForkingPickler.dumps((fn, *args))
            raise ZeroDivisionError

    engine = start()
    with pytest.raises(errors.NotSendableError):
        optimize(engine, nested(), 6, Strict())
    with pytest.raises(ZeroDivisionError):
        optimize(engine, parabola, 6, Strict())
    assert len(engine.pending) == 1


def test_an_evaluation_may_raise_what_pickle_raises() -> None:
    def evaluate(params: dict[str, Any]) -> float:
        raise TypeError("unsupported operand")

    with pytest.raises(TypeError, match="unsupported operand"):
        optimize(start(), evaluate, 6)


# --- later failures ---


def test_failures_in_a_row_end_the_run_and_are_recorded(tmp_path: Path) -> None:
    path, engine = tmp_path / "study.json", start(30)
    calls = iter(range(100))

    def evaluate(params: dict[str, Any]) -> float:
        if next(calls) < 3:
            return parabola(params)
        raise OSError("the disk is full")

    with pytest.raises(errors.TooManyFailuresError, match="the disk is full") as caught:
        optimize(engine, evaluate, 30, checkpoint=path, patience=Patience(later=4))
    assert isinstance(caught.value.__cause__, OSError)
    assert last_frame(caught.value.__cause__) == "evaluate"
    resumed = resume(path)
    assert resumed is not None
    assert (len(resumed.observations), len(resumed.failures)) == (3, 4)


def test_a_success_begins_a_new_row() -> None:
    def evaluate(params: dict[str, Any]) -> float:
        return math.nan if params["n"] % 3 else float(params["n"])

    summary = optimize(start(9), evaluate, 9, patience=Patience(later=7))
    assert summary.n_failed == 6


def test_nan_and_late_evaluations_are_failures_in_a_row() -> None:
    with pytest.raises(errors.TooManyFailuresError, match="the target is nan"):
        optimize(start(), lambda _: math.nan, 6, patience=Patience(later=3))
    opened = threading.Event()
    threading.Timer(1.0, opened.set).start()  # long after all is late, so that the pool can end
    patient = Patience(later=2)
    with (
        ThreadPoolExecutor(2) as executor,
        pytest.raises(errors.TooManyFailuresError, match=r"no result within 0\.05 s"),
    ):
        optimize(start(), lambda _: opened.wait(), 6, executor, 2, timeout=0.05, patience=patient)


def test_what_is_lost_with_others_is_no_failure(tmp_path: Path) -> None:
    """A pool that breaks loses two evaluations, of which one is to blame."""
    engine = start()
    evaluate = Evaluate(tmp_path, {3: "die once"})
    optimize(engine, parabola, 1)
    make = partial(ProcessPoolExecutor, 2, mp_context=CONTEXT)
    optimize(engine, evaluate, 6, make, 2, patience=Patience(later=2))
    assert len(engine.observations) + len(engine.failures) == 6


def test_an_executor_that_is_replaced_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    settings = at.Settings(n_candidates=16, n_starts=1, expiries=0)
    engine, opened = at.Engine(line(3), settings=settings), threading.Event()

    def evaluate(params: dict[str, Any]) -> float:
        return float(opened.wait(30.0)) if params["n"] == 1 else parabola(params)

    optimize(engine, evaluate, 3, lambda: ThreadPoolExecutor(1), timeout=0.1)
    opened.set()
    assert "late evaluations hold all workers; another executor takes its place" in caplog.messages


# --- Ctrl-C ---


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("file", "1 of 6 trials are in {path}, 0 pending; run the same program again to go on"),
        ("function", "1 of 6 trials are saved, 0 pending; run the same program again to go on"),
        ("nothing", "1 of 6 trials are in the engine, 0 pending; with checkpoint='study.json'"),
    ],
)
def test_ctrl_c_says_what_is_saved(
    tmp_path: Path, kind: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "study.json"
    checkpoint: Any = {"file": path, "function": lambda _: None, "nothing": None}[kind]

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        optimize(start(), parabola, 6, checkpoint=checkpoint, callbacks=[interrupt])
    assert isinstance(caught.value, Interrupted)
    assert isinstance(caught.value, SystemExit)
    assert caught.value.code == 130
    assert str(caught.value).startswith("interrupted: " + sentence.format(path=path))
    assert caplog.messages[-1] == str(caught.value)


# --- scripts, as people write them ---

SCRIPT = """
import sys, time
from concurrent.futures import ProcessPoolExecutor
import asktell as at
from asktell.drivers import ProcessWorkers, optimize, resume

def evaluate(params):
    {body}

engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 1, 9)), seed=1)
engine = resume("study.json", expect=engine) or engine
if __name__ == "__main__":
    print(optimize(engine, {arguments}, checkpoint="study.json", progress={bar}))
"""

PLAIN = "evaluate, 8"


def run(folder: Path, body: str, arguments: str = PLAIN, bar: bool = False) -> Any:
    (folder / "study.py").write_text(SCRIPT.format(body=body, arguments=arguments, bar=bar))
    return subprocess.Popen(
        [sys.executable, "study.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed if os.name == "posix" else None,
    )


def heed() -> None:
    """Mind Ctrl-C: a background job of a shell ignores it, and so would its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def finished(folder: Path, body: str, arguments: str = PLAIN) -> tuple[int, str, list[str]]:
    with run(folder, body, arguments) as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err.splitlines()


def test_a_script_with_a_typo_is_put_right_and_goes_on(tmp_path: Path) -> None:
    code, out, err = finished(tmp_path, "return params['x'] * tyop")
    assert (code, out) == (1, "")
    assert err[-1] == "NameError: name 'tyop' is not defined"
    assert any("in evaluate" in line for line in err[-4:-1])
    engine = resume(tmp_path / "study.json")
    assert engine is not None
    assert (len(engine.pending), engine.state.n_over) == (1, 0)
    first = engine.pending[0]
    code, out, err = finished(tmp_path, "return params['x'] * 2.0")
    assert (code, err[0]) == (0, "going on after 0 of 8 trials, 1 pending")
    assert err[1].startswith("trial 0 (1 of 8): x 0.5, n 5 -> 1; the best so far; ")
    assert len(err) == 10
    assert out.startswith("best: ")
    engine = resume(tmp_path / "study.json")
    assert engine is not None
    assert engine.observations[0].configuration == first.configuration
    assert (len(engine.observations), len(engine.failures)) == (8, 0)


@pytest.mark.parametrize("executor", ["ProcessPoolExecutor", "ProcessWorkers"])
def test_a_script_with_a_lambda_in_a_process_pool_says_what_to_do(
    tmp_path: Path, executor: str
) -> None:
    code, out, err = finished(tmp_path, "return 0.0", f"lambda params: 1.0, 8, {executor}, 4")
    assert (code, out) == (1, "")
    assert "NotSendableError: the evaluation cannot be sent to another process" in err[-1]
    assert "leave the executor out" in err[-1]


def test_a_script_ends_with_a_sentence_on_ctrl_c_and_goes_on(tmp_path: Path) -> None:
    count = "evaluate.n = getattr(evaluate, 'n', 0) + 1"
    with run(tmp_path, f"{count}; time.sleep(60.0 * (evaluate.n > 2)); return 0.0") as process:
        lines = [process.stderr.readline() for _ in range(2)]  # two trials are over
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    lines += err.splitlines()
    engine = resume(tmp_path / "study.json")
    assert engine is not None
    assert lines[-1] == (
        f"interrupted: {engine.state.n_over} of 8 trials are in study.json, "
        f"{len(engine.pending)} pending; run the same program again to go on"
    )
    assert "Traceback" not in err
    assert out == ""
    assert engine.state.n_over == 2
    code, out, lines = finished(tmp_path, "return params['x']")
    assert (code, lines[0][:14]) == (0, "going on after")
    assert "8 of 8 trials" in out


def test_lines_do_not_break_a_bar(tmp_path: Path) -> None:
    with run(tmp_path, "return params['x']", bar=True) as process:
        _, err = process.communicate(timeout=120)
    rows = err.replace("\r", "\n").splitlines()
    assert len([row for row in rows if row.startswith("trial ")]) == 8
    assert any("8/8" in row for row in rows)
    assert not any("trial 0" in row and "/8 [" in row for row in rows)
