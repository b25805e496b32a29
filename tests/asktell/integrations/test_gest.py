"""The generator by the gest-api standard; libEnsemble drives it in ``test_libensemble.py``."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from gest_api import Generator
from gest_api.vocs import (
    VOCS,
    BaseConstraint,
    ContextualVariable,
    ContinuousVariable,
    DiscreteVariable,
)

import asktell as at
from asktell import errors
from asktell.integrations.gest import AskTellGenerator, TooFewPointsError

QUICK: dict[str, Any] = {"n_candidates": 64, "n_starts": 2}

MIXED = VOCS(
    variables={
        "x": [-1.0, 2.0],
        "bits": {8, 2, 4},
        "kernel": {"rbf", "poly"},
        "flag": {True, False},
        "shape": {(2, 2), (3, 1), None},
    },
    objectives={"f": "MAXIMIZE"},
    constants={"alpha": 0.55, "label": "run"},
    observables={"seconds"},
)


def evaluated(point: dict[str, Any]) -> dict[str, Any]:
    target = -((point["x"] - 0.5) ** 2) + point["bits"] / 10 + (point["kernel"] == "poly")
    return {**point, "f": np.float64(target), "seconds": np.float32(0.1)}


def as_numpy(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result as a row of a structured array gives it back."""
    kinds = {"x": np.float64, "bits": np.int64, "kernel": np.str_, "flag": np.bool_}
    kinds |= {"_id": np.int64, "f": np.float64}
    return {name: kinds.get(name, lambda value: value)(value) for name, value in result.items()}


def test_it_is_a_generator_of_the_standard() -> None:
    generator = AskTellGenerator(MIXED, seed=1)
    assert isinstance(generator, Generator)
    assert generator.returns_id
    (point,) = generator.suggest()
    assert point.keys() == {"x", "bits", "kernel", "flag", "shape", "alpha", "label", "_id"}
    assert (point["alpha"], point["label"]) == (0.55, "run")
    assert generator.finalize() is None


def test_points_go_out_and_results_come_back_in_any_order() -> None:
    generator = AskTellGenerator(MIXED, seed=1, **QUICK)
    order = random.Random(1)
    waiting: list[dict[str, Any]] = []
    seen = set()
    for _ in range(8):
        points = generator.suggest(3)
        for point in points:
            assert -1.0 <= point["x"] <= 2.0
            assert point["bits"] in {2, 4, 8}
            assert type(point["flag"]) is bool
            assert point["shape"] in {(2, 2), (3, 1), None}
            seen.add(tuple(point[name] for name in MIXED.variables))
        waiting += points
        order.shuffle(waiting)
        generator.ingest([as_numpy(evaluated(point)) for point in waiting[:3]])
        waiting = waiting[3:]
    assert len(seen) == 24
    assert len(generator.engine.observations) == 24
    assert generator.engine.best().target > 1.0


def test_minimise_and_maximise() -> None:
    for kind, best in (("MINIMIZE", 0.0), ("MAXIMIZE", 4.0)):
        vocs = VOCS(variables={"x": [-1.0, 2.0]}, objectives={"f": kind})
        generator = AskTellGenerator(vocs, seed=2)
        for _ in range(12):
            (point,) = generator.suggest(1)
            generator.ingest([{**point, "f": point["x"] ** 2}])
        assert generator.engine.best().target == pytest.approx(best, abs=0.01)


SEVERAL = VOCS(
    variables={"x": [0.0, 1.0], "n": {1, 2, 3, 4}},
    objectives={"loss": "MINIMIZE", "speed": "MAXIMIZE"},
    constraints={
        "heat": ["LESS_THAN", 3.0],
        "gain": ["GREATER_THAN", 0.25],
        "loss": ["BOUNDS", -1.0, 5.0],
    },
    observables={"seconds"},
)


def measured(point: dict[str, Any]) -> dict[str, Any]:
    x, n = point["x"], point["n"]
    return {**point, "loss": x**2, "speed": n - x, "heat": n, "gain": 1 - x, "seconds": 0.5}


def test_several_objectives_and_constraints() -> None:
    generator = AskTellGenerator(SEVERAL, seed=2, **QUICK)
    for _ in range(6):
        generator.ingest([measured(point) for point in generator.suggest(3)])
    engine = generator.engine
    assert engine.objectives == {"loss": "minimize", "speed": "maximize"}
    assert engine.constraints == {
        "heat": at.AtMost(3.0),
        "gain": at.AtLeast(0.25),
        "loss": (at.AtLeast(-1.0), at.AtMost(5.0)),
    }
    front = engine.pareto()
    assert front
    assert all(one.target["heat"] <= 3.0 and one.target["gain"] >= 0.25 for one in front)
    assert front[0].target.keys() == {"loss", "speed", "heat", "gain"}
    state = json.loads(json.dumps(generator.to_dict()))
    again = AskTellGenerator.from_dict(SEVERAL, state)
    assert again.suggest(2) == generator.suggest(2)


def test_points_without_an_outcome_have_failed() -> None:
    generator = AskTellGenerator(SEVERAL, seed=2, **QUICK)
    points = [measured(point) for point in generator.suggest(4)]
    del points[0]["heat"], points[3]["seconds"]
    generator.ingest([points[0], {**points[1], "gain": np.nan}, {**points[2], "speed": None}])
    generator.ingest([points[3]])
    reasons = [failure.reason for failure in generator.engine.failures]
    assert reasons == ["no heat", "the gain is nan", "no speed"]
    assert len(generator.engine.observations) == 1
    with pytest.raises(errors.ConflictError, match="heat"):
        generator.ingest([{**points[3], "heat": 9.0}])


def test_one_objective_and_a_constraint() -> None:
    vocs = VOCS(
        variables={"x": [0.0, 1.0]},
        objectives={"f": "MINIMIZE"},
        constraints={"c": ["GREATER_THAN", 0.5]},
    )
    generator = AskTellGenerator(vocs, seed=2)
    for _ in range(14):
        (point,) = generator.suggest(1)
        generator.ingest([{**point, "f": point["x"], "c": point["x"]}])
    best = generator.engine.best()
    assert best.feasible
    assert best.target["f"] == pytest.approx(0.5, abs=0.01)
    assert best.target.keys() == {"f", "c"}
    loose = VOCS(variables={"x": [0.0, 1.0]}, objectives={"f": "MINIMIZE"})
    with pytest.raises(errors.StateError, match=r"\$\.outcomes"):
        AskTellGenerator.from_dict(loose, generator.to_dict())


def test_points_that_it_never_made() -> None:
    generator = AskTellGenerator(MIXED, seed=1, **QUICK)
    (point,) = generator.suggest()
    other = {**point, "x": 0.125}
    del other["_id"]
    generator.ingest([evaluated(other), evaluated(point)])
    assert [observation.id for observation in generator.engine.observations] == [None, 0]
    with pytest.raises(errors.UnknownSuggestionError, match=r"\$\[0\]\._?id"):
        generator.ingest([{**evaluated(other), "_id": 99}])
    with pytest.raises(errors.ConflictError, match="x"):
        generator.ingest([{**evaluated(other), "_id": 0}])
    generator.ingest([{"_id": point["_id"], "f": evaluated(point)["f"]}])  # the id is enough


def test_failures() -> None:
    generator = AskTellGenerator(MIXED, seed=1, **QUICK)
    points = generator.suggest(4)
    generator.ingest(
        [
            {**points[0], "f": np.nan},
            {**points[1], "f": np.float64(np.inf)},
            {**points[2], "f": None},
            points[3],
        ]
    )
    assert [failure.reason for failure in generator.engine.failures] == [
        "the target is nan",
        "the target is inf",
        "no f",
        "no f",
    ]


def test_a_result_that_is_refused_keeps_all_out_and_the_rest_may_be_sent_again() -> None:
    generator = AskTellGenerator(MIXED, seed=1, **QUICK)
    first, second = generator.suggest(2)
    before = generator.to_dict()
    good, bad = evaluated(first), {**evaluated(second), "f": "high"}
    with pytest.raises(errors.TargetError, match=r"\$\[1\]\.target"):
        generator.ingest([good, bad])
    with pytest.raises(errors.ParamsError, match=r"\$\[0\]\.shape"):
        generator.ingest([{**good, "shape": (9, 9)}])
    with pytest.raises(errors.ParamsError, match=r"\$\[0\]"):
        generator.ingest([3])
    assert generator.to_dict() == before
    generator.ingest([good])
    after = generator.to_dict()
    generator.ingest([good])
    assert generator.to_dict() == after
    with pytest.raises(errors.ConflictError):
        generator.ingest([{**good, "f": 77.0}])


def test_a_finite_space_gives_each_point_once() -> None:
    vocs = VOCS(variables={"a": {1, 2, 3}, "b": {"u", "v"}}, objectives={"f": "MINIMIZE"})
    generator = AskTellGenerator(vocs, seed=1, **QUICK)
    points = generator.suggest(4)
    with pytest.raises(TooFewPointsError, match="only 2 points"):
        generator.suggest(3)
    points += generator.suggest(2)
    assert len({(point["a"], point["b"]) for point in points}) == 6
    with pytest.raises(TooFewPointsError, match="all 6"):
        generator.suggest(1)
    assert issubclass(TooFewPointsError, ValueError)
    assert issubclass(TooFewPointsError, at.SpaceExhausted)
    with pytest.raises(ValueError, match="an integer >= 1"):
        generator.suggest(0)


def test_constraints_on_variables_are_known() -> None:
    vocs = VOCS(
        variables={"x": [0.0, 1.0], "y": [0.0, 1.0], "bits": {1, 2, 4, 8}},
        objectives={"f": "MINIMIZE"},
        constraints={
            "x": ["BOUNDS", 0.25, 0.5],
            "y": ["GREATER_THAN", 0.75],
            "bits": ["LESS_THAN", 4],
            "heat": ["LESS_THAN", 0.0],
        },
    )
    generator = AskTellGenerator(vocs, seed=1, **QUICK)
    above = math.nextafter(0.75, 1.0)
    assert generator.engine.space == at.Space(
        at.Float("x", 0.25, 0.5), at.Float("y", above, 1.0), at.Ordinal("bits", [1, 2])
    )
    assert generator.engine.constraints == {"heat": at.AtMost(0.0)}
    for point in generator.suggest(12):
        assert all(vocs.constraints[name].check(point[name]) for name in ("x", "y", "bits"))
        generator.ingest([{**point, "f": point["x"], "heat": -1.0}])
    with pytest.raises(errors.ParamsError, match="bits"):
        generator.ingest([{"x": 0.3, "y": 0.8, "bits": 4, "f": 1.0, "heat": 1.0}])
    again = AskTellGenerator.from_dict(vocs, json.loads(json.dumps(generator.to_dict())))
    assert again.suggest(2) == generator.suggest(2)


def test_default_values_are_where_the_search_begins() -> None:
    vocs = VOCS(
        variables={
            "x": ContinuousVariable(domain=[0.0, 1.0], default_value=0.875),
            "bits": DiscreteVariable(values={1, 2, 4, 8}, default_value=4),
        },
        objectives={"f": "MINIMIZE"},
    )
    (point,) = AskTellGenerator(vocs, seed=1).suggest()
    assert (point["x"], point["bits"]) == (0.875, 4)
    assert type(point["bits"]) is int


def test_the_dict_goes_out_and_comes_back() -> None:
    whole = AskTellGenerator(MIXED, seed=5, **QUICK)
    parts = AskTellGenerator(MIXED, seed=5, **QUICK)
    for _ in range(12):
        state = json.loads(json.dumps(parts.to_dict()))
        parts = AskTellGenerator.from_dict(MIXED, state)
        (point,), (same,) = whole.suggest(1), parts.suggest(1)
        assert point == same
        whole.ingest([evaluated(point)])
        parts.ingest([evaluated(same)])
    assert whole.to_dict() == parts.to_dict()


def test_pending_points_of_a_run_that_is_over_are_given_out_again() -> None:
    generator = AskTellGenerator(MIXED, seed=5, **QUICK)
    points = generator.suggest(3)
    generator.ingest([evaluated(points[1])])
    resumed = AskTellGenerator.from_dict(MIXED, generator.to_dict(), lost=True)
    again = resumed.suggest(2)
    for old, new in zip([points[0], points[2]], again, strict=True):
        assert {**old, "_id": None} == {**new, "_id": None}
        assert old["_id"] != new["_id"]
    resumed.ingest([evaluated(points[0])])  # it came through after all
    assert [suggestion.id for suggestion in resumed.engine.pending] == [again[1]["_id"]]


def test_sets_have_one_order_in_every_process() -> None:
    code = """
from gest_api.vocs import VOCS
from asktell.integrations.gest import AskTellGenerator
variables = {"k": set("abcdefgh"), "t": {("a",), ("b",), ("c",)}}
vocs = VOCS(variables=variables, objectives={"f": "MINIMIZE"})
print(AskTellGenerator(vocs, seed=3).suggest(6))
"""
    outputs = set()
    for seed in ("1", "2", "3"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        outputs.add(run.stdout)
    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"objectives": {"f": "EXPLORE"}}, r"\$\.vocs\.objectives\.f"),
        ({"objectives": {}}, r"\$\.vocs\.objectives"),
        ({"constraints": {"c": ["LESS_THAN", float("inf")]}}, r"\$\.vocs\.constraints\.c"),
        ({"constraints": {"c": BaseConstraint()}}, r"\$\.vocs\.constraints\.c"),
        ({"constraints": {"x": BaseConstraint()}}, r"\$\.vocs\.constraints\.x"),
        ({"constraints": {"x": ["LESS_THAN", 0.0]}}, r"\$\.vocs\.variables\.x\.domain"),
        (
            {"variables": {"x": {1}}, "constraints": {"x": ["LESS_THAN", 1]}},
            r"\$\.vocs\.variables\.x\.values",
        ),
        (
            {"variables": {"x": {"a"}}, "constraints": {"x": ["LESS_THAN", 1]}},
            r"\$\.vocs\.variables\.x\.values",
        ),
        (
            {"variables": {"x": ContinuousVariable(domain=[0, 1], default_value=2)}},
            r"\$\.vocs\.variables\.x\.default",
        ),
        ({"variables": {"x": ContextualVariable()}}, r"\$\.vocs\.variables\.x"),
        (
            {"variables": {"x": ContinuousVariable(domain=[0, 1], dtype=(float, (2,)))}},
            r"\$\.vocs\.variables\.x\.dtype",
        ),
        (
            {"variables": {"x": ContinuousVariable(domain=[0, 1], dtype="float32")}},
            r"\$\.vocs\.variables\.x\.dtype",
        ),
        ({"variables": {"x": [0.0, float("inf")]}}, r"\$\.vocs\.variables\.x\.high"),
    ],
    ids=str,
)
def test_what_the_engine_cannot_serve_is_refused(arguments: dict[str, Any], place: str) -> None:
    defaults = {"variables": {"x": [0.0, 1.0]}, "objectives": {"f": "MINIMIZE"}}
    vocs = VOCS(**{**defaults, **arguments})
    with pytest.raises(ValueError, match=place):
        AskTellGenerator(vocs)


def test_other_refusals() -> None:
    with pytest.raises(errors.DefinitionError, match=r"\$\.vocs"):
        AskTellGenerator({"variables": {}})
    state = AskTellGenerator(MIXED).to_dict()
    with pytest.raises(errors.StateError, match=r"\$\.goal"):
        AskTellGenerator.from_dict(MIXED, {**state, "goal": "minimize"})
    other = VOCS(variables={"x": [0.0, 1.0]}, objectives={"f": "MAXIMIZE"})
    with pytest.raises(errors.StateError, match=r"\$\.space"):
        AskTellGenerator.from_dict(other, state)
