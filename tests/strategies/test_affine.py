"""Laws of the 8-bit grids, and ONNX Runtime's own arithmetic as an oracle."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.quant_utils import quantize_data

from strategies.adaptors.onnx import affine
from strategies.adaptors.onnx.affine import dequantize, grid, quantize, scales_of

TYPES = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}
SIDES = [
    {"dtype": dtype, "scheme": scheme, "granularity": granularity}
    for dtype, scheme, granularity in product(
        ("int8", "uint8"), ("sym", "asym"), ("per_tensor", "per_channel")
    )
]
side_of = st.sampled_from(SIDES)
values = st.floats(-1000, 1000, width=32).map(lambda v: 0.0 if abs(v) < 1e-6 else v)
weights = arrays(np.float32, (3, 4, 2), elements=values)


@given(side_of, weights, st.sampled_from((0, 1, 2)))
def test_what_is_read_back_is_within_half_a_level(side, weight, axis):
    steps, levels = quantize(weight, side, axis)
    error = np.abs(dequantize(steps, levels, axis) - weight)
    others = tuple(a for a in range(3) if a != axis)
    level = np.expand_dims(levels.scale, others) if levels.scale.ndim else levels.scale
    # Half a level, and the share of another that a rounded zero point may cut off an end.
    assert (error <= 1.01 * level).all()
    inside = (steps > np.iinfo(steps.dtype).min) & (steps < np.iinfo(steps.dtype).max)
    assert (error <= 0.501 * level)[inside].all()


@given(side_of, weights)
def test_zero_is_exact(side, weight):
    weight[0, 0, 0] = 0.0
    steps, levels = quantize(weight, side, 1)
    assert dequantize(steps, levels, 1)[0, 0, 0] == 0.0


@given(side_of, weights, st.sampled_from((0, 1, 2)))
def test_each_channel_is_quantised_as_a_tensor_of_its_own(side, weight, axis):
    steps, levels = quantize(weight, {**side, "granularity": "per_channel"}, axis)
    assert levels.scale.shape == levels.zero_point.shape == (weight.shape[axis],)
    for channel in range(weight.shape[axis]):
        alone = {**side, "granularity": "per_tensor"}
        one, level = quantize(weight.take(channel, axis), alone, None)
        np.testing.assert_array_equal(steps.take(channel, axis), one)
        assert levels.scale[channel] == level.scale
        assert levels.zero_point[channel] == level.zero_point


@given(st.sampled_from([s for s in SIDES if s["granularity"] == "per_tensor"]), weights)
@example(SIDES[0], np.float32([[[-1.5, 0.25]]]))
def test_agrees_with_onnxruntime(side, weight):
    assume(np.abs(weight).max() > 0)  # of nothing but zeros it makes zero_point 0 in every scheme
    steps, levels = quantize(weight, side, None)
    zero_point, scale, expected = quantize_data(
        weight.ravel(), TYPES[side["dtype"]].tensor_type, side["scheme"] == "sym"
    )
    assert levels.scale == scale
    assert levels.zero_point == zero_point
    np.testing.assert_array_equal(steps.ravel(), expected)


@pytest.mark.parametrize(("dtype", "middle"), [("int8", 0), ("uint8", 128)])
def test_symmetric_grids_have_zero_in_the_middle(dtype, middle):
    levels = grid([-1.0, 0.0, 2.0], [3.0, 5.0, 4.0], {"dtype": dtype, "scheme": "sym"})
    assert levels.zero_point.tolist() == [middle] * 3
    assert levels.zero_point.dtype == dtype


def test_int8_and_uint8_are_the_same_numbers_in_the_asymmetric_scheme():
    weight = np.linspace(-0.7, 1.9, 60, dtype=np.float32).reshape(3, 20)
    signed, unsigned = (
        dequantize(*quantize(weight, {"dtype": d, "scheme": "asym", "granularity": g}, 0), 0)
        for d, g in (("int8", "per_channel"), ("uint8", "per_channel"))
    )
    np.testing.assert_array_equal(signed, unsigned)
    assert np.abs(signed - weight).max() < 0.01


@pytest.mark.parametrize("side", SIDES)
def test_an_empty_range_has_scale_one(side):
    levels = grid(0.0, 0.0, side)
    assert levels.scale == 1.0
    assert levels.scale.shape == ()


FOUR = [
    {"dtype": dtype, "scheme": scheme, "granularity": by}
    for (dtype, scheme), by in product(
        (("int4", "sym"), ("uint4", "asym")), ("per_channel", "per_block")
    )
]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("side", [*SIDES, *FOUR], ids=lambda side: " ".join(side.values()))
def test_a_large_weight_is_rounded_by_parts_as_it_is_at_once(side, axis, monkeypatch):
    weight = np.random.default_rng(0).normal(size=(100, 70)).astype(np.float32)
    along = None if side["granularity"] == "per_tensor" else axis
    (steps, levels), parts = quantize(weight, side, along), []
    real = affine._slabs
    monkeypatch.setattr(affine, "SLAB", 500)
    monkeypatch.setattr(
        affine, "_slabs", lambda *given: [*map(parts.append, real(*given))] and real(*given)
    )
    by_parts, other = quantize(weight, side, along)
    assert len(parts) > 2
    np.testing.assert_array_equal(by_parts, steps)
    np.testing.assert_array_equal(other.scale, levels.scale)
    np.testing.assert_array_equal(other.zero_point, levels.zero_point)
    floats = dequantize(by_parts, other, along)
    monkeypatch.undo()
    np.testing.assert_array_equal(floats, dequantize(steps, levels, along))
    assert levels.scale.shape == scales_of(weight.shape, side, along)
