"""Going on with another space, and learning from an earlier study."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from asktell import telling
from asktell.cli.begin import definition_in
from asktell.cli.command import FILES, Command, add_now, add_params, add_state, now_of, store_of
from asktell.codec.answers import Answer, change_answers
from asktell.errors import DefinitionError
from asktell.state import State
from asktell.store import Store
from asktell.study.change import Change
from asktell.study.outcomes import outcomes_of, wanted

_HAD = "what trials had of new parameters, and the value to keep of those that are gone"


def _add_change_space(parser: ArgumentParser) -> None:
    add_state(parser)
    what = "what is searched from now on, as YAML or JSON"
    space = parser.add_argument("space", metavar="SPACE.yaml", help=what)
    space.complete = FILES  # type: ignore[attr-defined]
    add_params(parser, "--had", _HAD)
    add_now(parser)


def change_space(arguments: Namespace) -> Iterator[Answer]:
    """Go on with another space; answer with what became of each trial.

    Raises:
        DefinitionError: the space file is wrong, or has other objectives or bounds on outcomes
            than the study.
    """
    given = definition_in(arguments.space)
    outcomes = None
    if given.objectives is not None or given.constraints:
        outcomes = outcomes_of(None, given.objectives, given.constraints)

    def changed(state: State) -> tuple[State, Change]:
        own = state.problem.outcomes
        if outcomes is not None and outcomes != own:
            expected = f"what the study wants, {wanted(own)}, or none: only the space changes"
            raise DefinitionError(arguments.space, wanted(outcomes), expected)
        now = now_of(arguments)
        return telling.change_space(state, given.space, arguments.had, now=now)

    yield from change_answers(store_of(arguments).update(changed))


def _add_learn_from(parser: ArgumentParser) -> None:
    add_state(parser)
    other = parser.add_argument("other", metavar="OTHER", help="the file of the earlier study")
    other.complete = FILES  # type: ignore[attr-defined]
    add_params(parser, "--had", _HAD)
    add_now(parser)


def learn_from(arguments: Namespace) -> Iterator[Answer]:
    """Learn from an earlier study; answer with what became of each of its trials."""
    earlier = Store(arguments.other, timeout=arguments.wait).read()
    had, now = arguments.had, now_of(arguments)
    store = store_of(arguments)
    yield from change_answers(store.learn_from(earlier, had, now=now))


COMMANDS = (
    Command(
        "change-space",
        "go on with another space, and print what is kept and what is left out",
        "asktell change-space study.json space.yaml --had '{\"dropout\": 0.0}'",
        _add_change_space,
        change_space,
    ),
    Command(
        "learn-from",
        "let the results of an earlier study inform this one",
        "asktell learn-from study.json last-year.json",
        _add_learn_from,
        learn_from,
    ),
)
