"""The policies: which params to try next, as pure functions of the optimiser's state.

A policy evaluates nothing, keeps nothing and reads no clock: see ``runner`` for what does.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, Protocol

from attrs import frozen

import asktell as at

Proposal = tuple[at.State, dict[str, Any]]
"""The optimiser's next state, and the params to try."""

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

    def ask(self, state: at.State) -> Proposal | None:
        """Return the next state and the params to try, or None when there are none left.

        A policy that returns the same state may propose the same params again until they have an
        outcome.
        """
        ...


@frozen
class EnginePolicy:
    """Propose what the engine suggests, under these settings."""

    name: str
    settings: at.Settings

    def ask(self, state: at.State) -> Proposal | None:
        """Return the engine's next suggestion."""
        try:
            state, (suggestion,) = at.suggest(state)
        except at.SpaceExhausted:
            return None
        return state, suggestion.params


@frozen
class ExhaustivePolicy:
    """Propose every configuration of a finite space, in order."""

    name: str
    settings: at.Settings

    def ask(self, state: at.State) -> Proposal | None:
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


BAYESIAN = EnginePolicy("bayesian", at.Settings(n_initial=2))
"""The model decides at once: two outcomes, of the default and the FP32 model, are known by then."""

RANDOM = EnginePolicy("random", NO_MODEL)
"""Scrambled Sobol points, spread evenly over the space, without repeats."""

EXHAUSTIVE = ExhaustivePolicy("exhaustive", at.Settings())
"""The engine only keeps the outcomes: it suggests nothing, so its settings do not matter."""
