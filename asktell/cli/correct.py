"""Setting right what was told."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from functools import partial

from asktell import telling
from asktell.cli.command import (
    Command,
    add_now,
    add_state,
    add_target,
    add_trial,
    now_of,
    store_of,
    trial_numbered,
)
from asktell.codec.answers import Answer, trial_answer
from asktell.state import State
from asktell.study.trials import Trial


def _add_amend(parser: ArgumentParser) -> None:
    add_state(parser)
    add_trial(parser)
    add_target(parser)
    add_now(parser)


def amend(arguments: Namespace) -> Iterator[Answer]:
    """Replace a wrong outcome; answer with the trial."""
    target, std, now = arguments.target, arguments.std, now_of(arguments)
    yield _corrected(arguments, partial(telling.amend, target=target, std=std, now=now))


def _add_forget(parser: ArgumentParser) -> None:
    add_state(parser)
    add_trial(parser)
    add_now(parser)


def forget(arguments: Namespace) -> Iterator[Answer]:
    """Take an outcome back; answer with the trial."""
    yield _corrected(arguments, partial(telling.forget, now=now_of(arguments)))


def _add_retry(parser: ArgumentParser) -> None:
    add_state(parser)
    add_trial(parser, all_failed=True)
    add_now(parser)


def retry(arguments: Namespace) -> Iterator[Answer]:
    """Offer what failed again; answer with the trials."""
    now = now_of(arguments)
    if arguments.failed:
        yield from store_of(arguments).update(lambda state: _all_retried(state, now))
    else:
        yield _corrected(arguments, partial(telling.retry, now=now))


def _all_retried(state: State, now: float) -> tuple[State, list[Answer]]:
    state, retried = telling.retry_failed(state, now=now)
    return state, [trial_answer(state.problem, trial) for trial in retried]


def _corrected(arguments: Namespace, correct: Callable[[State, Trial | int], State]) -> Answer:
    def corrected(state: State) -> tuple[State, Answer]:
        by_id = arguments.trial is None
        named = arguments.id if by_id else trial_numbered(state, arguments.trial)
        state = correct(state, named)
        return state, trial_answer(state.problem, telling.trial_of(state, named))

    return store_of(arguments).update(corrected)


COMMANDS = (
    Command(
        "amend",
        "put another target in place of an outcome that was wrong",
        "asktell amend study.json --trial 3 --target 0.93",
        _add_amend,
        amend,
    ),
    Command(
        "forget",
        "take an outcome back; its params may be suggested again",
        "asktell forget study.json --trial 3",
        _add_forget,
        forget,
    ),
    Command(
        "retry",
        "offer a failed trial again, or all of them; suggest hands them out next",
        "asktell retry study.json --trial 3\nasktell retry study.json --failed",
        _add_retry,
        retry,
    ),
)
