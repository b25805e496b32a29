"""What failed and why: failures with the same reason, and what their params have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from asktell.reports.page import Block, Cell, Prose, Row, Section, Table
from asktell.reports.words import clipped, count, listed, share, shown
from asktell.space.parameters import Float, Int, Ordinal, Parameter
from asktell.space.space import Space
from asktell.state import State

_CHANGING = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?")
"""What may differ between two reasons that are the same: sizes, addresses, numbers of lines."""

_LIKELY_CHANCE = 0.05
"""A pattern that chance gives as often as this in some parameter is not worth a sentence."""

_FEWEST = 3
_LONGEST_REASON = 300
_MOST_GROUPS = 20


@frozen
class Failed:
    """A trial that failed: its number, its params, and why."""

    number: int
    params: Mapping[str, Any]
    reason: str


@frozen
class Group:
    """Trials that failed for the same reason.

    Attributes:
        reason: that of the first of them.
        numbers: those of the trials, in order.
        common: sentences on what their params have in common.
    """

    reason: str
    numbers: tuple[int, ...]
    common: tuple[str, ...]


def failed_of(state: State) -> list[Failed]:
    """Return the trials of a state whose failure counts."""
    return [
        Failed(trial.number, trial.params, trial.reason or "")
        for trial in state.kept
        if trial.status == "failed"
    ]


def groups_of(
    space: Space, failed: Sequence[Failed], succeeded: Sequence[Mapping[str, Any]]
) -> list[Group]:
    """Return failures by reason, the most frequent first.

    Args:
        space: that of the params.
        failed: in order.
        succeeded: the params of the trials that succeeded, for comparison.
    """
    by_reason: dict[str, list[Failed]] = {}
    for one in failed:
        by_reason.setdefault(_CHANGING.sub("#", one.reason), []).append(one)
    n_tests = space.dim * sum(len(some) >= _FEWEST for some in by_reason.values())
    groups = [
        Group(
            some[0].reason,
            tuple(one.number for one in some),
            tuple(_common(space, [one.params for one in some], succeeded, n_tests)),
        )
        for some in by_reason.values()
    ]
    return sorted(groups, key=lambda group: -len(group.numbers))


def failures_section(
    space: Space,
    failed: Sequence[Failed],
    succeeded: Sequence[Mapping[str, Any]],
    advice: str = "",
) -> Section | None:
    """Return the section on failures; None where nothing failed.

    Args:
        space: that of the params.
        failed: in order.
        succeeded: the params of the trials that succeeded, for comparison.
        advice: what can be done about them.
    """
    groups = groups_of(space, failed, succeeded)
    if not groups:
        return None
    n = len(failed)
    some = groups[:_MOST_GROUPS]
    rows = [
        Row(
            (
                Cell(clipped(group.reason or "no reason given", _LONGEST_REASON)),
                Cell(f"{len(group.numbers):,}"),
                Cell(listed([str(number) for number in group.numbers], most=12)),
                Cell(" ".join(group.common) or "nothing that stands out"),
            )
        )
        for group in some
    ]
    caption = "Reasons, the most frequent first"
    if len(some) < len(groups):
        caption += f"; {len(some)} of {len(groups):,}"
    columns = ("reason", "trials", "which", "what they have in common")
    part = share(n / (n + len(succeeded))) if succeeded else "all"
    told = (
        f"{count(n, 'trial')} failed, {part} of those that are over, for "
        f"{count(len(groups), 'reason')}."
    )
    table = Table(caption, columns, (False, True, False, False), tuple(rows))
    blocks: list[Block] = [Prose(told), table]
    if advice:
        blocks.append(Prose(advice))
    return Section("failures", "What failed and why", tuple(blocks))


# --- what they have in common ---


def _common(
    space: Space,
    failed: Sequence[Mapping[str, Any]],
    others: Sequence[Mapping[str, Any]],
    n_tests: int,
) -> list[str]:
    """Return a sentence for every parameter in which failures stand out against what succeeded.

    Of a parameter that is not always active, those are compared in which it is. So many tests are
    made in all, of one parameter and one reason each (Bonferroni).
    """
    if len(failed) < _FEWEST or not others:
        return []
    told = []
    for parameter in space.parameters:
        name = parameter.name
        bad, good = ([one[name] for one in some if name in one] for some in (failed, others))
        if len(bad) < _FEWEST or not good:
            continue
        is_ordered = isinstance(parameter, Float | Int | Ordinal)
        found = _interval(parameter, bad, good) if is_ordered else _choice(bad, good)
        if found is not None and found[0] * n_tests < _LIKELY_CHANCE:
            where = "" if len(bad) == len(failed) else f", in the {len(bad)} where it is active"
            told.append((found[0], f"{name} is {found[1]}{where}."))
    return [text for _, text in sorted(told)[:4]]


def _choice(bad: Sequence[object], good: Sequence[object]) -> tuple[float, str] | None:
    if len(set(bad)) > 1:
        return None
    n = sum(value == bad[0] for value in good)
    chance = float(((n + 1) / (len(good) + 2)) ** (len(bad) - 1))
    return chance, f"always {shown(bad[0])} ({share(n / len(good))} of those that succeeded)"


def _interval(
    parameter: Parameter, bad: Sequence[object], good: Sequence[object]
) -> tuple[float, str]:
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
    return chance, f"{text} ({share(float(np.mean(inside)))} of those that succeeded)"
