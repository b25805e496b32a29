"""The conservative strategy: see ``policies/conservative.py``."""

from __future__ import annotations

from strategies.policies import CONSERVATIVE
from strategies.runner import TuneStrategy


class ConservativeTuneStrategy(TuneStrategy):
    """Begin with FP32, and quantise what meets the criterion."""

    policy = CONSERVATIVE
