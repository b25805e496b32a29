"""What is tuned for: objectives as good as possible, while the accuracy criterion is met."""

from __future__ import annotations

import math

from attrs import frozen

import asktell as at
from strategies.conf import Criterion, Objective

ACCURACY = "accuracy"
SIZE = "modelsize"
"""The outcome that is known without an evaluation."""

_TINY = 1e-12


@frozen
class Measurement:
    """What was measured of one model: its accuracy and a value for every objective.

    The accuracy is None where it is not wanted.
    """

    accuracy: float | None
    values: dict[str, float]


@frozen
class TuningGoal:
    """What is tuned for: the criterion and the objectives, relative to the FP32 model."""

    criterion: Criterion
    objectives: tuple[Objective, ...]
    baseline: Measurement

    @property
    def threshold(self) -> float | None:
        """Return the accuracy that just meets the criterion, None where there is none."""
        accuracy, criterion = self.baseline.accuracy, self.criterion
        if accuracy is None:
            return None
        allowed = abs(accuracy) * criterion.loss if criterion.relative else criterion.loss
        return accuracy - allowed if criterion.higher_is_better else accuracy + allowed

    def meets(self, measurement: Measurement) -> bool:
        """Tell whether the accuracy is no worse than the threshold."""
        return self._shortfall(measurement) <= 0

    def gain(self, measurement: Measurement) -> float:
        """Return the weighted mean of the logarithms of how many times better each value is."""
        total = sum(objective.weight for objective in self.objectives)
        return sum(o.weight / total * self._log_ratio(o, measurement) for o in self.objectives)

    @property
    def wanted(self) -> dict[str, at.Maximize | at.Minimize]:
        """Return the objectives as the optimiser takes them."""
        return {
            o.name: at.Maximize() if o.higher_is_better else at.Minimize() for o in self.objectives
        }

    @property
    def limits(self) -> dict[str, at.AtLeast | at.AtMost]:
        """Return the criterion as the optimiser takes it: a constraint on the accuracy.

        There is none where every accuracy meets it.
        """
        if self.threshold is None or math.isinf(self.threshold):
            return {}
        bound = at.AtLeast if self.criterion.higher_is_better else at.AtMost
        return {ACCURACY: bound(self.threshold)}

    def outcomes(self, measurement: Measurement) -> dict[str, float]:
        """Return what the optimiser is told of a model: every objective, and the accuracy."""
        if measurement.accuracy is None or not self.limits:
            return dict(measurement.values)
        return {**measurement.values, ACCURACY: measurement.accuracy}

    def rank(self, measurement: Measurement) -> tuple[bool, float]:
        """Return what is greater for the better of two models: the criterion goes first."""
        meets = self.meets(measurement)
        return meets, self.gain(measurement) if meets else -self._shortfall(measurement)

    def _shortfall(self, measurement: Measurement) -> float:
        """Return how far the accuracy lies on the wrong side of the threshold."""
        if self.threshold is None or measurement.accuracy is None:
            return 0.0
        short = self.threshold - measurement.accuracy
        return short if self.criterion.higher_is_better else -short

    def _log_ratio(self, objective: Objective, measurement: Measurement) -> float:
        base, value = self.baseline.values[objective.name], measurement.values[objective.name]
        if objective.name == ACCURACY:  # it may be negative; near 1 this is the logarithm
            ratio = (value - base) / (max(abs(base), _TINY) if base else 1.0)
        else:
            ratio = math.log(max(value, _TINY) / max(base, _TINY))
        return ratio if objective.higher_is_better else -ratio
