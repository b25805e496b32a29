"""What was tried, and what came of it, as arrays."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from asktell.asking import know
from asktell.insight.scales import numbers_of
from asktell.model.kernels import Array
from asktell.space.axes import Indices
from asktell.space.domain import Mask
from asktell.state import State
from asktell.study.trials import Trial, mean_numbers


@frozen(eq=False)
class Tried:
    """Finished trials, in order of arrival.

    Attributes:
        numbers: those of the trials (n,).
        params: a column for every parameter (n, d), in natural units; categories are positions; NaN
            where it is not active.
        values: a column for every outcome (n, k), as told; the means of replicates; NaN where the
            evaluation failed.
        feasible: which of them hold all constraints (n,).
        failed: which of them failed (n,).
    """

    numbers: Indices
    params: Array
    values: Array
    feasible: Mask
    failed: Mask


def finished(state: State) -> list[Trial]:
    """Return the trials that are over, by the arrival of the first report that counts."""
    arrivals = [
        (min(report.arrival for report in trial.reports if report.counts), trial)
        for trial in state.kept
        if trial.is_over
    ]
    return [trial for _, trial in sorted(arrivals, key=lambda pair: pair[0])]


def best_row(state: State, outcome: int, known: Tried) -> int | None:
    """Return which of the finished trials is the best; None where nothing is observed.

    It is the best of all that was observed. Only where nothing weighs several objectives, it is
    that of the outcome alone, or of the first objective where the outcome is none. It may break a
    constraint if all do.
    """
    if known.failed.all():
        return None
    if state.problem.has_scale:
        trial = state.history.of_values(know.best_observed(state).configuration.values)
        return None if trial is None else int(np.flatnonzero(known.numbers == trial.number)[0])
    if state.problem.outcomes[outcome].goal is None:
        outcome = state.problem.objectives[0]
    worth = state.problem.outcomes[outcome].sign * known.values[:, outcome]
    among = known.feasible if known.feasible.any() else ~known.failed
    return int(np.argmax(np.where(among, worth, -np.inf)))


def tried(state: State) -> Tried:
    """Return what was tried."""
    trials, problem = finished(state), state.problem
    unknown = (math.nan,) * len(problem.outcomes)
    results = [trial.results for trial in trials]
    numbers = [mean_numbers(some) if some else unknown for some in results]
    rows = [trial.configuration.values for trial in trials]
    columns = zip(*rows, strict=True) if rows else [()] * state.space.dim
    params = [numbers_of(p, c) for p, c in zip(state.space.parameters, columns, strict=True)]
    return Tried(
        np.array([trial.number for trial in trials], dtype=np.int64),
        np.column_stack(params),
        np.array(numbers).reshape(len(trials), len(problem.outcomes)),
        np.array(
            [bool(some) and problem.holds(row) for some, row in zip(results, numbers, strict=True)],
            dtype=bool,
        ),
        np.array([not some for some in results], dtype=bool),
    )
