"""Which parameters matter, as far as the model knows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attrs import frozen

from asktell.insight.moves import drawn
from asktell.insight.pairs import paired_indices
from asktell.insight.sobol import SobolIndices, sobol_indices
from asktell.insight.subject import Study, outcome_place, state_of
from asktell.insight.surrogate import surrogate_of
from asktell.insight.validation import explained_by
from asktell.model.blas import one_blas_thread
from asktell.model.draws import draw_functions
from asktell.model.kernels import Array
from asktell.space.absent import NOWHERE
from asktell.space.axes import Indices
from asktell.space.space import Space

_POINTS, _DRAWN_POINTS = 2048, 256
"""Points of the estimates for the mean, and for each of the draws."""

_DRAWS = 32
"""Draws from the posterior, whose spread says how sure the model is."""

_MEAN, _POSTERIOR, _POSTERIOR_POINTS = (0, 2), (0, 3), (0, 4)
"""Name the draws here, beside the seed; those of suggestions have a single number there."""


@frozen(eq=False)
class Importance:
    """Sobol indices of an outcome for d parameters, in the order of the space.

    Attributes:
        outcome: the name of the outcome.
        names: those of the parameters.
        first: first-order indices (d,): the share of the variance that the parameter brings about
            by itself.
        total: total indices (d,): the share that it has a part in.
        active: the share of the space in which the parameter is active (d,): 1 without conditions.
        within: the total index among the params in which it is active (d,); NaN where there are
            none.
        first_errors: standard errors (d,), of the sampling and of the model.
        total_errors: the same of the total indices (d,).
        unexplained: the share of the variance of what was observed that the model cannot tell from
            noise: 1 - R2 of :func:`left_out`, within 0 and 1; NaN where all observations are equal.
    """

    outcome: str
    names: tuple[str, ...]
    first: Array
    total: Array
    active: Array
    within: Array
    first_errors: Array
    total_errors: Array
    unexplained: float

    @property
    def order(self) -> Indices:
        """Return the positions of the parameters (d,), the most important first."""
        return np.argsort(-self.total, kind="stable")


def importance(study: Study, outcome: str | None = None) -> Importance:
    """Return how much of an outcome's variance over the space each parameter brings about.

    These are the Sobol indices of the model's mean, by :func:`sobol_indices`; all of the space
    counts alike: uniformly in the unit cube, so log-uniformly on log axes, and categories in equal
    shares.
    A parameter that is active in a part of the space brings about nothing elsewhere, so its indices
    are small where that part is: ``within`` is about that part alone. In a space with constraints a
    parameter moves as far as it can by itself, or with the other shares of a simplex in proportion.

    Standard errors add up that of the sampling and the spread over draws from the posterior. About
    three in four of the true indices lie within two of them (docs/decisions, number 12).

    Trials gather where the outcome is good, so the model knows the rest of the space less well.
    What mostly matters far from the best is therefore underestimated: after a search for the least
    of a product of exponentials, of whose variance nearly all is at its greatest values, ranks are
    often wrong, while those of a sum are right after 60 trials. Where ``unexplained`` is large, the
    model knows little, and so do these numbers.

    Args:
        study: an engine, a state, or anything with a ``state``.
        outcome: its name; None for the first objective.

    Raises:
        NothingObservedError: nothing is observed yet.
        DefinitionError: a ``ValueError``; there is no such outcome.
    """
    state = state_of(study)
    place, seed, space = outcome_place(state, outcome), state.problem.seed, state.space
    with one_blas_thread(), np.errstate(all="ignore"):
        model = surrogate_of(study, place)
        mean = _indices(space, model.values, _POINTS, [seed, *_MEAN])
        functions = draw_functions(
            model.process, _DRAWS, np.random.default_rng([seed, *_POSTERIOR])
        )
        spread = _indices(space, functions, _DRAWN_POINTS, [seed, *_POSTERIOR_POINTS])
        active, variances = _activity(space, model.values, [seed, *_MEAN])
        within = mean.total * mean.variance / (active * variances)
    explained = explained_by(model)
    return Importance(
        state.problem.outcome_names[place],
        space.names,
        mean.first,
        mean.total,
        active,
        np.where(active < 1.0, np.minimum(within, 1.0), mean.total),
        np.hypot(mean.first_errors, spread.first.std(axis=0)),
        np.hypot(mean.total_errors, spread.total.std(axis=0)),
        math.nan if math.isnan(explained) else min(max(1.0 - explained, 0.0), 1.0),
    )


def _indices(
    space: Space, function: Callable[[Array], Array], n: int, seed: list[int]
) -> SobolIndices:
    if space.constraints:
        return paired_indices(function, space, n, seed)
    return sobol_indices(lambda uniform: function(space.sample(uniform)), space.dim, n, seed)


def _activity(
    space: Space, function: Callable[[Array], Array], seed: list[int]
) -> tuple[Array, Array]:
    """Return in which share of a space parameters are active (d,), and the variance there (d,)."""
    if space.activity is None:
        return np.ones(space.dim), np.ones(space.dim)
    points = drawn(space, _POINTS, np.random.default_rng(seed)).points
    values, active = function(points), points != NOWHERE
    variances = [values[some].var() if some.any() else math.nan for some in active.T]
    return active.mean(axis=0), np.array(variances)
