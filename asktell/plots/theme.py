"""The colours of a picture."""

from __future__ import annotations

from attrs import frozen


@frozen(repr=False)
class Theme:
    """The colours of a picture, each in a form that matplotlib knows.

    Shapes say the same as colours do: what failed is a cross, what breaks a constraint is hollow,
    the best is a star. So nothing depends on telling colours apart.

    Attributes:
        ink: of text.
        muted: of ticks, notes, and what was tried.
        grid: of lines behind the data.
        background: ``"none"`` for a transparent one.
        accent: of the model, and of what leads.
        best: of the best.
        failed: of what failed.
        waiting: of what ran out of time.
        faint: of what is worst, where colours go from this to ``accent``.
        colours: the name of matplotlib's map for areas from bad to good.
    """

    ink: str
    muted: str
    grid: str
    background: str
    accent: str
    best: str
    failed: str
    waiting: str
    faint: str
    colours: str

    def __repr__(self) -> str:
        return f"<Theme of {self.ink} on {self.background}>"


LIGHT = Theme(
    ink="#1b1f24",
    muted="#6b7480",
    grid="#e4e7eb",
    background="#ffffff",
    accent="#0072b2",
    best="#d55e00",
    failed="#a3306f",
    waiting="#c98f00",
    faint="#d5dae0",
    colours="cividis",
)
"""Dark on white. The hues are those of Okabe and Ito's palette for colour-blind readers."""

DARK = Theme(
    ink="#e8ebef",
    muted="#98a2ae",
    grid="#333a43",
    background="#15191e",
    accent="#56b4e9",
    best="#ff9a4d",
    failed="#e58abf",
    waiting="#e6c229",
    faint="#3a434d",
    colours="cividis",
)
"""Light on black, with the same hues."""
