"""The policy that leaves nothing out."""

from __future__ import annotations

from itertools import chain

from attrs import frozen

import asktell as at
from strategies.policies.policy import Context, Proposal, handed_out
from strategies.policies.script import begin, next_of


@frozen
class ExhaustivePolicy:
    """Propose every configuration of a finite space, in order."""

    name: str
    settings: at.Settings
    by_exactness: bool = False

    def ask(self, state: at.State, context: Context) -> Proposal | None:
        """Return the next configuration that is not taken."""
        if context.starts and (first := next_of(begin, state, context)) is not None:
            return handed_out(state, first)
        space = state.space
        size = space.size or 0
        # In a run, everything before this index is told, so it is looked at last.
        start = min(max(0, len(state.observations) + len(state.failures) - 1), size)
        for index in chain(range(start, size), range(start)):
            values = space.configuration(index)
            if not state.is_taken(values):
                return handed_out(state, space.params(values))
        return None


EXHAUSTIVE = ExhaustivePolicy("exhaustive", at.Settings())
"""The engine only keeps the outcomes: it suggests nothing, so its settings do not matter."""
