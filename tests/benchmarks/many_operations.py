"""Models of a hundred operations: is a trend enough, or must operations be put into groups?

``python tests/benchmarks/many_operations.py`` tunes synthetic models: every operation has options
with known bytes, and damages that are measured up to a factor drawn for each operation, as the real
ones are. The accuracy that is lost is the sum of the true damages, and noise. It prints the bytes
of the smallest model that meets the criterion after 20 and 40 trials, as a share of the FP32 ones,
beside the least that there is, and the seconds that a suggestion took.

``--spread`` is the deviation of the factor's logarithm: 0 for damages that are true, 1 for rough
ones. With groups each block of operations is one parameter, whose values are the steps of its own
frontier of damage and bytes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import evolve, frozen
from threadpoolctl import threadpool_limits

import asktell as at
from strategies.knowledge import Effect, Knowledge, Operation
from strategies.policies import AUTO, BAYESIAN, HAWQ, Context, EnginePolicy
from strategies.policies.frontier import frontier_of

OPTIONS = ("int4", "int8 tensor", "int8 channel", "fp16", "fp32")
SHARE_OF_BYTES = (0.14, 0.25, 0.27, 0.5, 1.0)
DAMAGE = (100.0, 4.0, 1.0, 0.01, 0.0)
NOISE = 0.02
"""Deviation of the accuracy, as a share of what may be lost."""


@frozen(eq=False)
class Model:
    """A synthetic model: what is known of it, and what is true."""

    knowledge: Knowledge
    factors: dict[str, float]
    limit: float
    seed: int

    def loss(self, params: Any) -> float:
        return sum(
            self.factors[one.name] * one.effect(params[one.name]).damage
            for one in self.knowledge.operations
        )

    def accuracy(self, params: Any) -> float:
        values = sorted(str(value) for value in params.items())
        noise = np.random.default_rng([self.seed, *"".join(values).encode()]).standard_normal()
        return -self.loss(params) / self.limit + NOISE * float(noise)


def model_of(n_operations: int, spread: float, seed: int) -> Model:
    draws = np.random.default_rng(seed)
    operations, factors = [], {}
    for number in range(n_operations):
        name = f"block{number // 8}/op{number % 8}"
        scale, size = 10 ** draws.normal(-4, 0.7), 4000 * 10 ** draws.uniform(-0.5, 0.5)
        steps = np.array(DAMAGE) * 10 ** draws.normal(0, 0.15, len(DAMAGE))
        effects = [
            Effect(option, float(step * scale), float(step * scale), size * (share - 1.0))
            for option, step, share in zip(OPTIONS, steps, SHARE_OF_BYTES, strict=True)
        ]
        operations.append(Operation(name, "MatMul", 0, effects))
        factors[name] = float(np.exp(draws.normal(0, spread)))
    knowledge = Knowledge(True, operations)
    default = dict.fromkeys(factors, "int8 channel")
    return Model(knowledge, factors, 1.2 * knowledge.damage(default), seed)


def context_of(model: Model) -> tuple[at.Space, Context]:
    names = [one.name for one in model.knowledge.operations]
    space = at.Space(*(at.Ordinal(name, OPTIONS[::-1]) for name in names))
    whole = -sum(
        one.effects[0].size / (SHARE_OF_BYTES[0] - 1.0) for one in model.knowledge.operations
    )
    sizes = {
        one.name: {e.option: e.size for e in one.effects} for one in model.knowledge.operations
    }

    def part_of(name: str) -> Callable[[Any], float]:
        return lambda params: -sizes[name][params[name]] / whole

    default, exact = (dict.fromkeys(names, option) for option in ("int8 channel", "fp16"))
    context = Context(
        known={"modelsize": at.SumOf({name: part_of(name) for name in names}, 1.0)},
        unquantised=dict.fromkeys(names, "fp32"),
        starts=(default, exact),
        knowledge=model.knowledge,
    )
    return space, context


def grouped(model: Model) -> tuple[at.Space, Context, Callable[[Any], dict[str, Any]]]:
    """Return the same with one parameter for each block, and what its values stand for."""
    _, context = context_of(model)
    blocks: dict[str, list[Operation]] = {}
    for one in model.knowledge.operations:
        blocks.setdefault(one.name.partition("/")[0], []).append(one)
    assert context.unquantised is not None
    base = dict(context.unquantised)
    frontiers = {
        name: frontier_of(Knowledge(True, some), {one.name: "fp32" for one in some})
        for name, some in blocks.items()
    }
    parameters = [at.Int(name, 0, len(one.steps)) for name, one in frontiers.items()]

    def spelt(params: Any) -> dict[str, Any]:
        whole = dict(base)
        for name, frontier in frontiers.items():
            whole |= frontier.params(params[name])
        return whole

    size_of = context.known["modelsize"]
    operations = [
        Operation(name, "block", 0, [Effect(str(n), d, d, 0.0) for n, d in enumerate(one.damages)])
        for name, one in frontiers.items()
    ]
    trend = at.Trend(
        {
            one.name: {n: -effect.damage for n, effect in enumerate(one.effects)}
            for one in operations
        }
    )
    tables = {  # what each block takes, as the size is asked for thousands of times
        name: [size_of(base | one.params(count)) - 1.0 for count in range(len(one.steps) + 1)]
        for name, one in frontiers.items()
    }
    known: Any = {
        "modelsize": lambda params: 1.0 + sum(tables[name][params[name]] for name in tables),
        "trend": trend,
    }
    return at.Space(*parameters), evolve(context, known=known), spelt


def run(policy: EnginePolicy, model: Model, trials: int) -> tuple[list[float], float]:
    """Return the least size after each trial, and the median seconds of a suggestion."""
    space, context = context_of(model)
    return _run(space, context, model, trials, policy, dict)


def run_grouped(model: Model, trials: int) -> tuple[list[float], float]:
    space, context, spelt = grouped(model)
    return _run(space, context, model, trials, None, spelt)


def _run(
    space: at.Space,
    context: Context,
    model: Model,
    trials: int,
    policy: EnginePolicy | None,
    spelt: Callable[[Any], dict[str, Any]],
) -> tuple[list[float], float]:
    state = at.State.start(
        space,
        model.seed,
        settings=BAYESIAN.settings,
        objectives={"modelsize": "minimize"},
        constraints={"accuracy": at.AtLeast(-1.0)},
    )
    known = dict(context.known)
    trend: Any = known.pop("trend", None)
    if policy is not None and context.unquantised is not None:
        state = at.observe(state, dict(context.unquantised), {"modelsize": 1.0, "accuracy": 0.0})
    best, sizes, seconds = 1.0, [], []
    for _ in range(trials):
        started = time.perf_counter()
        if policy is None:
            state, (suggestion,) = at.suggest(state, known=known, trends={"accuracy": trend})
            params = suggestion.params
        else:
            proposal = policy.ask(state, context)
            if proposal is None:
                break
            state, params = proposal
        seconds.append(time.perf_counter() - started)
        size, accuracy = known["modelsize"](params), model.accuracy(spelt(params))
        outcomes = {"modelsize": size, "accuracy": accuracy}
        state = at.observe(state, params, outcomes)
        if accuracy >= -1.0:
            best = min(best, size)
        sizes.append(best)
    return sizes, statistics.median(seconds)


def least(model: Model) -> float:
    """Return the least size on the frontier of the true damages."""
    true = Knowledge(
        True,
        [
            evolve(
                one,
                effects=[evolve(e, damage=model.factors[one.name] * e.damage) for e in one.effects],
            )
            for one in model.knowledge.operations
        ],
    )
    _, context = context_of(model)
    assert context.unquantised is not None
    frontier = frontier_of(true, context.unquantised)
    count = sum(damage <= model.limit for damage in frontier.damages) - 1
    return context.known["modelsize"](frontier.params(count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=100)
    parser.add_argument("--spread", type=float, default=0.7)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--which", nargs="*", default=["hawq", "auto", "trend", "groups", "none"])
    arguments = parser.parse_args()
    runs: dict[str, Callable[[Model], tuple[list[float], float]]] = {
        "none": lambda model: _without_trend(model, arguments.trials),
        "groups": lambda model: run_grouped(model, arguments.trials),
        "trend": lambda model: run(BAYESIAN, model, arguments.trials),
        "auto": lambda model: run(AUTO, model, arguments.trials),
        "hawq": lambda model: run(HAWQ, model, arguments.trials),
    }
    models = [
        model_of(arguments.operations, arguments.spread, seed) for seed in range(arguments.seeds)
    ]
    print("least", [round(least(model), 4) for model in models])
    for name in arguments.which:
        found = [runs[name](model) for model in models]
        halves = [sizes[: arguments.trials // 2][-1] for sizes, _ in found]
        ends = [sizes[-1] for sizes, _ in found]
        seconds = max(one for _, one in found)
        print(
            f"{name:8} after {arguments.trials // 2}: {np.mean(halves):.4f}, "
            f"after {arguments.trials}: {np.mean(ends):.4f}, {seconds:.2f} s a suggestion",
            flush=True,
        )


def _without_trend(model: Model, trials: int) -> tuple[list[float], float]:
    space, context = context_of(model)
    first = BAYESIAN.first
    script = evolve(BAYESIAN, first=lambda _: first(context))
    return _run(space, evolve(context, knowledge=None), model, trials, script, dict)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
