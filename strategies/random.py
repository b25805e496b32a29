"""The random strategy: configurations spread evenly over the space, without repeats."""

from __future__ import annotations

from typing import Any, ClassVar

import asktell as at
from strategies.base import TuneStrategy, suggested


class RandomTuneStrategy(TuneStrategy):
    """Try the default int8 configuration first, then scrambled Sobol points.

    It is the engine without its model: the initial design never ends.
    """

    name: ClassVar[str] = "random"
    settings: ClassVar[at.Settings] = at.Settings(n_initial=2**31)

    def ask(self, state: at.State) -> tuple[at.State, dict[str, Any]] | None:
        """Return what the engine suggests."""
        return suggested(state)
