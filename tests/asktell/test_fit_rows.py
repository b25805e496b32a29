"""Fits with those of earlier studies, as rows and back."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

import asktell as at
from asktell.codec.fit_rows import fit_row, read_fit
from asktell.errors import StateError
from asktell.model.gp import Hyperparameters
from asktell.model.members import MODEL
from asktell.study.events import Fit
from asktell.study.problem import Problem

PROBLEM: Problem = at.State.start(at.Space(at.Float("x", 0.0, 1.0), at.Bool("y"))).problem
ONE = Hyperparameters((0.5, 1.25), 1e-3)
FOUND = ((ONE,) * 3, ())
FIT = Fit(MODEL, 7, FOUND)
LEARNED = attrs.evolve(FIT, earlier=(FOUND, ((), (ONE,))))


def row_of(fit: Fit) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(json.dumps(fit_row(fit)))
    return row


@pytest.mark.parametrize("fit", [FIT, LEARNED])
def test_fit_is_read_as_it_was_written(fit: Fit) -> None:
    assert read_fit(row_of(fit), PROBLEM) == fit


def test_fit_without_earlier_studies_does_not_speak_of_them() -> None:
    assert list(row_of(FIT)) == ["model", "n", "found"]


def test_fit_of_another_model_is_kept_as_it_is() -> None:
    row = {"model": "other/1", "n": 3, "found": {"a": [1.5]}, "earlier": [[0.5], "any"]}

    fit = read_fit(row, PROBLEM)

    assert fit.earlier == ([0.5], "any")
    assert row_of(fit) == row


@pytest.mark.parametrize(
    ("earlier", "place"),
    [
        (None, "$.earlier"),
        ([None], "$.earlier[0]"),
        ([[[], [{"noise": 1.0}]]], "$.earlier[0][1][0].length_scales"),
        ([[[]]], "$.earlier[0]"),
        (
            [[[], []], [[], [{"length_scales": [1.0], "noise": 1.0}]]],
            "$.earlier[1][1][0].length_scales",
        ),
        ([[[], [{"length_scales": [1.0, 1.0], "noise": -1.0}]]], "$.earlier[0][1][0].noise"),
    ],
)
def test_faults_are_named_by_their_places(earlier: Any, place: str) -> None:
    with pytest.raises(StateError) as caught:
        read_fit({**row_of(FIT), "earlier": earlier}, PROBLEM)

    assert caught.value.place == place


def test_all_faults_of_an_earlier_study_are_named() -> None:
    rows = [[[], [{"length_scales": ["a"], "noise": "b"}]]]

    with pytest.raises(StateError) as caught:
        read_fit({**row_of(FIT), "earlier": rows}, PROBLEM)

    (other,) = caught.value.others
    assert other.place == "$.earlier[0][1][0].noise"
