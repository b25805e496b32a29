"""What peers need to know of outcomes, which are a dict: standard library only.

``{"objectives": {"size": "minimize"}, "constraints": {"accuracy": {"at_least": 0.97}}}``
"""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def excesses(outcomes: Document, values: dict[str, float]) -> dict[str, float]:
    """Return by how much each bound is exceeded: 0 or less where it is held."""
    found = {}
    for name, bounds in outcomes["constraints"].items():
        for kind, bound in bounds.items():
            sign = 1.0 if kind == "at_most" else -1.0
            found[f"{name} {kind}"] = sign * (values[name] - bound)
    return found


def inequalities(outcomes: Document) -> list[str]:
    """Return the constraints as text: ``accuracy >= 0.97``."""
    signs = {"at_least": ">=", "at_most": "<="}
    return [
        f"{name} {signs[kind]} {bound!r}"
        for name, bounds in outcomes["constraints"].items()
        for kind, bound in bounds.items()
    ]
