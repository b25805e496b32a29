"""Tuning the quantisation of real models through asktell, under an accuracy limit."""

from strategies.auto import AutoTuneStrategy
from strategies.basic import BasicTuneStrategy
from strategies.bayesian import BayesianTuneStrategy
from strategies.conf import Conf
from strategies.conservative import ConservativeTuneStrategy
from strategies.exhaustive import ExhaustiveTuneStrategy
from strategies.hawq import HAWQTuneStrategy
from strategies.mse import MSETuneStrategy
from strategies.page import write_report
from strategies.random import RandomTuneStrategy
from strategies.runner import TuneStrategy
from strategies.trial import Result, Trial
from strategies.workspace import tune

__all__ = [
    "AutoTuneStrategy",
    "BasicTuneStrategy",
    "BayesianTuneStrategy",
    "Conf",
    "ConservativeTuneStrategy",
    "ExhaustiveTuneStrategy",
    "HAWQTuneStrategy",
    "MSETuneStrategy",
    "RandomTuneStrategy",
    "Result",
    "Trial",
    "TuneStrategy",
    "tune",
    "write_report",
]
