"""The ledger: registering, looking up, sampling, and errors that change nothing."""

from __future__ import annotations

import copy
import math
import pickle
from collections import OrderedDict
from collections.abc import Callable
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asktell
from asktell.acquisition.target_space import TargetSpace
from asktell.errors import (
    DefinitionError,
    ParamsError,
    RepeatedPointError,
    TargetError,
    UnseenPointError,
)

EXAMPLES = settings(deadline=None, max_examples=50)

PBOUNDS = {"depth": (1.0, 10.0), "rate": (-2.0, 0.5)}
NAN, INF = math.nan, math.inf


@pytest.fixture
def ledger() -> TargetSpace:
    """Return a ledger of three points; the second is the best."""
    ledger = TargetSpace(PBOUNDS)
    ledger.register({"depth": 3.0, "rate": -1.0}, 0.25)
    ledger.register({"depth": 7.0, "rate": 0.5}, 0.75)
    ledger.register({"depth": 1.0, "rate": -2.0}, -4.0)
    return ledger


def contents(ledger: TargetSpace) -> tuple[Any, ...]:
    return (ledger.res(), ledger.params.tolist(), ledger.target.tolist(), len(ledger), ledger.max())


# --- an empty ledger ---


def test_new_ledger_is_empty() -> None:
    ledger = TargetSpace(PBOUNDS)

    assert ledger.empty
    assert (len(ledger), ledger.max(), ledger.res()) == (0, {}, [])
    assert (ledger.params.shape, ledger.target.shape) == ((0, 2), (0,))


def test_keys_bounds_and_dim_are_in_the_order_given() -> None:
    ledger = TargetSpace(PBOUNDS)

    assert (ledger.keys, ledger.dim) == (["depth", "rate"], 2)
    assert ledger.bounds.tolist() == [[1.0, 10.0], [-2.0, 0.5]]


def test_package_exports_the_ledger() -> None:
    assert asktell.TargetSpace is TargetSpace


@pytest.mark.parametrize(
    ("pbounds", "place"),
    [
        ({}, "$"),
        ({"x": (0, 1), "y": (1, 0)}, "$.y"),
        ({"x": (0, INF)}, "$.x"),
        ({"x": (-INF, 0)}, "$.x"),
        ({"x": (NAN, 1)}, "$.x"),
        ({"x": (0, NAN)}, "$.x"),
        ({"x": (0,)}, "$.x"),
        ({"x": (0, 1, 2)}, "$.x"),
        ({"x": 5}, "$.x"),
        ({"x": None}, "$.x"),
        ({"x": ("low", "high")}, "$.x"),
    ],
)
def test_wrong_bounds_are_refused_by_name(pbounds: Any, place: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        TargetSpace(pbounds)

    assert caught.value.place == place


def test_bounds_may_meet() -> None:
    ledger = TargetSpace({"x": (2, 2)})
    ledger.register([2], 1.0)

    assert ledger.random_sample().tolist() == [2.0]


# --- registering ---


@pytest.mark.parametrize(
    "point",
    [
        {"depth": 4.0, "rate": 0.25},
        {"rate": 0.25, "depth": 4},
        OrderedDict(rate=0.25, depth=4),
        MappingProxyType({"depth": np.float64(4.0), "rate": np.float32(0.25)}),
        {"depth": np.int64(4), "rate": Fraction(1, 4)},
        np.array([4.0, 0.25]),
        np.array([4, 0.25], dtype=object),
        np.array([4.0, 0.25], dtype=np.float32),
        [4.0, 0.25],
        (4, 0.25),
    ],
)
def test_point_may_be_a_mapping_an_array_or_a_sequence(ledger: TargetSpace, point: Any) -> None:
    ledger.register(point, 0.5)

    assert ledger.params[-1].tolist() == [4.0, 0.25]
    assert ledger.res()[-1] == {"target": 0.5, "params": {"depth": 4.0, "rate": 0.25}}
    assert point in ledger
    assert ledger.get_target(point) == 0.5


@pytest.mark.parametrize("target", [2, 2.0, np.float64(2), np.float32(2), np.int8(2), Fraction(2)])
def test_target_may_be_any_finite_number(ledger: TargetSpace, target: Any) -> None:
    ledger.register([4.0, 0.25], target)

    assert ledger.target[-1] == 2.0
    assert type(ledger.get_target([4.0, 0.25])) is float


def test_points_on_the_bounds_are_within(ledger: TargetSpace) -> None:
    ledger.register([10.0, -2.0], 1.0)
    ledger.register([1.0, 0.5], 2.0)

    assert len(ledger) == 5


@EXAMPLES
@given(
    st.lists(
        st.tuples(st.floats(1.0, 10.0), st.floats(-2.0, 0.5), st.floats(-1e9, 1e9)),
        unique_by=lambda row: row[:2],
        max_size=200,
    )
)
def test_everything_registered_is_kept_in_order_of_arrival(
    rows: list[tuple[float, float, float]],
) -> None:
    ledger = TargetSpace(PBOUNDS)
    for depth, rate, target in rows:
        ledger.register({"depth": depth, "rate": rate}, target)

    assert ledger.params.tolist() == [[depth, rate] for depth, rate, _ in rows]
    assert ledger.target.tolist() == [target for _, _, target in rows]
    assert ledger.res() == [
        {"target": target, "params": {"depth": depth, "rate": rate}} for depth, rate, target in rows
    ]
    assert [ledger.get_target([depth, rate]) for depth, rate, _ in rows] == ledger.target.tolist()
    assert len(ledger) == len(rows)
    assert ledger.empty is (not rows)


def test_ledger_grows_beyond_its_first_capacity() -> None:
    ledger = TargetSpace({"x": (0, 1000)})
    for k in range(1000):
        ledger.register([k], -k)

    assert ledger.params[:, 0].tolist() == list(range(1000))
    assert ledger.target.tolist() == [-k for k in range(1000)]
    assert ledger.get_target([999]) == -999.0


def test_growing_copies_its_storage_a_logarithmic_number_of_times() -> None:
    ledger = TargetSpace({"x": (0, 5000)})
    storages = set()
    for k in range(5000):
        ledger.register([k], 0.0)
        storages.add(ledger.params.base.shape)

    assert len(storages) <= 8


def test_arrays_handed_out_earlier_do_not_change(ledger: TargetSpace) -> None:
    params, target = ledger.params, ledger.target
    before = params.tolist(), target.tolist()
    for k in range(100):
        ledger.register([2.0 + k / 50.0, 0.0], float(k))

    assert (params.tolist(), target.tolist()) == before


def test_array_that_was_registered_may_change_afterwards(ledger: TargetSpace) -> None:
    point = np.array([4.0, 0.25])
    ledger.register(point, 0.5)
    point[:] = 1.0

    assert ledger.params[-1].tolist() == [4.0, 0.25]


@pytest.mark.parametrize("name", ["params", "target"])
def test_points_and_targets_are_read_only(ledger: TargetSpace, name: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        getattr(ledger, name)[0] = 1.0


@pytest.mark.parametrize("name", ["bounds", "keys"])
def test_changing_what_was_handed_out_does_not_change_the_ledger(
    ledger: TargetSpace, name: str
) -> None:
    before = copy.deepcopy(getattr(ledger, name))
    handed_out = getattr(ledger, name)
    handed_out[0] = handed_out[1]

    assert np.array_equal(getattr(ledger, name), before)


def test_changing_a_result_does_not_change_the_ledger(ledger: TargetSpace) -> None:
    before = contents(ledger)
    ledger.res()[0]["params"]["depth"] = 99.0
    ledger.max()["params"]["depth"] = 99.0

    assert contents(ledger) == before


# --- refusals leave the ledger as it was ---


@pytest.mark.parametrize(
    ("point", "target", "error", "place"),
    [
        ([3.0, -1.0], 9.0, RepeatedPointError, "$"),
        ({"rate": -1, "depth": 3}, 0.25, RepeatedPointError, "$"),
        (np.array([7.0, 0.5]), 9.0, RepeatedPointError, "$"),
        ([3.0], 9.0, ParamsError, "$"),
        ([3.0, 0.0, 0.0], 9.0, ParamsError, "$"),
        ([], 9.0, ParamsError, "$"),
        (np.array([[3.0, 0.0]]), 9.0, ParamsError, "$"),
        (np.array(3.0), 9.0, ParamsError, "$"),
        (3.0, 9.0, ParamsError, "$"),
        (None, 9.0, ParamsError, "$"),
        ("ab", 9.0, ParamsError, "$"),
        ({"depth": 4.0}, 9.0, ParamsError, "$"),
        ({"depth": 4.0, "Rate": 0.0}, 9.0, ParamsError, "$"),
        ({"depth": 4.0, "rate": 0.0, "more": 1.0}, 9.0, ParamsError, "$"),
        ({}, 9.0, ParamsError, "$"),
        ([4.0, None], 9.0, ParamsError, "$"),
        ([4.0, "low"], 9.0, ParamsError, "$"),
        ([4.0, [0.0]], 9.0, ParamsError, "$"),
        ([4.0, 0j], 9.0, ParamsError, "$"),
        ([0.999, 0.0], 9.0, ParamsError, "$.depth"),
        ([10.001, 0.0], 9.0, ParamsError, "$.depth"),
        ({"depth": 4.0, "rate": 0.51}, 9.0, ParamsError, "$.rate"),
        ({"depth": 4.0, "rate": -INF}, 9.0, ParamsError, "$.rate"),
        ([4.0, NAN], 9.0, ParamsError, "$.rate"),
        ([4.0, 0.0], NAN, TargetError, "$"),
        ([4.0, 0.0], INF, TargetError, "$"),
        ([4.0, 0.0], None, TargetError, "$"),
        ([4.0, 0.0], "1", TargetError, "$"),
        ([4.0, 0.0], 1j, TargetError, "$"),
        ([4.0, 0.0], [1.0], TargetError, "$"),
    ],
)
def test_refused_registration_changes_nothing(
    ledger: TargetSpace, point: Any, target: Any, error: type[Exception], place: str
) -> None:
    before = contents(ledger)
    with pytest.raises(error) as caught:
        ledger.register(point, target)

    assert caught.value.place == place  # type: ignore[attr-defined]
    assert contents(ledger) == before


def test_ledger_goes_on_after_a_refusal(ledger: TargetSpace) -> None:
    with pytest.raises(TargetError):
        ledger.register([4.0, 0.25], NAN)
    ledger.register([4.0, 0.25], 0.5)

    assert ledger.get_target([4.0, 0.25]) == 0.5
    assert len(ledger) == 4


@pytest.mark.parametrize("builtin", [KeyError, ValueError])
def test_repeated_point_can_be_caught_as(ledger: TargetSpace, builtin: type[Exception]) -> None:
    with pytest.raises(builtin):
        ledger.register([3.0, -1.0], 0.25)


@pytest.mark.parametrize("point", [[3.0], {"deep": 3.0, "rate": 0.0}, [99.0, 0.0]])
def test_wrong_point_is_a_value_error_and_no_key_error(ledger: TargetSpace, point: Any) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        ledger.register(point, 0.25)

    assert not isinstance(caught.value, KeyError)


@pytest.mark.parametrize(
    ("provoke", "message"),
    [
        (
            lambda ledger: ledger.register([3.0, -1.0], 0.0),
            "$: got {'depth': 3.0, 'rate': -1.0}, expected a new point",
        ),
        (
            lambda ledger: ledger.get_target([4.0, 0.0]),
            "no target is registered for (4.0, 0.0)",
        ),
        (
            lambda ledger: ledger.register([4.0, 3], 0.0),
            "$.rate: got 3.0, expected a number in [-2.0, 0.5]",
        ),
        (
            lambda ledger: ledger.register([4.0], 0.0),
            "$: got [4.0], expected 2 numbers, one for each of ['depth', 'rate']",
        ),
        (
            lambda ledger: ledger.register({"depth": 4}, 0.0),
            "$: got {'depth': 4}, expected the keys ['depth', 'rate']",
        ),
    ],
)
@pytest.mark.parametrize("again", [lambda e: e, copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_errors_print_readably_even_after_a_journey(
    ledger: TargetSpace,
    provoke: Callable[[TargetSpace], None],
    message: str,
    again: Callable[[Exception], Exception],
) -> None:
    with pytest.raises((KeyError, ValueError)) as caught:
        provoke(ledger)

    assert str(again(caught.value)) == message


# --- looking up ---


def test_unseen_point_is_a_key_error(ledger: TargetSpace) -> None:
    with pytest.raises(UnseenPointError) as caught:
        ledger.get_target([4.0, 0.0])

    assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize("point", [[4.0], {"depth": 4.0}, [99.0, 0.0], "ab", None])
def test_target_of_what_is_no_point_is_a_value_error(ledger: TargetSpace, point: Any) -> None:
    with pytest.raises(ParamsError):
        ledger.get_target(point)


@pytest.mark.parametrize(
    ("point", "known"),
    [
        ([3.0, -1.0], True),
        ({"rate": -1.0, "depth": 3}, True),
        (np.array([7.0, 0.5]), True),
        ([3.0, 0.0], False),
        ([-1.0, 3.0], False),
        ([3.0], False),
        ({"depth": 3.0}, False),
        ({"depth": 3.0, "rate": -1.0, "more": 0.0}, False),
        ("ab", False),
        (None, False),
        (7, False),
        ([NAN, NAN], False),
    ],
)
def test_membership(ledger: TargetSpace, point: Any, known: bool) -> None:
    assert (point in ledger) is known


def test_both_zeros_are_one_point() -> None:
    ledger = TargetSpace({"x": (-1, 1)})
    ledger.register([0.0], 1.0)

    assert [-0.0] in ledger
    with pytest.raises(RepeatedPointError):
        ledger.register([-0.0], 1.0)


def test_max_is_the_greatest_target_with_its_params(ledger: TargetSpace) -> None:
    assert ledger.max() == {"target": 0.75, "params": {"depth": 7.0, "rate": 0.5}}


def test_max_of_equals_is_the_first(ledger: TargetSpace) -> None:
    ledger.register([2.0, 0.0], 0.75)

    assert ledger.max()["params"] == {"depth": 7.0, "rate": 0.5}


def test_max_of_negative_targets() -> None:
    ledger = TargetSpace({"x": (0, 9)})
    for x, target in ((1, -3.0), (2, -1.0), (3, -2.0)):
        ledger.register([x], target)

    assert ledger.max() == {"target": -1.0, "params": {"x": 2.0}}


def test_results_are_plain_numbers(ledger: TargetSpace) -> None:
    for row in [*ledger.res(), ledger.max()]:
        assert {type(value) for value in (row["target"], *row["params"].values())} == {float}


# --- conversions ---


def test_params_to_array_follows_the_keys(ledger: TargetSpace) -> None:
    array = ledger.params_to_array({"rate": 1, "depth": 99})

    assert (array.tolist(), array.dtype) == ([99.0, 1.0], np.float64)


@pytest.mark.parametrize("x", [np.array([4.0, 0.25]), [4, 0.25], (4.0, 0.25)])
def test_array_to_params_follows_the_keys(ledger: TargetSpace, x: Any) -> None:
    params = ledger.array_to_params(x)

    assert params == {"depth": 4.0, "rate": 0.25}
    assert {type(value) for value in params.values()} == {float}


@EXAMPLES
@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=2))
def test_array_to_params_and_back_is_the_identity(x: list[float]) -> None:
    ledger = TargetSpace(PBOUNDS)

    assert ledger.params_to_array(ledger.array_to_params(x)).tolist() == x


@pytest.mark.parametrize("params", [{}, {"depth": 1}, {"depth": 1, "rate": 0, "x": 0}])
def test_params_of_other_names_are_refused(ledger: TargetSpace, params: Any) -> None:
    with pytest.raises(ParamsError, match="expected the keys"):
        ledger.params_to_array(params)


@pytest.mark.parametrize("x", [[], [1.0], [1.0, 2.0, 3.0], np.zeros((1, 2)), 1.0])
def test_arrays_of_another_size_are_refused(ledger: TargetSpace, x: Any) -> None:
    with pytest.raises(ParamsError, match="expected 2 numbers"):
        ledger.array_to_params(x)


# --- random points ---


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [((), (2,)), ((None,), (2,)), ((0,), (0, 2)), ((1,), (1, 2)), ((7,), (7, 2))],
)
def test_shape_of_random_points(
    ledger: TargetSpace, arguments: tuple[Any, ...], shape: tuple[int, ...]
) -> None:
    assert ledger.random_sample(*arguments).shape == shape


def test_random_points_fill_the_box(ledger: TargetSpace) -> None:
    points = ledger.random_sample(2000)

    assert np.all((points >= ledger.bounds[:, 0]) & (points <= ledger.bounds[:, 1]))
    assert points.min(axis=0) == pytest.approx(ledger.bounds[:, 0], abs=0.05)
    assert points.max(axis=0) == pytest.approx(ledger.bounds[:, 1], abs=0.05)
    assert points.mean(axis=0) == pytest.approx(ledger.bounds.mean(axis=1), abs=0.2)


def test_random_points_can_be_registered(ledger: TargetSpace) -> None:
    ledger.register(ledger.random_sample(), 1.0)

    assert len(ledger) == 4


@pytest.mark.parametrize("make", [lambda seed: seed, np.random.default_rng])
def test_random_points_come_from_the_seed(make: Callable[[int], Any]) -> None:
    first, second, other = (TargetSpace(PBOUNDS, make(seed)) for seed in (5, 5, 6))

    drawn = first.random_sample(3).tolist()
    assert drawn == second.random_sample(3).tolist()
    assert drawn != other.random_sample(3).tolist()


def test_seed_of_the_contract_is_the_default() -> None:
    expected = TargetSpace(PBOUNDS, random_seed=9527).random_sample(3)

    assert TargetSpace(PBOUNDS).random_sample(3).tolist() == expected.tolist()


def test_random_points_are_one_stream() -> None:
    one_by_one, at_once = TargetSpace(PBOUNDS), TargetSpace(PBOUNDS)

    drawn = [one_by_one.random_sample().tolist() for _ in range(4)]

    assert drawn == at_once.random_sample(4).tolist()
    assert len({tuple(point) for point in drawn}) == 4


def test_global_random_state_is_neither_read_nor_disturbed() -> None:
    def run(global_seed: int) -> list[list[float]]:
        np.random.seed(global_seed)
        before = np.random.get_state()[1].tolist()
        drawn = TargetSpace(PBOUNDS).random_sample(3).tolist()
        assert np.random.get_state()[1].tolist() == before
        return drawn

    assert run(1) == run(2)


# --- copies ---


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda ledger: pickle.loads(pickle.dumps(ledger))]
)
def test_copies_hold_the_same_and_go_on_apart(
    ledger: TargetSpace, again: Callable[[TargetSpace], TargetSpace]
) -> None:
    other, before = again(ledger), contents(ledger)

    assert contents(other) == before
    assert other.random_sample().tolist() == ledger.random_sample().tolist()
    other.register([4.0, 0.25], 9.0)
    assert contents(ledger) == before
    with pytest.raises(RepeatedPointError):
        other.register([4.0, 0.25], 9.0)


# --- hard cases ---


HUGE = 10**400


@pytest.mark.parametrize(
    ("point", "target", "error"),
    [
        ([HUGE, 0.0], 1.0, ParamsError),
        ({"depth": 4, "rate": -HUGE}, 1.0, ParamsError),
        ([4.0, 0.0], HUGE, TargetError),
        ([4.0, 0.0], Fraction(HUGE, 3), TargetError),
    ],
)
def test_number_beyond_the_floats_is_refused(
    ledger: TargetSpace, point: Any, target: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        ledger.register(point, target)


def test_number_beyond_the_floats_is_not_among_the_points(ledger: TargetSpace) -> None:
    assert [HUGE, 0.0] not in ledger


def test_strings_are_no_numbers(ledger: TargetSpace) -> None:
    with pytest.raises(ParamsError):
        ledger.register(["4.0", "0.25"], 1.0)  # type: ignore[list-item]


def test_bool_is_no_target(ledger: TargetSpace) -> None:
    with pytest.raises(TargetError):
        ledger.register([4.0, 0.25], True)


def test_bounds_whose_width_overflows_are_refused_or_work() -> None:
    try:
        ledger = TargetSpace({"x": (-1e308, 1e308)})
    except DefinitionError:
        return
    with np.errstate(all="ignore"):
        assert np.isfinite(ledger.random_sample(10)).all()


@pytest.mark.parametrize(
    "pbounds", [None, [("x", (0, 1))], {"x": (0, HUGE)}, {"x": "01"}], ids=lambda p: str(p)[:20]
)
def test_bounds_that_are_no_mapping_of_pairs_are_refused(pbounds: Any) -> None:
    with pytest.raises(DefinitionError):
        TargetSpace(pbounds)
