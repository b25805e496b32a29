"""The one mutable shell: it holds a state and swaps it only after success."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asktell import telling
from asktell.asking import know
from asktell.asking.beforehand import Trends
from asktell.asking.known import Known
from asktell.asking.suggest import suggest
from asktell.model.kernels import Array
from asktell.space.bounds import Bound
from asktell.space.space import Space
from asktell.state import State
from asktell.study.change import Change
from asktell.study.events import Event
from asktell.study.outcomes import Goal, Objective, wanted
from asktell.study.problem import Settings
from asktell.study.trials import Trial
from asktell.study.views import Failure, Observation, Suggestion
from asktell.telling import Delivery, Outcome, Reported, Std, Target, TrialLike


class Engine:
    """An optimiser that is asked for params and told their targets.

    Args:
        space: what is searched.
        seed: an integer from 0 to 2**128 - 1; the only source of randomness.
        goal: ``"maximize"``, which is the default, or ``"minimize"``.
        settings: how it works; None for the defaults.
        objectives: instead of a goal, one or more by name: ``{"loss": "minimize"}``, or
            :class:`asktell.Maximize` and ``Minimize`` with a weight or a reference.
        constraints: bounds on outcomes by name, on objectives or others:
            ``{"accuracy": asktell.AtLeast(0.97)}``; a list of two for both sides.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    def __init__(
        self,
        space: Space,
        seed: int = 0,
        goal: Goal | None = None,
        settings: Settings | None = None,
        *,
        objectives: Mapping[str, Objective] | None = None,
        constraints: Mapping[str, Bound | Sequence[Bound]] | None = None,
    ) -> None:
        """Start an optimiser that knows nothing yet."""
        self._state = State.start(
            space, seed, goal, settings, objectives=objectives, constraints=constraints
        )

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

    # --- what it was made with ---

    @property
    def space(self) -> Space:
        """Return what is searched."""
        return self._state.space

    @property
    def objectives(self) -> dict[str, Objective]:
        """Return the objectives by name, as they were given."""
        outcomes = self._state.problem.outcomes
        return {one.name: one.objective for one in outcomes if one.objective is not None}

    @property
    def constraints(self) -> dict[str, Bound | tuple[Bound, ...]]:
        """Return the bounds on outcomes by name; a tuple where there are two."""
        bounds = {one.name: one.bounds for one in self._state.problem.outcomes if one.bounds}
        return {name: some[0] if len(some) == 1 else some for name, some in bounds.items()}

    # --- asking: see asktell.asking ---

    def suggest(
        self,
        *,
        fixed: Mapping[str, Any] | None = None,
        known: Known | None = None,
        trends: Trends | None = None,
        now: float | None = None,
        lease: float | None = None,
    ) -> Suggestion:
        """Return one suggestion; see :func:`asktell.suggest`."""
        (suggestion,) = self.suggest_batch(
            1, fixed=fixed, known=known, trends=trends, now=now, lease=lease
        )
        return suggestion

    def suggest_batch(
        self,
        n: int,
        *,
        fixed: Mapping[str, Any] | None = None,
        known: Known | None = None,
        trends: Trends | None = None,
        now: float | None = None,
        lease: float | None = None,
    ) -> list[Suggestion]:
        """Return n suggestions that know of each other; see :func:`asktell.suggest`."""
        self._state, suggestions = suggest(
            self._state, n, fixed=fixed, known=known, trends=trends, now=now, lease=lease
        )
        return suggestions

    # --- telling: see asktell.telling ---

    def observe(
        self, trial: TrialLike, target: Target, std: Std = None, *, now: float | None = None
    ) -> Outcome:
        """Tell the target of a suggestion, its id or params; see :func:`asktell.deliver`."""
        self._state, outcome = telling.deliver(self._state, trial, target, std, now=now)
        return outcome

    def observe_batch(
        self, results: Iterable[Reported], *, now: float | None = None
    ) -> list[Delivery]:
        """Tell many targets, even if some are bad; see :func:`asktell.observe_batch`."""
        self._state, deliveries = telling.observe_batch(self._state, results, now=now)
        return deliveries

    def fail(self, trial: TrialLike, reason: str = "", *, now: float | None = None) -> Outcome:
        """Tell that an evaluation failed; see :func:`asktell.deliver_failure`."""
        self._state, outcome = telling.deliver_failure(self._state, trial, reason, now=now)
        return outcome

    def expire(self, now: float) -> list[Suggestion]:
        """End the suggestions whose leases are over; see :func:`asktell.expire`."""
        self._state, ended = telling.expire(self._state, now)
        return ended

    def renew(self, trial: TrialLike, now: float, lease: float) -> None:
        """Extend the lease of a suggestion; see :func:`asktell.renew`."""
        self._state = telling.renew(self._state, trial, now, lease)

    # --- second thoughts ---

    def amend(
        self, trial: TrialLike, target: Target, std: Std = None, *, now: float | None = None
    ) -> None:
        """Replace a wrong outcome; see :func:`asktell.amend`."""
        self._state = telling.amend(self._state, trial, target, std, now=now)

    def forget(self, trial: TrialLike, *, now: float | None = None) -> None:
        """Take an outcome back; see :func:`asktell.forget`."""
        self._state = telling.forget(self._state, trial, now=now)

    def retry(self, trial: TrialLike, *, now: float | None = None) -> None:
        """Offer a failed or forgotten trial again; see :func:`asktell.retry`."""
        self._state = telling.retry(self._state, trial, now=now)

    def retry_failed(self, *, now: float | None = None) -> list[Trial]:
        """Offer all failed trials again; see :func:`asktell.retry_failed`."""
        self._state, retried = telling.retry_failed(self._state, now=now)
        return retried

    # --- what is searched, and what is known from elsewhere ---

    def enqueue(self, params: Mapping[str, Any], *, now: float | None = None) -> None:
        """Have params suggested next; see :func:`asktell.enqueue`."""
        self._state = telling.enqueue(self._state, params, now=now)

    def change_space(
        self, space: Space, had: Mapping[str, Any] | None = None, *, now: float | None = None
    ) -> Change:
        """Go on with another space; see :func:`asktell.change_space`."""
        self._state, change = telling.change_space(self._state, space, had, now=now)
        return change

    def learn_from(
        self,
        other: State | Mapping[str, Any] | Engine,
        had: Mapping[str, Any] | None = None,
        *,
        now: float | None = None,
    ) -> Change:
        """Learn from an earlier study; see :func:`asktell.learn_from`."""
        earlier = other.state if isinstance(other, Engine) else other
        self._state, change = telling.learn_from(self._state, earlier, had, now=now)
        return change

    # --- knowing ---

    def best(self) -> Observation:
        """Return the best observation; see :func:`asktell.best`."""
        return know.best(self._state)

    def best_observed(self) -> Observation:
        """Return the best target, noisy or not; see :func:`asktell.best_observed`."""
        return know.best_observed(self._state)

    def pareto(self) -> list[Observation]:
        """Return the front of several objectives; see :func:`asktell.pareto`."""
        return know.pareto(self._state)

    def hypervolume(self, reference: Mapping[str, float] | None = None) -> float:
        """Return how much the front dominates; see :func:`asktell.hypervolume`."""
        return know.hypervolume(self._state, reference)

    def hypervolumes(self, reference: Mapping[str, float] | None = None) -> Array:
        """Return the hypervolume after each observation (n,); see :func:`asktell.hypervolumes`."""
        return know.hypervolumes(self._state, reference)

    def predict(self, params: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Array, Array]]:
        """Return means and deviations (n,) of every outcome; see :func:`asktell.predict`."""
        return know.predict(self._state, params)

    def posterior(self, params: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Return the model's means and deviations (n,); see :func:`asktell.posterior`."""
        return know.posterior(self._state, params)

    @property
    def trials(self) -> list[Trial]:
        """Return every configuration in order, with its status and what is known of it."""
        return self._state.trials

    @property
    def events(self) -> list[Event]:
        """Return what happened, in order."""
        return self._state.events

    @property
    def observations(self) -> list[Observation]:
        """Return everything observed, in order of arrival."""
        return self._state.observations

    @property
    def pending(self) -> list[Suggestion]:
        """Return the suggestions that have no outcome yet, in order."""
        return self._state.pending

    @property
    def due(self) -> list[dict[str, Any]]:
        """Return the params to be offered again, in order."""
        return self._state.due

    @property
    def enqueued(self) -> list[dict[str, Any]]:
        """Return the params that are enqueued and not suggested yet, in order."""
        return self._state.enqueued

    @property
    def failures(self) -> list[Failure]:
        """Return the failures that count, in order of arrival."""
        return self._state.failures

    def to_frame(self) -> Any:
        """Return the trials as a ``pandas.DataFrame``; see :func:`asktell.tables.to_frame`."""
        from asktell.tables.frame import to_frame  # tables are not imported with asktell

        return to_frame(self)

    def __repr__(self) -> str:
        """Return a line that says how far the study is."""
        counts = f"{len(self.observations)} observed, {len(self.pending)} pending"
        return (
            f"Engine({wanted(self._state.problem.outcomes)}, {counts}, {len(self.failures)} failed)"
        )

    def _repr_html_(self) -> str:
        from asktell.card import card_of  # for notebooks alone

        return card_of(self._state)
