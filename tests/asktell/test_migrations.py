"""States of older schemas: what they say stays so, and faults are named by their own paths."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from corrupting import GONE, replaced
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_studies import CORRECTIONS, LIFE, POLICIES, Call, after, calls, start
from spaces import as_box

import asktell as at
from asktell.codec.migrations import SCHEMA
from asktell.errors import SpaceExhausted, StateError
from asktell.model.members import MODEL, MODEL_OF_SCHEMA_2
from asktell.state import State, apply
from asktell.study.events import Failed, Retried, Told
from asktell.study.outcomes import Outcome
from asktell.study.problem import Policy
from asktell.study.trials import Fault

GOLDEN = Path(__file__).parent / "golden"
OLD = (1, 2)
"""Those of lists."""

OLDER = (1, 2, 3)
"""Those with one outcome."""
NAN = math.nan


def golden(schema: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((GOLDEN / f"state-{schema}.json").read_text())
    return document


def reread(state: State) -> State:
    return State.from_dict(json.loads(json.dumps(state.to_dict(), allow_nan=False)))


def places(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to everything within a document, below its root."""
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield (*place, key)
            yield from places(node[key], (*place, key))


def tickets(state: State, standing: str) -> list[tuple[int, Any, Any]]:
    """Return id, origin and lease of the suggestions that are in this standing."""
    found = [ticket for trial in state.trials for ticket in trial.tickets]
    return sorted((t.id, t.origin, t.expires) for t in found if t.standing == standing)


def retried(state: State) -> list[tuple[int | None, str]]:
    """Return the failures that did not count, by id."""
    reports = [report for trial in state.trials for report in trial.reports]
    faults = [r for r in reports if isinstance(r, Fault) and r.cause == "retried"]
    return sorted((fault.id, fault.reason) for fault in faults)


# --- golden files ---


def test_every_schema_has_its_golden_file() -> None:
    names = sorted(path.name for path in GOLDEN.glob("*.json"))

    assert names == [f"state-{schema}.json" for schema in range(1, SCHEMA + 1)]


def test_golden_state_of_schema_1_means_what_it_says() -> None:
    state = State.from_dict(golden(1))
    problem = state.problem

    assert (problem.seed, state.next_id) == (7, 6)
    assert problem.outcomes == (Outcome("target", "minimize"),)
    method = problem.method
    assert (method.n_initial, method.n_candidates, method.n_starts) == (2, 32, 2)
    assert method.n_modelled == 1000
    assert problem.policy == type(problem.policy)(replicates=False, retries=0, expiries=3)
    assert state.space == at.Space(
        at.Float("lr", 1e-5, 1.0, log=True),
        at.Float("momentum", 0.0, 0.99, step=0.01),
        at.Int("depth", 1, 12),
        at.Int("width", 8, 1024, log=True, step=8),
        at.Ordinal("bits", [2, 3, 4, 8]),
        at.Categorical("kernel", ["rbf", "poly", None, 0.5, False]),
        at.Bool("bias"),
    )
    assert [(o.id, o.target) for o in state.observations] == [(2, 0.25), (0, -1.5), (None, 1e-17)]
    assert [(f.id, f.reason) for f in state.failures] == [(1, "out of memory"), (None, "")]
    assert {failure.cause for failure in state.failures} == {"reported"}
    assert [(s.id, s.origin) for s in state.pending] == [(3, "initial"), (4, "model"), (5, "model")]
    assert {suggestion.expires for suggestion in state.pending} == {None}
    assert state.observations[-1].params == {
        "lr": 0.1,
        "momentum": 0.57,
        "depth": 3,
        "width": 64,
        "bits": 4,
        "kernel": None,
        "bias": True,
    }
    assert (state.due, tickets(state, "expired"), tickets(state, "retried")) == ([], [], [])
    assert at.best(state).target == -1.5
    assert state.fit is not None
    (members,) = state.fit.found
    assert (state.fit.n, len(members)) == (5, 3)
    assert state.fit.model == MODEL_OF_SCHEMA_2
    assert members[0]["noise"] == 0.006804916381570127
    assert members[2]["length_scales"][2] == 1.4306864807047386


def test_golden_state_of_schema_2_means_what_it_says() -> None:
    state, document = State.from_dict(golden(2)), golden(2)

    policy = state.problem.policy
    assert (policy.retries, policy.expiries, state.next_id) == (1, 1, 15)
    assert [(s.id, s.origin, s.expires) for s in state.pending] == [
        (9, "again", 3682.0),
        (12, "again", None),
        (13, "model", None),
    ]
    assert tickets(state, "expired")[-2:] == [(11, "model", 85.5), (14, "model", 91.0)]
    assert state.due == document["due"] == [row["params"] for row in document["withdrawn"][-2:]]
    assert [(f.id, f.reason, f.cause) for f in state.failures] == [
        (4, "out of memory", "reported"),
        (None, "", "reported"),
        (7, "leases that expired without an answer: 2", "expired"),
        (8, "leases that expired without an answer: 2", "expired"),
    ]
    assert retried(state) == [(1, "worker lost"), (6, "late")]
    assert [(o.id, o.target) for o in state.observations][-1] == (5, 2.0)
    assert state.fit is not None
    assert (state.fit.model, state.fit.n) == (MODEL_OF_SCHEMA_2, 8)
    assert state.fit.found == [document["fit"]["members"]]


def test_golden_state_of_schema_3_means_what_it_says() -> None:
    state, document = State.from_dict(golden(3)), golden(3)
    problem = state.problem

    assert problem.outcomes == (Outcome("target", "minimize"),)
    assert problem.policy == Policy(replicates=False, retries=1, expiries=1)
    assert (problem.method.n_modelled, problem.method.revisits) == (500, False)
    assert [(o.id, o.target, o.std) for o in state.observations] == [
        (2, 0.125, None),
        (0, -1.5, None),
        (None, 3.0, None),
    ]
    assert [(s.id, s.expires) for s in state.pending] == [(14, 3682.0), (17, None), (18, None)]
    assert at.best(state).target == -1.5
    assert state.fit is not None
    (row,) = [row for row in document["events"] if row["event"] == "fitted"]
    assert (state.fit.model, state.fit.found) == (MODEL_OF_SCHEMA_2, row["fit"]["found"])


def in_todays_schema(document: dict[str, Any]) -> dict[str, Any]:
    """Return what a document of schema 4 or 5 is written as."""
    unsaid = {"when": None, "default": None, "likely": []}
    parameters = [{**row, **unsaid} for row in document["space"]["parameters"]]
    space = {"parameters": parameters, "constraints": []}
    return {**document, "schema": SCHEMA, "space": space}


def test_golden_state_of_schema_4_means_what_it_says() -> None:
    state, document = State.from_dict(golden(4)), golden(4)

    assert state.to_dict() == in_todays_schema(document)
    assert [(o.id, o.target["loss"]) for o in state.observations] == [
        (2, 0.25),
        (2, 0.5),
        (0, 0.125),
        (None, 3.0),
    ]
    assert [s.expires for s in state.pending] == [3682.0, None, None]
    assert len(state.due) == 2
    assert at.best_observed(state).target == {"loss": 0.375, "speed": 3.75, "size": 1.875}
    state, suggestions = at.suggest(state, 3)
    assert [s.origin for s in suggestions] == ["again", "again", "model"]


def test_golden_state_of_schema_5_means_what_it_says() -> None:
    state, document = State.from_dict(golden(5)), golden(5)

    assert state.to_dict() == in_todays_schema(document)
    requeued = [row for row in document["events"] if row["event"] == "requeued"]
    assert [row["at"] for row in requeued] == [93.0, None]
    assert requeued[0]["params"] in state.due
    assert len(state.due) == 4
    assert [(s.id, s.expires) for s in state.pending] == [(14, 3682.0), (17, None), (18, None)]
    assert [f.id for f in state.failures] == [None, 12]
    assert at.best_observed(state).target == {"loss": 0.375, "speed": 3.75, "size": 1.875}
    state, suggestions = at.suggest(state, 5)
    assert [s.origin for s in suggestions] == ["again"] * 4 + ["model"]


@pytest.mark.parametrize("schema", OLDER)
def test_golden_state_goes_on(schema: int) -> None:
    state, suggestions = at.suggest(State.from_dict(golden(schema)), 3, now=0.0, lease=5.0)

    for suggestion in suggestions:
        state = at.observe(state, suggestion, float(suggestion.id))
    assert reread(state) == state
    assert state.to_dict()["schema"] == SCHEMA
    assert state.fit is not None
    assert state.fit.model == MODEL


@pytest.mark.parametrize("schema", OLDER)
def test_a_migrated_state_is_written_in_the_schema_of_today(schema: int) -> None:
    state = State.from_dict(golden(schema))

    assert reread(state) == state
    assert reread(state).to_dict() == state.to_dict()


@pytest.mark.parametrize("schema", OLD)
def test_reading_leaves_its_argument_as_it_was_and_shares_nothing(schema: int) -> None:
    document = golden(schema)
    state = State.from_dict(document)
    assert document == golden(schema)

    document["pending"][0]["params"]["depth"] = 12
    document["space"]["parameters"][4]["values"].append(99)
    document["fit"]["members"][0]["length_scales"][0] = 99.0
    document["observations"].clear()

    assert state == State.from_dict(golden(schema))


# --- any study ---


def rows_of(records: list[Any], *names: str) -> list[dict[str, Any]]:
    return [{name: getattr(record, name) for name in names} for record in records]


def without(mapping: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in names}


def lists_of(state: State) -> dict[str, Any]:
    """Return the state as schema 2 would have had it, but for its fit.

    What left the list of what is out other than by an outcome of its own was ``withdrawn``.
    """
    withdrawn: dict[int, at.Suggestion] = {}
    retried: list[dict[str, Any]] = []
    step = State(state.problem)
    for event in state.events:
        before, step = step, apply(step, event)
        own = event.id if isinstance(event, Told | Failed) else None
        for suggestion in before.pending:
            if suggestion.id not in step.out and suggestion.id != own:
                withdrawn.setdefault(suggestion.id, suggestion)
        if isinstance(event, Retried):
            params = step.suggestion(event.id).params
            row = {"id": event.id, "params": params, "reason": event.reason}
            retried.append({**row, "cause": "reported"})
    today = state.to_dict()
    of_suggestions = ("id", "params", "origin", "expires")
    return {
        "schema": 2,
        "space": as_box(today["space"]),
        "goal": state.problem.outcomes[0].goal,
        "seed": state.problem.seed,
        "settings": {**today["policy"], **without(today["method"], "revisits")},
        "next_id": state.next_id,
        "pending": rows_of(state.pending, *of_suggestions),
        "observations": rows_of(state.observations, "id", "params", "target"),
        "failures": rows_of(state.failures, "id", "params", "reason", "cause"),
        "due": state.due,
        "withdrawn": rows_of(list(withdrawn.values()), *of_suggestions),
        "retried": retried,
        "fit": None,
    }


def as_schema_3(state: State) -> dict[str, Any]:
    """Return the state as schema 3 would have had it, but for its fit."""
    today = state.to_dict()
    return {
        **today,
        "schema": 3,
        "space": as_box(today["space"]),
        "outcomes": [{"name": one.name, "role": one.goal} for one in state.problem.outcomes],
        "method": without(today["method"], "revisits"),
        "events": [without(row, "std") for row in today["events"]],
    }


def as_schema(schema: int, state: State) -> dict[str, Any]:
    """Return the state as schema 4 or 5 would have had it."""
    today = state.to_dict()
    return {**today, "schema": schema, "space": as_box(today["space"])}


def standings(state: State) -> dict[int, str]:
    """Return how each suggestion ended, if it has."""
    return {ticket.id: ticket.standing for trial in state.trials for ticket in trial.tickets}


def as_lists_tell(state: State) -> dict[int, str]:
    """Return the same as far as schema 2 could say it.

    Where a trial has the result of an earlier suggestion, it does not say how its last one ended:
    by its lease, or by that result. Either puts it into the list of what was withdrawn.
    """
    told = standings(state)
    for trial in state.trials:
        if trial.is_observed and trial.tickets[1:]:
            last = trial.tickets[-1]
            if last.standing == "expired" and last.id not in {one.id for one in trial.results}:
                told[last.id] = "closed"
    return told


def test_schema_2_could_not_say_how_the_last_suggestion_of_an_observed_trial_ended() -> None:
    state, _ = at.suggest(start(retries=0, expiries=3), now=0.0, lease=1.0)
    state, _ = at.expire(state, now=2.0)
    state, _ = at.suggest(state, now=3.0, lease=1.0)
    state = at.fail(state, 0, "it ended, its successor is out", now=3.5)

    settled = at.observe(state, 0, 1.0, now=4.0)
    expired = at.observe(at.expire(state, now=5.0)[0], 0, 1.0, now=6.0)

    assert standings(settled) == {0: "closed", 1: "closed"}
    assert standings(expired) == {0: "closed", 1: "expired"}
    assert lists_of(settled) == lists_of(expired)


EXPIRED_BESIDE_A_RETRY: list[Call] = [
    *(("suggest", 1), ("suggest", 0), ("expire", 0), ("suggest", 1)),
    *(("fail", 0), ("expire", 0), ("observe", 0)),
]


@settings(deadline=None, max_examples=150)
@example(done=EXPIRED_BESIDE_A_RETRY, policy={"retries": 0, "expiries": 1})
@given(done=calls([*LIFE, "own"], max_size=60), policy=POLICIES)
def test_a_migrated_study_is_what_it_was(done: list[Call], policy: dict[str, int]) -> None:
    state = after(start(**policy), done)

    migrated = State.from_dict(lists_of(state))

    for name in ("pending", "due", "observations", "failures", "next_id"):
        assert repr(getattr(migrated, name)) == repr(getattr(state, name)), name
    assert retried(migrated) == retried(state)
    assert as_lists_tell(migrated) == as_lists_tell(state)
    assert reread(migrated) == migrated
    assert suggested_next(migrated) == suggested_next(state)


@settings(deadline=None, max_examples=100)
@given(done=calls([*LIFE, *CORRECTIONS], max_size=60), policy=POLICIES, replicates=st.booleans())
def test_a_study_of_schema_3_is_what_it_was(
    done: list[Call], policy: dict[str, int], replicates: bool
) -> None:
    state = after(start(replicates=replicates, **policy), done)

    migrated = State.from_dict(as_schema_3(state))

    assert migrated == state
    assert migrated.to_dict() == state.to_dict()


@settings(deadline=None, max_examples=50)
@given(
    schema=st.sampled_from([4, 5]),
    done=calls([*LIFE, *CORRECTIONS], max_size=60),
    policy=POLICIES,
    replicates=st.booleans(),
)
def test_a_study_of_schema_4_or_5_is_what_it_was(
    schema: int, done: list[Call], policy: dict[str, int], replicates: bool
) -> None:
    state = after(start(replicates=replicates, **policy), done)

    migrated = State.from_dict(as_schema(schema, state))

    assert migrated == state
    assert migrated.to_dict() == state.to_dict()


def suggested_next(state: State) -> Any:
    try:
        return at.suggest(state, 3)[1]
    except SpaceExhausted:
        return "exhausted"


@settings(deadline=None, max_examples=100)
@given(done=calls([*LIFE, "own"]), later=calls(["renew", "expire", "observe", "fail"]))
def test_a_migrated_study_answers_as_it_did(done: list[Call], later: list[Call]) -> None:
    state = after(start(retries=1), done)

    migrated = after(State.from_dict(lists_of(state)), later, first=len(done))
    state = after(state, later, first=len(done))

    for name in ("pending", "due", "observations", "failures", "next_id"):
        assert getattr(migrated, name) == getattr(state, name), name


# --- schema 3 ---

CORRUPT_3: list[tuple[tuple[Any, ...], Any, str]] = [
    (("outcomes",), GONE, "$.outcomes"),
    (("outcomes",), {}, "$.outcomes"),
    (("outcomes",), [], "$.outcomes"),
    (("outcomes",), [{"name": n, "role": "minimize"} for n in "ab"], "$.outcomes"),
    (("outcomes", 0), "target", "$.outcomes[0]"),
    (("outcomes", 0, "name"), "", "$.outcomes[0].name"),
    (("outcomes", 0, "name"), 7, "$.outcomes[0].name"),
    (("outcomes", 0, "role"), GONE, "$.outcomes[0].role"),
    (("outcomes", 0, "role"), "maximise", "$.outcomes[0].role"),
    (("outcomes", 0, "role"), None, "$.outcomes[0].role"),
    (("method", "n_starts"), GONE, "$.method.n_starts"),
    (("policy", "replicates"), 1, "$.policy.replicates"),
    (("seed",), None, "$.seed"),
    (("events",), GONE, "$.events"),
    (("events",), {}, "$.events"),
    (("events", 4), [], "$.events[4]"),
    (("events", 4, "at"), "soon", "$.events[4].at"),
    (("events", 4, "outcomes", "target"), NAN, "$.events[4].outcomes.target"),
    (("events", 30, "fit", "n"), 0, "$.events[30].n"),
    (("events", 30, "fit", "found"), GONE, "$.events[30].fit.found"),
]
OF_SCHEMA_4: list[tuple[tuple[Any, ...], Any, str]] = [
    (("outcomes", 0, "goal"), "minimize", "$.outcomes[0].goal"),
    (("outcomes", 0, "weight"), None, "$.outcomes[0].weight"),
    (("outcomes", 0, "at_most"), 3.0, "$.outcomes[0].at_most"),
    (("method", "revisits"), False, "$.method.revisits"),
    (("events", 4, "std"), None, "$.events[4].std"),
    (("events", 22, "std"), {"target": 1.0}, "$.events[22].std"),
]


@pytest.mark.parametrize(("path", "value", "place"), CORRUPT_3 + OF_SCHEMA_4)
def test_a_fault_of_schema_3_is_reported_by_its_place(
    path: tuple[Any, ...], value: Any, place: str
) -> None:
    assert fault_of(corrupted(3, path, value)).place == place


def test_reading_schema_3_leaves_its_argument_as_it_was_and_shares_nothing() -> None:
    document = golden(3)
    state = State.from_dict(document)
    assert document == golden(3)

    for row in document["events"]:
        row.clear()
    document["method"].clear()

    assert state == State.from_dict(golden(3))


# --- replicates ---


def replicated() -> dict[str, Any]:
    state = State.start(at.Space(at.Int("x", 0, 9)), settings=at.Settings(replicates=True))
    state, (suggestion,) = at.suggest(state)
    for target in (1.0, 2.0):
        state = at.observe(state, suggestion, target)
        state = at.observe(state, {"x": 7}, target)
    return lists_of(at.fail(state, suggestion))


def test_replicates_may_share_their_id_and_params() -> None:
    state = State.from_dict(replicated())

    assert [observation.id for observation in state.observations] == [0, None, 0, None]
    assert [failure.id for failure in state.failures] == [0]


FAILURE = {"id": 0, "params": {"x": 4}, "reason": ""}
SUGGESTION = {"params": {"x": 4}, "origin": "model", "expires": None}


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
    assert fault_of({**replicated(), **change}).place == place


def test_replicates_are_refused_where_the_settings_do_not_want_them() -> None:
    document = replicated()
    document["settings"]["replicates"] = False

    assert fault_of(document).place == "$.observations[0].id"


# --- corrupt documents ---


def corrupted(schema: int, path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    return replaced(golden(schema), path, value)


def fault_of(document: Any) -> StateError:
    with pytest.raises(StateError) as caught:
        State.from_dict(document)
    assert str(caught.value).startswith(f"{caught.value.place}: got ")
    return caught.value


CORRUPT_1: list[tuple[tuple[Any, ...], Any, str]] = [
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
    (("fit", "members", 1), None, "$.fit.members[1]"),
    (("fit", "members", 1, "noise"), NAN, "$.fit.members[1].noise"),
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
    (("due", 1, "depth"), 13, "$.due[1]"),
    (("due", 1, "depth"), 1, "$.due[1]"),
    (("due",), golden(2)["due"][:1], "$.withdrawn[8].params"),
]


@pytest.mark.parametrize(
    ("schema", "path", "value", "place"),
    [(1, *case) for case in CORRUPT_1] + [(2, *case) for case in CORRUPT_2],
)
def test_a_fault_is_reported_by_its_place_in_the_dict_that_came(
    schema: int, path: tuple[Any, ...], value: Any, place: str
) -> None:
    assert fault_of(corrupted(schema, path, value)).place == place


@pytest.mark.parametrize("n", [-1, 0, 6, 10**9])
def test_a_fit_of_more_trials_than_there_are_is_refused(n: int) -> None:
    assert fault_of(corrupted(1, ("fit", "n"), n)).place == "$.fit.n"


@pytest.mark.parametrize(
    ("schema", "path", "value", "message"),
    [
        (1, ("pending",), {}, "$.pending: got {}, expected a list"),
        (1, ("fit",), [], "$.fit: got [], expected a mapping"),
        (1, ("pending", 0, "id"), "1", "$.pending[0].id: got '1', expected an integer"),
        (1, ("fit", "n"), "1", "$.fit.n: got '1', expected an integer"),
        (1, ("pending", 1, "id"), 6, "$.pending[1].id: got 6, expected below next_id = 6"),
        (
            1,
            ("failures", 1, "reason"),
            None,
            "$.failures[1].reason: got None, expected a string",
        ),
        (
            2,
            ("withdrawn", 3, "id"),
            1,
            "$.withdrawn[3].id: got 1, expected an id that is not in $.withdrawn[0]",
        ),
        (
            2,
            ("retried", 0, "cause"),
            "expired",
            "$.retried[0].cause: got 'expired', expected 'reported'",
        ),
    ],
)
def test_a_message_says_what_came_and_what_was_expected(
    schema: int, path: tuple[Any, ...], value: Any, message: str
) -> None:
    assert str(fault_of(corrupted(schema, path, value))) == message


@pytest.mark.parametrize("schema", OLD)
def test_all_faults_of_the_layout_are_reported(schema: int) -> None:
    document = golden(schema)
    document["seed"] = "seven"
    document["observations"][0]["target"] = None
    del document["pending"]

    error = fault_of(document)

    found = [error.place, *(other.place for other in error.others)]
    assert sorted(found) == ["$.observations[0].target", "$.pending", "$.seed"]
    assert all(place in str(error) for place in found)


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
        State.from_dict(corrupted(1, path, value))

    assert caught.value.place.endswith(f".{path[-1]}")


JUNK = st.one_of(
    st.sampled_from([GONE, None, True, -1, 0, 1.5, NAN, math.inf, 10**400, "", "x", [], {}, [1]]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
)
ANYWHERE = [(schema, path) for schema in (*OLDER, 4, 5) for path in places(golden(schema))]
NEEDED = [
    (schema, path)
    for schema, path in ANYWHERE
    if schema in OLDER
    and isinstance(path[-1], str)
    and "found" not in path[:-1]  # that of another model is kept
]


@settings(deadline=None, max_examples=400)
@given(place=st.sampled_from(ANYWHERE), junk=JUNK)
def test_junk_anywhere_is_a_state_or_a_state_error(
    place: tuple[int, tuple[Any, ...]], junk: Any
) -> None:
    document = corrupted(*place, junk)
    before = copy.deepcopy(document)
    fault: StateError | None = None
    try:
        state = State.from_dict(document)
    except StateError as error:
        fault = error
    if fault is None:
        assert reread(state) == state
    else:
        assert re.match(r"\$.*: got .*, expected ", str(fault), re.DOTALL)
        if place[0] in OLD:
            assert not re.match(r"\$\.(events|policy|method|outcomes)\b", fault.place)
    assert repr(document) == repr(before)


@settings(deadline=None, max_examples=150)
@given(place=st.sampled_from(NEEDED))
def test_every_field_of_the_layout_is_needed(place: tuple[int, tuple[Any, ...]]) -> None:
    schema, path = place

    error = fault_of(corrupted(schema, path, GONE))

    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    if error.place != "$" + "".join(steps):  # params may be at odds with others of the same id
        assert "params" in path or "due" in path
        assert re.fullmatch(r"\$\.\w+\[\d+\]\.params|\$\.due\[\d\]", error.place)
