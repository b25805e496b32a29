"""Small pieces of HTML for notebooks: escaped, self-contained, in the colours around them.

Text inherits its colour, and lines are half transparent, so that they suit light and dark pages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_LONGEST, _LONGEST_KEY = 60, 22
"""Letters of a name or a value, and of a name in a line; of longer ones the middle is left out."""

_MOST = 40
"""Entries of a table."""

_MOST_POINTS = 400
"""Points of a curve; of more, the last of every few."""

_LINE = "rgba(128,128,128,.35)"
_ACCENT, _FAILED = "#2f8fd0", "#c0508c"
"""Colours that are seen on white and on black."""

_CELL = f"padding:2px 10px 2px 0;border-top:1px solid {_LINE};vertical-align:top;text-align:left"


def shown(value: Any, longest: int = _LONGEST) -> str:
    """Return a value as escaped text: numbers in six digits, long text without its middle."""
    if isinstance(value, Mapping):
        named = ((shown(key, _LONGEST_KEY), shown(item)) for key, item in value.items())
        return ", ".join(f"{key}: {item}" for key, item in named)
    if isinstance(value, tuple | list):
        return ", ".join(map(shown, value))
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    if len(text) > longest:
        text = f"{text[: longest // 2]}\u2026{text[-longest // 2 + 1 :]}"
    return escape(text)


def box(title: str, *parts: str) -> str:
    """Return parts below a title; the title is escaped, the parts are HTML."""
    look = "font-family:sans-serif;font-size:13px;line-height:1.45;color:inherit;max-width:46em"
    head = f'<div style="font-weight:600;margin-bottom:4px">{escape(title)}</div>'
    return f'<div style="{look}">{head}{"".join(parts)}</div>'


def line(text: str) -> str:
    """Return a line of text, escaped."""
    return f'<div style="opacity:.75;margin:2px 0">{escape(text)}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table; without a head, the first column has names."""
    cells = "".join(
        f'<th style="{_CELL};border:0;opacity:.75;font-weight:500">{shown(name)}</th>'
        for name in head
    )
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{shown(item)}</td>' for item in row) + "</tr>"
        for row in rows
    )
    look = "border-collapse:collapse;margin:4px 0;font-size:12px;background:none"
    return f'<table style="{look}">{f"<tr>{cells}</tr>" if head else ""}{body}</table>'


def fields(title: str, params: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Return params and what else is known of them; what is None or empty is left out."""
    known = [(name, value) for name, value in about.items() if value not in (None, (), "")]
    listed = list(params.items())
    more = [(f"and {len(listed) - _MOST} more", "")] if len(listed) > _MOST else []
    return box(title, table((), known), table((), [*listed[:_MOST], *more]))


def curve(dots: Sequence[float], best: Sequence[float]) -> str:
    """Return a small curve: what came in order, NaN where it failed, and the best so far."""
    every = max(1, -(-max(len(dots), len(best)) // _MOST_POINTS))
    dots, best = list(dots[::-1][::every])[::-1], list(best[::-1][::every])[::-1]
    finite = sorted(number for number in (*dots, *best) if math.isfinite(number))
    if len(finite) < 2:
        return ""
    low, high = finite[len(finite) // 50], finite[-1 - len(finite) // 50]
    low, high = min([low, *_finite(best)]), max([high, *_finite(best)])
    width, height, room = 420.0, 90.0, 6.0

    def at(place: int, number: float) -> tuple[float, float]:
        share = (number / 2 - low / 2) / ((high / 2 - low / 2) or 1.0)
        x = room + (width - 2 * room) * place / max(len(dots) - 1, len(best) - 1, 1)
        return x, height - room - (height - 2 * room) * min(max(share, 0.0), 1.0)

    marks, path, before = [], "", math.nan
    for place, number in enumerate(dots):
        x, y = at(place, number if math.isfinite(number) else low)
        if math.isfinite(number):
            marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.8" fill="gray"/>')
        else:
            marks.append(
                f'<path d="M{x - 2:.1f} {height - 5:.1f}l4 4m0 -4l-4 4" stroke="{_FAILED}"/>'
            )
    for place, number in enumerate(best):
        if math.isfinite(number):
            x, y = at(place, number)
            step = f"H{x:.1f}V{y:.1f}" if math.isfinite(before) else f"M{x:.1f} {y:.1f}"
            path, before = path + step, number
    drawn = f'<path d="{path}" fill="none" stroke="{_ACCENT}" stroke-width="1.6"/>' if path else ""
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'style="display:block;max-width:100%;border-bottom:1px solid {_LINE}" role="img" '
        f'aria-label="targets in order of arrival, and the best so far">'
        f"{''.join(marks)}{drawn}</svg>"
    )


def _finite(numbers: Iterable[float]) -> list[float]:
    return [number for number in numbers if math.isfinite(number)]
