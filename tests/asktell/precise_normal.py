"""The normal distribution with 80 digits, to hold what is computed in floats against."""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache

PI = Decimal(
    "3.141592653589793238462643383279502884197169399375105820974944592307816406286208998628"
)
DIGITS = 80


@contextmanager
def digits() -> Iterator[None]:
    """Compute with 80 digits, and with exponents as small as they come."""
    with decimal.localcontext() as context:
        context.prec, context.Emin, context.Emax = DIGITS, decimal.MIN_EMIN, decimal.MAX_EMAX
        yield


def density(z: Decimal) -> Decimal:
    """Return phi(z)."""
    with digits():
        return (-z * z / 2).exp() / (2 * PI).sqrt()


@lru_cache(maxsize=4096)
def cdf(z: Decimal) -> Decimal:
    """Return Phi(z)."""
    with digits():
        if z > 2:
            return 1 - cdf(-z)
        if z < -2:
            # Laplace's continued fraction of Mills' ratio, Phi(z) / phi(z)
            mills = -z
            for k in range(2000, 0, -1):
                mills = -z + k / mills
            return density(z) / mills
        term = total = z
        k = 1
        while abs(term) > Decimal(10) ** -DIGITS:
            term *= z * z / (2 * k + 1)
            total += term
            k += 1
        return Decimal("0.5") + density(z) * total


def h(z: Decimal) -> Decimal:
    """Return phi(z) + z Phi(z), the integral of Phi up to z."""
    with digits():
        return z + h(-z) if z > 0 else density(z) + z * cdf(z)
