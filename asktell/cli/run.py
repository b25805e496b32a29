"""``asktell run``: a program evaluates what is suggested, for as long as it takes."""

from __future__ import annotations

import re
import shutil
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

from asktell.cli.command import Command, add_state, store_of
from asktell.cli.live import LiveTable
from asktell.codec.answers import Answer
from asktell.drivers.evaluated import Evaluated
from asktell.drivers.lines import Lines, standing_and_whose
from asktell.drivers.patience import Patience
from asktell.errors import DefinitionError, NothingObservedError, StoreMissingError
from asktell.log import LOGGER, shown
from asktell.programs.crew import Crew
from asktell.programs.evaluation import Evaluation
from asktell.programs.plan import Plan
from asktell.programs.reading import JsonFile, LastLine, Pattern, Reading
from asktell.programs.template import PARAMS_FILE, Template
from asktell.state import State
from asktell.store import Store

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def _add_run(parser: ArgumentParser) -> None:
    add_state(parser)
    add = parser.add_argument
    text = "end when so many have an outcome, those known already included (no limit)"
    add("--trials", type=_count, metavar="N", help=text)
    add("--workers", type=_count, default=1, metavar="N", help="programs that run at once (1)")
    text = "stop a program after so long; it has failed (no limit)"
    add("--timeout", type=_seconds, metavar="SECONDS", help=text)
    where = parser.add_mutually_exclusive_group()
    text = "a JSON file with the target, in the trial's folder or elsewhere with {id} in its path"
    where.add_argument("--result", metavar="FILE", help=text)
    text = "a regular expression whose last match is the target; named groups are outcomes"
    where.add_argument("--pattern", type=_expression, metavar="REGEX", help=text)
    add("--stdin", action="store_true", help="give the params as JSON on standard input")
    text = "so many failed programs before any has succeeded end the run; 0 for never (1)"
    add("--patience-first", type=_count_or_none, default=1, metavar="N", help=text)
    text = "so many failures in a row end the run; 0 for never (10)"
    add("--patience-later", type=_count_or_none, default=10, metavar="N", help=text)
    text = "after so long without this run, runs on other machines take over its trials (120)"
    add("--lease", type=_seconds, default=120.0, metavar="SECONDS", help=text)
    add("--plain", action="store_true", help="a line for each trial, no table")
    parser.usage = "asktell run STATE [options] -- PROGRAM [ARGUMENT ...]"
    parser.description = _DESCRIPTION


_DESCRIPTION = """\
Evaluate what is suggested by running a program for it, until enough is known.

In the program's arguments {name} stands for the value of a parameter, {id} for the
number of the suggestion, {folder} for the trial's folder, and {params_file} for a JSON
file with the params; {{name}} is {name}. The environment has ASKTELL_PARAMS (JSON),
ASKTELL_PARAM_<name>, ASKTELL_ID and ASKTELL_FOLDER. No shell is involved: for one, run
sh -c '...', and use the environment.

A parameter that is not active has no value: --dropout {dropout} and dropout={dropout} are
left out, elsewhere its place is empty, and its variable is not set.

The target is the last line that the program prints: a number, or JSON such as
{"accuracy": 0.9}. An exit code that is not 0 is a failure. What a program prints is
kept in STATE.trials/<id>.

Ctrl-C stops the programs; the same call goes on with their trials."""


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"must be an integer >= 1, not {text!r}")
    return int(text)


def _count_or_none(text: str) -> int | None:
    return None if text == "0" else _count(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise ArgumentTypeError(f"must be seconds > 0, not {text!r}")
    return seconds


def _expression(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ArgumentTypeError(f"not a regular expression: {error}") from None


def run(arguments: Namespace) -> Iterator[Answer]:
    """Run programs; answer with what became of each trial, unless a terminal shows it.

    Raises:
        FirstProgramError: the first program failed.
        TooManyFailuresError: too many in a row have failed.
        NothingObservedError: at the end no program has succeeded.
    """
    if not arguments.program:
        arguments.refuse("no program: put it after --, as in asktell run STATE -- ./train.sh {lr}")
    store = store_of(arguments)
    state = _read(store, arguments.state)
    crew = Crew(store, _evaluation(arguments, store, state), _plan(arguments), state)
    is_silent = sys.stdout.isatty()
    with ExitStack() as stack:
        _show(crew, arguments, stack)
        stack.enter_context(_heard(crew))
        _say_beginning(crew)
        for evaluated in crew.work():
            if not is_silent:
                yield _answer(evaluated)
    if crew.stopped_by is not None:
        _say_interrupted(crew, arguments.state)
        signal.signal(crew.stopped_by, signal.SIG_DFL)  # end as the signal would have it
        signal.raise_signal(crew.stopped_by)
    _say_end(crew, arguments.state)


def _read(store: Store, path: str) -> State:
    try:
        return store.read()
    except StoreMissingError as error:
        problem = f"{error.problem}; begin a study with: asktell init SPACE.yaml {quote(path)}"
        raise StoreMissingError(error.path, problem) from None


def _plan(arguments: Namespace) -> Plan:
    patience = Patience(arguments.patience_first, arguments.patience_later)
    return Plan(
        n_workers=arguments.workers,
        n_trials=arguments.trials,
        timeout=arguments.timeout,
        lease=arguments.lease,
        patience=patience,
    )


def _evaluation(arguments: Namespace, store: Store, state: State) -> Evaluation:
    names, program = state.space.names, arguments.program
    template = Template.of(program, names)
    if "{" not in program[0] and shutil.which(program[0]) is None:
        raise DefinitionError("command[0]", program[0], _program_expected(Path(program[0])))
    _warn_of_unused(template, names, arguments.stdin)
    folder = store.path.with_name(store.path.name + ".trials")
    reading = _reading(arguments)
    return Evaluation(template, reading, state.problem, folder, arguments.stdin)


def _program_expected(path: Path) -> str:
    if not path.is_file():
        return "a program that can be run: a path to it, such as ./train.sh, or one in $PATH"
    call = quote(str(path if path.is_absolute() else f"./{path}"))
    return f"a program that can be run; this file cannot: chmod +x {call}, and call it as {call}"


def _reading(arguments: Namespace) -> Reading:
    if arguments.pattern is not None:
        return Pattern(arguments.pattern)
    if arguments.result is None:
        return LastLine()
    is_shared = Path(arguments.result).is_absolute() and "{id}" not in arguments.result
    if is_shared and arguments.workers > 1:
        expected = "a file for each trial: a path with {id}, or one in the trial's folder"
        raise DefinitionError("--result", arguments.result, expected)
    return JsonFile(arguments.result)


def _warn_of_unused(template: Template, names: tuple[str, ...], takes_stdin: bool) -> None:
    unused = [name for name in names if name not in template.names]
    if not unused or takes_stdin or PARAMS_FILE in template.names:
        return
    text = "not in the command: %s; the program has to read them from its environment"
    with shown():
        LOGGER.warning(text, ", ".join(unused))


# --- what is said ---


def _show(crew: Crew, arguments: Namespace, stack: ExitStack) -> None:
    """Show how the crew gets on: a table on a terminal, or else lines."""
    if sys.stderr.isatty() and not arguments.plain and LiveTable.is_possible():
        table = stack.enter_context(LiveTable())
        crew.show = table.show
        crew.listeners.append(table.add)
    else:
        stack.enter_context(shown())
        crew.listeners.append(Lines(lambda: crew.state))


def _say_beginning(crew: Crew) -> None:
    n_over, n_trials = crew.state.n_over, crew.plan.n_trials
    most = "" if n_trials is None else f" of {n_trials}"
    text = "trials with an outcome: %d%s; output of programs: %s"
    LOGGER.info(text, n_over, most, crew.evaluation.folder)


def _say_interrupted(crew: Crew, path: str) -> None:
    _say(
        f"stopped; {path} has {_counts(crew.state)}. "
        "To go on, run the same command again: it begins with what was running"
    )


def _say_end(crew: Crew, path: str) -> None:
    state = crew.state
    if not state.n_observed:
        message = f"no program has succeeded; asktell show {quote(path)} --failed says why"
        raise NothingObservedError(message)
    n_trials = crew.plan.n_trials
    has_enough = n_trials is not None and state.n_over >= n_trials
    why = "" if has_enough else "nothing is left to suggest; "
    look = f"to look at it: asktell show {quote(path)}"
    _say(f"done: {why}{_counts(state)}; {standing_and_whose(state)}; {look}")


def _counts(state: State) -> str:
    failed = state.n_over - state.n_observed
    trials = "1 trial" if state.n_over == 1 else f"{state.n_over} trials"
    return f"{trials} with an outcome" + (f" ({failed} failed)" if failed else "")


def _say(text: str) -> None:
    sys.stderr.write(f"asktell: {text}\n")


def _answer(evaluated: Evaluated) -> Answer:
    suggestion = evaluated.suggestion
    answer: dict[str, Any] = {"id": suggestion.id, "outcome": evaluated.outcome}
    answer |= {"trial": evaluated.number, "params": suggestion.params}
    if evaluated.reason:
        return {**answer, "reason": evaluated.reason}
    answer["target"] = evaluated.target
    return answer if evaluated.std is None else {**answer, "std": evaluated.std}


# --- signals ---


@contextmanager
def _heard(crew: Crew) -> Iterator[None]:
    """Let signals stop the crew, unless the process ignores them, as ``nohup`` has it."""
    before = {}
    for name in _SIGNALS:
        number = getattr(signal, name, None)  # Windows knows no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, lambda number, _: crew.stop(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


COMMANDS = (
    Command(
        "run",
        "run a program for what is suggested, and tell its target",
        "asktell run study.json --trials 50 --workers 4 -- ./train.sh {lr} --depth {depth}",
        _add_run,
        run,
    ),
)
