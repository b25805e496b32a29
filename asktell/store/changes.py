"""What one call changed in a state, as plain JSON, and the same change made to a state's dict.

A change holds outcomes, never the call: making it again computes nothing, and gives the same state
under every version of this package. Each sequence that differs has a splice: the rows that came,
and the places from ``start`` to ``stop`` whose rows they replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from attrs import evolve

from asktell.codec.state_codec import (
    SEQUENCES,
    fit_to_dict,
    part_from_dict,
    rows_to_list,
    state_to_dict,
)
from asktell.errors import StateError
from asktell.numbers import is_count
from asktell.study.records import Records
from asktell.study.state import State

_FIXED = ("space", "goal", "seed", "settings")
"""What no call changes."""

_WHOLE = ("next_id", "fit")

Change = dict[str, Any]


def change_between(before: State, after: State) -> Change | None:
    """Return what turns one state into another, empty if nothing does.

    None stands for a change that is more than trials: another space, goal, seed or settings.
    """
    if any(getattr(before, name) != getattr(after, name) for name in _FIXED):
        return None
    change: Change = {}
    if after.next_id != before.next_id:
        change["next_id"] = after.next_id
    for name in SEQUENCES:
        old, new = getattr(before, name), getattr(after, name)
        if old is not new and old != new:
            start, kept = _same_ends(old, new)
            rows = rows_to_list(after, name, start, len(new) - kept)
            change[name] = {"start": start, "stop": len(old) - kept, "rows": rows}
    if after.fit != before.fit:
        change["fit"] = fit_to_dict(after.fit)
    return change


def apply_change(document: dict[str, Any], change: Any) -> None:
    """Make a change to a state's dict, in place. Whether it is a state then, the codec tells.

    Args:
        document: what the state before gave as its dict; changed.
        change: what ``change_between`` returned.

    Raises:
        StateError: a ``ValueError`` that names the path within the change: it is none, or none
            of this state.
    """
    for name, value in _checked(change).items():
        if name in _WHOLE:
            document[name] = value
            continue
        rows = document.get(name)
        if not isinstance(rows, list):
            raise StateError(f"$.{name}", value, "no rows: the file has none to change")
        start, stop, came = _splice(value, f"$.{name}", len(rows))
        rows[start:stop] = came


def advance(state: State, changes: Sequence[Any]) -> State:
    """Return the state after some changes, at a cost that grows with them and not with the state.

    The rows are read and checked, but not what they are to the others: that is for changes which
    this package wrote, in the schema of today.

    Raises:
        StateError: a ``ValueError`` that names the path, of a change or of all rows that came.
    """
    part = state_to_dict(State(state.space, state.goal, state.seed, state.settings))
    whole = {name for change in changes for name in _checked(change) if name in _WHOLE}
    rows = {name: len(getattr(state, name)) for name in SEQUENCES}
    splices: list[tuple[str, int, int, int]] = []
    for change in changes:
        for name, value in change.items():
            if name in SEQUENCES:
                start, stop, came = _splice(value, f"$.{name}", rows[name])
                splices.append((name, start, stop, len(came)))
                rows[name] += len(came) - (stop - start)
                part[name] += came
            else:
                part[name] = value
    read = part_from_dict(part)  # all at once, for reading costs more by the call than by the row
    unread = {name: iter(getattr(read, name)) for name in SEQUENCES}
    fields = {name: getattr(state, name) for name in SEQUENCES}
    for name, start, stop, count in splices:
        fields[name] = _spliced(fields[name], start, stop, list(islice(unread[name], count)))
    return evolve(state, **fields, **{name: getattr(read, name) for name in whole})


def _spliced(rows: Any, start: int, stop: int, came: list[Any]) -> Any:
    if not isinstance(rows, Records):
        return (*rows[:start], *came, *rows[stop:])
    if start < len(rows):
        return Records([*rows[:start], *came, *rows[stop:]])
    for row in came:
        rows = rows.append(row)
    return rows


def _checked(change: Any) -> Change:
    if not isinstance(change, dict):
        raise StateError("$", change, "a change: a mapping")
    for name, value in change.items():
        if name not in SEQUENCES and name not in _WHOLE:
            raise StateError(f"$.{name}", value, f"one of {[*SEQUENCES, *_WHOLE]}")
    return change


def _splice(value: Any, place: str, length: int) -> tuple[int, int, list[Any]]:
    if not isinstance(value, dict) or value.keys() != {"start", "stop", "rows"}:
        raise StateError(place, value, "a mapping of start, stop and rows")
    start, stop, rows = value["start"], value["stop"], value["rows"]
    if not is_count(start, least=0) or not is_count(stop, least=0) or not start <= stop <= length:
        raise StateError(place, [start, stop], f"places in order, at most {length}")
    if not isinstance(rows, list):
        raise StateError(f"{place}.rows", rows, "a list")
    return start, stop, rows


def _same_ends(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """Return how many rows are the same at the beginning, and how many of the rest at the end."""
    shorter = min(len(old), len(new))
    if list(old[:shorter]) == list(new[:shorter]):  # one has grown from the other
        return shorter, 0
    start = next(i for i in range(shorter) if old[i] != new[i])
    rest = shorter - start
    kept = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    return start, kept
