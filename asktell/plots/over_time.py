"""How a study came along."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from asktell import insight
from asktell.insight import Progress, Study
from asktell.insight.subject import outcome_place, state_of
from asktell.plots import canvas
from asktell.plots.marks import View, crosses, dots, look, star, view_of
from asktell.plots.subject import why_nothing
from asktell.plots.theme import LIGHT, Theme


def progress(
    study: Study,
    outcome: str | None = None,
    *,
    known: Progress | None = None,
    theme: Theme = LIGHT,
    ax: Axes | None = None,
) -> Figure:
    """Draw what every trial gave, in order of arrival, and the best so far.

    Failures are crosses at the lower edge; what breaks a constraint is hollow; values far worse
    than the rest are triangles at the edge. Where all values are positive and differ by more than a
    factor of 1000, the axis is logarithmic.

    Args:
        study: an engine, a state, or anything with a ``state``.
        outcome: its name; None for the first objective.
        known: the progress of the study, where that was worked out before.
        theme: the colours.
        ax: where to draw; None for a figure of its own.

    Raises:
        DefinitionError: a ``ValueError``; there is no such outcome.
    """
    state = state_of(study)
    place, known = outcome_place(state, outcome), known or insight.progress(state)
    if not len(known.trials):
        return canvas.sentence(why_nothing(study), theme, ax)
    ax = canvas.one_axes(theme, ax, 3.4)
    wanted, values = state.problem.outcomes[place], known.values[:, place]
    view = view_of(values, wanted.sign if wanted.goal else 0.0)
    order = np.arange(1.0, len(values) + 1)
    observed = ~known.failed
    dots(ax, order[observed], values[observed], known.feasible[observed], view, theme)
    if observed.any():
        look(ax, view)
    else:
        ax.set_yticks([])
        ax.text(
            0.5,
            0.5,
            canvas.written(why_nothing(study), 100),
            transform=ax.transAxes,
            ha="center",
            color=theme.ink,
            fontsize=canvas.NORMAL,
        )
    crosses(ax, order[known.failed], theme)
    if len(known.objectives) > 1 and observed.any():
        shown = insight.front(state)
        leads = np.isin(known.trials, shown.trials[shown.on_front])
        ax.scatter(
            order[leads],
            view.clipped(values[leads]),
            s=26,
            marker="D",
            color=theme.best,
            label="on the front",
            zorder=5,
        )
    if known.objectives == (place,):
        _best_so_far(ax, known, place, view, theme)
    missing = []
    for bound, says in ((wanted.at_least, "at least"), (wanted.at_most, "at most")):
        if bound is not None and not ax.get_ylim()[0] <= bound <= ax.get_ylim()[1]:
            missing.append(f"{says} {bound:.4g} is wanted, which lies beyond the axis.")
        elif bound is not None:
            ax.axhline(bound, color=theme.accent, linewidth=0.9, linestyle=(0, (4, 3)), zorder=2)
            ax.annotate(
                f"{says} {bound:.4g}",
                (1.0, bound),
                xycoords=("axes fraction", "data"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="right",
                color=theme.accent,
                fontsize=canvas.SMALL,
            )
    ax.set_xlim(0.5 - 0.02 * len(order), len(order) * 1.02 + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    goal = {"minimize": " (less is better)", "maximize": " (more is better)", None: ""}[wanted.goal]
    canvas.names(ax, "finished trials", None, theme)
    canvas.title(ax, canvas.written(wanted.name) + goal, theme)
    canvas.legend(ax, theme)
    canvas.note(canvas.figure_of(ax), " ".join(missing).capitalize(), theme)
    return canvas.figure_of(ax)


def _best_so_far(ax: Axes, known: Progress, place: int, view: View, theme: Theme) -> None:
    order = np.arange(1.0, len(known.trials) + 1)
    there = np.isfinite(known.best)
    if not there.any():
        return
    ax.step(
        order[there],
        view.clipped(known.best[there]),
        where="post",
        color=theme.accent,
        linewidth=1.6,
        label="best so far",
        zorder=4,
    )
    last = known.best[there][-1]
    first = int(np.flatnonzero((known.values[:, place] == last) & known.feasible)[0])
    star(ax, order[first], last, theme, f"best: {last:.6g}")


def hypervolume(study: Study, *, theme: Theme = LIGHT, ax: Axes | None = None) -> Figure:
    """Draw how much the front dominates after each trial; it takes several objectives.

    Args:
        study: an engine, a state, or anything with a ``state``.
        theme: the colours.
        ax: where to draw; None for a figure of its own.
    """
    known = insight.progress(study)
    if known.hypervolumes is None:
        return canvas.sentence("A hypervolume takes several objectives.", theme, ax)
    if not known.feasible.any():
        return canvas.sentence(f"There is no front. {why_nothing(study)}", theme, ax)
    if not np.isfinite(known.hypervolumes).all():
        huge = "The hypervolume is beyond what a number holds: give objectives in other units."
        return canvas.sentence(huge, theme, ax)
    ax = canvas.one_axes(theme, ax, 3.0)
    order = np.arange(1.0, len(known.trials) + 1)
    ax.step(order, known.hypervolumes, where="post", color=theme.accent, linewidth=1.6)
    ax.fill_between(
        order, known.hypervolumes, step="post", color=theme.accent, alpha=0.15, linewidth=0
    )
    ax.set_ylim(0.0, float(known.hypervolumes.max()) * 1.08 or 1.0)
    ax.set_xlim(1.0, max(len(order) * 1.0, 2.0))
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    crosses(ax, order[known.failed], theme)
    canvas.names(ax, "finished trials", None, theme)
    canvas.title(ax, "hypervolume of the front", theme)
    canvas.legend(ax, theme)
    return canvas.figure_of(ax)
