"""Ask/tell Bayesian optimisation, decoupled from execution, whose whole state is a plain dict."""

from asktell import errors
from asktell.acq_max import acq_max
from asktell.acquisition import ExpectedImprovement, LogExpectedImprovement, UpperConfidenceBound
from asktell.core import best, posterior, suggest
from asktell.delivery import (
    Delivery,
    Outcome,
    deliver,
    deliver_failure,
    fail,
    observe,
    observe_batch,
)
from asktell.engine import Engine
from asktell.errors import SpaceExhausted
from asktell.leases import expire, renew
from asktell.parameters import Bool, Categorical, Float, Int, Ordinal
from asktell.space import Space
from asktell.state import Failure, Observation, Settings, State, Suggestion
from asktell.target_space import TargetSpace

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
