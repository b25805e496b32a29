"""The basic strategy: see ``policies/basic.py``."""

from __future__ import annotations

from strategies.policies import BASIC
from strategies.runner import TuneStrategy


class BasicTuneStrategy(TuneStrategy):
    """Neural Compressor's order: variants of the whole model, then fallbacks to FP32."""

    policy = BASIC
