"""Outcomes: what is measured of a configuration, and what is wanted of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from attrs import evolve, field, frozen

from asktell.errors import DefinitionError, at_key
from asktell.numbers import is_finite
from asktell.space.bounds import AtLeast, AtMost, Bound

Goal = Literal["maximize", "minimize"]

TARGET = "target"
"""The name of the objective of a study that was given a goal and no names."""


# --- what callers say ---


def _optional_float(value: Any) -> Any:
    """Return a number as a float; anything else is left for the check to refuse."""
    return float(value) if is_finite(value) else value


def _is_weight(_: Any, attribute: Any, value: Any) -> None:
    if value is not None and (not isinstance(value, float) or not 0.0 < value < math.inf):
        raise DefinitionError(f"$.{attribute.name}", value, "a number > 0, or None")


def _is_optional(_: Any, attribute: Any, value: Any) -> None:
    if value is not None and (not isinstance(value, float) or not math.isfinite(value)):
        raise DefinitionError(f"$.{attribute.name}", value, "a finite number, or None")


@frozen
class Maximize:
    """An objective: the greater, the better.

    Args:
        weight: what a unit of it counts in the weighted sum that ``best()`` of several objectives
            maximises; > 0. Give one to every objective or to none.
        reference: the value up to which nothing counts, for the hypervolume of several objectives;
            None to infer it from the front.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    weight: float | None = field(default=None, converter=_optional_float, validator=_is_weight)
    reference: float | None = field(default=None, converter=_optional_float, validator=_is_optional)


@frozen
class Minimize:
    """An objective: the less, the better.

    Args:
        weight: what a unit of it counts in the weighted sum that ``best()`` of several objectives
            maximises; > 0. Give one to every objective or to none.
        reference: the value from which on nothing counts, for the hypervolume of several
            objectives; None to infer it from the front.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    weight: float | None = field(default=None, converter=_optional_float, validator=_is_weight)
    reference: float | None = field(default=None, converter=_optional_float, validator=_is_optional)


Objective = Goal | Maximize | Minimize

_KINDS: dict[Goal, type[Maximize | Minimize]] = {"maximize": Maximize, "minimize": Minimize}


# --- what a problem keeps ---


@frozen
class Outcome:
    """One measured quantity, and what is wanted of it.

    Attributes:
        name: unique in its problem.
        goal: which way it is optimised; None for one that only has bounds.
        weight: in the weighted sum of several objectives, where one was given.
        reference: up to which it does not count for the hypervolume, where one was given.
        at_least: from where on its constraint holds; None for no lower bound.
        at_most: up to where its constraint holds; None for no upper bound.
    """

    name: str
    goal: Goal | None
    weight: float | None = None
    reference: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def sign(self) -> float:
        """Return what a number is multiplied by to be maximised."""
        return -1.0 if self.goal == "minimize" else 1.0

    @property
    def is_constrained(self) -> bool:
        """Tell whether it has a bound."""
        return self.at_least is not None or self.at_most is not None

    @property
    def objective(self) -> Objective | None:
        """Return the objective as it was given; None where there is none."""
        if self.goal is None or (self.weight is None and self.reference is None):
            return self.goal
        return _KINDS[self.goal](self.weight, self.reference)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Return the constraints on it."""
        lower = () if self.at_least is None else (AtLeast(self.at_least),)
        upper = () if self.at_most is None else (AtMost(self.at_most),)
        return (*lower, *upper)

    def violation(self, number: float) -> float:
        """Return how far a number lies on the wrong side of a bound; 0 where it holds them."""
        violation = 0.0
        if self.at_least is not None and number < self.at_least:
            violation = self.at_least - number
        if self.at_most is not None and number > self.at_most:
            violation = number - self.at_most
        return violation


def wanted(outcomes: Sequence[Outcome]) -> str:
    """Return in words what is wanted: ``minimize loss, size <= 3``."""
    goals = [
        f"{one.goal}" if one.name == TARGET else f"{one.goal} {one.name}"
        for one in outcomes
        if one.goal
    ]
    signs = {AtLeast: ">=", AtMost: "<="}
    bounds = [
        f"{one.name} {signs[type(bound)]} {bound.bound:g}"
        for one in outcomes
        for bound in one.bounds
    ]
    return ", ".join([*goals, *bounds])


def outcomes_of(goal: Any, objectives: Any, constraints: Any) -> tuple[Outcome, ...]:
    """Return the outcomes of these arguments: objectives first; see :class:`asktell.Engine`.

    Raises:
        DefinitionError: a ``ValueError`` that names the place.
    """
    if objectives is None:
        objectives = {TARGET: "maximize" if goal is None else goal}
        place = "$.goal"
    elif goal is not None:
        raise DefinitionError("$.goal", goal, "None: objectives have goals of their own")
    elif not isinstance(objectives, Mapping) or not objectives:
        expected = "one or more objectives, such as {'loss': 'minimize'}"
        raise DefinitionError("$.objectives", objectives, expected)
    else:
        place = ""
    outcomes = {
        _name(name, "$.objectives"): _objective(
            name, objective, place or at_key("$.objectives", name)
        )
        for name, objective in objectives.items()
    }
    if constraints is not None and not isinstance(constraints, Mapping):
        expected = "a mapping, such as {'accuracy': AtLeast(0.97)}"
        raise DefinitionError("$.constraints", constraints, expected)
    for name, bounds in (constraints or {}).items():
        known = outcomes.get(_name(name, "$.constraints"), Outcome(name, None))
        outcomes[name] = _bounded(known, bounds, at_key("$.constraints", name))
    return checked(tuple(outcomes.values()), "$.objectives")


def checked(outcomes: tuple[Outcome, ...], place: str) -> tuple[Outcome, ...]:
    """Return outcomes that may be a problem's.

    Raises:
        DefinitionError: a ``ValueError``; some objectives have a weight, and others have none.
    """
    weights = [outcome.weight for outcome in outcomes if outcome.goal]
    if any(weight is None for weight in weights) and any(weight is not None for weight in weights):
        raise DefinitionError(place, weights, "a weight for every objective, or for none")
    return outcomes


def _name(name: Any, place: str) -> str:
    if not isinstance(name, str) or not name:
        raise DefinitionError(place, name, "a name: a string of length >= 1")
    return name


def _objective(name: str, objective: Any, place: str) -> Outcome:
    if isinstance(objective, Maximize | Minimize):
        goal: Goal = "maximize" if isinstance(objective, Maximize) else "minimize"
        return Outcome(name, goal, objective.weight, objective.reference)
    if not isinstance(objective, str) or objective not in get_args(Goal):
        plain = " or ".join(map(repr, get_args(Goal)))
        raise DefinitionError(place, objective, f"{plain}, Maximize(...) or Minimize(...)")
    chosen: Goal = objective  # type: ignore[assignment]  # checked above
    return Outcome(name, chosen)


def _bounded(outcome: Outcome, bounds: Any, place: str) -> Outcome:
    expected = "AtLeast(...), AtMost(...), or one of each"
    several = list(bounds) if isinstance(bounds, Sequence) else [bounds]
    for bound in several:
        if isinstance(bound, AtLeast) and outcome.at_least is None:
            outcome = evolve(outcome, at_least=bound.bound)
        elif isinstance(bound, AtMost) and outcome.at_most is None:
            outcome = evolve(outcome, at_most=bound.bound)
        else:
            raise DefinitionError(place, bounds, expected)
    if not several:
        raise DefinitionError(place, bounds, expected)
    low, high = outcome.at_least, outcome.at_most
    if low is not None and high is not None and low > high:
        raise DefinitionError(place, bounds, "bounds that can both hold")
    return outcome
