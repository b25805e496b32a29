"""Studies that reports are made of: small and large, with everything that may go wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from looked_at import bounded, branched

import asktell as at

ODD = "<script>alert('x')</script> & \"quoted\" $a_1$ 🎉 ünï"
LONG = "a name of sixty letters, which is rather long for a parameter"[:60]


def told(engine: at.Engine, n: int, evaluate: Any, moments: bool = False) -> at.Engine:
    """Tell results of random params: nothing is suggested, so that it is quick."""
    rng = np.random.default_rng(5)
    points = engine.space.sample(rng.random((n, engine.space.dim)))
    for number, values in enumerate(engine.space.decode(points)):
        params = engine.space.params(values)
        outcome = evaluate(params)
        now = 1.76e9 + 60.0 * number if moments else None
        if isinstance(outcome, str):
            engine.fail(params, outcome, now=now)
        else:
            engine.observe(params, outcome, now=now)
    return engine


def space(dim: int) -> at.Space:
    """Return a space with every kind of parameter, and names that are hard to show."""
    kinds = [
        lambda name: at.Float(name, 1e-5, 1.0, log=True),
        lambda name: at.Int(name, 1, 12),
        lambda name: at.Categorical(name, ["rbf", "<b>poly</b>", f"choice: {LONG}"]),
        lambda name: at.Bool(name),
        lambda name: at.Ordinal(name, [2, 3, 4, 8]),
        lambda name: at.Float(name, -1.0, 1.0),
    ]
    names = ["rate", "depth", "kernel"] + [f"{LONG[:56]} {i}" for i in range(3, dim)]
    names[-1] = ODD if dim > 3 else names[-1]
    return at.Space(*(kinds[i % len(kinds)](names[i]) for i in range(dim)))


def accuracy(params: dict[str, Any]) -> float | str:
    if params["depth"] >= 10:
        return f"RuntimeError: out of memory, tried to get {params['depth']}00 MiB"
    return 0.9 - 0.02 * (np.log10(params["rate"]) + 2) ** 2 + 0.01 * params["depth"]


@functools.cache
def with_dim(dim: int, n: int = 30) -> at.Engine:
    engine = at.Engine(space(dim), seed=3, objectives={"accuracy": "maximize"})
    told(engine, n, accuracy, moments=True)
    for _ in range(2):
        engine.suggest(now=1.77e9, lease=60.0)
    engine.observe(engine.suggest(now=1.77e9), 0.93, now=1.77e9 + 90)
    return engine


@functools.cache
def several() -> at.Engine:
    engine = at.Engine(
        at.Space(at.Int("width", 8, 256, log=True), at.Bool("bias"), at.Float("dropout", 0, 0.5)),
        seed=1,
        objectives={"accuracy": "maximize", "size": "minimize"},
        constraints={"accuracy": at.AtLeast(0.75), "memory": at.AtMost(3.0)},
        settings=at.Settings(replicates=True),
    )

    def evaluate(params: dict[str, Any]) -> dict[str, float]:
        width = params["width"]
        kept = 1.0 - 1.0 / np.sqrt(width) - params["dropout"] / 10
        return {"accuracy": kept, "size": width * 1.3, "memory": width / 60}

    told(engine, 20, evaluate)
    engine.observe(engine.observations[0].params, engine.observations[0].target, {"size": 0.1})
    return engine


def none() -> at.Engine:
    return at.Engine(at.Space(at.Float("x", -1e299, 1e299), at.Float("tiny", 1e-300, 1e-290)))


def one() -> at.Engine:
    return told(none(), 1, lambda params: 1.0)


def pending() -> at.Engine:
    engine = none()
    engine.suggest_batch(3)
    return engine


def all_failed() -> at.Engine:
    engine = at.Engine(space(3), goal="minimize")
    return told(engine, 8, lambda params: f"ValueError: no file data-{params['depth']}.csv")


def infeasible() -> at.Engine:
    bound = {"memory": at.AtMost(0.1)}
    engine = at.Engine(
        at.Space(at.Float("x", 0, 1)), objectives={"loss": "minimize"}, constraints=bound
    )
    return told(engine, 8, lambda params: {"loss": params["x"], "memory": 1 + params["x"]})


def extreme() -> at.Engine:
    return told(none(), 12, lambda params: params["x"] * 1e7 if params["x"] > 0 else 1e-300)


def constant() -> at.Engine:
    return told(at.Engine(at.Space(at.Float("x", 0, 1))), 6, lambda params: 5.0)


def noisy() -> at.Engine:
    rng = np.random.default_rng(0)
    settings = at.Settings(replicates=True)
    engine = at.Engine(
        at.Space(at.Float("x", 0, 1), at.Float("y", 0, 1)), seed=1, settings=settings
    )
    told(engine, 40, lambda params: -((params["x"] - 0.3) ** 2) + 0.1 * rng.normal())
    engine.observe(engine.observations[3].params, -0.2, std=0.1)
    return engine


STUDIES: dict[str, Callable[[], at.Engine]] = {
    "3 parameters": lambda: with_dim(3),
    "12 parameters": lambda: with_dim(12),
    "40 parameters": lambda: with_dim(40),
    "several objectives": several,
    "no trial": none,
    "one trial": one,
    "only pending": pending,
    "all failed": all_failed,
    "infeasible": infeasible,
    "extreme numbers": extreme,
    "constant": constant,
    "noisy": noisy,
    "conditional": branched,
    "constrained": bounded,
}
