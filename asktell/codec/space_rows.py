"""Spaces to plain values and back: the first one of a study, and those that it changed to."""

from __future__ import annotations

from typing import Any, TypeVar

from attrs import frozen

from asktell.codec.reading import below
from asktell.errors import NOTHING, DefinitionError, InvalidValueError, StateError
from asktell.space.arguments import arguments_of, defaults_of, made
from asktell.space.constraints import Constraint, constraint_of, plain_constraint
from asktell.space.parameters import KINDS, Parameter, kind_of
from asktell.space.space import Space

V = TypeVar("V")


@frozen
class SpaceLayout:
    """The layout of a space."""

    parameters: list[dict[str, Any]]
    constraints: list[dict[str, Any]]


def space_row(space: Space) -> dict[str, Any]:
    """Return a space as plain values."""
    return {
        "parameters": [
            {"type": kind_of(parameter), **arguments_of(parameter)}
            for parameter in space.parameters
        ],
        "constraints": [plain_constraint(constraint) for constraint in space.constraints],
    }


def space_of(layout: SpaceLayout, at: str) -> Space:
    """Return the space of a layout that stands at a place.

    Raises:
        StateError: a ``ValueError`` that names the path of the first fault.
    """
    parameters: list[Parameter] = []
    for position, arguments in enumerate(layout.parameters):
        place = f"{at}.parameters[{position}]"
        kind = arguments.get("type", NOTHING)
        if not isinstance(kind, str) or kind not in KINDS:
            raise StateError(f"{place}.type", kind, f"one of {list(KINDS)}")
        rest = {key: value for key, value in arguments.items() if key != "type"}
        parameters.append(complete(KINDS[kind], rest, place))
    constraints: list[Constraint] = []
    for position, document in enumerate(layout.constraints):
        place = f"{at}.constraints[{position}]"
        try:
            constraints.append(constraint_of(document, place))
        except DefinitionError as error:
            raise StateError(error.place, error.got, error.expected) from None
    try:
        return Space(*parameters, constraints=constraints)
    except InvalidValueError as error:
        raise below(error, at) from None


def complete(kind: type[V], arguments: dict[str, Any], place: str) -> V:
    """Return ``kind(**arguments)``, where all of its arguments are given and no others.

    Raises:
        StateError: a ``ValueError`` that names the path of an argument that is missing, unknown or
            refused.
    """
    return made(kind, arguments, place, StateError, needed=defaults_of(kind))
