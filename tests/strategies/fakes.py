"""An adaptor without a framework: it counts its calls, and fails where it is told to.

A model is nothing but its *effect*: how each operation is quantised and with which calibration.
Two tune configurations with one effect give the same model. The effect is worked out here, from
the tune configuration alone, so that the strategies' own idea of "the same" is checked against it.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

import asktell as at
from strategies import Conf, Trial, TuneStrategy
from strategies.adaptors.base import (
    FP32,
    Capability,
    OpConfig,
    Operation,
    OpKey,
    Sensitivity,
    TuneConfig,
)

CALIBRATION = [(0, 0)]

Effect = tuple[Any, ...]
"""``("tensor", "channel", "minmax", 50)``; ``("fp32", "fp32")`` where nothing is quantised."""

Fault = Callable[[], float]
"""What happens instead of an evaluation: returns the accuracy, or raises."""


def option(granularity: str) -> OpConfig:
    return {
        "weight": {"dtype": "int8", "scheme": "sym", "granularity": granularity},
        "activation": {"dtype": "uint8", "scheme": "asym", "granularity": "per_tensor"},
    }


KEYS: tuple[OpKey, ...] = (("block", "Conv"), ("block", "MatMul"))
"""One name under two types."""
OPTIONS: dict[str, OpConfig] = {
    "tensor": option("per_tensor"),
    "channel": option("per_channel"),
    "fp32": FP32,
}
SIZES = (50, 100)
UNQUANTISED: Effect = ("fp32", "fp32")
DEFAULT: Effect = ("tensor", "tensor", "minmax", 50)
BEST: Effect = ("channel", "channel", "minmax", 50)
"""Meets 1 %, and is as small as any that does; so is the same with 100 samples."""

EFFECTS: set[Effect] = {UNQUANTISED} | {
    (*labels, "minmax", size)
    for labels in product(OPTIONS, OPTIONS)
    if labels != UNQUANTISED
    for size in SIZES
}
"""Everything that differs in effect: 17 of 18 configurations."""

_LOSSES = ({"tensor": 0.02, "channel": 0.004, "fp32": 0}, {"tensor": 0.008, "channel": 0.002})
_BYTES = {"tensor": 25, "channel": 27, "fp32": 100}


def effect(tune_cfg: TuneConfig) -> Effect:
    """Return what a tune configuration does to the model."""
    names = {str(config): name for name, config in OPTIONS.items()}
    labels = tuple(names[str(tune_cfg[key])] for key in KEYS)
    if labels == UNQUANTISED:
        return labels
    return (*labels, tune_cfg["calib_algorithm"], tune_cfg["calib_sampling_size"])


@frozen(eq=False)
class FakeModel:
    """A model, equal only to itself."""

    effect: Effect


@frozen(eq=False)
class FakeAdaptor:
    """Quantises, evaluates and measures fake models; what it did is in its lists."""

    faults: Mapping[Effect, Fault] = field(factory=dict)
    broken: frozenset[Effect] = frozenset()
    """Effects that cannot be quantised."""
    options: tuple[str, ...] = tuple(OPTIONS)
    algorithms: tuple[str, ...] = ("minmax",)
    bytes_of: Callable[[Effect], float] = lambda effect: sum(_BYTES[name] for name in effect[:2])
    seconds_of: Callable[[Effect], float] = lambda effect: _BYTES[effect[0]] / 1000
    blind: bool = False
    """Whether it cannot measure what options do."""
    looked: list[Any] = field(factory=list, init=False)
    quantized: list[Effect] = field(factory=list, init=False)
    evaluated: list[Effect] = field(factory=list, init=False)
    calibrated_with: list[Any] = field(factory=list, init=False)

    def load(self, model: Any) -> FakeModel:
        return FakeModel(UNQUANTISED)

    def capability(self, model: FakeModel) -> Capability:
        assert model.effect == UNQUANTISED
        options = tuple(OPTIONS[name] for name in self.options)
        return Capability(tuple(Operation(*key, options) for key in KEYS), self.algorithms)

    def quantize(self, model: FakeModel, tune_cfg: TuneConfig, dataloader: Any) -> FakeModel:
        assert model.effect == UNQUANTISED
        self.quantized.append(effect(tune_cfg))
        self.calibrated_with.append(dataloader)
        if effect(tune_cfg) in self.broken:
            raise RuntimeError("no kernel")
        return FakeModel(effect(tune_cfg))

    def accuracy(self, model: FakeModel) -> float:
        """Evaluate a model; this is an ``eval_func``."""
        self.evaluated.append(model.effect)
        if model.effect in self.faults:
            return self.faults[model.effect]()
        losses = (loss.get(name, 0) for loss, name in zip(_LOSSES, model.effect[:2], strict=True))
        return 0.9 - sum(losses) - (0.001 if 50 in model.effect else 0)

    def evaluate(
        self, model: FakeModel, dataloader: Any, metric: Callable[[Any, Any], float]
    ) -> float:
        """Return the metric of as many right answers as the accuracy says, of the first label."""
        right = round(1000 * self.accuracy(model))
        labels = np.concatenate([label for _, label in dataloader])
        outputs = np.where(np.arange(1000) < right, 1.0, -1.0).reshape(-1, 1) * [1.0, 0.0]
        return metric(outputs, np.resize(labels, 1000))

    def size(self, model: FakeModel) -> Any:
        return self.bytes_of(model.effect)

    def sizes(self, model: FakeModel, dataloader: Any) -> Callable[[TuneConfig], Any]:
        def size_of(tune_cfg: TuneConfig) -> float:
            size = float(self.bytes_of(effect(tune_cfg)))
            return size if math.isfinite(size) else 0.0

        return size_of

    def sensitivities(
        self, model: FakeModel, options: Mapping[OpKey, Sequence[OpConfig]], dataloader: Any
    ) -> dict[OpKey, Sensitivity]:
        """Return losses as damages: what a perfect measurement would say."""
        assert model.effect == UNQUANTISED
        self.looked.append(dataloader)
        if self.blind:
            raise RuntimeError("no sample")
        names = {str(config): name for name, config in OPTIONS.items()}
        found = {}
        for key, loss in zip(KEYS, _LOSSES, strict=True):
            numbers = tuple(float(loss.get(names[str(one)], 0.0)) for one in options[key])
            found[key] = Sensitivity(1000, numbers, numbers)
        return found

    def digest(self, model: FakeModel) -> str:
        made = "" if model.effect == UNQUANTISED else f": {model.effect}"
        return f"a fake with {self.options}{made}"

    def predictions(self, model: FakeModel, dataloader: Any) -> Any:
        raise AssertionError("there are too few samples to be looked at one by one")

    def timer(self, model: FakeModel, dataloader: Any) -> Callable[[], float]:
        return lambda: self.seconds_of(model.effect)

    def footprint(self, model: FakeModel, dataloader: Any) -> Any:
        return 2 * self.bytes_of(model.effect)

    def save(self, model: FakeModel, path: str) -> None:
        Path(path).write_text(repr(model.effect), encoding="utf-8")


def keys(
    tuning: Mapping[str, Any] | None = None,
    quantization: Mapping[str, Any] | None = None,
    metric: Mapping[str, Any] | None = None,
    **exit_policy: Any,
) -> dict[str, Any]:
    """Return the keys of a configuration: the smallest model within 1 %, however long it takes."""
    document: dict[str, Any] = {
        "model": {"framework": "onnxrt_qlinearops"},
        "quantization": {"calibration": {"sampling_size": list(SIZES)}, **(quantization or {})},
        "tuning": {
            "objective": "modelsize",
            "exit_policy": {"timeout": 10**6, "max_trials": 100, **exit_policy},
            **(tuning or {}),
        },
    }
    if metric:
        document["evaluation"] = {"accuracy": {"metric": dict(metric)}}
    return document


def conf(*args: Any, **kwargs: Any) -> Conf:
    """Return the configuration of :func:`keys`."""
    return Conf(keys(*args, **kwargs))


def make(
    kind: type[TuneStrategy],
    adaptor: FakeAdaptor,
    configuration: Conf | None = None,
    dicts: Any = None,
    eval_func: Callable[[Any], Any] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> TuneStrategy:
    """Return a strategy for the fake model."""
    return kind(
        "model",
        configuration or conf(),
        CALIBRATION,
        eval_func=eval_func or adaptor.accuracy,
        dicts=dicts,
        adaptor=adaptor,
        clock=clock,
    )


def effects(strategy: TuneStrategy) -> list[Effect]:
    """Return the effects of a strategy's trials, in order."""
    return [effect(strategy.tuning_space.tune_cfg(trial.params)) for trial in strategy.trials]


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


Kind = type[TuneStrategy]

SHORT = 7
"""Trials in which the model of the Bayesian strategy decides several times."""


def raising(error: BaseException) -> Callable[[], float]:
    def fault() -> float:
        raise error

    return fault


def timeless(strategy: TuneStrategy) -> list[Trial]:
    """Return the trials without how long they took, which differs from run to run."""
    return [evolve(trial, seconds=0.0) for trial in strategy.trials]


def plain(dicts: dict[str, Any]) -> Any:
    return json.loads(json.dumps(dicts, allow_nan=False))


def engine_of(strategy: TuneStrategy) -> at.State:
    """Return what the strategy's ``dicts`` say of the engine."""
    return at.State.from_dict(strategy.dicts["engine"])
