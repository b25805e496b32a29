"""The estimators, on functions whose indices are known."""

from __future__ import annotations

import functions_known as known
import numpy as np
import pytest

from asktell.errors import DefinitionError
from asktell.insight import sobol_indices


@pytest.mark.parametrize("function", known.ALL, ids=lambda one: one.name)
def test_indices_are_right_within_the_errors_of_sampling(function: known.Known) -> None:
    for seed in range(3):
        found = sobol_indices(function.of, len(function.total), n=8192, seed=seed)
        for index, error, true in (
            (found.first, found.first_errors, function.first),
            (found.total, found.total_errors, function.total),
        ):
            assert np.abs(index - true).max() < 0.025
            off = np.abs(index - true) / np.maximum(error, 5e-4)
            assert off.max() < 5.0  # of eight scramblings, so Student's t with seven degrees
        assert float(found.variance) == pytest.approx(function.variance, rel=0.05)


def test_errors_are_as_large_as_they_say() -> None:
    function = known.ISHIGAMI
    several = [sobol_indices(function.of, 3, n=512, seed=[7, seed]) for seed in range(40)]
    spread = np.std([one.total for one in several], axis=0)
    said = np.mean([one.total_errors for one in several], axis=0)
    assert said / spread == pytest.approx(1.0, abs=0.5)


def test_several_functions_at_once_are_as_one_by_one() -> None:
    one = sobol_indices(known.ISHIGAMI.of, 3, n=64)
    other = sobol_indices(lambda x: 2.0 * x[:, 0], 3, n=64)
    both = sobol_indices(lambda x: np.column_stack([known.ISHIGAMI.of(x), 2.0 * x[:, 0]]), 3, n=64)
    assert both.total == pytest.approx(np.stack([one.total, other.total]))
    assert both.first_errors == pytest.approx(np.stack([one.first_errors, other.first_errors]))
    assert both.variance.shape == (2,)


def test_a_constant_has_no_indices() -> None:
    found = sobol_indices(lambda x: np.full(len(x), 3.0), 2)
    assert found.total.tolist() == found.first.tolist() == found.total_errors.tolist() == [0.0, 0.0]
    assert float(found.variance) == 0.0


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(DefinitionError, match=r"\$.dim: got 0, expected an integer >= 1"):
        sobol_indices(lambda x: x[:, 0], 0)
    with pytest.raises(DefinitionError, match=r"\$.n: got 8, expected an integer >= 16"):
        sobol_indices(lambda x: x[:, 0], 1, n=8)
