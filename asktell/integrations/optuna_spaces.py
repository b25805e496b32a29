"""Optuna's define-by-run spaces as spaces of the engine, as the trials of a study show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import Any, TypeGuard

from attrs import frozen
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

import asktell as at
from asktell.errors import DefinitionError
from asktell.integrations.discovery import FEW, Seen, conditions_of
from asktell.integrations.held_choices import HeldChoices
from asktell.space.conditions import Where, plain_where
from asktell.space.parameters import Parameter
from asktell.space.space import Values

PARAMS = "asktell:params"
"""The attribute in which a trial tells other workers what it will evaluate."""

_TRIES = 6
"""So many trials at most have a value of a switch, however many parameters it makes active, before
the model alone decides on it. With four, one of ten studies of three branches missed the best one;
with six, none did."""

Distributions = Mapping[str, BaseDistribution]
Range = FloatDistribution | IntDistribution


def known_distributions(trials: Iterable[FrozenTrial]) -> dict[str, BaseDistribution]:
    """Return the parameters of all trials, in the order in which they are asked for.

    Ranges that differ from trial to trial are put together. What has one value only is left out,
    and so is what differs in more than its range.
    """
    known: dict[str, BaseDistribution | None] = {}
    order: list[str] = []
    for trial in sorted(trials, key=lambda trial: trial.number):
        place = 0
        for name, distribution in trial.distributions.items():
            if name in known:
                known[name] = _together(known[name], distribution)
            else:
                known[name] = distribution
                order.insert(place, name)
            place = order.index(name) + 1
    found = {name: known[name] for name in order}
    return {name: one for name, one in found.items() if one is not None and not one.single()}


def _together(one: BaseDistribution | None, other: BaseDistribution) -> BaseDistribution | None:
    """Return the least range around both, on one grid; None where there is none."""
    if one == other or one is None:
        return one
    if not (is_range(one) and is_range(other)) or type(one) is not type(other):
        return None
    if (one.log, one.step) != (other.log, other.step):
        return None
    both = copy(one)
    both.low, both.high = min(one.low, other.low), max(one.high, other.high)
    on_grid = all(both._contains(end) for end in (one.low, one.high, other.low, other.high))
    return both if on_grid else None


def is_range(distribution: Any) -> TypeGuard[Range]:
    """Tell whether a distribution is one of numbers from low to high."""
    return isinstance(distribution, Range)


def within(distribution: Range, value: float) -> Any:
    """Return the value of a range that is nearest to a number."""
    value = min(max(value, distribution.low), distribution.high)
    if distribution.step is not None:
        steps = round((value - distribution.low) / distribution.step)
        value = min(distribution.low + steps * distribution.step, distribution.high)
    return type(distribution.low)(value)


@frozen
class Modelled:
    """The parameters of a study that are modelled together, with what makes them active."""

    distributions: Distributions
    space: at.Space
    held: HeldChoices

    @classmethod
    def of(cls, distributions: Distributions, trials: Iterable[FrozenTrial]) -> Modelled | None:
        """Return those that the engine can hold, and whose absence the trials explain.

        None where there are none.
        """
        usable: dict[str, Parameter] = {}
        held = HeldChoices()
        for name, distribution in distributions.items():
            try:
                if not distribution.single():
                    usable[name] = _parameter(name, distribution, held)
            except DefinitionError:
                continue
        seen = []
        for trial in trials:
            values = _canonical(usable, distributions, held, trial.params)
            is_read = all(name in values for name in trial.params if name in usable)
            seen.append(Seen(values, trial.state == TrialState.COMPLETE and is_read))
        conditions = conditions_of(usable, seen)
        if not conditions:
            return None
        held = HeldChoices()
        parameters = [
            _parameter(name, distributions[name], held, where) for name, where in conditions.items()
        ]
        return cls(distributions, at.Space(*parameters), held)

    def params(self, values: Values) -> dict[str, Any]:
        """Return Optuna's params of the engine's values."""
        return self.held.outward(self.space.params(values))

    def internal(self, params: Mapping[str, Any]) -> dict[str, float]:
        """Return the params as numbers, which any storage keeps."""
        return {
            name: self.distributions[name].to_internal_repr(value) for name, value in params.items()
        }

    def values_of(self, trial: FrozenTrial) -> Values | None:
        """Return the engine's values of a trial, or None where they are not known.

        Of a trial that did not come to all its parameters, they are what it was going to evaluate.
        """
        if trial.state == TrialState.COMPLETE:
            return self._values(trial.params)
        return self._values({**self._noted(trial), **trial.params})

    def clipped(self, trial: FrozenTrial) -> Values | None:
        """Return what was proposed for a trial in place of the ends of its ranges.

        None where all that was proposed lay within them.
        """
        beyond = {
            name: value
            for name, value in self._noted(trial).items()
            if is_range(asked := trial.distributions.get(name))
            and not asked.low <= value <= asked.high
        }
        return self._values({**trial.params, **beyond}) if beyond else None

    def part(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the engine's values of some params, without those that are not modelled."""
        usable = {parameter.name: parameter for parameter in self.space.parameters}
        return _canonical(usable, self.distributions, self.held, params)

    def least_tried(self, trials: Iterable[FrozenTrial]) -> dict[str, Any]:
        """Return the value of a switch that too few trials had to judge what it makes active.

        It takes a few trials, and more the more it makes active: a model knows nothing of what a
        choice opens up that nobody made, and little after one trial.
        """
        rows = [values for trial in trials if (values := self.values_of(trial)) is not None]
        found: dict[str, Any] = {}
        least = 1.0
        for parent, value, n_children in _switches(self.space):
            index = self.space.index[parent]
            n_tried = sum(values[index] == value for values in rows)
            share = n_tried / min(3 + n_children, _TRIES)
            if share < least:
                found, least = {parent: value}, share
        return found

    def _noted(self, trial: FrozenTrial) -> dict[str, Any]:
        return {
            name: self.distributions[name].to_external_repr(number)
            for name, number in trial.system_attrs.get(PARAMS, {}).items()
            if name in self.distributions
        }

    def _values(self, params: Mapping[str, Any]) -> Values | None:
        """Return the values of params without what is not active; None where some are missing."""
        usable = {parameter.name: parameter for parameter in self.space.parameters}
        values = self.part(params)
        while inactive := [name for name in values if not _is_active(usable[name], values)]:
            for name in inactive:
                del values[name]
        try:
            return self.space.check(values)
        except ValueError:
            return None


def _canonical(
    usable: Mapping[str, Parameter],
    distributions: Distributions,
    held: HeldChoices,
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the engine's values of Optuna's params, without those that it does not know."""
    values = {}
    for name, value in params.items():
        if name not in usable:
            continue
        try:
            if name in held.choices:
                # not by equality: Optuna has its own, under which NaN is itself
                value = int(distributions[name].to_internal_repr(value))
            values[name] = usable[name].check(value)
        except ValueError:
            continue
    return values


def _switches(space: at.Space) -> Iterator[tuple[str, Any, int]]:
    """Yield the choices, or ends, of parameters that decide on others: name, value, on how many."""
    deciding = [pair for p in space.parameters if p.when is not None for pair in p.when.conditions]
    for parameter in space.parameters:
        conditions = [condition for name, condition in deciding if name == parameter.name]
        if not conditions:
            continue
        match parameter:
            case at.Categorical(choices=values) if len(values) <= FEW:
                pass
            case at.Int(low=low, high=high):
                values = (low, high)
            case _:
                values = ()
        for value in values:
            yield parameter.name, value, sum(condition.holds(value) for condition in conditions)


def _is_active(parameter: Parameter, values: Mapping[str, Any]) -> bool:
    return parameter.when is None or all(
        name in values and condition.holds(values[name])
        for name, condition in parameter.when.conditions
    )


# --- distributions and parameters ---


def _parameter(
    name: str, distribution: BaseDistribution, held: HeldChoices, where: Where | None = None
) -> Parameter:
    """Return the parameter that has the distribution's values.

    Raises:
        DefinitionError: the engine cannot hold them.
    """
    when = None if where is None else plain_where(where)
    match distribution:
        case FloatDistribution(low=low, high=high, log=log, step=step):
            return at.Float(name, low, high, log=log, step=step, when=when)
        case IntDistribution(low=low, high=high, log=log, step=step):
            return at.Int(name, low, high, log=log, step=step, when=when)
        case CategoricalDistribution(choices=choices):
            return held.categorical(name, choices, when)
    raise DefinitionError(f"$.{name}", distribution, "a float, int or categorical distribution")


def distribution_of(parameter: Parameter) -> BaseDistribution:
    """Return the distribution that has a parameter's values."""
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
