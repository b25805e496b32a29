"""Products of two tensors and passive nodes: what is written, and what it computes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import build, normal, residual
from quantised_models import task
from test_onnxrt import config, constants, inputs_read, kernels, node_called, outputs_of

from strategies.adaptors.base import FP32
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import DYNAMIC, STATIC
from strategies.errors import AdaptorError

PASSIVE = {
    "Add": ({}, 2),
    "Mul": ({}, 2),
    "Concat": ({"axis": 1}, 2),
    "AveragePool": ({"kernel_shape": [2, 2]}, 1),
    "GlobalAveragePool": ({}, 1),
    "Sigmoid": ({}, 1),
    "LeakyRelu": ({}, 1),
    "Softmax": ({"axis": -1}, 1),
}
UINT8, EVEN = "uint8/asym/per_tensor", "uint8/sym/per_tensor"
WAYS = (UINT8, EVEN, "int8/sym/per_tensor", "int8/asym/per_tensor")


def weightless(activation):
    return config(activation=activation) | {"weight": {"dtype": "fp32"}}


def between(operator):
    """Return a passive node between one or two Convs and a Conv."""
    attributes, count = PASSIVE[operator]
    names = ["a", "b"][:count]
    wide = 6 if operator == "Concat" else 3
    nodes = [helper.make_node("Conv", ["x", f"w{name}"], [name], name) for name in names]
    nodes += [
        helper.make_node(operator, names, ["p"], "passive", **attributes),
        helper.make_node("Conv", ["p", "wc"], ["c"], "after"),
        helper.make_node("Abs", ["c"], ["y"]),
    ]
    weights = {f"w{name}": normal(place, 3, 3, 1, 1) for place, name in enumerate(names)}
    weights["wc"] = normal(5, 2, wide, 1, 1)
    return build(nodes, weights, {"x": ("N", 3, 4, 4)}, {"y": ("N", 2, "H", "W")})


@pytest.mark.parametrize("operator", PASSIVE)
def test_a_passive_node_between_integers_is_one_of_integers(operator, tmp_path):
    model, data, adaptor = between(operator), normal(0, 8, 3, 4, 4), OnnxRuntimeAdaptor()
    operations = {o.name: o for o in adaptor.capability(model).operations}
    assert operations["passive"].options == (weightless(UINT8), weightless(EVEN), FP32)
    assert operations["passive"].is_passive
    assert not operations["passive"].has_weight
    assert [operations[name].is_passive for name in ("a", "after")] == [False, False]
    everything = {o.key: o.options[0] for o in operations.values()}
    quantised = adaptor.quantize(model, everything, [(data, 0)])
    onnx.checker.check_model(quantised)
    ran = kernels(quantised, tmp_path)
    assert ran[f"QLinear{operator}"] == 1
    assert ran[operator] == ran["Conv"] == ran["FusedConv"] == 0
    exact = outputs_of(model, data)
    assert 0 < np.abs(outputs_of(quantised, data) - exact).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("operator", PASSIVE)
def test_a_passive_node_alone_reads_integers(operator, way):
    model, data, adaptor = between(operator), normal(0, 8, 3, 4, 4), OnnxRuntimeAdaptor()
    dtype, scheme, _ = way.split("/")
    tune_cfg = {("passive", operator): weightless(way)}
    quantised = adaptor.quantize(model, tune_cfg, [(data, 0)])
    assert adaptor.check(quantised, tune_cfg) == tune_cfg
    for read, tensor in zip(inputs_read(quantised, "passive"), "ab", strict=False):
        assert read[0] == tensor
        assert read[2].dtype == dtype
        assert scheme == "asym" or read[2] == (128 if dtype == "uint8" else 0)
    exact = outputs_of(model, data)
    assert 0 < np.abs(outputs_of(quantised, data) - exact).max() < 0.05 * np.abs(exact).max()


def test_a_relu_behind_an_add_is_part_of_it(tmp_path):
    model, data, adaptor = residual("r1"), normal(0, 4, 3, 4, 4), OnnxRuntimeAdaptor()
    names = [o.name for o in adaptor.capability(model).operations]
    assert names == ["a", "b", "sum"]  # what the pool writes is the model's output
    tune_cfg = {o.key: o.options[0] for o in adaptor.capability(model).operations}
    quantised = adaptor.quantize(model, tune_cfg, [(data, 0)])
    ran = kernels(quantised, tmp_path)
    assert (ran["QLinearConv"], ran["QLinearAdd"], ran["Relu"]) == (2, 1, 0)
    left = adaptor.quantize(model, tune_cfg | {("sum", "Add"): FP32}, [(data, 0)])
    assert kernels(left, tmp_path)["QLinearAdd"] == 0


def test_what_hands_values_on_needs_no_floats(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "a"),
        helper.make_node("MaxPool", ["a"], ["m"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Transpose", ["m"], ["t"], "turn", perm=[0, 1, 3, 2]),
        helper.make_node("Conv", ["t", "w2"], ["c"], "b"),
        helper.make_node("Abs", ["c"], ["y"]),
    ]
    weights = {"w1": normal(1, 3, 3, 1, 1), "w2": normal(2, 3, 3, 1, 1)}
    model = build(nodes, weights, {"x": ("N", 3, 4, 4)}, {"y": ("N", 3, 2, 2)})
    tune_cfg = {("a", "Conv"): config(), ("b", "Conv"): config(), "calib_algorithm": "entropy"}
    quantised = OnnxRuntimeAdaptor().quantize(model, tune_cfg, [(normal(0, 4, 3, 4, 4), 0)])
    ran = kernels(quantised, tmp_path)
    assert ran["QLinearConv"] == 2
    assert (ran["QuantizeLinear"], ran["DequantizeLinear"]) == (1, 1)


def product(opset=17):
    nodes = [
        helper.make_node("MatMul", ["x", "z"], ["p"], "product"),
        helper.make_node("Tanh", ["p"], ["y"], "tanh"),
    ]
    return build(nodes, {}, {"x": ("N", 4, 6), "z": ("N", 6, 5)}, {"y": ("N", 4, 5)}, opset=opset)


def outputs_of_product(model, x, z):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(
        None, {"x": x, "z": z}
    )[0]


def rounded(array, way):
    """Return what an array is on the grid that holds just it."""
    dtype, scheme, _ = way.split("/")
    low, high = min(array.min(), 0.0), max(array.max(), 0.0)
    least, most = {"uint8": (0, 255), "int8": (-128, 127)}[dtype]
    if scheme == "sym":
        low, high = -max(-low, high), max(-low, high)
        least = max(least, -127)
    scale = np.float32((high - low) / (most - least))
    zero = np.round(least - low / scale)
    return (np.clip(np.round(array / scale) + zero, least, most) - zero) * scale


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("way", WAYS)
def test_a_product_is_one_of_integers(way, opset, tmp_path):
    model, adaptor = product(opset), OnnxRuntimeAdaptor()
    (operation,) = adaptor.capability(model).operations
    assert operation.options == (weightless(UINT8), weightless(EVEN), FP32)
    assert (operation.is_passive, operation.has_weight) == (False, False)
    x, z = normal(0, 3, 4, 6), normal(1, 3, 6, 5)
    tune_cfg = {operation.key: weightless(way)}
    quantised = adaptor.quantize(model, tune_cfg, [((x, z), 0)])
    assert adaptor.check(quantised, tune_cfg) == tune_cfg
    expected = np.tanh(np.matmul(rounded(x, way), rounded(z, way)))
    np.testing.assert_allclose(outputs_of_product(quantised, x, z), expected, atol=1e-5)
    ran = kernels(quantised, tmp_path)
    assert ran["MatMul"] == 0
    assert ran["MatMulIntegerToFloat"] == 1


def test_a_product_on_the_ranges_as_they_come(tmp_path):
    model, adaptor = product(), OnnxRuntimeAdaptor(DYNAMIC)
    (operation,) = adaptor.capability(model).operations
    assert operation.options == (weightless(UINT8), FP32)
    x, z = normal(0, 3, 4, 6), normal(1, 3, 6, 5)
    tune_cfg = {operation.key: operation.options[0]}
    quantised = adaptor.quantize(model, tune_cfg, None)
    onnx.checker.check_model(quantised)
    assert adaptor.check(quantised, tune_cfg) == tune_cfg
    assert node_called(quantised, "product").op_type == "MatMulInteger"
    expected = np.tanh(np.matmul(rounded(x, UINT8), rounded(z, UINT8)))
    np.testing.assert_allclose(outputs_of_product(quantised, x, z), expected, atol=1e-5)
    assert kernels(quantised, tmp_path)["MatMul"] == 0


def test_a_product_left_as_it_is_reads_floats():
    """What multiplies and is not chosen reads exactly what it read before."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "a"),
        helper.make_node("MatMul", ["a", "a"], ["p"], "product"),
        helper.make_node("Relu", ["p"], ["y"]),
    ]
    model = build(nodes, {"w": normal(1, 3, 3, 1, 1)}, {"x": (2, 3, 4, 4)}, {"y": (2, 3, 4, 4)})
    adaptor, data = OnnxRuntimeAdaptor(), normal(0, 2, 3, 4, 4)
    quantised = adaptor.quantize(model, {("a", "Conv"): config()}, [(data, 0)])
    assert list(node_called(quantised, "product").input) == ["a", "a"]


@pytest.mark.parametrize("approach", [STATIC, DYNAMIC])
def test_what_is_no_choice(approach):
    """Constants, biases, integers, outputs, and kinds that are not inferred."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], "dense"),
        helper.make_node("Add", ["m", "b"], ["h"], "bias"),
        helper.make_node("Mul", ["h", "b"], ["s"], "by a constant"),
        helper.make_node("Cast", ["s"], ["i"], "cast", to=TensorProto.INT64),
        helper.make_node("Add", ["i", "i"], ["ii"], "integers"),
        helper.make_node("Cast", ["ii"], ["f"], "back", to=TensorProto.FLOAT),
        helper.make_node("Add", ["f", "s"], ["y"], "output"),
    ]
    weights = {"w": normal(1, 4, 4), "b": normal(2, 4)}
    model = build(nodes, weights, {"x": ("N", 4)}, {"y": ("N", 4)})
    operations = OnnxRuntimeAdaptor(approach).capability(model).operations
    assert [o.name for o in operations] == ["dense"]
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64  # contradicts the weight
    assert [o.name for o in OnnxRuntimeAdaptor(approach).capability(model).operations] == ["dense"]


def test_a_weight_cannot_be_asked_for():
    adaptor, data = OnnxRuntimeAdaptor(), [((normal(0, 3, 4, 6), normal(1, 3, 6, 5)), 0)]
    with pytest.raises(
        AdaptorError, match=r"\['weight'\]\['dtype'\] is 'int8', expected one of fp"
    ):
        adaptor.quantize(product(), {("product", "MatMul"): config()}, data)


def test_sizes_are_those_of_what_is_made():
    one, adaptor, random = task("transformer"), OnnxRuntimeAdaptor(), np.random.default_rng(1)
    operations = adaptor.capability(one.model).operations
    size_of = adaptor.sizes(one.model, one.calibration)
    for _ in range(5):
        tune_cfg = {o.key: o.options[random.integers(len(o.options))] for o in operations}
        made = adaptor.quantize(one.model, tune_cfg, one.calibration)
        assert size_of(tune_cfg) == adaptor.size(made)
        assert constants(made)
