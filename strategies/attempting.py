"""One configuration is tried: what comes of it as a value, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from strategies.errors import NotFiniteError
from strategies.evaluation import Made, error_text
from strategies.objective import Measurement
from strategies.stopwatch import Clock


@frozen
class Attempt:
    """What came of trying a configuration: a measurement or a failure.

    Attributes:
        measurement: None where it failed.
        failure: why it failed.
        error: what was raised, if anything was.
        seconds: how long it took.
        model: the quantised model; None where it is not in this process, or was not made.
        digest: of that model; None where it is not known.
        parts: seconds by part, where they are not on the strategy's own sheet.
    """

    measurement: Measurement | None
    failure: str | None
    error: Exception | None
    seconds: float
    model: Any = field(default=None, repr=False)
    digest: str | None = None
    parts: dict[str, float] = field(factory=dict)

    @property
    def is_mistake(self) -> bool:
        """Tell whether the first to come to this ends the run: none ever could succeed.

        A trial that takes too long, or that gives no number, or whose worker dies, says nothing of
        others.
        """
        return self.error is not None and not isinstance(self.error, TimeoutError | NotFiniteError)


def attempted(work: Callable[[], Made], clock: Clock) -> Attempt:
    """Return what came of the work, which makes a model and measures it."""
    begun = clock()
    try:
        made = work()
    except Exception as error:
        return Attempt(None, error_text(error), error, clock() - begun)
    return Attempt(made.measurement, None, None, clock() - begun, made.model, made.digest)
