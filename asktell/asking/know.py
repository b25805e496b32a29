"""What is known: the best so far, and what the model expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asktell.asking.evidence import dataset_of
from asktell.asking.suggest import fit_of
from asktell.errors import NothingObservedError
from asktell.model.blas import one_blas_thread
from asktell.model.kernels import Array
from asktell.model.posterior import posterior_of
from asktell.state import State
from asktell.study.trials import Trial, mean_numbers
from asktell.study.views import Observation


def best(state: State) -> Observation:
    """Return the best observation; of equal ones, the first in the order of the space.

    With replicates, configurations compare by the means of their targets, and the target
    returned is that mean.

    Raises:
        NothingObservedError: nothing is observed yet.
    """
    if state.leader is None:
        raise NothingObservedError("nothing is observed yet: observe a target first")
    return _summary(state.history.trial(state.leader[0]))


def best_or_none(state: State) -> Observation | None:
    """Return the best observation, or None where nothing is observed yet."""
    return None if state.leader is None else best(state)


def _summary(trial: Trial) -> Observation:
    """Return the observations of a trial as one, under the first id."""
    results = trial.results
    first = min((result.id for result in results if result.id is not None), default=None)
    return Observation(first, trial.configuration, results[0].names, mean_numbers(results))


def posterior(state: State, params: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
    """Return what the model expects of n params: means and standard deviations, (n,) each.

    Both are in the unit of the target; the deviation is that of the noiseless function. Very bad
    targets are drawn towards the others before the model sees them (Tukey's fence).

    Raises:
        ParamsError: a ``ValueError``; the params do not lie in the space.
        NothingObservedError: nothing is observed yet, and the model knows nothing.
    """
    if state.leader is None:
        raise NothingObservedError("the model knows nothing yet: observe a target first")
    points = state.space.encode([state.space.check(one) for one in params])
    objective = state.problem.objective
    with one_blas_thread(), np.errstate(all="ignore"):
        data = dataset_of(state).thinned(state.problem.method.n_modelled, objective)
        found = fit_of(state, data).found
        means, deviations = posterior_of(state.space.axes, data, found).in_units(points)
    sign = state.problem.outcomes[objective].sign
    return sign * means[:, objective], deviations[:, objective]
