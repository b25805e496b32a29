"""Pictures of a study; they need the extra ``plots``: ``pip install 'asktell[plots]'``.

Every function takes an engine, a state, or anything with a ``state``, and returns a
``matplotlib.figure.Figure``, which belongs to no global state: a notebook shows it, and
``figure.savefig("progress.png")`` writes it. Where there is nothing to see, the picture says why.
Begin with ``study = asktell.insight.fitted(engine)`` where several pictures follow: the model is
then fitted once.
"""

from asktell.plots import canvas as canvas  # first: it says what to install
from asktell.plots.columns import parallel
from asktell.plots.contours import contour
from asktell.plots.cuts import dependence, slices
from asktell.plots.fronts import front
from asktell.plots.lanes import timeline
from asktell.plots.over_time import hypervolume, progress
from asktell.plots.sensitivity import importance
from asktell.plots.theme import DARK, LIGHT, Theme
from asktell.plots.validation import left_out

__all__ = [
    "DARK",
    "LIGHT",
    "Theme",
    "contour",
    "dependence",
    "front",
    "hypervolume",
    "importance",
    "left_out",
    "parallel",
    "progress",
    "slices",
    "timeline",
]
