"""The stopwatch, on a clock that is moved by hand."""

from __future__ import annotations

import pytest
from fakes import Clock

from strategies.stopwatch import Stopwatch


def test_only_the_time_inside_counts() -> None:
    clock = Clock()
    watch = Stopwatch(clock, seconds=2.5)
    clock.now += 100
    assert watch.seconds == 2.5
    for _ in range(3):
        with watch:
            clock.now += 10
        clock.now += 100
    assert watch.seconds == 32.5


def test_the_part_under_way_counts() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    assert not watch.is_running
    with watch:
        assert watch.is_running
        clock.now += 4
        assert watch.seconds == 4
        clock.now += 3
        assert watch.seconds == 7
    assert not watch.is_running


def test_an_error_stops_it() -> None:
    clock = Clock()
    watch = Stopwatch(clock)

    def work() -> None:
        with watch:
            clock.now += 4
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    clock.now += 100
    assert watch.seconds == 4
    assert not watch.is_running
