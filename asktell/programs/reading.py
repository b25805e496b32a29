"""The target of a program: read from what it printed, or from a file that it wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from asktell.errors import AskTellError, quoted
from asktell.study.outcomes import TARGET

_Measured = tuple[Any, Any]
"""A target and its standard deviation, as ``asktell.deliver`` takes them; None where not told."""

_TAIL = 1 << 16
"""So many bytes at the end of an output are looked at for its last line. Longer lines are cut."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")
"""Sequences that steer a terminal: of ECMA-48, and the operating system commands of xterm."""

_LARGEST_RESULT = 1 << 20
"""In bytes: a file with a number for each outcome has a few hundred."""


class UnreadableError(AskTellError):
    """There is no target in what a program printed or wrote. The message says what there is."""


class Reading(Protocol):
    """Where the target is."""

    def measured(self, folder: Path, names: Sequence[str]) -> _Measured:
        """Return the target of a program that has ended.

        Args:
            folder: of its trial, with what it printed in ``stdout`` and ``stderr``.
            names: of the study's outcomes.

        Raises:
            UnreadableError: there is none.
        """
        ...

    def clear(self, folder: Path) -> None:
        """Remove a target that an earlier program has left there, before the next one starts.

        Raises:
            OSError: it cannot be removed.
        """
        ...


@frozen
class LastLine:
    """The last line of standard output that is not empty: a number, or JSON."""

    def measured(self, folder: Path, names: Sequence[str]) -> _Measured:
        """Return the target; see :class:`Reading`."""
        last = last_line(folder / "stdout")
        if not last:
            raise UnreadableError(f"it printed nothing; expected {_expected(names)}, as last line")
        try:
            return float(last), None
        except ValueError:
            return _of_json(last, names, "its last line")

    def clear(self, folder: Path) -> None:
        """Do nothing: standard output begins anew by itself."""


@frozen
class JsonFile:
    """A JSON file.

    Attributes:
        path: of the file, in which ``{id}`` stands for the trial's id; a relative one is within the
            trial's folder.
    """

    path: str

    def measured(self, folder: Path, names: Sequence[str]) -> _Measured:
        """Return the target; see :class:`Reading`."""
        path = self._path_in(folder)
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST_RESULT + 1)
        except OSError as error:
            problem = error.strerror or str(error)
            raise UnreadableError(f"{path}: {problem}; expected {_expected(names)}") from None
        if len(content) > _LARGEST_RESULT:
            raise UnreadableError(f"{path}: more than 1 MiB; expected {_expected(names)}")
        return _of_json(content.decode(errors="replace").strip(), names, str(path))

    def clear(self, folder: Path) -> None:
        """Remove the file; see :class:`Reading`."""
        self._path_in(folder).unlink(missing_ok=True)

    def _path_in(self, folder: Path) -> Path:
        return folder / self.path.replace("{id}", folder.name)


@frozen
class Pattern:
    """What the groups of a regular expression match, the last time that they do.

    It is searched in each line of standard output, and where no line matches, of standard error.
    Named groups are outcomes; without, the first group is the target, or else the whole match.
    """

    expression: re.Pattern[str]

    def measured(self, folder: Path, names: Sequence[str]) -> _Measured:
        """Return the target; see :class:`Reading`."""
        for name in ("stdout", "stderr"):
            found = self._found(folder / name)
            if found:
                return _of_mapping(found, names, f"its {name}")
        expected = f"a line that matches {self.expression.pattern!r}"
        raise UnreadableError(f"no line matches; expected {expected}, in its stdout or stderr")

    def clear(self, folder: Path) -> None:
        """Do nothing: standard output and error begin anew by itself."""

    def _found(self, path: Path) -> dict[str, float]:
        found: dict[str, float] = {}
        groups = self.expression.groupindex
        for line in _lines(path):
            for match in self.expression.finditer(line):
                if groups:
                    texts = {name: match[name] for name in groups if match[name] is not None}
                else:
                    texts = {TARGET: match[1] if self.expression.groups else match[0]}
                found |= {name: _number(text, line) for name, text in texts.items()}
        return found


def last_line(path: Path) -> str:
    """Return the last line of a file that is not empty, without the space around it."""
    lines = tail(path, 1)
    return lines[-1] if lines else ""


def tail(path: Path, n: int) -> list[str]:
    """Return the last lines of a file, without those that are empty and without space at the end.

    A line that a program wrote over, as progress bars do, counts as it was last. Colours and what
    else steers a terminal are left out.
    """
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - _TAIL, 0))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = (_plain(line.rstrip().rpartition("\r")[2]) for line in text.split("\n"))
    return [line.rstrip() for line in lines if line.strip()][-n:]


# --- from text to numbers ---


def _plain(text: str) -> str:
    return "".join(c for c in _ESCAPES.sub("", text) if c == "\t" or c.isprintable())


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:  # a carriage return ends a line
        yield from map(_plain, file)


def _number(text: Any, line: str) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        message = f"{quoted(text)} is not a number, in the line {quoted(line.strip())}"
        raise UnreadableError(message) from None


def _of_json(text: str, names: Sequence[str], place: str) -> _Measured:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value, None
    if isinstance(value, dict):
        return _of_mapping(value, names, place)
    raise UnreadableError(f"{place} is {quoted(value)}; expected {_expected(names)}")


def _of_mapping(value: Mapping[str, Any], names: Sequence[str], place: str) -> _Measured:
    """Return the study's outcomes among what was measured; programs may tell more than that."""
    std = None if "std" in names else value.get("std")
    if all(name in value for name in names):
        target = {name: value[name] for name in names}
        return (target[TARGET] if tuple(names) == (TARGET,) else target), std
    if TARGET in value:
        return value[TARGET], std
    raise UnreadableError(f"{place} is {quoted(dict(value))}; expected {_expected(names)}")


def _expected(names: Sequence[str]) -> str:
    if tuple(names) == (TARGET,):
        return 'a number, or {"target": number}'
    wanted = ", ".join(f'"{name}": number' for name in names)
    return f"{{{wanted}}}"
