"""From older schemas to today's: dicts in, dicts out, and where each part came from.

Schemas 1 and 2 kept trials in six lists; ``from_lists`` finds events that lead to the same. What a
step does not understand is left for the reader to refuse. The dict that is passed is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attrs import frozen

from asktell.codec.from_lists import StateLists, events_of
from asktell.codec.reading import read
from asktell.errors import NOTHING, StateError
from asktell.study.problem import TARGET

SCHEMA = 3
"""The version of the layout that is written. Every older one stays readable."""


@frozen(eq=False)
class Migrated:
    """A dict in today's schema.

    Attributes:
        came_from: maps a path in this dict to the path in the dict that came.
        waiting: the ids that are out and the params that are due, as the dict that came lists them.
    """

    document: dict[str, Any]
    came_from: Callable[[str], str]
    waiting: tuple[list[int], list[dict[str, Any]]] | None


def migrated(document: dict[str, Any], schema: int) -> Migrated:
    """Return the document in today's schema.

    Raises:
        StateError: a ``ValueError``; a field of an older schema is missing, unknown or corrupt.
    """
    if schema == SCHEMA:
        return Migrated(document, lambda path: path, None)
    return _from_2(_from_1(document) if schema == 1 else document)


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 adds leases and retries, and what they leave behind."""
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
    """Return a dict with fields added; anything else is left for the reader to refuse."""
    if not isinstance(value, dict):
        return value
    for name in added:
        if name in value:
            raise StateError(f"{place}.{name}", value[name], "no field of this name in schema 1")
    return {**value, **added}


_POLICY = ("replicates", "retries", "expiries")
_METHOD = ("n_initial", "n_candidates", "n_starts", "n_modelled")


def _from_2(document: dict[str, Any]) -> Migrated:
    """Schema 3 keeps events, names its outcomes, and tells policy from method."""
    lists = read(document, StateLists)
    for name in (*_POLICY, *_METHOD):
        if name not in lists.settings:
            raise StateError(f"$.settings.{name}", NOTHING, "a value")
    for name, value in lists.settings.items():
        if name not in (*_POLICY, *_METHOD):
            expected = f"only the fields {[*_METHOD, *_POLICY]}"
            raise StateError(f"$.settings.{name}", value, expected)
    events, places = events_of(lists)
    new = {
        "schema": SCHEMA,
        "space": document["space"],
        "outcomes": [{"name": TARGET, "role": lists.goal}],
        "policy": {name: lists.settings[name] for name in _POLICY},
        "method": {name: lists.settings[name] for name in _METHOD},
        "seed": lists.seed,
        "events": events,
    }
    waiting = [row.id for row in lists.pending], list(lists.due)

    def came_from(path: str) -> str:
        if event := re.match(r"\$\.events\[(\d+)\]", path):
            rest = path[event.end() :].replace(".outcomes." + TARGET, ".target")
            rest = rest.replace(".fit.found[0]", ".members").removeprefix(".fit")
            return places[int(event[1])] + rest
        path = re.sub(r"^\$\.(policy|method)", "$.settings", path)
        return re.sub(r"^\$\.outcomes\[0\]\.role", "$.goal", path)

    return Migrated(new, came_from, waiting)
