"""What each command does: a function from its arguments to its answers, one a line."""

from __future__ import annotations

import math
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

from asktell import telling
from asktell.asking import know
from asktell.cli.predictions import predict_lines
from asktell.cli.results import (
    Source,
    batches_of_lines,
    tell_failure,
    tell_lines,
    tell_target,
)
from asktell.codec.answers import (
    Answer,
    goals_answer,
    observation_answer,
    suggestion_answer,
    trial_answer,
)
from asktell.errors import DefinitionError, MissingExtraError, SeveralObjectivesError
from asktell.space.arguments import made
from asktell.state import State
from asktell.store import Store
from asktell.study.problem import Settings


def init(arguments: Namespace) -> Iterator[Answer]:
    """Begin a state; answer with its status.

    Raises:
        DefinitionError: the space file is wrong, or has objectives beside ``--goal``.
    """
    try:
        from asktell.cli.space_file import read_definition  # needs YAML, as no other command does
    except ImportError:
        message = "a space file needs the package pyyaml: pip install 'asktell[cli]'"
        raise MissingExtraError(message) from None
    given = read_definition(arguments.space)
    if given.objectives is not None and arguments.goal is not None:
        expected = f"no --goal, since {arguments.space} has objectives: set their goals there"
        raise DefinitionError("--goal", arguments.goal, expected)
    settings = made(Settings, dict(arguments.set), "$.settings", DefinitionError)
    state = State.start(
        given.space,
        arguments.seed,
        arguments.goal,
        settings,
        objectives=given.objectives,
        constraints=given.constraints,
    )
    _store(arguments).create(state)
    yield _status(state)


def suggest(arguments: Namespace) -> Iterator[Answer]:
    """Answer with suggestions."""
    suggestions = _store(arguments).suggest(arguments.n, now=_now(arguments), lease=arguments.lease)
    yield from map(suggestion_answer, suggestions)


def observe(arguments: Namespace) -> Iterator[Answer]:
    """Tell results; answer with what became of each."""
    store = _store(arguments)
    if arguments.source is None:
        trial, target, std, now = arguments.id, arguments.target, arguments.std, _now(arguments)
        yield store.update(lambda state: tell_target(state, trial, target, std, now))
        return
    for batch in batches_of_lines(cast("Source", sys.stdin.buffer)):
        yield from store.update(partial(tell_lines, lines=batch, now=_now(arguments)))


def fail(arguments: Namespace) -> Iterator[Answer]:
    """Tell a failure; answer with what became of it."""
    trial, reason, now = arguments.id, arguments.reason, _now(arguments)
    yield _store(arguments).update(lambda state: tell_failure(state, trial, reason, now))


def amend(arguments: Namespace) -> Iterator[Answer]:
    """Replace a wrong outcome; answer with the trial."""
    trial, target, std, now = arguments.id, arguments.target, arguments.std, _now(arguments)
    yield _corrected(arguments, lambda state: telling.amend(state, trial, target, std, now=now))


def forget(arguments: Namespace) -> Iterator[Answer]:
    """Take an outcome back; answer with the trial."""
    trial, now = arguments.id, _now(arguments)
    yield _corrected(arguments, lambda state: telling.forget(state, trial, now=now))


def _corrected(arguments: Namespace, correct: Callable[[State], State]) -> Answer:
    def corrected(state: State) -> tuple[State, Answer]:
        state = correct(state)
        return state, trial_answer(state.problem, telling.trial_of(state, arguments.id))

    return _store(arguments).update(corrected)


def renew(arguments: Namespace) -> Iterator[Answer]:
    """Extend a lease; answer with the suggestion."""
    now = _now(arguments)

    def renewed(state: State) -> tuple[State, Answer]:
        state = telling.renew(state, arguments.id, now, arguments.lease)
        return state, suggestion_answer(state.suggestion(arguments.id))

    yield _store(arguments).update(renewed)


def expire(arguments: Namespace) -> Iterator[Answer]:
    """End suggestions whose leases are over; answer with them."""
    yield from map(suggestion_answer, _store(arguments).expire(_now(arguments)))


def pending(arguments: Namespace) -> Iterator[Answer]:
    """Answer with the suggestions that wait for an outcome."""
    yield from map(suggestion_answer, _store(arguments).read().pending)


def best(arguments: Namespace) -> Iterator[Answer]:
    """Answer with the best observation.

    Raises:
        NothingObservedError: there is none.
        SeveralObjectivesError: several objectives have no weights.
    """
    state = _store(arguments).read()
    if not state.problem.has_scale:
        message = "several objectives without weights have no best: ask for pareto, or begin the "
        message += "study with a weight for each, such as {goal: minimize, weight: 2}"
        raise SeveralObjectivesError(message)
    yield observation_answer(state.problem, know.best(state))


def pareto(arguments: Namespace) -> Iterator[Answer]:
    """Answer with the front."""
    state = _store(arguments).read()
    yield from (observation_answer(state.problem, one) for one in know.pareto(state))


def predict(arguments: Namespace) -> Iterator[Answer]:
    """Answer with what the model expects of params.

    Raises:
        NothingObservedError: the model knows nothing yet.
    """
    state = _store(arguments).read()
    for batch in batches_of_lines(cast("Source", sys.stdin.buffer)):
        yield from predict_lines(state, batch)


def status(arguments: Namespace) -> Iterator[Answer]:
    """Answer with counts, what is wanted, and the best."""
    yield _status(_store(arguments).read())


def export(arguments: Namespace) -> Iterator[Answer]:
    """Answer with everything observed."""
    state = _store(arguments).read()
    yield from (observation_answer(state.problem, one) for one in state.observations)


COMMANDS: dict[str, Callable[[Namespace], Iterator[Answer]]] = {
    "init": init,
    "suggest": suggest,
    "observe": observe,
    "fail": fail,
    "amend": amend,
    "forget": forget,
    "renew": renew,
    "expire": expire,
    "pending": pending,
    "best": best,
    "pareto": pareto,
    "predict": predict,
    "status": status,
    "export": export,
}

# --- arguments ---


def _store(arguments: Namespace) -> Store:
    return Store(arguments.state, timeout=arguments.wait)


def _now(arguments: Namespace) -> float:
    return time.time() if arguments.now is None else float(arguments.now)


# --- answers ---


def _status(state: State) -> Answer:
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
