"""Optuna's samplers, with their default settings."""

from __future__ import annotations

import warnings
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from peers import Params, Value, spaces
from peers.outcomes import Document, excesses


class _Optuna:
    def __init__(
        self,
        space: dict[str, Any],
        sampler: optuna.samplers.BaseSampler,
        outcomes: Document | None = None,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        self._outcomes = outcomes
        directions = list(outcomes["objectives"].values()) if outcomes else ["minimize"]
        self._study = optuna.create_study(sampler=sampler, directions=directions)
        self._space = space
        self._parameters = spaces.parameters(space)
        self._running: list[tuple[Params, optuna.Trial]] = []
        self._distributions = {p["name"]: _distribution(p) for p in self._parameters}
        self._conditional = any(p.get("when") for p in self._parameters)

    def ask(self) -> Params:
        """Return the next trial's params."""
        if self._conditional:
            trial = self._study.ask()
            params = self._defined_by_run(trial)
        else:
            trial = self._study.ask(self._distributions)
            params = {p["name"]: _value(p, trial.params[p["name"]]) for p in self._parameters}
        params = spaces.normalised(self._space, params)
        self._running.append((params, trial))
        return params

    def _defined_by_run(self, trial: optuna.Trial) -> Params:
        """Return a trial's params, of which it is asked for those that are active."""
        params: Params = {}
        for parameter in self._parameters:
            if spaces.active(parameter, params):
                name = parameter["name"]
                params[name] = _value(parameter, _suggested(trial, name, self._distributions[name]))
        return params

    def tell(self, params: Params, value: Value) -> None:
        """Report the trial's outcome."""
        position = next(i for i, (known, _) in enumerate(self._running) if known == params)
        _, trial = self._running.pop(position)
        if value is None:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        elif isinstance(value, dict):
            assert self._outcomes is not None
            for name, excess in excesses(self._outcomes, value).items():
                trial.set_constraint(name, excess)
            self._study.tell(trial, [value[name] for name in self._outcomes["objectives"]])
        else:
            self._study.tell(trial, value)


class Tpe(_Optuna):
    """Optuna's default sampler."""

    def __init__(
        self, space: dict[str, Any], seed: int, budget: int, outcomes: Document | None = None
    ) -> None:
        """Start a study."""
        super().__init__(space, optuna.samplers.TPESampler(seed=seed), outcomes)


class Gp(_Optuna):
    """Optuna's Gaussian process."""

    def __init__(
        self, space: dict[str, Any], seed: int, budget: int, outcomes: Document | None = None
    ) -> None:
        """Start a study."""
        super().__init__(space, optuna.samplers.GPSampler(seed=seed), outcomes)


class Nsga2(_Optuna):
    """Optuna's default for several objectives: an evolution strategy with populations of 50."""

    def __init__(
        self, space: dict[str, Any], seed: int, budget: int, outcomes: Document | None = None
    ) -> None:
        """Start a study."""
        super().__init__(space, optuna.samplers.NSGAIISampler(seed=seed), outcomes)


def _distribution(parameter: spaces.Parameter) -> BaseDistribution:
    """Return a parameter in Optuna's terms: an ordinal is the int of its place."""
    values = spaces.members(parameter)
    if parameter["type"] == "ordinal" and values is not None:
        return IntDistribution(0, len(values) - 1)
    if values is not None:
        return CategoricalDistribution(values)
    low, high, log, step = (parameter[key] for key in ("low", "high", "log", "step"))
    if parameter["type"] == "int":
        return IntDistribution(low, high, log=log, step=step)
    return FloatDistribution(low, high, log=log, step=step)


def _suggested(trial: optuna.Trial, name: str, among: BaseDistribution) -> Any:
    if isinstance(among, CategoricalDistribution):
        return trial.suggest_categorical(name, among.choices)
    if isinstance(among, IntDistribution):
        return trial.suggest_int(name, among.low, among.high, step=among.step, log=among.log)
    assert isinstance(among, FloatDistribution)
    return trial.suggest_float(name, among.low, among.high, step=among.step, log=among.log)


def _value(parameter: spaces.Parameter, value: Any) -> Any:
    if parameter["type"] == "ordinal":
        return parameter["values"][value]
    return value if spaces.members(parameter) is not None else spaces.on_grid(parameter, value)
