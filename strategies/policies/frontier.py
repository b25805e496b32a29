"""The configurations that damage least for what they save: bytes, time or both.

After HAWQ-V2 (Dong et al., 2020, arXiv:1911.03852): the sensitivity of each option is known, their
sum ranks configurations without evaluating, and a frontier of damage and cost is what is left.
There the sensitivity is a trace of the Hessian times the squared perturbation; here it is the
damage, measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from attrs import frozen

from strategies.knowledge import Effect, Knowledge, Operation
from strategies.policies.policy import Params


@frozen
class Step:
    """One operation that takes another option: more damage, less cost."""

    name: str
    after: str
    damage: float
    saved: float

    @property
    def price(self) -> float:
        """Return the damage for what is saved."""
        return self.damage / self.saved


@frozen
class Frontier:
    """Configurations from the least damage on, each with one step more than that before it."""

    start: Mapping[str, Any]
    steps: tuple[Step, ...]
    damages: tuple[float, ...]
    """One more than steps."""

    def params(self, count: int) -> dict[str, Any]:
        """Return the configuration after so many steps."""
        return {**self.start, **{step.name: step.after for step in self.steps[:count]}}


def frontier_of(knowledge: Knowledge, base: Params) -> Frontier:
    """Return the frontier, with the calibration of ``base``.

    Each operation goes along the lower convex hull of its options; the steps of all are taken in
    the order of their price. That is the greedy solution of the multiple-choice knapsack problem,
    which is exact at its own steps (Sinha and Zoltners, 1979).
    """
    cost = knowledge.cost
    start, steps = dict(base), []
    for one in knowledge.operations:
        hull = _hull(one, cost)
        start[one.name] = hull[0].option
        steps += [
            Step(one.name, b.option, b.damage - a.damage, cost(a) - cost(b))
            for a, b in pairwise(hull)
        ]
    steps.sort(key=lambda step: step.price)  # stable, and rises along each hull
    damages = [knowledge.damage(start)]
    for step in steps:
        damages.append(damages[-1] + step.damage)
    return Frontier(start, tuple(steps), tuple(damages))


def _hull(operation: Operation, cost: Callable[[Effect], float]) -> list[Effect]:
    """Return the options on the lower convex hull of cost and damage, the least damage first."""

    def price(a: Effect, b: Effect) -> float:
        return (b.damage - a.damage) / (cost(a) - cost(b))

    hull: list[Effect] = []
    for effect in sorted(operation.effects, key=lambda one: (one.damage, cost(one))):
        if hull and cost(effect) >= cost(hull[-1]):
            continue
        while len(hull) > 1 and price(hull[-2], effect) <= price(hull[-2], hull[-1]):
            hull.pop()
        hull.append(effect)
    return hull
