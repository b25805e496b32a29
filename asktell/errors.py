"""Everything that asktell raises on purpose.

An error about a value names the place where the value stood (a path such as
``$.space.parameters[2].high``), what came, and what was expected.
"""

from __future__ import annotations

from typing import Any

_LONGEST_REPR = 120


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_REPR else text[: _LONGEST_REPR - 3] + "..."


class Nothing:
    """What came where something is missing."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING = Nothing()


class AskTellError(Exception):
    """The root of all errors of this package."""


class InvalidValueError(AskTellError, ValueError):
    """A value is not what it must be.

    Attributes:
        place: the path to the value, from ``$`` for the whole argument.
        got: what came.
        expected: what was expected, in words.
    """

    def __init__(self, place: str, got: Any, expected: str) -> None:
        super().__init__(place, got, expected)
        self.place = place
        self.got = got
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.place}: got {_shorten(self.got)}, expected {self.expected}"

    def below(self, prefix: str) -> InvalidValueError:
        """Return the same error with its place moved below the path ``prefix``."""
        return type(self)(prefix + self.place.removeprefix("$"), self.got, self.expected)


class DefinitionError(InvalidValueError):
    """A parameter, a space or a setting is defined wrongly."""


class ParamsError(InvalidValueError):
    """Params do not lie in the space: a wrong name, type or value."""


class TargetError(InvalidValueError):
    """A target is not a number."""


class UnknownSuggestionError(InvalidValueError):
    """No suggestion of that id was ever handed out."""


class ConflictError(InvalidValueError):
    """A suggestion, or its params, has another outcome already."""


class LeaseError(InvalidValueError):
    """A lease or a moment is no finite number, or the suggestion has no lease to renew."""


class StateError(InvalidValueError):
    """A state's dict has a missing, extra or corrupt field, or a newer schema.

    Attributes:
        others: further faults of the same dict.
    """

    def __init__(
        self, place: str, got: Any, expected: str, others: tuple[StateError, ...] = ()
    ) -> None:
        super().__init__(place, got, expected)
        self.args = (place, got, expected, others)
        self.others = others

    def __str__(self) -> str:
        return "; ".join([super().__str__(), *map(str, self.others)])


class RepeatedPointError(InvalidValueError, KeyError):
    """A point is registered already."""


class UnseenPointError(AskTellError, KeyError):
    """A point was never registered."""

    def __str__(self) -> str:
        return str(self.args[0])


class ExecutorError(AskTellError):
    """The executor of a run broke or is stuck, and there is nothing to make another with."""


class SpaceExhausted(AskTellError):  # noqa: N818 - a condition that callers wait for, not a fault
    """Every configuration of a finite space is observed, pending or failed."""


class NothingObservedError(AskTellError):
    """There is no best observation, as there is none."""


class StoreError(AskTellError):
    """A state's file cannot be used: missing, there already, locked, corrupt, or not writable.

    Attributes:
        path: the file.
        problem: what is wrong with it, in words.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class StoreMissingError(StoreError):
    """There is no such file."""


class StoreExistsError(StoreError):
    """There is such a file already, and it is not overwritten."""


class StoreLockedError(StoreError):
    """Another process held the file for longer than one was ready to wait."""


class StoreCorruptError(StoreError):
    """The file is there, but is not what a store wrote. The problem names the place."""


class MissingExtraError(AskTellError, ImportError):
    """A package is not installed that only one of the extras needs. The message names both."""
