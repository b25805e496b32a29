"""Params as JSON lines, and for each what the model expects of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asktell.asking.know import predict
from asktell.cli.results import check_line, mapping_of
from asktell.codec.answers import Answer, prediction_answers
from asktell.errors import NOTHING, InvalidValueError
from asktell.state import State


def predict_lines(state: State, lines: Sequence[tuple[int, bytes]]) -> list[Answer]:
    """Return an answer for each line, in order; one that is refused keeps no other out.

    Raises:
        NothingObservedError: nothing is observed yet, and the model knows nothing.
    """
    answers: dict[int, Answer] = {}
    good: dict[int, dict[str, Any]] = {}
    for number, line in lines:
        try:
            good[number] = _params(state, line)
        except InvalidValueError as error:
            answers[number] = {"params": None, "error": f"line {number}: {error}"}
    if good:
        params = list(good.values())
        predicted = prediction_answers(params, predict(state, params))
        answers.update(zip(good, predicted, strict=True))
    return [answers[number] for number, _ in lines]


def _params(state: State, line: bytes) -> dict[str, Any]:
    given = mapping_of(line, '{"params": {"x": 0.5}}')
    check_line(given)
    return state.space.params(state.space.check(given.get("params", NOTHING)))
