"""One pass over the samples: what is kept of a tensor, and the ranges made of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import cnn, loader, normal
from quantised_models import task

from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.affine import dequantize, grid
from strategies.adaptors.onnx.calibration import ALGORITHMS, BINS, Observations, observe
from strategies.errors import AdaptorError

ASYM = {"dtype": "uint8", "scheme": "asym", "granularity": "per_tensor"}


def seen(*arrays, axes=(1,)):
    """Return what is kept of an input that holds these arrays, of shape (n, 2, 6, 6)."""
    found = observe(
        cnn(), {"x": axes}, lambda _: ({"x": array.astype(np.float32)} for array in arrays), 1
    )
    return found.seen["x"]


def error(array, low, high):
    """Return the mean squared error of an array on the grid of a range."""
    levels = grid(low, high, ASYM)
    steps = np.clip(np.round(array / levels.scale) + levels.zero_point, 0, 255).astype(np.uint8)
    return float(np.square(dequantize(steps, levels, None) - array).mean())


def heavy(seed, power):
    return np.sign(x := normal(seed, 200, 2, 6, 6)) * np.abs(x) ** power


@given(st.lists(st.integers(-20, 12), min_size=1, max_size=5), st.randoms())
def test_bins_that_double_are_those_that_were_wide_at_once(exponents, shuffled):
    arrays = [normal(seed, 2, 2, 6, 6) * 2.0**e for seed, e in enumerate(exponents)]
    one, whole = seen(*arrays), seen(np.concatenate(arrays))
    assert (one.low, one.high, one.bound) == (whole.low, whole.high, whole.bound)
    np.testing.assert_array_equal(one.counts, whole.counts)
    shuffled.shuffle(arrays)
    np.testing.assert_array_equal(seen(*arrays).counts, one.counts)
    np.testing.assert_allclose(one.channels[1].mean, whole.channels[1].mean)


def test_a_histogram_counts_what_lies_in_each_bin():
    array = heavy(0, 2.0)
    one = seen(array)
    counts, _ = np.histogram(array.astype(np.float32), one.edges)
    np.testing.assert_array_equal(one.counts, counts)
    assert one.bound / 2 < np.abs(array).max() <= one.bound
    assert len(one.counts) == BINS


def test_channels_are_looked_at_along_every_axis_that_is_asked_for():
    array = normal(0, 7, 2, 6, 6)
    one = seen(array[:3], array[3:], axes=(1, -1, 9))
    assert set(one.channels) == {1, -1}  # there is no tenth
    np.testing.assert_allclose(one.channels[1].mean, array.mean(axis=(0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(one.channels[-1].peak, np.abs(array).max(axis=(0, 1, 2)))


@pytest.mark.parametrize("power", [1.0, 3.0])
@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_mse_is_near_the_least_error_of_all_ranges(power, shift):
    array = heavy(0, power) + shift
    one = Observations({"x": seen(array)})
    found = error(array, *one.ranges("mse")["x"])
    ends = np.linspace(0.1, 1.0, 46)
    low, high = one.ranges("minmax")["x"]
    least = min(error(array, min(low * a, 0), high * b) for a in ends for b in ends)
    assert found < 1.03 * least
    assert found <= error(array, low, high)


def test_mse_leaves_out_what_costs_more_than_it_gains():
    array = normal(0, 2000, 2, 6, 6)
    array[0, 0, 0, 0] = 50.0
    assert Observations({"x": seen(array)}).ranges("mse")["x"][1] < 44.0
    array[:400, 0, 0, 0] = 50.0
    assert Observations({"x": seen(array)}).ranges("mse")["x"][1] > 45.0


@pytest.mark.parametrize("array", [np.zeros((2, 2, 6, 6)), np.full((1, 2, 6, 6), 1e-40)])
def test_what_is_hardly_a_range(array):
    for algorithm in ALGORITHMS:
        low, high = Observations({"x": seen(array)}).ranges(algorithm)["x"]
        assert np.isfinite([low, high]).all()


def test_empty_batches_count_for_nothing():
    array = normal(0, 2, 2, 6, 6)
    one = seen(array[:0], array)
    assert one.counts.sum() == array.size
    with pytest.raises(AdaptorError, match="it gave no sample"):
        seen(array[:0])


class Counting:
    def __init__(self, batches):
        self.batches, self.times = batches, 0

    def __iter__(self):
        self.times += 1
        return iter(self.batches)


def test_all_algorithms_share_one_pass():
    model, adaptor, data = cnn(), OnnxRuntimeAdaptor(), Counting(loader((2, 6, 6)))
    tune_cfg = {o.key: o.options[0] for o in adaptor.capability(model).operations}
    adaptor.sizes(model, data)
    for algorithm in ALGORITHMS:
        adaptor.quantize(model, tune_cfg | {"calib_algorithm": algorithm}, data)
    assert data.times == 1
    adaptor.quantize(model, tune_cfg | {"calib_sampling_size": 3}, data)
    assert data.times == 2


def test_tensors_of_nodes_without_a_weight_are_looked_at_once_they_are_chosen():
    one, adaptor = task("residual"), OnnxRuntimeAdaptor()
    data = Counting(one.calibration)
    operations = adaptor.capability(one.model).operations
    weighted = {o.key: o.options[0] for o in operations if o.has_weight}
    adaptor.quantize(one.model, weighted, data)
    for _ in range(2):
        adaptor.quantize(one.model, {o.key: o.options[0] for o in operations}, data)
    assert data.times == 2
