"""What a user believes of good values: its density, how far it is trusted, and what it does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asktell as at
from asktell.acquisition.belief import Belief, belief_of, believed
from asktell.space.absent import NOWHERE

EXAMPLES = settings(deadline=None, max_examples=40)

SPACE = at.Space(
    at.Float("lr", 1e-6, 1.0, log=True, likely=[1e-3, 1e-2]),
    at.Categorical("optimiser", ["sgd", "adam", "rms"], likely="adam"),
    at.Int("depth", 1, 12, likely=3, when={"optimiser": ["sgd", "adam"]}),
    at.Float("free", 0.0, 1.0),
)
PLAIN = at.Space(at.Float("x", 0.0, 1.0, likely=0.3), at.Float("y", 0.0, 1.0))


def points_of(*params: dict[str, object]) -> np.ndarray:
    return SPACE.encode([SPACE.check(one) for one in params])


def test_likely_values_have_the_greatest_density() -> None:
    right = {"lr": 1e-3, "optimiser": "adam", "depth": 3, "free": 0.1}
    points = points_of(
        right, {**right, "lr": 0.5}, {**right, "optimiser": "sgd"}, {**right, "depth": 12}
    )

    scores = Belief(SPACE.domain, 1.0).score(points)

    assert np.argmax(scores) == 0
    assert np.all(scores[1:] < scores[0] - 0.5)


def test_what_nobody_has_a_belief_about_and_what_is_not_active_adds_nothing() -> None:
    right = {"lr": 1e-3, "optimiser": "adam", "depth": 3, "free": 0.1}
    without = {"lr": 1e-3, "optimiser": "rms", "free": 0.1}
    first, other, absent = Belief(SPACE.domain, 1.0).score(
        points_of(right, {**right, "free": 0.9}, without)
    )

    assert first == other
    assert absent == pytest.approx(first + np.log(0.1), abs=1e-3)


@EXAMPLES
@given(seed=st.integers(0, 2**32), power=st.floats(0.1, 10.0))
def test_gradients_are_those_of_differences(seed: int, power: float) -> None:
    points = SPACE.domain.sample(np.random.default_rng(seed).random((6, SPACE.dim)))
    belief = Belief(SPACE.domain, power)

    _, gradients = belief.with_gradient(points)

    moved = points.copy()
    moved[:, 0] += 1e-6
    slope = (belief.score(moved) - belief.score(points)) / 1e-6
    np.testing.assert_allclose(gradients[:, 0], slope, rtol=1e-3, atol=1e-3)
    assert np.all(gradients[points == NOWHERE] == 0.0)
    assert np.all(gradients[:, 1] == 0.0)


def test_it_fades_with_the_number_of_observations() -> None:
    random = np.random.default_rng(0)
    few, many = (np.column_stack([random.random(n), random.random(n)]) for n in (5, 50))
    beliefs = [belief_of(PLAIN.domain, some, -np.abs(some[:, 0] - 0.3)) for some in (few, many)]

    powers = [belief.power for belief in beliefs if belief is not None]

    assert powers == pytest.approx([2.0, 0.2])


def test_nothing_is_left_of_it_where_what_is_observed_speaks_against_it() -> None:
    points = np.random.default_rng(0).random((8, 2))

    assert belief_of(PLAIN.domain, points, np.abs(points[:, 0] - 0.3)) is None


def test_equal_targets_say_nothing_for_it() -> None:
    assert belief_of(PLAIN.domain, np.random.default_rng(0).random((8, 2)), np.zeros(8)) is None


def test_without_a_belief_there_is_none() -> None:
    domain = at.Space(at.Float("x", 0.0, 1.0)).domain

    assert belief_of(domain, np.array([[0.5]]), np.zeros(1)) is None


@EXAMPLES
@given(seed=st.integers(0, 2**32))
def test_believed_points_lie_on_the_grid_and_most_near_what_is_likely(seed: int) -> None:
    points = believed(SPACE.domain, np.random.default_rng(seed).random((64, SPACE.dim)))

    for values in SPACE.decode(points):
        assert SPACE.check(SPACE.params(values)) == values
        assert values[1] == "adam"
    likely = np.array(SPACE.domain.likely[0])
    assert np.mean(np.abs(points[:, :1] - likely).min(axis=1) < 0.2) > 0.8
    np.testing.assert_array_equal(SPACE.domain.snap(points), points)


def test_the_search_begins_at_what_is_likely_and_looks_in_the_middle_next() -> None:
    engine = at.Engine(PLAIN, seed=3)

    first, second = engine.suggest(), engine.suggest()

    assert first.params == {"x": 0.3, "y": 0.5}
    assert second.params == {"x": 0.5, "y": 0.5}


def test_a_default_goes_before_what_is_likely() -> None:
    space = at.Space(at.Float("x", 0.0, 1.0, likely=0.3, default=0.7))

    assert at.Engine(space).suggest().params == {"x": 0.7}


def test_a_right_belief_finds_the_optimum_sooner() -> None:
    def trials_needed(likely: float | None, seed: int) -> int:
        space = at.Space(
            *(at.Float(f"x{i}", 0.0, 1.0, likely=likely) for i in range(6)), at.Bool("b")
        )
        engine = at.Engine(space, seed=seed, goal="minimize")
        for number in range(60):
            asked = engine.suggest()
            value = sum((asked.params[f"x{i}"] - 0.83) ** 2 for i in range(6))
            if value < 0.02:
                return number + 1
            engine.observe(asked, value + asked.params["b"])
        return 60

    right, none, wrong = (
        [trials_needed(likely, seed) for seed in range(3)] for likely in (0.8, None, 0.1)
    )

    assert sum(right) < 2 / 3 * sum(none)
    assert sum(wrong) < 2 * sum(none)


def test_several_objectives_and_constraints_take_a_belief_too() -> None:
    engine = at.Engine(
        PLAIN, objectives={"a": "minimize", "b": "maximize"}, constraints={"c": at.AtLeast(0.2)}
    )
    for _ in range(9):
        asked = engine.suggest()
        x, y = asked.params["x"], asked.params["y"]
        engine.observe(asked, {"a": x * x, "b": y - x, "c": x})

    assert {trial.origin for trial in engine.trials[5:]} == {"model"}
