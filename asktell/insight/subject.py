"""What an insight is about: a state, and one of its outcomes."""

from __future__ import annotations

from typing import Any, Protocol

from asktell.errors import DefinitionError
from asktell.state import State


class HasState(Protocol):
    """Anything with a state, such as an engine, or the summary of a run."""

    @property
    def state(self) -> State:
        """Return the state."""
        ...


Study = State | HasState
"""What is looked at."""


def state_of(study: Any) -> State:
    """Return the state that is meant.

    Raises:
        DefinitionError: a ``ValueError``; it is neither a state nor anything with one.
    """
    state = study if isinstance(study, State) else getattr(study, "state", None)
    if not isinstance(state, State):
        raise DefinitionError("$.study", study, "an Engine, a State, or anything with a .state")
    return state


def outcome_place(state: State, outcome: Any) -> int:
    """Return the position of an outcome; None means the first objective.

    Raises:
        DefinitionError: a ``ValueError``; there is no such outcome.
    """
    names = state.problem.outcome_names
    if outcome is None:
        return state.problem.objectives[0]
    if outcome not in names:
        raise DefinitionError("$.outcome", outcome, f"one of {list(names)}, or None")
    return names.index(outcome)


def parameter_place(state: State, name: Any, argument: str = "$.name") -> int:
    """Return the position of a parameter.

    Raises:
        DefinitionError: a ``ValueError``; there is no such parameter.
    """
    if name not in state.space.names:
        raise DefinitionError(argument, name, f"one of {list(state.space.names)}")
    return state.space.names.index(name)
