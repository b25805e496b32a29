"""Ax, with the generation strategy that its client chooses by default."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from peers import Params, Value, spaces
from peers.outcomes import Document, inequalities


class Ax:
    """``Client``; a failure is a trial marked as abandoned: not suggested again, without a value.

    Marked as failed it may be suggested again, and with a seed it is, until the budget is spent.

    Parameters that depend on one value of one choice are its dependents, in a tree. Ax has no
    others: what depends on several values, on bounds or on two parameters is there always for Ax,
    and its value is left out of params where it is not active.

    Linear constraints and orders are its ``parameter_constraints``. Of shares that sum to a total
    the last is what the others leave. Ax has no forbidden combinations.
    """

    def __init__(
        self, space: dict[str, Any], seed: int, budget: int, outcomes: Document | None = None
    ) -> None:
        """Start an experiment."""
        logging.disable()
        warnings.simplefilter("ignore")
        self._parameters = spaces.parameters(space)
        self._client = Client(random_seed=seed)
        self._space = space
        last = {row["simplex"][-1] for row in spaces.constraints(space, "simplex")}
        free = [p for p in self._parameters if p["name"] not in last]
        self._client.configure_experiment([*_configurations(free)], [*_constraints(space)])
        self._configure(outcomes or {"objectives": {"value": "minimize"}, "constraints": {}})
        self._client.configure_generation_strategy(initialization_random_seed=seed)

    def ask(self) -> Params:
        """Return the next trial's params."""
        ((self._trial, params),) = self._client.get_next_trials(1).items()
        return self._own(params)

    def _own(self, params: Any) -> Params:
        """Return Ax's params as those of the space."""
        own: Params = {}
        for row in spaces.constraints(self._space, "simplex"):
            *names, last = row["simplex"]
            params = {**params, last: row["total"] - sum(params[name] for name in names)}
        for parameter in self._parameters:
            name = parameter["name"]
            if spaces.active(parameter, own):
                own[name] = spaces.from_natural(parameter, params[name])
        return own

    def _configure(self, outcomes: Document) -> None:
        wanted = outcomes["objectives"].items()
        objective = ", ".join(f"-{n}" if goal == "minimize" else n for n, goal in wanted)
        self._client.configure_optimization(objective, inequalities(outcomes))

    def recommend(self) -> Params:
        """Return what the model takes for the best of the params that were evaluated."""
        return self._own(self._client.get_best_parameterization()[0])

    def tell(self, params: Params, value: Value) -> None:
        """Report the trial's outcome."""
        if value is None:
            self._client.mark_trial_abandoned(self._trial)
        else:
            data = value if isinstance(value, dict) else {"value": value}
            self._client.complete_trial(self._trial, data)


Configuration = ChoiceParameterConfig | RangeParameterConfig


def _configurations(parameters: list[spaces.Parameter]) -> Iterator[Configuration]:
    """Yield what Ax is given: each parameter, with those that depend on it alone."""
    known = {p["name"]: p for p in parameters}
    below: dict[str, dict[Any, list[str]]] = {}
    for parameter in parameters:
        if len(when := parameter.get("when") or {}) == 1:
            ((name, wanted),) = when.items()
            values = spaces.naturals(known[name], wanted)
            if values and len(values) == 1 and spaces.natural(known[name]).kind == "category":
                below.setdefault(name, {}).setdefault(values[0], []).append(parameter["name"])
    for parameter in parameters:
        yield _configuration(parameter, below.get(parameter["name"]))


def _constraints(space: dict[str, Any]) -> Iterator[str]:
    """Yield the known constraints that Ax can have."""
    for row in spaces.constraints(space, "linear"):
        total = _sum(row["linear"])
        if "at_least" in row:
            yield f"{total} >= {row['at_least']}"
        if "at_most" in row:
            yield f"{total} <= {row['at_most']}"
    for row in spaces.constraints(space, "ordered"):
        for first, second in pairwise(row["ordered"]):
            yield f"{first} <= {second}"
    bounds = {p["name"]: p for p in spaces.parameters(space)}
    for row in spaces.constraints(space, "simplex"):
        *names, last = row["simplex"]
        total = _sum(dict.fromkeys(names, 1.0))
        yield f"{total} <= {row['total'] - bounds[last]['low']}"
        yield f"{total} >= {row['total'] - bounds[last]['high']}"


def _sum(coefficients: dict[str, float]) -> str:
    return " + ".join(f"{number} * {name}" for name, number in coefficients.items())


def _configuration(
    parameter: spaces.Parameter, dependents: dict[Any, list[str]] | None
) -> Configuration:
    name, kind, low, high, log = spaces.natural(parameter)
    if kind == "category":
        return ChoiceParameterConfig(
            name,
            list(range(int(high) + 1)),
            "int",
            is_ordered=False,
            dependent_parameters=dependents,
        )
    return RangeParameterConfig(name, (low, high), kind, scaling="log" if log else "linear")
