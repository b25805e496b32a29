"""A searcher for Ray Tune that asks the engine; needs ``pip install asktell[ray]``."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

import asktell as at
from asktell.errors import ConflictError, DefinitionError, ParamsError, StateError
from asktell.integrations.held_choices import HeldChoices
from asktell.space.parameters import Parameter
from asktell.store import files
from asktell.study.problem import Goal

try:
    from ray.tune.search import Searcher
    from ray.tune.search.sample import (
        Categorical,
        Domain,
        Float,
        Integer,
        LogUniform,
        Quantized,
        Uniform,
    )
except ImportError as error:
    message = "asktell.integrations.ray needs Ray Tune: pip install asktell[ray]"
    raise ImportError(message) from error


class AskTellSearcher(Searcher):
    """A Ray Tune searcher that asks the engine.

    A trial that ends with an error, without the metric, or with one that is not finite, has failed.
    If a trial has an outcome already, for instance because it ran again after a restore, the first
    one stays, and a different one only gives a warning.

    Args:
        space: an :class:`asktell.Space`, in which a name such as ``"model/depth"`` stands for a
            nested key; or Tune's own search space; or None for that of the ``Tuner``.
        metric: the key of the result; of the ``TuneConfig`` where None.
        mode: ``"min"`` or ``"max"``; of the ``TuneConfig`` where None.
        seed: an integer >= 0; the only source of randomness.
        **settings: those of :class:`asktell.Settings`.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    def __init__(
        self,
        space: at.Space | Mapping[str, Any] | None = None,
        metric: str | None = None,
        mode: str | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        """Check the arguments; the search starts when the space and the mode are known."""
        if mode not in ("min", "max", None):
            raise DefinitionError("$.mode", mode, "'min' or 'max'")
        super().__init__(metric=metric, mode=mode)
        self._metric, self._mode = metric, mode
        self._seed = seed
        self._settings = at.Settings(**settings)
        self._search: _Search | None = None
        self._engine: at.Engine | None = None
        self._ids: dict[str, int] = {}
        if isinstance(space, at.Space):
            self._search = _Search.of_space(space)
        elif space is not None:
            self._search = _Search.of_config(space)
        self._start()

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Take the metric, the mode and the search space of the ``Tuner``.

        Returns:
            False where the searcher has a space already.

        Raises:
            DefinitionError: a ``ValueError`` that names what the engine cannot search; or the
                space or the mode is not that of a state that was restored.
        """
        self._metric = metric or self._metric
        self._mode = mode or self._mode
        is_new = self._search is None
        if is_new:
            self._search = _Search.of_config(config)
        self._start()
        return is_new

    def _start(self) -> None:
        """Start the engine once all that it needs is known; check that it is the right one."""
        if self._search is None:
            return
        if self._engine is not None:
            known, space = self._engine.state.space, self._search.space
            if known != space:
                raise DefinitionError("$.space", space, f"{known}, as in the restored state")
            return
        if self._mode is not None:
            goal: Goal = "maximize" if self._mode == "max" else "minimize"
            self._engine = at.Engine(self._search.space, self._seed, goal, self._settings)

    @property
    def engine(self) -> at.Engine:
        """Return the engine as it is now, to be looked at.

        Raises:
            DefinitionError: a ``ValueError``; the space or the mode is not known yet.
        """
        return at.Engine.from_state(self._started()[0].state)

    def _started(self) -> tuple[at.Engine, _Search]:
        if self._engine is None:
            missing = "a search space" if self._search is None else "a mode, 'min' or 'max'"
            raise DefinitionError("$", None, f"{missing}, of the searcher or of the Tuner")
        return self._engine, self._search or _Search.of_space(self._engine.state.space)

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
            TargetError: a ``ValueError``; the metric is not a number.
        """
        if trial_id not in self._ids:
            return
        value = None if error else (result or {}).get(self._metric or "")
        self._tell(self._ids[trial_id], value, "error" if error else f"no {self._metric}")

    def add_evaluated_point(
        self,
        parameters: dict[str, Any],
        value: float | None,
        error: bool = False,
        pruned: bool = False,
        intermediate_values: list[float] | None = None,
    ) -> None:
        """Take the outcome of params that were evaluated elsewhere; pruned ones count as failed.

        Raises:
            ParamsError: a ``ValueError``; the params do not lie in the space.
            TargetError: a ``ValueError``; the value is not a number.
            DefinitionError: a ``ValueError``; the space or the mode is not known yet.
        """
        _, search = self._started()
        reason = "error" if error else "pruned" if pruned else "no value"
        self._tell(search.params(parameters), None if error or pruned else value, reason)

    def _tell(self, trial: int | dict[str, Any], value: Any, reason: str) -> None:
        engine, _ = self._started()
        try:
            if value is None:
                engine.fail(trial, reason)
            else:
                engine.observe(trial, value)
        except ConflictError as conflict:
            warnings.warn(f"the first outcome stays: {conflict}", stacklevel=3)

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
            DefinitionError: a ``ValueError``; the searcher has another space.
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
        if self._search is not None and self._search.space != engine.state.space:
            expected = f"{engine.state.space}, as in the state"
            raise DefinitionError("$.space", self._search.space, expected)
        self._engine, self._ids = engine, dict(trials)
        self._metric = self._metric or state["metric"]
        self._mode = "max" if engine.state.problem.goal == "maximize" else "min"

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


# --- the search space ---


@frozen
class _Search:
    """A search space of Tune, and the engine's view of it.

    Nested keys are joined by slashes.
    """

    space: at.Space
    held: HeldChoices

    @classmethod
    def of_space(cls, space: at.Space) -> _Search:
        """Return the view of a space of the engine's own."""
        return cls(space, HeldChoices())

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> _Search:
        """Return the view of a config of Tune; anything that is not a domain is left to Tune.

        Raises:
            DefinitionError: the engine cannot search it.
        """
        parameters: list[Parameter] = []
        held = HeldChoices()
        for name, domain in _domains(config, ()):
            try:
                parameters.append(_parameter(name, domain, held))
            except DefinitionError as error:
                raise error.below(f"$.space.{name}") from None
        return cls(at.Space(*parameters), held)

    def config(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the nested config of params."""
        config: dict[str, Any] = {}
        for name, value in self.held.outward(params).items():
            *path, last = name.split("/")
            inner = config
            for key in path:
                inner = inner.setdefault(key, {})
            inner[last] = value
        return config

    def params(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the params of a config, nested or flat; what is not searched is left out.

        Raises:
            ParamsError: a key is missing, or a choice unknown.
        """
        params: dict[str, Any] = {}
        for name in self.space.names:
            value: Any = config
            for key in [name] if name in config else name.split("/"):
                if not isinstance(value, Mapping) or key not in value:
                    raise ParamsError(f"$.{name}", config, f"a config with the key {name!r}")
                value = value[key]
            params[name] = value
        return self.held.inward(params)


def _domains(value: Any, path: tuple[str, ...]) -> Iterable[tuple[str, Domain]]:
    """Yield the domains in a config with their names.

    Raises:
        DefinitionError: a grid search, or a domain in a list or under a key that is not a string.
    """
    place = ".".join(["$.space", *map(str, path)])
    if isinstance(value, Domain):
        yield "/".join(path), value
    elif isinstance(value, Mapping):
        if "grid_search" in value:
            raise DefinitionError(place, value, "a domain to search, such as tune.choice")
        for key, item in value.items():
            found = list(_domains(item, (*path, str(key))))
            if found and (not isinstance(key, str) or "/" in key):
                raise DefinitionError(place, key, "keys that are strings without a slash")
            yield from found
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            if list(_domains(item, (*path, str(position)))):
                raise DefinitionError(place, value, "no domain within a list")


def _parameter(name: str, domain: Domain, held: HeldChoices) -> Parameter:
    """Return the parameter that has the domain's values.

    Raises:
        DefinitionError: the engine cannot search it.
    """
    sampler, step = domain.get_sampler(), None
    if isinstance(sampler, Quantized):
        sampler, step = sampler.get_sampler(), sampler.q
    if domain.is_grid() or not isinstance(sampler, Uniform | LogUniform):
        expected = "uniform or loguniform numbers, or choices; nothing conditional"
        raise DefinitionError("$", domain, expected)
    log = isinstance(sampler, LogUniform)
    match domain:
        case Float(lower=low, upper=high):
            return at.Float(name, low, high, log=log, step=step)
        case Integer(lower=low, upper=high):
            if step in (None, 1):
                return at.Int(name, low, high - 1, log=log)
            return at.Int(name, math.ceil(low / step) * step, high, log=log, step=step)
        case Categorical(categories=choices):
            return held.categorical(name, choices)
    raise DefinitionError("$", domain, "uniform or loguniform numbers, or choices")
