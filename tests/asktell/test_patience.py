"""When a run gives up."""

from __future__ import annotations

from typing import Any

import pytest

from asktell import errors
from asktell.drivers import Patience
from asktell.drivers.patience import Tally


@pytest.mark.parametrize("name", ["first", "later"])
@pytest.mark.parametrize("value", [0, -1, 1.0, "1", True])
def test_a_wrong_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(errors.DefinitionError, match=rf"^\$\.{name}: .* or None for never"):
        Patience(**{name: value})


@pytest.mark.parametrize(
    ("first", "enough"),
    [(1, [True]), (3, [False, False, True]), (None, [False] * 5)],
)
def test_the_first_that_raise_end_a_run(first: int | None, enough: list[bool]) -> None:
    tally = Tally(Patience(first=first))
    assert [tally.is_enough(has_succeeded=False) for _ in enough] == enough


def test_after_a_success_one_that_raises_is_a_failure_like_any_other() -> None:
    tally = Tally(Patience(first=1))
    assert not any(tally.is_enough(has_succeeded=True) for _ in range(5))


def test_failures_in_a_row_end_a_run() -> None:
    tally = Tally(Patience(later=3))
    for outcome in ("failed", "expired", "lost", "conflict"):
        tally.count(outcome, 0, "")
    tally.count("recorded", 1, "")  # which begins a new row
    tally.count("failed", 2, "no luck")
    tally.count("retried", 2, "no luck")
    with pytest.raises(errors.TooManyFailuresError) as caught:
        tally.count("expired", 3, "no result within 5 s")
    assert (caught.value.in_a_row, caught.value.number) == (3, 3)
    message = str(caught.value)
    assert message.startswith("3 evaluations in a row failed; trial 3: no result within 5 s. ")
    for words in ("engine.retry_failed()", "asktell retry STATE --failed"):
        assert words in message


def test_one_failure_may_be_too_many() -> None:
    with pytest.raises(
        errors.TooManyFailuresError, match=r"^An evaluation failed; trial 0: no luck"
    ):
        Tally(Patience(later=1)).count("failed", 0, "no luck")


def test_patience_may_have_no_end() -> None:
    tally = Tally(Patience(later=None))
    for number in range(100):
        tally.count("failed", number, "")
