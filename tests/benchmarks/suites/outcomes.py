"""Tasks whose evaluation gives several named outcomes: objectives, and what bounds are on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

import asktell as at
from suites.fronts import hypervolume
from suites.task import Params

Values = Mapping[str, float]


@frozen
class Outcomes:
    """What is wanted of the outcomes, as plain data.

    Args:
        objectives: for each name "minimize" or "maximize".
        constraints: for each name ``{"at_least": x}`` or ``{"at_most": x}``, or both.
    """

    objectives: Mapping[str, str]
    constraints: Mapping[str, Mapping[str, float]] = field(factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all outcomes, objectives first."""
        return tuple(dict.fromkeys((*self.objectives, *self.constraints)))

    def document(self) -> dict[str, Any]:
        """Return them as JSON, which peers are started with."""
        constraints = {name: dict(bounds) for name, bounds in self.constraints.items()}
        return {"objectives": dict(self.objectives), "constraints": constraints}

    def feasible(self, values: Values) -> bool:
        """Tell whether values hold all constraints."""
        return all(
            bounds.get("at_least", -math.inf) <= values[name] <= bounds.get("at_most", math.inf)
            for name, bounds in self.constraints.items()
        )

    def losses(self, values: Values) -> tuple[float, ...]:
        """Return the values of the objectives, negated where they are maximised."""
        return tuple(
            values[name] if goal == "minimize" else -values[name]
            for name, goal in self.objectives.items()
        )


@frozen
class OutcomesTask:
    """A function of params that gives several outcomes, without noise.

    Args:
        name: unique among all tasks.
        suite: the suite's name.
        space: where params are taken from.
        function: the outcomes of params, by name.
        budget: how many trials a run has.
        outcomes: what is wanted of them.
        optimum: the least value that holds the constraints, of one objective.
        best: params that attain it, where they are known.
        reference: values of the objectives, beyond which nothing counts for the hypervolume.
        ideal: the hypervolume of the whole front, of several objectives.
    """

    name: str
    suite: str
    space: at.Space
    function: Callable[[Params], dict[str, float]]
    budget: int
    outcomes: Outcomes
    optimum: float | None = None
    best: Params | None = None
    reference: Values | None = None
    ideal: float | None = None

    def evaluate(self, params: Params, *noise_seed: int) -> dict[str, float]:
        """Return what an optimiser is told."""
        return {name: float(value) for name, value in self.function(params).items()}

    truth = evaluate

    def hypervolume(self, rows: list[tuple[float, ...]]) -> float:
        """Return the hypervolume of losses, up to the reference."""
        assert self.reference is not None
        return hypervolume(rows, self.outcomes.losses(self.reference))
