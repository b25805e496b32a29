"""The Bayesian strategy: asktell's engine decides."""

from __future__ import annotations

from typing import Any, ClassVar

import asktell as at
from strategies.base import TuneStrategy, suggested


class BayesianTuneStrategy(TuneStrategy):
    """Try the default int8 configuration first, then what the engine suggests."""

    name: ClassVar[str] = "bayesian"

    def ask(self, state: at.State) -> tuple[at.State, dict[str, Any]] | None:
        """Return what the engine suggests."""
        return suggested(state)
