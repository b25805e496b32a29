"""What is known: the best so far, the front, and what the model expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve

from asktell.acquisition import hypervolume as volumes
from asktell.asking.evidence import dataset_of, signs_of
from asktell.asking.fitting import fit_of, infers_noise
from asktell.asking.revisit import is_noisy
from asktell.errors import (
    NOTHING,
    NothingObservedError,
    SeveralObjectivesError,
    TargetError,
    at_key,
)
from asktell.model.blas import one_blas_thread
from asktell.model.calibration import calibrated
from asktell.model.kernels import Array
from asktell.model.posterior import Posterior, posterior_of
from asktell.numbers import is_finite
from asktell.state import State
from asktell.study.problem import Problem
from asktell.study.ranking import nearest
from asktell.study.trials import Result, mean_numbers
from asktell.study.views import Observation, summary_of

_ENOUGH = 20
"""So many observations before noise is inferred from them: fewer do not tell noise from what the
model has not seen yet."""


def best(state: State) -> Observation:
    """Return the best observation that holds all constraints.

    Where none does, it is the one nearest to holding them: the violations are summed up, each in
    units of the spread of its outcome. ``feasible`` says which of the two it is. Of equal ones, it
    is the first in the order of the space.

    Where targets are noisy, it is the one of which the model expects most, as the best that was
    observed is the luckiest; ``expected`` is then what is expected of it. They are noisy where
    deviations were told, or where the model infers so from 20 observations on.

    With replicates, the target returned is their mean.

    Raises:
        NothingObservedError: nothing is observed yet.
        SeveralObjectivesError: there are several objectives, and they have no weights.
    """
    observed = best_observed(state)
    with one_blas_thread(), np.errstate(all="ignore"):
        return _best_expected(state) or observed


def best_observed(state: State) -> Observation:
    """Return the observation with the best target, noisy or not; otherwise as :func:`best`.

    No model is asked.

    Raises:
        NothingObservedError: nothing is observed yet.
        SeveralObjectivesError: there are several objectives, and they have no weights.
    """
    if not state.problem.has_scale:
        message = "the best of several objectives takes a weight for each, as in"
        message += " {'size': Minimize(weight=2.0), ...}; pareto() takes none"
        raise SeveralObjectivesError(message)
    found = best_or_none(state)
    if found is None:
        raise NothingObservedError("nothing is observed yet: observe a target first")
    return found


def best_or_none(state: State) -> Observation | None:
    """Return the observation with the best target, or None where there is none."""
    problem = state.problem
    if not state.n_observed or not problem.has_scale:
        return None
    leader = None if state.leader is None else state.history.trial(state.leader[0])
    trial = leader or nearest(problem, state.kept)
    return None if trial is None else summary_of(problem, trial)


def _best_expected(state: State) -> Observation | None:
    """Return the observation of which most is expected.

    None where targets are not noisy, and where nothing is expected to hold the constraints.
    """
    told = any(
        result.std is not None and any(result.std)
        for trial in state.kept
        for result in trial.results
    )
    if not told and state.n_observed < _ENOUGH and not state.problem.policy.replicates:
        return None
    try:
        if not told and not any(infers_noise(state, one) for one in state.problem.objectives):
            return None
        model = model_of(state)
    except np.linalg.LinAlgError:
        return None
    data, signs = model.data, signs_of(state.problem)
    means, _ = model.in_units(data.points)
    low, high = data.bounds.T
    noisy = [is_noisy(model, outcome) for outcome in range(len(signs))]
    likely = np.where(noisy, means, data.targets)
    holds = np.flatnonzero(((likely >= low) & (likely <= high)).all(axis=1))
    numbers = [tuple(row) for row in (means[holds] * signs).tolist()]
    if not numbers:
        return None
    values = [state.problem.value(row) for row in numbers]
    place = int(np.argmax(values))
    (chosen,) = state.space.decode(data.points[holds[place]][None])
    trial = state.history.of_values(chosen)
    assert trial is not None  # the model's points are those of trials
    return evolve(summary_of(state.problem, trial), expected_numbers=numbers[place])


# --- several objectives ---


def pareto(state: State) -> list[Observation]:
    """Return the observations that hold all constraints and that no other dominates.

    With one objective, these are the best. With replicates, configurations compare by the means of
    their targets. They are in the order in which their trials began.
    """
    problem = state.problem
    trials = [
        trial
        for trial in state.kept
        if trial.is_observed and problem.holds(mean_numbers(trial.results))
    ]
    if not trials:
        return []
    values = _objectives(problem, [mean_numbers(trial.results) for trial in trials])
    with np.errstate(over="ignore"):  # of sums, which only order the rows
        on_front = volumes.non_dominated(values)
    return [summary_of(problem, t) for t, is_in in zip(trials, on_front, strict=True) if is_in]


def hypervolume(state: State, reference: Mapping[str, float] | None = None) -> float:
    """Return the hypervolume that the front dominates, up to a reference; 0 without a front.

    Args:
        state: left as it is.
        reference: for every objective, the value from which on nothing counts. None for those that
            the objectives were given; where one was given none, it is inferred from the front: its
            worst value there, and a tenth of the range of the front beyond that. An inferred
            reference moves with the front, so volumes at different times only compare under one
            that is given.

    Raises:
        TargetError: a ``ValueError``; the reference is not a number for each objective.
    """
    problem = state.problem
    front = pareto(state)
    wanted = _reference(problem, reference)
    if not front:
        return 0.0
    values = _objectives(problem, [one.numbers for one in front])
    with np.errstate(all="ignore"):  # it may be infinite
        inferred = volumes.reference_of(values, values)
        return volumes.hypervolume(values, np.where(np.isnan(wanted), inferred, wanted))


def hypervolumes(state: State, reference: Mapping[str, float] | None = None) -> Array:
    """Return the hypervolume after each observation (n,), in order of arrival.

    All are up to one reference, so they compare: where none is given, it is inferred from the front
    as it is now. With replicates, configurations count with the mean of what was told so far.

    Args:
        state: left as it is.
        reference: as for :func:`asktell.hypervolume`.

    Raises:
        TargetError: a ``ValueError``; the reference is not a number for each objective.
    """
    problem, wanted = state.problem, _reference(state.problem, reference)
    front = pareto(state)
    if front:
        values = _objectives(problem, [one.numbers for one in front])
        wanted = np.where(np.isnan(wanted), volumes.reference_of(values, values), wanted)
    told: dict[int, list[Result]] = {}
    found = []
    reports = [(result, trial.number) for trial in state.kept for result in trial.results]
    for result, number in sorted(reports, key=lambda pair: pair[0].arrival):
        told.setdefault(number, []).append(result)
        means = [mean_numbers(results) for results in told.values()]
        held = [numbers for numbers in means if problem.holds(numbers)]
        is_in = bool(front and held)
        found.append(volumes.hypervolume(_objectives(problem, held), wanted) if is_in else 0.0)
    return np.array(found)


def _objectives(problem: Problem, numbers: Sequence[tuple[float, ...]]) -> Array:
    """Return the objectives of numbers (n, objectives), all maximised."""
    columns = list(problem.objectives)
    return np.asarray(np.array(numbers)[:, columns] * signs_of(problem)[columns])


def _reference(problem: Problem, reference: Any) -> Array:
    """Return a reference of all objectives, maximised; NaN where it is to be inferred."""
    outcomes = [problem.outcomes[i] for i in problem.objectives]
    names = [outcome.name for outcome in outcomes]
    if reference is None:
        given: list[Any] = [outcome.reference for outcome in outcomes]
    else:
        if not isinstance(reference, Mapping):
            raise TargetError("$.reference", reference, f"a number for each of {names}, as a dict")
        for name in reference:
            if name not in names:
                place = at_key("$.reference", name)
                raise TargetError(place, reference[name], f"only the objectives {names}")
        given = [reference.get(name, NOTHING) for name in names]
        for name, number in zip(names, given, strict=True):
            if not is_finite(number):
                raise TargetError(at_key("$.reference", name), number, "a finite number")
    return np.array(
        [
            np.nan if number is None else outcome.sign * float(number)
            for outcome, number in zip(outcomes, given, strict=True)
        ]
    )


# --- what the model expects ---


def predict(state: State, params: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Array, Array]]:
    """Return what the model expects of n params: for every outcome, means and deviations (n,).

    Both are in the unit of the outcome; the deviation is that of the noiseless function. Very bad
    targets are drawn towards the others before the model sees them (Tukey's fence). Deviations are
    stretched until they cover what the model expects of each point without knowing it.

    Raises:
        ParamsError: a ``ValueError``; the params do not lie in the space.
        NothingObservedError: nothing is observed yet, and the model knows nothing.
    """
    if not state.n_observed:
        raise NothingObservedError("the model knows nothing yet: observe a target first")
    points = state.space.encode([state.space.check(one) for one in params])
    with one_blas_thread(), np.errstate(all="ignore"):
        means, deviations = calibrated(model_of(state)).in_units(points)
    means = means * signs_of(state.problem)
    return {
        name: (means[:, place], deviations[:, place])
        for place, name in enumerate(state.problem.outcome_names)
    }


def posterior(state: State, params: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
    """Return what the model expects of the objective at n params: means and deviations (n,).

    See :func:`asktell.predict`, which does so for all outcomes.

    Raises:
        ParamsError: a ``ValueError``; the params do not lie in the space.
        NothingObservedError: nothing is observed yet, and the model knows nothing.
        SeveralObjectivesError: there are several objectives.
    """
    problem = state.problem
    if len(problem.objectives) > 1:
        raise SeveralObjectivesError("there are several objectives: predict() returns all of them")
    return predict(state, params)[problem.outcome_names[problem.objectives[0]]]


def model_of(state: State) -> Posterior:
    """Return the posterior of a state in which something is observed.

    Pending points are left out: they are believed where the next point is searched for, and nothing
    is known of them.
    """
    data = dataset_of(state).thinned(state.problem.method.n_modelled)
    data = evolve(data, pending=data.pending[:0])
    fit = fit_of(state, data)
    return posterior_of(state.space.domain, data, fit.found, None, fit.earlier)
