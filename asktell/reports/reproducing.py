"""How to go on from a report: what made it, and the study itself within the page."""

from __future__ import annotations

import gzip
import json
import platform

import numpy as np
import scipy
from attrs import asdict

import asktell
from asktell.codec.space_texts import python_text, space_file_text
from asktell.reports.answer import range_text
from asktell.reports.page import Block, Cell, Code, Download, Folded, Prose, Row, Section, Table
from asktell.reports.wanted import limit_text, limits_of, objectives_of
from asktell.reports.words import count, listed, shown
from asktell.space.parameters import kind_of
from asktell.space.space import Space
from asktell.state import State
from asktell.study.outcomes import TARGET
from asktell.study.problem import Method, Policy

STUDY = "study.json.gz"

_LOAD = f"""\
import gzip, json, asktell as at
engine = at.Engine.from_dict(json.load(gzip.open("{STUDY}")))
print(engine.suggest())"""


def reproducing_section(state: State) -> Section:
    """Return the section with versions, seed, space, settings and the whole study."""
    text = json.dumps(state.to_dict(), allow_nan=False, separators=(",", ":"))
    content = gzip.compress(text.encode(), 6, mtime=0)
    blocks: list[Block] = [
        Prose(
            "This page holds the whole study: its definition, every trial, and the fit of the "
            "model. Save it as a file, and these lines go on where it stopped."
        ),
        Download(STUDY, f"Save {STUDY} ({_size(len(content))})", content, "application/gzip"),
        Code(_LOAD),
        Prose(
            "With the same versions, the same study gives the same suggestions, to the last bit. "
            "For the command line, unpack it: gunzip study.json.gz"
        ),
        _pairs("Made with", _versions(state)),
        Folded(
            "What is searched, and how",
            (*_space_tables(state.space), _pairs("Settings", _set(state))),
        ),
        Folded("The same space for a new study", _texts(state)),
    ]
    return Section("reproduce", "How to go on", tuple(blocks))


def _size(n: int) -> str:
    return f"{n / 1e6:.1f} MB" if n >= 1e6 else f"{max(n / 1e3, 1):.0f} kB"


def _versions(state: State) -> dict[str, str]:
    return {
        "asktell": asktell.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "Python": platform.python_version(),
        "seed": str(state.problem.seed),
    }


def _set(state: State) -> dict[str, str]:
    """Return what is wanted, and every setting; those that are not the default say so."""
    problem = state.problem
    lines = {
        f"objective {one.name}": f"{one.goal}"
        + (f", weight {one.weight:g}" if one.weight is not None else "")
        + (f", reference {one.reference:g}" if one.reference is not None else "")
        for one in objectives_of(problem)
    }
    if problem.constraints:
        lines["limits"] = listed([limit_text(one) for one in limits_of(problem)])
    for part, default in ((problem.method, Method()), (problem.policy, Policy())):
        usual = asdict(default)
        for name, value in asdict(part).items():
            note = "" if value == usual[name] else f" (by default {usual[name]})"
            lines[name] = f"{value}{note}"
    return lines


def _pairs(caption: str, pairs: dict[str, str]) -> Table:
    rows = tuple(Row((Cell(name), Cell(value))) for name, value in pairs.items())
    return Table(caption, ("what", "value"), (False, False), rows)


def _space_tables(space: Space) -> list[Block]:
    """Return the parameters as a table, with the columns that have anything, and constraints."""
    columns: dict[str, list[str]] = {
        "parameter": [one.name for one in space.parameters],
        "kind": [kind_of(one) for one in space.parameters],
        "range": [range_text(one) for one in space.parameters],
        "active where": [str(one.when or "") for one in space.parameters],
        "default": ["" if one.default is None else shown(one.default) for one in space.parameters],
        "likely": [listed([shown(value) for value in one.likely]) for one in space.parameters],
    }
    used = {name: cells for name, cells in columns.items() if any(cells)}
    rows = tuple(Row(tuple(map(Cell, cells))) for cells in zip(*used.values(), strict=True))
    n = space.size
    many = "" if n is None else count(n, "configuration") if n < 1e15 else f"{n:.3g} configurations"
    caption = f"The space: {many or 'a continuum'}"
    table = Table(caption, tuple(used), tuple(False for _ in used), rows)
    if not space.constraints:
        return [table]
    kept = tuple(Row((Cell(str(one)),)) for one in space.constraints)
    return [table, Table("Constraints on params", ("what holds",), (False,), kept)]


def _texts(state: State) -> tuple[Block, ...]:
    """Return the space as Python code, and as a space file."""
    problem = state.problem
    objectives = [problem.outcomes[i] for i in problem.objectives]
    named = objectives[0].name != TARGET or len(objectives) > 1
    goal = "" if named or problem.constraints else f" --goal {objectives[0].goal}"
    call = f"asktell init space.yaml study.json --seed {problem.seed}{goal}"
    return (
        Prose("In Python:"),
        Code(python_text(state.space)),
        Prose(f"As space.yaml, for the command line: {call}"),
        Code(space_file_text(problem)),
    )
