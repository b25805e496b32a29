"""The exhaustive strategy: every configuration, in order."""

from __future__ import annotations

from typing import Any, ClassVar

import asktell as at
from strategies.base import TuneStrategy


class ExhaustiveTuneStrategy(TuneStrategy):
    """Try every configuration of the space, the default int8 configuration first."""

    name: ClassVar[str] = "exhaustive"

    def ask(self, state: at.State) -> tuple[at.State, dict[str, Any]] | None:
        """Return the next configuration that has no outcome yet."""
        space = state.space
        told = len(state.observations) + len(state.failures)
        # all before have been told, but for one: the FP32 model is known from the start
        for index in range(max(0, told - 1), space.size or 0):
            values = space.configuration(index)
            if not (state.observations.has_values(values) or state.failures.has_values(values)):
                return state, space.params(values)
        return None
