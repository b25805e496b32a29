"""Journals of files of schemas 1 and 2: each entry says what changed in the dict's lists.

They are only read: the first call that writes makes the file one of today's schema.
"""

from __future__ import annotations

from typing import Any

from asktell.errors import StateError
from asktell.numbers import is_count

OLD_SCHEMAS = (1, 2)

_LISTS = ("pending", "observations", "failures", "due", "withdrawn", "retried")
_WHOLE = ("next_id", "fit")


def apply_change(document: dict[str, Any], entry: Any) -> None:
    """Make the change of an entry to a state's dict; the first and last entry hold none.

    Args:
        document: the state before, as its dict. It is changed in place.
        entry: of the journal. For each list that differs it holds the rows that came, and the
            places from ``start`` to ``stop`` whose rows they replaced.

    Raises:
        StateError: a ``ValueError``; this is not a change, or does not fit the state. The message
            names the path within the change.
    """
    if not isinstance(entry, dict) or not entry.keys() <= {"follows", "change", "into"}:
        raise StateError("$", entry, "an entry that this version of asktell knows")
    change = entry.get("change", {})
    if not isinstance(change, dict):
        raise StateError("$", change, "a change: a mapping")
    for name, value in change.items():
        if name in _WHOLE:
            document[name] = value
            continue
        if name not in _LISTS:
            raise StateError(f"$.{name}", value, f"one of {[*_LISTS, *_WHOLE]}")
        rows = document.get(name)
        if not isinstance(rows, list):
            raise StateError(f"$.{name}", value, "no rows: the file has none to change")
        start, stop, came = _splice(value, f"$.{name}", len(rows))
        rows[start:stop] = came


def _splice(value: Any, place: str, length: int) -> tuple[int, int, list[Any]]:
    if not isinstance(value, dict) or value.keys() != {"start", "stop", "rows"}:
        raise StateError(place, value, "a mapping of start, stop and rows")
    start, stop, rows = value["start"], value["stop"], value["rows"]
    if not is_count(start, least=0) or not is_count(stop, least=0) or not start <= stop <= length:
        raise StateError(place, [start, stop], f"places in order, at most {length}")
    if not isinstance(rows, list):
        raise StateError(f"{place}.rows", rows, "a list")
    return start, stop, rows
