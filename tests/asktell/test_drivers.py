"""The driver: what it hands out, saves and survives, on executors that do as they are told."""

from __future__ import annotations

import hashlib
import json
import math
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from evaluations import Evaluate, lines_of, parabola
from spaces import QUICK

import asktell as at
from asktell import errors
from asktell.drivers import (
    Checkpoint,
    Evaluated,
    Patience,
    Summary,
    optimize,
    resume,
    save_state,
)
from asktell.drivers.lines import standing
from asktell.drivers.run import Run
from asktell.store.book import Book


def plane() -> at.Space:
    return at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 1, 20))


def line(n: int = 6) -> at.Space:
    return at.Space(at.Int("n", 0, n - 1))


EVER = Patience(first=None, later=None)


def in_threads(engine: at.Engine, evaluate: Any, **options: Any) -> Summary:
    n_trials, n_workers = options.pop("n_trials", 100), options.pop("n_workers", 2)
    with ThreadPoolExecutor(n_workers) as executor:
        return optimize(engine, evaluate, n_trials, executor, n_workers, **options)


class Scripted:
    """Evaluates at once, and answers one call after the other in an order that its params decide.

    It answers when the driver waits: when all workers are busy, or no more trials are to be begun.
    """

    def __init__(self, n_trials: int, n_workers: int) -> None:
        self.left, self.n_workers = n_trials, n_workers
        self.open: list[Call] = []
        self.log: list[dict[str, Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        self.log.append(args[0])
        return Call(self, args[0], fn(*args))

    def watched(self, call: Call) -> None:
        self.open.append(call)
        while self.open and len(self.open) == min(self.n_workers, self.left):
            first = min(self.open, key=lambda call: call.order)
            self.open.remove(first)
            self.left -= 1
            first.set_result(first.answer)


class Call(Future[Any]):
    def __init__(self, executor: Scripted, params: dict[str, Any], answer: Any) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()
        self.executor, self.answer = executor, answer
        self.order = hashlib.sha256(repr(params).encode()).hexdigest()

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        super().add_done_callback(fn)
        self.executor.watched(self)


def diverging(params: dict[str, Any]) -> float:
    return math.nan if params["n"] % 5 == 0 else parabola(params)


# --- exact resume ---


class Stopped(KeyboardInterrupt):
    pass


def scripted_run(
    engine: at.Engine,
    n_trials: int,
    path: Path | None = None,
    stop: int | None = None,
    evaluate: Any = diverging,
    **options: Any,
) -> list[dict[str, Any]]:
    """Run to the end, or until so many trials are finished; return what was submitted."""

    def check(event: Evaluated) -> None:
        if event.finished == stop:
            raise Stopped

    known = len(engine.observations) + len(engine.failures)
    executor = Scripted(n_trials - known, 4)
    options = {"checkpoint": path, "callbacks": [check], "clock": lambda: 0.0, **options}
    try:
        optimize(engine, evaluate, n_trials, executor, 4, **options)
    except Stopped:
        assert stop is not None
    return executor.log


def test_a_run_that_is_stopped_at_any_result_goes_on_as_if_it_were_not(tmp_path: Path) -> None:
    n_trials = 12
    whole = at.Engine(plane(), seed=5, settings=QUICK)
    log = scripted_run(whole, n_trials)
    assert len(whole.observations) + len(whole.failures) == n_trials
    assert whole.failures
    assert {o.id for o in whole.observations} != set(range(len(whole.observations)))
    for stop in range(1, n_trials):
        path = tmp_path / f"{stop}.json"
        first = at.Engine(plane(), seed=5, settings=QUICK)
        begun = scripted_run(first, n_trials, path, stop)
        assert begun == log[: len(begun)]
        second = resume(path)
        assert second is not None
        assert second.state == first.state
        waiting = [suggestion.params for suggestion in second.pending]
        continued = scripted_run(second, n_trials, path)
        assert continued == waiting + log[len(begun) :]
        assert second.to_dict() == whole.to_dict()
        assert json.loads(path.read_text()) == whole.to_dict()


def test_the_answers_order_decides_and_their_timing_does_not() -> None:
    class Hasty(Scripted):
        """Answers two calls at once, before the driver has seen the first."""

        def watched(self, call: Call) -> None:
            self.n_workers -= 1
            super().watched(call)
            self.n_workers += 1

    logs = []
    for kind in (Hasty, Hasty):
        engine, executor = at.Engine(plane(), seed=5, settings=QUICK), kind(12, 4)
        optimize(engine, parabola, 12, executor, 4, clock=lambda: 0.0)
        logs.append((executor.log, engine.to_dict()))
    assert logs[0] == logs[1]


# --- stopping ---


def test_an_interrupt_leaves_what_ran_pending_and_resume_submits_it_first(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    engine = at.Engine(plane(), seed=2, settings=QUICK)

    def interrupt(event: Evaluated) -> None:
        if event.finished == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_threads(engine, parabola, n_workers=3, checkpoint=path, callbacks=[interrupt])
    resumed = resume(path)
    assert resumed is not None
    assert resumed.state == engine.state
    assert len(resumed.observations) == 5
    assert len(resumed.pending) == 2
    events: list[Evaluated] = []
    pending = [suggestion.id for suggestion in resumed.pending]
    in_threads(resumed, parabola, n_trials=9, n_workers=1, callbacks=[events.append])
    assert [event.suggestion.id for event in events] == [*pending, 7, 8]
    assert [event.finished for event in events] == [6, 7, 8, 9]
    assert len(resumed.observations) == 9
    assert not resumed.pending


def test_an_interrupted_worker_interrupts_the_run(tmp_path: Path) -> None:
    engine = at.Engine(line(), settings=QUICK)
    with pytest.raises(KeyboardInterrupt):
        in_threads(engine, Evaluate(tmp_path, dict.fromkeys(range(6), "interrupt")))
    assert len(engine.pending) == 2
    assert not engine.failures


def test_a_state_that_cannot_be_saved_ends_the_run() -> None:
    engine = at.Engine(line(), settings=QUICK)

    def full(state: Any) -> None:
        if any(event["event"] == "told" for event in state["events"]):
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        in_threads(engine, parabola, checkpoint=full)
    assert len(engine.observations) == 1


def test_a_run_that_has_enough_evaluates_nothing(tmp_path: Path) -> None:
    engine = at.Engine(line(), settings=QUICK)
    in_threads(engine, Evaluate(tmp_path), n_trials=4)
    engine.suggest()
    summary = in_threads(engine, Evaluate(tmp_path), n_trials=4)
    assert summary.best == engine.best()
    assert sum(Evaluate(tmp_path).calls().values()) == 4
    assert len(engine.pending) == 1


def test_a_finite_space_ends_the_run(tmp_path: Path) -> None:
    engine = at.Engine(line(), settings=QUICK)
    summary = in_threads(engine, Evaluate(tmp_path), n_trials=50, n_workers=4)
    assert Evaluate(tmp_path).calls() == dict.fromkeys(range(6), 1)
    assert summary.best.params == {"n": 5}


def test_the_goal_is_the_engines() -> None:
    engine = at.Engine(line(), goal="minimize", settings=QUICK)
    summary = in_threads(engine, parabola)
    assert summary.best == engine.best()
    assert summary.best.params == {"n": 0}


def test_a_run_in_which_all_fails_says_so_and_is_saved(tmp_path: Path) -> None:
    path, engine = tmp_path / "state.json", at.Engine(line(3), settings=QUICK)
    summary = in_threads(engine, lambda _: math.nan, checkpoint=path)
    with pytest.raises(errors.NothingObservedError):
        _ = summary.best
    assert len(engine.failures) == 3
    resumed = resume(path)
    assert resumed is not None
    assert resumed.state == engine.state


# --- outcomes with names ---


def test_an_evaluation_may_return_its_outcome_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "state.json"
    engine = at.Engine(line(), settings=QUICK, objectives={"loss": "minimize"})
    events: list[Evaluated] = []

    def evaluate(params: dict[str, Any]) -> Any:
        n = params["n"]
        wrong = {1: {"loss": math.nan}, 2: {"accuracy": 1.0}, 3: {}, 4: {"loss": "low"}}
        return wrong.get(n, {"loss": 0.5 - n} if n else 0.5)  # a number is welcome as well

    engine.observe({"n": 0}, 0.5)
    best = in_threads(
        engine, evaluate, checkpoint=path, callbacks=[events.append], progress=True
    ).best
    assert (best.params, best.target) == ({"n": 5}, {"loss": -4.5})
    assert best == engine.best()
    assert {o.params["n"]: o.target for o in engine.observations} == {
        0: {"loss": 0.5},
        5: {"loss": -4.5},
    }
    reasons = {failure.params["n"]: failure.reason for failure in engine.failures}
    assert reasons == {
        1: "the loss is nan",
        2: "$.target.accuracy: got 1.0, expected only the outcomes ['loss']",
        3: "$.target.loss: got nothing, expected a number",
        4: "$.target.loss: got 'low', expected a number",
    }
    told = {event.suggestion.params["n"]: event for event in events}
    assert {n: told[n].reason for n in reasons} == reasons
    assert told[5].target == {"loss": -4.5}
    assert events[-1].best == best
    assert "best loss -4.5" in capsys.readouterr().err
    resumed = resume(path)
    assert resumed is not None
    assert resumed.state == engine.state


# --- several outcomes, constraints, noise ---


GOALS: dict[str, Any] = {"size": "minimize", "speed": at.Maximize(reference=-1.0)}


def sized(params: dict[str, Any]) -> dict[str, float]:
    n = params["n"]
    return {"size": math.nan if n == 4 else float(n), "speed": n % 3, "heat": 5 - n}


def test_several_objectives_return_the_front(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    bounds = {"heat": at.AtMost(4.0)}
    engine = at.Engine(line(), settings=QUICK, objectives=GOALS, constraints=bounds)
    events: list[Evaluated] = []
    front = in_threads(engine, sized, checkpoint=path, callbacks=[events.append]).front
    assert front == engine.pareto()
    assert sorted(one.params["n"] for one in front) == [1, 2]
    assert [failure.reason for failure in engine.failures] == ["the size is nan"]
    assert {event.best for event in events} == {None}
    resumed = resume(path)
    assert resumed is not None
    assert resumed.state == engine.state


def test_a_run_of_several_objectives_goes_on_as_if_it_were_not_stopped(tmp_path: Path) -> None:
    def measure(params: dict[str, Any]) -> Any:
        x, n = params["x"], params["n"]
        target = {"size": math.nan if n % 3 == 0 else x * n, "speed": n, "heat": x * 9}
        return target, {"size": 0.1}

    def start() -> at.Engine:
        bounds = {"heat": at.AtMost(6.0)}
        return at.Engine(plane(), 3, settings=QUICK, objectives=GOALS, constraints=bounds)

    given: dict[str, Any] = {"known": {"speed": lambda params: float(params["n"])}}
    whole = start()
    log = scripted_run(whole, 10, evaluate=measure, **given)
    assert whole.failures
    assert whole.pareto()
    assert {o.std["size"] for o in whole.observations} == {0.1}
    for stop in (2, 6, 9):
        path = tmp_path / f"{stop}.json"
        begun = scripted_run(start(), 10, path, stop, measure, **given)
        resumed = resume(path)
        assert resumed is not None
        waiting = [suggestion.params for suggestion in resumed.pending]
        continued = scripted_run(resumed, 10, path, evaluate=measure, **given)
        assert continued == waiting + log[len(begun) :]
        assert resumed.to_dict() == whole.to_dict()


def test_several_objectives_need_weights_for_a_best() -> None:
    engine = at.Engine(line(), objectives={"size": "minimize", "speed": "maximize"})
    summary = in_threads(engine, lambda p: {"size": float(p["n"]), "speed": p["n"] % 3})
    assert summary.front == engine.pareto()
    with pytest.raises(errors.SeveralObjectivesError, match="pareto"):
        _ = summary.best
    weighted = {"size": at.Minimize(weight=1.0), "speed": at.Maximize(weight=3.0)}
    engine = at.Engine(line(), settings=QUICK, objectives=weighted)
    summary = in_threads(engine, lambda p: {"size": float(p["n"]), "speed": p["n"] % 3})
    assert summary.best.params == {"n": 2}


def test_a_front_may_be_empty() -> None:
    engine = at.Engine(line(3), settings=QUICK, constraints={"target": at.AtLeast(9.0)})
    assert optimize(engine, lambda p: float(p["n"]), 9).front == []
    assert engine.best().params == {"n": 2}
    assert not engine.best().feasible


def test_an_evaluation_may_return_its_deviation() -> None:
    engine = at.Engine(line(), settings=QUICK)
    events: list[Evaluated] = []
    returned: dict[int, Any] = {
        0: 0.5,
        1: (1.0, 0.25),
        2: (2.0, None),
        3: (3.0, -1.0),
        4: (1, 2, 3),
    }

    def evaluate(params: dict[str, Any]) -> Any:
        return returned.get(params["n"], {"target": 5.0})

    engine.observe({"n": 0}, 0.5)
    best = in_threads(engine, evaluate, callbacks=[events.append]).best
    assert best.target == 5.0
    told = {o.params["n"]: (o.target, o.std) for o in engine.observations}
    assert told == {0: (0.5, None), 1: (1.0, 0.25), 2: (2.0, None), 5: (5.0, None)}
    reasons = {failure.params["n"]: failure.reason for failure in engine.failures}
    assert reasons == {
        3: "$.std: got -1.0, expected a finite number >= 0",
        4: "$.target: got (1, 2, 3), expected a number",
    }
    stds = {event.suggestion.params["n"]: event.std for event in events}
    assert stds == {1: 0.25, 2: None, 3: None, 4: None, 5: None}


def test_what_is_known_is_passed_on() -> None:
    asked = []

    def size(params: Any) -> float:
        asked.append(params["n"])
        return float(params["n"])

    settings = at.Settings(n_candidates=16, n_starts=1, n_initial=2)
    goals: dict[str, Any] = {"size": "minimize"}
    engine = at.Engine(
        plane(), settings=settings, objectives=goals, constraints={"heat": at.AtMost(9.0)}
    )
    best = in_threads(
        engine,
        lambda params: {"size": params["n"], "heat": 12 - params["n"]},
        n_trials=8,
        known={"size": size},
    ).best
    assert asked
    assert best.feasible
    with pytest.raises(errors.DefinitionError, match=r"\$\.known\.speed"):
        in_threads(engine, sized, n_trials=9, known={"speed": size})


# --- what a result costs ---


class AtOnce:
    """Evaluates when it is asked to."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args))
        return future


@pytest.mark.parametrize("timeout", [None, 1e6])
def test_what_follows_a_result_takes_no_longer_the_more_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timeout: float | None
) -> None:
    settings = at.Settings(n_initial=10**6)
    receive, counts = Run._receive, []

    def counted(run: Run, attempt: Any) -> None:
        counts.append(lines_of(lambda: receive(run, attempt)))

    monkeypatch.setattr(Run, "_receive", counted)
    medians = []
    for known in (1000, 3000):  # both have files large enough for a journal
        engine = at.Engine(plane(), settings=settings)
        for number in range(known):
            engine.observe({"x": number / known, "n": 1}, number / 7)
        path = tmp_path / f"{known}.json"
        optimize(engine, parabola, known + 21, AtOnce(), 3, checkpoint=path, timeout=timeout)
        medians.append(sorted(counts)[len(counts) // 2])
        assert len(counts) == 21
        counts.clear()
    assert medians[0] == medians[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_trials", 0),
        ("n_trials", 2.0),
        ("n_workers", 0),
        ("timeout", 0.0),
        ("timeout", math.inf),
        ("timeout", "1"),
    ],
)
def test_a_wrong_number_is_refused(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"n_trials": 3, "n_workers": 1, name: value}
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(errors.DefinitionError, match=rf"^\$\.{name}"),
    ):
        optimize(at.Engine(line()), parabola, executor=executor, **arguments)


# --- failures ---


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("raise", "RuntimeError: no luck"),
        ("nan", "the target is nan"),
        ("text", "$.target: got 'good', expected a number"),
        ("exit", "SystemExit: 3"),
    ],
)
def test_an_evaluation_without_a_number_is_a_failure(
    tmp_path: Path, wrong: str, reason: str
) -> None:
    engine = at.Engine(line(), settings=QUICK)
    events: list[Evaluated] = []
    engine.observe({"n": 0}, parabola({"n": 0}))
    in_threads(engine, Evaluate(tmp_path, {2: wrong}), callbacks=[events.append])
    (failure,) = engine.failures
    assert (failure.params, failure.reason) == ({"n": 2}, reason)
    assert len(engine.observations) == 5
    (event,) = [event for event in events if event.outcome == "failed"]
    assert (event.target, event.reason, event.suggestion.id) == (None, reason, failure.id)


def test_failures_are_retried_as_the_settings_say(tmp_path: Path) -> None:
    settings = at.Settings(n_candidates=16, n_starts=1, retries=2)
    engine = at.Engine(line(), settings=settings)
    evaluate = Evaluate(tmp_path, {1: "raise", 2: "raise once", 4: "nan once"})
    events: list[Evaluated] = []
    in_threads(engine, evaluate, callbacks=[events.append], patience=EVER)
    assert evaluate.calls() == {0: 1, 1: 3, 2: 2, 3: 1, 4: 2, 5: 1}
    assert [failure.params["n"] for failure in engine.failures] == [1]
    assert [event.outcome for event in events].count("retried") == 4
    assert events[-1].finished == 6


def test_events_tell_what_happened() -> None:
    engine = at.Engine(line(), settings=QUICK)
    events: list[Evaluated] = []
    ticks = iter(range(100))
    in_threads(
        engine,
        parabola,
        n_trials=3,
        n_workers=1,
        callbacks=[events.append],
        clock=lambda: float(next(ticks)),
    )
    assert [event.finished for event in events] == [1, 2, 3]
    assert {event.n_trials for event in events} == {3}
    assert [event.target for event in events] == [o.target for o in engine.observations]
    assert [event.seconds for event in events] == [2.0, 2.0, 2.0]  # its moment is a tick, too
    told = [(trial.suggested_at, trial.told_at) for trial in engine.trials]
    assert told == [(1.0, 3.0), (5.0, 7.0), (9.0, 11.0)]
    assert events[-1].best == engine.best()
    assert {event.outcome for event in events} == {"recorded"}


# --- time ---


class Gate:
    """Evaluates, but for one ``n`` waits until it is opened."""

    def __init__(self, n: int, times: int = 1) -> None:
        self.n, self.times = n, times
        self.open = threading.Event()

    def __call__(self, params: dict[str, Any]) -> float:
        if params["n"] == self.n and self.times > 0:
            self.times -= 1
            assert self.open.wait(30.0)
            return 7.0
        return parabola(params)


def test_a_late_result_is_welcome_and_settles_the_attempt_that_followed() -> None:
    engine = at.Engine(line(), settings=QUICK)
    evaluate = Gate(3, times=2)
    events: list[Evaluated] = []

    def note(event: Evaluated) -> None:
        events.append(event)
        if [event.outcome for event in events].count("expired") == 1 and len(events) >= 5:
            evaluate.open.set()  # both attempts end

    in_threads(engine, evaluate, n_workers=3, timeout=0.2, callbacks=[note])
    outcomes = [event.outcome for event in events if event.suggestion.params["n"] == 3]
    assert outcomes[0] == "expired"
    assert "late" in outcomes or "recorded" in outcomes
    assert len(engine.observations) == 6
    assert [o.target for o in engine.observations if o.params["n"] == 3] == [7.0]
    assert not engine.pending


def test_what_is_always_late_fails_in_the_end() -> None:
    settings = at.Settings(n_candidates=16, n_starts=1, expiries=1)
    engine = at.Engine(line(), settings=settings)
    evaluate = Gate(3, times=2)
    events: list[Evaluated] = []

    def note(event: Evaluated) -> None:
        events.append(event)
        if event.finished == 6:
            evaluate.open.set()

    in_threads(engine, evaluate, n_workers=3, timeout=0.1, callbacks=[note])
    (failure,) = engine.failures
    assert (failure.params, failure.cause) == ({"n": 3}, "expired")
    late = [event for event in events if event.outcome == "expired"]
    assert [event.reason for event in late] == ["no result within 0.1 s"] * 2
    assert all(event.seconds >= 0.1 for event in late)


def test_workers_that_all_hang_are_given_up() -> None:
    settings = at.Settings(n_candidates=16, n_starts=1, expiries=0)
    engine, evaluate, executor = (
        at.Engine(line(), settings=settings),
        Gate(3),
        ThreadPoolExecutor(1),
    )
    with pytest.raises(errors.ExecutorError, match="late evaluations hold all workers"):
        optimize(engine, evaluate, 50, executor, 1, timeout=0.1)
    evaluate.open.set()
    executor.shutdown()


def test_workers_that_all_hang_are_replaced() -> None:
    settings = at.Settings(n_candidates=16, n_starts=1, expiries=0)
    engine, evaluate = at.Engine(line(), settings=settings), Gate(3)
    optimize(engine, evaluate, 50, lambda: ThreadPoolExecutor(1), 1, timeout=0.1)
    evaluate.open.set()
    assert [failure.params["n"] for failure in engine.failures] == [3]
    assert len(engine.observations) == 5


def test_what_waits_for_a_worker_does_not_grow_late() -> None:
    engine = at.Engine(line(), settings=QUICK)
    engine.suggest_batch(4, now=0.0, lease=1.0)  # by an earlier run, long ago
    events: list[Evaluated] = []
    now = iter(range(0, 10_000, 3))
    in_threads(
        engine,
        parabola,
        n_workers=1,
        timeout=30.0,
        callbacks=[events.append],
        clock=lambda: float(next(now)),
    )
    assert [event.suggestion.id for event in events] == list(range(6))
    assert {event.outcome for event in events} == {"recorded"}


class ByHand:
    """Its calls run until somebody answers them; each submission is followed by what is said."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []
        self.then: dict[int, Callable[[], None]] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self.futures.append(future)
        self.then.get(len(self.futures), lambda: None)()
        return future


@pytest.mark.parametrize("answer", [4.0, RuntimeError("late, and no luck")])
def test_what_contradicts_a_late_result_changes_nothing(answer: Any) -> None:
    engine = at.Engine(line(3), settings=QUICK)
    executor, events, now = ByHand(), [], [0.0]

    def answered(number: int, answer: Any) -> None:
        future = executor.futures[number]
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    def note(event: Evaluated) -> None:
        events.append((event.suggestion.id, event.outcome))
        if len(events) == 2:
            answered(0, 7.0)
        if event.outcome == "conflict":
            answered(3, 5.0)

    executor.then[2] = lambda: now.append(10.0)  # both are late
    executor.then[3] = lambda: answered(1, 3.0)  # while its params are out again
    executor.then[4] = lambda: answered(2, answer)
    optimize(
        engine,
        parabola,
        3,
        executor,
        2,
        timeout=5.0,
        callbacks=[note],
        clock=lambda: now[-1],
    )
    assert events[:2] == [(0, "expired"), (1, "expired")]
    assert events[2:] == [(0, "late"), (1, "late"), (2, "conflict"), (3, "recorded")]
    assert [o.target for o in engine.observations] == [7.0, 3.0, 5.0]


# --- executors that break ---


class Brittle:
    """A pool that breaks, for all calls that are out, when it gets params that kill."""

    def __init__(self, deadly: int, n_workers: int) -> None:
        self.deadly, self.n_workers = deadly, n_workers
        self.open: list[tuple[Future[Any], Any]] = []
        self.broken = False

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        if self.broken:
            raise BrokenExecutor("broken before")
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self.open.append((future, args[0]))
        threading.Timer(0.02, self.work, [fn]).start()
        return future

    def work(self, fn: Callable[..., Any]) -> None:
        calls, self.open = self.open, []
        self.broken = self.broken or any(params["n"] == self.deadly for _, params in calls)
        for future, params in calls:
            if self.broken:
                future.set_exception(BrokenExecutor("a process died"))
            else:
                future.set_result(fn(params))


def test_a_broken_executor_without_another_ends_the_run_and_loses_nothing() -> None:
    engine = at.Engine(line(), settings=QUICK)
    saved: list[Any] = []
    with pytest.raises(errors.ExecutorError, match=r"broke: .* a function that makes"):
        optimize(engine, parabola, 50, Brittle(3, 2), 2, checkpoint=saved.append)
    assert 3 in [suggestion.params["n"] for suggestion in engine.pending]
    assert not engine.failures
    assert saved[-1] == engine.to_dict()
    optimize(engine, parabola, 50, ThreadPoolExecutor, 2)
    assert len(engine.observations) == 6


@pytest.mark.parametrize(("retries", "n_workers"), [(0, 3), (2, 3), (1, 1)])
def test_params_that_kill_are_found_out_and_no_others_are_blamed(
    retries: int, n_workers: int
) -> None:
    settings = at.Settings(n_candidates=16, n_starts=1, retries=retries)
    engine = at.Engine(line(), settings=settings)
    made: list[Brittle] = []
    events: list[Evaluated] = []

    def make() -> Brittle:
        made.append(Brittle(3, n_workers))
        return made[-1]

    optimize(engine, parabola, 50, make, n_workers, callbacks=[events.append])
    assert [failure.params for failure in engine.failures] == [{"n": 3}]
    assert engine.failures[0].reason.startswith("its worker died")
    assert len(engine.observations) == 5
    assert [event.outcome for event in events].count("retried") == retries
    assert len(made) <= retries + 3


def test_an_executor_that_never_works_is_given_up() -> None:
    def make() -> Brittle:
        executor = Brittle(3, 1)
        executor.broken = True
        return executor

    with pytest.raises(errors.ExecutorError, match="broken before, with nothing submitted"):
        optimize(at.Engine(line()), parabola, 5, make, 1)


# --- files and bars ---


def test_a_checkpoint_is_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert resume(path) is None
    engine = at.Engine(line(), seed=3)
    save_state(path, engine.to_dict())
    again = resume(str(path))
    assert again is not None
    assert again.state == engine.state
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]
    with pytest.raises(ValueError, match="JSON compliant"):
        save_state(path, {"x": math.nan})
    assert resume(path) is not None
    path.write_text('{"schema": ')
    with pytest.raises(errors.StateError, match="a state as JSON"):
        resume(path)


@pytest.mark.parametrize("content", [None, b"torn", b"damaged\n"])
def test_a_saved_state_takes_the_place_of_a_journal(tmp_path: Path, content: bytes | None) -> None:
    path, engine = tmp_path / "state.json", at.Engine(line(), seed=3, settings=QUICK)
    book = Book(path, journal_above=0)
    book.create(engine.state)
    engine.suggest()
    book.write(book.look(), engine.state)
    lines = tmp_path / "state.json.journal"
    assert lines.exists()
    if content is not None:
        lines.write_bytes(lines.read_bytes() + content + content)
    other = at.Engine(line(), seed=4)
    save_state(path, other.to_dict())
    resumed = resume(path)
    assert resumed is not None
    assert resumed.state == other.state
    assert not lines.exists()


def test_a_new_engine_does_not_overwrite_an_older_run(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    in_threads(at.Engine(line(), settings=QUICK), parabola, n_trials=3, checkpoint=path)
    before = path.read_text()
    with pytest.raises(errors.StateError, match="resume from the file, or remove it"):
        in_threads(at.Engine(line()), parabola, checkpoint=str(path))
    assert path.read_text() == before
    engine = resume(path)
    assert engine is not None
    Checkpoint(path, engine)


def test_a_bar_shows_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    in_threads(at.Engine(line(), settings=QUICK), parabola)
    assert capsys.readouterr().err == ""
    in_threads(at.Engine(line(), settings=QUICK), parabola, n_trials=6, progress=True)
    shown = capsys.readouterr().err
    assert "6/6" in shown
    assert "best -0.2" in shown


def test_without_tqdm_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(errors.MissingExtraError, match=r"asktell\[progress\]"):
        optimize(at.Engine(line(), settings=QUICK), parabola, 2, progress=True)


def test_a_bar_shows_the_front(capsys: pytest.CaptureFixture[str]) -> None:
    engine = at.Engine(
        line(), settings=QUICK, objectives=GOALS, constraints={"heat": at.AtMost(4.0)}
    )
    optimize(engine, sized, 50, progress=True)
    assert "front 2" in capsys.readouterr().err


def test_how_good_what_was_found_is() -> None:
    engine = at.Engine(line(), objectives=GOALS, constraints={"heat": at.AtMost(4.0)})
    assert standing(engine.state) == ""
    engine.observe({"n": 0}, sized({"n": 0}))
    assert standing(engine.state) == "nothing feasible yet"
    for n in (1, 2):
        engine.observe({"n": n}, sized({"n": n}))
    assert standing(engine.state) == "front 2"
    goals = {**GOALS, "size": at.Minimize(reference=3.0)}
    engine = at.Engine(line(), objectives=goals)
    engine.observe({"n": 1}, {"size": 1.0, "speed": 2.0})
    assert standing(engine.state) == "front 1, hypervolume 6"
    engine = at.Engine(line(), constraints={"heat": at.AtMost(4.0)})
    engine.observe({"n": 0}, {"target": 9.0, "heat": 5.0})
    assert standing(engine.state) == "nothing feasible yet"
    engine.observe({"n": 1}, {"target": 8.0, "heat": 4.0})
    assert standing(engine.state) == "best target 8, heat 4"
