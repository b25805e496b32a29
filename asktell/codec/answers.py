"""What the command line answers, and a service would: values as plain dicts, for programs to read.

No state can be made from these: see ``state_document`` for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asktell.model.kernels import Array
from asktell.study.change import Change
from asktell.study.outcomes import TARGET, Outcome
from asktell.study.problem import Problem, target_of
from asktell.study.trials import Trial
from asktell.study.views import Observation, Suggestion, summary_of

Answer = dict[str, Any]
"""One line of output; with the key ``error`` something was refused."""


def suggestion_answer(suggestion: Suggestion) -> Answer:
    """Return a suggestion, with the end of its lease if it has one."""
    answer = {"id": suggestion.id, "params": suggestion.params, "origin": suggestion.origin}
    return answer if suggestion.expires is None else {**answer, "expires": suggestion.expires}


def observation_answer(problem: Problem, observation: Observation) -> Answer:
    """Return an observation; where there are constraints, with whether it holds them."""
    answer = {"id": observation.id, "params": observation.params}
    return {**answer, **_measured(problem, observation)}


def trial_answer(problem: Problem, trial: Trial) -> Answer:
    """Return a trial as it is now."""
    answer: Answer = {"trial": trial.number, "status": trial.status, "ids": list(trial.ids)}
    answer["params"] = trial.params
    if trial.results:
        answer |= _measured(problem, summary_of(problem, trial))
    elif trial.reason is not None:
        answer["reason"] = trial.reason
    return answer


def change_answers(change: Change) -> list[Answer]:
    """Return what became of each trial, and of params that were enqueued and cannot be any more."""
    kept: list[Answer] = [{"trial": number, "kept": True} for number in change.kept]
    left_out = [{"trial": n, "kept": False, "reason": reason} for n, reason in change.left_out]
    trials = sorted(kept + left_out, key=lambda answer: answer["trial"])
    dropped = [{"enqueued": p, "kept": False, "reason": reason} for p, reason in change.dropped]
    return trials + dropped


def prediction_answers(
    params: Sequence[dict[str, Any]], predicted: Mapping[str, tuple[Array, Array]]
) -> list[Answer]:
    """Return what a model expects of each params."""
    names = tuple(predicted)
    means = zip(*(mean.tolist() for mean, _ in predicted.values()), strict=True)
    deviations = zip(*(deviation.tolist() for _, deviation in predicted.values()), strict=True)
    return [
        {"params": one, "mean": target_of(names, mean), "deviation": target_of(names, deviation)}
        for one, mean, deviation in zip(params, means, deviations, strict=True)
    ]


def goals_answer(problem: Problem) -> Answer:
    """Return what is wanted: the goal of a plain study, or all outcomes as a space file has them.

    One objective is shown as ``goal`` as well, whatever its name.
    """
    answer: Answer = {}
    objectives = [problem.outcomes[i] for i in problem.objectives]
    if len(objectives) == 1:
        answer["goal"] = objectives[0].goal
    if problem.outcomes != (Outcome(TARGET, objectives[0].goal),):
        answer["objectives"] = {one.name: _objective(one) for one in objectives}
    if problem.constraints:
        constrained = [problem.outcomes[i] for i in problem.constraints]
        answer["outcome_constraints"] = {one.name: _bounds(one) for one in constrained}
    return answer


def _objective(outcome: Outcome) -> Any:
    given = {"weight": outcome.weight, "reference": outcome.reference}
    rest = {name: number for name, number in given.items() if number is not None}
    return {"goal": outcome.goal, **rest} if rest else outcome.goal


def _bounds(outcome: Outcome) -> dict[str, float]:
    given = {"at_least": outcome.at_least, "at_most": outcome.at_most}
    return {name: number for name, number in given.items() if number is not None}


def _measured(problem: Problem, observation: Observation) -> Answer:
    answer = {"target": observation.target}
    if observation.std is not None:
        answer["std"] = observation.std
    if observation.expected is not None:
        answer["expected"] = observation.expected
    if problem.constraints:
        answer["feasible"] = observation.feasible
    return answer
