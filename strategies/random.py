"""The random strategy: configurations spread evenly over the space, without repeats."""

from __future__ import annotations

from strategies.policies import RANDOM
from strategies.runner import TuneStrategy


class RandomTuneStrategy(TuneStrategy):
    """Try the default int8 configuration first, then scrambled Sobol points: no model is fitted."""

    policy = RANDOM
