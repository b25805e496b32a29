"""What was reached in each of several objectives, and which of it nothing else dominates."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from asktell.acquisition.hypervolume import non_dominated
from asktell.asking.evidence import signs_of
from asktell.insight.over_time import reference_of
from asktell.insight.subject import Study, state_of
from asktell.insight.tried import tried
from asktell.model.kernels import Array
from asktell.space.axes import Indices
from asktell.space.domain import Mask
from asktell.study.outcomes import Goal


@frozen(eq=False)
class Front:
    """The objectives (k) of everything observed (n), as told.

    Attributes:
        names: those of the objectives.
        goals: which way each is optimised.
        trials: the numbers of the trials (n,), in order of arrival.
        values: what was observed (n, k); means of replicates.
        feasible: which hold all constraints (n,).
        on_front: which hold all constraints, and are dominated by none that does (n,).
        reference: up to which the hypervolume counts (k,); NaN without a front.
    """

    names: tuple[str, ...]
    goals: tuple[Goal, ...]
    trials: Indices
    values: Array
    feasible: Mask
    on_front: Mask
    reference: Array


def front(study: Study) -> Front:
    """Return the front among all that was observed; with one objective, it is the best.

    Args:
        study: an engine, a state, or anything with a ``state``.
    """
    state = state_of(study)
    problem, known, columns = state.problem, tried(state), list(state.problem.objectives)
    observed = ~known.failed
    values, feasible = known.values[observed][:, columns], known.feasible[observed]
    signs = signs_of(problem)[columns]
    on_front = np.zeros(len(values), dtype=bool)
    reference = np.full(len(columns), np.nan)
    if feasible.any():
        with np.errstate(over="ignore"):
            on_front[feasible] = non_dominated(values[feasible] * signs)
        reference = signs * reference_of(problem, values[feasible] * signs)
    outcomes = [problem.outcomes[i] for i in columns]
    return Front(
        tuple(one.name for one in outcomes),
        tuple(one.goal for one in outcomes if one.goal),
        known.numbers[observed],
        values,
        feasible,
        on_front,
        reference,
    )
