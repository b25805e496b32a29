"""What can be known of a study, as plain arrays: for tables, pictures and reports.

Every function takes an engine, a state, or anything with a ``state``, and returns a frozen value.
Nothing is drawn or written here; :mod:`asktell.plots` draws these values. Numbers are in natural
units: those of parameters as in params, with positions for categories; those of outcomes as told.
"""

from asktell.insight.columns import Parallel, parallel
from asktell.insight.cuts import Contour, Dependence, Slice, contour, dependence, slices
from asktell.insight.fronts import Front, front
from asktell.insight.lanes import Timeline, timeline
from asktell.insight.over_time import Progress, progress
from asktell.insight.scales import Axis, axis
from asktell.insight.sensitivity import Importance, importance
from asktell.insight.sobol import SobolIndices, sobol_indices
from asktell.insight.subject import HasState, Study
from asktell.insight.surrogate import Fitted, fitted
from asktell.insight.validation import LeftOut, left_out

__all__ = [
    "Axis",
    "Contour",
    "Dependence",
    "Fitted",
    "Front",
    "HasState",
    "Importance",
    "LeftOut",
    "Parallel",
    "Progress",
    "Slice",
    "SobolIndices",
    "Study",
    "Timeline",
    "axis",
    "contour",
    "dependence",
    "fitted",
    "front",
    "importance",
    "left_out",
    "parallel",
    "progress",
    "slices",
    "sobol_indices",
    "timeline",
]
