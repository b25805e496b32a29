"""What a run has done so far, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

import asktell as at
from strategies.objective import Measurement


@frozen
class Trial:
    """One tune configuration and what came of it.

    Exactly one of ``measurement`` and ``failure`` is there. ``meets`` tells whether the accuracy
    criterion is met, ``seconds`` how long the trial took.
    """

    number: int
    params: Mapping[str, Any]
    measurement: Measurement | None
    failure: str | None
    meets: bool
    seconds: float


@frozen
class Progress:
    """Everything that a run knows, swapped as a whole: it is consistent at any moment."""

    engine: at.State
    baseline: Measurement | None = None
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0
