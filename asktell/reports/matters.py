"""What mattered: the parameters that make a difference, and those whose range may be too narrow."""

from __future__ import annotations

import math

import numpy as np

from asktell.insight import Importance
from asktell.reports.page import Block, Cell, Hint, Prose, Row, Section, Table
from asktell.reports.words import clipped, listed, share

NEGLIGIBLE = 0.02
"""A parameter with a smaller total index makes no difference that a person would care about."""

_MOST_NOISE = 0.7


def matters_section(
    known: Importance,
    edges: list[tuple[str, str]],
    pictures: tuple[Block, ...],
    others: tuple[Block, ...],
) -> Section:
    """Return the section on parameters.

    Args:
        known: the importance for the first objective.
        edges: parameters whose best value lies at an end of the range, and which end.
        pictures: of the importance, and of slices.
        others: the same of further outcomes.
    """
    blocks: list[Block] = [Prose(ranking_text(known))]
    if relevant := _relevant(known, edges):
        blocks.append(Hint(edges_text(relevant)))
    blocks += pictures
    return Section("matters", "What mattered", (*blocks, *others))


def ranking_text(known: Importance) -> str:
    """Return which parameters matter most, in words."""
    if not sees_anything(known):
        return f"The model sees no difference in {known.outcome} between any params."
    ordered = [int(place) for place in known.order]
    matter = [place for place in ordered if known.total[place] >= NEGLIGIBLE]
    if len(ordered) == 1:
        return f"There is one parameter, so nothing else can matter.{_doubts(known)}"
    parts = [f"{clipped(known.names[i])} in {share(known.total[i])}" for i in matter]
    every = "Over the whole space, as the model sees it, "
    few = share(NEGLIGIBLE)
    if not matter:
        text = f"{every}no parameter has a part in {few} of the differences in {known.outcome}."
        return text + _doubts(known)
    text = (
        f"{every}these have a part in the differences in {known.outcome}: {listed(parts, most=5)}."
    )
    if known.total.sum() > 1.1:
        text += " These add up to more than all, as parameters act together."
    if (known.active[matter] < 1.0).any():
        text += " A parameter that is not always active counts only where it is."
    rest = len(ordered) - len(matter)
    if rest:
        every = "The other one has" if rest == 1 else f"The {rest:,} others have"
        text += f" {every} a part in less than {few}{'' if rest == 1 else ' each'}."
    return text + _doubts(known)


def _doubts(known: Importance) -> str:
    if known.unexplained > _MOST_NOISE:  # not NaN
        return " The model knows little as yet, so take this for a guess."
    return ""


def sees_anything(known: Importance) -> bool:
    """Tell whether the model sees any difference between params."""
    return bool(np.isfinite(known.total).all() and known.total.any())


def edges_text(edges: list[tuple[str, str]]) -> str:
    """Return the hint on parameters whose best value lies at an end of the range."""
    if len(edges) == 1:
        name, end = edges[0]
        return f"The best {clipped(name)} lies at the {end} end of its range: widen the range?"
    parts = [f"{clipped(name)} ({end} end)" for name, end in edges]
    return f"The best lies at the edge of these ranges: {listed(parts)}. Widen them?"


def importance_table(known: Importance) -> Table:
    """Return the indices of all parameters, the most important first."""
    conditional = bool((known.active < 1.0).any())
    rows = []
    for place in known.order:
        pairs = (
            (known.total[place], known.total_errors[place]),
            (known.first[place], known.first_errors[place]),
        )
        cells = [Cell(known.names[place], known.names[place])]
        cells += [Cell(f"{max(v, 0.0):.2f} ± {error:.2f}", float(v)) for v, error in pairs]
        if conditional:
            cells += _where_active(float(known.active[place]), float(known.within[place]))
        rows.append(Row(tuple(cells)))
    caption = (
        f"Sobol indices of {known.outcome}: the share of its variance over the space that a "
        "parameter has a part in, and the share that it brings about by itself"
    )
    columns = ["parameter", "has a part in", "by itself"]
    if conditional:
        caption += "; in which part of the space it is active, and the share of the variance there"
        columns += ["active in", "has a part in there"]
    numeric = (False, *(True for _ in columns[1:]))
    return Table(caption, tuple(columns), numeric, tuple(rows), True)


def _where_active(active: float, within: float) -> list[Cell]:
    unknown = math.isnan(within)
    there = Cell("") if unknown else Cell(f"{max(within, 0.0):.2f}", within)
    return [Cell(share(active), active), there]


def _relevant(known: Importance, edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the edges of parameters that matter, the most important first."""
    totals = dict(zip(known.names, known.total.tolist(), strict=True))
    found = [edge for edge in edges if totals[edge[0]] >= NEGLIGIBLE]
    return sorted(found, key=lambda edge: -totals[edge[0]])
