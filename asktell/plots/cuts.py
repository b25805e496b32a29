"""The model along one parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asktell import insight
from asktell.errors import NothingObservedError
from asktell.insight import Axis, Slice, Study
from asktell.insight.subject import outcome_place
from asktell.model.kernels import Array
from asktell.plots import canvas
from asktell.plots.marks import View, crosses, dots, lay, look, star, view_of
from asktell.plots.subject import in_order, why_nothing
from asktell.plots.theme import LIGHT, Theme
from asktell.space.axes import Indices
from asktell.state import State

_COLUMNS = 4
"""Panels side by side."""

_COVERED = 1.96
"""Bands are so many deviations wide on either side: 95 % of a normal variable."""


def slices(
    study: Study,
    outcome: str | None = None,
    *,
    around: Mapping[str, Any] | None = None,
    order: Indices | None = None,
    most: int = 12,
    theme: Theme = LIGHT,
) -> Figure:
    """Draw the model along every parameter that is active in the best, and what was tried where.

    The band holds what is likely (95 %). Dots are trials, which differ in all parameters, so they
    need not lie in the band. The most important parameters come first. There are gaps where
    constraints leave no such params.

    Args:
        study: an engine, a state, or anything with a ``state``.
        outcome: its name; None for the first objective.
        around: the params that all slices go through; None for the best observed.
        order: positions of the parameters, as ``order`` of :class:`asktell.insight.Importance`,
            where that was worked out before; None for the most important first.
        most: how many parameters are drawn; the others are named below.
        theme: the colours.

    Raises:
        DefinitionError: a ``ValueError``; there is no such outcome.
        ParamsError: a ``ValueError``; the params do not lie in the space.
    """
    known = insight.fitted(study)
    state = known.state
    try:
        found = insight.slices(known, outcome, around)
    except NothingObservedError:
        return canvas.sentence(why_nothing(study), theme)
    along = {one.axis.name: one for one in found}
    places = in_order(known, outcome) if order is None else order
    names = [state.space.names[place] for place in places]
    ranked = [along[name] for name in names if name in along]
    shown = ranked[:most]
    view = _view(state, outcome, shown)
    panels = canvas.grid_of_axes(theme, len(shown), _COLUMNS, 1.75)
    for place, (ax, one) in enumerate(zip(panels, shown, strict=True)):
        _band(ax, one.axis, one.grid, one.mean, one.deviation, view, theme)
        dots(ax, one.tried, one.values, one.feasible, view, theme, 9.0)
        crosses(ax, one.failed, theme, 12.0)
        exist = np.isfinite(one.mean)
        level = np.interp([one.through], one.grid[exist], one.mean[exist])
        expected = float(view.clipped(level)[0])
        star(ax, one.through, expected, theme, "best" if around is None else "chosen")
        _panel(ax, one.axis, view, place, theme)
    figure = canvas.figure_of(panels[0])
    name = canvas.written(shown[0].outcome)
    canvas.heading(figure, f"{name} along each parameter, the others as at the star", theme)
    canvas.legend(panels, theme)
    less = canvas.rest([one.axis.name for one in ranked[most:]])
    absent = canvas.rest([n for n in names if n not in along], "not active at the star")
    canvas.note(figure, "\n".join(filter(None, (less, absent))), theme)
    return figure


def dependence(
    study: Study,
    names: str | Sequence[str] | None = None,
    outcome: str | None = None,
    *,
    most: int = 12,
    theme: Theme = LIGHT,
    ax: Axes | None = None,
) -> Figure:
    """Draw the model along parameters, averaged over all others.

    Args:
        study: an engine, a state, or anything with a ``state``.
        names: of one or several parameters; None for all, the most important first.
        outcome: its name; None for the first objective.
        most: how many parameters are drawn; the others are named below.
        theme: the colours.
        ax: where to draw a single parameter; None for a figure of its own.

    Raises:
        DefinitionError: a ``ValueError``; there is no such parameter or outcome.
    """
    known = insight.fitted(study)
    state = known.state
    if isinstance(names, str):
        names = [names]
    try:
        chosen = (
            list(names)
            if names is not None
            else [state.space.names[i] for i in in_order(known, outcome)]
        )
        found = [insight.dependence(known, name, outcome) for name in chosen[:most]]
    except NothingObservedError:
        return canvas.sentence(why_nothing(study), theme, ax)
    view = _view_of_means(found)
    if len(found) == 1:
        panels = [canvas.one_axes(theme, ax, 3.2)]
    else:
        panels = canvas.grid_of_axes(theme, len(found), _COLUMNS, 1.75)
    for place, (ax, one) in enumerate(zip(panels, found, strict=True)):
        _band(ax, one.axis, one.grid, one.mean, one.deviation, view, theme)
        ax.plot(
            one.tried,
            np.full(len(one.tried), 0.025),
            "|",
            transform=ax.get_xaxis_transform(),
            color=theme.muted,
            markersize=5,
            markeredgewidth=0.8,
            label="tried",
        )
        crosses(ax, one.failed, theme, 12.0)
        _panel(ax, one.axis, view, place, theme)
    figure = canvas.figure_of(panels[0])
    text = f"{canvas.written(found[0].outcome)} along each parameter, averaged over the others"
    if len(found) == 1:
        canvas.title(
            panels[0], text.replace("each parameter", canvas.written(found[0].axis.name)), theme
        )
    else:
        canvas.heading(figure, text, theme)
        canvas.legend(panels, theme)
        canvas.note(figure, canvas.rest(chosen[most:]), theme)
    return figure


# --- panels ---


def _view(state: State, outcome: str | None, shown: Sequence[Slice]) -> View:
    """Return the part of an outcome that holds the trials, and the means of all slices."""
    wanted = state.problem.outcomes[outcome_place(state, outcome)]
    sign = wanted.sign if wanted.goal else 0.0
    view = view_of(shown[0].values, sign)
    means = np.concatenate([one.mean for one in shown])
    if view.is_log:
        return view
    room = 0.4 * (view.high - view.low)
    low = max(min(view.low, float(np.nanmin(means))), view.low - room)
    high = min(max(view.high, float(np.nanmax(means))), view.high + room)
    return View(low, high, False)


def _view_of_means(found: Sequence[insight.Dependence]) -> View:
    """Return the part of an outcome that holds all means, and some of what is around them."""
    means = np.concatenate([one.mean for one in found])
    if not np.isfinite(means).any():
        return View(0.0, 1.0, False)
    low, high = float(np.nanmin(means)), float(np.nanmax(means))
    typical = float(np.nanmedian(np.concatenate([one.deviation for one in found])))
    room = min(2.0 * typical, max(0.6 * (high - low), 0.5 * typical))
    return View(low - room, high + room, False)


def _band(
    ax: Axes, axis: Axis, grid: Array, mean: Array, deviation: Array, view: View, theme: Theme
) -> None:
    low, high = mean - _COVERED * deviation, mean + _COVERED * deviation
    if view.is_log:
        mean, low, high = (np.maximum(part, view.low * 1e-3) for part in (mean, low, high))
    if axis.scale == "categories" or len(grid) == 1:
        ax.vlines(grid, low, high, color=theme.accent, alpha=0.35, linewidth=5)
        ax.plot(grid, mean, "_", color=theme.accent, markersize=12, markeredgewidth=2, zorder=5)
        return
    ax.fill_between(grid, low, high, color=theme.accent, alpha=0.18, linewidth=0)
    ax.plot(grid, mean, color=theme.accent, linewidth=1.5, zorder=5)


def _panel(ax: Axes, axis: Axis, view: View, place: int, theme: Theme) -> None:
    lay(ax, axis, longest=10, most=4, room=16)
    look(ax, view)
    canvas.names(ax, axis.name, None, theme, 24)
    if place % _COLUMNS:
        ax.tick_params(axis="y", labelleft=False)
