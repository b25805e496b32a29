"""The model averaged over a space of which some parameters are held."""

from __future__ import annotations

import math

import numpy as np

from asktell.acquisition.design import sobol
from asktell.insight.moves import Drawn, drawn, moved
from asktell.insight.subject import Study, state_of
from asktell.insight.surrogate import Surrogate, surrogate_of
from asktell.model.blas import one_blas_thread
from asktell.model.kernels import Array
from asktell.space.space import Space

_AVERAGED = 128
"""Over so many points of the other parameters a dependence is an average. On twelve functions
(docs/decisions, number 12) it is right to a hundredth of the deviation of what was observed."""

_POOLS = (512, 4096)
"""So many points are drawn to find those in which a parameter is active, and can be moved; more of
them where the first are too few."""

_DRAWS = (0, 1)
"""Names the draws here, beside the seed; those of suggestions have a single number there."""


def averages(
    study: Study, outcome: int, dimensions: tuple[int, ...], positions: Array
) -> tuple[Array, Array]:
    """Return means and deviations (g,) of the model over a space moved to places along dimensions.

    Args:
        study: an engine, a state, or anything with a ``state``.
        outcome: its position.
        dimensions: those of k parameters.
        positions: the places (g, k); where the constraints leave nothing, the mean is NaN.

    Raises:
        NothingObservedError: nothing is observed yet.
    """
    state = state_of(study)
    space = state.space
    random = np.random.default_rng([state.problem.seed, *_DRAWS])
    with one_blas_thread(), np.errstate(all="ignore"):
        model = surrogate_of(study, outcome)
        if space.activity is None and not space.constraints:
            points = space.sample(sobol(space.dim, _AVERAGED, random))
            return model.averages(points, dimensions, positions)
        pool = drawn(space, _POOLS[-1], random)
        averages = [
            _average(model, _some_moved(space, pool, dimensions, place)) for place in positions
        ]
    return np.array([mean for mean, _ in averages]), np.array([one for _, one in averages])


def _some_moved(space: Space, pool: Drawn, dimensions: tuple[int, ...], place: Array) -> Array:
    """Return points of the space at a place along some dimensions, as many as are averaged over."""
    for n in _POOLS:
        some = pool.first(n)
        points, there = moved(space, some.points, some.fills, dimensions, place)
        if there.sum() >= _AVERAGED:
            break
    return points[there][:_AVERAGED]


def _average(model: Surrogate, points: Array) -> tuple[float, float]:
    if not len(points):
        return math.nan, math.nan
    mean, deviation = model.averages(points, (), np.empty((1, 0)))
    return float(mean[0]), float(deviation[0])
