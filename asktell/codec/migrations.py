"""From older schemas to that of today, one step each: dicts in, dicts out.

A step adds what its schema did not have yet, and leaves every fault for the reader to find. The
dict it is given stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asktell.errors import StateError


def migrated(document: dict[str, Any], schema: int) -> dict[str, Any]:
    """Return the document in the schema of today.

    Raises:
        StateError: a ``ValueError``; the document has a field that its schema did not have.
    """
    for step in _STEPS[schema - 1 :]:
        document = step(document)
    return document


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 knows of leases and retries, and of what they leave behind."""
    document = _with(document, "$", due=[], withdrawn=[], retried=[])
    document["schema"] = 2
    for name, added in (("pending", {"expires": None}), ("failures", {"cause": "reported"})):
        rows = document.get(name)
        if isinstance(rows, list | tuple):
            document[name] = [
                _with(row, f"$.{name}[{position}]", **added) for position, row in enumerate(rows)
            ]
    if "settings" in document:
        document["settings"] = _with(document["settings"], "$.settings", retries=0, expiries=3)
    return document


def _with(value: Any, place: str, **added: Any) -> Any:
    """Return a dict with fields added; what is no dict is for the reader to refuse."""
    if not isinstance(value, dict):
        return value
    for name in added:
        if name in value:
            raise StateError(f"{place}.{name}", value[name], "no field of this name in schema 1")
    return {**value, **added}


_STEPS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (_from_1,)
"""The step from schema k stands at place k - 1."""

SCHEMA = len(_STEPS) + 1
"""The version of the layout that is written. Every older one stays readable."""
