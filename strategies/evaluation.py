"""From a tune configuration to a quantised model, and from a model to a measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from attrs import evolve, field, frozen

from strategies.adaptors.base import (
    Adaptor,
    Dataloader,
    OpConfig,
    OpKey,
    Sensitivity,
    TuneConfig,
)
from strategies.conf import Conf
from strategies.errors import ArgumentError, FirstEvaluationError, NotFiniteError
from strategies.latency import Effort, Run, alone, beside
from strategies.looks import Array, Look, Samples, looked_at, samples_of, whole
from strategies.metrics import MeanMetric, mean_metric, metric_function
from strategies.objective import (
    ACCURACY,
    FOOTPRINT,
    LATENCY,
    SIZE,
    Looked,
    Measurement,
    TuningGoal,
)
from strategies.preparing import AFTER_QUANTIZE, BEFORE_QUANTIZE, Hooks, changed
from strategies.report import log_unknown, log_untimed
from strategies.time_limit import within
from strategies.timesheet import EVALUATING, MEASURING, QUANTISING, TIMING, Timesheet

CALIBRATED = ("post_training_static_quant", "post_training_auto_quant")

ROUGHLY = Effort(warm_up=1, least=3, seconds=0.02, deviation=0.01)
WELL = Effort(warm_up=0, least=6, seconds=0.12, deviation=0.005)
"""How models are timed before the first trial."""

SURELY = 1.05
"""What is so many times slower than another one need not be timed well."""


class Kept:
    """What is kept between evaluations; it is found again where it is lost.

    Of the FP32 model, with which others are compared: how to run it, its scores and the samples.
    And measurements of quantised models by digest, as several configurations may make the same one;
    these alone go along with a copy to another process.
    """

    def __init__(self, measured: Mapping[str, Measurement] | None = None) -> None:
        """Keep what was measured."""
        self.run: Run | None = None
        self.scores: Array | None = None
        self.measured = dict(measured or {})
        self._samples: tuple[Samples | None] | None = None

    def samples(self, dataloader: Dataloader, seed: int) -> Samples | None:
        """Return the samples in random order, read once; None where that makes no sense."""
        if self._samples is None:
            self._samples = (samples_of(dataloader, seed),)
        return self._samples[0]

    def __reduce__(self) -> tuple[type[Kept], tuple[dict[str, Measurement]]]:
        return Kept, (self.measured,)


@frozen
class Made:
    """A quantised model, and what it was measured to be.

    Attributes:
        model: as the framework has it.
        measurement: its accuracy, objectives and what is limited.
        digest: of the model; None where it has none of its own, or a hook may have changed it.
    """

    model: Any
    measurement: Measurement
    digest: str | None


@frozen
class First:
    """The first batches of a dataloader."""

    dataloader: Dataloader
    count: int

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return islice(iter(self.dataloader), self.count)


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
        hooks: functions around quantising a model.
        timesheet: gets the seconds that it all takes.
        goal: what is tuned for: it has the FP32 model's measurement, and says when a model surely
            misses the criterion; None before that was measured.
        reference: the FP32 model that others are compared with; None for ``model``.
        digest: that of ``model``; a quantised model with the same one has none of its own.
        kept: what is kept between evaluations.

    Raises:
        ArgumentError: a ``ValueError``; the arguments do not fit each other.
    """

    adaptor: Adaptor
    model: Any
    conf: Conf
    q_dataloader: Dataloader | None
    eval_dataloader: Dataloader | None
    eval_func: Callable[[Any], float] | None
    hooks: Hooks = field(factory=dict)
    timesheet: Timesheet = field(factory=Timesheet)
    goal: TuningGoal | None = None
    reference: Any = None
    digest: str | None = None
    _kept: Kept = field(factory=Kept, repr=False)

    def __attrs_post_init__(self) -> None:
        """Check the arguments against each other, before anything is evaluated."""
        loaders = {"q_dataloader": self.q_dataloader, "eval_dataloader": self.eval_dataloader}
        for name, loader in loaders.items():
            if isinstance(loader, Iterator):
                raise ArgumentError(f"$.{name}", loader, "data that can be read more than once")
        for name in (LATENCY, FOOTPRINT):
            if name in self.conf.measured and all(loader is None for loader in loaders.values()):
                expected = f"data, here or as q_dataloader, to measure {name} with"
                raise ArgumentError("$.eval_dataloader", None, expected)
        if self.q_dataloader is None and self.conf.approach in CALIBRATED:
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

    def first(self, model: Any) -> Measurement:
        """Return the measurement of the FP32 model, once there are data.

        Raises:
            FirstEvaluationError: there are none, or the model cannot be measured with them.
        """
        needed = {"eval_dataloader": self.eval_dataloader}
        if self.conf.approach in CALIBRATED:
            needed["q_dataloader"] = self.q_dataloader
        for name, loader in needed.items():
            if loader is not None and next(iter(loader), None) is None:
                raise FirstEvaluationError(f"{name} yields nothing: give at least one batch")
        try:
            return self.measure(model)
        except Exception as error:
            how = "eval_dataloader and the metric" if self.eval_func is None else "eval_func"
            raise FirstEvaluationError(
                f"the FP32 model cannot be evaluated: {error_text(error)}; check {how}"
            ) from error

    @property
    def is_changed(self) -> bool:
        """Tell whether a hook may change the models."""
        return bool(self.hooks.keys() & {BEFORE_QUANTIZE, AFTER_QUANTIZE})

    def sizes(self) -> Callable[[TuneConfig], float]:
        """Return what works out the size of a quantised model."""
        return self.adaptor.sizes(self.model, self.q_dataloader)

    def sensitivities(
        self, options: Mapping[OpKey, Sequence[OpConfig]]
    ) -> Mapping[OpKey, Sensitivity] | None:
        """Return what options of operations do alone; None where that cannot be measured.

        Without it a run can do, so nothing that goes wrong here ends one.
        """
        loader = self.eval_dataloader if self.q_dataloader is None else self.q_dataloader
        if loader is None:
            return None
        try:
            return self.adaptor.sensitivities(self.model, options, loader)
        except Exception as error:
            log_unknown(error_text(error))
            return None

    def share_of_time(self, tune_cfg: TuneConfig, wanted: float) -> float | None:
        """Return the time of a quantised model as a share of the FP32 model's; None if it fails.

        Args:
            tune_cfg: how it is quantised.
            wanted: a share; what is surely slower is not timed well.
        """
        try:
            with self.timesheet.of(TIMING):
                model = self.adaptor.quantize(self.model, tune_cfg, self.q_dataloader)
                run, base = self.adaptor.timer(model, self._timed_data), self._baseline_run()
                share = beside(run, base, 1.0, ROUGHLY).seconds
                return share if share > SURELY * wanted else beside(run, base, 1.0, WELL).seconds
        except Exception as error:
            log_untimed(error_text(error))
            return None

    def remember(self, measured: Mapping[str, Measurement]) -> None:
        """Take measurements of quantised models by digest, which are not measured again."""
        self._kept.measured.update(measured)

    def attempt(self, tune_cfg: TuneConfig) -> Made:
        """Return the quantised model and its measurement, within the time limit of a trial.

        Raises:
            Exception: whatever the framework or the evaluation raised, or a ``TimeoutError``.
        """
        return within(self.conf.exit_policy.trial_timeout, lambda: self.made(tune_cfg))

    def made(self, tune_cfg: TuneConfig) -> Made:
        """Return the quantised model and its measurement, however long that takes.

        What has the digest of one that was measured is not measured again.
        """
        model, measured = self.quantize(tune_cfg), self._kept.measured
        digest = None if self.is_changed else self.adaptor.digest(model)
        if digest is None or digest == self.digest:
            return Made(model, self.measure(model, self.goal), None)
        if digest not in measured:
            measured[digest] = self.measure(model, self.goal)
        return Made(model, measured[digest], digest)

    def quantize(self, tune_cfg: TuneConfig) -> Any:
        """Return the quantised model."""
        with self.timesheet.of(QUANTISING):
            model = changed(self.hooks, BEFORE_QUANTIZE, self.model, tune_cfg)
            model = self.adaptor.quantize(model, tune_cfg, self.q_dataloader)
            return changed(self.hooks, AFTER_QUANTIZE, model, tune_cfg)

    def measure(self, model: Any, goal: TuningGoal | None = None) -> Measurement:
        """Return accuracy and objectives of a model, and what else is limited.

        Without a goal it is the FP32 model, with which others are compared.

        Raises:
            NotFiniteError: one of them is not finite.
            ArgumentError: a ``ValueError``; ``eval_func`` does not return a number.
        """
        accuracy, looked = None, None
        values: dict[str, float] = {}
        std: dict[str, float] = {}
        if not self.conf.exit_policy.performance_only:
            with self.timesheet.of(EVALUATING):
                look = self._look(model, goal)
                accuracy = self._accuracy(model) if look is None else look.accuracy
            if not math.isfinite(accuracy):
                raise NotFiniteError(f"the accuracy is {accuracy}")
            if look is not None:
                looked = look.looked
                std |= {ACCURACY: look.std} if look.std else {}
        for name in self.conf.measured:
            with self.timesheet.of(MEASURING):
                value, deviation = self._value(name, model, accuracy, goal)
            if not math.isfinite(value):
                raise NotFiniteError(f"the {name} is {value}")
            values[name] = float(value)
            std |= {name: deviation} if deviation else {}
        return Measurement(accuracy, values, std, looked)

    @property
    def _compared(self) -> Any:
        return self.model if self.reference is None else self.reference

    def _accuracy(self, model: Any) -> float:
        if self.eval_func is None:
            return self.adaptor.evaluate(model, self._data, metric_function(self.conf.metric))
        returned: Any = self.eval_func(model)
        try:
            return float(returned)
        except (TypeError, ValueError):
            expected = "a number, the accuracy, from eval_func"
            raise ArgumentError("$.eval_func", returned, expected) from None

    def _look(self, model: Any, goal: TuningGoal | None) -> Look | None:
        """Look at as many samples as it takes; None where they cannot be looked at one by one."""
        metric = self._mean_metric()
        samples = self._kept.samples(self._data, self.conf.random_seed) if metric else None
        if metric is None or samples is None:
            return None
        if goal is None:
            self._kept.scores = whole(self.adaptor.predictions(model, samples), metric)
            threshold = None
        else:
            if self._kept.scores is None:  # after a resume
                own = self.adaptor.predictions(self._compared, samples)
                self._kept.scores = whole(own, metric)
            threshold = goal.threshold
        scores = self._kept.scores
        if goal is None:
            return Look(metric.value(float(scores.mean())), 0.0, Looked(len(scores), len(scores)))
        return looked_at(self.adaptor.predictions(model, samples), metric, scores, threshold)

    def _mean_metric(self) -> MeanMetric | None:
        """Return the metric, if it is a mean, and looking at a part of the data is wanted."""
        conf = self.conf
        if self.eval_func is not None or conf.metric is None or not conf.looks:
            return None
        metric = mean_metric(conf.metric)
        fits = metric and metric.higher_is_better is conf.criterion.higher_is_better
        return metric if fits and math.isfinite(conf.criterion.loss) else None

    @property
    def _data(self) -> Dataloader:
        """Return the data for the accuracy: as many batches as are wanted."""
        loader = () if self.eval_dataloader is None else self.eval_dataloader
        return loader if self.conf.batches is None else First(loader, self.conf.batches)

    def _value(
        self, name: str, model: Any, accuracy: float | None, goal: TuningGoal | None
    ) -> tuple[float, float]:
        """Return a value and its standard deviation, 0 where that is not known."""
        if name == ACCURACY:
            return accuracy or 0.0, 0.0
        if name == SIZE:
            return self.adaptor.size(model), 0.0
        data = self._timed_data
        if name == FOOTPRINT:
            return self.adaptor.footprint(model, data), 0.0
        runs = self.conf.runs
        effort = Effort(warm_up=runs.warm_up)
        if runs.most is not None:
            effort = evolve(effort, least=min(effort.least, runs.most), most=runs.most)
        run = self.adaptor.timer(model, data)
        if goal is None:
            self._kept.run = run
            return alone(run, effort).seconds, 0.0
        found = beside(run, self._baseline_run(), goal.baseline.values[LATENCY], effort)
        return found.seconds, found.std

    @property
    def _timed_data(self) -> Dataloader:
        """Return the data of which the first batch is timed."""
        loader = self.q_dataloader if self.eval_dataloader is None else self.eval_dataloader
        return () if loader is None else loader

    def _baseline_run(self) -> Run:
        """Return what runs the FP32 model; it is made again after a resume."""
        if self._kept.run is None:
            self._kept.run = self.adaptor.timer(self._compared, self._timed_data)
        return self._kept.run


def error_text(error: Exception) -> str:
    """Return an error as text: its kind and what it says."""
    return f"{type(error).__name__}: {error}"
