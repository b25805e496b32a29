"""Spaces with known constraints, and optima that lie on them.

Values are 0 or more. Peers that suggest params that break a constraint are told a penalty: it grows
with how much is broken, and such a trial counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import asktell as at
from suites import classic
from suites.task import Params, Task

BUDGET = 40

# --- the optimum of Branin's that is left lies on a line ---

LINEAR_2 = at.Space(
    at.Float("x0", -5.0, 10.0),
    at.Float("x1", 0.0, 15.0),
    constraints=[
        at.Linear({"x0": 1.0, "x1": 1.0}, at_most=5.0),
        at.Linear({"x0": 1.0, "x1": -2.0}, at_most=3.0),
    ],
)


def linear_2(p: Params) -> float:
    return classic.branin(np.array([p["x0"], p["x1"]]))


# --- Hartmann's in six dimensions, with a budget for all and a balance of two halves ---

_SIX = [f"x{i}" for i in range(6)]
LINEAR_6 = at.Space(
    *(at.Float(name, 0.0, 1.0) for name in _SIX),
    constraints=[
        at.Linear(dict.fromkeys(_SIX, 1.0), at_most=1.8),
        at.Linear({n: 1.0 if i < 3 else -1.0 for i, n in enumerate(_SIX)}, at_least=-0.2),
    ],
)


def linear_6(p: Params) -> float:
    return classic.hartmann_6(np.array([p[name] for name in _SIX])) + 3.322368011415515


# --- shares of a budget for ten, each with a need of its own ---

_TEN = [f"x{i}" for i in range(10)]
_draws = np.random.default_rng(10)
_NEEDS, _URGENCY = _draws.uniform(0.3, 0.9, 10), _draws.uniform(0.5, 2.0, 10)
_PRICES = _draws.uniform(0.5, 1.5, 10)
LINEAR_10 = at.Space(
    *(at.Float(name, 0.0, 1.0) for name in _TEN),
    constraints=[
        at.Linear(dict(zip(_TEN, _PRICES.tolist(), strict=True)), at_most=4.0),
        at.Linear({"x0": 1.0, "x1": 1.0, "x2": -1.0}, at_most=0.4),
        at.Linear(dict.fromkeys(_TEN[5:], 1.0), at_least=1.5),
    ],
)


def linear_10(p: Params) -> float:
    missing = np.array([p[name] for name in _TEN]) - _NEEDS
    return float(_URGENCY @ missing**2)


# --- thresholds in order, two of which would be the other way round ---

_KNOTS = [f"t{i}" for i in range(5)]
_WISHES, _WEIGHTS = np.array([12.0, 35.0, 28.0, 80.0, 66.0]), np.array([1.0, 2.0, 1.0, 1.0, 3.0])
ORDERED = at.Space(
    *(at.Float(name, 0.0, 100.0) for name in _KNOTS), constraints=[at.Ordered(*_KNOTS)]
)


def ordered(p: Params) -> float:
    far = (np.array([p[name] for name in _KNOTS]) - _WISHES) / 20.0
    return float(_WEIGHTS @ far**2)


# --- what does not go together, among it the best ---

FORBIDDEN = at.Space(
    at.Categorical("engine", ["row", "column", "graph", "key"]),
    at.Categorical("codec", ["none", "fast", "dense", "delta", "dictionary"]),
    at.Categorical("index", ["tree", "hash", "bitmap", "none"]),
    at.Int("threads", 1, 32, log=True),
    at.Float("cache", 0.01, 1.0, log=True),
    constraints=[
        at.Forbidden({"engine": "column", "codec": ["delta", "dictionary"]}),
        at.Forbidden({"engine": ["row", "key"], "index": "bitmap"}),
        at.Forbidden({"codec": "none", "index": "hash"}),
        at.Forbidden({"engine": "graph", "threads": at.AtLeast(9)}),
        at.Forbidden({"index": ["hash", "none"], "threads": at.AtLeast(17), "codec": "dense"}),
    ],
)
_ENGINES = {"row": 0.7, "column": 0.0, "graph": 0.35, "key": 0.5}
_CODECS = {"none": 0.8, "fast": 0.4, "dense": 0.3, "delta": 0.1, "dictionary": 0.0}
_INDICES = {"tree": 0.3, "hash": 0.2, "bitmap": 0.0, "none": 0.6}


def forbidden(p: Params) -> float:
    loss = _ENGINES[p["engine"]] + _CODECS[p["codec"]] + _INDICES[p["index"]]
    loss += 0.08 * (math.log2(p["threads"]) - 4.0) ** 2
    return float(loss + 0.5 * (math.log10(p["cache"]) + 0.6) ** 2)


# --- a mixture of five, in which one does best without ---

_PARTS = [f"share{i}" for i in range(5)]
_MIX = np.array([0.45, 0.05, 0.3, 0.0, 0.2])
SHARES = at.Space(*(at.Float(name, 0.0, 1.0) for name in _PARTS), constraints=[at.Simplex(*_PARTS)])


def shares(p: Params) -> float:
    mix = np.array([p[name] for name in _PARTS])
    together = mix[0] * mix[2] - _MIX[0] * _MIX[2]
    return float(4.0 * ((mix - _MIX) ** 2).sum() + 20.0 * together**2)


# --- a corner that is a millionth of the box ---

_CORNER = np.array([0.02, 0.1, 0.04, 0.12, 0.01, 0.07])
TINY = at.Space(
    *(at.Float(name, 0.0, 1.0) for name in _SIX),
    constraints=[at.Linear(dict.fromkeys(_SIX, 1.0), at_least=5.7)],
)


def tiny(p: Params) -> float:
    missing = 1.0 - np.array([p[name] for name in _SIX])
    return math.log1p(float((((missing - _CORNER) / 0.03) ** 2).sum()))


# --- thirty machines for five queues, within a cost ---

_QUEUES = [f"queue{i}" for i in range(5)]
_LOADS, _COSTS = (9.0, 4.0, 16.0, 1.0, 25.0), (3.0, 1.0, 2.0, 5.0, 4.0)
INTEGERS = at.Space(
    *(at.Int(name, 0, 20) for name in _QUEUES),
    constraints=[
        at.Linear(dict.fromkeys(_QUEUES, 1.0), at_least=30.0, at_most=30.0),
        at.Linear(dict(zip(_QUEUES, _COSTS, strict=True)), at_most=84.0),
    ],
)


def integers(p: Params) -> float:
    return sum(load / (1 + p[name]) for name, load in zip(_QUEUES, _LOADS, strict=True))


# --- all of them ---


def _near(names: tuple[str, ...], *values: float) -> dict[str, Any]:
    return dict(zip(names, values, strict=True))


_TASKS: dict[str, tuple[at.Space, Callable[[Params], float], float, Mapping[str, Any]]] = {
    "linear_2": (LINEAR_2, linear_2, 150.0, _near(LINEAR_2.names, 3.123085, 1.876915)),
    "linear_6": (
        *(LINEAR_6, linear_6, 3.32),
        _near(LINEAR_6.names, 0.388163, 0.847533, 0.0, 0.546081, 0.0, 0.018223),
    ),
    "linear_10": (
        *(LINEAR_10, linear_10, 3.0),
        _near(
            LINEAR_10.names,
            *(0.756658, 0.048576, 0.631556, 0.137156, 0.444007),
            *(0.260394, 0.408176, 0.61378, 0.22615, 0.69676),
        ),
    ),
    "ordered": (ORDERED, ordered, 40.0, _near(ORDERED.names, 12.0, 98 / 3, 98 / 3, 69.5, 69.5)),
    "forbidden": (
        *(FORBIDDEN, forbidden, 3.0),
        {"engine": "column", "codec": "dense", "index": "bitmap", "threads": 16, "cache": 10**-0.6},
    ),
    "shares": (SHARES, shares, 3.0, _near(SHARES.names, *_MIX.tolist())),
    "tiny": (TINY, tiny, 4.0, _near(TINY.names, 0.99, 0.91, 0.97, 0.89, 1.0, 0.94)),
    "integers": (INTEGERS, integers, 31.0, _near(INTEGERS.names, 6, 5, 8, 1, 10)),
}
"""The space, the function, what infeasible params cost at least, and the best params.

The optima were found by SLSQP from sixty starts, and by counting; of ``shares`` it is built in.
"""


def best(name: str) -> dict[str, Any]:
    """Return the best params of a task."""
    return dict(_TASKS[name][3])


def tasks() -> tuple[Task, ...]:
    """Return all tasks of the suite."""
    return tuple(
        Task(name, "known_constraints", space, function, BUDGET, function(known), penalty=penalty)
        for name, (space, function, penalty, known) in _TASKS.items()
    )
