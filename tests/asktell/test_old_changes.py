"""Journals of schema 2: changes of a dict's lists, which are read and never written."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from spaces import finite

import asktell as at
from asktell.codec.migrations import SCHEMA
from asktell.errors import StateError, StoreCorruptError
from asktell.store import Store, journal
from asktell.store.old_changes import apply_change

STORES = Path(__file__).parent / "golden" / "stores"
"""A file and its journal, as version 2 left them; it will never write others."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a store of schema 2, of which the last dozen calls are in the journal."""
    for name in ("store-2.json", "store-2.json.journal"):
        shutil.copy(STORES / name, tmp_path)
    return tmp_path / "store-2.json"


def beside(path: Path) -> Path:
    return path.with_name(path.name + ".journal")


def changed(path: Path) -> dict[str, Any]:
    """Return the dict of the file, with the changes of the journal."""
    document: dict[str, Any] = json.loads(path.read_text())
    for entry in journal.decode(beside(path).read_bytes())[0]:
        apply_change(document, entry)
    return document


def test_changes_lead_where_the_calls_led(path: Path) -> None:
    document = changed(path)
    assert document["schema"] == 2
    assert document["next_id"] == 21
    assert [row["id"] for row in document["pending"]] == [20]
    assert [row["id"] for row in document["observations"]] == [
        *[0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15],  # of the file
        *[16, None],
    ]
    assert [row["id"] for row in document["failures"]] == [19]
    assert [row["lr"] for row in document["due"]] == [1.0]
    assert [row["id"] for row in document["withdrawn"]] == [2, 5, 8, 11, 14, 16, 18, 19, 17]
    assert [row["id"] for row in document["retried"]] == [2, 5, 8, 11, 14, 17]
    assert document["fit"]["n"] == 12


@pytest.mark.parametrize("journal_above", [0, 10**9])
def test_a_store_of_schema_2_is_read_and_goes_on(path: Path, journal_above: int) -> None:
    before, lines = path.read_bytes(), beside(path).read_bytes()
    expected = at.State.from_dict(changed(path))
    store, other = Store(path, journal_above=journal_above), Store(path, journal_above=0)
    assert store.read() == other.read() == expected
    assert [s.id for s in expected.pending] == [20]
    assert [params["lr"] for params in expected.due] == [1.0]
    assert (path.read_bytes(), beside(path).read_bytes()) == (before, lines)  # reading writes not

    again, fresh = store.suggest(2)
    assert (again.id, again.origin, again.params) == (21, "again", expected.due[0])
    assert (fresh.id, fresh.origin) == (22, "model")
    document = json.loads(path.read_text())
    assert document["schema"] == SCHEMA
    assert not beside(path).exists()
    assert path.with_name("store-2.json.previous").read_bytes() == before

    other.observe(19, 0.5)  # it was lost; here is its answer
    other.observe(20, 0.25)
    assert json.loads(path.read_text()) == document
    assert journal.decode(beside(path).read_bytes())[0][0].keys() == {"follows"}
    state, _ = at.suggest(expected, 2)
    state = at.observe(at.observe(state, 19, 0.5), 20, 0.25)
    assert store.read() == other.read() == Store(path).read() == state


def test_a_call_that_changes_nothing_leaves_a_store_of_schema_2(path: Path) -> None:
    before = path.read_bytes()
    assert Store(path).observe(0, 1.0) == "repeated"
    assert path.read_bytes() == before
    assert beside(path).exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"due": {"start": 0, "stop": 9, "rows": []}}, r"line 14: \$\.due: got \[0, 9\]"),
        ({"seed": 3}, r"line 14: \$\.seed: got 3"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_with_its_line(
    path: Path, change: Any, problem: str
) -> None:
    lines = beside(path).read_bytes().count(b"\n")
    with beside(path).open("ab") as file:
        file.write(journal.encode({"change": change}))
    with pytest.raises(StoreCorruptError, match=problem.replace("14", str(lines + 1))):
        Store(path).read()


def test_a_state_that_the_changes_contradict_is_refused(path: Path) -> None:
    with beside(path).open("ab") as file:
        file.write(journal.encode({"change": {"next_id": 1}}))
    with pytest.raises(StoreCorruptError, match=r"store-2\.json: \$\."):
        Store(path).read()


def test_events_are_no_changes(path: Path) -> None:
    with beside(path).open("ab") as file:
        file.write(journal.encode({"events": []}))
    with pytest.raises(StoreCorruptError, match=r"\$: got .*, expected an entry"):
        Store(path).read()


# --- one change ---


def lists() -> dict[str, Any]:
    """Return a dict of the layout of schema 2, as far as changes look at it."""
    names = ("pending", "observations", "failures", "due", "withdrawn", "retried")
    return {"schema": 2, "next_id": 0, "fit": None, **{name: [] for name in names}}


def test_rows_are_put_in_place_of_others() -> None:
    document = {**lists(), "due": [1, 2, 3]}
    apply_change(document, {"change": {"due": {"start": 1, "stop": 2, "rows": [7, 8, 9]}}})
    assert document["due"] == [1, 7, 8, 9, 3]
    apply_change(document, {"change": {"due": {"start": 0, "stop": 5, "rows": []}, "next_id": 4}})
    assert document == {**lists(), "next_id": 4}


def test_the_first_and_the_last_entry_change_nothing() -> None:
    document = lists()
    for entry in ({"follows": "abc"}, {"into": "abc"}, {"change": {}}):
        apply_change(document, entry)
    assert document == lists()


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ([], "$"),
        ({"news": 1}, "$"),
        ({"change": []}, "$"),
        ({"change": {"seed": 2}}, "$.seed"),
        ({"change": {"pending": []}}, "$.pending"),
        ({"change": {"pending": {"start": 0, "stop": 0}}}, "$.pending"),
        ({"change": {"pending": {"start": 0, "stop": 1, "rows": []}}}, "$.pending"),
        ({"change": {"pending": {"start": 1, "stop": 0, "rows": []}}}, "$.pending"),
        ({"change": {"pending": {"start": True, "stop": 0, "rows": []}}}, "$.pending"),
        ({"change": {"pending": {"start": 0, "stop": 0, "rows": {}}}}, "$.pending.rows"),
    ],
)
def test_what_is_no_change_is_refused_with_its_path(entry: Any, place: str) -> None:
    with pytest.raises(StateError) as caught:
        apply_change(lists(), entry)
    assert caught.value.place == place


def test_a_file_without_the_rows_is_refused() -> None:
    change = {"due": {"start": 0, "stop": 0, "rows": []}}
    with pytest.raises(StateError, match=r"^\$\.due"):
        apply_change({"schema": 2}, {"change": change})


def test_a_newer_file_is_refused_before_its_journal(path: Path) -> None:
    document = {**at.State.start(finite()).to_dict(), "schema": 99}
    content = json.dumps(document).encode()
    path.write_bytes(content)
    digest = sha256(content).hexdigest()
    beside(path).write_bytes(journal.encode({"follows": digest}) + journal.encode({"news": 1}))
    with pytest.raises(StoreCorruptError, match=r"store-2\.json: \$\.schema: got 99, expected at"):
        Store(path).read()
