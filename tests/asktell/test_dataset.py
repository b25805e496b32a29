"""Data for a model: what is known of each outcome, and not too much of it."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from datasets import dataset, points_of, two_outcomes
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.model.dataset import Dataset
from asktell.model.kernels import Array

EXAMPLES = settings(deadline=None, max_examples=50)


def ranked(n: int) -> Dataset:
    """Return n points whose targets are 0 ... n - 1 in no order."""
    return dataset(n, targets=np.random.default_rng(0).permutation(n).astype(float)[:, None])


# --- outcomes ---


def test_data_has_as_many_outcomes_as_columns() -> None:
    assert dataset().outcomes == 1
    assert two_outcomes().outcomes == 2


def test_outcome_that_is_known_everywhere_is_all_of_its_column() -> None:
    data = two_outcomes(counts=np.arange(12.0))

    points, targets, counts = data.of_outcome(1)

    assert points.tolist() == data.points.tolist()
    assert targets.tolist() == data.targets[:, 1].tolist()
    assert counts.tolist() == data.counts.tolist()


def test_outcome_that_is_known_in_part_has_its_own_points() -> None:
    known = np.ones((12, 2), dtype=bool)
    known[[0, 3, 11], 1] = False
    data = two_outcomes(known=known, counts=np.arange(12.0))

    points, targets, counts = data.of_outcome(1)

    rows = [1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert points.tolist() == data.points[rows].tolist()
    assert targets.tolist() == data.targets[rows, 1].tolist()
    assert counts.tolist() == [float(row) for row in rows]
    assert data.of_outcome(0)[0].tolist() == data.points.tolist()


def test_data_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        dataset().counts = np.zeros(12)  # type: ignore[misc]


# --- not too much ---


@pytest.mark.parametrize("at_most", [20, 21, 1000])
def test_all_is_kept_up_to_the_limit(at_most: int) -> None:
    data = ranked(20)

    assert data.thinned(at_most, 0).targets.tolist() == data.targets.tolist()


@pytest.mark.parametrize("at_most", [1, 2, 3, 8, 9, 19])
def test_beyond_the_limit_the_better_half_is_kept_and_a_selection_of_the_others(
    at_most: int,
) -> None:
    thinned = ranked(20).thinned(at_most, 0)

    better = (at_most + 1) // 2
    kept = sorted(thinned.targets[:, 0].tolist(), reverse=True)
    assert len(kept) == at_most
    assert kept[:better] == [float(19 - k) for k in range(better)]
    assert len(set(kept)) == at_most


@EXAMPLES
@given(n=st.integers(1, 40), at_most=st.integers(1, 45), objective=st.integers(0, 1))
def test_what_is_kept_are_whole_rows_in_the_same_order(
    n: int, at_most: int, objective: int
) -> None:
    known = np.random.default_rng(n).random((n, 2)) < 0.7
    whole = two_outcomes(n, known=known, counts=np.arange(float(n)), pending=points_of(5, 3))

    thinned = whole.thinned(at_most, objective)

    rows = thinned.counts.astype(int)
    assert len(rows) == min(n, at_most)
    assert np.all(np.diff(rows) > 0)
    for part in ("points", "targets", "known"):
        assert getattr(thinned, part).tolist() == getattr(whole, part)[rows].tolist()
    assert thinned.pending.tolist() == whole.pending.tolist()


@pytest.mark.parametrize("objective", [0, 1])
def test_better_half_is_that_of_the_objective(objective: int) -> None:
    rising = np.arange(20.0)
    data = two_outcomes(20, targets=np.column_stack([rising, -rising]))

    kept = data.thinned(8, objective).targets[:, objective]

    best = np.sort(data.targets[:, objective])[-4:]
    assert set(best.tolist()) <= set(kept.tolist())


@pytest.mark.parametrize("stand_in", [np.nan, np.inf, 1e9, 0.0])
def test_point_where_the_objective_is_unknown_is_not_among_the_better_half(
    stand_in: float,
) -> None:
    known = np.ones((20, 1), dtype=bool)
    known[[2, 5, 7, 13]] = False
    targets: Array = np.where(known, -1.0 - np.arange(20.0)[:, None], stand_in)

    thinned = dataset(20, targets=targets, known=known).thinned(8, 0)

    assert thinned.targets[thinned.known][:4].tolist() == [-1.0, -2.0, -4.0, -5.0]
    assert thinned.known.sum() >= 4


@pytest.mark.parametrize(
    ("failures", "at_most", "kept"),
    [(0, 3, []), (3, 3, [0, 1, 2]), (5, 2, [0, 4]), (5, 3, [0, 2, 4]), (9, 1, [0])],
)
def test_failures_are_thinned_evenly(failures: int, at_most: int, kept: list[int]) -> None:
    failed = points_of(failures, 5)

    assert dataset(failed=failed).thinned(at_most, 0).failed.tolist() == failed[kept].tolist()
