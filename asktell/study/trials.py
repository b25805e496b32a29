"""A trial: one configuration through its whole life, and what callers see of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from asktell.space.space import Values, params_of
from asktell.study.problem import Deviations, Numbers, target_of

Origin = Literal["initial", "model", "fallback", "again", "replicate", "enqueued"]
"""Where a suggestion comes from: the initial design; the model; ``fallback``, chance, where the
model failed for numerical reasons or what it chose is taken; ``again`` where an earlier suggestion
of the same params has no outcome: its lease expired, or its failure is retried; ``replicate``
where observed params are to be measured once more; ``enqueued`` where a caller wished for it."""

Cause = Literal["reported", "expired", "retried"]
"""Why an evaluation has no result: a failure was reported; nobody ever answered; or a failure was
reported that does not count, since the params are tried again."""

Status = Literal["queued", "pending", "observed", "failed", "forgotten"]
"""Where a trial stands: to be offered again, being evaluated, over with a result, over without one,
or with an outcome that was taken back."""

Standing = Literal["new", "queued", "pending", "observed", "failed", "lost", "forgotten"]
"""The status in more detail, for the transitions: params that no trial has yet are ``new``; a trial
that failed since nobody ever answered is ``lost``, and an answer is still welcome."""

TicketStanding = Literal["out", "expired", "retried", "closed"]


@frozen
class Configuration:
    """One configuration: canonical values, and the names of their parameters."""

    names: tuple[str, ...] = field(eq=False)
    values: Values

    @property
    def params(self) -> dict[str, Any]:
        """Return the configuration as a new dict."""
        return params_of(self.names, self.values)


@frozen
class Part:
    """Some params: names, and a value for each. What is not named is left open."""

    names: tuple[str, ...]
    values: Values

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Part:
        """Return a part that says what a mapping says."""
        return cls(tuple(params), tuple(params.values()))

    @property
    def params(self) -> dict[str, Any]:
        """Return what is named as a new dict."""
        return dict(zip(self.names, self.values, strict=True))

    def agrees(self, params: Mapping[str, Any]) -> bool:
        """Tell whether params have what is named."""
        pairs = zip(self.names, self.values, strict=True)
        return all(name in params and params[name] == value for name, value in pairs)


# --- the parts of a trial ---


@frozen
class Ticket:
    """One time that the params were handed out.

    Attributes:
        id: that of the suggestion.
        origin: None where a state of schema 1 or 2 did not keep it.
        expires: when its lease ends, on the caller's clock; None without a lease.
        standing: ``out`` while it waits for an outcome; ``expired`` where its lease ended first;
            ``retried`` where its failure does not count; else ``closed``.
        at: the moment it was handed out, where the caller gave it.
    """

    id: int
    origin: Origin | None
    expires: float | None
    standing: TicketStanding
    at: float | None


@frozen
class Result:
    """What was measured, as it was told.

    Attributes:
        id: of the suggestion it belongs to; None if it belongs to none.
        arrival: its place among all reports of the study.
        names: those of the outcomes.
        numbers: one for every outcome.
        std: their standard deviations, where any is known.
        at: the moment, where the caller gave it.
    """

    id: int | None
    arrival: int
    names: tuple[str, ...] = field(eq=False)
    numbers: Numbers
    std: Deviations | None
    at: float | None

    @property
    def counts(self) -> bool:
        """Tell that this counts as an outcome of the trial."""
        return True


@frozen
class Fault:
    """Why an evaluation gave no result, as it was told.

    Attributes:
        id: of the suggestion it belongs to; None if it belongs to none.
        arrival: its place among all reports of the study.
        reason: why, in words.
        cause: who says so, and whether it counts.
        at: the moment, where the caller gave it.
    """

    id: int | None
    arrival: int
    reason: str
    cause: Cause
    at: float | None

    @property
    def counts(self) -> bool:
        """Tell whether this counts as an outcome: a failure that is retried does not."""
        return self.cause != "retried"


Report = Result | Fault


# --- the trial ---


@frozen(repr=False)
class Trial:
    """One configuration through its whole life.

    Attributes:
        number: its place in the study, from 0.
        tickets: the times it was handed out, in order.
        reports: what was told of it, in order.
        queued: whether its params are to be offered again.
        left_out: why it does not lie in the space since that has changed; None where it does.
        known: its params as they were handed out or told, where the space has changed since;
            None where they are those of its configuration.
    """

    number: int
    configuration: Configuration
    tickets: tuple[Ticket, ...]
    reports: tuple[Report, ...]
    queued: bool
    left_out: str | None = None
    known: Part | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Return the configuration as a new dict."""
        return self.configuration.params

    @property
    def status(self) -> Status:
        """Return what the trial is now."""
        standing = self.standing
        return "failed" if standing == "lost" else standing  # type: ignore[return-value]

    @property
    def standing(self) -> Standing:
        """Return the status, or ``lost`` where it failed since nobody ever answered."""
        cause = None
        for report in self.reports:
            if isinstance(report, Result):
                return "observed"
            if report.counts and cause != "reported":
                cause = report.cause
        if cause is not None:
            return "failed" if cause == "reported" else "lost"
        for ticket in self.tickets:
            if ticket.standing == "out":
                return "pending"
        return "queued" if self.queued else "forgotten"

    @property
    def is_over(self) -> bool:
        """Tell whether it has an outcome: a result, or a failure that counts."""
        return bool(self.reports) and self.standing in ("observed", "failed", "lost")

    @property
    def is_observed(self) -> bool:
        """Tell whether it has a result."""
        return any(isinstance(report, Result) for report in self.reports)

    @property
    def ids(self) -> tuple[int, ...]:
        """Return the ids of its suggestions, in order."""
        return tuple(ticket.id for ticket in self.tickets)

    @property
    def origin(self) -> Origin | None:
        """Return where its first suggestion came from; None if it was never suggested."""
        return self.tickets[0].origin if self.tickets else None

    @property
    def results(self) -> list[Result]:
        """Return what was measured: one result, or several where replicates are wanted."""
        reports = self.reports
        return [report for report in reports if isinstance(report, Result)] if reports else []

    @property
    def target(self) -> Any:
        """Return what was measured; None without a result, the mean of several."""
        results = self.results
        return target_of(results[0].names, mean_numbers(results)) if results else None

    @property
    def reason(self) -> str | None:
        """Return why it failed; None where it did not."""
        faults = [r for r in self.reports if isinstance(r, Fault) and r.counts]
        return faults[-1].reason if faults and not self.results else None

    @property
    def suggested_at(self) -> float | None:
        """Return the moment it was first handed out, where the caller gave it."""
        return self.tickets[0].at if self.tickets else None

    @property
    def told_at(self) -> float | None:
        """Return the moment of its last outcome, where the caller gave it."""
        moments = [report.at for report in self.reports if report.counts]
        return moments[-1] if moments else None

    def was_retried(self, ticket_id: int | None) -> bool:
        """Tell whether this suggestion failed, and its params are tried again all the same."""
        if any(report.id == ticket_id and not report.counts for report in self.reports):
            return True
        return any(t.id == ticket_id and t.standing == "retried" for t in self.tickets)

    def ticket(self, ticket_id: int) -> Ticket | None:
        """Return the ticket with this id."""
        return next((ticket for ticket in self.tickets if ticket.id == ticket_id), None)

    def __repr__(self) -> str:
        shown: dict[str, Any] = {"number": self.number, "status": self.status}
        shown["params"] = self.params
        if self.left_out is not None:
            shown["left_out"] = self.left_out
        if self.ids:
            shown["ids"] = self.ids
        if self.results:
            shown["target"] = self.target
        elif self.reason is not None:
            shown["reason"] = self.reason
        return described("Trial", **shown)

    def _repr_html_(self) -> str:
        from asktell.html import fields  # for notebooks alone
        from asktell.text import moment

        told = {"target": self.target} if self.results else {"reason": self.reason}
        known = {"suggested at": self.suggested_at, "told at": self.told_at}
        moments = {name: moment(at) for name, at in known.items() if at is not None}
        about = {"status": self.status, "ids": self.ids, "origin": self.origin, **told, **moments}
        if self.left_out is not None:
            about["left out"] = self.left_out
        return fields(f"trial {self.number}", self.params, about)


def mean_numbers(results: list[Result]) -> Numbers:
    """Return the means of the numbers of one or several results."""
    if len(results) == 1:
        return results[0].numbers
    columns = zip(*(result.numbers for result in results), strict=True)
    return tuple(mean(column) for column in columns)


def mean_deviations(results: list[Result]) -> Deviations | None:
    """Return the standard deviations of the means of results, None where none is known.

    Deviations add up in squares; that of a mean is known where those of all its parts are.
    """
    if len(results) == 1 or any(result.std is None for result in results):
        return results[0].std if len(results) == 1 else None
    columns = zip(*(result.std or () for result in results), strict=True)
    means = tuple(
        None if None in column else deviation_of_mean([d for d in column if d is not None])
        for column in columns
    )
    return None if all(deviation is None for deviation in means) else means


def deviation_of_mean(deviations: list[float]) -> float:
    """Return the standard deviation of a mean of numbers with these; NaN where one of them is.

    It neither overflows nor depends on their order.
    """
    return math.hypot(*sorted(deviation / len(deviations) for deviation in deviations))


def mean(numbers: tuple[float, ...]) -> float:
    """Return the mean of finite numbers, which neither overflows nor depends on their order."""
    return math.fsum(number / len(numbers) for number in numbers)


def described(name: str, **shown: Any) -> str:
    """Return a repr that shows these values under these names."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in shown.items())})"
