"""Outcomes that are known without an evaluation: as callers say it, and as the model gets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from asktell.asking.evidence import signs_of
from asktell.errors import DefinitionError, at_key
from asktell.model.kernels import Array
from asktell.model.posterior import Given
from asktell.numbers import is_finite
from asktell.space.space import Space, Values
from asktell.space.sum_of import SumOf
from asktell.study.problem import Problem

Known = Mapping[str, Callable[[Mapping[str, Any]], float]]
"""Outcomes that are known for every configuration: functions of params, by the outcome's name."""


def checked(problem: Problem, known: Any) -> Known:
    """Return what is known, in the order of the problem's outcomes.

    Raises:
        DefinitionError: a ``ValueError``; it is not a mapping from outcomes to functions.
    """
    names = problem.outcome_names
    if not isinstance(known, Mapping):
        raise DefinitionError("$.known", known, "a mapping from outcomes to functions of params")
    for name, function in known.items():
        if name not in names:
            raise DefinitionError(at_key("$.known", name), function, f"one of {list(names)}")
        if not callable(function):
            raise DefinitionError(at_key("$.known", name), function, "a function of params")
        if isinstance(function, SumOf):
            _on(function, problem.space, name)
    return {name: known[name] for name in names if name in known}


def given_of(problem: Problem, known: Known) -> Given:
    """Return the numbers of known outcomes at points, as the model sees them.

    Raises:
        DefinitionError: a ``ValueError``, when it is called; a function does not return a finite
            number.
    """
    signs = dict(zip(problem.outcome_names, signs_of(problem).tolist(), strict=True))
    own = np.array([signs[name] for name in known])
    sums = {
        place: _on(function, problem.space, name)
        for place, (name, function) in enumerate(known.items())
        if isinstance(function, SumOf)
    }
    others = {name: one for name, one in known.items() if not isinstance(one, SumOf)}
    rest = [place for place in range(len(known)) if place not in sums]
    asked = _asked(problem.space, others)

    def numbers(points: Array) -> Array:
        found = np.empty((len(points), len(known)))
        for place, summed in sums.items():
            found[:, place] = summed(points)
        if rest:
            found[:, rest] = asked(points)
        return np.asarray(found * own)

    return numbers


def _on(known: SumOf, space: Space, name: str) -> Callable[[Array], Array]:
    """Return the sums at points; what is wrong with them is said below the outcome's place."""
    place = at_key("$.known", name)
    try:
        sums = known.on(space)
    except DefinitionError as error:
        raise error.below(place) from None

    def at(points: Array) -> Array:
        try:
            return np.asarray(sums(points))
        except DefinitionError as error:
            raise error.below(place) from None

    return at


def _asked(space: Space, known: Known) -> Callable[[Array], Array]:
    """Return what asks functions of params, each once about the same ones."""
    remembered: dict[Values, list[float]] = {}

    def of(values: Values) -> list[float]:
        numbers = remembered.get(values)
        if numbers is None:
            numbers = []
            for name, function in known.items():
                number = function(space.params(values))
                if not is_finite(number):
                    raise DefinitionError(at_key("$.known", name), number, "a finite number")
                numbers.append(float(number))
            remembered[values] = numbers
        return numbers

    def numbers(points: Array) -> Array:
        rows = [of(values) for values in space.decode(points)]
        return np.array(rows, dtype=np.float64).reshape(len(points), len(known))

    return numbers
