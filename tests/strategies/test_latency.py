"""Latency: turns, ratios, and what the deviation is worth."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from strategies.latency import Effort, alone, beside


class Machine:
    """A machine that is disturbed at times: models are as slow as it is, and log their turns."""

    def __init__(self, seed: int, disturbed: float = 0.3) -> None:
        self.draws = np.random.default_rng(seed)
        self.disturbed = disturbed
        self.speed = 1.0
        self.turns: list[float] = []

    def model(self, seconds: float) -> Callable[[], float]:
        def run() -> float:
            self.turns.append(seconds)
            if self.draws.random() < 0.05:  # for a while
                self.speed = float(self.draws.choice([1.0, 1.5, 3.0]))
            late = self.draws.exponential(seconds) * (self.draws.random() < self.disturbed)
            return float(seconds * self.speed * (1 + 0.01 * self.draws.random()) + late)

        return run


def test_models_take_turns() -> None:
    machine = Machine(0)
    beside(machine.model(0.001), machine.model(0.002), 2.0, Effort(warm_up=1, least=3, most=3))
    assert machine.turns == [0.001, 0.002] * 4


def test_equal_runs_need_no_more_than_the_least() -> None:
    found = beside(lambda: 0.5, lambda: 2.0, 8.0, Effort(seconds=1000.0))
    assert (found.seconds, found.std, found.runs) == (2.0, 0.0, Effort().least)
    assert alone(lambda: 0.5, Effort()).seconds == 0.5


@pytest.mark.parametrize(
    ("seconds", "effort", "runs"),
    [
        ([0.3, 0.4], Effort(), 8),  # the least takes longer than there is time
        ([1e-3, 2e-3], Effort(most=5), 5),
        ([1e-3, 2e-3], Effort(most=50, deviation=-1.0), 50),
        ([1e-2, 2e-2], Effort(deviation=-1.0), 67),
        ([0.0, 0.0], Effort(), 8),
    ],
)
def test_runs_end_when_they_are_enough(seconds: Sequence[float], effort: Effort, runs: int) -> None:
    times = itertools.cycle(seconds)
    assert alone(lambda: next(times), effort).runs == runs


def test_runs_go_on_until_the_deviation_is_small() -> None:
    found = beside(Machine(1).model(1e-4), Machine(2).model(1e-4), 1.0, Effort())
    assert Effort().least < found.runs < Effort().most
    assert 0 < found.std <= Effort().deviation * found.seconds


def test_warming_up_does_not_count_and_ends_soon_for_slow_models() -> None:
    first = iter([100.0, *[1.0] * 1000])
    assert alone(lambda: next(first), Effort()).seconds == 1.0
    assert len(list(first)) == 1000 - Effort().least


def test_beside_each_other_models_compare_far_better_than_alone() -> None:
    plain, turns, deviations = [], [], []
    for seed in range(20):
        machine = Machine(seed)
        plain.append(alone(machine.model(0.01), Effort(most=30)).seconds)
        found = beside(machine.model(0.01), machine.model(0.02), 0.02, Effort())
        turns.append(found.seconds)
        deviations.append(found.std / found.seconds)
    spread = float(np.std(np.log(turns)))
    assert 5 * spread < np.std(np.log(plain))
    assert abs(np.mean(np.log(turns)) - np.log(0.01)) < 0.02
    assert 0.3 < np.mean(deviations) / spread < 3  # what is told is about what it is
