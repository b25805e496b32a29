"""How good the engine's results are: medians over ten seeds."""

from __future__ import annotations

import frozen
import numpy as np
import pytest
from score import Scale
from tasks import BRANIN, HARTMANN_6, MIXED, Task, minimise, random_search

SEEDS = range(10)


@pytest.mark.parametrize(
    ("task", "n_trials", "regret"),
    [(BRANIN, 30, 0.05), (HARTMANN_6, 60, 0.15)],
    ids=["branin", "hartmann6"],
)
def test_the_median_regret_is_small(task: Task, n_trials: int, regret: float) -> None:
    found = [minimise(task, n_trials, seed) for seed in SEEDS]
    assert np.median(found) <= regret, found


def test_a_mixed_space_is_searched_better_than_at_random_with_four_times_the_trials() -> None:
    n_trials = 40
    found = [minimise(MIXED, n_trials, seed) for seed in SEEDS]
    by_chance = [random_search(MIXED, 4 * n_trials, seed) for seed in SEEDS]
    assert np.median(found) < np.median(by_chance), (found, by_chance)
    assert sum(f < c for f, c in zip(found, by_chance, strict=True)) >= 8, (found, by_chance)


def test_the_engine_is_no_worse_than_when_the_frozen_scores_were_recorded() -> None:
    recorded = frozen.read()
    scales = {name: Scale(*ends) for name, ends in recorded["scales"].items()}
    final, along = frozen.measure(scales, frozen.SEEDS)
    assert final >= recorded["final"] - frozen.TOLERANCE, (final, recorded["final"])
    assert along >= recorded["along"] - frozen.TOLERANCE, (along, recorded["along"])
