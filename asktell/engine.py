"""The one mutable shell: it holds a state and swaps it only after success."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asktell import core
from asktell.kernels import Array
from asktell.space import Space
from asktell.state import Failure, Goal, Observation, Settings, State, Suggestion


class Engine:
    """An optimiser that is asked for params and told their targets.

    Args:
        space: what is searched.
        seed: an integer >= 0; the only source of randomness.
        goal: ``"maximize"`` or ``"minimize"``.
        settings: how to work; the defaults where None.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    def __init__(
        self,
        space: Space,
        seed: int = 0,
        goal: Goal = "maximize",
        settings: Settings | None = None,
    ) -> None:
        """Start an optimiser that knows nothing yet."""
        self._state = State.start(space, seed, goal, settings)

    @classmethod
    def from_state(cls, state: State) -> Engine:
        """Return an engine that goes on from a state."""
        engine = cls.__new__(cls)
        engine._state = state
        return engine

    @classmethod
    def from_dict(cls, state: Any) -> Engine:
        """Return an engine that goes on exactly where the one that wrote the dict stopped.

        Raises:
            StateError: a ``ValueError`` that names the path of a missing, unknown or corrupt field.
        """
        return cls.from_state(State.from_dict(state))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as a dict of plain types, which ``json.dumps`` takes."""
        return self._state.to_dict()

    @property
    def state(self) -> State:
        """Return the state, an immutable value."""
        return self._state

    # --- asking and telling: see asktell.core ---

    def suggest(self) -> Suggestion:
        """Return one suggestion; see :func:`asktell.suggest`."""
        return self.suggest_batch(1)[0]

    def suggest_batch(self, n: int) -> list[Suggestion]:
        """Return n suggestions that know of each other; see :func:`asktell.suggest`."""
        self._state, suggestions = core.suggest(self._state, n)
        return suggestions

    def observe(self, trial: core.Trial, target: float) -> None:
        """Tell the target of a suggestion, its id or params; see :func:`asktell.observe`."""
        self._state = core.observe(self._state, trial, target)

    def fail(self, trial: core.Trial, reason: str = "") -> None:
        """Tell that an evaluation failed; see :func:`asktell.fail`."""
        self._state = core.fail(self._state, trial, reason)

    # --- knowing ---

    def best(self) -> Observation | None:
        """Return the best observation, or None without any; see :func:`asktell.best`."""
        return core.best(self._state)

    def posterior(self, params: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Return the model's means and deviations (n,); see :func:`asktell.posterior`."""
        return core.posterior(self._state, params)

    @property
    def observations(self) -> list[Observation]:
        """Return everything observed, in order of arrival."""
        return list(self._state.observations)

    @property
    def pending(self) -> list[Suggestion]:
        """Return the suggestions that have no outcome yet, in order."""
        return list(self._state.pending)

    @property
    def failures(self) -> list[Failure]:
        """Return all failed trials, in order of arrival."""
        return list(self._state.failures)

    def __repr__(self) -> str:
        """Return a line that tells how far it is."""
        counts = f"{len(self.observations)} observed, {len(self.pending)} pending"
        return f"Engine({self._state.goal}, {counts}, {len(self.failures)} failed)"
