"""When a run gives up: what can never work is told at once, not after ten days."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, define, field, frozen

from asktell.drivers.evaluated import Happening
from asktell.errors import DefinitionError, TooManyFailuresError
from asktell.numbers import is_count

_FAILURES: frozenset[Happening] = frozenset({"failed", "retried", "expired"})
_SUCCESSES: frozenset[Happening] = frozenset({"recorded", "late", "unasked", "replicate"})
"""All others say nothing of an evaluation: the ``lost``, for one, are tried again alone, and fail
by themselves if they are to blame."""


def _is_count_or_none(_: Any, attribute: Attribute[int | None], value: Any) -> None:
    if value is not None and not is_count(value):
        raise DefinitionError(f"$.{attribute.name}", value, "an integer >= 1, or None for never")


@frozen
class Patience:
    """When a run gives up; None for never.

    Args:
        first: so many evaluations that raise before any has succeeded end the run with their own
            exception: a mistake in the program, most likely. The last of them is not recorded, and
            its params are the first that the next run evaluates.
        later: so many failures in a row, of any kind, end the run with a ``TooManyFailuresError``.
            They are recorded.

    Raises:
        DefinitionError: a ``ValueError``; not an integer >= 1, nor None.
    """

    first: int | None = field(default=1, validator=_is_count_or_none)  # type: ignore[arg-type]
    later: int | None = field(default=10, validator=_is_count_or_none)  # type: ignore[arg-type]


@define
class Tally:
    """Counts what goes wrong in one run, until its patience is at an end."""

    patience: Patience
    _raised: int = field(default=0, init=False)
    _in_a_row: int = field(default=0, init=False)

    def is_enough(self, has_succeeded: bool) -> bool:
        """Count an evaluation that raised, and tell whether it ends the run without a record.

        Args:
            has_succeeded: whether any evaluation has, in this run or before it.
        """
        if has_succeeded or self.patience.first is None:
            return False
        self._raised += 1
        return self._raised >= self.patience.first

    def count(self, outcome: Happening, number: int, reason: str) -> None:
        """Count what became of an evaluation of trial ``number``, once it is recorded.

        Raises:
            TooManyFailuresError: too many have failed in a row.
        """
        if outcome in _SUCCESSES:
            self._in_a_row = 0
        elif outcome in _FAILURES:
            self._in_a_row += 1
            if self.patience.later is not None and self._in_a_row >= self.patience.later:
                raise TooManyFailuresError(self._in_a_row, number, reason)
