"""What a state knows, as arrays: distinct, in canonical order, and not too much."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.asking import core
from asktell.asking.evidence import evidence_of, mean
from asktell.space.parameters import Categorical, Int
from asktell.space.space import Space
from asktell.study.state import Settings, State

EXAMPLES = settings(deadline=None, max_examples=50)

SPACE = Space(Int("x", 0, 10), Categorical("c", ["a", "b", "c"]))

Told = list[tuple[int, str, float]]


def state_of(told: Told, goal: str = "maximize", **options: Any) -> State:
    state = State.start(SPACE, goal=goal, settings=Settings(**options))  # type: ignore[arg-type]
    for x, c, target in told:
        state = core.observe(state, {"x": x, "c": c}, target)
    return state


TOLD: Told = [(7, "b", 0.5), (2, "c", -1.0), (7, "a", 0.25), (0, "a", 4.0)]


# --- points and targets ---


def test_points_are_in_canonical_order_with_their_targets() -> None:
    ledger, evidence = evidence_of(state_of(TOLD))

    assert evidence.points.tolist() == [[0.0, 0.0], [0.2, 1.0], [0.7, 0.0], [0.7, 0.5]]
    assert evidence.targets.tolist() == [4.0, -1.0, 0.25, 0.5]
    assert evidence.counts.tolist() == [1.0] * 4
    assert evidence.failed.shape == evidence.pending.shape == (0, 2)
    assert ledger.params.tolist() == evidence.points.tolist()
    assert ledger.target.tolist() == evidence.targets.tolist()


def test_ledger_is_that_of_the_unit_cube() -> None:
    ledger, _ = evidence_of(state_of(TOLD))

    assert ledger.keys == ["x", "c"]
    assert ledger.bounds.tolist() == [[0.0, 1.0], [0.0, 1.0]]


def test_targets_to_be_minimised_change_their_sign() -> None:
    ledger, evidence = evidence_of(state_of(TOLD, goal="minimize"))

    assert evidence.targets.tolist() == [-4.0, 1.0, -0.25, -0.5]
    assert ledger.max()["target"] == 1.0


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[1:])
def test_order_of_arrival_does_not_matter(order: tuple[int, ...]) -> None:
    _, expected = evidence_of(state_of(TOLD))

    _, evidence = evidence_of(state_of([TOLD[i] for i in order]))

    assert evidence.points.tolist() == expected.points.tolist()
    assert evidence.targets.tolist() == expected.targets.tolist()


# --- replicates ---

REPLICATED: Told = [(7, "b", 0.1), (2, "c", -1.0), (7, "b", 0.3), (0, "a", 4.0), (7, "b", 0.7)]


def test_replicates_count_and_their_targets_are_averaged() -> None:
    _, evidence = evidence_of(state_of(REPLICATED, replicates=True))

    assert evidence.points.tolist() == [[0.0, 0.0], [0.2, 1.0], [0.7, 0.5]]
    assert evidence.counts.tolist() == [1.0, 1.0, 3.0]
    assert evidence.targets == pytest.approx([4.0, -1.0, 1.1 / 3.0])


def test_replicates_to_be_minimised_change_their_sign() -> None:
    _, evidence = evidence_of(state_of(REPLICATED, goal="minimize", replicates=True))

    assert evidence.targets == pytest.approx([-4.0, 1.0, -1.1 / 3.0])


@EXAMPLES
@given(st.permutations(REPLICATED))
def test_order_of_replicates_does_not_change_a_bit(told: Told) -> None:
    _, expected = evidence_of(state_of(REPLICATED, replicates=True))

    _, evidence = evidence_of(state_of(told, replicates=True))

    assert evidence.targets.tolist() == expected.targets.tolist()
    assert evidence.counts.tolist() == expected.counts.tolist()


@EXAMPLES
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=9))
def test_mean_is_exact_but_for_the_last_digits(targets: list[float]) -> None:
    exact = sum(map(Fraction, targets)) / len(targets)
    largest = max(map(abs, targets))

    assert abs(Fraction(mean(targets)) - exact) <= Fraction(largest) * Fraction(2) ** -52 + (
        Fraction(2) ** -1070
    )


@EXAMPLES
@given(targets=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6), data=st.data())
def test_mean_does_not_depend_on_order(targets: list[float], data: st.DataObject) -> None:
    assert mean(data.draw(st.permutations(targets))) == mean(targets)


def test_mean_of_huge_targets_does_not_overflow() -> None:
    assert mean([1.7e308, 1.6e308, 1.5e308]) == pytest.approx(1.6e308)


def test_mean_of_one_target_is_itself() -> None:
    assert mean([0.1]) == 0.1


# --- failures and pending suggestions ---


def test_failures_are_points_without_repeats_in_canonical_order() -> None:
    state = state_of(TOLD)
    for x, c in ((9, "a"), (3, "b"), (3, "a")):
        state = core.fail(state, {"x": x, "c": c}, "no")

    assert evidence_of(state)[1].failed.tolist() == [[0.3, 0.0], [0.3, 0.5], [0.9, 0.0]]


def test_failure_of_params_that_were_also_observed_does_not_count() -> None:
    state = state_of(TOLD, replicates=True)
    state = core.fail(state, {"x": 7, "c": "b"}, "this time")
    state = core.fail(state, {"x": 8, "c": "b"}, "always")

    assert evidence_of(state)[1].failed.tolist() == [[0.8, 0.5]]


def test_pending_suggestions_are_points_in_canonical_order() -> None:
    state, suggestions = core.suggest(state_of([(1, "a", 0.0)]), 4)

    pending = evidence_of(state)[1].pending

    expected = SPACE.encode([suggestion.values for suggestion in suggestions]).tolist()
    assert pending.tolist() == sorted(expected)
    assert pending.tolist() != expected


# --- not too much ---


def many(n: int) -> Told:
    """Return n observations of distinct params, whose targets are 0 ... n - 1 in no order."""
    targets = np.random.default_rng(0).permutation(n).tolist()
    params = list(itertools.product(range(11), "abc"))
    return [(x, c, float(target)) for (x, c), target in zip(params, targets, strict=False)]


@pytest.mark.parametrize("n_modelled", [20, 21, 1000])
def test_all_is_kept_up_to_the_limit(n_modelled: int) -> None:
    _, evidence = evidence_of(state_of(many(20), n_modelled=n_modelled))

    assert sorted(evidence.targets.tolist()) == list(range(20))


@pytest.mark.parametrize("n_modelled", [1, 2, 3, 8, 9, 19])
def test_beyond_the_limit_the_better_half_is_kept_and_a_selection_of_the_others(
    n_modelled: int,
) -> None:
    ledger, evidence = evidence_of(state_of(many(20), n_modelled=n_modelled))

    better = (n_modelled + 1) // 2
    kept = sorted(evidence.targets.tolist(), reverse=True)
    assert len(kept) == n_modelled
    assert kept[:better] == [float(19 - k) for k in range(better)]
    assert len(set(kept)) == n_modelled
    assert ledger.target.tolist() == evidence.targets.tolist()


def test_what_is_kept_stays_in_canonical_order_with_its_counts() -> None:
    told = [*many(20), (0, "a", 100.0)]
    _, evidence = evidence_of(state_of(told, n_modelled=5, replicates=True))

    assert evidence.points.tolist() == np.unique(evidence.points, axis=0).tolist()
    assert evidence.counts.tolist() == [2.0, 1.0, 1.0, 1.0, 1.0]
    for point, target in zip(evidence.points, evidence.targets, strict=True):
        same = [t for x, c, t in told if SPACE.encode([(x, c)])[0].tolist() == point.tolist()]
        assert target == pytest.approx(sum(same) / len(same))


def test_selection_of_the_others_is_spread_over_the_space() -> None:
    _, evidence = evidence_of(state_of([(x, "a", -float(x)) for x in range(11)], n_modelled=6))

    # the better half is 0, 1, 2; of 3 ... 10 come the first, one in the middle and the last
    assert (10.0 * evidence.points[:, 0]).round().tolist() == [0, 1, 2, 3, 6, 10]


def test_failures_are_limited_too() -> None:
    state = state_of([(0, "a", 1.0)], n_modelled=2)
    for x in range(1, 6):
        state = core.fail(state, {"x": x, "c": "a"})

    assert evidence_of(state)[1].failed.tolist() == [[0.1, 0.0], [0.5, 0.0]]


def test_order_of_arrival_does_not_change_what_is_kept() -> None:
    told = many(30)
    order = np.random.default_rng(1).permutation(30)

    first = evidence_of(state_of(told, n_modelled=10))[1]
    second = evidence_of(state_of([told[i] for i in order], n_modelled=10))[1]

    assert first.points.tolist() == second.points.tolist()
    assert first.targets.tolist() == second.targets.tolist()
    assert math.isfinite(first.targets.sum())
