"""The pictures of a report: those of ``asktell.plots``, in the colours of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import evolve, fields

from asktell.errors import MissingExtraError
from asktell.insight import Importance, Progress, Study, Timeline
from asktell.insight.subject import state_of
from asktell.reports.page import Block, Picture, Prose
from asktell.reports.vector import MOST_MARKS, inline_svg
from asktell.study.views import Observation

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
        many = state_of(study).n_over > MOST_MARKS
        self._selection = "Of so many trials, an even selection is drawn." if many else ""
        self._drawn = 0

    @property
    def theme(self) -> Theme:
        """Return what figures are to be drawn in."""
        return self._theme

    def drawn(self, draw: Callable[[], Figure], alternative: str, caption: str = "") -> Block:
        """Return a picture of the page, or a sentence where numbers are beyond what can be drawn.

        Args:
            draw: makes a figure in the theme.
            alternative: the same in words.
            caption: is shown below.
        """
        self._drawn += 1
        try:
            svg = inline_svg(draw(), f"p{self._drawn}-", self._variables)
        except (ArithmeticError, ValueError):  # matplotlib's: 1e300 beside 1e-300, and the like
            return Prose(f"There is no picture of {alternative}: its numbers are too far apart.")
        return Picture(svg, alternative, caption)

    def progress(self, outcome: str, known: Progress) -> Block:
        """Return what every trial gave."""
        text = f"{outcome} of every trial in the order in which they finished, and the best so far"
        return self._plot("progress", text, self._selection, outcome=outcome, known=known)

    def front(self) -> Block:
        """Return the front of several objectives."""
        text = "what was measured in the objectives, and the front of what nothing else dominates"
        return self._plot("front", text, self._selection)

    def hypervolume(self) -> Block:
        """Return the hypervolume of the front."""
        return self._plot("hypervolume", "the hypervolume of the front after each trial")

    def importance(self, known: Importance) -> Block:
        """Return which parameters matter."""
        text = f"which share of the differences in {known.outcome} each parameter has a part in"
        return self._plot("importance", text, study=known)

    def slices(self, known: Importance, best: Observation | None) -> Block:
        """Return the model along the parameters, the most important first, through the best."""
        name = known.outcome
        caption = (
            f"What the model expects of {name} when one parameter changes and the others stay "
            f"as in the best{'' if best else ' in one objective'}. The band holds what is likely "
            "(95 %). Dots are trials; they differ in all parameters, so they need not lie in the "
            "band."
        )
        text = f"{name} along each parameter, as the model expects it, with the trials"
        # in noise, the best is not the one with the best target, which slices go through else
        through = best.params if best is not None and best.expected_numbers is not None else None
        of = {"outcome": name, "order": known.order, "around": through}
        return self._plot("slices", text, f"{caption} {self._selection}", **of)

    def left_out(self, outcome: str) -> Block:
        """Return what the model expects of each result without it."""
        text = f"{outcome} as it was measured, against what the model expects without it"
        return self._plot("left_out", text, outcome=outcome)

    def timeline(self, known: Timeline) -> Block:
        """Return when which evaluation ran."""
        text = "when which evaluation ran, and what became of it"
        return self._plot("timeline", text, study=known)

    def _plot(self, name: str, text: str, caption: str = "", study: Any = None, **of: Any) -> Block:
        from asktell import plots  # takes a second, which few need

        what = self._study if study is None else study
        draw = partial(getattr(plots, name), what, theme=self._theme, **of)
        return self.drawn(draw, text, caption)
