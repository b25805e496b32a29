"""Deviations that are stretched until they cover what is left out."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from datasets import AXES, FOUND, dataset, points_of, two_outcomes

from asktell.model.calibration import calibrated
from asktell.model.gp import Hyperparameters
from asktell.model.posterior import Posterior, posterior_of
from asktell.space.domain import Domain


def posterior(found: tuple[Hyperparameters, ...] = FOUND, **changes: object) -> Posterior:
    return posterior_of(Domain.of(AXES), dataset(**changes), (found, ()))


def test_means_stay_and_deviations_are_multiplied() -> None:
    before, x = posterior(), points_of(6, 1)
    after = calibrated(before)

    assert after.in_units(x)[0].tolist() == before.in_units(x)[0].tolist()
    assert after.in_units(x)[1] == pytest.approx(before.in_units(x)[1] * after.calibration)
    assert after.at(x)[1].tolist() == before.at(x)[1].tolist()


def test_model_that_is_far_too_sure_is_made_less_so() -> None:
    smooth = (Hyperparameters((5.0, 5.0, 5.0), 1e-4),) * 3
    rough = np.random.default_rng(0).standard_normal((12, 1))

    (factor,) = calibrated(posterior(smooth, targets=rough)).calibration

    assert factor > 2.0


def test_targets_left_out_are_covered() -> None:
    rough = np.random.default_rng(0).standard_normal((12, 1)) ** 3
    before = posterior(targets=rough)
    (factor,) = calibrated(before).calibration

    location, scale = before.seen[0].unit
    assert before.processes is not None
    means, deviations = before.processes.left_out()
    off = np.abs(rough[:, 0] - means[0] * scale - location) / (deviations[0] * scale * factor)
    assert off.max() == pytest.approx(1.96)


def test_very_bad_target_stretches_deviations_though_the_model_sees_it_at_the_fence() -> None:
    targets = dataset().targets.copy()
    targets[3] = -1e4

    (factor,) = calibrated(posterior(targets=targets)).calibration

    assert factor > 20.0


def test_equal_targets_keep_a_deviation() -> None:
    calibrated_one = calibrated(posterior(targets=np.full((12, 1), 3.0)))

    assert calibrated_one.calibration.tolist() == [0.5]


def test_few_points_stretch_nothing() -> None:
    few = attrs.evolve(dataset(4))

    before = posterior_of(Domain.of(AXES), few, (FOUND, ()))

    assert calibrated(before) is before


def test_each_outcome_has_its_own_factor() -> None:
    data = two_outcomes()
    both = calibrated(posterior_of(Domain.of(AXES), data, (FOUND[:1], FOUND[1:2], ())))

    assert both.calibration.shape == (2,)
    assert both.calibration[0] != both.calibration[1]
