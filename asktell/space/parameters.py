"""The kinds of parameter: natural values on one side, positions on an axis on the other.

Every kind has a ``name``, an ``axis``, and three methods: ``check`` (one value, at the door),
``encode`` and ``decode`` (many canonical values, trusted).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import Parameter as Argument
from inspect import signature
from typing import Any

from asktell.errors import NOTHING
from asktell.space.choices import Bool, Categorical, Ordinal
from asktell.space.ranges import Float, Int

__all__ = [
    "KINDS",
    "Bool",
    "Categorical",
    "Float",
    "Int",
    "Ordinal",
    "Parameter",
    "arguments_of",
    "defaults_of",
    "kind_of",
]

Parameter = Float | Int | Ordinal | Categorical | Bool

KINDS: dict[str, type[Parameter]] = {
    "float": Float,
    "int": Int,
    "ordinal": Ordinal,
    "categorical": Categorical,
    "bool": Bool,
}
"""The kinds by the names that they have in files."""

_NAMES = {kind: name for name, kind in KINDS.items()}


def kind_of(parameter: Parameter) -> str:
    """Return the name of a parameter's kind, a key of ``KINDS``."""
    return _NAMES[type(parameter)]


def defaults_of(constructor: Callable[..., Any]) -> dict[str, Any]:
    """Return the arguments that a constructor takes, with their defaults; ``NOTHING`` for none."""
    return dict(_defaults(constructor))


def arguments_of(value: object) -> dict[str, Any]:
    """Return the arguments that make a value such as a parameter, by name; tuples as lists."""
    named = ((name, getattr(value, name)) for name in defaults_of(type(value)))
    return {name: list(item) if isinstance(item, tuple) else item for name, item in named}


@cache
def _defaults(constructor: Any) -> dict[str, Any]:
    return {
        name: NOTHING if argument.default is Argument.empty else argument.default
        for name, argument in signature(constructor).parameters.items()
    }
