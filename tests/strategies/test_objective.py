"""The goal: thresholds, what the optimiser is told, and ranks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asktell as at
from strategies.conf import Constraint, Criterion, Objective
from strategies.objective import Looked, Measurement, TuningGoal

SIZE = Objective("modelsize", 1.0, higher_is_better=False)

accuracies = st.floats(-1e6, 1e6).map(lambda value: round(value, 9))
bounded = st.floats(-0.99, 0.99).map(lambda value: round(value, 9))
sizes = st.floats(1, 1e9)
criteria = st.builds(Criterion, bounded, st.booleans(), st.booleans())


def measured(accuracy: float | None, size: float = 100.0) -> Measurement:
    return Measurement(accuracy, {"modelsize": size})


def goal_of(criterion: Criterion, baseline: Measurement, *objectives: Objective) -> TuningGoal:
    return TuningGoal(criterion, objectives or (SIZE,), baseline)


# ------------------------------------------------------------------------------- the threshold


@pytest.mark.parametrize(
    ("criterion", "base", "threshold"),
    [
        (Criterion(0.1, relative=True, higher_is_better=True), 0.8, 0.72),
        (Criterion(0.1, relative=False, higher_is_better=True), 0.8, 0.7),
        (Criterion(0.1, relative=True, higher_is_better=False), 0.8, 0.88),
        (Criterion(0.1, relative=False, higher_is_better=False), 0.8, 0.9),
        (Criterion(0.1, relative=True, higher_is_better=True), -0.8, -0.88),
        (Criterion(0.1, relative=False, higher_is_better=True), -0.8, -0.9),
        (Criterion(0.1, relative=True, higher_is_better=False), -0.8, -0.72),
        (Criterion(-0.1, relative=True, higher_is_better=True), 0.8, 0.88),
        (Criterion(-0.1, relative=False, higher_is_better=False), 0.8, 0.7),
        (Criterion(0.1, relative=True, higher_is_better=True), 0.0, 0.0),
    ],
)
def test_the_threshold(criterion: Criterion, base: float, threshold: float) -> None:
    goal = goal_of(criterion, measured(base))
    assert goal.threshold == pytest.approx(threshold)
    worse = -1 if criterion.higher_is_better else 1
    assert goal.meets(measured(goal.threshold))
    assert goal.meets(measured(threshold - worse * 0.01))
    assert not goal.meets(measured(threshold + worse * 0.01))


@pytest.mark.parametrize("accuracy", [None, -5.0, 5.0])
def test_without_accuracies_everything_meets_the_criterion(accuracy: float | None) -> None:
    goal = goal_of(Criterion(0.01, True, True), measured(None))
    assert goal.threshold is None
    assert goal.meets(measured(accuracy))
    assert goal.limits == {}
    assert goal.outcomes(measured(accuracy, 50)) == {"modelsize": 50}


def test_what_has_no_accuracy_meets_the_criterion() -> None:
    assert goal_of(Criterion(0.01, True, True), measured(0.9)).meets(measured(None))


@given(criteria, accuracies)
def test_the_fp32_model_meets_every_loss_that_is_allowed(criterion: Criterion, base: float) -> None:
    assert goal_of(criterion, measured(base)).meets(measured(base)) or criterion.loss < 0


# ---------------------------------------------------------------------------------- the target


def test_gain_is_the_logarithm_of_how_many_times_better() -> None:
    goal = goal_of(Criterion(0.01, True, True), measured(0.9, 100))
    assert goal.gain(measured(0.1, 25)) == pytest.approx(math.log(4))
    assert goal.gain(measured(0.1, 200)) == pytest.approx(-math.log(2))
    larger = goal_of(goal.criterion, goal.baseline, Objective("modelsize", 1.0, True))
    assert larger.gain(measured(0.1, 25)) == pytest.approx(-math.log(4))


def test_gains_are_weighted() -> None:
    objectives = (Objective("modelsize", 3.0, False), Objective("performance", 1.0, False))
    baseline = Measurement(0.9, {"modelsize": 100.0, "performance": 1.0})
    goal = TuningGoal(Criterion(0.01, True, True), objectives, baseline)
    better = Measurement(0.9, {"modelsize": 50.0, "performance": 4.0})
    assert goal.gain(better) == pytest.approx((3 * math.log(2) - math.log(4)) / 4)


@pytest.mark.parametrize(
    ("higher", "base", "value", "gain"),
    [
        (True, 0.8, 0.84, 0.05),
        (False, 0.8, 0.84, -0.05),
        (True, -0.8, -0.84, -0.05),
        (False, -0.8, -0.84, 0.05),
        (True, 0.0, 0.5, 0.5),
    ],
)
def test_accuracy_counts_by_its_relative_difference(
    higher: bool, base: float, value: float, gain: float
) -> None:
    goal = TuningGoal(
        Criterion(0.5, True, higher),
        (Objective("accuracy", 2.0, higher),),
        Measurement(base, {"accuracy": base}),
    )
    assert goal.gain(Measurement(value, {"accuracy": value})) == pytest.approx(gain)


@pytest.mark.parametrize(("base", "size"), [(0.0, 0.0), (0.0, 10.0), (10.0, 0.0)])
def test_a_value_of_zero_has_a_finite_gain(base: float, size: float) -> None:
    goal = goal_of(Criterion(0.01, True, True), measured(0.9, base))
    assert math.isfinite(goal.gain(measured(0.9, size)))


# ------------------------------------------------------------------- what the optimiser is told


@pytest.mark.parametrize(
    ("higher", "limit"), [(True, at.AtLeast(0.875)), (False, at.AtMost(1.125))]
)
def test_the_criterion_is_a_constraint(higher: bool, limit: at.AtLeast | at.AtMost) -> None:
    goal = goal_of(Criterion(0.125, False, higher), measured(1.0))
    assert goal.limits == {"accuracy": limit}
    assert goal.wanted == {"modelsize": at.Minimize()}
    assert goal.outcomes(measured(0.5, 7.0)) == {"modelsize": 7.0, "accuracy": 0.5}


def test_objectives_are_the_optimisers_own() -> None:
    objectives = (Objective("performance", 3.0, False), Objective("accuracy", 1.0, True))
    baseline = Measurement(0.9, {"performance": 1.0, "accuracy": 0.9})
    goal = goal_of(Criterion(0.1, False, True), baseline, *objectives)
    assert goal.wanted == {"performance": at.Minimize(), "accuracy": at.Maximize()}
    assert goal.limits == {"accuracy": at.AtLeast(0.8)}
    assert goal.outcomes(baseline) == {"performance": 1.0, "accuracy": 0.9}


@given(criteria, accuracies, accuracies)
def test_the_optimiser_holds_feasible_what_meets_the_criterion(
    criterion: Criterion, base: float, accuracy: float
) -> None:
    goal = goal_of(criterion, measured(base))
    engine = at.Engine(at.Space(at.Bool("b")), objectives=goal.wanted, constraints=goal.limits)
    engine.observe({"b": True}, goal.outcomes(measured(accuracy)))
    assert engine.best().feasible is goal.meets(measured(accuracy))


# ------------------------------------------------------------------------------------ the rank


@given(criteria, accuracies, st.floats(0, 1e6), st.floats(1e-3, 1e6), sizes, sizes)
def test_the_criterion_ranks_first(
    criterion: Criterion, base: float, above: float, below: float, size: float, other_size: float
) -> None:
    goal = goal_of(criterion, measured(base))
    assert goal.threshold is not None
    better = 1 if criterion.higher_is_better else -1
    first = measured(goal.threshold + better * above, size)
    second = measured(goal.threshold - better * below, other_size)
    assert goal.meets(first)
    assert not goal.meets(second)
    assert goal.rank(first) > goal.rank(second)


def test_among_those_that_meet_the_criterion_the_gain_ranks() -> None:
    goal = goal_of(Criterion(0.1, False, True), measured(0.9))
    assert goal.rank(measured(0.81, 50)) > goal.rank(measured(0.95, 60))
    assert goal.rank(measured(0.81, 50)) == goal.rank(measured(0.95, 50))


@pytest.mark.parametrize("higher", [True, False])
def test_among_those_that_miss_the_criterion_the_nearest_ranks_first(higher: bool) -> None:
    goal = goal_of(Criterion(0.1, False, higher), measured(0.0))
    sign = -1 if higher else 1
    near, far = measured(sign * 0.2, 1e6), measured(sign * 0.3, 1.0)
    assert goal.rank(near) > goal.rank(far)


# ------------------------------------------------------------------------------- the constraints

BOTH = {"modelsize": 100.0, "performance": 2.0}


def limited() -> TuningGoal:
    limits = Constraint("modelsize", 50.0, False), Constraint("performance", 0.8, True)
    criterion = Criterion(0.1, relative=False, higher_is_better=True)
    return TuningGoal(criterion, (SIZE,), Measurement(0.9, BOTH), limits)


def test_constraints_are_the_optimisers_own() -> None:
    assert limited().limits == {
        "modelsize": at.AtMost(50.0),
        "performance": at.AtMost(1.6),
        "accuracy": at.AtLeast(0.8),
    }
    unlimited = TuningGoal(Criterion(math.inf, False, True), (SIZE,), Measurement(0.9, BOTH))
    assert unlimited.limits == {}


@pytest.mark.parametrize(
    ("accuracy", "size", "seconds", "meets"),
    [
        (0.8, 50.0, 1.6, True),
        (0.7, 50.0, 1.6, False),
        (0.8, 51.0, 1.6, False),
        (0.8, 50.0, 1.7, False),
    ],
)
def test_all_constraints_have_to_hold(
    accuracy: float, size: float, seconds: float, meets: bool
) -> None:
    goal = limited()
    measurement = Measurement(accuracy, {"modelsize": size, "performance": seconds})
    assert goal.meets(measurement) is meets
    engine = at.Engine(at.Space(at.Bool("b")), objectives=goal.wanted, constraints=goal.limits)
    engine.observe({"b": True}, goal.outcomes(measurement))
    assert engine.best().feasible is meets


def test_the_nearest_to_all_constraints_ranks_first() -> None:
    near = Measurement(0.8, {"modelsize": 51.0, "performance": 1.0})
    far = Measurement(0.8, {"modelsize": 60.0, "performance": 1.0})
    inexact = Measurement(0.5, {"modelsize": 51.0, "performance": 1.0})
    ranks = [limited().rank(one) for one in (near, far, inexact)]
    assert sorted(ranks, reverse=True) == ranks


# ------------------------------------------------------------------------------- what is inexact


def test_only_what_was_looked_at_in_full_can_meet() -> None:
    goal = goal_of(Criterion(0.1, False, True), measured(0.9))
    values = {"modelsize": 1.0}
    part = Measurement(0.9, values, {"accuracy": 0.01}, Looked(10, 100))
    whole = Measurement(0.9, values, {}, Looked(100, 100))
    missing = Measurement(0.5, values, {}, Looked(100, 100))
    assert not goal.meets(part)
    assert goal.meets(whole)
    assert goal.rank(whole) > goal.rank(missing) > goal.rank(part)


def test_the_optimiser_is_told_deviations_of_what_it_is_told() -> None:
    goal = goal_of(Criterion(0.1, False, True), measured(0.9))
    std = {"accuracy": 0.01, "modelsize": 2.0}
    assert goal.deviations(Measurement(0.9, {"modelsize": 1.0}, std)) == std
    without = goal_of(Criterion(0.1, False, True), measured(None))
    assert without.deviations(Measurement(0.9, {"modelsize": 1.0}, std)) == {"modelsize": 2.0}
