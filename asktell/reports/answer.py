"""The answer: the best params, the front, or why there is none yet."""

from __future__ import annotations

from attrs import frozen

from asktell.asking import know
from asktell.reports.page import Block, Cell, Code, Folded, Hint, Row, Section, Table
from asktell.reports.wanted import (
    DIGITS,
    broken_text,
    by_values,
    limits_of,
    numbers_by_name,
    objectives_of,
)
from asktell.reports.words import clipped, count, listed, number, shown
from asktell.space.parameters import Bool, Categorical, Float, Int, Ordinal, Parameter
from asktell.state import State
from asktell.study.trials import Trial
from asktell.study.views import Observation

_EDGE = 0.01
"""Of a range: a best value nearer than this to an end of it lies at its edge."""

_FEW = 3
"""Values of a range: of fewer, each lies at an edge."""

_MOST_ON_FRONT = 100
_LONGEST_CODE = 300


@frozen
class Answer:
    """What came of a study.

    Attributes:
        best: None where there is none yet, or where several objectives have no weights.
        trial: the trial of the best.
        front: of several objectives, with the trial of each; empty with one.
    """

    best: Observation | None
    trial: Trial | None
    front: tuple[tuple[Trial, Observation], ...]


def answer_of(state: State) -> Answer:
    """Return the best and the front of a state."""
    trials = by_values([trial for trial in state.kept if trial.is_observed])
    best = know.best(state) if trials and state.problem.has_scale else None
    front = know.pareto(state) if len(state.problem.objectives) > 1 else []
    return Answer(
        best,
        None if best is None else trials[best.configuration.values],
        tuple((trials[one.configuration.values], one) for one in front),
    )


# --- in sentences ---


def lead_of(state: State, answer: Answer) -> tuple[str, ...]:
    """Return the answer in a few sentences."""
    if not state.n_observed:
        return (_nothing(state),)
    sentences = []
    if answer.best is not None and answer.trial is not None:
        sentences.append(_best_text(state, answer.best, answer.trial))
    if len(state.problem.objectives) > 1:
        sentences.append(_front_text(state, answer))
    return tuple(sentences)


def _nothing(state: State) -> str:
    pending, failed = len(state.out), state.n_over
    if failed:
        waiting = f", and {_are_out(pending)}" if pending else ""
        every = "The only evaluation" if failed == 1 else f"All {failed:,} evaluations"
        return f"{every} failed, so there is no best yet{waiting}."
    if pending:
        return f"Nothing is measured yet: {_are_out(pending)}."
    if state.trials:
        return "Nothing is measured yet."
    return "The study has not begun: nothing was suggested or told yet."


def _are_out(n: int) -> str:
    return f"{count(n, 'trial')} {'is' if n == 1 else 'are'} being evaluated"


def _best_text(state: State, best: Observation, trial: Trial) -> str:
    problem = state.problem
    after = f"After {count(state.n_over, 'trial')}"
    found = f"found at trial {trial.number}"
    if not best.feasible:
        if state.leader is not None:
            return (
                f"{after}, trial {trial.number} is the best: what is measured is noisy, and the "
                f"model expects this one to hold all limits. As it was measured, it does not: "
                f"{broken_text(problem, best.numbers)}."
            )
        every = f"none of the {state.n_observed:,} measured holds all limits"
        if state.n_observed == 1:
            every = "the only one measured does not hold all limits"
        return (
            f"{after}, {every}. The nearest is trial {trial.number}: "
            f"{broken_text(problem, best.numbers)}."
        )
    named = numbers_by_name(problem, best.numbers)
    goals = [one.name for one in objectives_of(problem)]
    values = listed([f"{name} is {number(named[name], DIGITS)}" for name in goals])
    told = [f"{name} {number(named[name], DIGITS)}" for name in goals]
    if best.expected_numbers is not None:
        expected = numbers_by_name(problem, best.expected_numbers)
        means = listed([f"{name} {number(expected[name], DIGITS)}" for name in goals])
        text = f"{after}, trial {trial.number} is the best: what is measured is noisy, and of this "
        text += f"one the model expects {means}; measured was {listed(told)}"
    else:
        text = f"{after} the best {values}, {found}{_since(state, trial)}"
    kept = [one for one in limits_of(problem) if one.name not in goals]
    if not limits_of(problem):
        return f"{text}."
    measured = listed([f"{one.name} is {number(named[one.name], DIGITS)}" for one in kept])
    return f"{text}. It holds all limits{f': {measured}' if measured else ''}."


def _since(state: State, best: Trial) -> str:
    arrival = max(result.arrival for result in best.results)
    after = sum(1 for trial in state.kept if trial.is_over and trial.reports[-1].arrival > arrival)
    if not after:
        return "" if state.n_over == 1 else ", the last one"
    return f"; the {'one' if after == 1 else f'{after:,}'} after it brought nothing better"


def _front_text(state: State, answer: Answer) -> str:
    if not answer.front:
        return f"None of the {count(state.n_observed, 'measured trial')} holds all limits."
    n, names = len(answer.front), listed([one.name for one in objectives_of(state.problem)])
    one_of = f"Of {count(state.n_observed, 'measured trial')}, {n:,} "
    return (
        f"{one_of}{'is' if n == 1 else 'are'} on the front: no other is at least as good in "
        f"{names}, and better in one."
    )


# --- as a section ---


def answer_section(state: State, answer: Answer) -> Section | None:
    """Return the section with the best params and the front; None while there is neither."""
    blocks: list[Block] = []
    if answer.best is not None and answer.trial is not None:
        is_best = answer.best.feasible or state.leader is not None
        title = "The best params" if is_best else "The params nearest to the limits"
        code = Code(repr(answer.best.params))
        is_long = len(code.text) > _LONGEST_CODE
        shown_code = Folded("These params, to be copied", (code,)) if is_long else code
        blocks += [params_table(state, answer.best, title), shown_code]
        if not answer.best.feasible:
            blocks.append(Hint(f"Limits that do not hold: {_broken(state, answer.best)}."))
    if answer.front:
        blocks.append(_front_table(state, answer))
    return Section("answer", "The answer", tuple(blocks)) if blocks else None


def _broken(state: State, best: Observation) -> str:
    return broken_text(state.problem, best.numbers)


def params_table(state: State, best: Observation, caption: str) -> Table:
    """Return a row for each active parameter: its value, and what it could have been."""
    rows = []
    for parameter in state.space.parameters:
        if parameter.name in best.params:
            value = best.params[parameter.name]
            cells = (parameter.name, shown(value, 6), range_text(parameter))
            rows.append(Row(tuple(Cell(text) for text in cells)))
    return Table(caption, ("parameter", "value", "range"), (False, False, False), tuple(rows))


def range_text(parameter: Parameter) -> str:
    """Return what a parameter may be."""
    if isinstance(parameter, Float | Int):
        text = f"{shown(parameter.low)} to {shown(parameter.high)}"
        steps = f", in steps of {shown(parameter.step)}" if parameter.step not in (None, 1) else ""
        return f"{text}{steps}{', log' if parameter.log else ''}"
    if isinstance(parameter, Bool):
        return "False or True"
    values = parameter.choices if isinstance(parameter, Categorical) else parameter.values
    text = listed([clipped(shown(value), 40) for value in values], most=12)
    return f"{text}, in order" if isinstance(parameter, Ordinal) else text


def at_edge(state: State, best: Observation) -> list[tuple[str, str]]:
    """Return the numbers among the best params at an end of their range, and which end."""
    found = []
    for parameter in state.space.parameters:
        is_there = parameter.name in best.params
        if is_there and isinstance(parameter, Float | Int) and _is_range(parameter):
            (position,) = parameter.encode([best.params[parameter.name]]).tolist()
            if position <= _EDGE:
                found.append((parameter.name, "lower"))
            elif position >= 1.0 - _EDGE:
                found.append((parameter.name, "upper"))
    return found


def _is_range(parameter: Float | Int) -> bool:
    size = parameter.axis.size
    return parameter.low < parameter.high and (size is None or size >= _FEW)


def _front_table(state: State, answer: Answer) -> Table:
    problem, names = state.problem, state.problem.outcome_names
    first = problem.objectives[0]
    sign = problem.outcomes[first].sign
    ranked = sorted(answer.front, key=lambda pair: -sign * pair[1].numbers[first])
    some = ranked[:_MOST_ON_FRONT]
    rows = []
    for trial, one in some:
        cells = [Cell(str(trial.number), trial.number)]
        cells += [Cell(number(value, DIGITS), value) for value in one.numbers]
        cells += [
            Cell(shown(one.params.get(name, "")), _key(one.params.get(name)))
            for name in state.space.names
        ]
        rows.append(Row(tuple(cells)))
    caption = f"The front, from the best {names[first]} on"
    if len(some) < len(ranked):
        caption += f"; the first {len(some)} of {len(ranked):,}"
    numeric = (True, *(True for _ in names), *map(is_numeric, state.space.parameters))
    return Table(caption, ("trial", *names, *state.space.names), numeric, tuple(rows), True)


def is_numeric(parameter: Parameter) -> bool:
    """Tell whether the values of a parameter are numbers."""
    return isinstance(parameter, Float | Int)


def _key(value: object) -> float | str | None:
    return value if isinstance(value, int | float | str) else None
