"""Several processes side by side, and what pending, failed and repeated trials do to them."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import pytest
from scipy import stats

from asktell.model.gp import Hyperparameters, condition
from asktell.model.kernels import Array, Embedding
from asktell.model.surrogate import MEMBERS, Evidence, Member, Surrogate, build, fit_members
from asktell.model.warping import standardise, tukey_winsorised
from asktell.space.axes import Axis, Interval, Levels, categories

AXES: list[Axis] = [Interval(), categories(3), Levels(11)]
FOUND = [
    Hyperparameters((0.3, 1.0, 0.6), 1e-2),
    Hyperparameters((0.5, 2.0, 0.4), 1e-3),
    Hyperparameters((0.8, 0.7, 0.9), 1e-4),
]
NONE = np.empty((0, 3))


def points_of(n: int, seed: int) -> Array:
    uniform = np.random.default_rng(seed).random((n, 3))
    return np.column_stack([axis.sample(uniform[:, i]) for i, axis in enumerate(AXES)])


def evidence(n: int = 12, **changes: Any) -> Evidence:
    points = points_of(n, 0)
    targets = 100.0 + 7.0 * np.sin(5.0 * points[:, 0] + 2.0 * points[:, 1]) + points[:, 2]
    return attrs.evolve(Evidence(points, targets, np.ones(n), NONE, NONE), **changes)


# --- predictions ---


@pytest.mark.parametrize("index", range(3))
def test_column_is_the_process_of_its_member(index: int) -> None:
    known, x = evidence(), points_of(6, 1)
    warped = standardise(MEMBERS[index].warp(standardise(known.targets).values)).values
    alone = condition(
        Embedding((0, 3, 0)), [FOUND[index]], known.points, warped[None], known.counts
    )

    mean, std = build(AXES, known, FOUND).processes.predict(x, return_std=True)

    expected_mean, expected_std = alone.predict(x, return_std=True)
    assert mean.shape == std.shape == (6, 3)
    assert mean[:, index] == pytest.approx(expected_mean[:, 0], abs=1e-12)
    assert std[:, index] == pytest.approx(expected_std[:, 0], abs=1e-12)


def test_targets_are_predicted_by_the_first_member() -> None:
    surrogate, x = build(AXES, evidence(), FOUND), points_of(6, 1)

    mean, std = surrogate.predict_targets(x)

    means, deviations = surrogate.processes.predict(x, return_std=True)
    scale = surrogate.scale
    assert mean.tolist() == (means[:, 0] * scale.scale + scale.location).tolist()
    assert std.tolist() == (deviations[:, 0] * scale.scale).tolist()


def test_targets_are_predicted_in_their_own_unit() -> None:
    known = evidence()
    quiet = [Hyperparameters((0.3, 1.0, 0.6), 1e-6)] * 3

    mean, std = build(AXES, known, quiet).predict_targets(known.points)

    assert mean == pytest.approx(known.targets, abs=0.01)
    assert std.max() < 0.05 * float(known.targets.std())


def test_targets_are_predicted_in_their_own_unit_beside_one_that_is_very_bad() -> None:
    known = evidence()
    known.targets[3] = -1e6
    quiet = [Hyperparameters((0.3, 1.0, 0.6), 1e-6)] * 3

    mean, _ = build(AXES, known, quiet).predict_targets(known.points)

    others = np.arange(12) != 3
    assert mean[others] == pytest.approx(known.targets[others], abs=0.05)
    assert 0.0 < mean[3] < known.targets[others].min()


def test_far_from_all_points_the_deviation_is_that_of_the_targets() -> None:
    known = evidence()
    short = [Hyperparameters((0.01, 0.01, 0.01), 1e-4)] * 3

    mean, std = build(AXES, known, short).predict_targets(np.array([[0.123456, 0.5, 0.3]]))

    assert std == pytest.approx([known.targets.std()], rel=1e-3)
    assert mean == pytest.approx([known.targets.mean()], rel=1e-3)


@pytest.mark.parametrize(
    ("factor", "shift"), [(1e200, 0.0), (1e-200, 0.0), (1.0, 1e3), (2.0, -8.0)]
)
def test_scale_and_shift_of_the_targets_do_not_matter(factor: float, shift: float) -> None:
    x, known = points_of(6, 1), evidence()
    moved = attrs.evolve(known, targets=factor * known.targets + shift)

    mean = build(AXES, known, FOUND).processes.predict(x)

    assert build(AXES, moved, FOUND).processes.predict(x) == pytest.approx(mean, abs=1e-8)


@pytest.mark.parametrize("constant", [-1e308, 3.0])
def test_equal_targets_are_expected_everywhere(constant: float) -> None:
    surrogate = build(AXES, evidence(targets=np.full(12, constant)), FOUND)

    assert surrogate.predict_targets(points_of(6, 1))[0] == pytest.approx([constant] * 6)


@pytest.mark.parametrize("constant", [-1e308, 0.0, 3.0])
def test_equal_targets_give_a_finite_model(constant: float) -> None:
    surrogate = build(AXES, evidence(targets=np.full(12, constant)), FOUND)
    mean, std = surrogate.predict_targets(points_of(6, 1))

    assert np.all(np.isfinite(mean))
    assert np.all(np.isfinite(std))
    assert np.all(std > 0.0)


def test_single_observation_gives_a_finite_model() -> None:
    processes = build(AXES, evidence(1), FOUND).processes
    mean, std = processes.predict(points_of(6, 1), return_std=True)

    assert np.all(np.isfinite(mean))
    assert np.all(std > 0.0)


# --- failures, pending points, replicates ---


def test_failed_points_count_as_worse_than_most_that_was_observed() -> None:
    known, failed = evidence(), points_of(2, 5)
    worst = [
        np.quantile(standardise(member.warp(standardise(known.targets).values)).values, 0.2)
        for member in MEMBERS
    ]

    processes = build(AXES, attrs.evolve(known, failed=failed), FOUND).processes

    assert processes.points.tolist() == [*known.points.tolist(), *failed.tolist()]
    assert processes.targets[:, -2:].tolist() == [[bad, bad] for bad in worst]
    assert processes.counts.tolist() == [1.0] * 14


def test_model_expects_little_near_a_failure() -> None:
    known, failed = evidence(), points_of(1, 5)

    before = build(AXES, known, FOUND).processes.predict(failed)
    after = build(AXES, attrs.evolve(known, failed=failed), FOUND).processes.predict(failed)

    assert np.all(after < before)


def test_pending_points_keep_the_mean_and_shrink_the_deviation() -> None:
    known, pending, x = evidence(), points_of(2, 6), points_of(6, 1)

    before = build(AXES, known, FOUND).processes.predict(np.vstack([x, pending]), return_std=True)
    after = build(AXES, attrs.evolve(known, pending=pending), FOUND).processes.predict(
        np.vstack([x, pending]), return_std=True
    )

    assert after[0] == pytest.approx(before[0], abs=1e-9)
    assert np.all(after[1] <= before[1] + 1e-9)
    assert np.all(after[1][-2:] < 0.5 * before[1][-2:])


def test_pending_points_do_not_change_the_scale_of_the_targets() -> None:
    known = evidence()

    scale = build(AXES, attrs.evolve(known, pending=points_of(2, 6)), FOUND).scale

    assert (scale.location, scale.scale) == (
        pytest.approx(known.targets.mean()),
        pytest.approx(known.targets.std()),
    )


def test_incumbents_are_the_best_means_at_known_points() -> None:
    known = evidence(pending=points_of(2, 6), failed=points_of(1, 5))
    surrogate = build(AXES, known, FOUND)

    means = surrogate.processes.predict(np.vstack([known.points, known.pending]))

    assert surrogate.incumbents == pytest.approx(means.max(axis=0), abs=1e-12)


def test_replicates_bring_the_mean_nearer_to_the_target() -> None:
    known = evidence()
    best = int(np.argmax(known.targets))
    often = np.ones(12)
    often[best] = 100.0

    once = build(AXES, known, FOUND).processes
    many = build(AXES, attrs.evolve(known, counts=often), FOUND).processes

    def missed(process: Any) -> float:
        return abs(float(process.predict(known.points)[best, 0]) - process.targets[0, best])

    assert missed(many) < 0.1 * missed(once)


def test_order_of_the_evidence_does_not_matter_but_for_rounding() -> None:
    known, x = evidence(), points_of(6, 1)
    order = np.random.default_rng(0).permutation(12)
    other = attrs.evolve(known, points=known.points[order], targets=known.targets[order])

    first = build(AXES, known, FOUND).processes.predict(x, return_std=True)
    second = build(AXES, other, FOUND).processes.predict(x, return_std=True)

    assert second[0] == pytest.approx(first[0], abs=1e-10)
    assert second[1] == pytest.approx(first[1], abs=1e-10)


def test_kernel_matrix_that_is_singular_raises() -> None:
    twice = evidence(2, points=np.full((2, 3), 0.5))

    with pytest.raises(np.linalg.LinAlgError):
        build(AXES, twice, [Hyperparameters((1.0, 1.0, 1.0), 0.0)] * 3)


def test_each_member_needs_its_hyperparameters() -> None:
    with pytest.raises(ValueError, match=r"longer|shorter"):
        build(AXES, evidence(), FOUND[:2])


# --- hyper-parameters ---


@pytest.mark.parametrize("dim", [1, 4, 100])
def test_mode_of_the_length_scale_is_that_of_the_prior_of_the_paper(dim: int) -> None:
    prior = Member(tukey_winsorised, -5.0, 1.0, 1e-4).prior([Interval()] * dim)

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
    member = Member(tukey_winsorised, -5.0, 1.0, 1e-4)
    n = 100 * axis.size if axis.size < 10 else 1000
    sampled = axis.sample((np.arange(n) + 0.5) / n)
    differences = sampled[:, None] - sampled[None]
    squares = differences != 0 if axis.categories else np.square(differences)

    of_continuum, of_levels = member.prior([Interval(), axis]).length_scales

    expected = math.sqrt(squares.mean() * 6.0)  # (x - x')^2 is 1/6 in the mean over [0, 1]
    assert of_levels / of_continuum == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("axis", [Levels(1), categories(1)])
def test_axis_of_a_single_position_has_the_length_scale_of_a_continuum(axis: Levels) -> None:
    scales = Member(tukey_winsorised, -5.0, 1.0, 1e-4).prior([Interval(), axis]).length_scales

    assert scales[0] == scales[1]


def test_fitting_finds_hyperparameters_for_each_member() -> None:
    found = fit_members(AXES, evidence(failed=points_of(2, 5)), None)

    assert len(found) == len(MEMBERS)
    for member, hyperparameters in zip(MEMBERS, found, strict=True):
        assert len(hyperparameters.length_scales) == 3
        assert hyperparameters.noise >= member.noise_floor


def test_fitting_is_repeatable_to_the_last_bit() -> None:
    assert fit_members(AXES, evidence(), None) == fit_members(AXES, evidence(), None)


def test_fitting_ignores_pending_points() -> None:
    pending = evidence(pending=points_of(3, 6))

    assert fit_members(AXES, pending, None) == fit_members(AXES, evidence(), None)


def test_fitting_again_from_what_was_found_changes_little() -> None:
    found = fit_members(AXES, evidence(30), None)

    again = fit_members(AXES, evidence(30), found)

    for first, second in zip(found, again, strict=True):
        assert second.length_scales == pytest.approx(first.length_scales, rel=0.05)


def test_surrogate_is_immutable() -> None:
    surrogate: Surrogate = build(AXES, evidence(), FOUND)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        surrogate.processes = ()  # type: ignore[misc]
