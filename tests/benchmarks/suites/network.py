"""A network of one to four layers on digits: a model of real runs, see write_network.py.

The model is a small network itself, whose weights are in data/network_digits_model.json; it was
fitted to the cross entropy that networks of these params had on digits they had not seen.
"""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import asktell as at
from suites.tables import DATA
from suites.task import Params

Array = NDArray[np.float64]

LAYERS = range(1, 5)
OPTIMISERS, ACTIVATIONS = ["sgd", "momentum", "adam"], ["sigmoid", "tanh", "relu"]
SPACE = at.Space(
    at.Categorical("optimiser", OPTIMISERS),
    at.Float("momentum", 0.1, 0.99, when={"optimiser": "momentum"}),
    at.Float("rate", 1e-4, 1.0, log=True),
    at.Categorical("activation", ACTIVATIONS),
    at.Bool("decaying"),
    at.Float("decay", 1e-5, 0.1, log=True, when={"decaying": True}),
    at.Int("layers", 1, 4),
    *(at.Int(f"units{i}", 4, 128, log=True, when={"layers": at.AtLeast(i)}) for i in LAYERS),
    at.Bool("dropping"),
    *(
        at.Float(f"dropout{i}", 0.01, 0.7, when={"dropping": True, "layers": at.AtLeast(i)})
        for i in LAYERS
    ),
)
MODEL = DATA / "network_digits_model.json"


def features(p: Params) -> Array:
    """Return what the model is given (f,): positions from 0 to 1, of what is not active 0."""
    momentum = {"sgd": 0.0, "adam": 0.0}.get(p["optimiser"], -math.log10(1 - p.get("momentum", 0)))
    row = [
        *(float(p["optimiser"] == name) for name in OPTIMISERS),
        *(float(p["activation"] == name) for name in ACTIVATIONS),
        *(float(p["layers"] == n) for n in LAYERS),
        momentum / 2.0,
        (math.log10(p["rate"]) + 4.0) / 4.0,
        (math.log10(p["decay"]) + 6.0) / 5.0 if p["decaying"] else 0.0,
        *(math.log2(p.get(f"units{i}", 2)) / 7.0 for i in LAYERS),
        *(p.get(f"dropout{i}", 0.0) for i in LAYERS),
    ]
    return np.array(row)


@cache
def _layers() -> tuple[tuple[Array, Array], ...]:
    document = json.loads(MODEL.read_text(encoding="utf-8"))
    return tuple((np.array(weights), np.array(biases)) for weights, biases in document)


def loss(p: Params) -> float:
    """Return the cross entropy that the model expects."""
    return float(np.exp(predicted(features(p)[None], _layers())[0]))


def predicted(rows: Array, layers: Any) -> Array:
    """Return the logarithms of the cross entropies of rows of features (n, f), (n,)."""
    for weights, biases in layers[:-1]:
        rows = np.tanh(rows @ weights + biases)
    weights, biases = layers[-1]
    result: Array = (rows @ weights + biases)[:, 0]
    return result
