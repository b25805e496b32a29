"""The exception tree, its messages, and that errors travel between processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from asktell import errors
from asktell.errors import (
    AskTellError,
    ConflictError,
    DefinitionError,
    ExecutorError,
    InvalidValueError,
    LeaseError,
    MissingExtraError,
    NothingObservedError,
    ParamsError,
    RepeatedPointError,
    SpaceExhausted,
    StateError,
    StoreCorruptError,
    StoreError,
    StoreExistsError,
    StoreLockedError,
    StoreMissingError,
    TargetError,
    UnknownSuggestionError,
    UnseenPointError,
)

ABOUT_VALUES = [
    InvalidValueError,
    DefinitionError,
    ParamsError,
    TargetError,
    UnknownSuggestionError,
    ConflictError,
    LeaseError,
    StateError,
    RepeatedPointError,
]

ABOUT_FILES = [
    StoreError,
    StoreMissingError,
    StoreExistsError,
    StoreLockedError,
    StoreCorruptError,
]

EXAMPLES: list[AskTellError] = [kind("$.x[2]", {"a": 1}, "a list") for kind in ABOUT_VALUES]
EXAMPLES += [UnseenPointError("no target for (1.0,)"), SpaceExhausted("all 4 are used up")]
EXAMPLES += [NothingObservedError("nothing is observed"), MissingExtraError("needs a package")]
EXAMPLES += [kind("study.json", "no such file") for kind in ABOUT_FILES]
EXAMPLES += [ExecutorError("the executor broke")]


def test_every_error_of_the_module_is_an_asktell_error() -> None:
    kinds = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, BaseException)
    ]

    assert len(kinds) == len(EXAMPLES) + 1
    assert all(issubclass(kind, AskTellError) for kind in kinds)


@pytest.mark.parametrize("kind", ABOUT_VALUES)
def test_errors_about_a_value_are_value_errors(kind: type[Exception]) -> None:
    assert issubclass(kind, InvalidValueError)
    assert issubclass(kind, ValueError)


@pytest.mark.parametrize(
    ("kind", "key_error", "value_error"),
    [
        (RepeatedPointError, True, True),
        (UnseenPointError, True, False),
        (SpaceExhausted, False, False),
        (ParamsError, False, True),
    ],
)
def test_builtin_errors_they_can_be_caught_as(
    kind: type[Exception], key_error: bool, value_error: bool
) -> None:
    assert issubclass(kind, KeyError) is key_error
    assert issubclass(kind, ValueError) is value_error


@pytest.mark.parametrize("kind", ABOUT_VALUES)
def test_message_names_place_value_and_expectation(kind: type[InvalidValueError]) -> None:
    error = kind("$.space.parameters[2].high", -3, "a number >= low = 0")

    assert str(error) == "$.space.parameters[2].high: got -3, expected a number >= low = 0"
    assert (error.place, error.got, error.expected) == (
        "$.space.parameters[2].high",
        -3,
        "a number >= low = 0",
    )


def test_unseen_point_prints_without_the_quotes_of_a_key_error() -> None:
    assert str(UnseenPointError("no target is registered for (1.0,)")) == (
        "no target is registered for (1.0,)"
    )


@pytest.mark.parametrize("kind", ABOUT_FILES)
def test_errors_about_a_file_name_it(kind: type[StoreError]) -> None:
    error = kind("study.json", "no such file")

    assert isinstance(error, StoreError)
    assert str(error) == "study.json: no such file"
    assert (error.path, error.problem) == ("study.json", "no such file")


def test_value_whose_repr_just_fits_is_shown_whole() -> None:
    value = "x" * 118

    assert str(ParamsError("$", value, "less")) == f"$: got {value!r}, expected less"


def test_value_with_a_longer_repr_is_cut() -> None:
    shown = "'" + "x" * 116 + "..."

    assert str(ParamsError("$", "x" * 119, "less")) == f"$: got {shown}, expected less"


@pytest.mark.parametrize("kind", ABOUT_VALUES)
@pytest.mark.parametrize(
    ("place", "moved"), [("$", "$.space"), ("$.low", "$.space.low"), ("$[1]", "$.space[1]")]
)
def test_below_moves_the_place_and_keeps_the_rest(
    kind: type[InvalidValueError], place: str, moved: str
) -> None:
    error = kind(place, 1, "two").below("$.space")

    assert type(error) is kind
    assert (error.place, error.got, error.expected) == (moved, 1, "two")


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("how", ["pickle", "copy", "deepcopy"])
def test_errors_survive_copying_and_pickling(error: AskTellError, how: str) -> None:
    again = {
        "pickle": lambda: pickle.loads(pickle.dumps(error)),
        "copy": lambda: copy.copy(error),
        "deepcopy": lambda: copy.deepcopy(error),
    }[how]()

    assert type(again) is type(error)
    assert again.args == error.args
    assert vars(again) == vars(error)
    assert str(again) == str(error)
