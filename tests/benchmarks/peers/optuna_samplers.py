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

from peers import Params, spaces


class _Optuna:
    def __init__(self, space: dict[str, Any], sampler: optuna.samplers.BaseSampler) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        self._study = optuna.create_study(sampler=sampler)
        self._parameters = spaces.parameters(space)
        self._running: list[tuple[Params, optuna.Trial]] = []
        self._distributions = {p["name"]: _distribution(p) for p in self._parameters}

    def ask(self) -> Params:
        """Return the next trial's params."""
        trial = self._study.ask(self._distributions)
        params = {p["name"]: _value(p, trial.params[p["name"]]) for p in self._parameters}
        self._running.append((params, trial))
        return params

    def tell(self, params: Params, value: float | None) -> None:
        """Report the trial's outcome."""
        position = next(i for i, (known, _) in enumerate(self._running) if known == params)
        _, trial = self._running.pop(position)
        if value is None:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, value)


class Tpe(_Optuna):
    """Optuna's default sampler."""

    def __init__(self, space: dict[str, Any], seed: int, budget: int) -> None:
        """Start a study."""
        super().__init__(space, optuna.samplers.TPESampler(seed=seed))


class Gp(_Optuna):
    """Optuna's Gaussian process."""

    def __init__(self, space: dict[str, Any], seed: int, budget: int) -> None:
        """Start a study."""
        super().__init__(space, optuna.samplers.GPSampler(seed=seed))


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


def _value(parameter: spaces.Parameter, value: Any) -> Any:
    if parameter["type"] == "ordinal":
        return parameter["values"][value]
    return value if spaces.members(parameter) is not None else spaces.on_grid(parameter, value)
