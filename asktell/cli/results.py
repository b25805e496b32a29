"""Results as JSON lines: read as they come, told to a state, and an answer for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from asktell.codec.answers import Answer
from asktell.errors import NOTHING, InvalidValueError, ParamsError, TargetError, at_key
from asktell.state import State
from asktell.study.trials import Configuration
from asktell.study.views import Suggestion
from asktell.telling import Outcome, Std, Target, TrialLike, deliver, deliver_failure
from asktell.telling.delivery import refused
from asktell.telling.identify import identify

_KEYS = ("id", "params", "origin", "expires", "target", "std", "expected", "feasible")
"""The keys of a line that ``asktell suggest`` or ``export`` printed."""


class Source(Protocol):
    """Where bytes come from."""

    def read1(self, size: int, /) -> bytes:
        """Wait for some bytes, and return those that are there; none at the end."""
        ...


def batches_of_lines(source: Source) -> Iterator[list[tuple[int, bytes]]]:
    """Yield numbered lines, as many at a time as have come: no line waits for another."""
    number, rest = 0, b""
    while True:
        chunk = source.read1(1 << 16)
        *lines, rest = (rest + chunk).split(b"\n")
        if not chunk and rest:
            lines.append(rest)
        batch = [(number + place, line) for place, line in enumerate(lines, start=1)]
        number += len(batch)
        if batch := [(place, line) for place, line in batch if line.strip()]:
            yield batch
        if not chunk:
            return


def tell_lines(
    state: State, lines: Iterable[tuple[int, bytes]], now: float
) -> tuple[State, list[Answer]]:
    """Return the next state, in which all good lines are recorded, and an answer for each line."""
    answers = []
    for number, line in lines:
        state, answer = _tell_line(state, line, now)
        if "error" in answer:
            answer["error"] = f"line {number}: {answer['error']}"
        answers.append(answer)
    return state, answers


def tell_target(
    state: State, trial_id: int, target: Target, std: Std, now: float
) -> tuple[State, Answer]:
    """Return the next state, in which the suggestion has this target, and the answer."""
    return _answered(state, trial_id, lambda: deliver(state, trial_id, target, std, now=now))


def tell_failure(state: State, trial_id: int, reason: str, now: float) -> tuple[State, Answer]:
    """Return the next state, in which the suggestion failed, and the answer."""
    return _answered(state, trial_id, lambda: deliver_failure(state, trial_id, reason, now=now))


def _tell_line(state: State, line: bytes, now: float) -> tuple[State, Answer]:
    result: dict[str, Any] = {}

    def told() -> tuple[State, Outcome]:
        result.update(mapping_of(line, '{"id": 0, "target": 0.93}'))
        return deliver(state, _trial(state, result), result["target"], result.get("std"), now=now)

    after, answer = _answered(state, None, told)
    given = result.get("id")
    if isinstance(given, int | str):
        answer["id"] = given
    elif "error" not in answer:  # told by params: whose they were
        answer["id"] = identify(state, result["params"]).id
    return after, answer


def _answered(
    state: State, trial_id: int | None, call: Callable[[], tuple[State, Outcome]]
) -> tuple[State, Answer]:
    try:
        state, outcome = call()
    except InvalidValueError as error:
        return state, {"id": trial_id, "outcome": refused(error), "error": str(error)}
    return state, {"id": trial_id, "outcome": outcome}


def mapping_of(line: bytes, example: str) -> dict[str, Any]:
    """Return the mapping that a line holds.

    Raises:
        ParamsError: it holds something else.
    """
    try:
        result = json.loads(line)
    except (ValueError, RecursionError):
        raise ParamsError("$", line.decode(errors="replace"), "a line of JSON") from None
    if not isinstance(result, dict):
        raise ParamsError("$", result, f"a mapping such as {example}")
    return result


def check_line(result: dict[str, Any]) -> None:
    """Check that a line has no keys but those that answers have.

    Raises:
        ParamsError: it has another.
    """
    for key in result:
        if key not in _KEYS:
            raise ParamsError(at_key("$", key), result[key], f"only the keys {list(_KEYS)}")


def _trial(state: State, result: dict[str, Any]) -> TrialLike:
    check_line(result)
    if "target" not in result:
        raise TargetError("$.target", NOTHING, "a number")
    trial_id: Any = result.get("id")
    params: Any = result.get("params")
    if trial_id is None and params is None:
        raise ParamsError("$", result, "the id of a suggestion, or params")
    if trial_id is None or params is None:
        trial: TrialLike = params if trial_id is None else trial_id
        return trial
    configuration = Configuration(state.space.names, state.space.check(params))
    return Suggestion(trial_id, configuration, "again")
