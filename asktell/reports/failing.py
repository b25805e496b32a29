"""What failed and why: failures with the same reason, and what their params have in common."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from attrs import frozen

from asktell.reports.page import Block, Cell, Prose, Row, Section, Table
from asktell.reports.words import clipped, count, listed, share, shown
from asktell.space.parameters import Float, Int, Ordinal, Parameter
from asktell.state import State
from asktell.study.trials import Trial

_CHANGING = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?")
"""What may differ between two reasons that are the same: sizes, addresses, numbers of lines."""

_LIKELY_CHANCE = 0.05
"""A pattern that chance gives as often as this in some parameter is not worth a sentence."""

_FEWEST = 3
_LONGEST_REASON = 300


@frozen
class Group:
    """Trials that failed for the same reason.

    Attributes:
        reason: that of the first of them.
        trials: in order.
        common: sentences on what their params have in common.
    """

    reason: str
    trials: tuple[Trial, ...]
    common: tuple[str, ...]


def groups_of(state: State) -> list[Group]:
    """Return the failures that count by reason, the most frequent first."""
    failed: dict[str, list[Trial]] = {}
    others = [trial for trial in state.trials if trial.is_observed]
    for trial in state.trials:
        if trial.status == "failed":
            failed.setdefault(_CHANGING.sub("#", trial.reason or ""), []).append(trial)
    groups = [
        Group(trials[0].reason or "", tuple(trials), tuple(_common(state, trials, others)))
        for trials in failed.values()
    ]
    return sorted(groups, key=lambda group: -len(group.trials))


def failures_section(state: State) -> Section | None:
    """Return the section on failures; None where nothing failed."""
    groups = groups_of(state)
    if not groups:
        return None
    n = sum(len(group.trials) for group in groups)
    blocks: list[Block] = [
        Prose(
            f"{count(n, 'trial')} failed, {share(n / state.n_over)} of those that are over, for "
            f"{count(len(groups), 'reason')}."
        )
    ]
    rows = [
        Row(
            (
                Cell(clipped(group.reason or "no reason given", _LONGEST_REASON)),
                Cell(f"{len(group.trials):,}"),
                Cell(listed([str(trial.number) for trial in group.trials], most=12)),
                Cell(" ".join(group.common) or "–"),
            )
        )
        for group in groups[:20]
    ]
    caption = "Reasons, the most frequent first"
    if len(groups) > len(rows):
        caption += f"; the first {len(rows)} of {len(groups):,}"
    columns = ("reason", "trials", "which", "what they have in common")
    blocks.append(Table(caption, columns, (False, True, False, False), tuple(rows)))
    return Section("failures", "What failed and why", tuple(blocks))


# --- what they have in common ---


def _common(state: State, failed: Sequence[Trial], others: Sequence[Trial]) -> list[str]:
    """Return a sentence for every parameter in which failures stand out against what succeeded."""
    if len(failed) < _FEWEST or not others:
        return []
    told = []
    for parameter in state.space.parameters:
        name = parameter.name
        bad = [trial.params[name] for trial in failed if name in trial.params]
        good = [trial.params[name] for trial in others if name in trial.params]
        if len(bad) < len(failed) or not good:
            continue
        is_ordered = isinstance(parameter, Float | Int | Ordinal)
        found = _interval(parameter, bad, good) if is_ordered else _choice(bad, good)
        if found is not None and found[0] * len(state.space.parameters) < _LIKELY_CHANCE:
            told.append((found[0], f"{name} is {found[1]}."))
    return [text for _, text in sorted(told)[:4]]


def _choice(bad: Sequence[object], good: Sequence[object]) -> tuple[float, str] | None:
    if len(set(bad)) > 1:
        return None
    n = sum(value == bad[0] for value in good)
    chance = float(((n + 1) / (len(good) + 2)) ** (len(bad) - 1))
    return chance, f"always {shown(bad[0])} ({share(n / len(good))} of those that succeeded)"


def _interval(
    parameter: Parameter, bad: Sequence[object], good: Sequence[object]
) -> tuple[float, str] | None:
    """Return how likely chance puts so many into so small an interval, and the interval."""
    places = parameter.encode(list(bad))
    low, high = float(places.min()), float(places.max())
    others = parameter.encode(list(good))
    inside = (others >= low) & (others <= high)
    n, part = len(bad), (int(inside.sum()) + 1) / (len(good) + 2)
    chance = n * part ** (n - 1) - (n - 1) * part**n
    least, most = (bad[int(place)] for place in (np.argmin(places), np.argmax(places)))
    if low == high:
        text = f"always {shown(least)}"
    elif not (others > high).any():
        text = f"at least {shown(least)}"
    elif not (others < low).any():
        text = f"at most {shown(most)}"
    else:
        text = f"from {shown(least)} to {shown(most)}"
    rest = f" ({share(float(np.mean(inside)))} of those that succeeded)"
    return (chance, text + rest) if math.isfinite(chance) else None
