"""What each command does: a function from its arguments to its answers, one a line."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import numpy as np
from attrs import fields

from asktell.acquisition.design import sobol
from asktell.asking import core
from asktell.cli.results import (
    Answer,
    Source,
    batches_of_lines,
    tell_failure,
    tell_lines,
    tell_target,
)
from asktell.errors import DefinitionError, MissingExtraError, NothingObservedError
from asktell.store import Store
from asktell.study.state import Observation, Settings, State, Suggestion
from asktell.telling import leases


def init(arguments: Namespace) -> Iterator[Answer]:
    """Begin a state; answer with its status."""
    try:
        from asktell.cli.space_file import read_space  # needs YAML, as no other command does
    except ImportError:
        message = "a space file needs the package pyyaml: pip install 'asktell[cli]'"
        raise MissingExtraError(message) from None
    space, settings = read_space(arguments.space), _settings(dict(arguments.set))
    state = State.start(space, arguments.seed, arguments.goal, settings)
    _store(arguments).create(state)
    yield _status(state)


def suggest(arguments: Namespace) -> Iterator[Answer]:
    """Answer with suggestions."""
    # scipy.stats, which this imports, takes half a second: not while others wait for the file
    sobol(1, 1, np.random.default_rng(0))
    now, lease = _now(arguments), arguments.lease
    suggestions = _store(arguments).update(
        lambda state: core.suggest(state, arguments.n, now=now, lease=lease)
    )
    yield from map(_suggestion, suggestions)


def observe(arguments: Namespace) -> Iterator[Answer]:
    """Tell results; answer with what became of each."""
    store = _store(arguments)
    if arguments.source is None:
        yield store.update(lambda state: tell_target(state, arguments.id, arguments.target))
        return
    for batch in batches_of_lines(cast("Source", sys.stdin.buffer)):
        yield from store.update(partial(tell_lines, lines=batch))


def fail(arguments: Namespace) -> Iterator[Answer]:
    """Tell a failure; answer with what became of it."""
    yield _store(arguments).update(
        lambda state: tell_failure(state, arguments.id, arguments.reason)
    )


def renew(arguments: Namespace) -> Iterator[Answer]:
    """Extend a lease; answer with the suggestion."""
    now = _now(arguments)

    def renewed(state: State) -> tuple[State, Suggestion]:
        state = leases.renew(state, arguments.id, now, arguments.lease)
        return state, next(s for s in state.pending if s.id == arguments.id)

    yield _suggestion(_store(arguments).update(renewed))


def expire(arguments: Namespace) -> Iterator[Answer]:
    """Withdraw suggestions whose leases ended; answer with them."""
    now = _now(arguments)
    yield from map(_suggestion, _store(arguments).update(lambda state: leases.expire(state, now)))


def pending(arguments: Namespace) -> Iterator[Answer]:
    """Answer with the suggestions that wait for an outcome."""
    yield from map(_suggestion, _store(arguments).read().pending)


def best(arguments: Namespace) -> Iterator[Answer]:
    """Answer with the best observation.

    Raises:
        NothingObservedError: there is none.
    """
    observation = core.best(_store(arguments).read())
    if observation is None:
        raise NothingObservedError("nothing is observed yet")
    yield _observation(observation)


def status(arguments: Namespace) -> Iterator[Answer]:
    """Answer with how far it is."""
    yield _status(_store(arguments).read())


def export(arguments: Namespace) -> Iterator[Answer]:
    """Answer with everything observed."""
    yield from map(_observation, _store(arguments).read().observations)


COMMANDS: dict[str, Callable[[Namespace], Iterator[Answer]]] = {
    command.__name__: command
    for command in (init, suggest, observe, fail, renew, expire, pending, best, status, export)
}

# --- arguments ---


def _store(arguments: Namespace) -> Store:
    return Store(arguments.state, timeout=arguments.wait)


def _now(arguments: Namespace) -> float:
    return time.time() if arguments.now is None else float(arguments.now)


def _settings(given: dict[str, Any]) -> Settings:
    known = [field.name for field in fields(Settings)]
    for name, value in given.items():
        if name not in known:
            raise DefinitionError(f"$.settings.{name}", value, f"one of the settings {known}")
    try:
        return Settings(**given)
    except DefinitionError as error:
        raise error.below("$.settings") from None


# --- answers ---


def _suggestion(suggestion: Suggestion) -> Answer:
    answer = {"id": suggestion.id, "params": suggestion.params, "origin": suggestion.origin}
    return answer if suggestion.expires is None else {**answer, "expires": suggestion.expires}


def _observation(observation: Observation) -> Answer:
    return {"id": observation.id, "params": observation.params, "target": observation.target}


def _status(state: State) -> Answer:
    best = core.best(state)
    return {
        "goal": state.goal,
        "seed": state.seed,
        "parameters": list(state.space.names),
        "size": state.space.size,
        "suggested": state.next_id,
        "pending": len(state.pending),
        "due": len(state.due),
        "observed": len(state.observations),
        "failed": len(state.failures),
        "best": best and _observation(best),
    }
