"""Is the model any good? What it expects of each point without it, beside what was observed."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from asktell.asking.evidence import signs_of
from asktell.insight.subject import Study, outcome_place, state_of
from asktell.insight.surrogate import posterior_for
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
        seen: the same as the model sees it (n,): very bad values are drawn towards the others.
        expected: what the model expects without the point (n,).
        deviations: how sure it is, noise included (n,).
        explained: R2, the share of the variance of what is seen that is expected right: 1 at best,
            0 or less where the mean of all would have done as well; NaN where all are equal.
        within_1: the share that lies within one deviation; 0.68 of a normal variable.
        within_2: the share that lies within 1.96; 0.95 of a normal variable.
        stretch: by what :func:`asktell.predict` multiplies deviations, in view of these.
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
    sign = float(signs_of(state.problem)[place])
    with one_blas_thread(), np.errstate(all="ignore"):
        posterior = posterior_for(state)
        data, column = posterior.data, posterior.columns[place].start
        assert posterior.processes is not None  # no outcome is given here
        process, n = posterior.processes.alone(column), len(data.points)
        location, scale = posterior.seen[column].unit
        means, deviations = (part[0, :n] * scale for part in process.left_out())
        seen, expected = process.targets[0, :n] * scale + location, means + location
        off = np.abs(seen - expected) / deviations
        trials = [trial for trial in state.trials if trial.is_observed]
        points = state.space.encode([trial.configuration.values for trial in trials])
        owners = {point.tobytes(): t.number for point, t in zip(points, trials, strict=True)}
        return LeftOut(
            state.problem.outcome_names[place],
            np.array([owners[point.tobytes()] for point in data.points], dtype=np.int64),
            sign * data.targets[:, place],
            sign * seen,
            sign * expected,
            deviations,
            _explained(seen, expected),
            float((off <= 1.0).mean()),
            float((off <= 1.96).mean()),
            float(posterior.calibration[place]),
        )


def _explained(seen: Array, expected: Array) -> float:
    spread = float(np.square(seen - seen.mean()).sum())
    if not 0.0 < spread < math.inf:
        return math.nan
    return 1.0 - float(np.square(seen - expected).sum()) / spread
