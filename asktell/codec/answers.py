"""What the command line answers, and a service would: values as plain dicts, for programs to read.

No state can be made from these: see ``state_document`` for that.
"""

from __future__ import annotations

from typing import Any

from asktell.study.trials import Trial
from asktell.study.views import Observation, Suggestion

Answer = dict[str, Any]
"""One line of output; with the key ``error`` something was refused."""


def suggestion_answer(suggestion: Suggestion) -> Answer:
    """Return a suggestion, with the end of its lease if it has one."""
    answer = {"id": suggestion.id, "params": suggestion.params, "origin": suggestion.origin}
    return answer if suggestion.expires is None else {**answer, "expires": suggestion.expires}


def observation_answer(observation: Observation) -> Answer:
    """Return an observation."""
    return {"id": observation.id, "params": observation.params, "target": observation.target}


def trial_answer(trial: Trial) -> Answer:
    """Return a trial as it is now."""
    answer: Answer = {"trial": trial.number, "status": trial.status, "ids": list(trial.ids)}
    answer["params"] = trial.params
    if trial.results:
        answer["target"] = trial.target
    elif trial.reason is not None:
        answer["reason"] = trial.reason
    return answer
