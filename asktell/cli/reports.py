"""A study as a file for people."""

from __future__ import annotations

import errno
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from asktell.cli.command import Command, add_state, store_of
from asktell.codec.answers import Answer
from asktell.errors import DefinitionError

_ENDINGS = (".html", ".htm")


def _add_report(parser: ArgumentParser) -> None:
    add_state(parser)
    text = "the file to write; one that is there is written anew"
    parser.add_argument("report", metavar="REPORT.html", help=text)


def report(arguments: Namespace) -> Iterator[Answer]:
    """Write a report; answer with its path and its bytes.

    Raises:
        FileNotFoundError: there is no such folder.
        DefinitionError: the path does not end as that of a page: it may be a state by mistake.
        MissingExtraError: the packages jinja2 or matplotlib are not installed.
    """
    path = Path(arguments.report)
    if path.suffix.lower() not in _ENDINGS:
        raise DefinitionError("REPORT.html", arguments.report, "a path that ends with .html")
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(path.parent))
    state = store_of(arguments).read()
    from asktell.reports import write_report  # takes a second, which no other command needs

    write_report(state, path, now=time.time())
    yield {"report": arguments.report, "bytes": path.stat().st_size}


COMMANDS = (
    Command(
        "report",
        "write one HTML file that shows and explains the study",
        "asktell report study.json report.html",
        _add_report,
        report,
    ),
)
