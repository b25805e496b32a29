"""The goal: thresholds, targets and ranks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.conf import Criterion, Objective
from strategies.objective import Measurement, TuningGoal

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
    assert goal.target(measured(accuracy, 50)) == goal.gain(measured(accuracy, 50))


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


def test_a_miss_as_large_as_the_loss_allowed_costs_a_factor_of_1_62() -> None:
    goal = goal_of(Criterion(0.1, False, True), measured(0.9))
    assert goal.target(measured(0.7)) == pytest.approx(-0.7 * math.log(2))
    assert goal.target(measured(0.8 - 1e-12)) == pytest.approx(0, abs=1e-9)  # no cliff there


@pytest.mark.parametrize(
    "criterion",
    [Criterion(0.0, True, True), Criterion(0.0, False, False), Criterion(0.01, True, True)],
)
@pytest.mark.parametrize("base", [0.9, 0.0, -3.0])
def test_where_no_loss_is_allowed_a_miss_still_costs_something_finite(
    criterion: Criterion, base: float
) -> None:
    goal = goal_of(criterion, measured(base))
    worse = base - 0.5 if criterion.higher_is_better else base + 0.5
    assert -10 < goal.target(measured(worse)) < goal.target(measured(base))


@pytest.mark.parametrize("loss", [0.0, 0.05, -0.05])
def test_under_a_relative_criterion_the_unit_of_the_accuracy_does_not_matter(loss: float) -> None:
    def target(unit: float) -> float:
        goal = goal_of(Criterion(loss, True, True), measured(0.9 * unit))
        return goal.target(measured(0.5 * unit))

    assert target(1000) == pytest.approx(target(1))


@given(criteria, accuracies, accuracies, accuracies, sizes, sizes)
def test_more_accuracy_never_gives_a_lower_target(
    criterion: Criterion, base: float, one: float, other: float, base_size: float, size: float
) -> None:
    goal = goal_of(criterion, measured(base, base_size))
    better, worse = sorted((one, other), reverse=criterion.higher_is_better)
    assert goal.target(measured(better, size)) >= goal.target(measured(worse, size))


@given(criteria, accuracies, accuracies, sizes, sizes, st.floats(1.001, 1000))
def test_a_smaller_model_of_equal_accuracy_has_a_higher_target(
    criterion: Criterion, base: float, accuracy: float, base_size: float, size: float, times: float
) -> None:
    goal = goal_of(criterion, measured(base, base_size))
    small, large = measured(accuracy, size), measured(accuracy, size * times)
    assert goal.target(small) > goal.target(large)


@given(criteria, accuracies, accuracies, sizes, sizes)
def test_a_target_is_finite_and_at_most_the_gain(
    criterion: Criterion, base: float, accuracy: float, base_size: float, size: float
) -> None:
    goal = goal_of(criterion, measured(base, base_size))
    measurement = measured(accuracy, size)
    target = goal.target(measurement)
    assert math.isfinite(target)
    assert target <= goal.gain(measurement)
    assert (target == goal.gain(measurement)) or not goal.meets(measurement)


@pytest.mark.parametrize(
    ("criterion", "base"),
    [(Criterion(0.5, True, True), 1e-310), (Criterion(1e-310, False, True), 0.0)],
)
def test_a_target_is_finite_however_small_the_loss_allowed(
    criterion: Criterion, base: float
) -> None:
    assert math.isfinite(goal_of(criterion, measured(base)).target(measured(-1.0)))


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
