"""When targets count as noisy, and when it pays to measure a known configuration once more."""

from __future__ import annotations

import numpy as np

from asktell.model.kernels import Array
from asktell.model.posterior import Posterior

NOISY = 0.05
"""From this variance on, as a share of that of the targets, their noise counts. None of 40 exact
runs had so much inferred; one had 0.04, as its values come in steps (docs/decisions, number 11)."""

_CONSIDERED = 5
"""How many known points are considered, those with the greatest means and deviations in sum."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(32)
"""For expectations over a standard normal variable; the weights sum to sqrt(2 pi)."""


def is_noisy(posterior: Posterior, outcome: int) -> bool:
    """Tell whether the noise of an outcome's targets is to be reckoned with."""
    return posterior.noise(outcome) >= NOISY


def worth_revisiting(posterior: Posterior, objective: int, point: Array | None) -> Array | None:
    """Return the known point (d,) to measure again, or None where ``point`` is worth more.

    What a measurement is worth is its knowledge gradient (Frazier, Powell and Dayanik 2009, eq. 9
    and 14): how much it is expected to raise the greatest mean of all known points and ``point``.
    It is that of the first member, among the points that hold the constraints.

    Args:
        posterior: what is believed.
        objective: the outcome that is maximised; it has members.
        point: what would be suggested else (d,); None where nothing else is left. It is worth more
            where targets are not noisy.
    """
    data, processes = posterior.data, posterior.processes
    known = data.points[data.feasible]
    noise = posterior.noise(objective)
    if processes is None or not len(known) or (point is not None and noise < NOISY):
        return None
    member = posterior.columns[objective].start
    points = known if point is None else np.vstack([known, point])
    mean, covariance = processes.joint(points, member)
    deviations = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    considered = np.argsort(-(mean + deviations)[: len(known)], kind="stable")[:_CONSIDERED]
    measured = considered if point is None else np.append(considered, len(known))
    gains = covariance[measured] / np.sqrt(deviations[measured, None] ** 2 + noise)
    moved = mean + gains[:, None, :] * _NODES[:, None]
    worth = moved.max(axis=2) @ _WEIGHTS / _WEIGHTS.sum() - mean.max()
    best = int(np.argmax(worth))
    return None if best == len(considered) else np.asarray(known[considered[best]])
