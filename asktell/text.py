"""Values as people read them, in a line of a log or a table."""

from __future__ import annotations

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
