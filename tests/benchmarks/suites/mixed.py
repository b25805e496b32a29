"""Mixed tasks: learners that do not exist, with floats, ints, log scales, ordinals and choices."""

from __future__ import annotations

import math
from itertools import pairwise

import asktell as at
from suites import choices
from suites.task import Params, Task, usual_budget


def _near(value: float, best: float, width: float) -> float:
    """Return a loss that grows from 0 at the best value, to about 1 a width away."""
    return math.log1p((math.e - 1) * ((value - best) / width) ** 2)


# --- a learner: the best rate depends on the depth, kernels have offsets ---

LEARNER = at.Space(
    at.Float("rate", 1e-5, 1.0, log=True),
    at.Float("decay", 0.0, 1.0),
    at.Int("depth", 1, 12),
    at.Int("width", 4, 1024, log=True),
    at.Categorical("kernel", ["sigmoid", "linear", "poly", "rbf"]),
    at.Ordinal("bits", [2, 3, 4, 8]),
    at.Bool("bias"),
)
_KERNEL_LOSS = {"rbf": 0.0, "poly": 0.35, "linear": 0.6, "sigmoid": 1.0}


def learner(p: Params) -> float:
    loss = 0.4 * (math.log10(p["rate"]) + 2.5 + 0.12 * (p["depth"] - 4)) ** 2
    loss += 2.0 * (p["decay"] - 0.3) ** 2
    loss += 0.06 * abs(p["depth"] - 7)
    loss += 0.15 * (math.log2(p["width"]) - 7.0) ** 2
    loss += _KERNEL_LOSS[p["kernel"]] * (1.0 if p["bias"] else 0.7)
    loss += {2: 0.5, 3: 0.2, 4: 0.05, 8: 0.0}[p["bits"]]
    return loss + (0.0 if p["bias"] else 0.1)


# --- boosting: a ridge of rate times trees, depth depends on the booster ---

BOOSTING = at.Space(
    at.Float("rate", 1e-3, 1.0, log=True),
    at.Int("trees", 10, 1000, log=True),
    at.Int("depth", 1, 16),
    at.Float("rows", 0.2, 1.0, step=0.05),
    at.Float("columns", 0.2, 1.0),
    at.Float("l2", 1e-4, 100.0, log=True),
    at.Float("gamma", 1e-4, 10.0, log=True),
    at.Categorical("booster", ["linear", "tree", "dart"]),
)


def boosting(p: Params) -> float:
    total = math.log10(p["rate"] * p["trees"])
    loss = 0.5 * _near(total, 1.2, 0.7) + 0.15 * max(math.log10(p["rate"]) + 1.5, 0.0)
    if p["booster"] == "linear":  # neither depth nor columns matter
        return 0.5 + loss + 0.2 * _near(math.log10(p["l2"]), -1.0, 1.5)
    best_depth = 5 if p["booster"] == "tree" else 8
    loss += 0.4 * _near(p["depth"], best_depth, 4.0) + 0.25 * _near(p["rows"], 0.75, 0.3)
    loss += 0.2 * _near(p["columns"] * p["rows"], 0.45, 0.3)
    loss += 0.15 * _near(math.log10(p["l2"] * p["gamma"]), -1.5 + 0.2 * p["depth"], 2.0)
    return loss + (0.06 if p["booster"] == "tree" else 0.0)


# --- a network: many choices, a cliff where the rate is too high for the optimiser ---

NETWORK = at.Space(
    at.Categorical("optimiser", ["sgd", "momentum", "rmsprop", "adam", "lion"]),
    at.Categorical("activation", ["relu", "tanh", "gelu", "elu", "sigmoid", "silu"]),
    at.Categorical("schedule", ["constant", "step", "cosine", "linear"]),
    at.Int("layers", 1, 10),
    at.Int("width", 8, 2048, log=True),
    at.Float("rate", 1e-6, 10.0, log=True),
    at.Float("dropout", 0.0, 0.8),
    at.Float("decay", 1e-7, 1.0, log=True),
    at.Ordinal("batch", [8, 16, 32, 64, 128, 256, 512]),
    at.Bool("norm"),
)
_BEST_RATE = {"sgd": -0.7, "momentum": -1.5, "rmsprop": -3.0, "adam": -3.2, "lion": -4.0}
_OPTIMISER = {"sgd": 0.25, "momentum": 0.05, "rmsprop": 0.15, "adam": 0.0, "lion": 0.08}
_ACTIVATION = {"relu": 0.08, "tanh": 0.2, "gelu": 0.0, "elu": 0.1, "sigmoid": 0.45, "silu": 0.02}
_SCHEDULE = {"constant": 0.2, "step": 0.08, "cosine": 0.0, "linear": 0.03}


def network(p: Params) -> float:
    rate = math.log10(p["rate"]) - _BEST_RATE[p["optimiser"]]
    rate -= 0.5 * (math.log2(p["batch"]) - 6) * math.log10(2)
    loss = 0.8 * _near(rate, 0.0, 1.0) + (1.5 if rate > (1.2 if p["norm"] else 0.6) else 0.0)
    loss += _OPTIMISER[p["optimiser"]] + _SCHEDULE[p["schedule"]]
    loss += _ACTIVATION[p["activation"]] * (0.4 + 0.12 * p["layers"])
    loss += 0.0 if p["norm"] else 0.02 * p["layers"]
    capacity = math.log2(p["width"]) + 0.8 * p["layers"]
    regular = p["dropout"] * 4 + max(math.log10(p["decay"]) + 5, 0.0) * 0.5
    loss += 0.3 * _near(capacity, 12.5, 3.5) + 0.25 * _near(regular, 0.25 * (capacity - 6), 1.2)
    return loss + 0.04 * abs(math.log2(p["batch"]) - 6)


# --- ordinals and ints, each coupled to the next ---

GRIDS = at.Space(
    at.Ordinal("a", [1, 2, 3, 4, 5, 6, 7, 8]),
    at.Ordinal("b", [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]),
    at.Ordinal("c", ["tiny", "small", "medium", "large", "huge"]),
    at.Int("i", 0, 30),
    at.Int("j", -10, 10),
    at.Int("k", 1, 1000, log=True),
    at.Int("l", 0, 100, step=5),
)
_SIZES = {"tiny": 0.0, "small": 0.25, "medium": 0.5, "large": 0.75, "huge": 1.0}


def grids(p: Params) -> float:
    u = [
        *((p["a"] - 1) / 7, (math.log10(p["b"]) + 1) / 2, _SIZES[p["c"]]),
        *(p["i"] / 30, (p["j"] + 10) / 20, math.log10(p["k"]) / 3, p["l"] / 100),
    ]
    best = [0.7, 0.35, 0.75, 0.2, 0.6, 0.45, 0.85]
    away = [3 * (x - y) for x, y in zip(u, best, strict=True)]
    coupled = pairwise(away)
    loss = sum(x**2 for x in away) + sum((x + y) ** 2 for x, y in coupled)
    return math.log1p(loss) + 0.1 * math.sin(8 * math.pi * u[3]) ** 2


# --- Rastrigin over floats, ints and choices ---

_CHOICES = ["red", "green", "blue", "cyan", "magenta", "yellow", "black"]
RASTRIGIN = at.Space(
    *(at.Float(f"x{i}", -3.0, 3.0) for i in range(3)),
    *(at.Int(f"n{i}", -5, 5) for i in range(3)),
    *(at.Categorical(f"c{i}", _CHOICES) for i in range(2)),
)
_CENTRES = [0.8, -1.3, 2.1]
_OFFSETS = ([4.0, 9.0, 0.0, 2.0, 7.0, 12.0, 3.0], [1.0, 0.0, 6.0, 10.0, 2.0, 8.0, 5.0])


def rastrigin(p: Params) -> float:
    floats = (p[f"x{i}"] - centre for i, centre in enumerate(_CENTRES))
    loss = sum(x**2 + 3 * (1 - math.cos(2 * math.pi * x)) for x in floats)
    loss += sum((p[f"n{i}"] - (2, -3, 1)[i]) ** 2 * 0.5 for i in range(3))
    return loss + sum(offsets[_CHOICES.index(p[f"c{i}"])] for i, offsets in enumerate(_OFFSETS))


# --- six scales of many decades, in a narrow valley ---

DECADES = at.Space(
    *(at.Float(f"s{i}", 10.0 ** -(3 + i), 10.0 ** (4 - i), log=True) for i in range(5)),
    at.Int("size", 1, 100_000, log=True),
)


def decades(p: Params) -> float:
    logs = [math.log10(p[f"s{i}"]) + i for i in range(5)]
    best = (2.1, -0.8, 1.5, 1.9, -1.0)
    valley = sum(logs[:3]) - 2.8
    loss = 0.8 * valley**2 + 0.1 * sum((x - y) ** 2 for x, y in zip(logs, best, strict=True))
    loss += 0.5 * (logs[3] + logs[4] - 0.9) ** 2
    loss += 0.3 * (math.log10(p["size"]) - 1 - 0.3 * logs[0]) ** 2
    return math.log1p(loss)


# --- a choice that decides what the other parameters mean ---

BRANCHES = at.Space(
    at.Categorical("method", ["bowl", "ridge", "waves", "plateau", "trap", "far"]),
    *(at.Float(f"x{i}", 0.0, 1.0) for i in range(4)),
    at.Int("idle", 0, 50),
)


def branches(p: Params) -> float:
    x = [p[f"x{i}"] for i in range(4)]
    method = p["method"]
    if method == "bowl":
        return 0.35 + sum((v - 0.5) ** 2 for v in x)
    if method == "ridge":
        return 0.15 + 2 * abs(x[0] - x[1]) + (x[0] - 0.8) ** 2 + 0.2 * x[2]
    if method == "waves":
        return 0.2 + sum((v - 0.3) ** 2 + 0.1 * math.sin(9 * v) ** 2 for v in x)
    if method == "plateau":
        return 0.8 - 0.3 * (x[0] > 0.7) - 0.3 * (x[1] < 0.4) - 0.15 * (x[3] > 0.5)
    if method == "trap":
        return 0.5 - 0.2 * x[0] + (0.0 if x[3] < 0.9 else 0.2)
    return 1.2 * math.sqrt(sum((v - 0.9) ** 2 for v in x))  # worst in most places, best in one


# --- Ackley over floats, flags and ordinals ---

ACKLEY = at.Space(
    *(at.Float(f"x{i}", -1.0, 1.0) for i in range(4)),
    *(at.Bool(f"flag{i}") for i in range(4)),
    *(at.Ordinal(f"level{i}", [-1.0, -0.5, 0.0, 0.5, 1.0]) for i in range(2)),
)


def ackley(p: Params) -> float:
    away = [p[f"x{i}"] - (0.3, -0.45, 0.1, 0.62)[i] for i in range(4)]
    away += [float(p[f"flag{i}"] != (True, False, False, True)[i]) for i in range(4)]
    away += [p[f"level{i}"] - (0.5, -0.5)[i] for i in range(2)]
    square = sum(v**2 for v in away) / len(away)
    waves = sum(math.cos(2 * math.pi * v) for v in away) / len(away)
    return -20 * math.exp(-0.2 * math.sqrt(square)) - math.exp(waves) + 20 + math.e


TASKS = tuple(
    Task(name, "mixed", space, function, usual_budget(space), optimum)
    for name, space, function, optimum in (
        ("learner", LEARNER, learner, None),
        ("boosting", BOOSTING, boosting, None),
        ("network", NETWORK, network, None),
        ("grids", GRIDS, grids, None),
        ("rastrigin_mixed", RASTRIGIN, rastrigin, 0.0),
        ("decades", DECADES, decades, None),
        ("branches", BRANCHES, branches, 0.0),
        ("ackley_mixed", ACKLEY, ackley, 0.0),
    )
)


def tasks() -> tuple[Task, ...]:
    """Return all tasks of the suite."""
    return (*TASKS, *choices.tasks())
