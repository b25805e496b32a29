"""What is tuned for: objectives as good as possible, while the accuracy criterion is met."""

from __future__ import annotations

import math

from attrs import field, frozen

import asktell as at
from strategies.conf import Constraint, Criterion, Objective

ACCURACY = "accuracy"
SIZE = "modelsize"
"""The outcome that is known without an evaluation."""

LATENCY = "performance"
FOOTPRINT = "footprint"

_TINY = 1e-12


@frozen
class Looked:
    """How many samples an accuracy rests on, of how many there are."""

    samples: int
    of: int


@frozen
class Measurement:
    """What was measured of one model.

    Attributes:
        accuracy: None where it is not wanted.
        values: of every objective, and of what else is limited.
        std: how far off they may be, as standard deviations, where that is known; by name.
        looked: the samples behind the accuracy; None where they were not counted. Of a model that
            surely misses the criterion some are enough; its accuracy is an estimate.
    """

    accuracy: float | None
    values: dict[str, float]
    std: dict[str, float] = field(factory=dict)
    looked: Looked | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether the accuracy rests on all samples."""
        return self.looked is None or self.looked.samples == self.looked.of


@frozen
class TuningGoal:
    """What is tuned for: criterion, objectives and constraints, relative to the FP32 model."""

    criterion: Criterion
    objectives: tuple[Objective, ...]
    baseline: Measurement
    constraints: tuple[Constraint, ...] = ()

    @property
    def threshold(self) -> float | None:
        """Return the accuracy that just meets the criterion, None where there is none."""
        accuracy, criterion = self.baseline.accuracy, self.criterion
        if accuracy is None:
            return None
        allowed = abs(accuracy) * criterion.loss if criterion.relative else criterion.loss
        return accuracy - allowed if criterion.higher_is_better else accuracy + allowed

    def meets(self, measurement: Measurement) -> bool:
        """Tell whether the accuracy is no worse than the threshold, and all constraints hold.

        Only what was looked at in full can.
        """
        return (
            measurement.is_whole
            and self._shortfall(measurement) <= 0
            and not any(self._excess(one, measurement) > 0 for one in self.constraints)
        )

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
        """Return criterion and constraints as the optimiser takes them.

        There is none on the accuracy where every accuracy meets the criterion.
        """
        limits: dict[str, at.AtLeast | at.AtMost] = {
            one.name: at.AtMost(self.bound(one)) for one in self.constraints
        }
        if self.threshold is not None and math.isfinite(self.threshold):
            bound = at.AtLeast if self.criterion.higher_is_better else at.AtMost
            limits[ACCURACY] = bound(self.threshold)
        return limits

    def bound(self, constraint: Constraint) -> float:
        """Return the value that just holds a constraint."""
        if not constraint.relative:
            return constraint.at_most
        return constraint.at_most * self.baseline.values[constraint.name]

    def outcomes(self, measurement: Measurement) -> dict[str, float]:
        """Return what the optimiser is told of a model: every objective, and the accuracy."""
        if measurement.accuracy is None or ACCURACY not in self.limits:
            return dict(measurement.values)
        return {**measurement.values, ACCURACY: measurement.accuracy}

    def deviations(self, measurement: Measurement) -> dict[str, float]:
        """Return the standard deviations of :meth:`outcomes`, where they are known."""
        told = self.outcomes(measurement)
        return {name: std for name, std in measurement.std.items() if name in told}

    def rank(self, measurement: Measurement) -> tuple[bool, bool, float]:
        """Return what is greater for the better of two models.

        What meets the criterion and the constraints goes first; then what was looked at in full,
        the nearest to meeting them first.
        """
        if self.meets(measurement):
            return True, True, self.gain(measurement)
        return False, measurement.is_whole, -self._distance(measurement)

    def _distance(self, measurement: Measurement) -> float:
        """Return how far a model is from meeting criterion and constraints, relatively."""
        distance = sum(max(self._excess(one, measurement), 0.0) for one in self.constraints)
        shortfall = self._shortfall(measurement)
        if not self.constraints:
            return shortfall  # as it is: a division could make different ones equal
        return distance + max(shortfall, 0.0) / (abs(self.baseline.accuracy or 0.0) or 1.0)

    def _excess(self, constraint: Constraint, measurement: Measurement) -> float:
        """Return by how much a value is above its bound, as a share of that."""
        bound, value = self.bound(constraint), measurement.values[constraint.name]
        return (value - bound) / max(bound, _TINY)

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
