"""Trends as values, and on the unit cube."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from spaces import every_kind, tree

import asktell as at
from asktell import errors
from asktell.space.space import Space

TABLE: dict[str, dict[Any, float]] = {
    "bits": {8: 0.0, 4: -1.0, 3: -2.0, 2: -4.0},
    "kernel": {"rbf": 0.5, "poly": 0.0, None: -0.5},
    "bias": {True: 0.25, False: 0.0},
    "lr": {1e-4: 1.0, 1e-2: 3.0, 1e-1: 0.0},
    "depth": {1: 0.0, 12: 1.1},
}


def summed(table: Mapping[str, Mapping[Any, float]], params: Mapping[str, Any]) -> float:
    """Return the sum for params, worked out by hand."""
    rate = math.log10(params["lr"])
    return (
        sum(table[name][params[name]] for name in ("bits", "kernel", "bias"))
        + float(np.interp(rate, [-4.0, -2.0, -1.0], [1.0, 3.0, 0.0]))
        + (params["depth"] - 1) * 0.1
    )


def rows_of(space: Space, n: int = 40) -> tuple[np.ndarray, list[dict[str, Any]]]:
    points = space.sample(np.random.default_rng(3).random((n, space.dim)))
    return points, [space.params(values) for values in space.decode(points)]


def test_sums_are_those_of_the_table_up_to_one_factor() -> None:
    points, params = rows_of(every_kind())

    sums = at.Trend(TABLE).on(every_kind())(points)

    assert sums == pytest.approx(np.array([summed(TABLE, one) for one in params]) / 4.0)


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_units_do_not_matter(factor: float) -> None:
    points, _ = rows_of(every_kind())
    scaled = {name: {v: factor * x for v, x in row.items()} for name, row in TABLE.items()}

    sums = [at.Trend(table).on(every_kind())(points) for table in (TABLE, scaled)]

    assert sums[1] == pytest.approx(sums[0])


def test_a_trend_of_zeros_says_nothing() -> None:
    points, _ = rows_of(every_kind())

    sums = at.Trend({"bits": dict.fromkeys((2, 3, 4, 8), 0.0)}).on(every_kind())

    assert not sums(points).any()


def test_parameters_that_are_not_active_add_nothing() -> None:
    points, params = rows_of(tree(), 200)
    trend = at.Trend(
        {
            "model": {"svm": 0.0, "forest": 1.0, "mlp": 2.0},
            "layers": {1: 0.5, 4: 0.5},
            "C": {1.0: 4.0},
        }
    )

    sums = trend.on(tree())(points)

    adds = {"svm": 4.0, "forest": 1.0, "mlp": 2.5}
    assert sums == pytest.approx([adds[one["model"]] / 4.0 for one in params])


def test_beyond_the_ends_it_stays_and_gradients_are_those_of_the_values() -> None:
    space = at.Space(at.Float("x", 0.0, 1.0), at.Bool("b"), at.Float("y", 1.0, 100.0, log=True))
    sums = at.Trend({"x": {0.25: 1.0, 0.5: -1.0}, "y": {1.0: 0.0, 10.0: 1.0}}).on(space)
    points = np.array([[x, 1.0, y] for x in (0.1, 0.3, 0.7) for y in (0.2, 0.8)])
    step = 1e-6

    values, gradients = sums.with_gradient(points)

    assert values == pytest.approx(sums(points))
    assert sums(points[:1]) == pytest.approx(1.0 + 0.4)
    for dimension in range(3):
        moved = step * np.eye(3)[dimension]
        slope = (sums(points + moved) - sums(points - moved)) / (2.0 * step)
        assert gradients[:, dimension] == pytest.approx(slope, abs=1e-6)


def test_it_is_a_value() -> None:
    trend, again = at.Trend(TABLE), at.Trend({name: dict(row) for name, row in TABLE.items()})

    assert trend == again
    assert hash(trend) == hash(again)
    assert pickle.loads(pickle.dumps(trend)) == trend
    assert trend != at.Trend({**TABLE, "bias": {1: 0.25, 0: 0.0}})
    assert repr(at.Trend({"bias": {True: 1.0, False: 0.0}})) == (
        "Trend({'bias': {True: 1.0, False: 0.0}})"
    )
    with pytest.raises(AttributeError):
        trend.table = ()  # type: ignore[misc]


def test_a_table_from_json_and_one_of_numpy_are_taken() -> None:
    space = at.Space(at.Ordinal("bits", [2, 4, 8]), at.Categorical("kernel", ["a", "b"]))
    plain = at.Trend({"bits": {2: 0.0, 4: 1.0, 8: 2.0}, "kernel": {"a": 1.0, "b": 0.0}})
    bits = dict(zip(np.array([2, 4, 8]), np.array([0.0, 1.0, 2.0]), strict=True))
    kernel = json.loads('{"a": 1.0, "b": 0}')

    assert at.Trend({"bits": bits, "kernel": kernel}) == plain
    assert plain.on(space)(np.array([[0.5, 1.0]])) == pytest.approx(0.5)


WRONG: dict[str, tuple[Any, str]] = {
    "no mapping": ([1.0], "$.table"),
    "nothing": ({}, "$.table"),
    "no row": ({"bits": 3.0}, "$.table.bits"),
    "an empty row": ({"bits": {}}, "$.table.bits"),
    "a name that is no string": ({7: {1: 0.0}}, "$.table.7"),
    "text": ({"bits": {4: "much"}}, "$.table.bits.4"),
    "nan": ({"bits": {4: math.nan}}, "$.table.bits.4"),
    "infinity": ({"lr": {0.1: math.inf}}, "$.table.lr.0.1"),
    "a value that is no scalar": ({"lr": {(1, 2): 0.0}}, "$.table.lr.(1, 2)"),
}


@pytest.mark.parametrize(("table", "place"), WRONG.values(), ids=WRONG)
def test_a_wrong_table_is_refused_by_its_place(table: Any, place: str) -> None:
    with pytest.raises(errors.DefinitionError) as caught:
        at.Trend(table)

    assert caught.value.place == place


ELSEWHERE: dict[str, tuple[dict[str, dict[Any, float]], str]] = {
    "an unknown parameter": ({"colour": {1: 0.0}}, "$.table.colour"),
    "an unknown value": ({"bits": {2: 0, 3: 0, 4: 0, 8: 0, 16: 0}}, "$.table.bits.16"),
    "a missing value": ({"bits": {2: 0, 3: 0, 4: 0}}, "$.table.bits.8"),
    "a missing choice": ({"kernel": {"rbf": 0, "poly": 1}}, "$.table.kernel.None"),
    "a missing side": ({"bias": {True: 1.0}}, "$.table.bias.False"),
    "a number for a bool": ({"bias": {1: 1.0, 0: 0.0}}, "$.table.bias.1"),
    "out of range": ({"lr": {2.0: 1.0}}, "$.table.lr.2.0"),
    "off the grid": ({"momentum": {0.015: 1.0}}, "$.table.momentum.0.015"),
    "twice": ({"momentum": {0.01: 1.0, 0.01 + 1e-12: 2.0}}, "$.table.momentum.0.010000000001"),
}


@pytest.mark.parametrize(("table", "place"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_trend_of_another_space_is_refused_by_its_place(
    table: dict[str, dict[Any, float]], place: str
) -> None:
    with pytest.raises(errors.DefinitionError) as caught:
        at.Trend(table).on(every_kind())

    assert caught.value.place == place
