"""What callers tell: results, failures, leases, corrections. State in, state out."""

from asktell.telling.change import change_space, learn_from
from asktell.telling.correct import amend, forget, retry, retry_failed
from asktell.telling.delivery import (
    Delivery,
    Outcome,
    Reported,
    Std,
    Target,
    deliver,
    deliver_failure,
    fail,
    observe,
    observe_batch,
)
from asktell.telling.identify import TrialLike, trial_of
from asktell.telling.leases import expire, renew
from asktell.telling.wishes import enqueue

__all__ = [
    "Delivery",
    "Outcome",
    "Reported",
    "Std",
    "Target",
    "TrialLike",
    "amend",
    "change_space",
    "deliver",
    "deliver_failure",
    "enqueue",
    "expire",
    "fail",
    "forget",
    "learn_from",
    "observe",
    "observe_batch",
    "renew",
    "retry",
    "retry_failed",
    "trial_of",
]
