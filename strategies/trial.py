"""What a run has done so far, as values that turn into plain dicts and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

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

    def to_dict(self) -> dict[str, Any]:
        """Return the trial as plain types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Trial:
        """Return the trial that ``to_dict`` wrote."""
        measurement = saved["measurement"] and Measurement(**saved["measurement"])
        return cls(**{**saved, "measurement": measurement})
