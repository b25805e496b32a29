from __future__ import annotations

import math

import pytest

from asktell.reports import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3, "3"),
        (0.95312345, "0.9531"),
        (12.0, "12"),
        (1.25e-7, "1.25e-7"),
        (-1e299, "-1e299"),
        (123456.7, "123,457"),
        (12345, "12,345"),
        (10**18, "1e+18"),
        (1.5e12, "1.5e12"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.678, "12346"),
        (True, "True"),
        (None, "None"),
        ("rbf", "rbf"),
        (4, "4"),
        (math.nan, "nan"),
    ],
)
def test_params_are_shown_so_that_they_can_be_copied(value: object, text: str) -> None:
    assert words.shown(value) == text


def test_counts_agree_in_number() -> None:
    counts = [words.count(n, "trial") for n in (0, 1, 2, 1200)]
    assert counts == ["no trials", "1 trial", "2 trials", "1,200 trials"]


def test_shares_are_in_per_cent() -> None:
    shares = [words.share(part) for part in (0.0, 0.004, 0.5, 1.0)]
    assert shares == ["0 %", "0.4 %", "50 %", "100 %"]


def test_lists_end_with_and() -> None:
    assert words.listed([]) == ""
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(["a", "b", "c", "d"], most=2) == "a, b and 2 more"


def test_long_texts_are_cut() -> None:
    assert words.clipped("abc", 3) == "abc"
    assert words.clipped("abcd", 3) == "ab…"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 seconds"),
        (0.0001, "1 millisecond"),
        (0.0204, "20 milliseconds"),
        (0.0949, "95 milliseconds"),
        (0.0951, "0.1 seconds"),
        (0.25, "0.2 seconds"),
        (1.0, "1 second"),
        (59.0, "59 seconds"),
        (90.0, "1.5 minutes"),
        (7200.0, "2 hours"),
        (86400.0 * 12, "12 days"),
    ],
)
def test_durations_have_a_unit(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_moments_are_dates_where_they_can_be() -> None:
    assert words.moment(1.77e9) == "2026-02-02 02:40 UTC"
    assert words.moment(12.5) == "12.5"
