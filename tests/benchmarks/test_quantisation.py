"""The tuner against an exhaustive table of a small quantisation space."""

from __future__ import annotations

import numpy as np
from quantisation import Tuning

SEEDS = range(20)


def test_the_best_two_percent_in_a_third_of_the_trials_of_random_search() -> None:
    tunings = [Tuning(seed) for seed in SEEDS]
    tuner = [tuning.trials_to_the_best(0.02) for tuning in tunings]
    random_search = [tuning.random_trials_to_the_best(0.02) for tuning in tunings]
    assert np.median(tuner) <= np.median(random_search) / 3, (tuner, random_search)
    # a random search without repeats needs this many for an even chance, whatever its seeds
    assert np.median(tuner) <= np.log(0.5) / np.log(0.98) / 3, tuner
