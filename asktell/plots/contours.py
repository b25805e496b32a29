"""The model over two parameters."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asktell import insight
from asktell.errors import NothingObservedError
from asktell.insight import Axis, Study
from asktell.insight.subject import outcome_place
from asktell.model.kernels import Array
from asktell.plots import canvas
from asktell.plots.marks import lay, star
from asktell.plots.subject import in_order, why_nothing
from asktell.plots.theme import LIGHT, Theme

_MOST_DOTS = 250
"""So many trials are drawn on a contour; of more, every other or every third and so on."""


def contour(
    study: Study,
    first: str | None = None,
    second: str | None = None,
    outcome: str | None = None,
    *,
    theme: Theme = LIGHT,
    ax: Axes | None = None,
) -> Figure:
    """Draw the model over two parameters, averaged over all others, and what was tried where.

    It is empty where conditions or constraints leave no such params.

    Args:
        study: an engine, a state, or anything with a ``state``.
        first: the name of one parameter; None for the most important.
        second: that of another; None for the most important other one.
        outcome: its name; None for the first objective.
        theme: the colours.
        ax: where to draw; None for a figure of its own.

    Raises:
        DefinitionError: a ``ValueError``; there is no such parameter or outcome, or both are the
            same.
    """
    known = insight.fitted(study)
    state = known.state
    if state.space.dim < 2:
        return canvas.sentence("A contour takes two parameters.", theme, ax)
    if first is None or second is None:
        ranked = [state.space.names[i] for i in in_order(known, outcome)]
        first = first or next(name for name in ranked if name != second)
        second = second or next(name for name in ranked if name != first)
    try:
        found = insight.contour(known, first, second, outcome)
    except NothingObservedError:
        return canvas.sentence(why_nothing(study), theme, ax)
    ax = canvas.one_axes(theme, ax, 4.4)
    ax.grid(False)
    goal = state.problem.outcomes[outcome_place(state, outcome)].goal
    colours = theme.colours + ("_r" if goal == "minimize" else "")
    mean = np.ma.masked_invalid(found.mean)
    mesh = ax.pcolormesh(
        _edges(found.first, found.first_grid),
        _edges(found.second, found.second_grid),
        mean,
        cmap=colours,
        rasterized=True,
    )
    is_smooth = "categories" not in (found.first.scale, found.second.scale)
    if is_smooth and min(mean.shape) > 1 and mean.count() and np.ptp(mean) > 0.0:
        ax.contour(
            found.first_grid,
            found.second_grid,
            mean,
            colors="#000000",
            linewidths=0.5,
            alpha=0.35,
        )
    _scatter_over(ax, found)
    if np.isfinite(found.best).all():
        x, y = found.best.tolist()
        star(ax, x, y, theme)
    lay(ax, found.first)
    lay(ax, found.second, upright=True)
    canvas.names(ax, found.first.name, found.second.name, theme)
    others = ", averaged over the others" if state.space.dim > 2 else ""
    canvas.title(ax, f"{canvas.written(found.outcome)} over two parameters{others}", theme)
    bar = canvas.figure_of(ax).colorbar(mesh, ax=ax, pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=theme.muted, labelsize=canvas.SMALL)
    return canvas.figure_of(ax)


def _scatter_over(ax: Axes, found: insight.Contour) -> None:
    """Mark trials in colours that are seen on the map, whatever the theme."""
    few = np.arange(len(found.tried)) % -(-len(found.tried) // _MOST_DOTS) == 0
    for rows, marker, face in (
        (found.feasible & few, "o", "#ffffff"),
        (~found.feasible & few, "o", "none"),
    ):
        if rows.any():
            ax.scatter(
                found.tried[rows, 0],
                found.tried[rows, 1],
                s=16,
                marker=marker,
                facecolors=face,
                edgecolors="#1b1f24" if face != "none" else "#ffffff",
                linewidths=0.8,
                zorder=3,
            )
    if len(found.failed):
        x, y = found.failed.T
        ax.scatter(x, y, marker="x", s=22, color="#ffffff", linewidths=2.4, zorder=3)
        ax.scatter(x, y, marker="x", s=20, color=LIGHT.failed, linewidths=1.2, zorder=4)


def _edges(axis: Axis, grid: Array) -> Array:
    """Return the edges of cells around a grid (n + 1,)."""
    if axis.scale == "log":
        return np.exp(_edges_of(np.log(grid), *map(float, np.log(axis.limits))))
    return _edges_of(grid, *axis.limits)


def _edges_of(grid: Array, low: float, high: float) -> Array:
    if len(grid) == 1:
        room = 0.5 if high > low or not low else abs(low) * 0.05
        return np.array([grid[0] - room, grid[0] + room])
    middles = grid[1:] / 2 + grid[:-1] / 2
    return np.concatenate([[min(low, grid[0])], middles, [max(high, grid[-1])]])
