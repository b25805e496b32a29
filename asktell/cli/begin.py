"""Beginning a study."""

from __future__ import annotations

import argparse
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

from asktell.cli.command import FILES, Command, add_state, store_of
from asktell.cli.look import status_answer
from asktell.codec.answers import Answer
from asktell.errors import DefinitionError, MissingExtraError
from asktell.space.arguments import made
from asktell.state import State
from asktell.study.outcomes import Goal
from asktell.study.problem import Settings

if TYPE_CHECKING:
    from asktell.cli.space_file import Definition


def _add_init(parser: ArgumentParser) -> None:
    what = "what is searched and what is wanted, as YAML or JSON"
    space = parser.add_argument("space", metavar="SPACE.yaml", help=what)
    space.complete = FILES  # type: ignore[attr-defined]
    add_state(parser)
    parser.add_argument("--seed", type=int, default=0, help="the only source of randomness (0)")
    goal = "where SPACE.yaml has no objectives (maximize)"
    parser.add_argument("--goal", choices=get_args(Goal), help=goal)
    parser.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting, such as retries=2 or replicates=true; may be repeated",
    )


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def definition_in(path: str) -> Definition:
    """Return what a space file defines.

    Raises:
        DefinitionError: a ``ValueError``; its place names the file, the line and the path.
        MissingExtraError: an ``ImportError``; the package pyyaml is not installed.
    """
    try:
        from asktell.cli.space_file import read_definition  # needs YAML, as few commands do
    except ImportError:
        message = "a space file needs the package pyyaml: pip install 'asktell[cli]'"
        raise MissingExtraError(message) from None
    return read_definition(path)


def init(arguments: Namespace) -> Iterator[Answer]:
    """Begin a state; answer with its status.

    Raises:
        DefinitionError: the space file is wrong, or has objectives beside ``--goal``.
    """
    given = definition_in(arguments.space)
    if given.objectives is not None and arguments.goal is not None:
        expected = f"no --goal, since {arguments.space} has objectives: set their goals there"
        raise DefinitionError("--goal", arguments.goal, expected)
    settings = made(Settings, dict(arguments.set), "$.settings", DefinitionError)
    state = State.start(
        given.space,
        arguments.seed,
        arguments.goal,
        settings,
        objectives=given.objectives,
        constraints=given.constraints,
    )
    store_of(arguments).create(state)
    yield status_answer(state)


COMMANDS = (
    Command(
        "init",
        "begin a state; a file that exists is not overwritten",
        "asktell init space.yaml study.json --seed 7 --goal minimize",
        _add_init,
        init,
    ),
)
