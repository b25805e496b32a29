"""When which suggestion was out, and what became of it."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from asktell import insight
from asktell.insight import Study
from asktell.plots import canvas
from asktell.plots.theme import LIGHT, Theme

_UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))

_SEVERAL = 3
"""A unit of time is used from so many of it on."""


def timeline(study: Study, *, theme: Theme = LIGHT, ax: Axes | None = None) -> Figure:
    """Draw when each suggestion was out, a lane for as many as were out at once.

    Bars end in a cross where the evaluation failed, and in a triangle where nobody answered before
    the lease ended. A thin line shows how long the lease goes on. What is still out is hollow.

    Args:
        study: an engine, a state, or anything with a ``state``.
        theme: the colours.
        ax: where to draw; None for a figure of its own.
    """
    found = insight.timeline(study)
    missing = f"{found.unknown} suggestions have no known moments." if found.unknown else ""
    if not len(found.ids):
        nothing = "No moments are known: give now=... to suggest and observe, as drivers do."
        return canvas.sentence(nothing, theme, ax)
    lanes = int(found.lanes.max()) + 1
    ax = canvas.one_axes(theme, ax, min(1.3 + 0.26 * max(lanes, 3), 7.0))
    start = float(found.starts.min())
    width = max(float(found.ends.max()) - start, 1e-9)
    size, unit = next((p for p in _UNITS if width >= _SEVERAL * p[0]), _UNITS[-1])
    starts, ends = (found.starts - start) / size, (found.ends - start) / size
    fates = np.array(found.fates)
    looks = (
        ("observed", theme.accent, "", 0.75),
        ("failed", theme.failed, "x", 0.75),
        ("expired", theme.waiting, ">", 0.75),
        ("lost", theme.waiting, "X", 0.75),
        ("forgotten", theme.muted, "", 0.5),
        ("out", theme.accent, "", 0.15),
    )
    thickness = 0.62
    least = width / size * 0.001
    for fate, colour, marker, alpha in looks:
        rows = np.flatnonzero(fates == fate)
        if not len(rows):
            continue
        ax.barh(
            found.lanes[rows],
            np.maximum(ends[rows] - starts[rows], least),
            left=starts[rows],
            height=thickness,
            color=colour,
            alpha=alpha,
            edgecolor=theme.background if fate != "out" else colour,
            linewidth=0.5,
            label="" if marker else ("still out" if fate == "out" else fate),
        )
        if marker:
            ax.plot(
                ends[rows],
                found.lanes[rows],
                marker,
                color=colour,
                markersize=6,
                markeredgewidth=1.4,
                linestyle="none",
                label=fate,
                zorder=5,
            )
    _leases(ax, found, (found.leases - start) / size, ends, theme)
    ax.grid(False, axis="y")
    ax.set_ylim(lanes - 0.4, -0.6)
    ax.set_yticks([])
    ax.set_xlim(-0.01 * width / size, 1.01 * width / size)
    ax.xaxis.set_major_locator(MaxNLocator(8))
    canvas.names(ax, f"{unit} since the first suggestion", None, theme)
    canvas.title(ax, f"{len(found.ids)} suggestions, at most {lanes} at once", theme)
    canvas.legend(ax, theme)
    canvas.note(canvas.figure_of(ax), missing, theme)
    return canvas.figure_of(ax)


def _leases(ax: Axes, found: insight.Timeline, leases, ends, theme: Theme) -> None:  # type: ignore[no-untyped-def]
    rows = [i for i, fate in enumerate(found.fates) if fate == "out" and not math.isnan(leases[i])]
    if rows:
        ax.hlines(
            found.lanes[rows],
            ends[rows],
            leases[rows],
            color=theme.accent,
            linewidth=1.0,
            linestyles="dotted",
            label="lease",
        )
