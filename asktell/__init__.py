"""Ask/tell Bayesian optimisation, decoupled from execution, whose whole state is a plain dict."""

from asktell import errors
from asktell.acquisition.acq_max import acq_max
from asktell.acquisition.improvement import (
    ExpectedImprovement,
    LogExpectedImprovement,
    UpperConfidenceBound,
)
from asktell.acquisition.target_space import TargetSpace
from asktell.asking.know import (
    best,
    best_observed,
    hypervolume,
    hypervolumes,
    pareto,
    posterior,
    predict,
)
from asktell.asking.suggest import suggest
from asktell.engine import Engine
from asktell.errors import SpaceExhausted
from asktell.space.bounds import AtLeast, AtMost
from asktell.space.constraints import Forbidden, Linear, Ordered, Simplex
from asktell.space.parameters import Bool, Categorical, Float, Int, Ordinal
from asktell.space.space import Space
from asktell.space.sum_of import SumOf
from asktell.space.trend import Trend
from asktell.state import State
from asktell.study.change import Change
from asktell.study.outcomes import Maximize, Minimize
from asktell.study.problem import Settings
from asktell.study.trials import Trial
from asktell.study.views import Failure, Observation, Suggestion
from asktell.telling import (
    Delivery,
    Outcome,
    amend,
    change_space,
    deliver,
    deliver_failure,
    enqueue,
    expire,
    fail,
    forget,
    learn_from,
    observe,
    observe_batch,
    renew,
    retry,
    retry_failed,
)

__version__ = "0.1.0"

__all__ = [
    "AtLeast",
    "AtMost",
    "Bool",
    "Categorical",
    "Change",
    "Delivery",
    "Engine",
    "ExpectedImprovement",
    "Failure",
    "Float",
    "Forbidden",
    "Int",
    "Linear",
    "LogExpectedImprovement",
    "Maximize",
    "Minimize",
    "Observation",
    "Ordered",
    "Ordinal",
    "Outcome",
    "Settings",
    "Simplex",
    "Space",
    "SpaceExhausted",
    "State",
    "Suggestion",
    "SumOf",
    "TargetSpace",
    "Trend",
    "Trial",
    "UpperConfidenceBound",
    "acq_max",
    "amend",
    "best",
    "best_observed",
    "change_space",
    "deliver",
    "deliver_failure",
    "enqueue",
    "errors",
    "expire",
    "fail",
    "forget",
    "hypervolume",
    "hypervolumes",
    "learn_from",
    "observe",
    "observe_batch",
    "pareto",
    "posterior",
    "predict",
    "renew",
    "retry",
    "retry_failed",
    "suggest",
]


def __dir__() -> list[str]:
    """Return what users need; the folders inside are for those who work on asktell."""
    return [*__all__, "__all__", "__doc__", "__version__"]
