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
from attrs import evolve

import asktell as at
from asktell.asking.propose import Proposal, propose
from asktell.codec.fit_rows import fit_row, read_fit
from asktell.errors import DefinitionError, ParamsError, StateError
from asktell.model.members import MODEL_OF_SCHEMA_2
from asktell.numbers import is_count
from asktell.space.bounds import Bound
from asktell.space.space import Space
from asktell.state import apply, replay
from asktell.study.events import Event, Failed, Fit, Fitted, Skipped, Suggested, Told
from asktell.study.outcomes import TARGET, Goal
from asktell.study.problem import Numbers, Problem
from asktell.study.trials import Configuration

try:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler, RandomSampler
    from optuna.study import Study, StudyDirection
    from optuna.trial import FrozenTrial, TrialState, create_trial

    from asktell.integrations.optuna_spaces import (
        PARAMS,
        Modelled,
        distribution_of,
        is_range,
        known_distributions,
        within,
    )
except ImportError as error:
    message = "asktell.integrations.optuna needs Optuna: pip install asktell[optuna]"
    raise ImportError(message) from error

_FIT = "asktell:fit"
"""The attribute in which a trial keeps the hyper-parameters that it searched."""

_CONSTRAINTS = "constraints"
"""The attribute in which Optuna keeps constraints: a list; or each in one of its own, whose name is
this one, a colon, and the constraint's. A number above zero breaks a constraint."""

_NAMED = hasattr(FrozenTrial, "set_constraint")
"""Whether this version of Optuna knows constraints of their own names, as from version 5 on."""

_ENQUEUED = "fixed_params"
"""The attribute in which Optuna keeps the params of a trial that was enqueued."""

_ATTEMPTS = 10
"""How often a trial asks again because another took the same params meanwhile."""


class AskTellSampler(BaseSampler):
    """An Optuna sampler that models all parameters together.

    - What it suggests depends on the seed, the trial's number and the study's trials alone. It
      keeps nothing itself: studies resume from their storage, and any number of processes take
      part with equal seeds. Running trials count as pending.
    - All parameters are modelled together. Which of them depend on which, as in branches, is worked
      out from the trials, and corrected by those that contradict it. Ranges that change from trial
      to trial are put together; what was proposed beyond one becomes its nearest end.
    - What a trial asks for beside its proposal is suggested with the rest of the trial fixed. It is
      drawn at random where no completed trial has it, and where the space is used up.
    - A value of a parameter that decides on others is given a few trials before the model alone
      decides on it.
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
            ValueError: the study has no parameters that can be modelled.
        """
        trials = study.get_trials(deepcopy=False)
        modelled = Modelled.of(known_distributions(trials), trials)
        if modelled is None:
            raise ValueError("the trials of the study have no parameters that can be modelled")
        state = _told(self._start(study, trials, modelled), modelled, trials)
        return apply(state, Skipped(len(trials), at=None)).to_dict()

    def _start(self, study: Study, trials: list[FrozenTrial], modelled: Modelled) -> at.State:
        return at.State.start(
            modelled.space,
            self._seed,
            settings=self._settings,
            objectives=_objectives(study),
            constraints=_constraints(trials),
        )

    def _state(self, study: Study, trials: list[FrozenTrial], modelled: Modelled) -> at.State:
        """Return the state from which the next trial's params are chosen."""
        state = self._start(study, trials, modelled)
        return _told(state, modelled, trials, with_clipped=True)

    # --- what Optuna calls ---

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the parameters that are modelled together, those of all branches."""
        others = _others(study, trial)
        known = known_distributions(others)
        modelled = Modelled.of(known, others)
        return {name: known[name] for name in modelled.space.names} if modelled else {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return what the engine suggests for the trial, and note it with the trial.

        Where another worker took the same params meanwhile, the engine is asked again. That worker
        asks again, too, and would be given the same once more: so whose trial is the later leaves
        what comes next to the other.
        """
        others, before = _others(study, trial), 0
        modelled = Modelled.of(search_space, others)
        if modelled is None:
            return {}
        fixed = modelled.part({**trial.system_attrs.get(_ENQUEUED, {}), **trial.params})
        untried = {} if fixed or trial.number % 2 == 0 else modelled.least_tried(others)
        for _ in range(_ATTEMPTS):
            state = self._state(study, others, modelled)
            if untried:
                fixed, state = untried, _by_design(state)
            try:
                proposal = _proposal(state, trial, fixed)
                for _ in range(before):
                    state = _left_to_another(state, proposal)
                    proposal = _proposal(state, trial, fixed)
            except at.SpaceExhausted:
                return {
                    name: self._random(study, trial, name, distribution)
                    for name, distribution in search_space.items()
                }
            params = modelled.params(proposal.values)
            _note(study, trial, PARAMS, modelled.internal(params))
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
        """Return a value for a parameter that was not among those that were proposed.

        Where what was proposed lies out of its range, that is the nearest end. Else it is what the
        engine suggests, from the trials that have the parameter, where the others are as they are
        in this trial. A parameter that no completed trial has is drawn at random.
        """
        noted = trial.system_attrs.get(PARAMS, {}).get(param_name)
        if noted is not None and is_range(param_distribution):
            return within(param_distribution, param_distribution.to_external_repr(noted))
        found = self._suggested(study, trial, {param_name: param_distribution})
        if param_name in found:
            return found[param_name]
        return self._random(study, trial, param_name, param_distribution)

    def _suggested(
        self, study: Study, trial: FrozenTrial, wanted: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return what the engine suggests beside what a trial has; nothing where it knows nothing.

        The model is one of the trials that have what is wanted.
        """
        others = [one for one in _others(study, trial) if wanted.keys() <= one.params.keys()]
        known = known_distributions([*others, trial])
        before = {name: known[name] for name in known if name in trial.params}
        modelled = Modelled.of({**before, **wanted}, others)
        if modelled is None:
            return {}
        state = self._state(study, others, modelled)
        if not state.n_observed:
            return {}
        try:
            proposal = _proposal(state, trial, modelled.part(trial.params))
        except at.SpaceExhausted:
            return {}
        return modelled.params(proposal.values)

    def _random(
        self, study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> Any:
        """Return a random value, drawn from the seed, the trial's number and the name."""
        entropy = [self._seed, trial.number, zlib.crc32(name.encode())]
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        return RandomSampler(seed).sample_independent(study, trial, name, distribution)

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
    known_as = {p.name: distribution_of(p) for p in space.parameters}

    def of(params: Mapping[str, Any]) -> dict[str, BaseDistribution]:
        return {name: known_as[name] for name in params}

    told: list[tuple[int | None, FrozenTrial]] = []
    for observation in known.observations:
        trial = create_trial(
            params=observation.params,
            distributions=of(observation.params),
            values=[observation.numbers[i] for i in known.problem.objectives],
            system_attrs=_constraint_attributes(known.problem, observation.numbers),
        )
        told.append((observation.id, trial))
    for failure in known.failures:
        trial = create_trial(
            params=failure.params, distributions=of(failure.params), state=TrialState.FAIL
        )
        told.append((failure.id, trial))
    told.sort(key=lambda pair: math.inf if pair[0] is None else pair[0])
    trials = [trial for _, trial in told]
    if known.fit is not None and trials:
        noted = {**trials[-1].system_attrs, _FIT: _fit_note(known.fit, space)}
        trials[-1].system_attrs = noted
    waiting = (*(suggestion.params for suggestion in known.pending), *known.due)
    for params in (*(wish.params for wish in known.wishes), *waiting):
        attributes = {_ENQUEUED: params}
        trials.append(create_trial(state=TrialState.WAITING, system_attrs=attributes))
    return trials


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


def _proposal(state: at.State, trial: FrozenTrial, fixed: Mapping[str, Any]) -> Proposal:
    """Return what the engine suggests for a trial in which some values are given.

    Raises:
        SpaceExhausted: nothing is left.
    """
    try:
        return propose(state, trial.number, fixed)
    except ParamsError:  # the objective will show why these can be together
        return propose(state, trial.number)


def _by_design(state: at.State) -> at.State:
    """Return the state in which the next suggestion is of the initial design, not the model's."""
    method = evolve(state.problem.method, n_initial=2**31)
    return evolve(state, problem=evolve(state.problem, method=method))


def _left_to_another(state: at.State, proposal: Proposal) -> at.State:
    """Return the state in which another worker takes what is proposed."""
    configuration = Configuration(state.space.names, proposal.values)
    return apply(state, Suggested(state.next_id, configuration, "model", expires=None, at=None))


def _told(
    state: at.State, modelled: Modelled, trials: Iterable[FrozenTrial], with_clipped: bool = False
) -> at.State:
    """Return the state in which the trials have the outcomes that Optuna knows.

    With what was clipped, a value that was proposed for a trial and lay out of its range has the
    trial's outcome, too: else it would be proposed again and again.
    """
    events: list[Event] = []
    fits: list[Fit] = []
    known = 0
    for trial in sorted(trials, key=lambda trial: trial.number):
        values = modelled.values_of(trial)
        if values is None or not (trial.state.is_finished() or trial.state == TrialState.RUNNING):
            continue
        number, configuration = trial.number, Configuration(modelled.space.names, values)
        events.append(Suggested(number, configuration, "model", expires=None, at=None))
        if trial.state.is_finished():
            events.append(_report(state.problem, trial, number, None))
            clipped = modelled.clipped(trial) if with_clipped else None
            if clipped is not None:
                configuration = Configuration(modelled.space.names, clipped)
                events.append(_report(state.problem, trial, None, configuration))
            known += 1 + (clipped is not None)
        if (fit := _fit_of(trial, state.problem)) is not None:
            fits.append(fit)
    last = max((fit for fit in fits if fit.n <= known), key=lambda fit: fit.n, default=None)
    if last is not None:
        events.append(Fitted(last, at=None))
    return replay(state, events)


def _report(
    problem: Problem, trial: FrozenTrial, number: int | None, configuration: Configuration | None
) -> Event:
    """Return what is told of a trial that is over."""
    if trial.state != TrialState.COMPLETE:
        return Failed(number, configuration, trial.state.name.lower(), at=None)
    told = _numbers(problem, trial)
    if isinstance(told, str):
        return Failed(number, configuration, told, at=None)
    return Told(number, configuration, told, at=None)


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
