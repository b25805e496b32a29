"""Which points are taken: whether they decode to values that a trial has."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from asktell.model.kernels import Array
from asktell.space.domain import Mask
from asktell.space.parameters import Float, Parameter
from asktell.space.space import Values
from asktell.state import State

_NEAR = 1e-9
"""Points of the same values lie closer than this along an axis, unless its floats are coarser."""


def taken_of(
    state: State, decode: Callable[[Array], list[Values]] | None = None
) -> Callable[[Array], Mask]:
    """Return what tells of points (m, d) on the axes whether they are taken (m,).

    Decoding takes long, and most points lie near no trial: so only those are decoded whose
    projection on a line is that of a trial.

    Args:
        state: with the trials.
        decode: says what the values of points are; None for the whole space's way.
    """
    space = state.space
    decode = decode or space.decode
    values = [trial.configuration.values for trial in state.kept]
    line = np.random.default_rng(0).random(space.dim)
    known = np.sort(space.encode(values) @ line)
    near = np.array([_NEAR + 4.0 * _coarseness(parameter) for parameter in space.parameters])
    reach = float(line @ near)

    def taken(points: Array) -> Mask:
        places = points @ line
        first = np.searchsorted(known, places - reach)
        close = np.flatnonzero(np.append(known, np.inf)[first] <= places + reach)
        found = np.zeros(len(points), dtype=bool)
        found[close] = [state.is_taken(row) for row in decode(points[close])]
        return found

    return taken


def _coarseness(parameter: Parameter) -> float:
    """Return by how much positions of neighbouring floats differ at most, along a continuum."""
    if not isinstance(parameter, Float) or parameter.axis.size is not None:
        return 0.0
    low, high = parameter.low, parameter.high
    if parameter.log:
        low, high = math.log(low), math.log(high)
        return (math.ulp(max(abs(low), abs(high))) + math.ulp(1.0)) / (high - low)
    return math.ulp(max(abs(low), abs(high))) / (high - low)
