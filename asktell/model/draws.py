"""Functions drawn from a Gaussian process: from its prior, then moved to the data.

A draw of the prior is a sum of cosines whose frequencies follow the kernel's spectrum (Rahimi and
Recht 2007); adding a sum of kernels makes of it a draw of the posterior (Matheron's rule: Wilson,
Borovitskiy, Terenin, Mostowsky and Deisenroth 2020, eq. 12). So a draw is a function, which costs
the same at every point, where drawing values at m points together would cost m^3.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from asktell.model.gp import GaussianProcesses
from asktell.model.kernels import SHARED, Array

_COSINES = 512
"""Cosines in a draw of the prior. Its covariance then is right to about 1 / sqrt(512) = 0.04."""

_DEGREES = 5
"""The spectrum of Matern 5/2 is a t distribution of so many degrees of freedom."""

_LARGEST_BLOCK = 1_000_000
"""Values of cosines or kernels computed at once: 8 MB an array."""


def draw_functions(
    processes: GaussianProcesses, n: int, random: np.random.Generator
) -> Callable[[Array], Array]:
    """Return n draws from the posterior of the first member, without noise.

    They are one function: it takes points (m, d) and returns values (m, n).
    """
    found, embedding = processes.hyperparameters[0], processes.embedding
    scales = embedding.scales(np.array(found.length_scales))
    known = embedding(processes.points) / scales
    widths = np.sqrt(_DEGREES / random.chisquare(_DEGREES, size=_COSINES))
    frequencies = random.standard_normal((known.shape[1], _COSINES)) * widths
    share = round(SHARED * _COSINES / max(len(embedding.shared), 1))
    for depth, columns in enumerate(embedding.shared):  # of each kernel its share of frequencies
        others = np.setdiff1d(np.arange(len(frequencies)), columns)
        frequencies[others, depth * share : (depth + 1) * share] = 0.0
    phases = random.uniform(0.0, 2.0 * math.pi, size=_COSINES)
    amplitudes = random.standard_normal((_COSINES, n)) * math.sqrt(2.0 / _COSINES)
    noise = np.sqrt(processes.variances())[:, None] * random.standard_normal((len(known), n))
    prior = np.cos(known @ frequencies + phases) @ amplitudes
    weights = processes.corrections(processes.targets[0][:, None] - prior - noise)
    at_a_time = max(1, _LARGEST_BLOCK // (len(known) + _COSINES))

    def block(points: Array) -> Array:
        features = embedding(points) / scales
        kernel = embedding.kernel(features, known)
        return np.asarray(np.cos(features @ frequencies + phases) @ amplitudes + kernel @ weights)

    def drawn(points: Array) -> Array:
        starts = range(0, max(len(points), 1), at_a_time)
        return np.concatenate([block(points[start : start + at_a_time]) for start in starts])

    return drawn
