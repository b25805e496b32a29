"""What the members believe of every outcome: alone, side by side, and of outcomes known in part."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from datasets import AXES, FOUND, OTHERS, dataset, of_outcome, points_of, two_outcomes
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.model.dataset import Dataset
from asktell.model.gp import Hyperparameters
from asktell.model.kernels import Array
from asktell.model.members import MEMBERS, condition_members
from asktell.model.posterior import Posterior, posterior_of

EXAMPLES = settings(deadline=None, max_examples=25)

QUIET = (Hyperparameters((0.3, 1.0, 0.6), 1e-6),) * 3


def posterior(data: Dataset, *found: tuple[Hyperparameters, ...]) -> Posterior:
    return posterior_of(AXES, data, found or (FOUND, OTHERS)[: data.outcomes])


# --- one outcome ---


def test_means_and_deviations_are_those_of_the_members() -> None:
    data, x = dataset(), points_of(6, 1)
    processes, _ = condition_members(AXES, data, 0, FOUND)

    mean, std = posterior(data).at(x)

    expected_mean, expected_std = processes.predict(x, return_std=True)
    assert mean.shape == std.shape == (6, 3, 1)
    assert mean[:, :, 0].tolist() == expected_mean.tolist()
    assert std[:, :, 0].tolist() == expected_std.tolist()


def test_no_points_have_no_predictions() -> None:
    mean, std = posterior(two_outcomes()).at(np.empty((0, 3)))

    assert mean.shape == std.shape == (0, 3, 2)


def test_posterior_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        posterior(dataset()).processes = ()  # type: ignore[misc]


def test_kernel_matrix_that_is_singular_raises() -> None:
    twice = dataset(2, points=np.full((2, 3), 0.5))

    with pytest.raises(np.linalg.LinAlgError):
        posterior(twice, (Hyperparameters((1.0, 1.0, 1.0), 0.0),) * 3)


# --- in the units of the outcomes ---


def test_units_are_those_of_the_first_member() -> None:
    believed, x = posterior(two_outcomes()), points_of(6, 1)

    mean, std = believed.in_units(x)

    means, deviations = believed.at(x)
    assert mean.shape == std.shape == (6, 2)
    for outcome, scale in enumerate(believed.scales):
        expected = means[:, 0, outcome] * scale.scale + scale.location
        assert mean[:, outcome].tolist() == expected.tolist()
        assert std[:, outcome].tolist() == (deviations[:, 0, outcome] * scale.scale).tolist()


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


@pytest.mark.parametrize("constant", [-1e308, 0.0, 3.0])
def test_equal_targets_give_a_finite_model(constant: float) -> None:
    believed = posterior(dataset(targets=np.full((12, 1), constant)))
    mean, std = believed.in_units(points_of(6, 1))

    assert np.all(np.isfinite(mean))
    assert np.all(np.isfinite(std))
    assert np.all(std > 0.0)


# --- pending points and incumbents ---


def test_pending_points_keep_the_mean_and_shrink_the_deviation() -> None:
    data, pending, x = two_outcomes(), points_of(2, 6), points_of(6, 1)
    everywhere = np.vstack([x, pending])

    before = posterior(data).at(everywhere)
    after = posterior(attrs.evolve(data, pending=pending)).at(everywhere)

    assert after[0] == pytest.approx(before[0], abs=1e-9)
    assert np.all(after[1] <= before[1] + 1e-9)
    assert np.all(after[1][-2:] < 0.5 * before[1][-2:])


def test_pending_points_do_not_change_the_scale_of_the_targets() -> None:
    data = dataset()

    (scale,) = posterior(attrs.evolve(data, pending=points_of(2, 6))).scales

    assert scale.location == pytest.approx(data.targets.mean())
    assert scale.scale == pytest.approx(data.targets.std())


def test_incumbents_are_the_best_means_at_known_points() -> None:
    data = two_outcomes(pending=points_of(2, 6), failed=points_of(1, 5))
    believed = posterior(data)

    means, _ = believed.at(np.vstack([data.points, data.pending]))

    assert believed.incumbents.shape == (len(MEMBERS), 2)
    assert believed.incumbents == pytest.approx(means.max(axis=0), abs=1e-12)


def test_incumbent_of_an_outcome_is_not_at_a_point_where_it_is_unknown() -> None:
    # the model expects the most of the first outcome beside a point where it is not known
    points = np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.6, 0.0, 0.0]])
    targets = np.array([[0.0, 1.0], [1.0, 0.0], [np.nan, 2.0]])
    smooth = (Hyperparameters((1.0, 1.0, 1.0), 1e-4),) * 3
    data = dataset(3, points=points, targets=targets, known=np.isfinite(targets))

    believed = posterior(data, smooth, smooth)

    means, _ = believed.at(points)
    assert np.all(means[2, :, 0] > means[1, :, 0])
    assert believed.incumbents[:, 0] == pytest.approx(means[1, :, 0], abs=1e-12)
    assert believed.incumbents[:, 1] == pytest.approx(means[2, :, 1], abs=1e-12)


# --- two outcomes side by side ---

FAILED, PENDING = points_of(2, 5), points_of(3, 6)


def part(of: Any, outcome: int) -> list[Any]:
    return [np.asarray(array[:, :, [outcome]]).tolist() for array in of]


@EXAMPLES
@given(
    seed=st.integers(0, 2**32),
    m=st.integers(1, 8),
    failed=st.integers(0, 2),
    pending=st.integers(0, 3),
)
def test_two_outcomes_are_each_what_it_is_alone_to_the_last_bit(
    seed: int, m: int, failed: int, pending: int
) -> None:
    data = two_outcomes(failed=FAILED[:failed], pending=PENDING[:pending])
    x, both = points_of(m, seed), posterior(data)

    mean, std = both.at(x)
    with_gradient = both.with_gradient(x)

    assert mean.shape == std.shape == (m, 3, 2)
    assert [array.shape for array in with_gradient] == [(m, 3, 2)] * 2 + [(m, 3, 2, 3)] * 2
    for outcome, found in enumerate([FOUND, OTHERS]):
        alone = posterior(of_outcome(data, outcome), found)
        assert part((mean, std), outcome) == part(alone.at(x), 0)
        assert part(with_gradient, outcome) == part(alone.with_gradient(x), 0)
        assert both.incumbents[:, outcome].tolist() == alone.incumbents[:, 0].tolist()
        for together, by_itself in zip(both.in_units(x), alone.in_units(x), strict=True):
            assert together[:, outcome].tolist() == by_itself[:, 0].tolist()


def masks(n: int) -> st.SearchStrategy[Array]:
    """Return masks (n, 2) in which both outcomes are known somewhere."""
    row = st.sampled_from([(True, True), (True, False), (False, True)])
    rows = st.lists(row, min_size=n, max_size=n).map(np.array)
    return rows.filter(lambda mask: bool(mask.any(axis=0).all()))


@EXAMPLES
@given(known=masks(12), stand_in=st.sampled_from([np.nan, 0.0, 1e300]), seed=st.integers(0, 99))
def test_outcome_known_in_part_is_conditioned_on_those_points_alone(
    known: Array, stand_in: float, seed: int
) -> None:
    whole = two_outcomes(known=known, failed=FAILED, pending=PENDING)
    whole = attrs.evolve(whole, counts=np.arange(1.0, 13.0))
    data = attrs.evolve(whole, targets=np.where(known, whole.targets, stand_in))
    x, both = points_of(6, seed), posterior(data)

    for outcome, found in enumerate([FOUND, OTHERS]):
        alone = posterior(of_outcome(whole, outcome), found)
        assert part(both.at(x), outcome) == part(alone.at(x), 0)
        assert part(both.with_gradient(x), outcome) == part(alone.with_gradient(x), 0)
        assert both.incumbents[:, outcome].tolist() == alone.incumbents[:, 0].tolist()


def test_one_outcome_does_not_change_with_the_targets_of_the_other() -> None:
    data, x = two_outcomes(), points_of(6, 1)
    other = attrs.evolve(data, targets=data.targets * [1.0, -1e5])

    first, second = posterior(data).at(x), posterior(other).at(x)

    assert part(second, 0) == part(first, 0)
    assert part(second, 1) != part(first, 1)


# --- gradients ---


def test_predicting_with_and_without_gradient_agree() -> None:
    believed, x = posterior(two_outcomes()), points_of(6, 1)

    mean, std, _, _ = believed.with_gradient(x)

    assert [mean.tolist(), std.tolist()] == [array.tolist() for array in believed.at(x)]


@pytest.mark.parametrize("column", [0, 1])
def test_gradients_are_finite_differences(column: int) -> None:
    believed = posterior(two_outcomes(pending=PENDING, failed=FAILED))
    x = points_of(5, 11)

    gradients = believed.with_gradient(x)[2 + column]

    assert gradients.shape == (5, 3, 2, 3)
    for dimension in (0, 2):
        step = 1e-5 * np.eye(3)[dimension]
        differences = (believed.at(x + step)[column] - believed.at(x - step)[column]) / 2e-5
        assert gradients[:, :, :, dimension] == pytest.approx(differences, abs=1e-6)
    assert not gradients[:, :, :, 1].any()
