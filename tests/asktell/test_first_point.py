"""First points of constrained spaces: what is found, and what is proved when nothing is."""

from __future__ import annotations

import numpy as np
import pytest

import asktell as at
from asktell.space import first_point
from asktell.space.first_point import Program, contradiction, mended
from asktell.space.region import Region

SUM = at.Linear({"x": 1.0, "y": 1.0}, at_most=0.5)
FAR = at.Linear({"x": 1.0}, at_least=0.6)


def region_of(*constraints: at.Linear | at.Ordered | at.Forbidden) -> Region:
    """Return the region of two floats and an integer that these leave, empty or not."""
    parameters = (at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0), at.Int("n", 0, 9))
    space = at.Space(*parameters, constraints=[at.Ordered("x", "y")])
    limits = space.domain.limits
    assert limits is not None
    return type(limits)(parameters, constraints, limits.conditions, None).on(space.axes)


def test_a_solution_keeps_the_constraints_once_it_is_mended() -> None:
    region = region_of(SUM, at.Linear({"n": 3.0}, at_least=10.0, at_most=14.0))
    found = Program(region).solve()
    assert found is not None

    points, fine = mended(region, found[None], everything=True)

    assert fine.tolist() == [True]
    assert region.holds(points).tolist() == [True]
    assert not Program(region).is_infeasible()


def test_the_nearest_point_is_near() -> None:
    region = region_of(SUM)
    found = Program(region).solve(near=np.array([0.5, 0.5, 0.0]), room=1e-3)
    assert found is not None

    assert found[0] + found[1] == pytest.approx(0.5, abs=0.06)
    assert found[2] == 0.0


def test_what_clashes_is_named_without_what_has_no_part_in_it() -> None:
    region = region_of(at.Ordered("x", "y"), SUM, at.Linear({"n": 1.0}, at_most=5.0), FAR)

    assert contradiction(region) == [1, 3]
    assert contradiction(region_of(SUM)) == []


def test_an_equation_of_integers_that_a_divisor_rules_out_holds_nowhere() -> None:
    region = region_of(at.Linear({"n": 2.0}, at_least=7.0, at_most=7.0))

    assert contradiction(region) == [0]


def test_where_the_solver_gives_up_nothing_is_said_to_clash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A limit that is reached proves nothing, however long the search has taken."""
    gave_up = 1
    monkeypatch.setattr(first_point, "_solved", lambda *_: (None, gave_up))

    assert contradiction(region_of(SUM, FAR)) == []
    with pytest.raises(at.errors.DefinitionError, match="no point was found"):
        at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0), constraints=[SUM, FAR])


def test_the_solver_is_given_no_time_but_steps() -> None:
    """Else what is suggested would depend on how fast a machine is (law 1)."""
    assert "time_limit" not in first_point._OPTIONS
    assert first_point._OPTIONS["node_limit"] > 0
