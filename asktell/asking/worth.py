"""What observed points are worth, as one number each: for those who only compare them."""

from __future__ import annotations

import numpy as np

from asktell.model.kernels import Array
from asktell.model.posterior import Posterior
from asktell.study.problem import Problem


def worth_of(problem: Problem, posterior: Posterior) -> Array:
    """Return what observed points are worth (n,): the mean of their objectives as the model sees
    them; less than all others where they break a constraint and others do not.
    """
    data = posterior.data
    columns = [
        posterior.seen[posterior.columns[outcome].start].values[: len(data.points)]
        if data.uses[outcome] != "given"
        else _standardised(data.targets[:, outcome])
        for outcome in problem.objectives
    ]
    worth = np.mean(columns, axis=0)
    if data.feasible.any():
        worth = np.where(data.feasible, worth, worth.min() - 1.0)
    return np.asarray(worth)


def _standardised(targets: Array) -> Array:
    return np.asarray((targets - targets.mean()) / (float(targets.std()) or 1.0))
