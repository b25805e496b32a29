"""Trials as lines through parallel axes: one for every parameter, and one for every outcome."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from asktell.insight.scales import Axis, axis_of, axis_of_numbers
from asktell.insight.subject import Study, state_of
from asktell.insight.tried import tried
from asktell.model.kernels import Array
from asktell.space.axes import Indices
from asktell.space.domain import Mask


@frozen(eq=False)
class Parallel:
    """Finished trials (n), and an axis for each parameter, then for each outcome (c in all).

    Attributes:
        axes: in the order of the space, then of the outcomes; an axis knows its ticks.
        n_parameters: how many of the axes are parameters.
        trials: the numbers of the trials (n,), in order of arrival.
        values: in natural units (n, c); categories are positions; NaN where nothing was measured,
            or a parameter was not active.
        shares: how far along its axis each value lies (n, c), from 0 to 1; NaN likewise.
        feasible: which hold all constraints (n,).
        failed: which failed (n,).
    """

    axes: tuple[Axis, ...]
    n_parameters: int
    trials: Indices
    values: Array
    shares: Array
    feasible: Mask
    failed: Mask


def parallel(study: Study) -> Parallel:
    """Return a row for every finished trial, each column also scaled to 0..1.

    Args:
        study: an engine, a state, or anything with a ``state``.
    """
    state = state_of(study)
    known, problem = tried(state), state.problem
    axes = [axis_of(parameter) for parameter in state.space.parameters]
    axes += [axis_of_numbers(n, known.values[:, i]) for i, n in enumerate(problem.outcome_names)]
    values = np.hstack([known.params, known.values])
    shares = np.column_stack([one.shares(values[:, i]) for i, one in enumerate(axes)])
    return Parallel(
        tuple(axes),
        state.space.dim,
        known.numbers,
        values,
        shares,
        known.feasible,
        known.failed,
    )
