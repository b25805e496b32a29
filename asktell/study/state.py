"""The optimiser as one immutable value, and the values it is made of."""

from __future__ import annotations

from typing import Any, Literal, get_args

from attrs import field, frozen

from asktell.errors import DefinitionError
from asktell.model.gp import Hyperparameters
from asktell.numbers import is_count
from asktell.space.space import Space, Values
from asktell.study.records import Records

Goal = Literal["maximize", "minimize"]

Origin = Literal["initial", "model", "fallback", "again"]
"""Where a suggestion comes from: the initial design, the model, or, where the model failed for
numerical reasons, chance; ``again`` where an earlier suggestion of the same params got no outcome:
its lease expired, or its failure is retried."""

Cause = Literal["reported", "expired"]
"""Who says that params failed: whoever evaluated them, or ``expire``, as nobody ever answered."""


def _count(value: Any, place: str, least: int = 1) -> int:
    if not is_count(value, least):
        raise DefinitionError(place, value, f"an integer >= {least}")
    return int(value)


def _flag(value: Any, place: str) -> None:
    if not isinstance(value, bool):
        raise DefinitionError(place, value, "True or False")


@frozen(kw_only=True)
class Settings:
    """How an optimiser works; part of its state.

    Args:
        n_initial: so many configurations come from the initial design (the centre, then Sobol
            points); observations from elsewhere count.
        replicates: whether another result for the same suggestion or params is welcome (targets
            are noisy), rather than an error. The model and ``best`` then use the mean.
        n_candidates: how many Sobol points the maximiser of the acquisition scores.
        n_starts: how many of them it improves.
        n_modelled: how many observations the model sees at most: the best, and an even selection
            of the rest.
        retries: how often params whose evaluation failed are offered again, before the failure
            counts.
        expiries: how many suggestions of the same params may lose their lease without an answer;
            with one more, the params count as failed.

    Raises:
        DefinitionError: a ``ValueError`` that names the setting.
    """

    n_initial: int = 5
    replicates: bool = False
    n_candidates: int = 512
    n_starts: int = 8
    n_modelled: int = 500
    retries: int = 0
    expiries: int = 3

    def __attrs_post_init__(self) -> None:
        """Check the settings."""
        _flag(self.replicates, "$.replicates")
        for name in ("n_initial", "n_candidates", "n_starts", "n_modelled"):
            object.__setattr__(self, name, _count(getattr(self, name), f"$.{name}"))
        for name in ("retries", "expiries"):
            object.__setattr__(self, name, _count(getattr(self, name), f"$.{name}", least=0))


@frozen
class Suggestion:
    """Params that the engine handed out; pending until observed, failed or expired.

    ``expires`` is when its lease ends, on the caller's clock; without a lease it is None.
    """

    id: int
    names: tuple[str, ...] = field(repr=False)
    values: Values = field(repr=False)
    origin: Origin
    expires: float | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Return the configuration as a new dict."""
        return dict(zip(self.names, self.values, strict=True))

    def __str__(self) -> str:
        return f"suggestion {self.id}: {self.params} ({self.origin})"


@frozen
class Observation:
    """Params with their target; ``id`` is that of the suggestion, None for params of one's own."""

    id: int | None
    names: tuple[str, ...] = field(repr=False)
    values: Values = field(repr=False)
    target: float

    @property
    def params(self) -> dict[str, Any]:
        """Return the configuration as a new dict."""
        return dict(zip(self.names, self.values, strict=True))

    def __str__(self) -> str:
        return f"observation of {self.params}: {self.target}"


@frozen
class Failure:
    """Params whose evaluation failed, why, and who says so."""

    id: int | None
    names: tuple[str, ...] = field(repr=False)
    values: Values = field(repr=False)
    reason: str
    cause: Cause = "reported"

    @property
    def params(self) -> dict[str, Any]:
        """Return the configuration as a new dict."""
        return dict(zip(self.names, self.values, strict=True))

    def __str__(self) -> str:
        return f"failure of {self.params}: {self.reason}"


@frozen
class Fit:
    """The hyper-parameters of every member of the model, and from how many trials they are."""

    n: int
    members: tuple[Hyperparameters, ...]


@frozen
class State:
    """The whole optimiser. Begin one with :meth:`start`; ``asktell.suggest``, ``observe`` and
    ``fail`` return the next.

    Two states are equal when everything in them is, and equal states go on alike.

    Attributes:
        pending: the suggestions that wait for an outcome.
        due: values to be offered again, the longest waiting first.
        withdrawn: suggestions that once left ``pending`` without an outcome of their own: their
            lease expired, their failure is retried, or another suggestion of the same params was
            observed. A result for one is still matched by its id.
        retried: the failures that do not count, as their params were offered again.
    """

    space: Space
    goal: Goal
    seed: int
    settings: Settings = Settings()
    next_id: int = 0
    pending: tuple[Suggestion, ...] = ()
    observations: Records[Observation] = field(factory=Records)
    failures: Records[Failure] = field(factory=Records)
    due: tuple[Values, ...] = ()
    withdrawn: Records[Suggestion] = field(factory=Records)
    retried: Records[Failure] = field(factory=Records)
    fit: Fit | None = None

    @classmethod
    def start(
        cls,
        space: Space,
        seed: int = 0,
        goal: Goal = "maximize",
        settings: Settings | None = None,
    ) -> State:
        """Return the state of an optimiser that knows nothing yet.

        Args:
            space: what is searched.
            seed: an integer >= 0; the only source of randomness.
            goal: ``"maximize"`` or ``"minimize"``.
            settings: how to work; the defaults where None.

        Raises:
            DefinitionError: a ``ValueError`` that names the argument.
        """
        if not isinstance(space, Space):
            raise DefinitionError("$.space", space, "a Space")
        if not is_count(seed, least=0):
            raise DefinitionError("$.seed", seed, "an integer >= 0")
        if goal not in get_args(Goal):
            raise DefinitionError("$.goal", goal, " or ".join(map(repr, get_args(Goal))))
        if not isinstance(settings, Settings | None):
            raise DefinitionError("$.settings", settings, "Settings, or None")
        return cls(space, goal, int(seed), settings or Settings())

    def to_dict(self) -> dict[str, Any]:
        """Return the state as a dict of plain types, which ``json.dumps`` takes."""
        from asktell.codec.state_codec import (
            state_to_dict,  # a floor above: the codec knows the values
        )

        return state_to_dict(self)

    @classmethod
    def from_dict(cls, state: Any) -> State:
        """Return the state that ``to_dict`` wrote, to the last bit.

        Raises:
            StateError: a ``ValueError``; a field is missing, unknown or corrupt, or the schema
                is newer than this package. The message names the path.
        """
        from asktell.codec.state_codec import state_from_dict

        return state_from_dict(state)
