"""Importance, on functions whose indices are known, after trials that sought the optimum."""

from __future__ import annotations

import math

import functions_known as known
import numpy as np
import pytest
from looked_at import bounded, branched, one_trial, plain, several, told
from scipy.stats import spearmanr

import asktell as at
from asktell import insight
from asktell.model.gp import Noise, condition

GOALS = {"linear": "minimize", "mixed": "minimize", "g": "maximize"}


def tuned(function: known.Known, n: int = 60, seed: int = 0) -> at.Engine:
    settings = at.Settings(n_candidates=64, n_starts=2)
    engine = at.Engine(function.space, seed, GOALS[function.name], settings)  # type: ignore[arg-type]
    for _ in range(n):
        suggestion = engine.suggest()
        point = known.uniform_of(function.space, suggestion.params)
        engine.observe(suggestion, float(function.of(point)[0]))
    return engine


@pytest.mark.parametrize(
    "function", [known.LINEAR, known.MIXED, known.G_FUNCTION], ids=lambda one: one.name
)
def test_parameters_are_ranked_right_after_sixty_trials(function: known.Known) -> None:
    found = insight.importance(tuned(function))
    assert spearmanr(found.total, function.total)[0] > 0.9
    assert found.names == function.space.names
    assert found.order[-1] == np.argmin(function.total)
    assert found.unexplained < 0.5


def test_a_sum_has_the_indices_of_its_parts() -> None:
    found = insight.importance(plain())
    share = 16.0 / 17.0
    assert found.total == pytest.approx([share, 1.0 - share, 0.0], abs=0.03)
    assert found.first == pytest.approx([share, 1.0 - share, 0.0], abs=0.03)
    assert (np.abs(found.total - [share, 1.0 - share, 0.0]) <= 4.0 * found.total_errors).all()


def test_errors_shrink_as_trials_come() -> None:
    few, many = (insight.importance(plain(n)) for n in (6, 40))
    assert many.total_errors.sum() < 0.5 * few.total_errors.sum()


def test_the_same_study_gives_the_same_numbers() -> None:
    one, other = (insight.importance(told()) for _ in range(2))
    assert np.array_equal(one.total, other.total)
    assert np.array_equal(one.first_errors, other.first_errors)


def test_noise_is_what_no_parameter_explains() -> None:
    random = np.random.default_rng(0)
    engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0)))
    for x in random.random(30).tolist():
        engine.observe({"x": x}, float(random.standard_normal()))
    assert insight.importance(engine).unexplained > 0.8
    assert insight.importance(plain()).unexplained < 0.05


def test_equal_observations_tell_nothing_apart() -> None:
    found = insight.importance(one_trial())
    assert found.total.tolist() == [0.0, 0.0]
    assert math.isnan(found.unexplained)


def test_each_outcome_has_an_importance_of_its_own() -> None:
    size, accuracy = (insight.importance(several(), name) for name in ("size", "accuracy"))
    assert (size.outcome, accuracy.outcome) == ("size", "accuracy")
    assert size.total[0] > 0.95
    assert accuracy.total[1] > size.total[1]


# --- left out ---


def test_what_is_left_out_is_expected_right_where_the_model_is_good() -> None:
    engine = plain()
    found = insight.left_out(engine)
    targets = {one.id: one.target for one in engine.observations}
    assert len(targets) == 1  # told by params alone
    observed = dict(zip(found.trials.tolist(), found.observed.tolist(), strict=True))
    assert observed == {trial.number: trial.target for trial in engine.trials}
    assert found.seen == pytest.approx(found.observed)
    assert found.explained > 0.99
    assert np.abs(found.expected - found.observed).max() < 0.5
    assert (found.within_1, found.within_2) >= (0.5, 0.8)
    assert (found.deviations > 0.0).all()
    assert found.stretch > 0.0


def test_leaving_a_point_out_is_leaving_it_out() -> None:
    engine = plain(8)
    process = insight.fitted(engine).models[0].process
    found = insight.left_out(engine)
    place = 3
    rest = np.arange(8) != place
    fewer = condition(
        process.embedding,
        process.hyperparameters,
        process.points[rest],
        process.targets[:, rest],
        Noise(np.ones(7), np.full((1, 7), np.nan)),
    )
    mean = np.asarray(fewer.predict(process.points[[place]]))[0, 0]
    scale = np.ptp(found.seen) / np.ptp(process.targets[0])
    expected = found.seen[place] + (process.targets[0, place] - mean) * scale  # it is minimised
    assert found.expected[place] == pytest.approx(expected)


def test_of_equal_observations_nothing_is_explained() -> None:
    found = insight.left_out(one_trial())
    assert math.isnan(found.explained)
    assert found.expected.tolist() == [0.5]


def test_what_is_far_off_is_seen_nearer() -> None:
    engine = plain()
    engine.observe({"x": 1.0, "y": 1.0, "z": 1.0}, 1e12)
    found = insight.left_out(engine)
    assert found.observed.max() == 1e12
    assert found.seen.max() < 100.0
    assert found.trials[np.argmax(found.seen)] == 25


# --- conditions and constraints ---


def test_a_parameter_counts_where_it_is_active() -> None:
    space = at.Space(
        at.Categorical("model", ["a", "b", "c"]),
        at.Float("x", 0.0, 1.0, when={"model": "a"}),
        at.Float("z", 0.0, 1.0),
    )
    engine = at.Engine(space, goal="minimize")
    for x, z in np.random.default_rng(0).random((30, 2)).tolist():
        engine.observe({"model": "a", "x": x, "z": z}, x)
        engine.observe({"model": "bc"[len(engine.trials) % 4 == 1], "z": z}, 0.5)
    found = insight.importance(engine)
    assert found.active == pytest.approx([1.0, 1.0 / 3.0, 1.0], abs=0.02)
    # f is x in a third of the space, else 1/2: all of the variance is that of x there, of which a
    # third stays where the model is not known
    assert found.total == pytest.approx([2.0 / 3.0, 1.0, 0.0], abs=0.07)
    assert found.first == pytest.approx([0.0, 1.0 / 3.0, 0.0], abs=0.07)
    assert found.within == pytest.approx([2.0 / 3.0, 1.0, 0.0], abs=0.07)


def test_without_conditions_a_parameter_is_active_everywhere() -> None:
    for study in (plain(), bounded()):
        found = insight.importance(study)
        assert (found.active == 1.0).all()
        assert np.array_equal(found.within, found.total)


def test_a_parameter_that_is_hardly_ever_active_is_no_fault() -> None:
    chain = [at.Int("n0", 1, 30)]
    chain += [at.Int(f"n{i}", 1, 30, when={f"n{i - 1}": 1}) for i in range(1, 4)]
    engine = at.Engine(at.Space(*chain))
    for n in range(1, 20):
        engine.observe({"n0": 1, "n1": n} if n > 1 else {"n0": 1, "n1": 1, "n2": 5}, float(n))
    found = insight.importance(engine)
    assert found.active[-1] == 0.0
    assert found.total[-1] == 0.0
    assert math.isnan(found.within[-1])


def test_constraints_and_conditions_rank_parameters_as_they_are() -> None:
    found = insight.importance(bounded())
    assert [found.names[i] for i in found.order[:2]] == ["x1", "x2"]
    found = insight.importance(branched())
    assert found.names[found.order[0]] == "model"
    assert np.isfinite(found.total).all()
