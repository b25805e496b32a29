"""Asking for configurations and telling what came of them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial

from asktell import telling
from asktell.cli.command import (
    Command,
    add_id,
    add_now,
    add_params,
    add_state,
    add_target,
    now_of,
    standard_input,
    store_of,
)
from asktell.cli.results import batches_of_lines, tell_failure, tell_lines, tell_target
from asktell.codec.answers import Answer, suggestion_answer
from asktell.state import State

# --- asking ---


def _add_suggest(parser: ArgumentParser) -> None:
    add_state(parser)
    parser.add_argument("-n", type=int, default=1, help="how many (1)")
    parser.add_argument("--lease", type=float, metavar="SECONDS", help="then expire may end it")
    add_params(parser, "--fixed", "values that all of them have")
    add_now(parser)


def suggest(arguments: Namespace) -> Iterator[Answer]:
    """Answer with suggestions."""
    now, lease = now_of(arguments), arguments.lease
    store, fixed = store_of(arguments), arguments.fixed
    suggestions = store.suggest(arguments.n, fixed=fixed, now=now, lease=lease)
    yield from map(suggestion_answer, suggestions)


def _add_enqueue(parser: ArgumentParser) -> None:
    add_state(parser)
    add_params(parser, "params", "some or all params; what is missing is chosen when it is time")
    add_now(parser)


def enqueue(arguments: Namespace) -> Iterator[Answer]:
    """Have params suggested next; answer with all that are enqueued."""
    params, now = arguments.params, now_of(arguments)

    def enqueued(state: State) -> tuple[State, list[Answer]]:
        state = telling.enqueue(state, params, now=now)
        return state, [{"enqueued": wish} for wish in state.enqueued]

    yield from store_of(arguments).update(enqueued)


def pending(arguments: Namespace) -> Iterator[Answer]:
    """Answer with the suggestions that wait for an outcome."""
    yield from map(suggestion_answer, store_of(arguments).read().pending)


# --- telling ---


def _add_observe(parser: ArgumentParser) -> None:
    add_state(parser)
    parser.add_argument("source", nargs="?", choices=["-"], metavar="-", help="standard input")
    add_id(parser, required=False)
    add_target(parser, required=False)
    add_now(parser)


def observe(arguments: Namespace) -> Iterator[Answer]:
    """Tell results; answer with what became of each."""
    trial, target, std = arguments.id, arguments.target, arguments.std
    by_id = trial is not None and target is not None
    none = trial is None and target is None and std is None
    if not (by_id if arguments.source is None else none):
        arguments.refuse("observe takes either --id and --target, or - for standard input")
    store = store_of(arguments)
    if arguments.source is None:
        now = now_of(arguments)
        yield store.update(lambda state: tell_target(state, trial, target, std, now))
        return
    for batch in batches_of_lines(standard_input()):
        yield from store.update(partial(tell_lines, lines=batch, now=now_of(arguments)))


def _add_fail(parser: ArgumentParser) -> None:
    add_state(parser)
    add_id(parser)
    parser.add_argument("--reason", default="", help="kept with the failure")
    add_now(parser)


def fail(arguments: Namespace) -> Iterator[Answer]:
    """Tell a failure; answer with what became of it."""
    trial, reason, now = arguments.id, arguments.reason, now_of(arguments)
    yield store_of(arguments).update(lambda state: tell_failure(state, trial, reason, now))


# --- leases ---


def _add_renew(parser: ArgumentParser) -> None:
    add_state(parser)
    add_id(parser)
    parser.add_argument("--lease", type=float, required=True, metavar="SECONDS", help="from now")
    add_now(parser)


def renew(arguments: Namespace) -> Iterator[Answer]:
    """Extend a lease; answer with the suggestion."""
    now = now_of(arguments)

    def renewed(state: State) -> tuple[State, Answer]:
        state = telling.renew(state, arguments.id, now, arguments.lease)
        return state, suggestion_answer(state.suggestion(arguments.id))

    yield store_of(arguments).update(renewed)


def _add_expire(parser: ArgumentParser) -> None:
    add_state(parser)
    add_now(parser)


def expire(arguments: Namespace) -> Iterator[Answer]:
    """End suggestions whose leases are over; answer with them."""
    yield from map(suggestion_answer, store_of(arguments).expire(now_of(arguments)))


COMMANDS = (
    Command(
        "suggest",
        "ask for configurations",
        "asktell suggest study.json -n 2 --lease 3600\n"
        'asktell suggest study.json --fixed \'{"kernel": "rbf"}\'',
        _add_suggest,
        suggest,
    ),
    Command(
        "enqueue",
        "have params suggested next, before anything else",
        "asktell enqueue study.json '{\"lr\": 0.1}'",
        _add_enqueue,
        enqueue,
    ),
    Command(
        "observe",
        "tell a target, or many as JSON lines on standard input",
        "asktell observe study.json --id 3 --target 0.93\n"
        'echo \'{"id": 4, "target": 0.91}\' | asktell observe study.json -',
        _add_observe,
        observe,
    ),
    Command(
        "fail",
        "tell that an evaluation failed",
        "asktell fail study.json --id 3 --reason 'out of memory'",
        _add_fail,
        fail,
    ),
    Command(
        "pending",
        "print the suggestions that wait for an outcome",
        "asktell pending study.json",
        add_state,
        pending,
    ),
    Command(
        "renew",
        "extend the lease of a suggestion: a heartbeat",
        "asktell renew study.json --id 3 --lease 3600",
        _add_renew,
        renew,
    ),
    Command(
        "expire",
        "end the suggestions whose leases are over, and print them",
        "asktell expire study.json",
        _add_expire,
        expire,
    ),
)
