"""The pictures of a report: those of ``asktell.plots``, in the colours of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import evolve, fields

from asktell.errors import MissingExtraError
from asktell.reports.page import Picture
from asktell.reports.vector import inline_svg
from asktell.insight import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from asktell.plots import Theme

_BACKGROUND, _INK = "#fffffe", "#1b1f25"
"""Stand-ins for two colours that pictures also use as they are, whatever the theme."""


def page_theme() -> tuple[Theme, Mapping[str, str]]:
    """Return a theme to draw in, and the variables that take the place of its colours.

    Raises:
        MissingExtraError: an ``ImportError``; the package matplotlib is not installed.
    """
    try:
        from asktell.plots import LIGHT
    except ImportError:
        message = "a report needs the package matplotlib: pip install 'asktell[report]'"
        raise MissingExtraError(message) from None
    theme = evolve(LIGHT, background=_BACKGROUND, ink=_INK)
    names = [one.name for one in fields(type(theme)) if one.name != "colours"]
    return theme, {getattr(theme, name): f"--plot-{name}" for name in names}


class Gallery:
    """Draws pictures for one page; ids of one do not occur in another.

    Args:
        study: what they are of.
    """

    def __init__(self, study: Study) -> None:
        """Choose the colours."""
        self._study = study
        self._theme, self._variables = page_theme()
        self._drawn = 0

    def added(self, figure: Figure, alternative: str, caption: str = "") -> Picture:
        """Return a figure, drawn in the theme of :func:`page_theme`, as a picture of the page."""
        self._drawn += 1
        svg = inline_svg(figure, f"p{self._drawn}-", self._variables)
        return Picture(svg, alternative, caption)

    @property
    def theme(self) -> Theme:
        """Return what figures are to be drawn in."""
        return self._theme

    def progress(self, outcome: str) -> Picture:
        """Return what every trial gave."""
        from asktell import plots

        figure = plots.progress(self._study, outcome, theme=self._theme)
        text = f"{outcome} of every trial in the order in which they finished, and the best so far"
        return self.added(figure, text)

    def front(self) -> Picture:
        """Return the front of several objectives."""
        from asktell import plots

        text = "what was measured in the objectives, and the front of what nothing else dominates"
        return self.added(plots.front(self._study, theme=self._theme), text)

    def hypervolume(self) -> Picture:
        """Return the hypervolume of the front."""
        from asktell import plots

        text = "the hypervolume of the front after each trial"
        return self.added(plots.hypervolume(self._study, theme=self._theme), text)

    def importance(self, outcome: str, study: Study | None = None) -> Picture:
        """Return which parameters matter; of another study, where one is given."""
        from asktell import plots

        figure = plots.importance(study or self._study, outcome, theme=self._theme)
        text = f"which share of the differences in {outcome} each parameter has a part in"
        return self.added(figure, text)

    def slices(self, outcome: str) -> Picture:
        """Return the model along the parameters."""
        from asktell import plots

        figure = plots.slices(self._study, outcome, theme=self._theme)
        caption = (
            f"What the model expects of {outcome} when one parameter changes and the others stay "
            "as in the best. The band holds what is likely (95 %). Dots are trials; they differ in "
            "all parameters, so they need not lie in the band."
        )
        text = f"{outcome} along each parameter, as the model expects it, with the trials"
        return self.added(figure, text, caption)

    def left_out(self, outcome: str) -> Picture:
        """Return what the model expects of each result without it."""
        from asktell import plots

        figure = plots.left_out(self._study, outcome, theme=self._theme)
        text = f"{outcome} as it was measured, against what the model expects without it"
        return self.added(figure, text)

    def timeline(self) -> Picture:
        """Return when which evaluation ran."""
        from asktell import plots

        text = "when which evaluation ran, and what became of it"
        return self.added(plots.timeline(self._study, theme=self._theme), text)
