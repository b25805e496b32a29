"""The exception tree, its messages, and that errors travel between processes."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import pytest

from asktell import errors
from asktell.errors import (
    AskTellError,
    ChangedDefinitionError,
    ConflictError,
    DefinitionError,
    ExecutorError,
    Interrupted,
    InvalidValueError,
    LeaseError,
    MissingExtraError,
    NoOutcomeError,
    NotFailedError,
    NothingObservedError,
    NotSendableError,
    ParamsError,
    RepeatedPointError,
    SeveralObjectivesError,
    SpaceExhausted,
    StateError,
    StoreCorruptError,
    StoreError,
    StoreExistsError,
    StoreLockedError,
    StoreMissingError,
    TargetError,
    TooManyFailuresError,
    UnknownSuggestionError,
    UnseenPointError,
    at_key,
    quoted,
)

ABOUT_VALUES = [
    InvalidValueError,
    DefinitionError,
    ParamsError,
    TargetError,
    UnknownSuggestionError,
    ConflictError,
    LeaseError,
    NoOutcomeError,
    NotFailedError,
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
EXAMPLES += [ExecutorError("the executor broke"), SeveralObjectivesError("takes a weight")]
EXAMPLES += [NotSendableError("cannot be sent"), TooManyFailuresError(3, 7, "no memory")]
EXAMPLES += [ChangedDefinitionError("study.json", [("$.seed", 1, 2)], "resume without expect")]


def test_every_error_of_the_module_is_an_asktell_error() -> None:
    kinds = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, BaseException)
    ]

    kinds.remove(Interrupted)  # that is no error
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


# --- what is quoted ---


def nested(depth: int) -> list[Any]:
    """Return lists within a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


class Silent:
    """Has no repr."""

    def __repr__(self) -> str:
        raise OSError("somewhere else")


class Wordless:
    """Has a repr that is no text."""

    def __repr__(self) -> str:
        return 7  # type: ignore[return-value]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -7,
        0.1,
        "it's",
        b"raw",
        [],
        (),
        {},
        [1, "a", (2.5,)],
        (1, 2),
        {"a": [1], 2: {"b": ()}},
        {3},
        OrderedDict(a=1),
        10**119,
    ],
)
def test_small_values_are_quoted_as_their_repr(value: Any) -> None:
    assert quoted(value) == repr(value)


@pytest.mark.parametrize(
    "value",
    [list(range(100)), tuple(range(100)), {n: n for n in range(100)}, b"x" * 200, ["y" * 200]],
)
def test_larger_values_are_cut(value: Any) -> None:
    assert quoted(value) == repr(value)[:117] + "..."


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (10**5000, "<int of 16610 bits>"),
        ([-(10**5000)], "[<int of 16610 bits>]"),
        ({10**5000: 1}, "{<int of 16610 bits>: 1}"),
        (nested(100_000), "[" * 117 + "..."),
        (Silent(), "<Silent>"),
        ([1, Silent()], "<list>"),
        (Wordless(), "<Wordless>"),
        (list(range(10**6)), str(list(range(50)))[:117] + "..."),
        (set(range(10**5)), "<set of 100000 items>"),
        (OrderedDict.fromkeys(range(10**5)), "<OrderedDict of 100000 items>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_repr_or_a_huge_one_is_quoted_all_the_same(value: Any, shown: str) -> None:
    assert quoted(value) == shown
    assert str(ParamsError("$", value, "less")) == f"$: got {shown}, expected less"
    assert repr(ParamsError("$", value, "less")).startswith("ParamsError(")


def test_a_longer_quote_can_be_asked_for() -> None:
    assert quoted(list(range(100)), 300) == repr(list(range(100)))[:297] + "..."


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("lr", "$.x.lr"),
        (7, "$.x.7"),
        (10**5000, "$.x.<int of 16610 bits>"),
        ("k" * 10**6, "$.x." + "k" * 117 + "..."),
        (Silent(), "$.x.<Silent>"),
    ],
    ids=["text", "int", "huge", "long", "silent"],
)
def test_the_place_of_any_key_is_short(key: Any, place: str) -> None:
    assert at_key("$.x", key) == place


def faults(n: int) -> StateError:
    """Return n faults of a dict as one error."""
    return StateError("$.a", 0, "1", tuple(StateError("$.b", k, "1") for k in range(n - 1)))


def test_a_few_faults_are_all_told() -> None:
    assert (
        str(faults(3)) == "$.a: got 0, expected 1; $.b: got 0, expected 1; $.b: got 1, expected 1"
    )
    assert str(faults(8)).count("expected") == 8
    assert "more" not in str(faults(8))


def test_of_many_faults_the_first_are_told_and_the_rest_counted() -> None:
    error = faults(100_000)

    assert str(error).count("expected") == 8
    assert str(error).endswith("; and 99992 more")
    assert len(pickle.loads(pickle.dumps(error)).others) == 99_999
