"""A line for each trial, to the logger ``asktell``.

Nothing here knows the driver: whatever tells of an ``Evaluated`` can have its lines here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from asktell.asking.know import best_or_none, hypervolume, pareto
from asktell.drivers.evaluated import Evaluated, Happening
from asktell.log import LOGGER
from asktell.state import State
from asktell.study.views import Observation
from asktell.text import duration, shortened

_MOST_PARAMS = 6
_LONGEST_VALUE, LONGEST_REASON = 24, 200
_NOTHING = "nothing feasible yet"

_WENT_WRONG: dict[Happening, str] = {
    "failed": "failed",
    "retried": "failed, and is tried again",
    "expired": "took too long",
    "lost": "is submitted again",
    "conflict": "came too late, and does not count: its params have another outcome",
}
_KNOWN = "failed, as is known already"
_LATE = "after its time limit, and counts"


@define
class Lines:
    """A callback that logs a line for each result: failures, and what is late, as warnings.

    Args:
        state: returns the state after the result.
    """

    state: Callable[[], State]
    _best: Observation | None = field(init=False)

    @_best.default
    def _known_best(self) -> Observation | None:
        return best_or_none(self.state())

    def __call__(self, evaluated: Evaluated) -> None:
        """Log what became of an evaluation."""
        is_wrong = evaluated.outcome in _WENT_WRONG or evaluated.outcome == "late"
        level = logging.WARNING if is_wrong else logging.INFO
        if LOGGER.isEnabledFor(level):
            LOGGER.log(level, "%s", trial_line(evaluated, self._best, self.state()))
        self._best = evaluated.best


def trial_line(evaluated: Evaluated, before: Observation | None, state: State) -> str:
    """Return a line on an evaluation.

    It has the trial's number, the params that differ from the best before, what came of them, the
    best so far, and how long it took.

    Args:
        evaluated: what became of the evaluation.
        before: the best before it, None where there was none.
        state: the state after it.
    """
    outcome = evaluated.outcome
    if outcome in _WENT_WRONG or evaluated.reason:  # a failure may be repeated: then it has both
        came = f" {_WENT_WRONG.get(outcome, _KNOWN)}"
        came += f": {shortened(evaluated.reason, LONGEST_REASON)}" if evaluated.reason else ""
    else:
        came = f" -> {target_words(evaluated.target)}"
        came += f" +/- {target_words(evaluated.std)}" if evaluated.std else ""
        came += f", {_LATE}" if outcome == "late" else ""
    suggestion = evaluated.suggestion
    most = "" if evaluated.n_trials is None else f" of {evaluated.n_trials}"
    place = f"trial {evaluated.number} ({evaluated.finished}{most})"
    changed = changes(suggestion.params, before.params if before else {})
    good = "the best so far" if _is_new_best(evaluated, before) else standing_and_whose(state)
    words = [f"{place}: {changed}{came}", good, duration(evaluated.seconds)]
    return "; ".join(word for word in words if word)


def _is_new_best(evaluated: Evaluated, before: Observation | None) -> bool:
    best = evaluated.best
    if best is None or not best.feasible:
        return False
    if best.configuration != evaluated.suggestion.configuration:
        return False
    return before is None or not before.feasible or before.target != best.target


def standing(state: State) -> str:
    """Return in a few words how good what was found is.

    A hypervolume is only shown where all objectives have a reference: it could shrink otherwise, as
    the inferred reference moves with the front.
    """
    problem = state.problem
    if not state.n_observed:
        return ""
    if problem.has_scale:
        best = best_or_none(state)
        return f"best {target_words(best.target)}" if best and best.feasible else _NOTHING
    front = len(pareto(state))
    if not front:
        return _NOTHING
    if any(problem.outcomes[i].reference is None for i in problem.objectives):
        return f"front {front}"
    return f"front {front}, hypervolume {hypervolume(state):.6g}"


def standing_and_whose(state: State) -> str:
    """Return :func:`standing`, and which trial is the best."""
    whose = "" if state.leader is None else f" (trial {state.leader[0]})"
    return standing(state) + whose


def changes(params: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return the params that differ from others, as text; the first few, where there are many."""
    changed = [name for name in params if name not in before or params[name] != before[name]]
    if not changed:
        return "the same params"
    shown = [f"{name} {value_words(params[name])}" for name in changed[:_MOST_PARAMS]]
    more = len(changed) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def target_words(target: Any) -> str:
    """Return a target as text: a number, or each outcome's name and number."""
    if isinstance(target, Mapping):
        return ", ".join(f"{name} {value_words(number)}" for name, number in target.items())
    return value_words(target)


def value_words(value: Any) -> str:
    """Return a parameter's value or a number as short text."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return shortened(str(value), _LONGEST_VALUE)
