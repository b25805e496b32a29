"""How far off predictions are, judged by leaving out what is known, one point at a time.

A model of targets that are cut at a fence is surer than it should be where they are very bad, and
hyper-parameters that fit the points best are too sure elsewhere. So reported deviations are
stretched until they cover what was left out, in the outcome's own unit.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import evolve

from asktell.model.kernels import Array
from asktell.model.posterior import Posterior

_COVERED, _DEVIATIONS = 0.95, 1.96
"""This share of what was left out should lie within so many deviations, as of a normal variable."""

_FEWEST = 5
"""So many points before deviations are stretched at all."""

_LEAST = 0.5
"""The least factor: a model that was right of few points, or of equal ones, is not that sure."""


def calibrated(posterior: Posterior) -> Posterior:
    """Return the posterior with deviations that cover the targets that are left out.

    Predictions without a point come from Rasmussen and Williams 2006, eq. 5.12.
    """
    processes, data = posterior.processes, posterior.data
    n = len(data.points)
    if processes is None or n < _FEWEST:
        return posterior
    means, deviations = (part[:, :n] for part in processes.left_out())
    factors = np.ones(len(posterior.columns))
    for outcome, columns in enumerate(posterior.columns):
        if data.uses[outcome] == "given":
            continue
        location, scale = posterior.seen[columns.start].unit
        missed = data.targets[:, outcome] - (means[columns.start] * scale + location)
        factors[outcome] = stretch(np.abs(missed) / (deviations[columns.start] * scale))
    return evolve(posterior, calibration=factors)


def stretch(off: Array) -> float:
    """Return by what to multiply deviations, of which predictions were so many off (n,)."""
    n = len(off)
    if n < _FEWEST:
        return 1.0
    place = min(math.ceil((n + 1) * _COVERED), n) - 1
    return max(_LEAST, float(np.sort(off)[place]) / _DEVIATIONS)
