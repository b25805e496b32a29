"""Points of a space with conditions and constraints, drawn and moved along some parameters."""

from __future__ import annotations

import numpy as np
import pytest
from spaces import conditional, constrained, every_kind

import asktell as at
from asktell.insight.moves import drawn, exist, moved
from asktell.space.absent import NOWHERE

SPACES = {"every kind": every_kind(), "conditional": conditional(), "constrained": constrained()}


@pytest.mark.parametrize("name", SPACES)
def test_what_is_drawn_is_in_the_space(name: str) -> None:
    space = SPACES[name]
    found = drawn(space, 256, np.random.default_rng(0))
    assert len(found.points) == len(found.fills) > 50
    assert (found.fills != NOWHERE).all()
    for values in space.decode(found.points):
        assert space.check(space.params(values)) == values
    assert len(found.first(10).points) == len(found.first(10).fills) == 10


@pytest.mark.parametrize("name", SPACES)
def test_a_moved_point_exists_or_is_said_not_to(name: str) -> None:
    space = SPACES[name]
    random = np.random.default_rng(1)
    pool = drawn(space, 256, random)
    for dimension, axis in enumerate(space.axes):
        (position,) = axis.sample(random.random(1))
        rows, there = moved(space, pool.points, pool.fills, (dimension,), np.array([position]))
        assert there.any()
        assert (rows[there][:, dimension] == position).all()
        for row, exists in zip(space.decode(rows), there, strict=True):
            params = space.params(row)
            if exists:
                assert space.check(params) == row
                assert space.names[dimension] in params
            elif space.names[dimension] in params:
                with pytest.raises(at.errors.ParamsError):
                    space.check(params)


def test_what_becomes_active_gets_its_fill() -> None:
    space = conditional()
    params = {"model": "forest", "trees": 20, "bias": True}
    point = space.encode([space.check(params)])
    mlp = space.parameters[0].encode(["mlp"])
    rows, there = moved(space, point, space.domain.centre, (0,), mlp)
    assert there.all()
    (values,) = space.decode(rows)
    assert space.params(values) == {
        "model": "mlp",
        "layers": 2,  # which is likely
        "bits": 4,
        "bias": True,
    }
    rows, there = moved(space, point, space.domain.centre, (4,), np.array([0.5]))
    assert not there.any()  # there are no layers in a forest
    assert rows.tolist() == point.tolist()


def test_other_shares_stay_in_proportion() -> None:
    space = at.Space(
        at.Float("a", 0.0, 1.0),
        at.Float("b", 0.0, 2.0),
        at.Float("c", 0.1, 1.1),
        constraints=[at.Simplex("a", "b", "c", total=2.0)],
    )
    point = space.encode([(0.5, 1.0, 0.5)])
    rows, there = moved(space, point, space.domain.centre, (0,), np.array([0.2]))
    assert there.all()
    assert space.decode(rows)[0] == pytest.approx((0.2, 1.2, 0.6))
    rows, there = moved(space, point, space.domain.centre, (0, 1), np.array([0.2, 0.5]))
    assert there.tolist() == [True]
    assert space.decode(rows)[0] == pytest.approx((0.2, 1.0, 0.8))
    _, there = moved(space, point, space.domain.centre, (0, 1), np.array([1.0, 1.0]))
    assert there.tolist() == [False]  # they are more than all
    _, there = moved(space, point, space.domain.centre, (0, 1, 2), np.array([0.2, 0.5, 0.7]))
    assert there.tolist() == [True]  # 0.2 + 1 + 0.8
    _, there = moved(space, point, space.domain.centre, (0, 1, 2), np.array([0.2, 0.5, 0.5]))
    assert there.tolist() == [False]


def test_without_constraints_all_points_exist() -> None:
    assert exist(conditional(), np.full((3, 9), 0.5)).tolist() == [True] * 3
    assert exist(constrained(), np.empty((0, 9))).tolist() == []


def test_the_constraints_are_those_that_the_space_checks() -> None:
    space = at.Space(
        at.Int("n", 0, 5),
        at.Ordinal("o", [4, 1, 2.5]),
        at.Float("x", 0.1, 10.0, log=True),
        at.Bool("b"),
        at.Float("y", 0.0, 3.0, when={"b": True}),
        constraints=[
            at.Linear({"n": 1.0, "x": -0.5}, at_least=0.5),
            at.Linear({"n": 1.0, "o": 1.0}, at_least=2.0, at_most=7.5),
            at.Ordered("o", "x", "y"),
            at.Forbidden({"b": False, "o": [4], "n": at.AtLeast(3)}),
        ],
    )
    uniform = np.random.default_rng(0).random((600, space.dim))
    axes = [axis.sample(uniform[:, i]) for i, axis in enumerate(space.axes)]
    points = space.domain.settled(np.column_stack(axes), space.domain.centre)
    kept = []
    for params in map(space.params, space.decode(points)):
        there = [c for c in space.constraints if set(c.names) <= set(params)]
        kept.append(all(constraint.holds(params) for constraint in there))
    assert exist(space, points).tolist() == kept
    assert 20 < sum(kept) < 580
