"""What evaluating a point promises, against high precision, quadrature and differences."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from types import SimpleNamespace

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor

from asktell.acquisition.improvement import (
    ExpectedImprovement,
    LogExpectedImprovement,
    UpperConfidenceBound,
    log_h,
    log_h_with_slope,
)
from asktell.model.gp import GaussianProcesses, Hyperparameters, Noise, condition
from asktell.model.kernels import Array, Embedding

EXAMPLES = settings(deadline=None, max_examples=50)

ALL = [LogExpectedImprovement(), ExpectedImprovement(), UpperConfidenceBound()]
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628621")

BEST = np.array([0.7, 0.9])
MEANS = st.floats(-5.0, 5.0)
DEVIATIONS = st.floats(1e-3, 10.0)


# --- h(z) = phi(z) + z Phi(z) ---


def precise(z: float) -> tuple[float, float]:
    """Return log h(z) and Phi(z) / h(z), computed with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        x = Decimal(z)
        log_density = -x * x / 2 - (2 * PI).ln() / 2
        if z < -2.0:
            # Laplace's continued fraction of Mills' ratio, Phi(z) / phi(z)
            mills = -x
            for k in range(2000, 0, -1):
                mills = -x + k / mills
            mills = 1 / mills
            return float(log_density + (1 + x * mills).ln()), float(mills / (1 + x * mills))
        term = total = x
        for k in range(1, 2000):
            term *= x * x / (2 * k + 1)
            total += term
        density = log_density.exp()
        cumulative = Decimal("0.5") + density * total
        h = density + x * cumulative
        return float(h.ln()), float(cumulative / h)


AROUND_THE_SEAMS = [
    seam + offset
    for seam in (-1.0, -40.0)
    for offset in (-1.0, -0.1, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.1, 1.0)
] + [np.nextafter(-1.0, -2.0), np.nextafter(-40.0, -41.0)]
FAR_AND_NEAR = [-1e6, -1e5, -12345.678, -1000.0, -300.0, -100.0, -60.0, -50.0, -38.5, -30.0, -20.0]
FAR_AND_NEAR += [-10.0, -5.0, -3.0, -2.0, -1.5, -0.5, -1e-3, 0.0, 1e-3, 0.5, 0.9, 2.0, 8.0, 30.0]


@pytest.mark.parametrize("z", AROUND_THE_SEAMS + FAR_AND_NEAR)
def test_log_h_is_precise(z: float) -> None:
    assert log_h(np.array(z)) == pytest.approx(precise(z)[0], rel=2e-15, abs=2e-15)


@pytest.mark.parametrize("z", AROUND_THE_SEAMS + FAR_AND_NEAR)
def test_slope_of_log_h_is_precise(z: float) -> None:
    assert log_h_with_slope(np.array(z))[1] == pytest.approx(precise(z)[1], rel=1e-12)


@EXAMPLES
@given(st.one_of(st.floats(-60.0, 30.0), st.floats(-1e6, -60.0)))
def test_log_h_and_its_slope_are_precise_everywhere(z: float) -> None:
    value, slope = precise(z)

    assert log_h(np.array(z)) == pytest.approx(value, rel=2e-15, abs=2e-15)
    assert log_h_with_slope(np.array(z))[1] == pytest.approx(slope, rel=1e-12)


@pytest.mark.parametrize("z", [-1e5, -41.0, -39.0, -2.0, -0.5, 0.7, 5.0])
def test_slope_of_log_h_is_the_derivative_of_log_h(z: float) -> None:
    step = 1e-6 * max(1.0, abs(z))
    above, below = log_h(np.array([z + step, z - step]))

    assert log_h_with_slope(np.array(z))[1] == pytest.approx((above - below) / (2 * step), rel=1e-5)


def test_log_h_rises_through_its_seams() -> None:
    z = np.concatenate([np.linspace(-41.0, -39.0, 2001), np.linspace(-1.1, -0.9, 2001)])

    assert np.all(np.diff(log_h(z)) > 0.0)


@pytest.mark.parametrize(
    ("z", "value", "slope"),
    [(-math.inf, -math.inf, math.inf), (math.inf, math.inf, 0.0), (math.nan, math.nan, math.nan)],
)
def test_limits_of_log_h(z: float, value: float, slope: float) -> None:
    with np.errstate(all="ignore"):
        assert log_h(np.array(z)) == pytest.approx(value, nan_ok=True)
        assert log_h_with_slope(np.array(z))[1] == pytest.approx(slope, nan_ok=True)


# --- scores ---


@EXAMPLES
@given(mean=st.floats(-3.0, 3.0), std=st.floats(0.1, 3.0), best=st.floats(-3.0, 3.0))
def test_expected_improvement_is_the_integral_of_the_improvement(
    mean: float, std: float, best: float
) -> None:
    normal = stats.norm(mean, std)
    end = max(best, mean) + 12.0 * std
    expected, _ = integrate.quad(
        lambda f: (f - best) * normal.pdf(f), best, end, points=[max(best, mean)], epsabs=1e-13
    )

    score = ExpectedImprovement().score(np.array([mean]), np.array([std]), best)

    assert score[0] == pytest.approx(expected, rel=1e-7, abs=1e-11)


@EXAMPLES
@given(mean=MEANS, std=DEVIATIONS, best=MEANS, shift=MEANS, factor=st.floats(0.1, 10.0))
def test_log_expected_improvement_follows_shift_and_scale(
    mean: float, std: float, best: float, shift: float, factor: float
) -> None:
    acquisition = LogExpectedImprovement()
    score = acquisition.score(np.array([mean]), np.array([std]), best)
    moved = acquisition.score(
        np.array([factor * mean + shift]), np.array([factor * std]), factor * best + shift
    )

    assert moved == pytest.approx(score + math.log(factor), rel=1e-9, abs=1e-9)


@EXAMPLES
@given(mean=MEANS, std=DEVIATIONS, z=st.floats(-50.0, 3.0), more=st.floats(0.01, 1.0))
def test_greater_mean_or_deviation_promises_more(
    mean: float, std: float, z: float, more: float
) -> None:
    acquisition, best = LogExpectedImprovement(), mean - z * std
    means, deviations = np.array([mean, mean + more, mean]), np.array([std, std, std + more])

    score, with_mean, with_deviation = acquisition.score(means, deviations, best)

    assert with_mean > score
    assert with_deviation > score


def test_scores_in_the_far_tail_are_finite_and_ordered() -> None:
    scores = LogExpectedImprovement().score(np.array([-1e5, -1e4, -1e3]), np.ones(3), 0.0)

    assert np.all(np.isfinite(scores))
    assert np.all(np.diff(scores) > 0.0)


def test_upper_confidence_bound_is_mean_plus_kappa_deviations() -> None:
    mean, std = np.array([1.0, -2.0]), np.array([0.5, 3.0])

    assert UpperConfidenceBound(2.0).score(mean, std, best=99.0).tolist() == [2.0, 4.0]
    assert UpperConfidenceBound().score(mean, std, best=None) == pytest.approx([2.288, 5.728])


@pytest.mark.parametrize("acquisition", ALL)
def test_one_member_scores_as_none(acquisition: LogExpectedImprovement) -> None:
    mean, std = np.array([0.3, -0.4]), np.array([0.5, 2.0])

    assert acquisition.score(mean[:, None], std[:, None], np.array([0.1])) == pytest.approx(
        acquisition.score(mean, std, 0.1)
    )


@pytest.mark.parametrize("acquisition", [LogExpectedImprovement(), UpperConfidenceBound()])
def test_several_members_score_their_mean(acquisition: LogExpectedImprovement) -> None:
    random = np.random.default_rng(0)
    mean, std = random.standard_normal((5, 3)), random.uniform(0.1, 2.0, (5, 3))
    best = np.array([0.1, -0.5, 2.0])

    each = [acquisition.score(mean[:, i], std[:, i], best[i]) for i in range(3)]

    assert acquisition.score(mean, std, best) == pytest.approx(np.mean(each, axis=0))


def test_unit_of_a_member_shifts_all_scores_alike() -> None:
    random = np.random.default_rng(0)
    mean, std = random.standard_normal((5, 3)), random.uniform(0.1, 2.0, (5, 3))
    best, unit = np.array([0.1, -0.5, 2.0]), np.array([1.0, 10.0, 1e-3])

    shift = LogExpectedImprovement().score(mean * unit, std * unit, best * unit)
    shift -= LogExpectedImprovement().score(mean, std, best)

    assert shift == pytest.approx(np.full(5, np.log(unit).mean()))


@pytest.mark.parametrize("shape", [(4,), (4, 3)])
def test_slopes_are_finite_differences(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    mean, std = 3.0 * random.standard_normal(shape), random.uniform(0.2, 2.0, shape)
    best = random.standard_normal(shape[1:])
    acquisition = LogExpectedImprovement()

    score, by_mean, by_std = acquisition.score_with_slopes(mean, std, best)

    assert score.tolist() == acquisition.score(mean, std, best).tolist()
    for row in range(4):

        def at_mean(m: Array, row: int = row) -> float:
            return float(acquisition.score(m.reshape(1, *shape[1:]), std[[row]], best)[0])

        def at_std(s: Array, row: int = row) -> float:
            return float(acquisition.score(mean[[row]], s.reshape(1, *shape[1:]), best)[0])

        differences = approx_fprime(np.ravel(mean[row]), at_mean, 1e-7)
        assert np.ravel(by_mean[row]) == pytest.approx(differences, rel=1e-5, abs=1e-5)
        differences = approx_fprime(np.ravel(std[row]), at_std, 1e-7)
        assert np.ravel(by_std[row]) == pytest.approx(differences, rel=1e-5, abs=1e-5)


# --- on a model ---


@pytest.fixture(scope="module")
def members() -> GaussianProcesses:
    random = np.random.default_rng(2)
    points = random.random((8, 2))
    target = np.sin(5.0 * points.sum(axis=1))
    return condition(
        Embedding((0, 0)),
        [Hyperparameters((0.3, 0.7), 1e-2), Hyperparameters((0.8, 0.2), 1e-1)],
        points,
        np.stack([target, target**2]),
        Noise(np.ones(8), np.full((2, 8), np.nan)),
    )


@pytest.mark.parametrize("acquisition", ALL)
def test_call_scores_what_the_model_predicts(
    acquisition: UpperConfidenceBound, members: GaussianProcesses
) -> None:
    x = np.random.default_rng(3).random((6, 2))

    scores = acquisition(x, gp=members, y_max=BEST)

    mean, std = members.predict(x, return_std=True)
    assert scores.tolist() == acquisition.score(mean, std, BEST).tolist()
    assert scores.shape == (6,)


@pytest.mark.parametrize("acquisition", ALL)
def test_call_takes_scikit_learns_regressor(acquisition: UpperConfidenceBound) -> None:
    random = np.random.default_rng(4)
    gp = GaussianProcessRegressor(alpha=1e-2, optimizer=None).fit(
        random.random((5, 2)), np.arange(5)
    )
    x = random.random((6, 2))

    scores = acquisition(x, gp=gp, y_max=2.0)

    mean, std = gp.predict(x, return_std=True)
    assert scores.tolist() == acquisition.score(mean, std, 2.0).tolist()


def test_gradient_over_several_members_is_a_finite_difference(members: GaussianProcesses) -> None:
    acquisition = LogExpectedImprovement()
    x = np.random.default_rng(5).random((6, 2))

    scores, gradients = acquisition.with_gradient(x, gp=members, y_max=BEST)

    assert scores.tolist() == acquisition(x, gp=members, y_max=BEST).tolist()
    for point, gradient in zip(x, gradients, strict=True):
        differences = approx_fprime(
            point, lambda p: float(acquisition(p[None], members, BEST)[0]), 1e-7
        )
        assert gradient == pytest.approx(differences, rel=1e-4, abs=1e-4)


def test_gradient_over_a_model_without_members_is_that_over_one_member(
    members: GaussianProcesses,
) -> None:
    x = np.random.default_rng(6).random((6, 2))
    mean, std, mean_gradient, std_gradient = (p[:, :1] for p in members.predict_with_gradient(x))

    def model(*parts: Array) -> SimpleNamespace:
        return SimpleNamespace(predict_with_gradient=lambda x: parts)

    acquisition = LogExpectedImprovement()
    expected = acquisition.with_gradient(x, model(mean, std, mean_gradient, std_gradient), 0.8)
    plain = model(mean[:, 0], std[:, 0], mean_gradient[:, 0], std_gradient[:, 0])

    scores, gradients = acquisition.with_gradient(x, plain, 0.8)

    assert scores == pytest.approx(expected[0], rel=1e-12)
    assert gradients == pytest.approx(expected[1], rel=1e-12)


# --- values ---


def test_acquisitions_are_values() -> None:
    assert UpperConfidenceBound(1.0) == UpperConfidenceBound(1.0) != UpperConfidenceBound(2.0)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        UpperConfidenceBound().kappa = 1.0  # type: ignore[misc]


# --- hard cases ---


def test_without_doubt_slopes_are_those_of_the_gain_and_never_infinite() -> None:
    mean = np.array([[3.0], [1.0], [-1.0]])

    score, by_mean, by_std = LogExpectedImprovement().score_with_slopes(
        mean, np.zeros((3, 1)), np.array([1.0])
    )

    assert score.tolist() == [math.log(2.0), -1e6, -2e6]  # no hope, and the less, the more lacks
    assert by_mean[:, 0].tolist() == [0.5, 5e5, 5e5]
    assert not by_std.any()


def test_certain_and_doubtful_members_score_side_by_side() -> None:
    mean, std = np.array([[3.0, 0.5]]), np.array([[0.0, 2.0]])

    score = LogExpectedImprovement().score(mean, std, np.array([1.0, 1.0]))

    alone = LogExpectedImprovement().score(mean[:, 1], std[:, 1], 1.0)
    assert score == pytest.approx((math.log(2.0) + alone) / 2.0)


def test_where_there_is_no_doubt_the_improvement_is_certain() -> None:
    with np.errstate(all="ignore"):
        scores = ExpectedImprovement().score(np.array([3.0, 1.0, -1.0]), np.zeros(3), 1.0)

    assert scores.tolist() == [2.0, 0.0, 0.0]
