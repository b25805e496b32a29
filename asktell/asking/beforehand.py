"""What callers say of outcomes beforehand: which are known, and how others are expected to go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from asktell.asking.known import Known, checked
from asktell.errors import DefinitionError, at_key
from asktell.space.trend import Sums, Trend
from asktell.study.problem import Problem

Trends = Mapping[str, Trend]
"""How outcomes are expected to go, by their names."""


@frozen(eq=False)
class Beforehand:
    """What is said of outcomes before they are measured.

    Attributes:
        known: outcomes that are known for every configuration.
        trends: of other outcomes, the sums on the unit cube.
    """

    known: Known = field(factory=dict)
    trends: Mapping[str, Sums] = field(factory=dict)

    def says_of_all(self, problem: Problem) -> bool:
        """Tell whether there is a trend, and every outcome has one or is known."""
        names = problem.outcome_names
        return bool(self.trends) and all(n in self.trends or n in self.known for n in names)


def beforehand_of(problem: Problem, known: Any, trends: Any) -> Beforehand:
    """Return what is said beforehand, checked. A trend of what is known is of no account.

    Raises:
        DefinitionError: a ``ValueError``; one of the two is not a mapping from outcomes to
            functions or to trends, or a trend is not of the problem's space.
    """
    given = {} if known is None else checked(problem, known)
    sums = {} if trends is None else _sums(problem, trends)
    return Beforehand(given, {name: some for name, some in sums.items() if name not in given})


def _sums(problem: Problem, trends: Any) -> dict[str, Sums]:
    names, found = problem.outcome_names, {}
    if not isinstance(trends, Mapping):
        raise DefinitionError("$.trends", trends, "a mapping from outcomes to trends")
    for name, trend in trends.items():
        place = at_key("$.trends", name)
        if name not in names:
            raise DefinitionError(place, trend, f"one of {list(names)}")
        if not isinstance(trend, Trend):
            raise DefinitionError(place, trend, "a Trend")
        try:
            found[name] = trend.on(problem.space)
        except DefinitionError as error:
            raise error.below(place) from None
    return {name: found[name] for name in names if name in found}
