"""What the fields of a state must be to each other, where they were read from a dict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import get_args

from asktell.errors import StateError
from asktell.space.space import Values
from asktell.study.state import Cause, Failure, Observation, Origin, State, Suggestion
from asktell.study.trials import has_outcome, pending_of

_Record = Suggestion | Observation | Failure
_Placed = tuple[str, _Record]
"""A record with its path."""


def check_trials(state: State) -> None:
    """Check that no trial is doubled, lost, or at odds with another record of it.

    Raises:
        StateError: a ``ValueError`` that names the path of the first fault.
    """
    if state.next_id < 0:
        raise StateError("$.next_id", state.next_id, "an integer >= 0")
    failures = list(_placed("failures", state.failures))
    observations = list(_placed("observations", state.observations))
    pending = list(_placed("pending", state.pending))
    withdrawn = list(_placed("withdrawn", state.withdrawn))
    retried = list(_placed("retried", state.retried))
    every = [*failures, *observations, *pending, *withdrawn, *retried]
    _check_fields(every)
    _check_ids_given(every, state.next_id)
    _check_outcomes([*_of(failures, "reported"), *observations, *pending], state)
    _check_outcomes([*_of(failures, "expired"), *pending], state)
    _check_ids_distinct(withdrawn)
    _check_ids_distinct(retried)
    _check_params_of_ids(every)
    _check_nothing_lost(state)


def _placed(name: str, records: Iterable[_Record]) -> Iterator[_Placed]:
    return ((f"$.{name}[{position}]", record) for position, record in enumerate(records))


def _of(failures: list[_Placed], cause: Cause) -> Iterator[_Placed]:
    return (
        (place, failure)
        for place, failure in failures
        if isinstance(failure, Failure) and failure.cause == cause
    )


def _check_fields(records: Iterable[_Placed]) -> None:
    for place, record in records:
        if isinstance(record, Suggestion) and record.origin not in get_args(Origin):
            raise StateError(f"{place}.origin", record.origin, f"one of {get_args(Origin)}")
        causes = ("reported",) if place.startswith("$.retried") else get_args(Cause)
        if isinstance(record, Failure) and record.cause not in causes:
            raise StateError(f"{place}.cause", record.cause, f"one of {causes}")


def _check_ids_given(records: Iterable[_Placed], next_id: int) -> None:
    for place, record in records:
        if record.id is not None and not 0 <= record.id < next_id:
            raise StateError(f"{place}.id", record.id, f"below next_id = {next_id}")


def _check_outcomes(records: Iterable[_Placed], state: State) -> None:
    """Check that ids and params come once, except where the settings want replicates."""
    replicates = state.settings.replicates
    ids: set[int] = set()
    configurations: set[Values] = set()
    for place, record in records:
        repeats = replicates and isinstance(record, Observation)
        if record.id in ids and not repeats:
            raise StateError(f"{place}.id", record.id, "an id that no other trial has")
        if record.values in configurations and not replicates:
            raise StateError(f"{place}.params", record.params, "params of no other trial")
        if record.id is not None:
            ids.add(record.id)
        configurations.add(record.values)


def _check_ids_distinct(records: Iterable[_Placed]) -> None:
    ids: set[int | None] = set()
    for place, record in records:
        if record.id in ids:
            raise StateError(f"{place}.id", record.id, "an id that none before it has")
        ids.add(record.id)


def _check_params_of_ids(records: Iterable[_Placed]) -> None:
    known: dict[int, _Record] = {}
    for place, record in records:
        if record.id is not None:
            first = known.setdefault(record.id, record)
            if first.values != record.values:
                expected = f"{first.params}, as id {record.id} has elsewhere"
                raise StateError(f"{place}.params", record.params, expected)


def _check_nothing_lost(state: State) -> None:
    """Check that what was withdrawn waits, or has an outcome, and what is due was withdrawn."""
    for position, failure in enumerate(state.retried):
        if failure.id is None or not state.withdrawn.of_id(failure.id):
            place = f"$.retried[{position}].id"
            raise StateError(place, failure.id, "the id of a withdrawn suggestion")
    due: set[Values] = set()
    for position, values in enumerate(state.due):
        place, params = f"$.due[{position}]", state.space.params(values)
        if values in due or has_outcome(state, values) or pending_of(state, values):
            raise StateError(place, params, "params of no other trial that waits or is over")
        if not state.withdrawn.has_values(values):
            raise StateError(place, params, "params of a withdrawn suggestion")
        due.add(values)
    waiting = due.union(suggestion.values for suggestion in state.pending)
    for position, suggestion in enumerate(state.withdrawn):
        if suggestion.values not in waiting and not has_outcome(state, suggestion.values):
            expected = "params that are due, pending, observed or failed"
            raise StateError(f"$.withdrawn[{position}].params", suggestion.params, expected)
