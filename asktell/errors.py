"""Everything that asktell raises on purpose.

An error about a value names the place where the value stood (a path such as
``$.space.parameters[2].high``), what came, and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from itertools import islice
from typing import Any

_LONGEST = 120
_LONGEST_INT = 400
"""In bits: 120 digits, far fewer than Python refuses to write."""

_MANY_ITEMS = 10_000
_SHOWN_FAULTS = 8
_BRACKETS: dict[type, str] = {list: "[]", tuple: "()"}


def quoted(value: Any, longest: int = _LONGEST) -> str:
    """Return the start of ``repr(value)``, or the type's name where the value has no repr.

    Strings, lists and dicts are read only as far as they are shown, however large or deep they are.
    """
    text = ""
    try:
        for piece in _pieces(value, longest):
            text += piece
            if len(text) > longest:
                return text[: longest - 3] + "..."
    except Exception:  # it is somebody else's repr, and may raise anything
        return f"<{type(value).__name__}>"
    return text


def at_key(place: str, key: Any) -> str:
    """Return the path of the item under ``key`` in the mapping at ``place``."""
    name = key if isinstance(key, str) else quoted(key)
    return f"{place}.{name if len(name) <= _LONGEST else name[: _LONGEST - 3] + '...'}"


def _pieces(value: Any, longest: int) -> Iterator[str]:
    kind = type(value)
    if kind is str or kind is bytes:
        yield repr(value[: longest + 1])
    elif kind is int and value.bit_length() > _LONGEST_INT:
        yield f"<int of {value.bit_length()} bits>"
    elif kind is dict:
        yield "{"
        for number, (key, item) in enumerate(value.items()):
            yield ", " if number else ""
            yield from _pieces(key, longest)
            yield ": "
            yield from _pieces(item, longest)
        yield "}"
    elif kind in _BRACKETS:
        yield _BRACKETS[kind][0]
        for number, item in enumerate(value):
            yield ", " if number else ""
            yield from _pieces(item, longest)
        yield ("," if kind is tuple and len(value) == 1 else "") + _BRACKETS[kind][1]
    elif isinstance(value, Sized) and len(value) > _MANY_ITEMS:
        yield f"<{kind.__name__} of {len(value)} items>"
    else:
        yield repr(value)


class Nothing:
    """Stands for what came where something is missing."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING = Nothing()


class AskTellError(Exception):
    """The root of all errors of this package."""


class InvalidValueError(AskTellError, ValueError):
    """A value is not valid.

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
        return f"{self.place}: got {quoted(self.got)}, expected {self.expected}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def below(self, prefix: str) -> InvalidValueError:
        """Return the same error with its place moved below the path ``prefix``."""
        return type(self)(prefix + self.place.removeprefix("$"), self.got, self.expected)


class DefinitionError(InvalidValueError):
    """The definition of a parameter, a space or a setting is wrong."""


class ParamsError(InvalidValueError):
    """Params do not lie in the space: a wrong name, type or value."""


class TargetError(InvalidValueError):
    """A target is not a number."""


class UnknownSuggestionError(InvalidValueError):
    """No suggestion with that id was ever handed out."""


class ConflictError(InvalidValueError):
    """A suggestion or its params already have another outcome."""


class LeaseError(InvalidValueError):
    """A lease or a moment is not a finite number, or the suggestion cannot be renewed."""


class NoOutcomeError(InvalidValueError):
    """The trial has no outcome to amend or forget."""


class NotFailedError(InvalidValueError):
    """The trial has no failure to retry: it is observed, pending, or new."""


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
        faults = [super().__str__(), *map(str, islice(self.others, _SHOWN_FAULTS - 1))]
        more = len(self.others) + 1 - len(faults)
        return "; ".join(faults) + (f"; and {more} more" if more else "")


class RepeatedPointError(InvalidValueError, KeyError):
    """A point is registered already."""


class UnseenPointError(AskTellError, KeyError):
    """A point was never registered."""

    def __str__(self) -> str:
        return str(self.args[0])


class ExecutorError(AskTellError):
    """The executor of a run broke or is stuck, and no other can take its place."""


class NotSendableError(AskTellError):
    """An evaluation cannot be sent to the workers, which are processes of their own."""


class TooManyFailuresError(AskTellError):
    """So many evaluations have failed in a row that the run gave up.

    Attributes:
        in_a_row: how many.
        number: the trial of the last.
        reason: why the last failed, in words.
    """

    def __init__(self, in_a_row: int, number: int, reason: str) -> None:
        super().__init__(in_a_row, number, reason)
        self.in_a_row = in_a_row
        self.number = number
        self.reason = reason

    def __str__(self) -> str:
        many = self.in_a_row
        failed = "An evaluation" if many == 1 else f"{many} evaluations in a row"
        return (
            f"{failed} failed; trial {self.number}: {self.reason}. What failed is recorded. Once "
            "the cause is put right, have it tried again, with engine.retry_failed() or "
            "`asktell retry STATE --failed`. How many failures in a row end a run is set by "
            "Patience(later=...), or --patience-later"
        )


class FirstProgramError(AskTellError):
    """A program that evaluates params failed before any has succeeded: a mistake, most likely.

    Nothing of it is recorded.

    Attributes:
        id: of the suggestion, which stays pending.
        reason: why it failed, in words.
        folder: where its output is.
        said: the last lines of its standard error.
    """

    def __init__(self, id: int, reason: str, folder: str, said: Sequence[str] = ()) -> None:
        super().__init__(id, reason, folder, said)
        self.id = id
        self.reason = reason
        self.folder = folder
        self.said = tuple(said)

    def __str__(self) -> str:
        lines = [f"a program failed before any has succeeded (id {self.id}): {self.reason}"]
        if self.said:
            lines += [
                "",
                "the end of its standard error:",
                *(f"  {line}" for line in self.said),
                "",
            ]
        lines.append(f"Its output is in {self.folder}")
        lines.append(
            "This is not recorded: once the cause is put right, the same call tries it again"
        )
        return "\n".join(lines)


class ChangedDefinitionError(AskTellError, ValueError):
    """A file holds a study that was defined otherwise than the program defines it now.

    Attributes:
        path: the file.
        differences: the place of each, what the file has there, and what the program has.
    """

    def __init__(
        self, path: str, differences: Sequence[tuple[str, Any, Any]], advice: str = ""
    ) -> None:
        super().__init__(path, differences, advice)
        self.path = path
        self.differences = tuple(differences)
        self.advice = advice

    def __str__(self) -> str:
        lines = [f"{self.path} was defined otherwise than it is here:"]
        for place, there, here in self.differences[:_SHOWN_FAULTS]:
            lines.append(f"  {place}: {quoted(there)} in the file, {quoted(here)} here")
        more = len(self.differences) - _SHOWN_FAULTS
        lines += [f"  and {more} more"] if more > 0 else []
        return "\n".join([*lines, self.advice])


class Interrupted(KeyboardInterrupt, SystemExit):
    """A run was stopped by Ctrl-C, and everything is kept. The message says where.

    It is a ``KeyboardInterrupt`` for whoever catches that. Python's outermost frame shows the
    traceback of a ``KeyboardInterrupt``, which helps nobody here; of a ``SystemExit`` it shows
    nothing, and ends the process with the ``code``, which for an interrupted program is 130.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = 130


class SpaceExhausted(AskTellError):  # noqa: N818 - a condition that callers wait for, not a fault
    """Every configuration of a finite space is observed, pending or failed."""


class NothingObservedError(AskTellError):
    """Nothing has been observed yet, so there is no best observation."""


class SeveralObjectivesError(AskTellError):
    """What was asked for takes one objective, or a weight for each of several."""


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
    """The file exists already, and is not overwritten."""


class StoreLockedError(StoreError):
    """Another process held the file for longer than the caller was ready to wait."""


class StoreCorruptError(StoreError):
    """The file exists, but a store did not write what is in it. The problem names the place."""


class MissingExtraError(AskTellError, ImportError):
    """A package that one of the extras needs is not installed. The message names both."""
