"""Model selection: five of scikit-learn's estimators with their own parameters, on its own data.

Every branch, which is what choices leave of the space, was measured on a full grid of its numbers;
between them losses are interpolated, linearly in each number or its logarithm. See
write_selection_tables.py.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

import asktell as at
from suites import tables
from suites.task import Params, Task

Grid = Sequence[float]


def space() -> at.Space:
    """Return the space, the same for all data."""
    svm, forest = {"model": "svm"}, {"model": "forest"}
    neighbours, linear, boosting = (
        {"model": name} for name in ("neighbours", "linear", "boosting")
    )
    return at.Space(
        at.Categorical("model", ["linear", "neighbours", "svm", "forest", "boosting"]),
        at.Categorical("penalty", ["l2", "l1", "elastic"], when=linear),
        at.Float("alpha", 1e-6, 1.0, log=True, when=linear),
        at.Float("l1_ratio", 0.0, 1.0, when={"penalty": "elastic"}),
        at.Int("neighbours", 1, 40, log=True, when=neighbours),
        at.Categorical("weights", ["uniform", "distance"], when=neighbours),
        at.Categorical("metric", ["cosine", "minkowski"], when=neighbours),
        at.Float("power", 1.0, 4.0, when={"metric": "minkowski"}),
        at.Categorical("kernel", ["linear", "poly", "rbf"], when=svm),
        at.Float("C", 1e-3, 1e3, log=True, when=svm),
        at.Float("gamma", 1e-5, 10.0, log=True, when={"kernel": ["poly", "rbf"]}),
        at.Int("degree", 2, 4, when={"kernel": "poly"}),
        at.Float("features", 0.05, 1.0, when=forest),
        at.Int("leaf", 1, 20, log=True, when=forest),
        at.Bool("limited", when=forest),
        at.Int("forest_depth", 1, 12, when={"limited": True}),
        at.Float("rate", 0.01, 1.0, log=True, when=boosting),
        at.Int("trees", 3, 40, log=True, when=boosting),
        at.Int("boosting_depth", 1, 4, when=boosting),
        at.Bool("sampled", when=boosting),
        at.Float("rows", 0.2, 0.9, when={"sampled": True}),
    )


GRIDS: Mapping[str, Grid] = {
    "alpha": [10.0**i for i in range(-6, 1)],
    "l1_ratio": [0.0, 0.25, 0.5, 0.75, 1.0],
    "neighbours": [1, 2, 4, 8, 15, 40],
    "power": [1.0, 1.5, 2.0, 4.0],
    "C": [10.0**i for i in range(-3, 4)],
    "gamma": [10.0**i for i in range(-5, 2)],
    "degree": [2, 3, 4],
    "features": [0.05, 0.15, 0.4, 1.0],
    "leaf": [1, 2, 5, 10, 20],
    "forest_depth": [1, 2, 4, 7, 12],
    "rate": [0.01, 0.03, 0.1, 0.3, 1.0],
    "trees": [3, 6, 12, 22, 40],
    "boosting_depth": [1, 2, 4],
    "rows": [0.2, 0.5, 0.9],
}
"""Where every number was measured, both of its ends included."""

_LOGARITHMIC = {"alpha", "neighbours", "C", "gamma", "leaf", "rate", "trees"}


@frozen
class Branch:
    """What some choices leave: the numbers that are then active."""

    choices: tuple[tuple[str, Any], ...]
    numbers: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Return how many values of each number were measured."""
        return tuple(len(GRIDS[name]) for name in self.numbers)

    def configurations(self) -> Iterator[dict[str, Any]]:
        """Yield what was measured; the last number varies fastest."""
        for values in itertools.product(*(GRIDS[name] for name in self.numbers)):
            yield {**dict(self.choices), **dict(zip(self.numbers, values, strict=True))}


def _branches() -> Iterator[Branch]:
    def branch(numbers: str, **choices: Any) -> Branch:
        return Branch(tuple(choices.items()), tuple(numbers.split()))

    for penalty in ("l2", "l1", "elastic"):
        numbers = "alpha l1_ratio" if penalty == "elastic" else "alpha"
        yield branch(numbers, model="linear", penalty=penalty)
    for weights in ("uniform", "distance"):
        yield branch("neighbours", model="neighbours", weights=weights, metric="cosine")
        yield branch("neighbours power", model="neighbours", weights=weights, metric="minkowski")
    yield branch("C", model="svm", kernel="linear")
    yield branch("C gamma degree", model="svm", kernel="poly")
    yield branch("C gamma", model="svm", kernel="rbf")
    yield branch("features leaf", model="forest", limited=False)
    yield branch("features leaf forest_depth", model="forest", limited=True)
    yield branch("rate boosting_depth trees", model="boosting", sampled=False)
    yield branch("rate boosting_depth rows trees", model="boosting", sampled=True)


BRANCHES = tuple(_branches())


@cache
def _measured(data: str) -> dict[tuple[tuple[str, Any], ...], NDArray[np.float64]]:
    """Return the losses of each branch, an array with an axis for each of its numbers."""
    values, start, measured = np.array(tables.read(f"select_{data}")), 0, {}
    for branch in BRANCHES:
        end = start + math.prod(branch.shape)
        measured[branch.choices] = values[start:end].reshape(branch.shape)
        start = end
    return measured


def place(name: str, value: float) -> float:
    """Return the place of a number on its grid, 0 at the first, between places by its share."""
    grid = np.asarray(GRIDS[name], dtype=np.float64)
    if name in _LOGARITHMIC:
        return float(np.interp(math.log(value), np.log(grid), np.arange(len(grid))))
    return float(np.interp(value, grid, np.arange(len(grid))))


def loss(data: str, params: Params) -> float:
    """Return the interpolated loss of params."""
    branch = next(b for b in BRANCHES if all(params.get(k) == v for k, v in b.choices))
    values = _measured(data)[branch.choices]
    for name in branch.numbers:
        position = place(name, params[name])
        index = min(int(position), len(values) - 2)
        share = position - index
        values = (1.0 - share) * values[index] + share * values[index + 1]
    return float(values)


def task(data: str, suite: str) -> Task:
    """Return the task of some data."""

    def function(params: Params) -> float:
        return loss(data, params)

    name = f"select_{data}"
    return Task(name, suite, space(), function, 60, min(tables.read(name)))
