"""A space as Python and as a space file: what is written makes the same space."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spaces import conditional, constrained, every_kind, finite

import asktell as at
from asktell.cli.space_file import definition_of
from asktell.cli.yaml_document import read_yaml
from asktell.codec.space_texts import python_text, space_file_text


def odd() -> at.Space:
    """Return a space of names and values that are hard to write."""
    words = ["no", "true", "", "a: b", "#", 'say "x"', "tab\t", "ünï 🎉", "1", 1e300, "\x7f"]
    bounds = [at.AtLeast(0.5), at.AtMost(1e16)]
    return at.Space(
        at.Categorical("null", words, likely="no"),
        at.Float("a b", 1e-05, 1e300, log=True, likely=[1e-3, 0.1]),
        at.Bool("$x[0].y", when={"null": "no", "a b": bounds}, default=False),
        at.Categorical("-", [None, "\u2028"], likely=[None]),
        at.Int("n", -5, 2**50, step=5, when={"$x[0].y": True}),
        at.Float("s", 0.0, 2.0),
        at.Float("t", 0.0, 2.0),
        constraints=[
            at.Linear({"s": -0.1, "n": 1e20}, at_least=-1e300, at_most=2.5),
            at.Simplex("s", "t", total=1.5),
            at.Forbidden({"-": None, "null": ["no", "1"], "n": at.AtLeast(7)}),
        ],
    )


SPACES = [every_kind(), finite(), conditional(), constrained(), odd()]


@pytest.mark.parametrize("space", SPACES)
def test_python_makes_the_same_space(space: at.Space) -> None:
    namespace: dict[str, Any] = {}
    exec(python_text(space), namespace)
    assert namespace["space"] == space


@pytest.mark.parametrize("space", SPACES)
def test_a_space_file_makes_the_same_space(space: at.Space) -> None:
    document, _ = read_yaml(space_file_text(at.State.start(space).problem))
    assert definition_of(document).space == space


@given(st.text(min_size=1), st.lists(st.none() | st.booleans() | st.floats(0.5) | st.text()))
def test_any_word_is_written(name: str, choices: list[Any]) -> None:
    try:
        space = at.Space(at.Categorical(name, choices))
    except at.errors.DefinitionError:
        return
    test_python_makes_the_same_space(space)
    test_a_space_file_makes_the_same_space(space)


def test_what_is_wanted_goes_along() -> None:
    state = at.State.start(
        finite(),
        objectives={"size": at.Minimize(weight=2.0), "accuracy": at.Maximize(1.0, reference=0.5)},
        constraints={"accuracy": at.AtLeast(0.9), "memory": [at.AtLeast(1), at.AtMost(3)]},
    )
    document, _ = read_yaml(space_file_text(state.problem))
    found = definition_of(document)
    again = at.State.start(found.space, objectives=found.objectives, constraints=found.constraints)
    assert again == state


def test_one_value_and_what_is_the_default_are_left_out() -> None:
    lines = python_text(conditional()).splitlines()
    assert lines[3] == "    at.Categorical('model', ['svm', 'forest', 'mlp']),"
    assert lines[4] == (
        "    at.Float('C', 0.001, 1000.0, log=True, when={'model': 'svm'}, default=1.0),"
    )
    assert (
        "        at.Linear({'x1': 1, 'x2': 1}, at_most=1),"
        in python_text(constrained()).splitlines()
    )
