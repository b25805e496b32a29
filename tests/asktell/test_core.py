"""Asking, telling and knowing, beyond the ten laws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from spaces import QUICK, every_kind, finite, score

import asktell as at
from asktell import errors


def observed(n: int, **settings: bool) -> at.State:
    state = at.State.start(every_kind(), seed=1, settings=at.Settings(**settings))
    state, suggestions = at.suggest(state, n)
    for suggestion in suggestions:
        state = at.observe(state, suggestion, score(suggestion.params))
    return state


# --- asking ---


def test_the_design_begins_at_the_centre_and_ends_after_n_initial() -> None:
    state = at.State.start(every_kind(), settings=at.Settings(n_initial=3))
    state, (centre,) = at.suggest(state)
    assert (centre.params["x"], centre.params["bits"], centre.params["kernel"]) == (0.5, 4, "rbf")
    origins = [centre.origin]
    for _ in range(4):
        state = at.observe(state, state.pending[0], score(state.pending[0].params))
        state, (suggestion,) = at.suggest(state)
        origins.append(suggestion.origin)
    assert origins == ["initial"] * 3 + ["model"] * 2


def test_what_was_observed_elsewhere_counts_as_design() -> None:
    state = at.State.start(every_kind(), settings=QUICK)
    draws = every_kind().sample(np.random.default_rng(0).random((5, 8)))
    for values in every_kind().decode(draws):
        params = every_kind().params(values)
        state = at.observe(state, params, score(params))
    _, (suggestion,) = at.suggest(state)
    assert suggestion.origin == "model"


def test_without_any_observation_the_design_goes_on() -> None:
    state = at.State.start(every_kind(), settings=QUICK)
    state, suggestions = at.suggest(state, 12)
    assert {suggestion.origin for suggestion in suggestions} == {"initial"}
    for suggestion in suggestions:
        state = at.fail(state, suggestion, "everything fails")
    _, (suggestion,) = at.suggest(state)
    assert suggestion.origin == "initial"


def test_a_batch_is_as_good_as_single_calls() -> None:
    state = observed(6)
    together, batch = at.suggest(state, 4)
    singles = []
    for _ in range(4):
        state, (suggestion,) = at.suggest(state)
        singles.append(suggestion)
    assert batch == singles
    assert together == state


def test_pending_suggestions_push_the_next_ones_away() -> None:
    space = at.Space(at.Float("x", 0, 1), at.Float("y", 0, 1))
    state = at.State.start(space)
    for x, y in np.random.default_rng(3).random((12, 2)).tolist():
        state = at.observe(state, {"x": x, "y": y}, -((x - 0.4) ** 2) - (y - 0.6) ** 2)
    _, batch = at.suggest(state, 4)
    points = np.array([list(suggestion.params.values()) for suggestion in batch])
    gaps = [np.linalg.norm(a - b) for i, a in enumerate(points) for b in points[:i]]
    assert min(gaps) > 1e-3


def test_a_batch_larger_than_what_is_left_is_cut() -> None:
    state, suggestions = at.suggest(at.State.start(at.Space(at.Int("n", 1, 3))), 5)
    assert sorted(suggestion.params["n"] for suggestion in suggestions) == [1, 2, 3]
    with pytest.raises(at.SpaceExhausted):
        at.suggest(state)


def test_a_space_of_one_float_is_used_up_too() -> None:
    narrow = at.Space(at.Float("x", 1.0, math.nextafter(1.0, 2.0)))
    state, suggestions = at.suggest(at.State.start(narrow), 3)
    assert len(suggestions) == 2
    with pytest.raises(at.SpaceExhausted, match="used up"):
        at.suggest(state)


def test_arguments_are_left_as_they_are() -> None:
    state = observed(6)
    before = state.to_dict()
    later, _ = at.suggest(state)
    at.observe(later, later.pending[0], 1.0)
    at.fail(later, later.pending[0], "no")
    assert state.to_dict() == before


def test_two_futures_of_one_state_do_not_meet() -> None:
    state = observed(5)
    state, (suggestion,) = at.suggest(state)
    good, bad = at.observe(state, suggestion, 9.0), at.observe(state, suggestion, -9.0)
    assert (len(good.observations), good.observations[-1].target) == (6, 9.0)
    assert (len(bad.observations), bad.observations[-1].target) == (6, -9.0)
    assert at.suggest(good) != at.suggest(bad)


@pytest.mark.parametrize("n", [0, -1, 1.5, True, None])
def test_a_batch_of_nothing_is_refused(n: object) -> None:
    with pytest.raises(errors.DefinitionError, match=r"\$\.n: got"):
        at.suggest(observed(1), n)  # type: ignore[arg-type]


def test_few_of_many_observations_are_modelled() -> None:
    settings = at.Settings(n_modelled=20, n_candidates=32, n_starts=1)
    state = at.State.start(at.Space(at.Float("x", 0, 1)), settings=settings)
    for x in np.linspace(0, 1, 60).tolist():
        state = at.observe(state, {"x": x}, -((x - 0.7) ** 2))
    _, (suggestion,) = at.suggest(state)
    assert suggestion.params["x"] == pytest.approx(0.7, abs=0.1)


# --- telling ---


def test_a_suggestion_of_another_engine_is_refused() -> None:
    state, _ = at.suggest(at.State.start(every_kind(), seed=1), 2)
    _, (_, foreign) = at.suggest(at.State.start(every_kind(), seed=2), 2)
    with pytest.raises(errors.ConflictError, match="the params of id 1"):
        at.observe(state, foreign, 1.0)


def test_a_result_after_a_failure_is_a_conflict() -> None:
    state, (suggestion,) = at.suggest(at.State.start(every_kind()))
    state = at.fail(state, suggestion, "lost")
    with pytest.raises(errors.ConflictError, match="lost"):
        at.observe(state, suggestion, 1.0)
    assert at.fail(state, suggestion, "lost again") is state
    assert at.observe(state, suggestion, math.nan) is state


def test_with_replicates_a_result_may_follow_a_failure_and_counts() -> None:
    settings = at.Settings(replicates=True)
    state, (suggestion,) = at.suggest(at.State.start(every_kind(), settings=settings))
    state = at.fail(state, suggestion, "lost")
    state = at.observe(state, suggestion, 1.0)
    state = at.fail(state, suggestion.params, "lost again")
    assert len(state.failures) == 1
    mean, _ = at.posterior(state, [suggestion.params])
    assert mean[0] == pytest.approx(1.0)
    assert at.State.from_dict(state.to_dict()) == state


@pytest.mark.parametrize("target", [1, 1.0, np.float32(1.0), np.int64(1), np.array(1.0)])
def test_targets_of_any_numeric_type_become_floats(target: float) -> None:
    state = at.observe(
        at.State.start(finite()), finite().params((1, "low", "u", True, 0.0)), target
    )
    assert type(state.observations[0].target) is float
    assert state.observations[0].target == 1.0


@pytest.mark.parametrize("target", [None, "1", True, [1.0], np.array([1.0]), 1j])
def test_what_is_no_number_is_no_target(target: object) -> None:
    state, (suggestion,) = at.suggest(at.State.start(finite()))
    with pytest.raises(errors.TargetError, match=r"\$\.target: got .* expected a number"):
        at.observe(state, suggestion, target)  # type: ignore[arg-type]


def test_a_number_beyond_floats_is_a_failure() -> None:
    state, (suggestion,) = at.suggest(at.State.start(finite()))
    assert len(at.observe(state, suggestion, 10**400).failures) == 1


def test_numpy_values_are_made_plain() -> None:
    params = {
        "a": np.int64(2),
        "b": np.str_("mid"),
        "c": "u",
        "d": np.bool_(True),
        "e": np.float32(0.5),
    }
    state = at.observe(at.State.start(finite()), params, 1.0)
    assert [type(value) for value in state.observations[0].params.values()] == [
        int,
        str,
        str,
        bool,
        float,
    ]


def test_params_handed_out_are_copies() -> None:
    state, (suggestion,) = at.suggest(at.State.start(finite()))
    suggestion.params["a"] = 99
    assert state.pending[0].params["a"] == 2


# --- knowing ---


def test_there_is_no_best_of_nothing() -> None:
    with pytest.raises(errors.NothingObservedError, match="observe a target first"):
        at.best(at.State.start(finite()))


@pytest.mark.parametrize(("goal", "target"), [("maximize", 3.0), ("minimize", -1.0)])
def test_best_follows_the_goal(goal: Any, target: float) -> None:
    state = at.State.start(at.Space(at.Int("n", 1, 9)), goal=goal)
    for n, value in ((1, 2.0), (2, 3.0), (3, -1.0), (4, 0.0)):
        state = at.observe(state, {"n": n}, value)
    assert at.best(state).target == target


def test_the_posterior_is_in_the_unit_of_the_target() -> None:
    space = at.Space(at.Float("x", 0, 1))
    for goal in ("maximize", "minimize"):
        state = at.State.start(space, goal=goal)
        for x in np.linspace(0, 1, 15).tolist():
            state = at.observe(state, {"x": x}, 1000.0 + 50.0 * math.sin(6 * x))
        mean, deviation = at.posterior(state, [{"x": 0.25}, {"x": 0.77}])
        np.testing.assert_allclose(
            mean, [1000 + 50 * math.sin(1.5), 1000 + 50 * math.sin(4.62)], atol=1.5
        )
        assert np.all(deviation < 5)
        assert np.all(deviation > 0)


def test_the_posterior_knows_nothing_before_the_first_observation() -> None:
    with pytest.raises(errors.NothingObservedError, match="observe a target first"):
        at.posterior(at.State.start(finite()), [])


def test_descriptions_are_readable() -> None:
    state, (suggestion,) = at.suggest(at.State.start(at.Space(at.Int("n", 1, 3))))
    assert str(suggestion) == "suggestion 0: {'n': 2} (initial)"
    assert str(at.observe(state, 0, 1.5).observations[0]) == "observation of {'n': 2}: 1.5"
    assert str(at.fail(state, 0, "lost").failures[0]) == "failure of {'n': 2}: lost"
