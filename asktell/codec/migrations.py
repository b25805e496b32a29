"""From older schemas to today's: dicts in, dicts out, and where each part came from.

Schemas 1 and 2 kept trials in six lists; ``from_lists`` finds events that lead to the same. Schema
3 knew no bounds on outcomes and no standard deviations, schema 4 no trials put back in the queue,
schema 5 only boxes: no conditions, constraints, defaults or beliefs.
What a step does not understand is left for the reader to refuse. The dict that is passed is not
changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, get_args

from attrs import evolve, frozen

from asktell.codec.from_lists import StateLists, events_of
from asktell.codec.reading import read
from asktell.errors import NOTHING, StateError
from asktell.study.outcomes import TARGET, Goal

SCHEMA = 6
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
    migrated_to_5 = _to_5(document, schema)
    return evolve(migrated_to_5, document=_with_boxes(migrated_to_5.document, schema))


def _to_5(document: dict[str, Any], schema: int) -> Migrated:
    if schema in (4, 5):  # they have fewer kinds of events
        return Migrated({**document, "schema": SCHEMA}, lambda path: path, None)
    if schema == 3:
        return _from_3(document)
    return _from_2(_from_1(document) if schema == 1 else document)


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 adds leases and retries, and what they leave behind."""
    document = _with(document, "$", 1, due=[], withdrawn=[], retried=[])
    document["schema"] = 2
    for name, added in (("pending", {"expires": None}), ("failures", {"cause": "reported"})):
        rows = document.get(name)
        if isinstance(rows, list | tuple):
            document[name] = [
                _with(row, f"$.{name}[{position}]", 1, **added) for position, row in enumerate(rows)
            ]
    if "settings" in document:
        document["settings"] = _with(document["settings"], "$.settings", 1, retries=0, expiries=3)
    return document


def _with(value: Any, place: str, schema: int, **added: Any) -> Any:
    """Return a dict with fields added; anything else is left for the reader to refuse."""
    if not isinstance(value, dict):
        return value
    for name in added:
        if name in value:
            raise StateError(
                f"{place}.{name}", value[name], f"no field of this name in schema {schema}"
            )
    return {**value, **added}


def _with_boxes(document: dict[str, Any], schema: int) -> dict[str, Any]:
    """Since schema 6, spaces have constraints, and parameters conditions, defaults and beliefs."""
    space = document.get("space")
    if not isinstance(space, dict):
        return document
    space = _with(space, "$.space", schema, constraints=[])
    parameters = space.get("parameters")
    if isinstance(parameters, list | tuple):
        space["parameters"] = [
            _with(row, f"$.space.parameters[{i}]", schema, when=None, default=None, likely=[])
            for i, row in enumerate(parameters)
        ]
    return {**document, "space": space}


_POLICY = ("replicates", "retries", "expiries")
_METHOD = ("n_initial", "n_candidates", "n_starts", "n_modelled")


def _from_2(document: dict[str, Any]) -> Migrated:
    """Since schema 3, states keep events, name outcomes, and tell policy from method."""
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
        "outcomes": [_outcome(TARGET, lists.goal)],
        "policy": {name: lists.settings[name] for name in _POLICY},
        "method": {name: lists.settings[name] for name in _METHOD} | {"revisits": False},
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
        return re.sub(r"^\$\.outcomes\[0\]\.goal", "$.goal", path)

    return Migrated(new, came_from, waiting)


# --- from schema 3 ---


def _outcome(name: Any, goal: Any) -> dict[str, Any]:
    unset = dict.fromkeys(("weight", "reference", "at_least", "at_most"))
    return {"name": name, "goal": goal, **unset}


def _from_3(document: dict[str, Any]) -> Migrated:
    """Schema 4 adds bounds, weights and references of outcomes, and standard deviations."""
    outcomes = read({"outcomes": document.get("outcomes", NOTHING)}, _OutcomesOf3).outcomes
    if len(outcomes) != 1:
        raise StateError("$.outcomes", document["outcomes"], "one outcome")
    if outcomes[0].role not in get_args(Goal):
        raise StateError("$.outcomes[0].role", outcomes[0].role, "'maximize' or 'minimize'")
    if "method" in document and isinstance(document["method"], dict):
        document = {**document, "method": _with(document["method"], "$.method", 3, revisits=False)}
    new = {**document, "schema": SCHEMA, "outcomes": [_outcome(outcomes[0].name, outcomes[0].role)]}
    if isinstance(document.get("events"), list | tuple):
        new["events"] = rows_from_3(document["events"], "$.events[{}]".format)
    return Migrated(new, lambda path: path, None)


def rows_from_3(rows: list[Any], place: Callable[[int], str]) -> list[Any]:
    """Return rows of events of schema 3 in today's schema.

    Raises:
        StateError: a ``ValueError``; a row has a field that schema 3 does not know.
    """
    return [
        _with(row, place(number), 3, std=None)
        if isinstance(row, dict) and row.get("event") in ("told", "amended")
        else row
        for number, row in enumerate(rows)
    ]


@frozen
class _OutcomeOf3:
    name: str
    role: str


@frozen
class _OutcomesOf3:
    outcomes: list[_OutcomeOf3]
