"""From a tune configuration to a quantised model, and from a model to a measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from strategies.adaptors.base import Adaptor, Dataloader, TuneConfig
from strategies.conf import Conf
from strategies.errors import ArgumentError, FirstEvaluationError, NotFiniteError
from strategies.metrics import metric_function
from strategies.objective import Measurement
from strategies.time_limit import within

STATIC = "post_training_static_quant"


@frozen(eq=False)
class Evaluation:
    """How models are made and measured: the FP32 model, the data, and the accuracy function.

    Args:
        adaptor: the framework.
        model: the FP32 model, as the adaptor loaded it.
        conf: says which objectives are measured, with which metric.
        q_dataloader: yields ``(input, label)`` for calibration; only the dynamic approach does
            without.
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
        if self.q_dataloader is None and self.conf.approach == STATIC:
            expected = (
                "data to calibrate with; or a dynamic approach, without: model.framework: "
                "onnxrt_integerops, or quantization.approach: post_training_dynamic_quant"
            )
            raise ArgumentError("$.q_dataloader", None, expected)
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

    def first(self) -> Measurement:
        """Return the measurement of the FP32 model, once there are data.

        Raises:
            FirstEvaluationError: there are none, or the model cannot be measured with them.
        """
        needed = {"eval_dataloader": self.eval_dataloader}
        if self.conf.approach == STATIC:
            needed["q_dataloader"] = self.q_dataloader
        for name, loader in needed.items():
            if loader is not None and next(iter(loader), None) is None:
                raise FirstEvaluationError(f"{name} yields nothing: give at least one batch")
        try:
            return self.measure(self.model)
        except Exception as error:
            how = "eval_dataloader and the metric" if self.eval_func is None else "eval_func"
            raise FirstEvaluationError(
                f"the FP32 model cannot be evaluated: {error_text(error)}; check {how}"
            ) from error

    def sizes(self) -> Callable[[TuneConfig], float]:
        """Return what works out the size of a quantised model."""
        return self.adaptor.sizes(self.model, self.q_dataloader)

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
            NotFiniteError: one of them is not finite.
            ArgumentError: a ``ValueError``; ``eval_func`` does not return a number.
        """
        accuracy = None if self.conf.exit_policy.performance_only else self._accuracy(model)
        names = [objective.name for objective in self.conf.objectives]
        values = {name: float(self._value(name, model, accuracy)) for name in names}
        for name, value in values.items():
            if not math.isfinite(value):
                raise NotFiniteError(f"the {name} is {value}")
        return Measurement(accuracy, values)

    def _accuracy(self, model: Any) -> float:
        if self.eval_func is not None:
            returned: Any = self.eval_func(model)
            try:
                accuracy = float(returned)
            except (TypeError, ValueError):
                expected = "a number, the accuracy, from eval_func"
                raise ArgumentError("$.eval_func", returned, expected) from None
        else:
            loader = () if self.eval_dataloader is None else self.eval_dataloader
            accuracy = self.adaptor.evaluate(model, loader, metric_function(self.conf.metric))
        if not math.isfinite(accuracy):
            raise NotFiniteError(f"the accuracy is {accuracy}")
        return accuracy

    def _value(self, objective: str, model: Any, accuracy: float | None) -> float:
        if objective == "accuracy":
            return accuracy or 0.0
        if objective == "modelsize":
            return self.adaptor.size(model)
        loader = self.q_dataloader if self.eval_dataloader is None else self.eval_dataloader
        return self.adaptor.latency(model, () if loader is None else loader)


def error_text(error: Exception) -> str:
    """Return an error as text: its kind and what it says."""
    return f"{type(error).__name__}: {error}"
