"""BLAS has as many threads after a call as before, whatever happens within it."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import threadpoolctl
from interrupts import interrupt_after, interrupt_at, real_signals
from spaces import QUICK

import asktell as at
from asktell.model import blas
from asktell.model.blas import one_blas_thread

pytestmark = pytest.mark.skipif(
    not threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers,
    reason="no BLAS that threadpoolctl knows",
)


def numbers() -> set[int]:
    """Return how many threads the process's BLAS libraries have."""
    found = threadpoolctl.threadpool_info()
    return {library["num_threads"] for library in found if library["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if numbers() != {2}:
            pytest.skip("BLAS was built for one thread")
        # what a program has set once, in no ``with``: no thread is in charge of it
        threadpoolctl.OpenBLASController.clear_controlling_thread(force=True)
        yield


def test_within_it_is_one_thread_and_after_it_what_it_was() -> None:
    with one_blas_thread():
        assert numbers() == {1}
        with one_blas_thread():
            assert numbers() == {1}
        assert numbers() == {1}
    assert numbers() == {2}


def test_after_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), one_blas_thread(), one_blas_thread():
        raise ZeroDivisionError
    assert numbers() == {2}


def test_one_thread_before_is_one_thread_after() -> None:
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        with one_blas_thread():
            assert numbers() == {1}
        assert numbers() == {1}


def test_what_others_set_meanwhile_stays() -> None:
    with one_blas_thread():
        with threadpoolctl.threadpool_limits(user_api="blas"):
            pass
        threadpoolctl.threadpool_limits(3, user_api="blas")
        if numbers() != {3}:
            pytest.skip("BLAS has no three threads")
    assert numbers() == {3}


def test_the_last_to_leave_restores_whoever_came_first() -> None:
    first, last = one_blas_thread(), one_blas_thread()
    first.__enter__()
    entered, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with last:
            entered.set()
            go_on.wait(10.0)

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(10.0)
    first.__exit__(None, None, None)
    assert numbers() == {1}
    go_on.set()
    thread.join()
    assert numbers() == {2}


def test_no_thread_stays_in_charge_of_the_number() -> None:
    with one_blas_thread():
        pass

    def work() -> None:
        with threadpoolctl.threadpool_limits(1, user_api="blas"):
            seen.update(numbers())

    seen: set[int] = set()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == {1}


def test_a_context_that_is_dropped_has_left() -> None:
    def generate() -> Iterator[int]:
        with one_blas_thread():
            yield 1

    generator = generate()
    next(generator)
    assert numbers() == {1}
    del generator
    gc.collect()
    assert numbers() == {2}


def test_leaving_twice_does_no_harm() -> None:
    with one_blas_thread():
        context = one_blas_thread()
        context.__enter__()
        for _ in range(2):
            context.__exit__(None, None, None)
        assert numbers() == {1}
    assert numbers() == {2}
    with context:
        assert numbers() == {1}
    assert numbers() == {2}


def test_eight_threads_that_suggest() -> None:
    space = at.Space(*(at.Float(name, 0.0, 1.0) for name in "abc"))
    problems: list[BaseException] = []

    def work(seed: int) -> None:
        engine = at.Engine(space, seed=seed, settings=QUICK)
        try:
            for _ in range(30):
                suggestion = engine.suggest()
                engine.observe(suggestion, sum(suggestion.params.values()))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert numbers() == {2}


def test_many_threads_that_only_come_and_go() -> None:
    found: set[int] = set()

    def work() -> None:
        for _ in range(300):
            with one_blas_thread():
                found.update(numbers_of_process())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found <= {1}
    assert numbers() == {2}


def numbers_of_process() -> set[int]:
    return {library.num_threads for library in blas._libraries(shared=True)}


# --- libraries with a number for each thread, as MKL ---


class OfEachThread:
    """A stand-in for a library whose number is the calling thread's."""

    def __init__(self) -> None:
        self._numbers = threading.local()

    @property
    def num_threads(self) -> int:
        return getattr(self._numbers, "value", 4)

    def set_num_threads(self, number: int) -> None:
        self._numbers.value = number


def test_where_each_thread_has_a_number_each_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    library = OfEachThread()
    monkeypatch.setattr(blas, "_libraries", lambda shared: [] if shared else [library])
    meet = threading.Barrier(3, timeout=10.0)
    seen: list[int] = []

    def work() -> None:
        meet.wait()
        with one_blas_thread(), one_blas_thread():
            seen.append(library.num_threads)
            meet.wait()
        seen.append(library.num_threads)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [1, 1, 1, 4, 4, 4]


# --- interrupts ---


def use_twice() -> None:
    with one_blas_thread(), one_blas_thread():
        pass


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing of interrupts that are lost in a ``__del__``."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.usefixtures("quiet")
def test_an_interrupt_before_each_line(outside: bool) -> None:
    code, line = Path(blas.__file__), 1
    blas._libraries.cache_clear()
    if not outside:
        while interrupt_at(line, use_twice, code):
            assert numbers() == {2}, line
            line += 1
    else:
        with one_blas_thread():
            while interrupt_at(line, use_twice, code):
                assert numbers() == {1}, line
                line += 1
    assert line > 60
    assert numbers() == {2}
    assert blas._PROCESS._threads == {}


@real_signals
@pytest.mark.usefixtures("quiet")
def test_real_interrupts_at_random_moments() -> None:
    draw = random.Random(3)
    for _ in range(2000):
        interrupt_after(draw.uniform(1e-6, 1e-4), use_twice)
        assert numbers_of_process() == {2}
    assert blas._PROCESS._threads == {}


@real_signals
@pytest.mark.usefixtures("quiet")
def test_real_interrupts_while_other_threads_come_and_go() -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            use_twice()

    thread = threading.Thread(target=work)
    thread.start()
    draw = random.Random(4)
    for _ in range(200):
        interrupt_after(draw.uniform(1e-6, 1e-3), use_twice)
    stop.set()
    thread.join()
    assert numbers() == {2}
    assert blas._PROCESS._threads == {}


@real_signals
def test_a_signal_whose_handler_suggests_too() -> None:
    calls = 0

    def handle(*_: Any) -> None:
        nonlocal calls
        calls += 1
        use_twice()

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-4, 1.3e-4)
        while calls < 1000:
            use_twice()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert numbers() == {2}


# --- forks ---


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_threads_that_it_has_not() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with one_blas_thread(), blas._PROCESS._lock, blas._PROCESS._settling:
            entered.set()
            go_on.wait(10.0)

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(10.0)
    child = os.fork()
    if not child:
        signal.alarm(20)
        found = numbers_of_process()
        with one_blas_thread():
            found |= {-1} if numbers_of_process() != {1} else set()
        os._exit(0 if found | numbers_of_process() == {2} else 1)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert numbers() == {2}
