"""The hawq strategy: see ``policies/hawq.py``."""

from __future__ import annotations

from strategies.policies import HAWQ
from strategies.runner import TuneStrategy


class HAWQTuneStrategy(TuneStrategy):
    """Search along the frontier of damage and cost: bytes, time or both."""

    policy = HAWQ
