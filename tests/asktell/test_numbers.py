"""What counts as a number at the door."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from asktell.numbers import is_count, is_finite, is_integer

HUGE = 10**400

NO_NUMBERS = [None, True, False, np.bool_(True), "1", b"1", 1j, [1], (1,), {}, object]
NO_NUMBERS += [np.array(1.0), np.array([1]), np.str_("1"), Decimal(1), float, math.nan, math.inf]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("tell", [is_finite, is_integer, is_count])
def test_what_is_no_number(tell: Any, value: Any) -> None:
    assert tell(value) is False


@pytest.mark.parametrize(
    ("value", "finite", "integer", "count"),
    [
        (3, True, True, True),
        (0, True, True, False),
        (-3, True, True, False),
        (3.0, True, True, False),
        (-0.0, True, True, False),
        (2.5, True, False, False),
        (5e-324, True, False, False),
        (1.7e308, True, True, False),
        (-math.inf, False, False, False),
        (HUGE, False, True, True),
        (-HUGE, False, True, False),
        (Fraction(6, 2), True, True, False),
        (Fraction(1, 3), True, False, False),
        (Fraction(HUGE, 3), False, False, False),
        (np.int8(3), True, True, True),
        (np.uint64(3), True, True, True),
        (np.float32(3.0), True, True, False),
        (np.float64(2.5), True, False, False),
        (np.float64(math.nan), False, False, False),
        (np.float32(math.inf), False, False, False),
    ],
)
def test_what_kind_of_number_it_is(value: Any, finite: bool, integer: bool, count: bool) -> None:
    assert (is_finite(value), is_integer(value), is_count(value)) == (finite, integer, count)


@pytest.mark.parametrize(
    ("value", "least", "enough"), [(0, 0, True), (-1, 0, False), (2, 2, True), (1, 2, False)]
)
def test_count_is_at_least(value: int, least: int, enough: bool) -> None:
    assert is_count(value, least=least) is enough


def test_fraction_next_to_an_integer_is_none() -> None:
    assert not is_integer(Fraction(2**54 - 1, 2))
