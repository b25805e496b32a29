"""What never changes within a study: what is searched, what is measured, and how it is done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from attrs import Attribute, field, fields, frozen

from asktell.errors import NOTHING, DefinitionError, TargetError
from asktell.numbers import is_count
from asktell.space.space import Space

Goal = Literal["maximize", "minimize"]

TARGET = "target"
"""The name of the one outcome of a study that was given a goal and no names."""

LARGEST_SEED = 2**128 - 1
"""As many bits as numpy itself draws for a seed. Without a limit, a dict could hold any number."""

Numbers = tuple[float, ...]
"""One number for every outcome, in the problem's order."""


@frozen
class Outcome:
    """One measured quantity, and what is wanted of it."""

    name: str
    role: Goal

    @property
    def sign(self) -> float:
        """Return what a number is multiplied by to be maximised."""
        return 1.0 if self.role == "maximize" else -1.0


# --- settings ---


def _as_int(value: int) -> int:
    """Return any integer as Python's own; anything else is left for the check to refuse."""
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    return int(value) if is_integer else value


def _is_positive(_: Any, attribute: Attribute[int], value: Any) -> None:
    if not is_count(value):
        raise DefinitionError(f"$.{attribute.name}", value, "an integer >= 1")


def _is_natural(_: Any, attribute: Attribute[int], value: Any) -> None:
    if not is_count(value, least=0):
        raise DefinitionError(f"$.{attribute.name}", value, "an integer >= 0")


def _is_flag(_: Any, attribute: Attribute[bool], value: Any) -> None:
    if not isinstance(value, bool):
        raise DefinitionError(f"$.{attribute.name}", value, "True or False")


@frozen(kw_only=True, slots=False)
class Policy:
    """What becomes of results: which are welcome, and how often params are tried.

    Args:
        replicates: whether further results for the same params are kept (targets are noisy), not
            refused. The model and ``best`` then use the mean.
        retries: how often params whose evaluation failed are offered again, before the failure
            counts.
        expiries: how many suggestions of the same params may expire without an answer; with one
            more, the params count as failed.
    """

    replicates: bool = field(default=False, validator=_is_flag)
    retries: int = field(default=0, converter=_as_int, validator=_is_natural)
    expiries: int = field(default=3, converter=_as_int, validator=_is_natural)


@frozen(kw_only=True, slots=False)
class Method:
    """How suggestions are found: the initial design, the model, and the search on it.

    Args:
        n_initial: how many configurations come from the initial design (the centre, then Sobol
            points); observations from elsewhere count towards it.
        n_candidates: how many Sobol points the maximiser of the acquisition scores.
        n_starts: how many of them it improves.
        n_modelled: the most observations that the model sees: the best, and an even selection of
            the rest.
    """

    n_initial: int = field(default=5, converter=_as_int, validator=_is_positive)
    n_candidates: int = field(default=512, converter=_as_int, validator=_is_positive)
    n_starts: int = field(default=8, converter=_as_int, validator=_is_positive)
    n_modelled: int = field(default=500, converter=_as_int, validator=_is_positive)


@frozen(kw_only=True, slots=False)
class Settings(Policy, Method):
    """Everything that can be set, under one name for those who set it.

    Args:
        n_initial: how many configurations come from the initial design (the centre, then Sobol
            points); observations from elsewhere count towards it.
        replicates: whether further results for the same params are kept (targets are noisy), not
            refused. The model and ``best`` then use the mean.
        n_candidates: how many Sobol points the maximiser of the acquisition scores.
        n_starts: how many of them it improves.
        n_modelled: the most observations that the model sees: the best, and an even selection of
            the rest.
        retries: how often params whose evaluation failed are offered again, before the failure
            counts.
        expiries: how many suggestions of the same params may expire without an answer; with one
            more, the params count as failed.

    Raises:
        DefinitionError: a ``ValueError`` that names the setting.
    """


P = TypeVar("P", Policy, Method)


def _part(settings: Settings, kind: type[P]) -> P:
    return kind(**{f.name: getattr(settings, f.name) for f in fields(kind)})


# --- the problem ---


@frozen
class Problem:
    """What is searched, what is measured, and how; make one with :meth:`of`.

    Attributes:
        policy: what becomes of results.
        method: how suggestions are found.
        seed: the only source of randomness.
    """

    space: Space
    outcomes: tuple[Outcome, ...]
    policy: Policy
    method: Method
    seed: int
    outcome_names: tuple[str, ...] = field(init=False, eq=False, repr=False)

    signs: tuple[float, ...] = field(init=False, eq=False, repr=False)

    @outcome_names.default
    def _outcome_names(self) -> tuple[str, ...]:
        return tuple(outcome.name for outcome in self.outcomes)

    @signs.default
    def _signs(self) -> tuple[float, ...]:
        return tuple(outcome.sign for outcome in self.outcomes)

    @classmethod
    def of(
        cls,
        space: Space,
        seed: int = 0,
        goal: Goal | None = None,
        settings: Settings | None = None,
        objectives: Mapping[str, Goal] | None = None,
    ) -> Problem:
        """Return the problem of these arguments; see :class:`asktell.Engine`.

        Raises:
            DefinitionError: a ``ValueError`` that names the argument.
        """
        if not isinstance(space, Space):
            raise DefinitionError("$.space", space, "a Space")
        if not is_count(seed, least=0) or int(seed) > LARGEST_SEED:
            raise DefinitionError("$.seed", seed, "an integer from 0 to 2**128 - 1")
        if not isinstance(settings, Settings | None):
            raise DefinitionError("$.settings", settings, "Settings, or None")
        settings = settings or Settings()
        outcomes = _outcomes(goal, objectives)
        return cls(space, outcomes, _part(settings, Policy), _part(settings, Method), int(seed))

    @property
    def objective(self) -> int:
        """Return the position of the outcome that is optimised: there is one today."""
        return 0

    @property
    def goal(self) -> Goal:
        """Return what is wanted of the objective."""
        return self.outcomes[self.objective].role

    def target(self, numbers: Numbers) -> Any:
        """Return numbers as callers tell and see them: one alone, or ``{outcome: number}``."""
        return target_of(self.outcome_names, numbers)

    def numbers(self, target: Any) -> Numbers:
        """Return the numbers of a target; any of them may be infinite or NaN.

        Raises:
            TargetError: a ``ValueError``; not a number, or not one for each outcome.
        """
        if isinstance(target, Mapping):
            return self._numbers_of(target)
        if len(self.outcomes) > 1:
            expected = f"a number for each of {list(self.outcome_names)}, as a dict"
            raise TargetError("$.target", target, expected)
        return (_number(target, "$.target"),)

    def _numbers_of(self, target: Mapping[Any, Any]) -> Numbers:
        for name in target:
            if name not in self.outcome_names:
                expected = f"only the outcomes {list(self.outcome_names)}"
                raise TargetError(f"$.target.{name}", target[name], expected)
        return tuple(
            _number(target.get(name, NOTHING), f"$.target.{name}") for name in self.outcome_names
        )


def target_of(names: tuple[str, ...], numbers: Numbers) -> Any:
    """Return numbers as callers see them: one alone, or ``{outcome: number}``."""
    return numbers[0] if names == (TARGET,) else dict(zip(names, numbers, strict=True))


def _outcomes(goal: Any, objectives: Any) -> tuple[Outcome, ...]:
    if objectives is None:
        return (Outcome(TARGET, _role("maximize" if goal is None else goal, "$.goal")),)
    if goal is not None:
        raise DefinitionError("$.goal", goal, "None: objectives have goals of their own")
    if not isinstance(objectives, Mapping) or len(objectives) != 1:
        raise DefinitionError(
            "$.objectives", objectives, "one objective, such as {'loss': 'minimize'}"
        )
    ((name, role),) = objectives.items()
    if not isinstance(name, str) or not name:
        raise DefinitionError("$.objectives", name, "a name: a string of length >= 1")
    return (Outcome(name, _role(role, f"$.objectives.{name}")),)


def _role(role: Any, place: str) -> Goal:
    if role not in get_args(Goal):
        raise DefinitionError(place, role, " or ".join(map(repr, get_args(Goal))))
    chosen: Goal = role
    return chosen


def _number(value: Any, place: str) -> float:
    if type(value) is float:
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TargetError(place, value, "a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf
