"""A black-box task: a space, and a function of params that is to be minimised."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from attrs import frozen

import asktell as at
from suites.broken import broken

Params = Mapping[str, Any]


@frozen
class Task:
    """A function to be minimised over a space, with a number of trials.

    Args:
        name: unique among all tasks.
        suite: the suite's name.
        space: where params are taken from.
        function: value of params without noise; nan where the evaluation fails.
        budget: how many trials a run has.
        optimum: the least value, where it is known.
        noise: standard deviation of what ``evaluate`` adds.
        recommended: whether runs are scored by what a peer recommends, not by the best it was told.
        penalty: what is told at least for params that break a constraint of the space; it grows up
            to twofold for each that is broken.
    """

    name: str
    suite: str
    space: at.Space
    function: Callable[[Params], float]
    budget: int
    optimum: float | None = None
    noise: float = 0.0
    recommended: bool = False
    penalty: float | None = None

    def truth(self, params: Params) -> float:
        """Return the value without noise, which runs are scored by; nan for a failure.

        It is nan likewise for params that break a constraint.
        """
        return math.nan if self._broken(params) else float(self.function(params))

    def _broken(self, params: Params) -> float:
        return broken(self.space, params) if self.space.constraints else 0.0

    def evaluate(self, params: Params, *noise_seed: int) -> float:
        """Return what an optimiser is told; nan for a failure."""
        excess = self._broken(params)
        if excess and self.penalty is not None:
            return self.penalty * (1.0 + excess)
        value = self.truth(params)
        if self.noise and math.isfinite(value):
            value += self.noise * float(np.random.default_rng(noise_seed).standard_normal())
        return value


def usual_budget(space: at.Space) -> int:
    """Return how many trials a space of its dimension gets."""
    return 50 if space.dim <= 6 else 80 if space.dim <= 12 else 100


def centre(space: at.Space) -> dict[str, Any]:
    """Return the params in the middle of a space."""
    (values,) = space.decode(space.snap(np.full((1, space.dim), 0.5)))
    return space.params(values)


def random_params(space: at.Space, n: int, seed: int) -> list[dict[str, Any]]:
    """Return n uniformly random params."""
    points = space.sample(np.random.default_rng(seed).random((n, space.dim)))
    return [space.params(values) for values in space.decode(points)]


def boxed(space: at.Space) -> at.Space:
    """Return a space without its constraints."""
    return at.Space(*space.parameters) if space.constraints else space


def space_document(space: at.Space) -> dict[str, Any]:
    """Return a space as plain JSON, in the layout of a state's dict."""
    document: dict[str, Any] = at.State.start(space).to_dict()["space"]
    return document
