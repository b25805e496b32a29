"""State and dict: round trips, golden files, and the places of faults."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.asking import core
from asktell.codec.state_codec import SCHEMA, state_from_dict, state_to_dict
from asktell.errors import SpaceExhausted, StateError
from asktell.space.parameters import Bool, Categorical, Float, Int, Ordinal
from asktell.space.space import Space
from asktell.study.state import Settings, State

GOLDEN = Path(__file__).parent / "golden"
PLAIN = {dict, list, str, int, float, bool, type(None)}

SPACE = Space(
    Float("lr", 1e-5, 1.0, log=True),
    Float("momentum", 0.0, 0.99, step=0.01),
    Int("depth", 1, 12),
    Ordinal("bits", [2, 3, 4, 8]),
    Categorical("kernel", ["rbf", None, 0.5, True]),
    Bool("bias"),
)


def golden(schema: int = SCHEMA) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((GOLDEN / f"state-{schema}.json").read_text())
    return document


def nodes(node: Any) -> Iterator[Any]:
    """Yield a document and everything within it, the keys of dicts too."""
    yield node
    if isinstance(node, dict):
        yield from node
    for part in node.values() if isinstance(node, dict) else node if type(node) is list else ():
        yield from nodes(part)


def places(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to everything within a document, below its root."""
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield (*place, key)
            yield from places(node[key], (*place, key))


# --- golden files ---


def test_every_schema_has_its_golden_file() -> None:
    names = sorted(path.name for path in GOLDEN.glob("*.json"))

    assert names == [f"state-{schema}.json" for schema in range(1, SCHEMA + 1)]


def test_golden_state_is_written_as_it_was_read() -> None:
    document = golden()

    again = state_to_dict(state_from_dict(golden()))

    assert again == document
    assert json.dumps(again) == json.dumps(document)


def test_golden_state_of_schema_1_means_what_it_says() -> None:
    state = state_from_dict(golden(1))

    assert (state.goal, state.seed, state.next_id) == ("minimize", 7, 6)
    assert state.settings == Settings(n_initial=2, n_candidates=32, n_starts=2, n_modelled=1000)
    assert state.space == Space(
        Float("lr", 1e-5, 1.0, log=True),
        Float("momentum", 0.0, 0.99, step=0.01),
        Int("depth", 1, 12),
        Int("width", 8, 1024, log=True, step=8),
        Ordinal("bits", [2, 3, 4, 8]),
        Categorical("kernel", ["rbf", "poly", None, 0.5, False]),
        Bool("bias"),
    )
    assert [(o.id, o.target) for o in state.observations] == [(2, 0.25), (0, -1.5), (None, 1e-17)]
    assert [(f.id, f.reason) for f in state.failures] == [(1, "out of memory"), (None, "")]
    assert [(s.id, s.origin) for s in state.pending] == [(3, "initial"), (4, "model"), (5, "model")]
    assert state.observations[-1].params == {
        "lr": 0.1,
        "momentum": 0.57,
        "depth": 3,
        "width": 64,
        "bits": 4,
        "kernel": None,
        "bias": True,
    }
    assert state.fit is not None
    assert (state.fit.n, len(state.fit.members)) == (5, 3)
    assert state.fit.members[0].noise == 0.006804916381570127
    assert state.fit.members[2].length_scales[2] == 1.4306864807047386
    assert (state.settings.retries, state.settings.expiries) == (0, 3)
    assert {suggestion.expires for suggestion in state.pending} == {None}
    assert {failure.cause for failure in state.failures} == {"reported"}
    assert (state.due, len(state.withdrawn), len(state.retried)) == ((), 0, 0)


@pytest.mark.parametrize("schema", range(1, SCHEMA + 1))
def test_golden_state_goes_on(schema: int) -> None:
    state, suggestions = core.suggest(state_from_dict(golden(schema)), 3, now=0.0, lease=5.0)

    for suggestion in suggestions:
        state = core.observe(state, suggestion, float(suggestion.id))
    assert state_from_dict(json.loads(json.dumps(state_to_dict(state)))) == state
    assert state_to_dict(state)["schema"] == SCHEMA


def test_golden_state_of_schema_2_means_what_it_says() -> None:
    state = state_from_dict(golden(2))

    assert (state.settings.retries, state.settings.expiries, state.next_id) == (1, 1, 15)
    assert [(s.id, s.origin, s.expires) for s in state.pending] == [
        (9, "again", 3682.0),
        (12, "again", None),
        (13, "model", None),
    ]
    assert [(s.id, s.origin, s.expires) for s in state.withdrawn][-2:] == [
        (11, "model", 85.5),
        (14, "model", 91.0),
    ]
    assert state.due == tuple(s.values for s in state.withdrawn)[-2:]
    assert [(f.id, f.reason, f.cause) for f in state.failures] == [
        (4, "out of memory", "reported"),
        (None, "", "reported"),
        (7, "leases that expired without an answer: 2", "expired"),
        (8, "leases that expired without an answer: 2", "expired"),
    ]
    assert [(f.id, f.reason, f.cause) for f in state.retried] == [
        (1, "worker lost", "reported"),
        (6, "late", "reported"),
    ]
    assert [(o.id, o.target) for o in state.observations][-1] == (5, 2.0)


# --- round trips ---

TARGETS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1, math.nan, math.inf, 5e-324, 1.7e308]),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("suggest"), st.integers(1, 2)),
        st.tuples(st.just("observe"), TARGETS),
        st.tuples(st.just("fail"), st.text(max_size=5)),
        st.tuples(st.just("own"), st.integers(1, 12)),
    ),
    max_size=8,
)


def state_after(steps: list[tuple[str, Any]], goal: Any, seed: int, replicates: bool) -> State:
    options = Settings(n_initial=3, n_candidates=32, n_starts=2, replicates=replicates)
    state = State.start(SPACE, seed, goal, options)
    for step, argument in steps:
        if step == "suggest":
            state, _ = core.suggest(state, argument)
        elif step == "own":
            params = SPACE.params((0.1, 0.5, argument, 4, "rbf", True))
            if replicates or not state.observations.has_values(tuple(params.values())):
                state = core.observe(state, params, argument / 3.0)
        elif state.pending and step == "observe":
            state = core.observe(state, state.pending[-1], argument)
        elif state.pending:
            state = core.fail(state, state.pending[0].id, argument)
    return state


@settings(deadline=None, max_examples=15)
@given(
    steps=STEPS,
    goal=st.sampled_from(["maximize", "minimize"]),
    seed=st.one_of(st.integers(0, 9), st.integers(0, 2**100)),
    replicates=st.booleans(),
)
def test_state_survives_json(
    steps: list[tuple[str, Any]], goal: str, seed: int, replicates: bool
) -> None:
    state = state_after(steps, goal, seed, replicates)

    document = json.loads(json.dumps(state_to_dict(state), allow_nan=False))

    again = state_from_dict(document)
    assert again == state
    assert repr(again) == repr(state)
    assert state_to_dict(again) == document == state_to_dict(state)


@settings(deadline=None, max_examples=5)
@given(steps=STEPS)
def test_dict_consists_of_plain_types_alone(steps: list[tuple[str, Any]]) -> None:
    document = state_to_dict(state_after(steps, "maximize", 0, replicates=False))

    assert {type(node) for node in nodes(document)} <= PLAIN


def test_fields_of_a_space_survive_exactly() -> None:
    space = Space(
        Float("a", -1e-300, 1e300),
        Float("b", 3, 3),
        Float("c", 0.1, 0.7, True, 0.2),
        Int("d", -(2**52), 2**52 - 1),
        Int("e", 2, 2**40, True, 3),
        Ordinal("f", [None, True, 2, 3.5, "x", -0.0]),
        Categorical('a "name".with [brackets]', ["ä", 10**30]),
        Bool("\n"),
    )

    again = state_from_dict(json.loads(json.dumps(state_to_dict(State.start(space))))).space

    assert again == space
    assert repr(again) == repr(space)


def test_methods_of_the_state_are_those_of_the_codec() -> None:
    state = state_from_dict(golden())

    assert state.to_dict() == golden()
    assert State.from_dict(golden()) == state


def test_dict_can_be_changed_without_changing_the_state() -> None:
    state = state_from_dict(golden())
    document = state_to_dict(state)
    document["pending"][0]["params"]["depth"] = 99
    document["space"]["parameters"][4]["values"].append(99)
    document["fit"]["members"][0]["length_scales"][0] = 99.0
    document["observations"].clear()

    assert state_to_dict(state) == golden()


def test_state_does_not_change_with_the_dict_it_was_read_from() -> None:
    document = golden()
    state = state_from_dict(document)
    document["pending"][0]["params"]["depth"] = 12
    document["space"]["parameters"][4]["values"].append(99)
    document["fit"]["members"][0]["length_scales"][0] = 99.0
    document["observations"].clear()

    assert state_to_dict(state) == golden()


def test_reading_leaves_its_argument_as_it_was() -> None:
    document = golden()
    state_from_dict(document)

    assert document == golden()


def test_state_that_was_read_goes_on_as_if_it_had_not_been_written() -> None:
    steps = [("suggest", 2), ("observe", 1.0), ("own", 3), ("own", 5), ("suggest", 1)]
    state = state_after(steps, "maximize", 3, replicates=False)

    again = state_from_dict(json.loads(json.dumps(state_to_dict(state))))

    assert core.suggest(again, 2) == core.suggest(state, 2)


def test_tuples_count_as_lists_and_integers_as_floats() -> None:
    document = golden()
    document["pending"] = tuple(document["pending"])
    document["observations"][0]["target"] = 3

    state = state_from_dict(document)

    assert len(state.pending) == 3
    assert repr(state.observations[0].target) == "3.0"


def test_state_without_a_fit_has_none() -> None:
    document = golden()
    document["fit"] = None

    assert state_from_dict(document).fit is None


def test_exhausted_space_survives() -> None:
    state, _ = core.suggest(State.start(Space(Bool("x"))), 2)

    again = state_from_dict(state_to_dict(state))

    with pytest.raises(SpaceExhausted):
        core.suggest(again)


# --- replicates ---


def replicated() -> dict[str, Any]:
    state = State.start(Space(Int("x", 0, 9)), settings=Settings(replicates=True))
    state, (suggestion,) = core.suggest(state)
    for target in (1.0, 2.0):
        state = core.observe(state, suggestion, target)
        state = core.observe(state, {"x": 7}, target)
    return state_to_dict(core.fail(state, suggestion))


def test_replicates_may_share_their_id_and_params() -> None:
    document = replicated()

    assert [row["id"] for row in document["observations"]] == [0, None, 0, None]
    assert state_to_dict(state_from_dict(document)) == document


FAILURE = {"id": 0, "params": {"x": 1}, "reason": ""}
SUGGESTION = {"params": {"x": 1}, "origin": "model", "expires": None}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"settings": {"n_initial": 5}}, "$.settings.replicates"),
        ({"failures": [{**FAILURE, "cause": "reported"}] * 2}, "$.failures[1].id"),
        ({"failures": [{**FAILURE, "cause": "expired"}] * 2}, "$.failures[1].id"),
        ({"pending": [{**SUGGESTION, "id": 0}]}, "$.pending[0].id"),
    ],
)
def test_what_replicates_do_not_excuse(change: dict[str, Any], place: str) -> None:
    with pytest.raises(StateError) as caught:
        state_from_dict({**replicated(), **change})

    assert caught.value.place == place


def test_replicates_are_refused_where_the_settings_do_not_want_them() -> None:
    document = replicated()
    document["settings"]["replicates"] = False

    with pytest.raises(StateError) as caught:
        state_from_dict(document)

    assert caught.value.place == "$.observations[0].id"


# --- corrupt documents ---

GONE = object()
NAN = math.nan

CORRUPT: list[tuple[tuple[Any, ...], Any, str]] = [
    # the schema
    (("schema",), GONE, "$.schema"),
    (("schema",), None, "$.schema"),
    (("schema",), True, "$.schema"),
    (("schema",), "1", "$.schema"),
    (("schema",), 1.0, "$.schema"),
    (("schema",), 0, "$.schema"),
    (("schema",), SCHEMA + 1, "$.schema"),
    # missing, unknown and mistyped fields
    (("space",), GONE, "$.space"),
    (("goal",), GONE, "$.goal"),
    (("fit",), GONE, "$.fit"),
    (("more",), 1, "$.more"),
    (("goal",), 7, "$.goal"),
    (("goal",), "maximise", "$.goal"),
    (("seed",), -1, "$.seed"),
    (("seed",), 1.5, "$.seed"),
    (("seed",), True, "$.seed"),
    (("next_id",), "6", "$.next_id"),
    (("next_id",), -1, "$.next_id"),
    (("settings",), [], "$.settings"),
    (("settings", "n_initial"), GONE, "$.settings.n_initial"),
    (("settings", "n_initial"), 0, "$.settings.n_initial"),
    (("settings", "n_starts"), True, "$.settings.n_starts"),
    (("settings", "replicates"), 1, "$.settings.replicates"),
    (("settings", "colour"), "red", "$.settings.colour"),
    # the space
    (("space",), [], "$.space"),
    (("space", "parameters"), GONE, "$.space.parameters"),
    (("space", "parameters"), {}, "$.space.parameters"),
    (("space", "parameters"), "ab", "$.space.parameters"),
    (("space", "parameters"), [], "$.space.parameters"),
    (("space", "constraints"), [], "$.space.constraints"),
    (("space", "parameters", 2), None, "$.space.parameters[2]"),
    (("space", "parameters", 2, "type"), GONE, "$.space.parameters[2].type"),
    (("space", "parameters", 2, "type"), "Int", "$.space.parameters[2].type"),
    (("space", "parameters", 2, "type"), ["int"], "$.space.parameters[2].type"),
    (("space", "parameters", 2, "type"), "bool", "$.space.parameters[2].low"),
    (("space", "parameters", 2, "high"), GONE, "$.space.parameters[2].high"),
    (("space", "parameters", 2, "high"), 0, "$.space.parameters[2].high"),
    (("space", "parameters", 2, "high"), "12", "$.space.parameters[2].high"),
    (("space", "parameters", 2, "step"), 0, "$.space.parameters[2].step"),
    (("space", "parameters", 2, "axis"), None, "$.space.parameters[2].axis"),
    (("space", "parameters", 0, "low"), NAN, "$.space.parameters[0].low"),
    (("space", "parameters", 0, "low"), 0.0, "$.space.parameters[0].low"),
    (("space", "parameters", 0, "log"), 1, "$.space.parameters[0].log"),
    (("space", "parameters", 0, "name"), "", "$.space.parameters[0].name"),
    (("space", "parameters", 1, "name"), "lr", "$.space.parameters[1].name"),
    (("space", "parameters", 4, "values"), [], "$.space.parameters[4].values"),
    (("space", "parameters", 4, "values", 1), 2, "$.space.parameters[4].values[1]"),
    (("space", "parameters", 5, "choices", 0), {}, "$.space.parameters[5].choices[0]"),
    # trials
    (("pending",), None, "$.pending"),
    (("pending",), {}, "$.pending"),
    (("pending", 1), 4, "$.pending[1]"),
    (("pending", 1, "id"), None, "$.pending[1].id"),
    (("pending", 1, "id"), 4.0, "$.pending[1].id"),
    (("pending", 1, "id"), 6, "$.pending[1].id"),
    (("pending", 1, "id"), -1, "$.pending[1].id"),
    (("pending", 1, "id"), 3, "$.pending[1].id"),
    (("pending", 1, "id"), 2, "$.pending[1].id"),
    (("pending", 1, "origin"), "elsewhere", "$.pending[1].origin"),
    (("pending", 1, "origin"), None, "$.pending[1].origin"),
    (("pending", 1, "params"), [], "$.pending[1].params"),
    (("pending", 1, "params", "depth"), GONE, "$.pending[1].params.depth"),
    (("pending", 1, "params", "depth"), 13, "$.pending[1].params.depth"),
    (("pending", 1, "params", "colour"), "red", "$.pending[1].params.colour"),
    (("pending", 1, "reason"), "", "$.pending[1].reason"),
    (("observations",), "ab", "$.observations"),
    (("observations", 2, "id"), GONE, "$.observations[2].id"),
    (("observations", 2, "id"), 0, "$.observations[2].id"),
    (("observations", 2, "id"), 1, "$.observations[2].id"),
    (("observations", 2, "id"), 6, "$.observations[2].id"),
    (("observations", 2, "id"), "2", "$.observations[2].id"),
    (("observations", 2, "target"), NAN, "$.observations[2].target"),
    (("observations", 2, "target"), math.inf, "$.observations[2].target"),
    (("observations", 2, "target"), "1", "$.observations[2].target"),
    (("observations", 2, "target"), None, "$.observations[2].target"),
    (("observations", 2, "target"), True, "$.observations[2].target"),
    (("observations", 2, "target"), 10**400, "$.observations[2].target"),
    (("observations", 2, "params", "momentum"), 0.575, "$.observations[2].params.momentum"),
    (("observations", 2, "params", "bias"), 1, "$.observations[2].params.bias"),
    (("observations", 2, "params", "kernel"), "linear", "$.observations[2].params.kernel"),
    (("observations", 2, "params", "depth"), 4, "$.observations[2].params"),
    (("failures", 0), [], "$.failures[0]"),
    (("failures", 0, "reason"), GONE, "$.failures[0].reason"),
    (("failures", 0, "reason"), 7, "$.failures[0].reason"),
    (("failures", 0, "id"), False, "$.failures[0].id"),
    (("failures", 0, "params", "width"), 12, "$.failures[0].params.width"),
    (("failures", 0, "target"), 1.0, "$.failures[0].target"),
    # the fit
    (("fit",), [], "$.fit"),
    (("fit", "n"), GONE, "$.fit.n"),
    (("fit", "n"), 5.5, "$.fit.n"),
    (("fit", "members"), None, "$.fit.members"),
    (("fit", "members"), [], "$.fit.members"),
    (("fit", "members", 1), None, "$.fit.members[1]"),
    (("fit", "members", 1, "noise"), 0, "$.fit.members[1].noise"),
    (("fit", "members", 1, "noise"), -1.0, "$.fit.members[1].noise"),
    (("fit", "members", 1, "noise"), NAN, "$.fit.members[1].noise"),
    (("fit", "members", 1, "length_scales"), [1.0], "$.fit.members[1].length_scales"),
    (("fit", "members", 1, "length_scales"), [], "$.fit.members[1].length_scales"),
    (("fit", "members", 1, "length_scales"), 1.0, "$.fit.members[1].length_scales"),
    (("fit", "members", 1, "length_scales", 3), None, "$.fit.members[1].length_scales[3]"),
    (("fit", "members", 1, "amplitude"), 1.0, "$.fit.members[1].amplitude"),
]


CORRUPT_2: list[tuple[tuple[Any, ...], Any, str]] = [
    # fields that schema 1 did not have
    (("due",), GONE, "$.due"),
    (("withdrawn",), GONE, "$.withdrawn"),
    (("retried",), {}, "$.retried"),
    (("settings", "retries"), -1, "$.settings.retries"),
    (("settings", "retries"), GONE, "$.settings.retries"),
    (("settings", "expiries"), 1.5, "$.settings.expiries"),
    (("pending", 0, "expires"), GONE, "$.pending[0].expires"),
    (("pending", 0, "expires"), NAN, "$.pending[0].expires"),
    (("pending", 0, "expires"), -math.inf, "$.pending[0].expires"),
    (("pending", 0, "expires"), "soon", "$.pending[0].expires"),
    (("pending", 0, "expires"), True, "$.pending[0].expires"),
    (("withdrawn", 3, "expires"), [], "$.withdrawn[3].expires"),
    (("withdrawn", 3, "origin"), "elsewhere", "$.withdrawn[3].origin"),
    (("failures", 0, "cause"), "gremlins", "$.failures[0].cause"),
    (("failures", 0, "cause"), None, "$.failures[0].cause"),
    (("retried", 0, "cause"), "expired", "$.retried[0].cause"),
    # trials that are doubled
    (("withdrawn", 3, "id"), 1, "$.withdrawn[3].id"),
    (("withdrawn", 3, "id"), 15, "$.withdrawn[3].id"),
    (("withdrawn", 3, "id"), None, "$.withdrawn[3].id"),
    (("retried", 1, "id"), 1, "$.retried[1].id"),
    (("pending", 0, "id"), 7, "$.pending[0].id"),
    (("failures", 3, "id"), 7, "$.failures[3].id"),
    (("due", 1), golden(2)["due"][0], "$.due[1]"),
    (("due", 1), golden(2)["pending"][0]["params"], "$.due[1]"),
    (("due", 1), golden(2)["observations"][0]["params"], "$.due[1]"),
    (("due", 1), golden(2)["failures"][0]["params"], "$.due[1]"),
    # records at odds with each other, and trials that are lost
    (("withdrawn", 1, "params", "depth"), 1, "$.withdrawn[1].params"),
    (("retried", 0, "params", "depth"), 1, "$.retried[0].params"),
    (("retried", 0, "id"), 9, "$.retried[0].params"),
    (("retried", 0, "id"), None, "$.retried[0].id"),
    (("due", 1, "depth"), 13, "$.due[1].depth"),
    (("due", 1, "depth"), 1, "$.due[1]"),
    (("due",), golden(2)["due"][:1], "$.withdrawn[8].params"),
]


def corrupted(path: tuple[Any, ...], value: Any, schema: int = 1) -> dict[str, Any]:
    document = golden(schema)
    node: Any = document
    for step in path[:-1]:
        node = node[step]
    if value is GONE:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("schema", "path", "value", "place"),
    [(1, *case) for case in CORRUPT] + [(2, *case) for case in CORRUPT_2],
)
def test_fault_is_reported_by_its_place(
    schema: int, path: tuple[Any, ...], value: Any, place: str
) -> None:
    with pytest.raises(StateError) as caught:
        state_from_dict(corrupted(path, value, schema))

    assert caught.value.place == place
    assert str(caught.value).startswith(f"{place}: got ")


@pytest.mark.parametrize("document", [None, [], "{}", 7, golden])
def test_what_is_no_dict_is_no_state(document: Any) -> None:
    with pytest.raises(StateError) as caught:
        state_from_dict(document)

    assert (caught.value.place, caught.value.got) == ("$", document)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), GONE, "$.schema: got nothing, expected an integer from 1 to 2"),
        (
            ("schema",),
            3,
            "$.schema: got 3, expected at most 2: a newer version of asktell wrote this state",
        ),
        (("seed",), GONE, "$.seed: got nothing, expected a value"),
        (("seed",), "7", "$.seed: got '7', expected an integer"),
        (("pending",), {}, "$.pending: got {}, expected a list"),
        (("fit",), [], "$.fit: got [], expected a mapping"),
        (("pending", 0, "id"), "1", "$.pending[0].id: got '1', expected an integer"),
        (("fit", "n"), "1", "$.fit.n: got '1', expected an integer"),
        (
            ("fit", "members", 0, "noise"),
            "",
            "$.fit.members[0].noise: got '', expected a finite number",
        ),
        (("failures", 1, "reason"), None, "$.failures[1].reason: got None, expected a string"),
        (("pending", 1, "id"), 6, "$.pending[1].id: got 6, expected below next_id = 6"),
        (("fit", "members"), [], "$.fit.members: got [], expected 3 members"),
        (
            ("space", "parameters", 2, "high"),
            0,
            "$.space.parameters[2].high: got 0, expected a number >= low = 1",
        ),
    ],
)
def test_message_says_what_came_and_what_was_expected(
    path: tuple[Any, ...], value: Any, message: str
) -> None:
    with pytest.raises(StateError) as caught:
        state_from_dict(corrupted(path, value))

    assert str(caught.value) == message


JUNK = st.one_of(
    st.sampled_from([GONE, None, True, -1, 0, 1.5, NAN, math.inf, 10**400, "", "x", [], {}, [1]]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
)


ANYWHERE = [(schema, path) for schema in (1, 2) for path in places(golden(schema))]


@settings(deadline=None, max_examples=300)
@given(place=st.sampled_from(ANYWHERE), junk=JUNK)
def test_junk_anywhere_is_a_state_or_a_state_error(
    place: tuple[int, tuple[Any, ...]], junk: Any
) -> None:
    schema, path = place
    document = corrupted(path, junk, schema)
    before = copy.deepcopy(document)
    try:
        state = state_from_dict(document)
    except StateError as error:
        fault = error
        state = None
    if state is None:
        assert re.match(r"\$.*: got .*, expected ", str(fault), re.DOTALL)
    else:
        assert state_from_dict(json.loads(json.dumps(state_to_dict(state)))) == state
    assert repr(document) == repr(before)


@settings(deadline=None, max_examples=50)
@given(place=st.sampled_from([p for p in ANYWHERE if isinstance(p[1][-1], str)]))
def test_every_field_of_the_layout_is_needed(place: tuple[int, tuple[Any, ...]]) -> None:
    schema, path = place
    with pytest.raises(StateError) as caught:
        state_from_dict(corrupted(path, GONE, schema))

    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    whole = "$" + "".join(steps)
    missing_value = f"{whole.rsplit('.', 1)[0]}"
    assert caught.value.place in (whole, missing_value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("due",), []),
        (("withdrawn",), []),
        (("retried",), None),
        (("settings", "retries"), 0),
        (("pending", 1, "expires"), None),
        (("failures", 0, "cause"), "reported"),
    ],
)
def test_schema_1_has_no_fields_of_schema_2(path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(StateError, match="no field of this name in schema 1") as caught:
        state_from_dict(corrupted(path, value))

    assert caught.value.place.endswith(f".{path[-1]}")


# --- hard cases ---


@pytest.mark.parametrize("n", [-1, 0, 6, 10**9])
def test_fit_of_more_trials_than_there_are_is_refused(n: int) -> None:
    with pytest.raises(StateError) as caught:
        state_from_dict(corrupted(("fit", "n"), n))

    assert caught.value.place == "$.fit.n"


@pytest.mark.parametrize("length_scale", [0.0, -1.0])
def test_length_scale_is_reported_by_its_own_place(length_scale: float) -> None:
    with pytest.raises(StateError) as caught:
        state_from_dict(corrupted(("fit", "members", 1, "length_scales", 3), length_scale))

    assert caught.value.place == "$.fit.members[1].length_scales[3]"


def test_number_beyond_the_floats_is_shown_itself() -> None:
    with pytest.raises(StateError) as caught:
        state_from_dict(corrupted(("observations", 2, "target"), 10**400))

    assert caught.value.got == 10**400


def test_all_faults_are_reported() -> None:
    document = golden()
    document["seed"] = "seven"
    document["observations"][0]["target"] = None
    del document["pending"]

    with pytest.raises(StateError) as caught:
        state_from_dict(document)

    places = [caught.value.place, *(other.place for other in caught.value.others)]
    assert sorted(places) == ["$.observations[0].target", "$.pending", "$.seed"]
    assert all(place in str(caught.value) for place in places)
