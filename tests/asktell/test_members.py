"""Several processes side by side: what each sees of the targets, of failures and of replicates."""

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
from scipy import stats

from asktell.model.dataset import Dataset, Use
from asktell.model.gp import GaussianProcesses, Hyperparameters, Noise, condition
from asktell.model.kernels import Embedding
from asktell.model.members import (
    MEMBERS,
    SUCCESS,
    Member,
    columns_of,
    condition_members,
    embedding_of,
    fit_members,
    outcomes_seen,
    success_seen,
)
from asktell.model.warping import standardise, tukey_winsorised
from asktell.space.axes import Interval, Levels, LogLevels, categories
from asktell.space.domain import Domain

EXAMPLES = settings(deadline=None, max_examples=10)

WINSORISED = Member(tukey_winsorised, -5.0, 1.0, 1e-4)
USES: list[Use] = ["objective", "one of several", "bound", "given"]
BOUNDS = np.array([[-math.inf, 103.0], [-5e-4, math.inf]])


def members_of(data: Dataset, *found: tuple[Hyperparameters, ...]) -> GaussianProcesses:
    """Return the members of all outcomes."""
    *outcomes, _ = found_for(data, *found)
    several = [one for members in outcomes for one in members]
    processes = condition_members(DOMAIN, outcomes_seen(DOMAIN, data), several)
    assert processes is not None
    return processes


def test_embedding_has_the_categories_of_the_axes() -> None:
    axes = [Interval(), categories(4), Levels(4), LogLevels(4, 1.0, 1.0), categories(1)]

    assert embedding_of(Domain.of(axes)) == Embedding((0, 4, 0, 0, 1))


# --- the members ---


def test_every_use_has_its_members() -> None:
    assert set(MEMBERS) == set(USES)
    assert [use for use in USES if not MEMBERS[use]] == ["given"]


def test_columns_of_outcomes_stand_side_by_side() -> None:
    uses: list[Use] = ["one of several", "given", "one of several", "bound"]

    one, other = len(MEMBERS["one of several"]), len(MEMBERS["bound"])
    assert columns_of(uses) == (
        slice(0, one),
        slice(one, one),
        slice(one, 2 * one),
        slice(2 * one, 2 * one + other),
    )


@pytest.mark.parametrize("use", ["objective", "one of several", "bound"])
def test_column_is_the_process_of_its_member(use: Use) -> None:
    data, x = dataset(uses=(use,), bounds=BOUNDS[:1]), points_of(6, 1)
    plain = standardise(data.targets[:, 0])
    bounds = -math.inf, (103.0 - plain.location) / plain.scale

    mean, std = members_of(data).predict(x, return_std=True)

    assert mean.shape == std.shape == (6, len(MEMBERS[use]))
    for index, member in enumerate(MEMBERS[use]):
        warped = standardise(member.warp(plain.values, *bounds)(plain.values)).values
        noise = Noise(data.counts, np.full((1, 12), np.nan))
        alone = condition(Embedding((0, 3, 0)), [FOUND[index]], data.points, warped[None], noise)
        expected_mean, expected_std = alone.predict(x, return_std=True)
        assert mean[:, index] == pytest.approx(expected_mean[:, 0], abs=1e-12)
        assert std[:, index] == pytest.approx(expected_std[:, 0], abs=1e-12)


@pytest.mark.parametrize("use", ["objective", "one of several", "bound"])
@pytest.mark.parametrize(
    ("factor", "shift"), [(1e200, 0.0), (1e-200, 0.0), (1.0, 1e3), (2.0, -8.0)]
)
def test_scale_and_shift_of_the_targets_do_not_matter(
    use: Use, factor: float, shift: float
) -> None:
    x, data = points_of(6, 1), dataset(uses=(use,), bounds=BOUNDS[:1])
    moved = attrs.evolve(
        data, targets=factor * data.targets + shift, bounds=factor * data.bounds + shift
    )

    mean = members_of(data).predict(x)

    assert members_of(moved).predict(x) == pytest.approx(mean, abs=1e-8)


@pytest.mark.parametrize("use", ["objective", "one of several", "bound"])
def test_single_observation_gives_a_finite_model(use: Use) -> None:
    data = dataset(1, uses=(use,), bounds=BOUNDS[:1])

    mean, std = members_of(data).predict(points_of(6, 1), return_std=True)

    assert np.all(np.isfinite(mean))
    assert np.all(std > 0.0)


@pytest.mark.parametrize("outcome", [0, 1])
@pytest.mark.parametrize("uses", [("one of several",) * 2, ("objective", "bound")])
def test_members_of_one_of_two_outcomes_are_those_of_it_alone(
    outcome: int, uses: tuple[Use, Use]
) -> None:
    data = two_outcomes(uses=uses, bounds=BOUNDS, failed=points_of(2, 5))
    found, own = (FOUND, OTHERS), columns_of(uses)[outcome]

    both = outcomes_seen(DOMAIN, data)
    alone = outcomes_seen(DOMAIN, of_outcome(data, outcome))

    assert both is not None
    assert alone is not None
    assert both.points.tolist() == alone.points.tolist()
    assert both.targets[own].tolist() == alone.targets.tolist()
    assert both.priors[own] == alone.priors
    x = points_of(6, 1)
    expected = members_of(of_outcome(data, outcome), found[outcome]).predict(x)
    assert members_of(data, *found).predict(x)[:, own] == pytest.approx(expected, abs=1e-12)


def test_what_is_given_has_no_members() -> None:
    data = two_outcomes(uses=("objective", "given"))

    both = outcomes_seen(DOMAIN, data)

    assert both is not None
    assert both.targets.shape == (3, 12)
    assert outcomes_seen(DOMAIN, dataset(uses=("given",))) is None
    assert condition_members(DOMAIN, None, []) is None


# --- what is known of the noise ---


def test_deviations_that_are_known_are_the_noise_of_their_targets() -> None:
    data, x = dataset(), points_of(6, 1)
    deviations = np.full((12, 1), np.nan)
    deviations[3] = 0.5
    told = attrs.evolve(data, deviations=deviations)

    evidence = outcomes_seen(DOMAIN, told)

    assert evidence is not None
    known = evidence.noise.known
    assert np.isnan(known[:, np.arange(12) != 3]).all()
    assert known[0, 3] == pytest.approx(0.25 / data.targets.var(), rel=1e-6)
    assert members_of(told).predict(x)[:, 0] != pytest.approx(members_of(data).predict(x)[:, 0])


@pytest.mark.parametrize("use", ["objective", "one of several", "bound"])
def test_a_target_is_trusted_as_far_as_its_deviation_says(use: Use) -> None:
    data = dataset(uses=(use,), bounds=BOUNDS[:1])
    worst = int(np.argmin(data.targets))
    trust: dict[float, Any] = {}
    for std in (1e-6, 1e6):
        deviations = np.full((12, 1), np.nan)
        deviations[worst] = std
        processes = members_of(attrs.evolve(data, deviations=deviations))
        expected = processes.predict(data.points[[worst]])[0]
        trust[std] = np.abs(expected - processes.targets[:, worst])

    assert np.all(trust[1e-6] < 1e-3)
    assert np.all(trust[1e6] > 0.05)


def test_noise_that_is_known_has_a_floor_too() -> None:
    data = dataset(deviations=np.zeros((12, 1)))

    evidence = outcomes_seen(DOMAIN, data)

    assert evidence is not None
    floors = [member.noise_floor for member in MEMBERS["objective"]]
    assert evidence.noise.known.tolist() == [[floor] * 12 for floor in floors]
    close = dataset(points=np.full((12, 3), 0.5), deviations=np.zeros((12, 1)))
    assert np.isfinite(members_of(close).predict(points_of(3, 1))).all()


# --- failures ---


def test_without_failures_success_has_no_model() -> None:
    assert success_seen(DOMAIN, dataset()) is None


def test_success_is_seen_as_1_and_failure_as_0() -> None:
    data, failed = dataset(counts=np.full(12, 3.0)), points_of(2, 5)

    evidence = success_seen(DOMAIN, attrs.evolve(data, failed=failed))

    assert evidence is not None
    assert evidence.points.tolist() == [*data.points.tolist(), *failed.tolist()]
    (view,) = evidence.seen
    assert view.of(np.array([1.0, 0.0])).tolist() == [
        pytest.approx(evidence.targets[0, 0]),
        pytest.approx(evidence.targets[0, -1]),
    ]
    assert set(evidence.targets[0, :12].tolist()) == {evidence.targets[0, 0]}
    assert evidence.targets[0, 0] > 0.0 > evidence.targets[0, -1]
    assert evidence.noise.counts.tolist() == [1.0] * 14
    assert evidence.priors == (SUCCESS.prior(DOMAIN),)


@pytest.mark.parametrize("use", ["objective", "one of several"])
def test_failed_points_count_as_worse_than_most_that_was_observed(use: Use) -> None:
    failed = points_of(2, 5)

    evidence = outcomes_seen(DOMAIN, dataset(uses=(use,), failed=failed))

    assert evidence is not None
    assert evidence.points[-2:].tolist() == failed.tolist()
    for seen in evidence.targets:
        assert seen[-2:].tolist() == [np.quantile(seen[:-2], 0.2)] * 2
    assert np.isnan(evidence.noise.known[:, -2:]).all()
    assert evidence.noise.counts[-2:].tolist() == [1.0] * 2


def test_model_expects_little_near_a_failure() -> None:
    data, failed = dataset(), points_of(1, 5)

    before = members_of(data).predict(failed)
    after = members_of(attrs.evolve(data, failed=failed)).predict(failed)

    assert np.all(after < before)


def test_failures_say_nothing_of_constraints() -> None:
    data = dataset(uses=("bound",), bounds=BOUNDS[:1])
    x, failing = points_of(6, 1), attrs.evolve(data, failed=points_of(3, 5))

    for part, other in zip(
        members_of(failing).predict(x, return_std=True),
        members_of(data).predict(x, return_std=True),
        strict=True,
    ):
        assert part == pytest.approx(other, abs=1e-4)


def test_success_is_less_expected_near_a_failure() -> None:
    failed = np.array([[0.9, 0.5, 0.9]])
    evidence = success_seen(DOMAIN, dataset(failed=failed))

    processes = condition_members(DOMAIN, evidence, OF_SUCCESS)

    assert processes is not None
    away = processes.predict(dataset().points)
    assert processes.predict(failed)[0, 0] < away.min()


# --- replicates ---


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
        members_of(twice, noiseless)


def test_each_member_needs_its_hyperparameters() -> None:
    with pytest.raises(ValueError, match=r"longer|shorter|broadcast"):
        members_of(dataset(), FOUND[:2])


# --- priors ---


@pytest.mark.parametrize("dim", [1, 4, 100])
def test_mode_of_the_length_scale_is_that_of_the_prior_of_the_paper(dim: int) -> None:
    prior = WINSORISED.prior(Domain.of([Interval()] * dim))

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

    of_continuum, of_levels = WINSORISED.prior(Domain.of([Interval(), axis])).length_scales

    expected = math.sqrt(squares.mean() * 6.0)  # (x - x')^2 is 1/6 in the mean over [0, 1]
    assert of_levels / of_continuum == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("axis", [Levels(1), categories(1)])
def test_axis_of_a_single_position_has_the_length_scale_of_a_continuum(axis: Levels) -> None:
    scales = WINSORISED.prior(Domain.of([Interval(), axis])).length_scales

    assert scales[0] == scales[1]


# --- fits ---


def test_fitting_finds_hyperparameters_for_each_member() -> None:
    found, of_success = fit_members(DOMAIN, dataset(failed=points_of(2, 5)), None)

    members = (*MEMBERS["objective"], SUCCESS)
    assert (len(found), len(of_success)) == (3, 1)
    for member, hyperparameters in zip(members, (*found, *of_success), strict=True):
        assert len(hyperparameters.length_scales) == 3
        assert hyperparameters.noise >= member.noise_floor


def test_what_is_given_and_what_never_failed_is_not_fitted() -> None:
    data = two_outcomes(uses=("given", "objective"))

    given, found, of_success = fit_members(DOMAIN, data, None)

    assert (given, len(found), of_success) == ((), 3, ())
    assert fit_members(DOMAIN, dataset(uses=("given",)), None) == ((), ())


def test_fitting_is_repeatable_to_the_last_bit() -> None:
    assert fit_members(DOMAIN, dataset(), None) == fit_members(DOMAIN, dataset(), None)


def test_fitting_ignores_pending_points() -> None:
    pending = dataset(pending=points_of(3, 6))

    assert fit_members(DOMAIN, pending, None) == fit_members(DOMAIN, dataset(), None)


def test_fitting_again_from_what_was_found_changes_little() -> None:
    data = dataset(30, failed=points_of(2, 5))
    first = fit_members(DOMAIN, data, None)

    again = fit_members(DOMAIN, data, first)

    for before, after in zip(first, again, strict=True):
        for one, other in zip(before, after, strict=True):
            assert other.length_scales == pytest.approx(one.length_scales, rel=0.05)


def test_what_was_found_of_fewer_members_is_no_start() -> None:
    data = dataset(failed=points_of(2, 5))

    from_nothing = fit_members(DOMAIN, data, None)

    assert fit_members(DOMAIN, data, (FOUND[:2], ())) == from_nothing
    assert fit_members(DOMAIN, data, ((), OF_SUCCESS))[0] == from_nothing[0]


@EXAMPLES
@given(n=st.integers(2, 12), warm=st.booleans(), bound=st.booleans())
def test_outcomes_are_fitted_each_for_itself(n: int, warm: bool, bound: bool) -> None:
    uses: tuple[Use, Use] = ("objective", "bound") if bound else ("one of several",) * 2
    data = two_outcomes(n, uses=uses, bounds=BOUNDS, failed=points_of(2, 5))
    last = found_for(data) if warm else None

    together = fit_members(DOMAIN, data, last)

    for outcome in range(2):
        before = (last[outcome], OF_SUCCESS) if last else None
        alone = fit_members(DOMAIN, of_outcome(data, outcome), before)
        assert together[2] == alone[1]
        for one, other in zip(together[outcome], alone[0], strict=True):
            assert one.length_scales == pytest.approx(other.length_scales, rel=1e-6)
            assert one.noise == pytest.approx(other.noise, rel=1e-6)
