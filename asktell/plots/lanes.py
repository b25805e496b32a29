"""When which suggestion was out, and what became of it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from asktell import insight
from asktell.insight import Study, Timeline
from asktell.model.kernels import Array
from asktell.plots import canvas
from asktell.plots.theme import LIGHT, Theme
from asktell.space.axes import Indices

_UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))

_THICKNESS = 0.62
"""Of a bar, as a share of its lane."""

_BEYOND = 1.15
"""Of the whole time: so far leases are seen that go on."""

_SEVERAL = 3
"""A unit of time is used from so many of it on."""


def timeline(
    study: Study | Timeline, *, most: int = 1000, theme: Theme = LIGHT, ax: Axes | None = None
) -> Figure:
    """Draw when each suggestion was out, a lane for as many as were out at once.

    Bars end in a cross where the evaluation failed, and in a triangle where nobody answered before
    the lease ended. A thin line shows how long the lease goes on. What is still out is hollow.

    Args:
        study: an engine, a state, anything with a ``state``, or a timeline that was worked out.
        most: how many suggestions are drawn, the last.
        theme: the colours.
        ax: where to draw; None for a figure of its own.
    """
    every = study if isinstance(study, Timeline) else insight.timeline(study)
    found = _last(every, most)
    lost = found.unknown
    has = "suggestion has" if lost == 1 else "suggestions have"
    missing = f"{lost:,} {has} no known moments." if lost else ""
    if not len(found.ids):
        nothing = "No moments are known: give now=... to suggest and observe, as drivers do."
        return canvas.sentence(nothing, theme, ax)
    lanes = int(found.lanes.max()) + 1
    ax = canvas.one_axes(theme, ax, min(1.5 + 0.26 * max(lanes, 3), 7.0))
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
    least = width / size * 0.001
    for fate, colour, marker, alpha in looks:
        rows = np.flatnonzero(fates == fate)
        if not len(rows):
            continue
        until = np.maximum(ends[rows], starts[rows] + least)
        ax.add_collection(
            PolyCollection(  # a thousand bars at once; barh makes an artist of each
                list(_bars(starts[rows], until, found.lanes[rows])),
                facecolors=colour,
                alpha=alpha,
                edgecolors=theme.background if fate != "out" else colour,
                linewidths=0.5,
                label="" if marker else ("still out" if fate == "out" else fate),
            )
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
    out = fates == "out"
    leases = (found.leases[out] - start) / size
    _leases(ax, found.lanes[out], ends[out], leases, theme)
    ax.grid(False, axis="y")
    ax.set_ylim(lanes - 0.4, -0.6)
    ax.set_yticks([])
    end = np.nanmax([width / size, *_seen(leases, width / size)])
    ax.set_xlim(-0.01 * width / size, end + 0.01 * width / size)
    ax.xaxis.set_major_locator(MaxNLocator(8))
    canvas.names(ax, f"{unit} since the first suggestion", None, theme)
    n = f"{len(found.ids):,}"
    some = n if len(found.ids) == len(every.ids) else f"the last {n} of {len(every.ids):,}"
    canvas.title(ax, f"{some} suggestions, at most {lanes} at once", theme)
    canvas.legend(ax, theme)
    canvas.note(canvas.figure_of(ax), missing, theme)
    return canvas.figure_of(ax)


def _last(found: insight.Timeline, most: int) -> insight.Timeline:
    """Return the last suggestions of a timeline, on the lanes that they need."""
    if len(found.ids) <= most:
        return found
    lanes = np.unique(found.lanes[-most:], return_inverse=True)[1]
    return insight.Timeline(
        found.ids[-most:],
        found.trials[-most:],
        found.starts[-most:],
        found.ends[-most:],
        found.fates[-most:],
        found.leases[-most:],
        lanes.astype(np.int64),
        found.now,
        found.unknown,
    )


def _bars(starts: Array, ends: Array, lanes: Indices) -> Array:
    """Return the corners of bars (n, 4, 2)."""
    low, high = lanes - _THICKNESS / 2, lanes + _THICKNESS / 2
    corners = [(starts, low), (ends, low), (ends, high), (starts, high)]
    return np.stack([np.column_stack(corner) for corner in corners], axis=1)


def _seen(leases: Array, width: float) -> Array:
    """Return up to where leases are seen; those of a day, beside minutes, go on at the edge."""
    return np.minimum(leases[~np.isnan(leases)], _BEYOND * width)


def _leases(ax: Axes, lanes: Indices, ends: Array, leases: Array, theme: Theme) -> None:
    """Draw how long the leases of what is still out go on."""
    rows = leases > ends  # not NaN
    if rows.any():
        ax.hlines(
            lanes[rows],
            ends[rows],
            leases[rows],
            color=theme.accent,
            linewidth=1.0,
            linestyles="dotted",
            label="lease",
        )
