"""The Bayesian strategy: asktell's model decides."""

from __future__ import annotations

from strategies.policies import BAYESIAN
from strategies.runner import TuneStrategy


class BayesianTuneStrategy(TuneStrategy):
    """Try the default int8 configuration first, then what the engine suggests."""

    policy = BAYESIAN
