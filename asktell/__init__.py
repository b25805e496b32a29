"""Ask/tell Bayesian optimisation, decoupled from execution, whose whole state is a plain dict."""

from asktell import errors
from asktell.acquisition.acq_max import acq_max
from asktell.acquisition.improvement import (
    ExpectedImprovement,
    LogExpectedImprovement,
    UpperConfidenceBound,
)
from asktell.acquisition.target_space import TargetSpace
from asktell.asking.core import best, posterior, suggest
from asktell.engine import Engine
from asktell.errors import SpaceExhausted
from asktell.space.parameters import Bool, Categorical, Float, Int, Ordinal
from asktell.space.space import Space
from asktell.study.state import Failure, Observation, Settings, State, Suggestion
from asktell.telling.delivery import (
    Delivery,
    Outcome,
    deliver,
    deliver_failure,
    fail,
    observe,
    observe_batch,
)
from asktell.telling.leases import expire, renew

__version__ = "0.1.0"

__all__ = [
    "Bool",
    "Categorical",
    "Delivery",
    "Engine",
    "ExpectedImprovement",
    "Failure",
    "Float",
    "Int",
    "LogExpectedImprovement",
    "Observation",
    "Ordinal",
    "Outcome",
    "Settings",
    "Space",
    "SpaceExhausted",
    "State",
    "Suggestion",
    "TargetSpace",
    "UpperConfidenceBound",
    "acq_max",
    "best",
    "deliver",
    "deliver_failure",
    "errors",
    "expire",
    "fail",
    "observe",
    "observe_batch",
    "posterior",
    "renew",
    "suggest",
]
