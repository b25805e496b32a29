"""What a change of space makes of the trials, of what is wished for, and of earlier studies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve

from asktell.errors import ParamsError, quoted
from asktell.space.needs import checked_part
from asktell.space.space import Space, Values
from asktell.study.earlier import Earlier, Lesson
from asktell.study.restated import Restated, dropped, restated
from asktell.study.trials import Part, Trial

_RANKS = {"observed": 0, "failed": 1, "lost": 1, "pending": 2, "queued": 3, "forgotten": 4}
"""Of trials that become the same params, the one that says most is kept; of equals, the first."""

T = TypeVar("T", Trial, Lesson)


def restated_trials(space: Space, had: Mapping[str, Any], trials: Sequence[Trial]) -> list[Trial]:
    """Return trials said in a new space, by number.

    Those that cannot be are left out with the reason, and otherwise stay as they are. Of several
    that become the same params one is kept, also where replicates are wanted: what told them apart
    is gone, so their results are not measurements of the same.
    """
    said = [_restated(space, had, trial) for trial in trials]
    keepers: dict[Values, int] = {}
    for trial in sorted(trials, key=lambda one: (_RANKS[one.standing], one.number)):
        one = said[trial.number]
        if isinstance(one, str):
            continue
        keeper = keepers.setdefault(one.values, trial.number)
        if keeper != trial.number:
            said[trial.number] = f"its params are those of trial {keeper} now"
    return [_as_said(trial, one) for trial, one in zip(trials, said, strict=True)]


def restated_earlier(
    space: Space, had: Mapping[str, Any], studies: Iterable[Earlier]
) -> tuple[Earlier, ...]:
    """Return what earlier studies found, said in a new space."""
    return tuple(
        Earlier(tuple(_as_said(lesson, _restated(space, had, lesson)) for lesson in study.lessons))
        for study in studies
    )


def restated_wishes(
    space: Space,
    had: Mapping[str, Any],
    wishes: Iterable[Part],
    trials: Iterable[Trial],
    replicates: bool,
) -> list[tuple[Part, Part | str]]:
    """Return every wish with what it is in a new space, or why it is dropped.

    Args:
        space: the new one.
        had: as for the trials.
        wishes: as they were.
        trials: as they are now: a wish for all params of one is dropped.
        replicates: whether such a wish is kept.
    """
    owners: dict[Values, Trial] = {}
    if not replicates:
        kept = [t for t in trials if t.left_out is None and t.standing != "forgotten"]
        owners = {trial.configuration.values: trial for trial in kept}
    return [(wish, _restated_wish(space, had, wish, owners)) for wish in wishes]


def _restated_wish(
    space: Space, had: Mapping[str, Any], wish: Part, owners: Mapping[Values, Trial]
) -> Part | str:
    params = wish.params
    reason = dropped(space, params, had)
    if reason is not None:
        return reason
    left = {name: value for name, value in params.items() if name in space.index}
    if not left:
        return "none of its parameters is left"
    try:
        params = checked_part(space, left)
    except ParamsError as error:
        name = error.place.removeprefix("$").removeprefix(".")
        return f"its {name or 'params'} is {quoted(error.got)}: expected {error.expected}"
    values = space.complete(params)
    if values is not None and values in owners:
        return f"its params are those of trial {owners[values].number} now"
    return Part.of(params)


def _restated(space: Space, had: Mapping[str, Any], one: Trial | Lesson) -> Restated:
    params = one.configuration.params
    return restated(space, params if one.known is None else one.known.params, had, params)


def _as_said(one: T, said: Restated) -> T:
    if isinstance(said, str):
        return one if one.left_out == said else evolve(one, left_out=said)
    if said.names == one.configuration.names and said == one.configuration and not one.left_out:
        return one
    known = one.known or Part.of(one.configuration.params)
    same = known.params == said.params
    return evolve(one, configuration=said, left_out=None, known=None if same else known)
