"""The store: one state for many, never older than the last call that returned."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import portalocker
import pytest
from evaluations import lines_of
from spaces import as_box, every_kind, finite, learned_by, turns
from store_farm import step, steps_of

import asktell as at
from asktell.codec.migrations import SCHEMA
from asktell.errors import (
    MissingExtraError,
    StoreCorruptError,
    StoreError,
    StoreExistsError,
    StoreLockedError,
    StoreMissingError,
)
from asktell.store import Store, files, journal
from asktell.store.store import _ATTEMPTS

ANEW, JOURNAL = 10**9, 0
"""Thresholds above which there is a journal."""

BOTH = pytest.mark.parametrize("journal_above", [ANEW, JOURNAL, 4000])


FIXED = {
    "lr": 0.1,
    "momentum": 0.5,
    "depth": 3,
    "width": 30,
    "bits": 4,
    "kernel": "rbf",
    "bias": True,
}
"""Values of ``every_kind``, but for x."""

GOLDEN = Path(__file__).parent / "golden"


def start() -> at.State:
    settings = at.Settings(n_initial=10**6, retries=1)
    return at.State.start(every_kind(), seed=5, settings=settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.json"


def made(path: Path, steps: int, journal_above: int) -> at.State:
    """Make a store of so many steps, and return its state."""
    store, state = Store(path, journal_above=journal_above), start()
    store.create(state)
    for _ in range(steps):
        store.update(step)
        state, _ = step(state)
    return state


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


# --- what is written is read ---


@BOTH
def test_a_store_goes_on_as_the_state_in_memory(path: Path, journal_above: int) -> None:
    state = start()
    store = Store(path, journal_above=journal_above)
    store.create(state)
    assert store.read() == state
    for number in range(60):
        assert store.update(step) == number + 1
        state, _ = step(state)
        assert store.read() == state
        assert Store(path).read() == state


@BOTH
def test_two_stores_see_what_the_other_did(path: Path, journal_above: int) -> None:
    state = start()
    stores = [Store(path, journal_above=journal_above) for _ in range(3)]
    stores[0].create(state)
    for number in range(40):
        for store in stores[: 1 + number % 3]:
            store.update(step)
            state, _ = step(state)
    assert [store.read() for store in stores] == [state] * 3


def test_a_small_file_is_the_state_as_json(path: Path) -> None:
    state = made(path, 12, 64 * 1024)
    assert at.State.from_dict(json.loads(path.read_text())) == state
    before = at.State.from_dict(json.loads(beside(path, ".previous").read_text()))
    assert step(before)[0] == state
    assert not beside(path, ".journal").exists()


def test_a_large_file_is_not_written_for_every_call(path: Path) -> None:
    made(path, 60, 4000)
    content, stamp = path.read_bytes(), path.stat().st_ino
    assert len(content) > 4000
    store = Store(path, journal_above=4000)
    written = [beside(path, ".journal").stat().st_size]
    while path.stat().st_ino == stamp:
        store.update(step)
        lines = beside(path, ".journal")
        written.append(lines.stat().st_size if lines.exists() else 0)
    assert max(written) > len(content)
    assert written[-1] == 0
    assert beside(path, ".previous").read_bytes() == content
    assert len(written) > 5


def test_what_changes_nothing_writes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = made(path, 5, ANEW)
    monkeypatch.setattr(files, "replace", None)
    monkeypatch.setattr(files, "append", None)
    assert Store(path).update(lambda s: (s, "as it was")) == "as it was"
    copy = at.State.from_dict(state.to_dict())
    assert Store(path).update(lambda _: (copy, None)) is None


def test_another_space_is_written_whole(path: Path) -> None:
    made(path, 5, JOURNAL)
    other = at.State.start(finite())
    Store(path, journal_above=JOURNAL).update(lambda _: (other, None))
    assert Store(path).read() == other
    assert not beside(path, ".journal").exists()


@BOTH
def test_changes_of_space_are_read_on(path: Path, journal_above: int) -> None:
    engine = at.Engine(finite(), seed=5, settings=at.Settings(n_initial=10**6))
    store, reader = (
        Store(path, journal_above=journal_above),
        Store(path, journal_above=journal_above),
    )
    store.create(engine.state)
    for number, (space, had) in enumerate(turns()):
        one = store.suggest(fixed={"d": True})[0]
        assert one == engine.suggest(fixed={"d": True})
        assert store.change_space(space, had) == engine.change_space(space, had)
        assert reader.read() == engine.state
        assert store.observe(one, float(number)) == engine.observe(one, float(number))
        earlier, had = learned_by(space)
        assert store.learn_from(earlier, had) == engine.learn_from(earlier, had)
        store.enqueue({"a": 2})
        engine.enqueue({"a": 2})
        assert Store(path, journal_above=journal_above).read() == reader.read() == engine.state
    store.change_space(finite(), {"e": 0.0})
    engine.change_space(finite(), {"e": 0.0})
    assert reader.suggest(3) == engine.suggest_batch(3)


def test_a_change_of_space_goes_to_the_journal(path: Path) -> None:
    store = Store(path, journal_above=JOURNAL)
    store.create(at.State.start(finite()))
    before = path.read_bytes()
    store.change_space(at.Space(*finite().parameters[1:]))
    store.suggest()
    assert path.read_bytes() == before
    assert Store(path).read().space.names == ("b", "c", "d", "e")


def test_a_function_that_raises_changes_nothing(path: Path) -> None:
    state = made(path, 5, ANEW)

    def refuse(_: at.State) -> tuple[at.State, None]:
        raise FileNotFoundError("of its own")

    with pytest.raises(FileNotFoundError, match="of its own"):
        Store(path).update(refuse)
    assert Store(path, timeout=0.0).read() == state


def test_a_link_to_a_file_is_followed(path: Path) -> None:
    state = made(path, 3, ANEW)
    link = path.with_name("link.json")
    link.symlink_to(path)
    store = Store(link)
    assert store.path == path.resolve()
    store.update(step)
    assert link.is_symlink()
    assert Store(path).read() == step(state)[0]


def test_an_older_schema_is_brought_up_to_date(path: Path) -> None:
    document = json.loads((GOLDEN / "state-1.json").read_text())
    assert document["schema"] == 1
    path.write_text(json.dumps(document))
    store = Store(path, journal_above=JOURNAL)
    assert store.read() == at.State.from_dict(document)
    store.update(step)
    assert json.loads(path.read_text())["schema"] == SCHEMA
    assert not beside(path, ".journal").exists()
    store.update(step)
    assert beside(path, ".journal").exists()


# --- several at once ---


def test_threads_take_turns(path: Path) -> None:
    made(path, 0, JOURNAL)
    store = Store(path, journal_above=2000)

    def work() -> None:
        for _ in range(20):
            store.update(at.suggest)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [suggestion.id for suggestion in Store(path).read().pending] == list(range(80))


def test_a_file_that_is_held_is_waited_for_no_longer_than_wanted(path: Path) -> None:
    state = made(path, 2, ANEW)
    with portalocker.Lock(beside(path, ".lock"), "ab"):
        store = Store(path, timeout=0.05)
        for call in (store.read, lambda: store.update(step), lambda: store.create(state)):
            with pytest.raises(StoreLockedError, match=r"study\.json: held by another process"):
                call()
    assert store.read() == state


# --- suggestions, which are worked out without the lock ---


class Slow:
    """Suggests, but waits each time, as for a long fit, until it is let go on."""

    def __init__(self) -> None:
        self.states: list[at.State] = []
        self.begun, self.may_end = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, state: at.State, *arguments: Any, **named: Any) -> Any:
        self.states.append(state)
        self.begun.release()
        assert self.may_end.acquire(timeout=30.0)
        return at.suggest(state, *arguments, **named)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow = Slow()
    monkeypatch.setattr("asktell.store.store.suggest", slow)
    monkeypatch.setattr("asktell.store.store.needs_model", lambda *_: True)
    return slow


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    return thread, answers


@BOTH
def test_a_slow_suggestion_keeps_no_result_out_and_knows_of_it(
    path: Path, journal_above: int, slow: Slow
) -> None:
    store, other = (Store(path, timeout=5.0, journal_above=journal_above) for _ in range(2))
    store.create(start())
    waiting, _ = at.suggest(start())
    other.update(lambda _: (waiting, None))
    thread, answers = in_thread(lambda: store.suggest(2))
    assert slow.begun.acquire(timeout=30.0)
    assert other.observe(0, 1.5) == "recorded"  # while the other works
    slow.may_end.release()
    assert slow.begun.acquire(timeout=30.0)  # worked out again
    slow.may_end.release()
    thread.join()
    assert [len(state.observations) for state in slow.states] == [0, 1]
    expected, suggestions = at.suggest(at.observe(waiting, 0, 1.5), 2)
    assert answers == [suggestions]
    assert store.read() == other.read() == Store(path).read() == expected


@BOTH
def test_heartbeats_overtake_no_suggestion(path: Path, journal_above: int, slow: Slow) -> None:
    store, other = (Store(path, timeout=5.0, journal_above=journal_above) for _ in range(2))
    state, _ = at.suggest(start(), 3, now=0.0, lease=5.0)
    store.create(state)
    thread, answers = in_thread(lambda: store.suggest(2))
    assert slow.begun.acquire(timeout=30.0)
    for moment in (1.0, 2.0):
        other.renew(0, moment, 5.0)
    slow.may_end.release()
    thread.join()
    assert len(slow.states) == 1
    renewed = at.renew(at.renew(state, 0, 1.0, 5.0), 0, 2.0, 5.0)
    expected, suggestions = at.suggest(renewed, 2)
    assert answers == [suggestions]
    assert store.read() == other.read() == Store(path).read() == expected


def test_a_heartbeat_that_takes_params_back_overtakes(path: Path, slow: Slow) -> None:
    store, other = Store(path), Store(path, timeout=5.0)
    state, (first,) = at.suggest(start(), now=0.0, lease=5.0)
    state, _ = at.expire(state, 6.0)
    store.create(state)
    thread, answers = in_thread(store.suggest)  # its params are offered again, but then ...
    assert slow.begun.acquire(timeout=30.0)
    other.renew(0, 7.0, 5.0)
    for _ in range(2):
        slow.may_end.release()
    thread.join()
    assert [state.queue for state in slow.states] == [(0,), ()]
    ((suggestion,),) = answers
    assert (suggestion.id, suggestion.origin) == (1, "initial")
    assert suggestion.params != first.params
    assert [s.id for s in Store(path).read().pending] == [0, 1]


def test_one_who_is_always_overtaken_takes_the_lock(
    path: Path, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, _ = at.suggest(start(), 5)
    Store(path).create(state)
    store, other = Store(path), Store(path, timeout=0.05)
    thread, answers = in_thread(store.suggest)
    for number in range(_ATTEMPTS):
        assert slow.begun.acquire(timeout=30.0)
        other.observe(number, number)
        slow.may_end.release()
    assert slow.begun.acquire(timeout=30.0)
    with pytest.raises(StoreLockedError):
        other.observe(4, 4.0)
    slow.may_end.release()
    thread.join()
    assert [len(state.observations) for state in slow.states] == list(range(_ATTEMPTS + 1))
    assert [suggestion.id for suggestion in answers[0]] == [5]
    assert other.observe(4, 4.0) == "recorded"
    assert [o.id for o in Store(path).read().observations] == [*range(_ATTEMPTS), 4]


def test_what_needs_no_model_is_suggested_under_the_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs less than to look at the file once more."""
    quick = at.Settings(n_initial=2, n_candidates=64, n_starts=2)
    Store(path).create(at.State.start(every_kind(), settings=quick))
    held: list[bool] = []

    def noted(*arguments: Any, **named: Any) -> Any:
        try:
            Store(path, timeout=0.0).read()
            held.append(False)
        except StoreLockedError:
            held.append(True)
        return at.suggest(*arguments, **named)

    monkeypatch.setattr("asktell.store.store.suggest", noted)
    store = Store(path)
    for number in range(4):  # two of the design, and two of the model
        (suggestion,) = store.suggest()
        assert store.observe(suggestion, float(number)) == "recorded"
    assert held == [True, True, False, False]


def test_suggestions_of_several_at_once_are_different(path: Path) -> None:
    Store(path).create(start())
    work = [in_thread(lambda: [Store(path).suggest() for _ in range(5)]) for _ in range(4)]
    for thread, _ in work:
        thread.join()
    ids = [suggestion.id for _, answers in work for (suggestion,) in answers[0]]
    assert sorted(ids) == list(range(20))
    assert [suggestion.id for suggestion in Store(path).read().pending] == list(range(20))


def test_a_refused_suggestion_changes_nothing(path: Path) -> None:
    Store(path).create(at.State.start(at.Space(at.Bool("b"))))
    store = Store(path)
    assert len(store.suggest(5)) == 2
    before = path.read_bytes()
    with pytest.raises(at.SpaceExhausted):
        store.suggest()
    with pytest.raises(at.errors.DefinitionError):
        store.suggest(0)
    with pytest.raises(at.errors.LeaseError):
        store.suggest(lease=5.0)
    assert path.read_bytes() == before
    with pytest.raises(StoreMissingError):
        Store(path.with_name("none.json")).suggest()


# --- the methods of an engine ---


@BOTH
def test_a_store_answers_as_an_engine_does(path: Path, journal_above: int) -> None:
    engine = at.Engine.from_state(start())
    store, other = (Store(path, journal_above=journal_above) for _ in range(2))
    store.create(engine.state)
    assert store.suggest(6, now=0.0, lease=10.0) == engine.suggest_batch(6, now=0.0, lease=10.0)
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("observe", (0, 1.5), {"now": 1.0}),
        ("observe", (0, 1.5), {}),
        ("observe_batch", ([(1, 2.5), (9, 1.0), (2, math.nan), (0, 7.0)],), {"now": 2.0}),
        ("fail", (3, "no luck"), {"now": 3.0}),
        ("fail", (4,), {}),
        ("renew", (5, 4.0, 20.0), {}),
        ("expire", (11.0,), {}),
        ("amend", (0, -1.5), {"now": 12.0}),
        ("amend", (1, math.inf), {}),
        ("forget", (0,), {"now": 13.0}),
        ("observe", (0, 3.5), {}),
        ("expire", (30.0,), {}),
        ("retry", (4,), {"now": 31.0}),
        ("retry_failed", (), {"now": 32.0}),
        ("retry_failed", (), {}),
    ]
    for name, arguments, named in calls:
        store, other = other, store
        told, expected = (getattr(one, name)(*arguments, **named) for one in (store, engine))
        assert repr(told) == repr(expected)  # errors of deliveries are equal to none
        assert store.read() == other.read() == Store(path).read() == engine.state
        assert [repr(event) for event in store.read().events] == [*map(repr, engine.events)]
    for refused in (
        lambda shell: shell.observe(0, 99.0),
        lambda shell: shell.fail(99),
        lambda shell: shell.renew(0, 1.0, 1.0),
        lambda shell: shell.expire(math.nan),
        lambda shell: shell.amend(5, 1.0),
        lambda shell: shell.forget(5),
        lambda shell: shell.retry(0),
    ):
        messages = []
        for shell in (store, engine):
            with pytest.raises(at.errors.AskTellError) as caught:
                refused(shell)
            messages.append((type(caught.value), str(caught.value)))
        assert messages[0] == messages[1]
    assert store.read() == engine.state
    assert store.suggest(4) == engine.suggest_batch(4)


# --- what is in the journal ---


def test_the_journal_holds_events(path: Path) -> None:
    state = made(path, 60, ANEW)
    store, other = (Store(path, journal_above=4000) for _ in range(2))
    size = path.stat().st_size
    assert size > 4000
    (suggestion,) = store.suggest(now=5.0)
    other.observe(suggestion, 7.5, now=6.0)
    other.observe_batch([(suggestion, 7.5), (suggestion, 8.5)])  # nothing new
    store.amend(suggestion, 6.5)
    entries, _ = journal.decode(beside(path, ".journal").read_bytes())
    digest = sha256(path.read_bytes()).hexdigest()
    assert entries == [
        {"follows": digest},
        {
            "events": [
                {
                    "event": "suggested",
                    "id": suggestion.id,
                    "params": suggestion.params,
                    "origin": "initial",
                    "expires": None,
                    "at": 5.0,
                }
            ]
        },
        {"events": [told("told", suggestion.id, 7.5, 6.0)]},
        {"events": [told("amended", suggestion.id, 6.5, None)]},
    ]
    assert path.stat().st_size == size
    assert other.read().events[: len(state.events)] == state.events
    assert other.read().events == store.read().events == Store(path).read().events


def told(kind: str, trial: int, number: float, at: float | None) -> dict[str, Any]:
    row = {"event": kind, "id": trial, "params": None, "outcomes": {"target": number}}
    return {**row, "at": at, "std": None}


# --- files of schema 3 ---


def as_schema_3(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "std"} for row in rows]


def of_schema_3(path: Path) -> at.State:
    """Write a file and a journal as schema 3 had them, and return the state that they hold."""
    made(path, 12, ANEW)
    store = Store(path, journal_above=ANEW)
    document = json.loads(path.read_bytes())
    n_events = len(document["events"])
    (suggestion,) = store.suggest(now=5.0)
    store.observe(suggestion, 7.5, now=6.0)
    store.amend(suggestion, 6.5)
    store.forget(suggestion)
    state = store.read()
    rows = as_schema_3(state.to_dict()["events"])
    del document["method"]["revisits"]
    document |= {
        "schema": 3,
        "space": as_box(document["space"]),
        "outcomes": [{"name": "target", "role": "maximize"}],
        "events": rows[:n_events],
    }
    path.write_text(json.dumps(document))
    digest = sha256(path.read_bytes()).hexdigest()
    entries = [{"follows": digest}, *({"events": [row]} for row in rows[n_events:])]
    beside(path, ".journal").write_bytes(b"".join(map(journal.encode, entries)))
    return state


@BOTH
def test_a_file_of_schema_3_and_its_journal_are_read_on(path: Path, journal_above: int) -> None:
    expected = of_schema_3(path)
    store = Store(path, journal_above=journal_above)

    assert store.read() == expected
    (suggestion,) = store.suggest()
    store.observe(suggestion, 1.5, 0.25)

    assert json.loads(path.read_bytes())["schema"] == SCHEMA
    assert Store(path).read() == store.read()
    assert store.read().observations[-1].std == 0.25
    assert at.suggest(expected)[1] == [suggestion]


@BOTH
@pytest.mark.parametrize("schema", [4, 5])
def test_a_file_of_schema_4_or_5_and_its_journal_are_read_on(
    path: Path, journal_above: int, schema: int
) -> None:
    made(path, 12, ANEW)
    store = Store(path, journal_above=ANEW)
    document = json.loads(path.read_bytes())
    (suggestion,) = store.suggest()
    store.observe(suggestion, 1.0)
    store.amend(suggestion, math.nan)
    expected = store.read()
    document |= {"schema": schema, "space": as_box(document["space"])}
    path.write_text(json.dumps(document))
    digest = sha256(path.read_bytes()).hexdigest()
    rows = expected.to_dict()["events"][len(document["events"]) :]
    entries = [{"follows": digest}, {"events": rows}]
    beside(path, ".journal").write_bytes(b"".join(map(journal.encode, entries)))
    store = Store(path, journal_above=journal_above)

    assert store.read() == expected
    store.retry(suggestion)

    assert json.loads(path.read_bytes())["schema"] == SCHEMA
    assert Store(path).read().due == [suggestion.params]


def test_a_row_of_schema_4_is_no_row_of_schema_3(path: Path) -> None:
    of_schema_3(path)
    lines = beside(path, ".journal")
    entries, _ = journal.decode(lines.read_bytes())
    entries[2]["events"][0]["std"] = None
    lines.write_bytes(b"".join(map(journal.encode, entries)))

    with pytest.raises(StoreCorruptError, match=r"line 3.*\$\.events\[0\]\.std: got None"):
        Store(path).read()


@BOTH
def test_several_outcomes_and_deviations_are_stored(path: Path, journal_above: int) -> None:
    constraints = {"size": at.AtMost(4.0)}
    engine = at.Engine(every_kind(), goal="minimize", constraints=constraints)
    store = Store(path, journal_above=journal_above)
    store.create(engine.state)
    for number in range(4):
        (suggestion,) = store.suggest()
        assert suggestion == engine.suggest()
        target = {"target": float(number), "size": 3.0 + number}
        std = {"size": 0.5} if number % 2 else None
        store.observe(suggestion, target, std)
        engine.observe(suggestion, target, std)
    store.amend(1, {"target": 0.5, "size": 1.0}, {"target": 0.25})
    engine.amend(1, {"target": 0.5, "size": 1.0}, {"target": 0.25})
    store.observe_batch([(7, {"target": 1.0, "size": 1.0}, -1.0)])  # refused

    assert Store(path).read() == store.read() == engine.state


def test_what_a_call_appends_does_not_grow_with_the_state(path: Path) -> None:
    made(path, 60, ANEW)
    store, sizes = Store(path, journal_above=0), []
    lines = beside(path, ".journal")
    for number in range(20):
        before = lines.stat().st_size if lines.exists() else 0
        (suggestion,) = store.suggest()
        store.observe(suggestion, number / 3)
        sizes.append(lines.stat().st_size - before)
    assert len(sizes) == 20
    assert max(sizes[1:]) < min(sizes[1:]) + 60


def test_telling_a_store_takes_no_longer_the_more_is_known(path: Path) -> None:
    medians = []
    for known in (300, 1500):
        state = start()
        for number in range(known):
            state = at.observe(state, {**FIXED, "x": number / known}, number / 7)
        state, suggestions = at.suggest(state, 21)
        store = Store(path.with_name(f"{known}.json"), journal_above=JOURNAL)
        store.create(state)
        counts = [lines_of(partial(store.observe, one.id, 0.5)) for one in suggestions]
        medians.append(sorted(counts)[10])
    assert medians[0] == medians[1]


def read_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many events of whole files are parsed to know what the store holds."""
    with monkeypatch.context() as patch:
        parsed: list[int] = []
        real = at.State.from_dict
        patch.setattr(at.State, "from_dict", lambda d: parsed.append(len(d["events"])) or real(d))
        store.read()
    return sum(parsed)


def test_a_store_reads_only_what_others_appended(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(path, 60, ANEW)
    stores = [Store(path, journal_above=4000) for _ in range(2)]
    stores[0].update(step)  # the journal's first line
    for store in stores:
        assert read_back(store, monkeypatch) == (0 if store is stores[0] else 60)
    for number in range(10):
        stores[number % 2].update(step)
        assert [read_back(store, monkeypatch) for store in stores] == [0, 0]
    assert stores[0].read() == stores[1].read()


@BOTH
def test_heartbeats_make_neither_the_file_nor_the_store_grow(
    path: Path, journal_above: int
) -> None:
    made(path, 40, ANEW)
    store, other = (Store(path, journal_above=journal_above) for _ in range(2))
    first, second = store.suggest(2, now=0.0, lease=5.0)
    other.read()
    size, events = path.stat().st_size, len(store.read().events)
    written = []
    for beat in range(1, 200):
        store.renew((first, second)[beat % 2], float(beat), 5.0)
        lines = beside(path, ".journal")
        written.append(path.stat().st_size + (lines.stat().st_size if lines.exists() else 0))
        assert len(store.read().events) < 4 * events
    assert max(written) < 3 * size
    assert path.stat().st_size < size + 1000
    assert store.read() == other.read() == Store(path).read()
    assert [s.expires for s in other.read().pending[-2:]] == [203.0, 204.0]
    assert len(Store(path).read().events) < 4 * events


# --- refusals ---


def test_there_must_be_a_file(path: Path) -> None:
    for call in (Store(path).read, lambda: Store(path).update(step)):
        with pytest.raises(StoreMissingError) as caught:
            call()
        assert caught.value.path == str(path)
    assert not list(path.parent.iterdir())


def test_a_file_that_goes_meanwhile_is_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "_check_exists", lambda _: None)
    with pytest.raises(StoreMissingError):
        Store(path).read()


@pytest.mark.parametrize("suffix", ["", ".journal"])
def test_what_exists_is_not_overwritten(path: Path, suffix: str) -> None:
    beside(path, suffix).write_bytes(b"precious")
    with pytest.raises(StoreExistsError, match="not overwritten"):
        Store(path).create(start())
    assert beside(path, suffix).read_bytes() == b"precious"


def test_a_folder_that_is_not_there_is_reported(path: Path) -> None:
    with pytest.raises(StoreMissingError, match="no such folder"):
        Store(path / "deeper" / "study.json").create(start())
    assert not path.exists()


def test_a_folder_in_place_of_the_file_is_reported(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match="directory"):
        Store(path).read()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1, column 1: Expecting value"),
        (b'{\n "schema": 2,', r"line 2, column 1\d: "),
        (b"\xff\xfe\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", r"\$: got \[\], expected a state: a dict"),
        (b'{"schema": 99}', r"\$\.schema: got 99, expected at most"),
    ],
)
def test_a_corrupt_file_is_refused_with_the_place(path: Path, content: bytes, problem: str) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreCorruptError, match=problem):
        Store(path).read()
    with pytest.raises(StoreCorruptError, match=problem):
        Store(path).update(step)
    assert path.read_bytes() == content


def test_the_message_names_the_version_before(path: Path) -> None:
    made(path, 3, ANEW)
    path.write_bytes(b"{")
    with pytest.raises(StoreCorruptError, match=r"the version before is in study\.json\.previous"):
        Store(path).read()
    os.replace(beside(path, ".previous"), path)
    assert steps_of(Store(path).read()) == 2


def test_without_the_extra_the_message_names_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "portalocker", None)
    with pytest.raises(MissingExtraError, match=r"asktell\[store\]"):
        Store(path)


# --- journals ---


def journalled(path: Path) -> at.State:
    """Make a store with a journal of several lines, and return its state."""
    made(path, 30, 4000)
    store = Store(path, journal_above=4000)
    while (
        not beside(path, ".journal").exists()
        or beside(path, ".journal").read_bytes().count(b"\n") < 5
    ):
        store.update(step)
    return store.read()


def test_a_torn_journal_is_the_state_before(path: Path) -> None:
    state = journalled(path)
    lines = beside(path, ".journal")
    data = lines.read_bytes()
    last = len(data) - len(data.splitlines(keepends=True)[-1])
    seen = Store(path)
    for length in range(last, len(data)):
        lines.write_bytes(data[:length])
        found = Store(path).read()
        assert step(found)[0] == state
    assert seen.read() == found
    Store(path, journal_above=4000).update(step)
    assert Store(path).read() == seen.read() == state
    assert lines.read_bytes() == data


def test_a_journal_that_is_taken_away_is_not_filled_with_holes(path: Path) -> None:
    journalled(path)
    store = Store(path, journal_above=4000)
    store.read()
    beside(path, ".journal").unlink()
    left = Store(path).read()
    assert store.read() == left
    store.update(step)
    assert Store(path).read() == step(left)[0]


def test_a_journal_damaged_in_its_middle_is_refused_with_the_line(path: Path) -> None:
    journalled(path)
    lines = beside(path, ".journal")
    data = lines.read_bytes()
    lines.write_bytes(data.replace(b'"events"', b'"eVents"', 1))
    with pytest.raises(StoreCorruptError, match=r"study\.json\.journal: line 2: damaged"):
        Store(path).read()


def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    journalled(path)
    os.replace(beside(path, ".previous"), path)
    with pytest.raises(StoreCorruptError, match=r"line 1: follows another version of study\.json"):
        Store(path).read()


@pytest.mark.parametrize(
    "entry",
    [
        {"news": 1},
        [],
        {"change": {"next_id": 1}},
        {"events": 1},
        {"events": [1]},
        {"events": [{"event": "promoted"}]},
        {"events": [{"event": "expired", "id": 0}]},
        {"events": [{"event": "expired", "id": 0, "at": None, "by": "me"}]},
    ],
)
@pytest.mark.parametrize("seen", [True, False])
def test_an_entry_of_a_newer_version_is_refused(path: Path, entry: Any, seen: bool) -> None:
    journalled(path)
    store = Store(path, journal_above=4000)
    if seen:
        store.read()
    lines = beside(path, ".journal").read_bytes().count(b"\n")
    with beside(path, ".journal").open("ab") as file:
        file.write(journal.encode(entry))
    with pytest.raises(StoreCorruptError, match=rf"journal: line {lines + 1}: \$"):
        store.read()


@pytest.mark.parametrize("seen", [True, False])
def test_an_event_that_cannot_have_happened_is_refused(path: Path, seen: bool) -> None:
    journalled(path)
    store = Store(path, journal_above=4000)
    while not (state := store.read()).pending:
        store.update(step)
    store = store if seen else Store(path)
    lines = beside(path, ".journal").read_bytes().count(b"\n")
    good = {"event": "expired", "id": state.pending[0].id, "at": None}
    with beside(path, ".journal").open("ab") as file:
        file.write(journal.encode({"events": [good, good]}))
    expected = rf"journal: line {lines + 1}: \$\.events\[1\].*: got {good['id']}"
    with pytest.raises(StoreCorruptError, match=expected):
        store.read()


# --- crashes: at every operation on the disk ---


class Crash(BaseException):
    """What no handler takes for an error, as it takes no SIGKILL."""


def crash_at(monkeypatch: pytest.MonkeyPatch, operation: int) -> Callable[[], int]:
    """Let the k-th operation on the disk end everything; a write ends half done."""
    count = 0

    def counted(function: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == operation:
                raise Crash
            return function(*arguments, **named)

        return call

    for name in ("fsync", "replace", "link", "truncate"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    write = files._write

    def half(path: Path, content: bytes, at: int) -> None:
        nonlocal count
        count += 1
        if count == operation:
            write(path, content[: len(content) // 2], at)
            raise Crash
        write(path, content, at)

    monkeypatch.setattr(files, "_write", half)
    return lambda: count


@pytest.mark.parametrize("journal_above", [ANEW, JOURNAL])
def test_a_crash_at_any_operation_leaves_the_state_before_or_after(
    path: Path, journal_above: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = made(path, 6, journal_above)
    crashes = 0
    for operation in range(1, 260):
        with monkeypatch.context() as patch:
            crash_at(patch, 1 + operation % 14)
            store = Store(path, journal_above=journal_above)
            try:
                store.update(step)
                acknowledged = True
            except Crash:
                acknowledged = False
                crashes += 1
        found = Store(path, timeout=0.0).read()
        after, _ = step(state)
        assert found == after or (found == state and not acknowledged)
        state = found
    assert crashes > 50
    assert steps_of(state) > 50


def test_a_journal_that_outlives_two_calls_is_in_no_ones_way(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = made(path, 3, JOURNAL)
    for _ in range(3):
        with monkeypatch.context() as patch:

            def stop(file: Path, real: Any = Path.unlink, **named: Any) -> None:
                if file.suffix == ".journal":
                    raise Crash
                real(file, **named)

            patch.setattr(Path, "unlink", stop)
            with pytest.raises(Crash):
                Store(path, journal_above=ANEW).update(step)
        found = Store(path).read()
        assert found in (state, step(state)[0])
        state = found


@pytest.mark.parametrize("journal_above", [ANEW, JOURNAL])
@pytest.mark.parametrize("operation", ["fsync", "replace", "open", "unlink"])
def test_a_full_disk_is_reported_and_leaves_a_state(
    path: Path, journal_above: int, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = made(path, 6, journal_above)
    store = Store(path, journal_above=journal_above)
    reports: list[str] = []
    for _ in range(12):
        with monkeypatch.context() as patch:

            def refuse(*_: Any, **__: Any) -> Any:
                raise OSError(errno.ENOSPC, "No space left on device")

            place = {"unlink": Path, "open": files}.get(operation, os)
            patch.setattr(place, operation, refuse, raising=operation != "open")
            try:
                store.update(step)
                acknowledged = True
            except StoreError as error:
                acknowledged, reports = False, [*reports, error.problem]
        found = Store(path, timeout=0.0).read()
        assert store.read() == found
        after, _ = step(state)
        assert found == after or (found == state and not acknowledged)
        store.update(step)
        state, _ = step(found)
        assert store.read() == state
    assert set(reports) == {"No space left on device"}
