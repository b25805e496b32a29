"""Studies to look at, made in no time: their trials are told, not suggested by a model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from spaces import (
    conditional,
    constrained,
    every_kind,
    params_of,
    score,
    score_conditional,
    score_constrained,
)

import asktell as at


def told(n: int = 30, seed: int = 0) -> at.Engine:
    """Return a study over every kind of parameter: n trials, and a failure after every ninth."""
    space = every_kind()
    engine = at.Engine(space, seed=seed, goal="maximize")
    points = space.sample(np.random.default_rng(seed).random((n, space.dim)))
    for place, values in enumerate(space.decode(points)):
        params = space.params(values)
        if place % 9 == 5:
            engine.fail(params, "out of memory", now=10.0 * place)
        else:
            engine.observe(params, score(params), now=10.0 * place)
    return engine


def branched(n: int = 40, seed: int = 0) -> at.Engine:
    """Return a study over branches three deep, in which networks of four layers failed."""
    space = conditional()
    engine = at.Engine(space, seed=seed, objectives={"accuracy": "maximize"})
    for place, params in enumerate(params_of(space, n, seed)):
        if params.get("layers", 0) == 4:
            engine.fail(params, "RuntimeError: diverged", now=10.0 * place)
        else:
            engine.observe(params, score_conditional(params), now=10.0 * place)
    return engine


def bounded(n: int = 40, seed: int = 0) -> at.Engine:
    """Return a study over a space with a constraint of every kind."""
    space = constrained()
    engine = at.Engine(space, seed=seed, goal="maximize")
    for params in params_of(space, n, seed):
        engine.observe(params, score_constrained(params))
    return engine


def plain(n: int = 25, goal: Any = "minimize", seed: int = 3) -> at.Engine:
    """Return a study of 4 x + y, whose third parameter z does nothing."""
    space = at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0), at.Float("z", 0.0, 1.0))
    engine = at.Engine(space, seed=seed, goal=goal)
    for x, y, z in np.random.default_rng(seed).random((n, 3)).tolist():
        engine.observe({"x": x, "y": y, "z": z}, 4.0 * x + y)
    return engine


def several(n: int = 24, k: int = 2, weight: float | None = None) -> at.Engine:
    """Return a study of up to four objectives, with a constraint on the second."""
    objectives: dict[str, at.Minimize | at.Maximize] = {
        "size": at.Minimize(weight),
        "accuracy": at.Maximize(weight),
        "latency": at.Minimize(weight),
        "energy": at.Minimize(weight),
        "price": at.Minimize(weight),
    }
    space = at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0))
    names = list(objectives)[:k]
    engine = at.Engine(
        space,
        objectives={name: objectives[name] for name in names},
        constraints={"accuracy": at.AtLeast(0.3)},
    )
    for place, (x, y) in enumerate(np.random.default_rng(1).random((n, 2)).tolist()):
        if place % 7 == 3:
            engine.fail({"x": x, "y": y}, "no")
            continue
        numbers = [100.0 * x + y, math.sqrt(x) * (1.0 - 0.3 * y), 3.0 + y - x, x * y, x + y]
        engine.observe({"x": x, "y": y}, dict(zip(names, numbers, strict=False)))
    return engine


def small() -> at.Engine:
    """Return a study in which nothing has happened yet."""
    return at.Engine(at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 1, 5)))


def all_failed(n: int = 4) -> at.Engine:
    """Return a study in which all has failed."""
    engine = small()
    for place in range(n):
        engine.fail({"x": place / n, "n": 1}, "no such file: train.csv")
    return engine


def one_trial() -> at.Engine:
    """Return a study of one trial."""
    engine = small()
    engine.observe({"x": 0.25, "n": 2}, 0.5)
    return engine


def wide(dim: int, n: int = 20) -> at.Engine:
    """Return a study of many parameters of all kinds, whose names have 60 letters."""
    kinds = (
        lambda name: at.Float(name, 0.0, 1.0),
        lambda name: at.Float(name, 1e-6, 1e2, log=True),
        lambda name: at.Int(name, 1, 1000, log=True),
        lambda name: at.Categorical(name, ["a", "bb", "a rather long choice of words", None]),
        lambda name: at.Bool(name),
    )
    names = [
        f"encoder.block_{i:02}.attention.self.output.dense.projection_{i:02}" for i in range(dim)
    ]
    space = at.Space(*(kinds[i % 5](name) for i, name in enumerate(names)))
    engine = at.Engine(space, seed=2, goal="minimize")
    weights = 1.0 / np.arange(1, dim + 1)
    points = space.sample(np.random.default_rng(4).random((n, dim)))
    for point, values in zip(points, space.decode(points), strict=True):
        engine.observe(space.params(values), float(weights @ np.square(point - 0.4)))
    return engine
