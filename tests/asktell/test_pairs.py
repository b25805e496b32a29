"""Indices over spaces with constraints, on functions of which something is known."""

from __future__ import annotations

import functions_known as known
import numpy as np
import pytest

import asktell as at
from asktell.insight.pairs import paired_indices


def floats(*constraints: at.Linear | at.Ordered | at.Simplex, names: str = "xyz") -> at.Space:
    return at.Space(*(at.Float(name, 0.0, 1.0) for name in names), constraints=constraints)


def test_where_constraints_always_hold_they_are_the_sobol_indices() -> None:
    space = floats(at.Linear({"x": 1.0, "y": 1.0}, at_most=5.0))
    function = known.ISHIGAMI
    found = paired_indices(function.of, space, 8192, [1])
    assert found.total == pytest.approx(function.total, abs=0.03)
    assert found.first == pytest.approx(function.first, abs=0.03)
    assert (np.abs(found.total - function.total) <= 5.0 * found.total_errors + 1e-3).all()
    assert float(found.variance) == pytest.approx(function.variance, rel=0.05)


def test_a_parameter_that_does_nothing_has_no_part_whatever_the_constraints() -> None:
    space = floats(at.Ordered("x", "y", "z"))
    found = paired_indices(lambda points: points[:, 0], space, 2048, [2])
    assert found.first[0] == pytest.approx(1.0)
    assert 0.05 < found.total[0] < 1.0  # it moves below y alone
    assert found.total[1:].tolist() == [0.0, 0.0]


def test_a_share_moves_with_the_others_in_proportion() -> None:
    space = floats(at.Simplex("x", "y", "z"))
    found = paired_indices(lambda p: p[:, 0] / (p[:, 0] + p[:, 1]), space, 2048, [3])
    assert found.total[2] == pytest.approx(0.0, abs=1e-12)
    assert (found.total[:2] > 0.2).all()


def test_what_cannot_move_alone_has_no_part() -> None:
    equal = at.Linear({"n": 1, "m": 1}, at_least=4, at_most=4)
    space = at.Space(at.Int("n", 0, 4), at.Int("m", 0, 4), at.Bool("b"), constraints=[equal])
    found = paired_indices(lambda points: points[:, 0] + points[:, 2], space, 2048, [4])
    assert found.total[:2].tolist() == [0.0, 0.0]
    assert found.first == pytest.approx([1.0 / 3.0, 1.0 / 3.0, 2.0 / 3.0], abs=0.15)
    assert found.total[2] == pytest.approx(2.0 / 3.0, abs=0.1)
    shares = at.Linear({"x": 1.0, "y": 1.0}, at_least=1.0, at_most=1.5)
    found = paired_indices(lambda p: p[:, 0], floats(shares, at.Ordered("x", "y")), 512, [4])
    assert found.first[0] == pytest.approx(1.0)


def test_several_functions_at_once_are_as_one_by_one() -> None:
    space = floats(at.Linear({"x": 1.0, "y": 1.0}, at_most=1.0), names="xy")
    functions = [lambda p: p[:, 0] * p[:, 1], lambda p: p[:, 0] - p[:, 1]]
    one, other = (paired_indices(function, space, 256, [5]) for function in functions)
    both = paired_indices(
        lambda p: np.column_stack([function(p) for function in functions]), space, 256, [5]
    )
    assert both.total == pytest.approx(np.stack([one.total, other.total]))
    assert both.first == pytest.approx(np.stack([one.first, other.first]))
