"""The table of trials: all of a small study; of a large one, the best and the last."""

from __future__ import annotations

from asktell.reports.answer import Answer
from asktell.reports.page import Block, Cell, Prose, Row, Section, Table
from asktell.reports.wanted import DIGITS, measured
from asktell.reports.words import clipped, number, shown
from asktell.space.parameters import Float, Int
from asktell.state import State
from asktell.study.ranking import value_of
from asktell.study.trials import Trial

MOST = 400
"""So many trials are shown: a browser sorts them at once, and nobody reads more."""

_HALF = MOST // 2


def trials_section(state: State, answer: Answer) -> Section | None:
    """Return the section with the table of trials; None without a trial."""
    if not state.trials:
        return None
    some = _selected(state, answer)
    caption = f"All {len(some):,} trials" if len(some) > 1 else "The only trial"
    blocks: list[Block] = []
    if len(some) < len(state.trials):
        caption = f"{len(some):,} of {len(state.trials):,} trials: the best and the last"
        text = "The table leaves trials out; the study at the end of this page has them all."
        blocks.append(Prose(text))
    space, names = state.space, state.problem.outcome_names
    columns = ("trial", "status", *names, *space.names, "origin")
    numbers = [isinstance(parameter, Float | Int) for parameter in space.parameters]
    numeric = (True, False, *(True for _ in names), *numbers, False)
    front = {trial.number for trial, _ in answer.front}
    rows = tuple(_row(state, answer, front, trial) for trial in some)
    blocks.append(Table(caption, columns, numeric, rows, sortable=True))
    return Section("trials", "All trials" if len(blocks) == 1 else "Trials", tuple(blocks))


def _selected(state: State, answer: Answer) -> list[Trial]:
    trials = state.trials
    if len(trials) <= MOST:
        return trials
    ranked = [(value_of(state.problem, trial), trial.number) for trial in trials]
    best = sorted(((-value, n) for value, n in ranked if value is not None))[:_HALF]
    chosen = {n for _, n in best} | {trial.number for trial, _ in answer.front[:_HALF]}
    if answer.trial is not None:
        chosen.add(answer.trial.number)
    chosen |= {trial.number for trial in trials[-_HALF:]}
    return [trial for trial in trials if trial.number in chosen]


def _row(state: State, answer: Answer, front: set[int], trial: Trial) -> Row:
    problem, numbers = state.problem, measured(trial)
    best = answer.trial is not None and trial.number == answer.trial.number
    status, mark = str(trial.status), ""
    if numbers is not None and not problem.holds(numbers):
        status, mark = "breaks a limit", "breaks"
    elif trial.status == "failed":
        mark = "failed"
        status = f"failed: {clipped(trial.reason, 60)}" if trial.reason else "failed"
    elif len(trial.results) > 1:
        status = f"observed {len(trial.results)} times"
    if trial.left_out is not None:
        status, mark = f"left out: {clipped(trial.left_out, 60)}", ""
    if best or trial.number in front:
        status, mark = f"{status}, {'best' if best else 'on the front'}", "best"
    cells = [Cell(str(trial.number), trial.number), Cell(status, status)]
    cells += (
        [Cell("") for _ in problem.outcomes]
        if numbers is None
        else [Cell(number(value, DIGITS), value) for value in numbers]
    )
    params = trial.params
    for name in state.space.names:
        value = params.get(name)
        text = clipped(shown(value)) if name in params else ""
        cells.append(Cell(text, value if type(value) in (int, float, str) else text or None))
    origin = trial.origin or "told"
    return Row((*cells, Cell(origin, origin)), mark)
