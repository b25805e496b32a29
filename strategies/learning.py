"""What is found out before the first trial: what options do to the outputs, and to the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from strategies.evaluation import Evaluation
from strategies.knowledge import Knowledge, choices_of, knowledge_of
from strategies.objective import LATENCY
from strategies.report import log_knowledge, log_times
from strategies.stopwatch import Clock
from strategies.timesheet import EVALUATING, MEASURING
from strategies.timing import Times, timed
from strategies.tuning_space import TuningSpace

LEAST_SECONDS = 10.0
EVALUATIONS = 3.0
SHARE = 0.2
"""So long options are timed at most: ten seconds or, if that is longer, as long as so many
evaluations take; and no more than a share of the time that the whole run has."""


def learnt(
    evaluation: Evaluation,
    space: TuningSpace,
    size_of: Callable[[Mapping[str, Any]], float],
    clock: Clock,
) -> Knowledge:
    """Return what every option of every operation does, once the FP32 model was measured."""
    started = clock()
    options = {key: tuple(some.values()) for key, some in space.operations.items()}
    sensitivities = evaluation.sensitivities(options)
    seconds = clock() - started
    times = _times(evaluation, space, clock)
    knowledge = knowledge_of(space, sensitivities, size_of, times, evaluation.conf.objectives)
    log_knowledge(knowledge, seconds)
    return knowledge


def _times(evaluation: Evaluation, space: TuningSpace, clock: Clock) -> Times | None:
    """Time options, where latency matters and no hook may change the models."""
    if LATENCY not in evaluation.conf.measured or evaluation.is_changed:
        return None
    started = clock()
    times = timed(
        choices_of(space),
        space.default(),
        lambda params, wanted: evaluation.share_of_time(space.tune_cfg(params), wanted),
        _seconds(evaluation),
        clock,
    )
    if times is not None:
        log_times(times, clock() - started)
    return times


def _seconds(evaluation: Evaluation) -> float:
    """Return how long options may be timed."""
    measured, limit = evaluation.timesheet.seconds, evaluation.conf.exit_policy.timeout
    one = measured.get(EVALUATING, 0.0) + measured.get(MEASURING, 0.0)
    seconds = max(LEAST_SECONDS, EVALUATIONS * one)
    return min(seconds, SHARE * limit) if limit else seconds
