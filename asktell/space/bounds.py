"""Bounds: from where on, and up to where, a number is as it should be."""

from __future__ import annotations

import math
from typing import Any

from attrs import field, frozen

from asktell.errors import DefinitionError
from asktell.numbers import is_finite


def _optional_float(value: Any) -> Any:
    """Return a number as a float; anything else is left for the check to refuse."""
    return float(value) if is_finite(value) else value


def _is_bound(_: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, float) or not math.isfinite(value):
        raise DefinitionError(f"$.{attribute.name}", value, "a finite number")


@frozen
class AtLeast:
    """What holds from ``bound`` on: of an outcome that is constrained, or of a parameter.

    Raises:
        DefinitionError: a ``ValueError``; the bound is not a finite number.
    """

    bound: float = field(converter=_optional_float, validator=_is_bound)


@frozen
class AtMost:
    """What holds up to ``bound``: of an outcome that is constrained, or of a parameter.

    Raises:
        DefinitionError: a ``ValueError``; the bound is not a finite number.
    """

    bound: float = field(converter=_optional_float, validator=_is_bound)


Bound = AtLeast | AtMost
