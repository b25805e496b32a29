"""The adaptor for ONNX Runtime, checked on the graphs that it makes and on what they compute."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import (
    MODELS,
    SHAPES,
    build,
    cnn,
    loader,
    matmul,
    normal,
    residual,
    shared_input,
    skewed,
    up_convolution,
)
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from strategies.adaptors import peak
from strategies.adaptors.base import FP32
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.observed import REMEMBERED_CALIBRATIONS
from strategies.adaptors.onnx.options import DYNAMIC
from strategies.errors import AdaptorError, StrategyError

# ------------------------------------------------------------------------------ what a graph says


def outputs_of(model, x, name="x"):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {name: x})[0]


def kernels(model, tmp_path):
    """Count the operators that ONNX Runtime runs in the end."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options)
    return Counter(n.op_type for n in onnx.load(options.optimized_model_filepath).graph.node)


def node_called(model, name):
    (node,) = [n for n in model.graph.node if n.name == name]
    return node


def constants(model):
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def producer(model, tensor):
    found = [n for n in model.graph.node if tensor in n.output]
    return found[0] if found else None


def inputs_read(model, name):
    """Return, for each input of a node, how it is made of integers; None if it is not.

    An activation gives (the tensor quantised, scale, zero point), a constant (steps, scale, zero
    point, axis).
    """
    arrays = constants(model)
    found = []
    for tensor in node_called(model, name).input:
        back = producer(model, tensor)
        if back is None or back.op_type != "DequantizeLinear":
            found.append(None)
            continue
        steps, scale, zero_point = back.input
        if steps in arrays:
            axis = [a.i for a in back.attribute if a.name == "axis"]
            found.append((arrays[steps], arrays[scale], arrays[zero_point], *(axis or [None])))
        else:
            forth = producer(model, steps)
            assert forth.op_type == "QuantizeLinear"
            assert list(forth.input[1:]) == [scale, zero_point]
            found.append((forth.input[0], arrays[scale], arrays[zero_point]))
    return found


def integer_options(operation):
    """Return the options that quantise the activation too."""
    return [o for o in operation.options if o["activation"]["dtype"] != "fp32"]


def options_of(adaptor, model):
    return {operation.name: operation for operation in adaptor.capability(model).operations}


def default(adaptor, model):
    return {o.key: o.options[0] for o in adaptor.capability(model).operations}


def config(weight="int8/sym/per_channel", activation="uint8/asym/per_tensor"):
    fields = ("dtype", "scheme", "granularity")
    return {
        side: dict(zip(fields, text.split("/"), strict=True))
        for side, text in (("weight", weight), ("activation", activation))
    }


# ------------------------------------------------------------------------------------ capability


def test_the_default_comes_first_and_fp32_last():
    capability = OnnxRuntimeAdaptor().capability(cnn())
    assert [o.key for o in capability.operations] == [
        ("first", "Conv"),
        ("second", "Conv"),
        ("head", "Gemm"),
    ]
    assert capability.calibration_algorithms == ("mse", "minmax", "entropy", "percentile")
    for operation in capability.operations:
        assert operation.options[0] == config("int8/sym/per_channel")
        assert operation.options[-1] == FP32
        assert operation.options.count(FP32) == 1


def test_the_options_are_the_product_without_what_is_never_better():
    operations = options_of(OnnxRuntimeAdaptor(), cnn())
    weights = [
        "int8/sym/per_channel",
        "int8/sym/per_tensor",
        "int8/asym/per_channel",  # which is more exact here, as the weights are skewed
    ]
    for name in ("first", "head"):
        assert integer_options(operations[name]) == [
            config(weight, activation)
            for weight in weights
            for activation in ("uint8/asym/per_tensor", "uint8/sym/per_tensor")
            if name == "head" or weight != "int8/asym/per_channel"  # no kernel for it in a Conv
        ]


@pytest.mark.parametrize("approach", ["post_training_static_quant", DYNAMIC])
def test_ranks_put_options_in_order_by_how_exact_the_weight_is(approach):
    for operation in OnnxRuntimeAdaptor(approach).capability(cnn()).operations:
        assert sorted(operation.ranks) == list(range(len(operation.options)))
        pairs = zip(operation.ranks, operation.options, strict=True)
        ordered = [option for _, option in sorted(pairs, key=lambda pair: pair[0])]
        assert ordered[0] == FP32
        assert [option["weight"]["dtype"] for option in ordered[:2]] == ["fp32", "fp16"]
        assert {option["weight"]["dtype"] for option in ordered[-2:]} == {"int4", "uint4"}
        integer = [o for o in ordered if o["activation"]["dtype"] != "fp32"]
        granularities = [option["weight"]["granularity"] for option in integer]
        assert granularities[0] == "per_channel"
        assert granularities[-1] == "per_tensor"
        if approach != DYNAMIC:  # of two with one weight, the asymmetric activation is first
            assert [o["activation"]["scheme"] for o in integer[:2]] == ["asym", "sym"]
            assert integer[0]["weight"] == integer[1]["weight"]


def test_a_digest_is_that_of_the_whole_model():
    adaptor, model = OnnxRuntimeAdaptor(), cnn()
    assert adaptor.digest(model) == adaptor.digest(cnn())
    model.graph.initializer[0].raw_data = bytes(len(model.graph.initializer[0].raw_data))
    assert adaptor.digest(model) != adaptor.digest(cnn())


def test_nodes_called_like_their_outputs_can_be_quantised_dynamically():
    model = matmul()
    for node in model.graph.node:
        node.name = node.output[0]
    adaptor, data = OnnxRuntimeAdaptor(DYNAMIC), normal(0, 4, 6)
    quantised = adaptor.quantize(model, default(adaptor, model), None)
    np.testing.assert_allclose(outputs_of(quantised, data), outputs_of(model, data), atol=0.2)


def test_data_without_labels_cannot_be_evaluated_on():
    with pytest.raises(AdaptorError, match="the label is None, expected one to compare with"):
        OnnxRuntimeAdaptor().evaluate(cnn(), [(normal(0, 4, 2, 6, 6), None)], lambda *_: 1.0)


def test_one_channel_has_one_granularity():
    node = helper.make_node("Conv", ["x", "w"], ["y"], "c")
    model = build([node], {"w": skewed(1, 1, 2, 3, 3)}, {"x": (1, 2, 6, 6)}, {"y": (1, 1, 4, 4)})
    options = integer_options(options_of(OnnxRuntimeAdaptor(), model)["c"])
    assert options == [config(), config(activation="uint8/sym/per_tensor")]  # tensor or channel


def test_a_stack_of_matrices_has_no_per_channel_option():
    node = helper.make_node("MatMul", ["x", "w"], ["y"], "m")
    model = build([node], {"w": skewed(1, 3, 4, 5)}, {"x": (3, 2, 4)}, {"y": (3, 2, 5)})
    adaptor = OnnxRuntimeAdaptor()
    operation = options_of(adaptor, model)["m"]
    options = integer_options(operation)
    assert {o["weight"].get("granularity") for o in operation.options} == {"per_tensor", None}
    data = normal(0, 3, 2, 4)
    quantised = adaptor.quantize(model, {("m", "MatMul"): options[0]}, [(data, 0)])
    np.testing.assert_allclose(outputs_of(quantised, data), outputs_of(model, data), atol=0.1)
    with pytest.raises(AdaptorError, match="'per_channel', expected one of per_tensor"):
        adaptor.quantize(model, {("m", "MatMul"): config("int8/sym/per_channel")}, [(data, 0)])


def test_what_has_no_constant_float_weight_is_not_an_operation():
    nodes = [
        helper.make_node("MatMul", ["x", "z"], ["xz"], "two_activations"),
        helper.make_node("MatMul", ["w", "xz"], ["wxz"], "weight_first"),
        helper.make_node("MatMul", ["wxz", "nan"], ["n"], "not_finite"),
        helper.make_node("MatMul", ["w", "w"], ["ww"], "constant"),
        helper.make_node("Add", ["n", "ww"], ["s"], "sum"),
        helper.make_node("MatMul", ["s", "w"], ["y"], "weighted"),
    ]
    weights = {"w": skewed(1, 4, 4), "nan": np.full((4, 4), np.nan)}
    model = build(nodes, weights, {"x": (4, 4), "z": (4, 4)}, {"y": (4, 4)})
    assert list(options_of(OnnxRuntimeAdaptor(), model)) == ["two_activations", "weighted"]


def test_nodes_get_a_name_of_their_own():
    model = cnn(names=("", "twice", "twice"))
    adaptor = OnnxRuntimeAdaptor()
    keys = [o.key for o in adaptor.capability(model).operations]
    assert keys == [("Conv_0", "Conv"), ("twice", "Conv"), ("twice_1", "Gemm")]
    assert keys == [o.key for o in adaptor.capability(model).operations]
    quantised = adaptor.quantize(model, default(adaptor, model), loader((2, 6, 6)))
    for name, kind in keys:
        assert node_called(quantised, name).op_type == kind
        assert all(inputs_read(quantised, name))
    names = [n.name for n in quantised.graph.node]
    assert len(set(names)) == len(names)
    assert "" not in names


def test_a_made_up_name_does_not_take_that_of_a_later_node():
    keys = [
        o.key for o in OnnxRuntimeAdaptor().capability(cnn(names=("", "Conv_0", "h"))).operations
    ]
    assert keys == [("Conv_0_1", "Conv"), ("Conv_0", "Conv"), ("h", "Gemm")]


def test_old_models_with_constants_in_nodes_and_inputs():
    model = cnn(opset=11, ir_version=3)
    for tensor in list(model.graph.initializer):
        if tensor.name in ("w1", "b2"):
            constant = helper.make_node("Constant", [], [tensor.name], value=tensor)
            model.graph.node.insert(0, constant)
            model.graph.initializer.remove(tensor)
        else:
            value = helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims)
            model.graph.input.append(value)
    adaptor = OnnxRuntimeAdaptor()
    assert [o.key[0] for o in adaptor.capability(model).operations] == ["first", "second", "head"]
    tune_cfg = {o.key: config("int8/sym/per_channel") for o in adaptor.capability(model).operations}
    quantised = adaptor.quantize(model, tune_cfg, loader((2, 6, 6)))
    recent = adaptor.quantize(cnn(), tune_cfg, loader((2, 6, 6)))
    data = normal(0, 4, 2, 6, 6)
    np.testing.assert_allclose(outputs_of(quantised, data), outputs_of(recent, data), atol=1e-5)
    assert [len(inputs_read(quantised, n)[0][1].shape) for n in ("first", "head")] == [0, 0]
    assert inputs_read(quantised, "second")[1][1].shape == (5,)
    assert quantised.ir_version >= 4  # below it the new constants would have to be inputs


# ------------------------------------------------------------------------- static: what is applied


@pytest.mark.parametrize("kind", MODELS)
def test_every_option_is_applied_and_runs(kind, tmp_path):
    model, shape, adaptor = MODELS[kind](), SHAPES[kind], OnnxRuntimeAdaptor()
    data = normal(0, 4, *shape)
    exact = outputs_of(model, data)
    for name, operation in options_of(adaptor, model).items():
        seen = []
        if not operation.has_weight:
            continue  # see test_onnx_weightless
        for option in integer_options(operation):
            quantised = adaptor.quantize(model, {operation.key: option}, loader(shape))
            onnx.checker.check_model(quantised)
            activation, weight = inputs_read(quantised, name)[:2]
            tensor, scale, zero_point = activation
            assert tensor == node_called(model, name).input[0]
            assert zero_point.dtype == option["activation"]["dtype"]
            assert scale.shape == zero_point.shape == ()
            if option["activation"]["scheme"] == "sym":
                assert zero_point == {"int8": 0, "uint8": 128}[option["activation"]["dtype"]]

            steps, scale, zero_point, axis = weight
            original = constants(model)[node_called(model, name).input[1]]
            assert steps.dtype == zero_point.dtype == option["weight"]["dtype"]
            assert steps.shape == original.shape
            channels = {"Conv": 0, "Gemm": 0, "ConvTranspose": 1, "MatMul": 1}[operation.type]
            per_channel = option["weight"]["granularity"] == "per_channel"
            assert axis == (channels if per_channel else None)
            assert (
                scale.shape == zero_point.shape == ((original.shape[axis],) if per_channel else ())
            )
            middle = {"int8": 0, "uint8": 128}[option["weight"]["dtype"]]
            assert (zero_point == middle).all() == (option["weight"]["scheme"] == "sym")

            seen.append(outputs_of(quantised, data))
            assert 0 < np.abs(seen[-1] - exact).max() < 0.1 * np.abs(exact).max()
        assert len({output.tobytes() for output in seen}) == len(integer_options(operation))


def test_configurations_that_are_equal_in_effect_are_accepted():
    model, adaptor = cnn(), OnnxRuntimeAdaptor()
    data = normal(0, 4, 2, 6, 6)
    results = [
        outputs_of(adaptor.quantize(model, {("head", "Gemm"): option}, loader((2, 6, 6))), data)
        for option in (
            config("int8/asym/per_channel", "uint8/asym/per_tensor"),
            config("uint8/asym/per_channel", "int8/asym/per_tensor"),
        )
    ]
    np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-6)


def test_the_default_is_close_to_float():
    model, adaptor = cnn(), OnnxRuntimeAdaptor()
    quantised = adaptor.quantize(model, default(adaptor, model), loader((2, 6, 6)))
    data = np.concatenate([x for x, _ in loader((2, 6, 6))])
    exact, rounded = outputs_of(model, data), outputs_of(quantised, data)
    assert 0 < np.abs(exact - rounded).max() < 0.05 * np.abs(exact).max()


def test_fp32_nodes_stay_as_they_are():
    model, adaptor = cnn(), OnnxRuntimeAdaptor()
    for second in ({}, {("second", "Conv"): FP32}):
        tune_cfg = {("first", "Conv"): config(), ("head", "Gemm"): config(), **second}
        quantised = adaptor.quantize(model, tune_cfg, loader((2, 6, 6)))
        assert node_called(quantised, "second") == node_called(model, "second")
        assert constants(quantised)["w2"].dtype == np.float32
        assert all(inputs_read(quantised, "first"))
        assert all(inputs_read(quantised, "head"))
    untouched = adaptor.quantize(model, dict.fromkeys(default(adaptor, model), FP32), None)
    assert {n.op_type for n in untouched.graph.node} == {n.op_type for n in model.graph.node}
    data = normal(0, 4, 2, 6, 6)
    np.testing.assert_array_equal(outputs_of(untouched, data), outputs_of(model, data))


def test_float_weights_are_dropped_once_nobody_reads_them():
    model, adaptor = cnn(), OnnxRuntimeAdaptor()
    quantised = adaptor.quantize(model, default(adaptor, model), loader((2, 6, 6)))
    assert not set(constants(model)) & set(constants(quantised))


def test_nodes_that_share_a_tensor_choose_for_themselves():
    model, adaptor = shared_input(), OnnxRuntimeAdaptor()
    left, right = ("left", "Conv"), ("right", "Conv")
    asym = config("int8/sym/per_tensor")
    sym = config("uint8/sym/per_channel", "int8/sym/per_tensor")

    both = adaptor.quantize(model, {left: asym, right: asym}, loader((2, 4, 4)))
    assert node_called(both, "left").input[0] == node_called(both, "right").input[0]

    mixed = adaptor.quantize(model, {left: asym, right: sym}, loader((2, 4, 4)))
    (a, _, zero_a), (b, _, zero_b) = (inputs_read(mixed, n)[0] for n in ("left", "right"))
    assert (a, b) == ("s", "s")
    assert (zero_a.dtype, zero_b.dtype) == ("uint8", "int8")
    weights = [inputs_read(mixed, n)[1] for n in ("left", "right")]
    assert [w[0].dtype for w in weights] == ["int8", "uint8"]
    assert [w[1].shape for w in weights] == [(), (2,)]
    close = np.abs(
        outputs_of(mixed, normal(0, 2, 2, 4, 4)) - outputs_of(model, normal(0, 2, 2, 4, 4))
    )
    assert 0 < close.max() < 0.05

    one = adaptor.quantize(model, {left: asym, right: FP32}, loader((2, 4, 4)))
    assert list(node_called(one, "right").input) == ["s", "w2"]
    assert node_called(one, "skip").input[1] == "s"


@pytest.mark.parametrize("weight", ["int8/sym/per_tensor", "int8/sym/per_channel"])
@pytest.mark.parametrize("approach", ["post_training_static_quant", DYNAMIC])
def test_nodes_that_share_a_weight_choose_for_themselves(approach, weight):
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["h"], "a", transB=1),
        helper.make_node("MatMul", ["h", "w"], ["i"], "b"),
        helper.make_node("MatMul", ["i", "w"], ["y"], "c"),
    ]
    model = build(nodes, {"w": skewed(1, 5, 5)}, {"x": ("N", 5)}, {"y": ("N", 5)})
    tune_cfg = {("a", "Gemm"): config(weight), ("b", "MatMul"): config(weight)}
    data = normal(0, 4, 5)
    quantised = OnnxRuntimeAdaptor(approach).quantize(model, tune_cfg, [(data, 0)])
    assert node_called(quantised, "c").input[1] == "w"
    exact = outputs_of(model, data)
    assert 0 < np.abs(outputs_of(quantised, data) - exact).max() < 0.05 * np.abs(exact).max()


def test_a_tensor_that_someone_needs_in_float_stays_float_for_followers():
    """What a Conv writes is rounded neither for an output of the model nor beside a float node."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "a"),
        helper.make_node("Conv", ["a", "w2"], ["b"], "b"),
        helper.make_node("Add", ["a", "b"], ["s"], "sum"),
    ]
    weights = {"w1": skewed(1, 2, 2, 1, 1), "w2": skewed(2, 2, 2, 1, 1)}
    shape = ("N", 2, 4, 4)
    model = build(nodes, weights, {"x": shape}, {"s": shape, "b": shape})
    adaptor, option = OnnxRuntimeAdaptor(), config()

    quantised = adaptor.quantize(model, {("a", "Conv"): option}, loader((2, 4, 4)))
    assert list(node_called(quantised, "sum").input) == ["a", "b"]
    both = {("a", "Conv"): option, ("b", "Conv"): option}
    quantised = adaptor.quantize(model, both, loader((2, 4, 4)))
    assert [read and read[0] for read in inputs_read(quantised, "sum")] == ["a", None]


def test_followers_read_what_the_first_weighted_reader_asks_for():
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "a"),
        helper.make_node("Conv", ["a", "w"], ["b"], "b"),
        helper.make_node("Conv", ["a", "w"], ["c"], "c"),
        helper.make_node("Sum", ["a", "b", "c"], ["y"], "sum"),
    ]
    shape = ("N", 2, 4, 4)
    model = build(nodes, {"w": skewed(1, 2, 2, 1, 1)}, {"x": shape}, {"y": shape})
    sym, asym = config(activation="int8/sym/per_tensor"), config()
    tune_cfg = {("a", "Conv"): asym, ("b", "Conv"): sym, ("c", "Conv"): asym}
    quantised = OnnxRuntimeAdaptor().quantize(model, tune_cfg, loader((2, 4, 4)))
    read = node_called(quantised, "sum").input
    assert read[0] == node_called(quantised, "b").input[0]
    types = [zero.dtype for _, _, zero in inputs_read(quantised, "sum")]
    assert types == ["int8", "int8", "uint8"]  # b and c are read by nobody else


def test_subgraphs_read_what_they_read_before():
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node(operator, ["c", "w"], ["o"], "inner")],
            name,
            [],
            [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)],
        )
        for name, operator in (("then", "Add"), ("else", "Sub"))
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("ReduceMax", ["r"], ["m"], keepdims=0),
        helper.make_node("Cast", ["m"], ["condition"], to=TensorProto.BOOL),
        helper.make_node("If", ["condition"], ["i"], **branches),
        helper.make_node("Add", ["i", "r"], ["y"], "sum"),
    ]
    model = build(nodes, {"w": skewed(1, 2, 2, 1, 1)}, {"x": (2, 2, 1, 1)}, {"y": (2, 2, 1, 1)})
    data = normal(0, 2, 2, 1, 1)
    for approach in ("post_training_static_quant", DYNAMIC):
        adaptor = OnnxRuntimeAdaptor(approach)
        quantised = adaptor.quantize(model, default(adaptor, model), [(data, 0)])
        assert "w" in constants(quantised)
        assert node_called(quantised, "Relu_1").input[0] == "c"
        assert list(node_called(quantised, "sum").input) == ["i", "r"]
        np.testing.assert_allclose(outputs_of(quantised, data), outputs_of(model, data), atol=0.1)


@pytest.mark.parametrize(
    ("activation", "skip"),
    [
        ("uint8/asym/per_tensor", "r1"),
        ("uint8/sym/per_tensor", "r1"),
        ("int8/sym/per_tensor", "x"),  # of int8 read twice, ONNX Runtime makes a float Conv
    ],
)
def test_conv_runs_in_integers(activation, skip, tmp_path):
    """Readers without a weight follow the Conv, and a symmetric activation still fuses its Relu."""
    model, data = residual(skip), normal(0, 4, 3, 4, 4)
    option = config(activation=activation)
    tune_cfg = {("a", "Conv"): option, ("b", "Conv"): option}
    quantised = OnnxRuntimeAdaptor().quantize(model, tune_cfg, [(data, 0)])
    ran = kernels(quantised, tmp_path)
    assert ran["QLinearConv"] == 2
    assert ran["Conv"] == ran["FusedConv"] == 0
    exact = outputs_of(model, data)
    assert np.abs(outputs_of(quantised, data) - exact).max() < 0.02 * np.abs(exact).max()
    # The kernels compute what is written.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(quantised.SerializeToString(), options)
    written = session.run(None, {"x": data})[0]
    np.testing.assert_allclose(written, outputs_of(quantised, data), rtol=1e-5)


def test_rounding_before_a_relu_changes_no_value():
    """With it, a symmetric Conv-Relu-Conv gives what it gives without the Q/DQ before the Relu."""
    model, data = cnn(), normal(0, 4, 2, 6, 6)
    option = config(activation="int8/sym/per_tensor")
    tune_cfg = {("first", "Conv"): option, ("second", "Conv"): option}
    quantised = OnnxRuntimeAdaptor().quantize(model, tune_cfg, [(data, 0)])
    (relu,) = [n for n in quantised.graph.node if n.op_type == "Relu"]
    assert producer(quantised, relu.input[0]).op_type == "DequantizeLinear"
    before = outputs_of(quantised, data)
    relu.input[0] = "c1"
    np.testing.assert_allclose(outputs_of(quantised, data), before, atol=1e-5)


def test_a_conv_that_several_read_runs_in_integers(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "a"),
        helper.make_node("Sigmoid", ["c"], ["s"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Mul", ["s", "r"], ["y"], "product"),
    ]
    shape = ("N", 2, 4, 4)
    model = build(nodes, {"w": skewed(1, 2, 2, 1, 1)}, {"x": shape}, {"y": shape})
    quantised = OnnxRuntimeAdaptor().quantize(model, {("a", "Conv"): config()}, loader((2, 4, 4)))
    assert kernels(quantised, tmp_path)["QLinearConv"] == 1
    assert inputs_read(quantised, "product") == [None, None]


def test_gemm_and_matmul_run_in_integers(tmp_path):
    adaptor = OnnxRuntimeAdaptor()
    quantised = adaptor.quantize(cnn(), default(adaptor, cnn()), loader((2, 6, 6)))
    assert kernels(quantised, tmp_path)["QGemm"] == 1
    quantised = adaptor.quantize(matmul(), default(adaptor, matmul()), loader((6,)))
    ran = kernels(quantised, tmp_path)
    assert ran["QGemm"] == 1  # ONNX Runtime joins a MatMul and the bias that is added to it
    assert ran["MatMulIntegerToFloat"] == 1
    assert ran["FusedGemm"] == ran["Gemm"] == ran["MatMul"] == 0


def test_the_bias_of_a_float_matmul_stays_float():
    model, adaptor = matmul(), OnnxRuntimeAdaptor()
    quantised = adaptor.quantize(model, {("down", "MatMul"): config()}, loader((6,)))
    (add,) = [n for n in quantised.graph.node if n.op_type == "Add"]
    assert list(add.input) == ["h", "b1"]


def test_bias_is_int32_in_the_steps_of_the_product():
    adaptor = OnnxRuntimeAdaptor(bias_correction=False)
    tune_cfg = {("second", "Conv"): config("int8/sym/per_channel"), ("head", "Gemm"): config()}
    quantised = adaptor.quantize(cnn(), tune_cfg, loader((2, 6, 6)))
    for name in ("second", "head"):
        (_, input_scale, _), (_, scale, _, _), bias = inputs_read(quantised, name)
        assert bias[0].dtype == np.int32
        np.testing.assert_array_equal(bias[1], input_scale * scale)
        original = constants(cnn())[node_called(cnn(), name).input[2]]
        np.testing.assert_allclose(bias[0] * bias[1], original, atol=float(bias[1].max()))


def test_a_bias_beyond_int32_stays_float():
    model = cnn()
    (bias,) = [t for t in model.graph.initializer if t.name == "b3"]
    bias.CopyFrom(numpy_helper.from_array(np.float32([1e9, -1e9, 0]), "b3"))
    quantised = OnnxRuntimeAdaptor().quantize(
        model, {("head", "Gemm"): config()}, loader((2, 6, 6))
    )
    assert node_called(quantised, "head").input[2] == "b3"
    data = normal(0, 4, 2, 6, 6)
    np.testing.assert_allclose(
        outputs_of(quantised, data), outputs_of(model, data), atol=3, rtol=1e-3
    )


@pytest.mark.parametrize(
    ("attributes", "bias_type"),
    [({}, "int32"), ({"transA": 1}, "int32"), ({"alpha": 0.5}, None), ({"beta": 3.0}, None)],
)
def test_a_gemm_that_scales_or_transposes(attributes, bias_type):
    """QGemm knows no scaled bias, and the dynamic product no transposed activation either."""
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "g", **attributes)
    weights = {"w": skewed(1, 4, 3), "b": normal(2, 3)}
    model = build([node], weights, {"x": (4, 4)}, {"y": (4, 3)})
    data = normal(0, 4, 4)
    exact = outputs_of(model, data)
    for granularity, shape in (("per_tensor", ()), ("per_channel", (3,))):
        tune_cfg = {("g", "Gemm"): config(f"int8/sym/{granularity}")}
        quantised = OnnxRuntimeAdaptor().quantize(model, tune_cfg, [(data, 0)])
        _, weight, bias = inputs_read(quantised, "g")
        assert weight[1].shape == shape
        assert bias_type == (bias and bias[0].dtype)
        assert 0 < np.abs(outputs_of(quantised, data) - exact).max() < 0.05 * np.abs(exact).max()
    (operation,) = OnnxRuntimeAdaptor(DYNAMIC).capability(model).operations
    assert bool(integer_options(operation)) == (not attributes)


def test_a_bias_that_is_no_constant():
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "g")
    model = build([node], {"w": skewed(1, 4, 3)}, {"x": (2, 4), "b": (3,)}, {"y": (2, 3)})
    data = (normal(0, 2, 4), normal(1, 3))
    quantised = OnnxRuntimeAdaptor().quantize(model, {("g", "Gemm"): config()}, [(data, 0)])
    assert node_called(quantised, "g").input[2] == "b"
    (operation,) = OnnxRuntimeAdaptor(DYNAMIC).capability(model).operations
    assert integer_options(operation) == []


def test_the_bias_of_a_transposed_conv_stays_float():
    quantised = OnnxRuntimeAdaptor().quantize(
        up_convolution(), {("up", "ConvTranspose"): config()}, loader((2, 4, 4))
    )
    assert node_called(quantised, "up").input[2] == "b"


class Reader(CalibrationDataReader):
    def __init__(self, batches):
        self.left = iter(batches)

    def get_next(self):
        return next(({"x": x} for x, _ in self.left), None)


@pytest.mark.parametrize("granularity", ["per_tensor", "per_channel"])
def test_agrees_with_the_quantiser_of_onnxruntime(granularity, tmp_path):
    model, adaptor = cnn(), OnnxRuntimeAdaptor(bias_correction=False)
    onnx.save(model, tmp_path / "float.onnx")
    quantize_static(
        tmp_path / "float.onnx",
        tmp_path / "int.onnx",
        Reader(loader((2, 6, 6))),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        per_channel=granularity == "per_channel",
    )
    theirs = onnx.load(tmp_path / "int.onnx")
    tune_cfg = {key: config(f"int8/sym/{granularity}") for key in default(adaptor, model)}
    ours = adaptor.quantize(model, tune_cfg, loader((2, 6, 6)))
    for name in ("first", "second", "head"):
        for mine, other in zip(inputs_read(ours, name), inputs_read(theirs, name), strict=True):
            for a, b in zip(mine, other, strict=True):
                if isinstance(a, np.ndarray) and a.dtype == np.float32:
                    np.testing.assert_allclose(a, b, rtol=1e-6)
                else:
                    np.testing.assert_array_equal(a, b)


# ----------------------------------------------------------------------------------- calibration


def input_range(quantised, name="first"):
    _, scale, zero_point = inputs_read(quantised, name)[0]
    limits = np.iinfo(zero_point.dtype)
    return [float(scale) * (q - int(zero_point)) for q in (limits.min, limits.max)]


@pytest.mark.parametrize(
    ("size", "top"), [(1, 1), (3, 3), (4, 4), (6, 6), (7, 7), (12, 12), (99, 12)]
)
def test_so_many_samples_are_looked_at_and_no_more(size, top):
    data = np.zeros((12, 2, 6, 6), np.float32)
    data[:, 0, 0, 0] = np.arange(1, 13)  # sample k holds k + 1
    batches = [(data[i : i + 4], 0) for i in range(0, 12, 4)]
    tune_cfg = {("first", "Conv"): config(), "calib_sampling_size": size}
    quantised = OnnxRuntimeAdaptor().quantize(cnn(), tune_cfg, batches)
    assert input_range(quantised) == pytest.approx([0, top])


@pytest.mark.parametrize("batch", [1, 5])
def test_a_fixed_batch_size(batch):
    """Calibration and evaluation take other batch sizes than the model's own."""
    adaptor, model = OnnxRuntimeAdaptor(), cnn(batch)
    tune_cfg = default(adaptor, model) | {"calib_sampling_size": 7}
    quantised = adaptor.quantize(model, tune_cfg, loader((2, 6, 6)))
    free = OnnxRuntimeAdaptor().quantize(cnn(), tune_cfg, loader((2, 6, 6)))
    assert constants(quantised).keys() == constants(free).keys()
    for name, values in constants(free).items():
        np.testing.assert_allclose(constants(quantised)[name], values, rtol=1e-5, atol=1)

    def record(outputs, labels):
        collected.append((outputs, labels))
        return 0.0

    collected = []
    for each in (quantised, free):
        adaptor.evaluate(each, loader((2, 6, 6)), record)
    (outputs, labels), (expected, _) = collected
    assert outputs.shape == (12, 3)
    np.testing.assert_array_equal(labels, np.arange(12))
    np.testing.assert_allclose(outputs, expected, atol=0.3)


def test_the_algorithms_differ_on_outliers():
    data = normal(0, 40, 2, 6, 6)
    data[0, 0, 0, 0] = 50.0
    found = {
        algorithm: input_range(
            OnnxRuntimeAdaptor().quantize(
                cnn(), {("first", "Conv"): config(), "calib_algorithm": algorithm}, [(data, 0)]
            )
        )
        for algorithm in ("minmax", "entropy", "percentile")
    }
    # A level either side: the zero point is a whole number of levels.
    assert found["minmax"] == pytest.approx([data.min(), 50.0], abs=0.25)
    assert found["percentile"] == pytest.approx([data.min(), 50.0], abs=0.25)
    assert found["entropy"][0] > -13
    assert found["entropy"][1] < 40


def test_percentile_leaves_out_what_it_says():
    data = np.tile(np.linspace(-1, 1, 72, dtype=np.float32).reshape(1, 2, 6, 6), (4000, 1, 1, 1))
    data[:3, 0, 0, 0] = (-20, 20, 20)  # of 288000 values each tail drops 1.44
    tune_cfg = {("first", "Conv"): config(), "calib_algorithm": "percentile"}
    tune_cfg["calib_sampling_size"] = len(data)
    low, high = input_range(OnnxRuntimeAdaptor().quantize(cnn(), tune_cfg, [(data, 0)]))
    assert low == pytest.approx(-1, abs=0.1)
    assert high == pytest.approx(20, abs=0.1)


class Counting:
    """A dataloader that counts how often it is iterated."""

    def __init__(self, batches):
        self.batches, self.times = batches, 0

    def __iter__(self):
        self.times += 1
        return iter(self.batches)


def test_calibration_is_remembered_and_changes_nothing():
    model, adaptor, data = cnn(), OnnxRuntimeAdaptor(), Counting(loader((2, 6, 6)))
    tune_cfgs = [
        {("second", "Conv"): config(weight, activation), "calib_sampling_size": size}
        for size in (4, 8)
        for weight, activation in (
            ("int8/sym/per_tensor", "uint8/asym/per_tensor"),
            ("uint8/sym/per_channel", "int8/sym/per_tensor"),
        )
    ]
    fresh = [OnnxRuntimeAdaptor().quantize(model, c, loader((2, 6, 6))) for c in tune_cfgs]
    for _ in range(2):
        assert [adaptor.quantize(model, c, data) for c in tune_cfgs] == fresh
    assert data.times == 2  # once for each sampling size

    other = cnn()
    other.graph.initializer[0].CopyFrom(numpy_helper.from_array(normal(77, 4, 2, 3, 3), "w1"))
    expected = OnnxRuntimeAdaptor().quantize(other, tune_cfgs[0], loader((2, 6, 6)))
    assert adaptor.quantize(other, tune_cfgs[0], data) == expected
    assert data.times == 3


def test_only_so_many_calibrations_are_remembered():
    adaptor, data = OnnxRuntimeAdaptor(), Counting(loader((2, 6, 6), samples=4))
    sizes = range(1, REMEMBERED_CALIBRATIONS + 2)
    for size in (*sizes, 2, 1):
        adaptor.quantize(cnn(), {("head", "Gemm"): config(), "calib_sampling_size": size}, data)
    assert data.times == len(sizes) + 1  # 2 is still known, 1 is not


# --------------------------------------------------------------------------------------- dynamic


def dynamic_weight(model, name):
    """Return the integers, zero point and scale of the weight of an integer product."""
    node, arrays = node_called(model, name), constants(model)
    steps, zero_point = arrays[node.input[1]], arrays[node.input[3]]
    scale_input = producer(model, node.input[0]).output[1]
    (unit,) = [
        n
        for n in model.graph.node
        if n.op_type == "Mul"
        and scale_input in n.input
        and any(n.output[0] in m.input and name in m.input[0] for m in model.graph.node)
    ]
    return steps, zero_point, arrays[unit.input[1]]


@pytest.mark.parametrize("kind", ["cnn", "matmul"])
def test_every_dynamic_option_is_applied_and_runs(kind):
    model, shape, adaptor = MODELS[kind](), SHAPES[kind], OnnxRuntimeAdaptor(DYNAMIC)
    data = normal(0, 4, *shape)
    exact = outputs_of(model, data)
    for name, operation in options_of(adaptor, model).items():
        dtype = "uint8" if operation.type == "Conv" else "int8"
        assert operation.options[0] == config(f"{dtype}/sym/per_channel")
        seen = []
        for option in integer_options(operation):
            quantised = adaptor.quantize(model, {operation.key: option}, None)
            onnx.checker.check_model(quantised)
            assert option["activation"] == config()["activation"]
            product = node_called(quantised, name)
            assert product.op_type == (
                "ConvInteger" if operation.type == "Conv" else "MatMulInteger"
            )
            assert producer(quantised, product.input[0]).op_type == "DynamicQuantizeLinear"
            steps, zero_point, scale = dynamic_weight(quantised, name)
            assert steps.dtype == zero_point.dtype == option["weight"]["dtype"]
            channels = constants(model)[node_called(model, name).input[1]].shape
            channels = channels[1 if operation.type == "MatMul" else 0]
            per_channel = option["weight"]["granularity"] == "per_channel"
            assert scale.size == (channels if per_channel else 1)
            middle = {"int8": 0, "uint8": 128}[option["weight"]["dtype"]]
            assert (zero_point == middle).all() == (option["weight"]["scheme"] == "sym")
            others = [n for n in model.graph.node if n.name and n.name != name]
            for node in others:
                assert node_called(quantised, node.name) == node
            seen.append(outputs_of(quantised, data))
            assert 0 < np.abs(seen[-1] - exact).max() < 0.1 * np.abs(exact).max()
        assert len({output.tobytes() for output in seen}) == len(integer_options(operation))


def test_dynamic_conv_is_uint8_with_one_zero_point():
    options = options_of(OnnxRuntimeAdaptor(DYNAMIC), cnn())
    assert integer_options(options["first"]) == [
        config("uint8/sym/per_channel"),
        config("uint8/sym/per_tensor"),
    ]
    assert integer_options(options["head"]) == [
        config("int8/sym/per_channel"),
        config("int8/sym/per_tensor"),
        config("int8/asym/per_channel"),
    ]


def test_dynamic_mixes_choices_and_needs_no_data():
    model, adaptor = cnn(), OnnxRuntimeAdaptor(DYNAMIC)
    assert adaptor.capability(model).calibration_algorithms == ()
    tune_cfg = {
        ("first", "Conv"): config("uint8/sym/per_channel"),
        ("second", "Conv"): FP32,
        ("head", "Gemm"): config("int8/asym/per_channel"),
    }
    quantised = adaptor.quantize(model, tune_cfg, None)
    assert node_called(quantised, "second") == node_called(model, "second")
    assert dynamic_weight(quantised, "first")[0].dtype == np.uint8
    assert dynamic_weight(quantised, "head")[0].shape == (20, 3)
    assert {"w1", "w3"}.isdisjoint(constants(quantised))
    data = normal(0, 4, 2, 6, 6)
    exact = outputs_of(model, data)
    assert np.abs(outputs_of(quantised, data) - exact).max() < 0.05 * np.abs(exact).max()


# ------------------------------------------------------------------- evaluate, size, latency, save


def two_inputs():
    nodes = [helper.make_node("Sub", ["a", "b"], ["d"]), helper.make_node("Neg", ["d"], ["n"])]
    return build(nodes, {}, {"a": ("N", 2), "b": ("N", 2)}, {"d": ("N", 2), "n": ("N", 2)})


@pytest.mark.parametrize(
    "form", [tuple, list, lambda pair: dict(zip("ba", pair[::-1], strict=True))]
)
def test_evaluate_joins_the_batches(form):
    a, b = normal(1, 5, 2).astype(np.float64), normal(2, 5, 2)
    labels = np.arange(5)
    batches = [(form((a[i], b[i])), labels[i]) for i in (slice(0, 3), slice(3, 5))]

    def metric(outputs, given):
        difference, negative = outputs
        np.testing.assert_allclose(difference, (a - b).astype(np.float32), rtol=1e-5)
        np.testing.assert_array_equal(negative, -difference)
        np.testing.assert_array_equal(given, labels)
        return np.float32(0.25)

    result = OnnxRuntimeAdaptor().evaluate(two_inputs(), batches, metric)
    assert result == 0.25
    assert type(result) is float


def test_evaluate_gives_one_output_as_an_array_and_takes_single_labels():
    batches = [(x[:1], int(y[0])) for x, y in loader((2, 6, 6))]

    def metric(outputs, labels):
        assert outputs.shape == (3, 3)
        assert labels.tolist() == [0, 4, 8]
        return 1

    assert OnnxRuntimeAdaptor().evaluate(cnn(), batches, metric) == 1.0


def test_inputs_of_fixed_sizes_that_differ_are_run_as_they_are():
    node = helper.make_node("Sub", ["a", "b"], ["y"])
    model = build([node], {}, {"a": (5, 2), "b": (1, 2)}, {"y": (5, 2)})
    batch = (np.full((5, 2), 3.0), np.ones((1, 2)))
    assert OnnxRuntimeAdaptor().evaluate(model, [(batch, 0)], lambda y, _: y.sum()) == 20


def test_paths_are_read_and_left_alone(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    model, adaptor, path = cnn(), OnnxRuntimeAdaptor(), str(tmp_path / "m.onnx")
    before = model.SerializeToString()
    adaptor.save(model, path)
    data = loader((2, 6, 6))
    assert adaptor.capability(path) == adaptor.capability(model)
    tune_cfg = default(adaptor, model) | {"calib_algorithm": "entropy"}
    assert adaptor.quantize(path, tune_cfg, data) == adaptor.quantize(model, tune_cfg, data)
    assert adaptor.size(path) == adaptor.size(model) == len(before)
    mean = adaptor.evaluate(model, data, lambda o, _: o.mean())
    assert adaptor.evaluate(path, data, lambda o, _: o.mean()) == mean
    assert 0 < adaptor.timer(path, data)() < 1
    assert model.SerializeToString() == before
    assert (tmp_path / "m.onnx").read_bytes() == before
    assert set(os.listdir(tmp_path)) == {"scratch", "m.onnx"}
    assert os.listdir(scratch) == []
    adaptor.save(path, str(tmp_path / "copy.onnx"))
    assert onnx.load(tmp_path / "copy.onnx") == model


def test_a_quantised_model_is_smaller():
    node = helper.make_node("MatMul", ["x", "w"], ["y"], "m")
    model = build([node], {"w": skewed(1, 100, 100)}, {"x": ("N", 100)}, {"y": ("N", 100)})
    for approach in ("post_training_static_quant", DYNAMIC):
        adaptor = OnnxRuntimeAdaptor(approach)
        quantised = adaptor.quantize(model, default(adaptor, model), loader((100,)))
        assert adaptor.size(quantised) < 0.3 * adaptor.size(model)


@pytest.mark.parametrize(("threads", "clock"), [(1, "thread_time"), (2, "perf_counter")])
def test_a_timer_runs_the_first_batch(threads, clock, monkeypatch):
    ticks = iter([0, 9, 10, 13])
    monkeypatch.setattr(f"time.{clock}", lambda: next(ticks))
    data = Counting(loader((2, 6, 6)))
    run = OnnxRuntimeAdaptor(threads=threads).timer(cnn(), data)
    assert [run(), run()] == [9, 3]
    assert data.times == 1


def test_a_coarse_clock_is_not_used(monkeypatch):
    coarse = SimpleNamespace(resolution=0.015)
    monkeypatch.setattr("time.get_clock_info", lambda name: coarse)
    ticks = iter([0, 9])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    assert OnnxRuntimeAdaptor().timer(cnn(), loader((2, 6, 6)))() == 9


def test_the_memory_of_a_larger_model_is_larger():
    node = helper.make_node("MatMul", ["x", "w"], ["y"], "m")
    small, large = (
        build([node], {"w": skewed(1, 100, n)}, {"x": ("N", 100)}, {"y": ("N", n)})
        for n in (10, 100_000)
    )
    adaptor, data = OnnxRuntimeAdaptor(), loader((100,))
    difference = adaptor.footprint(large, data) - adaptor.footprint(small, data)
    assert difference > adaptor.size(large) / 2


def test_a_process_that_fails_says_why(monkeypatch):
    monkeypatch.setattr("strategies.adaptors.peak.__file__", "nowhere.py")
    with pytest.raises(AdaptorError, match=r"memory of the model.*nowhere\.py"):
        OnnxRuntimeAdaptor().footprint(cnn(), loader((2, 6, 6)))


def test_the_peak_is_that_of_the_program(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(cnn(), path)
    feed = tmp_path / "feed.npz"
    name = cnn().graph.input[0].name
    np.savez(feed, **{name: loader((2, 6, 6))[0][0]})
    assert peak.main("onnx", str(path), str(feed), 1) >= 0


def test_as_many_threads_as_asked_for(monkeypatch):
    opened = []

    def open_session(model, options, **extra):
        opened.append((options.intra_op_num_threads, options.inter_op_num_threads))
        return real(model, options, **extra)

    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", open_session)
    for adaptor in (OnnxRuntimeAdaptor(), OnnxRuntimeAdaptor(threads=2)):
        adaptor.evaluate(cnn(), loader((2, 6, 6)), lambda *_: 0)
    assert opened == [(1, 1), (2, 1)]


def test_nothing_is_printed_or_logged(capfd, caplog):
    model, data = cnn(names=("", "", "")), loader((2, 6, 6))
    for approach in ("post_training_static_quant", DYNAMIC):
        adaptor = OnnxRuntimeAdaptor(approach)
        for algorithm in adaptor.capability(model).calibration_algorithms or (None,):
            tune_cfg = default(adaptor, model) | {"calib_algorithm": algorithm}
            adaptor.evaluate(adaptor.quantize(model, tune_cfg, data), data, lambda *_: 0)
    with pytest.raises(AdaptorError, match="cannot run"):  # deep inside, which it would log
        OnnxRuntimeAdaptor().evaluate(two_inputs(), [((np.ones((2, 2)), np.ones((3, 2))), 0)], max)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_configurations_may_come_from_json():
    adaptor, model = OnnxRuntimeAdaptor(), cnn()
    option = json.loads(json.dumps(adaptor.capability(model).operations[0].options[3]))
    quantised = adaptor.quantize(model, {("first", "Conv"): option}, loader((2, 6, 6)))
    assert inputs_read(quantised, "first")[0] is not None


# ---------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("tune_cfg", "message"),
    [
        ({("nobody", "Conv"): FP32}, r"tune_cfg\[\('nobody', 'Conv'\)\]: no such node.*first"),
        ({("first", "Gemm"): FP32}, r"tune_cfg\[\('first', 'Gemm'\)\]: no such node"),
        ({"calib_size": 3}, r"tune_cfg\['calib_size'\]: no such node"),
        ({("first", "Conv"): config("int2/sym/per_tensor")},
         r"\['weight'\]\['dtype'\] is 'int2', expected one of fp16, int4, int8, uint4, uint8"),
        ({("first", "Conv"): config(activation="uint8/asym/per_channel")},
         r"\['activation'\]\['granularity'\] is 'per_channel', expected one of per_tensor"),
        ({("first", "Conv"): {"weight": FP32["weight"], "activation": config()["activation"]}},
         r"\['weight'\]\['dtype'\] is 'fp32'"),
        ({("first", "Conv"): {"weight": config()["weight"]}}, r"\['activation'\].* is None"),
        ({("first", "Conv"): "int8"}, r"\['weight'\]\['dtype'\] is None"),
        ({("first", "Conv"): config() | {"bias": {}}}, "is {.*'bias'"),
        ({"calib_sampling_size": 0}, "is 0, expected an integer of at least 1"),
        ({"calib_sampling_size": 1.5}, "'calib_sampling_size'] is 1.5"),
        ({"calib_algorithm": "kl"}, "is 'kl', expected one of mse, minmax, entropy, percentile"),
    ],
)  # fmt: skip
def test_what_a_tune_configuration_cannot_say(tune_cfg, message):
    with pytest.raises(AdaptorError, match=message):
        OnnxRuntimeAdaptor().quantize(cnn(), tune_cfg, loader((2, 6, 6)))


@pytest.mark.parametrize(
    ("approach", "weight", "message"),
    [
        ("post_training_static_quant", "int8/asym/per_channel", "no kernel for Conv"),
        (DYNAMIC, "uint8/asym/per_channel", "no kernel for Conv"),
        (DYNAMIC, "int8/sym/per_tensor", "no kernel for Conv"),
    ],
)
def test_what_no_kernel_of_a_conv_can_do(approach, weight, message):
    with pytest.raises(AdaptorError, match=message):
        OnnxRuntimeAdaptor(approach).quantize(cnn(), {("first", "Conv"): config(weight)}, None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "dataloader is None"),
        ([], "no sample"),
        ([normal(0, 1, 2, 6, 6)], r"batch 0 is a ndarray, expected a pair"),
        ([((normal(0, 1, 2, 6, 6),) * 2, 0)], "batch 0 has 2 inputs, expected 1: x"),
        ([({"z": normal(0, 1, 2, 6, 6)}, 0)], r"batch 0 has the inputs \['z'\], expected \['x'\]"),
        ([(np.full((1, 2, 6, 6), 1j), 0)], "batch 0 holds complex128"),
        ([(np.full((1, 2, 6, 6), np.inf), 0)], "holds values that are not finite"),
        ([(normal(0, 1, 2, 6, 7), 0)], r"cannot run x of shape \(1, 2, 6, 7\)"),
    ],
)
def test_dataloaders_that_do_not_fit(data, message):
    with pytest.raises(AdaptorError, match=message):
        OnnxRuntimeAdaptor().quantize(cnn(), {("first", "Conv"): config()}, data)


@pytest.mark.parametrize("ask", ["evaluate", "timer", "footprint"])
def test_an_empty_dataloader(ask):
    metric = (lambda *_: 0,) if ask == "evaluate" else ()
    with pytest.raises(AdaptorError, match="no batch"):
        getattr(OnnxRuntimeAdaptor(), ask)(cnn(), [], *metric)


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\x08", None])
def test_files_that_are_not_onnx(content, tmp_path):
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    adaptor = OnnxRuntimeAdaptor()
    for ask in (
        lambda: adaptor.capability(str(path)),
        lambda: adaptor.quantize(path, {}, None),
        lambda: adaptor.evaluate(path, loader((2, 6, 6)), lambda *_: 0),
        lambda: adaptor.save(path, str(tmp_path / "copy.onnx")),
    ):
        with pytest.raises(AdaptorError, match=r"m\.onnx"):
            ask()


def test_what_is_no_model():
    adaptor = OnnxRuntimeAdaptor()
    with pytest.raises(AdaptorError, match="model is a int, expected a path"):
        adaptor.capability(3)
    with pytest.raises(AdaptorError, match=r"nowhere\.onnx is not a file"):
        adaptor.size("nowhere.onnx")
    broken = cnn()
    broken.graph.node[0].op_type = "Nonesuch"
    with pytest.raises(AdaptorError, match=r"cannot load it.*Nonesuch"):
        adaptor.timer(broken, loader((2, 6, 6)))


@pytest.mark.parametrize(
    ("given", "message"),
    [({"approach": "quant_aware"}, "approach is 'quant_aware'"), ({"threads": 0}, "threads is 0")],
)
def test_adaptors_that_cannot_be(given, message):
    with pytest.raises(StrategyError, match=message):
        OnnxRuntimeAdaptor(**given)
