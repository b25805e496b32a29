"""Trials as lines through parallel axes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from asktell import insight
from asktell.insight import Axis, Parallel, Study
from asktell.insight.subject import outcome_place
from asktell.insight.tried import best_row, tried
from asktell.model.kernels import Array
from asktell.plots import canvas
from asktell.plots.subject import in_order, why_nothing
from asktell.plots.theme import LIGHT, Theme
from asktell.space.axes import Indices

_MOST_LINES = 400
"""So many trials are drawn: half of them the best, the others an even selection."""

_MOST_TICKS = 6

_NOT_ACTIVE = -0.13
"""Where lines pass an axis whose parameter is not active in the trial: below the axis."""

_LETTERS = 70
"""Letters of labels that have room beside each other on all axes together."""


def parallel(
    study: Study,
    outcome: str | None = None,
    *,
    most: int = 10,
    theme: Theme = LIGHT,
    ax: Axes | None = None,
) -> Figure:
    """Draw every trial as a line through its params and outcomes; the best stands out.

    The stronger the colour, the better the rank of the outcome. What failed is dashed and ends
    before the outcomes. The most important parameters come first. Lines pass below the axes of
    parameters that are not active.

    Args:
        study: an engine, a state, or anything with a ``state``.
        outcome: whose rank the colour is; None for the first objective.
        most: how many parameters are drawn; the others are named below.
        theme: the colours.
        ax: where to draw; None for a figure of its own.

    Raises:
        DefinitionError: a ``ValueError``; there is no such outcome.
    """
    known = insight.fitted(study)
    state = known.state
    place, found = outcome_place(state, outcome), insight.parallel(state)
    if not len(found.trials):
        return canvas.sentence(why_nothing(study), theme, ax)
    shares = found.shares.copy()
    skipped = np.isnan(shares)
    skipped[:, found.n_parameters :] = False
    shares[skipped] = _NOT_ACTIVE
    order = in_order(known, outcome).tolist()
    columns = order[:most] + list(range(found.n_parameters, len(found.axes)))
    ax = canvas.one_axes(theme, ax, 4.2)
    wanted = state.problem.outcomes[place]
    worth = found.values[:, found.n_parameters + place] * wanted.sign
    best = best_row(state, place, tried(state))
    drawn = _selected(np.where(found.feasible, worth, -np.inf), best)
    _lines(ax, found, shares[:, columns], worth, drawn, theme)
    if best is not None and found.feasible[best]:
        several = wanted.goal and not state.problem.has_scale
        label = f"best in {canvas.written(wanted.name)}" if several else "best"
        ax.plot(shares[best, columns], color=theme.best, linewidth=2.2, label=label, zorder=5)
    for x, column in enumerate(columns):
        _upright(ax, x, found.axes[column], max(4, _LETTERS // len(columns)), theme)
    ax.set_xlim(-0.15, len(columns) - 1 + 0.4)
    ax.set_ylim(-0.04, 1.04)
    if skipped[:, columns].any():
        ax.set_ylim(_NOT_ACTIVE - 0.03, 1.04)
        _below(ax, np.flatnonzero(skipped[:, columns].any(axis=0)), theme)
    ax.grid(False)
    ax.set_yticks([])
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    labels = [canvas.written(found.axes[column].name, 18) for column in columns]
    ax.set_xticks(range(len(columns)), labels, rotation=25, ha="right", rotation_mode="anchor")
    ax.tick_params(axis="x", length=0, labelcolor=theme.ink, labelsize=canvas.NORMAL)
    sense = "better" if wanted.goal else "greater"
    name = canvas.written(wanted.name)
    canvas.title(ax, f"every trial; the stronger, the {sense} its {name}", theme)
    canvas.legend(ax, theme)
    some = (
        f"{len(drawn)} of {len(found.trials)} trials are drawn. "
        if len(drawn) < len(found.trials)
        else ""
    )
    rest = canvas.rest([found.axes[i].name for i in order[most:]])
    canvas.note(canvas.figure_of(ax), some + rest, theme)
    return canvas.figure_of(ax)


def _selected(worth: Array, best: int | None) -> Indices:
    """Return which trials to draw, by worth; the best is among them."""
    order = np.argsort(np.where(np.isnan(worth), -np.inf, worth), kind="stable")
    if len(order) <= _MOST_LINES:
        return order
    half = _MOST_LINES // 2
    others = np.linspace(0, len(order) - half - 1, half).astype(np.int64)
    chosen = np.concatenate([order[others], order[-half:]])
    return chosen if best is None or best in chosen else np.append(chosen, best)


def _lines(
    ax: Axes,
    found: Parallel,
    shares: Array,
    worth: Array,
    drawn: Indices,
    theme: Theme,
) -> None:
    """Draw trials in this order, through shares of the axes (n, columns)."""
    x = np.arange(shares.shape[1])
    feasible, failed = found.feasible, found.failed
    seen = drawn[~failed[drawn]]
    ranks = np.linspace(0.0, 1.0, len(seen)) if len(seen) > 1 else np.ones(len(seen))
    by_worth = np.argsort(np.argsort(worth[seen], kind="stable"), kind="stable")
    ramp = LinearSegmentedColormap.from_list("worth", [theme.faint, theme.accent])
    colours = ramp(ranks[by_worth])
    for rows, style, alpha in ((feasible, "solid", 0.75), (~feasible, "dotted", 0.6)):
        chosen = rows[seen]
        if chosen.any():
            segments = [np.column_stack([x, shares[i]]) for i in seen[chosen]]
            ax.add_collection(
                LineCollection(
                    segments,
                    colors=colours[chosen],
                    linewidths=0.9,
                    alpha=alpha,
                    linestyles=style,
                )
            )
    lost = drawn[failed[drawn]]
    if len(lost):
        segments = [np.column_stack([x, shares[i]])[~np.isnan(shares[i])] for i in lost]
        ax.add_collection(
            LineCollection(
                segments, colors=theme.failed, linewidths=0.9, linestyles="dashed", label="failed"
            )
        )


def _below(ax: Axes, places: Indices, theme: Theme) -> None:
    """Mark the places below the axes where lines pass that have no value there."""
    ax.plot(
        places,
        np.full(len(places), _NOT_ACTIVE),
        "o",
        markersize=4,
        markerfacecolor=theme.background if theme.background != "none" else "white",
        markeredgecolor=theme.muted,
        label="not active",
        zorder=6,
    )


def _upright(ax: Axes, x: int, axis: Axis, longest: int, theme: Theme) -> None:
    ax.vlines(x, 0.0, 1.0, color=theme.muted, linewidth=0.8, zorder=3)
    every = -(-len(axis.ticks) // _MOST_TICKS)
    for share, label in list(zip(axis.shares(axis.ticks), axis.labels, strict=True))[::every]:
        ax.annotate(
            canvas.written(label, longest),
            (x, share),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=canvas.SMALL - 0.5,
            color=theme.ink,
            zorder=7,
            bbox={
                "boxstyle": "round,pad=0.12",
                "facecolor": theme.background,
                "edgecolor": "none",
                "alpha": 0.75,
            },
        )
