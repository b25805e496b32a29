"""How long options take, found by timing models of the whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fakes import Clock

from strategies.timing import MOST_SINGLE, Choice, Times, timed

LABELS = {"eight": "uint8", "even": "uint8 sym", "four": "fp32", "fp32": "fp32"}
TABLE: dict[str, dict[str, float]] = {
    "a": {"eight": -0.10, "even": -0.06, "four": 0.20, "fp32": 0.0},
    "b": {"eight": 0.05, "even": 0.09, "four": 0.20, "fp32": 0.0},
    "c": {"eight": -0.20, "even": -0.16, "four": 0.20, "fp32": 0.0},
    "d": {"eight": 0.04, "even": 0.02, "four": -0.10, "fp32": 0.0},
}
"""What an option adds to the time: of three operations of one type, and one of another."""

TYPES = {"a": "Conv", "b": "Conv", "c": "Conv", "d": "Gemm"}
CHOICES = [Choice(name, TYPES[name], LABELS, "fp32") for name in TABLE]
START = dict.fromkeys(TABLE, "eight")


def share(params: Mapping[str, Any]) -> float:
    return 1.0 + sum(TABLE[name][option] for name, option in params.items())


class Timer:
    """Times what a function says, and counts; a clock moves by a second each time."""

    def __init__(self, of: Callable[[Mapping[str, Any]], float | None]) -> None:
        self.clock = Clock()
        self.asked: list[tuple[Mapping[str, Any], float]] = []
        self._of = of

    def __call__(self, params: Mapping[str, Any], wanted: float) -> float | None:
        self.asked.append((params, wanted))
        self.clock.now += 1.0
        return self._of(params)


def found(timer: Timer, seconds: float = 1000.0, choices: Any = CHOICES) -> Times | None:
    start = {one.name: next(iter(one.options)) for one in choices}
    return timed(choices, start, timer, seconds, timer.clock)


def test_the_fastest_configuration_is_found() -> None:
    timer = Timer(share)
    times = found(timer)
    assert times is not None
    assert times.fastest == {"a": "eight", "b": "fp32", "c": "eight", "d": "four"}
    assert times.share == pytest.approx(0.6)
    assert times.models == len(timer.asked)
    asked = [params for params, _ in timer.asked]
    assert all(one not in asked[:place] for place, one in enumerate(asked))


def test_what_options_add_is_told_from_whole_types_and_single_operations() -> None:
    times = found(Timer(share))
    assert times is not None
    for name, fastest in times.fastest.items():
        for option in ("eight", "fp32"):
            expected = TABLE[name][option] - TABLE[name][fastest]
            assert times.added[name][option] == pytest.approx(expected), (name, option)
        assert times.added[name][fastest] == 0.0
    mean = (0.6 - 0.0) / 3
    assert times.added["a"]["four"] == pytest.approx(0.10 + mean)  # as its type, beside fp32
    assert times.added["b"]["four"] == pytest.approx(mean)
    assert times.added["a"]["even"] == pytest.approx(0.04)  # as its type, beside the default
    assert times.added["b"]["even"] == pytest.approx(0.05 + 0.04)


def test_what_holds_of_the_whole_alone_is_followed() -> None:
    def torn(params: Mapping[str, Any]) -> float:
        return 0.5 if {params[name] for name in "abc"} == {"eight"} else 1.1

    times = found(Timer(torn))
    assert times is not None
    assert times.share == 0.5
    assert {times.fastest[name] for name in "abc"} == {"eight"}
    assert times.added["a"]["fp32"] == pytest.approx(0.6)


def test_differences_that_are_not_clear_are_none() -> None:
    times = found(Timer(lambda params: 1.0 - 0.004 * (params["d"] == "four")))
    assert times is not None
    assert times.fastest == START
    assert times.added["d"]["even"] == 0.0


@pytest.mark.parametrize("broken", [None, math.nan, math.inf])
def test_what_cannot_be_timed_is_left_out(broken: float | None) -> None:
    times = found(Timer(lambda p: broken if p["d"] == "four" else share(p)))
    assert times is not None
    assert times.fastest["d"] == "fp32"
    assert times.share == pytest.approx(0.7)
    assert times.added["d"]["four"] == 0.0
    assert found(Timer(lambda params: broken)) is None


def test_nothing_is_begun_after_the_time_is_over() -> None:
    timer = Timer(share)
    times = found(timer, seconds=3.0)
    assert times is not None
    assert times.models == len(timer.asked) == 3
    assert found(Timer(share), seconds=0.0) is None


def test_slower_ones_are_known_to_be_so() -> None:
    timer = Timer(share)
    times = found(timer)
    assert times is not None
    assert timer.asked[0][1] == math.inf
    assert timer.asked[-1][1] == pytest.approx(times.share)


def test_an_operation_that_must_be_quantised_is_no_single_choice() -> None:
    choices = [Choice(name, "Conv", {"eight": "uint8", "even": "uint8 sym"}, None) for name in "ab"]
    timer = Timer(lambda params: 0.5 + 0.1 * [*params.values()].count("even"))
    times = found(timer, choices=choices)
    assert times is not None
    assert times.models == 2
    assert times.added == {name: {"eight": 0.0, "even": pytest.approx(0.1)} for name in "ab"}


def test_of_many_operations_neighbours_change_together() -> None:
    count = 2 * MOST_SINGLE
    two = {"eight": "uint8", "fp32": "fp32"}
    choices = [Choice(str(number), "MatMul", two, "fp32") for number in range(count)]
    timer = Timer(lambda params: 1.0 - 0.004 * [*params.values()].count("eight"))
    times = found(timer, choices=choices)
    assert times is not None
    assert times.models == 2 + MOST_SINGLE
    assert times.added["7"]["fp32"] == pytest.approx(0.004)


def test_of_many_operations_of_a_type_some_may_have_options_of_their_own() -> None:
    usual = {"eight": "uint8", "fp32": "fp32"}
    more = {**usual, "odd": "uint8 sym"}
    choices = [
        Choice(f"op{n}", "MatMul", more if n % 2 else usual, "fp32") for n in range(MOST_SINGLE + 3)
    ]
    cost = {"eight": 0.0, "odd": -0.005, "fp32": 0.01}
    times = found(
        Timer(lambda params: 1.0 + sum(map(cost.__getitem__, params.values()))), 1e6, choices
    )
    assert times is not None
    assert {times.fastest[f"op{n}"] for n in range(1, len(choices), 2)} == {"odd"}
    for one in choices:
        now = times.fastest[one.name]
        assert times.added[one.name]["fp32"] == pytest.approx(cost["fp32"] - cost[now])
