"""Whatever outcomes are wanted and whatever is told of them, a study goes on."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spaces import QUICK
from wants import definitions

import asktell as at

SPACES = [
    at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 1e-6, 1e6, log=True)),
    at.Space(at.Int("x", 0, 9), at.Categorical("c", ["a", "b", None]), at.Bool("d")),
    at.Space(at.Ordinal("x", [1, 2, 4, 8]), at.Float("z", 0.0, 1.0, step=0.25)),
]
NUMBERS = {
    "tame": st.floats(-10.0, 10.0),
    "few": st.sampled_from([0.0, 1.0, 2.0]),
    "equal": st.just(-7.0),
    "wide": st.floats(-1e308, 1e308, allow_nan=False),
    "narrow": st.floats(-1e-300, 1e-300, allow_nan=False),
    "ill": st.sampled_from([1.0, 1.0 + 2.0**-52, math.nan, math.inf, -1e308, 5e-324, 1e16]),
}
DEVIATIONS = st.none() | st.sampled_from([0.0, 1e-300, 1e-3, 1.0, 1e300])


class Study:
    """Draws what happens to an engine."""

    def __init__(self, data: st.DataObject, most: int) -> None:
        self.draw: Any = data.draw
        self.space = self.draw(st.sampled_from(SPACES))
        options = at.Settings(
            n_initial=self.draw(st.integers(1, 6)),
            n_candidates=32,
            n_starts=1,
            replicates=self.draw(st.booleans()),
            retries=self.draw(st.integers(0, 1)),
        )
        wanted = self.draw(definitions(most))
        self.engine = at.Engine(self.space, self.draw(st.integers(0, 99)), None, options, **wanted)
        self.names = self.engine.state.problem.outcome_names
        numbers = self.draw(st.sampled_from(sorted(NUMBERS)))
        self.columns = dict.fromkeys(self.names, NUMBERS[numbers])
        given = self.draw(st.sets(st.sampled_from(self.names), max_size=2))
        self.known = {name: self.function(self.draw(st.floats(-1e300, 1e300))) for name in given}

    @staticmethod
    def function(scale: float) -> Any:
        return lambda params: scale * float(params["x"])

    def target(self) -> dict[str, float]:
        return {name: self.draw(column) for name, column in self.columns.items()}

    def std(self) -> dict[str, float] | None:
        told = {name: self.draw(DEVIATIONS) for name in self.names}
        return {name: std for name, std in told.items() if std is not None}

    def step(self) -> None:
        """Tell something of params that were suggested or were not."""
        engine, draw = self.engine, self.draw
        what = draw(st.sampled_from(["own", "own", "own", "ask", "fail", "answer", "retry"]))
        unit = np.array([[draw(st.sampled_from([0.0, 0.3, 0.3 + 1e-15, 0.7, 1.0])) for _ in "xyz"]])
        values = self.space.decode(self.space.sample(unit[:, : self.space.dim]))[0]
        try:
            if what == "own":
                engine.observe(self.space.params(values), self.target(), self.std())
            elif what == "fail":
                engine.fail(self.space.params(values), "no")
            elif what == "retry":
                engine.retry_failed()
            elif what == "ask":
                engine.suggest(known=self.known)
            elif engine.pending:
                engine.observe(engine.pending[-1], self.target(), self.std())
        except (at.errors.ConflictError, at.SpaceExhausted):
            pass  # told before, or all used up


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data(), steps=st.integers(0, 14))
def test_suggestions_go_on_and_lie_in_the_space(data: st.DataObject, steps: int) -> None:
    study = Study(data, most=3)
    for _ in range(steps):
        study.step()
    engine, space = study.engine, study.space
    before = {trial.configuration.values for trial in engine.trials}
    due = engine.due
    try:
        suggestions = engine.suggest_batch(3, known=study.known)
    except at.SpaceExhausted:
        assert len(before) == space.size
        suggestions = []

    for suggestion in suggestions:
        values = space.check(suggestion.params)
        assert space.params(values) == suggestion.params
        assert values not in before or suggestion.params in due
        assert suggestion.origin in ("initial", "model", "fallback", "again")
    assert len({s.configuration.values for s in suggestions}) == len(suggestions)
    knows(engine)


def knows(engine: at.Engine) -> None:
    """Check what is known against the definitions."""
    problem = engine.state.problem
    front = engine.pareto()
    assert all(one.feasible and problem.holds(one.numbers) for one in front)
    signs = np.array([problem.outcomes[i].sign for i in problem.objectives])
    values = [signs * [one.numbers[i] for i in problem.objectives] for one in front]
    for value in values:
        assert not any(np.all(other >= value) and np.any(other > value) for other in values)
    assert engine.hypervolume() >= 0.0
    if engine.observations:
        predicted = engine.predict([engine.observations[0].params])
        assert list(predicted) == list(problem.outcome_names)
    if engine.observations and problem.has_scale:
        best = engine.best_observed()
        assert best.feasible == problem.holds(best.numbers) == bool(front)
        if front and len(problem.objectives) == 1:
            assert best.numbers in [one.numbers for one in front]
        assert engine.best().configuration in [one.configuration for one in engine.observations]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), steps=st.integers(0, 12))
def test_what_was_read_back_goes_on_alike(data: st.DataObject, steps: int) -> None:
    study = Study(data, most=2)
    for _ in range(steps):
        study.step()
    engine = study.engine

    again = at.Engine.from_dict(json.loads(json.dumps(engine.to_dict(), allow_nan=False)))

    assert again.state == engine.state
    assert repr(again.pareto()) == repr(engine.pareto())
    answers = []
    for one in (engine, again):
        try:
            answers.append(one.suggest_batch(2, known=study.known))
        except at.SpaceExhausted:
            answers.append([])
    assert answers[0] == answers[1]


# --- the model is not given up lightly ---


@pytest.mark.parametrize("std", [0.0, 1e-12, 1e12, None])
def test_targets_of_any_deviation_have_a_model(std: float | None) -> None:
    engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0)), seed=2, settings=QUICK)
    for step in range(25):
        suggestion = engine.suggest()
        assert suggestion.origin == ("initial" if step < 5 else "model")
        engine.observe(suggestion, -((suggestion.params["x"] - 0.3) ** 2), std)
    assert engine.best_observed().target > (-1e-2 if std == 1e12 else -1e-4)


@pytest.mark.parametrize("bound", [1e300, 1e6, -1e300, 0.5])
@pytest.mark.parametrize("constant", [True, False])
def test_bounds_however_far_away_leave_a_model(bound: float, constant: bool) -> None:
    space = at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0))
    engine = at.Engine(space, seed=2, settings=QUICK, constraints={"size": at.AtLeast(bound)})
    for step in range(14):
        suggestion = engine.suggest()
        assert suggestion.origin == ("initial" if step < 5 else "model")
        size = 1.0 if constant else suggestion.params["x"]
        engine.observe(suggestion, {"target": suggestion.params["y"], "size": size})
    best = engine.best_observed()
    assert best.feasible == (bound < 1.0)
    if best.feasible:
        assert best.target["target"] > 0.9


def test_an_outcome_may_be_wanted_to_be_just_so() -> None:
    space = at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 0, 40))
    bounds = [at.AtLeast(17.0), at.AtMost(17.0)]
    engine = at.Engine(space, seed=2, settings=QUICK, constraints={"size": bounds})
    for _ in range(20):
        suggestion = engine.suggest()
        x, n = suggestion.params["x"], suggestion.params["n"]
        engine.observe(suggestion, {"target": x, "size": float(n)})
    assert engine.best_observed().feasible
    assert engine.best_observed().target["target"] > 0.9


def test_where_nothing_is_feasible_the_search_goes_towards_the_bound() -> None:
    space = at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0))
    engine = at.Engine(space, seed=2, settings=QUICK, constraints={"size": at.AtLeast(1.7)})
    for _ in range(14):
        suggestion = engine.suggest()
        x, y = suggestion.params["x"], suggestion.params["y"]
        engine.observe(
            suggestion, {"target": -x, "size": 1.8 - (x - 0.2) ** 2 - 2 * (y - 0.9) ** 2}
        )
    assert engine.best().feasible
