"""Histories that are corrupt, or of something else, are refused with the place."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from fakes import (
    DEFAULT,
    FakeAdaptor,
    Kind,
    conf,
    make,
    plain,
)

from strategies import BayesianTuneStrategy, Conf
from strategies.errors import ResumeError
from strategies.history import SCHEMA
from strategies.workspace import STRATEGIES


@pytest.fixture(scope="module")
def history() -> dict[str, Any]:
    """Return the dicts of a Bayesian run: one failed trial, and two others."""
    adaptor = FakeAdaptor({DEFAULT: lambda: math.nan})
    strategy = make(BayesianTuneStrategy, adaptor)
    for _, _trial in zip(range(3), strategy.run(), strict=False):
        pass
    return plain(strategy.dicts)


class Deleted:
    def __repr__(self) -> str:
        return "deleted"


DELETED = Deleted()


def refused(dicts: Any, configuration: Conf | None = None, **options: Any) -> ResumeError:
    adaptor = FakeAdaptor(**options)
    with pytest.raises(ResumeError) as caught:
        make(BayesianTuneStrategy, adaptor, configuration, dicts)
    assert isinstance(caught.value, ValueError)
    assert adaptor.evaluated == []
    return caught.value


def changed(history: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    dicts = copy.deepcopy(history)
    inner: Any = dicts
    for step in path[:-1]:
        inner = inner[step]
    if value is DELETED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return dicts


def test_the_history_that_is_corrupted_below_is_sound(history: dict[str, Any]) -> None:
    strategy = make(BayesianTuneStrategy, FakeAdaptor(), dicts=history)
    assert [trial.failure is None for trial in strategy.trials] == [False, True, True]


@pytest.mark.parametrize("dicts", [[], "dicts", 1], ids=repr)
def test_what_are_no_dicts_are_refused(dicts: Any) -> None:
    assert refused(dicts).place == "$.dicts"


@pytest.mark.parametrize(
    ("dicts", "place"),
    [
        ({}, "$.dicts.schema"),
        ({"schema": 1}, "$.dicts.strategy"),
        ({"schema": 2}, "$.dicts.strategy"),
        ({"schema": 3}, "$.dicts.strategy"),
    ],
)
def test_the_first_missing_key_is_named(dicts: Any, place: str) -> None:
    assert refused(dicts).place == place


@pytest.mark.parametrize(
    "key", ["schema", "strategy", "engine", "baseline", "trials", "seconds", "knowledge"]
)
def test_a_missing_key_is_refused(history: dict[str, Any], key: str) -> None:
    assert key in str(refused(changed(history, (key,), DELETED)))


def test_an_unknown_key_is_refused(history: dict[str, Any]) -> None:
    assert refused({**history, "extra": 1}).place.startswith("$.dicts")


@pytest.mark.parametrize("schema", [0, SCHEMA + 1, "1", True, None])
def test_another_schema_is_refused(history: dict[str, Any], schema: Any) -> None:
    assert refused({**history, "schema": schema}).place == "$.dicts.schema"


def test_dicts_of_another_strategy_are_refused(kind: Kind) -> None:
    dicts = make(kind, FakeAdaptor()).dicts
    for other in STRATEGIES.values():
        if other is not kind:
            with pytest.raises(ResumeError) as caught:
                make(other, FakeAdaptor(), dicts=dicts)
            assert caught.value.place == "$.dicts.strategy"
            assert repr(other.policy.name) in str(caught.value)


def test_dicts_of_another_model_or_space_are_refused(history: dict[str, Any]) -> None:
    place = "$.dicts.engine.space"
    assert refused(history, options=("tensor", "fp32")).place == place
    assert refused(history, algorithms=("minmax", "entropy")).place == place
    fewer = conf(quantization={"calibration": {"sampling_size": [50, 101]}})
    assert refused(history, fewer).place == place
    limited = conf(quantization={"model_wise": {"weight": {"granularity": "per_tensor"}}})
    assert refused(history, limited).place == place


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("engine", "seed"), -1, "$.dicts.engine.seed"),
        (
            ("engine", "events", 0, "outcomes", "target"),
            "high",
            "$.dicts.engine.events[0].outcomes.target",
        ),
        (("engine", "schema"), 99, "$.dicts.engine.schema"),
        (("engine", "outcomes", 0, "role"), "win", "$.dicts.engine.outcomes[0].role"),
        (("engine",), None, "$.dicts.engine"),
        (("engine", "extra"), 1, "$.dicts.engine.extra"),
    ],
)
def test_a_corrupt_engine_is_refused_with_its_place(
    history: dict[str, Any], path: tuple[str | int, ...], value: Any, place: str
) -> None:
    assert refused(changed(history, path, value)).place == place


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("baseline", "accuracy"), DELETED),
        (("baseline", "extra"), 1),
        (("baseline",), 5),
        (("baseline",), "x"),
        (("trials",), None),
        (("trials", 0), None),
        (("trials", 0, "number"), DELETED),
        (("trials", 1, "measurement", "values"), DELETED),
        (("trials", 1, "measurement"), 0.9),
        (("trials", 0, "extra"), 1),
        (("seconds",), None),
        (("seconds",), "soon"),
    ],
    ids=str,
)
def test_a_corrupt_history_is_refused(
    history: dict[str, Any], path: tuple[str | int, ...], value: Any
) -> None:
    assert refused(changed(history, path, value)).place.startswith("$.dicts")


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("baseline",), 0, "$.dicts.baseline"),
        (("baseline",), None, "$.dicts.baseline"),  # there are trials
        (("baseline", "accuracy"), "high", "$.dicts.baseline.accuracy"),
        (("baseline", "accuracy"), math.nan, "$.dicts.baseline.accuracy"),
        (("baseline", "accuracy"), None, "$.dicts.baseline.accuracy"),
        (("baseline", "values"), None, "$.dicts.baseline.values"),
        (("baseline", "values"), {}, "$.dicts.baseline.values"),
        (("baseline", "values", "modelsize"), "big", "$.dicts.baseline.values.modelsize"),
        (("trials",), {}, "$.dicts.trials"),
        (("trials", 1, "number"), 7, "$.dicts.trials[1].number"),
        (("trials", 1, "params"), {}, "$.dicts.trials[1].params.block (Conv)"),
        (("trials", 1, "params", "block (Conv)"), "int3", "$.dicts.trials[1].params.block (Conv)"),
        (("trials", 1, "measurement"), None, "$.dicts.trials[1]"),  # and no failure
        (("trials", 1, "measurement", "accuracy"), "x", "$.dicts.trials[1].measurement.accuracy"),
        (("trials", 1, "measurement", "values"), {}, "$.dicts.trials[1].measurement.values"),
        (("trials", 1, "failure"), "both", "$.dicts.trials[1]"),
        (("trials", 0, "failure"), 5, "$.dicts.trials[0].failure"),
        (("trials", 1, "meets"), "yes", "$.dicts.trials[1].meets"),
        (("trials", 1, "seconds"), None, "$.dicts.trials[1].seconds"),
        (("seconds",), math.nan, "$.dicts.seconds"),
        (("seconds",), "1", "$.dicts.seconds"),
        (("seconds",), -1, "$.dicts.seconds"),
        (("schema",), True, "$.dicts.schema"),
        (("engine", "goal"), "minimize", "$.dicts.engine.goal"),
        (("seconds",), DELETED, "$.dicts.seconds"),
    ],
    ids=str,
)
def test_a_corrupt_field_is_refused_with_its_place(
    history: dict[str, Any], path: tuple[str | int, ...], value: Any, place: str
) -> None:
    assert refused(changed(history, path, value)).place == place


@pytest.mark.parametrize(
    "tuning",
    [
        {"objective": "accuracy"},
        {"accuracy_criterion": {"relative": 0.5}},
        {"accuracy_criterion": {"higher_is_better": False}},
    ],
    ids=str,
)
def test_dicts_of_another_goal_are_refused(history: dict[str, Any], tuning: dict[str, Any]) -> None:
    refused(history, conf(tuning))


def test_dicts_without_accuracies_are_refused_where_accuracy_counts(kind: Kind) -> None:
    for saved, wanted in ((True, False), (False, True)):
        strategy = make(kind, FakeAdaptor(), conf(performance_only=saved, max_trials=2))
        strategy.traverse()
        with pytest.raises(ResumeError) as caught:
            make(kind, FakeAdaptor(), conf(performance_only=wanted), plain(strategy.dicts))
        assert caught.value.place == "$.dicts.baseline.accuracy"
