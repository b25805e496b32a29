"""What the members believe of every outcome: alone, side by side, given, and of success."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import pytest
from datasets import (
    DOMAIN,
    FOUND,
    OF_SUCCESS,
    OTHERS,
    dataset,
    found_for,
    of_outcome,
    points_of,
    two_outcomes,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.model.dataset import Dataset, Use
from asktell.model.gp import Hyperparameters
from asktell.model.kernels import Array
from asktell.model.members import MEMBERS, condition_members, outcomes_seen, success_seen
from asktell.model.posterior import Given, Posterior, posterior_of

EXAMPLES = settings(deadline=None, max_examples=25)

QUIET = (Hyperparameters((0.3, 1.0, 0.6), 1e-6),) * 3
FAILED, PENDING = points_of(2, 5), points_of(3, 6)
NONE = np.empty((0, 3))
SEVERAL = len(MEMBERS["one of several"])
SINGLE = len(MEMBERS["objective"])


def posterior(
    data: Dataset, *found: tuple[Hyperparameters, ...], given: Given | None = None
) -> Posterior:
    return posterior_of(DOMAIN, data, found_for(data, *found), given)


# --- one outcome ---


def test_means_and_deviations_are_those_of_the_members() -> None:
    data, x = dataset(), points_of(6, 1)
    processes = condition_members(DOMAIN, outcomes_seen(DOMAIN, data), FOUND)
    assert processes is not None

    mean, std = posterior(data).at(x)

    expected_mean, expected_std = processes.predict(x, return_std=True)
    assert mean.shape == std.shape == (6, 3)
    assert mean.tolist() == expected_mean.tolist()
    assert std.tolist() == expected_std.tolist()


def test_no_points_have_no_predictions() -> None:
    mean, std = posterior(two_outcomes(failed=FAILED)).at(NONE)

    assert mean.shape == std.shape == (0, 2 * SEVERAL + 1)


def test_posterior_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        posterior(dataset()).processes = None  # type: ignore[misc]


def test_kernel_matrix_that_is_singular_raises() -> None:
    twice = dataset(2, points=np.full((2, 3), 0.5))

    with pytest.raises(np.linalg.LinAlgError):
        posterior(twice, (Hyperparameters((1.0, 1.0, 1.0), 0.0),) * 3)


# --- in the units of the outcomes ---


def test_units_are_those_of_the_first_member() -> None:
    believed, x = posterior(two_outcomes(failed=FAILED)), points_of(6, 1)

    mean, std = believed.in_units(x)

    means, deviations = believed.at(x)
    assert mean.shape == std.shape == (6, 2)
    for outcome, column in enumerate((0, SEVERAL)):
        location, scale = believed.seen[column].unit
        assert mean[:, outcome].tolist() == (means[:, column] * scale + location).tolist()
        assert std[:, outcome].tolist() == (deviations[:, column] * scale).tolist()


def test_outcomes_are_predicted_in_their_own_units() -> None:
    data = two_outcomes()

    mean, std = posterior(data, QUIET, QUIET).in_units(data.points)

    spread = data.targets.std(axis=0)
    assert mean == pytest.approx(data.targets, abs=0.01)
    assert np.all(np.abs(mean - data.targets) < 0.01 * spread)
    assert np.all(std.max(axis=0) < 0.05 * spread)


def test_targets_are_predicted_in_their_own_unit_beside_one_that_is_very_bad() -> None:
    data = dataset()
    data.targets[3] = -1e6

    mean, _ = posterior(data, QUIET).in_units(data.points)

    others = np.arange(12) != 3
    assert mean[others] == pytest.approx(data.targets[others], abs=0.05)
    assert 0.0 < mean[3, 0] < data.targets[others].min()


def test_far_from_all_points_the_deviation_is_that_of_the_targets() -> None:
    data = two_outcomes()
    short = (Hyperparameters((0.01, 0.01, 0.01), 1e-4),) * 3

    mean, std = posterior(data, short, short).in_units(np.array([[0.123456, 0.5, 0.3]]))

    assert std[0] == pytest.approx(data.targets.std(axis=0), rel=1e-3)
    assert mean[0] == pytest.approx(data.targets.mean(axis=0), rel=1e-3)


@pytest.mark.parametrize("constant", [-1e308, 3.0])
def test_equal_targets_are_expected_everywhere(constant: float) -> None:
    mean, _ = posterior(dataset(targets=np.full((12, 1), constant))).in_units(points_of(6, 1))

    assert mean[:, 0] == pytest.approx([constant] * 6)


@pytest.mark.parametrize("use", ["objective", "one of several", "bound"])
@pytest.mark.parametrize("constant", [-1e308, 0.0, 3.0])
def test_equal_targets_give_a_finite_model(use: Use, constant: float) -> None:
    bounds = np.array([[2.0, math.inf]])
    data = dataset(targets=np.full((12, 1), constant), uses=(use,), bounds=bounds)
    mean, std = posterior(data).in_units(points_of(6, 1))

    assert np.all(np.isfinite(mean))
    assert np.all(np.isfinite(std))
    assert np.all(std > 0.0)


def test_noise_is_that_of_the_first_member() -> None:
    believed = posterior(two_outcomes())

    assert [believed.noise(0), believed.noise(1)] == [FOUND[0].noise, OTHERS[0].noise]


def test_noise_that_is_known_is_seen_in_the_unit_of_the_targets() -> None:
    data = dataset()
    deviation = data.targets.std()

    believed = posterior(attrs.evolve(data, deviations=np.full((12, 1), 0.3 * deviation)))

    assert believed.noise(0) == pytest.approx(0.09)


# --- pending points ---


def test_pending_points_keep_the_mean_and_shrink_the_deviation() -> None:
    data, pending, x = two_outcomes(failed=FAILED), points_of(2, 6), points_of(6, 1)
    everywhere = np.vstack([x, pending])

    before = posterior(data).at(everywhere)
    after = posterior(attrs.evolve(data, pending=pending)).at(everywhere)

    assert after[0] == pytest.approx(before[0], abs=1e-9)
    assert np.all(after[1] <= before[1] + 1e-9)
    assert np.all(after[1][-2:] < 0.5 * before[1][-2:])


def test_pending_points_do_not_change_the_unit_of_the_targets() -> None:
    data = dataset()

    believed = posterior(attrs.evolve(data, pending=points_of(2, 6)))

    assert believed.seen[0].unit == pytest.approx((data.targets.mean(), data.targets.std()))


# --- bounds ---


@pytest.mark.parametrize("use", ["objective", "one of several", "bound"])
def test_limits_are_bounds_as_each_member_sees_them(use: Use) -> None:
    bounds = np.array([[99.0, 104.0]])
    data = dataset(uses=(use,), bounds=bounds)
    believed = posterior(data)

    low, high = believed.limits(0)

    location, scale = believed.seen[0].unit
    assert [low[0], high[0]] == pytest.approx(((bounds[0] - location) / scale).tolist())
    # whatever a member does to the targets, those that keep the bounds lie within
    processes = believed.processes
    assert processes is not None
    holds = data.feasible
    assert 0 < holds.sum() < 12
    for seen, least, most in zip(processes.targets, low, high, strict=True):
        assert ((seen >= least) & (seen <= most)).tolist() == holds.tolist()


@pytest.mark.parametrize("use", ["objective", "one of several", "bound"])
@pytest.mark.parametrize("bound", [103.0, 1e9, -1e300])
def test_limits_that_are_equal_are_moved_apart_a_little(use: Use, bound: float) -> None:
    bounds = np.array([[bound, bound]])
    believed = posterior(dataset(uses=(use,), bounds=bounds))

    low, high = believed.limits(0)

    assert np.all(high > low)
    assert np.all(high - low < 1e-8 * np.maximum(np.abs(low), 1.0))


def test_limits_of_what_has_no_bounds_are_infinite() -> None:
    low, high = posterior(dataset()).limits(0)

    assert (low.tolist(), high.tolist()) == ([-math.inf] * 3, [math.inf] * 3)


# --- success ---


def test_success_has_the_last_column_once_something_has_failed() -> None:
    data, x = two_outcomes(), points_of(6, 1)
    whole, without = posterior(attrs.evolve(data, failed=FAILED)), posterior(data)
    process = condition_members(
        DOMAIN,
        success_seen(DOMAIN, attrs.evolve(data, failed=FAILED)),
        OF_SUCCESS,
    )
    assert process is not None

    mean, std = whole.at(x)

    assert mean.shape == std.shape == (6, 2 * SEVERAL + 1)
    assert without.at(x)[0].shape == (6, 2 * SEVERAL)
    expected = process.predict(x, return_std=True)
    assert [mean[:, -1].tolist(), std[:, -1].tolist()] == [part[:, 0].tolist() for part in expected]
    assert without.least_success is None
    assert whole.least_success is not None
    near, away = whole.at(FAILED)[0][:, -1], whole.at(data.points)[0][:, -1]
    assert np.all(near < whole.least_success)
    assert np.all(away > whole.least_success)


# --- what is given ---


def size_of(points: Array) -> Array:
    """Return an outcome that is known everywhere."""
    return 10.0 * points[:, [0]] + points[:, [2]] ** 2


@pytest.mark.parametrize(
    ("uses", "column"),
    [
        (("objective", "given"), SINGLE),
        (("given", "objective"), SINGLE),
        (("one of several", "given"), SEVERAL),
        (("given", "given"), 0),
    ],
)
def test_what_is_given_has_a_column_in_its_own_unit_after_the_members(
    uses: tuple[Use, Use], column: int
) -> None:
    def function(points: Array) -> Array:
        return np.repeat(size_of(points), uses.count("given"), axis=1)

    data, x = two_outcomes(uses=uses, failed=FAILED), points_of(6, 1)
    believed = posterior(data, given=function)

    mean, std = believed.at(x)

    assert mean.shape == std.shape == (6, column + uses.count("given") + 1)
    assert mean[:, column].tolist() == size_of(x)[:, 0].tolist()
    assert not std[:, column].any()
    assert std[:, [*range(column), -1]].all()
    outcome = uses.index("given")
    assert believed.columns[outcome] == slice(column, column + 1)
    unit_mean, unit_std = believed.in_units(x)
    assert unit_mean[:, outcome].tolist() == size_of(x)[:, 0].tolist()
    assert not unit_std[:, outcome].any()


def test_limits_of_what_is_given_are_in_its_own_unit() -> None:
    bounds = np.array([[-math.inf, math.inf], [2.5, 7.5]])
    data = two_outcomes(uses=("objective", "given"), bounds=bounds)

    assert [part.tolist() for part in posterior(data, given=size_of).limits(1)] == [[2.5], [7.5]]


def test_where_all_is_given_nothing_is_noisy() -> None:
    data = dataset(uses=("given",))

    assert posterior(data, given=size_of).processes is None
    assert posterior(data, given=size_of).noise(0) == 0.0


# --- two outcomes side by side ---


@EXAMPLES
@given(
    seed=st.integers(0, 2**32),
    m=st.integers(1, 8),
    failed=st.integers(0, 2),
    pending=st.integers(0, 3),
    uses=st.sampled_from([("one of several",) * 2, ("objective", "bound")]),
)
def test_two_outcomes_are_each_what_it_is_alone(
    seed: int, m: int, failed: int, pending: int, uses: tuple[Use, Use]
) -> None:
    data = two_outcomes(uses=uses, failed=FAILED[:failed], pending=PENDING[:pending])
    x, both = points_of(m, seed), posterior(data)

    together = (*both.at(x), *both.with_gradient(x))

    for outcome, found in enumerate([FOUND, OTHERS]):
        alone = posterior(of_outcome(data, outcome), found)
        own, alike = both.columns[outcome], alone.columns[0]
        for one, other in zip(together, (*alone.at(x), *alone.with_gradient(x)), strict=True):
            assert one[:, own] == pytest.approx(other[:, alike], rel=1e-9, abs=1e-12)
        for one, other in zip(both.in_units(x), alone.in_units(x), strict=True):
            assert one[:, outcome] == pytest.approx(other[:, 0], rel=1e-9, abs=1e-12)


def test_one_outcome_does_not_change_with_the_targets_of_the_other() -> None:
    data, x = two_outcomes(), points_of(6, 1)
    other = attrs.evolve(data, targets=data.targets * [1.0, -1e5])

    first, second = posterior(data).at(x)[0], posterior(other).at(x)[0]

    assert second[:, :SEVERAL].tolist() == first[:, :SEVERAL].tolist()
    assert second[:, SEVERAL:].tolist() != first[:, SEVERAL:].tolist()


# --- gradients ---


def test_predicting_with_and_without_gradient_agree() -> None:
    data = two_outcomes(uses=("objective", "given"), failed=FAILED)
    believed, x = posterior(data, given=size_of), points_of(6, 1)

    mean, std, _, _ = believed.with_gradient(x)

    assert [mean.tolist(), std.tolist()] == [array.tolist() for array in believed.at(x)]


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("uses", [("one of several",) * 2, ("objective", "given")])
def test_gradients_are_finite_differences(column: int, uses: Any) -> None:
    given = size_of if "given" in uses else None
    data = two_outcomes(uses=uses, pending=PENDING, failed=FAILED)
    believed, x = posterior(data, given=given), points_of(5, 11)

    gradients = believed.with_gradient(x)[2 + column]

    assert gradients.shape == (5, believed.columns[1].stop + 1, 3)
    for dimension in (0, 2):
        step = 1e-5 * np.eye(3)[dimension]
        differences = (believed.at(x + step)[column] - believed.at(x - step)[column]) / 2e-5
        assert gradients[:, :, dimension] == pytest.approx(differences, abs=1e-5)
    assert not gradients[:, :, 1].any()


def test_slopes_of_what_is_given_stay_within_the_cube() -> None:
    asked: list[Array] = []

    def watched(points: Array) -> Array:
        asked.append(points)
        return size_of(points)

    corners = np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    believed = posterior(two_outcomes(uses=("objective", "given")), given=watched)

    slopes = believed.with_gradient(corners)[2][:, SINGLE]

    assert np.vstack(asked).min() >= 0.0
    assert np.vstack(asked).max() <= 1.0
    assert slopes == pytest.approx(np.array([[10.0, 0.0, 2.0], [10.0, 0.0, 0.0]]), abs=1e-4)
