"""Setting right what was told."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

from asktell import telling
from asktell.cli.command import Command, add_id, add_now, add_state, add_target, now_of, store_of
from asktell.codec.answers import Answer, trial_answer
from asktell.state import State


def _add_amend(parser: ArgumentParser) -> None:
    add_state(parser)
    add_id(parser)
    add_target(parser)
    add_now(parser)


def amend(arguments: Namespace) -> Iterator[Answer]:
    """Replace a wrong outcome; answer with the trial."""
    trial, target, std, now = arguments.id, arguments.target, arguments.std, now_of(arguments)
    yield _corrected(arguments, lambda state: telling.amend(state, trial, target, std, now=now))


def _add_forget(parser: ArgumentParser) -> None:
    add_state(parser)
    add_id(parser)
    add_now(parser)


def forget(arguments: Namespace) -> Iterator[Answer]:
    """Take an outcome back; answer with the trial."""
    trial, now = arguments.id, now_of(arguments)
    yield _corrected(arguments, lambda state: telling.forget(state, trial, now=now))


def _add_retry(parser: ArgumentParser) -> None:
    add_state(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--id", type=int, help="of a suggestion of the trial")
    which.add_argument("--failed", action="store_true", help="all trials that failed")
    add_now(parser)


def retry(arguments: Namespace) -> Iterator[Answer]:
    """Offer what failed again; answer with the trials."""
    trial, now = arguments.id, now_of(arguments)
    if arguments.failed:
        yield from store_of(arguments).update(lambda state: _all_retried(state, now))
    else:
        yield _corrected(arguments, lambda state: telling.retry(state, trial, now=now))


def _all_retried(state: State, now: float) -> tuple[State, list[Answer]]:
    state, retried = telling.retry_failed(state, now=now)
    return state, [trial_answer(state.problem, trial) for trial in retried]


def _corrected(arguments: Namespace, correct: Callable[[State], State]) -> Answer:
    def corrected(state: State) -> tuple[State, Answer]:
        state = correct(state)
        return state, trial_answer(state.problem, telling.trial_of(state, arguments.id))

    return store_of(arguments).update(corrected)


COMMANDS = (
    Command(
        "amend",
        "put another target in place of an outcome that was wrong",
        "asktell amend study.json --id 3 --target 0.93",
        _add_amend,
        amend,
    ),
    Command(
        "forget",
        "take an outcome back; its params may be suggested again",
        "asktell forget study.json --id 3",
        _add_forget,
        forget,
    ),
    Command(
        "retry",
        "offer a failed trial again, or all of them; suggest hands them out next",
        "asktell retry study.json --id 3\nasktell retry study.json --failed",
        _add_retry,
        retry,
    ),
)
