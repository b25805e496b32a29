"""Outcomes that are known without an evaluation: as callers say it, and as the model gets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from asktell.asking.evidence import signs_of
from asktell.errors import DefinitionError, at_key
from asktell.model.posterior import Given
from asktell.numbers import is_finite
from asktell.space.space import Values
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
    return {name: known[name] for name in names if name in known}


def given_of(problem: Problem, known: Known) -> Given:
    """Return the numbers of known outcomes at points, as the model sees them.

    Raises:
        DefinitionError: a ``ValueError``, when it is called; a function does not return a finite
            number.
    """
    names, signs, space = problem.outcome_names, signs_of(problem), problem.space
    remembered: dict[Values, list[float]] = {}

    def of(values: Values) -> list[float]:
        numbers = remembered.get(values)
        if numbers is None:
            numbers = []
            for name, function in known.items():
                number = function(space.params(values))
                if not is_finite(number):
                    raise DefinitionError(at_key("$.known", name), number, "a finite number")
                numbers.append(float(number) * signs[names.index(name)])
            remembered[values] = numbers
        return numbers

    return lambda points: np.array([of(values) for values in space.decode(points)]).reshape(
        len(points), len(known)
    )
