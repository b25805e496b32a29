"""What mattered: the parameters that make a difference, and those whose range may be too narrow."""

from __future__ import annotations

import math

import numpy as np

from asktell.insight import Importance
from asktell.reports.page import Block, Cell, Hint, Prose, Row, Section, Table
from asktell.reports.words import listed, share

NEGLIGIBLE = 0.02
"""A parameter with a smaller total index makes no difference that a person would care about."""

_MOST_NOISE = 0.7
_MANY = 12


def matters_section(
    known: Importance | None,
    edges: list[tuple[str, str]],
    pictures: tuple[Block, ...],
    others: tuple[Block, ...],
) -> Section | None:
    """Return the section on parameters.

    Args:
        known: the importance for the first objective; None where nothing is measured.
        edges: parameters whose best value lies at an end of the range, and which end.
        pictures: of the importance, and of slices.
        others: the same of further outcomes.
    """
    if known is None:
        return None
    blocks: list[Block] = [Prose(ranking_text(known))]
    blocks += [Hint(edge_text(name, end)) for name, end in _relevant(known, edges)[:6]]
    blocks += pictures
    if len(known.names) > 1:
        blocks.append(importance_table(known))
    return Section("matters", "What mattered", (*blocks, *others))


def ranking_text(known: Importance) -> str:
    """Return which parameters matter most, in words."""
    if not np.isfinite(known.total).all() or not known.total.any():
        return f"The model sees no difference in {known.outcome} between any params."
    ordered = [int(place) for place in known.order]
    matter = [place for place in ordered if known.total[place] >= NEGLIGIBLE]
    parts = [f"{known.names[place]} ({share(known.total[place])})" for place in matter]
    text = (
        f"Of the differences in {known.outcome} over the whole space, as the model sees it, this "
        f"much has to do with each parameter: {listed(parts, most=5)}."
    )
    rest = len(ordered) - len(matter)
    if rest:
        text += f" {'All others' if rest > 1 else 'The other one'} hardly matter"
        text += f"{'s' if rest == 1 else ''}."
    if not math.isnan(known.unexplained) and known.unexplained > _MOST_NOISE:
        text += " The model knows little as yet, so take these for guesses."
    return text


def edge_text(name: str, end: str) -> str:
    """Return the hint on a parameter whose best value lies at an end of its range."""
    return f"The best {name} lies at the {end} end of its range: widen the range?"


def importance_table(known: Importance) -> Table:
    """Return the indices of all parameters, the most important first."""
    rows = []
    for place in known.order:
        pairs = (
            (known.total[place], known.total_errors[place]),
            (known.first[place], known.first_errors[place]),
        )
        cells = [Cell(known.names[place], known.names[place])]
        cells += [Cell(f"{max(v, 0.0):.2f} ± {error:.2f}", float(v)) for v, error in pairs]
        rows.append(Row(tuple(cells)))
    caption = (
        f"Sobol indices of {known.outcome}: the share of its variance over the space that a "
        "parameter has a part in, and the share that it brings about by itself"
    )
    return Table(
        caption, ("parameter", "has a part in", "by itself"), (False, True, True), tuple(rows), True
    )


def _relevant(known: Importance, edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the edges of parameters that matter, the most important first."""
    totals = dict(zip(known.names, known.total.tolist(), strict=True))
    found = [edge for edge in edges if totals[edge[0]] >= NEGLIGIBLE]
    return sorted(found, key=lambda edge: -totals[edge[0]])
