"""Spaces and objectives that several tests share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

import asktell as at
from asktell.insight.moves import drawn
from asktell.space.arguments import arguments_of
from asktell.space.column import is_number
from asktell.space.parameters import Parameter

QUICK = at.Settings(n_candidates=64, n_starts=2)
"""Few candidates: for tests of behaviour, not of quality."""


def every_kind() -> at.Space:
    """Return a space with a parameter of every kind and scale."""
    return at.Space(
        at.Float("x", -1.0, 2.0),
        at.Float("lr", 1e-5, 1.0, log=True),
        at.Float("momentum", 0.0, 0.99, step=0.01),
        at.Int("depth", 1, 12),
        at.Int("width", 1, 1000, log=True),
        at.Ordinal("bits", [2, 3, 4, 8]),
        at.Categorical("kernel", ["rbf", "poly", None]),
        at.Bool("bias"),
    )


def finite() -> at.Space:
    """Return a mixed space of 72 configurations."""
    return at.Space(
        at.Int("a", 1, 3),
        at.Ordinal("b", ["low", "mid", "high"]),
        at.Categorical("c", ["u", "v"]),
        at.Bool("d"),
        at.Float("e", 0.0, 0.5, step=0.5),
    )


def as_box(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a space as schemas before 6 have it, which know nothing but boxes."""
    added = ("when", "default", "likely")
    return {
        "parameters": [
            {key: value for key, value in parameter.items() if key not in added}
            for parameter in row["parameters"]
        ]
    }


def tree() -> at.Space:
    """Return a space with conditions of every kind, nested, on every kind of parameter."""
    return at.Space(
        at.Categorical("model", ["svm", "forest", "mlp"]),
        at.Float("C", 1e-3, 1e3, log=True, when={"model": "svm"}),
        at.Int("trees", 10, 500, log=True, when={"model": ["forest"]}),
        at.Int("layers", 1, 4, when={"model": "mlp"}),
        at.Float("dropout_3", 0.0, 0.8, when={"layers": at.AtLeast(3)}),
        at.Int("units_2", 1, 1000, when={"layers": [2, 3], "bias": True}),
        at.Bool("bias"),
        at.Float("rate", 1e-4, 1.0, log=True),
        at.Float("warm", 0.0, 1.0, when={"rate": [at.AtLeast(0.01), at.AtMost(0.5)]}),
        at.Float("momentum", 0.0, 0.9, step=0.1),
        at.Int("huge", 0, 2**40),
        at.Float("cold", 0.0, 1.0, when={"huge": at.AtMost(2**39), "momentum": at.AtMost(0.55)}),
    )


def turns() -> list[tuple[at.Space, dict[str, Any] | None]]:
    """Return spaces that a study of ``finite`` may change to, each with what trials had."""
    a, b, c, d, e = finite().parameters
    f = at.Int("f", 0, 2, when={"g": True}, default=1)
    constraint = at.Forbidden({"a": 2, "d": True})
    return [
        (finite(), None),
        (at.Space(at.Int("a", 1, 2), b, d, e), {"c": "u"}),
        (at.Space(a, b, d, e), None),
        (at.Space(a, at.Ordinal("b", ["high", "low"]), c, d, at.Bool("g"), f), {"g": True}),
        (at.Space(d, c, b, a, at.Bool("g", default=False), constraints=[constraint]), {"e": 0.5}),
    ]


def earlier_study() -> at.State:
    """Return a study of a space like ``finite``, with results, a failure, and one pending."""
    space = at.Space(at.Int("a", 1, 5), *finite().parameters[1:4], at.Bool("g"))
    state = at.State.start(space, seed=5, settings=at.Settings(n_initial=10))
    state, suggestions = at.suggest(state, 7)
    for one in suggestions[:5]:
        state = at.observe(state, one, float(one.id), 0.25 if one.id % 2 else None)
    return at.fail(state, suggestions[5], "no luck")


def learned_by(space: at.Space) -> tuple[at.State, dict[str, Any]]:
    """Return the earlier study, and what it had of a space that ``finite`` may change to."""
    had = {"e": 0.5, "f": 2, "g": True}
    return earlier_study(), {name: had[name] for name in had if name in space.names}


def conditional() -> at.Space:
    """Return a space of branches three deep, with a default, a belief and a choice that is None."""
    return at.Space(
        at.Categorical("model", ["svm", "forest", "mlp"]),
        at.Float("C", 1e-3, 1e3, log=True, when={"model": "svm"}, default=1.0),
        at.Categorical("kernel", ["rbf", "poly", None], when={"model": "svm"}),
        at.Int("trees", 10, 500, log=True, when={"model": ["forest"]}),
        at.Int("layers", 1, 4, when={"model": "mlp"}, likely=2),
        at.Float("dropout_3", 0.0, 0.8, step=0.1, when={"layers": at.AtLeast(3)}),
        at.Ordinal("bits", [2, 3, 4, 8], when={"layers": {"at_least": 2, "at_most": 3}}),
        at.Bool("warm", when={"bits": [4, 8], "dropout_3": at.AtMost(0.4)}),
        at.Bool("bias"),
    )


def score_conditional(params: dict[str, Any]) -> float:
    """Return a target that depends on every parameter of ``conditional``; 2.3 is the best."""
    if params["model"] == "svm":
        value = 1.0 - 0.1 * (math.log10(params["C"]) - 1.0) ** 2 + 0.1 * (params["kernel"] is None)
    elif params["model"] == "forest":
        value = 0.8 - 0.2 * abs(math.log(params["trees"] / 200.0))
    else:
        value = 0.5 + 0.3 * params["layers"] - 2.0 * (params.get("dropout_3", 0.2) - 0.2) ** 2
        value += 0.05 * params.get("bits", 2) + 0.2 * params.get("warm", False)
    return value + 0.3 * params["bias"]


def constrained() -> at.Space:
    """Return a space with a constraint of every kind."""
    return at.Space(
        at.Categorical("model", ["svm", "mlp"]),
        at.Bool("bias"),
        at.Float("x1", 0.0, 1.0),
        at.Float("x2", 0.0, 1.0),
        at.Int("low", 1, 10),
        at.Int("high", 1, 10),
        at.Float("a", 0.0, 1.0),
        at.Float("b", 0.0, 1.0),
        at.Float("c", 0.0, 1.0),
        constraints=[
            at.Linear({"x1": 1.0, "x2": 1.0}, at_most=1.0),
            at.Ordered("low", "high"),
            at.Forbidden({"model": "svm", "bias": True}),
            at.Simplex("a", "b", "c"),
        ],
    )


def score_constrained(params: dict[str, Any]) -> float:
    """Return a target that depends on every parameter of ``constrained``."""
    return (
        2.0 * params["x1"]
        + params["x2"]
        - abs(params["low"] - 4) / 10.0
        - abs(params["high"] - 3) / 10.0
        - (params["a"] - 0.5) ** 2
        - 0.5 * (params["b"] - 0.3) ** 2
        + 0.2 * params["bias"]
        + (0.1 if params["model"] == "svm" else 0.0)
    )


def finite_conditional() -> at.Space:
    """Return a space of few configurations, with conditions and constraints."""
    return at.Space(
        at.Categorical("model", ["svm", "forest", "mlp"]),
        at.Int("C", 0, 5, when={"model": "svm"}),
        at.Ordinal("trees", [10, 100, 1000], when={"model": ["forest", "mlp"]}),
        at.Int("layers", 1, 4, when={"model": "mlp"}),
        at.Float("dropout", 0.0, 0.5, step=0.25, when={"layers": at.AtLeast(3)}),
        at.Bool("bias"),
        at.Int("low", 0, 2),
        constraints=[
            at.Forbidden({"model": "mlp", "bias": True, "trees": 1000}),
            at.Linear({"C": 1, "low": 2}, at_most=5),
            at.Ordered("low", "layers"),
        ],
    )


def params_of(space: at.Space, n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return n params from all over a space."""
    points = drawn(space, 32 * n, np.random.default_rng(seed)).points[:n]
    return [space.params(values) for values in space.decode(points)]


def score_any(params: dict[str, Any]) -> float:
    """Return a target for params of ``every_kind``, ``conditional`` or ``constrained``."""
    if "x" in params:
        return score(params)
    return score_constrained(params) if "x1" in params else score_conditional(params)


def score(params: dict[str, Any]) -> float:
    """Return a target that depends on every parameter of ``every_kind``."""
    return (
        -((params["x"] - 0.5) ** 2)
        - (math.log10(params["lr"]) + 2.0) ** 2
        - abs(params["momentum"] - 0.9)
        - 0.1 * abs(params["depth"] - 4)
        - 0.2 * abs(math.log(params["width"] / 30.0))
        + 0.1 * params["bits"]
        + (0.5 if params["kernel"] == "poly" else 0.0)
        + 0.3 * params["bias"]
    )


SPACES = {"every kind": every_kind, "conditional": conditional, "constrained": constrained}
"""For the laws, which hold over all of them."""


# --- any space with conditions ---

MAKERS: dict[str, Callable[..., Parameter]] = {
    "float": lambda name, **rest: at.Float(name, -1.0, 3.0, **rest),
    "log": lambda name, **rest: at.Float(name, 1e-5, 10.0, log=True, **rest),
    "step": lambda name, **rest: at.Float(name, 0.0, 0.99, step=0.01, **rest),
    "log step": lambda name, **rest: at.Float(name, 0.1, 10.0, log=True, step=0.1, **rest),
    "one float": lambda name, **rest: at.Float(name, 0.5, 0.5, **rest),
    "int": lambda name, **rest: at.Int(name, -3, 5, **rest),
    "log int": lambda name, **rest: at.Int(name, 1, 1000, log=True, **rest),
    "many ints": lambda name, **rest: at.Int(name, 10, 10 + 7 * 10**6, step=7, **rest),
    "all ints": lambda name, **rest: at.Int(name, 1, 2**53, **rest),
    "all log ints": lambda name, **rest: at.Int(name, 1, 2**40, log=True, **rest),
    "numbers": lambda name, **rest: at.Ordinal(name, [8, 2, 0.5, 4], **rest),
    "words": lambda name, **rest: at.Ordinal(name, ["low", 1, "mid", None], **rest),
    "choices": lambda name, **rest: at.Categorical(name, ["a", None, 0.5, False, 2], **rest),
    "bool": lambda name, **rest: at.Bool(name, **rest),
}
"""Parameters of every kind, scale and size, by what they are."""


@st.composite
def conditional_spaces(draw: st.DrawFn, most: int = 7) -> at.Space:
    """Draw spaces where parameters depend on up to three others, defined before or after them."""
    made: list[Parameter] = []
    for number in range(draw(st.integers(2, most))):
        maker = MAKERS[draw(st.sampled_from(list(MAKERS)))]
        default = maker("x").decode(np.array([draw(st.floats(0.0, 1.0))]))[0]
        parents = draw(st.lists(st.sampled_from(made), max_size=3, unique_by=id)) if made else []
        when = {parent.name: draw(conditions(parent)) for parent in parents}
        given = {"default": default} if draw(st.booleans()) else {}
        made.append(maker(f"p{number}", when=when or None, **given))
    return at.Space(*draw(st.permutations(made)))


@st.composite
def conditions(draw: st.DrawFn, parent: Parameter) -> Any:
    """Draw what may be wanted of a parameter, for some of its values at least."""
    positions = draw(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=3))
    values: list[Any] = list(dict.fromkeys(parent.decode(np.array(positions))))
    kinds = ["values", "value"] if parent.axis.size is not None else []
    if is_number(parent):
        kinds += ["at least", "at most", "both", "plain"]
    match draw(st.sampled_from(kinds)):
        case "values":
            return values
        case "value":
            return values[0]
        case "at least":
            return at.AtLeast(values[0])
        case "at most":
            return at.AtMost(values[0])
        case "both":
            return [at.AtMost(max(values)), at.AtLeast(min(values))]
        case _:
            return {"at_least": min(values)}


def active_by_definition(space: at.Space, params: dict[str, Any]) -> set[str]:
    """Return the names that params should have: those whose conditions they keep."""
    conditions = {p.name: p.when.conditions if p.when else () for p in space.parameters}

    def is_active(name: str) -> bool:
        return all(
            is_active(parent) and parent in params and condition.holds(params[parent])
            for parent, condition in conditions[name]
        )

    return {name for name in space.names if is_active(name)}


# --- random spaces with conditions and constraints ---


def random_constrained(random: np.random.Generator, finite: bool = False) -> at.Space:
    """Return a random space with constraints, and half of the time conditions.

    Every kind of parameter and of constraint occurs. A point that is drawn first keeps all of the
    constraints, so that the space is not empty.

    Args:
        random: the only source of randomness.
        finite: whether all parameters are discrete, with few values.
    """
    numbers = int(random.integers(2, 6))
    parameters: list[Any] = [at.Categorical("branch", ["a", "b", "c"])]
    parameters += [_number(f"x{i}", random, finite) for i in range(numbers)]
    names = [f"x{i}" for i in range(numbers)]
    if random.random() < 0.5:
        k = int(random.integers(numbers))
        parameters[1 + k] = _under(parameters[1 + k], {"branch": ["a", "b"]})
    shares = 0 if finite or random.random() < 0.6 else int(random.integers(2, 5))
    parameters += [at.Float(f"s{i}", 0.0, 1.0) for i in range(shares)]
    plain = at.Space(*parameters)
    inside = plain.params(plain.decode(plain.sample(random.random((1, plain.dim))))[0])
    constraints: list[Any] = []
    if shares:
        constraints.append(at.Simplex(*[f"s{i}" for i in range(shares)]))
    for _ in range(int(random.integers(1, 4))):
        constraints.append(_constraint(names, inside, random, finite))
    return at.Space(*parameters, constraints=constraints)


def _under(parameter: Any, when: dict[str, Any]) -> Any:
    """Return a parameter that is active only under conditions."""
    return type(parameter)(**{**arguments_of(parameter), "when": when})


def _number(name: str, random: np.random.Generator, finite: bool) -> Any:
    kind = int(random.integers(4 if finite else 8))
    low = float(random.choice([-1.0, 0.0, 1.0]))
    if kind == 0:
        return at.Int(name, -2, int(random.integers(0, 6)))
    if kind == 1:
        return at.Float(name, low, low + 0.6, step=0.1)
    if kind == 2:
        return at.Ordinal(name, [1, 4, 2, 8.5])
    if kind == 3:
        return at.Int(name, 1, int(random.integers(2, 9)), log=True)
    if kind == 4:
        return at.Float(name, 1e-4, 10.0, log=True)
    if kind == 5:
        return at.Int(name, 0, 2**53 - 1)
    if kind == 6:
        return at.Float(name, 0.1, 10.0, log=True, step=0.1)
    return at.Float(name, low, low + float(random.choice([0.1, 1.0, 100.0])))


def _constraint(
    names: list[str], inside: dict[str, Any], random: np.random.Generator, finite: bool
) -> Any:
    kind = int(random.integers(4))
    there = [name for name in names if name in inside]
    some = [there[i] for i in random.permutation(len(there))[: int(random.integers(2, 4))]]
    if kind == 0 and len(some) > 1:
        return at.Ordered(*sorted(some, key=lambda name: inside[name]))
    if kind == 1:
        value = inside["branch"]
        others = [one for one in ("a", "b", "c") if one != value]
        above = at.AtLeast(float(inside[some[0]]))
        return at.Forbidden({"branch": others[: int(random.integers(1, 3))], some[0]: above})
    weights = {name: float(random.choice([-2.0, -1.0, 0.5, 1.0, 3.0])) for name in some}
    total = math.fsum(weight * inside[name] for name, weight in weights.items())
    reach = math.fsum(abs(weight * inside[name]) for name, weight in weights.items())
    room = reach * float(random.choice([0.5, 1e-2, 1e-6]))
    if kind == 2:
        return at.Linear(weights, at_least=total - room, at_most=total + room)
    return at.Linear(weights, at_most=total + (0.0 if finite else room))
