"""The policies: which params to try next, as pure functions of the optimiser's state.

A policy evaluates nothing, keeps nothing and reads no clock: see ``runner`` for what does.
"""

from strategies.policies.auto import AUTO
from strategies.policies.basic import BASIC
from strategies.policies.conservative import CONSERVATIVE
from strategies.policies.engine import (
    BAYESIAN,
    NO_MODEL,
    RANDOM,
    EnginePolicy,
    cautiously,
    is_smallest,
)
from strategies.policies.exhaustive import EXHAUSTIVE, ExhaustivePolicy
from strategies.policies.hawq import HAWQ
from strategies.policies.mse import MSE
from strategies.policies.policy import Context, Params, Policy, Proposal
from strategies.policies.script import Outcome, Script, Steps

__all__ = [
    "AUTO",
    "BASIC",
    "BAYESIAN",
    "CONSERVATIVE",
    "EXHAUSTIVE",
    "HAWQ",
    "MSE",
    "NO_MODEL",
    "RANDOM",
    "Context",
    "EnginePolicy",
    "ExhaustivePolicy",
    "Outcome",
    "Params",
    "Policy",
    "Proposal",
    "Script",
    "Steps",
    "cautiously",
    "is_smallest",
]
