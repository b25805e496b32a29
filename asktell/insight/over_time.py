"""How a study came along: every finished trial, and the best so far."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from asktell.acquisition import hypervolume as volumes
from asktell.asking.evidence import signs_of
from asktell.insight.subject import Study, state_of
from asktell.insight.tried import finished, tried
from asktell.model.kernels import Array
from asktell.space.axes import Indices
from asktell.space.domain import Mask
from asktell.state import State
from asktell.study.problem import Problem


@frozen(eq=False)
class Progress:
    """Every finished trial, in order of arrival (n of them, k outcomes).

    Attributes:
        outcomes: the names of the outcomes.
        objectives: the positions of those that are optimised.
        trials: the numbers of the trials (n,).
        values: as told (n, k); means of replicates; NaN where the evaluation failed.
        feasible: which hold all constraints (n,).
        failed: which failed (n,).
        origins: where each came from; None where nobody knows.
        best: the best objective so far that holds all constraints (n,), in its own unit; with
            several objectives the weighted sum, or NaN without weights; NaN where there is none.
        moments: when each arrived (n,), on the caller's clock; NaN where the caller gave none.
        hypervolumes: what the front dominates after each (n,), up to one reference; None with one
            objective.
    """

    outcomes: tuple[str, ...]
    objectives: tuple[int, ...]
    trials: Indices
    values: Array
    feasible: Mask
    failed: Mask
    origins: tuple[str | None, ...]
    best: Array
    moments: Array
    hypervolumes: Array | None


def progress(study: Study) -> Progress:
    """Return how a study came along; with nothing finished, arrays of length 0.

    Hypervolumes are up to the references of the objectives; where one has none, up to one that is
    inferred from the front as it is now, as by :func:`asktell.hypervolumes`.

    Args:
        study: an engine, a state, or anything with a ``state``.
    """
    state = state_of(study)
    problem, trials, known = state.problem, finished(state), tried(state)
    moments = [trial.told_at for trial in trials]
    several = len(problem.objectives) > 1
    return Progress(
        problem.outcome_names,
        problem.objectives,
        known.numbers,
        known.values,
        known.feasible,
        known.failed,
        tuple(trial.origin for trial in trials),
        _best_so_far(problem, known.values, known.feasible),
        np.array([math.nan if moment is None else moment for moment in moments]),
        _volumes(state, known.values, known.feasible) if several else None,
    )


def _best_so_far(problem: Problem, values: Array, feasible: Mask) -> Array:
    if not problem.has_scale or not len(values):
        return np.full(len(values), math.nan)
    worth = [
        problem.value(tuple(row)) if holds else -math.inf
        for row, holds in zip(values.tolist(), feasible, strict=True)
    ]
    best = np.maximum.accumulate(worth)
    best[np.isneginf(best)] = math.nan
    one = len(problem.objectives) == 1
    return np.asarray(best * (problem.outcomes[problem.objectives[0]].sign if one else 1.0))


def _volumes(state: State, values: Array, feasible: Mask) -> Array:
    """Return the hypervolume after each trial; it is worked out anew where the front changes."""
    problem, columns = state.problem, list(state.problem.objectives)
    found = np.zeros(len(values))
    if not feasible.any():
        return found
    rows = values[:, columns] * signs_of(problem)[columns]
    reference = reference_of(problem, rows[feasible])
    front = np.empty((0, len(columns)))
    volume = 0.0
    with np.errstate(all="ignore"):
        for place, (row, holds) in enumerate(zip(rows, feasible, strict=True)):
            if holds and not (front >= row).all(axis=1).any():
                front = np.vstack([front[~(row >= front).all(axis=1)], row])
                volume = volumes.hypervolume(front, reference)
            found[place] = volume
    return found


def reference_of(problem: Problem, rows: Array) -> Array:
    """Return the reference of the hypervolume, maximised, for rows (n, objectives), n > 0."""
    given = [problem.outcomes[i] for i in problem.objectives]
    wanted = np.array([math.nan if o.reference is None else o.sign * o.reference for o in given])
    with np.errstate(all="ignore"):
        front = rows[volumes.non_dominated(rows)]
        return np.where(np.isnan(wanted), volumes.reference_of(front, front), wanted)
