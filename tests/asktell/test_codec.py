"""State and dict: round trips, what is kept of events, and the places of faults."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from corrupting import GONE, replaced
from hypothesis import given, settings
from hypothesis import strategies as st
from random_studies import (
    CHANGES,
    CORRECTIONS,
    LIFE,
    POLICIES,
    SECOND_TRIES,
    Call,
    after,
    calls,
    start,
)
from spaces import QUICK, every_kind, score

import asktell as at
from asktell.codec.event_rows import KINDS
from asktell.codec.migrations import SCHEMA
from asktell.errors import LeaseError, SpaceExhausted, StateError, UnknownSuggestionError
from asktell.model.members import MODEL
from asktell.study.events import Fitted

GOLDEN = Path(__file__).parent / "golden" / f"state-{SCHEMA}.json"
PLAIN = {dict, list, str, int, float, bool, type(None)}
EXAMPLES = settings(deadline=None, max_examples=100)


def golden() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(GOLDEN.read_text())
    return document


def reread(state: at.State) -> at.State:
    return at.State.from_dict(json.loads(json.dumps(state.to_dict(), allow_nan=False)))


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


def written(path: tuple[Any, ...]) -> str:
    """Return a path as messages write it."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


# --- the golden file ---


def test_golden_state_is_written_as_it_was_read() -> None:
    again = at.State.from_dict(golden()).to_dict()

    assert again == golden()
    assert json.dumps(again) == json.dumps(golden())


def test_golden_state_has_every_kind_of_event_and_a_value_in_every_field() -> None:
    rows = golden()["events"]
    filled = {(row["event"], key) for row in rows for key in row if row[key] is not None}

    kinds = KINDS
    assert {row["event"] for row in rows} == set(kinds)
    keys = {row["event"]: set(row) for row in rows}
    assert filled == {(kind, key) for kind in kinds for key in keys[kind]}
    assert {len(keys[name]) - 1 for name in kinds} == {2, 3, 4, 5}


def test_golden_state_has_outcomes_with_every_field() -> None:
    outcomes = golden()["outcomes"]

    assert {key for row in outcomes for key in row if row[key] is not None} == set(outcomes[0])
    assert [row["goal"] for row in outcomes] == ["minimize", "maximize", None]
    (fit,) = [row["fit"] for row in golden()["events"] if row["event"] == "fitted"]
    assert [bool(members) for members in fit["found"]] == [True] * 4


def test_golden_state_means_what_it_says() -> None:
    state = at.State.from_dict(golden())
    means = {"loss": 0.375, "speed": 3.75, "size": 1.875}

    assert [o.std for o in state.observations] == [
        {"loss": 0.01, "size": 0.0},
        {"loss": 0.02},
        {"speed": 0.5},
        None,
    ]
    assert [o.feasible for o in state.observations] == [True, True, True, False]
    assert at.best_observed(state).target == means
    assert at.best_observed(state).std == {"loss": math.hypot(0.01, 0.02) / 2}
    assert [o.target for o in at.pareto(state)][-1] == means


def test_golden_state_goes_on() -> None:
    state, suggestions = at.suggest(at.State.from_dict(golden()), 3, now=92.0, lease=5.0)

    for suggestion in suggestions:
        target = dict.fromkeys(("loss", "speed", "size"), float(suggestion.id))
        state = at.observe(state, suggestion, target, {"speed": 0.25})
    assert [s.origin for s in suggestions] == ["enqueued", "again", "again"]
    assert reread(state) == state


# --- round trips ---


@EXAMPLES
@given(
    done=calls(LIFE + CORRECTIONS + SECOND_TRIES + CHANGES),
    policy=POLICIES,
    replicates=st.booleans(),
)
def test_a_state_survives_json(done: list[Call], policy: dict[str, int], replicates: bool) -> None:
    state = after(start(replicates=replicates, **policy), done)

    again = reread(state)

    assert again == state
    assert again.to_dict() == state.to_dict()
    for name in ("pending", "due", "observations", "failures", "trials", "next_id", "leader"):
        assert repr(getattr(again, name)) == repr(getattr(state, name))


@EXAMPLES
@given(
    done=calls(LIFE + CORRECTIONS + SECOND_TRIES + CHANGES),
    later=calls(LIFE + CORRECTIONS + CHANGES, max_size=10),
    policy=POLICIES,
    replicates=st.booleans(),
)
def test_a_state_that_was_read_goes_on_as_if_it_had_not_been_written(
    done: list[Call], later: list[Call], policy: dict[str, int], replicates: bool
) -> None:
    state = after(start(replicates=replicates, **policy), done)

    interrupted = after(reread(state), later, first=len(done))
    uninterrupted = after(state, later, first=len(done))

    assert interrupted == uninterrupted
    assert interrupted.to_dict() == uninterrupted.to_dict()


TARGETS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 5e-324, 1.7e308, math.nan, -math.inf]
)


@settings(deadline=None, max_examples=15)
@given(
    targets=st.lists(TARGETS, max_size=6),
    goal=st.sampled_from(["maximize", "minimize"]),
    seed=st.integers(0, 2**64 - 1),
)
def test_targets_and_fits_survive_to_the_last_bit(
    targets: list[float], goal: Any, seed: int
) -> None:
    options = at.Settings(n_initial=2, n_candidates=16, n_starts=1)
    state = at.State.start(every_kind(), seed, goal, options)
    for target in targets:
        state, (suggestion,) = at.suggest(state)
        state = at.observe(state, suggestion, target)
    state, _ = at.suggest(state)

    again = reread(state)

    assert repr(again.observations) == repr(state.observations)
    assert repr(again.fit) == repr(state.fit)
    assert at.suggest(again, 2) == at.suggest(state, 2)


def test_outcomes_survive_under_their_names() -> None:
    state = at.State.start(every_kind(), objectives={"loss": "minimize"}, settings=QUICK)
    state, (suggestion,) = at.suggest(state)
    state = at.observe(state, suggestion, {"loss": 0.25})

    assert state.to_dict()["events"][-1]["outcomes"] == {"loss": 0.25}
    assert reread(state) == state
    assert reread(state).observations[0].target == {"loss": 0.25}


@EXAMPLES
@given(done=calls(LIFE + CORRECTIONS + SECOND_TRIES + CHANGES))
def test_a_dict_consists_of_plain_types_alone(done: list[Call]) -> None:
    assert {type(node) for node in nodes(after(start(retries=1), done).to_dict())} <= PLAIN


def test_fields_of_a_space_survive_exactly() -> None:
    space = at.Space(
        at.Float("a", -1e-300, 1e300),
        at.Float("b", 3, 3),
        at.Float("c", 0.1, 0.7, log=True, step=0.2),
        at.Int("d", -(2**52), 2**52 - 1),
        at.Int("e", 2, 2**40, log=True, step=3),
        at.Ordinal("f", [None, True, 2, 3.5, "x", -0.0]),
        at.Categorical('a "name".with [brackets]', ["ä", 10**30]),
        at.Bool("\n"),
    )

    again = reread(at.State.start(space)).space

    assert again == space
    assert repr(again) == repr(space)


def test_an_exhausted_space_survives() -> None:
    state, _ = at.suggest(at.State.start(at.Space(at.Bool("x"))), 2)

    with pytest.raises(SpaceExhausted):
        at.suggest(reread(state))


def test_tuples_count_as_lists_and_integers_as_floats() -> None:
    document = golden()
    document["events"] = tuple(document["events"])
    told = first_row("told")
    document["events"][told]["outcomes"]["loss"] = 3
    document["events"][told]["std"]["loss"] = 1

    row = at.State.from_dict(document).to_dict()["events"][told]

    for numbers, expected in ((row["outcomes"], 3.0), (row["std"], 1.0)):
        assert numbers["loss"] == expected
        assert type(numbers["loss"]) is float


# --- nothing is shared ---


def of_another_model() -> dict[str, Any]:
    """Return the golden document with a fit of a model that nobody knows."""
    document = golden()
    found = {"trees": [[1, 0.5], {"leaf": None, "of": "oak"}]}
    document["events"][first_row("fitted")]["fit"].update(model="forest/7", found=found)
    return document


@pytest.mark.parametrize("make", [golden, of_another_model])
def test_a_dict_and_its_state_share_nothing_that_can_change(make: Any) -> None:
    document = make()
    state = at.State.from_dict(document)
    assert document == make()

    for changed in (document, state.to_dict()):
        for node in list(nodes(changed)):
            if isinstance(node, dict):
                node.clear()
            elif isinstance(node, list):
                node.append("changed")

    assert state.to_dict() == make()


# --- fits ---


def first_row(kind: str) -> int:
    return next(n for n, row in enumerate(golden()["events"]) if row["event"] == kind)


def modelled() -> at.State:
    state = at.State.start(every_kind(), settings=at.Settings(n_initial=2, n_candidates=16))
    for _ in range(4):
        state, (suggestion,) = at.suggest(state)
        state = at.observe(state, suggestion, score(suggestion.params))
    return state


def test_a_fit_of_another_model_is_kept_and_searched_anew() -> None:
    document = modelled().to_dict()
    (fitted,) = (row for row in document["events"] if row["event"] == "fitted")
    fitted["fit"] = {"model": "forest/7", "n": 3, "found": {"trees": [1, None, "oak"]}}
    without = {**document, "events": [row for row in document["events"] if row is not fitted]}

    state = at.State.from_dict(document)
    assert state.to_dict() == document
    state, suggestions = at.suggest(state)

    assert suggestions == at.suggest(at.State.from_dict(without))[1]
    assert state.fit is not None
    assert (state.fit.model, state.fit.n) == (MODEL, 4)
    assert [row["fit"]["model"] for row in state.to_dict()["events"] if "fit" in row] == [MODEL]


def test_of_all_fits_the_last_is_written() -> None:
    state = modelled()

    assert sum(isinstance(event, Fitted) for event in state.events) > 1
    assert sum(row["event"] == "fitted" for row in state.to_dict()["events"]) == 1
    assert reread(state).fit == state.fit


def test_a_fit_that_a_correction_outdated_does_not_come_back() -> None:
    state = at.amend(modelled(), 1, 0.0)

    assert state.fit is None
    assert reread(state).fit is None


FITS: list[tuple[tuple[Any, ...], Any, str]] = [
    ((), [], ""),
    (("model",), None, ".model"),
    (("n",), 1.5, ".n"),
    (("n",), 0, ".n"),
    (("n",), -1, ".n"),
    (("n",), 10**9, ".n"),
    (("more",), 1, ".more"),
    (("found",), None, ".found"),
    (("found",), [], ".found"),
    (("found", 0), [{"length_scales": [1.0] * 8, "noise": 1.0}], ".found[0]"),
    (("found",), [[], [], []], ".found"),
    (("found", 0, 1), None, ".found[0][1]"),
    (("found", 0, 1, "noise"), 0, ".found[0][1].noise"),
    (("found", 0, 1, "noise"), -1.0, ".found[0][1].noise"),
    (("found", 0, 1, "noise"), math.nan, ".found[0][1].noise"),
    (("found", 0, 1, "noise"), True, ".found[0][1].noise"),
    (("found", 0, 1, "length_scales"), [1.0], ".found[0][1].length_scales"),
    (("found", 0, 1, "length_scales"), 1.0, ".found[0][1].length_scales"),
    (("found", 0, 1, "length_scales", 3), 0.0, ".found[0][1].length_scales[3]"),
    (("found", 0, 1, "length_scales", 3), None, ".found[0][1].length_scales[3]"),
    (("found", 0, 1, "amplitude"), 1.0, ".found[0][1].amplitude"),
]


@pytest.mark.parametrize(("path", "value", "place"), FITS)
def test_a_fault_of_a_fit_is_reported_by_its_place(
    path: tuple[Any, ...], value: Any, place: str
) -> None:
    document = modelled().to_dict()
    (row,) = (n for n, row in enumerate(document["events"]) if row["event"] == "fitted")

    error = fault_of(corrupted(("events", row, "fit", *path), value, document))

    # how many reports there are is the event's business, not that of the fit's fields
    assert error.place in (f"$.events[{row}].fit{place}", f"$.events[{row}]{place}")


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (math.nan, ""),
        ([1, {2}], "[1]"),
        ({"a": [object()]}, ".a[0]"),
        ({1: 2}, ".1"),
        ({"a": 10**400}, ".a"),
    ],
)
def test_what_another_model_found_is_plain(found: Any, place: str) -> None:
    document = of_another_model()
    row = first_row("fitted")
    document["events"][row]["fit"]["found"] = found

    assert fault_of(document).place == f"$.events[{row}].fit.found{place}"


# --- what is kept of events ---


def test_heartbeats_do_not_make_a_dict_grow() -> None:
    state, (suggestion,) = at.suggest(start(), now=0.0, lease=1.0)
    state, (other,) = at.suggest(state, now=0.0, lease=2.0)
    for second in range(10_000):
        state = at.renew(state, suggestion, second / 2, 1.0)

    rows = state.to_dict()["events"]

    assert [(row["event"], row["id"]) for row in rows] == [
        ("suggested", suggestion.id),
        ("suggested", other.id),
        ("renewed", suggestion.id),
    ]
    assert reread(state) == state


@settings(deadline=None, max_examples=200)
@given(done=calls(LIFE, max_size=60), policy=POLICIES, replicates=st.booleans())
def test_what_is_outdated_changes_nothing(
    done: list[Call], policy: dict[str, int], replicates: bool
) -> None:
    state = after(start(replicates=replicates, **policy), done)

    again = reread(state)

    assert again == state
    assert again.pending == state.pending
    assert again.due == state.due
    assert len(again.events) <= len(state.events)
    assert again.to_dict() == state.to_dict()


@settings(deadline=None, max_examples=200)
@given(steps=st.lists(st.sampled_from(["all expire", "suggest", 0, 1, 2, 3]), max_size=30))
def test_however_leases_expire_and_are_taken_back_the_order_is_kept(steps: list[Any]) -> None:
    state, _ = at.suggest(start(expiries=100), 3, now=0.0, lease=1.0)
    for now, step in enumerate(steps):
        if step == "all expire":
            state, _ = at.expire(state, now + 1.5)
        elif step == "suggest":
            state, _ = at.suggest(state, now=now, lease=1.0)
        else:
            with suppress(UnknownSuggestionError, LeaseError):
                state = at.renew(state, step, now, 1.0)

    again = reread(state)

    assert again == state
    assert again.pending == state.pending
    assert again.due == state.due
    assert again.to_dict() == state.to_dict()


def test_a_lease_that_expired_and_was_taken_back_keeps_its_place() -> None:
    state, (first, second) = at.suggest(start(), 2, now=0.0, lease=1.0)
    for now in (1.0, 3.0, 5.0):
        state, _ = at.expire(state, now)
        state = at.renew(state, second, now, 1.0)
        state = at.renew(state, first, now, 1.0)
        state = at.renew(state, second, now, 2.0)

    assert [s.id for s in state.pending] == [second.id, first.id]
    assert reread(state) == state
    assert reread(state).pending == state.pending


# --- corrupt documents ---

NAN = math.nan


def corrupted(
    path: tuple[Any, ...], value: Any, document: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the golden document, or another, with a value in place of another."""
    return replaced(golden() if document is None else document, path, value)


def fault_of(document: Any) -> StateError:
    with pytest.raises(StateError) as caught:
        at.State.from_dict(document)
    assert str(caught.value).startswith(f"{caught.value.place}: got ")
    return caught.value


PARAMETER = "$.space.parameters"

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
    (("more",), 1, "$.more"),
    (("goal",), "minimize", "$.goal"),
    (("seed",), -1, "$.seed"),
    (("seed",), 2**128, "$.seed"),
    (("seed",), 1.5, "$.seed"),
    (("seed",), True, "$.seed"),
    (("policy",), [], "$.policy"),
    (("policy", "retries"), GONE, "$.policy.retries"),
    (("policy", "retries"), -1, "$.policy.retries"),
    (("policy", "expiries"), 1.5, "$.policy.expiries"),
    (("policy", "replicates"), 1, "$.policy.replicates"),
    (("policy", "n_initial"), 5, "$.policy.n_initial"),
    (("method", "n_initial"), 0, "$.method.n_initial"),
    (("method", "n_starts"), True, "$.method.n_starts"),
    (("method", "colour"), "red", "$.method.colour"),
    (("events",), {}, "$.events"),
    (("events",), None, "$.events"),
    # the outcomes
    (("outcomes",), {}, "$.outcomes"),
    (("outcomes",), [], "$.outcomes"),
    (("outcomes", 0), "target", "$.outcomes[0]"),
    (("outcomes", 0, "name"), "", "$.outcomes[0].name"),
    (("outcomes", 0, "name"), 7, "$.outcomes[0].name"),
    (("outcomes", 1, "name"), "loss", "$.outcomes[1].name"),
    (("outcomes", 0, "role"), "minimize", "$.outcomes[0].role"),
    (("outcomes", 0, "goal"), GONE, "$.outcomes[0].goal"),
    (("outcomes", 0, "goal"), "maximise", "$.outcomes[0].goal"),
    (("outcomes", 0, "goal"), ["minimize"], "$.outcomes[0].goal"),
    (("outcomes", 0, "goal"), None, "$.outcomes[0].weight"),
    (("outcomes", 0, "weight"), GONE, "$.outcomes[0].weight"),
    (("outcomes", 0, "weight"), None, "$.outcomes"),
    (("outcomes", 0, "weight"), 0.0, "$.outcomes[0].weight"),
    (("outcomes", 0, "weight"), -1.0, "$.outcomes[0].weight"),
    (("outcomes", 0, "weight"), NAN, "$.outcomes[0].weight"),
    (("outcomes", 0, "weight"), True, "$.outcomes[0].weight"),
    (("outcomes", 2, "weight"), 1.0, "$.outcomes[2].weight"),
    (("outcomes", 2, "reference"), 1.0, "$.outcomes[2].reference"),
    (("outcomes", 0, "reference"), "10", "$.outcomes[0].reference"),
    (("outcomes", 0, "reference"), math.inf, "$.outcomes[0].reference"),
    (("outcomes", 2, "at_least"), 4.5, "$.outcomes[2].at_most"),
    (("outcomes", 2, "at_least"), NAN, "$.outcomes[2].at_least"),
    (("outcomes", 2, "at_most"), "4", "$.outcomes[2].at_most"),
    (("outcomes", 2, "at_most"), 0.25, "$.outcomes[2].at_most"),
    (("outcomes",), golden()["outcomes"][2:], "$.outcomes"),
    (
        ("outcomes", 2),
        {**golden()["outcomes"][2], "at_least": None, "at_most": None},
        "$.outcomes[2].goal",
    ),
    # the space
    (("space",), [], "$.space"),
    (("space", "parameters"), GONE, PARAMETER),
    (("space", "parameters"), {}, PARAMETER),
    (("space", "parameters"), "ab", PARAMETER),
    (("space", "parameters"), [], PARAMETER),
    (("space", "constraints"), GONE, "$.space.constraints"),
    (("space", "conditions"), [], "$.space.conditions"),
    (("space", "parameters", 2), None, f"{PARAMETER}[2]"),
    (("space", "parameters", 2, "type"), GONE, f"{PARAMETER}[2].type"),
    (("space", "parameters", 2, "type"), "Int", f"{PARAMETER}[2].type"),
    (("space", "parameters", 2, "type"), ["int"], f"{PARAMETER}[2].type"),
    (("space", "parameters", 2, "type"), "bool", f"{PARAMETER}[2].low"),
    (("space", "parameters", 2, "high"), GONE, f"{PARAMETER}[2].high"),
    (("space", "parameters", 2, "high"), 0, f"{PARAMETER}[2].high"),
    (("space", "parameters", 2, "high"), "12", f"{PARAMETER}[2].high"),
    (("space", "parameters", 2, "step"), 0, f"{PARAMETER}[2].step"),
    (("space", "parameters", 2, "axis"), None, f"{PARAMETER}[2].axis"),
    (("space", "parameters", 0, "low"), NAN, f"{PARAMETER}[0].low"),
    (("space", "parameters", 0, "low"), 0.0, f"{PARAMETER}[0].low"),
    (("space", "parameters", 0, "log"), 1, f"{PARAMETER}[0].log"),
    (("space", "parameters", 0, "name"), "", f"{PARAMETER}[0].name"),
    (("space", "parameters", 1, "name"), "lr", f"{PARAMETER}[1].name"),
    (("space", "parameters", 4, "values"), [], f"{PARAMETER}[4].values"),
    (("space", "parameters", 4, "values", 1), 2, f"{PARAMETER}[4].values[1]"),
    (("space", "parameters", 5, "choices", 0), {}, f"{PARAMETER}[5].choices[0]"),
]


@pytest.mark.parametrize(("path", "value", "place"), CORRUPT)
def test_a_fault_is_reported_by_its_place(path: tuple[Any, ...], value: Any, place: str) -> None:
    assert fault_of(corrupted(path, value)).place == place


@pytest.mark.parametrize("document", [None, [], "{}", 7, golden])
def test_what_is_no_dict_is_no_state(document: Any) -> None:
    error = fault_of(document)

    assert (error.place, error.got) == ("$", document)


KEYS = sorted({(row["event"], key) for row in golden()["events"] for key in row})


@pytest.mark.parametrize(("kind", "key"), KEYS)
@pytest.mark.parametrize("value", [GONE, [], {1: 2}])
def test_every_field_of_an_event_is_needed_and_has_a_type(kind: str, key: str, value: Any) -> None:
    row = first_row(kind)

    error = fault_of(corrupted(("events", row, key), value))

    inside = r"\.\w+" if value == {1: 2} else ""  # a mapping may be what is wanted
    assert re.fullmatch(rf"\$\.events\[{row}\]\.{key}({inside})?", error.place)


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in KEYS}))
def test_an_event_has_no_other_fields(kind: str) -> None:
    row = first_row(kind)

    assert fault_of(corrupted(("events", row, "more"), 1)).place == f"$.events[{row}].more"


EVENTS: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("suggested", (), None, ""),
    ("suggested", (), [], ""),
    ("suggested", ("event",), "handed out", ".event"),
    ("suggested", ("event",), None, ".event"),
    ("suggested", ("id",), None, ".id"),
    ("suggested", ("id",), 0.0, ".id"),
    ("suggested", ("id",), "0", ".id"),
    ("suggested", ("id",), False, ".id"),
    ("suggested", ("id",), -1, ".id"),
    ("suggested", ("id",), 2**60, ".id"),
    ("suggested", ("origin",), "elsewhere", ".origin"),
    ("suggested", ("origin",), 7, ".origin"),
    ("suggested", ("expires",), NAN, ".expires"),
    ("suggested", ("expires",), -math.inf, ".expires"),
    ("suggested", ("expires",), "soon", ".expires"),
    ("suggested", ("expires",), True, ".expires"),
    ("suggested", ("at",), math.inf, ".at"),
    ("suggested", ("at",), 10**400, ".at"),
    ("suggested", ("params",), None, ".params"),
    ("suggested", ("params", "depth"), GONE, ".params.depth"),
    ("suggested", ("params", "depth"), 13, ".params.depth"),
    ("suggested", ("params", "depth"), [7], ".params.depth"),
    ("suggested", ("params", "momentum"), 0.575, ".params.momentum"),
    ("suggested", ("params", "bias"), 1, ".params.bias"),
    ("suggested", ("params", "kernel"), "linear", ".params.kernel"),
    ("suggested", ("params", "width"), 12, ".params.width"),
    ("suggested", ("params", "colour"), "red", ".params.colour"),
    ("renewed", ("expires",), None, ".expires"),
    ("told", ("id",), None, ".params"),
    ("told", ("params",), golden()["events"][0]["params"], ".params"),
    ("told", ("outcomes",), 1.0, ".outcomes"),
    ("told", ("outcomes",), {}, ".outcomes.loss"),
    ("told", ("outcomes", "speed"), GONE, ".outcomes.speed"),
    ("told", ("outcomes", "target"), 1.0, ".outcomes.target"),
    ("told", ("outcomes", "loss"), NAN, ".outcomes.loss"),
    ("told", ("outcomes", "loss"), math.inf, ".outcomes.loss"),
    ("told", ("outcomes", "loss"), 10**400, ".outcomes.loss"),
    ("told", ("outcomes", "loss"), "1", ".outcomes.loss"),
    ("told", ("outcomes", "loss"), None, ".outcomes.loss"),
    ("told", ("outcomes", "loss"), True, ".outcomes.loss"),
    ("told", ("std",), {}, ".std"),
    ("told", ("std",), 0.5, ".std"),
    ("told", ("std", "target"), 1.0, ".std.target"),
    ("told", ("std", "loss"), -0.5, ".std.loss"),
    ("told", ("std", "loss"), NAN, ".std.loss"),
    ("told", ("std", "loss"), math.inf, ".std.loss"),
    ("told", ("std", "loss"), "1", ".std.loss"),
    ("told", ("std", "loss"), None, ".std.loss"),
    ("told", ("std", "loss"), False, ".std.loss"),
    ("amended", ("std", "size"), -1e-9, ".std.size"),
    ("failed", ("reason",), None, ".reason"),
    ("failed", ("reason",), 7, ".reason"),
    ("lost", ("reason",), b"", ".reason"),
    ("skipped", ("next_id",), None, ".next_id"),
    ("skipped", ("next_id",), 2**60, ".next_id"),
]


@pytest.mark.parametrize(("kind", "path", "value", "place"), EVENTS)
def test_a_fault_of_an_event_is_reported_by_its_place(
    kind: str, path: tuple[Any, ...], value: Any, place: str
) -> None:
    row = first_row(kind)

    assert fault_of(corrupted(("events", row, *path), value)).place == f"$.events[{row}]{place}"


# --- events that cannot happen ---


def suggested(id: int, x: int) -> dict[str, Any]:
    row = {"event": "suggested", "id": id, "params": {"x": x}}
    return {**row, "origin": "initial", "expires": 5.0, "at": None}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"event": kind, **fields, "at": None}


def told(id: int | None, x: int | None = None, target: float = 1.0) -> dict[str, Any]:
    params = None if x is None else {"x": x}
    return event("told", id=id, params=params, outcomes={"target": target}, std=None)


def failed(id: int | None, x: int | None = None) -> dict[str, Any]:
    return event("failed", id=id, params=None if x is None else {"x": x}, reason="")


def amended(id: int | None, x: int | None = None) -> dict[str, Any]:
    return {**told(id, x), "event": "amended"}


def voided(id: int | None, x: int | None = None) -> dict[str, Any]:
    return {**failed(id, x), "event": "voided"}


def forgotten(id: int | None, x: int | None = None) -> dict[str, Any]:
    return event("forgotten", id=id, params=None if x is None else {"x": x})


RENEWED, EXPIRED = event("renewed", id=0, expires=9.0), event("expired", id=0)
LOST, RETRIED = event("lost", id=0, reason=""), event("retried", id=0, reason="")
SKIPPED = event("skipped", next_id=7)

IMPOSSIBLE: list[tuple[list[dict[str, Any]], str]] = [
    ([told(0)], ".id"),
    ([failed(0)], ".id"),
    ([amended(0)], ".id"),
    ([RENEWED], ".id"),
    ([EXPIRED], ".id"),
    ([LOST], ".id"),
    ([RETRIED], ".id"),
    ([told(None)], ".params"),
    ([suggested(0, 1), told(0, 1)], ".params"),
    ([suggested(0, 1), forgotten(None)], ".params"),
    ([suggested(0, 1), suggested(0, 2)], ".id"),
    ([suggested(5, 1), suggested(3, 2)], ".id"),
    ([SKIPPED, suggested(6, 2)], ".id"),
    ([suggested(7, 1), SKIPPED], ".next_id"),
    ([suggested(0, 1), suggested(1, 1)], ""),
    ([told(None, 1), suggested(0, 1)], ""),
    ([told(None, 1), told(None, 1)], ""),
    ([suggested(0, 1), told(0), told(0)], ""),
    ([suggested(0, 1), told(0), failed(0)], ""),
    ([suggested(0, 1), failed(0), told(0)], ""),
    ([suggested(0, 1), told(0), RENEWED], ".id"),
    ([suggested(0, 1), told(0), EXPIRED], ".id"),
    ([suggested(0, 1), EXPIRED, EXPIRED], ".id"),
    ([suggested(0, 1), EXPIRED, suggested(1, 1), RENEWED], ".id"),
    ([suggested(0, 1), EXPIRED, LOST], ".id"),
    ([suggested(0, 1), LOST, LOST], ".id"),
    ([suggested(0, 1), told(0), RETRIED], ""),
    ([amended(None, 1)], ""),
    ([voided(None, 1)], ""),
    ([forgotten(None, 1)], ""),
    ([suggested(0, 1), amended(0)], ""),
    ([suggested(0, 1), voided(0)], ""),
    ([suggested(0, 1), forgotten(0)], ""),
    ([told(None, 1), forgotten(None, 1), forgotten(None, 1)], ""),
]


def history_of(*rows: dict[str, Any], replicates: bool = False) -> dict[str, Any]:
    policy = at.Settings(replicates=replicates)
    document = at.State.start(at.Space(at.Int("x", 0, 9)), settings=policy).to_dict()
    return {**document, "events": list(rows)}


@pytest.mark.parametrize(("rows", "place"), IMPOSSIBLE)
def test_an_event_that_cannot_happen_is_reported_by_its_place(
    rows: list[dict[str, Any]], place: str
) -> None:
    at.State.from_dict(history_of(*rows[:-1]))

    assert fault_of(history_of(*rows)).place == f"$.events[{len(rows) - 1}]{place}"


def test_replicates_may_share_their_id_and_params() -> None:
    rows = suggested(0, 1), told(0), told(0, target=2.0), told(None, 7), told(None, 7), failed(0)
    document = history_of(*rows, replicates=True)

    assert [o.id for o in at.State.from_dict(document).observations] == [0, 0, None, None]
    assert at.State.from_dict(document).to_dict() == document
    assert fault_of(history_of(*rows)).place == "$.events[2]"


# --- messages ---


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), GONE, "$.schema: got nothing, expected an integer from 1 to 6"),
        (
            ("schema",),
            7,
            "$.schema: got 7, expected at most 6: a newer version of asktell wrote this state",
        ),
        (("seed",), GONE, "$.seed: got nothing, expected a value"),
        (("seed",), "7", "$.seed: got '7', expected an integer"),
        (("events",), {}, "$.events: got {}, expected a list"),
        (("policy",), [], "$.policy: got [], expected a mapping"),
        (("colour",), "red", "$.colour: got 'red', expected no field of this name"),
        (("outcomes", 0, "name"), 1, "$.outcomes[0].name: got 1, expected a string"),
        (("events", 0), 7, "$.events[0]: got 7, expected an event: a mapping"),
        (
            ("events", 0, "id"),
            "1",
            "$.events[0].id: got '1', expected an integer from 0 to 2**53",
        ),
        (("events", 0, "at"), "", "$.events[0].at: got '', expected a finite number"),
        (("events", 1, "id"), 0, "$.events[1].id: got 0, expected an id from 1 on"),
        (
            ("space", "parameters", 2, "high"),
            0,
            "$.space.parameters[2].high: got 0, expected a number >= low = 1",
        ),
    ],
)
def test_a_message_says_what_came_and_what_was_expected(
    path: tuple[Any, ...], value: Any, message: str
) -> None:
    assert str(fault_of(corrupted(path, value))) == message


def test_a_number_beyond_the_floats_is_shown_itself() -> None:
    row = first_row("told")

    error = fault_of(corrupted(("events", row, "outcomes", "loss"), 10**400))

    assert error.got == 10**400


def test_all_faults_of_the_layout_are_reported() -> None:
    document = golden()
    document.update(seed="seven", policy=7, more=None)
    document["outcomes"][0]["name"] = None
    del document["events"]

    error = fault_of(document)

    found = [error.place, *(other.place for other in error.others)]
    assert sorted(found) == ["$.events", "$.more", "$.outcomes[0].name", "$.policy", "$.seed"]
    assert all(place in str(error) for place in found)


# --- anything else ---

JUNK = st.one_of(
    st.sampled_from([GONE, None, True, -1, 0, 1.5, NAN, math.inf, 10**400, "", "x", [], {}, [1]]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
)
ANYWHERE = list(places(golden()))
FREE = {"std", "when", "constraints", "had"}
"""What may lack any of its keys, or is at fault as a whole."""


def is_needed(path: tuple[Any, ...]) -> bool:
    """Tell whether there is a fault, at this place, where the key is missing."""
    row = golden()["events"][path[1]] if path[0] == "events" and len(path) > 3 else {}
    if row.get("event") in ("enqueued", "learned") and path[-2] in ("params", "outcomes"):
        return False  # some are enough, or the fault is one of the params
    return isinstance(path[-1], str) and not FREE & set(path[:-1])


NEEDED = [path for path in ANYWHERE if is_needed(path)]


@settings(deadline=None, max_examples=400)
@given(path=st.sampled_from(ANYWHERE), junk=JUNK)
def test_junk_anywhere_is_a_state_or_a_state_error(path: tuple[Any, ...], junk: Any) -> None:
    document = corrupted(path, junk)
    before = copy.deepcopy(document)
    fault: StateError | None = None
    try:
        state = at.State.from_dict(document)
    except StateError as error:
        fault = error
    if fault is None:
        assert reread(state) == state
    else:
        assert re.match(r"\$.*: got .*, expected ", str(fault), re.DOTALL)
    assert repr(document) == repr(before)


@settings(deadline=None, max_examples=100)
@given(path=st.sampled_from(NEEDED))
def test_every_field_of_the_layout_is_needed(path: tuple[Any, ...]) -> None:
    assert fault_of(corrupted(path, GONE)).place == written(path)
