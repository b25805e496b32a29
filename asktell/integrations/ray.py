"""A searcher for Ray Tune that asks the engine; needs ``pip install asktell[ray]``."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asktell as at
from asktell.errors import ConflictError, DefinitionError, StateError
from asktell.space.bounds import Bound
from asktell.store import files
from asktell.study.outcomes import TARGET, Goal, outcomes_of
from asktell.study.problem import Problem

try:
    from ray.tune.search import Searcher

    from asktell.integrations.ray_spaces import Search
except ImportError as error:
    message = "asktell.integrations.ray needs Ray Tune: pip install asktell[ray]"
    raise ImportError(message) from error


_GOALS: dict[str, Goal] = {"min": "minimize", "max": "maximize"}
_MODES = {goal: mode for mode, goal in _GOALS.items()}


class AskTellSearcher(Searcher):
    """A Ray Tune searcher that asks the engine.

    A trial that ends with an error has failed, and so has one whose result lacks an objective or
    what has a constraint, or has one that is not finite. If a trial has an outcome already, for
    instance because it ran again after a restore, the first one stays, and a different one only
    gives a warning.

    Args:
        space: an :class:`asktell.Space`, in which a name such as ``"model/depth"`` stands for a
            nested key; or Tune's own search space; or None for that of the ``Tuner``.
        metric: the key of the result; of the ``TuneConfig`` where None. For several objectives a
            list of them, or their modes by key: ``{"loss": "min", "speed": "max"}``. What the
            ``TuneConfig`` says then changes nothing.
        mode: ``"min"`` or ``"max"``; of the ``TuneConfig`` where None. With a list of metrics, a
            list as long, or one mode for all.
        seed: an integer >= 0; the only source of randomness.
        constraints: bounds on keys of the result, objectives or others:
            ``{"memory": asktell.AtMost(3.0)}``; a list of two for both sides.
        **settings: those of :class:`asktell.Settings`.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    def __init__(
        self,
        space: at.Space | Mapping[str, Any] | None = None,
        metric: str | Sequence[str] | Mapping[str, str] | None = None,
        mode: str | Sequence[str] | None = None,
        seed: int = 0,
        *,
        constraints: Mapping[str, Bound | Sequence[Bound]] | None = None,
        **settings: Any,
    ) -> None:
        """Check the arguments; the search starts when all that it needs is known."""
        metrics, modes = _paired(metric, mode)
        super().__init__(metric=metrics, mode=modes)
        self._metric, self._mode = metrics, modes
        self._constraints = constraints
        self._seed = seed
        self._settings = at.Settings(**settings)
        self._search: Search | None = None
        self._engine: at.Engine | None = None
        self._ids: dict[str, int] = {}
        if isinstance(space, at.Space):
            self._search = Search.of_space(space)
        elif space is not None:
            self._search = Search.of_config(space)
        self._start()

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Take the metric, the mode and the search space of the ``Tuner``.

        Returns:
            False where the searcher has a space already.

        Raises:
            DefinitionError: a ``ValueError`` that names what the engine cannot search; or the
                space or the outcomes are not those of a state that was restored.
        """
        if not isinstance(self._metric, list):
            self._metric = metric or self._metric
            self._mode = mode or self._mode
        is_new = self._search is None
        if is_new:
            self._search = Search.of_config(config)
        self._start()
        return is_new

    def _start(self) -> None:
        """Start the engine once all that it needs is known; check that it is the right one."""
        if self._engine is not None:
            self._check(self._engine.state.problem)
        elif self._search is not None and not self._missing():
            self._engine = at.Engine(
                self._search.space,
                self._seed,
                settings=self._settings,
                objectives=self._objectives(),
                constraints=self._constraints,
            )

    def _check(self, problem: Problem) -> None:
        """Check that a restored state is one of this search, as far as that is known."""
        if self._search is not None and self._search.space != problem.space:
            expected = f"{problem.space}, as in the restored state"
            raise DefinitionError("$.space", self._search.space, expected)
        if self._mode is None or (self._constraints and self._metric is None):
            return
        outcomes = outcomes_of(None, self._objectives(), self._constraints)
        if outcomes != problem.outcomes:
            expected = f"{problem.outcomes}, as in the restored state"
            raise DefinitionError("$.metric", outcomes, expected)

    def _missing(self) -> str:
        """Return what the search still needs."""
        if self._search is None:
            return "a search space"
        if self._mode is None:
            return "a mode, 'min' or 'max'"
        return "a metric" if self._constraints and self._metric is None else ""

    def _objectives(self) -> dict[str, Goal]:
        """Return the objectives; one alone, without constraints, is that of a plain engine."""
        names, modes = self._metric, self._mode
        if not isinstance(names, list):
            names, modes = [names if self._constraints else TARGET], [modes]
        return {name: _GOALS[mode] for name, mode in zip(names, modes, strict=True)}

    @property
    def engine(self) -> at.Engine:
        """Return the engine as it is now, to be looked at.

        Raises:
            DefinitionError: a ``ValueError``; the space, the mode or the metric is not known yet.
        """
        return at.Engine.from_state(self._started()[0].state)

    def _started(self) -> tuple[at.Engine, Search]:
        if self._engine is None:
            expected = f"{self._missing()}, of the searcher or of the Tuner"
            raise DefinitionError("$", None, expected)
        return self._engine, self._search or Search.of_space(self._engine.state.space)

    # --- what Tune calls ---

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the config of a new trial, the same again for one that has its own.

        Returns:
            ``Searcher.FINISHED`` where the space is used up; None where a failure of a trial that
            runs may give more.

        Raises:
            DefinitionError: a ``ValueError``; the space or the mode is not known yet.
        """
        engine, search = self._started()
        if trial_id in self._ids:
            return search.config(engine.state.suggestion(self._ids[trial_id]).params)
        try:
            suggestion = engine.suggest()
        except at.SpaceExhausted:
            more = engine.state.problem.policy.retries > 0 and bool(engine.pending)
            return None if more else str(Searcher.FINISHED)
        self._ids[trial_id] = suggestion.id
        return search.config(suggestion.params)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Take the outcome of a trial; one that it did not suggest is ignored.

        Raises:
            TargetError: a ``ValueError``; a metric is not a number.
        """
        if trial_id not in self._ids:
            return
        self._tell(self._ids[trial_id], result or {}, "error" if error else "")

    def add_evaluated_point(
        self,
        parameters: dict[str, Any],
        value: float | Mapping[str, float] | None,
        error: bool = False,
        pruned: bool = False,
        intermediate_values: list[float] | None = None,
    ) -> None:
        """Take the outcome of params that were evaluated elsewhere; pruned ones count as failed.

        The value is a number, or numbers by the key of a result.

        Raises:
            ParamsError: a ``ValueError``; the params do not lie in the space.
            TargetError: a ``ValueError``; the value is not a number.
            DefinitionError: a ``ValueError``; the space or the mode is not known yet.
        """
        _, search = self._started()
        failure = "error" if error else "pruned" if pruned else "no value" if value is None else ""
        self._tell(search.params(parameters), value, failure)

    def _tell(self, trial: int | dict[str, Any], value: Any, failure: str) -> None:
        """Tell a number, or the result that it is in, or why there is none."""
        engine, _ = self._started()
        if isinstance(value, Mapping):
            value, missing = self._target(engine, value)
            failure = failure or missing
        try:
            if failure:
                engine.fail(trial, failure)
            else:
                engine.observe(trial, value)
        except ConflictError as conflict:
            warnings.warn(f"the first outcome stays: {conflict}", stacklevel=3)

    def _target(self, engine: at.Engine, result: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """Return the outcomes of a result, and what it lacks."""
        names = engine.state.problem.outcome_names
        keys = names if isinstance(self._metric, list) or names != (TARGET,) else (self._metric,)
        target = {name: result.get(key) for name, key in zip(names, keys, strict=True)}
        lacking = [key for name, key in zip(names, keys, strict=True) if target[name] is None]
        return target, f"no {lacking[0]}" if lacking else ""

    # --- the state ---

    def to_dict(self) -> dict[str, Any]:
        """Return the engine, and the suggestion of each trial, as a dict of plain types.

        Raises:
            DefinitionError: a ``ValueError``; the space or the mode is not known yet.
        """
        engine = self._started()[0].to_dict()
        return {"engine": engine, "trials": dict(self._ids), "metric": self._metric}

    def load_dict(self, state: Any) -> None:
        """Go on where the searcher that wrote the dict stopped.

        Raises:
            StateError: a ``ValueError``; a field is missing, unknown or corrupt.
            DefinitionError: a ``ValueError``; the searcher has another space, or other outcomes.
        """
        if not isinstance(state, dict) or state.keys() != {"engine", "trials", "metric"}:
            raise StateError("$", state, "a dict with the keys engine, trials and metric")
        engine = at.Engine.from_dict(state["engine"])
        trials = state["trials"]
        if not isinstance(trials, dict):
            raise StateError("$.trials", trials, "a dict of ids")
        for trial_id, number in trials.items():
            if type(number) is not int or not 0 <= number < engine.state.next_id:
                raise StateError(f"$.trials.{trial_id}", number, "the id of a suggestion")
        goals = [_MODES[one.goal] for one in engine.state.problem.outcomes if one.goal]
        metric, mode = state["metric"], goals if isinstance(state["metric"], list) else goals[0]
        try:
            _paired(metric, mode)
        except DefinitionError:
            raise StateError("$.metric", metric, "the metric, or a list of them") from None
        before = self._constraints
        if before is None:
            self._constraints = engine.constraints or None
        try:
            self._check(engine.state.problem)
        except DefinitionError:
            self._constraints = before
            raise
        self._engine, self._ids = engine, dict(trials)
        if self._metric is None:
            self._metric = metric
        self._mode = mode

    def save(self, checkpoint_path: str) -> None:
        """Write the state to a file, as JSON, at one stroke; Tune does so by itself."""
        state = self.to_dict() if self._engine is not None else None
        files.replace(Path(checkpoint_path), json.dumps(state).encode())

    def restore(self, checkpoint_path: str) -> None:
        """Go on from a file that ``save`` wrote.

        Raises:
            StateError: a ``ValueError``; the file holds something else.
            DefinitionError: a ``ValueError``; the searcher has another space.
        """
        try:
            state = json.loads(Path(checkpoint_path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise StateError("$", checkpoint_path, f"a file of JSON: {error}") from None
        if state is not None:
            self.load_dict(state)


# --- what is optimised ---


def _paired(metric: Any, mode: Any) -> tuple[Any, Any]:
    """Return the metric and the mode, or two lists of them, as Tune's own searchers have them.

    Raises:
        DefinitionError: they are no such pair.
    """
    if isinstance(metric, Mapping):
        if mode is not None:
            raise DefinitionError("$.mode", mode, "None, as the metrics have modes of their own")
        metric, mode = list(metric), list(metric.values())
    elif isinstance(metric, list | tuple):
        metric, mode = list(metric), [mode] * len(metric) if isinstance(mode, str) else mode
        if not isinstance(mode, list | tuple) or len(mode) != len(metric):
            raise DefinitionError("$.mode", mode, f"a mode for each of {metric}")
        mode = list(mode)
    elif metric is not None and not isinstance(metric, str):
        raise DefinitionError("$.metric", metric, "a key of the result, or several")
    for one in mode if isinstance(metric, list) else [mode]:
        if one not in (*_GOALS, None) or (one is None and isinstance(metric, list)):
            raise DefinitionError("$.mode", one, "'min' or 'max'")
    return metric, mode
