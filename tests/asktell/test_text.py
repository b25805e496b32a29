"""Values as people read them."""

from __future__ import annotations

import pytest

from asktell.text import duration, shortened


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 ms"),
        (0.0504, "50 ms"),
        (9.44, "9.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (754.4, "12 min 34 s"),
        (3600.0, "1 h"),
        (7530.0, "2 h 5 min"),
        (90061.0, "1 d 1 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_text_is_shortened_to_one_line() -> None:
    assert shortened("one\n  two\tthree", 20) == "one two three"
    assert shortened("a" * 30, 24) == "a" * 21 + "..."
