"""From a tune configuration to a quantised model, and from a model to a measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from strategies.adaptors.base import Adaptor, Dataloader, TuneConfig
from strategies.conf import Conf
from strategies.errors import ArgumentError, StrategyError
from strategies.metrics import metric_function
from strategies.objective import Measurement
from strategies.time_limit import within


@frozen(eq=False)
class Evaluation:
    """How models are made and measured: the FP32 model, the data, and the accuracy function.

    Args:
        adaptor: the framework.
        model: the FP32 model, as the adaptor loaded it.
        conf: says which objectives are measured, with which metric.
        q_dataloader: yields ``(input, label)`` for calibration.
        eval_dataloader: yields ``(input, label)`` for the metric of the configuration.
        eval_func: takes a model and returns its accuracy, instead of the metric.

    Raises:
        ArgumentError: a ``ValueError``; the arguments do not fit each other.
    """

    adaptor: Adaptor
    model: Any
    conf: Conf
    q_dataloader: Dataloader | None
    eval_dataloader: Dataloader | None
    eval_func: Callable[[Any], float] | None

    def __attrs_post_init__(self) -> None:
        """Check the arguments against each other, before anything is evaluated."""
        loaders = {"q_dataloader": self.q_dataloader, "eval_dataloader": self.eval_dataloader}
        for name, loader in loaders.items():
            if isinstance(loader, Iterator):
                raise ArgumentError(f"$.{name}", loader, "data that can be read more than once")
        measured = [objective.name for objective in self.conf.objectives]
        if "performance" in measured and all(loader is None for loader in loaders.values()):
            expected = "data, here or as q_dataloader, to measure performance with"
            raise ArgumentError("$.eval_dataloader", None, expected)
        metric = self.conf.metric
        if self.eval_func is not None:
            if not callable(self.eval_func):
                raise ArgumentError("$.eval_func", self.eval_func, "a function that takes a model")
            if self.eval_dataloader is not None and metric is not None:
                expected = "None, since eval_dataloader and a metric are given"
                raise ArgumentError("$.eval_func", self.eval_func, expected)
        elif not self.conf.exit_policy.performance_only:
            if self.eval_dataloader is None:
                expected = "a function, or eval_dataloader and a metric instead"
                raise ArgumentError("$.eval_func", None, expected)
            if metric is None:
                place = "$.conf.evaluation.accuracy.metric"
                raise ArgumentError(place, None, "a metric to use with eval_dataloader")

    def attempt(self, tune_cfg: TuneConfig) -> tuple[Any, Measurement]:
        """Return the quantised model and its measurement, within the time limit of a trial.

        Raises:
            Exception: whatever the framework or the evaluation raised, or a ``TimeoutError``.
        """

        def work() -> tuple[Any, Measurement]:
            model = self.quantize(tune_cfg)
            return model, self.measure(model)

        return within(self.conf.exit_policy.trial_timeout, work)

    def quantize(self, tune_cfg: TuneConfig) -> Any:
        """Return the quantised model."""
        return self.adaptor.quantize(self.model, tune_cfg, self.q_dataloader)

    def measure(self, model: Any) -> Measurement:
        """Return accuracy and objectives of a model.

        Raises:
            StrategyError: one of them is not finite.
        """
        accuracy = None if self.conf.exit_policy.performance_only else self._accuracy(model)
        names = [objective.name for objective in self.conf.objectives]
        values = {name: float(self._value(name, model, accuracy)) for name in names}
        for name, value in values.items():
            if not math.isfinite(value):
                raise StrategyError(f"the {name} is {value}")
        return Measurement(accuracy, values)

    def _accuracy(self, model: Any) -> float:
        if self.eval_func is not None:
            accuracy = float(self.eval_func(model))
        else:
            loader = () if self.eval_dataloader is None else self.eval_dataloader
            accuracy = self.adaptor.evaluate(model, loader, metric_function(self.conf.metric))
        if not math.isfinite(accuracy):
            raise StrategyError(f"the accuracy is {accuracy}")
        return accuracy

    def _value(self, objective: str, model: Any, accuracy: float | None) -> float:
        if objective == "accuracy":
            return accuracy or 0.0
        if objective == "modelsize":
            return self.adaptor.size(model)
        loader = self.q_dataloader if self.eval_dataloader is None else self.eval_dataloader
        return self.adaptor.latency(model, () if loader is None else loader)
