"""What a state knows, as arrays on the unit cube: from trials to the model's data.

Every objective is maximised from here on. Points are in canonical order, not in that of arrival, so
that the same observations give the same model to the last bit, however they came.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from asktell.acquisition.hypervolume import non_dominated
from asktell.model.dataset import Dataset
from asktell.model.kernels import Array
from asktell.space.axes import Indices
from asktell.space.space import Space, Values
from asktell.space.trend import Sums
from asktell.state import State
from asktell.study.earlier import Lesson
from asktell.study.problem import Problem
from asktell.study.trials import deviation_of_mean, mean

_EARLIER = 150
"""The most points of an earlier study that are modelled: a suggestion conditions on all of them."""

_RANKED = 250
"""Points that are told apart by how many layers of fronts lie before them; the rest is ordered by
the sum of its objectives. Half of what a model sees by default, as that half is the best."""


def dataset_of(
    state: State, given: Collection[str] = (), trends: Mapping[str, Sums] | None = None
) -> Dataset:
    """Return everything that the model should know.

    Args:
        state: with at least one observation.
        given: the outcomes that need no model.
        trends: how others are expected to go.
    """
    values: list[Values] = []
    numbers: list[tuple[float, ...]] = []
    deviations: list[list[float]] = []
    failed: list[Values] = []
    pending: list[Values] = []
    unknown = [math.nan] * len(state.problem.outcomes)
    for trial in state.kept:
        row, results = trial.configuration.values, trial.results
        for result in results:
            values.append(row)
            numbers.append(result.numbers)
            deviations.append(
                unknown
                if result.std is None
                else [math.nan if std is None else std for std in result.std]
            )
        if not results and trial.is_over:
            failed.append(row)
        if trial.queued or any(ticket.standing == "out" for ticket in trial.tickets):
            pending.append(row)
    problem = state.problem
    signs = signs_of(problem)
    points, targets, noise, counts = _distinct(
        state.space.encode(values), signs * np.array(numbers), np.array(deviations)
    )
    data = Dataset(
        points,
        targets,
        noise,
        counts,
        problem.uses(given),
        _bounds(problem, signs),
        np.arange(len(points)),
        failed=_canonical(state.space, failed),
        pending=_canonical(state.space, pending),
        earlier=earlier_of(state, given),
        trends=_trends(problem, trends) if trends else (),
    )
    return _ordered(problem, data)


def _trends(problem: Problem, trends: Mapping[str, Sums]) -> tuple[Sums | None, ...]:
    """Return the trend of each outcome (k,), which is greater where its targets are."""
    return tuple(
        trends[one.name].times(one.sign) if one.name in trends else None for one in problem.outcomes
    )


def earlier_of(state: State, given: Collection[str] = ()) -> tuple[Dataset, ...]:
    """Return what earlier studies found: those that have results in the space of now.

    Args:
        state: says what was learned.
        given: the outcomes that need no model.
    """
    kept = [one.kept for one in state.earlier]
    return tuple(_lessons_of(state, lessons, given) for lessons in kept if lessons)


def _lessons_of(state: State, lessons: list[Lesson], given: Collection[str]) -> Dataset:
    problem, space = state.problem, state.space
    numbers = np.array([lesson.numbers for lesson in lessons], dtype=np.float64)
    stds = [lesson.std or (None,) * numbers.shape[1] for lesson in lessons]
    told: NDArray[np.bool_] = np.asarray(np.isfinite(numbers).all(axis=0))
    signs = signs_of(problem)
    points, targets, noise, counts = _distinct(
        space.encode([lesson.configuration.values for lesson in lessons]),
        signs * np.where(told, numbers, 0.0),
        np.array(stds, dtype=np.float64),
    )
    uses = zip(problem.uses(given), told.tolist(), strict=True)
    nowhere = np.empty((0, space.dim))
    data = Dataset(
        points,
        targets,
        noise,
        counts,
        tuple(use if is_told else "given" for use, is_told in uses),
        np.where(told[:, None], _bounds(problem, signs), (-math.inf, math.inf)),
        np.arange(len(points)),
        failed=nowhere,
        pending=nowhere,
    )
    return _ordered(problem, data).thinned(_EARLIER)


def n_reports(state: State) -> int:
    """Return how many outcomes there are, including replicates."""
    return sum(report.counts for trial in state.kept for report in trial.reports)


def signs_of(problem: Problem) -> Array:
    """Return what the numbers of each outcome (k,) are multiplied by to be maximised."""
    return np.array([outcome.sign for outcome in problem.outcomes])


def _bounds(problem: Problem, signs: Array) -> Array:
    bounds = [
        (
            -math.inf if one.at_least is None else one.at_least,
            math.inf if one.at_most is None else one.at_most,
        )
        for one in problem.outcomes
    ]
    return np.sort(signs[:, None] * np.array(bounds), axis=1)


def _ordered(problem: Problem, data: Dataset) -> Dataset:
    """Put the rows into order: what holds the constraints first, then by the objectives."""
    objectives = data.targets[:, problem.objectives]
    if len(problem.objectives) == 1:
        order = np.argsort(-objectives[:, 0], kind="stable")
    else:
        order = _by_layers(objectives)
    if problem.constraints:
        low, high = data.bounds.T
        spread = np.ptp(data.targets / 2.0, axis=0)
        with np.errstate(over="ignore"):
            beyond = np.maximum(low - data.targets, 0.0) + np.maximum(data.targets - high, 0.0)
            violations = (beyond / np.where(spread > 0.0, spread, 1.0)).sum(axis=1)
        order = order[np.argsort(violations[order], kind="stable")]
    return evolve(data, order=order)


def _by_layers(objectives: Array) -> Indices:
    """Return rows (n,) in the order of the fronts that remain when those before are taken away."""
    with np.errstate(over="ignore"):
        spread = np.ptp(objectives / 2.0, axis=0)
        total = (objectives / np.where(spread > 0.0, spread, 1.0)).sum(axis=1)
    rest = np.argsort(-total, kind="stable")
    order: list[Indices] = []
    while len(rest) and sum(map(len, order)) < _RANKED:
        first = non_dominated(objectives[rest])
        order.append(rest[first])
        rest = rest[~first]
    return np.concatenate([*order, rest])


def _distinct(
    points: Array, targets: Array, deviations: Array
) -> tuple[Array, Array, Array, Array]:
    """Return distinct points in canonical order, the means of their targets, the deviations of
    these, and how many each.
    """
    distinct, owners, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    ordered = np.empty((len(distinct), targets.shape[1]))
    noise = np.empty_like(ordered)
    if len(distinct) == len(points):
        ordered[owners.ravel()] = targets
        noise[owners.ravel()] = deviations
        return distinct, ordered, noise, np.ones(len(points))
    order = np.argsort(owners.ravel(), kind="stable")
    places = np.cumsum(counts)[:-1]
    groups = np.split(targets[order], places), np.split(deviations[order], places)
    for row, (group, known) in enumerate(zip(*groups, strict=True)):
        ordered[row] = [mean(tuple(column)) for column in group.T.tolist()]
        noise[row] = [deviation_of_mean(column) for column in known.T.tolist()]
    return distinct, ordered, noise, counts.astype(np.float64)


def _canonical(space: Space, rows: list[Values]) -> Array:
    return np.asarray(np.unique(space.encode(rows), axis=0)) if rows else np.empty((0, space.dim))
