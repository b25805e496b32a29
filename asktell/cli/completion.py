"""Completion for shells: what the Tab key knows of commands and options."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from asktell.cli.command import Command
from asktell.errors import MissingExtraError

SHELLS = ("bash", "zsh", "tcsh")


def _add_completion(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="for which shell")


def completion(arguments: Namespace) -> Iterator[str]:
    """Answer with a script for a shell.

    Raises:
        MissingExtraError: the package shtab is not installed.
    """
    try:
        import shtab
    except ImportError:
        message = "completion needs the package shtab: pip install 'asktell[cli]'"
        raise MissingExtraError(message) from None
    yield shtab.complete(arguments.parser, shell=arguments.shell) + "\n"


COMMANDS = (
    Command(
        "completion",
        "print a script that lets a shell complete commands and options",
        "mkdir -p ~/.local/share/bash-completion/completions\n"
        "asktell completion bash > ~/.local/share/bash-completion/completions/asktell\n"
        "asktell completion zsh > ~/.zfunc/_asktell    # with fpath+=(~/.zfunc) in ~/.zshrc, "
        "before compinit\n"
        "asktell completion tcsh > ~/.asktell.tcsh     # with source ~/.asktell.tcsh in ~/.tcshrc",
        _add_completion,
        completion,
    ),
)
