"""Numbers, params and moments in words, short and plain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

_LONGEST = 60
_EPOCHS = (1e9, 1e11)
"""Between these, a moment is taken for seconds since 1970; others are on a clock of their own."""

_UNITS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


def number(value: float, digits: int = 4) -> str:
    """Return a number with some significant digits: ``0.953``, ``1.2e-7``, ``12,345``."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 10.0**digits):
        return f"{int(value):,}" if abs(value) < 1e15 else f"{value:.{digits}g}"
    if abs(value) >= 10.0**digits and abs(value) < 1e9:
        return f"{value:,.0f}"
    mantissa, e, exponent = f"{value:.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def shown(value: Any, digits: int = 4) -> str:
    """Return a value of a parameter as a table shows it."""
    if isinstance(value, float) and math.isfinite(value):
        return number(value, digits).replace(",", "")
    return str(value)


def count(n: int, noun: str) -> str:
    """Return ``1 trial``, ``12 trials``, ``no trials``."""
    return f"{'no' if n == 0 else f'{n:,}'} {noun}{'' if n == 1 else 's'}"


def share(part: float) -> str:
    """Return a part of one in per cent; a small one keeps a digit, and only all is 100."""
    percent = 100.0 * part
    if 99.5 <= percent < 100.0:
        return f"{min(percent, 99.9):.1f} %"
    return f"{percent:.0f} %" if percent >= 1.0 or percent == 0.0 else f"{percent:.1g} %"


def listed(words: Sequence[str], most: int = 8) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``, or the first of many and how many more."""
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most:,} more"
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def clipped(text: str, longest: int = _LONGEST) -> str:
    """Return a text, or its start and an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def duration(seconds: float) -> str:
    """Return ``48 seconds``, ``3.2 hours``, ``12 days``; ``20 milliseconds`` where it is short."""
    if 0.0 < seconds < 0.095:
        return count(max(1, round(1e3 * seconds)), "millisecond")
    size, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    value = seconds / size
    text = f"{value:.1f}".removesuffix(".0") if value < 10 else number(value, 3)
    return f"{text} {unit}{'' if text == '1' else 's'}"


def moment(seconds: float) -> str:
    """Return a moment as date and time in UTC, or as a number where it is on another clock."""
    if not _EPOCHS[0] <= seconds < _EPOCHS[1]:
        return number(seconds)
    return f"{np.datetime64(int(seconds), 's')}".replace("T", " ")[:16] + " UTC"
