from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import QUICK, random_constrained

import asktell as at
from asktell.errors import SpaceExhausted


def everything_of(space: at.Space) -> list:
    return [space.decode(point[None])[0] for point in space.domain.count.walk()]


def brute(space: at.Space) -> set:
    """Return all configurations: the whole grid, without what breaks a constraint."""
    columns = [axis.levels() for axis in space.axes]
    grid = np.stack(np.meshgrid(*columns, indexing="ij"), axis=-1).reshape(-1, space.dim)
    settled = space.domain.settled(grid, space.domain.centre)
    held = space.domain.region.holds(settled)
    return set(space.decode(settled[held]))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_count_is_that_of_the_grid(seed: int) -> None:
    space = random_constrained(np.random.default_rng(seed), finite=True)
    everything = brute(space)
    assert space.size == len(everything)
    assert set(everything_of(space)) == everything
    numbers = range(min(space.size, 500))
    assert len({space.configuration(index) for index in numbers}) == len(numbers)
    assert {space.configuration(index) for index in numbers} <= everything


def test_conditions_alone_are_counted() -> None:
    space = at.Space(
        at.Categorical("model", ["svm", "forest"]),
        at.Int("trees", 10, 500, when={"model": "forest"}),
        at.Int("wide", 0, 2**50 - 1, when={"model": "svm"}),
        at.Bool("bias"),
    )
    assert space.size == 2 * (491 + 2**50)
    assert space.configuration(space.size - 1) != space.configuration(0)
    with pytest.raises(IndexError):
        space.configuration(space.size)


def test_many_integers_with_a_bounded_sum_are_counted() -> None:
    names = [f"n{i}" for i in range(6)]
    space = at.Space(
        *(at.Int(name, 0, 100) for name in names),
        constraints=[at.Linear(dict.fromkeys(names, 1.0), at_most=100.0)],
    )
    assert space.size == 1_705_904_746  # 106 over 6
    assert sum(space.configuration(1_000_000_000)) <= 100


def test_what_cannot_be_counted_is_none() -> None:
    pair = [at.Int("a", 0, 2**40), at.Int("b", 0, 2**40)]
    assert at.Space(*pair, constraints=[at.Ordered("a", "b")]).size is None
    assert (
        at.Space(at.Float("x", 0, 1), at.Int("a", 0, 3, when={"x": at.AtLeast(0.5)})).size is None
    )


def test_wide_integers_are_counted_where_little_is_left_of_them() -> None:
    space = at.Space(
        at.Int("a", 0, 2**53 - 1),
        at.Int("b", 0, 2**53 - 1),
        constraints=[at.Linear({"a": 1, "b": 1}, at_most=2)],
    )
    assert space.size == 6


@pytest.mark.parametrize("seed", range(4))
def test_a_finite_space_is_used_up_and_then_exhausted(seed: int) -> None:
    space = at.Space(
        at.Categorical("c", ["u", "v"]),
        at.Int("a", 0, 4),
        at.Int("b", 0, 4, when={"c": "v"}),
        constraints=[
            at.Linear({"a": 1, "b": 1}, at_least=4, at_most=4),
            at.Forbidden({"c": "u", "a": 2}),
        ],
    )
    assert space.size == 4 + 5
    engine, seen = at.Engine(space, seed=seed, settings=QUICK), set()
    for k in range(9):
        suggestion = engine.suggest()
        seen.add(space.check(suggestion.params))
        engine.observe(suggestion, float(k % 3))
    assert len(seen) == 9
    with pytest.raises(SpaceExhausted, match="all 9"):
        engine.suggest()


def test_conditions_alone_are_used_up_and_then_exhausted() -> None:
    space = at.Space(at.Int("a", 0, 2), at.Bool("b", when={"a": at.AtLeast(1)}))
    engine = at.Engine(space, seed=1, settings=QUICK)
    params = [engine.suggest().params for _ in range(5)]
    assert len({tuple(one.items()) for one in params}) == 5
    with pytest.raises(SpaceExhausted):
        engine.suggest()


def test_what_was_not_counted_is_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    space = at.Space(at.Int("a", 0, 3), at.Int("b", 0, 3), constraints=[at.Ordered("a", "b")])
    monkeypatch.setattr("asktell.space.tree.Tree.count.__defaults__", (1,))
    assert space.size is None
    assert len(set(everything_of(space))) == 10
    engine = at.Engine(space, seed=1, settings=QUICK)
    assert len({tuple(engine.suggest().params.values()) for _ in range(10)}) == 10
    with pytest.raises(SpaceExhausted, match="no further configuration"):
        engine.suggest()
    monkeypatch.setattr("asktell.space.counting.LONGEST_SEARCH", 3)
    assert len(list(everything_of(space))) < 10
