"""``asktell show``: a study at a glance, its failures, or one trial."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from asktell.cli.command import Command, add_now, add_state, now_of, store_of, trial_numbered
from asktell.cli.page import printed
from asktell.cli.study_page import show_failed, show_study, show_trial
from asktell.codec.answers import Answer
from asktell.state import State
from asktell.study.trials import Trial
from asktell.tables.overview import overview, trial_story
from asktell.tables.rows import csv_lines, trial_rows


def _add_show(parser: ArgumentParser) -> None:
    add_state(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--trial", type=int, metavar="NUMBER", help="everything about one trial")
    what.add_argument("--failed", action="store_true", help="the trials that failed, and why")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as one JSON object")
    form.add_argument("--csv", action="store_true", help="as CSV, a line a trial")
    add_now(parser)


def show(arguments: Namespace) -> Iterator[Answer | str]:
    """Answer with what a person wants to know, or with the same for programs.

    Raises:
        ParamsError: there is no trial of this number.
    """
    state, now = store_of(arguments).read(), now_of(arguments)
    file = shlex.quote(arguments.state)
    if arguments.csv:
        yield from csv_lines(state, trial_rows(state, _chosen(state, arguments)))
    elif arguments.trial is not None:
        (trial,) = _chosen(state, arguments)
        story = trial_story(state, trial)
        yield story if arguments.json else printed(lambda page: show_trial(page, story))
    elif arguments.failed:
        rows = trial_rows(state, _chosen(state, arguments))
        yield (
            {"failed": rows}
            if arguments.json
            else printed(lambda page: show_failed(page, rows, file))
        )
    else:
        seen = overview(state, now)
        seen["to_do"] = _to_do(seen, file)
        yield seen if arguments.json else printed(lambda page: show_study(page, seen))


def _chosen(state: State, arguments: Namespace) -> list[Trial]:
    """Return the trials that were asked for."""
    if arguments.trial is None:
        return [t for t in state.trials if not arguments.failed or t.status == "failed"]
    return [trial_numbered(state, arguments.trial)]


def _to_do(seen: dict[str, Any], file: str) -> list[dict[str, str]]:
    """Return what needs doing: why, and the command."""
    counts = seen["counts"]
    overdue = sum(one["left"] is not None and one["left"] <= 0 for one in seen["pending"])
    asked = [
        (
            counts["failed"],
            "{} failed; once the cause is mended, try again",
            "retry {} --failed",
        ),
        (overdue, "{} overdue; if the worker died, offer the params again", "expire {}"),
        (counts["queued"], "{} to be handed out again", "suggest {}"),
        (not counts["trials"], "nothing has been suggested yet", "suggest {}"),
    ]
    return [
        {"why": why.format(int(count)), "command": f"asktell {command.format(file)}"}
        for count, why, command in asked
        if count
    ]


COMMANDS = (
    Command(
        "show",
        "show a study at a glance: the best, a curve, failures, what to do next",
        "asktell show study.json\n"
        "asktell show study.json --trial 7\n"
        "asktell show study.json --failed",
        _add_show,
        show,
    ),
)
