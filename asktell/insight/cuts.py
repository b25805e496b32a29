"""The model along one parameter or over two, and what was tried there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import frozen

from asktell.acquisition.design import sobol
from asktell.errors import DefinitionError
from asktell.insight.scales import Axis, axis_of, natural, numbers_of
from asktell.insight.subject import Study, outcome_place, parameter_place, state_of
from asktell.insight.surrogate import surrogate_of
from asktell.insight.tried import Tried, best_row, tried
from asktell.model.blas import one_blas_thread
from asktell.model.kernels import Array
from asktell.numbers import is_count
from asktell.space.axes import Axis as UnitAxis
from asktell.space.domain import Mask
from asktell.space.space import Values
from asktell.state import State

_AVERAGED = 128
"""Over so many points of the other parameters a dependence is an average. On twelve functions
(docs/decisions, number 12) it is right to a hundredth of the deviation of what was observed."""

_DRAWS = (0, 1)
"""Names the draws here, beside the seed; those of suggestions have a single number there."""


@frozen(eq=False)
class Slice:
    """The model along one parameter, through one configuration (n positions, t trials).

    Attributes:
        outcome: the name of the outcome.
        axis: of the parameter.
        grid: where along it (n,), in natural units; categories are positions.
        mean: what the model expects there (n,), in the outcome's unit.
        deviation: of the noiseless function (n,); see :func:`asktell.predict`.
        through: where along it the configuration lies.
        tried: where along it trials were observed (t,), in order of arrival.
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
        mean: what the model expects of the average (n,), in the outcome's unit.
        deviation: how sure the model is of the average (n,).
        tried: where along it trials were observed (t,).
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
        mean: what the model expects of the average (m, n), in the outcome's unit.
        deviation: how sure the model is of the average (m, n).
        tried: where trials were observed (t, 2).
        values: what was observed there (t,).
        feasible: which of them hold all constraints (t,).
        failed: where trials failed (f, 2).
        best: where the best lies (2,), as for :func:`slices`; NaN where it breaks a constraint.
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
    """Return the model along every parameter, while all others stay as they are.

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
    known = tried(state)
    with one_blas_thread(), np.errstate(all="ignore"):
        model = surrogate_of(study, place)
        values = _best(state, place, known) if around is None else state.space.check(around)
        point = state.space.encode([values])[0]
        lines = [_line(axis, n) for axis in state.space.axes]
        rows = np.repeat(point[None], sum(map(len, lines)), axis=0)
        ends = np.cumsum([len(line) for line in lines])
        for dimension, (line, end) in enumerate(zip(lines, ends, strict=True)):
            rows[end - len(line) : end, dimension] = line
        means, deviations = model.at(rows)
    observed = ~known.failed
    found = []
    for i, (parameter, line, end) in enumerate(
        zip(state.space.parameters, lines, ends, strict=True)
    ):
        part = slice(end - len(line), end)
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
                known.params[known.failed, i],
            )
        )
    return tuple(found)


def dependence(study: Study, name: str, outcome: str | None = None, n: int = 60) -> Dependence:
    """Return the model along one parameter, averaged over the others: Friedman 2001, eq. 53.

    The average is over the whole space: uniform in the unit cube, so log-uniform on log axes, and
    with equal shares of categories. The deviation is that of the average, so it is small where many
    different configurations were tried.

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
    mean, deviation = _averages(study, place, (dimension,), line[:, None])
    parameter, known = state.space.parameters[dimension], tried(state)
    return Dependence(
        state.problem.outcome_names[place],
        axis_of(parameter),
        natural(parameter, line),
        mean,
        deviation,
        known.params[~known.failed, dimension],
        known.params[known.failed, dimension],
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
    mean, deviation = _averages(study, place, pair, grid.reshape(-1, 2))
    known, parameters = tried(state), [state.space.parameters[dimension] for dimension in pair]
    observed, best = ~known.failed, best_row(state, place, known)
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
        known.params[known.failed][:, pair],
        known.params[best, pair] if holds else np.full(2, np.nan),
    )


def _checked(study: Study, outcome: str | None, n: int) -> int:
    if not is_count(n, least=2):
        raise DefinitionError("$.n", n, "an integer >= 2")
    return outcome_place(state_of(study), outcome)


def _averages(
    study: Study, outcome: int, dimensions: tuple[int, ...], moved: Array
) -> tuple[Array, Array]:
    state = state_of(study)
    random = np.random.default_rng([state.problem.seed, *_DRAWS])
    with one_blas_thread(), np.errstate(all="ignore"):
        points = state.space.sample(sobol(state.space.dim, _AVERAGED, random))
        return surrogate_of(study, outcome).averages(points, dimensions, moved)


def _line(axis: UnitAxis, n: int) -> Array:
    """Return positions along an axis of the unit cube, all of them or n."""
    if axis.size is not None and axis.size <= n:
        return axis.levels()
    return np.unique(axis.snap(np.linspace(0.0, 1.0, n)))


def _best(state: State, outcome: int, known: Tried) -> Values:
    row = best_row(state, outcome, known)
    assert row is not None  # there is no model without an observation
    return state.history.trial(int(known.numbers[row])).configuration.values
