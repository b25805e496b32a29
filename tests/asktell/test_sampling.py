from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import random_constrained

import asktell as at
from asktell.errors import DefinitionError, ParamsError
from asktell.space.axes import Some, Stretch


def uniform(n: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, dim))


def floats(d: int, *constraints: at.Constraint, log: bool = False) -> at.Space:
    low = 1e-3 if log else 0.0
    names = [f"x{i}" for i in range(d)]
    return at.Space(*(at.Float(n, low, 1.0, log=log) for n in names), constraints=constraints)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), finite=st.booleans())
def test_samples_keep_all_constraints(seed: int, finite: bool) -> None:
    space = random_constrained(np.random.default_rng(seed), finite)
    points = space.sample(uniform(64, space.dim, seed))
    assert space.domain.region.holds(points).all()
    for values in space.decode(points):
        assert space.check(space.params(values)) == values


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_snapped_and_repaired_points_keep_all_constraints(seed: int) -> None:
    space = random_constrained(np.random.default_rng(seed))
    domain, random = space.domain, np.random.default_rng(seed)
    points = domain.snap(uniform(12, space.dim, seed))
    assert domain.region.holds(points).all()
    assert domain.snap(points).tolist() == points.tolist()
    moved = domain.settled(
        np.column_stack([a.snap(uniform(12, 1, i)[:, 0]) for i, a in enumerate(space.axes)]),
        domain.centre,
    )
    assert domain.region.holds(domain.repaired(moved, points, random)).all()


def test_samples_depend_on_the_uniform_numbers_alone() -> None:
    thin = at.Linear({"x0": 1.0, "x1": 1.0, "x2": 1.0}, at_most=0.02)
    one, other = floats(3, thin), floats(3, thin)
    other.sample(uniform(5, 3, 9))
    assert one.sample(uniform(20, 3)).tolist() == other.sample(uniform(20, 3)).tolist()
    assert one.sample(uniform(20, 3)).tolist() != one.sample(uniform(20, 3, 1)).tolist()


def test_a_millionth_of_the_box_is_sampled_evenly() -> None:
    # a corner of 0.018 along each axis has the share 1e-6 of the box
    space = floats(3, at.Linear({"x0": 1.0, "x1": 1.0, "x2": 1.0}, at_most=0.018))
    points = np.array(space.decode(space.sample(uniform(2000, 3))))
    assert points.sum(axis=1).max() <= 0.018
    # each is a third of what the sum leaves, and the sum is three quarters of its bound
    assert points.mean(axis=0) == pytest.approx(0.018 / 4, rel=0.12)
    assert len(np.unique(points, axis=0)) == 2000


def test_shares_are_spread_as_the_flat_dirichlet_distribution_is() -> None:
    space = floats(4, at.Simplex("x0", "x1", "x2", "x3"))
    points = np.array(space.decode(space.sample(uniform(2000, 4))))
    assert points.sum(axis=1) == pytest.approx(1.0, abs=2e-15)
    assert points.mean(axis=0) == pytest.approx(0.25, abs=0.03)
    assert points.var(axis=0) == pytest.approx(3 / 80, rel=0.25)  # of Dirichlet(1, 1, 1, 1)


def test_a_log_scale_stays_even_in_logarithms() -> None:
    space = floats(2, at.Linear({"x0": 1.0, "x1": 1.0}, at_most=0.012), log=True)
    assert space.domain.sampler.share > 0.05
    plain = space.sample(uniform(4000, 2))
    walked = space.domain.sampler.pool
    assert walked[:, 0].mean() == pytest.approx(plain[:, 0].mean(), abs=0.03)


def test_integers_with_a_sum_and_very_wide_ones() -> None:
    space = at.Space(
        at.Int("a", 0, 2**53 - 1),
        at.Int("b", 0, 2**53 - 1),
        at.Int("c", 0, 9),
        constraints=[
            at.Linear({"a": 1, "b": 1}, at_least=2**52 + 1, at_most=2**52 + 1),
            at.Linear({"a": 1, "c": 1}, at_most=2**40),
        ],
    )
    values = space.decode(space.sample(uniform(200, 3)))
    assert all(a + b == 2**52 + 1 and a + c <= 2**40 for a, b, c in values)
    assert len({a for a, _, _ in values}) > 100


def test_branches_that_are_hard_to_hit_are_all_sampled() -> None:
    space = at.Space(
        at.Categorical("c", ["u", "v", "w"]),
        at.Float("x", 0.0, 1.0, when={"c": ["u", "v"]}),
        at.Float("y", 0.0, 1.0, when={"c": "v"}),
        at.Float("z", 0.0, 1.0),
        constraints=[
            at.Linear({"x": 1.0, "z": 1.0}, at_most=1e-3),
            at.Linear({"z": 1.0}, at_most=1e-3),
        ],
    )
    values = space.decode(space.sample(uniform(300, 4)))
    counts = {c: sum(row[0] == c for row in values) for c in "uvw"}
    assert min(counts.values()) > 10


def test_forbidden_numbers_leave_the_rest() -> None:
    space = at.Space(
        at.Float("x", 0.0, 1.0),
        at.Categorical("c", ["u", "v"]),
        constraints=[
            at.Forbidden({"x": [at.AtLeast(1e-5), at.AtMost(0.99999)]}),
            at.Forbidden({"c": "u", "x": at.AtMost(0.5)}),
        ],
    )
    values = space.decode(space.sample(uniform(400, 2)))
    assert all((x < 1e-5 and c == "v") or x > 0.99999 for x, c in values)
    assert {x < 0.5 for x, _ in values} == {True, False}
    assert {c for _, c in values} == {"u", "v"}


def test_axes_that_are_restricted_are_kept_to() -> None:
    space = floats(3, at.Simplex("x0", "x1", "x2"))
    fixed = Some(np.array([0.25]))
    domain = evolve(space.domain, axes=(fixed, *space.axes[1:]))
    points = domain.sample(uniform(50, 3))
    assert set(points[:, 0]) == {0.25}
    assert space.domain.region.holds(points).all()
    assert domain.somewhere()[0] == 0.25
    stretch = Stretch(space.axes[0], 0.1, 0.2)
    domain = evolve(space.domain, axes=(stretch, *space.axes[1:]))
    points = domain.snap(uniform(50, 3))
    assert points[:, 0].min() >= 0.1
    assert points[:, 0].max() <= 0.2
    most = Some(np.array([0.75]))
    both = evolve(space.domain, axes=(most, most, space.axes[2]))
    with pytest.raises(DefinitionError, match=r"x0 \+ x1 \+ x2 = 1"):
        both.somewhere()


def test_what_is_fixed_may_clash_with_a_constraint() -> None:
    space = floats(3, at.Linear({"x0": 1.0, "x1": 1.0}, at_most=0.5))
    engine = at.Engine(space, seed=0)
    assert engine.suggest(fixed={"x0": 0.5}).params["x1"] == 0.0
    with pytest.raises(ParamsError, match="holds nowhere"):
        engine.suggest(fixed={"x0": 0.6})


@pytest.mark.parametrize(
    ("constraints", "words"),
    [
        (
            [
                at.Ordered("x0", "x1"),
                at.Linear({"x0": 1}, at_least=0.75),
                at.Linear({"x0": 1, "x1": 1}, at_most=1),
                at.Linear({"x2": 1}, at_most=0.5),
            ],
            "x0 <= x1, x0 >= 0.75 and x0 + x1 <= 1 clash",
        ),
        ([at.Simplex("x0", "x1", "x2", total=4.0)], "x0 + x1 + x2 = 4 holds nowhere"),
        ([at.Forbidden({"x0": at.AtLeast(0.0)})], "never x0 is at least 0 holds nowhere"),
    ],
)
def test_an_empty_space_is_refused_with_what_clashes(constraints: list, words: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        floats(3, *constraints)
    assert refused.value.place == "$.constraints"
    assert words in str(refused.value)


def test_an_equation_that_no_integers_solve_is_refused() -> None:
    parameters = [at.Int("a", 0, 2**50), at.Int("b", 0, 2**50, step=2)]
    odd = at.Linear({"a": 2, "b": 1}, at_least=7, at_most=7)
    with pytest.raises(DefinitionError, match="2 a \\+ b = 7 holds nowhere"):
        at.Space(*parameters, constraints=[odd])


def test_constraints_of_branches_do_not_clash() -> None:
    space = at.Space(
        at.Bool("on"),
        at.Float("x", 0.0, 1.0, when={"on": True}),
        at.Float("y", 0.0, 1.0),
        constraints=[at.Linear({"x": 1.0, "y": 1.0}, at_least=3.0)],
    )
    assert all(not on for on, *_ in space.decode(space.sample(uniform(50, 3))))


def test_the_centre_of_a_constrained_space_is_the_nearest_point() -> None:
    space = floats(2, at.Linear({"x0": 1.0, "x1": 1.0}, at_most=0.5))
    assert space.domain.snap(space.domain.centre[None])[0] == pytest.approx([0.25, 0.25])
    ints = at.Space(
        at.Int("a", 0, 10),
        at.Int("b", 0, 10),
        constraints=[at.Linear({"a": 1, "b": 1}, at_least=3, at_most=3)],
    )
    ((a, b),) = ints.decode(ints.domain.snap(np.array([[0.5, 0.0]])))
    assert (a, b) == (3, 0)
