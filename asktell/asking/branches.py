"""Which branch of a conditional space is to be tried: a bandit over what is active together.

A model alone climbs the first good branch to its top before it looks at others, as it knows nothing
of them. So every other suggestion is made in the branch that a bandit chooses, and what is new to
the model begins with a design of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from asktell.asking.worth import worth_of
from asktell.model.dataset import Dataset
from asktell.model.kernels import Array
from asktell.model.posterior import Posterior
from asktell.space.absent import NOWHERE
from asktell.space.axes import Indices
from asktell.space.domain import Domain, Mask
from asktell.study.problem import Problem

_UNSEEN = 0.5
"""As how many trials none counts, so that an untried branch has a finite bonus."""

_DESIGN = 6
"""So many trials of a parameter make up a design of its own; the first is where a search begins.
The model has no reason to prefer the middle of what it knows nothing of, and tries corners, where
branches look worse than they are. Of 0, 3, 6 and 10, six ended best on four tasks with four seeds
(docs/decisions, number 13)."""


def branch_of(problem: Problem, posterior: Posterior, candidates: Array) -> Callable[[Array], Mask]:
    """Return what tells of points (m, d) whether they lie outside the branch to be tried (m,).

    A branch is what the parameters that are always active make active, whatever is decided further
    down. It is the one whose best target plus sqrt(log(n) / n_b) is greatest, of n trials of which
    n_b are in it: the index of UCB1 (Auer, Cesa-Bianchi and Fischer 2002, figure 1) of the best
    target instead of the mean, as the search is for the best, and without the factor of 2 of its
    bonus. Where nothing is observed in a branch, it is the greatest mean that the model has there.

    Args:
        problem: says what is wanted.
        posterior: what is believed.
        candidates: points (m, d) that may be suggested; one or more.
    """
    columns = _first_decided(problem.space.domain)
    data = posterior.data
    worth, expected = worth_of(problem, posterior), _expected(problem, posterior, candidates)
    tried = tried_points(data)[:, columns] != NOWHERE
    observed = data.points[:, columns] != NOWHERE
    branches, owners = np.unique(candidates[:, columns] != NOWHERE, axis=0, return_inverse=True)
    values = []
    for number, branch in enumerate(branches):
        n_tried = int((tried == branch).all(axis=1).sum())
        mine = worth[(observed == branch).all(axis=1)]
        best = float(mine.max() if len(mine) else expected[owners.ravel() == number].max())
        bonus = math.sqrt(math.log(max(len(tried), 2)) / max(n_tried, _UNSEEN))
        values.append(best + bonus)
    chosen = branches[int(np.argmax(values))]
    return lambda points: np.asarray(((points[:, columns] != NOWHERE) != chosen).any(axis=1))


def designed(domain: Domain, data: Dataset, point: Array, random: np.random.Generator) -> Array:
    """Return a point (d,) in which the model has no say on what was hardly ever active.

    Such parameters are where a search begins the first time, and drawn at random some times after.
    """
    if domain.activity is None:
        return point
    counts = (tried_points(data) != NOWHERE).sum(axis=0)
    few = np.zeros(domain.dim, dtype=bool)
    few[domain.activity.conditional] = True
    few &= (point != NOWHERE) & (counts < _DESIGN)
    if not few.any():
        return point
    drawn = domain.sampled(random.random((1, domain.dim)))[0]
    moved = np.where(few, np.where(counts == 0, domain.centre, drawn), point)
    return np.asarray(domain.snap(moved[None])[0])


def tried_points(data: Dataset) -> Array:
    """Return the points of all trials (t, d): observed, failed and pending."""
    return np.vstack([data.points, data.failed, data.pending])


def _first_decided(domain: Domain) -> Indices:
    """Return the dimensions that those decide on that are always active."""
    depths = () if domain.activity is None else domain.activity.depths
    return np.flatnonzero(np.array(depths) == 1)


def _expected(problem: Problem, posterior: Posterior, points: Array) -> Array:
    """Return the mean of the objectives that the first members expect at points (m,)."""
    means, _ = posterior.at(points)
    columns = [
        posterior.columns[outcome].start
        for outcome in problem.objectives
        if posterior.data.uses[outcome] != "given"
    ]
    return np.asarray(means[:, columns].mean(axis=1)) if columns else np.zeros(len(points))
