"""YAML 1.2 as plain values, and the line of each.

PyYAML reads YAML 1.1, in which ``1e-5`` is a string, ``no`` is false, ``16:9`` is a number, and of
two equal keys the last wins. Here values are what they look like, and keys may not repeat.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from asktell.errors import DefinitionError

Lines = dict[str, int]
"""The line of every place, from 1."""

_DEEPEST = 16


_DECIMAL = r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)"


class _Loader(yaml.SafeLoader):
    """The core schema of YAML 1.2, section 10.3.2, instead of the types of YAML 1.1.

    Integers with leading zeros, which the two versions read as different numbers, are text.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _name, _first, _pattern in (
    ("null", ["", "n", "N", "~"], r"(?:null|Null|NULL|~)?"),
    ("bool", list("tTfF"), r"(?:true|True|TRUE|false|False|FALSE)"),
    ("int", list("-+0123456789"), r"[-+]?(?:0|[1-9][0-9]*)"),
    ("float", list("-+.0123456789"), rf"{_DECIMAL}(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"),
    ("float", list("-+."), r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern})\Z"), _first
    )


def read_yaml(text: str) -> tuple[Any, Lines]:
    """Return the value of a YAML document, and the lines of its places, ``$`` for the whole.

    Raises:
        DefinitionError: a ``ValueError``; not YAML, or a repeated key. The place names the line.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        lines: Lines = {}
        return (None if node is None else _value(loader, node, "$", lines, 0)), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}" if mark else "line 1"
        raise DefinitionError(place, error.problem or "", "YAML") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        if isinstance(error, DefinitionError):
            raise
        raise DefinitionError("line 1", str(error), "YAML") from None


def _value(loader: _Loader, node: yaml.Node, place: str, lines: Lines, depth: int) -> Any:
    line = node.start_mark.line + 1
    lines[place] = line
    if depth > _DEEPEST:  # also what contains itself
        raise DefinitionError(f"line {line}", place, f"at most {_DEEPEST} levels")
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(loader, item, f"{place}[{position}]", lines, depth + 1)
            for position, item in enumerate(node.value)
        ]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    value: dict[Any, Any] = {}
    for key_node, item in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise DefinitionError(f"line {line}", "a list or mapping", "a key: a string")
        key = loader.construct_object(key_node)
        if key in value:
            raise DefinitionError(f"line {line}", key, f"a key that is not in {place} before")
        value[key] = _value(loader, item, f"{place}.{key}", lines, depth + 1)
        lines[f"{place}.{key}"] = line
    return value
