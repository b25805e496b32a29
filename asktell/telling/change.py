"""A study that goes on with another space, and one that learns from an earlier study.

Both say params of one space in another (``study.restated``), and both answer what was kept and why
the rest was not. Nothing is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asktell.errors import DefinitionError, StateError
from asktell.numbers import as_moment
from asktell.space.space import Space
from asktell.state import State, apply
from asktell.study.change import Change
from asktell.study.changing import restated_wishes
from asktell.study.earlier import Earlier, Lesson
from asktell.study.events import Learned, SpaceChanged
from asktell.study.outcomes import Outcome
from asktell.study.restated import checked_had, restated
from asktell.study.trials import Part, Result, Trial

# --- another space ---


def change_space(
    state: State,
    space: Space,
    had: Mapping[str, Any] | None = None,
    *,
    now: float | None = None,
) -> tuple[State, Change]:
    """Return the next state, which searches another space, and what it has kept.

    Parameters may come, go, and take other values; conditions and constraints may change. Every
    trial is said in the new space:

    - What it was handed out or told with counts. A parameter that it did not have gets the value
      in ``had``, else the parameter's default; without either, the trial is left out.
    - A parameter that is no more is dropped. Where ``had`` names it, only trials with that value
      are kept.
    - A trial whose values are not of the new space, or break its constraints, is left out.
    - Of several trials that become the same params one is kept, the one that says most or else the
      first, also where replicates are wanted.

    A trial that is left out stays among the trials with its ids, its params and the reason
    (``Trial.left_out``). Results for it are still taken, by id. The model, ``best`` and the
    observations do not see it, it is not pending, and it is not offered again. A later change may
    bring it back: every trial remembers what it was tried with.

    What is enqueued and what earlier studies found is said anew likewise. What is measured does not
    change: objectives and constraints on outcomes stay as they are.

    Args:
        state: left as it is.
        space: the new one. With the same space again, other values in ``had`` may bring back what
            was left out.
        had: what the trials had of parameters that they were not told with, and the one value to
            keep of parameters that are no more.
        now: the moment on the caller's clock.

    Raises:
        DefinitionError: a ``ValueError``; ``space`` is not a Space, or ``had`` names a parameter
            that nothing has, or a value that it cannot have.
    """
    if not isinstance(space, Space):
        raise DefinitionError("$.space", space, "a Space")
    at = None if now is None else as_moment(now)
    given = checked_had(had, space, _names_of(state))
    after = apply(state, SpaceChanged(space, Part.of(given) if given else None, at))
    replicates = state.problem.policy.replicates
    wishes = restated_wishes(space, given, state.wishes, after.trials, replicates)
    dropped = [(wish.params, said) for wish, said in wishes if isinstance(said, str)]
    change = Change(
        tuple(trial.number for trial in after.trials if trial.left_out is None),
        tuple((t.number, t.left_out) for t in after.trials if t.left_out is not None),
        tuple(dropped),
    )
    is_new = space != state.space or after.trials != state.trials or after.earlier != state.earlier
    return (after if is_new else state), change


def _names_of(state: State) -> frozenset[str]:
    """Return the names of all parameters that anything in a state has."""
    names = set(state.space.names)
    lessons = [lesson for study in state.earlier for lesson in study.lessons]
    some: list[Trial | Lesson] = [*state.trials, *lessons]
    for one in some:
        names.update(one.configuration.names, one.known.names if one.known else ())
    return frozenset(names)


# --- an earlier study ---


def learn_from(
    state: State,
    other: State | Mapping[str, Any],
    had: Mapping[str, Any] | None = None,
    *,
    now: float | None = None,
) -> tuple[State, Change]:
    """Return the next state, which knows the results of an earlier study, and what it has kept.

    They inform the model, as results of another task that may be like this one; they are not
    observed here, not taken, and never the best. The earlier study stays as it is, and what it had
    learned from others is not handed on.

    Its results are said in this study's space as by :func:`asktell.change_space`. Outcomes are
    matched by name; those that only one of the two has are left aside. The same study again changes
    nothing; one that has more results by then is learned from as another.

    Args:
        state: left as it is.
        other: the earlier study: a state, or its dict.
        had: what the trials of the earlier study had of parameters that only this study has, and
            the one value to keep of parameters that only the earlier study has.
        now: the moment on the caller's clock.

    Raises:
        DefinitionError: a ``ValueError``; the two have no outcome in common, or want the opposite
            of one, or ``had`` is not valid.
        StateError: a ``ValueError``; ``other`` is not a state.
    """
    earlier = other if isinstance(other, State) else State.from_dict(_as_dict(other))
    at = None if now is None else as_moment(now)
    columns = _columns(state.problem.outcomes, earlier.problem.outcomes)
    given = checked_had(had, state.space, _names_of(earlier))
    kept: list[int] = []
    left_out: list[tuple[int, str]] = []
    lessons: list[tuple[int, Lesson]] = []
    for trial in earlier.trials:
        told = _lessons_of(state, trial, given, columns)
        if isinstance(told, str):
            left_out.append((trial.number, told))
        else:
            kept.append(trial.number)
            lessons += told
    change = Change(tuple(kept), tuple(left_out))
    learned = Earlier(tuple(lesson for _, lesson in sorted(lessons, key=lambda pair: pair[0])))
    if not learned.lessons or learned in state.earlier:
        return state, change
    return apply(state, Learned(learned.lessons, at)), change


def _as_dict(other: Any) -> Mapping[str, Any]:
    if not isinstance(other, Mapping):
        raise StateError("$.other", other, "a State, or its dict")
    return other


def _columns(own: tuple[Outcome, ...], theirs: tuple[Outcome, ...]) -> list[int | None]:
    """Return for every outcome of a study its place in the other one; None where it has none."""
    places = {outcome.name: place for place, outcome in enumerate(theirs)}
    columns = [places.get(outcome.name) for outcome in own]
    if all(column is None for column in columns):
        expected = f"an outcome that this study has: one of {[outcome.name for outcome in own]}"
        raise DefinitionError("$.other.outcomes", list(places), expected)
    for outcome, column in zip(own, columns, strict=True):
        goal = None if column is None else theirs[column].goal
        if goal is not None and outcome.goal is not None and goal != outcome.goal:
            place = f"$.other.outcomes[{column}].goal"
            expected = f"{outcome.goal!r}, the goal of {outcome.name} in this study"
            raise DefinitionError(place, goal, expected)
    return columns


def _lessons_of(
    state: State, trial: Trial, had: Mapping[str, Any], columns: list[int | None]
) -> list[tuple[int, Lesson]] | str:
    """Return what a trial teaches, with the arrival of each result; or why it teaches nothing."""
    if not trial.results:
        return (
            "it failed" if trial.status == "failed" else f"it has no result: it is {trial.status}"
        )
    params = trial.params
    said = restated(state.space, trial.known.params if trial.known else params, had, params)
    if isinstance(said, str):
        return said
    return [(result.arrival, Lesson(said, *_measured(result, columns))) for result in trial.results]


def _measured(result: Result, columns: list[int | None]) -> tuple[Any, Any]:
    numbers = tuple(None if i is None else result.numbers[i] for i in columns)
    std = result.std
    deviations = tuple(None if i is None or std is None else std[i] for i in columns)
    return numbers, None if all(deviation is None for deviation in deviations) else deviations
