"""How a crew works, what it has at work, and how it stands."""

from __future__ import annotations

from typing import Literal

from attrs import define, field, frozen

from asktell.drivers.patience import Patience
from asktell.programs.program import Program
from asktell.state import State
from asktell.study.views import Suggestion


@frozen
class Plan:
    """How a crew works.

    Attributes:
        n_workers: how many programs run at once.
        n_trials: the crew ends when so many configurations have an outcome, those that were known
            before included; None for no limit.
        timeout: seconds after which a program is stopped, and has failed; None for no limit.
        lease: seconds of the leases, which are renewed in time. If this machine vanishes, crews on
            others wait for so long.
        patience: when the crew gives up.
    """

    n_workers: int = 1
    n_trials: int | None = None
    timeout: float | None = None
    lease: float = 120.0
    patience: Patience = field(factory=Patience)


@define(eq=False)
class Job:
    """A program at work.

    Attributes:
        began: on the timer.
        stopped: why it was asked to end: it is late, its trial has an outcome from elsewhere, or
            the crew stops.
        kill_at: then it is killed, on the timer.
    """

    suggestion: Suggestion
    began: float
    program: Program | None = None
    stopped: Literal["late", "settled", "interrupted"] | None = None
    kill_at: float = float("inf")


@frozen
class Standing:
    """How things are, for whoever shows it.

    Attributes:
        jobs: what runs; the worker of each is its place.
        seconds: since the crew began.
        done: how many trials it has finished itself.
        waiting: whether it waits for the trials of others.
    """

    state: State
    plan: Plan
    jobs: tuple[Job | None, ...]
    now: float
    seconds: float
    done: int
    waiting: bool
