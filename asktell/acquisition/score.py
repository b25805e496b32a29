"""The score of points: what they promise, as a sum of terms in logarithms.

How much the objectives are expected to improve, times the probability that all constraints hold:
in logarithms a sum, each of whose terms looks at the columns of its own outcomes.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from attrs import frozen

from asktell.acquisition.belief import Belief
from asktell.acquisition.directions import Directions
from asktell.acquisition.feasibility import (
    log_probability_between,
    log_probability_between_with_slopes,
)
from asktell.acquisition.hypervolume import Boxes
from asktell.acquisition.improvement import LogExpectedImprovement
from asktell.model.kernels import Array
from asktell.model.posterior import Posterior
from asktell.space.axes import Indices


class Term(Protocol):
    """A part of a score, as a function of means and deviations (m, s) of all members."""

    def score(self, mean: Array, std: Array) -> Array:
        """Return the scores (m,)."""
        ...

    def with_slopes(self, mean: Array, std: Array) -> tuple[Array, Array, Array]:
        """Return the scores (m,), and their derivatives (m, s) by the means and the deviations."""
        ...


@frozen(eq=False)
class Promise:
    """The sum of terms, and what is believed besides, as a score of points."""

    posterior: Posterior
    terms: tuple[Term, ...]
    belief: Belief | None = None

    def __call__(self, points: Array) -> Array:
        """Return the scores (m,) at points (m, d)."""
        mean, std = self.posterior.at(points)
        score = np.asarray(sum(term.score(mean, std) for term in self.terms))
        return score if self.belief is None else score + self.belief.score(points)

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        """Return the scores (m,) and their gradients (m, d) at points (m, d)."""
        mean, std, mean_gradient, std_gradient = self.posterior.with_gradient(points)
        score, by_mean, by_std = self.terms[0].with_slopes(mean, std)
        for term in self.terms[1:]:
            more, mean_slopes, std_slopes = term.with_slopes(mean, std)
            score, by_mean, by_std = score + more, by_mean + mean_slopes, by_std + std_slopes
        along = np.einsum("ms,msd->md", by_mean, mean_gradient)
        along = along + np.einsum("ms,msd->md", by_std, std_gradient)
        if self.belief is None:
            return score, along
        more, slope = self.belief.with_gradient(points)
        return score + more, along + slope


@frozen(eq=False)
class Improvement:
    """The improvement of one objective on the best that is known, by each of its members (s,)."""

    columns: slice
    best: Array

    def score(self, mean: Array, std: Array) -> Array:
        """Return the scores (m,)."""
        own = self.columns
        return LogExpectedImprovement().score(mean[:, own], std[:, own], self.best)

    def with_slopes(self, mean: Array, std: Array) -> tuple[Array, Array, Array]:
        """Return the scores (m,), and their derivatives (m, s) by the means and the deviations."""
        own, improvement = self.columns, LogExpectedImprovement()
        score, *slopes = improvement.score_with_slopes(mean[:, own], std[:, own], self.best)
        by_mean, by_std = _spread(slopes, own, mean)
        return score, by_mean, by_std


@frozen(eq=False)
class FrontImprovement:
    """The improvement of the hypervolume of a front.

    Attributes:
        columns: the column of every objective.
        region: what no point of the front dominates.
    """

    columns: Indices
    region: Boxes | Directions

    def score(self, mean: Array, std: Array) -> Array:
        """Return the scores (m,)."""
        own = self.columns
        return self.region.log_expected_improvement(mean[:, own], std[:, own])

    def with_slopes(self, mean: Array, std: Array) -> tuple[Array, Array, Array]:
        """Return the scores (m,), and their derivatives (m, s) by the means and the deviations."""
        own = self.columns
        score, *slopes = self.region.with_slopes(mean[:, own], std[:, own])
        by_mean, by_std = _spread(slopes, own, mean)
        return score, by_mean, by_std


@frozen(eq=False)
class Feasibility:
    """The probability that an outcome keeps its bounds, averaged over its members (s,)."""

    columns: slice
    low: Array
    high: Array

    def score(self, mean: Array, std: Array) -> Array:
        """Return the scores (m,)."""
        own = self.columns
        scores = log_probability_between(mean[:, own], std[:, own], self.low, self.high)
        return np.asarray(scores.mean(axis=1))

    def with_slopes(self, mean: Array, std: Array) -> tuple[Array, Array, Array]:
        """Return the scores (m,), and their derivatives (m, s) by the means and the deviations."""
        own = self.columns
        scores, *slopes = log_probability_between_with_slopes(
            mean[:, own], std[:, own], self.low, self.high
        )
        by_mean, by_std = _spread([slope / scores.shape[1] for slope in slopes], own, mean)
        return scores.mean(axis=1), by_mean, by_std


def _spread(slopes: list[Array], columns: slice | Indices, like: Array) -> list[Array]:
    """Return slopes of some columns as those of all."""
    spread = []
    for slope in slopes:
        whole = np.zeros_like(like)
        whole[:, columns] = slope
        spread.append(whole)
    return spread
