"""Figures and axes in a theme, and text that fits on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from textwrap import wrap
from typing import Any

from asktell.errors import MissingExtraError
from asktell.plots.theme import Theme

try:
    from matplotlib import font_manager
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font
except ImportError as error:
    message = "pictures need matplotlib, which the extra brings: pip install 'asktell[plots]'"
    raise MissingExtraError(message) from error

SMALL, NORMAL, LARGE = 7.5, 8.5, 10.5
"""Sizes of text, in points."""

WIDTH = 7.5
"""Of a figure, in inches."""

_LONGEST = 26
_LEGEND_DOWN = 19.0
"""Points from the top of a picture of several axes to its legend: the title is above it."""

_NOTE_LINE, _NOTE = 118, 230
"""Letters on a line of a note, and in all of it."""


def new_figure(theme: Theme, height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure that no global state knows of."""
    return Figure(
        figsize=(width, height), layout="constrained", facecolor=theme.background, dpi=120
    )


def one_axes(theme: Theme, ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """Return the axes to draw on: those given, or the only ones of a new figure."""
    return dress(new_figure(theme, height, width).add_subplot() if ax is None else ax, theme)


def grid_of_axes(theme: Theme, n: int, columns: int, height: float) -> list[Axes]:
    """Return n axes in rows of so many; each row has a height in inches."""
    columns = min(n, columns)
    rows = -(-n // columns)
    figure = new_figure(theme, rows * height + 0.7)
    figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.05)
    return [dress(figure.add_subplot(rows, columns, i + 1), theme) for i in range(n)]


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes belong to."""
    figure = ax.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure


def dress(ax: Axes, theme: Theme) -> Axes:
    """Give axes the colours of a theme, and take away what carries no information."""
    ax.set_facecolor(theme.background)
    ax.tick_params(colors=theme.muted, labelsize=SMALL, length=3, which="both")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(theme.grid)
    ax.grid(True, color=theme.grid, linewidth=0.6)
    ax.set_axisbelow(True)
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_offset_text().set(color=theme.muted, size=SMALL)
    return ax


# --- text ---


def written(text: str, longest: int = _LONGEST) -> str:
    """Return text as it can be drawn: on a line, shortened in its middle, without formulas."""
    text = " ".join(text.split())
    if len(text) > longest:
        start = (longest - 1) // 2
        text = f"{text[:start]}…{text[len(text) - (longest - 1 - start) :]}"
    known = _font().get_charmap()
    text = "".join(letter if ord(letter) in known else "□" for letter in text)
    return text.replace("$", r"\$")  # else two of them would make a formula


@cache
def _font() -> FT2Font:
    return font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))


def title(ax: Axes, text: str, theme: Theme) -> None:
    """Write the title of a whole picture above its only axes."""
    ax.set_title(text, loc="left", color=theme.ink, fontsize=LARGE, pad=8)


def heading(figure: Figure, text: str, theme: Theme) -> None:
    """Write the title of a picture of several axes, with a line below it for the legend."""
    figure.suptitle(f"{text}\n", x=0.01, ha="left", color=theme.ink, fontsize=LARGE)


def names(ax: Axes, across: str | None, up: str | None, theme: Theme, longest: int = 40) -> None:
    """Name the axes."""
    if across is not None:
        ax.set_xlabel(written(across, longest), color=theme.ink, fontsize=NORMAL)
    if up is not None:
        ax.set_ylabel(written(up, longest), color=theme.ink, fontsize=NORMAL)


def note(figure: Figure, text: str, theme: Theme, line: int = _NOTE_LINE) -> None:
    """Write a line below a picture."""
    if text:
        text = "\n".join(row for part in text.splitlines() for row in wrap(part, line))
        figure.supxlabel(text, x=0.01, ha="left", color=theme.muted, fontsize=SMALL)


def rest(names: Sequence[str], why: str = "more matter less") -> str:
    """Return a line on parameters that are not drawn, empty where there are none."""
    if not names:
        return ""
    text = f"{len(names)} {why}: "
    shown = []
    for name in names:
        shown.append(written(name, 20))
        if len(text) + len(", ".join(shown)) > _NOTE - 40:
            break
    more = len(names) - len(shown)
    return f"{text}{', '.join(shown)}{f', and {more} others' if more else ''}"


def legend(axes: Axes | Sequence[Axes], theme: Theme) -> None:
    """Say what the marks are that have a label, in a row between the title and the axes."""
    look: dict[str, Any] = {
        "frameon": False,
        "fontsize": SMALL,
        "labelcolor": theme.ink,
        "handletextpad": 0.4,
        "columnspacing": 1.2,
        "handlelength": 1.6,
        "borderaxespad": 0.0,
        "ncols": 6,
    }
    if isinstance(axes, Axes):
        handles, labels = axes.get_legend_handles_labels()
        if len(handles) > 1:
            axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(0.0, 1.02), **look)
            axes.set_title(
                axes.get_title("left"), loc="left", color=theme.ink, fontsize=LARGE, pad=22
            )
        return
    found: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        figure = figure_of(axes[0])
        down = 1.0 - _LEGEND_DOWN / (72.0 * figure.get_figheight())
        look["bbox_to_anchor"] = (0.01, down)
        figure.legend(list(found.values()), list(found), loc="upper left", **look)


def sentence(text: str, theme: Theme, ax: Axes | None = None) -> Figure:
    """Return a picture that says why there is nothing to see."""
    if ax is None:
        ax = new_figure(theme, 1.6).add_subplot()
    ax.set_axis_off()
    ax.text(
        0.5,
        0.5,
        written(text, 300),
        transform=ax.transAxes,
        ha="center",
        va="center",
        color=theme.muted,
        fontsize=NORMAL,
        wrap=True,
    )
    return figure_of(ax)
