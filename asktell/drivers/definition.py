"""Whether a file's study is the one that the program defines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asktell.codec.state_document import state_document
from asktell.errors import NOTHING, ChangedDefinitionError
from asktell.state import State
from asktell.study.problem import Problem

Difference = tuple[str, Any, Any]
"""A place such as ``$.space.parameters.lr.high``, and what two problems have there."""


def check_definition(path: str, state: State, expected: Problem) -> None:
    """Check that the state of a file has the problem that the program expects.

    Raises:
        ChangedDefinitionError: a ``ValueError`` that lists what differs.
    """
    differences = list(_different("$", _definition(state.problem), _definition(expected)))
    if not differences:
        return
    if state.n_over:
        advice = (
            f"To go on with its {state.n_over} trials, define it as the file does, or take the "
            f"file's definition: resume({path!r}), whose change_space(...) goes on in another "
            "space. To begin anew, use another file"
        )
    else:
        advice = "Nothing is recorded in it yet: remove it to begin anew"
    raise ChangedDefinitionError(path, differences, advice)


def _definition(problem: Problem) -> dict[str, Any]:
    document = state_document(problem, [])
    settings = {**document.pop("policy"), **document.pop("method")}  # one name for those who set it
    return {**document, "settings": settings}


def _different(place: str, one: Any, other: Any) -> Iterator[Difference]:
    """Return where plain values differ. What has a name stands under it, wherever it is in a list.

    Their order counts, too, where nothing else differs: suggestions depend on it.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        for name in {**one, **other}:
            here = one.get(name, NOTHING), other.get(name, NOTHING)
            yield from _different(f"{place}.{name}", *here)
    elif _is_named(one) and _is_named(other):
        ones, others = ({row["name"]: row for row in rows} for rows in (one, other))
        yield from _different(place, ones, others)
        if ones.keys() == others.keys() and list(ones) != list(others):
            yield f"{place} (their order)", list(ones), list(others)
    elif one != other:
        yield place, one, other


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) and "name" in row for row in value)
