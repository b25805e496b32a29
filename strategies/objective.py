"""What is tuned for: objectives as good as possible, while the accuracy criterion is met."""

from __future__ import annotations

import math

from attrs import frozen

from strategies.conf import Criterion, Objective

_TINY = 1e-12
_MISS = 0.7
"""The price of a miss: one as large as the allowed loss costs a factor of 2**0.7 = 1.62."""


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

    def target(self, measurement: Measurement) -> float:
        """Return what the optimiser maximises.

        That is the gain, less a penalty where the criterion is missed. The penalty grows from 0,
        so that the best models, which lie at the threshold, are not on a cliff; and it grows with
        the logarithm, so that a hopeless model is not an outlier. See docs/decisions.
        """
        short, allowed = max(self._shortfall(measurement), 0.0), self._unit
        # log(1 + short / allowed), where the quotient may overflow
        missed = math.log(allowed + short) - math.log(allowed) if short else 0.0
        return self.gain(measurement) - _MISS * missed

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

    @property
    def _unit(self) -> float:
        """Return the allowed loss, or a hundredth where none is allowed."""
        accuracy, threshold = self.baseline.accuracy or 0.0, self.threshold or 0.0
        return abs(threshold - accuracy) or abs(threshold) * 0.01 or 0.01

    def _log_ratio(self, objective: Objective, measurement: Measurement) -> float:
        base, value = self.baseline.values[objective.name], measurement.values[objective.name]
        if objective.name == "accuracy":  # it may be negative; near 1 this is the logarithm
            ratio = (value - base) / (max(abs(base), _TINY) if base else 1.0)
        else:
            ratio = math.log(max(value, _TINY) / max(base, _TINY))
        return ratio if objective.higher_is_better else -ratio
