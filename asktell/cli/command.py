"""What a command of the command line is, and what commands share: options, the store, the clock."""

from __future__ import annotations

import argparse
import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from typing import Any, cast

from attrs import frozen

from asktell.cli.results import Source
from asktell.codec.answers import Answer
from asktell.errors import ParamsError
from asktell.numbers import as_moment
from asktell.state import State
from asktell.store import Store
from asktell.study.trials import Trial


@frozen
class Command:
    """One command.

    Attributes:
        name: as it is called.
        text: what it does, in one line.
        example: one call or more, as in a shell.
        add: adds its arguments to its parser.
        run: from its arguments to its answers: dicts, each printed as a line of JSON, or text,
            which is printed as it is.
    """

    name: str
    text: str
    example: str
    add: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], Iterator[Answer | str]]


# --- options ---

FILES = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
"""How shells complete the name of a file, for ``asktell completion``."""


def add_state(parser: ArgumentParser) -> None:
    """Add the file of the state, and how long to wait for it."""
    state = parser.add_argument("state", metavar="STATE", help="the file of the state")
    state.complete = FILES  # type: ignore[attr-defined]
    parser.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for other processes (60)",
    )


def add_id(parser: ArgumentParser, *, required: bool = True) -> None:
    """Add the id of a suggestion."""
    parser.add_argument("--id", type=int, required=required, help="of the suggestion")


def add_trial(parser: ArgumentParser, *, all_failed: bool = False) -> None:
    """Add the ways to name a trial that has an outcome: its number, or the id of a suggestion."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--trial", type=int, metavar="NUMBER", help="of the trial, as show has it")
    which.add_argument("--id", type=int, help="of a suggestion of the trial")
    if all_failed:
        which.add_argument("--failed", action="store_true", help="all trials that failed")


def add_target(parser: ArgumentParser, *, required: bool = True) -> None:
    """Add a target and its standard deviation."""
    target = "a number, or JSON by outcome; nan or inf for a failure"
    parser.add_argument("--target", type=_numbers, required=required, help=target)
    std = "the standard deviation of the target's noise, where it is known"
    parser.add_argument("--std", type=_numbers, help=std)


def add_params(parser: ArgumentParser, option: str, text: str) -> None:
    """Add an option, or an argument, that takes some params as JSON."""
    parser.add_argument(option, type=params_of, metavar="JSON", help=text)


def add_now(parser: ArgumentParser) -> None:
    """Add the moment of the call."""
    text = "the time in seconds (by default the clock's)"
    parser.add_argument("--now", type=float, metavar="SECONDS", help=text)


def params_of(text: str) -> dict[str, Any]:
    """Return params that are given as JSON."""
    try:
        params = json.loads(text)
    except ValueError:
        params = None
    if not isinstance(params, dict):
        raise argparse.ArgumentTypeError(f'must be JSON such as {{"lr": 0.1}}, not {text!r}')
    return params


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


# --- what is around a command ---


def store_of(arguments: Namespace) -> Store:
    """Return the store of the file that was named."""
    return Store(arguments.state, timeout=arguments.wait)


def now_of(arguments: Namespace) -> float:
    """Return the moment that was given, or else the clock's.

    Raises:
        LeaseError: a ``ValueError``; it is not a finite number.
    """
    return time.time() if arguments.now is None else as_moment(arguments.now)


def trial_numbered(state: State, number: int) -> Trial:
    """Return the trial with a number.

    Raises:
        ParamsError: there is none.
    """
    if 0 <= number < len(state.history):
        return state.history.trial(number)
    numbers = f"from 0 to {len(state.history) - 1}" if state.trials else "none: there are none"
    raise ParamsError("--trial", number, f"the number of a trial, {numbers}")


def standard_input() -> Source:
    """Return the bytes of standard input."""
    return cast("Source", sys.stdin.buffer)
