"""The policies that ask the engine: asktell's model decides, or nothing but chance."""

from __future__ import annotations

import math

from attrs import frozen

import asktell as at
from asktell.asking.beforehand import Trends
from asktell.asking.known import Known
from strategies.objective import ACCURACY, LATENCY
from strategies.policies.groups import suggested_in_groups
from strategies.policies.policy import Context, Params, Proposal, handed_out
from strategies.policies.script import Script, begin, next_of

NO_MODEL = at.Settings(n_initial=2**31)
"""More initial points than any run has trials, so the initial design never ends."""


@frozen
class EnginePolicy:
    """Propose what a script says first, and then what the engine suggests under these settings.

    ``cautious`` makes less of savings while none of the models that were tried holds the
    constraints (see :func:`cautiously`), and proposes nothing more once nothing can be smaller.
    Where errors and damages are known, the engine is told how the accuracy is expected to go.
    """

    name: str
    settings: at.Settings
    by_exactness: bool = False
    cautious: bool = False
    first: Script = begin

    def ask(self, state: at.State, context: Context) -> Proposal | None:
        """Return what is tried first, then the engine's next suggestion."""
        if self.cautious and is_smallest(state, context):
            return None
        first = next_of(self.first, state, context) if context.starts else None
        if first is not None:
            return handed_out(state, first)
        known = context.known
        if self.cautious:
            known = cautiously(state, known, context.unquantised)
        trends = trends_of(state, context)
        grouped = suggested_in_groups(state, context, known, trends)
        if grouped is not None:
            return handed_out(state, grouped)
        try:
            state, (suggestion,) = at.suggest(state, known=known, trends=trends)
        except at.SpaceExhausted:
            return None
        return state, suggestion.params


def is_smallest(state: at.State, context: Context) -> bool:
    """Tell whether a quantised model that holds the constraints is as small as any in the space."""
    objectives = state.problem.objectives
    if len(objectives) > 1 or not state.n_observed:
        return False
    name = state.problem.outcome_names[objectives[0]]
    size_of = context.known.get(name)
    if state.problem.outcomes[objectives[0]].goal != "minimize" or not isinstance(
        size_of, at.SumOf
    ):
        return False
    best = at.best_observed(state)
    is_tried = best.feasible and best.params != context.unquantised
    return is_tried and size_of(best.params) <= size_of.least(state.space)


def trends_of(state: at.State, context: Context) -> Trends:
    """Return how accuracy and latency are expected to go, where it was measured and matters."""
    knowledge, trends = context.knowledge, {}
    if knowledge is None:
        return {}
    wanted = {one.name: one for one in state.problem.outcomes}
    if ACCURACY in wanted and knowledge.measured:
        one = wanted[ACCURACY]
        lower = one.at_most is not None or one.goal == "minimize"
        trends[ACCURACY] = knowledge.trend(higher_is_better=not lower)
    if LATENCY in wanted and knowledge.fastest is not None:
        trends[LATENCY] = knowledge.trend_of_time()
    return trends


def cautiously(state: at.State, known: Known, unquantised: Params | None) -> Known:
    """Return a known size so that small savings count the more, the longer only FP32 will do.

    The engine weighs what a model saves with the probability that it holds the constraints. That
    leads to good models soon, but the first may take many trials. So until there is one, a share x
    of the FP32 model's bytes saved counts as x**(1 / sqrt(n)) with n configurations known.
    """
    goals = [outcome for outcome in state.problem.outcomes if outcome.goal]
    name = goals[0].name
    if unquantised is None or len(goals) > 1 or goals[0].goal != "minimize" or name not in known:
        return known
    if any(one.feasible and one.params != unquantised for one in state.observations):
        return known
    size_of, exponent = known[name], state.n_over**-0.5
    whole = size_of(unquantised)

    def cautious(size: float) -> float:
        saved = 1.0 - size / whole
        return whole * (1.0 - math.copysign(abs(saved) ** exponent, saved))

    if isinstance(size_of, at.SumOf):
        return {**known, name: at.SumOf(dict(size_of.parts), size_of.constant, cautious)}
    return {**known, name: lambda params: cautious(size_of(params))}


BAYESIAN = EnginePolicy("bayesian", at.Settings(n_initial=2), by_exactness=True, cautious=True)
"""The model decides at once: two outcomes, of the default and the FP32 model, are known by then."""

RANDOM = EnginePolicy("random", NO_MODEL)
"""Scrambled Sobol points, spread evenly over the space, without repeats."""
