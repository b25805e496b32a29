"""What counts as a number at the door, for Python's, numpy's and other types alike.

A bool does not: it is far more often a mistake than meant as 0 or 1.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from asktell.errors import LeaseError


def is_finite(value: Any) -> bool:
    """Tell whether a value is a real number that a float can hold."""
    if type(value) is float:
        return math.isfinite(value)
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def is_integer(value: Any) -> bool:
    """Tell whether a value is an integer; an integral float counts as one."""
    if isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, Integral) or (is_finite(value) and bool(value == int(value)))


def is_count(value: Any, least: int = 1) -> bool:
    """Tell whether a value is of an integer type and at least ``least``."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def as_moment(now: Any) -> float:
    """Return a moment on the caller's clock as a float.

    Raises:
        LeaseError: a ``ValueError``; it is not a finite number.
    """
    if not is_finite(now):
        raise LeaseError("$.now", now, "the time in seconds, a finite number")
    return float(now)
