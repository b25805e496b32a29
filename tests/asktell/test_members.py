"""Several processes side by side: what each sees of the targets, of failures and of replicates."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import pytest
from datasets import AXES, FOUND, OTHERS, dataset, of_outcome, points_of, two_outcomes
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from asktell.model.dataset import Dataset
from asktell.model.gp import GaussianProcesses, Hyperparameters, condition
from asktell.model.kernels import Embedding
from asktell.model.members import (
    MEMBERS,
    Member,
    condition_members,
    embedding_of,
    fit_members,
)
from asktell.model.warping import standardise, tukey_winsorised
from asktell.space.axes import Interval, Levels, LogLevels, categories

EXAMPLES = settings(deadline=None, max_examples=25)

WINSORISED = Member(tukey_winsorised, -5.0, 1.0, 1e-4)


def members_of(
    data: Dataset, outcome: int = 0, found: tuple[Hyperparameters, ...] = FOUND
) -> GaussianProcesses:
    processes, _ = condition_members(AXES, data, outcome, found)
    return processes


def test_embedding_has_the_categories_of_the_axes() -> None:
    axes = [Interval(), categories(4), Levels(4), LogLevels(4, 1.0, 1.0), categories(1)]

    assert embedding_of(axes) == Embedding((0, 4, 0, 0, 1))


# --- the members ---


@pytest.mark.parametrize("index", range(3))
def test_column_is_the_process_of_its_member(index: int) -> None:
    data, x = dataset(), points_of(6, 1)
    warped = standardise(MEMBERS[index].warp(standardise(data.targets[:, 0]).values)).values
    alone = condition(Embedding((0, 3, 0)), [FOUND[index]], data.points, warped[None], data.counts)

    mean, std = members_of(data).predict(x, return_std=True)

    expected_mean, expected_std = alone.predict(x, return_std=True)
    assert mean.shape == std.shape == (6, 3)
    assert mean[:, index] == pytest.approx(expected_mean[:, 0], abs=1e-12)
    assert std[:, index] == pytest.approx(expected_std[:, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("factor", "shift"), [(1e200, 0.0), (1e-200, 0.0), (1.0, 1e3), (2.0, -8.0)]
)
def test_scale_and_shift_of_the_targets_do_not_matter(factor: float, shift: float) -> None:
    x, data = points_of(6, 1), dataset()
    moved = attrs.evolve(data, targets=factor * data.targets + shift)

    mean = members_of(data).predict(x)

    assert members_of(moved).predict(x) == pytest.approx(mean, abs=1e-8)


def test_single_observation_gives_a_finite_model() -> None:
    mean, std = members_of(dataset(1)).predict(points_of(6, 1), return_std=True)

    assert np.all(np.isfinite(mean))
    assert np.all(std > 0.0)


@pytest.mark.parametrize("outcome", [0, 1])
def test_members_of_one_of_two_outcomes_are_those_of_it_alone(outcome: int) -> None:
    known = np.ones((12, 2), dtype=bool)
    known[[1, 4, 5], 0] = known[[0, 4], 1] = False
    data = two_outcomes(known=known, failed=points_of(2, 5))

    processes, scale = condition_members(AXES, data, outcome, FOUND)
    alone, scale_alone = condition_members(AXES, of_outcome(data, outcome), 0, FOUND)

    assert processes.points.tolist() == alone.points.tolist()
    assert processes.targets.tolist() == alone.targets.tolist()
    assert processes.counts.tolist() == alone.counts.tolist()
    assert (scale.location, scale.scale) == (scale_alone.location, scale_alone.scale)


# --- failures and replicates ---


def test_failed_points_count_as_worse_than_most_that_was_observed() -> None:
    data, failed = dataset(), points_of(2, 5)
    worst = [
        np.quantile(standardise(member.warp(standardise(data.targets[:, 0]).values)).values, 0.2)
        for member in MEMBERS
    ]

    processes = members_of(attrs.evolve(data, failed=failed))

    assert processes.points.tolist() == [*data.points.tolist(), *failed.tolist()]
    assert processes.targets[:, -2:].tolist() == [[bad, bad] for bad in worst]
    assert processes.counts.tolist() == [1.0] * 14


def test_model_expects_little_near_a_failure() -> None:
    data, failed = dataset(), points_of(1, 5)

    before = members_of(data).predict(failed)
    after = members_of(attrs.evolve(data, failed=failed)).predict(failed)

    assert np.all(after < before)


def test_replicates_bring_the_mean_nearer_to_the_target() -> None:
    data = dataset()
    best = int(np.argmax(data.targets))
    often = np.ones(12)
    often[best] = 100.0

    once = members_of(data)
    many = members_of(attrs.evolve(data, counts=often))

    def missed(processes: Any) -> float:
        return abs(float(processes.predict(data.points)[best, 0]) - processes.targets[0, best])

    assert missed(many) < 0.1 * missed(once)


def test_order_of_the_points_does_not_matter_but_for_rounding() -> None:
    data, x = dataset(), points_of(6, 1)
    order = np.random.default_rng(0).permutation(12)
    other = attrs.evolve(data, points=data.points[order], targets=data.targets[order])

    first = members_of(data).predict(x, return_std=True)
    second = members_of(other).predict(x, return_std=True)

    assert second[0] == pytest.approx(first[0], abs=1e-10)
    assert second[1] == pytest.approx(first[1], abs=1e-10)


# --- faults ---


def test_kernel_matrix_that_is_singular_raises() -> None:
    twice = dataset(2, points=np.full((2, 3), 0.5))
    noiseless = (Hyperparameters((1.0, 1.0, 1.0), 0.0),) * 3

    with pytest.raises(np.linalg.LinAlgError):
        members_of(twice, found=noiseless)


def test_each_member_needs_its_hyperparameters() -> None:
    with pytest.raises(ValueError, match=r"longer|shorter"):
        members_of(dataset(), found=FOUND[:2])


def test_fit_needs_the_last_hyperparameters_of_each_member() -> None:
    with pytest.raises(ValueError, match=r"longer|shorter"):
        fit_members(AXES, dataset(), (FOUND[:2],))


# --- priors ---


@pytest.mark.parametrize("dim", [1, 4, 100])
def test_mode_of_the_length_scale_is_that_of_the_prior_of_the_paper(dim: int) -> None:
    prior = WINSORISED.prior([Interval()] * dim)

    # the density of log l under LogNormal(mu, s) is that of l times l
    logs = np.linspace(-6.0, 6.0, 240001)
    mu, s = math.sqrt(2.0) + 0.5 * math.log(dim), math.sqrt(3.0)
    density = stats.lognorm(s, scale=math.exp(mu)).logpdf(np.exp(logs))
    assert np.log(prior.length_scales) == pytest.approx([logs[np.argmax(density)]] * dim, abs=1e-4)
    assert prior.length_scale_spread == s
    assert math.log(prior.noise) == pytest.approx(-5.0)
    assert (prior.noise_spread, prior.noise_floor) == (1.0, 1e-4)


@pytest.mark.parametrize(
    "axis", [Levels(2), Levels(7), Levels(10**6), categories(2), categories(5)]
)
def test_length_scales_grow_with_the_distance_of_random_positions(axis: Levels) -> None:
    n = 100 * axis.size if axis.size < 10 else 1000
    sampled = axis.sample((np.arange(n) + 0.5) / n)
    differences = sampled[:, None] - sampled[None]
    squares = differences != 0 if axis.categories else np.square(differences)

    of_continuum, of_levels = WINSORISED.prior([Interval(), axis]).length_scales

    expected = math.sqrt(squares.mean() * 6.0)  # (x - x')^2 is 1/6 in the mean over [0, 1]
    assert of_levels / of_continuum == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("axis", [Levels(1), categories(1)])
def test_axis_of_a_single_position_has_the_length_scale_of_a_continuum(axis: Levels) -> None:
    scales = WINSORISED.prior([Interval(), axis]).length_scales

    assert scales[0] == scales[1]


# --- fits ---


def test_fitting_finds_hyperparameters_for_each_member() -> None:
    (found,) = fit_members(AXES, dataset(failed=points_of(2, 5)), None)

    assert len(found) == len(MEMBERS)
    for member, hyperparameters in zip(MEMBERS, found, strict=True):
        assert len(hyperparameters.length_scales) == 3
        assert hyperparameters.noise >= member.noise_floor


def test_fitting_is_repeatable_to_the_last_bit() -> None:
    assert fit_members(AXES, dataset(), None) == fit_members(AXES, dataset(), None)


def test_fitting_ignores_pending_points() -> None:
    pending = dataset(pending=points_of(3, 6))

    assert fit_members(AXES, pending, None) == fit_members(AXES, dataset(), None)


def test_fitting_again_from_what_was_found_changes_little() -> None:
    (found,) = fit_members(AXES, dataset(30), None)

    (again,) = fit_members(AXES, dataset(30), (found,))

    for first, second in zip(found, again, strict=True):
        assert second.length_scales == pytest.approx(first.length_scales, rel=0.05)


@EXAMPLES
@given(
    known=st.lists(st.sampled_from([(True, True), (True, False), (False, True)]), min_size=10),
    warm=st.booleans(),
)
def test_outcomes_are_fitted_each_for_itself(known: list[tuple[bool, bool]], warm: bool) -> None:
    mask = np.array([(True, True), (True, True), *known[:10]])
    data, last = two_outcomes(known=mask), (FOUND, OTHERS) if warm else None

    together = fit_members(AXES, data, last)

    for outcome in range(2):
        before = (last[outcome],) if last else None
        assert (together[outcome],) == fit_members(AXES, of_outcome(data, outcome), before)
