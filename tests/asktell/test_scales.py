from __future__ import annotations

import numpy as np
import pytest
from looked_at import small, told
from spaces import every_kind

import asktell as at
from asktell import insight
from asktell.errors import DefinitionError
from asktell.insight.scales import axis_of, axis_of_numbers, natural, numbers_of, short


def test_an_axis_says_how_a_parameter_lies_along_it() -> None:
    study = told()
    rate = insight.axis(study, "lr")
    assert (rate.scale, rate.limits) == ("log", (1e-5, 1.0))
    assert rate.labels == ("1e-5", "1e-4", "0.001", "0.01", "0.1", "1")
    depth = insight.axis(study, "depth")
    assert (depth.scale, depth.is_integer) == ("linear", True)
    assert depth.labels == ("2", "4", "6", "8", "10", "12")
    kernel = insight.axis(study.state, "kernel")
    assert (kernel.scale, kernel.limits) == ("categories", (-0.5, 2.5))
    assert kernel.labels == ("rbf", "poly", "None")
    assert kernel.ticks.tolist() == [0.0, 1.0, 2.0]
    assert insight.axis(study, "bits").labels == ("2", "3", "4", "8")
    assert insight.axis(study, "bias").labels == ("False", "True")


def test_an_outcome_has_an_axis_around_what_was_told() -> None:
    engine = small()
    assert insight.axis(engine, "target").limits == (0.0, 1.0)
    engine.observe({"x": 0.1, "n": 1}, -3.0)
    engine.observe({"x": 0.2, "n": 1}, 5.0)
    assert insight.axis(engine, "target").limits == (-3.0, 5.0)


def test_what_has_no_axis_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"\$.name: got 'y', expected one of \['x', 'n'\]"):
        insight.axis(small(), "y")
    with pytest.raises(DefinitionError, match=r"\$.study: got 3, expected an Engine, a State"):
        insight.axis(3, "x")  # type: ignore[arg-type]


def test_numbers_lie_where_the_unit_cube_has_them() -> None:
    for parameter in every_kind().parameters:
        positions = parameter.axis.snap(np.linspace(0.0, 1.0, 7))
        values = parameter.decode(positions)
        numbers = numbers_of(parameter, values)
        assert np.array_equal(numbers, natural(parameter, positions))
        axis = axis_of(parameter)
        if axis.scale == "categories":
            assert [axis.labels[int(number)] for number in numbers] == [str(v) for v in values]
        else:
            assert axis.shares(numbers) == pytest.approx(positions, abs=1e-9)


def test_shares_run_from_0_to_1() -> None:
    axis = axis_of(at.Int("n", 1, 1000, log=True))
    assert axis.shares(np.array([1.0, 10.0, 1000.0, np.nan])) == pytest.approx(
        [0.0, 1.0 / 3.0, 1.0, np.nan], nan_ok=True
    )
    alone = axis_of(at.Float("x", 2.0, 2.0))
    assert alone.shares(np.array([2.0, np.nan])) == pytest.approx([0.5, np.nan], nan_ok=True)
    huge = axis_of_numbers("y", np.array([-1.7e308, 1.7e308]))
    assert huge.shares(np.array([0.0])).tolist() == [0.5]


@pytest.mark.parametrize(
    ("parameter", "labels"),
    [
        (at.Float("x", 0.0, 1.0), ("0", "0.2", "0.4", "0.6", "0.8", "1")),
        (at.Float("x", 1.0, 30.0, log=True), ("1", "2", "5", "10", "20")),
        (at.Float("x", 3.0, 4.0, log=True), ("3", "4")),
        (at.Float("x", 5.0, 5.0, log=True), ("5",)),
        (at.Int("x", 3, 5), ("3", "4", "5")),
        (at.Int("x", 1, 1), ("1",)),
        (
            at.Float("x", 1e-300, 1e300, log=True),
            ("1e-300", "1e-180", "1e-60", "1e60", "1e180", "1e300"),
        ),
        (at.Float("x", 0.0, 5e-324), ("0",)),
    ],
)
def test_ticks_are_few_and_round(parameter: at.Float | at.Int, labels: tuple[str, ...]) -> None:
    axis = axis_of(parameter)
    assert axis.labels == labels
    assert len(axis.ticks) == len(labels)


def test_ticks_can_be_told_apart() -> None:
    labels = axis_of(at.Float("x", 1e15, 1e15 + 1.0)).labels
    assert len(set(labels)) == len(labels) == 6


@pytest.mark.parametrize(
    ("number", "text"),
    [(1e-5, "1e-5"), (0.01, "0.01"), (0.00012, "0.00012"), (2000.0, "2000"), (1e6, "1e6")],
)
def test_numbers_are_written_in_few_letters(number: float, text: str) -> None:
    assert short(number) == text
