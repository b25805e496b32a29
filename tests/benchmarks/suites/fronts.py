"""Fronts of several losses, all to be minimised: what dominates, and the exact hypervolume."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Losses = Sequence[float]


def dominates(one: Losses, other: Losses) -> bool:
    """Tell whether one is nowhere worse than the other, equals included."""
    return all(a <= b for a, b in zip(one, other, strict=True))


def front(rows: Iterable[Losses]) -> list[Losses]:
    """Return the rows that no other dominates, equals once, sorted."""
    kept: list[Losses] = []
    for row in sorted(rows):
        if not any(dominates(known, row) for known in kept):
            kept.append(row)
    return kept


def hypervolume(rows: Iterable[Losses], reference: Losses) -> float:
    """Return the volume between rows and a reference that rows dominate.

    Slices along the last loss, recursively: exact, and quick enough for fronts of a few hundred.
    """
    inside = [row for row in rows if all(a < b for a, b in zip(row, reference, strict=True))]
    if not inside:
        return 0.0
    if len(reference) == 1:
        return max(reference[0] - row[0] for row in inside)
    if len(reference) == 2:
        return _area(inside, reference)
    levels = sorted({row[-1] for row in inside})
    volume = 0.0
    for low, high in zip(levels, [*levels[1:], reference[-1]], strict=True):
        slice_ = [row[:-1] for row in inside if row[-1] <= low]
        volume += (high - low) * hypervolume(slice_, reference[:-1])
    return volume


def _area(rows: list[Losses], reference: Losses) -> float:
    area, top = 0.0, reference[1]
    for left, bottom in sorted(rows):
        if bottom < top:
            area += (reference[0] - left) * (top - bottom)
            top = bottom
    return area
