"""The maximiser on scores of any kind, over domains of which a part is excluded."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from datasets import AXES, found_for, points_of, two_outcomes
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import conditional_spaces

import asktell as at
from asktell.acquisition.acq_max import acq_max
from asktell.acquisition.maximiser import maximise
from asktell.acquisition.score import Improvement, Promise
from asktell.model.kernels import Array
from asktell.model.posterior import posterior_of
from asktell.space.absent import NOWHERE
from asktell.space.axes import Axis, Interval, Levels, LogLevels, categories
from asktell.space.domain import Domain, Mask

EXAMPLES = settings(deadline=None, max_examples=50)

CONTINUOUS: tuple[Axis, ...] = (Interval(), Interval())
MIXED: tuple[Axis, ...] = (Interval(), Levels(11), categories(4), Interval())
LARGE: tuple[Axis, ...] = (Levels(1000), categories(9), LogLevels(500, 2.0, 1.0))
SMALL: tuple[Axis, ...] = (Levels(5), categories(3))
KINDS = pytest.mark.parametrize("axes", [CONTINUOUS, MIXED, LARGE, SMALL])


class Hills:
    """A plain class that is a score: several smooth hills, of which one is the highest.

    It keeps the points that it was asked for.
    """

    def __init__(self, dim: int) -> None:
        self.weights = 1.0 + np.arange(dim)
        self.scored: list[Array] = []
        self.climbed: list[Array] = []

    def __call__(self, points: Array) -> Array:
        self.scored.append(points.copy())
        return self.scores(points)

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        self.climbed.append(points.copy())
        slopes = 9.0 * np.cos(9.0 * points) - 2.0 * (points - 0.7)
        return self.scores(points), self.weights * slopes

    def scores(self, points: Array) -> Array:
        each = (np.sin(9.0 * points) - np.square(points - 0.7)) * self.weights
        return np.asarray(each.sum(axis=1))  # no product of matrices: a row alone is as in many


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def lie_on(axes: tuple[Axis, ...], points: Array) -> bool:
    return Domain.of(axes).snap(points).tolist() == points.tolist()


# --- what is found ---


@KINDS
def test_best_of_several_hills_is_found(axes: tuple[Axis, ...]) -> None:
    domain, hills = Domain.of(axes), Hills(len(axes))

    found = maximise(hills, domain, generator(), 256, 32)

    # the score is a sum over the axes, so its greatest value is found on each alone
    best = []
    for axis in axes:
        positions = np.linspace(0.0, 1.0, 100001) if axis.size is None else axis.levels()
        best.append((np.sin(9.0 * positions) - np.square(positions - 0.7)).max())
    assert found.shape == (len(axes),)
    assert hills.scores(found[None])[0] == pytest.approx(float(hills.weights @ best), abs=1e-6)


@KINDS
def test_found_is_no_worse_than_anything_that_was_scored(axes: tuple[Axis, ...]) -> None:
    hills = Hills(len(axes))

    found = maximise(hills, Domain.of(axes), generator(), 16, 3)

    assert hills.scores(found[None])[0] == hills.scores(np.vstack(hills.scored)).max()


@pytest.mark.parametrize("objective", [0, 1])
def test_promise_of_a_posterior_is_climbed_to_its_top(objective: int) -> None:
    data = two_outcomes()
    posterior = posterior_of(Domain.of(AXES), data, found_for(data))
    own = posterior.columns[objective]
    best = posterior.at(data.points)[0][:, own].max(axis=0)
    promise = Promise(posterior, (Improvement(own, best),))

    found = maximise(promise, Domain.of(AXES), generator(), 64, 4)

    assert lie_on(AXES, found[None])
    assert promise(found[None])[0] >= promise(points_of(2000, 9)).max() - 1e-6


# --- only points of the domain ---


@EXAMPLES
@given(
    axes=st.sampled_from([CONTINUOUS, MIXED, LARGE, SMALL]),
    n_candidates=st.integers(1, 40),
    n_starts=st.integers(0, 5),
    seed=st.integers(0, 2**32),
    near=st.integers(0, 3),
)
def test_only_points_on_every_axis_are_scored_and_climbed(
    axes: tuple[Axis, ...], n_candidates: int, n_starts: int, seed: int, near: int
) -> None:
    hills, starts = Hills(len(axes)), 3.0 * generator(seed).random((near, len(axes))) - 1.0

    found = maximise(hills, Domain.of(axes), generator(seed), n_candidates, n_starts, starts)

    asked = np.vstack([*hills.scored, *hills.climbed])
    assert lie_on(axes, asked)
    assert found.tolist() in asked.tolist()


@pytest.mark.parametrize("axes", [CONTINUOUS, MIXED, LARGE])
def test_first_look_alone_scores_its_candidates_once(axes: tuple[Axis, ...]) -> None:
    hills, near = Hills(len(axes)), np.full((2, len(axes)), 0.3)

    maximise(hills, Domain.of(axes), generator(), 14, 0, near)

    (scored,) = hills.scored
    assert len(scored) == 16
    assert scored[-2:].tolist() == Domain.of(axes).snap(near).tolist()
    assert not hills.climbed


def test_discrete_domain_with_no_more_points_is_scored_whole() -> None:
    hills, domain = Hills(2), Domain.of(SMALL)

    found = maximise(hills, domain, generator(), 15, 4, near=np.array([[0.3, 0.3]]))

    grid = domain.grid(15)
    assert grid is not None
    assert [scored.tolist() for scored in hills.scored] == [grid.tolist()]
    assert found.tolist() == grid[np.argmax(hills.scores(grid))].tolist()


# --- exclusions ---


def beyond(share: float, seed: int) -> Callable[[Array], Mask]:
    """Exclude about this share of all points, by a hash of their coordinates."""
    weights = generator(seed).uniform(50.0, 500.0, 4)
    return lambda points: (points @ weights[: points.shape[1]]) % 1.0 < share


@EXAMPLES
@given(
    axes=st.sampled_from([CONTINUOUS, MIXED, LARGE, SMALL]),
    share=st.sampled_from([0.1, 0.5, 0.9, 0.99]),
    n_candidates=st.integers(1, 40),
    n_starts=st.integers(0, 5),
    seed=st.integers(0, 2**32),
)
def test_excluded_point_is_returned_only_where_all_are_that_were_scored(
    axes: tuple[Axis, ...], share: float, n_candidates: int, n_starts: int, seed: int
) -> None:
    hills, domain = Hills(len(axes)), Domain.of(axes, beyond(share, seed))

    found = maximise(hills, domain, generator(seed), n_candidates, n_starts)

    scored = np.vstack(hills.scored)
    free = scored[~domain.excludes(scored)]
    assert domain.excludes(found[None])[0] == (len(free) == 0)
    if len(free):
        assert hills.scores(found[None])[0] == hills.scores(free).max()


@EXAMPLES
@given(free=st.sets(st.integers(0, 14), min_size=1))
def test_best_free_point_of_a_small_domain_is_returned(free: set[int]) -> None:
    grid = Domain.of(SMALL).grid(15)
    assert grid is not None
    rows = [tuple(row) for row in grid.tolist()]
    hills = Hills(2)

    def excluded(points: Array) -> Mask:
        return np.array([rows.index(tuple(point)) not in free for point in points.tolist()])

    found = maximise(hills, Domain.of(SMALL, excluded), generator(), 15, 4)

    best = max(free, key=lambda row: float(hills.scores(grid[[row]])[0]))
    assert found.tolist() == grid[best].tolist()


@KINDS
def test_where_all_is_excluded_a_point_on_the_axes_is_returned(axes: tuple[Axis, ...]) -> None:
    domain = Domain.of(axes, lambda points: np.ones(len(points), dtype=bool))

    found = maximise(Hills(len(axes)), domain, generator(), 15, 3)

    assert lie_on(axes, found[None])


def test_excluded_summit_gives_the_best_point_beside_it() -> None:
    hills = Hills(2)
    top = maximise(hills, Domain.of(CONTINUOUS), generator(), 256, 8)
    around = Domain.of(CONTINUOUS, lambda points: np.abs(points - top).max(axis=1) < 0.1)

    found = maximise(hills, around, generator(), 1024, 8)

    assert not around.excludes(found[None])[0]
    assert hills.scores(found[None])[0] < hills.scores(top[None])[0]


def test_excluded_points_are_asked_about_on_the_axes_alone() -> None:
    asked: list[Array] = []

    def excluded(points: Array) -> Mask:
        asked.append(points.copy())
        return points[:, 1] > 0.45

    maximise(Hills(4), Domain.of(MIXED, excluded), generator(), 32, 4, np.full((1, 4), 0.314))

    assert lie_on(MIXED, np.vstack(asked))


# --- scores that are not finite ---


class Partly(Hills):
    """Hills with a region whose scores are no numbers; or the same everywhere."""

    def __init__(self, dim: int, bad: float, everywhere: bool) -> None:
        super().__init__(dim)
        self.bad, self.everywhere = bad, everywhere

    def scores(self, points: Array) -> Array:
        return np.where((points[:, 0] < 0.5) | self.everywhere, self.bad, super().scores(points))


@KINDS
@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_point_with_a_score_is_found_beside_others_without(
    axes: tuple[Axis, ...], bad: float
) -> None:
    found = maximise(Partly(len(axes), bad, False), Domain.of(axes), generator(), 32, 4)

    assert found[0] >= 0.5


@KINDS
@pytest.mark.parametrize("bad", [math.nan, -math.inf, math.inf, 0.0])
def test_where_no_score_is_better_a_free_point_is_returned(
    axes: tuple[Axis, ...], bad: float
) -> None:
    domain = Domain.of(axes, lambda points: points[:, 0] < 0.5)

    found = maximise(Partly(len(axes), bad, True), domain, generator(), 32, 4)

    assert found[0] >= 0.5
    assert lie_on(axes, found[None])


# --- the same as acq_max ---


@EXAMPLES
@given(
    axes=st.sampled_from([CONTINUOUS, MIXED, LARGE, SMALL]),
    counts=st.tuples(st.integers(1, 40), st.integers(0, 5)),
    seed=st.integers(0, 2**32),
    near=st.integers(0, 3),
    share=st.sampled_from([0.0, 0.3]),
)
def test_acq_max_on_the_unit_box_is_the_maximiser_bit_for_bit(
    axes: tuple[Axis, ...], counts: tuple[int, int], seed: int, near: int, share: float
) -> None:
    dim, hills = len(axes), Hills(len(axes))
    excluded = beyond(share, seed) if share else None
    starts = generator(seed).random((near, dim)) if near else None

    def ac(x: Array, gp: Any, y_max: Any) -> Array:
        return hills.scores(x)

    def gradient(x: Array, gp: Any, y_max: Any) -> tuple[Array, Array]:
        return hills.with_gradient(x)

    box = [(0.0, 1.0)] * dim
    options: dict[str, Any] = {"gradient": gradient, "axes": axes, "starts": starts}
    through = acq_max(ac, None, None, box, generator(seed), *counts, **options, taken=excluded)
    direct = maximise(hills, Domain.of(axes, excluded), generator(seed), *counts, starts)

    assert through.tolist() == direct.tolist()


@KINDS
def test_equal_generators_give_equal_points(axes: tuple[Axis, ...]) -> None:
    first, second = Hills(len(axes)), Hills(len(axes))

    found = [maximise(h, Domain.of(axes), generator(5), 8, 3).tolist() for h in (first, second)]

    assert found[0] == found[1]
    assert [s.tolist() for s in first.scored] == [s.tolist() for s in second.scored]


# --- where some dimensions are nowhere ---


class Branched:
    """A score over a conditional space: what each active dimension adds, so that its top is known.

    It keeps the points that it was asked for.
    """

    def __init__(self, weights: Array, bonus: Array) -> None:
        self.weights, self.bonus = weights, bonus
        self.scored: list[Array] = []
        self.climbed: list[Array] = []

    def __call__(self, points: Array) -> Array:
        self.scored.append(points.copy())
        return self.scores(points)

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        self.climbed.append(points.copy())
        return self.scores(points), -2.0 * self.weights * (points - 0.7)

    def scores(self, points: Array) -> Array:
        each = self.bonus - self.weights * np.square(points - 0.7)
        return np.asarray(np.where(points == NOWHERE, 0.0, each).sum(axis=1))


@settings(deadline=None, max_examples=25)
@given(space=conditional_spaces(most=5), seed=st.integers(0, 2**32))
def test_only_points_of_a_conditional_space_are_scored_and_found(
    space: at.Space, seed: int
) -> None:
    random = generator(seed)
    score = Branched(random.random(space.dim), random.standard_normal(space.dim))
    near = space.sample(random.random((2, space.dim)))

    found = maximise(score, space.domain, random, 16, 3, near)

    scored = np.vstack([*score.scored, found[None]])
    if space.activity is not None:
        assert space.activity.of(scored).tolist() == (scored != NOWHERE).tolist()
    assert space.snap(scored).tolist() == scored.tolist()
    assert score.scores(found[None])[0] == score.scores(scored).max()


def test_climbs_leave_alone_what_is_nowhere() -> None:
    space = at.Space(
        at.Float("x", 0.0, 1.0),
        at.Bool("on"),
        at.Float("y", 0.0, 1.0, when={"on": True}),
        at.Float("z", 0.0, 1.0, when={"on": False}),
    )
    score = Branched(np.ones(4), np.array([0.0, 0.0, 2.0, 1.0]))

    found = maximise(score, space.domain, generator(), 32, 4)

    climbed = np.vstack(score.climbed)
    assert ((climbed[:, 2] == NOWHERE) == (climbed[:, 1] == 0.0)).all()
    assert ((climbed[:, 3] == NOWHERE) == (climbed[:, 1] == 1.0)).all()
    assert found[3] == NOWHERE
    assert found[:3] == pytest.approx([0.7, 1.0, 0.7], abs=1e-4)


def test_a_walk_goes_over_to_a_branch_that_is_better_at_its_best() -> None:
    space = at.Space(
        at.Categorical("model", [f"m{i}" for i in range(40)]),
        *[at.Int(f"n{i}", 0, 10, when={"model": f"m{i}"}, default=0) for i in range(40)],
    )
    bonus = np.linspace(0.0, 1.0, 41)
    bonus[0] = 0.0
    score = Branched(np.array([0.0, *[0.2] * 40]), bonus)

    found = maximise(score, space.domain, generator(3), 200, 4)

    there = np.flatnonzero(found != NOWHERE)
    assert there.tolist() == [0, 40]  # the last of the models
    assert found[there] == pytest.approx([1.0, 0.7])


def test_where_a_climb_leaves_its_branch_the_point_is_of_the_one_it_reaches() -> None:
    space = at.Space(
        at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0, when={"x": at.AtMost(0.5)}, default=0.25)
    )
    score = Branched(np.array([5.0, 1.0]), np.array([0.0, 0.1]))

    found = maximise(score, space.domain, generator(), 4, 4, np.array([[0.2, 0.5]]))

    assert found == pytest.approx([0.7, NOWHERE], abs=1e-4)


def test_branches_with_nothing_discrete_are_walked_beside_others() -> None:
    space = at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 0, 9, when={"x": at.AtMost(0.5)}))
    score = Branched(np.array([0.0, 1.0]), np.array([0.0, 0.5]))

    found = maximise(score, space.domain, generator(), 32, 16)

    assert found[0] <= 0.5
    assert found[1] == pytest.approx(2 / 3)
