"""What callers are given: a suggestion, an observation, a failure."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from asktell.study.problem import Deviations, Numbers, Problem, std_of, target_of
from asktell.study.trials import (
    Cause,
    Configuration,
    Origin,
    Result,
    Trial,
    described,
    mean_deviations,
    mean_numbers,
)


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

    def _repr_html_(self) -> str:
        from asktell.html import fields  # for notebooks alone
        from asktell.text import moment

        lease = None if self.expires is None else moment(self.expires)
        about = {"origin": self.origin, "lease ends": lease}
        return fields(f"suggestion {self.id}", self.params, about)


@frozen(repr=False)
class Observation:
    """Params with their target; ``id`` is that of the suggestion, None if there was none.

    ``feasible`` tells whether the target holds all constraints.
    """

    id: int | None
    configuration: Configuration
    outcome_names: tuple[str, ...] = field(eq=False)
    numbers: Numbers
    deviations: Deviations | None = None
    feasible: bool = True
    expected_numbers: Numbers | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Return the configuration as a new dict."""
        return self.configuration.params

    @property
    def target(self) -> Any:
        """Return what was told: a float, or ``{outcome: float}`` where outcomes have names."""
        return target_of(self.outcome_names, self.numbers)

    @property
    def std(self) -> Any:
        """Return the standard deviations that were told, in the form of the target, or None."""
        return std_of(self.outcome_names, self.deviations)

    @property
    def expected(self) -> Any:
        """Return what the model expects, in the form of the target; None where it was not asked.

        Where targets are noisy, the best is chosen by it.
        """
        numbers = self.expected_numbers
        return None if numbers is None else target_of(self.outcome_names, numbers)

    def __repr__(self) -> str:
        shown: dict[str, Any] = {"id": self.id, "params": self.params, "target": self.target}
        if self.deviations is not None:
            shown["std"] = self.std
        if self.expected_numbers is not None:
            shown["expected"] = self.expected
        if not self.feasible:
            shown["feasible"] = False
        return described("Observation", **shown)

    def __str__(self) -> str:
        kept = "" if self.feasible else " (breaks a constraint)"
        return f"observation of {self.params}: {self.target}{kept}"

    def _repr_html_(self) -> str:
        from asktell.html import fields  # for notebooks alone

        about = {"target": self.target, "std": self.std, "expected": self.expected, "id": self.id}
        kept = {} if self.feasible else {"feasible": "no: it breaks a constraint"}
        return fields("observation", self.params, {**about, **kept})


def observation_of(problem: Problem, trial: Trial, result: Result) -> Observation:
    """Return one result of a trial."""
    holds = problem.holds(result.numbers)
    names, numbers = result.names, result.numbers
    return Observation(result.id, trial.configuration, names, numbers, result.std, holds)


def summary_of(problem: Problem, trial: Trial) -> Observation:
    """Return all results of a trial as one: their means, under the first id."""
    results = trial.results
    first = min((result.id for result in results if result.id is not None), default=None)
    numbers = mean_numbers(results)
    return Observation(
        first,
        trial.configuration,
        results[0].names,
        numbers,
        mean_deviations(results),
        problem.holds(numbers),
    )


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

    def _repr_html_(self) -> str:
        from asktell.html import fields  # for notebooks alone

        about = {"reason": self.reason, "cause": self.cause, "id": self.id}
        return fields("failure", self.params, about)
