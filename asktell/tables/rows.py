"""A row for each trial, with all that is known of it: as a dict, and flat, for columns and CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from asktell.state import State
from asktell.study.events import Failed, Retried, Told
from asktell.study.outcomes import TARGET
from asktell.study.problem import Problem
from asktell.study.trials import Fault, Report, Trial
from asktell.study.views import summary_of

Row = dict[str, Any]
"""What is known of a trial: plain values, which JSON holds."""


class Study(Protocol):
    """An engine, or anything else that has a state."""

    @property
    def state(self) -> State:
        """Return the state."""
        ...


def state_of(study: State | Study) -> State:
    """Return the state of a study, or the study if it is one."""
    return study if isinstance(study, State) else study.state


def trial_rows(study: State | Study, trials: Iterable[Trial] | None = None) -> list[Row]:
    """Return a row for each trial: a dict with these keys, None where nothing is known.

    - ``trial``: its number; ``status``; ``ids``: of its suggestions; ``origin``: of the first.
    - ``params``: without the parameters that are not active.
    - ``target``, ``std``: as told, their means where replicates are wanted.
    - ``feasible``: whether the target holds all constraints.
    - ``left_out``: why it does not lie in the space since that has changed.
    - ``reason``, ``cause``: of its failure; the cause is ``"reported"``, or ``"expired"`` where
      nobody ever answered.
    - ``suggested_at``, ``told_at``: moments on the caller's clock, of the first suggestion and of
      the last outcome, which may be a correction.
    - ``seconds``: how long its evaluation took: from the suggestion that the outcome belongs to
      until its first answer.

    Args:
        study: an engine, or a state.
        trials: those of the study that are wanted; None for all, by number.
    """
    state = state_of(study)
    answered = _answered(state)
    wanted = state.trials if trials is None else trials
    return [_row(state.problem, trial, answered) for trial in wanted]


def _row(problem: Problem, trial: Trial, answered: dict[int, float | None]) -> Row:
    summary = summary_of(problem, trial) if trial.is_observed else None
    counting = [report for report in trial.reports if report.counts]
    last = counting[-1] if counting else None
    failed = last if summary is None and isinstance(last, Fault) else None
    return {
        "trial": trial.number,
        "status": trial.status,
        "ids": list(trial.ids),
        "origin": trial.origin,
        "params": trial.params,
        "target": summary and summary.target,
        "std": summary and summary.std,
        "feasible": summary and summary.feasible,
        "left_out": trial.left_out,
        "reason": failed and failed.reason,
        "cause": failed and failed.cause,
        "suggested_at": trial.suggested_at,
        "told_at": last and last.at,
        "seconds": _seconds(trial, last, answered),
    }


def _answered(state: State) -> dict[int, float | None]:
    """Return when each suggestion was first answered, by its id: a correction is no answer."""
    return {
        event.id: event.at
        for event in reversed(state.events)
        if isinstance(event, Told | Failed | Retried) and event.id is not None
    }


def _seconds(
    trial: Trial, report: Report | None, answered: dict[int, float | None]
) -> float | None:
    if report is None or report.id is None:
        return None
    ticket, told = trial.ticket(report.id), answered.get(report.id)
    if ticket is None or ticket.at is None or told is None:
        return None
    return told - ticket.at


# --- flat ---


def columns(study: State | Study, rows: Sequence[Row] | None = None) -> dict[str, list[Any]]:
    """Return the rows as columns: flat names to lists with a value a trial.

    Params are ``params.lr``, a column for every parameter of the space, with None where it is not
    active. Parameters that are no more have none. Targets are ``target``, or ``target.loss`` where
    outcomes have names, and deviations likewise ``std``. So no names collide, and they are those
    that ``pandas.json_normalize`` makes of the rows.

    Args:
        study: an engine, or a state.
        rows: those of ``trial_rows``, all or some; None for all.
    """
    state = state_of(study)
    rows = trial_rows(state) if rows is None else rows
    parts = {
        "params": state.space.names,
        "target": state.problem.outcome_names,
        "std": state.problem.outcome_names,
    }
    flat: dict[str, list[Any]] = {}
    for key in _KEYS:
        if key not in parts or (parts[key] == (TARGET,) and key != "params"):
            flat[key] = [row[key] for row in rows]
        else:
            for name in parts[key]:
                flat[f"{key}.{name}"] = [(row[key] or {}).get(name) for row in rows]
    return flat


_KEYS = (
    "trial",
    "status",
    "ids",
    "origin",
    "params",
    "target",
    "std",
    "feasible",
    "left_out",
    "reason",
    "cause",
    "suggested_at",
    "told_at",
    "seconds",
)


class _Line:
    """What ``csv`` writes to: a line is what it was given."""

    def write(self, text: str) -> str:
        return text


def csv_lines(study: State | Study, rows: Sequence[Row] | None = None) -> Iterator[str]:
    """Yield lines of CSV, the first with the names of the columns, as in :func:`columns`.

    What is not known or not active is empty. Ids are parted by spaces.

    Args:
        study: an engine, or a state.
        rows: those of ``trial_rows``, all or some; None for all.
    """
    table = columns(study, rows)
    table["ids"] = [" ".join(map(str, ids)) for ids in table["ids"]]
    writer: Any = csv.writer(_Line(), lineterminator="\n")
    yield writer.writerow(table)
    yield from map(writer.writerow, zip(*table.values(), strict=True))
