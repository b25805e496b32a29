"""A sequential test: whether the mean of numbers, seen bit by bit, surely exceeds a limit.

It bets against the claim that the mean is at most the limit. While the claim is true, no strategy
of bets is likely to make much of its stake; so once one has multiplied it by 1 / error, the claim
is given up. That may be looked at after every number, as often as one likes (Ville's inequality).
The numbers are drawn without replacement, which the bets know: the fewer are left, the surer.

The source: I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting",
Journal of the Royal Statistical Society B 86 (2024), sections 4 and 5.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Array = NDArray[np.float64]

_ROUNDING = 1e-9

SHARES = np.array([0.95, 0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.02, 0.01, 0.004])
"""Shares of the stake that one number could lose: a bettor each, as nobody knows the best."""


class Bets:
    """What bets against "the mean is at most ``limit``" have made, number by number.

    Args:
        limit: of the mean of all numbers.
        least: no number is smaller; there need be no largest.
        count: how many numbers there are in all; they come in random order.
        error: the probability with which a true claim may be given up, over all looks together.
    """

    def __init__(self, limit: float, least: float, count: int, error: float) -> None:
        """Stake one unit on each share."""
        self._total = limit * count
        self._least = least
        self._count = count
        self._enough = -math.log(error)
        self._seen = 0
        self._sum = 0.0
        self._wealth = np.zeros(len(SHARES))
        """Logarithms."""
        self.exceeds = False
        """Whether the mean surely exceeds the limit."""

    def add(self, numbers: Array) -> bool:
        """Take the next numbers, and tell whether the mean surely exceeds the limit."""
        with np.errstate(all="ignore"):  # numbers may be infinite, where a model is broken
            return self._add(np.asarray(numbers, dtype=np.float64))

    def _add(self, numbers: Array) -> bool:
        before = self._sum + np.concatenate(([0.0], np.cumsum(numbers)[:-1]))
        left = self._count - self._seen - np.arange(len(numbers))
        expected = (self._total - before) / left  # at most, if the claim is true
        room = expected - self._least
        self._seen += len(numbers)
        self._sum += float(numbers.sum())
        possible = room > 0.0  # else no numbers to come could make the claim true
        growth = np.zeros((len(SHARES), len(numbers)))
        moves = (numbers - expected)[possible] / room[possible]
        growth[:, possible] = np.log1p(SHARES[:, None] * moves)
        wealth = self._wealth[:, None] + np.cumsum(growth, axis=1)
        self._wealth = wealth[:, -1]
        most = float(logsumexp(wealth, axis=0).max()) - math.log(len(SHARES))
        least = self._sum + (self._count - self._seen) * self._least
        certain = least > self._total + _ROUNDING * self._count
        self.exceeds = self.exceeds or most >= self._enough or certain
        return self.exceeds
