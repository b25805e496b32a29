"""Biases that make up for rounded weights."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import build, normal, skewed
from quantised_models import task
from test_onnxrt import config, inputs_read, outputs_of

from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import APPROACHES

ROUGH = config("int8/sym/per_tensor")


def dense(kind, scale=1.0):
    """Return one layer whose weight loses a good deal, and data of a mean that is not zero."""
    data = normal(0, 50, 6, 1, 1) + np.float32([1, 2, 0, -1, 3, 1]).reshape(6, 1, 1)
    weight = skewed(1, 4, 6, 1, 1) * np.float32([0.01, 0.03, 1, 4]).reshape(4, 1, 1, 1)
    bias = normal(2, 4) * np.float32(scale)
    if kind in ("Conv", "grouped"):
        groups = 2 if kind == "grouped" else 1
        node = helper.make_node("Conv", ["x", "w", "b"], ["y"], "one", group=groups)
        weights = {"w": weight[:, : 6 // groups], "b": bias}
        return build([node], weights, {"x": ("N", 6, 1, 1)}, {"y": ("N", 4, 1, 1)}), data, "Conv"
    matrix, data = weight[:, :, 0, 0], data[:, :, 0, 0]
    if kind == "MatMul":
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["m"], "one"),
            helper.make_node("Add", ["m", "b"], ["y"], "add"),
        ]
        weights = {"w": matrix.T, "b": bias}
    else:
        turned = int(kind == "turned")
        nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["y"], "one", transB=turned)]
        weights = {"w": matrix if turned else matrix.T, "b": bias}
    model = build(nodes, weights, {"x": ("N", 6)}, {"y": ("N", 4)})
    return model, data, "MatMul" if kind == "MatMul" else "Gemm"


def shift(model, data, kind, corrected, **more):
    """Return by how much the mean of each channel moves."""
    adaptor = OnnxRuntimeAdaptor(bias_correction=corrected)
    quantised = adaptor.quantize(model, {("one", kind): ROUGH, **more}, [(data, 0)])
    return (outputs_of(quantised, data) - outputs_of(model, data)).reshape(len(data), 4).mean(0)


@pytest.mark.parametrize("kind", ["Conv", "grouped", "Gemm", "turned", "MatMul"])
def test_the_mean_of_each_channel_is_back_where_it_was(kind):
    model, data, operator = dense(kind)
    before = shift(model, data, operator, corrected=False)
    after = shift(model, data, operator, corrected=True)
    assert np.abs(before).max() > 0.01
    # What is left is the mean that rounding the activation moves, and half a step of the bias.
    assert np.abs(after).max() < 0.3 * np.abs(before).max()


def test_the_formula():
    """b' = b - (Wq - W) E[x], as Nagel et al. have it."""
    model, data, operator = dense("turned")
    tune_cfg = {("one", operator): ROUGH}
    quantised = OnnxRuntimeAdaptor().quantize(model, tune_cfg, [(data, 0)])
    _, (steps, scale, _, _), (bias, unit, _, _) = inputs_read(quantised, "one")
    weight, given = (onnx.numpy_helper.to_array(t) for t in model.graph.initializer)
    lost = steps.astype(np.float64) * scale - weight
    expected = given - lost @ data.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(bias * unit, expected, atol=float(unit))


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [({"transA": 1}, (6, 6)), ({"alpha": 0.5}, (6, 6)), ({"beta": 2.0}, (6, 6))],
)
def test_a_gemm_that_scales_or_transposes_is_not_corrected(attributes, shape):
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "one", **attributes)
    weights = {"w": skewed(1, 6, 4), "b": normal(2, 4)}
    model = build([node], weights, {"x": shape}, {"y": (6, 4)})
    data, tune_cfg = normal(0, *shape) + 1, {("one", "Gemm"): ROUGH}
    one, other = (
        OnnxRuntimeAdaptor(bias_correction=corrected).quantize(model, tune_cfg, [(data, 0)])
        for corrected in (True, False)
    )
    assert one == other


def test_a_correction_stays_within_int32():
    model, data, operator = dense("turned", scale=1e7)
    with np.errstate(all="raise"):
        assert np.isfinite(shift(model, data, operator, corrected=True)).all()


@pytest.mark.parametrize("name", ["small CNN", "scaled CNN", "residual", "transformer"])
def test_corrected_outputs_are_nearer_to_those_of_the_float_model(name):
    one = task(name)
    data = np.concatenate([x for x, _ in one.evaluation])
    exact, distances = outputs_of(one.model, data), []
    for corrected in (False, True):
        adaptor = OnnxRuntimeAdaptor(bias_correction=corrected)
        operations = adaptor.capability(one.model).operations
        tune_cfg = {o.key: o.options[0] for o in operations if o.has_weight}
        quantised = adaptor.quantize(one.model, tune_cfg, one.calibration)
        distances.append(np.square(outputs_of(quantised, data) - exact).mean())
    assert distances[1] < 0.8 * distances[0]


HELD = {"weight": {"dtype": "int4", "scheme": "sym", "granularity": "per_block"}}
HELD |= {"activation": {"dtype": "fp32"}}
BY_CHANNEL = HELD | {"weight": HELD["weight"] | {"granularity": "per_channel"}}


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize("kind", ["Conv", "grouped", "Gemm", "turned", "MatMul"])
def test_float_biases_make_up_for_weights_held_in_fewer_bits(kind, approach):
    model, data, operator = dense(kind)
    option = BY_CHANNEL if operator == "Conv" else HELD
    tune_cfg, means = {("one", operator): option}, []
    sizes = set()
    for corrected in (False, True):
        adaptor = OnnxRuntimeAdaptor(approach, bias_correction=corrected)
        made = adaptor.quantize(model, tune_cfg, [(data, 0)])
        sizes |= {adaptor.size(made), adaptor.sizes(model, [(data, 0)])(tune_cfg)}
        moved = outputs_of(made, data) - outputs_of(model, data)
        means.append(np.abs(moved.reshape(len(data), 4).mean(axis=0)).max())
    assert means[1] < 0.2 * means[0]
    assert len(sizes) == 1
    without = OnnxRuntimeAdaptor(approach).quantize(model, tune_cfg, None)  # without data, as it is
    assert np.abs(outputs_of(without, data) - outputs_of(model, data)).max() > 0


def test_a_bias_that_two_read_stays():
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], "one"),
        helper.make_node("Gemm", ["h", "v", "b"], ["y"], "two"),
    ]
    weights = {"w": skewed(1, 4, 4), "v": skewed(2, 4, 4), "b": normal(3, 4)}
    model = build(nodes, weights, {"x": ("N", 4)}, {"y": ("N", 4)})
    made = OnnxRuntimeAdaptor().quantize(model, {("one", "Gemm"): HELD}, [(normal(0, 9, 4), 0)])
    found = {t.name: onnx.numpy_helper.to_array(t) for t in made.graph.initializer}
    np.testing.assert_array_equal(found["b"], weights["b"])
