"""Dicts from outside that are meant to hurt: each ends soon, in an error that can be shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from spaces import as_box

import asktell as at
from asktell.codec.migrations import SCHEMA
from asktell.errors import InvalidValueError, StateError
from asktell.state import apply
from asktell.study.events import LARGEST_ID, Skipped

MANY = 10_000
HUGE = 10**5000
"""Python refuses to write it in digits."""

SECONDS = 20.0
"""Of the process's own time: what takes longer does not grow with the document alone."""

LONGEST = 10_000
"""Characters of a message and a repr: eight faults each, with a path and what came."""


def nested(levels: int) -> Any:
    """Return lists and dicts in turn, one within the other."""
    value: Any = 1
    for _ in range(levels // 2):
        value = [{"x": value}]
    return value


def study() -> dict[str, Any]:
    """Return a state of today with every kind of row that is attacked."""
    space = at.Space(
        at.Int("x", 0, 9, likely=[3]),
        at.Float("y", 0.0, 9.0, when={"x": at.AtMost(8), "z": [True]}, default=1.0),
        at.Bool("z"),
        constraints=[
            at.Linear({"x": 1.0, "y": 1.0}, at_most=17.0),
            at.Ordered("y", "x"),
            at.Forbidden({"x": 9, "z": False}),
        ],
    )
    state = at.State.start(space, settings=at.Settings(n_initial=1))
    state, (first,) = at.suggest(state)
    state = at.observe(state, first, 1.0, 0.5)
    return at.suggest(state)[0].to_dict()


def study_of_schema_3() -> dict[str, Any]:
    """Return the same as schema 3 had it."""
    document = study()
    del document["events"][1]["std"], document["method"]["revisits"]
    outcomes = [{"name": "target", "role": "maximize"}]
    return {**document, "schema": 3, "space": as_box(document["space"]), "outcomes": outcomes}


def study_of_schema_2() -> dict[str, Any]:
    """Return an older one."""
    names = ("n_initial", "n_candidates", "n_starts", "n_modelled", "retries", "expiries")
    return {
        "schema": 2,
        "space": {"parameters": [{"type": "bool", "name": "x"}]},
        "goal": "maximize",
        "seed": 0,
        "settings": {"replicates": False, **dict.fromkeys(names, 2)},
        "next_id": 2,
        "pending": [{"id": 0, "params": {"x": True}, "origin": "initial", "expires": None}],
        "observations": [{"id": 1, "params": {"x": False}, "target": 1.0}],
        "failures": [],
        "due": [],
        "withdrawn": [],
        "retried": [],
        "fit": {"n": 1, "members": [{"length_scales": [1.0], "noise": 0.1} for _ in range(3)]},
    }


VALUES: dict[str, Callable[[int], Any]] = {
    "nested": lambda n: nested(2_000),
    "deeply nested": lambda n: nested(50_000),
    "5,000 digits": lambda n: HUGE,
    "negative digits": lambda n: -HUGE,
    "2**60": lambda n: 2**60,
    "a long text": lambda n: "x" * 10**6,
    "nulls": lambda n: [None] * n,
    "dicts": lambda n: [{} for _ in range(n)],
    "numbers": lambda n: list(range(n)),
    "many keys": lambda n: dict.fromkeys(map(str, range(n)), 0),
    "many integer keys": lambda n: dict.fromkeys(range(n), 0),
    "a long key": lambda n: {"x" * 10**6: 1},
    "a key of 5,000 digits": lambda n: {HUGE: 1},
    "keys of many types": lambda n: {1: 1, "x": 1, None: 1, (1, 2): 1, 1.5: 1},
    "a set": lambda n: {1},
}

PLACES: list[tuple[Any, ...]] = [
    (),
    ("schema",),
    ("space",),
    ("space", "parameters"),
    ("space", "parameters", 0),
    ("space", "parameters", 0, "type"),
    ("space", "parameters", 0, "name"),
    ("space", "parameters", 0, "low"),
    ("space", "parameters", 0, "likely"),
    ("space", "parameters", 0, "likely", 0),
    ("space", "parameters", 1, "default"),
    ("space", "parameters", 1, "when"),
    ("space", "parameters", 1, "when", "x"),
    ("space", "parameters", 1, "when", "x", "at_most"),
    ("space", "parameters", 1, "when", "z"),
    ("space", "parameters", 1, "when", "z", 0),
    ("space", "constraints"),
    ("space", "constraints", 0),
    ("space", "constraints", 0, "linear"),
    ("space", "constraints", 0, "linear", "x"),
    ("space", "constraints", 0, "at_most"),
    ("space", "constraints", 1, "ordered"),
    ("space", "constraints", 1, "ordered", 0),
    ("space", "constraints", 2, "forbidden"),
    ("space", "constraints", 2, "forbidden", "z"),
    ("space", "constraints", 2, "forbidden", "z", 0),
    ("outcomes",),
    ("outcomes", 0),
    ("outcomes", 0, "name"),
    ("outcomes", 0, "goal"),
    ("outcomes", 0, "weight"),
    ("outcomes", 0, "reference"),
    ("outcomes", 0, "at_least"),
    ("outcomes", 0, "at_most"),
    ("policy",),
    ("policy", "retries"),
    ("method",),
    ("method", "n_initial"),
    ("seed",),
    ("events",),
    ("events", 0),
    ("events", 0, "event"),
    ("events", 0, "id"),
    ("events", 0, "params"),
    ("events", 0, "params", "x"),
    ("events", 0, "origin"),
    ("events", 0, "expires"),
    ("events", 1, "outcomes"),
    ("events", 1, "outcomes", "target"),
    ("events", 1, "std"),
    ("events", 1, "std", "target"),
    ("events", 2, "fit"),
    ("events", 2, "fit", "n"),
    ("events", 2, "fit", "model"),
    ("events", 2, "fit", "found"),
    ("events", 2, "fit", "found", 0, 0, "length_scales"),
]

PLACES_OF_SCHEMA_3: list[tuple[Any, ...]] = [
    (),
    ("outcomes",),
    ("outcomes", 0),
    ("outcomes", 0, "name"),
    ("outcomes", 0, "role"),
    ("method",),
    ("events",),
    ("events", 1),
    ("events", 1, "event"),
    ("events", 1, "outcomes"),
    ("events", 2, "fit", "found"),
]

PLACES_OF_SCHEMA_2: list[tuple[Any, ...]] = [
    (),
    ("space",),
    ("goal",),
    ("seed",),
    ("settings",),
    ("settings", "retries"),
    ("next_id",),
    ("pending",),
    ("pending", 0, "id"),
    ("pending", 0, "params"),
    ("pending", 0, "params", "x"),
    ("pending", 0, "origin"),
    ("pending", 0, "expires"),
    ("observations",),
    ("observations", 0, "id"),
    ("observations", 0, "params"),
    ("observations", 0, "target"),
    ("due",),
    ("withdrawn",),
    ("retried",),
    ("fit",),
    ("fit", "members"),
    ("fit", "members", 1, "length_scales"),
]

MAKERS = {SCHEMA: study, 3: study_of_schema_3, 2: study_of_schema_2}
ALL = {SCHEMA: PLACES, 3: PLACES_OF_SCHEMA_3, 2: PLACES_OF_SCHEMA_2}


def attacked(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return the document with a value in place of another."""
    if not path:
        return {**value, **document} if isinstance(value, dict) else value
    node = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return document


def outcome_of(document: Any) -> at.State | StateError:
    """Return what reading a document gives, where it ends soon and can be shown."""
    start = time.process_time()
    result: at.State | StateError
    try:
        result = at.State.from_dict(document)
    except StateError as error:
        result = error
    assert len(f"{result} {result!r}") < LONGEST
    assert time.process_time() - start < SECONDS
    return result


@pytest.mark.parametrize(
    ("schema", "path"), [(schema, path) for schema, paths in ALL.items() for path in paths]
)
def test_a_hostile_value_is_a_state_or_an_error_that_can_be_shown(
    schema: int, path: tuple[Any, ...]
) -> None:
    for make in VALUES.values():
        result = outcome_of(attacked(MAKERS[schema](), path, make(MANY)))
        if isinstance(result, at.State):
            assert at.State.from_dict(result.to_dict()) == result


@pytest.mark.parametrize(
    ("schema", "path", "name", "place"),
    [
        (SCHEMA, (), "many keys", "$.0"),
        (SCHEMA, ("space", "parameters"), "dicts", "$.space.parameters[0].type"),
        (SCHEMA, ("events",), "nulls", "$.events[0]"),
        (SCHEMA, ("events",), "dicts", "$.events[0].event"),
        (SCHEMA, ("events", 0, "params"), "many keys", "$.events[0].params.x"),
        (SCHEMA, ("events", 1, "outcomes"), "many keys", "$.events[1].outcomes.target"),
        (SCHEMA, ("events", 1, "std"), "many keys", "$.events[1].std.0"),
        (SCHEMA, ("outcomes",), "dicts", "$.outcomes[0].name"),
        (3, ("outcomes",), "dicts", "$.outcomes[0].name"),
        (3, ("events",), "nulls", "$.events[0]"),
        (SCHEMA, ("events", 2, "fit", "found", 0), "nulls", "$.events[2].fit.found[0][0]"),
        (2, ("pending",), "nulls", "$.pending[0]"),
        (2, ("pending",), "dicts", "$.pending[0].id"),
        (2, ("pending", 0, "params"), "many keys", "$.pending[0].params.x"),
        (2, ("due",), "dicts", "$.due[0]"),
        (2, ("fit", "members", 1), "nulls", "$.fit.members[1]"),
    ],
)
def test_a_million_of_them_end_soon(
    schema: int, path: tuple[Any, ...], name: str, place: str
) -> None:
    error = outcome_of(attacked(MAKERS[schema](), path, VALUES[name](10**6)))

    assert isinstance(error, StateError)
    assert error.place == place
    assert len(error.others) < 2_000


@pytest.mark.parametrize("n", [2**20 + 7, 10**12, 2**53])
def test_a_study_whose_ids_are_huge_goes_on(n: int) -> None:
    state = at.State.from_dict(
        {**study_of_schema_2(), "next_id": n, "observations": [], "fit": None}
    )
    start = time.process_time()

    state, (suggestion,) = at.suggest(state)

    assert suggestion.id == n
    assert suggestion.params == {"x": False}
    assert at.State.from_dict(state.to_dict()) == state
    assert time.process_time() - start < SECONDS


def test_no_id_is_handed_out_that_could_not_be_read() -> None:
    space = at.Space(at.Int("x", 0, 9))
    state = apply(at.State.start(space), Skipped(LARGEST_ID, None))
    state, _ = at.suggest(state)

    with pytest.raises(InvalidValueError, match=r"^\$\.id: got 9007199254740993"):
        at.suggest(state)
    assert at.State.from_dict(state.to_dict()) == state


@pytest.mark.parametrize("n", [2**53 + 1, 2**60, HUGE], ids=["2**53 + 1", "2**60", "10**5000"])
def test_ids_that_nobody_counted_up_to_are_refused(n: int) -> None:
    with pytest.raises(StateError) as caught:
        at.State.from_dict({**study_of_schema_2(), "next_id": n})

    assert caught.value.place == "$.next_id"


def test_of_a_million_faults_eight_are_shown() -> None:
    error = outcome_of({**study_of_schema_2(), "retried": [None] * 10**6})

    assert str(error).count("expected a mapping") == 8
    assert str(error).endswith("; and 992 more")
