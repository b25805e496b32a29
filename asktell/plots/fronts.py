"""Several objectives against each other."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asktell import insight
from asktell.insight import Front, Study
from asktell.plots import canvas
from asktell.plots.marks import dots, look, view_of
from asktell.plots.subject import why_nothing
from asktell.plots.theme import LIGHT, Theme

_MOST = 4
"""So many objectives are drawn in pairs; of more, the first."""


def front(study: Study, *, theme: Theme = LIGHT, ax: Axes | None = None) -> Figure:
    """Draw what was observed in two objectives, and the front; three or four make pairs.

    Args:
        study: an engine, a state, or anything with a ``state``.
        theme: the colours.
        ax: where to draw two objectives; None for a figure of its own.
    """
    found = insight.front(study)
    if len(found.names) < 2:
        return canvas.sentence("A front takes several objectives.", theme, ax)
    if not len(found.trials):
        return canvas.sentence(why_nothing(study), theme, ax)
    pairs = list(combinations(range(min(len(found.names), _MOST)), 2))
    if len(pairs) == 1:
        panels = [canvas.one_axes(theme, ax, 4.4)]
    else:
        panels = canvas.grid_of_axes(theme, len(pairs), 3, 2.4)
    for panel, (first, second) in zip(panels, pairs, strict=True):
        _pair(panel, found, first, second, theme)
    text = f"{int(found.on_front.sum())} of {len(found.trials)} on the front"
    if len(pairs) == 1:
        canvas.title(panels[0], text, theme)
        canvas.legend(panels[0], theme)
    else:
        canvas.heading(canvas.figure_of(panels[0]), text, theme)
        canvas.legend(panels, theme)
    more = canvas.written(", ".join(found.names[_MOST:]), 100)
    figure = canvas.figure_of(panels[0])
    canvas.note(figure, f"Not drawn: {more}" if more else "", theme)
    return figure


def _pair(ax: Axes, found: Front, first: int, second: int, theme: Theme) -> None:
    signs = [1.0 if found.goals[i] == "maximize" else -1.0 for i in (first, second)]
    across = view_of(found.values[:, first], signs[0])
    up = view_of(found.values[:, second], signs[1])
    x = across.clipped(found.values[:, first])
    off = ~found.on_front
    values = found.values[off]
    dots(ax, values[:, first], values[:, second], found.feasible[off], up, theme, across=across)
    if found.on_front.any():
        rows = np.flatnonzero(found.on_front)
        rows = rows[np.argsort(x[rows], kind="stable")]
        y = up.clipped(found.values[rows, second])
        if len(found.names) == 2:
            where: Literal["post", "pre"] = "post" if signs[0] < 0.0 else "pre"
            ax.step(x[rows], y, where=where, color=theme.best, linewidth=1.3, zorder=4)
        ax.scatter(
            x[rows],
            y,
            s=34,
            marker="D",
            facecolors=theme.best,
            edgecolors="none",
            label="front",
            zorder=5,
        )
    look(ax, up)
    if across.is_log:
        ax.set_xscale("log")
    ax.margins(x=0.06)
    for name, goal, set_label in (
        (found.names[first], found.goals[first], ax.set_xlabel),
        (found.names[second], found.goals[second], ax.set_ylabel),
    ):
        sense = "less" if goal == "minimize" else "more"
        set_label(
            f"{canvas.written(name, 24)} ({sense} is better)",
            color=theme.ink,
            fontsize=canvas.NORMAL,
        )
