"""Values as people read them: numbers, moments, durations, params, and a small curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from asktell import text

_EPOCH = 1e8
"""Moments before 1973 come from a clock of the caller's own."""


def number(value: Any) -> str:
    """Return a number with as many digits as one reads; anything else as it is."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def target(value: Any) -> str:
    """Return a target: a number, or numbers by outcome; a dash where there is none."""
    if isinstance(value, Mapping):
        return "  ".join(f"{name} {number(one)}" for name, one in value.items())
    return "-" if value is None else number(value)


def params(values: Mapping[str, Any]) -> str:
    """Return params in one line."""
    return "  ".join(f"{name}={number(value)}" for name, value in values.items())


def moment(at: float | None) -> str:
    """Return a moment in local time, or in seconds where it is not a clock's."""
    if at is None:
        return "-"
    if at < _EPOCH:
        return f"{at:g} s"
    try:
        return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return f"{at:g} s"


def minute(at: float | None) -> str:
    """Return a moment to the minute."""
    text = moment(at)
    return text[: -len(":00")] if text.count(":") == 2 else text


def ago(at: float | None, now: float) -> str:
    """Return how long ago a moment was; the moment, where it is of another clock."""
    if at is None or (at < _EPOCH) is not (now < _EPOCH):
        return moment(at)
    return f"{duration(max(now - at, 0.0))} ago"


def duration(seconds: float | None) -> str:
    """Return a duration; a dash where it is not known."""
    if seconds is None:
        return "-"
    return f"-{text.duration(-seconds)}" if seconds < 0 else text.duration(seconds)


def harmless(text: str) -> str:
    """Return a text without what would steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def numbers_of(ids: Sequence[int], most: int = 12) -> str:
    """Return numbers with those in a row as a range: ``0-3, 7``; no more than so many parts."""
    runs: list[list[int]] = []
    for one in sorted(ids):
        if runs and one == runs[-1][1] + 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    parts = [str(low) if low == high else f"{low}-{high}" for low, high in runs]
    return ", ".join(parts[:most]) + (", ..." if len(parts) > most else "")


# --- the curve ---

BLOCKS, ASCII = " ▁▂▃▄▅▆▇█", " .:-=+*#@"


def curve(values: Sequence[float], width: int, height: int, levels: str = BLOCKS) -> list[str]:
    """Return an area chart, the top row first.

    Args:
        values: in order, one or more.
        width: in characters; less where there are fewer values.
        height: in lines.
        levels: the characters from an empty cell to a full one.
    """
    width = min(width, len(values))
    shown = [values[(column + 1) * len(values) // width - 1] for column in range(width)]
    low, high = min(shown), max(shown)
    spread = high / 2 - low / 2 or 1.0  # halved, so that it does not overflow
    steps = len(levels) - 1
    filled = [1 + round((v / 2 - low / 2) / spread * (height * steps - 1)) for v in shown]
    rows = []
    for row in reversed(range(height)):
        rows.append("".join(levels[max(0, min(steps, f - row * steps))] for f in filled))
    return rows
