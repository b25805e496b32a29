"""The mse strategy: see ``policies/mse.py``."""

from __future__ import annotations

from strategies.policies import MSE
from strategies.runner import TuneStrategy


class MSETuneStrategy(TuneStrategy):
    """Fall back to FP32 by the error of each operation's own output."""

    policy = MSE
