"""Is the model any good?"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asktell import insight
from asktell.errors import NothingObservedError
from asktell.insight import Study
from asktell.plots import canvas
from asktell.plots.subject import why_nothing
from asktell.plots.theme import LIGHT, Theme


def left_out(
    study: Study, outcome: str | None = None, *, theme: Theme = LIGHT, ax: Axes | None = None
) -> Figure:
    """Draw what was observed against what the model expects of it without knowing it.

    On the diagonal, the model was right. Bars are one deviation.

    Args:
        study: an engine, a state, or anything with a ``state``.
        outcome: its name; None for the first objective.
        theme: the colours.
        ax: where to draw; None for a figure of its own.

    Raises:
        DefinitionError: a ``ValueError``; there is no such outcome.
    """
    try:
        found = insight.left_out(study, outcome)
    except NothingObservedError:
        return canvas.sentence(why_nothing(study), theme, ax)
    if math.isnan(found.explained):
        return canvas.sentence("It takes two different observations to tell.", theme, ax)
    ax = canvas.one_axes(theme, ax, 4.9, 4.9)
    ends = np.concatenate([found.seen, found.expected])
    low, high = float(ends.min()), float(ends.max())
    room = 0.05 * (high - low) or abs(high) * 0.1 or 1.0
    span = (low - room, high + room)
    ax.plot(span, span, color=theme.accent, linewidth=1.2, zorder=2)
    ax.errorbar(
        found.expected,
        found.seen,
        xerr=found.deviations,
        fmt="o",
        markersize=4,
        color=theme.muted,
        ecolor=theme.muted,
        elinewidth=0.6,
        alpha=0.75,
        zorder=3,
    )
    ax.set(xlim=span, ylim=span, aspect="equal")
    canvas.names(ax, "expected without it", "observed", theme)
    canvas.title(ax, f"{canvas.written(found.outcome)}: is the model any good?", theme)
    said = (
        f"R² {found.explained:.2f}. Within one deviation: {100 * found.within_1:.0f} % "
        f"(68 % is right).\nWithin 1.96: {100 * found.within_2:.0f} % (95 % is right)."
    )
    if moved := int((np.abs(found.seen - found.observed) > 1e-6 * (high - low)).sum()):
        said += f"\n{moved} very far off drawn nearer, as the model sees them."
    canvas.note(canvas.figure_of(ax), said, theme, 80)
    return canvas.figure_of(ax)
