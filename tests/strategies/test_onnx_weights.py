"""Weights in fewer bits: what the saved file says, and what ONNX Runtime makes of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx_models import (
    build,
    cnn,
    normal,
    product,
    recurrent,
    skewed,
    table,
    up_convolution,
)

from strategies.adaptors.base import FP32, OpConfig, Operation
from strategies.adaptors.onnx import options as onnx_options
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import APPROACHES, DYNAMIC, STATIC, WEIGHT_ONLY
from strategies.errors import AdaptorError

Array = NDArray[Any]

INDICES = np.random.default_rng(0).integers(0, 50, (4, 3))
STEPS = normal(0, 7, 3, 5)

CASES: dict[str, tuple[onnx.ModelProto, Array]] = {
    "Conv": (cnn(), normal(0, 4, 2, 6, 6)),
    "ConvTranspose": (up_convolution(), normal(0, 4, 2, 4, 4)),
    "MatMul": (product(), normal(0, 4, 100)),
    "Gemm": (product(operator="Gemm"), normal(0, 4, 100)),
    "Gemm, transposed": (product(operator="Gemm", transB=1), normal(0, 4, 100)),
    "Gemm, scaled": (product(operator="Gemm", alpha=0.5), normal(0, 4, 100)),
    "Gather": (table(40), INDICES),
    "Gather, cubes": (table(4, 5), INDICES),
    "LSTM": (recurrent(), STEPS),
    "LSTM, both ways": (recurrent(directions=2), STEPS),
    "GRU": (recurrent("GRU"), STEPS),
}

ERRORS = {"fp16": 1e-3, "int8": 0.02, "uint8": 0.02, "int4": 0.35, "uint4": 0.25}
"""By how much the output may be off, in parts of its greatest value."""


def computed(model: onnx.ModelProto, x: Array, optimised: bool = True) -> Array:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")  # in floats
    if not optimised:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return np.asarray(session.run(None, {"x": x})[0])


def kernels(model: onnx.ModelProto, folder: Path) -> Counter[str]:
    """Count the operators that ONNX Runtime runs in the end."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options)
    return Counter(n.op_type for n in onnx.load(options.optimized_model_filepath).graph.node)


def saved(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    """Return a model as it is read back from its file."""
    OnnxRuntimeAdaptor().save(model, str(folder / "m.onnx"))
    onnx.checker.check_model(folder / "m.onnx")
    return onnx.load(folder / "m.onnx")


def constants(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in model.graph.initializer}


def array(tensor: onnx.TensorProto) -> Array:
    """Return the values of a tensor; those of 4 bits unpacked here anew."""
    if tensor.data_type not in (TensorProto.INT4, TensorProto.UINT4):
        return numpy_helper.to_array(tensor)
    halves = np.frombuffer(tensor.raw_data, np.uint8)
    values = np.stack([halves & 15, halves >> 4], axis=-1).ravel().astype(np.int8)
    values = values[: int(np.prod(tensor.dims))].reshape(tensor.dims)
    is_signed = tensor.data_type == TensorProto.INT4
    return np.where(values > 7, values - 16, values) if is_signed else values


def reference(weight: Array, side: Any, axis: int) -> tuple[Array, Array, Array]:
    """Quantise channel by channel, in plain loops: the integers, scales and zero points."""
    least, most = {"int8": (-127, 127), "int4": (-7, 7), "uint4": (0, 15)}[side["dtype"]]
    channels = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1).astype(np.float64)
    if side["granularity"] == "per_tensor":
        channels = channels.reshape(1, -1)
    width = 32 if side["granularity"] == "per_block" else channels.shape[1]
    steps, scales, zeros = np.empty(channels.shape), [], []
    for row, values in enumerate(channels):
        for start in range(0, len(values), width):
            part = values[start : start + width]
            scale, zero, counted = best_of(part, side, least, most)
            steps[row, start : start + width] = counted
            scales.append(scale)
            zeros.append(zero)
    shape = (len(channels), -1)
    moved = np.moveaxis(weight, axis, 0).shape
    return (
        np.moveaxis(steps.reshape(moved), 0, axis),
        np.reshape(scales, shape),
        np.reshape(zeros, shape),
    )


def best_of(part: Array, side: Any, least: int, most: int) -> tuple[np.float32, float, Array]:
    """Return scale, zero point and integers of values; of 4 bits those that lose least."""
    found = []
    for percent in range(100, 60, -5) if "4" in side["dtype"] else (100,):
        low, high = min(part.min(), 0.0) * percent / 100, max(part.max(), 0.0) * percent / 100
        if side["scheme"] == "sym":
            high = max(-low, high)
            low = -high
        scale = np.float32((high - low) / (most - least))
        zero = 0.0 if side["scheme"] == "sym" else np.round(least - low / ((high - low) / 15))
        bottom = {"int8": -128, "int4": -8, "uint4": 0}[side["dtype"]]
        counted = np.clip(np.round(part.astype(np.float32) / scale) + zero, bottom, most)
        lost = np.square((counted - zero) * np.float64(scale) - part).sum()
        found.append((lost, scale, zero, counted))
    _, scale, zero, counted = min(found, key=lambda one: one[0])
    return scale, float(zero), counted


def only_weights(operation: Operation) -> list[OpConfig]:
    return [o for o in operation.options[:-1] if o["activation"] == {"dtype": "fp32"}]


def each_option(approach: str, kind: str) -> list[tuple[Operation, OpConfig]]:
    operations = OnnxRuntimeAdaptor(approach).capability(CASES[kind][0]).operations
    return [(operation, option) for operation in operations for option in only_weights(operation)]


# ---------------------------------------------------------------------------------- what is offered


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "Conv",
            ["int8 sym per_channel", "fp16", "int4 sym per_channel", "uint4 asym per_channel"],
        ),
        (
            "Gather",
            [
                "int8 sym per_channel",
                "int8 sym per_tensor",
                "fp16",
                "int4 sym per_block",
                "uint4 asym per_block",
            ],
        ),
        ("Gather, cubes", ["int8 sym per_channel", "int8 sym per_tensor", "fp16"]),
        ("LSTM", ["int8 sym per_channel", "fp16"]),
        ("GRU", ["int8 sym per_channel", "fp16"]),
        (
            "MatMul",
            [
                "int8 sym per_channel",
                "fp16",
                "int4 sym per_block",
                "uint4 asym per_block",
                "int4 sym per_channel",
            ],
        ),
    ],
)
def test_weights_alone_are_offered_in_every_approach(kind: str, expected: list[str]) -> None:
    for approach in APPROACHES:
        operation = OnnxRuntimeAdaptor(approach).capability(CASES[kind][0]).operations[0]
        assert [" ".join(o["weight"].values()) for o in only_weights(operation)] == expected
        assert operation.options[-1] == FP32
        if approach == WEIGHT_ONLY:
            assert len(operation.options) == len(expected) + 1


def test_ranks_go_by_the_error_of_the_weight() -> None:
    (operation,) = OnnxRuntimeAdaptor().capability(product()).operations
    ranks = zip(operation.ranks or (), operation.options, strict=True)
    ordered = [option for _, option in sorted(ranks, key=lambda pair: pair[0])]
    dtypes = [(o["weight"]["dtype"], o["activation"]["dtype"]) for o in ordered]
    assert dtypes[:2] == [("fp32", "fp32"), ("fp16", "fp32")]
    assert dtypes[-3:] == [("uint4", "fp32"), ("int4", "fp32"), ("int4", "fp32")]
    by_channel = [o for o in ordered if o["weight"] == operation.options[0]["weight"]]
    assert [o["activation"].get("scheme") for o in by_channel] == [None, "asym", "sym"]


def test_asymmetric_weights_are_offered_where_they_are_more_exact() -> None:
    model = product()
    (tensor,) = model.graph.initializer
    half = normal(1, 50, 7)
    centred = np.vstack([half, -half])  # as far below zero as above
    tensor.CopyFrom(numpy_helper.from_array(centred * 127 / np.abs(centred).max(0), "w"))
    (operation,) = OnnxRuntimeAdaptor().capability(model).operations
    schemes = {o["weight"].get("scheme") for o in operation.options if "8" in o["weight"]["dtype"]}
    assert schemes == {"sym"}


def test_blocks_that_hold_a_whole_channel_are_offered_once() -> None:
    (operation,) = OnnxRuntimeAdaptor(WEIGHT_ONLY).capability(product(width=32)).operations
    sides = [" ".join(option["weight"].values()) for option in operation.options]
    assert "int4 sym per_block" in sides
    assert "int4 sym per_channel" not in sides


def test_of_a_large_weight_a_part_tells_how_exact_an_option_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = OnnxRuntimeAdaptor().capability(product(100, 40)).operations
    monkeypatch.setattr(onnx_options, "MOST_LOOKED_AT", 1000)
    looked_at: list[tuple[int, ...]] = []
    real = onnx_options.quantize
    monkeypatch.setattr(
        onnx_options, "quantize", lambda w, *more: looked_at.append(w.shape) or real(w, *more)
    )
    assert OnnxRuntimeAdaptor().capability(product(100, 40)).operations == whole
    assert set(looked_at) == {(100, 10)}


def test_a_weight_beyond_the_range_of_fp16_is_cut() -> None:
    model = product()
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(1e6 * skewed(1, 100, 7), "w"))
    (operation,) = OnnxRuntimeAdaptor(WEIGHT_ONLY).capability(model).operations
    half = next(o for o in operation.options if o["weight"]["dtype"] == "fp16")
    assert (operation.ranks or ())[operation.options.index(half)] > 1  # not the most exact
    quantised = OnnxRuntimeAdaptor(WEIGHT_ONLY).quantize(model, {operation.key: half}, None)
    assert np.isfinite(computed(quantised, normal(0, 4, 100))).all()


# ------------------------------------------------------------------------------- what is written


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize("kind", CASES)
def test_every_option_is_in_the_file_and_computes_what_it_says(
    kind: str, approach: str, tmp_path: Path
) -> None:
    """Read back dtype, scale and zero point; put the floats that they mean into the model."""
    model, x = CASES[kind]
    adaptor = OnnxRuntimeAdaptor(approach, bias_correction=False)
    exact = computed(model, x)
    for operation, option in each_option(approach, kind):
        quantised = saved(adaptor.quantize(model, {operation.key: option}, [(x, 0)]), tmp_path)
        meant = onnx.ModelProto.FromString(model.SerializeToString())
        (node,) = [n for n in model.graph.node if n.name == operation.name]
        for place in {"Gather": (0,), "LSTM": (1, 2), "GRU": (1, 2)}.get(node.op_type, (1,)):
            weight = constants(meant)[node.input[place]]
            floats = read_back(quantised, numpy_helper.to_array(weight), node, place, option)
            assert weight.name not in constants(quantised)
            weight.CopyFrom(numpy_helper.from_array(floats, weight.name))
        expected, found = computed(meant, x), computed(quantised, x)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
        unoptimised = computed(quantised, x, optimised=False)
        np.testing.assert_allclose(unoptimised, expected, rtol=1e-4, atol=1e-4)
        lost = np.abs(found - exact).max() / np.abs(exact).max()
        assert 0 < lost < ERRORS[option["weight"]["dtype"]]


def read_back(
    model: onnx.ModelProto, weight: Array, node: onnx.NodeProto, place: int, option: OpConfig
) -> Array:
    """Return the floats that the file holds of a weight, having checked how it holds them."""
    side, tensors = option["weight"], constants(model)
    stem = node.input[place]
    held = {n: t for n, t in tensors.items() if n.startswith(f"{stem}/q")}
    if side["dtype"] == "fp16":
        (half,) = held.values()
        assert half.data_type == TensorProto.FLOAT16
        np.testing.assert_array_equal(array(half), weight.astype(np.float16))
        return array(half).astype(np.float32)
    (steps,) = [t for n, t in held.items() if n.endswith("_q")]
    (scale,) = [t for n, t in held.items() if n.endswith(("_scale", "_scales"))]
    zeros = [t for n, t in held.items() if n.endswith("_zero_point")]
    assert steps.data_type == TensorProto.DataType.Value(side["dtype"].upper())
    assert len(zeros) == (side["scheme"] == "asym")
    found, found_scale = array(steps), array(scale)
    if found.shape != weight.shape:  # a Gemm that became a MatMul
        found, found_scale = found.T, found_scale.T
    if node.op_type in ("LSTM", "GRU"):
        rows = weight.reshape(-1, weight.shape[-1])
        expected, scales, _ = reference(rows, side, 0)
        np.testing.assert_array_equal(found.reshape(rows.shape), expected)
        assert found_scale.shape == (*weight.shape[:2], 1)
        np.testing.assert_allclose(found_scale.ravel(), scales.ravel(), rtol=1e-6)
        return (found * found_scale).astype(np.float32)
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    axis = {"Conv": 0, "Gather": 0, "Gemm": 0 if transposed else 1}.get(node.op_type, 1)
    expected, scales, offsets = reference(weight, side, axis)
    np.testing.assert_array_equal(found, expected)
    by_block = side["granularity"] == "per_block"
    shaped = scales if axis == 0 or not by_block else scales.T
    np.testing.assert_allclose(found_scale.ravel(), shaped.ravel(), rtol=1e-6)
    if zeros:
        zero_point = array(zeros[0])
        if zero_point.shape != found_scale.shape:
            zero_point = zero_point.T
        np.testing.assert_array_equal(
            zero_point.ravel(), offsets.ravel() if axis == 0 else (offsets.T.ravel())
        )
        assert zeros[0].data_type == steps.data_type
    if by_block:
        assert shaped.shape == found_scale.shape
        width = weight.shape[1 - axis]
        scales, offsets = (np.repeat(part, 32, 1)[:, :width] for part in (scales, offsets))
    channels = np.moveaxis(expected, axis, 0).reshape(weight.shape[axis], -1)
    moved = ((channels - offsets) * scales).reshape(np.moveaxis(weight, axis, 0).shape)
    return np.moveaxis(moved, 0, axis).astype(np.float32)


def test_four_bits_take_a_newer_opset_and_nothing_else_does() -> None:
    model, adaptor = product(), OnnxRuntimeAdaptor(WEIGHT_ONLY)
    (operation,) = adaptor.capability(model).operations
    for option in operation.options:
        quantised = adaptor.quantize(model, {operation.key: option}, None)
        is_new = "4" in option["weight"]["dtype"]
        assert quantised.opset_import[0].version == (21 if is_new else 17)
        assert quantised.ir_version == (10 if is_new else 8)


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU"])
def test_eight_and_sixteen_bits_cost_a_run_nothing(kind: str, tmp_path: Path) -> None:
    """ONNX Runtime makes the floats once, as it loads the model."""
    model, _ = CASES[kind]
    for operation, option in each_option(WEIGHT_ONLY, kind):
        if option["weight"]["dtype"] in ("int8", "fp16"):
            quantised = OnnxRuntimeAdaptor(WEIGHT_ONLY).quantize(
                model, {operation.key: option}, None
            )
            assert kernels(quantised, tmp_path) == kernels(model, tmp_path)


@pytest.mark.parametrize("kind", ["MatMul", "Gemm", "Gemm, transposed"])
def test_four_bits_by_blocks_stay_four_bits(kind: str, tmp_path: Path) -> None:
    model, _ = CASES[kind]
    for operation, option in each_option(WEIGHT_ONLY, kind):
        if option["weight"].get("granularity") == "per_block":
            quantised = OnnxRuntimeAdaptor(WEIGHT_ONLY).quantize(
                model, {operation.key: option}, None
            )
            assert kernels(quantised, tmp_path) == {"MatMulNBits": 1}


def test_a_table_stays_small_in_memory(tmp_path: Path) -> None:
    model, _ = CASES["Gather"]
    for operation, option in each_option(WEIGHT_ONLY, "Gather"):
        quantised = OnnxRuntimeAdaptor(WEIGHT_ONLY).quantize(model, {operation.key: option}, None)
        kernels(quantised, tmp_path)
        optimised = onnx.load(tmp_path / "optimized.onnx")
        floats = [t for t in optimised.graph.initializer if t.data_type == TensorProto.FLOAT]
        assert sum(int(np.prod(t.dims)) for t in floats) <= 50 * 2  # scales alone
        tables = [t for t in optimised.graph.initializer if int(np.prod(t.dims)) == 50 * 40]
        assert len(tables) == 1
        assert tables[0].data_type != TensorProto.FLOAT


def test_nodes_of_one_weight_share_what_they_hold_alike() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "a"),
        helper.make_node("MatMul", ["h", "w"], ["i"], "b"),
        helper.make_node("MatMul", ["i", "w"], ["y"], "c"),
    ]
    model = build(nodes, {"w": skewed(1, 40, 40)}, {"x": ("N", 40)}, {"y": ("N", 40)})
    adaptor = OnnxRuntimeAdaptor(WEIGHT_ONLY)
    option = adaptor.capability(model).operations[0].options[0]
    one = adaptor.quantize(model, {(name, "MatMul"): option for name in "abc"}, None)
    assert adaptor.size(one) < 0.4 * adaptor.size(model)
    (held,) = [t for t in one.graph.initializer if t.data_type == TensorProto.INT8]
    assert held.dims == [40, 40]


def test_a_float_neighbour_reads_what_it_read_before() -> None:
    """A Conv whose weight alone is held in fewer bits counts as float for those around it."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "a"),
        helper.make_node("Conv", ["a", "w2"], ["b"], "b"),
        helper.make_node("Add", ["a", "b"], ["y"], "sum"),
    ]
    shape = ("N", 2, 4, 4)
    weights = {"w1": skewed(1, 2, 2, 1, 1), "w2": skewed(2, 2, 2, 1, 1)}
    model = build(nodes, weights, {"x": shape}, {"y": shape})
    adaptor, data = OnnxRuntimeAdaptor(), [(normal(0, 4, 2, 4, 4), 0)]
    first, second = adaptor.capability(model).operations
    alone = only_weights(second)[0]
    quantised = adaptor.quantize(model, {first.key: first.options[0], second.key: alone}, data)
    by_name = {n.name: n for n in quantised.graph.node}
    assert by_name["b"].input[0] == "a"
    assert by_name["sum"].input[0] == "a"


# ------------------------------------------------------------------------------ LSTM in integers


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("granularity", ["per_channel", "per_tensor"])
def test_an_lstm_in_integers(granularity: str, directions: int, tmp_path: Path) -> None:
    model, adaptor = recurrent(directions=directions), OnnxRuntimeAdaptor(DYNAMIC)
    (operation,) = adaptor.capability(model).operations
    assert operation.options[0]["weight"]["granularity"] == "per_channel"
    option = {
        "weight": {"dtype": "int8", "scheme": "sym", "granularity": granularity},
        "activation": {"dtype": "uint8", "scheme": "asym", "granularity": "per_tensor"},
    }
    assert option in operation.options
    quantised = saved(adaptor.quantize(model, {operation.key: option}, None), tmp_path)
    (node,) = quantised.graph.node
    assert (node.op_type, node.domain, node.name) == (
        "DynamicQuantizeLSTM",
        "com.microsoft",
        "recurrent",
    )
    held, floats = constants(quantised), constants(model)
    for place, scale_place, stem in ((1, 8, "W"), (2, 10, "R")):
        weight = numpy_helper.to_array(floats[stem])
        steps, scale, zero = (
            array(held[node.input[p]]) for p in (place, scale_place, scale_place + 1)
        )
        shape = (directions, 24) if granularity == "per_channel" else (directions,)
        assert scale.shape == zero.shape == shape
        assert not zero.any()
        assert steps.dtype == zero.dtype == np.int8
        others = 2 if granularity == "per_channel" else (1, 2)
        np.testing.assert_allclose(scale, np.abs(weight).max(axis=others) / 127, rtol=1e-6)
        spread = scale.reshape(directions, -1, 1)
        np.testing.assert_array_equal(steps, np.round(weight / spread).transpose(0, 2, 1))
    lost = np.abs(computed(quantised, STEPS) - computed(model, STEPS)).max()
    assert 0 < lost < 0.06


def test_an_lstm_by_batches_first_has_no_integer_kernel() -> None:
    (operation,) = OnnxRuntimeAdaptor(DYNAMIC).capability(recurrent(layout=1)).operations
    assert only_weights(operation) == list(operation.options[:-1])


# ---------------------------------------------------------------------------------- whole models


def test_nothing_chosen_leaves_the_model_as_it_was() -> None:
    for approach in APPROACHES:
        model, x = CASES["Conv"]
        quantised = OnnxRuntimeAdaptor(approach).quantize(model, {}, None)
        np.testing.assert_array_equal(computed(quantised, x), computed(model, x))


def test_weights_alone_take_no_data() -> None:
    for approach in (STATIC, WEIGHT_ONLY):
        adaptor = OnnxRuntimeAdaptor(approach)
        operation = adaptor.capability(product()).operations[0]
        option = only_weights(operation)[0]
        assert adaptor.quantize(product(), {operation.key: option}, None).graph.node


def test_activations_are_not_quantised_with_weights_alone() -> None:
    operation = OnnxRuntimeAdaptor().capability(product()).operations[0]
    with pytest.raises(AdaptorError, match=r"'activation'.*is 'uint8', expected one of fp32"):
        OnnxRuntimeAdaptor(WEIGHT_ONLY).quantize(
            product(), {operation.key: operation.options[0]}, None
        )
