"""A study on a page for people: at a glance, its failures, or one trial."""

from __future__ import annotations

from typing import Any

from asktell.cli import words
from asktell.cli.page import Page
from asktell.tables.overview import last_line

MOST = 12
"""How many lines a table of the overview has; ``--failed``, ``--csv`` and ``--json`` show all."""

CURVE = (56, 4)
"""Columns and lines of the curve."""


# --- a study ---


def show_study(page: Page, seen: dict[str, Any]) -> None:
    """Put a study at a glance on a page: an ``overview``, and under ``to_do`` what to do."""
    _answer(page, seen)
    counts = [
        f"{n} {name.replace('_', ' ')}"
        for name, n in seen["counts"].items()
        if n and name != "trials"
    ]
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
                _status(row),
                *_numbers(row["target"], names),
                words.ago(row["told_at"], now),
                words.duration(row["seconds"]),
                words.params(row["params"]),
            )
            for row in rows
        ),
    )


def _status(row: dict[str, Any]) -> str:
    if row["left_out"] is not None:
        return "left out"
    return row["status"] if row["feasible"] in (None, True) else "infeasible"


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


def show_failed(page: Page, rows: list[dict[str, Any]], file: str) -> None:
    """Put the rows of failed trials on a page, by reason; ``file`` is as a shell takes it."""
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


def show_trial(page: Page, story: dict[str, Any]) -> None:
    """Put everything about a trial on a page: its ``trial_story``."""
    page.title(f"Trial {story['trial']}: {story['status']}")
    facts = {
        "target": None if story["target"] is None else words.target(story["target"]),
        "std": None if story["std"] is None else words.target(story["std"]),
        "holds all constraints": None if story["feasible"] in (None, True) else "no",
        "left out": story["left_out"],
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
