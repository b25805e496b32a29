"""What stands in the place of a parameter that is not active: in values, and in points."""

from __future__ import annotations

from enum import Enum


class Absent(Enum):
    """The type of ``ABSENT``; an enumeration, so that there is one in every process."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent.ABSENT
"""In a tuple of values: this parameter is not active. Params do not have its name."""

NOWHERE = -1.0
"""In a point: this parameter is not active. All positions of active ones lie in [0, 1]."""
