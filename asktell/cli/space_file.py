"""``space.yaml``: a space as a person writes it. ``space.schema.json`` says the same for editors.

What a parameter takes, its constructor says, here as everywhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from attrs import NOTHING as NO_DEFAULT
from attrs import fields

from asktell.cli.yaml_document import Lines, read_yaml
from asktell.codec.state_codec import KINDS
from asktell.errors import NOTHING, DefinitionError, InvalidValueError
from asktell.space.parameters import Parameter
from asktell.space.space import Space


def read_space(path: str | os.PathLike[str]) -> Space:
    """Return the space that a YAML file defines.

    Raises:
        DefinitionError: a ``ValueError``; the place is that of the file, the line and the path,
            as ``space.yaml:3: $.parameters.depth.high``.
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
    for key in document:
        if key != "parameters":
            raise DefinitionError(f"$.{key}", document[key], "only the key parameters")
    parameters = document.get("parameters", NOTHING)
    if not isinstance(parameters, dict):
        raise DefinitionError("$.parameters", parameters, "a mapping from names to parameters")
    return Space(*(_parameter(name, value) for name, value in parameters.items()))


def _parameter(name: Any, value: Any) -> Parameter:
    place = f"$.parameters.{name}"
    if not isinstance(value, dict):
        raise DefinitionError(place, value, "a mapping with the key type")
    kind = value.get("type", NOTHING)
    if not isinstance(kind, str) or kind not in KINDS:
        raise DefinitionError(f"{place}.type", kind, f"one of {list(KINDS)}")
    options = [field for field in fields(KINDS[kind]) if field.init and field.name != "name"]
    for option in options:
        if option.default is NO_DEFAULT and option.name not in value:
            raise DefinitionError(f"{place}.{option.name}", NOTHING, "a value")
    allowed = ["type", *(option.name for option in options)]
    for key in value:
        if key not in allowed:
            raise DefinitionError(f"{place}.{key}", value[key], f"one of the keys {allowed}")
    try:
        return KINDS[kind](name, **{key: item for key, item in value.items() if key != "type"})
    except InvalidValueError as error:
        raise error.below(place) from None


def _line_of(place: str, lines: Lines) -> int | None:
    """Return the line of a place, or of the nearest around it."""
    while place not in lines:
        shorter = place[: max(place.rfind("."), place.rfind("["), 0)]
        if not shorter:
            return None
        place = shorter
    return lines[place]
