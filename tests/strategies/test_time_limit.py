"""Work within a time limit. No test here waits for more than a blink."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, current_thread
from threading import enumerate as threads

import pytest

from strategies.time_limit import within

LONG = 30


def raising(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize("seconds", [0, LONG])
@pytest.mark.parametrize("value", [5, None, TimeoutError("as a value")])
def test_what_is_done_in_time_is_returned(seconds: float, value: object) -> None:
    assert within(seconds, lambda: value) is value


@pytest.mark.parametrize("seconds", [0, LONG])
@pytest.mark.parametrize(
    "error", [ValueError("bad"), TimeoutError("its own"), KeyboardInterrupt(), SystemExit(3)]
)
def test_what_goes_wrong_in_time_is_raised_as_it_is(seconds: float, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        within(seconds, raising(error))
    assert caught.value is error


def test_without_a_limit_the_work_is_done_right_here() -> None:
    assert within(0, current_thread) is current_thread()
    assert within(LONG, current_thread) is not current_thread()


def test_what_takes_longer_is_left_behind() -> None:
    over, started, done = Event(), Event(), Event()
    before = set(threads())

    def work() -> str:
        started.set()
        over.wait()
        done.set()
        return "late"

    with pytest.raises(TimeoutError, match=r"no result within 0\.01 s"):
        within(0.01, work)
    assert started.wait(LONG)
    assert not done.is_set()
    (left,) = set(threads()) - before
    assert left.daemon  # it goes on, and does not keep the program from ending
    over.set()
    assert done.wait(LONG)
    assert within(LONG, lambda: "next") == "next"  # the late outcome is nobody's
