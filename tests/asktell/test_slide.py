from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from spaces import random_constrained

import asktell as at
from asktell.acquisition.maximiser import maximise
from asktell.space.first_point import mended
from asktell.space.neighbours import neighbours
from asktell.space.projection import projected


class Hill:
    """A score with one top, at natural values, for spaces without log scales."""

    def __init__(self, top: list[float]) -> None:
        self.top = np.array(top)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return -((points - self.top) ** 2).sum(axis=1)

    def with_gradient(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self(points), -2.0 * (points - self.top)


def floats(d: int, *constraints: at.Constraint, log: bool = False) -> at.Space:
    low = 1e-3 if log else 0.0
    names = [f"x{i}" for i in range(d)]
    return at.Space(*(at.Float(n, low, 1.0, log=log) for n in names), constraints=constraints)


NAMES = ["x0", "x1", "x2", "x3"]


@pytest.mark.parametrize(
    ("constraints", "top", "best"),
    [
        ([at.Simplex(*NAMES)], [0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]),
        ([at.Simplex(*NAMES)], [0.9, 0.5, 0.0, 0.0], [0.7, 0.3, 0.0, 0.0]),
        ([at.Simplex(*NAMES)], [2.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]),
        ([at.Linear(dict.fromkeys(NAMES, 1.0), at_most=1.0)], [0.5] * 4, [0.25] * 4),
        ([at.Ordered(*NAMES)], [0.8, 0.6, 0.9, 0.3], [0.65] * 4),
        ([at.Ordered("x0", "x1"), at.Linear({"x0": 1.0, "x2": -2.0}, at_least=0.1)],
         [0.6, 0.2, 0.4, 0.5], [0.462, 0.462, 0.181, 0.5]),
    ],
)  # fmt: skip
def test_climbs_reach_the_top_inside_and_on_faces(
    constraints: list, top: list[float], best: list[float]
) -> None:
    space = floats(4, *constraints)
    found = maximise(Hill(top), space.domain, np.random.default_rng(0), 256, 4)
    assert space.domain.region.holds(found[None]).all()
    assert found == pytest.approx(best, abs=0.02)


def test_climbs_along_a_bent_face() -> None:
    space = floats(2, at.Linear({"x0": 1.0, "x1": 1.0}, at_most=0.1), log=True)
    found = maximise(Hill([1.0, 1.0]), space.domain, np.random.default_rng(0), 256, 4)
    assert space.decode(found[None])[0] == pytest.approx((0.05, 0.05), rel=0.02)
    assert sum(space.decode(found[None])[0]) <= 0.1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_projections_are_the_nearest_points(seed: int) -> None:
    random = np.random.default_rng(seed)
    space = floats(3, at.Simplex("x0", "x1", "x2"), at.Ordered("x1", "x0"))
    point = random.uniform(-0.5, 1.5, 3)
    found = projected(space.domain.region, point[None], 200)[0]
    solved = minimize(
        lambda x: ((x - point) ** 2).sum(),
        np.full(3, 1 / 3),
        bounds=[(0, 1)] * 3,
        constraints=[
            {"type": "eq", "fun": lambda x: x.sum() - 1},
            {"type": "ineq", "fun": lambda x: x[0] - x[1]},
        ],
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert found == pytest.approx(solved.x, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_moves_keep_the_constraints(seed: int) -> None:
    space = random_constrained(np.random.default_rng(seed))
    points = space.sample(np.random.default_rng(seed).random((3, space.dim)))
    moves, owners = space.domain.neighbours(points, np.random.default_rng(0))
    assert space.domain.region.holds(moves).all()
    assert (moves != points[owners]).any(axis=1).all()


def test_integers_with_a_fixed_sum_move_in_pairs() -> None:
    space = at.Space(
        at.Int("a", 0, 5),
        at.Int("b", 0, 5),
        constraints=[at.Linear({"a": 1, "b": 1}, at_least=5, at_most=5)],
    )
    moves, owners = space.domain.neighbours(space.encode([(2, 3)]), np.random.default_rng(0))
    assert set(space.decode(moves)) == {(0, 5), (1, 4), (3, 2), (4, 1), (5, 0)}
    assert set(owners) == {0}


def test_an_integer_moves_where_a_float_makes_up_for_it() -> None:
    space = at.Space(
        at.Int("n", 0, 3),
        at.Float("x", 0.0, 4.0),
        constraints=[at.Linear({"n": 1.0, "x": 1.0}, at_least=3.0, at_most=3.0)],
    )
    moves, _ = neighbours(
        space.domain.region, space.encode([(1, 2.0)]), space.encode([(2, 2.0)]), np.array([0])
    )
    assert space.decode(moves) == [(2, 1.0)]


def test_a_climb_that_ends_outside_goes_back_towards_where_it_began() -> None:
    space = at.Space(
        at.Float("x", 0.0, 1.0),
        at.Float("y", 0.0, 1.0),
        constraints=[at.Ordered("x", "y"), at.Forbidden({"x": at.AtLeast(0.5)})],
    )
    slide = space.domain.slide
    assert slide is not None
    found = slide.within(np.array([[0.9, 0.95]]), np.array([[0.1, 0.2]]))
    assert space.domain.region.holds(found).all()
    assert found[0, 0] == pytest.approx(0.5, abs=1e-3)


def test_what_cannot_be_mended_is_said() -> None:
    space = at.Space(at.Int("a", 0, 3), at.Int("b", 0, 3), constraints=[at.Ordered("a", "b")])
    points, fine = mended(space.domain.region, space.encode([(3, 0), (0, 3)]))
    assert fine.tolist() == [False, True]
    assert points.tolist() == space.encode([(3, 0), (0, 3)]).tolist()
