"""An immutable sequence with shared storage, whose sharing never shows."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.study.records import Records

EXAMPLES = settings(deadline=None, max_examples=50)


class Trial(NamedTuple):
    id: int | None
    values: tuple[Any, ...]
    target: float = 0.0


TRIALS = st.builds(
    Trial,
    st.one_of(st.none(), st.integers(0, 4)),
    st.tuples(st.integers(0, 3)),
    st.floats(-1.0, 1.0),
)

A, B, C = Trial(0, (1,), 0.5), Trial(1, (2,), 0.25), Trial(None, (1,), 0.75)


def appended(records: list[Trial]) -> Records[Trial]:
    grown: Records[Trial] = Records()
    for record in records:
        grown = grown.append(record)
    return grown


# --- growth and sharing ---


@EXAMPLES
@given(st.lists(TRIALS, max_size=12))
def test_appending_one_by_one_gives_what_the_constructor_gives(records: list[Trial]) -> None:
    assert list(appended(records)) == list(Records(records)) == records


@EXAMPLES
@given(data=st.data())
def test_a_tree_of_appends_behaves_as_a_tree_of_lists(data: st.DataObject) -> None:
    grown: list[Records[Trial]] = [Records()]
    plain: list[list[Trial]] = [[]]
    for record in data.draw(st.lists(TRIALS, max_size=15)):
        parent = data.draw(st.integers(0, len(grown) - 1))
        grown.append(grown[parent].append(record))
        plain.append([*plain[parent], record])

    for records, expected in zip(grown, plain, strict=True):
        assert list(records) == expected
        assert len(records) == len(expected)
        for wanted in range(5):
            assert records.of_id(wanted) == [r for r in expected if r.id == wanted]
            same = [r for r in expected if r.values == (wanted,)]
            assert records.of_values((wanted,)) == same
            assert records.has_values((wanted,)) is bool(same)


def test_appending_leaves_the_sequence_as_it_was() -> None:
    before = Records([A])
    before.append(B)

    assert list(before) == [A]
    assert (len(before), before[-1], before.of_id(1), before.has_values((2,))) == (1, A, [], False)


def test_appending_to_an_earlier_sequence_leaves_the_later_one_as_it_was() -> None:
    earlier = Records([A])
    later = earlier.append(B)
    other = earlier.append(C)

    assert list(later) == [A, B]
    assert list(other) == [A, C]
    assert later.of_values((1,)) == [A]
    assert other.of_values((1,)) == [A, C]


def test_appending_to_the_longest_sequence_shares_its_storage() -> None:
    records = Records([A])

    assert records.append(B)._storage is records._storage


def test_lookups_ignore_records_that_came_later() -> None:
    earlier = Records([A])
    later = earlier.append(Trial(0, (1,), 9.0)).append(Trial(3, (7,), 9.0))

    assert earlier.of_id(0) == earlier.of_values((1,)) == [A]
    assert earlier.of_id(3) == []
    assert not earlier.has_values((7,))
    assert later.has_values((7,))


def test_a_record_that_cannot_be_looked_up_changes_nothing() -> None:
    records = Records([A])
    with pytest.raises(TypeError):
        records.append(Trial(1, ([],)))

    assert list(records) == [A]
    assert list(records.append(B)) == [A, B]
    assert records.append(B).of_id(1) == [B]


def test_threads_that_grow_one_sequence_see_only_their_own_records() -> None:
    threads, steps = 8, 200
    base = Records([A])
    barrier = Barrier(threads)

    def grow(thread: int) -> Records[Trial]:
        barrier.wait()
        records = base
        for step in range(steps):
            records = records.append(Trial(thread, (thread, step)))
        return records

    with ThreadPoolExecutor(threads) as pool:
        grown = list(pool.map(grow, range(threads)))

    assert list(base) == [A]
    for thread, records in enumerate(grown):
        own = [Trial(thread, (thread, step)) for step in range(steps)]
        first = [A] if thread == 0 else []
        assert list(records) == [A, *own]
        assert records.of_id(thread) == [*first, *own]


# --- what a sequence offers ---


@EXAMPLES
@given(records=st.lists(TRIALS, max_size=8), data=st.data())
def test_indices_and_slices_are_those_of_a_list(records: list[Trial], data: st.DataObject) -> None:
    sequence = Records(records)
    sequence.append(A)
    part = data.draw(st.slices(len(records) + 1))

    assert sequence[part] == records[part]
    assert [sequence[i] for i in range(-len(records), len(records))] == records + records


@pytest.mark.parametrize("index", [2, -3, 10])
def test_index_out_of_range_is_refused_even_where_the_storage_has_more(index: int) -> None:
    records = Records([A, B])
    records.append(C)

    with pytest.raises(IndexError):
        records[index]


def test_membership_order_and_count_are_those_of_a_sequence() -> None:
    records = Records([A, B, A])

    assert B in records
    assert C not in records
    assert list(reversed(records)) == [A, B, A]
    assert (records.count(A), records.index(B)) == (2, 1)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (Records([A, B]), Records([A]).append(B), True),
        (Records(), Records([]), True),
        (Records([A, B]), Records([B, A]), False),
        (Records([A]), Records([A, B]), False),
        (Records([A]), [A], False),
    ],
)
def test_sequences_are_equal_when_their_records_are(
    left: Records[Trial], right: object, equal: bool
) -> None:
    assert (left == right) is equal


def test_equal_sequences_have_one_hash() -> None:
    assert len({Records([A, B]), Records([A]).append(B), Records([A])}) == 2


def test_repr_shows_the_records_of_this_sequence_alone() -> None:
    records = Records([A])
    records.append(B)

    assert repr(records) == f"Records([{A!r}])"


@pytest.mark.parametrize("how", ["pickle", "copy", "deepcopy"])
def test_copies_are_equal_and_grow_apart(how: str) -> None:
    records = Records([A])
    later = records.append(B)
    again = {
        "pickle": lambda: pickle.loads(pickle.dumps(records)),
        "copy": lambda: copy.copy(records),
        "deepcopy": lambda: copy.deepcopy(records),
    }[how]()

    assert again == records
    assert list(again.append(C)) == [A, C]
    assert list(later) == [A, B]


def test_sequences_take_no_further_attributes() -> None:
    with pytest.raises(AttributeError):
        Records().extra = 1  # type: ignore[attr-defined]
