"""The initial design: where to look while the model knows nothing."""

from __future__ import annotations

import numpy as np

from asktell.model.kernels import Array
from asktell.space.absent import NOWHERE
from asktell.space.domain import Domain

_CHANGED = 0.2
"""The share of coordinates that change in a point nearby, besides one that always does: few, so
that it keeps most of what made its neighbour good. Not tuned."""

_NEAREST, _FARTHEST = 0.003, 0.3
"""The scales of those changes, drawn evenly in the logarithm, as nothing says how far an optimum
is from the best point so far. Not tuned."""

_MOST_DIMENSIONS = 21_201
"""For so many there are direction numbers (Joe and Kuo 2008)."""

_LONGEST_SEQUENCE = 2**20
"""So many Sobol points are counted up to: it takes milliseconds. No study gets there by itself, but
ids may have been given by others, and be as large as they like."""


def initial_point(domain: Domain, seed: int, index: int) -> Array:
    """Return point number ``index`` of the design, (d,): the centre, then scrambled Sobol points.

    The centre is that of the domain. A point depends on the seed and its index alone. Points far
    beyond any study are independent draws. Where something is believed, the centre is what is
    likely, and the middle comes next.
    """
    if index == 0:
        return np.asarray(domain.snap(domain.centre[None])[0])
    if index >= _LONGEST_SEQUENCE:
        uniform = np.random.default_rng([seed, index]).random((1, domain.dim))
    else:
        uniform = sobol(domain.dim, 1, np.random.default_rng(seed), skip=index - 1)
    if any(domain.likely) and index == 1:
        return np.asarray(domain.snap(domain.middle[None])[0])
    return np.asarray(domain.sample(uniform)[0])


def sobol(dim: int, n: int, random: np.random.Generator, skip: int = 0) -> Array:
    """Return n scrambled Sobol points (n, dim) in [0, 1) after the first ``skip``.

    There are no such points of more than 21,201 dimensions; those are drawn at random.
    """
    if dim > _MOST_DIMENSIONS:
        return random.random((skip + n, dim))[skip:]
    from scipy.stats import qmc  # a third of a second to import, and only suggestions need it

    sequence = qmc.Sobol(dim, scramble=True, rng=random)
    if skip:
        sequence.fast_forward(skip)
        return np.asarray(sequence.random(n))
    return np.asarray(sequence.random_base2((n - 1).bit_length()))[:n]


def perturbed(points: Array, domain: Domain, n: int, random: np.random.Generator) -> Array:
    """Return n points (n, d) on the grid, near the given ones (k, d) in turn.

    A few coordinates change, by a third of the axis down to a three-hundredth; a category that
    changes is drawn anew, and so is what a change makes active.
    """
    dim = domain.dim
    origins = points[np.arange(n) % len(points)]
    near = origins.copy()
    changed = random.random((n, dim)) < max(_CHANGED, 1.0 / dim)
    changed[np.arange(n), random.integers(dim, size=n)] = True
    scales = np.exp(random.uniform(np.log(_NEAREST), np.log(_FARTHEST), size=(n, 1)))
    moved = near + scales * random.standard_normal((n, dim))
    uniform = random.random((n, dim))
    for i, axis in enumerate(domain.axes):
        new = axis.sample(uniform[:, i]) if axis.categories else axis.snap(moved[:, i])
        there = changed[:, i] & (near[:, i] != NOWHERE)
        near[:, i] = np.where(there, new, near[:, i])
    if domain.activity is not None:
        near = domain.settled(near, domain.sampled(uniform))
    return domain.repaired(near, origins, random)
