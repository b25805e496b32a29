"""Params as a program's arguments, and what came of it as a target or a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen

from asktell.errors import TargetError
from asktell.programs.program import Start, end_of
from asktell.programs.reading import Reading, UnreadableError, last_line
from asktell.programs.template import PARAMS_FILE, Template, environment_of
from asktell.study.problem import Problem
from asktell.study.views import Suggestion
from asktell.text import shortened

_LONGEST_REASON = 300


@frozen
class Measured:
    """What a program measured: a target and its standard deviation, as told to a study."""

    target: Any
    std: Any


@frozen
class Trouble:
    """Why a program measured nothing.

    Attributes:
        reason: in words, on one line.
        kind: ``exit``, it could not be started, or its exit code is not 0; ``unreadable``, it told
            no target; ``late``, it took too long.
    """

    reason: str
    kind: str


@frozen
class Evaluation:
    """A program that evaluates params.

    Attributes:
        template: its arguments.
        reading: where its target is.
        problem: of the study.
        folder: of all trials; each has a folder in it, named by its id.
        takes_stdin: whether it is given the params as JSON on standard input.
    """

    template: Template
    reading: Reading
    problem: Problem
    folder: Path
    takes_stdin: bool = False

    def folder_of(self, suggestion: Suggestion) -> Path:
        """Return the folder of a trial."""
        return self.folder / str(suggestion.id)

    def start(self, suggestion: Suggestion) -> Start:
        """Prepare the folder of a trial, and return what its program is started with.

        What an earlier attempt told is removed; whatever else it left in the folder stays, so that
        a program may go on from there.

        Raises:
            OSError: the folder cannot be written.
        """
        folder, params = self.folder_of(suggestion), suggestion.params
        folder.mkdir(parents=True, exist_ok=True)
        self.reading.clear(folder)
        file = folder / "params.json"
        file.write_text(json.dumps(params) + "\n", encoding="utf-8")
        given = {"id": suggestion.id, "folder": str(folder), PARAMS_FILE: str(file)}
        return Start(
            self.template.filled({**given, **params}),
            environment_of(params, suggestion.id, str(folder)),
            folder,
            file if self.takes_stdin else None,
        )

    def outcome(self, suggestion: Suggestion, code: int) -> Measured | Trouble:
        """Return what came of a program that has ended by itself."""
        folder = self.folder_of(suggestion)
        if code != 0:
            said = last_line(folder / "stderr") or last_line(folder / "stdout")
            return _trouble(f"{end_of(code)}{': ' if said else ''}{said}", "exit")
        try:
            target, std = self.reading.measured(folder, self.problem.outcome_names)
            self.problem.numbers(target)
            self.problem.deviations(std)
        except (UnreadableError, TargetError) as error:
            return _trouble(f"no target: {error}", "unreadable")
        return Measured(target, std)


def attempted(call: Callable[[], Any]) -> Trouble | None:
    """Start a program by a call; return why that was not possible, or None."""
    try:
        call()
    except (OSError, ValueError) as error:  # no such file, no rights, a null character
        return _trouble(f"could not be started: {error}", "exit")
    return None


def _trouble(text: str, kind: str) -> Trouble:
    return Trouble(shortened(text, _LONGEST_REASON), kind)
