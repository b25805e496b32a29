"""The exhaustive strategy: every configuration, in order."""

from __future__ import annotations

from strategies.policies import EXHAUSTIVE
from strategies.runner import TuneStrategy


class ExhaustiveTuneStrategy(TuneStrategy):
    """Try every configuration of the space, the default int8 configuration first."""

    policy = EXHAUSTIVE
