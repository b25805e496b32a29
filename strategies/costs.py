"""What quantising an operation costs in accuracy, as the model of the trials sees it."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from asktell.insight import Fitted, LeftOut, fitted, left_out, slices
from strategies.objective import ACCURACY
from strategies.record import FP32_LABEL, Record


@frozen
class Cost:
    """What quantising one operation costs in accuracy, in the best model.

    Attributes:
        operation: as the space names it.
        option: how the best model has it; where that is FP32, the option that costs least.
        is_quantised: whether the best model has it quantised.
        points: the accuracy that is lost by it; negative where it is gained.
        deviation: how sure the model is of that.
        n_fp32: how many trials left the operation in FP32.
    """

    operation: str
    option: str
    is_quantised: bool
    points: float
    deviation: float
    n_fp32: int

    @property
    def is_clear(self) -> bool:
        """Tell whether it is larger than what the model may be wrong by (two deviations)."""
        return abs(self.points) > 2.0 * self.deviation


@frozen
class Costs:
    """The costs of all operations that may stay in FP32, the dearest first.

    Attributes:
        costs: one for each operation.
        trust: how well the model of the accuracy predicts what it has not seen.
        known: the model, and what it was fitted to.
    """

    costs: tuple[Cost, ...]
    trust: LeftOut
    known: Fitted


def costs_of(record: Record) -> Costs | None:
    """Return what quantising each operation costs; None where that cannot be known.

    The model of the accuracy is that of the optimiser, fitted to all trials and the FP32 model. It
    is asked along each operation, while the others stay as in the best model.
    """
    if record.best is None or not record.has_accuracy:
        return None
    known = fitted(record.study(with_baseline=True))
    found = []
    sign = 1.0 if record.goal.criterion.higher_is_better else -1.0
    for one in slices(known, ACCURACY, record.best.params):
        labels = one.axis.labels
        if one.axis.name not in record.operations or FP32_LABEL not in labels or len(labels) < 2:
            continue
        unquantised, chosen = labels.index(FP32_LABEL), round(one.through)
        is_quantised = chosen != unquantised
        if not is_quantised:
            values = sign * one.mean
            values[unquantised] = -math.inf
            chosen = int(np.argmax(values))
        found.append(
            Cost(
                one.axis.name,
                labels[chosen],
                is_quantised,
                sign * float(one.mean[unquantised] - one.mean[chosen]),
                _deviation(known, record, one.axis.name, labels[chosen]),
                sum(trial.params[one.axis.name] == FP32_LABEL for trial in record.trials),
            )
        )
    found.sort(key=lambda cost: -cost.points)
    return Costs(tuple(found), left_out(known, ACCURACY), known)


def _deviation(known: Fitted, record: Record, operation: str, option: str) -> float:
    """Return how sure the model is of the difference between an option and FP32.

    What it does not know of the rest of the model concerns both, and cancels.
    """
    assert record.best is not None  # there are no costs without it
    space, model = record.space, known.models[known.state.problem.outcome_names.index(ACCURACY)]
    pair = [{**record.best.params, operation: one} for one in (FP32_LABEL, option)]
    return model.difference(
        space.encode([tuple(one[name] for name in space.names) for one in pair])
    )
