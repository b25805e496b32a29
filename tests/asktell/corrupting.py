"""Documents with one thing wrong: a value in place of another, or nothing."""

from __future__ import annotations

from typing import Any

GONE = object()
"""In place of a value: what stood there is taken away."""


def replaced(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Put a value in place of what is at a path, and return the document, which is changed."""
    node: Any = document
    for step in path[:-1]:
        node = node[step]
    if value is GONE:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document
