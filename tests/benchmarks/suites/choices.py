"""Tasks where choices dominate: some with 20 or more, some with many parameters that have a few.

What a choice does is drawn once from a seeded stream, so that its effects have no order.
"""

from __future__ import annotations

import math

import numpy as np

import asktell as at
from suites.task import Params, Task, usual_budget

# --- one parameter with 24 choices, each with its own best floats ---

_ALLOYS = [f"alloy{i:02}" for i in range(24)]
ALLOYS = at.Space(
    at.Categorical("alloy", _ALLOYS),
    *(at.Float(f"x{i}", 0.0, 1.0) for i in range(3)),
)
_draws = np.random.default_rng(24)
ALLOY_BEST = 0.5 + 0.12 * _draws.standard_normal((24, 3))
ALLOY_LOSS = _draws.gamma(1.5, 0.4, 24)


def alloys(p: Params) -> float:
    row = _ALLOYS.index(p["alloy"])
    point = np.array([p[f"x{i}"] for i in range(3)])
    return float(ALLOY_LOSS[row] + 3 * ((point - ALLOY_BEST[row]) ** 2).sum())


# --- two parameters with 20 choices, of which some pairs go well together ---

_SOLVENTS = [f"solvent{i:02}" for i in range(20)]
_LIGANDS = [f"ligand{i:02}" for i in range(20)]
REACTION = at.Space(
    at.Categorical("solvent", _SOLVENTS),
    at.Categorical("ligand", _LIGANDS),
    at.Float("temperature", 0.0, 150.0),
    at.Float("concentration", 0.01, 1.0, log=True),
)
_draws = np.random.default_rng(20)
_LEFT, _RIGHT = _draws.standard_normal((2, 20, 2))
_PAIRS = 0.5 * (_LEFT @ _RIGHT.T) + 0.6 * (_LEFT[:, :1] + _RIGHT[:, 0])


def reaction(p: Params) -> float:
    solvent, ligand = _SOLVENTS.index(p["solvent"]), _LIGANDS.index(p["ligand"])
    best = 70 + 25 * math.tanh(_LEFT[solvent, 1])
    activity = -_PAIRS[solvent, ligand] - 1.5 * ((p["temperature"] - best) / 60) ** 2
    activity -= 0.8 * (math.log10(p["concentration"]) + 0.8 + 0.3 * _RIGHT[ligand, 1]) ** 2
    return 100 / (1 + math.exp(activity))


# --- layers of a network, each with a precision: small, as long as the error is allowed ---


class Layers:
    """The size of a network whose layers have precisions, plus a penalty for too large an error."""

    def __init__(self, n: int, precisions: dict[str, tuple[float, float]], seed: int) -> None:
        """Draw the layers; a precision has a relative size and an error."""
        draws = np.random.default_rng(seed)
        self._precisions = precisions
        self._sizes = draws.dirichlet(np.full(n, 0.7))
        self._sensitivity = draws.lognormal(0.0, 1.3, n) / n
        self._neighbours = draws.lognormal(-1.0, 1.0, n - 1) / n
        names = list(precisions)
        self.space = at.Space(*(at.Categorical(f"layer{i:02}", names) for i in range(n)))

    def __call__(self, p: Params) -> float:
        chosen = [self._precisions[p[name]] for name in self.space.names]
        sizes, errors = np.array(chosen).T
        error = self._sensitivity @ errors + self._neighbours @ np.sqrt(errors[1:] * errors[:-1])
        return float(np.log(self._sizes @ sizes) + 0.5 * np.log1p(max(error - 0.06, 0.0) / 0.02))


LAYERS_12 = Layers(
    12, {"float": (1.0, 0.0), "int8": (0.25, 0.04), "int8t": (0.24, 0.09), "int4": (0.13, 0.4)}, 12
)
LAYERS_24 = Layers(24, {"float": (1.0, 0.0), "int8": (0.25, 0.05), "int4": (0.13, 0.35)}, 24)


# --- switches of a compiler, whose effects depend on each other ---

SWITCHES = at.Space(
    *(at.Bool(f"switch{i:02}") for i in range(12)),
    *(at.Categorical(f"level{i}", ["none", "size", "speed", "most"]) for i in range(4)),
)
_draws = np.random.default_rng(16)
_ALONE = _draws.normal(0.0, 1.0, (16, 4))
_TOGETHER = _draws.normal(0.0, 0.6, (16, 4, 4))
_PARTNER = _draws.permutation(16)


def switches(p: Params) -> float:
    level = ["none", "size", "speed", "most"]
    values = [level.index(v) if isinstance(v, str) else int(v) for v in map(p.get, SWITCHES.names)]
    alone = sum(_ALONE[i, v] for i, v in enumerate(values))
    together = sum(_TOGETHER[i, v, values[_PARTNER[i]]] for i, v in enumerate(values))
    return float(alone + together)


TASKS = tuple(
    Task(name, "mixed", space, function, usual_budget(space), None)
    for name, space, function in (
        ("alloys", ALLOYS, alloys),
        ("reaction", REACTION, reaction),
        ("layers_12", LAYERS_12.space, LAYERS_12),
        ("layers_24", LAYERS_24.space, LAYERS_24),
        ("switches", SWITCHES, switches),
    )
)


def tasks() -> tuple[Task, ...]:
    """Return these tasks."""
    return TASKS
