"""Values as people read them, in a line of a log or a table."""

from __future__ import annotations

import numpy as np

_EPOCHS = (1e8, 1e11)
"""Between these, a moment is taken for seconds since 1970; others are on a clock of their own."""

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def shortened(text: str, longest: int) -> str:
    """Return text on one line, of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


def duration(seconds: float) -> str:
    """Return seconds, 0 or more, as people say them, in two units at most."""
    if seconds < 1.0:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    place = next(place for place, (_, length) in enumerate(_UNITS) if whole >= length)
    (unit, length), (smaller, shorter) = _UNITS[place : place + 2]
    count, rest = divmod(whole, length)
    return f"{count} {unit}" + (f" {rest // shorter} {smaller}" if rest >= shorter else "")


def moment(at: float) -> str:
    """Return a moment as date and time in UTC, or as seconds where it is on another clock."""
    if not _EPOCHS[0] <= at < _EPOCHS[1]:
        return f"{at:g} s"
    return str(np.datetime64(int(at), "s")).replace("T", " ") + " UTC"
