"""What the driver tells its callbacks."""

from __future__ import annotations

from typing import Any, Literal

from attrs import frozen

from asktell.study.views import Observation, Suggestion
from asktell.telling import Outcome, Std, Target

Measured = Target | tuple[Target, Std]
"""What an evaluation returns: a target, or a target and the standard deviation of its noise."""


def parts_of(measured: Any) -> tuple[Any, Any]:
    """Return the target that an evaluation returned, and its deviation."""
    if isinstance(measured, tuple) and len(measured) == 2:
        return measured
    return measured, None


Happening = Outcome | Literal["expired", "lost"]
"""What became of an evaluation: the outcome of its delivery, or

- ``expired``: it took too long. Its params are offered again, or count as failed in the end;
- ``lost``: the executor broke while it ran. It is submitted again, alone.
"""


@frozen
class Evaluated:
    """One evaluation ended.

    Attributes:
        suggestion: what was evaluated.
        outcome: what became of it.
        target: what the evaluation returned, None if no result came.
        std: the standard deviation of the target that it returned, None where it returned none.
        reason: why no result came, empty otherwise.
        seconds: from its submission to now, on the driver's clock.
        finished: how many configurations have an outcome now, observed or failed.
        n_trials: how many the run is to reach; None where it has no limit.
        best: the best observation so far, noisy or not, None without any. Where nothing holds the
            constraints yet, it is the nearest, and not ``feasible``. None as well where several
            objectives have no weights.
        number: of the trial.
    """

    suggestion: Suggestion
    outcome: Happening
    target: Any
    std: Any
    reason: str
    seconds: float
    finished: int
    n_trials: int | None
    best: Observation | None
    number: int
