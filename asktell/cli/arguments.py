"""The arguments of the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any, get_args

from asktell.study.outcomes import Goal

EPILOG = """\
Every answer is one JSON object on a line of standard output; messages go to standard error.
What was answered is on the disk.

exit codes:
  0  done
  1  a fault of asktell, or a package is missing
  2  wrong usage, such as best where several objectives have no weights
  3  a value was refused: a result, a lease, a definition of a space
  4  nothing to give: the space is used up, or nothing is observed yet
  5  trouble with a file: missing, there already, locked, corrupt, not writable
"""


def parse(arguments: Sequence[str], version: str) -> argparse.Namespace:
    """Return the arguments as a namespace; ``command`` is the name of the command.

    Raises:
        SystemExit: they are wrong (2), or help or the version was asked for (0).
    """
    parser = _parser(version)
    parsed = parser.parse_args(_joined(arguments))
    if parsed.command == "observe":
        by_id = parsed.id is not None and parsed.target is not None
        none = parsed.id is None and parsed.target is None and parsed.std is None
        if not (by_id if parsed.source is None else none):
            parser.error("observe takes either --id and --target, or - for standard input")
    return parsed


def _parser(version: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="asktell",
        description="Ask for configurations, tell their targets; the state is a file.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"asktell {version}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        if name == "init":
            what = "what is searched and what is wanted, as YAML or JSON"
            added.add_argument("space", metavar="SPACE.yaml", help=what)
        added.add_argument("state", metavar="STATE", help="the file of the state")
        added.add_argument(
            "--wait",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="how long to wait for other processes (60)",
        )
        return added

    init = command("init", "begin a state; a file that exists is not overwritten")
    init.add_argument("--seed", type=int, default=0, help="the only source of randomness (0)")
    goal = "where SPACE.yaml has no objectives (maximize)"
    init.add_argument("--goal", choices=get_args(Goal), help=goal)
    init.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting, such as retries=2 or replicates=true; may be repeated",
    )
    suggest = command("suggest", "ask for configurations")
    suggest.add_argument("-n", type=int, default=1, help="how many (1)")
    suggest.add_argument("--lease", type=float, metavar="SECONDS", help="then expire may end it")
    _add_now(suggest)
    observe = command("observe", "tell a target, or many as JSON lines on standard input")
    observe.add_argument("source", nargs="?", choices=["-"], metavar="-", help="standard input")
    observe.add_argument("--id", type=int, help="of the suggestion")
    target = "a number, or JSON by outcome; nan or inf for a failure"
    observe.add_argument("--target", type=_numbers, help=target)
    _add_std(observe)
    _add_now(observe)
    fail = command("fail", "tell that an evaluation failed")
    fail.add_argument("--id", type=int, required=True, help="of the suggestion")
    fail.add_argument("--reason", default="", help="kept with the failure")
    _add_now(fail)
    amend = command("amend", "put another target in place of an outcome that was wrong")
    amend.add_argument("--id", type=int, required=True, help="of the suggestion")
    amend.add_argument("--target", type=_numbers, required=True, help=target)
    _add_std(amend)
    _add_now(amend)
    forget = command("forget", "take an outcome back; its params may be suggested again")
    forget.add_argument("--id", type=int, required=True, help="of the suggestion")
    _add_now(forget)
    renew = command("renew", "extend the lease of a suggestion: a heartbeat")
    renew.add_argument("--id", type=int, required=True, help="of the suggestion")
    renew.add_argument("--lease", type=float, required=True, metavar="SECONDS", help="from now")
    _add_now(renew)
    _add_now(command("expire", "end the suggestions whose leases are over, and print them"))
    command("pending", "print the suggestions that wait for an outcome")
    command("best", "print the best observation")
    command("pareto", "print what holds all constraints and is not dominated")
    predict = command("predict", "print what the model expects of params: JSON lines with params")
    predict.add_argument("source", choices=["-"], metavar="-", help="standard input")
    command("status", "print counts, what is wanted, and the best")
    command("export", "print everything observed, in order of arrival")
    return parser


def _add_now(parser: argparse.ArgumentParser) -> None:
    text = "the time in seconds (by default the clock's)"
    parser.add_argument("--now", type=float, metavar="SECONDS", help=text)


def _add_std(parser: argparse.ArgumentParser) -> None:
    text = "the standard deviation of the target's noise, where it is known"
    parser.add_argument("--std", type=_numbers, help=text)


def _numbers(text: str) -> Any:
    """Return a number, or what is JSON: numbers by outcome."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        numbers = json.loads(text)
    except ValueError:
        numbers = None
    if not isinstance(numbers, dict):
        expected = 'a number, or JSON such as {"loss": 0.1}'
        raise argparse.ArgumentTypeError(f"must be {expected}, not {text!r}")
    return numbers


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


_WITH_VALUE = (
    "--id",
    "--target",
    "--std",
    "--reason",
    "--lease",
    "--now",
    "--seed",
    "--wait",
    "--set",
)


def _joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``--target -1e-5`` as ``--target=-1e-5``.

    argparse would take some values that begin with a dash for options.
    """
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _WITH_VALUE:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined
