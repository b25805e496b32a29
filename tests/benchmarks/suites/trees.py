"""Trees that do not exist: what is chosen decides what else there is to choose.

Losses are sums over what is active, so that optima are known. What is drawn is drawn once, from a
seeded stream.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from attrs import frozen

import asktell as at
from suites.task import Params

Parameters = list[at.Float | at.Int | at.Categorical | at.Bool | at.Ordinal]


def _bowl(value: float, best: float, width: float) -> float:
    """Return 0 at the best value, 1 a width away, and ever more slowly more."""
    return math.log1p((math.e - 1) * ((value - best) / width) ** 2)


# --- the tree of Jenatton et al. 2017 (Bayesian optimization with tree-structured dependencies,
# section 5.1), with optima that are not in the middle ---

_SIDES = [0, 1]
JENATTON = at.Space(
    at.Categorical("x1", _SIDES),
    at.Categorical("x2", _SIDES, when={"x1": 0}),
    at.Categorical("x3", _SIDES, when={"x1": 1}),
    at.Float("x4", -1.0, 1.0, when={"x2": 0}),
    at.Float("x5", -1.0, 1.0, when={"x2": 1}),
    at.Float("x6", -1.0, 1.0, when={"x3": 0}),
    at.Float("x7", -1.0, 1.0, when={"x3": 1}),
    at.Float("r8", 0.0, 1.0, when={"x1": 0}),
    at.Float("r9", 0.0, 1.0, when={"x1": 1}),
)
JENATTON_OPTIMUM = 0.1


def jenatton(p: Params) -> float:
    if p["x1"] == 0:
        leaf, offset, shared = ("x4", 0.1, "r8") if p["x2"] == 0 else ("x5", 0.2, "r8")
    else:
        leaf, offset, shared = ("x6", 0.3, "r9") if p["x3"] == 0 else ("x7", 0.4, "r9")
    return float((p[leaf] - 0.37) ** 2 + offset + p[shared])


# --- many branches of different sizes; the best is large, and looks bad at first ---


class Branches:
    """A choice of branches, each with floats of its own, and a float that all share."""

    def __init__(self, sizes: list[int], seed: int) -> None:
        """Draw what each branch is worth, and where its floats are best."""
        draws = np.random.default_rng(seed)
        self._names = [f"branch{i:02}" for i in range(len(sizes))]
        self._sizes = sizes
        self._best = [draws.uniform(0.1, 0.9, size) for size in sizes]
        self._offsets = np.sort(draws.gamma(2.0, 0.25, len(sizes)))[::-1]
        self._offsets -= self._offsets.min()
        self._shared = float(draws.uniform(0.2, 0.8))
        self.optimum = 0.0
        self.space = at.Space(
            at.Categorical("branch", [self._names[i] for i in draws.permutation(len(sizes))]),
            at.Float("shared", 0.0, 1.0),
            *(
                at.Float(f"{name}_x{i}", 0.0, 1.0, when={"branch": name})
                for name, size in zip(self._names, sizes, strict=True)
                for i in range(size)
            ),
        )

    def __call__(self, p: Params) -> float:
        """Return the loss: what the branch is worth, and how far its floats are from their best."""
        branch = self._names.index(p["branch"])
        point = np.array([p[f"{p['branch']}_x{i}"] for i in range(self._sizes[branch])])
        far = 2.0 * ((point - self._best[branch]) ** 2).sum()
        return float(self._offsets[branch] + far + 1.5 * (p["shared"] - self._shared) ** 2)


# --- how to train: optimisers and schedules that share some of their parameters ---

TRAINING = at.Space(
    at.Categorical("optimiser", ["sgd", "momentum", "rmsprop", "adam", "lion"]),
    at.Categorical("schedule", ["constant", "cosine", "warm", "drops"]),
    at.Float("rate", 1e-5, 1.0, log=True),
    at.Float("momentum", 0.0, 0.999, when={"optimiser": ["momentum", "adam", "lion"]}),
    at.Bool("nesterov", when={"optimiser": "momentum"}),
    at.Float("decay", 0.8, 0.9999, when={"optimiser": ["rmsprop", "adam", "lion"]}),
    at.Bool("centred", when={"optimiser": "rmsprop"}),
    at.Float("warm_up", 0.0, 0.5, when={"schedule": ["warm", "cosine"]}),
    at.Float("floor", 1e-3, 1.0, log=True, when={"schedule": "cosine"}),
    at.Int("drops", 1, 3, when={"schedule": "drops"}),
    *(at.Float(f"factor{i}", 0.05, 1.0, when={"drops": at.AtLeast(i)}) for i in (1, 2, 3)),
)
_RATES = {"sgd": -0.7, "momentum": -1.5, "rmsprop": -2.8, "adam": -2.6, "lion": -3.6}
_OPTIMISERS = {"sgd": 0.5, "momentum": 0.12, "rmsprop": 0.3, "adam": 0.1, "lion": 0.0}
_MOMENTA = {"momentum": 0.9, "adam": 0.85, "lion": 0.75}
TRAINING_OPTIMUM = 0.03


def training(p: Params) -> float:
    optimiser = p["optimiser"]
    loss = _OPTIMISERS[optimiser] + 0.5 * _bowl(math.log10(p["rate"]), _RATES[optimiser], 0.8)
    if "momentum" in p:
        loss += 0.3 * _bowl(p["momentum"], _MOMENTA[optimiser], 0.3)
    if "decay" in p:
        loss += 0.2 * _bowl(p["decay"], 0.97, 0.06)
    loss += 0.06 * (not p.get("nesterov", True)) + 0.1 * (not p.get("centred", True))
    return float(loss + _schedule(p))


def _schedule(p: Params) -> float:
    """Return what the schedule costs: at best 0.03, with three drops."""
    if p["schedule"] == "constant":
        return 0.35
    if p["schedule"] == "warm":
        return 0.2 + 0.2 * _bowl(p["warm_up"], 0.1, 0.15)
    if p["schedule"] == "cosine":
        loss = 0.08 + 0.2 * _bowl(p["warm_up"], 0.1, 0.15)
        return loss + 0.1 * _bowl(math.log10(p["floor"]), -2.0, 1.0)
    factors = [p[f"factor{i + 1}"] for i in range(p["drops"])]
    far = sum(0.25 * _bowl(x, best, 0.3) for x, best in zip(factors, (0.5, 0.3, 0.2), strict=False))
    return 0.27 - 0.08 * p["drops"] + far


# --- a chain of one to five stages, each of a kind that has a parameter of its own, or none ---

_KINDS = ["filter", "gain", "mix"]
_STAGES = range(1, 6)
STAGES = at.Space(
    at.Int("stages", 1, 5),
    *(at.Categorical(f"kind{i}", _KINDS, when={"stages": at.AtLeast(i)}) for i in _STAGES),
    *(at.Float(f"cut{i}", 1.0, 1e4, log=True, when={f"kind{i}": "filter"}) for i in _STAGES),
    *(at.Float(f"gain{i}", -10.0, 10.0, when={f"kind{i}": "gain"}) for i in _STAGES),
)
_RIGHT_KINDS = ("gain", "filter", "filter", "mix", "gain")
_RIGHT_CUTS = (2.0, 1.2, 2.9, 3.2, 0.7)
_RIGHT_GAINS = (4.0, -3.0, 0.5, 6.0, -6.0)
_REMOVED, _COST = 0.6, 0.03


def stages(p: Params) -> float:
    left = 1.0
    for i in range(p["stages"]):
        kind = p[f"kind{i + 1}"]
        if kind == "filter":
            fit = math.exp(-(((math.log10(p[f"cut{i + 1}"]) - _RIGHT_CUTS[i]) / 0.8) ** 2))
        elif kind == "gain":
            fit = math.exp(-(((p[f"gain{i + 1}"] - _RIGHT_GAINS[i]) / 4.0) ** 2))
        else:
            fit = 1.0
        left *= 1.0 - _REMOVED * fit * (1.0 if kind == _RIGHT_KINDS[i] else 0.4)
    return left + _COST * float(p["stages"])


STAGES_OPTIMUM = min((1.0 - _REMOVED) ** n + _COST * n for n in _STAGES)


# --- an engine of a vehicle: parameters that need two others to have certain values ---

_BURNS, _STORES = ["piston", "turbine", "hybrid"], ["electric", "hybrid"]
ENGINE = at.Space(
    at.Categorical("engine", ["piston", "turbine", "electric", "hybrid"]),
    at.Float("mass", 200.0, 4000.0, log=True),
    at.Int("gears", 1, 8),
    at.Categorical("fuel", ["petrol", "diesel", "hydrogen"], when={"engine": _BURNS}),
    at.Bool("turbo", when={"engine": ["piston", "hybrid"]}),
    at.Float("boost", 0.0, 2.0, when={"turbo": True}),
    at.Float("waste", 0.0, 1.0, when={"boost": at.AtLeast(0.6)}),
    at.Float("compression", 8.0, 24.0, when={"engine": "piston", "fuel": "diesel"}),
    at.Float("pressure", 50.0, 900.0, log=True, when={"fuel": "hydrogen"}),
    at.Float("heat", 600.0, 1800.0, when={"engine": "turbine", "fuel": ["petrol", "hydrogen"]}),
    at.Int("cells", 10, 400, log=True, when={"engine": _STORES}),
    at.Categorical("chemistry", ["lead", "iron", "nickel", "solid"], when={"engine": _STORES}),
    at.Float("cooling", 0.0, 1.0, when={"engine": _STORES, "chemistry": ["nickel", "solid"]}),
)
ENGINE_OPTIMUM = 0.02


def engine(p: Params) -> float:
    kind = p["engine"]
    loss = {"piston": 0.3, "turbine": 0.55, "electric": 0.12, "hybrid": 0.0}[kind]
    loss += 0.4 * _bowl(math.log10(p["mass"]), 2.8 if kind == "turbine" else 3.05, 0.3)
    loss += 0.03 * abs(p["gears"] - {"piston": 6, "turbine": 1, "electric": 2, "hybrid": 4}[kind])
    loss += {None: 0.0, "petrol": 0.1, "diesel": 0.15, "hydrogen": 0.02}[p.get("fuel")]
    loss += 0.15 * (not p.get("turbo", True))
    if "boost" in p:
        loss += 0.2 * _bowl(p["boost"], 1.3, 0.5)
    for name, best, width in (("waste", 0.35, 0.3), ("cooling", 0.7, 0.3)):
        loss += 0.2 * _bowl(p[name], best, width) if name in p else 0.0
    if "compression" in p:
        loss += 0.15 * _bowl(p["compression"], 18.0, 4.0) - 0.1
    if "pressure" in p:
        loss += 0.25 * _bowl(math.log10(p["pressure"]), 2.7, 0.25)
    if "heat" in p:
        loss += 0.3 * _bowl(p["heat"], 1500.0, 200.0) - 0.3
    if "cells" in p:
        loss += 0.25 * _bowl(math.log10(p["cells"]), 2.3 if kind == "electric" else 1.7, 0.35)
        loss += {"lead": 0.5, "iron": 0.1, "nickel": 0.05, "solid": 0.0}[p["chemistry"]]
    return float(loss)


# --- a tree of choices: a float for all below a choice, and some for each leaf ---


@frozen
class _Node:
    """A choice: what each of its options costs, and where its own float is best."""

    name: str
    options: tuple[str, ...]
    costs: tuple[float, ...]
    best: float


class Tree:
    """Choices below choices; a loss is the sum along the path that is chosen."""

    def __init__(self, levels: int, most_options: int, seed: int) -> None:
        """Draw the tree: choices on so many levels, and up to two floats below each of the last."""
        self._draws = np.random.default_rng(seed)
        self._nodes: dict[str, _Node] = {}
        self._leaves: dict[str, list[float]] = {}
        self._parameters: Parameters = []
        least = self._grow("node", None, levels, most_options)
        self.optimum = least
        self.space = at.Space(*self._parameters)

    def _grow(self, name: str, when: dict[str, Any] | None, levels: int, most: int) -> float:
        """Add what is below an option, and return the least that it costs."""
        draws = self._draws
        if not levels:
            best = draws.uniform(0.1, 0.9, int(draws.integers(0, 3))).tolist()
            self._leaves[name] = best
            for i in range(len(best)):
                self._parameters.append(at.Float(f"{name}_leaf{i}", 0.0, 1.0, when=when))
            return 0.0
        n = int(draws.integers(2, most + 1))
        options = tuple("abcdef"[:n])
        costs = tuple(draws.permutation(np.append(0.0, draws.gamma(2.0, 0.12, n - 1))).tolist())
        self._nodes[name] = _Node(name, options, costs, float(draws.uniform(0.1, 0.9)))
        self._parameters.append(at.Categorical(name, options, when=when))
        self._parameters.append(at.Float(f"{name}_x", 0.0, 1.0, when=when))
        return min(
            cost + self._grow(f"{name}_{option}", {name: option}, levels - 1, most)
            for option, cost in zip(options, costs, strict=True)
        )

    def __call__(self, p: Params) -> float:
        """Return the loss along the path that is chosen."""
        name, loss = "node", 0.0
        while name in self._nodes:
            node = self._nodes[name]
            loss += node.costs[node.options.index(p[name])]
            loss += 1.5 * (p[f"{name}_x"] - node.best) ** 2
            name = f"{name}_{p[name]}"
        best = self._leaves[name]
        return loss + sum(2.0 * (p[f"{name}_leaf{i}"] - x) ** 2 for i, x in enumerate(best))
