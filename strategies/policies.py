"""The policies: which params to try next, as pure functions of the optimiser's state.

A policy evaluates nothing, keeps nothing and reads no clock: see ``runner`` for what does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, Protocol

from attrs import frozen

import asktell as at

Proposal = tuple[at.State, dict[str, Any]]
"""The optimiser's next state, and the params to try."""

Known = Mapping[str, Callable[[Mapping[str, Any]], float]]
"""Outcomes that can be worked out for any params, by name."""

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
    def second_start(self) -> bool:
        """Tell whether the most exact configuration is tried if the default one misses."""
        ...

    def ask(self, state: at.State, known: Known) -> Proposal | None:
        """Return the next state and the params to try, or None when there are none left.

        What is known of outcomes without an evaluation may be used or not.

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
    second_start: bool = False
    cautious: bool = False

    def ask(self, state: at.State, known: Known) -> Proposal | None:
        """Return the engine's next suggestion."""
        if self.cautious:
            known = cautiously(state, known)
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
    second_start: bool = False

    def ask(self, state: at.State, known: Known) -> Proposal | None:
        """Return the next configuration without an outcome, and the state as it is."""
        space = state.space
        told = {space.check(observation.params) for observation in state.observations}
        told |= {space.check(failure.params) for failure in state.failures}
        size = space.size or 0
        # In a run, everything before this index is told, so it is looked at last.
        start = min(max(0, len(told) - 1), size)
        for index in chain(range(start, size), range(start)):
            values = space.configuration(index)
            if values not in told:
                return state, space.params(values)
        return None


def cautiously(state: at.State, known: Known) -> Known:
    """Return what is known, with small savings as good as large ones the longer only FP32 will do.

    The engine weighs a saving with the probability that the constraints hold. That makes for good
    models soon, but it may take many trials before the first holds them. So until then a share
    ``x`` of the FP32 model's bytes, saved, counts as ``x ** (1 / n)`` in trial ``n``.
    """
    objectives = state.problem.outcomes[0], *state.problem.outcomes[1:]
    wanted = [outcome.name for outcome in objectives if outcome.goal == "minimize"]
    goals = [outcome for outcome in objectives if outcome.goal]
    if len(goals) > 1 or not known.keys() & {*wanted} or not state.n_observed:
        return known
    best, first = at.best(state), state.observations[0]
    if not best.feasible or best.params != first.params:
        return known
    (name,) = known
    size_of, exponent = known[name], 1.0 / state.n_over
    whole = float(first.target[name])

    def size(params: Mapping[str, Any]) -> float:
        saved = 1.0 - size_of(params) / whole
        return whole * (1.0 - math.copysign(abs(saved) ** exponent, saved))

    return {name: size}


BAYESIAN = EnginePolicy("bayesian", at.Settings(n_initial=2), second_start=True, cautious=True)
"""The model decides at once: two outcomes, of the default and the FP32 model, are known by then."""

RANDOM = EnginePolicy("random", NO_MODEL)
"""Scrambled Sobol points, spread evenly over the space, without repeats."""

EXHAUSTIVE = ExhaustivePolicy("exhaustive", at.Settings())
"""The engine only keeps the outcomes: it suggests nothing, so its settings do not matter."""
