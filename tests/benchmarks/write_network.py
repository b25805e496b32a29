"""Train networks of random params on digits, and fit the model of ``suites.network`` to the losses.

``python tests/benchmarks/write_network.py`` takes some minutes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPRegressor
from suites import network
from suites.task import Params, random_params
from threadpoolctl import threadpool_limits

Array = NDArray[Any]

RUNS, KEPT, EPOCHS, BATCH, TRAINED_ON = 1900, 200, 8, 32, 1000
WORST = 4.0
_SLOPES = {
    "relu": (lambda z: np.maximum(z, 0.0), lambda z, a: z > 0.0),
    "tanh": (np.tanh, lambda z, a: 1.0 - a**2),
    "sigmoid": (lambda z: 1.0 / (1.0 + np.exp(-np.clip(z, -50, 50))), lambda z, a: a * (1.0 - a)),
}


class Network:
    """Layers with dropout, trained by one of three optimisers."""

    def __init__(self, p: Params, random: np.random.Generator) -> None:
        """Draw the weights."""
        self._p, self._random = p, random
        widths = [64, *(p[f"units{i + 1}"] for i in range(p["layers"])), 10]
        shapes = pairwise(widths)
        self._weights = [random.normal(0.0, np.sqrt(1.5 / m), (m, n)) for m, n in shapes]
        self._biases = [np.zeros(n) for n in widths[1:]]
        self._dropout = [p.get(f"dropout{i + 1}", 0.0) for i in range(p["layers"])]
        self._function, self._slope = _SLOPES[p["activation"]]
        self._moments: list[Array] = [np.zeros_like(x) for x in (*self._weights, *self._biases)]
        self._squares = [np.zeros_like(x) for x in self._moments]
        self._steps = 0

    def forward(self, x: Array, training: bool) -> Iterator[tuple[Array, Array]]:
        """Yield of each layer what goes in, with some of it dropped in training, and the sums."""
        sums = x
        for layer, (weights, biases) in enumerate(zip(self._weights, self._biases, strict=True)):
            if layer:
                x = self._function(sums)
                if training and (rate := self._dropout[layer - 1]):
                    x = x * (self._random.random(x.shape) >= rate) / (1.0 - rate)
            sums = x @ weights + biases
            yield x, sums

    def step(self, x: Array, y: Array) -> None:
        """Take a step of the optimiser on a batch."""
        inputs, sums = zip(*self.forward(x, True), strict=True)
        error = _shares(sums[-1])
        error[np.arange(len(y)), y] -= 1.0
        error /= len(y)
        weights: list[Array] = []
        biases: list[Array] = []
        decay = self._p.get("decay", 0.0)
        for layer in reversed(range(len(inputs))):
            weights.insert(0, inputs[layer].T @ error + decay * self._weights[layer])
            biases.insert(0, error.sum(axis=0))
            if layer:
                z = sums[layer - 1]
                kept = (inputs[layer] != 0.0) / (1.0 - self._dropout[layer - 1])
                error = (error @ self._weights[layer].T) * self._slope(z, self._function(z)) * kept
        self._move([*weights, *biases])

    def _move(self, gradients: list[Array]) -> None:
        self._steps += 1
        optimiser, rate = self._p["optimiser"], self._p["rate"]
        for i, (x, g) in enumerate(zip((*self._weights, *self._biases), gradients, strict=True)):
            if optimiser == "adam":
                self._moments[i] = 0.9 * self._moments[i] + 0.1 * g
                self._squares[i] = 0.999 * self._squares[i] + 0.001 * g**2
                mean = self._moments[i] / (1.0 - 0.9**self._steps)
                spread = np.sqrt(self._squares[i] / (1.0 - 0.999**self._steps))
                x -= rate * mean / (spread + 1e-8)
            else:
                momentum = self._p.get("momentum", 0.0)
                self._moments[i] = momentum * self._moments[i] + g
                x -= rate * self._moments[i]

    def loss(self, x: Array, y: Array) -> float:
        """Return the cross entropy."""
        *_, (_, sums) = self.forward(x, False)
        shares = _shares(sums)[np.arange(len(y)), y]
        return float(-np.log(np.maximum(shares, 1e-6)).mean())


def _shares(sums: Array) -> Array:
    exponentials = np.exp(sums - sums.max(axis=1, keepdims=True))
    shares: Array = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


def trained(p: Params, seed: int) -> float:
    """Return the cross entropy of a trained network on digits that it has not seen."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] - 8.0) / 8.0, y[order]
    random = np.random.default_rng(seed)
    net = Network(p, random)
    with np.errstate(all="ignore"):
        for _ in range(EPOCHS):
            for batch in np.array_split(random.permutation(TRAINED_ON), TRAINED_ON // BATCH):
                net.step(x[batch], y[batch])
        value = net.loss(x[TRAINED_ON:], y[TRAINED_ON:])
    return min(value, WORST) if np.isfinite(value) else WORST


def main() -> None:
    """Train, fit and write; say how well the model knows runs that it was not fitted to.

    Its shape and alpha are those of eight that knew these best.
    """
    rows, losses = [], []
    for seed, p in enumerate(random_params(network.SPACE, RUNS, 0)):
        rows.append(network.features(p))
        losses.append(np.log(trained(p, seed)))
        if seed % 300 == 299:
            print(seed + 1, f"{np.exp(min(losses)):.4g}", flush=True)
    x, y = np.array(rows), np.array(losses)
    model = MLPRegressor(hidden_layer_sizes=(48, 24), activation="tanh", alpha=2.0)
    model.set_params(solver="lbfgs", max_iter=800, max_fun=10**6, random_state=0)
    model.fit(x[KEPT:], y[KEPT:])
    layers = [
        [np.vectorize(lambda v: float(f"{v:.5g}"))(part).tolist() for part in pair]
        for pair in zip(model.coefs_, model.intercepts_, strict=True)
    ]
    guess = network.predicted(x[:KEPT], [(np.array(w), np.array(b)) for w, b in layers])
    left = ((guess - y[:KEPT]) ** 2).mean() / y.var()
    print(f"explained of the variance of {KEPT} runs kept aside: {1 - left:.3f}")
    lines = ",\n".join(json.dumps(layer, separators=(",", ":")) for layer in layers)
    network.MODEL.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
