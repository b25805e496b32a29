"""When which suggestion was out, and what became of it."""

from __future__ import annotations

import heapq
import math
from typing import Literal

import numpy as np
from attrs import frozen

from asktell.insight.subject import Study, state_of
from asktell.model.kernels import Array
from asktell.space.axes import Indices
from asktell.state import State
from asktell.study.events import Expired, Failed, Forgotten, Lost, Retried, Told
from asktell.study.trials import Fault, Ticket, Trial

Fate = Literal["observed", "failed", "expired", "lost", "forgotten", "out"]
"""What became of a suggestion: a result; a failure; no answer before its lease ended, after which
the params were offered again, or given up (``lost``); an outcome that was taken back; or nothing
yet."""

_FATES: dict[type, Fate] = {
    Told: "observed",
    Failed: "failed",
    Retried: "failed",
    Expired: "expired",
    Lost: "lost",
}


@frozen(eq=False)
class Timeline:
    """Every suggestion with known moments (n of them), by start; in seconds of the caller's clock.

    Attributes:
        ids: of the suggestions (n,).
        trials: the numbers of their trials (n,).
        starts: when each was handed out (n,).
        ends: when it ended (n,); ``now`` where it is still out.
        fates: what became of each.
        leases: when its lease ends or ended (n,); NaN without one.
        lanes: on which line each is drawn (n,), from 0: no two on a line overlap. There are as many
            as were out at once at most, so where each worker has one at a time, as many as workers.
        now: the last moment that is known; NaN where there is none.
        unknown: how many suggestions have no moments, and are not here.
    """

    ids: Indices
    trials: Indices
    starts: Array
    ends: Array
    fates: tuple[Fate, ...]
    leases: Array
    lanes: Indices
    now: float
    unknown: int


def timeline(study: Study) -> Timeline:
    """Return when which suggestion was out, as far as the caller gave moments.

    Args:
        study: an engine, a state, or anything with a ``state``.
    """
    state = state_of(study)
    moments = [event.at for event in state.events if event.at is not None]
    now = max(moments, default=math.nan)
    endings = _endings(state)
    spans = []
    unknown = 0
    for trial in state.trials:
        for ticket in trial.tickets:
            fate, end = _end(trial, ticket, endings)
            end = now if fate == "out" else end
            if ticket.at is None or end is None:
                unknown += 1
            else:
                lease = math.nan if ticket.expires is None else ticket.expires
                spans.append((ticket.at, ticket.id, trial.number, max(end, ticket.at), fate, lease))
    spans.sort(key=lambda span: span[:2])
    columns = list(zip(*spans, strict=True)) or [()] * 6
    starts, ends = np.array(columns[0], dtype=float), np.array(columns[3], dtype=float)
    return Timeline(
        np.array(columns[1], dtype=np.int64),
        np.array(columns[2], dtype=np.int64),
        starts,
        ends,
        tuple(columns[4]),
        np.array(columns[5], dtype=float),
        _lanes(starts, ends),
        now,
        unknown,
    )


def _endings(state: State) -> dict[int, tuple[Fate, float | None]]:
    """Return how and when each suggestion ended for which an answer came, or its lease ended.

    The moment is that of the first answer, even if it was corrected later.
    """
    found: dict[int, tuple[Fate, float | None]] = {}
    for event in state.events:
        if isinstance(event, Told | Failed | Retried | Expired | Lost) and event.id is not None:
            known = found.get(event.id)
            if known is None or known[0] in ("expired", "lost"):  # else an answer came before
                found[event.id] = _FATES[type(event)], event.at
        elif isinstance(event, Forgotten) and event.id in found:
            found[event.id] = "forgotten", found[event.id][1]
    return found


def _end(
    trial: Trial, ticket: Ticket, endings: dict[int, tuple[Fate, float | None]]
) -> tuple[Fate, float | None]:
    """Return what became of a ticket, and when; None where nobody said."""
    if ticket.standing == "out":
        return "out", None
    known, at = endings.get(ticket.id, (None, None))
    for report in reversed(trial.reports):
        if report.id == ticket.id:  # as it was corrected, where it was
            if not isinstance(report, Fault):
                return "observed", at
            return ("lost" if report.cause == "expired" else "failed"), at
    if known is not None and (known != "expired" or ticket.standing == "expired"):
        return known, at
    if not trial.is_over:
        return "forgotten", None
    return ("observed" if trial.is_observed else "failed"), trial.told_at  # settled by another


def _lanes(starts: Array, ends: Array) -> Indices:
    """Return a lane for each span, by start: the lowest that is free."""
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    lanes = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (end, lane))
        lanes.append(lane)
    return np.array(lanes, dtype=np.int64)
