"""What callers are given: a suggestion, an observation, a failure."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from asktell.study.problem import Numbers, target_of
from asktell.study.trials import Cause, Configuration, Origin, described


@frozen(repr=False)
class Suggestion:
    """Params that the engine handed out; pending until observed, failed or expired.

    ``expires`` is when its lease ends, on the caller's clock; without a lease it is None.
    """

    id: int
    configuration: Configuration
    origin: Origin | None
    expires: float | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Return the configuration as a new dict."""
        return self.configuration.params

    def __repr__(self) -> str:
        lease = {} if self.expires is None else {"expires": self.expires}
        named = {"id": self.id, "params": self.params, "origin": self.origin}
        return described("Suggestion", **named, **lease)

    def __str__(self) -> str:
        return f"suggestion {self.id}: {self.params} ({self.origin})"


@frozen(repr=False)
class Observation:
    """Params with their target; ``id`` is that of the suggestion, None if there was none."""

    id: int | None
    configuration: Configuration
    outcome_names: tuple[str, ...] = field(eq=False)
    numbers: Numbers

    @property
    def params(self) -> dict[str, Any]:
        """Return the configuration as a new dict."""
        return self.configuration.params

    @property
    def target(self) -> Any:
        """Return what was told: a float, or ``{outcome: float}`` where outcomes have names."""
        return target_of(self.outcome_names, self.numbers)

    def __repr__(self) -> str:
        return described("Observation", id=self.id, params=self.params, target=self.target)

    def __str__(self) -> str:
        return f"observation of {self.params}: {self.target}"


@frozen(repr=False)
class Failure:
    """Params whose evaluation failed, why, and who says so."""

    id: int | None
    configuration: Configuration
    reason: str
    cause: Cause = "reported"

    @property
    def params(self) -> dict[str, Any]:
        """Return the configuration as a new dict."""
        return self.configuration.params

    def __repr__(self) -> str:
        named = {"id": self.id, "params": self.params, "reason": self.reason}
        return described("Failure", **named, cause=self.cause)

    def __str__(self) -> str:
        return f"failure of {self.params}: {self.reason}"
