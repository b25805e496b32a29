"""What ``asktell show`` prints: a study at a glance, its failures, or one trial."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from asktell.cli import words
from asktell.cli.command import Command, add_now, add_state, now_of, store_of, trial_numbered
from asktell.cli.page import Page, printed
from asktell.codec.answers import Answer
from asktell.state import State
from asktell.study.trials import Trial
from asktell.tables.overview import last_line, overview, trial_story
from asktell.tables.rows import csv_lines, trial_rows

MOST = 12
"""How many lines a table of the overview has; ``--failed``, ``--csv`` and ``--json`` show all."""

CURVE = (56, 4)
"""Columns and lines of the curve."""


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
        yield story if arguments.json else printed(lambda page: _trial(page, story))
    elif arguments.failed:
        rows = trial_rows(state, _chosen(state, arguments))
        yield {"failed": rows} if arguments.json else printed(lambda p: _failed(p, rows, file))
    else:
        seen = overview(state, now)
        seen["to_do"] = _to_do(seen, file)
        yield seen if arguments.json else printed(lambda page: _study(page, seen))


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


# --- a study ---


def _study(page: Page, seen: dict[str, Any]) -> None:
    _answer(page, seen)
    counts = [f"{n} {name}" for name, n in seen["counts"].items() if n and name != "trials"]
    page.title(f"Trials: {', '.join(counts) or 'none'}")
    if len(set(seen.get("best_so_far", ()))) > 1:
        _curve(page, seen["best_so_far"])
    if seen["last"]:
        page.title("Last")
        _rows(page, seen["last"], seen["now"])
    if seen["failures"]:
        page.title("Failed")
        page.table(
            ("count", "trials", "reason"),
            (
                (str(one["count"]), words.numbers_of(one["trials"], 4), _short(one["reason"]))
                for one in seen["failures"][:MOST]
            ),
        )
    if seen["pending"]:
        page.title("Pending")
        _pending(page, seen["pending"])
    if seen["to_do"]:
        page.title("To do")
        for one in seen["to_do"]:
            page.command(one["command"], one["why"])


def _answer(page: Page, seen: dict[str, Any]) -> None:
    """Say the best with its params, or the front."""
    if best := seen.get("best"):
        page.title(f"Best: {words.target(best['target'])}")
        page.text(f"trial {best['trial']}; {_wanted(seen)}")
        if not best["feasible"]:
            page.text("no trial holds all constraints; this one comes nearest")
        page.pairs((name, str(value)) for name, value in best["params"].items())
    elif "front" not in seen:
        page.title("Best: nothing is observed yet")
        page.text(_wanted(seen))
    if "front" in seen:
        page.title(f"Front: {len(seen['front'])} that no other dominates")
        page.text(_wanted(seen))
        first = next(iter(seen["objectives"]))
        rows = sorted(seen["front"], key=lambda row: row["target"][first])
        if rows:
            _rows(page, rows[:MOST], seen["now"])
        _more(page, rows)


def _wanted(seen: dict[str, Any]) -> str:
    """Say in words what is wanted."""
    objectives: dict[str, Any] = seen.get("objectives") or {"target": seen.get("goal")}
    goals = [
        f"{one['goal'] if isinstance(one, dict) else one} {name}"
        for name, one in objectives.items()
    ]
    signs = {"at_least": ">=", "at_most": "<="}
    for name, bounds in seen.get("outcome_constraints", {}).items():
        goals += [f"{name} {signs[side]} {bound:g}" for side, bound in bounds.items()]
    return ", ".join(goals)


def _curve(page: Page, values: list[float]) -> None:
    width, height = CURVE
    is_ascii = not page.console.encoding.lower().startswith("utf")
    lines = words.curve(values, width, height, words.ASCII if is_ascii else words.BLOCKS)
    labels = {0: words.number(max(values)), height - 1: words.number(min(values))}
    longest = max(map(len, labels.values()))
    page.title(f"Best so far, over {len(values)} results")
    for place, line in enumerate(lines):
        page.text(f"{labels.get(place, ''):>{longest}} {line}".rstrip())


def _rows(page: Page, rows: list[dict[str, Any]], now: float) -> None:
    named = next((row["target"] for row in rows if isinstance(row["target"], dict)), {"target": 0})
    names = list(named)
    page.table(
        ("trial", "status", *names, "told", "took", "params"),
        (
            (
                str(row["trial"]),
                row["status"] if row["feasible"] in (None, True) else "infeasible",
                *_numbers(row["target"], names),
                words.ago(row["told_at"], now),
                words.duration(row["seconds"]),
                words.params(row["params"]),
            )
            for row in rows
        ),
    )


def _numbers(target: Any, names: list[str]) -> list[str]:
    """Return the cells of a target: one for each outcome."""
    if isinstance(target, dict):
        return [words.number(target[name]) for name in names]
    return [words.target(target)] + ["-"] * (len(names) - 1)


def _pending(page: Page, pending: list[dict[str, Any]]) -> None:
    page.table(
        ("id", "trial", "out for", "lease", "params"),
        (
            (
                str(one["id"]),
                str(one["trial"]),
                words.duration(one["out_for"]),
                _lease(one),
                words.params(one["params"]),
            )
            for one in pending[:MOST]
        ),
    )
    _more(page, pending)


def _more(page: Page, listed: list[dict[str, Any]]) -> None:
    if len(listed) > MOST:
        page.text(f"and {len(listed) - MOST} more")


def _lease(one: dict[str, Any]) -> str:
    if one["expires"] is None:
        return "none"
    left = one["left"]
    return f"{words.duration(left)} left" if left > 0 else f"over for {words.duration(-left)}"


def _short(reason: str) -> str:
    return last_line(reason) or "(no reason given)"


# --- failures ---


def _failed(page: Page, rows: list[dict[str, Any]], file: str) -> None:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(_short(row["reason"]), []).append(row)
    if not groups:
        page.text("no trial failed")
        return
    by_count = sorted(groups.items(), key=lambda pair: -len(pair[1]))
    for reason, group in by_count:
        page.title(f"{len(group)} x {reason}")
        page.table(
            ("trial", "ids", "told", "took", "params"),
            (
                (
                    str(row["trial"]),
                    words.numbers_of(row["ids"], 4),
                    words.minute(row["told_at"]),
                    words.duration(row["seconds"]),
                    words.params(row["params"]),
                )
                for row in group
            ),
        )
    page.title("To do")
    number = by_count[0][1][0]["trial"]
    page.command(f"asktell show {file} --trial {number}", "see all of a reason, and what happened")
    page.command(f"asktell retry {file} --failed", "once the cause is mended, try them again")


# --- one trial ---


def _trial(page: Page, story: dict[str, Any]) -> None:
    page.title(f"Trial {story['trial']}: {story['status']}")
    facts = {
        "target": None if story["target"] is None else words.target(story["target"]),
        "std": None if story["std"] is None else words.target(story["std"]),
        "holds all constraints": None if story["feasible"] in (None, True) else "no",
        "ids": words.numbers_of(story["ids"]) or None,
        "origin": story["origin"],
        "took": None if story["seconds"] is None else words.duration(story["seconds"]),
        "cause": story["cause"],
    }
    page.table(("", ""), ((name, fact) for name, fact in facts.items() if fact is not None))
    page.title("Params")
    page.table(("", ""), ((name, str(value)) for name, value in story["params"].items()))
    if story["reason"]:
        page.title("Reason")
        page.text(story["reason"].rstrip())
    page.title("Events")
    page.table(
        ("when", "event", "id", ""),
        (
            (
                words.moment(row["at"]),
                row["event"],
                "-" if row["id"] is None else str(row["id"]),
                _said(row),
            )
            for row in story["events"]
        ),
    )


def _said(row: dict[str, Any]) -> str:
    """Return what an event says beside its moment and id."""
    said = []
    if row.get("outcomes") is not None:
        said.append(words.target(row["outcomes"]))
    if row.get("reason"):
        said.append(last_line(row["reason"]))
    if row.get("origin"):
        said.append(f"origin {row['origin']}")
    if row.get("expires") is not None:
        said.append(f"lease until {words.moment(row['expires'])}")
    return ", ".join(said)


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
