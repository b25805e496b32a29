"""What a run has done so far, as frozen values.

A trial here is one evaluation of one tune configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

import asktell as at
from strategies.knowledge import Knowledge
from strategies.objective import Measurement


@frozen
class Trial:
    """One evaluation of a tune configuration, and what came of it.

    It has either a ``measurement`` or a ``failure``, which is the reason. ``meets`` tells whether
    it meets the accuracy criterion, ``seconds`` how long it took. ``digest`` is that of the
    quantised model, if it is known: another configuration that makes the same one is not
    measured.
    """

    number: int
    params: dict[str, Any]
    measurement: Measurement | None
    failure: str | None
    meets: bool
    seconds: float
    digest: str | None = None


@frozen
class Result:
    """The best trial, its model, and whether it meets the criterion.

    ``front`` are the trials that meet it and that no other such trial is better than in every
    objective: with several objectives, what there is to choose from.
    """

    trial: Trial
    model: Any = field(repr=False)
    meets: bool
    front: tuple[Trial, ...] = ()


@frozen
class Progress:
    """Everything that is kept of a run: with it, another run goes on exactly there.

    ``parts`` are seconds by part. The optimiser starts once the FP32 model is measured, as that
    says what is wanted. What is known beforehand is there if the policy asks for it.
    """

    engine: at.State | None = None
    baseline: Measurement | None = None
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0
    parts: Mapping[str, float] = field(factory=dict)
    knowledge: Knowledge | None = None

    @property
    def measured(self) -> dict[str, Measurement]:
        """Return the measurements of quantised models, by digest."""
        return {
            trial.digest: trial.measurement
            for trial in self.trials
            if trial.digest is not None and trial.measurement is not None
        }
