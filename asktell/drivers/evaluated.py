"""What the driver tells its callbacks."""

from __future__ import annotations

from typing import Any, Literal

from attrs import frozen

from asktell.study.views import Observation, Suggestion
from asktell.telling import Outcome

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
        reason: why no result came, empty otherwise.
        seconds: from its submission to now, on the driver's clock.
        finished: how many configurations have an outcome now, observed or failed.
        n_trials: how many the run is to reach.
        best: the best observation so far, None without any.
    """

    suggestion: Suggestion
    outcome: Happening
    target: Any
    reason: str
    seconds: float
    finished: int
    n_trials: int
    best: Observation | None
