"""The normal distribution far out in its tails, where probabilities are nothing but their logs."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from asktell.model.kernels import Array

_LOG_ROOT_2_PI = 0.5 * math.log(2.0 * math.pi)
_ROOT_HALF = 0.5**0.5
_ROOT_2_OVER_PI = (2.0 / math.pi) ** 0.5
LAST = 37.0
"""Above this, phi / Phi is less than 1e-297, and is taken for what it is here."""

LEAST = 1e-300
"""What is known to be less than this counts as nothing, as its inverse may be infinite."""

NARROW = 0.02
"""An interval [b, a] is narrow if (a - b) max(1, -a) is less than this. Then the
difference of two values loses digits, and the series about its middle (``means_about``) does not:
what it leaves out is (NARROW / 2)^6 / 7! = 2e-16 of a derivative of the eighth order at most."""


def log_density(z: Array) -> Array:
    """Return log phi(z), elementwise."""
    return np.asarray(-0.5 * z * z - _LOG_ROOT_2_PI)


def log_cdf(z: Array) -> Array:
    """Return log Phi(z), elementwise."""
    return np.asarray(special.log_ndtr(z))


def hazard(z: Array) -> Array:
    """Return phi(z) / Phi(z), the slope of log Phi(z), elementwise, to full precision."""
    return np.asarray(_ROOT_2_OVER_PI / special.erfcx(-_ROOT_HALF * np.minimum(z, LAST)))


def means_about(middle: Array, width: Array, first: int, count: int) -> list[Array]:
    """Return the means of derivatives of phi over narrow intervals, as shares of phi(middle).

    The n-th derivative of phi is (-1)^n He_n phi, with the Hermite polynomials He_n (Abramowitz and
    Stegun 26.2.31), and the mean of f over an interval is the sum over i of
    f^(2 i)(middle) (width / 2)^(2 i) / (2 i + 1)!, of which three terms are taken.

    Args:
        middle: (n,), the middles of intervals.
        width: (n,), their widths; they are ``NARROW``.
        first: the order of the first derivative, -1 for Phi. Its own term is then left out, as
            Phi is no multiple of phi.
        count: how many derivatives, one after the other.
    """
    middle = np.minimum(middle, LAST)  # so that no power of it is infinite
    hermite = [np.ones_like(middle), middle]
    for n in range(1, first + count + 3):
        hermite.append(middle * hermite[n] - n * hermite[n - 1])
    square = np.square(0.5 * width)
    weights = [np.ones_like(width), square / 6.0, square**2 / 120.0]
    means = []
    for order in range(first, first + count):
        terms = [
            weight * hermite[order + 2 * i] for i, weight in enumerate(weights) if order + i >= 0
        ]
        total = np.asarray(sum(terms[1:], start=terms[0]))
        means.append(-total if order % 2 else total)
    return means
