"""The terms of a score, and their sum: against single scores, quadrature and differences."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import pytest
from datasets import AXES, found_for, points_of, two_outcomes
from scipy import stats

from asktell.acquisition.directions import directions_of
from asktell.acquisition.hypervolume import boxes_of
from asktell.acquisition.improvement import LogExpectedImprovement
from asktell.acquisition.score import (
    Feasibility,
    FrontImprovement,
    Improvement,
    Promise,
    Term,
)
from asktell.model.kernels import Array
from asktell.model.posterior import Posterior, posterior_of
from asktell.space.domain import Domain

FRONT = np.array([[1.0, 0.0], [0.0, 1.0]])
LEAST = np.array([-1.0, -1.0])

TERMS: dict[str, Term] = {
    "improvement": Improvement(slice(0, 2), np.array([0.3, -0.2])),
    "feasibility": Feasibility(slice(2, 4), np.array([-0.5, -math.inf]), np.array([1.0, 0.7])),
    "boxes": FrontImprovement(np.array([1, 3]), boxes_of(FRONT, LEAST)),
    "directions": FrontImprovement(
        np.array([0, 2]), directions_of(FRONT, LEAST, np.random.default_rng(0))
    ),
}


def believed(seed: int = 0, m: int = 6) -> tuple[Array, Array]:
    """Return means and deviations of four members at m points."""
    random = np.random.default_rng(seed)
    return random.standard_normal((m, 4)), random.uniform(0.2, 2.0, (m, 4))


# --- terms ---


def test_improvement_is_the_expected_one_over_its_own_members() -> None:
    mean, std = believed()

    scores = TERMS["improvement"].score(mean, std)

    expected = LogExpectedImprovement().score(mean[:, :2], std[:, :2], np.array([0.3, -0.2]))
    assert scores.tolist() == expected.tolist()


def test_feasibility_is_the_mean_log_probability_of_keeping_the_bounds() -> None:
    mean, std = believed()

    scores = TERMS["feasibility"].score(mean, std)

    first, second = (stats.norm(mean[:, i], std[:, i]) for i in (2, 3))
    logs = np.log(first.cdf(1.0) - first.cdf(-0.5)), np.log(second.cdf(0.7))
    assert scores == pytest.approx((logs[0] + logs[1]) / 2.0)


def test_front_improvement_is_that_of_its_region_over_its_own_members() -> None:
    mean, std = believed()

    scores = TERMS["boxes"].score(mean, std)

    expected = boxes_of(FRONT, LEAST).log_expected_improvement(mean[:, [1, 3]], std[:, [1, 3]])
    assert scores.tolist() == expected.tolist()


@pytest.mark.parametrize("name", TERMS)
def test_terms_score_alike_with_and_without_slopes(name: str) -> None:
    mean, std = believed()

    score, by_mean, by_std = TERMS[name].with_slopes(mean, std)

    assert score == pytest.approx(TERMS[name].score(mean, std), rel=1e-12)
    assert by_mean.shape == by_std.shape == mean.shape


@pytest.mark.parametrize("name", TERMS)
def test_slopes_are_finite_differences(name: str) -> None:
    term, step = TERMS[name], 1e-6
    mean, std = believed(3)

    _, by_mean, by_std = term.with_slopes(mean, std)

    for column in range(4):
        along = step * np.eye(4)[column]
        differences = (term.score(mean + along, std) - term.score(mean - along, std)) / (2 * step)
        assert by_mean[:, column] == pytest.approx(differences, rel=1e-4, abs=1e-6)
        differences = (term.score(mean, std + along) - term.score(mean, std - along)) / (2 * step)
        assert by_std[:, column] == pytest.approx(differences, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", TERMS)
def test_what_is_known_without_doubt_can_be_scored(name: str) -> None:
    mean, std = believed(5)
    std[:, ::2] = 0.0

    with np.errstate(all="ignore"):
        score, by_mean, by_std = TERMS[name].with_slopes(mean, std)

    for part in (score, by_mean, by_std):
        assert not np.isnan(part).any()
    assert not np.isposinf(score).any()
    assert np.isfinite(by_mean).all()
    assert np.isfinite(by_std).all()


# --- their sum ---


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    data = two_outcomes(
        uses=("objective", "bound"), failed=points_of(2, 5), pending=points_of(2, 6)
    )
    return posterior_of(Domain.of(AXES), data, found_for(data))


def test_a_promise_is_the_sum_of_its_terms(posterior: Posterior) -> None:
    x = points_of(6, 3)
    terms = TERMS["improvement"], TERMS["feasibility"], TERMS["boxes"]

    scores = Promise(posterior, terms)(x)

    mean, std = posterior.at(x)
    assert scores == pytest.approx(sum(term.score(mean, std) for term in terms))


@pytest.mark.parametrize("names", [["improvement"], ["feasibility", "boxes"], list(TERMS)])
def test_gradients_are_finite_differences(posterior: Posterior, names: list[str]) -> None:
    promise = Promise(posterior, tuple(TERMS[name] for name in names))
    x = points_of(6, 3)

    scores, gradients = promise.with_gradient(x)

    assert scores == pytest.approx(promise(x), rel=1e-12)
    for dimension in (0, 2):
        step = 1e-6 * np.eye(3)[dimension]
        differences = (promise(x + step) - promise(x - step)) / 2e-6
        assert gradients[:, dimension] == pytest.approx(differences, rel=1e-3, abs=1e-4)
    assert not gradients[:, 1].any()


def test_scores_cannot_be_changed(posterior: Posterior) -> None:
    values: list[Any] = [*TERMS.values(), Promise(posterior, ())]
    for value in values:
        name = attrs.fields(type(value))[0].name
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, None)
