"""How trials and axes are drawn, in every picture alike."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from asktell.insight import Axis
from asktell.model.kernels import Array
from asktell.plots.canvas import SMALL, written
from asktell.plots.theme import Theme
from asktell.space.domain import Mask

_LOG_FROM = 1e3
"""Where all values are > 0, and the largest is so many times the least, the axis is logarithmic."""

_LOG_TO, _LEAST = 1e200, 1e-200
"""Matplotlib's logarithmic axes overflow where there are more powers of ten, or smaller numbers."""

_FENCE = 3.0
"""So many times the distance of the quartiles beyond them a value is far off (Tukey 1977)."""


_MANY = 300
"""From so many dots on they are smaller, and let each other through."""


@frozen
class View:
    """Which part of an outcome is seen: what is far worse than the rest is drawn at the edge."""

    low: float
    high: float
    is_log: bool

    def clipped(self, values: Array) -> Array:
        """Return values moved to the edge where they lie beyond it."""
        return np.clip(values, self.low, self.high)

    def beyond(self, values: Array) -> Mask:
        """Tell which values lie beyond the edge."""
        return np.asarray((values < self.low) | (values > self.high))


def view_of(values: Array, sign: float) -> View:
    """Return which part of some values to show; sign says which way is good, 0 for neither."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return View(0.0, 1.0, False)
    low, high = float(finite.min()), float(finite.max())
    if low > _LEAST and _LOG_FROM < high / low < _LOG_TO and len(finite) > 4:
        return View(low, high, True)
    first, third = np.quantile(finite, [0.25, 0.75])
    reach = _FENCE * (third - first)
    nearer_low = max(low, first - reach) if sign > 0.0 else low
    nearer_high = min(high, third + reach) if sign < 0.0 else high
    if reach > 0.0 and nearer_high / 2 - nearer_low / 2 < 0.5 * (high / 2 - low / 2):
        return View(float(nearer_low), float(nearer_high), False)
    return View(low, high, False)


def look(ax: Axes, view: View) -> None:
    """Set the vertical limits to a view, with some room."""
    if view.is_log:
        room = (view.high / view.low) ** 0.06
        ax.set_yscale("log")
        ax.set_ylim(view.low / room, view.high * room)
        return
    room = 0.07 * (view.high - view.low)
    room = room if room > 0.0 and math.isfinite(room) else (abs(view.high) or 1.0) * 0.1
    if math.isfinite(view.high + room) and math.isfinite(view.high - view.low):
        ax.set_ylim(view.low - room, view.high + room)


def dots(
    ax: Axes,
    x: Array,
    y: Array,
    feasible: Mask,
    view: View,
    theme: Theme,
    size: float = 16.0,
    across: View | None = None,
) -> None:
    """Draw trials: filled, hollow where they break a constraint, triangles at the edge.

    Where ``across`` is a view of x, triangles point to what lies beyond that, too.
    """
    above, at = view.beyond(y), view.clipped(y)
    beside = np.zeros(len(x), dtype=bool) if across is None else across.beyond(x) & ~above
    x, far = x if across is None else across.clipped(x), above | beside
    fewer = min(1.0, _MANY / max(len(x), 1))
    size, alpha = max(size * fewer, 2.0), max(0.85 * fewer**0.5, 0.3)
    kinds = (
        ("observed", feasible & ~far, "o", theme.muted),
        ("infeasible", ~feasible & ~far, "o", "none"),
        ("far off", above & (y > view.high), "^", "none"),
        ("far off", above & (y < view.low), "v", "none"),
        ("far off", beside & (x == (across or view).high), ">", "none"),
        ("far off", beside & (x == (across or view).low), "<", "none"),
    )
    for label, rows, marker, face in kinds:
        if rows.any():
            ax.scatter(
                x[rows],
                at[rows],
                s=size,
                marker=marker,
                facecolors=face,
                edgecolors=theme.muted,
                linewidths=0.8,
                alpha=alpha,
                label=label,
                zorder=3,
            )


def crosses(ax: Axes, x: Array, theme: Theme, size: float = 18.0) -> None:
    """Mark where trials failed, at the lower edge."""
    if len(x):
        ax.scatter(
            x,
            np.full(len(x), 0.025),
            transform=ax.get_xaxis_transform(),
            marker="x",
            s=size,
            color=theme.failed,
            linewidths=1.1,
            label="failed",
            zorder=4,
            clip_on=False,
        )


def star(ax: Axes, x: float, y: float, theme: Theme, label: str | None = "best") -> None:
    """Mark the best."""
    ax.scatter(
        [x],
        [y],
        marker="*",
        s=120,
        facecolors=theme.best,
        edgecolors=theme.background if theme.background != "none" else theme.ink,
        linewidths=0.8,
        label=label,
        zorder=6,
    )


def lay(
    ax: Axes,
    axis: Axis,
    upright: bool = False,
    longest: int = 14,
    most: int = 8,
    room: int = 60,
) -> None:
    """Lay a parameter's scale, limits and ticks along the horizontal axis, or the vertical one.

    There are at most so many labels of at most so many letters; they are turned where all of them
    together have more letters than there is room for.
    """
    target = ax.yaxis if upright else ax.xaxis
    set_scale = ax.set_yscale if upright else ax.set_xscale
    set_limits = ax.set_ylim if upright else ax.set_xlim
    low, high = axis.limits
    if axis.scale == "log" and high > low:
        set_scale("log")
        beside = (high / low) ** 0.02
        set_limits(low / beside, high * beside if math.isfinite(high * beside) else high)
    elif axis.scale == "categories":
        set_limits(low, high)
    else:
        beside = 0.02 * (high - low) if high > low else abs(high) * 0.1 or 1.0
        set_limits(low - beside, high + beside)
    most = 2 * most if axis.scale == "categories" else most
    every = -(-len(axis.ticks) // most)
    target.set_major_locator(FixedLocator(axis.ticks[::every].tolist()))
    labels = [written(label, longest) for label in axis.labels[::every]]
    target.set_major_formatter(FixedFormatter(labels))
    target.set_minor_locator(NullLocator())
    if not upright and sum(len(label) for label in labels) > room:
        ax.tick_params(axis="x", labelrotation=30, labelsize=SMALL - 0.5)
        for text in ax.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
