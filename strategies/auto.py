"""The auto strategy: see ``policies/auto.py``."""

from __future__ import annotations

from strategies.policies import AUTO
from strategies.runner import TuneStrategy


class AutoTuneStrategy(TuneStrategy):
    """Try what is known to be good first, then what the engine suggests."""

    policy = AUTO
