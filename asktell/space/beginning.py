"""What all parameters are given besides their range: when they are active, and where to begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from asktell.errors import DefinitionError, ParamsError
from asktell.space.conditions import optional_where


def begin(parameter: Any, own: tuple[Any, ...], when: Any, default: Any, likely: Any) -> None:
    """Keep the arguments of a parameter that is being made: its own, then these.

    Only a parameter that has its range can check its default and its beliefs.
    """
    where = optional_where(when, "$.when")
    parameter.__attrs_init__(*own, where, None, ())
    if default is not None:
        default = _canonical(parameter.check, default, "$.default")
    if likely is not None:
        likely = canonicals(parameter.check, likely, "$.likely")
    if default is not None or likely:
        parameter.__attrs_init__(*own, where, default, likely or ())


def canonicals(check: Callable[[Any], Any], values: Any, place: str) -> tuple[Any, ...]:
    """Return one value or a list of values as a parameter keeps them."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        return (_canonical(check, values, place),)
    return tuple(
        _canonical(check, value, f"{place}[{position}]") for position, value in enumerate(values)
    )


def _canonical(check: Callable[[Any], Any], value: Any, place: str) -> Any:
    try:
        return check(value)
    except ParamsError as error:
        raise DefinitionError(place, error.got, error.expected) from None
