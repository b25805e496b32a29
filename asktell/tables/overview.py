"""What a person wants to know of a study at a glance, as one plain dict. No model is asked."""

from __future__ import annotations

from typing import Any

from asktell.asking import know
from asktell.codec.answers import goals_answer
from asktell.codec.event_rows import event_rows
from asktell.state import State
from asktell.study.events import TrialEvent
from asktell.study.problem import Problem
from asktell.study.ranking import value_of
from asktell.study.trials import Trial
from asktell.study.views import Observation
from asktell.tables.rows import Study, state_of, trial_rows

LAST = 8
"""How many of the last trials an overview has."""


def overview(study: State | Study, now: float | None = None) -> dict[str, Any]:
    """Return what a study has come to, as plain values.

    The keys are ``goal``, ``objectives`` and ``outcome_constraints``, as in a space file;
    ``counts``, by status, and how many are left out of the space, where any are; ``best``, the row
    of the best trial that was observed, and ``front``, the rows of a front of several objectives;
    ``best_so_far``, after each result that holds the
    constraints, in order of arrival (the weighted sum of several objectives); ``failures``, by the
    last line of their reasons; ``pending`` and ``due``; ``last``, the rows of the last trials;
    ``now``, as given. Rows are those of :func:`asktell.tables.trial_rows`.

    Args:
        study: an engine, or a state.
        now: the moment on the study's clock, for how long pending suggestions have been out.
    """
    state = state_of(study)
    problem, trials = state.problem, state.kept
    found: dict[str, Any] = {
        **goals_answer(problem),
        "seed": problem.seed,
        "counts": _counts(problem, trials),
    }
    if rest := len(state.trials) - len(trials):
        found["counts"]["left_out"] = rest
    if problem.has_scale:
        best = know.best_or_none(state)
        found["best"] = trial_rows(state, _trials_of(state, [best]))[0] if best else None
        found["best_so_far"] = _best_so_far(problem, trials)
    if len(problem.objectives) > 1:
        found["front"] = trial_rows(state, _trials_of(state, know.pareto(state)))
    found["failures"] = _failures(trials)
    found["pending"] = [_pending(state, ticket_id, now) for ticket_id in state.out]
    found["due"] = [state.history.trial(number).params for number in state.queue]
    found["last"] = trial_rows(state, state.trials[-LAST:])
    found["now"] = now
    return found


def last_line(text: str) -> str:
    """Return the last line of a text that says something: of a traceback, what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def trial_story(state: State, trial: Trial) -> dict[str, Any]:
    """Return the row of a trial, and under ``events`` the rows of all that happened to it."""
    ids = set(trial.ids)
    named = [trial.params] + ([trial.known.params] if trial.known else [])
    events = [
        event
        for event in state.events
        if isinstance(event, TrialEvent)
        and (event.id in ids or (event.configuration and event.configuration.params in named))
    ]
    names = state.problem.outcome_names
    return {**trial_rows(state, [trial])[0], "events": event_rows(events, names)}


def _counts(problem: Problem, trials: list[Trial]) -> dict[str, int]:
    counts = dict.fromkeys(("observed", "failed", "pending", "queued", "forgotten"), 0)
    for trial in trials:
        counts[trial.status] += 1
    counts = {"trials": len(trials), **counts}
    if problem.constraints:
        results = [result for trial in trials for result in trial.results]
        counts["feasible"] = sum(problem.holds(result.numbers) for result in results)
    return counts


def _trials_of(state: State, observations: list[Observation]) -> list[Trial]:
    found = [state.history.of_values(one.configuration.values) for one in observations]
    return [trial for trial in found if trial is not None]


def _best_so_far(problem: Problem, trials: list[Trial]) -> list[float]:
    sign = problem.outcomes[problem.objectives[0]].sign if len(problem.objectives) == 1 else 1.0
    observed = [trial for trial in trials if trial.is_observed]
    observed.sort(key=lambda trial: trial.results[0].arrival)
    best: list[float] = []
    for trial in observed:
        value = value_of(problem, trial)
        if value is not None:
            best.append(max(value, best[-1]) if best else value)
    return [sign * value for value in best]


def _failures(trials: list[Trial]) -> list[dict[str, Any]]:
    """Return the failed trials by the last line of their reasons, the most frequent first."""
    groups: dict[str, dict[str, Any]] = {}
    for trial in trials:
        if trial.status == "failed":
            reason = last_line(trial.reason or "")
            empty = {"reason": reason, "count": 0, "trials": [], "ids": []}
            group = groups.setdefault(reason, empty)
            group["count"] += 1
            group["trials"].append(trial.number)
            group["ids"] += trial.ids
    return sorted(groups.values(), key=lambda group: -int(group["count"]))


def _pending(state: State, ticket_id: int, now: float | None) -> dict[str, Any]:
    suggestion, trial = state.suggestion(ticket_id), state.history.of_id(ticket_id)
    ticket = None if trial is None else trial.ticket(ticket_id)
    at, expires = None if ticket is None else ticket.at, suggestion.expires
    return {
        "id": ticket_id,
        "trial": None if trial is None else trial.number,
        "origin": suggestion.origin,
        "params": suggestion.params,
        "suggested_at": at,
        "expires": expires,
        "out_for": None if now is None or at is None else now - at,
        "left": None if now is None or expires is None else expires - now,
    }
