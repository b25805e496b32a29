"""Groups of operations, for models of many: a search over few parameters, within the same run.

A group is a stretch of the model, and one parameter: how many steps it has gone along its own
frontier of damage and cost. The model of the accuracy then learns from each trial about a dozen
groups, not about a hundred operations. What is proposed is spelt out in the parameters of the run;
what was tried of these that lies on the frontiers is told. Once that finds nothing better, the
operations are free again, each by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

from attrs import evolve, field, frozen

import asktell as at
from asktell.asking.known import Known
from strategies.knowledge import Knowledge
from strategies.policies.frontier import Frontier, frontier_of
from strategies.policies.policy import Context, Params

MANY, GROUPS = 32, 12
"""With more operations than that, they are put into so many groups. Six and twenty come to the same
(docs/decisions, number 14)."""

PATIENCE = 5
"""So many outcomes that are no better end the search in groups. With ten it comes to the same."""


@frozen(slots=False)
class Grouping:
    """The groups of a model's operations, each with its frontier, and what is left as it is.

    Attributes:
        frontiers: by the name of the group.
        base: the params of the whole model that say the rest, such as the calibration.
        canonical: returns the params of the run's space that give the same model.
    """

    frontiers: Mapping[str, Frontier]
    base: Params
    canonical: Callable[[Params], dict[str, Any]]
    space: at.Space = field(init=False)

    @space.default
    def _laid_out(self) -> at.Space:
        return at.Space(*(at.Int(name, 0, len(one.steps)) for name, one in self.frontiers.items()))

    @classmethod
    def of(
        cls, knowledge: Knowledge, base: Params, canonical: Callable[[Params], dict[str, Any]]
    ) -> Grouping | None:
        """Return groups of about as many operations each, in the order of the model.

        None where nothing is known to save anything, as of times that were not measured.
        """
        operations = knowledge.operations
        ends = [round(n * len(operations) / GROUPS) for n in range(GROUPS + 1)]
        frontiers = {}
        for first, end in pairwise(ends):
            some = operations[first:end]
            frontier = frontier_of(evolve(knowledge, operations=some), {})
            if frontier.steps:
                frontiers[f"{some[0].name} to {some[-1].name}"] = frontier
            base = {**base, **frontier.start}
        return cls(frontiers, base, canonical) if frontiers else None

    def spelt(self, params: Params) -> dict[str, Any]:
        """Return the params of the run that params of the groups stand for."""
        found = dict(self.base)
        for name, frontier in self.frontiers.items():
            found |= frontier.params(params[name])
        return self.canonical(found)

    def grouped(self, params: Params) -> dict[str, int] | None:
        """Return the params of the groups that stand for params of the run; None if none do."""
        found: dict[str, int] = {}
        for name, counts in self._counts.items():
            options = tuple(params[one] for one in self.frontiers[name].start)
            if options not in counts:
                return None
            found[name] = counts[options]
        return found if self.spelt(found) == params else None

    @cached_property
    def _counts(self) -> dict[str, dict[tuple[Any, ...], int]]:
        return {
            name: {tuple(one.params(count).values()): count for count in range(len(one.steps) + 1)}
            for name, one in self.frontiers.items()
        }

    def trends(self, trends: Mapping[str, at.Trend]) -> dict[str, at.Trend]:
        """Return how outcomes are expected to go along the parameters of the groups."""
        return {outcome: self._trend_of(trend) for outcome, trend in trends.items()}

    def _trend_of(self, trend: at.Trend) -> at.Trend:
        added = {name: dict(row) for name, row in trend.table}
        return at.Trend(
            {
                group: {
                    count: sum(
                        added[name][option]
                        for name, option in frontier.params(count).items()
                        if name in added
                    )
                    for count in range(len(frontier.steps) + 1)
                }
                for group, frontier in self.frontiers.items()
            }
        )

    def known(self, known: Known) -> Known:
        """Return known outcomes of params of the run as those of params of the groups."""
        return {name: self._of_groups(function) for name, function in known.items()}

    def _of_groups(self, function: Callable[[Params], float]) -> Callable[[Params], float]:
        if not isinstance(function, at.SumOf):
            return lambda params: function(self.spelt(params))
        owner = {one: name for name, some in self.frontiers.items() for one in some.start}
        parts: dict[tuple[str, ...], list[_NamedPart]] = {}
        for names, part in function.parts:
            groups = tuple(dict.fromkeys(owner[one] for one in names if one in owner))
            parts.setdefault(groups, []).append((names, part))
        rest = _Sum(tuple(parts.pop((), ())), self, ())
        summed: dict[str | tuple[str, ...], Callable[[dict[str, Any]], float]] = {
            groups: _Sum(tuple(some), self, groups) for groups, some in parts.items()
        }
        constant, through = function.constant + rest({}), function.through
        if not summed:  # nothing of it depends on the groups
            return lambda params: constant if through is None else through(constant)
        return at.SumOf(summed, constant, through)

    def state_of(self, state: at.State) -> at.State:
        """Return an optimiser of the groups that knows what a run tried on their frontiers."""
        grouped = at.State(evolve(state.problem, space=self.space))
        names = state.problem.outcome_names
        for one in state.observations:
            params = self.grouped(one.params)
            if params is not None:
                target = dict(zip(names, one.numbers, strict=True))
                grouped = at.observe(grouped, params, target, one.std or None)
        for failure in state.failures:
            params = self.grouped(failure.params)
            if params is not None:
                grouped = at.fail(grouped, params, failure.reason)
        for suggestion in state.pending:
            params = self.grouped(suggestion.params)
            if params is not None:
                grouped, _ = at.suggest(at.enqueue(grouped, params))
        return grouped


def suggested_in_groups(
    state: at.State, context: Context, known: Known, trends: Mapping[str, at.Trend]
) -> Params | None:
    """Return what an optimiser of groups suggests; None where operations are looked at singly.

    They are where they are few, where damages are not known, with several objectives, and where
    groups have come to nothing better lately, or to their end.
    """
    knowledge = context.knowledge
    if knowledge is None or not trends or len(knowledge.operations) <= MANY or _is_stuck(state):
        return None
    grouping = Grouping.of(knowledge, context.starts[0], context.canonical)
    if grouping is None:
        return None
    try:
        _, (suggestion,) = at.suggest(
            grouping.state_of(state), known=grouping.known(known), trends=grouping.trends(trends)
        )
    except at.SpaceExhausted:
        return None
    return grouping.spelt(suggestion.params)


def _is_stuck(state: at.State) -> bool:
    """Tell whether the last outcomes were no better than one before."""
    observations = state.observations
    if len(state.problem.objectives) > 1:
        return True
    if len(observations) <= PATIENCE:
        return False
    best = at.best_observed(state)
    return all(one.params != best.params for one in observations[-PATIENCE:])


_NamedPart = tuple[tuple[str, ...], Callable[[dict[str, Any]], float]]
"""A part of a known sum, and the names that it looks at."""


@frozen
class _Sum:
    """Parts of a known sum that look at the same groups."""

    parts: tuple[_NamedPart, ...]
    grouping: Grouping
    groups: tuple[str, ...]

    def __call__(self, params: Params) -> float:
        found = dict(self.grouping.base)
        for name in self.groups:
            found |= self.grouping.frontiers[name].params(params[name])
        return sum(part({one: found[one] for one in names}) for names, part in self.parts)
