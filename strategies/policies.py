"""The policies: which params to try next, as pure functions of the optimiser's state.

A policy evaluates nothing, keeps nothing and reads no clock: see ``runner`` for what does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import chain
from typing import Any, Protocol

from attrs import frozen

import asktell as at
from asktell.asking.known import Known

Proposal = tuple[at.State, dict[str, Any]]
"""The optimiser's next state, and the params to try."""

Params = Mapping[str, Any]

NO_MODEL = at.Settings(n_initial=2**31)
"""More initial points than any run has trials, so the initial design never ends."""


class Policy(Protocol):
    """What a strategy asks for the params to try next."""

    @property
    def name(self) -> str:
        """Return the name by which a configuration chooses the policy."""
        ...

    @property
    def settings(self) -> at.Settings:
        """Return the settings that a run starts its optimiser with."""
        ...

    @property
    def by_exactness(self) -> bool:
        """Tell whether what is known of how exact options are is made use of.

        Then the options are in order, as a model can make something of it, and if the default
        misses the criterion, the most exact quantised configuration goes next.
        """
        ...

    def ask(
        self, state: at.State, known: Known, unquantised: Params | None = None
    ) -> Proposal | None:
        """Return the next state and the params to try, or None when there are none left.

        What is known of outcomes without an evaluation may be used or not, and so may which params
        stand for the FP32 model, if any do.

        What is pending is out with other workers: it is not proposed again, and None with anything
        pending means that its outcome is waited for.

        A policy that returns the same state may propose the same params again until they have an
        outcome.
        """
        ...


@frozen
class EnginePolicy:
    """Propose what the engine suggests, under these settings.

    ``cautious`` makes less of savings while none of the models that were tried holds the
    constraints: see :func:`cautiously`.
    """

    name: str
    settings: at.Settings
    by_exactness: bool = False
    cautious: bool = False

    def ask(
        self, state: at.State, known: Known, unquantised: Params | None = None
    ) -> Proposal | None:
        """Return the engine's next suggestion."""
        if self.cautious:
            known = cautiously(state, known, unquantised)
        try:
            state, (suggestion,) = at.suggest(state, known=known)
        except at.SpaceExhausted:
            return None
        return state, suggestion.params


@frozen
class ExhaustivePolicy:
    """Propose every configuration of a finite space, in order."""

    name: str
    settings: at.Settings
    by_exactness: bool = False

    def ask(
        self, state: at.State, known: Known, unquantised: Params | None = None
    ) -> Proposal | None:
        """Return the next configuration that is new, and the state as it is."""
        space, trials = state.space, len(state.history)
        size = space.size or 0
        # In a run, everything before this index is told or pending, so it is looked at last.
        start = min(max(0, trials - 1), size)
        for index in chain(range(start, size), range(start)):
            values = space.configuration(index)
            if not state.is_taken(values):
                return state, space.params(values)
        return None


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

    def size(params: Params) -> float:
        saved = 1.0 - size_of(params) / whole
        return whole * (1.0 - math.copysign(abs(saved) ** exponent, saved))

    return {**known, name: size}


BAYESIAN = EnginePolicy("bayesian", at.Settings(n_initial=2), by_exactness=True, cautious=True)
"""The model decides at once: two outcomes, of the default and the FP32 model, are known by then."""

RANDOM = EnginePolicy("random", NO_MODEL)
"""Scrambled Sobol points, spread evenly over the space, without repeats."""

EXHAUSTIVE = ExhaustivePolicy("exhaustive", at.Settings())
"""The engine only keeps the outcomes: it suggests nothing, so its settings do not matter."""
