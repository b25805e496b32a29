"""``space.yaml``: a space as a person writes it. ``space.schema.json`` says the same for editors.

The constructors say what a parameter takes, here as everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from asktell.cli.yaml_document import Lines, read_yaml
from asktell.errors import NOTHING, DefinitionError, InvalidValueError, at_key
from asktell.space.arguments import check_keys, defaults_of, hint, made
from asktell.space.parameters import KINDS, Parameter
from asktell.space.space import Space


def read_space(path: str | os.PathLike[str]) -> Space:
    """Return the space that a YAML file defines.

    Raises:
        DefinitionError: a ``ValueError``; its place names the file, the line and the path, as in
            ``space.yaml:3: $.parameters.depth.high``.
        OSError: the file cannot be read.
    """
    lines: Lines = {}
    try:
        document, lines = read_yaml(Path(path).read_text(encoding="utf-8"))
        return space_of(document)
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{path}", str(error), "text in UTF-8") from None
    except InvalidValueError as error:
        line = _line_of(error.place, lines)
        place = f"{path}:{line}: {error.place}" if line else f"{path}: {error.place}"
        raise DefinitionError(place, error.got, error.expected) from None


def space_of(document: Any) -> Space:
    """Return the space that a mapping ``{"parameters": {name: {"type": ...}}}`` defines.

    Raises:
        DefinitionError: a ``ValueError`` that names the path.
    """
    if not isinstance(document, dict):
        raise DefinitionError("$", document, "a mapping with the key parameters")
    check_keys(document, ["parameters"], "$", DefinitionError)
    parameters = document.get("parameters", NOTHING)
    if not isinstance(parameters, dict):
        raise DefinitionError("$.parameters", parameters, "a mapping from names to parameters")
    return Space(*(_parameter(name, value) for name, value in parameters.items()))


def _parameter(name: Any, value: Any) -> Parameter:
    place = at_key("$.parameters", name)
    if not isinstance(value, dict):
        raise DefinitionError(place, value, "a mapping with the key type")
    kind = value.get("type", NOTHING)
    if not isinstance(kind, str) or kind not in KINDS:
        raise DefinitionError(f"{place}.type", kind, f"one of {list(KINDS)}{hint(kind, KINDS)}")
    constructor: Callable[..., Parameter] = partial(KINDS[kind], name)
    check_keys(value, ["type", *defaults_of(constructor)], place, DefinitionError)
    rest = {key: item for key, item in value.items() if key != "type"}
    return made(constructor, rest, place, DefinitionError)


def _line_of(place: str, lines: Lines) -> int | None:
    """Return the line of a place, or of the nearest around it."""
    while place not in lines:
        shorter = place[: max(place.rfind("."), place.rfind("["), 0)]
        if not shorter:
            return None
        place = shorter
    return lines[place]
