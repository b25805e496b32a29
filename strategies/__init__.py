"""Tuning the quantisation of real models through asktell, under an accuracy limit."""

from strategies.bayesian import BayesianTuneStrategy
from strategies.conf import Conf
from strategies.exhaustive import ExhaustiveTuneStrategy
from strategies.page import write_report
from strategies.random import RandomTuneStrategy
from strategies.runner import TuneStrategy
from strategies.trial import Result, Trial
from strategies.workspace import tune

__all__ = [
    "BayesianTuneStrategy",
    "Conf",
    "ExhaustiveTuneStrategy",
    "RandomTuneStrategy",
    "Result",
    "Trial",
    "TuneStrategy",
    "tune",
    "write_report",
]
