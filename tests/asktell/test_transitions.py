"""The life of a trial: both tables, each pair of them, and the page that shows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from spaces import finite

import asktell as at
from asktell import errors
from asktell.state import State, apply
from asktell.study.events import (
    Amended,
    Event,
    Expired,
    Failed,
    Forgotten,
    Kind,
    Lost,
    Renewed,
    Requeued,
    Retried,
    Suggested,
    Told,
    Voided,
)
from asktell.study.transitions import (
    ANSWERS,
    REPLICATED,
    REPLICATED_ANSWERS,
    TRANSITIONS,
    Delivered,
    Situation,
)
from asktell.study.trials import Configuration, Standing

PAGE = Path(__file__).parents[2] / "docs" / "delivery.md"
KINDS: tuple[Kind, ...] = get_args(Kind)
STANDINGS: tuple[Standing, ...] = get_args(Standing)

VALUES = (1, "low", "u", True, 0.0)
CONFIGURATION = Configuration(finite().names, VALUES)

SUGGESTED = Suggested(0, CONFIGURATION, "model", 10.0, None)
BEFORE: dict[Standing, list[Event]] = {
    "new": [],
    "queued": [SUGGESTED, Expired(0, None)],
    "pending": [SUGGESTED],
    "observed": [SUGGESTED, Told(0, None, (1.0,), None)],
    "failed": [SUGGESTED, Failed(0, None, "no", None)],
    "lost": [SUGGESTED, Lost(0, "nobody answered", None)],
    "forgotten": [SUGGESTED, Told(0, None, (1.0,), None), Forgotten(0, None, None)],
}

EVENTS: dict[Kind, Callable[[int | None], Event]] = {
    "suggested": lambda _: Suggested(1, CONFIGURATION, "again", None, 5.0),
    "renewed": lambda _: Renewed(0, 20.0, 5.0),
    "expired": lambda _: Expired(0, 5.0),
    "lost": lambda _: Lost(0, "once too often", 5.0),
    "told": lambda id: Told(id, *_params(id), (2.0,), 5.0),
    "failed": lambda id: Failed(id, *_params(id), "out of memory", 5.0),
    "retried": lambda _: Retried(0, "worker lost", 5.0),
    "amended": lambda id: Amended(id, *_params(id), (3.0,), 5.0),
    "voided": lambda id: Voided(id, *_params(id), "the target is nan", 5.0),
    "forgotten": lambda id: Forgotten(id, *_params(id), 5.0),
    "requeued": lambda id: Requeued(id, *_params(id), 5.0),
}


def _params(id: int | None) -> tuple[Configuration | None]:
    return (CONFIGURATION if id is None else None,)


def state_of(standing: Standing, replicates: bool) -> State:
    state = State.start(finite(), settings=at.Settings(replicates=replicates))
    for event in BEFORE[standing]:
        state = apply(state, event)
    if replicates and standing in ("observed", "failed", "lost"):
        state = apply(state, Suggested(1, CONFIGURATION, "again", 30.0, None))
    return state


def standing_of(state: State) -> Standing:
    trial = state.history.of_values(VALUES)
    return trial.standing if trial else "new"


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_pair_does_what_the_table_says(standing: Standing, kind: Kind) -> None:
    state = state_of(standing, replicates=False)
    assert standing_of(state) == standing
    event = EVENTS[kind](None if standing == "new" else 0)
    expected = TRANSITIONS[standing].get(kind)
    if expected is None:
        with pytest.raises(errors.InvalidValueError):
            apply(state, event)
        assert standing_of(state) == standing
    else:
        after = apply(state, event)
        assert standing_of(after) == expected
        assert after.events == [*state.events, event]
        assert standing_of(state) == standing


@pytest.mark.parametrize("standing", ["observed", "failed", "lost"])
@pytest.mark.parametrize("kind", ["suggested", "renewed", "expired", "told", "failed"])
def test_with_replicates_a_trial_that_is_over_goes_on(standing: Standing, kind: Kind) -> None:
    state = state_of(standing, replicates=True)
    event: Event = {
        "suggested": Suggested(2, CONFIGURATION, "again", None, None),
        "renewed": Renewed(1, 40.0, None),
        "expired": Expired(1, None),
        "told": Told(1, None, (4.0,), None),
        "failed": Failed(1, None, "no", None),
    }[kind]
    assert standing_of(apply(state, event)) == REPLICATED[standing][kind]


def test_the_tables_know_every_standing_and_only_known_events() -> None:
    for table in (TRANSITIONS, REPLICATED):
        assert table.keys() == set(STANDINGS)
        assert {kind for row in table.values() for kind in row} == set(KINDS)
    for standing in STANDINGS:
        assert TRANSITIONS[standing].items() <= REPLICATED[standing].items()


def test_where_another_is_out_queued_and_forgotten_read_pending() -> None:
    state = State.start(finite(), settings=at.Settings(replicates=True))
    for event in (SUGGESTED, Suggested(1, CONFIGURATION, "model", None, None)):
        state = apply(state, event)
    assert standing_of(apply(state, Expired(0, None))) == "pending"
    assert standing_of(apply(state, Retried(0, "no", None))) == "pending"
    state = apply(state, Told(0, None, (1.0,), None))
    assert standing_of(apply(state, Forgotten(0, None, None))) == "pending"
    state = apply(state, Voided(0, None, "no", None))
    state = apply(state, Requeued(0, None, None))
    assert (standing_of(state), state.due, state.out) == ("pending", [], (1,))


REFUSED: dict[str, tuple[list[Event], Event, type[Exception], str]] = {
    "an id that is taken": ([SUGGESTED], SUGGESTED, errors.InvalidValueError, "$.id"),
    "an unknown id": ([], Expired(7, None), errors.UnknownSuggestionError, "$.id"),
    "neither id nor params": (
        [],
        Told(None, None, (1.0,), None),
        errors.InvalidValueError,
        "$.params",
    ),
    "both": (
        [SUGGESTED],
        Told(0, CONFIGURATION, (1.0,), None),
        errors.InvalidValueError,
        "$.params",
    ),
    "a lease that is over": (
        [*BEFORE["queued"], Suggested(1, CONFIGURATION, "again", None, None)],
        Renewed(0, 99.0, None),
        errors.LeaseError,
        "$.id",
    ),
    "expired twice": (
        [*BEFORE["queued"], Suggested(1, CONFIGURATION, "again", None, None)],
        Expired(0, None),
        errors.LeaseError,
        "$.id",
    ),
    "nothing to retry": ([SUGGESTED], EVENTS["requeued"](0), errors.NotFailedError, "$"),
    "nothing to amend": ([SUGGESTED], EVENTS["amended"](0), errors.NoOutcomeError, "$"),
}


@pytest.mark.parametrize(("before", "event", "kind", "place"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_happen_is_refused(
    before: list[Event], event: Event, kind: type[errors.InvalidValueError], place: str
) -> None:
    state = State.start(finite())
    for earlier in before:
        state = apply(state, earlier)
    with pytest.raises(kind) as caught:
        apply(state, event)
    assert caught.value.place == place


# --- the page ---


def table_after(heading: str) -> list[list[str]]:
    """Return the cells of the first table after a heading, without its head."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1]
    rows = [line for line in text.split("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows]


def test_the_page_shows_the_transitions() -> None:
    (_, *kinds), _, *rows = table_after("The life of a trial")
    assert kinds == list(KINDS)
    shown = {
        standing: {kind: cell for kind, cell in zip(kinds, cells, strict=True) if cell}
        for standing, *cells in rows
    }
    assert shown == TRANSITIONS


def test_the_page_shows_the_answers() -> None:
    (_, *situations), _, *rows = table_after("What a result is answered")
    assert situations == list(get_args(Situation))
    shown: dict[str, Any] = {}
    for name, *cells in rows:
        kind = re.match(r"a (number|failure)(, replicates)?", name)
        assert kind is not None, name
        answers = shown.setdefault(kind[2] or "", {})
        answers[kind[1]] = dict(zip(situations, cells, strict=True))
    assert shown == {"": ANSWERS, ", replicates": REPLICATED_ANSWERS}
    assert set(ANSWERS) == set(get_args(Delivered))
