"""Ax, with the generation strategy that its client chooses by default."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from peers import Params, Value, spaces
from peers.outcomes import Document, inequalities


class Ax:
    """``Client``; a failure is a trial marked as abandoned: not suggested again, without a value.

    Marked as failed it may be suggested again, and with a seed it is, until the budget is spent.
    """

    def __init__(
        self, space: dict[str, Any], seed: int, budget: int, outcomes: Document | None = None
    ) -> None:
        """Start an experiment."""
        logging.disable()
        warnings.simplefilter("ignore")
        self._parameters = spaces.parameters(space)
        self._client = Client(random_seed=seed)
        self._client.configure_experiment([_parameter(p) for p in self._parameters])
        self._configure(outcomes or {"objectives": {"value": "minimize"}, "constraints": {}})
        self._client.configure_generation_strategy(initialization_random_seed=seed)

    def ask(self) -> Params:
        """Return the next trial's params."""
        ((self._trial, params),) = self._client.get_next_trials(1).items()
        return {p["name"]: spaces.from_natural(p, params[p["name"]]) for p in self._parameters}

    def _configure(self, outcomes: Document) -> None:
        wanted = outcomes["objectives"].items()
        objective = ", ".join(f"-{n}" if goal == "minimize" else n for n, goal in wanted)
        self._client.configure_optimization(objective, inequalities(outcomes))

    def recommend(self) -> Params:
        """Return what the model takes for the best of the params that were evaluated."""
        params = self._client.get_best_parameterization()[0]
        return {p["name"]: spaces.from_natural(p, params[p["name"]]) for p in self._parameters}

    def tell(self, params: Params, value: Value) -> None:
        """Report the trial's outcome."""
        if value is None:
            self._client.mark_trial_abandoned(self._trial)
        else:
            data = value if isinstance(value, dict) else {"value": value}
            self._client.complete_trial(self._trial, data)


def _parameter(parameter: spaces.Parameter) -> ChoiceParameterConfig | RangeParameterConfig:
    name, kind, low, high, log = spaces.natural(parameter)
    if kind == "category":
        return ChoiceParameterConfig(name, list(range(int(high) + 1)), "int", is_ordered=False)
    return RangeParameterConfig(name, (low, high), kind, scaling="log" if log else "linear")
