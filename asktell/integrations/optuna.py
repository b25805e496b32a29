"""A sampler for Optuna that asks the engine; needs ``pip install asktell[optuna]``.

The study is the state: every call builds the engine anew from the study's trials, so that workers
in other processes and on other machines, who share nothing but the storage, take part as they are.
The number of a trial is the id of its suggestion.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

import asktell as at
from asktell.asking.suggest import Proposal, propose
from asktell.codec.fit_rows import fit_row, read_fit
from asktell.errors import DefinitionError, StateError
from asktell.integrations.held_choices import HeldChoices
from asktell.model.members import MODEL_OF_SCHEMA_2
from asktell.numbers import is_count
from asktell.space.bounds import Bound
from asktell.space.parameters import Parameter
from asktell.space.space import Space, Values
from asktell.state import apply, replay
from asktell.study.events import Event, Failed, Fit, Fitted, Skipped, Suggested, Told
from asktell.study.outcomes import TARGET, Goal
from asktell.study.problem import Numbers, Problem
from asktell.study.trials import Configuration

try:
    from optuna.distributions import (
        BaseDistribution,
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )
    from optuna.samplers import BaseSampler, RandomSampler
    from optuna.search_space import intersection_search_space
    from optuna.study import Study, StudyDirection
    from optuna.trial import FrozenTrial, TrialState, create_trial
except ImportError as error:
    message = "asktell.integrations.optuna needs Optuna: pip install asktell[optuna]"
    raise ImportError(message) from error

_PARAMS = "asktell:params"
"""The attribute in which a trial tells other workers what it will evaluate."""

_FIT = "asktell:fit"
"""The attribute in which a trial keeps the hyper-parameters that it searched."""

_CONSTRAINTS = "constraints"
"""The attribute in which Optuna keeps constraints: a list; or each in one of its own, whose name is
this one, a colon, and the constraint's. A number above zero breaks a constraint."""

_NAMED = hasattr(FrozenTrial, "set_constraint")
"""Whether this version of Optuna knows constraints of their own names, as from version 5 on."""

_ATTEMPTS = 10
"""How often a trial asks again because another took the same params meanwhile."""


class AskTellSampler(BaseSampler):
    """An Optuna sampler that models all parameters together.

    - What it suggests depends on the seed, the trial's number and the study's trials alone. It
      keeps nothing itself: studies resume from their storage, and any number of processes take
      part with equal seeds. Running trials count as pending.
    - Parameters that all completed trials have, with equal distributions, are modelled together.
      Others, those of conditional branches and of ranges that change, are drawn at random, as are
      all while no trial is completed, and where the common params are used up.
    - A pruned trial counts as failed, since the value it had is not that of a whole trial: the
      model takes it as worse than most, and its params are not suggested again.
    - The same params may have several results, as Optuna lets callers repeat them; the model uses
      their mean.
    - Several objectives are outcomes ``objective_0``, ``objective_1``, ...; constraints are
      ``constraint_0``, ... or, set with ``trial.set_constraint("name", value)``,
      ``constraint_name``. A completed trial that lacks a constraint of others counts as failed.
    - A choice that equals another (``1`` and ``True``) is the first of them, as in Optuna.

    Args:
        seed: an integer >= 0; the only source of randomness.
        constraints_func: takes a trial that is over, and returns a number for each constraint,
            which is broken above zero. They are kept where Optuna's own samplers keep theirs.
        **settings: those of :class:`asktell.Settings`, except for ``replicates``.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
        **settings: Any,
    ) -> None:
        """Check the arguments."""
        if not is_count(seed, least=0):
            raise DefinitionError("$.seed", seed, "an integer >= 0")
        if constraints_func is not None and not callable(constraints_func):
            raise DefinitionError("$.constraints_func", constraints_func, "a function of a trial")
        self._seed = int(seed)
        self._constraints_func = constraints_func
        self._settings = at.Settings(replicates=True, **settings)

    def __repr__(self) -> str:
        return f"AskTellSampler(seed={self._seed})"

    # --- the state ---

    def to_dict(self, study: Study) -> dict[str, Any]:
        """Return the study's trials as the engine's dict, as ``Engine.to_dict`` does.

        Raises:
            ValueError: the trials of the study have no parameter in common.
        """
        trials = study.get_trials(deepcopy=False)
        modelled = _Modelled.of(intersection_search_space(trials))
        if modelled is None:
            raise ValueError("no parameters that all completed trials of the study have in common")
        state = self._state(study, trials, modelled)
        return apply(state, Skipped(len(trials), at=None)).to_dict()

    def _state(self, study: Study, trials: list[FrozenTrial], modelled: _Modelled) -> at.State:
        state = at.State.start(
            modelled.space,
            self._seed,
            settings=self._settings,
            objectives=_objectives(study),
            constraints=_constraints(trials),
        )
        return _told(state, modelled, trials)

    # --- what Optuna calls ---

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the parameters to model together: all that the completed trials share."""
        shared = intersection_search_space(study.get_trials(deepcopy=False))
        modelled = _Modelled.of(shared)
        return {name: shared[name] for name in modelled.space.names} if modelled else {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return what the engine suggests for the trial, and note it with the trial.

        Where another worker took the same params meanwhile, the engine is asked again. That worker
        asks again, too, and would be given the same once more: so whose trial is the later leaves
        what comes next to the other.
        """
        modelled = _Modelled.of(search_space)
        if modelled is None:
            return {}
        others, before = _others(study, trial), 0
        for _ in range(_ATTEMPTS):
            state = self._state(study, others, modelled)
            try:
                proposal = propose(state, trial.number)
                for _ in range(before):
                    state = _left_to_another(state, proposal)
                    proposal = propose(state, trial.number)
            except at.SpaceExhausted:
                return {
                    name: self.sample_independent(study, trial, name, distribution)
                    for name, distribution in search_space.items()
                }
            params = modelled.params(proposal.values)
            _note(study, trial, _PARAMS, modelled.internal(params))
            if proposal.fit is not None:
                _note(study, trial, _FIT, _fit_note(proposal.fit, modelled.space))
            others = _others(study, trial)
            same = [one.number for one in others if modelled.values_of(one) == proposal.values]
            if not same:
                break
            before = sum(number < trial.number for number in same)
        return params

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return a random value, drawn from the seed, the trial's number and the name."""
        entropy = [self._seed, trial.number, zlib.crc32(param_name.encode())]
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        random = RandomSampler(seed)
        return random.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Keep what the constraints are with a trial that is completed or pruned, as Optuna does.

        Raises:
            ValueError: a constraint is NaN.
        """
        if self._constraints_func is None or state not in (TrialState.COMPLETE, TrialState.PRUNED):
            return
        numbers = None
        try:
            returned = [float(number) for number in self._constraints_func(trial)]
            if any(map(math.isnan, returned)):
                raise ValueError(f"constraints_func: got {returned}, expected numbers, none of NaN")
            numbers = returned
        finally:
            study._storage.set_trial_system_attr(trial._trial_id, _CONSTRAINTS, numbers)


def trials_of(state: dict[str, Any]) -> list[FrozenTrial]:
    """Return the trials of an engine's dict, for ``study.add_trials``.

    Observations become completed trials, failures failed ones, and what is pending or due waits
    to be evaluated, as after ``study.enqueue_trial``. Objectives become values in their order;
    each bound of a constraint becomes a constraint of Optuna's: by how much it is missed.

    Args:
        state: what ``Engine.to_dict`` or ``AskTellSampler.to_dict`` returned.

    Raises:
        StateError: a ``ValueError``; a field is missing, unknown or corrupt.
        ValueError: Optuna has no distribution like a parameter.
    """
    known = at.State.from_dict(state)
    space = known.space
    distributions = {p.name: _distribution(p) for p in space.parameters}
    told: list[tuple[int | None, FrozenTrial]] = []
    for observation in known.observations:
        trial = create_trial(
            params=observation.params,
            distributions=distributions,
            values=[observation.numbers[i] for i in known.problem.objectives],
            system_attrs=_constraint_attributes(known.problem, observation.numbers),
        )
        told.append((observation.id, trial))
    for failure in known.failures:
        trial = create_trial(
            params=failure.params, distributions=distributions, state=TrialState.FAIL
        )
        told.append((failure.id, trial))
    told.sort(key=lambda pair: math.inf if pair[0] is None else pair[0])
    trials = [trial for _, trial in told]
    if known.fit is not None and trials:
        noted = {**trials[-1].system_attrs, _FIT: _fit_note(known.fit, space)}
        trials[-1].system_attrs = noted
    for params in (*(suggestion.params for suggestion in known.pending), *known.due):
        attributes = {"fixed_params": params}
        trials.append(create_trial(state=TrialState.WAITING, system_attrs=attributes))
    return trials


# --- distributions and parameters ---


@frozen
class _Modelled:
    """The parameters of a search space that the engine can hold."""

    distributions: Mapping[str, BaseDistribution]
    space: at.Space
    held: HeldChoices

    @classmethod
    def of(cls, search_space: Mapping[str, BaseDistribution]) -> _Modelled | None:
        """Return the parameters that the engine can hold, or None without any."""
        parameters, held = [], HeldChoices()
        for name, distribution in search_space.items():
            if distribution.single():
                continue
            try:
                parameters.append(_parameter(name, distribution, held))
            except DefinitionError:
                continue
        if not parameters:
            return None
        return cls(search_space, at.Space(*parameters), held)

    def params(self, values: Values) -> dict[str, Any]:
        """Return Optuna's params of the engine's values."""
        return self.held.outward(self.space.params(values))

    def internal(self, params: Mapping[str, Any]) -> dict[str, float]:
        """Return the params as numbers, which any storage keeps."""
        return {
            name: self.distributions[name].to_internal_repr(value) for name, value in params.items()
        }

    def values_of(self, trial: FrozenTrial) -> Values | None:
        """Return the engine's values of a trial, or None where it has other parameters."""
        params = dict(trial.params)
        if not trial.state.is_finished():
            for name, number in trial.system_attrs.get(_PARAMS, {}).items():
                if name in self.distributions and name not in params:
                    params[name] = self.distributions[name].to_external_repr(number)
        try:
            for name in self.held.choices.keys() & params.keys():
                # not by equality: Optuna has its own, under which NaN is itself
                params[name] = int(self.distributions[name].to_internal_repr(params[name]))
            return self.space.check({name: params[name] for name in self.space.names})
        except (KeyError, ValueError):
            return None


def _parameter(name: str, distribution: BaseDistribution, held: HeldChoices) -> Parameter:
    """Return the parameter that has the distribution's values.

    Raises:
        DefinitionError: the engine cannot hold them.
    """
    match distribution:
        case FloatDistribution(low=low, high=high, log=log, step=step):
            return at.Float(name, low, high, log=log, step=step)
        case IntDistribution(low=low, high=high, log=log, step=step):
            return at.Int(name, low, high, log=log, step=step)
        case CategoricalDistribution(choices=choices):
            return held.categorical(name, choices)
    raise DefinitionError(f"$.{name}", distribution, "a float, int or categorical distribution")


def _distribution(parameter: Parameter) -> BaseDistribution:
    match parameter:
        case at.Float(low=low, high=high, log=log, step=step):
            return FloatDistribution(low, high, log=log, step=step)
        case at.Int(low=low, high=high, log=log, step=step):
            return IntDistribution(low, high, log=log, step=step)
        case at.Categorical(choices=choices):
            return CategoricalDistribution(choices)
        case at.Ordinal(values=values):
            return CategoricalDistribution(values)
    return CategoricalDistribution([False, True])


# --- outcomes ---


def _objectives(study: Study) -> dict[str, Goal]:
    """Return the objectives of a study; one alone is that of a plain engine."""
    goals: list[Goal] = [
        "maximize" if direction == StudyDirection.MAXIMIZE else "minimize"
        for direction in study.directions
    ]
    if len(goals) == 1:
        return {TARGET: goals[0]}
    return {f"objective_{place}": goal for place, goal in enumerate(goals)}


def _constraints(trials: Iterable[FrozenTrial]) -> dict[str, Bound]:
    """Return the constraints that any completed trial has, in the order of their first trials."""
    return {
        name: at.AtMost(0.0)
        for trial in sorted(trials, key=lambda trial: trial.number)
        if trial.state == TrialState.COMPLETE
        for name in _violations(trial)
    }


def _violations(trial: FrozenTrial) -> dict[str, float]:
    """Return the constraints of a trial by their outcomes' names."""
    attributes = trial.system_attrs
    listed = enumerate(attributes.get(_CONSTRAINTS) or ())
    prefix = f"{_CONSTRAINTS}:"
    named = ((k.removeprefix(prefix), v) for k, v in attributes.items() if k.startswith(prefix))
    return {f"constraint_{key}": float(number) for key, number in (*listed, *named)}


def _numbers(problem: Problem, trial: FrozenTrial) -> Numbers | str:
    """Return the numbers of a completed trial, or why they make it a failed one."""
    known = {problem.outcome_names[i]: v for i, v in enumerate(trial.values)} | _violations(trial)
    for name in problem.outcome_names:
        if name not in known:
            return f"no {name}"
    numbers = tuple(float(known[name]) for name in problem.outcome_names)
    return numbers if all(map(math.isfinite, numbers)) else trial.state.name.lower()


def _constraint_attributes(problem: Problem, numbers: Numbers) -> dict[str, Any]:
    """Return the attributes in which Optuna finds by how much bounds are missed."""
    missed: dict[str, float] = {}
    for i in problem.constraints:
        outcome = problem.outcomes[i]
        for bound in outcome.bounds:
            above = numbers[i] - bound.bound
            side = f"_{type(bound).__name__}" if len(outcome.bounds) > 1 else ""
            key = outcome.name.removeprefix("constraint_") + side
            missed[key] = above if isinstance(bound, at.AtMost) else -above
    if not missed:
        return {}
    if not _NAMED or list(missed) == [str(place) for place in range(len(missed))]:
        return {_CONSTRAINTS: list(missed.values())}
    return {f"{_CONSTRAINTS}:{key}": gap for key, gap in missed.items()}


# --- trials ---


def _others(study: Study, trial: FrozenTrial) -> list[FrozenTrial]:
    return [t for t in study.get_trials(deepcopy=False) if t.number != trial.number]


def _left_to_another(state: at.State, proposal: Proposal) -> at.State:
    """Return the state in which another worker takes what is proposed."""
    configuration = Configuration(state.space.names, proposal.values)
    return apply(state, Suggested(state.next_id, configuration, "model", expires=None, at=None))


def _told(state: at.State, modelled: _Modelled, trials: Iterable[FrozenTrial]) -> at.State:
    """Return the state in which the trials have the outcomes that Optuna knows."""
    events: list[Event] = []
    fits: list[Fit] = []
    known = 0
    for trial in sorted(trials, key=lambda trial: trial.number):
        values = modelled.values_of(trial)
        if values is None or not (trial.state.is_finished() or trial.state == TrialState.RUNNING):
            continue
        number, configuration = trial.number, Configuration(modelled.space.names, values)
        events.append(Suggested(number, configuration, "model", expires=None, at=None))
        if trial.state == TrialState.COMPLETE:
            told = _numbers(state.problem, trial)
            if isinstance(told, str):
                events.append(Failed(number, None, told, at=None))
            else:
                events.append(Told(number, None, told, at=None))
        elif trial.state.is_finished():
            events.append(Failed(number, None, trial.state.name.lower(), at=None))
        known += trial.state.is_finished()
        if (fit := _fit_of(trial, state.problem)) is not None:
            fits.append(fit)
    last = max((fit for fit in fits if fit.n <= known), key=lambda fit: fit.n, default=None)
    if last is not None:
        events.append(Fitted(last, at=None))
    return replay(state, events)


def _fit_note(fit: Fit, space: Space) -> dict[str, Any]:
    """Return what a trial keeps of a fit."""
    return {"names": space.names, **fit_row(fit)}


def _fit_of(trial: FrozenTrial, problem: Problem) -> Fit | None:
    noted = trial.system_attrs.get(_FIT)
    if noted is None or tuple(noted["names"]) != problem.space.names:
        return None
    row = {key: value for key, value in noted.items() if key != "names"}
    if "members" in row:  # as version 0.1 noted it
        row = {"model": MODEL_OF_SCHEMA_2, "n": row["n"], "found": [row["members"]]}
    try:
        return read_fit(row, problem)
    except StateError:  # what cannot be used is searched for afresh
        return None


def _note(study: Study, trial: FrozenTrial, key: str, value: Mapping[str, Any]) -> None:
    study._storage.set_trial_system_attr(trial._trial_id, key, dict(value))
