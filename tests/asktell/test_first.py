"""What is tried first of earlier studies, and that a study that learned goes on as any other."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import asktell as at
from asktell.asking.evidence import dataset_of, earlier_of
from asktell.asking.first import n_first, place_to_try
from asktell.space.narrowed import narrowed

SPACE = at.Space(
    at.Float("x", 0.0, 1.0),
    at.Categorical("kind", ["a", "b"]),
    at.Float("y", 0.0, 1.0, when={"kind": "b"}),
)


def loss(params: dict[str, Any], best: float = 0.3) -> float:
    other = (params["y"] - 0.6) ** 2 if params["kind"] == "b" else 0.4
    return float((params["x"] - best) ** 2 + other)


def study(n: int = 12, seed: int = 1, best: float = 0.3, **options: Any) -> at.Engine:
    engine = at.Engine(SPACE, seed=seed, goal="minimize", **options)
    for _ in range(n):
        suggestion = engine.suggest()
        engine.observe(suggestion, loss(suggestion.params, best))
    return engine


def learned(*earlier: at.Engine, **options: Any) -> at.Engine:
    engine = at.Engine(SPACE, seed=3, goal="minimize", **options)
    for one in earlier:
        engine.learn_from(one.state)
    return engine


def further(engine: at.Engine, n: int) -> list[dict[str, Any]]:
    tried = []
    for _ in range(n):
        suggestion = engine.suggest()
        engine.observe(suggestion, loss(suggestion.params))
        tried.append(suggestion.params)
    return tried


def test_the_best_of_an_earlier_study_is_tried_first() -> None:
    earlier = study()
    engine = learned(earlier)

    first, second, third = (one.params for one in engine.suggest_batch(3))

    observed = [one.params for one in earlier.observations]
    assert first == earlier.best().params
    assert second == learned().suggest().params  # the first of the design
    assert third in observed
    assert third != first


def test_model_is_asked_sooner_while_the_best_is_of_an_earlier_study() -> None:
    engine = learned(study())

    further(engine, 3)

    assert n_first(engine.state) == 3
    assert engine.suggest().origin == "model"


def test_initial_design_is_made_whole_where_an_earlier_study_misleads() -> None:
    engine = learned(study())

    for _ in range(5):
        suggestion = engine.suggest()
        assert suggestion.origin == "initial"
        engine.observe(suggestion, -loss(suggestion.params))
    assert n_first(engine.state) == 5
    assert engine.suggest().origin == "model"


def test_short_initial_design_stays_short() -> None:
    engine = learned(study(), settings=at.Settings(n_initial=1))

    further(engine, 1)

    assert engine.suggest().origin == "model"


def test_every_earlier_study_has_its_turn() -> None:
    several = [study(8, seed, best) for seed, best in ((1, 0.1), (2, 0.9), (3, 0.5))]
    engine = learned(*several)

    tried = [one.params for one in engine.suggest_batch(4)]

    assert [tried[0], tried[2], tried[3]] == [one.best().params for one in several]


def test_what_is_taken_is_not_tried_again() -> None:
    earlier = study()
    best = earlier.best().params
    engine = learned(earlier)
    engine.observe(best, 0.5)

    assert all(one.params != best for one in engine.suggest_batch(4))


def test_what_is_fixed_is_kept() -> None:
    engine = learned(study())

    for suggestion in engine.suggest_batch(4, fixed={"kind": "a"}):
        assert suggestion.params["kind"] == "a"
        assert "y" not in suggestion.params


def test_nothing_is_tried_of_studies_that_did_not_measure_the_objective() -> None:
    other = at.Engine(SPACE, objectives={"size": "minimize"})
    other.observe({"x": 0.5, "kind": "a"}, {"size": 3.0})
    engine = at.Engine(
        SPACE, objectives={"loss": "minimize"}, constraints={"size": at.AtMost(5.0)}, seed=3
    )
    engine.learn_from(other.state)

    assert place_to_try(engine.state, narrowed(SPACE, None)) is None
    for _ in range(7):
        suggestion = engine.suggest()
        numbers = {"loss": loss(suggestion.params), "size": 4.0 + suggestion.params["x"]}
        engine.observe(suggestion, numbers)
    assert suggestion.origin == "model"
    assert earlier_of(engine.state)[0].uses == ("given", "bound")


def test_a_study_that_learned_goes_on_as_if_never_interrupted() -> None:
    engine = learned(study(), study(6, 2))
    other = at.Engine.from_dict(json.loads(json.dumps(engine.to_dict())))

    for _ in range(8):
        (one,) = further(engine, 1)
        assert further(other, 1) == [one]
        other = at.Engine.from_dict(json.loads(json.dumps(other.to_dict())))
    assert engine.state == other.state
    assert len(engine.state.fit.earlier) == 2


def test_order_of_the_earlier_results_does_not_matter() -> None:
    rows = [(one.params, one.target) for one in study().observations]
    tried = []
    for order in (rows, rows[::-1]):
        earlier = at.Engine(SPACE, goal="minimize")
        for params, target in order:
            earlier.observe(params, target)
        tried.append(further(learned(earlier), 6))

    assert tried[0] == tried[1]


def test_learning_midway_searches_for_hyper_parameters_anew() -> None:
    engine = study(6, 4)
    engine.suggest()
    assert engine.state.fit.earlier == ()

    engine.learn_from(study().state)
    engine.suggest()

    assert len(engine.state.fit.earlier) == 1


def test_predictions_and_the_best_are_in_the_unit_of_this_study() -> None:
    earlier = at.Engine(SPACE, goal="minimize")
    for one in study(20).observations:
        earlier.observe(one.params, 1000.0 * one.target - 70.0)
    engine = learned(earlier)
    further(engine, 10)

    params = {"x": 0.4, "kind": "b", "y": 0.5}
    (mean,), (deviation,) = engine.predict([params])["target"]

    assert abs(mean - loss(params)) < max(0.05, 3.0 * deviation)
    assert engine.best().target == min(one.target for one in engine.observations)


@pytest.mark.parametrize("told", [1, 25])
def test_noise_is_told_apart_with_earlier_studies_too(told: int) -> None:
    engine = learned(study(), settings=at.Settings(replicates=True))
    random = np.random.default_rng(0)
    for _ in range(told):
        suggestion = engine.suggest()
        engine.observe(suggestion, loss(suggestion.params) + 0.3 * random.standard_normal())

    assert engine.best().params in [one.params for one in engine.observations]


def test_failures_several_objectives_and_pending_trials_go_on() -> None:
    def numbers(params: dict[str, Any]) -> dict[str, float]:
        return {"loss": loss(params), "cost": params["x"]}

    earlier = at.Engine(SPACE, objectives={"loss": "minimize", "cost": "minimize"}, seed=1)
    for one in earlier.suggest_batch(9):
        earlier.observe(one, numbers(one.params))
    engine = at.Engine(SPACE, objectives={"loss": "minimize", "cost": "minimize"}, seed=2)
    engine.learn_from(earlier.state)

    for turn in range(9):
        suggestion, _ = engine.suggest_batch(2)
        if turn % 3 == 1:
            engine.fail(suggestion, reason="none")
        else:
            engine.observe(suggestion, numbers(suggestion.params))

    assert {one.origin for one in engine.pending} <= {"initial", "model"}
    assert engine.pending[-1].origin == "model"
    assert engine.pareto()


def test_points_of_an_earlier_study_are_bounded_in_number() -> None:
    random = np.random.default_rng(0)
    earlier = at.Engine(SPACE, goal="minimize")
    for x in random.random(400):
        params = {"x": float(x), "kind": "a"}
        earlier.observe(params, loss(params))
    engine = learned(earlier)
    further(engine, 1)

    (data,) = dataset_of(engine.state).earlier

    assert len(data.points) == 150
    assert data.targets[data.order[0], 0] == -earlier.best().target


def test_a_second_place_is_not_tried_where_the_first_misled() -> None:
    engine, designed = learned(study()), [one.params for one in learned().suggest_batch(4)]
    tried = []

    for _ in range(5):
        suggestion = engine.suggest()
        engine.observe(suggestion, -loss(suggestion.params))
        tried.append(suggestion.params)

    assert tried[1:] == designed


def test_the_design_begins_at_its_first_point_after_places_of_earlier_studies() -> None:
    earlier = at.Engine(SPACE, goal="minimize")
    for x in (0.11, 0.47, 0.93):
        earlier.observe({"x": x, "kind": "a"}, loss({"x": x, "kind": "a"}))
    engine, plain = learned(earlier), learned()

    tried = [one.params for one in engine.suggest_batch(5)]

    designed = [tried[1], *tried[3:]]
    assert designed == [one.params for one in plain.suggest_batch(3)]
