"""What earlier studies say: how far they are believed, and what becomes of the posterior."""

from __future__ import annotations

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
    points_of,
    two_outcomes,
)

from asktell.model.calibration import calibrated
from asktell.model.dataset import Dataset
from asktell.model.earlier import GuidedProcesses
from asktell.model.members import Found, fit_earlier, fit_members, sources_of
from asktell.model.posterior import Posterior, posterior_of

X = points_of(7, 1)
PENDING = points_of(3, 6)


def told(points: np.ndarray, factor: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """Return the targets of a function, on another scale."""
    one = 7.0 * np.sin(5.0 * points[:, 0] + 2.0 * points[:, 1]) + points[:, 2]
    return np.asarray(offset + factor * one)[:, None]


def study(n: int, seed: int, factor: float = 1.0, offset: float = 0.0) -> Dataset:
    points = points_of(n, seed)
    return dataset(n, points=points, targets=told(points, factor, offset))


def learned(n: int, *earlier: Dataset, factor: float = 1.0) -> Dataset:
    return attrs.evolve(study(n, 5, factor), earlier=earlier)


def found_of(data: Dataset) -> tuple[Found, tuple[Found, ...]]:
    earlier = fit_earlier(DOMAIN, data)
    return fit_members(DOMAIN, data, None, sources_of(DOMAIN, data, earlier)), earlier


def posterior(data: Dataset, earlier: tuple[Found, ...] | None = None) -> Posterior:
    found = found_for(data)
    if earlier is None:
        earlier = tuple(found_for(one) for one in data.earlier)
    return posterior_of(DOMAIN, data, found, None, earlier)


def guided(believed: Posterior) -> GuidedProcesses:
    assert isinstance(believed.processes, GuidedProcesses)
    return believed.processes


def test_without_earlier_studies_all_is_as_it_was() -> None:
    data = study(8, 5)

    assert fit_earlier(DOMAIN, data) == ()
    assert found_of(data)[0] == fit_members(DOMAIN, data, None)
    assert not isinstance(posterior(data).processes, GuidedProcesses)


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (250.0, -3e4), (1e-6, 0.0)])
def test_related_study_tells_what_was_not_observed_in_whatever_unit(
    factor: float, offset: float
) -> None:
    data = learned(6, study(60, 8, factor, offset))
    alone = attrs.evolve(data, earlier=())
    found, earlier = found_of(data)
    truth = told(points_of(40, 9))[:, 0]

    mean, _ = posterior_of(DOMAIN, data, found, None, earlier).in_units(points_of(40, 9))
    without, _ = posterior_of(DOMAIN, alone, fit_members(DOMAIN, alone, None)).in_units(
        points_of(40, 9)
    )

    def missed(means: np.ndarray) -> float:
        return float(np.sqrt(np.mean((means[:, 0] - truth) ** 2)))

    assert missed(mean) < 0.5 * missed(without)


def test_study_is_doubted_as_evidence_against_it_grows() -> None:
    negated = study(60, 8, factor=-1.0)

    trust = [guided(posterior(learned(n, negated))).guide.trust[0] for n in (2, 6, 20)]
    related = [guided(posterior(learned(n, study(60, 8)))).guide.trust[0] for n in (2, 6, 20)]

    assert trust[0] > trust[1] > trust[2]
    assert trust[2] < 0.2
    assert related[2] > 0.99


def test_what_a_related_study_leaves_open_is_less_than_what_it_says_nothing_of() -> None:
    believed = guided(posterior(learned(12, study(60, 8)))).guide

    _, amplitude = believed.at(X)

    assert np.all(amplitude[:, [0, 2]] < 0.7)


def test_of_several_studies_those_that_explain_the_targets_are_asked() -> None:
    data = learned(12, study(40, 8, factor=-1.0), study(40, 9), study(40, 10, factor=-5.0))

    shares = guided(posterior(data)).guide.shares

    assert shares.shape == (3, 3)
    assert shares.sum(axis=1) == pytest.approx(np.ones(3))
    assert np.all(shares[:, 1] > 0.95)


def test_where_an_earlier_study_has_no_trials_its_mean_counts_for_nothing() -> None:
    points = points_of(30, 8) * [0.2, 1.0, 1.0]
    near = dataset(30, points=points, targets=told(points))
    guide = guided(posterior(learned(4, near))).guide

    _, amplitude = guide.at(np.array([[0.1, 0.5, 0.5], [1.0, 0.5, 0.5]]))

    assert np.all(amplitude[1] > amplitude[0])


def test_gradients_are_those_of_the_values() -> None:
    believed = posterior(learned(8, study(30, 8), study(20, 9)))
    step = 1e-6
    _, _, by_mean, by_std = believed.with_gradient(X)

    for dimension in (0, 2):
        moved = [X + sign * step * np.eye(3)[dimension] for sign in (1.0, -1.0)]
        (up, wide), (down, narrow) = (believed.at(points) for points in moved)
        slope = (up - down) / (2.0 * step)
        assert by_mean[:, :, dimension] == pytest.approx(slope, abs=1e-4)
        slope = (wide - narrow) / (2.0 * step)
        assert by_std[:, :, dimension] == pytest.approx(slope, abs=1e-4)
    assert by_mean[:, :, 1].tolist() == np.zeros((7, 3)).tolist()


def test_a_call_for_many_points_is_one_for_each() -> None:
    believed = posterior(learned(8, study(30, 8)))

    mean, std = believed.at(X)

    for row, point in enumerate(X):
        one_mean, one_std = believed.at(point[None])
        assert one_mean[0] == pytest.approx(mean[row])
        assert one_std[0] == pytest.approx(std[row])


def test_joint_covariances_agree_with_the_deviations() -> None:
    processes = guided(posterior(learned(8, study(30, 8))))

    mean, std = processes.predict(X, return_std=True)
    for member in range(3):
        means, covariance = processes.joint(X, member)
        assert means == pytest.approx(mean[:, member])
        assert np.sqrt(covariance.diagonal()) == pytest.approx(std[:, member], abs=1e-9)
    assert np.asarray(processes.predict(X)).tolist() == mean.tolist()


def test_pending_points_keep_their_means_and_lose_their_doubt() -> None:
    data = learned(8, study(30, 8))
    without, believed = posterior(data), posterior(attrs.evolve(data, pending=PENDING))

    mean, std = believed.at(PENDING)

    assert mean == pytest.approx(without.at(PENDING)[0])
    assert np.all(std < without.at(PENDING)[1])


def test_noise_is_that_of_the_targets_and_not_of_what_is_left_of_them() -> None:
    processes = guided(posterior(learned(12, study(60, 8))))

    _, amplitude = processes.guide.at(processes.own.points)

    expected = FOUND[0].noise * np.median(amplitude[:, 0]) ** 2
    assert processes.inferred_noise(0) == pytest.approx(expected)
    assert posterior(learned(12, study(60, 8))).noise(0) == pytest.approx(expected)


def test_known_noise_is_kept_in_the_unit_of_the_outcome() -> None:
    data = learned(12, study(60, 8))
    exact = attrs.evolve(data, deviations=np.full((12, 1), 1e-3))
    vague = attrs.evolve(data, deviations=np.full((12, 1), 5.0))

    (_, sure), (_, unsure) = (posterior(one).in_units(data.points) for one in (exact, vague))

    assert np.all(sure < 0.2)
    assert np.all(unsure > sure)


def test_reported_deviations_are_stretched_as_they_are_without() -> None:
    believed = calibrated(posterior(learned(12, study(60, 8))))

    assert believed.calibration.shape == (1,)
    assert believed.calibration[0] > 0.0


def test_failures_and_success_go_on_beside_earlier_studies() -> None:
    data = attrs.evolve(learned(8, study(30, 8)), failed=points_of(2, 3))
    (outcome, success), earlier = found_of(data)
    believed = posterior_of(DOMAIN, data, (outcome, success), None, earlier)

    mean, std = believed.at(X)

    assert mean.shape == std.shape == (7, 4)
    assert np.all(np.isfinite(mean))
    assert len(guided(believed).own.points) == 10


def test_outcomes_that_an_earlier_study_did_not_measure_are_as_they_were() -> None:
    own = two_outcomes(8)
    other = two_outcomes(30, uses=("given", "one of several"))
    both = attrs.evolve(own, earlier=(other,))
    found = found_for(own)
    earlier = ((), OTHERS[:1], ())

    mean, std = posterior_of(DOMAIN, both, found, None, (earlier,)).at(X)

    alone, doubt = posterior_of(DOMAIN, own, found).at(X)
    assert mean[:, 0] == pytest.approx(alone[:, 0])
    assert std[:, 0] == pytest.approx(doubt[:, 0])
    assert not np.allclose(mean[:, 1], alone[:, 1])


def test_study_that_measured_none_of_the_outcomes_is_left_out() -> None:
    data = attrs.evolve(study(8, 5), earlier=(dataset(20, uses=("given",)),))

    believed = posterior_of(DOMAIN, data, found_for(data), None, (((), ()),))

    assert not isinstance(believed.processes, GuidedProcesses)


def test_one_observation_and_equal_ones_have_a_posterior() -> None:
    one = learned(1, study(30, 8))
    equal = attrs.evolve(learned(5, study(30, 8)), targets=np.full((5, 1), 3.0))

    for data in (one, equal, attrs.evolve(one, earlier=(equal,))):
        found, earlier = found_of(data)
        mean, std = posterior_of(DOMAIN, data, found, None, earlier).at(X)
        assert np.all(np.isfinite(mean))
        assert np.all(std > 0.0)


def test_length_scales_of_an_earlier_study_are_the_prior_of_what_is_trusted() -> None:
    related, misleading = learned(6, study(80, 8)), learned(20, study(80, 8, factor=-1.0))

    def apart(data: Dataset) -> float:
        found, earlier = found_of(data)
        one, other = (np.log(some[0][0].length_scales) for some in (found, earlier[0]))
        return float(np.abs(one - other).mean())

    assert apart(related) < 1.0
    assert found_of(misleading)[0][0][0].length_scales == pytest.approx(
        fit_members(DOMAIN, attrs.evolve(misleading, earlier=()), None)[0][0].length_scales,
        rel=1.0,
    )


def test_fit_goes_on_from_the_last_one() -> None:
    data = learned(8, study(30, 8))
    found, earlier = found_of(data)
    sources = sources_of(DOMAIN, data, earlier)

    again = fit_members(DOMAIN, data, found, sources)

    assert again == fit_members(DOMAIN, data, found, sources)
    assert len(again[0]) == len(found[0])
    assert OF_SUCCESS not in again
