"""Data for a model: what holds the constraints, and not too much of it."""

from __future__ import annotations

import math

import attrs
import numpy as np
import pytest
from datasets import dataset, points_of, two_outcomes
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.model.dataset import Dataset

EXAMPLES = settings(deadline=None, max_examples=50)


def ranked(n: int) -> Dataset:
    """Return n points whose targets are 0 ... n - 1 in no order."""
    return dataset(n, targets=np.random.default_rng(0).permutation(n).astype(float)[:, None])


# --- constraints ---


def test_without_bounds_every_point_is_feasible() -> None:
    assert two_outcomes().feasible.tolist() == [True] * 12


@pytest.mark.parametrize(
    ("bounds", "feasible"),
    [
        ([[2.0, math.inf], [-math.inf, math.inf]], [False, True, True, True]),
        ([[-math.inf, 3.0], [-math.inf, math.inf]], [True, True, True, False]),
        ([[2.0, 3.0], [-math.inf, math.inf]], [False, True, True, False]),
        ([[2.0, math.inf], [-math.inf, -3.0]], [False, False, True, True]),
        ([[9.0, math.inf], [-math.inf, math.inf]], [False] * 4),
    ],
)
def test_points_are_feasible_that_hold_all_bounds(
    bounds: list[list[float]], feasible: list[bool]
) -> None:
    targets = np.array([[1.0, -1.0], [2.0, -2.0], [3.0, -3.0], [4.0, -4.0]])

    data = two_outcomes(4, targets=targets, bounds=np.array(bounds))

    assert data.feasible.tolist() == feasible


def test_data_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        dataset().counts = np.zeros(12)  # type: ignore[misc]


# --- not too much ---


@pytest.mark.parametrize("at_most", [20, 21, 1000])
def test_all_is_kept_up_to_the_limit(at_most: int) -> None:
    data = ranked(20)

    thinned = data.thinned(at_most)

    assert thinned.targets.tolist() == data.targets.tolist()
    assert thinned.order.tolist() == data.order.tolist()


@pytest.mark.parametrize("at_most", [1, 2, 3, 8, 9, 19])
def test_beyond_the_limit_the_better_half_is_kept_and_a_selection_of_the_others(
    at_most: int,
) -> None:
    thinned = ranked(20).thinned(at_most)

    better = (at_most + 1) // 2
    kept = sorted(thinned.targets[:, 0].tolist(), reverse=True)
    assert len(kept) == at_most
    assert kept[:better] == [float(19 - k) for k in range(better)]
    assert len(set(kept)) == at_most


@EXAMPLES
@given(n=st.integers(1, 40), at_most=st.integers(1, 45))
def test_what_is_kept_are_whole_rows_in_the_same_order(n: int, at_most: int) -> None:
    random = np.random.default_rng(n)
    whole = two_outcomes(
        n,
        deviations=random.random((n, 2)),
        counts=np.arange(float(n)),
        order=random.permutation(n),
        pending=points_of(5, 3),
    )

    thinned = whole.thinned(at_most)

    rows = thinned.counts.astype(int)
    assert len(rows) == min(n, at_most)
    assert np.all(np.diff(rows) > 0)
    for part in ("points", "targets", "deviations"):
        assert getattr(thinned, part).tolist() == getattr(whole, part)[rows].tolist()
    assert thinned.pending.tolist() == whole.pending.tolist()
    assert rows[thinned.order].tolist() == [row for row in whole.order if row in rows]
    assert (thinned.uses, thinned.bounds.tolist()) == (whole.uses, whole.bounds.tolist())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_better_half_is_the_first_in_order(sign: float) -> None:
    order = np.argsort(sign * np.arange(20.0))

    kept = two_outcomes(20, order=order, counts=np.arange(20.0)).thinned(8).counts

    assert set(order[:4].tolist()) <= set(kept.tolist())


@pytest.mark.parametrize(
    ("failures", "at_most", "kept"),
    [(0, 3, []), (3, 3, [0, 1, 2]), (5, 2, [0, 4]), (5, 3, [0, 2, 4]), (9, 1, [0])],
)
def test_failures_are_thinned_evenly(failures: int, at_most: int, kept: list[int]) -> None:
    failed = points_of(failures, 5)

    assert dataset(failed=failed).thinned(at_most).failed.tolist() == failed[kept].tolist()
