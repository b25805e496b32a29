"""Quantisation of a real network, looked up in a table, as one number.

That number was the target of the strategies before outcomes could be constrained: what a model
gains, less a penalty where it misses the criterion.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import quantisation

import asktell as at
from strategies.conf import Criterion, Objective
from strategies.objective import Measurement, TuningGoal
from suites.task import Params, Task

BUDGET = 40
CRITERIA = {
    "quantised_half_percent": Criterion(0.005, relative=True, higher_is_better=True),
    "quantised_one_percent": Criterion(0.01, relative=True, higher_is_better=True),
    "quantised_two_percent": Criterion(0.02, relative=True, higher_is_better=True),
    "quantised_five_percent": Criterion(0.05, relative=True, higher_is_better=True),
}
"""The smallest model that loses no more accuracy."""

TRADES = {"quantised_mostly_accuracy": 0.02, "quantised_accuracy_and_size": 0.1}
"""Accuracy lost, plus so much a factor e of size: no criterion, but a compromise."""


@cache
def space() -> at.Space:
    """Return the space of the table."""
    document = quantisation.table()
    operations = zip(document["operations"], document["options"], strict=True)
    return at.Space(*(at.Categorical(name, options) for (name, _), options in operations))


@cache
def _measured() -> dict[tuple[int, ...], Measurement]:
    rows = quantisation.table()["rows"]
    return {tuple(row[:-2]): Measurement(row[-2], {"modelsize": row[-1]}) for row in rows}


def _measurement(params: Params) -> Measurement:
    options = quantisation.table()["options"]
    values = zip(options, space().names, strict=True)
    row = tuple(choices.index(params[name]) for choices, name in values)
    return _measured().get(row, _baseline())  # nothing quantised is no row


def _baseline() -> Measurement:
    accuracy, size = quantisation.table()["baseline"]
    return Measurement(accuracy, {"modelsize": size})


def configurations() -> Iterator[dict[str, Any]]:
    """Yield the params of every configuration."""
    options = quantisation.table()["options"]
    for values in itertools.product(*options):
        yield dict(zip(space().names, values, strict=True))


def outcomes(params: Params) -> dict[str, float]:
    """Return the accuracy, and the size in kilobytes."""
    measurement = _measurement(params)
    return {
        "size": measurement.values["modelsize"] / 1000,
        "accuracy": float(measurement.accuracy or 0.0),
    }


def _penalised(goal: TuningGoal, measurement: Measurement) -> float:
    """Return the gain, less a penalty that grows with the logarithm of what is missed."""
    threshold, base = goal.threshold or 0.0, goal.baseline.accuracy or 0.0
    short, allowed = max(threshold - (measurement.accuracy or 0.0), 0.0), abs(threshold - base)
    missed = math.log(allowed + short) - math.log(allowed) if short else 0.0
    return goal.gain(measurement) - 0.7 * missed


def _limited(name: str, criterion: Criterion) -> Task:
    goal = TuningGoal(criterion, (Objective("modelsize", 1.0, False),), _baseline())

    def loss(params: Params) -> float:
        return -_penalised(goal, _measurement(params))

    optimum = min(-_penalised(goal, measurement) for measurement in _measured().values())
    return Task(name, "quantisation", space(), loss, BUDGET, optimum)


def _traded(name: str, weight: float) -> Task:
    def cost(measurement: Measurement) -> float:
        size = measurement.values["modelsize"] / _baseline().values["modelsize"]
        return weight * math.log(size) - (measurement.accuracy or 0.0)

    def loss(params: Params) -> float:
        return cost(_measurement(params))

    return Task(name, "quantisation", space(), loss, BUDGET, min(map(cost, _measured().values())))


def tasks() -> tuple[Task, ...]:
    """Return all tasks of the suite."""
    limited = (_limited(name, criterion) for name, criterion in CRITERIA.items())
    return (*limited, *(_traded(name, weight) for name, weight in TRADES.items()))
