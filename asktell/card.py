"""A study at a glance, as HTML: what is wanted, the best, how it came along, the last trials."""

from __future__ import annotations

from typing import Any

from asktell.asking.know import best_or_none, pareto
from asktell.html import box, curve, line, table
from asktell.insight import Study, progress
from asktell.insight.subject import state_of
from asktell.study.outcomes import wanted
from asktell.study.trials import Trial

_LAST, _MOST, _FEW = 5, 8, 4
"""Trials that are shown at the end, parameters of the best, and parameters of a trial."""


def card_of(study: Study, *lines: str) -> str:
    """Return a study at a glance, as HTML that needs nothing else.

    Args:
        study: an engine, a state, or anything with a ``state``.
        *lines: what else is to be said, below how far the study is.
    """
    state = state_of(study)
    problem, trials = state.problem, state.trials
    n_failed = sum(trial.status == "failed" for trial in trials)
    counts = f"{state.n_observed} observed, {len(state.out)} pending, {n_failed} failed"
    if state.queue:
        counts += f", {len(state.queue)} to be offered again"
    parts = [line(f"{counts}; {state.space.dim} parameters, seed {problem.seed}")]
    parts += [line(text) for text in lines]
    best = best_or_none(state)
    if best is not None:
        title = "best" if best.feasible else "nearest to holding the constraints"
        params = list(best.params.items())
        more = len(params) - _MOST
        rows = [(title, best.target), *params[:_MOST]]
        parts.append(table((), [*rows, *([(f"and {more} more", "")] if more > 0 else [])]))
    elif state.n_observed:
        parts.append(line(f"{len(pareto(state))} observations on the front"))
    known = progress(state)
    if known.hypervolumes is None:
        parts.append(curve(known.values[:, problem.objectives[0]].tolist(), known.best.tolist()))
    else:
        parts.append(curve([], known.hypervolumes.tolist()))
    if trials:
        last = [_row(trial) for trial in trials[-_LAST:][::-1]]
        parts.append(table(("trial", "status", "told", "params"), last))
    return box(f"Study: {wanted(problem.outcomes)}", *parts)


def _row(trial: Trial) -> tuple[Any, ...]:
    told = trial.target if trial.is_observed else trial.reason
    params = dict(list(trial.params.items())[:_FEW])
    more = len(trial.params) - len(params)
    named = {**params, "more": more} if more else params
    status = trial.status if trial.left_out is None else "left out"
    return trial.number, status, "" if told is None else told, named
