"""One value and its position: definitions, checks at the door, encoding and decoding."""

from __future__ import annotations

import copy
import decimal
import enum
import itertools
import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from asktell.errors import NOTHING, DefinitionError, ParamsError
from asktell.space.arguments import arguments_of, defaults_of
from asktell.space.axes import Interval, Levels, LogLevels
from asktell.space.bounds import AtLeast
from asktell.space.parameters import (
    KINDS,
    Bool,
    Categorical,
    Float,
    Int,
    Ordinal,
    Parameter,
    kind_of,
)

EXAMPLES = settings(deadline=None, max_examples=50)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
)
UNSAID = (None, None, ())
"""``when``, ``default`` and ``likely`` where they are not given."""

POSITIONS = st.floats(0.0, 1.0)
UNIFORM = st.floats(0.0, 1.0, exclude_max=True)


# --- all kinds of parameter ---


@st.composite
def continuous_floats(draw: st.DrawFn) -> Float:
    log = draw(st.booleans())
    ends = st.floats(1e-300, 1e300) if log else st.floats(-1e300, 1e300)
    low, high = sorted((draw(ends), draw(ends)))
    assume(low < high)
    assume(not log or high / low > 1.0 + 1e-9)
    return Float("x", low, high, log)


@st.composite
def stepped_floats(draw: st.DrawFn) -> Float:
    log = draw(st.booleans())
    step = draw(st.sampled_from([1e-3, 0.01, 0.1, 0.25, 1.0, 3.0, 1e5]))
    low = step * draw(st.integers(1 if log else -1000, 1000))
    high = low + step * draw(st.floats(0.0, 1e6))
    assume(not log or high == low or high / low > 1.0 + 1e-9)
    return Float("x", low, high, log, step)


@st.composite
def ints(draw: st.DrawFn) -> Int:
    log = draw(st.booleans())
    ends = st.integers(1, 2**40) if log else st.integers(-(2**51), 2**51)
    low, high = sorted((draw(ends), draw(ends)))
    return Int("x", low, high, log, draw(st.one_of(st.just(1), st.integers(1, 10**6))))


def distinct_scalars() -> st.SearchStrategy[list[Any]]:
    return st.lists(SCALARS, min_size=1, max_size=6, unique=True)


DISCRETE = st.one_of(
    st.floats(-1e300, 1e300).map(lambda low: Float("x", low, low)),
    st.floats(1e-300, 1e300).map(lambda low: Float("x", low, low, log=True)),
    stepped_floats(),
    ints(),
    distinct_scalars().map(lambda values: Ordinal("x", values)),
    distinct_scalars().map(lambda values: Categorical("x", values)),
    st.just(Bool("x")),
)
ANY = st.one_of(continuous_floats(), DISCRETE)

TYPES = {
    Float: (float,),
    Int: (int,),
    Bool: (bool,),
    Ordinal: (type(None), bool, int, float, str),
    Categorical: (type(None), bool, int, float, str),
}


def exactly(left: Any, right: Any) -> bool:
    """Tell whether two plain values are the same, type and sign of zero included."""
    return type(left) is type(right) and repr(left) == repr(right)


def values_of(parameter: Parameter, positions: list[float]) -> list[Any]:
    return list(parameter.decode(np.array(positions)))


@EXAMPLES
@given(parameter=DISCRETE, positions=st.lists(POSITIONS, min_size=1, max_size=8))
def test_decode_after_encode_is_the_identity(parameter: Parameter, positions: list[float]) -> None:
    values = values_of(parameter, positions)
    again = parameter.decode(parameter.encode(values))

    assert all(map(exactly, again, values))


@EXAMPLES
@given(parameter=continuous_floats(), positions=st.lists(POSITIONS, min_size=1, max_size=8))
def test_decode_after_encode_is_the_identity_on_a_continuum_but_for_rounding(
    parameter: Float, positions: list[float]
) -> None:
    values = np.array(values_of(parameter, positions))
    again = np.array(parameter.decode(parameter.encode(values.tolist())))

    if parameter.log:
        width = abs(math.log(parameter.low)) + abs(math.log(parameter.high))
        assert np.abs(again / values - 1.0).max() <= 4e-16 * (width + 1.0)
    else:
        largest = max(abs(parameter.low), abs(parameter.high))
        assert np.abs(again - values).max() <= 4e-16 * largest


@EXAMPLES
@given(parameter=ANY, positions=st.lists(POSITIONS, min_size=1, max_size=8))
def test_decoded_values_are_canonical(parameter: Parameter, positions: list[float]) -> None:
    for value in values_of(parameter, positions):
        assert exactly(parameter.check(value), value)
        assert type(value) in TYPES[type(parameter)]


@EXAMPLES
@given(parameter=ANY, positions=st.lists(POSITIONS, min_size=1, max_size=8))
def test_encoded_values_lie_on_the_axis(parameter: Parameter, positions: list[float]) -> None:
    encoded = parameter.encode(values_of(parameter, positions))

    assert encoded.dtype == np.float64
    assert np.all((encoded >= 0.0) & (encoded <= 1.0))
    assert parameter.axis.snap(encoded).tolist() == encoded.tolist()


@EXAMPLES
@given(parameter=ANY, positions=st.lists(POSITIONS, min_size=1, max_size=8))
def test_encoding_many_is_encoding_each(parameter: Parameter, positions: list[float]) -> None:
    values = values_of(parameter, positions)
    each = [parameter.encode([value])[0] for value in values]

    assert parameter.encode(values).tolist() == each


@EXAMPLES
@given(parameter=ANY, positions=st.lists(POSITIONS, min_size=1, max_size=8))
def test_decoding_many_is_decoding_each(parameter: Parameter, positions: list[float]) -> None:
    each = [values_of(parameter, [position])[0] for position in positions]

    assert all(map(exactly, values_of(parameter, positions), each))


@EXAMPLES
@given(parameter=ANY, position=POSITIONS)
def test_a_position_and_its_snapped_one_decode_alike(parameter: Parameter, position: float) -> None:
    snapped = parameter.axis.snap(np.array([position])).tolist()

    assert exactly(*values_of(parameter, [position, *snapped]))


@EXAMPLES
@given(parameter=ANY)
def test_no_values_encode_to_no_positions(parameter: Parameter) -> None:
    assert np.shape(parameter.encode(())) == (0,)
    assert parameter.decode(np.empty(0)) == []


@EXAMPLES
@given(parameter=ANY)
def test_parameters_survive_pickling_and_copying(parameter: Parameter) -> None:
    for again in (pickle.loads(pickle.dumps(parameter)), copy.deepcopy(parameter)):
        assert again == parameter
        assert hash(again) == hash(parameter)
        assert again.axis == parameter.axis


@pytest.mark.parametrize(
    "parameter",
    [Float("x", 0, 1), Int("x", 0, 1), Ordinal("x", [1]), Categorical("x", [1]), Bool("x")],
)
def test_parameters_cannot_be_changed(parameter: Parameter) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        parameter.name = "y"  # type: ignore[misc]


# --- every level is there, and nothing else ---


@pytest.mark.parametrize(
    ("parameter", "levels"),
    [
        (Float("x", 0, 0.3, step=0.1), [0.0, 0.1, 0.2, 0.3]),
        (Float("x", 0, 0.35, step=0.1), [0.0, 0.1, 0.2, 0.3]),
        (Float("x", -0.5, 1, step=0.75), [-0.5, 0.25, 1.0]),
        (Float("x", 0.1, 0.7, step=0.2, log=True), [0.1, 0.3, 0.5, 0.7]),
        (Float("x", 1, 2, step=5), [1.0]),
        (Float("x", 1, 2, step=5, log=True), [1.0]),
        (Float("x", -0.25, -0.25), [-0.25]),
        (Float("x", -0.25, -0.25, step=0.1), [-0.25]),
        (Float("x", 7, 7, log=True), [7.0]),
        (Int("x", -2, 2), [-2, -1, 0, 1, 2]),
        (Int("x", 1, 11, step=3), [1, 4, 7, 10]),
        (Int("x", 3, 3), [3]),
        (Int("x", 3, 3, log=True), [3]),
        (Int("x", 1, 5, log=True), [1, 2, 3, 4, 5]),
        (Int("x", 2, 9, log=True, step=3), [2, 5, 8]),
        (Ordinal("x", [8, "b", None, 2.5]), [8, "b", None, 2.5]),
        (Ordinal("x", (True, False)), [True, False]),
        (Categorical("x", ["rbf", "poly", 3]), ["rbf", "poly", 3]),
        (Categorical("x", ["only"]), ["only"]),
        (Bool("x"), [False, True]),
    ],
)
def test_levels_of_an_axis_decode_to_all_values_in_order(
    parameter: Parameter, levels: list[Any]
) -> None:
    decoded = parameter.decode(parameter.axis.levels())

    assert len(decoded) == len(levels)
    assert all(map(exactly, decoded, levels))


@pytest.mark.parametrize(
    "parameter",
    [
        Float("x", 0.01, 1, step=0.01, log=True),
        Float("x", 0, 0.99, step=0.01),
        Int("x", 1, 100, log=True),
        Int("x", -20, 20, step=7),
        Categorical("x", list(range(10))),
        Bool("x"),
    ],
)
def test_every_level_can_be_sampled(parameter: Parameter) -> None:
    uniform = np.linspace(0.0, 1.0, 10_000, endpoint=False)

    sampled = parameter.decode(parameter.axis.sample(uniform))

    assert set(sampled) == set(parameter.decode(parameter.axis.levels()))


def test_stepped_levels_are_the_decimals_that_a_person_would_write() -> None:
    parameter = Float("x", 0.0, 0.99, step=0.01)

    assert parameter.decode(parameter.axis.levels()) == [
        float(f"{k / 100:.2f}") for k in range(100)
    ]


@pytest.mark.parametrize(
    ("parameter", "values", "positions"),
    [
        (Float("x", -1, 3), [-1.0, 0.0, 3.0], [0.0, 0.25, 1.0]),
        (Float("x", 1e-4, 1, log=True), [1e-4, 1e-3, 1e-2, 1.0], [0.0, 0.25, 0.5, 1.0]),
        (Float("x", 0, 1, step=0.25), [0.25, 0.75], [0.25, 0.75]),
        (Float("x", 1, 4, step=1, log=True), [2.0], [0.5]),
        (Int("x", 10, 20), [10, 15, 20], [0.0, 0.5, 1.0]),
        (Int("x", 1, 16, log=True), [1, 2, 4, 16], [0.0, 0.25, 0.5, 1.0]),
        (Ordinal("x", [2, 4, 16]), [16, 4], [1.0, 0.5]),
        (Categorical("x", ["a", "b", "c"]), ["b"], [0.5]),
        (Bool("x"), [True, False], [1.0, 0.0]),
    ],
)
def test_positions_of_values(
    parameter: Parameter, values: list[Any], positions: list[float]
) -> None:
    assert parameter.encode(values) == pytest.approx(positions, abs=1e-15)


@pytest.mark.parametrize(
    ("parameter", "axis"),
    [
        (Float("x", 0, 1), Interval()),
        (Float("x", 1, 2, log=True), Interval()),
        (Float("x", 5, 5), Levels(1)),
        (Float("x", 0, 1, step=0.5), Levels(3)),
        (Float("x", 1, 2, step=0.5, log=True), LogLevels(3, 1.0, 0.5)),
        (Int("x", 0, 9, step=2), Levels(5)),
        (Int("x", 1, 9, step=2, log=True), LogLevels(5, 1, 2)),
        (Ordinal("x", ["a", "b", "c"]), Levels(3)),
        (Categorical("x", ["a", "b", "c"]), Levels(3, categories=3)),
        (Bool("x"), Levels(2, categories=2)),
    ],
)
def test_axis_of_a_parameter(parameter: Parameter, axis: object) -> None:
    assert parameter.axis == axis


@pytest.mark.parametrize(
    ("parameter", "low", "high"),
    [
        (Float("x", 0.1, 0.3), 0.1, 0.3),
        (Float("x", -0.1312492237640282, 0.007531896900757253), -0.1312492237640282, None),
        (Float("x", 1e-300, 1e300, log=True), 1e-300, 1e300),
        (Float("x", 0.1, 0.7, log=True), 0.1, 0.7),
    ],
)
def test_ends_of_a_continuum_decode_to_its_bounds(
    parameter: Float, low: float, high: float | None
) -> None:
    first, last = parameter.decode(np.array([0.0, 1.0]))

    assert first == pytest.approx(low, rel=1e-12)
    assert first >= parameter.low
    assert last == pytest.approx(parameter.high if high is None else high, rel=1e-12)
    assert last <= parameter.high


@EXAMPLES
@given(value=st.integers(-(2**52), 2**52 - 2))
def test_integers_of_the_widest_range_keep_their_last_digit(value: int) -> None:
    parameter = Int("x", -(2**52), 2**52 - 1)

    assert parameter.decode(parameter.encode([value, value + 1])) == [value, value + 1]


@EXAMPLES
@given(value=st.integers(1, 2**40 - 1))
def test_integers_of_the_widest_log_range_keep_their_last_digit(value: int) -> None:
    parameter = Int("x", 1, 2**40, log=True)

    assert parameter.decode(parameter.encode([value, value + 1])) == [value, value + 1]


@EXAMPLES
@given(index=st.integers(0, 2**39))
def test_floats_of_the_finest_grid_keep_their_last_step(index: int) -> None:
    parameter = Float("x", 0.0, 1e6, step=1e-6)
    value = parameter.check(float(decimal.Decimal(index) / 10**6))

    assert parameter.decode(parameter.encode([value])) == [value]


# --- checks at the door ---


@pytest.mark.parametrize(
    ("parameter", "value", "canonical"),
    [
        (Float("x", 0, 5), 3, 3.0),
        (Float("x", 0, 5), np.float64(2.5), 2.5),
        (Float("x", 0, 5), np.float32(0.5), 0.5),
        (Float("x", 0, 5), np.int64(2), 2.0),
        (Float("x", 0, 5), Fraction(1, 4), 0.25),
        (Float("x", -5, 5), -0.0, 0.0),
        (Float("x", -1, 1, step=0.5), -0.0, 0.0),
        (Float("x", 0, 1, step=0.1), 0.1 + 0.2, 0.3),
        (Float("x", 0, 1, step=0.01), np.float32(0.57), 0.57),
        (Float("x", 4, 4), 4, 4.0),
        (Int("x", 0, 9), 3.0, 3),
        (Int("x", 0, 9), np.int8(3), 3),
        (Int("x", 0, 9), np.uint64(3), 3),
        (Int("x", 0, 9), np.float32(3.0), 3),
        (Int("x", 0, 9), Fraction(6, 2), 3),
        (Int("x", -9, 9), -0.0, 0),
        (Int("x", 1, 9, step=4), 5, 5),
        (Ordinal("x", [2, 4]), np.int64(4), 4),
        (Ordinal("x", [2, 4]), 4.0, 4),
        (Ordinal("x", [2, 4.5]), np.float64(4.5), 4.5),
        (Ordinal("x", [None, 1]), None, None),
        (Categorical("x", ["a", "b"]), np.str_("b"), "b"),
        (Categorical("x", ["a", True]), np.bool_(True), True),
        (Categorical("x", [1.0]), 1, 1.0),
        (Bool("x"), np.bool_(False), False),
        (Bool("x"), True, True),
    ],
)
def test_check_gives_the_canonical_plain_value(
    parameter: Parameter, value: Any, canonical: Any
) -> None:
    assert exactly(parameter.check(value), canonical)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (Float("lr", 0, 1), 1.0000001),
        (Float("lr", 0, 1), -1e-300),
        (Float("lr", 0, 1), math.nan),
        (Float("lr", 0, 1), math.inf),
        (Float("lr", 0, 1), "0.5"),
        (Float("lr", 0, 1), None),
        (Float("lr", 0, 1), True),
        (Float("lr", 0, 1), np.bool_(True)),
        (Float("lr", 0, 1), 0.5 + 0j),
        (Float("lr", 0, 1), 10**400),
        (Float("lr", 0, 1), np.array([0.5])),
        (Float("lr", 0, 1, step=0.25), 0.3),
        (Float("lr", 0, 1, step=0.25), 0.2500003),
        (Float("lr", 0, 1, step=0.3), 1.0),
        (Float("lr", 0, 1, step=2), 1.0),
        (Float("lr", 4, 4), 4.1),
        (Int("lr", 0, 9), 2.5),
        (Int("lr", 0, 9), 10),
        (Int("lr", 0, 9), -1),
        (Int("lr", 0, 9), True),
        (Int("lr", 0, 9), math.nan),
        (Int("lr", 0, 9), math.inf),
        (Int("lr", 0, 9), "3"),
        (Int("lr", 0, 9), None),
        (Int("lr", 0, 9, step=4), 5),
        (Ordinal("lr", [2, 4]), 3),
        (Ordinal("lr", [1, 2]), True),
        (Ordinal("lr", [True, 2]), 1),
        (Ordinal("lr", [True, 2]), 1.0),
        (Ordinal("lr", [1, 2]), "1"),
        (Ordinal("lr", [1, 2]), [1]),
        (Ordinal("lr", [1, 2]), math.nan),
        (Categorical("lr", ["a"]), "b"),
        (Categorical("lr", ["a"]), None),
        (Categorical("lr", ["a"]), {"a"}),
        (Categorical("lr", [0, "a"]), False),
        (Bool("lr"), 1),
        (Bool("lr"), "True"),
        (Bool("lr"), None),
    ],
)
def test_value_outside_is_refused_by_the_name_of_its_parameter(
    parameter: Parameter, value: Any
) -> None:
    with pytest.raises(ParamsError) as caught:
        parameter.check(value)

    assert caught.value.place == "$.lr"
    assert caught.value.got is value


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Float("x", 0, 1), "a number in [0.0, 1.0]"),
        (Float("x", 0, 1, step=0.25), "a number in [0.0, 1.0] in steps of 0.25"),
        (Int("x", 0, 9), "an integer in [0, 9]"),
        (Int("x", 0, 9, step=3), "an integer in [0, 9] in steps of 3"),
        (Ordinal("x", [1, 2]), "one of [1, 2]"),
        (Categorical("x", ["a"]), "one of ['a']"),
        (Bool("x"), "True or False"),
    ],
)
def test_refusal_says_what_was_expected(parameter: Parameter, expected: str) -> None:
    with pytest.raises(ParamsError) as caught:
        parameter.check("elsewhere")

    assert caught.value.expected == expected


# --- definitions ---


@pytest.mark.parametrize(
    ("define", "place"),
    [
        (lambda: Float("", 0, 1), "$.name"),
        (lambda: Float(3, 0, 1), "$.name"),
        (lambda: Float("x", "0", 1), "$.low"),
        (lambda: Float("x", True, 1), "$.low"),
        (lambda: Float("x", math.nan, 1), "$.low"),
        (lambda: Float("x", 0, math.inf), "$.high"),
        (lambda: Float("x", 0, 10**400), "$.high"),
        (lambda: Float("x", 1, 0), "$.high"),
        (lambda: Float("x", -1e308, 1e308), "$.high"),
        (lambda: Float("x", 0, 1, log=True), "$.low"),
        (lambda: Float("x", -1, 1, log=True), "$.low"),
        (lambda: Float("x", 1, 2, log=1), "$.log"),
        (lambda: Float("x", 1, 2, log="yes"), "$.log"),
        (lambda: Float("x", 0, 1, step=0), "$.step"),
        (lambda: Float("x", 0, 1, step=-0.1), "$.step"),
        (lambda: Float("x", 0, 1, step=math.nan), "$.step"),
        (lambda: Float("x", 0, 1, step=math.inf), "$.step"),
        (lambda: Float("x", 0, 1, step="0.1"), "$.step"),
        (lambda: Float("x", 0, 1, step=True), "$.step"),
        (lambda: Float("x", 0, 1, step=1e-13), "$.step"),
        (lambda: Float("x", 0, 1, step=Fraction(1, 10**400)), "$.step"),
        (lambda: Float("x", 1, 1.5, step=4e-16), "$.step"),
        (lambda: Float("x", 1e-300, 1.0001e-300, step=8.3e-316), "$.step"),
        (lambda: Float("x", 1e-310, 10.0, log=True, step=0.1), "$.low"),
        (lambda: Float("x", 1e300, 1.5e308, log=True, step=1e307), "$.high"),
        (lambda: Float("x", 1e300, 1.0001e300, log=True, step=1e285), "$.step"),
        (lambda: Int("", 0, 1), "$.name"),
        (lambda: Int("x", 0.5, 1), "$.low"),
        (lambda: Int("x", None, 1), "$.low"),
        (lambda: Int("x", 0, True), "$.high"),
        (lambda: Int("x", 0, math.inf), "$.high"),
        (lambda: Int("x", 0, 2**53 + 1), "$.high"),
        (lambda: Int("x", -(2**53) - 1, 0), "$.low"),
        (lambda: Int("x", -(2**53), 2**53), "$.high"),
        (lambda: Int("x", 0, 2**53), "$.high"),
        (lambda: Int("x", 3, 2), "$.high"),
        (lambda: Int("x", 0, 9, log=True), "$.low"),
        (lambda: Int("x", 1, 2**40 + 1, log=True), "$.high"),
        (lambda: Int("x", 0, 9, log=None), "$.log"),
        (lambda: Int("x", 0, 9, step=0), "$.step"),
        (lambda: Int("x", 0, 9, step=-1), "$.step"),
        (lambda: Int("x", 0, 9, step=1.5), "$.step"),
        (lambda: Ordinal("x", []), "$.values"),
        (lambda: Ordinal("x", "abc"), "$.values"),
        (lambda: Ordinal("x", b"abc"), "$.values"),
        (lambda: Ordinal("x", {1, 2}), "$.values"),
        (lambda: Ordinal("x", None), "$.values"),
        (lambda: Ordinal("x", [1, 2, 1]), "$.values[2]"),
        (lambda: Ordinal("x", [1, True]), "$.values[1]"),
        (lambda: Ordinal("x", [0, 1, 1.0]), "$.values[2]"),
        (lambda: Ordinal("x", [1, math.nan]), "$.values[1]"),
        (lambda: Ordinal("x", [math.inf]), "$.values[0]"),
        (lambda: Ordinal("x", [(1, 2)]), "$.values[0]"),
        (lambda: Ordinal("x", np.zeros((2, 2))), "$.values[0]"),
        (lambda: Ordinal("x", [10**400]), "$.values[0]"),
        (lambda: Ordinal("x", [-(10**5000)]), "$.values[0]"),
        (lambda: Ordinal(None, [1]), "$.name"),
        (lambda: Categorical("x", ()), "$.choices"),
        (lambda: Categorical("x", "abc"), "$.choices"),
        (lambda: Categorical("x", ["a", "b", "a"]), "$.choices[2]"),
        (lambda: Categorical("x", ["a", object()]), "$.choices[1]"),
        (lambda: Categorical("", [1]), "$.name"),
        (lambda: Bool(""), "$.name"),
        (lambda: Bool(1), "$.name"),
    ],
)
def test_wrong_definition_is_refused_by_its_argument(
    define: Callable[[], Parameter], place: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        define()

    assert caught.value.place == place


@pytest.mark.parametrize(
    ("parameter", "arguments"),
    [
        (Float(np.str_("x"), np.int64(0), np.float32(2)), ("x", 0.0, 2.0, False, None, *UNSAID)),
        (Float("x", 1, 2, np.bool_(True), np.float64(0.5)), ("x", 1.0, 2.0, True, 0.5, *UNSAID)),
        (Int("x", np.int64(0), 4.0, False, np.int8(2)), ("x", 0, 4, False, 2, *UNSAID)),
        (Ordinal("x", np.array([2, 4])), ("x", (2, 4), *UNSAID)),
        (Ordinal("x", range(3)), ("x", (0, 1, 2), *UNSAID)),
        (Categorical("x", np.array(["a", "b"])), ("x", ("a", "b"), *UNSAID)),
        (Categorical("x", [np.float64(0.5), np.bool_(True)]), ("x", (0.5, True), *UNSAID)),
    ],
)
def test_arguments_become_plain_values(parameter: Parameter, arguments: tuple[Any, ...]) -> None:
    kept = tuple(getattr(parameter, name) for name in defaults_of(type(parameter)))

    assert repr(kept) == repr(arguments)


@EXAMPLES
@given(parameter=ANY)
def test_a_parameter_is_its_kind_and_its_arguments(parameter: Parameter) -> None:
    again = KINDS[kind_of(parameter)](**arguments_of(parameter))

    assert again == parameter
    assert again.axis == parameter.axis


def test_arguments_are_plain() -> None:
    assert arguments_of(Float("x", 0, 1)) == {
        "name": "x",
        "low": 0.0,
        "high": 1.0,
        "log": False,
        "step": None,
        "when": None,
        "default": None,
        "likely": [],
    }
    ordinal = Ordinal("x", (1, 2), when={"y": AtLeast(3), "z": "a"}, default=2, likely=1)
    assert arguments_of(ordinal) == {
        "name": "x",
        "values": [1, 2],
        "when": {"y": {"at_least": 3.0}, "z": ["a"]},
        "default": 2,
        "likely": [1],
    }


def test_defaults_are_those_of_the_constructor() -> None:
    assert defaults_of(Int) == {
        "name": NOTHING,
        "low": NOTHING,
        "high": NOTHING,
        "log": False,
        "step": 1,
        "when": None,
        "default": None,
        "likely": None,
    }


def test_a_parameter_can_be_evolved() -> None:
    wider = attrs.evolve(Float("x", 0, 1, step=0.25), high=2.0)

    assert wider == Float("x", 0, 2, step=0.25)
    assert wider.axis == Levels(9)


@pytest.mark.parametrize(
    "choice",
    [(1, 2), [1], {"a": 1}, object, len, np.zeros(2), 1j],
    ids=lambda choice: type(choice).__name__,
)
def test_choices_that_are_objects_are_refused_with_advice(choice: Any) -> None:
    with pytest.raises(DefinitionError, match="use strings and map them to your objects"):
        Categorical("x", ["a", choice])


def test_many_choices_are_quick_and_their_message_short() -> None:
    parameter = Categorical("x", range(100_000))  # with a look through a list, a minute

    with pytest.raises(ParamsError) as caught:
        parameter.check("a")
    assert len(str(caught.value)) < 500


def test_list_of_choices_is_copied() -> None:
    choices = ["a", "b"]
    parameter = Categorical("x", choices)
    choices.append("c")

    assert parameter.choices == ("a", "b")


@pytest.mark.parametrize(
    ("parameter", "shown"),
    [
        (Float("x", 0, 1), "Float(name='x', low=0.0, high=1.0, log=False, step=None)"),
        (Int("x", 0, 1), "Int(name='x', low=0, high=1, log=False, step=1)"),
        (Ordinal("x", [1, 2]), "Ordinal(name='x', values=(1, 2))"),
        (Categorical("x", ["a"]), "Categorical(name='x', choices=('a',))"),
        (Bool("x"), "Bool(name='x')"),
    ],
)
def test_repr_shows_the_arguments(parameter: Parameter, shown: str) -> None:
    assert repr(parameter) == shown


# --- hard cases ---


@pytest.mark.parametrize(
    ("parameter", "value"),
    [(Float("x", 0, 1, step=1e-4), 0.1234), (Float("x", 0.12345, 0.12345), 0.12345)],
)
def test_levels_do_not_depend_on_the_decimal_context(parameter: Float, value: float) -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        assert parameter.decode(np.array([value])) == [value]


def test_log_range_too_narrow_for_its_logarithms_is_refused_or_works() -> None:
    low = 1e10
    high = math.nextafter(low, math.inf)
    try:
        parameter = Float("x", low, high, log=True)
    except DefinitionError:
        return
    with np.errstate(all="ignore"):
        positions = parameter.encode([low, high])
    assert np.all((positions >= 0.0) & (positions <= 1.0))


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [
        (1e16, 1e16 + 10, 0.5),
        (-1e16 - 10, -1e16, 0.5),
        (1e15, 1e15 + 100, 0.1),
        (-1e15 - 100, -1e15, 0.1),
    ],
)
def test_steps_finer_than_floats_are_refused_or_distinct(
    low: float, high: float, step: float
) -> None:
    try:
        parameter = Float("x", low, high, step=step)
    except DefinitionError:
        return
    values = parameter.decode(parameter.axis.levels())
    assert len(set(values)) == len(values)


def test_rounding_is_forgiven_at_the_upper_bound_as_elsewhere() -> None:
    assert Float("x", 0, 0.3, step=0.1).check(3 * 0.1) == 0.3


class _Level(enum.IntEnum):
    LOW = 1


class _Name(str):
    """A string that is more than a string."""


@pytest.mark.parametrize(("member", "plain"), [(_Level.LOW, 1), (_Name("rbf"), "rbf")])
def test_choices_become_plain_values(member: Any, plain: Any) -> None:
    assert exactly(Categorical("x", [member]).choices[0], plain)


def test_fraction_beyond_the_floats_is_refused() -> None:
    with pytest.raises(ParamsError):
        Int("x", 0, 5).check(Fraction(10**400, 3))


def test_array_without_dimensions_is_no_list_of_values() -> None:
    with pytest.raises(DefinitionError):
        Ordinal("x", np.array(3))


# --- extremes: served, or refused by their argument ---

MAGNITUDES = st.one_of(
    st.floats(5e-324, 1.7976931348623157e308),
    st.integers(-323, 308).map(lambda exponent: float(f"1e{exponent}")),
    st.integers(-1074, 1023).map(lambda exponent: math.ldexp(1.0, exponent)),
    st.sampled_from([5e-324, 1e-310, 2.2250738585072014e-308, 0.1, 1.0, 1.7976931348623157e308]),
)


@st.composite
def extreme_floats(draw: st.DrawFn) -> Float:
    log = draw(st.booleans())
    ends = MAGNITUDES if log else st.one_of(MAGNITUDES, MAGNITUDES.map(lambda x: -x), st.just(0.0))
    low = draw(ends)
    ulps = st.integers(1, 9).map(lambda n: low + n * math.ulp(low))
    factors = st.floats(1e-16, 1e3).map(lambda f: low + abs(low) * f)
    low, high = sorted((low, draw(st.one_of(ends, ulps, factors))))
    assume(math.isfinite(high))
    parts = st.floats(1.0, 2.0**41).map(lambda n: (high - low) / n)
    fine = st.integers(1, 12).map(lambda n: n * math.ulp(high))
    step = draw(st.one_of(st.none(), MAGNITUDES, parts, fine))
    assume(step is None or 0.0 < step < math.inf)
    try:
        return Float("x", low, high, log, step)
    except DefinitionError:
        reject()


@st.composite
def extreme_ints(draw: st.DrawFn) -> Int:
    log = draw(st.booleans())
    largest = 2**40 if log else 2**53
    ends = st.integers(1 if log else -largest, largest)
    low = draw(ends)
    high = draw(st.one_of(ends, st.just(largest), st.integers(low, low + 9)))
    try:
        return Int("x", low, high, log, draw(st.one_of(st.just(1), st.integers(1, 2**53))))
    except DefinitionError:
        reject()


EXTREME = st.one_of(extreme_floats(), extreme_ints())
MANY = settings(deadline=None, max_examples=300)
ENDS = [0.0, 5e-324, 1e-300, 1e-16, 0.5, 1.0 - 2.0**-53]


@MANY
@given(parameter=EXTREME, positions=st.lists(POSITIONS, max_size=8))
def test_at_the_extremes_what_is_suggested_is_canonical(
    parameter: Parameter, positions: list[float]
) -> None:
    anywhere = np.array([*ENDS, 1.0, *positions])
    sampled = parameter.axis.sample(np.array([*ENDS, *(p for p in positions if p < 1.0)]))

    for value in (*parameter.decode(anywhere), *parameter.decode(sampled)):
        assert parameter.low <= value <= parameter.high
        assert exactly(parameter.check(value), value)


@MANY
@given(parameter=EXTREME, positions=st.lists(POSITIONS, max_size=8))
def test_at_the_extremes_a_value_is_found_again(
    parameter: Parameter, positions: list[float]
) -> None:
    values = parameter.decode(np.array([*ENDS, 1.0, *positions]))
    encoded = parameter.encode(values)
    again = parameter.decode(encoded)

    assert np.all((encoded >= 0.0) & (encoded <= 1.0))
    assert parameter.axis.snap(encoded).tolist() == encoded.tolist()
    if parameter.axis.size is not None:
        assert all(map(exactly, again, values))
        return
    largest = max(abs(parameter.low), abs(parameter.high))
    for left, right in zip(again, values, strict=True):
        if parameter.log:
            logs = abs(math.log(parameter.low)) + abs(math.log(parameter.high))
            assert abs(left - right) <= 4e-16 * (logs + 1.0) * right + 5e-324
        else:
            assert abs(left - right) <= 2.0 * math.ulp(largest)


@MANY
@given(parameter=EXTREME, share=st.floats(0.0, 1.0))
def test_at_the_extremes_every_level_has_an_index_of_its_own(
    parameter: Parameter, share: float
) -> None:
    assume(not isinstance(parameter.axis, Interval))
    last = parameter.axis.size - 1
    indices = sorted({min(max(int(share * last) + k, 0), last) for k in range(-4, 5)} | {0, last})
    values = parameter.decode(parameter.axis.positions(np.array(indices)))

    assert all(left < right for left, right in itertools.pairwise(values))
    assert parameter.axis.indices(parameter.encode(values)).tolist() == indices
    assert all(exactly(parameter.check(value), value) for value in values)


@pytest.mark.parametrize(
    "parameter",
    [
        Float("x", 1e-310, 1e-309, step=1e-310),
        Float("x", 5e-324, 1.5e-323, step=1e-322),
        Float("x", 1e-310, 1e-5, log=True, step=1.0),
        Float("x", -29.0, -1.7e-200, step=0.01),
        Float("x", 86.0, 1.7976931348623157e308, log=True),
        Float("x", 5e-324, 1.7976931348623157e308, log=True),
        Int("x", -3, 5301217355169750),
    ],
)
def test_extremes_that_are_served(parameter: Parameter) -> None:
    positions = np.concatenate(
        [np.linspace(0.0, 1.0, 1001), parameter.axis.sample(np.array([0.5]))]
    )
    for value in parameter.decode(positions):
        assert parameter.low <= value <= parameter.high
        assert exactly(parameter.check(value), value)
