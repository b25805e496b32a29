"""A command with places for params: ``./train.sh {lr} --depth {depth}``.

Arguments stay apart: none is ever joined with others or given to a shell, so a value is one
argument or a part of one, whatever is in it.

A parameter that is not active has no value. An option for it goes with it: both ``--depth {depth}``
and ``depth={depth}`` are left out. Anywhere else its place is empty, so that what follows stays
where the program expects it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from asktell.errors import DefinitionError
from asktell.space.arguments import hint

_PIECES = re.compile(r"\{\{[^{}]*\}\}|\{([^{}]*)\}")
_WORD = re.compile(r"[A-Za-z_][\w.-]*\Z")
_PLACE = re.compile(r"\{([^{}]*)\}\Z")
_OPTION = re.compile(r"--?[A-Za-z][^=\s{}]*\Z")
_NAMED = re.compile(r"[^=\s{}]+=\{([^{}]*)\}\Z")

PARAMS_FILE = "params_file"
GIVEN = ("id", "folder", PARAMS_FILE)
"""What a command may name beside its params. Where a parameter has the same name, it is meant."""


@frozen
class Template:
    """The arguments of a command, in which ``{name}`` stands for a value.

    ``{{name}}`` stands for ``{name}``. Braces around what is no name are left alone, as those of
    JSON, of shells and of awk. Make one with :meth:`of`, which checks the names.
    """

    arguments: tuple[str, ...]
    known: frozenset[str]

    @classmethod
    def of(cls, arguments: Sequence[str], names: Sequence[str], place: str = "command") -> Template:
        """Return a template of arguments, each of which may name these and what is ``GIVEN``.

        Raises:
            DefinitionError: a ``ValueError``; a name is unknown.
        """
        known = [*names, *GIVEN]
        for position, argument in enumerate(arguments):
            for piece in _PIECES.finditer(argument):
                name = piece[1]
                if name is not None and name not in known and _is_meant(name, known):
                    expected = (
                        f"one of {known}{hint(name, known)}; {{{piece[0]}}} if not a parameter"
                    )
                    raise DefinitionError(f"{place}[{position}]", piece[0], expected)
        return cls(tuple(arguments), frozenset(known))

    @property
    def names(self) -> set[str]:
        """Return the names that the arguments have places for."""
        pieces = (piece for argument in self.arguments for piece in _PIECES.finditer(argument))
        return {piece[1] for piece in pieces} & self.known

    def filled(self, values: Mapping[str, Any]) -> list[str]:
        """Return the arguments with values in their places.

        Args:
            values: by name; what is not active has none.
        """

        def replacement(piece: re.Match[str]) -> str:
            name = piece[1]
            if name is None:
                return piece[0][1:-1]
            if name not in self.known:
                return piece[0]
            return text_of(values[name]) if name in values else ""

        return [_PIECES.sub(replacement, argument) for argument in self._needed(values)]

    def _needed(self, values: Mapping[str, Any]) -> list[str]:
        """Return the arguments without the options for what has no value."""
        needed: list[str] = []
        for argument in self.arguments:
            if self._is_missing(_NAMED.match(argument), values):
                continue
            has_option = bool(needed) and _OPTION.match(needed[-1]) is not None
            if has_option and self._is_missing(_PLACE.match(argument), values):
                del needed[-1]
            else:
                needed.append(argument)
        return needed

    def _is_missing(self, place: re.Match[str] | None, values: Mapping[str, Any]) -> bool:
        return place is not None and place[1] in self.known and place[1] not in values


def _is_meant(name: str, known: Sequence[str]) -> bool:
    """Tell whether what is in braces was meant as a name: ``lr``, or ``lr:.3f`` with a format."""
    return bool(_WORD.match(name)) or re.split("[:!]", name)[0] in known


def text_of(value: Any) -> str:
    """Return a value as an argument: a string as it is, all else as JSON has it.

    A float is read back to the last bit; a bool is ``true`` or ``false``, None is ``null``.
    """
    return value if isinstance(value, str) else json.dumps(value)


def environment_of(params: Mapping[str, Any], trial_id: int, folder: str) -> dict[str, str]:
    """Return the variables of a program's environment that say what it is to evaluate.

    ``ASKTELL_PARAMS`` has all params as JSON, ``ASKTELL_PARAM_lr`` one of them; there is none for a
    parameter that is not active. What a shell does not take in the name of a variable is an
    underscore there.
    """
    one_each = {
        "ASKTELL_PARAM_" + re.sub(r"[^A-Za-z0-9_]", "_", name): text_of(value)
        for name, value in params.items()
    }
    return {
        **one_each,
        "ASKTELL_PARAMS": json.dumps(params),
        "ASKTELL_ID": str(trial_id),
        "ASKTELL_FOLDER": folder,
    }
