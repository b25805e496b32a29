"""The kinds of parameter: natural values on one side, positions on an axis on the other.

Every kind has a ``name``, an ``axis``, and three methods: ``check`` (one value, at the door),
``encode`` and ``decode`` (many canonical values, trusted).
"""

from __future__ import annotations

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
