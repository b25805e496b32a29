"""When a known configuration is measured once more; and the best, where targets are noisy."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import asktell as at
from asktell.asking.evidence import dataset_of
from asktell.asking.fitting import infers_noise
from asktell.asking.know import model_of
from asktell.asking.revisit import is_noisy, worth_revisiting
from asktell.model.gp import Hyperparameters
from asktell.model.posterior import Posterior, posterior_of
from asktell.space.axes import Interval
from asktell.space.domain import Domain

LINE = at.Space(at.Float("x", 0.0, 1.0))
NOISY = at.Settings(replicates=True, revisits=True, n_initial=3)


def hill(params: dict[str, float]) -> float:
    return -((params["x"] - 0.3) ** 2)


def noise(number: int, seed: int = 0) -> float:
    return float(np.random.default_rng([seed, number]).standard_normal())


def run(engine: at.Engine, n: int, deviation: float, seed: int = 0) -> at.Engine:
    for number in range(n):
        suggestion = engine.suggest()
        engine.observe(suggestion, hill(suggestion.params) + deviation * noise(number, seed))
    return engine


def origins(engine: at.Engine) -> list[str | None]:
    return [ticket.origin for trial in engine.trials for ticket in trial.tickets]


# --- measuring once more ---


def test_noisy_targets_are_measured_once_more_where_the_settings_ask_for_it() -> None:
    engines = [
        run(at.Engine(LINE, seed=seed, settings=NOISY), 25, deviation=0.2, seed=seed)
        for seed in range(3)
    ]

    assert np.median([origins(engine).count("replicate") for engine in engines]) >= 3
    for engine in engines:
        assert max(len(trial.results) for trial in engine.trials) >= 2


def test_without_the_setting_nothing_is_suggested_twice() -> None:
    settings = at.Settings(replicates=True, n_initial=3)
    engine = run(at.Engine(LINE, seed=1, settings=settings), 25, deviation=0.2)

    assert "replicate" not in origins(engine)
    assert len(engine.trials) == 25


def test_exact_targets_are_not_measured_once_more() -> None:
    engine = run(at.Engine(LINE, seed=1, settings=NOISY), 20, deviation=0.0)

    assert "replicate" not in origins(engine)


def test_space_that_is_used_up_is_measured_once_more_instead() -> None:
    space = at.Space(at.Categorical("c", ["a", "b", "c"]))
    engine = at.Engine(space, seed=0, settings=NOISY)
    for number in range(12):
        suggestion = engine.suggest()
        engine.observe(suggestion, float(suggestion.params["c"] == "b") + noise(number))

    assert len(engine.trials) == 3
    assert origins(engine).count("replicate") == 9
    assert engine.best().params == {"c": "b"}


def test_revisits_need_replicates() -> None:
    with pytest.raises(at.errors.DefinitionError, match=r"\$\.revisits.*replicates"):
        at.Settings(revisits=True)


def test_interrupted_study_with_revisits_goes_on_as_if_it_were_not() -> None:
    engine = run(at.Engine(LINE, seed=3, settings=NOISY), 12, deviation=0.2)
    again = at.Engine.from_dict(json.loads(json.dumps(engine.to_dict())))

    first, second = (run(one, 8, 0.2, seed=5).to_dict() for one in (engine, again))

    assert first == second


def test_several_objectives_are_not_measured_once_more() -> None:
    goals = {"a": "maximize", "b": "minimize"}
    engine = at.Engine(LINE, seed=1, settings=NOISY, objectives=goals)  # type: ignore[arg-type]
    for number in range(12):
        suggestion = engine.suggest()
        x = suggestion.params["x"] + 0.3 * noise(number)
        engine.observe(suggestion, {"a": x, "b": x**2})

    assert "replicate" not in origins(engine)


def model(deviation: float) -> Posterior:
    """Return what is believed of two high targets among nine, with noise of this deviation."""
    engine = at.Engine(LINE, seed=0)
    for number in range(1, 10):
        target = {3: 1.0, 7: 0.9}.get(number, -1.0)
        engine.observe({"x": number / 10}, target)
    found = (Hyperparameters((0.1,), deviation**2),) * 3
    return posterior_of(Domain.of([Interval()]), dataset_of(engine.state), (found, ()))


def test_one_of_two_rivals_is_worth_more_than_a_place_that_promises_nothing() -> None:
    again = worth_revisiting(model(0.7), 0, np.array([0.51]))

    assert again is not None
    assert again.tolist() in ([0.3], [0.7])


def test_new_place_is_worth_more_than_what_is_known_exactly() -> None:
    assert worth_revisiting(model(0.01), 0, np.array([0.35])) is None


# --- the best ---


def test_best_of_noisy_targets_is_what_the_model_expects_most_of() -> None:
    missed = {"best": [], "best_observed": []}  # type: dict[str, list[float]]
    for seed in range(4):
        engine = at.Engine(LINE, seed=seed)
        for number, x in enumerate(np.linspace(0.0, 1.0, 40)):
            engine.observe({"x": x}, hill({"x": x}) + 0.06 * noise(number, seed))
        missed["best"].append(-hill(engine.best().params))
        missed["best_observed"].append(-hill(engine.best_observed().params))

    assert sum(missed["best"]) < 0.5 * sum(missed["best_observed"]), missed


def test_expected_target_stands_beside_the_observed_one() -> None:
    engine = run(at.Engine(LINE, seed=0), 40, deviation=0.15)

    best = engine.best()

    assert best.expected == pytest.approx(hill(best.params), abs=0.1)
    assert best.target in [one.target for one in engine.observations if one.params == best.params]
    assert engine.best_observed().expected is None
    assert engine.best_observed().target == max(one.target for one in engine.observations)


def test_best_of_exact_targets_is_the_best_that_was_observed() -> None:
    engine = run(at.Engine(LINE, seed=0), 40, deviation=0.0)

    assert engine.best() == engine.best_observed()
    assert engine.best().expected is None


def test_few_targets_do_not_tell_noise() -> None:
    engine = at.Engine(LINE, seed=0)
    for number in range(19):
        engine.observe({"x": number / 20}, noise(number))

    assert engine.best().target == max(one.target for one in engine.observations)


def test_deviations_that_were_told_tell_noise_at_once() -> None:
    engine = at.Engine(LINE, seed=0)
    for x in (0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8):
        engine.observe({"x": x}, hill({"x": x}), std=0.01)
    engine.observe({"x": 0.9}, 0.5, std=2.0)  # nothing but luck

    assert engine.best_observed().params == {"x": 0.9}
    assert engine.best().params["x"] < 0.5


def test_best_does_not_depend_on_the_order_of_arrival() -> None:
    told = [(number / 30, hill({"x": number / 30}) + 0.1 * noise(number)) for number in range(30)]
    found = []
    for order in (told, told[::-1]):
        engine = at.Engine(LINE, seed=0)
        for x, target in order:
            engine.observe({"x": x}, target)
        found.append(engine.best())

    assert found[0].params == found[1].params
    assert math.isclose(found[0].expected, found[1].expected, rel_tol=1e-6)


def test_noisy_best_holds_the_constraint_that_is_expected_to_hold() -> None:
    engine = at.Engine(LINE, seed=0, goal="maximize", constraints={"c": at.AtMost(0.5)})
    for number in range(30):
        x = number / 30
        engine.observe({"x": x}, {"target": x + 0.1 * noise(number), "c": x})

    best = engine.best()

    assert best.feasible
    assert 0.35 <= best.params["x"] <= 0.5


def test_noisy_best_holds_an_exact_constraint_as_observed() -> None:
    engine = at.Engine(LINE, seed=0, goal="maximize", constraints={"c": at.AtMost(0.4999)})
    for number in range(31):
        x = number / 30
        engine.observe({"x": x}, {"target": 3.0 * x + 0.5 * noise(number), "c": x})

    best = engine.best()

    assert best.expected is not None
    assert best.feasible
    assert best.params["x"] < 0.4999


@pytest.mark.parametrize("deviation", [0.0, 0.3])
def test_one_member_tells_whether_an_outcome_is_noisy(deviation: float) -> None:
    rng = np.random.default_rng(4)
    engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0)), seed=1)
    for x in rng.random(25):
        engine.observe({"x": x}, x + deviation * rng.normal())
    for _ in range(2):  # without a fit, and with one
        assert infers_noise(engine.state, 0) is (deviation > 0.0)
        assert is_noisy(model_of(engine.state), 0) is (deviation > 0.0)
        engine.suggest()
    exact = at.Engine(at.Space(at.Float("x", 0.0, 1.0)), seed=1)
    for x in rng.random(25):
        exact.observe({"x": x}, x + deviation * rng.normal(), std=0.0)
    assert not infers_noise(exact.state, 0)
