"""SmoothQuant: the same function, with activations that are easier to quantise."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper
from onnx_models import build, cnn, loader, normal
from quantised_models import task
from test_onnxrt import constants, outputs_of

from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.graph import prepare
from strategies.adaptors.onnx.options import DYNAMIC
from strategies.adaptors.onnx.smoothing import STRENGTHS, smooth, smoothable
from strategies.errors import AdaptorError

PEAKS = np.float32([1, 40, 2, 1, 0.5, 0])


def normalised(skip=False, decomposed=False):
    """Return a normalisation that two dense layers read, and an Add with ``skip``."""
    if decomposed:
        nodes = [
            helper.make_node("Div", ["x", "deviation"], ["d"], "div"),
            helper.make_node("Mul", ["d", "scale"], ["s"], "mul"),
            helper.make_node("Add", ["s", "shift"], ["n"], "add"),
        ]
    else:
        nodes = [helper.make_node("LayerNormalization", ["x", "scale", "shift"], ["n"], "norm")]
    nodes += [
        helper.make_node("MatMul", ["n", "w1"], ["a"], "left"),
        helper.make_node("Gemm", ["n", "w2", "b2"], ["b"], "right", transB=1),
        helper.make_node("Add", ["a", "b"], ["ab"], "sum"),
        helper.make_node("MatMul", ["ab", "w3"], ["h"], "last"),
        helper.make_node("Add", ["h", "n" if skip else "ab"], ["y"], "out"),
    ]
    weights = {
        "scale": normal(5, 6) * np.float32([1, 20, 1, 1, 1, 1]),
        "shift": normal(6, 6),
        "w1": normal(1, 6, 6),
        "w2": normal(2, 6, 6),
        "b2": normal(3, 6),
        "w3": normal(4, 6, 6),
        "deviation": np.abs(normal(7, 6)) + 1,
    }
    return build(nodes, weights, {"x": ("N", 6)}, {"y": ("N", 6)})


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("decomposed", [False, True])
def test_a_smoothed_model_computes_the_same(decomposed, skip, strength):
    model = prepare(normalised(skip, decomposed))
    (tensor,) = smoothable(model)
    smoothed = smooth(model, {tensor: PEAKS}, strength)
    operators = [node.op_type for node in smoothed.graph.node]
    is_folded = not (skip or decomposed)
    assert len(operators) == len(model.graph.node) + (not is_folded)
    data = normal(0, 9, 6)
    np.testing.assert_allclose(
        outputs_of(smoothed, data), outputs_of(model, data), rtol=1e-3, atol=1e-3
    )


def test_the_formula():
    """s_j = max|X_j|^a / max|W_j|^(1 - a), the weights being those of all that read X."""
    model = prepare(normalised())
    arrays = constants(model)
    peaks = np.float32([1, 40, 2, 1, 0.5, 4])
    rows = np.maximum(np.abs(arrays["w1"]).max(axis=1), np.abs(arrays["w2"]).max(axis=0))
    scale = peaks**0.3 / rows**0.7
    smoothed = smooth(model, {"n": peaks}, 0.3)
    nodes, found = {n.name: n for n in smoothed.graph.node}, constants(smoothed)
    np.testing.assert_allclose(
        found[nodes["left"].input[1]], arrays["w1"] * scale[:, None], rtol=1e-5
    )
    np.testing.assert_allclose(found[nodes["right"].input[1]], arrays["w2"] * scale, rtol=1e-5)
    for place, name in ((1, "scale"), (2, "shift")):
        np.testing.assert_allclose(
            found[nodes["norm"].input[place]], arrays[name] / scale, rtol=1e-5
        )
    assert nodes["last"].input[1] == "w3"
    assert arrays["w1"].tobytes() == constants(model)["w1"].tobytes()


def test_channels_that_hold_nothing_are_left_alone():
    model = prepare(normalised())
    assert outputs_of(smooth(model, {"n": np.zeros(6)}, 0.5), np.ones((1, 6), np.float32)).size
    wrong = smooth(model, {"n": np.ones(5)}, 0.5)  # of another axis: nothing is smoothed
    assert wrong.graph.node == model.graph.node


def test_it_is_offered_behind_a_normalisation():
    assert OnnxRuntimeAdaptor().capability(normalised()).smooth_quant == STRENGTHS
    assert OnnxRuntimeAdaptor(DYNAMIC).capability(normalised()).smooth_quant == ()
    assert OnnxRuntimeAdaptor().capability(cnn()).smooth_quant == ()
    assert smoothable(prepare(task("perceptron").model)) == {}


def test_what_stands_out_costs_less():
    one, adaptor = normalised(skip=True), OnnxRuntimeAdaptor()
    (scale,) = [t for t in one.graph.initializer if t.name == "scale"]
    outlying = numpy_helper.to_array(scale) * np.float32([1, 30, 1, 1, 1, 1])
    scale.CopyFrom(numpy_helper.from_array(outlying, "scale"))
    data = normal(0, 200, 6)
    tune_cfg = {o.key: o.options[0] for o in adaptor.capability(one).operations if o.has_weight}
    del tune_cfg["last", "MatMul"]
    exact, errors = outputs_of(one, data), {}
    for strength in STRENGTHS:
        quantised = adaptor.quantize(one, tune_cfg | {"smooth_quant": strength}, [(data, 0)])
        errors[strength] = np.square(outputs_of(quantised, data) - exact).mean()
    assert errors["0.5"] < 0.5 * errors["off"]


@pytest.mark.parametrize(
    ("model", "strength", "message"),
    [
        (normalised(), "0.4", r"\['smooth_quant'\] is '0.4', expected one of off, 0.3, 0.5, 0.7"),
        (normalised(), ["0.5"], "expected one of off"),
        (cnn(), "0.5", "is '0.5', expected one of off$"),
    ],
)
def test_what_cannot_be(model, strength, message):
    adaptor = OnnxRuntimeAdaptor()
    with pytest.raises(AdaptorError, match=message):
        adaptor.quantize(model, {"smooth_quant": strength}, loader((6,)))


def test_a_model_that_is_not_quantised_is_not_smoothed():
    model, adaptor = normalised(), OnnxRuntimeAdaptor()
    tune_cfg = {"smooth_quant": "0.5"}
    quantised = adaptor.quantize(model, tune_cfg, loader((6,)))
    assert quantised == adaptor.quantize(model, {}, loader((6,)))
    assert adaptor.sizes(model, loader((6,)))(tune_cfg) == adaptor.size(quantised)
