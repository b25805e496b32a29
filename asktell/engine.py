"""The one mutable shell: it holds a state and swaps it only after success."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asktell.asking import core
from asktell.model.kernels import Array
from asktell.space.space import Space
from asktell.study.state import Failure, Goal, Observation, Settings, State, Suggestion
from asktell.study.trials import Trial
from asktell.telling import delivery, leases
from asktell.telling.delivery import Delivery, Outcome


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

    # --- asking: see asktell.core ---

    def suggest(self, *, now: float | None = None, lease: float | None = None) -> Suggestion:
        """Return one suggestion; see :func:`asktell.suggest`."""
        return self.suggest_batch(1, now=now, lease=lease)[0]

    def suggest_batch(
        self, n: int, *, now: float | None = None, lease: float | None = None
    ) -> list[Suggestion]:
        """Return n suggestions that know of each other; see :func:`asktell.suggest`."""
        self._state, suggestions = core.suggest(self._state, n, now=now, lease=lease)
        return suggestions

    # --- telling: see asktell.delivery ---

    def observe(self, trial: Trial, target: float) -> Outcome:
        """Tell the target of a suggestion, its id or params; see :func:`asktell.deliver`."""
        self._state, outcome = delivery.deliver(self._state, trial, target)
        return outcome

    def observe_batch(self, results: Iterable[tuple[Trial, float]]) -> list[Delivery]:
        """Tell many targets, of which some may be bad; see :func:`asktell.observe_batch`."""
        self._state, deliveries = delivery.observe_batch(self._state, results)
        return deliveries

    def fail(self, trial: Trial, reason: str = "") -> Outcome:
        """Tell that an evaluation failed; see :func:`asktell.deliver_failure`."""
        self._state, outcome = delivery.deliver_failure(self._state, trial, reason)
        return outcome

    # --- leases: see asktell.leases ---

    def expire(self, now: float) -> list[Suggestion]:
        """Withdraw the suggestions whose leases ended; see :func:`asktell.expire`."""
        self._state, ended = leases.expire(self._state, now)
        return ended

    def renew(self, trial: Trial, now: float, lease: float) -> None:
        """Extend the lease of a suggestion; see :func:`asktell.renew`."""
        self._state = leases.renew(self._state, trial, now, lease)

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
    def due(self) -> list[dict[str, Any]]:
        """Return the params to be offered again, in order."""
        return [self._state.space.params(values) for values in self._state.due]

    @property
    def failures(self) -> list[Failure]:
        """Return all failed trials, in order of arrival."""
        return list(self._state.failures)

    def __repr__(self) -> str:
        """Return a line that tells how far it is."""
        counts = f"{len(self.observations)} observed, {len(self.pending)} pending"
        return f"Engine({self._state.goal}, {counts}, {len(self.failures)} failed)"
