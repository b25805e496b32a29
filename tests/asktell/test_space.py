"""Several parameters: params, canonical values and points in the unit cube."""

from __future__ import annotations

import contextlib
import copy
import itertools
import pickle
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from asktell.errors import DefinitionError, ParamsError
from asktell.space.parameters import Bool, Categorical, Float, Int, Ordinal
from asktell.space.space import Points, Space

EXAMPLES = settings(deadline=None, max_examples=50)

MIXED = Space(
    Float("lr", 1e-5, 1.0, log=True),
    Float("momentum", 0.0, 0.99, step=0.01),
    Float("shift", -0.1312492237640282, 0.007531896900757253),
    Int("depth", 1, 12),
    Int("width", 8, 4096, log=True, step=8),
    Ordinal("bits", [2, 3, 4, 8]),
    Categorical("kernel", ["rbf", "poly", None]),
    Bool("bias"),
    Float("fixed", 3.0, 3.0),
)
PARAMS = {
    "lr": 0.01,
    "momentum": 0.57,
    "shift": -0.1,
    "depth": 7,
    "width": 1024,
    "bits": 4,
    "kernel": None,
    "bias": True,
    "fixed": 3.0,
}
FINITE = Space(Int("a", 0, 4, step=2), Bool("b"), Categorical("c", ["x", "y", "z"]))


def matrices(columns: int, low: float = 0.0, high: float = 1.0) -> st.SearchStrategy[Points]:
    shapes = st.tuples(st.integers(1, 6), st.just(columns))
    return hnp.arrays(np.float64, shapes, elements=st.floats(low, high))


# --- definitions ---


@pytest.mark.parametrize(
    ("define", "place"),
    [
        (lambda: Space(), "$.parameters"),
        (lambda: Space(Bool("a"), "b"), "$.parameters[1]"),
        (lambda: Space([Bool("a")]), "$.parameters[0]"),
        (lambda: Space(Bool), "$.parameters[0]"),
        (lambda: Space(Bool("a"), Bool("b"), Int("a", 0, 1)), "$.parameters[2].name"),
    ],
)
def test_wrong_definition_is_refused_by_its_position(
    define: Callable[[], Space], place: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        define()

    assert caught.value.place == place


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        ([Bool("a")], "unpack them with a star, Space(*parameters)"),
        ((Bool("a"), Bool("b")), "unpack them with a star, Space(*parameters)"),
        ((Bool(name) for name in "ab"), "unpack them with a star, Space(*parameters)"),
        ({"a": (0, 1)}, "Float, Int, Ordinal, Categorical or Bool, each by itself, not a dict"),
        (None, "Float, Int, Ordinal, Categorical or Bool"),
    ],
)
def test_what_is_no_parameter_is_refused_with_advice(got: Any, expected: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        Space(got)

    assert expected in caught.value.expected


def test_names_axes_and_dimension_follow_the_parameters() -> None:
    assert FINITE.names == ("a", "b", "c")
    assert FINITE.axes == tuple(parameter.axis for parameter in FINITE.parameters)
    assert FINITE.dim == 3


def test_space_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        FINITE.parameters = ()  # type: ignore[misc]


@pytest.mark.parametrize("how", ["pickle", "copy", "deepcopy"])
def test_copies_are_equal_and_work(how: str) -> None:
    again = {
        "pickle": lambda: pickle.loads(pickle.dumps(MIXED)),
        "copy": lambda: copy.copy(MIXED),
        "deepcopy": lambda: copy.deepcopy(MIXED),
    }[how]()

    assert again == MIXED
    assert hash(again) == hash(MIXED)
    assert again.check(PARAMS) == MIXED.check(PARAMS)


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (Space(Int("a", 0, 4, step=2), Bool("b"), Categorical("c", ["x", "y", "z"])), True),
        (Space(Bool("b"), Int("a", 0, 4, step=2), Categorical("c", ["x", "y", "z"])), False),
        (Space(Int("a", 0, 4, step=2), Bool("b"), Ordinal("c", ["x", "y", "z"])), False),
        (Space(Int("a", 0, 4, step=2), Bool("b"), Categorical("c", ["x", "z", "y"])), False),
        (Space(Int("a", 0, 4), Bool("b"), Categorical("c", ["x", "y", "z"])), False),
    ],
)
def test_spaces_are_equal_when_their_parameters_are(other: Space, equal: bool) -> None:
    assert (other == FINITE) is equal


# --- params ---


@pytest.mark.parametrize(
    "kind", [dict, OrderedDict, MappingProxyType, lambda params: dict(reversed(params.items()))]
)
def test_check_takes_any_mapping_in_any_order(kind: Callable[[dict[str, Any]], Any]) -> None:
    assert MIXED.check(kind(PARAMS)) == tuple(PARAMS.values())


def test_check_gives_canonical_values() -> None:
    values = FINITE.check({"a": np.float64(4.0), "b": np.bool_(False), "c": np.str_("z")})

    assert values == (4, False, "z")
    assert [type(value) for value in values] == [int, bool, str]


@pytest.mark.parametrize(
    ("params", "place", "expected"),
    [
        ([1, True, "x"], "$", "a mapping with the keys ['a', 'b', 'c']"),
        (None, "$", "a mapping with the keys ['a', 'b', 'c']"),
        ({"a": 0, "c": "x"}, "$.b", "a value"),
        ({}, "$.a", "a value"),
        ({"a": 0, "b": True, "c": "x", "d": 1}, "$.d", "only the keys ['a', 'b', 'c']"),
        ({"a": 0, "b": True, "c": "x", 7: 1}, "$.7", "only the keys ['a', 'b', 'c']"),
        ({"a": 0, "b": True, "C": "x"}, "$.c", "a value"),
        ({"a": 1, "b": True, "c": "x"}, "$.a", "an integer in [0, 4] in steps of 2"),
        ({"a": 0, "b": 1, "c": "x"}, "$.b", "True or False"),
        ({"a": 0, "b": True, "c": "w"}, "$.c", "one of ['x', 'y', 'z']"),
        ({"a": 1, "b": True, "C": "x"}, "$.c", "a value"),
        ({"a": 1, "b": True, "c": "x", "d": 1}, "$.a", "an integer in [0, 4] in steps of 2"),
        (
            {"a": 0, "b": True, "c": "x", "d" * 500: 1},
            f"$.{'d' * 117}...",
            "only the keys ['a', 'b', 'c']",
        ),
    ],
)
def test_params_outside_are_refused_by_place(params: Any, place: str, expected: str) -> None:
    with pytest.raises(ParamsError) as caught:
        FINITE.check(params)

    assert (caught.value.place, caught.value.expected) == (place, expected)


def test_check_leaves_its_argument_as_it_was() -> None:
    params = {"c": "x", "b": np.bool_(True), "a": 2.0}
    FINITE.check(params)

    assert repr(params) == repr({"c": "x", "b": np.bool_(True), "a": 2.0})


def test_params_are_a_new_dict_each_time() -> None:
    values = MIXED.check(PARAMS)
    first, second = MIXED.params(values), MIXED.params(values)

    assert first == second == PARAMS
    assert first is not second


def test_params_of_too_few_values_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        FINITE.params((0, True))


# --- points ---


@EXAMPLES
@given(matrices(MIXED.dim))
def test_decoded_points_lie_in_the_space(points: Points) -> None:
    for values in MIXED.decode(points):
        checked = MIXED.check(MIXED.params(values))
        assert repr(checked) == repr(values)


@EXAMPLES
@given(matrices(MIXED.dim))
def test_decode_after_encode_is_the_identity_where_discrete_and_close_elsewhere(
    points: Points,
) -> None:
    rows = MIXED.decode(points)
    again = MIXED.decode(MIXED.encode(rows))

    for row, original in zip(again, rows, strict=True):
        assert row[0] == pytest.approx(original[0], rel=1e-14)
        assert row[2] == pytest.approx(original[2], abs=1e-16)
        assert (row[1], row[3:]) == (original[1], original[3:])


@EXAMPLES
@given(matrices(FINITE.dim))
def test_decode_after_encode_is_the_identity_on_a_finite_space(points: Points) -> None:
    rows = FINITE.decode(points)

    assert repr(FINITE.decode(FINITE.encode(rows))) == repr(rows)


@EXAMPLES
@given(matrices(MIXED.dim))
def test_encoding_rows_is_encoding_each(points: Points) -> None:
    rows = MIXED.decode(points)
    each = np.vstack([MIXED.encode([row]) for row in rows])

    assert MIXED.encode(rows).tolist() == each.tolist()


@EXAMPLES
@given(matrices(MIXED.dim))
def test_decoding_rows_is_decoding_each(points: Points) -> None:
    each = [MIXED.decode(point[None])[0] for point in points]

    assert repr(MIXED.decode(points)) == repr(each)


@EXAMPLES
@given(matrices(MIXED.dim, -0.5, 1.5))
def test_snap_is_idempotent_and_within_the_cube(points: Points) -> None:
    once = MIXED.snap(points)

    assert once.shape == points.shape
    assert np.all((once >= 0.0) & (once <= 1.0))
    assert MIXED.snap(once).tolist() == once.tolist()


@EXAMPLES
@given(matrices(MIXED.dim))
def test_a_point_and_its_snapped_one_decode_alike(points: Points) -> None:
    assert repr(MIXED.decode(MIXED.snap(points))) == repr(MIXED.decode(points))


@EXAMPLES
@given(matrices(MIXED.dim, 0.0, 1.0 - 2**-53))
def test_samples_lie_on_every_grid(uniform: Points) -> None:
    sampled = MIXED.sample(uniform)

    assert sampled.shape == uniform.shape
    assert MIXED.snap(sampled).tolist() == sampled.tolist()


def test_sampling_reaches_every_configuration_about_equally_often() -> None:
    uniform = np.random.default_rng(3).random((3600, FINITE.dim))

    rows = FINITE.decode(FINITE.sample(uniform))

    counts = [rows.count(values) for values in set(rows)]
    assert len(counts) == 18
    assert 140 < min(counts) <= max(counts) < 260


def test_no_rows_encode_to_no_points() -> None:
    assert MIXED.encode([]).shape == (0, MIXED.dim)
    assert MIXED.decode(np.empty((0, MIXED.dim))) == []


def test_points_have_a_column_for_each_parameter_in_order() -> None:
    points = FINITE.encode([(0, True, "x"), (2, False, "z")])

    assert points.tolist() == [[0.0, 1.0, 0.0], [0.5, 0.0, 1.0]]


# --- a finite space ---


@pytest.mark.parametrize(
    ("space", "size"),
    [
        (FINITE, 18),
        (MIXED, None),
        (Space(Float("x", 1, 1)), 1),
        (Space(Float("x", 0, 1)), None),
        (Space(Int("x", 0, 2**53 - 1), Int("y", 0, 2**53 - 1)), 2**106),
    ],
)
def test_size_is_the_number_of_configurations(space: Space, size: int | None) -> None:
    assert space.size == size


def test_configurations_are_all_there_and_the_last_varies_fastest() -> None:
    expected = itertools.product([0, 2, 4], [False, True], ["x", "y", "z"])

    assert [FINITE.configuration(index) for index in range(18)] == list(expected)


def test_configurations_of_a_huge_space_are_canonical() -> None:
    space = Space(Int("x", 0, 2**53 - 1), Bool("b"), Int("y", 1, 2**40, log=True))

    assert space.configuration(0) == (0, False, 1)
    assert space.configuration(space.size - 1) == (2**53 - 1, True, 2**40)
    values = space.configuration(12345 * 2**41 + 2**40 + 678)
    assert values == (12345, True, 679)
    assert [type(value) for value in values] == [int, bool, int]


@pytest.mark.parametrize(
    ("space", "index"), [(FINITE, 18), (FINITE, -1), (MIXED, 0), (Space(Float("x", 0, 1)), 0)]
)
def test_configuration_that_does_not_exist_is_refused(space: Space, index: int) -> None:
    with pytest.raises(IndexError, match=f"configuration {index} of a space"):
        space.configuration(index)


# --- hard cases ---


def test_missing_key_of_a_defaultdict_is_refused_and_not_added() -> None:
    params: defaultdict[str, int] = defaultdict(int, b=True, c="x")  # type: ignore[arg-type]
    with contextlib.suppress(ParamsError):
        FINITE.check(params)

    assert "a" not in params


def test_spaces_that_go_on_differently_are_not_equal() -> None:
    assert Space(Ordinal("x", [1, 2])) != Space(Ordinal("x", [True, 2.0]))


def test_message_about_very_many_names_is_short() -> None:
    space = Space(*(Bool(f"flag_{n}") for n in range(10_000)))

    for wrong in (None, {**space.params((True,) * 10_000), "more": 1}):
        with pytest.raises(ParamsError) as caught:
            space.check(wrong)
        assert len(str(caught.value)) < 800
