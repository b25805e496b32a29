"""What points promise, given what a problem wants: which terms there are, and what they look at."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import asktell as at
from asktell.acquisition.directions import Directions
from asktell.acquisition.hypervolume import Boxes
from asktell.acquisition.score import Feasibility, FrontImprovement, Improvement, Promise
from asktell.asking.evidence import dataset_of
from asktell.asking.fitting import fit_of
from asktell.asking.promise import promise_of
from asktell.model.kernels import Array
from asktell.model.posterior import posterior_of

SPACE = at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0))
POINTS = np.random.default_rng(0).random((12, 2))


def state_of(rows: list[tuple[float, ...] | None], std: Any = None, **wanted: Any) -> at.State:
    """Return a state with these numbers at the first points; None for a failure."""
    state = at.State.start(SPACE, seed=1, **wanted)
    names = state.problem.outcome_names
    for (x, y), row in zip(POINTS.tolist(), rows, strict=False):
        if row is None:
            state = at.fail(state, {"x": x, "y": y})
        else:
            state = at.observe(state, {"x": x, "y": y}, dict(zip(names, row, strict=True)), std)
    return state


def promise(state: at.State) -> Promise:
    data = dataset_of(state)
    posterior = posterior_of(SPACE.domain, data, fit_of(state, data).found)
    return promise_of(state.problem, posterior, False, np.random.default_rng(0))


def kinds(state: at.State) -> list[str]:
    return [type(term).__name__ for term in promise(state).terms]


def expected(promised: Promise) -> Array:
    return promised.posterior.at(promised.posterior.data.points)[0]


SMOOTH = [(float(x), float(y)) for x, y in POINTS.tolist()]
"""Two outcomes that are the coordinates."""

BOUND: dict[str, Any] = {"constraints": {"size": at.AtLeast(0.5)}}


# --- one objective ---


def test_without_constraints_the_improvement_on_the_best_is_all() -> None:
    promised = promise(state_of([(x,) for x, _ in SMOOTH]))

    (term,) = promised.terms
    assert isinstance(term, Improvement)
    assert term.columns == slice(0, 3)
    assert term.best.tolist() == expected(promised).max(axis=0).tolist()


def test_the_best_is_one_that_holds_the_constraints() -> None:
    promised = promise(state_of(SMOOTH, **BOUND))

    improvement, feasibility = promised.terms
    held = promised.posterior.data.targets[:, 1] >= 0.5
    assert isinstance(improvement, Improvement)
    assert improvement.best == pytest.approx(expected(promised)[held, :3].max(axis=0))
    assert isinstance(feasibility, Feasibility)
    assert feasibility.columns == promised.posterior.columns[1]
    low, high = promised.posterior.limits(1)
    assert (feasibility.low.tolist(), feasibility.high.tolist()) == (low.tolist(), high.tolist())


def test_while_nothing_holds_the_constraints_their_probability_is_all() -> None:
    bounds = {"constraints": {"size": at.AtLeast(1.5), "target": at.AtMost(-1.0)}}

    assert kinds(state_of(SMOOTH, **BOUND)) == ["Improvement", "Feasibility"]
    assert kinds(state_of(SMOOTH, constraints={"size": at.AtLeast(1.5)})) == ["Feasibility"]
    assert kinds(state_of(SMOOTH, **bounds)) == ["Feasibility", "Feasibility"]


def test_what_improves_an_objective_is_above_its_lower_bound() -> None:
    def term(bounds: Any) -> Any:
        promised = promise(
            state_of(SMOOTH[:6], constraints={"target": bounds, "size": at.AtMost(9)})
        )
        return promised.terms[1] if len(promised.terms) == 3 else None

    assert term(at.AtLeast(0.1)) is None
    both = term([at.AtLeast(0.1), at.AtMost(0.9)])
    assert both.low.tolist() == [-math.inf]
    assert both.high.shape == (1,)
    assert both.columns == slice(0, 1)


def test_pending_points_count_with_what_is_expected_of_them() -> None:
    state = state_of(SMOOTH[:10], **BOUND)
    before = promise(state)
    state, _ = at.suggest(state, 2)  # at the edge, where more is expected
    after = promise(state)

    first, second = before.terms[0], after.terms[0]
    assert isinstance(first, Improvement)
    assert isinstance(second, Improvement)
    assert len(after.posterior.data.pending) == 2
    assert np.all(second.best >= first.best - 1e-9)
    assert np.any(second.best > first.best + 1e-3)


# --- success ---


def test_success_is_the_last_term_once_something_has_failed() -> None:
    rows: list[Any] = [None if x > 0.6 else (x,) for x, _ in SMOOTH]

    promised = promise(state_of(rows))

    _, success = promised.terms
    assert isinstance(success, Feasibility)
    columns = expected(promised).shape[1]
    assert success.columns == slice(columns - 1, columns)
    assert success.low.tolist() == [promised.posterior.least_success]
    assert success.high.tolist() == [math.inf]


def test_success_is_improbable_near_failures_and_probable_near_results() -> None:
    rows: list[Any] = [None if x > 0.5 else (y,) for x, y in SMOOTH]
    promised = promise(state_of(rows))
    success, posterior = promised.terms[-1], promised.posterior

    def probability(points: Array) -> Array:
        return np.asarray(np.exp(success.score(*posterior.at(points))))

    data = posterior.data
    assert np.all(probability(data.failed) < 0.5)
    assert np.all(probability(data.points) > 0.5)
    beyond = np.column_stack([np.full(9, 0.99), np.linspace(0.0, 1.0, 9)])
    within = np.column_stack([np.full(9, 0.05), np.linspace(0.0, 1.0, 9)])
    assert probability(beyond).mean() < probability(within).mean() - 0.3


# --- several objectives ---


@pytest.mark.parametrize(("k", "kind"), [(2, Boxes), (3, Boxes), (4, Directions)])
def test_several_objectives_improve_their_front(k: int, kind: type) -> None:
    rows = [tuple(math.sin((i + 1) * x + y) for i in range(k)) for x, y in SMOOTH]
    objectives: Any = {f"f{i}": "maximize" for i in range(k)}

    promised = promise(state_of(list(rows), objectives=objectives))

    (term,) = promised.terms
    assert isinstance(term, FrontImprovement)
    columns = [own.start for own in promised.posterior.columns]
    assert term.columns.tolist() == columns
    assert isinstance(term.region, kind)
    with np.errstate(all="ignore"):
        scores = promised(np.random.default_rng(1).random((50, 2)))
    assert np.isfinite(scores).all()


def test_what_breaks_a_constraint_is_not_in_the_front_that_is_improved() -> None:
    objectives: Any = {"a": "maximize", "b": "maximize"}
    rows = [(x, y, x + y) for x, y in SMOOTH]
    state = state_of(list(rows), objectives=objectives, constraints={"c": at.AtMost(1.0)})
    promised = promise(state)

    term, feasibility = promised.terms
    assert isinstance(term, FrontImprovement)
    assert isinstance(feasibility, Feasibility)
    region, own = term.region, term.columns
    held = promised.posterior.data.feasible
    assert 0 < held.sum() < 12
    means = expected(promised)[:, own]
    # what the front dominates cannot improve it, and what dominates it does
    with np.errstate(all="ignore"):
        gains = region.log_expected_improvement(means, np.zeros_like(means))
    assert np.all(gains[held] < -20.0)
    assert np.any(gains[~held] > -20.0)


@pytest.mark.parametrize("reference", [0.2, 0.6])
def test_up_to_its_reference_an_objective_counts_for_nothing(reference: float) -> None:
    objectives: Any = {"a": at.Maximize(reference=reference), "b": at.Minimize(reference=0.9)}
    promised = promise(state_of(list(SMOOTH), objectives=objectives))
    (term,) = promised.terms
    assert isinstance(term, FrontImprovement)

    assert isinstance(term.region, Boxes)
    seen = [promised.posterior.seen[column] for column in term.columns]
    least = [float(s.of(np.array([n]))[0]) for s, n in zip(seen, (reference, -0.9), strict=True)]
    assert term.region.lower.min(axis=0) == pytest.approx(least)


def test_a_lower_bound_of_an_objective_is_a_reference_too() -> None:
    objectives: Any = {"a": at.Maximize(reference=0.1), "b": "minimize"}
    bounds: Any = {"a": at.AtLeast(0.4), "b": at.AtMost(0.7)}
    promised = promise(state_of(list(SMOOTH), objectives=objectives, constraints=bounds))

    term = promised.terms[0]
    assert isinstance(term, FrontImprovement)
    region, own = term.region, term.columns
    assert isinstance(region, Boxes)
    least = promised.posterior.seen[own[0]].of(np.array([0.4]))[0]
    assert region.lower.min(axis=0)[0] == pytest.approx(least)
    assert len(promised.terms) == 1  # what improves the front holds these bounds


# --- gradients ---

MIXED: dict[str, dict[str, Any]] = {
    "constrained": BOUND,
    "nothing holds": {"constraints": {"size": at.AtLeast(1.5)}},
    "bounds on the objective": {
        "constraints": {"target": [at.AtLeast(0.2), at.AtMost(0.8)], "size": at.AtMost(0.9)}
    },
    "two objectives": {"objectives": {"a": "maximize", "b": "minimize"}},
    "two of them bounded": {
        "objectives": {"a": "maximize", "b": "minimize"},
        "constraints": {"a": at.AtMost(0.9), "b": at.AtMost(0.8)},
    },
}


@pytest.mark.parametrize("wanted", MIXED.values(), ids=MIXED)
def test_gradients_of_what_is_promised_are_finite_differences(wanted: dict[str, Any]) -> None:
    rows: list[Any] = [*SMOOTH[:9], None, None]
    promised = promise(state_of(rows, **wanted))
    x = np.random.default_rng(5).uniform(0.05, 0.95, (6, 2))

    scores, gradients = promised.with_gradient(x)

    assert scores == pytest.approx(promised(x))
    for dimension in range(2):
        step = 1e-6 * np.eye(2)[dimension]
        differences = (promised(x + step) - promised(x - step)) / 2e-6
        assert gradients[:, dimension] == pytest.approx(differences, rel=1e-3, abs=1e-3)


# --- deviations ---


def test_a_target_is_trusted_as_far_as_its_deviation_says() -> None:
    odd = 5
    params = [{"x": x, "y": y} for x, y in POINTS.tolist()]
    expectations = {}
    for std in (1e-4, 1e3):
        state = at.State.start(SPACE, seed=1)
        for place, one in enumerate(params):
            told = one["x"] + (0.3 if place == odd else 0.0)
            state = at.observe(state, one, told, std if place == odd else None)
        means, _ = at.predict(state, params)["target"]
        expectations[std] = means[odd] - params[odd]["x"]

    assert expectations[1e-4] == pytest.approx(0.3, abs=0.05)
    assert expectations[1e3] == pytest.approx(0.0, abs=0.1)


def test_a_lucky_target_is_not_best_where_deviations_were_told() -> None:
    state = at.State.start(at.Space(at.Int("x", 0, 20)), goal="minimize")
    for x in range(21):
        luck = -3.0 if x == 4 else 0.0
        state = at.observe(state, {"x": x}, (x - 12) ** 2 / 20 + luck, 3.0 if x == 4 else 0.05)

    assert at.best_observed(state).params == {"x": 12} or at.best_observed(state).target < 0.0
    assert abs(at.best(state).params["x"] - 12) <= 1
    assert at.best(state).expected == pytest.approx(at.best(state).target, abs=0.3)


def test_with_deviations_of_0_the_best_is_the_best_observed() -> None:
    state = state_of([(x,) for x, _ in SMOOTH], std=0.0)

    assert at.best(state) == at.best_observed(state)
    assert at.best(state).expected is None


def test_where_there_is_no_model_the_best_is_the_best_observed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> Any:
        raise np.linalg.LinAlgError("not positive definite")

    state = state_of([(x,) for x, _ in SMOOTH], std=0.5)
    assert at.best(state).expected is not None
    monkeypatch.setattr("asktell.asking.know.posterior_of", broken)

    assert at.best(state) == at.best_observed(state)
