"""What a study is about: what is searched, what is measured, and how it is done.

Within a study, the space alone may change.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from attrs import Attribute, field, fields, frozen

from asktell.errors import NOTHING, DefinitionError, TargetError, at_key
from asktell.model.dataset import Use
from asktell.numbers import is_count, is_finite
from asktell.space.bounds import Bound
from asktell.space.space import Space
from asktell.study.outcomes import TARGET, Goal, Objective, Outcome, outcomes_of

LARGEST_SEED = 2**128 - 1
"""As many bits as numpy itself draws for a seed. Without a limit, a dict could hold any number."""

Numbers = tuple[float, ...]
"""One number for every outcome, in the problem's order."""

Deviations = tuple[float | None, ...]
"""For every outcome the standard deviation of its number, None where it is not known."""


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
        revisits: whether params that are observed already may be suggested once more, with the
            origin ``replicate``, where noise makes that worth more than new ones. It takes
            ``replicates``.
    """

    n_initial: int = field(default=5, converter=_as_int, validator=_is_positive)
    n_candidates: int = field(default=512, converter=_as_int, validator=_is_positive)
    n_starts: int = field(default=8, converter=_as_int, validator=_is_positive)
    n_modelled: int = field(default=500, converter=_as_int, validator=_is_positive)
    revisits: bool = field(default=False, validator=_is_flag)


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
        revisits: whether params that are observed already may be suggested once more, with the
            origin ``replicate``, where noise makes that worth more than new ones. It takes
            ``replicates``.
        retries: how often params whose evaluation failed are offered again, before the failure
            counts.
        expiries: how many suggestions of the same params may expire without an answer; with one
            more, the params count as failed.

    Raises:
        DefinitionError: a ``ValueError`` that names the setting.
    """

    def __attrs_post_init__(self) -> None:
        """Check the settings against each other."""
        if self.revisits and not self.replicates:
            raise DefinitionError("$.revisits", True, "False, unless replicates is True")


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
    objectives: tuple[int, ...] = field(init=False, eq=False, repr=False)
    """The positions of the outcomes that are optimised."""

    constraints: tuple[int, ...] = field(init=False, eq=False, repr=False)
    """The positions of the outcomes that have bounds."""

    @outcome_names.default
    def _outcome_names(self) -> tuple[str, ...]:
        return tuple(outcome.name for outcome in self.outcomes)

    @objectives.default
    def _objectives(self) -> tuple[int, ...]:
        return tuple(i for i, outcome in enumerate(self.outcomes) if outcome.goal)

    @constraints.default
    def _constraints(self) -> tuple[int, ...]:
        return tuple(i for i, outcome in enumerate(self.outcomes) if outcome.is_constrained)

    @classmethod
    def of(
        cls,
        space: Space,
        seed: int = 0,
        goal: Goal | None = None,
        settings: Settings | None = None,
        objectives: Mapping[str, Objective] | None = None,
        constraints: Mapping[str, Bound | Sequence[Bound]] | None = None,
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
        outcomes = outcomes_of(goal, objectives, constraints)
        return cls(space, outcomes, _part(settings, Policy), _part(settings, Method), int(seed))

    @property
    def has_scale(self) -> bool:
        """Tell whether any two results compare: one objective, or weights for several."""
        return len(self.objectives) == 1 or self.outcomes[self.objectives[0]].weight is not None

    def value(self, numbers: Numbers) -> float:
        """Return what is maximised: the objective, or the weighted sum of several."""
        if len(self.objectives) == 1:
            position = self.objectives[0]
            return self.outcomes[position].sign * numbers[position]
        wanted = ((self.outcomes[i], numbers[i]) for i in self.objectives)
        pairs = [((outcome.weight or 1.0) * outcome.sign, number) for outcome, number in wanted]
        terms = [weight * number for weight, number in pairs]
        try:
            if all(map(math.isfinite, terms)):
                return math.fsum(terms)
        except OverflowError:  # on the way; the sum itself may be small
            pass
        exact = sum(Fraction(weight) * Fraction(number) for weight, number in pairs)
        try:
            return float(exact)
        except OverflowError:
            return math.inf if exact > 0 else -math.inf

    def holds(self, numbers: Numbers) -> bool:
        """Tell whether numbers keep within all bounds."""
        return not any(self.outcomes[i].violation(numbers[i]) for i in self.constraints)

    def uses(self, given: Collection[str] = ()) -> tuple[Use, ...]:
        """Return what a model has each outcome for, where those named are given."""
        objective: Use = "objective" if len(self.objectives) == 1 else "one of several"
        return tuple(
            "given" if one.name in given else objective if one.goal else "bound"
            for one in self.outcomes
        )

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
                raise TargetError(at_key("$.target", name), target[name], expected)
        return tuple(
            _number(target.get(name, NOTHING), f"$.target.{name}") for name in self.outcome_names
        )

    def deviations(self, std: Any) -> Deviations | None:
        """Return the standard deviations of a target, None where none is known.

        Raises:
            TargetError: a ``ValueError``; not a finite number >= 0, or not of an outcome.
        """
        if std is None:
            return None
        if not isinstance(std, Mapping):
            if len(self.outcomes) > 1:
                expected = f"numbers for some of {list(self.outcome_names)}, as a dict"
                raise TargetError("$.std", std, expected)
            return (_deviation(std, "$.std"),)
        for name in std:
            if name not in self.outcome_names:
                expected = f"only the outcomes {list(self.outcome_names)}"
                raise TargetError(at_key("$.std", name), std[name], expected)
        known = {name: _deviation(number, f"$.std.{name}") for name, number in std.items()}
        return tuple(known.get(name) for name in self.outcome_names) if known else None


def target_of(names: tuple[str, ...], numbers: Numbers) -> Any:
    """Return numbers as callers see them: one alone, or ``{outcome: number}``."""
    return numbers[0] if names == (TARGET,) else dict(zip(names, numbers, strict=True))


def std_of(names: tuple[str, ...], deviations: Deviations | None) -> Any:
    """Return deviations as callers tell and see them: one alone, or those known by name."""
    if deviations is None:
        return None
    if names == (TARGET,):
        return deviations[0]
    return {name: d for name, d in zip(names, deviations, strict=True) if d is not None}


def _deviation(value: Any, place: str) -> float:
    if not is_finite(value) or value < 0:
        raise TargetError(place, value, "a finite number >= 0")
    return float(value)


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
