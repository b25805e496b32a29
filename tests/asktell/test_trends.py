"""Trends in a study: what they save, and that they change nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spaces import QUICK, every_kind, tree

import asktell as at
from asktell import errors
from asktell.drivers import optimize
from asktell.store import Store

DIM, LEVELS = 8, 6
SPACE = at.Space(*[at.Ordinal(f"op{i}", list(range(LEVELS))) for i in range(DIM)])
HARM = np.sort(np.random.default_rng(5).gamma(0.7, size=(DIM, LEVELS)), axis=1)
HARM[:, 0] = 0.0
SAVED = np.random.default_rng(6).gamma(2.0, size=DIM)
FULL: dict[str, Any] = {f"op{i}": 0 for i in range(DIM)}
WANTED: dict[str, Any] = {
    "objectives": {"size": "minimize"},
    "constraints": {"accuracy": at.AtLeast(-3.0)},
}


def levels(params: Mapping[str, Any]) -> np.ndarray:
    return np.array([params[f"op{i}"] for i in range(DIM)])


def size(params: Mapping[str, Any]) -> float:
    return float(100.0 - SAVED @ levels(params))


def accuracy(params: Mapping[str, Any]) -> float:
    harm = HARM[np.arange(DIM), levels(params)]
    return -float(harm.sum() + 0.5 * np.sqrt(harm[:-1] * harm[1:]).sum())


def target(params: Mapping[str, Any]) -> dict[str, float]:
    return {"size": size(params), "accuracy": accuracy(params)}


def trend(factor: float = 1.0, harm: np.ndarray = HARM) -> at.Trend:
    table = {f"op{i}": {j: factor * -harm[i, j] for j in range(LEVELS)} for i in range(DIM)}
    return at.Trend(table)


def engine_of(space: at.Space = SPACE, **wanted: Any) -> at.Engine:
    return at.Engine(space, seed=4, settings=QUICK, **(wanted or WANTED))


def run(n: int, trends: Mapping[str, at.Trend] | None, engine: at.Engine | None = None) -> float:
    """Return the best size after n trials, the first of which is full."""
    engine = engine or engine_of()
    engine.observe(FULL, target(FULL))
    for _ in range(n - 1):
        suggestion = engine.suggest(known={"size": size}, trends=trends)
        engine.observe(suggestion, target(suggestion.params))
    return float(engine.best_observed().target["size"])


# --- what it saves ---


def test_a_right_trend_finds_in_few_trials_what_takes_many_without() -> None:
    assert run(8, {"accuracy": trend()}) < run(16, None)


def test_units_of_a_trend_do_not_matter() -> None:
    best = {run(6, {"accuracy": trend(factor)}) for factor in (1.0, 1024.0, 2.0**-40)}

    assert len(best) == 1


def test_a_misleading_trend_costs_little() -> None:
    wrong = np.random.default_rng(0).permutation(HARM.ravel()).reshape(HARM.shape)

    assert run(20, {"accuracy": trend(harm=wrong)}) <= run(15, None)


@pytest.mark.parametrize(("goal", "sign"), [("maximize", 1.0), ("minimize", -1.0)])
def test_where_the_trend_is_greater_the_outcome_is_expected_to_be(goal: Any, sign: float) -> None:
    said = at.Trend({f"op{i}": {j: float(j) for j in range(LEVELS)} for i in range(DIM)})
    engine = engine_of(objectives={"value": goal})

    suggestions = []
    for _ in range(2):
        suggestions.append(engine.suggest(trends={"value": said}).params)
        engine.observe(suggestions[-1], {"value": float(sum(suggestions[-1].values()))})

    top = LEVELS - 1 if sign > 0 else 0
    assert suggestions[0] == {f"op{i}": top for i in range(DIM)}
    assert abs(levels(suggestions[1]) - top).sum() < DIM


def test_the_first_suggestion_is_what_the_trend_says_most_of() -> None:
    engine = engine_of()

    first = engine.suggest(known={"size": size}, trends={"accuracy": trend()})

    assert first.params == FULL
    assert first.origin == "initial"


def test_of_what_the_trend_does_not_name_the_first_is_where_a_search_begins() -> None:
    said = at.Trend({"bias": {True: 1.0, False: 0.0}, "lr": {0.1: 1.0, 1e-3: 0.0, 0.9: 0.0}})
    plain = engine_of(every_kind(), goal="maximize").suggest().params

    first = engine_of(every_kind(), goal="maximize").suggest(trends={"target": said}).params

    assert first["lr"] == pytest.approx(0.1, rel=0.05)
    assert {**first, "lr": plain["lr"]} == {**plain, "bias": True}


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [(at.AtLeast(1.0), True), (at.AtMost(1.0), False), ([at.AtLeast(0.0), at.AtMost(1.0)], None)],
)
def test_towards_a_bound_is_where_the_first_goes(bounds: Any, expected: bool | None) -> None:
    said = {"heat": at.Trend({"bias": {True: 1.0, False: 0.0}})}
    engine = engine_of(every_kind(), goal="maximize", constraints={"heat": bounds})
    plain = engine_of(every_kind(), goal="maximize").suggest().params

    first = engine.suggest(trends=said).params

    assert first["bias"] is (plain["bias"] if expected is None else expected)


def test_the_model_is_asked_at_once_where_every_outcome_is_spoken_of() -> None:
    engine = engine_of()
    engine.observe(FULL, target(FULL))
    state = engine.state

    def origin(**said: Any) -> str:
        _, (suggestion,) = at.suggest(state, **said)
        return suggestion.origin

    accurate = {"accuracy": trend()}
    assert origin(trends=accurate, known={"size": size}) == "model"
    assert origin(trends={**accurate, "size": trend(-1.0)}) == "model"
    assert origin(trends=accurate) == "initial"
    assert origin(known={"size": size}) == "initial"
    assert origin(known={"size": size}, trends={}) == "initial"


# --- exact and repeatable ---


def test_interrupted_equals_uninterrupted() -> None:
    said: Any = {"known": {"size": size}, "trends": {"accuracy": trend()}}
    whole, parts = engine_of(), engine_of()
    for _ in range(7):
        parts = at.Engine.from_dict(json.loads(json.dumps(parts.to_dict())))
        for engine in (whole, parts):
            suggestion = engine.suggest(**said)
            engine.observe(suggestion, target(suggestion.params))

    assert parts.to_dict() == whole.to_dict()
    assert "Trend" not in json.dumps(whole.to_dict())


@pytest.mark.parametrize(
    "trends",
    [{}, {"size": trend()}, {"accuracy": at.Trend({"op0": dict.fromkeys(range(LEVELS), 0.0)})}],
)
def test_what_says_nothing_changes_nothing(trends: Any) -> None:
    engine = engine_of()
    for seed in range(6):
        params = dict(
            zip(FULL, np.random.default_rng(seed).integers(0, LEVELS, DIM).tolist(), strict=True)
        )
        engine.observe(params, target(params))

    plain = at.suggest(engine.state, 2, known={"size": size})[1]

    assert at.suggest(engine.state, 2, known={"size": size}, trends=trends)[1] == plain


def test_who_is_not_told_the_trend_has_a_model_of_their_own() -> None:
    engine = engine_of()
    run(12, {"accuracy": trend()}, engine)
    fresh = engine_of()
    for one in engine.observations:
        fresh.observe(one.params, one.target)

    assert engine.state.fit is not None
    for mine, theirs in zip(
        engine.predict([FULL])["accuracy"], fresh.predict([FULL])["accuracy"], strict=True
    ):
        assert mine == pytest.approx(theirs)
    assert engine.suggest(known={"size": size}).origin == "model"
    assert engine.suggest(known={"size": size}, trends={"accuracy": trend()}).origin == "model"


def test_a_trend_and_an_earlier_study_are_believed_together() -> None:
    earlier, engine = engine_of(), engine_of()
    run(10, None, earlier)
    engine.learn_from(earlier)

    best = run(8, {"accuracy": trend()}, engine)

    assert best < size(FULL)
    assert {trial.origin for trial in engine.trials} >= {"model"}


def test_batches_conditions_fixed_values_and_failures_go_along() -> None:
    said = {"target": at.Trend({"model": {"svm": 0.0, "forest": 1.0, "mlp": 2.0}, "C": {1.0: 1.0}})}
    engine = engine_of(tree(), goal="maximize")
    assert engine.suggest(trends=said).params["model"] == "mlp"
    for step in range(3):
        for suggestion in engine.suggest_batch(3, trends=said, fixed={"bias": True}):
            assert suggestion.params["bias"] is True
            if step == 1:
                engine.fail(suggestion)
            else:
                engine.observe(suggestion, float(len(suggestion.params)))


def test_a_trend_may_tell_apart_only_what_is_active() -> None:
    said = {"target": at.Trend({"C": {1.0: 1.0}})}
    engine = engine_of(tree(), goal="maximize")

    models = []
    for _ in range(4):
        suggestion = engine.suggest(trends=said)
        models.append(suggestion.params["model"])
        engine.observe(suggestion, float(suggestion.params["model"] == "svm"))

    assert models[0] == "svm"
    assert [trial.origin for trial in engine.trials] == ["initial", "model", "model", "model"]


def test_stores_and_drivers_take_trends(tmp_path: Path) -> None:
    engine = engine_of()
    engine.observe(FULL, target(FULL))
    store = Store(tmp_path / "study.json")
    store.create(engine.state)
    said: Any = {"known": {"size": size}, "trends": {"accuracy": trend()}}

    assert store.suggest(2, **said) == engine.suggest_batch(2, **said)
    assert store.read() == engine.state

    driven, by_hand = engine_of(), engine_of()
    optimize(driven, target, 5, progress=False, **said)
    for _ in range(5):
        suggestion = by_hand.suggest(**said)
        by_hand.observe(suggestion, target(suggestion.params))
    assert [one.params for one in driven.trials] == [one.params for one in by_hand.trials]


# --- what is refused ---

WRONG: dict[str, tuple[Any, str]] = {
    "no mapping": ([trend()], "$.trends"),
    "a trend": (trend(), "$.trends"),
    "an unknown outcome": ({"colour": trend()}, "$.trends.colour"),
    "a function": ({"accuracy": size}, "$.trends.accuracy"),
    "another space": ({"accuracy": at.Trend({"x": {1: 0.0}})}, "$.trends.accuracy.table.x"),
    "a missing value": ({"size": at.Trend({"op0": {1: 0.0}})}, "$.trends.size.table.op0.0"),
}


@pytest.mark.parametrize(("trends", "place"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused_by_its_place(trends: Any, place: str) -> None:
    engine = engine_of()
    before = engine.state

    with pytest.raises(errors.DefinitionError) as caught:
        engine.suggest(trends=trends)

    assert caught.value.place == place
    assert engine.state is before
