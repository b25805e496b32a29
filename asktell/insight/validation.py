"""Is the model any good? What it expects of each point without it, beside what was observed."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from asktell.insight.subject import Study, outcome_place, state_of
from asktell.insight.surrogate import Surrogate, surrogate_of
from asktell.model.blas import one_blas_thread
from asktell.model.kernels import Array
from asktell.space.axes import Indices


@frozen(eq=False)
class LeftOut:
    """What was observed (n of them), and what the model expects of each without it.

    Of more observations than the model sees, only those that it sees are here.

    Attributes:
        outcome: the name of the outcome.
        trials: the numbers of the trials (n,).
        observed: what was observed (n,), in the outcome's unit; means of replicates.
        seen: the same as the model sees it (n,): what is very far off is drawn towards the others.
        expected: what the model expects without the point (n,).
        deviations: how sure it is (n,), noise included.
        explained: R2, the share of the variance of what is seen that is expected right: 1 at best,
            0 or less where the mean of all would have done as well; NaN where all are equal.
        within_1: the share that lies within one deviation; 0.68 of a normal variable.
        within_2: the share that lies within 1.96; 0.95 of a normal variable.
        stretch: by what deviations are multiplied elsewhere, in view of these.
    """

    outcome: str
    trials: Indices
    observed: Array
    seen: Array
    expected: Array
    deviations: Array
    explained: float
    within_1: float
    within_2: float
    stretch: float


def left_out(study: Study, outcome: str | None = None) -> LeftOut:
    """Return what the model expects of each observation without it.

    Only the point is left out: the hyper-parameters are those found with all of them (Rasmussen and
    Williams 2006, eq. 5.12), so the model looks a little better than it is.

    Args:
        study: an engine, a state, or anything with a ``state``.
        outcome: its name; None for the first objective.

    Raises:
        NothingObservedError: nothing is observed yet.
        DefinitionError: a ``ValueError``; there is no such outcome.
    """
    state = state_of(study)
    place = outcome_place(state, outcome)
    with one_blas_thread(), np.errstate(all="ignore"):
        model = surrogate_of(study, place)
        means, deviations = (part[0] for part in model.process.left_out())
        off = np.abs(model.process.targets[0] - means) / deviations
        return LeftOut(
            state.problem.outcome_names[place],
            model.trials,
            model.observed,
            model.in_units(model.process.targets[0]),
            model.in_units(means),
            deviations * abs(model.scale),
            explained_by(model),
            float((off <= 1.0).mean()),
            float((off <= 1.96).mean()),
            model.stretch,
        )


def explained_by(model: Surrogate) -> float:
    """Return R2 of what is left out, as the model sees it; NaN where all are equal."""
    seen, (means, _) = model.process.targets[0], model.process.left_out()
    spread = float(np.square(seen - seen.mean()).sum())
    return 1.0 - float(np.square(seen - means[0]).sum()) / spread if spread > 0.0 else math.nan
