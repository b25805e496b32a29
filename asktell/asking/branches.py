"""Which branch of a conditional space is to be tried: a bandit over what is active together.

A model alone climbs the first good branch to its top before it looks at others, as it knows nothing
of them. So every other suggestion is made in the branch that a bandit chooses.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from asktell.asking.worth import worth_of
from asktell.model.kernels import Array
from asktell.model.posterior import Posterior
from asktell.space.absent import NOWHERE
from asktell.space.domain import Mask
from asktell.study.problem import Problem

_UNSEEN = 0.5
"""As how many trials none counts, so that an untried branch has a finite bonus."""


def branch_of(problem: Problem, posterior: Posterior, candidates: Array) -> Callable[[Array], Mask]:
    """Return what tells of points (m, d) whether they lie outside the branch to be tried (m,).

    It is the branch whose best target plus sqrt(log(n) / n_b) is greatest, of n trials of which n_b
    are in it: the index of UCB1 (Auer, Cesa-Bianchi and Fischer 2002, figure 1, with half of its
    bonus), of the best target instead of the mean, as the search is for the best. Where nothing is
    observed in a branch, it is the greatest mean that the model has there.

    Args:
        problem: says what is wanted.
        posterior: what is believed.
        candidates: points (m, d) that may be suggested; one or more.
    """
    data = posterior.data
    worth = worth_of(problem, posterior)
    tried = np.vstack([data.points, data.failed, data.pending]) != NOWHERE
    observed = data.points != NOWHERE
    expected = _expected(problem, posterior, candidates)
    branches, owners = np.unique(candidates != NOWHERE, axis=0, return_inverse=True)
    n = len(tried)
    values = []
    for number, branch in enumerate(branches):
        n_tried = int((tried == branch).all(axis=1).sum())
        mine = worth[(observed == branch).all(axis=1)]
        best = float(mine.max() if len(mine) else expected[owners.ravel() == number].max())
        values.append(best + math.sqrt(math.log(max(n, 2)) / max(n_tried, _UNSEEN)))
    chosen = branches[int(np.argmax(values))]
    return lambda points: np.asarray(((points != NOWHERE) != chosen).any(axis=1))


def _expected(problem: Problem, posterior: Posterior, points: Array) -> Array:
    """Return the mean of the objectives that the first members expect at points (m,)."""
    means, _ = posterior.at(points)
    columns = [
        posterior.columns[outcome].start
        for outcome in problem.objectives
        if posterior.data.uses[outcome] != "given"
    ]
    return np.asarray(means[:, columns].mean(axis=1)) if columns else np.zeros(len(points))
