"""Which parameters matter."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asktell import insight
from asktell.errors import NothingObservedError
from asktell.insight import Importance, Study
from asktell.plots import canvas
from asktell.plots.subject import why_nothing
from asktell.plots.theme import LIGHT, Theme

_LEAST, _FEWEST = 0.005, 8
"""What has a smaller share is not drawn, unless there are only so many parameters."""


def importance(
    study: Study | Importance,
    outcome: str | None = None,
    *,
    most: int = 20,
    theme: Theme = LIGHT,
    ax: Axes | None = None,
) -> Figure:
    """Draw which share of an outcome's variance each parameter has a part in.

    The dark part of a bar is what the parameter does by itself, the light one what it does together
    with others. Whiskers are two standard errors. Behind parameters that are not always active
    there is the share of the space in which they are. See :func:`asktell.insight.importance`.

    Args:
        study: an engine, a state, anything with a ``state``, or an importance that was worked out.
        outcome: its name; None for the first objective. An importance has its own.
        most: how many parameters are drawn; the others are named below.
        theme: the colours.
        ax: where to draw; None for a figure of its own.

    Raises:
        DefinitionError: a ``ValueError``; there is no such outcome.
    """
    if isinstance(study, Importance):
        found = study
    else:
        try:
            found = insight.importance(study, outcome)
        except NothingObservedError:
            return canvas.sentence(why_nothing(study), theme, ax)
    if math.isnan(found.unexplained):
        equal = "All that was observed is equal: nothing tells the parameters apart yet."
        return canvas.sentence(equal, theme, ax)
    some = int((found.total >= _LEAST).sum())
    most = min(most, max(some, _FEWEST))
    order = found.order[:most]
    ax = canvas.one_axes(theme, ax, 1.3 + 0.24 * max(len(order), 3))
    ax.grid(False, axis="y")
    rows = np.arange(len(order))
    total = np.minimum(found.total[order], 1.0)  # but for errors of sampling, it is at most 1
    alone = np.clip(found.first[order], 0.0, total)
    ax.barh(rows, total, height=0.62, color=theme.accent, alpha=0.35, label="with others")
    ax.barh(rows, alone, height=0.62, color=theme.accent, label="by itself")
    errors = 2.0 * found.total_errors[order]
    ends = np.minimum(total + errors, 1.0)
    ax.hlines(rows, np.maximum(total - errors, 0.0), ends, color=theme.ink, linewidth=0.9)
    for row, (share, end) in enumerate(zip(total, ends, strict=True)):
        ax.annotate(
            f"{100 * share:.0f} %" if share >= _LEAST else "< 1 %",
            (end, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=theme.ink,
            fontsize=canvas.SMALL,
        )
    ax.set_yticks(rows, [_name(found, i) for i in order])
    ax.tick_params(axis="y", labelsize=canvas.NORMAL, labelcolor=theme.ink, length=0)
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlim(0.0, max(0.3, float(ends.max(initial=0.0)) * 1.1))
    ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    canvas.title(ax, f"what brings about {canvas.written(found.outcome)}", theme)
    canvas.legend(ax, theme)
    noise = found.unexplained
    said = f"The model cannot predict {100 * noise:.0f} % of the variance of what was observed. "
    others = canvas.rest([found.names[i] for i in found.order[most:]])
    canvas.note(canvas.figure_of(ax), said + others, theme)
    return canvas.figure_of(ax)


def _name(found: Importance, place: int) -> str:
    name, active = canvas.written(found.names[place]), found.active[place]
    return name if active >= 1.0 else f"{name} (active in {100 * active:.0f} %)"
