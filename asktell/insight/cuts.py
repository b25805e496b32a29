"""The model along one parameter or over two, and what was tried there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import frozen

from asktell.errors import DefinitionError
from asktell.insight.averages import averages
from asktell.insight.moves import moved
from asktell.insight.scales import Axis, axis_of, natural, numbers_of
from asktell.insight.subject import Study, outcome_place, parameter_place, state_of
from asktell.insight.surrogate import surrogate_of
from asktell.insight.tried import Tried, best_row, tried
from asktell.model.blas import one_blas_thread
from asktell.model.kernels import Array
from asktell.numbers import is_count
from asktell.space.absent import NOWHERE
from asktell.space.axes import Axis as UnitAxis
from asktell.space.domain import Mask
from asktell.space.space import Space, Values
from asktell.state import State


@frozen(eq=False)
class Slice:
    """The model along one parameter, through one configuration (n positions, t trials).

    Attributes:
        outcome: the name of the outcome.
        axis: of the parameter.
        grid: where along it (n,), in natural units; categories are positions.
        mean: what the model expects there (n,), in the outcome's unit; NaN where constraints leave
            no such params.
        deviation: of the noiseless function (n,); see :func:`asktell.predict`; NaN likewise.
        through: where along it the configuration lies.
        tried: where along it trials were observed (t,), in order of arrival; those in which the
            parameter was active.
        values: what was observed there (t,); elsewhere they differ in all parameters.
        feasible: which of them hold all constraints (t,).
        failed: where along it trials failed (f,).
    """

    outcome: str
    axis: Axis
    grid: Array
    mean: Array
    deviation: Array
    through: float
    tried: Array
    values: Array
    feasible: Mask
    failed: Array


@frozen(eq=False)
class Dependence:
    """The model along one parameter, averaged over all others (n positions, t trials).

    Attributes:
        outcome: the name of the outcome.
        axis: of the parameter.
        grid: where along it (n,), in natural units; categories are positions.
        mean: what the model expects of the average (n,), in the outcome's unit; NaN where
            constraints leave nothing to average over.
        deviation: how sure the model is of the average (n,); NaN likewise.
        tried: where along it trials were observed (t,), where it was active.
        failed: where along it trials failed (f,).
    """

    outcome: str
    axis: Axis
    grid: Array
    mean: Array
    deviation: Array
    tried: Array
    failed: Array


@frozen(eq=False)
class Contour:
    """The model over two parameters, averaged over all others (n times m positions, t trials).

    Attributes:
        outcome: the name of the outcome.
        first: the axis of the first parameter.
        second: the axis of the second.
        first_grid: where along the first (n,), in natural units; categories are positions.
        second_grid: where along the second (m,).
        mean: what the model expects of the average (m, n), in the outcome's unit; NaN where there
            are no such params.
        deviation: how sure the model is of the average (m, n); NaN likewise.
        tried: where trials were observed (t, 2), where both were active.
        values: what was observed there (t,).
        feasible: which of them hold all constraints (t,).
        failed: where trials failed (f, 2).
        best: where the best lies (2,), as for :func:`slices`; NaN where it breaks a constraint on
            outcomes, or where a parameter is not active in it.
    """

    outcome: str
    first: Axis
    second: Axis
    first_grid: Array
    second_grid: Array
    mean: Array
    deviation: Array
    tried: Array
    values: Array
    feasible: Mask
    failed: Array
    best: Array


def slices(
    study: Study, outcome: str | None = None, around: Mapping[str, Any] | None = None, n: int = 60
) -> tuple[Slice, ...]:
    """Return the model along every parameter that is active, while all others stay as they are.

    Where a value makes further parameters active, they are where a search begins: at their
    defaults, or in the middle. Along a share of a simplex the other shares stay in proportion.

    Args:
        study: an engine, a state, or anything with a ``state``.
        outcome: its name; None for the first objective.
        around: the params that all slices go through; None for the best observed, which is that of
            the outcome alone where several objectives have no weights.
        n: positions along each parameter; discrete ones have no more than exist.

    Raises:
        NothingObservedError: nothing is observed yet.
        DefinitionError: a ``ValueError``; there is no such outcome, or n is not an integer >= 2.
        ParamsError: a ``ValueError``; the params do not lie in the space.
    """
    state, place = state_of(study), _checked(study, outcome, n)
    known, space = tried(state), state.space
    with one_blas_thread(), np.errstate(all="ignore"):
        model = surrogate_of(study, place)
        values = _best(state, place, known) if around is None else space.check(around)
        point = space.encode([values])[0]
        active = np.flatnonzero(point != NOWHERE).tolist()
        lines = [_line(space.axes[i], n, point[i] if space.constraints else None) for i in active]
        parts = [_along(space, point, i, line) for i, line in zip(active, lines, strict=True)]
        means, deviations = model.at(np.vstack([rows for rows, _ in parts]))
        there = np.concatenate([some for _, some in parts])
        means[~there] = deviations[~there] = np.nan
    ends = np.cumsum([len(line) for line in lines])
    found = []
    for i, line, end in zip(active, lines, ends, strict=True):
        part, parameter = slice(end - len(line), end), space.parameters[i]
        observed, failed = (rows & ~np.isnan(known.params[:, i]) for rows in _both(known))
        found.append(
            Slice(
                state.problem.outcome_names[place],
                axis_of(parameter),
                natural(parameter, line),
                means[part],
                deviations[part],
                float(numbers_of(parameter, [values[i]])[0]),
                known.params[observed, i],
                known.values[observed, place],
                known.feasible[observed],
                known.params[failed, i],
            )
        )
    return tuple(found)


def _along(space: Space, point: Array, dimension: int, line: Array) -> tuple[Array, Mask]:
    """Return a point moved along a dimension (m, d), and where it exists (m,)."""
    rows = np.repeat(point[None], len(line), axis=0)
    return moved(space, rows, space.domain.centre, (dimension,), line[:, None])


def dependence(study: Study, name: str, outcome: str | None = None, n: int = 60) -> Dependence:
    """Return the model along one parameter, averaged over the others: Friedman 2001, eq. 53.

    The average is over the whole space: uniform in the unit cube, so log-uniform on log axes, and
    with equal shares of categories. In a space with conditions and constraints it is over the
    params in which the parameter is active and can be moved to the place; what it makes active is
    averaged over as well, and the other shares of a simplex stay in proportion. The deviation is
    that of the average, so it is small where many different configurations were tried.

    Args:
        study: an engine, a state, or anything with a ``state``.
        name: of the parameter.
        outcome: its name; None for the first objective.
        n: positions along the parameter; discrete ones have no more than exist.

    Raises:
        NothingObservedError: nothing is observed yet.
        DefinitionError: a ``ValueError``; there is no such parameter or outcome, or n is not an
            integer >= 2.
    """
    state, place = state_of(study), _checked(study, outcome, n)
    dimension = parameter_place(state, name)
    line = _line(state.space.axes[dimension], n)
    mean, deviation = averages(study, place, (dimension,), line[:, None])
    parameter, known = state.space.parameters[dimension], tried(state)
    observed, failed = (rows & ~np.isnan(known.params[:, dimension]) for rows in _both(known))
    return Dependence(
        state.problem.outcome_names[place],
        axis_of(parameter),
        natural(parameter, line),
        mean,
        deviation,
        known.params[observed, dimension],
        known.params[failed, dimension],
    )


def contour(
    study: Study, first: str, second: str, outcome: str | None = None, n: int = 24
) -> Contour:
    """Return the model over two parameters, averaged over the others as by :func:`dependence`.

    Args:
        study: an engine, a state, or anything with a ``state``.
        first: the name of one parameter.
        second: that of another.
        outcome: its name; None for the first objective.
        n: positions along each parameter; discrete ones have no more than exist.

    Raises:
        NothingObservedError: nothing is observed yet.
        DefinitionError: a ``ValueError``; there is no such parameter or outcome, both parameters
            are the same, or n is not an integer >= 2.
    """
    state, place = state_of(study), _checked(study, outcome, n)
    pair = parameter_place(state, first, "$.first"), parameter_place(state, second, "$.second")
    if first == second:
        raise DefinitionError("$.second", second, "another parameter than the first")
    across, up = (_line(state.space.axes[dimension], n) for dimension in pair)
    grid = np.stack(np.meshgrid(across, up), axis=-1)
    mean, deviation = averages(study, place, pair, grid.reshape(-1, 2))
    known, parameters = tried(state), [state.space.parameters[dimension] for dimension in pair]
    both = ~np.isnan(known.params[:, pair]).any(axis=1)
    observed, failed = (rows & both for rows in _both(known))
    best = best_row(state, place, known)
    holds = best is not None and known.feasible[best]
    return Contour(
        state.problem.outcome_names[place],
        axis_of(parameters[0]),
        axis_of(parameters[1]),
        natural(parameters[0], across),
        natural(parameters[1], up),
        mean.reshape(grid.shape[:2]),
        deviation.reshape(grid.shape[:2]),
        known.params[observed][:, pair],
        known.values[observed, place],
        known.feasible[observed],
        known.params[failed][:, pair],
        known.params[best, pair] if holds else np.full(2, np.nan),
    )


def _checked(study: Study, outcome: str | None, n: int) -> int:
    if not is_count(n, least=2):
        raise DefinitionError("$.n", n, "an integer >= 2")
    return outcome_place(state_of(study), outcome)


def _both(known: Tried) -> tuple[Mask, Mask]:
    """Return which trials were observed, and which failed."""
    return ~known.failed, known.failed


def _line(axis: UnitAxis, n: int, through: float | None = None) -> Array:
    """Return positions along an axis of the unit cube, all of them or n, and one that is given."""
    if axis.size is not None and axis.size <= n:
        return axis.levels()
    given = np.linspace(0.0, 1.0, n) if through is None else [*np.linspace(0.0, 1.0, n), through]
    return np.unique(axis.snap(np.array(given)))


def _best(state: State, outcome: int, known: Tried) -> Values:
    row = best_row(state, outcome, known)
    assert row is not None  # there is no model without an observation
    return state.history.trial(int(known.numbers[row])).configuration.values
