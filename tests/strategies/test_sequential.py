"""The sequential test: it is seldom wrong, and soon right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from strategies.sequential import Bets

COUNT, LIMIT = 1000, 0.01


def differences(lost: int, gained: int, seed: int) -> np.ndarray:
    numbers = np.zeros(COUNT)
    numbers[:lost], numbers[lost : lost + gained] = 1.0, -1.0
    return np.random.default_rng(seed).permutation(numbers)


def seen_until_given_up(numbers: np.ndarray, limit: float = LIMIT, error: float = 0.05) -> int:
    bets = Bets(limit, -1.0, len(numbers), error)
    for start in range(0, len(numbers), 50):
        if bets.add(numbers[start : start + 50]):
            return min(start + 50, len(numbers))
    return len(numbers) + 1


@pytest.mark.parametrize(("lost", "gained"), [(10, 0), (30, 20), (110, 100), (0, 0)])
def test_a_true_claim_is_seldom_given_up(lost: int, gained: int) -> None:
    given_up = [
        seen_until_given_up(differences(lost, gained, seed)) <= COUNT for seed in range(400)
    ]
    assert np.mean(given_up) <= 0.05


@pytest.mark.parametrize(("lost", "gained", "within"), [(400, 0, 0.1), (120, 20, 0.3)])
def test_a_false_claim_is_given_up_soon(lost: int, gained: int, within: float) -> None:
    seen = [seen_until_given_up(differences(lost, gained, seed)) for seed in range(50)]
    assert np.mean(seen) <= within * COUNT


def test_what_the_rest_cannot_make_good_is_certain() -> None:
    bets = Bets(0.0, 0.0, 10, 1e-12)
    assert not bets.add(np.zeros(5))
    assert bets.add(np.array([1.0]))
    assert bets.add(np.zeros(2))  # and remains so


def test_a_mean_at_the_limit_does_not_exceed_it() -> None:
    numbers = np.full(100, 0.1)
    assert not Bets(0.1, 0.1, 100, 0.05).add(numbers)


def test_looks_may_be_as_often_as_wished() -> None:
    numbers = differences(60, 10, 0)
    one, many = Bets(LIMIT, -1.0, COUNT, 0.005), Bets(LIMIT, -1.0, COUNT, 0.005)
    for number in numbers[:400]:
        many.add(np.array([number]))
    assert one.add(numbers[:400]) is many.exceeds


def test_there_need_be_no_largest_number() -> None:
    assert Bets(1.0, 0.0, 100, 0.05).add(np.array([0.5, 1e300]))
    assert Bets(1.0, 0.0, 100, 0.05).add(np.array([math.inf]))
    assert not Bets(1.0, 0.0, 100, 0.05).add(np.array([math.nan, 0.5]))
