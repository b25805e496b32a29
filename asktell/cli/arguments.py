"""The arguments of the command line: the commands in groups, and their help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from asktell.cli import ask_and_tell, begin, change, completion, correct, look, reports, run, show
from asktell.cli.command import Command

GROUPS: dict[str, tuple[Command, ...]] = {
    "begin": begin.COMMANDS,
    "evaluate": run.COMMANDS,
    "ask and tell": ask_and_tell.COMMANDS,
    "look": (*show.COMMANDS, *look.COMMANDS, *reports.COMMANDS),
    "set right": correct.COMMANDS,
    "change": change.COMMANDS,
    "this program": completion.COMMANDS,
}
"""All commands, as the help shows them."""

COMMANDS = {command.name: command for group in GROUPS.values() for command in group}

HEAD = """\
usage: asktell COMMAND ...

Ask for configurations, tell their targets; the state is a file.
"""

EPILOG = """\
asktell COMMAND --help shows the options of a command, and an example.
asktell --version prints the version.

examples:
  asktell init space.yaml study.json --goal minimize    # once
  asktell run study.json -- ./train.sh {lr} {depth}     # evaluates with a program of yours; or
  asktell suggest study.json                            # answers with an id and params
  asktell observe study.json --id 0 --target 0.93       # tell what came of them
  asktell show study.json                               # how it goes, and what to do
  asktell retry study.json --failed                     # after a bug was mended

Answers for programs are one JSON object on a line of standard output; messages go to standard
error. What was answered is on the disk.

exit codes:
  0  done
  1  a fault of asktell, or a package is missing
  2  wrong usage, such as best where several objectives have no weights
  3  a value was refused: a result, a lease, a definition of a space
  4  nothing to give: the space is used up, or nothing is observed yet
  5  trouble with a file: missing, there already, locked, corrupt, not writable
  6  the programs of a run fail: the first did, or too many in a row
"""


def parse(arguments: Sequence[str], version: str) -> argparse.Namespace:
    """Return the arguments as a namespace.

    In it, ``command`` is the name of the command, ``program`` what ``run`` is to run, which is all
    that follows ``--``, ``refuse`` a function that ends the process with a message on wrong usage
    (2), and ``parser`` the parser of all commands.

    Raises:
        SystemExit: they are wrong (2), or help or the version was asked for (0).
    """
    own, program = list(arguments), []
    if own[:1] == ["run"] and "--" in own:
        place = own.index("--")
        own, program = own[:place], own[place + 1 :]
    parser = parser_of(version)
    parsed, unknown = parser.parse_known_args(_joined(own))
    if unknown:
        advice = "" if parsed.command != "run" or program else _ADVICE
        parsed.refuse(f"unrecognized arguments: {' '.join(unknown)}{advice}")
    parsed.program = program
    return parsed


class _Parser(argparse.ArgumentParser):
    """The outermost one: argparse knows no groups of commands."""

    def format_help(self) -> str:
        parts = [HEAD]
        width = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            rows = [f"  {command.name:<{width}}  {command.text}\n" for command in commands]
            parts.append(f"{title}:\n{''.join(rows)}")
        return "\n".join([*parts, EPILOG])

    def error(self, message: str) -> NoReturn:
        super().error(f"{message}; asktell --help lists the commands")


def parser_of(version: str) -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(prog="asktell", usage="asktell COMMAND ...", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"asktell {version}")
    commands = parser.add_subparsers(
        dest="command",
        required=True,
        metavar="COMMAND",
        prog="asktell",
        parser_class=argparse.ArgumentParser,
    )
    for command in COMMANDS.values():
        calls = "".join(f"\n  {line}" for line in command.example.splitlines())
        added = commands.add_parser(
            command.name,
            help=command.text,
            description=command.text[0].upper() + command.text[1:] + ".",
            epilog=f"example:{calls}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add(added)
        added.set_defaults(refuse=added.error, parser=parser)
    return parser


_ADVICE = "; what is to be run comes after --, as in asktell run STATE -- ./train.sh {lr}"

_WITH_VALUE = (
    "--id",
    "--trial",
    "--target",
    "--std",
    "--reason",
    "--lease",
    "--now",
    "--seed",
    "--wait",
    "--set",
    "--pattern",
    "--result",
    "--fixed",
    "--had",
)


def _joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``--target -1e-5`` as ``--target=-1e-5``.

    argparse would take some values that begin with a dash for options. What follows ``--`` belongs
    to another program.
    """
    joined: list[str] = []
    for place, argument in enumerate(arguments):
        if argument == "--":
            return [*joined, *arguments[place:]]
        if joined and joined[-1] in _WITH_VALUE:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined
