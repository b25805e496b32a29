"""Values as people read them."""

from __future__ import annotations

import time

import pytest

from asktell.cli import words


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_durations_may_be_unknown_or_over() -> None:
    assert words.duration(None) == "-"
    assert words.duration(250.0) == "4 min 10 s"
    assert words.duration(-30.0) == "-30.0 s"


def test_how_long_ago_is_told_on_one_clock() -> None:
    assert words.ago(1.76e9, 1.76e9 + 250.0) == "4 min 10 s ago"
    assert words.ago(1.76e9 + 1.0, 1.76e9) == "0 ms ago"
    assert words.ago(5.0, 7.5) == "2.5 s ago"
    assert words.ago(5.0, 1.76e9) == "5 s"  # a clock of the caller's own
    assert words.ago(None, 1.76e9) == "-"


@pytest.mark.parametrize(
    ("at", "text", "short"),
    [
        (None, "-", "-"),
        (5.25, "5.25 s", "5.25 s"),
        (1.76e9, "2025-10-09 08:53:20", "2025-10-09 08:53"),
        (1e300, "1e+300 s", "1e+300 s"),
    ],
)
def test_moments(at: float | None, text: str, short: str) -> None:
    assert (words.moment(at), words.minute(at)) == (text, short)


def test_targets_and_params() -> None:
    assert words.target(None) == "-"
    assert words.target(0.123456789) == "0.123457"
    assert words.target({"loss": 0.5, "size": 1e-9}) == "loss 0.5  size 1e-09"
    assert (
        words.params({"lr": 0.1, "kernel": "rbf", "bias": True}) == "lr=0.1  kernel=rbf  bias=True"
    )


def test_numbers_in_a_row_are_a_range() -> None:
    assert words.numbers_of([]) == ""
    assert words.numbers_of([3, 1, 2, 7]) == "1-3, 7"
    assert words.numbers_of([0, 2, 4, 6], most=2) == "0, 2, ..."


def test_nothing_steers_a_terminal() -> None:
    assert words.harmless("a\x1b[31m\x07b\r\nä") == "a\\x1b[31m\\x07b\\r\nä"


def test_a_curve_has_the_size_that_it_is_given() -> None:
    lines = words.curve([float(n) for n in range(100)], 10, 3)
    assert [len(line) for line in lines] == [10, 10, 10]
    assert lines[0] == "       ▃▅█"
    assert lines[-1][-1] == "█"


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0], [-1e308, 1e308], [3.0, 1.0]])
def test_any_curve_is_drawn(values: list[float]) -> None:
    lines = words.curve(values, 56, 4, words.ASCII)
    assert {len(line) for line in lines} == {len(values)}
    assert set("".join(lines)) <= set(words.ASCII)
    assert (lines[0][0] == words.ASCII[-1]) == (values[0] == max(values) != min(values))
