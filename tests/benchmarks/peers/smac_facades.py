"""SMAC3, with the default settings of its facades."""

from __future__ import annotations

import tempfile
import warnings
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
from ConfigSpace.hyperparameters import Hyperparameter
from smac import BlackBoxFacade, HyperparameterOptimizationFacade, Scenario
from smac.runhistory import StatusType, TrialInfo, TrialValue

from peers import Params, spaces
from peers.failures import WorstSeen


class Smac:
    """The facade that fits the space.

    ``BlackBoxFacade``, a Gaussian process with a Matern kernel, where all parameters are floats;
    ``HyperparameterOptimizationFacade``, a random forest, where integers or categories are among
    them. Failures are trials that crashed, at the cost of the worst value seen; by default a crash
    costs infinity, which the models do not take.
    """

    def __init__(self, space: dict[str, Any], seed: int, budget: int) -> None:
        """Start a facade, whose files go to a temporary folder."""
        warnings.simplefilter("ignore")
        self._parameters = spaces.parameters(space)
        self._folder = tempfile.TemporaryDirectory()
        scenario = Scenario(
            ConfigurationSpace(seed=seed, space=[_hyperparameter(p) for p in self._parameters]),
            output_directory=self._folder.name,
            deterministic=True,
            n_trials=budget,
            seed=seed,
        )
        floats = all(spaces.natural(p).kind == "float" for p in self._parameters)
        facade = BlackBoxFacade if floats else HyperparameterOptimizationFacade
        self._smac = facade(scenario, _not_called, logging_level=False, overwrite=True)
        self._worst = WorstSeen()

    def ask(self) -> Params:
        """Return the next trial's params."""
        self._trial: TrialInfo = self._smac.ask()
        config = self._trial.config
        return {p["name"]: spaces.from_natural(p, config[p["name"]]) for p in self._parameters}

    def tell(self, params: Params, value: float | None) -> None:
        """Report the trial's outcome."""
        for trial, cost, failed in self._worst.outcomes(self._trial, value):
            status = StatusType.CRASHED if failed else StatusType.SUCCESS
            self._smac.tell(trial, TrialValue(cost=cost, status=status), save=False)


def _not_called(config: Any, seed: int = 0) -> float:
    raise NotImplementedError


def _hyperparameter(parameter: spaces.Parameter) -> Hyperparameter:
    name, kind, low, high, log = spaces.natural(parameter)
    if kind == "category":
        return Categorical(name, range(int(high) + 1))
    return (Integer if kind == "int" else Float)(name, (low, high), log=log)
