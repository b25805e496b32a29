"""The latency of a model beside that of the FP32 model, so that both meet the same machine.

What else a machine does makes a model slow for a while. Two models that take turns are slowed
alike, so it is their ratio that is measured: the median of many. And whatever interrupts a run
makes it longer, never shorter: so of a few turns in a row, the shortest run of each model counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

Run = Callable[[], float]
"""Runs a model once, and returns the seconds that it took."""

Array = NDArray[np.float64]

_BLOCK = 4
"""Turns of which the shortest runs count; fewer while there are not eight blocks of so many."""

_LEAST_BLOCKS = 8
_RESAMPLES = 100
_GROWTH = 1.25
"""How many times more runs there are before it is asked again whether they are enough."""


@frozen
class Effort:
    """How much is run.

    Attributes:
        warm_up: turns that do not count, at most; a tenth of ``seconds`` is enough, too.
        least: turns that count, at least.
        most: turns that count, at most.
        seconds: of runs that count; once they are used, nothing more than ``least`` is run.
        deviation: the relative standard deviation that is good enough.
    """

    warm_up: int = 5
    least: int = 8
    most: int = 2000
    seconds: float = 1.0
    deviation: float = 0.005


@frozen
class Latency:
    """Seconds of one run, their standard deviation, and how many runs they rest on."""

    seconds: float
    std: float
    runs: int


def alone(run: Run, effort: Effort) -> Latency:
    """Return the latency of a model by itself: of the FP32 model, at the start."""
    turns = _turns((run,), effort)
    seconds = float(_ratio(_shortest(turns)))
    return Latency(seconds, seconds * _deviation(turns), len(turns))


def beside(run: Run, baseline: Run, seconds: float, effort: Effort) -> Latency:
    """Return the latency of a model: its ratio to the baseline's, times ``seconds`` of that.

    The deviation is that of the ratio; that of ``seconds`` is left aside, as it is the same for
    every model.
    """
    turns = _turns((run, baseline), effort)
    found = seconds * float(_ratio(_shortest(turns)))
    return Latency(found, found * _deviation(turns), len(turns))


def _turns(runs: Sequence[Run], effort: Effort) -> Array:
    """Let models take turns; return the seconds of each, (n, models)."""
    spent = 0.0
    for _ in range(effort.warm_up):
        spent += sum(run() for run in runs)
        if spent > effort.seconds / 10:
            break
    turns: list[list[float]] = []
    spent, due = 0.0, effort.least
    while len(turns) < effort.most:
        turns.append([run() for run in runs])
        spent += sum(turns[-1])
        if len(turns) < due:
            if len(turns) < effort.least or spent < effort.seconds:
                continue
            break
        if spent >= effort.seconds or _deviation(_seconds(turns)) <= effort.deviation:
            break
        due = int(_GROWTH * len(turns)) + 1
    return _seconds(turns)


def _seconds(turns: Sequence[Sequence[float]]) -> Array:
    return np.maximum(np.array(turns, dtype=np.float64), 1e-9)


def _ratio(shortest: Array) -> Array:
    """Return the median ratio of the first model to the second; of the first alone, if it is.

    Args:
        shortest: seconds of the shortest runs, (..., blocks, models).
    """
    other = shortest[..., 1] if shortest.shape[-1] > 1 else np.ones(1)
    ratios: Array = shortest[..., 0] / other
    return np.asarray(np.median(ratios, axis=-1), dtype=np.float64)


def _shortest(turns: Array) -> Array:
    """Return the shortest runs of each block of turns, (blocks, models) of (n, models)."""
    size = min(max(len(turns) // _LEAST_BLOCKS, 1), _BLOCK)
    whole = turns[: len(turns) // size * size]
    return np.asarray(whole.reshape(-1, size, turns.shape[1]).min(axis=1), dtype=np.float64)


def _deviation(turns: Array) -> float:
    """Return the relative standard deviation of the ratio, by the bootstrap over blocks.

    The draws are always the same ones, so equal turns have equal deviations.
    """
    shortest = _shortest(turns)
    n = len(shortest)
    draws = np.random.default_rng(n).integers(n, size=(_RESAMPLES, n))
    with np.errstate(invalid="ignore"):  # a clock that is broken is for others to refuse
        return float(np.log(np.maximum(_ratio(shortest[draws]), 1e-12)).std())
