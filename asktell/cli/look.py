"""Looking at a study; nothing changes."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from asktell.asking import know
from asktell.cli.command import Command, add_state, standard_input, store_of
from asktell.cli.predictions import predict_lines
from asktell.cli.results import batches_of_lines
from asktell.codec.answers import Answer, goals_answer, observation_answer
from asktell.errors import SeveralObjectivesError
from asktell.state import State
from asktell.tables.rows import csv_lines, trial_rows


def status(arguments: Namespace) -> Iterator[Answer]:
    """Answer with counts, what is wanted, and the best."""
    yield status_answer(store_of(arguments).read())


def status_answer(state: State) -> Answer:
    """Return counts, what is wanted, and the best."""
    problem, observations = state.problem, state.observations
    answer: Answer = {
        **goals_answer(problem),
        "seed": problem.seed,
        "parameters": list(state.space.names),
        "size": state.space.size,
        "suggested": state.next_id,
        "pending": len(state.out),
        "due": len(state.queue),
        "observed": len(observations),
        "failed": len(state.failures),
    }
    if problem.constraints:
        answer["feasible"] = sum(one.feasible for one in observations)
    if problem.has_scale:
        best = know.best_or_none(state)
        answer["best"] = best and observation_answer(problem, best)
    if len(problem.objectives) > 1:
        volume = know.hypervolume(state)
        answer["front"] = len(know.pareto(state))
        answer["hypervolume"] = volume if math.isfinite(volume) else None
    return answer


def best(arguments: Namespace) -> Iterator[Answer]:
    """Answer with the best observation.

    Raises:
        NothingObservedError: there is none.
        SeveralObjectivesError: several objectives have no weights.
    """
    state = store_of(arguments).read()
    if not state.problem.has_scale:
        message = "several objectives without weights have no best: ask for pareto, or begin the "
        message += "study with a weight for each, such as {goal: minimize, weight: 2}"
        raise SeveralObjectivesError(message)
    yield observation_answer(state.problem, know.best(state))


def pareto(arguments: Namespace) -> Iterator[Answer]:
    """Answer with the front."""
    state = store_of(arguments).read()
    yield from (observation_answer(state.problem, one) for one in know.pareto(state))


def _add_predict(parser: ArgumentParser) -> None:
    add_state(parser)
    parser.add_argument("source", choices=["-"], metavar="-", help="standard input")


def predict(arguments: Namespace) -> Iterator[Answer]:
    """Answer with what the model expects of params.

    Raises:
        NothingObservedError: the model knows nothing yet.
    """
    state = store_of(arguments).read()
    for batch in batches_of_lines(standard_input()):
        yield from predict_lines(state, batch)


def _add_export(parser: ArgumentParser) -> None:
    add_state(parser)
    everything = "every trial: also what failed or is pending, with origins, reasons and moments"
    parser.add_argument("--all", action="store_true", help=everything)
    parser.add_argument("--csv", action="store_true", help="as CSV, a line a trial")


def export(arguments: Namespace) -> Iterator[Answer | str]:
    """Answer with everything observed, or with every trial."""
    state = store_of(arguments).read()
    if arguments.csv:
        trials = [trial for trial in state.trials if arguments.all or trial.is_observed]
        yield from csv_lines(state, trial_rows(state, trials))
    elif arguments.all:
        yield from trial_rows(state)
    else:
        yield from (observation_answer(state.problem, one) for one in state.observations)


COMMANDS = (
    Command(
        "status",
        "print counts, what is wanted, and the best",
        "asktell status study.json",
        add_state,
        status,
    ),
    Command("best", "print the best observation", "asktell best study.json", add_state, best),
    Command(
        "pareto",
        "print what holds all constraints and is not dominated",
        "asktell pareto study.json",
        add_state,
        pareto,
    ),
    Command(
        "predict",
        "print what the model expects of params: JSON lines with params",
        "asktell pending study.json | asktell predict study.json -",
        _add_predict,
        predict,
    ),
    Command(
        "export",
        "print everything observed, in order of arrival; or all trials",
        "asktell export study.json > results.jsonl\n"
        "asktell export study.json --all --csv > trials.csv",
        _add_export,
        export,
    ),
)
