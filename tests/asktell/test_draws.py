from __future__ import annotations

import numpy as np
import pytest

from asktell.model.draws import draw_functions
from asktell.model.gp import Hyperparameters, Noise, condition
from asktell.model.kernels import Embedding
from asktell.space.absent import NOWHERE


def test_draws_have_the_mean_and_the_deviation_of_the_process() -> None:
    random = np.random.default_rng(0)
    points = random.random((12, 3))
    points[:, 2] = np.rint(points[:, 2] * 2.0) / 2.0
    targets = np.sin(6.0 * points[:, 0]) + points[:, 2]
    noise = Noise(np.ones(12), np.full((1, 12), np.nan))
    found = Hyperparameters((0.4, 1.0, 2.0), 0.05)
    process = condition(Embedding((0, 0, 3)), [found], points, targets[None], noise)
    at = random.random((30, 3))
    at[:, 2] = np.rint(at[:, 2] * 2.0) / 2.0
    values = np.hstack([draw_functions(process, 40, random)(at) for _ in range(60)])
    mean, deviation = process.predict(at, return_std=True)
    error = deviation[:, 0] / np.sqrt(values.shape[1])
    assert values.mean(axis=1) == pytest.approx(mean[:, 0], abs=6.0 * float(error.max()))
    assert values.std(axis=1) == pytest.approx(deviation[:, 0], rel=0.12)
    _, covariance = process.joint(at[:2], 0)
    assert np.cov(values[:2])[0, 1] == pytest.approx(covariance[0, 1], abs=0.05)


def test_draws_over_branches_have_the_mean_and_the_deviation_of_the_process() -> None:
    random = np.random.default_rng(0)
    embedding = Embedding((2, 0, 3, 0), (False, True, True, True), (0, 1, 1, 2))

    def somewhere(n: int) -> np.ndarray:
        points = random.random((n, 4))
        points[:, 0] = np.arange(n) % 2
        points[:, 2] = np.rint(points[:, 2] * 2.0) / 2.0
        points[::2, 1] = NOWHERE
        points[1::2, 2:] = NOWHERE
        points[::3, 3] = NOWHERE
        return points

    points, at = somewhere(12), somewhere(30)
    targets = np.where(points == NOWHERE, 0.0, np.sin(6.0 * points)).sum(axis=1)
    noise = Noise(np.ones(12), np.full((1, 12), np.nan))
    found = Hyperparameters((1.0, 0.4, 1.0, 0.5), 0.05)
    process = condition(embedding, [found], points, targets[None], noise)

    values = np.hstack([draw_functions(process, 40, random)(at) for _ in range(60)])

    mean, deviation = process.predict(at, return_std=True)
    error = deviation[:, 0] / np.sqrt(values.shape[1])
    assert values.mean(axis=1) == pytest.approx(mean[:, 0], abs=6.0 * float(error.max()))
    assert values.std(axis=1) == pytest.approx(deviation[:, 0], rel=0.12)


def test_averages_are_those_of_the_joint_posterior() -> None:
    random = np.random.default_rng(1)
    points, targets = random.random((15, 3)), random.random((2, 15))
    noise = Noise(np.ones(15), np.full((2, 15), np.nan))
    found = [Hyperparameters((0.5, 0.7, 1.0), 0.01), Hyperparameters((0.2, 2.0, 1.0), 0.1)]
    both = condition(Embedding((0, 0, 0)), found, points, targets, noise)
    for member in (0, 1):
        process = both.alone(member)
        over = random.random((9, 3))
        means, deviations = process.averages(over, (0, 2), np.array([[0.1, 0.2], [0.9, 0.4]]))
        for row, (first, third) in enumerate(((0.1, 0.2), (0.9, 0.4))):
            over[:, 0], over[:, 2] = first, third
            mean, covariance = both.joint(over, member)
            assert means[row] == pytest.approx(mean.mean())
            assert deviations[row] == pytest.approx(np.sqrt(covariance.mean()))


def test_the_noise_is_found_again() -> None:
    random = np.random.default_rng(2)
    known = np.array([[0.5, np.nan, 0.01, np.nan]])
    noise = Noise(np.array([1.0, 2.0, 1.0, 1.0]), known)
    found = Hyperparameters((0.5,), 0.2)
    process = condition(
        Embedding((0,)), [found], random.random((4, 1)), random.random((1, 4)), noise
    )
    assert process.variances() == pytest.approx([0.5, 0.1, 0.01, 0.2])
