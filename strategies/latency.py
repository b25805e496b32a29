"""The latency of a model beside that of the FP32 model, so that both meet the same machine.

What else a machine does makes a model slow for a while. Two models that take turns are slowed
alike, and the ratio of two runs side by side hardly changes: it is the ratio that is measured, and
the median of many, which single interruptions do not move.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise

from attrs import frozen

Run = Callable[[], float]
"""Runs a model once, and returns the seconds that it took."""

_MAD = 1.4826
"""A standard deviation in median absolute deviations, where the distribution is normal."""

_BLOCKS = 8
"""Ratios that follow each other are alike, so the spread of medians of blocks is looked at too."""


@frozen
class Effort:
    """How much is run.

    Attributes:
        warm_up: pairs of runs that do not count, at most; a tenth of ``seconds`` is enough, too.
        least: pairs that count, at least.
        most: pairs that count, at most.
        seconds: of runs that count; once they are used, nothing more than ``least`` is run.
        deviation: the relative standard deviation of the ratio that is good enough.
    """

    warm_up: int = 5
    least: int = 8
    most: int = 2000
    seconds: float = 1.0
    deviation: float = 0.01


@frozen
class Latency:
    """Seconds of one run, their standard deviation, and how many runs they rest on."""

    seconds: float
    std: float
    runs: int


def alone(run: Run, effort: Effort) -> Latency:
    """Return the median seconds of a model by itself: of the FP32 model, at the start."""
    _warm_up((run,), effort)
    seconds: list[float] = []
    while _go_on(seconds, sum(seconds), effort):
        seconds.append(run())
    median = statistics.median(seconds)
    return Latency(median, median * deviation_of(seconds), len(seconds))


def beside(run: Run, baseline: Run, seconds: float, effort: Effort) -> Latency:
    """Return the latency of a model: its ratio to the baseline's, times ``seconds`` of that.

    They run in turns. The deviation is that of the ratio; that of ``seconds`` is left aside, as it
    is the same for every model.
    """
    _warm_up((baseline, run), effort)
    ratios: list[float] = []
    spent = 0.0
    while _go_on(ratios, spent, effort):
        before, own = baseline(), run()
        spent += before + own
        ratios.append(own / max(before, 1e-9))
    ratio = statistics.median(ratios)
    return Latency(seconds * ratio, seconds * ratio * deviation_of(ratios), len(ratios))


def deviation_of(numbers: Sequence[float]) -> float:
    """Return the relative standard deviation of the median of positive numbers, robustly.

    The larger of two estimates: by the median absolute deviation, as if numbers were independent
    (the median's is sqrt(pi / 2) times the mean's), and by the spread of the medians of blocks of
    numbers that follow each other, which sees what changes slowly. 0 for one number.
    """
    logs = [math.log(max(number, 1e-12)) for number in numbers]
    estimates = [_spread(logs) * math.sqrt(math.pi / 2 / len(logs))]
    if len(logs) >= 2 * _BLOCKS:
        cuts = [len(logs) * block // _BLOCKS for block in range(_BLOCKS + 1)]
        medians = [statistics.median(logs[start:stop]) for start, stop in pairwise(cuts)]
        estimates.append(_spread(medians) / math.sqrt(_BLOCKS))
    return max(estimates)


def _spread(numbers: Sequence[float]) -> float:
    middle = statistics.median(numbers)
    return _MAD * statistics.median(abs(number - middle) for number in numbers)


def _warm_up(runs: Sequence[Run], effort: Effort) -> None:
    spent = 0.0
    for _ in range(effort.warm_up):
        spent += sum(run() for run in runs)
        if spent > effort.seconds / 10:
            return


def _go_on(numbers: Sequence[float], spent: float, effort: Effort) -> bool:
    n = len(numbers)
    if n < effort.least:
        return True
    if n >= effort.most or spent >= effort.seconds:
        return False
    return n % effort.least > 0 or deviation_of(numbers) > effort.deviation
