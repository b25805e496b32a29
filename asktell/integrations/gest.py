"""A generator of the gest-api standard, which libEnsemble, Xopt and Optimas drive.

Needs ``pip install asktell[gest]``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

import asktell as at
from asktell.errors import DefinitionError, InvalidValueError, ParamsError, StateError
from asktell.integrations.held_choices import HeldChoices
from asktell.numbers import is_finite
from asktell.space.bounds import Bound
from asktell.space.parameters import Parameter
from asktell.study.outcomes import TARGET, Goal
from asktell.study.trials import Configuration
from asktell.telling import TrialLike

try:
    from gest_api import Generator
    from gest_api.vocs import (
        VOCS,
        BoundsConstraint,
        ContextualVariable,
        ContinuousVariable,
        DiscreteVariable,
        GreaterThanConstraint,
        LessThanConstraint,
        MaximizeObjective,
        MinimizeObjective,
    )
except ImportError as error:
    message = "asktell.integrations.gest needs gest-api: pip install asktell[gest]"
    raise ImportError(message) from error

_RUNNING, _OVER = 0.0, 1.0
"""The clock of the leases: points are given out while a run goes on, and lost when it is over."""


class TooFewPointsError(at.SpaceExhausted, ValueError):
    """Fewer points are left in a finite space than were asked for."""


class AskTellGenerator(Generator):
    """A generator that asks the engine.

    Variables are continuous or discrete. Discrete numbers are taken in their order, other values
    as choices without one. Default values of numbers are where the search begins. Constants are
    given out with each point; observables may come back and are not used.

    Objectives and constraints are outcomes of their names. A study of one objective without
    constraints is a plain one, whose outcome is called ``target``. A constraint that has the name
    of a variable is known before anything is evaluated: no other values are suggested or taken.

    Args:
        vocs: what is searched, what is minimised or maximised, and which bounds hold.
        seed: an integer >= 0; the only source of randomness.
        **settings: those of :class:`asktell.Settings`.

    Raises:
        DefinitionError: a ``ValueError`` that names what the engine cannot serve.
    """

    returns_id = True

    def __init__(self, vocs: VOCS, seed: int = 0, **settings: Any) -> None:
        """Start a generator that knows nothing yet."""
        super().__init__(vocs)
        self._problem = _Problem.of(vocs)
        self._engine = at.Engine.from_state(self._problem.start(seed, at.Settings(**settings)))

    def _validate_vocs(self, vocs: VOCS) -> None:
        """Refuse what the engine cannot serve.

        Raises:
            DefinitionError: a ``ValueError``; no objective or one to explore, contextual
                variables, arrays, a constraint that no value of its variable keeps.
        """
        _Problem.of(vocs)

    # --- the state ---

    @classmethod
    def from_dict(cls, vocs: VOCS, state: Any, *, lost: bool = False) -> AskTellGenerator:
        """Return a generator that goes on where the one that wrote the dict stopped.

        Args:
            vocs: as that of the first generator.
            state: what ``to_dict`` returned.
            lost: whether the run that had the pending points is over. They are then given out
                again first, under new ids; a late result for an old id is still accepted.

        Raises:
            StateError: a ``ValueError``; a field is missing, unknown or corrupt, or the space or
                the outcomes are not those of the vocs.
            DefinitionError: a ``ValueError`` that names what the engine cannot serve.
        """
        generator = cls.__new__(cls)
        Generator.__init__(generator, vocs)
        generator._problem = _Problem.of(vocs)
        generator._engine = at.Engine.from_dict(state)
        known = generator._engine.state.problem
        if known.space != generator._problem.space:
            raise StateError("$.space", known.space, f"{generator._problem.space}, as in the vocs")
        wanted = generator._problem.start().problem.outcomes
        if known.outcomes != wanted:
            raise StateError("$.outcomes", known.outcomes, f"{wanted}, as in the vocs")
        if lost:
            generator._engine.expire(now=_OVER)
        return generator

    def to_dict(self) -> dict[str, Any]:
        """Return everything as a dict of plain types, which ``json.dumps`` takes."""
        return self._engine.to_dict()

    @property
    def engine(self) -> at.Engine:
        """Return the engine as it is now, to be looked at."""
        return at.Engine.from_state(self._engine.state)

    # --- what the standard wants ---

    def suggest(self, num_points: int | None = None) -> list[dict[str, Any]]:
        """Return so many points, one by default, each with its ``_id`` and the constants.

        Raises:
            TooFewPointsError: a ``ValueError``; fewer are left, and none is given out.
            DefinitionError: a ``ValueError``; ``num_points`` is not an integer >= 1.
        """
        n = 1 if num_points is None else num_points
        lease = _OVER - _RUNNING
        try:
            state, suggestions = at.suggest(self._engine.state, n, now=_RUNNING, lease=lease)
        except at.SpaceExhausted as error:
            raise TooFewPointsError(str(error)) from None
        if len(suggestions) < n:
            raise TooFewPointsError(f"only {len(suggestions)} points are left")
        self._engine = at.Engine.from_state(state)
        return [
            {**self._problem.point(suggestion), "_id": suggestion.id} for suggestion in suggestions
        ]

    def ingest(self, results: list[dict[str, Any]]) -> None:
        """Take results in any order, also of points that others chose, which have no ``_id``.

        Where an objective or what has a constraint is missing, None or not finite, the point has
        failed. If one result is refused, none is taken. Results that were taken before change
        nothing, so all may be sent again.

        Raises:
            UnknownSuggestionError: a ``ValueError``; no point has this ``_id``.
            ConflictError: a ``ValueError``; the point has another result, or the ``_id`` belongs
                to another point.
            ParamsError: a ``ValueError``; the point does not lie in the space.
            TargetError: a ``ValueError``; an objective, or what has a constraint, is not a number.
        """
        state = self._engine.state
        for position, result in enumerate(results):
            try:
                state = self._told(state, result)
            except InvalidValueError as error:
                raise error.below(f"$[{position}]") from None
        self._engine = at.Engine.from_state(state)

    def _told(self, state: at.State, result: Any) -> at.State:
        if not isinstance(result, Mapping):
            raise ParamsError("$", result, "a point with its results: a mapping")
        trial = self._problem.trial(result)
        target = {}
        for name, outcome in self._problem.outcomes.items():
            target[outcome] = _scalar(result.get(name))
            if target[outcome] is None:
                return at.fail(state, trial, f"no {name}")
        return at.observe(state, trial, target)


@frozen
class _Problem:
    """A VOCS that the engine can serve, and the engine's view of it.

    Attributes:
        outcomes: the engine's names of what is measured, by those of the vocs.
    """

    space: at.Space
    objectives: Mapping[str, Goal]
    constraints: Mapping[str, Sequence[Bound]]
    outcomes: Mapping[str, str]
    constants: Mapping[str, Any]
    held: HeldChoices

    @classmethod
    def of(cls, vocs: VOCS) -> _Problem:
        """Return the engine's view.

        Raises:
            DefinitionError: it has something that the engine cannot serve.
        """
        if not isinstance(vocs, VOCS):
            raise DefinitionError("$.vocs", vocs, "a VOCS")
        if not vocs.objectives:
            raise DefinitionError("$.vocs.objectives", {}, "one objective or more")
        all_bounds = {name: _bounds(name, kind) for name, kind in vocs.constraints.items()}
        parameters: list[Parameter] = []
        held, variables = HeldChoices(), vocs.variables
        for name, variable in variables.items():
            known = vocs.constraints.get(name)
            try:
                if isinstance(variable, DiscreteVariable):
                    parameter = _discrete(name, variable, held, known)
                else:
                    parameter = _continuous(name, variable, known)
            except DefinitionError as error:
                raise error.below(f"$.vocs.variables.{name}") from None
            parameters.append(parameter)
        objectives = {name: _goal(name, kind) for name, kind in vocs.objectives.items()}
        constraints = {name: bounds for name, bounds in all_bounds.items() if name not in variables}
        outcomes = {name: name for name in (*objectives, *constraints)}
        if len(outcomes) == 1 and not constraints:
            outcomes = dict.fromkeys(outcomes, TARGET)
        constants = {name: constant.value for name, constant in vocs.constants.items()}
        space = at.Space(*parameters)
        return cls(space, objectives, constraints, outcomes, constants, held)

    def start(self, seed: int = 0, settings: at.Settings | None = None) -> at.State:
        """Return the state of an engine that knows nothing yet."""
        objectives = {self.outcomes[name]: goal for name, goal in self.objectives.items()}
        return at.State.start(
            self.space,
            seed,
            settings=settings,
            objectives=objectives,
            constraints=self.constraints,
        )

    def point(self, suggestion: at.Suggestion) -> dict[str, Any]:
        """Return the point of a suggestion, with the constants."""
        return {**self.held.outward(suggestion.params), **self.constants}

    def trial(self, result: Mapping[str, Any]) -> TrialLike:
        """Return the suggestion, its id, or the params that a result is for.

        Raises:
            ParamsError: the point does not lie in the space, or the ``_id`` is not an integer.
        """
        params = {name: _scalar(result[name]) for name in self.space.names if name in result}
        params = self.held.inward(params)
        trial_id: int | None = _scalar(result.get("_id"))
        if trial_id is None:
            return params
        if len(params) < self.space.dim:
            return trial_id
        configuration = Configuration(self.space.names, self.space.check(params))
        return at.Suggestion(trial_id, configuration, "model")


def _continuous(name: str, variable: Any, known: Any) -> at.Float:
    """Return the parameter of a continuous variable, within a constraint on it, or None.

    Raises:
        DefinitionError: a contextual variable, an array, or numbers other than doubles; a default
            value that is not one of the variable's; a constraint that none keeps.
    """
    if isinstance(variable, ContextualVariable) or not isinstance(variable, ContinuousVariable):
        raise DefinitionError("$", variable, "a continuous or discrete variable")
    dtype = variable.dtype
    if dtype is not None and np.dtype(dtype) != np.dtype(float):
        raise DefinitionError("$.dtype", dtype, "float, or None")
    low, high = variable.domain
    for bound in () if known is None else _bounds(name, known):
        if isinstance(bound, at.AtLeast):
            low = max(low, _kept(known, bound.bound, math.inf))
        else:
            high = min(high, _kept(known, bound.bound, -math.inf))
    if low > high:
        raise DefinitionError("$.domain", variable.domain, f"values that keep {known!r}")
    return at.Float(name, low, high, default=variable.default_value)


def _kept(constraint: Any, bound: float, inwards: float) -> float:
    """Return a bound, or the next float where it is strict."""
    return bound if constraint.check(bound) else math.nextafter(bound, inwards)


def _discrete(name: str, variable: Any, held: HeldChoices, known: Any) -> Parameter:
    """Return the parameter of a discrete variable, within a constraint on it, or None.

    Raises:
        DefinitionError: a default value that is not one of the variable's; a constraint that none
            keeps, or on values that are not numbers.
    """
    # the order of a set differs from process to process
    ordered = sorted(variable.values, key=lambda value: (type(value).__name__, repr(value)))
    are_numbers = all(is_finite(value) for value in ordered)
    if known is not None:
        ordered = [value for value in ordered if are_numbers and known.check(value)]
    if not ordered:
        raise DefinitionError("$.values", variable.values, f"numbers that keep {known!r}")
    if are_numbers:
        return at.Ordinal(name, sorted(ordered), default=variable.default_value)
    return held.categorical(name, ordered)


def _goal(name: str, objective: Any) -> Goal:
    if isinstance(objective, MaximizeObjective):
        return "maximize"
    if isinstance(objective, MinimizeObjective):
        return "minimize"
    raise DefinitionError(f"$.vocs.objectives.{name}", objective, "MINIMIZE or MAXIMIZE")


def _bounds(name: str, constraint: Any) -> list[Bound]:
    """Return the bounds of a constraint; whether they are strict makes no difference to a model.

    Raises:
        DefinitionError: another kind of constraint, or a bound that is not finite.
    """
    try:
        if isinstance(constraint, LessThanConstraint):
            return [at.AtMost(constraint.value)]
        if isinstance(constraint, GreaterThanConstraint):
            return [at.AtLeast(constraint.value)]
        if isinstance(constraint, BoundsConstraint):
            low, high = constraint.range
            return [at.AtLeast(low), at.AtMost(high)]
        raise DefinitionError("$", constraint, "LESS_THAN, GREATER_THAN or BOUNDS")
    except DefinitionError as error:
        raise error.below(f"$.vocs.constraints.{name}") from None


def _scalar(value: Any) -> Any:
    """Return what a numpy scalar or an array of one value holds."""
    return value.item() if isinstance(value, np.generic | np.ndarray) and value.size == 1 else value
