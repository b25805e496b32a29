"""The journal: torn anywhere, what is whole is read; damaged before the end, it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell.store import journal

ENTRIES = [
    {"follows": "abc"},
    {"events": [{"event": "failed", "reason": "line\nend é"}]},
    {"into": "d"},
]
LINES = [journal.encode(entry) for entry in ENTRIES]
DATA = b"".join(LINES)


def test_a_journal_is_lines_of_json() -> None:
    assert [json.loads(line)[1] for line in DATA.splitlines()] == ENTRIES
    assert journal.decode(DATA) == (ENTRIES, len(DATA))
    assert journal.decode(b"") == ([], 0)


@pytest.mark.parametrize("length", range(len(DATA)))
def test_torn_anywhere_its_whole_lines_are_read(length: int) -> None:
    entries, size = journal.decode(DATA[:length])
    whole = DATA[:length].count(b"\n")
    assert entries == ENTRIES[:whole]
    assert size == sum(map(len, LINES[:whole]))


@pytest.mark.parametrize("position", range(len(DATA) - 1))
def test_a_wrong_byte_is_damage(position: int) -> None:
    data = bytearray(DATA)
    data[position] ^= 1
    with pytest.raises(journal.DamageError) as caught:
        journal.decode(bytes(data))
    assert caught.value.line == 1 + DATA[:position].count(b"\n")


def test_a_last_line_with_a_hole_is_torn() -> None:
    hole = DATA[:-20] + b"\0" * 10 + DATA[-10:]
    assert journal.decode(hole) == (ENTRIES[:-1], len(DATA) - len(LINES[-1]))
    with pytest.raises(journal.DamageError):
        journal.decode(hole + LINES[-1])


@given(
    st.recursive(
        st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_entry_comes_back(entry: Any) -> None:
    line = journal.encode(entry)
    assert line.count(b"\n") == 1
    assert journal.decode(line * 2) == ([entry, entry], 2 * len(line))


def test_an_entry_is_plain_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        journal.encode(float("nan"))
