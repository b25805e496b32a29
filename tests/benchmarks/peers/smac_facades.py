"""SMAC3, with the default settings of its facades."""

from __future__ import annotations

import tempfile
import warnings
from typing import Any

from ConfigSpace import (
    AndConjunction,
    Categorical,
    ConfigurationSpace,
    Float,
    GreaterThanCondition,
    InCondition,
    Integer,
)
from ConfigSpace.conditions import Condition, Conjunction
from ConfigSpace.hyperparameters import Hyperparameter
from smac import BlackBoxFacade, HyperparameterOptimizationFacade, Scenario
from smac.multi_objective.parego import ParEGO
from smac.runhistory import StatusType, TrialInfo, TrialValue

from peers import Params, Value, spaces
from peers.failures import WorstSeen
from peers.outcomes import Document, excesses


class Smac:
    """The facade that fits the space.

    ``BlackBoxFacade``, a Gaussian process with a Matern kernel, where all parameters are floats;
    ``HyperparameterOptimizationFacade``, a random forest, where integers or categories are among
    them. Failures are trials that crashed, at the cost of the worst value seen; by default a crash
    costs infinity, which the models do not take. Several objectives are weighed by ``ParEGO``.
    There are no constraints: a trial that misses one has crashed.
    """

    def __init__(
        self, space: dict[str, Any], seed: int, budget: int, outcomes: Document | None = None
    ) -> None:
        """Start a facade, whose files go to a temporary folder."""
        self._outcomes = outcomes or {"objectives": {"cost": "minimize"}, "constraints": {}}
        warnings.simplefilter("ignore")
        self._parameters = spaces.parameters(space)
        self._folder = tempfile.TemporaryDirectory()
        scenario = Scenario(
            _space(self._parameters, seed),
            objectives=(names := list(self._outcomes["objectives"])),
            output_directory=self._folder.name,
            deterministic=True,
            n_trials=budget,
            seed=seed,
        )
        floats = all(spaces.natural(p).kind == "float" for p in self._parameters)
        facade = BlackBoxFacade if floats else HyperparameterOptimizationFacade
        several = {"multi_objective_algorithm": ParEGO(scenario)} if len(names) > 1 else {}
        self._smac = facade(scenario, _not_called, logging_level=False, overwrite=True, **several)
        self._worst = [WorstSeen() for _ in names]

    def ask(self) -> Params:
        """Return the next trial's params."""
        self._trial: TrialInfo = self._smac.ask()
        config = self._trial.config
        active = [p for p in self._parameters if p["name"] in config]
        return {p["name"]: spaces.from_natural(p, config[p["name"]]) for p in active}

    def tell(self, params: Params, value: Value) -> None:
        """Report the trial's outcome."""
        costs = zip(self._worst, self._costs(value), strict=True)
        reports = (worst.outcomes(self._trial, cost) for worst, cost in costs)
        for report in zip(*reports, strict=True):
            trial, _, failed = report[0]
            cost = [one.value for one in report] if len(report) > 1 else report[0].value
            status = StatusType.CRASHED if failed else StatusType.SUCCESS
            self._smac.tell(trial, TrialValue(cost=cost, status=status), save=False)

    def _costs(self, value: Value) -> list[float | None]:
        """Return what each objective costs; None where the trial failed or misses a constraint."""
        goals = self._outcomes["objectives"]
        if not isinstance(value, dict):
            return [value] * len(goals)
        if any(excess > 0.0 for excess in excesses(self._outcomes, value).values()):
            return [None] * len(goals)
        return [value[name] if goal == "minimize" else -value[name] for name, goal in goals.items()]


def _not_called(config: Any, seed: int = 0) -> float:
    raise NotImplementedError


def _space(parameters: list[spaces.Parameter], seed: int) -> ConfigurationSpace:
    known = {p["name"]: (p, _hyperparameter(p)) for p in parameters}
    space = ConfigurationSpace(seed=seed, space=[own for _, own in known.values()])
    for parameter, own in known.values():
        each = [
            _condition(own, *known[name], wanted)
            for name, wanted in (parameter.get("when") or {}).items()
        ]
        if each:
            conjunction: Condition | Conjunction = AndConjunction(*each) if each[1:] else each[0]
            space.add(conjunction)
    return space


def _condition(
    child: Hyperparameter, parent: spaces.Parameter, of: Hyperparameter, wanted: Any
) -> Condition:
    """Return a condition; on a float it is that it is greater, which is all there is."""
    values = spaces.naturals(parent, wanted)
    if values is not None:
        return InCondition(child, of, values)
    return GreaterThanCondition(child, of, wanted["at_least"])


def _hyperparameter(parameter: spaces.Parameter) -> Hyperparameter:
    name, kind, low, high, log = spaces.natural(parameter)
    if kind == "category":
        return Categorical(name, range(int(high) + 1))
    return (Integer if kind == "int" else Float)(name, (low, high), log=log)
