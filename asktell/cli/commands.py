"""What each command does: a function from its arguments to its answers, one a line."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

from asktell import telling
from asktell.asking import know
from asktell.cli.results import (
    Source,
    batches_of_lines,
    tell_failure,
    tell_lines,
    tell_target,
)
from asktell.codec.answers import Answer, observation_answer, suggestion_answer, trial_answer
from asktell.errors import DefinitionError, MissingExtraError
from asktell.space.arguments import made
from asktell.state import State
from asktell.store import Store
from asktell.study.problem import Settings


def init(arguments: Namespace) -> Iterator[Answer]:
    """Begin a state; answer with its status."""
    try:
        from asktell.cli.space_file import read_space  # needs YAML, as no other command does
    except ImportError:
        message = "a space file needs the package pyyaml: pip install 'asktell[cli]'"
        raise MissingExtraError(message) from None
    space = read_space(arguments.space)
    settings = made(Settings, dict(arguments.set), "$.settings", DefinitionError)
    state = State.start(space, arguments.seed, arguments.goal, settings)
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
        trial, target, now = arguments.id, arguments.target, _now(arguments)
        yield store.update(lambda state: tell_target(state, trial, target, now))
        return
    for batch in batches_of_lines(cast("Source", sys.stdin.buffer)):
        yield from store.update(partial(tell_lines, lines=batch, now=_now(arguments)))


def fail(arguments: Namespace) -> Iterator[Answer]:
    """Tell a failure; answer with what became of it."""
    trial, reason, now = arguments.id, arguments.reason, _now(arguments)
    yield _store(arguments).update(lambda state: tell_failure(state, trial, reason, now))


def amend(arguments: Namespace) -> Iterator[Answer]:
    """Replace a wrong outcome; answer with the trial."""
    trial, target, now = arguments.id, arguments.target, _now(arguments)
    yield _corrected(arguments, lambda state: telling.amend(state, trial, target, now=now))


def forget(arguments: Namespace) -> Iterator[Answer]:
    """Take an outcome back; answer with the trial."""
    trial, now = arguments.id, _now(arguments)
    yield _corrected(arguments, lambda state: telling.forget(state, trial, now=now))


def _corrected(arguments: Namespace, correct: Callable[[State], State]) -> Answer:
    def corrected(state: State) -> tuple[State, Answer]:
        state = correct(state)
        return state, trial_answer(telling.trial_of(state, arguments.id))

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
    """
    yield observation_answer(know.best(_store(arguments).read()))


def status(arguments: Namespace) -> Iterator[Answer]:
    """Answer with counts, the goal, and the best."""
    yield _status(_store(arguments).read())


def export(arguments: Namespace) -> Iterator[Answer]:
    """Answer with everything observed."""
    yield from map(observation_answer, _store(arguments).read().observations)


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
    best = know.best_or_none(state)
    problem = state.problem
    return {
        "goal": problem.goal,
        "seed": problem.seed,
        "parameters": list(state.space.names),
        "size": state.space.size,
        "suggested": state.next_id,
        "pending": len(state.out),
        "due": len(state.queue),
        "observed": len(state.observations),
        "failed": len(state.failures),
        "best": best and observation_answer(best),
    }
