"""Positions on one column of the unit cube."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.space.axes import (
    EXHAUSTIVE_MOVES,
    Axis,
    Interval,
    Levels,
    LogLevels,
    Some,
    Stretch,
    categories,
)

EXAMPLES = settings(deadline=None, max_examples=50)

UNIFORM = st.floats(0.0, 1.0, exclude_max=True)
ANYWHERE = st.floats(-0.5, 1.5)


@st.composite
def log_levels(draw: st.DrawFn, largest: int = 2**40) -> LogLevels:
    low = draw(st.floats(1e-6, 1e6))
    step = low * draw(st.floats(1e-3, 1e3))
    size = draw(st.one_of(st.integers(1, 70), st.integers(1, largest)))
    return LogLevels(size, low, step)


def levels(largest: int = 2**53) -> st.SearchStrategy[Levels]:
    sizes = st.one_of(st.integers(1, 70), st.integers(1, largest))
    return st.one_of(sizes.map(Levels), st.integers(1, 70).map(categories))


DISCRETE = st.one_of(levels(), log_levels())
SMALL = st.one_of(levels(300), log_levels(300))
ANY_AXIS = st.one_of(st.just(Interval()), DISCRETE)


# --- a continuum ---


def test_interval_has_no_size_no_categories_and_no_list() -> None:
    axis = Interval()

    assert axis.size is None
    assert axis.categories == 0
    assert axis.levels().shape == axis.moves(0.3).shape == (0,)


def test_interval_snaps_by_clipping() -> None:
    snapped = Interval().snap(np.array([-0.1, 0.0, 0.37, 1.0, 7.0]))

    assert snapped.tolist() == [0.0, 0.0, 0.37, 1.0, 1.0]


def test_interval_samples_uniform_numbers_as_they_are() -> None:
    assert Interval().sample(np.array([0.0, 0.25, 0.9])).tolist() == [0.0, 0.25, 0.9]


# --- any axis ---


@EXAMPLES
@given(axis=ANY_AXIS, position=ANYWHERE)
def test_snap_is_idempotent_and_within_the_unit_interval(axis: Axis, position: float) -> None:
    once = axis.snap(np.array([position]))

    assert 0.0 <= once[0] <= 1.0
    assert axis.snap(once).tolist() == once.tolist()


@EXAMPLES
@given(axis=ANY_AXIS, uniform=st.lists(UNIFORM, min_size=1, max_size=8))
def test_samples_lie_on_the_grid(axis: Axis, uniform: list[float]) -> None:
    sampled = axis.sample(np.array(uniform))

    assert axis.snap(sampled).tolist() == sampled.tolist()


@EXAMPLES
@given(axis=ANY_AXIS, positions=st.lists(ANYWHERE, min_size=1, max_size=8))
def test_snap_of_many_is_snap_of_each(axis: Axis, positions: list[float]) -> None:
    each = [axis.snap(np.array([position]))[0] for position in positions]

    assert axis.snap(np.array(positions)).tolist() == each


@EXAMPLES
@given(axis=ANY_AXIS, uniform=st.lists(UNIFORM, min_size=1, max_size=8))
def test_sample_of_many_is_sample_of_each(axis: Axis, uniform: list[float]) -> None:
    each = [axis.sample(np.array([number]))[0] for number in uniform]

    assert axis.sample(np.array(uniform)).tolist() == each


@EXAMPLES
@given(axis=ANY_AXIS, positions=st.lists(ANYWHERE, min_size=2, max_size=8))
def test_snap_keeps_order(axis: Axis, positions: list[float]) -> None:
    assert np.all(np.diff(axis.snap(np.sort(positions))) >= 0)


@pytest.mark.parametrize("axis", [Interval(), Levels(3), LogLevels(3, 1.0, 1.0)])
def test_axes_cannot_be_changed(axis: Axis) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        axis.size = 7  # type: ignore[misc]


# --- levels ---


@EXAMPLES
@given(axis=DISCRETE, data=st.data())
def test_index_of_a_level_is_its_index(axis: Levels | LogLevels, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, axis.size - 1))

    assert axis.indices(axis.positions(np.array([index]))).tolist() == [index]


@EXAMPLES
@given(axis=SMALL)
def test_levels_rise_strictly_from_0_to_1(axis: Levels | LogLevels) -> None:
    positions = axis.levels()

    assert len(positions) == axis.size
    assert np.all(np.diff(positions) > 0)
    assert positions[0] == 0.0
    assert positions[-1] == (1.0 if axis.size > 1 else 0.0)


@EXAMPLES
@given(size=st.integers(2**52, 2**53), share=st.floats(0.25, 1.0))
def test_index_of_a_level_of_very_many_is_its_index(size: int, share: float) -> None:
    indices = np.minimum(int(share * size) + np.arange(64), size - 1)
    axis = Levels(size)

    assert axis.indices(axis.positions(indices)).tolist() == indices.tolist()


@EXAMPLES
@given(size=st.integers(2**52, 2**53), steps=st.integers(1, 9))
def test_beyond_the_ends_of_very_many_levels_is_the_end(size: int, steps: int) -> None:
    outside = np.array([-steps, size - 1 + steps]) / (size - 1)

    assert Levels(size).indices(outside).tolist() == [0, size - 1]


def test_levels_are_evenly_spaced() -> None:
    assert Levels(5).levels().tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_log_levels_are_the_logarithms_of_their_values() -> None:
    # 2, 5, 8, 11
    expected = np.log(np.array([2, 5, 8, 11]) / 2) / np.log(11 / 2)

    assert LogLevels(4, 2.0, 3.0).levels() == pytest.approx(expected, rel=1e-14)


@EXAMPLES
@given(size=st.integers(1, 60), position=st.floats(0.0, 1.0))
def test_snap_finds_the_nearest_level(size: int, position: float) -> None:
    axis = Levels(size)
    distance = np.abs(axis.levels() - position).min()

    snapped = axis.snap(np.array([position]))[0]

    assert abs(snapped - position) == pytest.approx(distance, abs=1e-15)


@EXAMPLES
@given(axis=log_levels(60), position=st.floats(0.0, 1.0))
def test_snap_on_a_log_axis_finds_the_nearest_value(axis: LogLevels, position: float) -> None:
    values = axis.low + axis.step * np.arange(axis.size)
    value = axis.low * (values[-1] / axis.low) ** position
    distance = np.abs(values - value).min()

    index = axis.indices(np.array([position]))[0]

    assert abs(values[index] - value) <= distance + 1e-9 * value


@EXAMPLES
@given(size=st.integers(1, 200), each=st.integers(1, 5))
def test_sampling_gives_every_level_the_same_share(size: int, each: int) -> None:
    n = size * each
    uniform = (np.arange(n) + 0.5) / n

    sampled = Levels(size).sample(uniform)

    assert np.unique(sampled, return_counts=True)[1].tolist() == [each] * size


@EXAMPLES
@given(axis=log_levels(100))
def test_log_sampling_gives_a_level_the_share_of_its_logarithm(axis: LogLevels) -> None:
    edges = axis.low + axis.step * (np.arange(axis.size + 1) - 0.5)
    edges[0] = max(edges[0], axis.low / 2)
    shares = np.diff(np.log(edges)) / np.log(edges[-1] / edges[0])
    n = 4000

    sampled = axis.indices(axis.sample((np.arange(n) + 0.5) / n))

    assert np.bincount(sampled, minlength=axis.size) == pytest.approx(n * shares, abs=1.001)


@EXAMPLES
@given(axis=SMALL)
def test_every_level_can_be_sampled(axis: Levels | LogLevels) -> None:
    uniform = np.linspace(0.0, 1.0, 2**16, endpoint=False)
    # towards 1 the shares of a log axis shrink, but never below 1 / (size * log ratio)
    uniform = np.concatenate([uniform, 1.0 - np.geomspace(1e-9, 1e-3, 2**14)])

    assert set(axis.sample(uniform).tolist()) == set(axis.levels().tolist())


@EXAMPLES
@given(axis=DISCRETE)
def test_ends_of_the_uniform_interval_give_the_ends_of_the_axis(axis: Levels | LogLevels) -> None:
    ends = axis.sample(np.array([0.0, np.nextafter(1.0, 0.0)]))

    assert axis.indices(ends).tolist() == [0, axis.size - 1]


def test_categories_have_no_order() -> None:
    axis = categories(3)

    assert (axis.size, axis.categories) == (3, 3)
    assert Levels(3).categories == LogLevels(3, 1.0, 1.0).categories == 0


# --- moves ---


@pytest.mark.parametrize(
    "axis",
    [
        Levels(1),
        Levels(EXHAUSTIVE_MOVES),
        LogLevels(EXHAUSTIVE_MOVES, 1.0, 2.0),
        categories(3),
        categories(3 * EXHAUSTIVE_MOVES),
    ],
)
def test_moves_of_few_levels_or_of_categories_are_all_levels(axis: Levels | LogLevels) -> None:
    assert axis.moves(0.0).tolist() == axis.levels().tolist()


@EXAMPLES
@given(axis=DISCRETE, data=st.data())
def test_moves_lie_on_the_grid_and_are_few(axis: Levels | LogLevels, data: st.DataObject) -> None:
    here = data.draw(st.integers(0, axis.size - 1))
    positions = axis.moves(axis.positions(np.array([here]))[0])

    assert axis.snap(positions).tolist() == positions.tolist()
    assert len(np.unique(positions)) == len(positions)
    assert len(positions) <= max(axis.categories, 2 * EXHAUSTIVE_MOVES + 20)


@EXAMPLES
@given(
    make=st.sampled_from([Levels, lambda size: LogLevels(size, 3.0, 2.0)]),
    size=st.integers(EXHAUSTIVE_MOVES + 1, 2**40),
    data=st.data(),
)
def test_moves_of_many_levels_halve_the_distance_to_any_level(
    make: type[Levels], size: int, data: st.DataObject
) -> None:
    axis = make(size)
    here, there = (data.draw(st.integers(0, size - 1)) for _ in range(2))

    reached = axis.indices(axis.moves(axis.positions(np.array([here]))[0]))

    assert {here, max(here - 1, 0), min(here + 1, size - 1), 0, size - 1} <= set(reached.tolist())
    assert np.abs(reached - there).min() <= abs(here - there) // 2


# --- a part of an axis ---


@st.composite
def parts(draw: st.DrawFn) -> Some | Stretch:
    axis = draw(st.one_of(st.just(Interval()), levels(300), log_levels(300)))
    if isinstance(axis, Interval):
        low, high = sorted([draw(st.floats(0.0, 1.0)), draw(st.floats(0.0, 1.0))])
        return Stretch(axis, low, high)
    chosen = draw(st.lists(st.integers(0, axis.size - 1), min_size=1, max_size=9, unique=True))
    if draw(st.booleans()) or axis.categories:
        return Some(axis.positions(np.sort(np.array(chosen))), axis.categories)
    low, high = axis.positions(np.array([min(chosen), max(chosen)])).tolist()
    return Stretch(axis, low, high)


@EXAMPLES
@given(part=parts(), uniform=st.lists(UNIFORM, min_size=1, max_size=8))
def test_a_part_of_an_axis_snaps_and_samples_onto_itself(
    part: Some | Stretch, uniform: list[float]
) -> None:
    for positions in (part.sample(np.array(uniform)), part.snap(np.array(uniform))):
        assert part.snap(positions).tolist() == positions.tolist()
        if part.size is not None:
            assert set(positions.tolist()) <= set(part.levels().tolist())


@EXAMPLES
@given(part=parts(), position=ANYWHERE)
def test_a_part_snaps_to_its_nearest_position(part: Some | Stretch, position: float) -> None:
    if part.size is None or isinstance(getattr(part, "axis", None), LogLevels):
        return  # there, the nearest value counts
    distance = np.abs(part.levels() - position).min()
    snapped = part.snap(np.array([position]))[0]
    assert abs(snapped - position) == pytest.approx(distance, abs=1e-12)


@EXAMPLES
@given(part=parts())
def test_a_part_counts_its_positions(part: Some | Stretch) -> None:
    if part.size is None:
        assert part.levels().size == part.moves(0.5).size == part.positions(np.array([0])).size == 0
        return
    positions = part.levels()
    assert len(positions) == part.size == len(np.unique(positions))
    assert part.positions(np.arange(part.size)).tolist() == positions.tolist()
    assert set(part.moves(float(positions[0])).tolist()) <= set(positions.tolist())


def test_a_fixed_position_is_the_only_one() -> None:
    part = Some(np.array([0.3]))
    assert (part.size, part.categories) == (1, 0)
    assert part.snap(np.array([0.0, 1.0])).tolist() == [0.3, 0.3]
    assert part.sample(np.array([0.0, 0.9])).tolist() == [0.3, 0.3]
    assert part.moves(0.3).tolist() == [0.3]


def test_a_stretch_of_very_many_levels_is_not_laid_out() -> None:
    axis = Levels(2**53)
    part = Stretch(axis, 0.5, 1.0)
    assert part.size == 2**52 + 1 or part.size == 2**52
    assert len(part.moves(0.75)) < 200
    assert min(part.moves(0.75)) >= 0.5
