"""``space.yaml``: what is searched and what is wanted, as a person writes it.

``space.schema.json`` says the same for editors. The constructors say what a parameter, an objective
or a bound takes, here as everywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

from attrs import frozen

from asktell.cli.yaml_document import Lines, read_yaml
from asktell.errors import NOTHING, DefinitionError, InvalidValueError, at_key
from asktell.space.arguments import check_keys, defaults_of, hint, made
from asktell.space.bounds import AtLeast, AtMost, Bound
from asktell.space.constraints import constraint_of
from asktell.space.parameters import KINDS, Parameter
from asktell.space.space import Space
from asktell.study.outcomes import Goal, Maximize, Minimize, Objective, outcomes_of

_KEYS = ("parameters", "constraints", "objectives", "outcome_constraints")
_GOALS: dict[str, type[Maximize | Minimize]] = {"maximize": Maximize, "minimize": Minimize}
_BOUNDS: dict[str, type[Bound]] = {"at_least": AtLeast, "at_most": AtMost}
_NUMBERED = re.compile(r"^\$\.parameters\[(\d+)\]")


@frozen
class Definition:
    """What a space file says, as the arguments of :meth:`asktell.State.start`.

    Attributes:
        space: with its conditions and constraints.
        objectives: None where the file names none: then there is one, with a goal.
        constraints: bounds on outcomes.
    """

    space: Space
    objectives: Mapping[str, Objective] | None
    constraints: Mapping[str, Sequence[Bound]]


def read_definition(path: str | os.PathLike[str]) -> Definition:
    """Return what a YAML file defines.

    Raises:
        DefinitionError: a ``ValueError``; its place names the file, the line and the path, as in
            ``space.yaml:3: $.parameters.depth.high``.
        OSError: the file cannot be read.
    """
    lines: Lines = {}
    try:
        document, lines = read_yaml(Path(path).read_text(encoding="utf-8"))
        return definition_of(document)
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{path}", str(error), "text in UTF-8") from None
    except InvalidValueError as error:
        place = error.place
        if place not in lines:
            place = place.removesuffix("[0]")  # one value may be written without its list
        line = _line_of(place, lines)
        place = f"{path}:{line}: {place}" if line else f"{path}: {place}"
        raise DefinitionError(place, error.got, error.expected) from None


def definition_of(document: Any) -> Definition:
    """Return what a mapping ``{"parameters": {name: {"type": ...}}}`` defines.

    Beside ``parameters`` it may have ``constraints`` on params, a list such as
    ``[{"linear": {"x1": 1, "x2": 1}, "at_most": 1}]``, ``objectives`` and ``outcome_constraints``.

    Raises:
        DefinitionError: a ``ValueError`` that names the path.
    """
    if not isinstance(document, dict):
        raise DefinitionError("$", document, "a mapping with the key parameters")
    check_keys(document, _KEYS, "$", DefinitionError)
    space = _space(document)
    objectives = _objectives(document.get("objectives", NOTHING))
    constraints = _constraints(document.get("outcome_constraints", {}))
    try:
        outcomes_of(None, objectives, constraints)  # names, weights, bounds that can both hold
    except DefinitionError as error:
        place = error.place.replace("$.constraints", "$.outcome_constraints", 1)
        raise DefinitionError(place, error.got, error.expected) from None
    return Definition(space, objectives, constraints)


def _space(document: dict[Any, Any]) -> Space:
    named = document.get("parameters", NOTHING)
    if not isinstance(named, dict):
        raise DefinitionError("$.parameters", named, "a mapping from names to parameters")
    parameters = [_parameter(name, value) for name, value in named.items()]
    listed = document.get("constraints", [])
    if not isinstance(listed, list):
        raise DefinitionError("$.constraints", listed, "a list of constraints")
    constraints = [
        constraint_of(one, f"$.constraints[{position}]") for position, one in enumerate(listed)
    ]
    try:
        return Space(*parameters, constraints=constraints)
    except DefinitionError as error:
        place = _NUMBERED.sub(lambda found: _named(parameters, found), error.place)
        raise DefinitionError(place, error.got, error.expected) from None


def _named(parameters: Sequence[Parameter], found: re.Match[str]) -> str:
    """Return the place of a parameter, which has a name here, and a number in a space."""
    return at_key("$.parameters", parameters[int(found[1])].name)


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


def _objectives(document: Any) -> Mapping[str, Objective] | None:
    if document is NOTHING:
        return None
    if not isinstance(document, dict) or not document:
        raise DefinitionError("$.objectives", document, "a mapping from names to goals")
    return {name: _objective(name, value) for name, value in document.items()}


def _objective(name: Any, value: Any) -> Objective:
    place = at_key("$.objectives", name)
    if not isinstance(value, dict):
        return _goal(value, place)
    kind = _GOALS[_goal(value.get("goal", NOTHING), f"{place}.goal")]
    check_keys(value, ["goal", *defaults_of(kind)], place, DefinitionError)
    rest = {key: item for key, item in value.items() if key != "goal"}
    return made(kind, rest, place, DefinitionError)


def _goal(value: Any, place: str) -> Goal:
    if not isinstance(value, str) or value not in get_args(Goal):
        expected = f"one of {list(_GOALS)}{hint(value, _GOALS)}"
        raise DefinitionError(place, value, expected)
    return value  # type: ignore[return-value]  # checked above


def _constraints(document: Any) -> dict[str, list[Bound]]:
    if not isinstance(document, dict):
        expected = "a mapping from outcomes to bounds"
        raise DefinitionError("$.outcome_constraints", document, expected)
    return {name: _bounds(name, value) for name, value in document.items()}


def _bounds(name: Any, value: Any) -> list[Bound]:
    place = at_key("$.outcome_constraints", name)
    if not isinstance(value, dict) or not value:
        raise DefinitionError(place, value, "a mapping with at_least, at_most or both")
    check_keys(value, _BOUNDS, place, DefinitionError)
    bounds = []
    for key, bound in value.items():
        try:
            bounds.append(_BOUNDS[key](bound))
        except DefinitionError as error:
            raise DefinitionError(f"{place}.{key}", error.got, error.expected) from None
    return bounds


def _line_of(place: str, lines: Lines) -> int | None:
    """Return the line of a place, or of the nearest around it."""
    while place not in lines:
        shorter = place[: max(place.rfind("."), place.rfind("["), 0)]
        if not shorter:
            return None
        place = shorter
    return lines[place]
