"""Events and the trials they made: histories share a storage, and their sharing never shows."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from attrs import evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.study.events import Event, Skipped
from asktell.study.history import History
from asktell.study.trials import Configuration, Ticket, Trial

EXAMPLES = settings(deadline=None, max_examples=100)


def event(label: int) -> Event:
    """Return an event that differs from those of other labels; histories do not look into it."""
    return Skipped(label, None)


def trial(number: int, values: tuple[Any, ...], *ids: int) -> Trial:
    """Return a trial of these values that was handed out under these ids."""
    tickets = tuple(Ticket(one, "model", None, "out", None) for one in ids)
    return Trial(number, Configuration(("x",), values), tickets, (), False)


def grown(history: History, happened: Event, changed: Trial | None = None) -> History:
    """Return the history with one more event."""
    later = history.view()
    later.append(happened, changed)
    return later


A, B = trial(0, (1,), 0), trial(1, (2,), 1)
A_AGAIN = trial(0, (1,), 0, 2)


def of_two() -> History:
    """Return a history of two trials."""
    return grown(grown(History(), event(0), A), event(1), B)


# --- as lists ---


@frozen
class Plain:
    """What a history shows, as plain lists."""

    events: list[Event] = field(factory=list)
    trials: list[Trial] = field(factory=list)

    def grown(self, happened: Event, changed: Trial | None) -> Plain:
        trials = list(self.trials)
        if changed is not None:
            trials[changed.number : changed.number + 1] = [changed]
        return Plain([*self.events, happened], trials)

    @property
    def n_ids(self) -> int:
        return sum(len(one.tickets) for one in self.trials)


VALUES, IDS = range(-1, 9), range(-1, 16)


def assert_shows(history: History, plain: Plain) -> None:
    """Check everything that a history offers against lists."""
    assert history.events == plain.events
    assert history.n_events == len(plain.events)
    assert history.trials == plain.trials
    assert len(history) == len(plain.trials)
    assert [history.trial(number) for number in range(len(plain.trials))] == plain.trials
    for value in VALUES:
        same = [one for one in plain.trials if one.configuration.values == (value,)]
        assert history.of_values((value,)) == (same[0] if same else None)
    for ticket_id in IDS:
        same = [one for one in plain.trials if one.ticket(ticket_id)]
        assert history.of_id(ticket_id) == (same[0] if same else None)


def draw_change(data: st.DataObject, plain: Plain) -> Trial | None:
    """Draw what an event does: nothing to trials, one more of them, or one that changes."""
    kind = data.draw(st.sampled_from(["none", "new", "handed out", "changed"]))
    used = {one.configuration.values[0] for one in plain.trials}
    ids = (plain.n_ids,)
    if kind == "new":
        value = data.draw(st.sampled_from([v for v in range(8) if v not in used] or [8]))
        new = trial(len(plain.trials), (value,), *data.draw(st.sampled_from([(), ids])))
        return new if value < 8 else None
    if kind == "none" or not plain.trials:
        return None
    before = data.draw(st.sampled_from(plain.trials))
    if kind == "handed out":
        return trial(before.number, before.configuration.values, *before.ids, *ids)
    return evolve(before, queued=not before.queued)


@EXAMPLES
@given(data=st.data())
def test_a_tree_of_growths_behaves_as_a_tree_of_lists(data: st.DataObject) -> None:
    histories, plains = [History()], [Plain()]
    for label in range(data.draw(st.integers(0, 14))):
        parent = data.draw(st.integers(0, len(histories) - 1))
        # few labels, so that branches may look the same and differ later
        happened, changed = event(label % 3), draw_change(data, plains[parent])
        histories.append(grown(histories[parent], happened, changed))
        plains.append(plains[parent].grown(happened, changed))

    for history, plain in zip(histories, plains, strict=True):
        assert_shows(history, plain)
        for other, earlier in zip(histories, plains, strict=True):
            n = len(earlier.events)
            follows = plain.events[:n] == earlier.events
            assert history.since(other) == (plain.events[n:] if follows else None)
    chosen = data.draw(st.integers(0, len(histories) - 1))
    assert_shows(pickle.loads(pickle.dumps(histories[chosen])), plains[chosen])


@EXAMPLES
@given(data=st.data())
def test_a_history_that_grows_in_place_behaves_as_lists(data: st.DataObject) -> None:
    history, plain = History(), Plain()
    seen = []
    for label in range(data.draw(st.integers(0, 12))):
        changed = draw_change(data, plain)
        history.append(event(label), changed)
        plain = plain.grown(event(label), changed)
        if data.draw(st.booleans()):
            seen.append((history.view(), plain))

    assert_shows(history, plain)
    for earlier, shown in seen:
        assert_shows(earlier, shown)


# --- growth and sharing ---


def test_history_begins_with_nothing() -> None:
    assert_shows(History(), Plain())


def test_growing_leaves_the_history_as_it_was() -> None:
    before = grown(History(), event(0), A)
    grown(before, event(1), B)
    grown(before, event(1), A_AGAIN)

    assert_shows(before, Plain([event(0)], [A]))


def test_growing_an_earlier_history_leaves_the_later_one_as_it_was() -> None:
    earlier = grown(History(), event(0), A)
    later = grown(earlier, event(1), B)
    other = grown(earlier, event(2), trial(1, (3,), 1))
    changed = grown(earlier, event(3), A_AGAIN)

    assert_shows(later, Plain([event(0), event(1)], [A, B]))
    assert_shows(other, Plain([event(0), event(2)], [A, trial(1, (3,), 1)]))
    assert_shows(changed, Plain([event(0), event(3)], [A_AGAIN]))


def test_growing_the_longest_history_shares_its_storage() -> None:
    history = grown(History(), event(0), A)

    assert grown(history, event(1), B)._storage is history._storage


def test_lookups_ignore_what_came_later() -> None:
    earlier = grown(History(), event(0), A)
    later = grown(grown(earlier, event(1), B), event(2), A_AGAIN)

    assert earlier.of_values((1,)) == earlier.of_id(0) == earlier.trial(0) == A
    assert earlier.of_values((2,)) is earlier.of_id(1) is earlier.of_id(2) is None
    assert later.of_values((1,)) == later.of_id(0) == later.of_id(2) == A_AGAIN
    assert later.of_values((2,)) == later.of_id(1) == B


@pytest.mark.parametrize("number", [-1, 1, 2, 10])
def test_number_that_no_trial_has_is_refused_even_where_the_storage_has_more(number: int) -> None:
    history = grown(History(), event(0), A)
    later = grown(history, event(1), B)
    grown(later, event(2), evolve(B, queued=True))

    with pytest.raises(IndexError):
        history.trial(number)


def test_what_is_shown_is_a_list_of_its_own() -> None:
    history = of_two()
    for shown in (history.events, history.trials, history.since(History())):
        assert shown is not None
        shown.clear()

    assert_shows(history, Plain([event(0), event(1)], [A, B]))


def test_growth_that_fails_leaves_other_histories_as_they_were() -> None:
    history = grown(History(), event(0), A)
    with pytest.raises(TypeError):
        grown(history, event(9), trial(1, ([],)))

    assert_shows(history, Plain([event(0)], [A]))
    assert_shows(grown(history, event(1), B), Plain([event(0), event(1)], [A, B]))


# --- what came since ---


def test_since_itself_nothing_has_come() -> None:
    history = of_two()

    assert history.since(history) == history.since(history.view()) == []


def test_since_a_history_with_the_same_storage_comes_what_it_lacks() -> None:
    earlier = grown(History(), event(0), A)
    later = grown(grown(earlier, event(1), B), event(2))

    assert later._storage is earlier._storage
    assert later.since(earlier) == [event(1), event(2)]
    assert earlier.since(later) is None


def test_since_a_history_whose_storage_was_copied_comes_what_it_lacks() -> None:
    earlier = grown(History(), event(0), A)
    grown(earlier, event(9))
    later = grown(earlier, event(1), B)

    assert later._storage is not earlier._storage
    assert later.since(earlier) == [event(1)]
    assert earlier.since(later) is None


def test_since_a_foreign_history_with_the_same_beginning_comes_the_rest() -> None:
    foreign = grown(History(), event(0), A)

    assert of_two().since(foreign) == [event(1)]
    assert of_two().since(History()) == [event(0), event(1)]


def test_a_history_that_did_not_grow_from_another_has_no_events_since() -> None:
    base = grown(History(), event(0), A)
    one, other = grown(base, event(1), B), grown(base, event(2), B)

    assert one.since(other) is other.since(one) is None
    assert grown(one, event(3)).since(other) is None
    assert of_two().since(grown(History(), event(7), A)) is None


# --- threads ---


@pytest.fixture
def threads_that_alternate_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("threads_that_alternate_often")
def test_threads_that_grow_one_history_see_only_their_own_events() -> None:
    threads, steps = 8, 200
    base = grown(History(), event(0), A)
    barrier = Barrier(threads)

    def grow(thread: int) -> History:
        barrier.wait()
        history = base
        for step in range(steps):
            number = thread * steps + step
            changed = evolve(trial(0, (1,), 0, 1 + number)) if step % 2 else None
            changed = changed or trial(len(history), (thread, step))
            history = grown(history, event(1 + number), changed)
        return history

    with ThreadPoolExecutor(threads) as pool:
        histories = list(pool.map(grow, range(threads)))

    assert_shows(base, Plain([event(0)], [A]))
    for thread, history in enumerate(histories):
        numbers = [thread * steps + step for step in range(steps)]
        assert history.events == [event(0), *(event(1 + number) for number in numbers)]
        assert history.trials[0] == history.of_id(1 + numbers[-1])
        own = [trial(1 + step // 2, (thread, step)) for step in range(0, steps, 2)]
        assert history.trials[1:] == own
        assert [history.of_values((thread, step)) for step in range(0, steps, 2)] == own
        assert history.of_values(((thread + 1) % threads, 0)) is None


MANY = [trial(number, (number,), number) for number in range(1000)]


def of_many() -> History:
    """Return a history of many trials, on a storage of its own."""
    history = History()
    for one in MANY:
        history.append(event(one.number), one)
    return history


@pytest.mark.usefixtures("threads_that_alternate_often")
@pytest.mark.parametrize(
    "read",
    [
        lambda history: history.trials,
        lambda history: [history.trial(number) for number in range(1000)],
        lambda history: [history.of_id(number) for number in range(1000)],
        lambda history: [history.of_values((number,)) for number in range(1000)],
        lambda history: pickle.loads(pickle.dumps(history)).trials,
        lambda history: copy.copy(history).trials,
        lambda history: grown(history, event(3), trial(1000, (-1,))).trials[:1000],
    ],
    ids=["trials", "trial", "ids", "values", "pickle", "copy", "branch"],
)
def test_a_history_is_read_while_another_thread_grows_it(read: Callable[[History], Any]) -> None:
    def grow(base: History) -> None:
        barrier.wait()
        history = base.view()
        for one in MANY:
            history.append(event(2), evolve(one, queued=True))

    with ThreadPoolExecutor(1) as pool:
        for _ in range(40):
            base, barrier = of_many(), Barrier(2)
            growing = pool.submit(grow, base)
            barrier.wait()
            while not growing.done():
                assert read(base) == MANY
            growing.result()


# --- copies ---


@pytest.mark.parametrize("how", ["pickle", "copy", "deepcopy"])
def test_copies_show_the_same_and_grow_apart(how: str) -> None:
    history = grown(of_two(), event(2), A_AGAIN)
    later = grown(history, event(3), trial(2, (3,), 3))
    again = {
        "pickle": lambda: pickle.loads(pickle.dumps(history)),
        "copy": lambda: copy.copy(history),
        "deepcopy": lambda: copy.deepcopy(history),
    }[how]()

    shown = Plain([event(0), event(1), event(2)], [A_AGAIN, B])
    assert_shows(again, shown)
    assert_shows(
        grown(again, event(4), evolve(B, queued=True)),
        shown.grown(event(4), evolve(B, queued=True)),
    )
    assert_shows(history, shown)
    assert later.trials == [A_AGAIN, B, trial(2, (3,), 3)]
    assert later.since(again) == [event(3)]


def test_copy_of_an_earlier_history_has_nothing_of_the_later_ones() -> None:
    earlier = grown(History(), event(0), A)
    grown(grown(earlier, event(1), B), event(2), A_AGAIN)

    assert_shows(pickle.loads(pickle.dumps(earlier)), Plain([event(0)], [A]))


def test_histories_take_no_further_attributes() -> None:
    with pytest.raises(AttributeError):
        History().extra = 1  # type: ignore[attr-defined]
