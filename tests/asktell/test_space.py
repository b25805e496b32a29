"""Several parameters: params, canonical values and points in the unit cube."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
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
from spaces import active_by_definition, conditional_spaces

from asktell.errors import NOTHING, DefinitionError, ParamsError
from asktell.space.absent import ABSENT, NOWHERE
from asktell.space.bounds import AtLeast, AtMost
from asktell.space.constraints import Forbidden, Linear, Ordered, Simplex
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


# --- conditions ---

BRANCHES = Space(
    Float("C", 1e-3, 1e3, log=True, when={"model": "svm"}, default=1.0),
    Categorical("model", ["svm", "mlp"]),
    Int("layers", 1, 4, when={"model": "mlp"}, likely=[2]),
    Float("dropout", 0.0, 0.8, when={"layers": AtLeast(3), "bias": True}),
    Bool("bias"),
)


@EXAMPLES
@given(space=conditional_spaces(), seed=st.integers(0, 2**32))
def test_points_are_encoded_as_they_were_where_some_are_nowhere(space: Space, seed: int) -> None:
    points = space.sample(np.random.default_rng(seed).random((10, space.dim)))
    rows = space.decode(points)

    again = space.encode(rows)

    assert again == pytest.approx(points, abs=1e-9)
    assert ((again == NOWHERE) == (points == NOWHERE)).all()
    assert space.encode(rows[:1]).tolist() == again[:1].tolist()
    assert space.encode([]).shape == (0, space.dim)


@EXAMPLES
@given(space=conditional_spaces(), seed=st.integers(0, 2**32))
def test_params_of_a_conditional_space_are_their_canonical_values(space: Space, seed: int) -> None:
    points = space.sample(np.random.default_rng(seed).random((10, space.dim)))

    for values in space.decode(points):
        params = space.params(values)
        told = json.loads(json.dumps(params))
        assert space.check(told) == values
        assert space.check(MappingProxyType(dict(reversed(told.items())))) == values
        assert list(params) == [name for name in space.names if name in params]


@EXAMPLES
@given(space=conditional_spaces(), seed=st.integers(0, 2**32))
def test_no_more_and_no_less_than_what_is_active_is_taken(space: Space, seed: int) -> None:
    (values,) = space.decode(space.sample(np.random.default_rng(seed).random((1, space.dim))))
    params = space.params(values)

    for parameter in space.parameters:
        name = parameter.name
        if name in params:
            less = {key: value for key, value in params.items() if key != name}
            with pytest.raises(ParamsError) as caught:
                space.check(less)
            assert (caught.value.place, caught.value.got) == (f"$.{name}", NOTHING)
        else:
            more = {**params, name: parameter.decode(np.array([0.5]))[0]}
            with pytest.raises(ParamsError, match="it is active only where") as caught:
                space.check(more)
            assert caught.value.place == f"$.{name}"


@EXAMPLES
@given(space=conditional_spaces(), seed=st.integers(0, 2**32))
def test_copies_of_a_conditional_space_are_equal_and_work(space: Space, seed: int) -> None:
    points = space.sample(np.random.default_rng(seed).random((5, space.dim)))

    for again in (pickle.loads(pickle.dumps(space)), copy.deepcopy(space), copy.copy(space)):
        assert again == space
        assert hash(again) == hash(space)
        assert again.decode(points) == space.decode(points)


@EXAMPLES
@given(space=conditional_spaces(), seed=st.integers(0, 2**32))
def test_decoding_says_what_is_active_wherever_the_point_lies(space: Space, seed: int) -> None:
    anywhere = 2.0 * np.random.default_rng(seed).random((10, space.dim)) - 0.5
    anywhere[::2][anywhere[::2] < 0.0] = NOWHERE

    for values in space.decode(anywhere):
        params = space.params(values)
        assert set(params) == active_by_definition(space, params)
        assert space.check(params) == values


@EXAMPLES
@given(space=conditional_spaces(), seed=st.integers(0, 2**32))
def test_snapping_finds_points_that_there_are_and_leaves_them(space: Space, seed: int) -> None:
    anywhere = 3.0 * np.random.default_rng(seed).random((10, space.dim)) - 1.0

    snapped = space.snap(anywhere)

    assert [active_by_definition(space, space.params(v)) for v in space.decode(snapped)] == [
        {name for name, one in zip(space.names, point, strict=True) if one != NOWHERE}
        for point in snapped
    ]
    assert space.snap(snapped).tolist() == snapped.tolist()
    sampled = space.sample(np.abs(anywhere) / 2.0)
    assert space.snap(sampled).tolist() == sampled.tolist()


def test_a_search_begins_at_the_defaults_then_at_what_is_likely_and_else_in_the_middle() -> None:
    centre = BRANCHES.domain.centre

    assert centre == pytest.approx([0.5, 0.0, 1 / 3, 0.5, 0.0])
    assert BRANCHES.decode(BRANCHES.snap(centre[None])) == [(1.0, "svm", ABSENT, ABSENT, False)]
    assert Space(Float("x", 0.0, 4.0, default=1.0)).domain.centre.tolist() == [0.25]


def test_what_becomes_active_by_snapping_begins_at_its_default() -> None:
    nowhere = np.array([[NOWHERE, 0.0, NOWHERE, NOWHERE, 1.0]])

    assert BRANCHES.decode(BRANCHES.snap(nowhere)) == [(1.0, "svm", ABSENT, ABSENT, True)]


def test_the_average_of_active_axes_is_known() -> None:
    # always the model and the bias, in half of all points C, in half the layers, in 1/8 the dropout
    assert BRANCHES.domain.n_active == pytest.approx(2.0 + 0.5 + 0.5 + 0.125, abs=0.1)
    assert FINITE.domain.n_active == 3.0


@pytest.mark.parametrize(
    ("params", "place", "expected"),
    [
        ({}, "$.model", "a value"),
        ({"C": 1.0}, "$.model", "a value"),
        ({"model": "svm"}, "$.bias", "a value"),
        ({"model": "svm", "bias": True}, "$.C", "a value"),
        ({"model": "mlp", "bias": True}, "$.layers", "a value"),
        ({"model": "mlp", "bias": True, "layers": 3}, "$.dropout", "a value"),
        ({"model": "nn", "bias": True, "layers": 3}, "$.model", "one of ['svm', 'mlp']"),
        ({"model": "nn", "bias": 1, "layers": 3}, "$.model", "one of ['svm', 'mlp']"),
        (
            {"model": "mlp", "bias": True, "layers": 2, "C": 1.0},
            "$.C",
            "no value: it is active only where model is 'svm'",
        ),
        (
            {"model": "mlp", "bias": False, "layers": 3, "dropout": 0.1},
            "$.dropout",
            "no value: it is active only where layers is at least 3 and bias is True",
        ),
        (
            {"model": "mlp", "bias": False, "layers": 2, "droput": 0.1},
            "$.droput",
            "only the keys ['C', 'model', 'layers', 'dropout', 'bias']",
        ),
        ([], "$", "a mapping with the keys ['C', 'model', 'layers', 'dropout', 'bias']"),
    ],
)
def test_params_of_another_branch_are_refused_by_place(
    params: Any, place: str, expected: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        BRANCHES.check(params)

    assert (caught.value.place, caught.value.expected) == (place, expected)


@pytest.mark.parametrize(
    ("when", "place", "expected"),
    [
        ({"z": 1}, "$.parameters[2].when.z", "the name of a parameter: one of ['a', 'b', 'c']"),
        ({"A": 1}, "$.parameters[2].when.A", "the name of a parameter"),
        ({"a": "x"}, "$.parameters[2].when.a[0]", "an integer in [0, 4] in steps of 2"),
        ({"a": [0, 1]}, "$.parameters[2].when.a[1]", "an integer in [0, 4] in steps of 2"),
        ({"a": None}, "$.parameters[2].when.a[0]", "an integer in [0, 4] in steps of 2"),
        ({"b": [1, None]}, "$.parameters[2].when.b[1]", "one of [1, 'x']"),
        ({"b": [True]}, "$.parameters[2].when.b[0]", "one of [1, 'x']"),
        ({"b": AtLeast(0)}, "$.parameters[2].when.b", "values: b is not a number"),
        ({"a": AtLeast(5)}, "$.parameters[2].when.a", "bounds that some value of a keeps"),
        (
            {"a": {"at_least": 0.5, "at_most": 1.5}},
            "$.parameters[2].when.a",
            "bounds that some value of a keeps",
        ),
    ],
)
def test_conditions_that_say_nothing_are_refused_by_place(
    when: Any, place: str, expected: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        Space(Int("a", 0, 4, step=2), Categorical("b", [1, "x"]), Bool("c", when=when))

    assert caught.value.place == place
    assert caught.value.expected.startswith(expected)


@pytest.mark.parametrize(
    ("parent", "bound"),
    [
        (Float("p", 0.0, 1.0), AtLeast(1.1)),
        (Float("p", 0.0, 1.0), AtMost(-0.1)),
        (Float("p", 1e-3, 1.0, log=True), AtMost(1e-4)),
        (Float("p", 0.0, 1.0, step=0.1), [AtLeast(0.11), AtMost(0.19)]),
        (Float("p", 0.5, 0.5), AtLeast(0.6)),
        (Int("p", 1, 2**53), [AtLeast(5.1), AtMost(5.9)]),
        (Ordinal("p", [8, 1, 4]), [AtLeast(5), AtMost(7)]),
    ],
)
def test_bounds_that_no_value_keeps_are_refused(parent: Any, bound: Any) -> None:
    with pytest.raises(DefinitionError, match="bounds that some value of p keeps"):
        Space(parent, Bool("c", when={"p": bound}))


def test_conditions_mean_the_canonical_values() -> None:
    space = Space(
        Float("x", 0.0, 1.0, step=0.1),
        Ordinal("n", [1.0, 2]),
        Bool("c", when={"x": 0.1 + 0.2, "n": np.int64(1)}),
    )

    assert space.check({"x": 0.3, "n": 1, "c": True}) == (0.3, 1.0, True)


def test_spaces_are_equal_when_their_conditions_and_constraints_are() -> None:
    def made(value: Any = 1, most: float = 1.0, default: float | None = None) -> Space:
        return Space(
            Int("n", 1, 3),
            Float("x", 0.0, 1.0, when={"n": value}, default=default),
            Float("y", 0.0, 1.0),
            constraints=[Linear({"x": 1.0, "y": 1.0}, at_most=most)],
        )

    assert made() == made()
    assert hash(made()) == hash(made())
    assert made() == made([1])
    assert made() != made([1, 2])
    assert made() != made(AtMost(1))
    assert made() != made(most=1.5)
    assert made() != made(default=0.5)


# --- constraints ---


@pytest.mark.parametrize(
    ("constraints", "place"),
    [
        (Ordered("x", "y"), "$.constraints"),
        (None, "$.constraints"),
        ("ordered", "$.constraints"),
        ({"ordered": ["x", "y"]}, "$.constraints"),
        ([{"ordered": ["x", "y"]}], "$.constraints[0]"),
        ([Ordered("x", "y"), 3], "$.constraints[1]"),
        ([Forbidden({"k": "w"})], "$.constraints[0].forbidden.k[0]"),
        ([Forbidden({"k": None})], "$.constraints[0].forbidden.k[0]"),
        ([Forbidden({"K": "u"})], "$.constraints[0].forbidden.K"),
        ([Forbidden({"k": AtLeast(1)})], "$.constraints[0].forbidden.k"),
        ([Forbidden({"x": AtLeast(2)})], "$.constraints[0].forbidden.x"),
    ],
)
def test_what_is_no_constraint_of_the_space_is_refused_by_place(
    constraints: Any, place: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        Space(
            Float("x", 0.0, 1.0),
            Float("y", 0.0, 1.0),
            Categorical("k", ["u", "v"]),
            constraints=constraints,
        )

    assert caught.value.place == place


@pytest.mark.parametrize(
    "constraint",
    [
        Ordered("x", "z"),
        Ordered("x", "k"),
        Linear({"b": 1.0}, at_most=1),
        Linear({"x": 1.0, "z": 1.0}, at_most=1),
        Simplex("x", "n"),
        Simplex("x", "mixed"),
        Simplex("x", "grid"),
        Linear({"x": 1e200, "huge": 1e200}, at_most=1),
        Simplex("huge", "vast"),
    ],
)
def test_constraints_on_what_cannot_have_them_are_refused(constraint: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        Space(
            Float("x", 0.0, 1.0),
            Float("grid", 0.0, 1.0, step=0.1),
            Float("huge", 0.0, 1e308),
            Float("vast", 0.0, 1e308),
            Int("n", 0, 3),
            Bool("b"),
            Categorical("k", [1, 2]),
            Ordinal("mixed", [1, "a"]),
            constraints=[constraint],
        )

    assert caught.value.place.startswith("$.constraints[0]")


CONSTRAINED = Space(
    Bool("b"),
    Float("x", 0.0, 1.0, when={"b": True}),
    Float("y", 0.0, 1.0),
    Ordinal("n", [3, 1, 2]),
    constraints=[
        Linear({"x": 1.0, "y": 1.0}, at_most=1.0),
        Ordered("y", "n"),
        Forbidden({"n": 2, "y": AtLeast(0.5)}),
    ],
)


@pytest.mark.parametrize(
    ("params", "broken"),
    [
        ({"b": True, "x": 0.5, "y": 0.5, "n": 1}, None),
        ({"b": False, "y": 1.0, "n": 1}, None),  # what is about x does not apply
        ({"b": True, "x": 0.6, "y": 0.5, "n": 1}, "x + y <= 1"),
        ({"b": False, "y": 0.5, "n": 2}, "never n is 2 and y is at least 0.5"),
    ],
)
def test_params_that_break_a_constraint_are_refused(
    params: dict[str, Any], broken: str | None
) -> None:
    if broken is None:
        assert CONSTRAINED.params(CONSTRAINED.check(params)) == params
        return
    with pytest.raises(ParamsError) as caught:
        CONSTRAINED.check(params)

    assert caught.value.place == "$"
    assert caught.value.expected == f"values that keep the constraint {broken}"
    assert set(caught.value.got) < set(params)


@pytest.mark.parametrize("how", ["pickle", "deepcopy"])
def test_copies_of_a_constrained_space_have_its_constraints(how: str) -> None:
    again = (
        pickle.loads(pickle.dumps(CONSTRAINED)) if how == "pickle" else copy.deepcopy(CONSTRAINED)
    )

    assert again == CONSTRAINED
    with pytest.raises(ParamsError, match="x \\+ y <= 1"):
        again.check({"b": True, "x": 0.6, "y": 0.5, "n": 1})
